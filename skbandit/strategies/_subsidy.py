"""The cheapest arm that pays nearly as much as the best one."""

from numbers import Real

import numpy as np

from .._axes import source_index
from .._scores import masked_scores, tie_width
from .._sklearn import Interval, StrOptions
from ..beliefs import alike_arms, evened
from ._costs import BaseCostSelector

_WORST = "worst"
# Costs this close, relative to the largest of the row, are the same.
_ROUNDING = 1e-12


class CheapestNearBestSelector(BaseCostSelector):
    r"""Play the cheapest arm among those that pay nearly as much as the best one.

    With scores :math:`r_a`, costs :math:`c_a`, a subsidy factor s and a reference :math:`r_0`, an
    arm is near the best where

    .. math:: r_a - r_0 \ge (1 - s) (\max_b r_b - r_0)

    and the cheapest of these arms is played; of several that cost the same, the one of the best
    score. So a part s of what the best arm gains over the reference may be given away to save
    cost. This is cost control by a subsidy [1]_: with upper confidence bounds as scores it is
    CS-UCB, and the policy of :math:`r` drawn from a belief (Thompson sampling) that of CS-TS.

    Parameters
    ----------
    cost : dict of label to float, array-like of shape (n_arms,), or float, default=None
        What it costs to play each arm, not negative. None: each call says it,
        ``predict(X, cost=...)``.
    subsidy_factor : float in [0, 1], default=0.1
        The part of the gain that may be given away. 0 plays the best arm, the cheaper one where
        two tie. 1 plays the cheapest arm that does not score below the reference.
    reference : float or "worst", default=0.0
        What a reward is measured from, in units of the reward. 0 suits rewards that are never
        negative, such as clicks and sales, whose zero means something: the factor is then a part
        of the best reward. Where the best score is not above the reference there is nothing to
        give away, and the best arm is played. ``"worst"``: the lowest score of the arms that are
        available in the row, whatever the zero and the unit of the reward; it changes with the
        arms that are available.
    reference_arm : label, default=None
        An arm whose own score is the reference, in place of `reference`: of a "do nothing" arm or
        of what is played today, so that the factor is a part of the gain over it [2]_. It needs
        not be available.

    See Also
    --------
    PricedSelector : A price on costs: units of the reward for a unit of cost.
    skbandit.model_selection.reward_cost_curve : Finds the factor from a log.

    Notes
    -----
    Under Thompson sampling the policy is the average over 512 joint draws of the belief, and the
    same for arms of which the same is believed and which cost the same.

    A cheap arm is played for as long as it seems near the best, so a dear arm is tried only as far
    as the belief about it is wide. Where it must be known for sure that a dear arm is not much
    better, put this selector into :class:`~skbandit.selectors.PropensityFloorSelector`; the paper
    shows why that is hard.

    References
    ----------
    .. [1] D. Sinha, K. A. Sankararaman, A. Kazerouni and V. Avadhanula (2021). Multi-armed bandits
       with cost subsidy. AISTATS. arXiv:2011.01488. (section 2: the problem; CS-UCB and CS-TS)
    .. [2] I. Juneja, C. Joe-Wong and O. Yagan (2025). Pairwise elimination with instance-dependent
       guarantees for bandits with cost subsidy. ICLR. arXiv:2501.10290. (known reference arm)

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.strategies import CheapestNearBestSelector
    >>> selector = CheapestNearBestSelector({"small": 1.0, "large": 9.0}, subsidy_factor=0.2)
    >>> bandit = LinearUCB(selector=selector, alpha=0.0)
    >>> bandit = bandit.fit([[1.0]] * 40, ["small", "large"] * 20, reward=[0.9, 1.0] * 20)
    >>> bandit.predict([[1.0]]).tolist()
    ['small']
    >>> bandit.set_params(selector__subsidy_factor=0.0).predict([[1.0]]).tolist()
    ['large']
    """

    _parameter_constraints = {
        "cost": [*BaseCostSelector._parameter_constraints["cost"], None],
        "subsidy_factor": [Interval(Real, 0, 1, closed="both")],
        "reference": [Interval(Real, None, None, closed="neither"), StrOptions({_WORST})],
    }
    # Position of the reference arm, once the bandit's arms are known.
    _place = None

    def __init__(self, cost=None, subsidy_factor=0.1, reference=0.0, reference_arm=None):
        self.cost = cost
        self.subsidy_factor = subsidy_factor
        self.reference = reference
        self.reference_arm = reference_arm

    def _like(self, known, **changed):
        new = super()._like(known, **changed)
        new._place = self._place
        return new

    def for_arms(self, arms):
        """See :meth:`BaseSelector.for_arms`; finds costs and the reference arm by label."""
        new = super().for_arms(arms)
        if self.reference_arm is not None:
            place = int(source_index(arms.tolist(), [self.reference_arm])[0])
            if place < 0:
                raise ValueError(
                    f"reference_arm of {type(self).__name__} is {self.reference_arm!r}, which the "
                    f"bandit does not know; its arms are {arms.tolist()!r}."
                )
            new._place = place
        return new

    def _reference(self, scores, available):
        """What scores are measured from, a number or one for each row, (n_samples, 1)."""
        if self.reference_arm is not None:
            if self._place is None:
                raise ValueError(
                    f"{type(self).__name__} does not know the bandit's arms yet: ask a bandit, or "
                    "for_arms(arms) first."
                )
            return scores[:, self._place, None]
        if self.reference == _WORST:
            usable = np.isfinite(scores)
            if available is not None:
                usable &= available
            return np.where(usable, scores, np.inf).min(axis=1, keepdims=True)
        return float(self.reference)

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        scores = np.asarray(scores, dtype=np.float64)
        masked, mask = masked_scores(scores, available)
        width = tie_width(masked)[:, 0]
        base = np.broadcast_to(self._reference(scores, mask), (len(scores), 1))[:, 0]
        # An arm a row: reductions over few arms are several times as fast.
        score = np.ascontiguousarray(masked.T)
        cost = np.ascontiguousarray(self._costs(*scores.shape).T)
        best = score.max(axis=0)
        if np.isnan(best).any():
            raise ValueError("scores: an available arm has a value that is not a number.")
        # A bound may be infinite: such an arm is tried first, whatever the others score.
        with np.errstate(invalid="ignore"):
            gain = np.maximum(best - base, 0.0)
            given = np.where(np.isfinite(gain), self.subsidy_factor * gain, 0.0)
            near = score >= best - given - width
            if mask is not None:
                near &= mask.T
            least = np.where(near, cost, np.inf).min(axis=0)
            near &= cost <= least + _ROUNDING * cost.max(axis=0)
            best = np.where(near, score, -np.inf).max(axis=0)
            near &= score >= best - width
        return np.ascontiguousarray((near / near.sum(axis=0)).T)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; arms of one belief and one cost are played alike."""
        if not hasattr(belief, "std"):
            # Of Exp3 and top-two Thompson sampling, which say how likely arms are, no more.
            raise ValueError(
                "this bandit draws its arms by chances, not by what they pay, so a cost cannot be "
                f"weighed against them and {type(self).__name__} has nothing to compare. Use a "
                "bandit of rewards, such as BetaThompsonSampling."
            )
        probability = super().expect(belief, available)
        alike = belief._alike(self)
        if alike is None:
            return probability
        alone = alike < 0
        alike = alike_arms(alike, self._costs(*alike.shape))
        if self.reference_arm is not None:
            alone = alone | (np.arange(alike.shape[1]) == self._place)
        return evened(probability, np.where(alone, -1, alike), available)
