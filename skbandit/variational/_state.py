"""What a variational bandit has learnt, as one record."""

from typing import NamedTuple

import numpy as np

from ._prior import anchor_of, center_of, relative_scale

# Fields that are sums over rounds, one a group.
SUMS = (
    "gram",
    "moment",
    "weight",
    "successes",
    "failures",
    "reward_sum",
    "reward_square",
    "residual_square",
)


class VariationalState(NamedTuple):
    """What rounds have added to the prior about each group's weights, and what was counted.

    A group is an arm, or all arms where they share their weights. The scale of the output's prior
    stays a parameter, and every round is counted once.
    """

    gram: np.ndarray  # (n_groups, n_weights[, n_weights]), added to the prior's precision
    moment: np.ndarray  # (n_groups, n_weights), added to its precision times its mean
    weight: np.ndarray  # (n_groups,), total weight of the rounds
    successes: np.ndarray  # (n_groups,), sum of rewards in [0, 1]
    failures: np.ndarray  # (n_groups,), what these lacked to 1
    reward_sum: np.ndarray  # (n_groups,), sum of Gaussian rewards
    reward_square: np.ndarray  # (n_groups,), sum of squares of Gaussian rewards
    residual_square: np.ndarray  # (n_groups,), what the network leaves unexplained of it
    n_categories: np.ndarray  # (n_features,)
    anchor: np.ndarray  # (n_weights,), deviates behind the prior means of hidden weights
    center: np.ndarray  # (n_groups, n_weights), prior means of hidden weights
    spread: np.ndarray  # (n_groups, n_weights), prior scale in units of the prior's own

    @classmethod
    def of_nothing(cls, n_groups, n_categories, layout, *, is_diagonal):
        """The state before any round."""
        by_weight = (n_groups, layout.n_weights)
        anchor = anchor_of(layout)
        return cls(
            gram=np.zeros(by_weight if is_diagonal else (*by_weight, layout.n_weights)),
            moment=np.zeros(by_weight),
            **{name: np.zeros(n_groups) for name in SUMS[2:]},
            n_categories=n_categories,
            anchor=anchor,
            center=np.tile(center_of(layout, anchor), (n_groups, 1)),
            spread=np.tile(relative_scale(layout), (n_groups, 1)),
        )

    @property
    def location(self):
        """Mean of all Gaussian rewards seen: where the prior of the outputs lies."""
        total = self.weight.sum()
        return float(self.reward_sum.sum() / total) if total > 0 else 0.0

    @property
    def reward_unit(self):
        """Standard deviation of all Gaussian rewards seen: the unit of the output's prior."""
        total, location = self.weight.sum(), self.location
        if not total > 0 or not self.reward_square.any():
            return 1.0
        variance = self.reward_square.sum() / total - location * location
        # What is left of rewards that are all alike is rounding; they do not tell their unit.
        if variance <= 1e-12 * location * location:
            return abs(location) or 1.0
        return float(np.sqrt(variance))

    def counting(self, group, reward, weight, is_share):
        """Return the state that has counted rounds, and has learnt nothing else from them.

        Parameters
        ----------
        group : ndarray of int of shape (n,)
        reward, weight : ndarray of shape (n,)
        is_share : bool
            Whether rewards are shares of successes.
        """

        def more(known, values):
            return known + np.bincount(group, values, minlength=len(known))

        state = self._replace(weight=more(self.weight, weight))
        if not is_share:
            return state._replace(
                reward_sum=more(self.reward_sum, weight * reward),
                reward_square=more(self.reward_square, weight * reward**2),
            )
        return state._replace(
            successes=more(self.successes, weight * reward),
            failures=more(self.failures, weight * (1.0 - reward)),
        )
