"""Thompson sampling for arms with quantities: draws of a smooth reward, maximised over the box."""

from numbers import Integral, Real
from typing import NamedTuple
from zlib import crc32

import numpy as np

from .._gaussian import noise_draws
from .._random import _weight_key
from .._regression import Examples, FullRegression
from .._sklearn import Interval
from .._threads import threads_for_rows
from ..beliefs import IndependentBelief
from ..explorations import thompson_policy
from ._base import BaseQuantityBandit
from ._basis import basis_of, coefficients, columns_source, design_of, functions_at
from ._boxes import Boxes, scaled, unscaled
from ._maximum import candidates, maxima
from ._policy import QuantityPolicy


class SmoothState(NamedTuple):
    """What was learnt of the reward as a function of context and quantity."""

    regression: FullRegression
    boxes: Boxes


class QuantityThompsonSampling(BaseQuantityBandit):
    _parameter_constraints = {
        **BaseQuantityBandit._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "width_exponent": [Interval(Real, 0, 1, closed="both")],
    }
    _shape_parameters = ("quantities",)

    def __init__(
        self,
        *,
        quantities=None,
        alpha=0.5,
        prior_precision=1.0,
        n_draws=32,
        width_exponent=0.5,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.quantities = quantities
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.n_draws = n_draws
        self.width_exponent = width_exponent
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        bandit = tags.bandit_tags
        bandit.arms, bandit.prior, bandit.location = "linked", "learnt", "learnt"
        if self._takes_quantities:
            bandit.policy, bandit.arm_order = "draws", "named"
        return tags

    # ------------------------------------------------------------------ state
    def _check_contexts(self, X, reset):
        bare = self._takes_quantities and np.ndim(X) == 2 and np.shape(X)[1] == 0
        if bare and (reset or self.n_features_in_ == 0):
            # Quantities without any context.
            self.n_features_in_ = 0
            return np.empty((len(X), 0))
        return super()._check_contexts(X, reset)

    def _initial_state(self, n_arms, n_features):
        n_functions = basis_of(self._boxes).n_functions
        regression = FullRegression.empty(
            n_arms,
            n_functions + n_features * (1 + n_functions),
            prior_precision=float(self.prior_precision),
            intercept=True,
            locates=True,
        )
        return SmoothState(regression, self._boxes)

    @property
    def _basis(self):
        if "basis" not in self._cache:
            self._cache["basis"] = basis_of(self._boxes)
        return self._cache["basis"]

    @property
    def _regression(self):
        """What was learnt, under the prior of now."""
        known, lam = self.state_.regression, float(self.prior_precision)
        if known.prior_precision == lam:
            return known
        if ("prior", lam) not in self._cache:
            self._cache["prior", lam] = known.carried(prior_precision=lam)
        return self._cache["prior", lam]

    def _design(self, contexts, arm, quantity):
        """The columns of rounds, or of questions."""
        return design_of(contexts, functions_at(self._basis, scaled(quantity, arm, self._boxes)))

    def _learn(self, rounds):
        rows = rounds.contexts
        if rounds.quantity is not None:
            rows = self._design(rows, rounds.arm, rounds.quantity)
        examples = Examples(rows, rounds.arm, rounds.reward, rounds.weight, rounds.rows_per_round)
        return self.state_._replace(regression=self._regression.learnt(examples))

    # -------------------------------------------------------------- questions
    def _belief(self, contexts):
        """Of arms without quantities."""
        regression = self._regression
        variance, dof = regression.noise()
        scale = np.sqrt(regression.quadratic(contexts) * variance)
        return IndependentBelief(regression.mean(contexts), scale, dof)

    def _policy(self, contexts, available):
        if self._takes_quantities:
            return super()._policy(contexts, available)
        return thompson_policy(self._belief(contexts), self._selector, self.alpha, available)

    def _draws(self, arm):
        """Draws of an arm's weights, (n_draws, n_terms), and its means under the prior of now.

        They are a function of what was learnt, so that the policy is one too.
        """
        key = "draws", arm, self.n_draws, float(self.alpha), float(self.prior_precision)
        if key not in self._cache:
            regression = self._regression
            variance, dof = regression.noise()
            # By its name: arms that come and go leave the draws of the others.
            name = crc32(str(self.classes_[arm]).encode())
            seed = np.random.SeedSequence([name, _weight_key(regression.weight[arm])])
            deviates = np.random.default_rng(seed).standard_normal(
                (regression.n_terms, self.n_draws)
            )
            noise = noise_draws(variance[arm], dof[arm], self.n_draws, stream=name)
            spread = deviates.T @ regression.factors[arm]
            self._cache[key] = regression.coef[arm] + self.alpha * noise[:, None] * spread
        return self._cache[key]

    def _maxima(self, contexts, arm, weights):
        """The best quantity under each draw of an arm's weights, as parts of its box.

        Returns
        -------
        where : ndarray of shape (n_samples, n_draws, n_quantities)
        value : ndarray of shape (n_samples, n_draws)
        """
        basis, taken = self._basis, np.flatnonzero(self._boxes.taken[arm])
        of_row = coefficients(weights, contexts, basis.n_functions)
        n_samples, n_draws, n_terms = of_row.shape
        n_quantities = self._boxes.n_quantities
        if not len(taken):
            return np.full((n_samples, n_draws, n_quantities), np.nan), of_row[..., 0]
        points, at_points = self._points(tuple(taken))
        where, value = maxima(of_row.reshape(-1, n_terms), basis, points, at_points, taken)
        return where.reshape(n_samples, n_draws, -1), value.reshape(n_samples, n_draws)

    def _points(self, taken):
        if ("points", taken) not in self._cache:
            some = candidates(len(taken))
            points = np.full((len(some), self._boxes.n_quantities), np.nan)
            points[:, taken] = some
            self._cache["points", taken] = points, functions_at(self._basis, points)
        return self._cache["points", taken]

    def _quantity_policy(self, contexts, available):
        boxes, n_arms = self._boxes, len(self.classes_)
        n_samples, n_draws = len(contexts), self.n_draws
        if not self._takes_quantities:
            return QuantityPolicy(
                np.arange(n_arms),
                self._policy(contexts, available),
                boxes.low,
                boxes.high,
                boxes.high,
            )
        # Without contexts all rows are alike.
        asked = contexts[:1] if contexts.shape[1] == 0 else contexts
        shape = len(asked), n_draws, n_arms, boxes.n_quantities
        low, high, value = np.empty(shape), np.empty(shape), np.zeros(shape[:3])
        half = self._half_widths()
        for arm in range(n_arms):
            where, worth = self._maxima(asked, arm, self._draws(arm))
            if self.learnt_weight_ > 0.0:
                value[:, :, arm] = worth
            places = np.full(where.shape[:2], arm)
            low[:, :, arm] = unscaled(np.maximum(where - half[arm], 0.0), places, boxes)
            high[:, :, arm] = unscaled(np.minimum(where + half[arm], 1.0), places, boxes)
        scores = np.broadcast_to(value, (n_samples, n_draws, n_arms)).reshape(-1, n_arms)
        mask = None if available is None else np.repeat(available, n_draws, axis=0)
        chance = self._chances(scores, mask, n_draws) / n_draws
        shape = n_samples, n_draws * n_arms
        ends = [one.reshape(len(asked), -1, boxes.n_quantities) for one in (low, high)]
        arm = np.tile(np.arange(n_arms), n_draws)
        return QuantityPolicy(arm, chance.reshape(shape), *ends, boxes.high)

    def _chances(self, scores, mask, n_draws):
        return self._selector.select(scores, mask)

    def _half_widths(self):
        """Half of the sides of the boxes around a best quantity, over those of the arm's box."""
        return (1.0 + self._regression.weight) ** -self.width_exponent

    def _best_quantity(self, contexts):
        n_arms, boxes, regression = len(self.classes_), self._boxes, self._regression
        if not self._takes_quantities:
            belief = self._belief(contexts)
            return belief.mean, belief.std, np.empty((*np.shape(belief.mean), 0))
        mean, std = (np.empty((len(contexts), n_arms)) for _ in range(2))
        quantity = np.empty((len(contexts), n_arms, boxes.n_quantities))
        for arm in range(n_arms):
            where, _ = self._maxima(contexts, arm, regression.coef[[arm]])
            places = np.full(len(contexts), arm)
            quantity[:, arm] = unscaled(where[:, 0], places, boxes)
            mean[:, arm], std[:, arm] = self._reward_at(contexts, places, quantity[:, arm])
        return mean, std, quantity

    def _mean_reward(self, contexts):
        return self._expected_reward(contexts)[0]

    def _reward_at(self, contexts, arm, quantity):
        rows, regression = contexts, self._regression
        if self._takes_quantities:
            rows = self._design(contexts, arm, quantity)
        variance, dof = regression.noise()
        mean, std = np.empty(len(arm)), np.empty(len(arm))
        for one in np.unique(arm):
            own = arm == one
            mean[own] = regression.mean(rows[own], group=one)
            scale = np.sqrt(regression.quadratic(rows[own], group=one) * variance[one])
            std[own] = scale / np.sqrt(1.0 - 2.0 / dof[one])
        return mean, std

    def _floats_per_row(self, contexts, n_arms):
        basis = self._basis
        if not basis.n_functions:
            return (n_arms + 2) * (contexts.shape[1] + 1)
        n_points = len(candidates(self._boxes.n_quantities))
        return self.n_draws * (n_points + (4 * n_arms + 6) * (basis.n_functions + 1))

    def _threads(self, n_rows):
        return threads_for_rows(n_rows * len(self.classes_), self.state_.regression.n_terms)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_same_shape(source, but=("quantities",))
        self._check_same_boxes(source.state_.boxes, resize)
        before = basis_of(source.state_.boxes)
        regression = source._regression.carried(
            groups=resize.arm_source,
            shares=resize.shares,
            features=columns_source(self._basis, before, resize.feature_source),
            prior_precision=float(self.prior_precision),
        )
        return SmoothState(regression, self._boxes)

    def _merge_states(self, states):
        merged = FullRegression.merged([state.regression for state in states])
        return states[0]._replace(regression=merged)
