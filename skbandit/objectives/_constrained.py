"""One objective, while others stay within bounds."""

from numbers import Integral, Real

import numpy as np

from .._axes import source_index
from .._sklearn import Interval, StrOptions
from ._base import BaseObjectiveSelector, check_objective
from ._chances import chance_at_least

# A bound is met where it is missed by rounding alone, relative to the range of the objective.
_ROUNDING = 1e-10
# In the place of an arm: whichever is the best.
_BEST = -1


class ConstrainedSelector(BaseObjectiveSelector):
    r"""Play the arm that is best in one objective among those that keep bounds in others.

    "As many clicks as possible, but no retention below 30 %":
    ``ConstrainedSelector(objective=0, at_least={1: 0.3})``. Where no arm keeps all bounds, the one
    that misses them least is played: misses are added up over bounds, each as a part of the range
    that the arms of the row span in its objective.

    Without `confidence`, an arm keeps its bounds where it does so in the joint draw (Thompson
    sampling) or with its upper confidence bound: it is played until it is known to miss them. With
    `confidence` it must keep them with that probability under what is believed: it is not played
    until it is known to keep them. What is known then comes from rounds in which no arm was good
    enough, from other data, or from a selector that explores, such as
    :class:`~skbandit.selectors.PropensityFloorSelector`.

    Parameters
    ----------
    objective : int or "cost", default=0
        What is optimised: the number of an objective, in the direction that ``maximize`` of the
        bandit gives it; "cost" plays the cheapest arm that keeps the bounds.
    at_least, at_most : dict of int or "cost" to float, default=None
        Bounds by the number of an objective, or on the cost of an arm.
    relative_to : label of an arm or "best", default=None
        Bounds are then multiples of what that arm pays, or of what the arm pays that is the best
        in the objective: ``at_least={1: 0.98}`` is not more than 2 % below it. For objectives that
        are positive. An arm that is called "best" is that arm.
    confidence : float in (0, 1), default=None
        The probability with which each bound must be kept under the belief; None asks each draw,
        or the upper confidence bound.
    cost : dict of label to float, array-like of shape (n_arms,), float or "call", default=None
        What it costs to play each arm. "call": each call says it, ``predict(X, cost=...)``. None:
        costs are not known.

    Notes
    -----
    Bounds are on what an arm pays on average in a context, not on the mean over rounds. What an
    arm is worth to a `selector` is its objective where it keeps the bounds. All others rank below
    all arms, by how much they miss.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.objectives import ConstrainedSelector, MultiObjectiveBandit
    >>> bandit = MultiObjectiveBandit(
    ...     bandit=LinearUCB(alpha=0.0), objective_selector=ConstrainedSelector(at_least={1: 0.3})
    ... )
    >>> X, arm = [[0.0]] * 12, ["a", "b", "c"] * 4
    >>> reward = [[0.9, 0.1], [0.5, 0.5], [0.2, 0.9]] * 4
    >>> bandit.fit(X, arm, reward=reward).predict([[0.0]], explore=False).tolist()
    ['b']
    """

    _parameter_constraints = {
        **BaseObjectiveSelector._parameter_constraints,
        "objective": [Interval(Integral, 0, None, closed="left"), StrOptions({"cost"})],
        "at_least": [dict, None],
        "at_most": [dict, None],
        "relative_to": "no_validation",
        "confidence": [Interval(Real, 0, 1, closed="neither"), None],
    }
    finds_location = False
    # Which arm bounds are relative to, and what each arm lacks of the confidence asked for.
    _place = None
    _lacking = None

    def __init__(
        self,
        objective=0,
        at_least=None,
        at_most=None,
        relative_to=None,
        confidence=None,
        cost=None,
    ):
        self.objective = objective
        self.at_least = at_least
        self.at_most = at_most
        self.relative_to = relative_to
        self.confidence = confidence
        self.cost = cost

    # ------------------------------------------------------------------ bounds
    @property
    def _bounds(self):
        """Triples of an objective, 1 for at least and -1 for at most, and the bound."""
        return [
            (objective, side, bound)
            for side, bounds in ((1.0, self.at_least), (-1.0, self.at_most))
            for objective, bound in (bounds or {}).items()
        ]

    def _check_objectives(self, n_objectives):
        name = type(self).__name__
        named = [("objective", self.objective)]
        for side in ("at_least", "at_most"):
            for objective, bound in (getattr(self, side) or {}).items():
                named.append((side, objective))
                if not isinstance(bound, Real) or not np.isfinite(bound):
                    raise ValueError(
                        f"{side} of {name} must give finite numbers, got {bound!r} for the "
                        f"objective {objective!r}."
                    )
        for parameter, objective in named:
            if isinstance(objective, str) and objective == "cost":
                if not self.weighs_costs:
                    raise ValueError(
                        f"{parameter} of {name} names 'cost', but costs are not known: give it "
                        "cost={arm: number, ...}, or cost='call' and predict(X, cost=...)."
                    )
                continue
            check_objective(objective, n_objectives, parameter, name)

    @property
    def least_objectives(self):
        """See :attr:`BaseObjectiveSelector.least_objectives`."""
        named = [self.objective, *(self.at_least or ()), *(self.at_most or ())]
        return 1 + max((one for one in named if isinstance(one, Integral)), default=0)

    def for_arms(self, arms):
        """See :meth:`skbandit.selectors.BaseSelector.for_arms`; finds the arm of `relative_to`."""
        new = super().for_arms(arms)
        if self.relative_to is not None:
            place = int(source_index(arms.tolist(), [self.relative_to])[0])
            if place < 0 and self._asks_the_best:
                place = _BEST
            elif place < 0:
                raise ValueError(
                    f"relative_to={self.relative_to!r} of ConstrainedSelector is no arm of the "
                    f"bandit, nor 'best'; its arms are {arms.tolist()!r}."
                )
            new._place = place
        return new

    @property
    def _asks_the_best(self):
        return isinstance(self.relative_to, str) and self.relative_to == "best"

    def _reference(self, objective, available=None):
        """From what arms pay in an objective to what bounds on it are relative to; or None."""
        if self._place is None:
            return None
        if self._place != _BEST:
            return lambda paid: paid[..., self._place, None]
        sign = -1.0 if objective == "cost" else self._sign[objective]
        seen = True if available is None else available
        return lambda paid: (
            sign * np.max(sign * paid, axis=-1, keepdims=True, initial=-np.inf, where=seen)
        )

    def for_beliefs(self, beliefs):
        """See :meth:`BaseObjectiveSelector.for_beliefs`; finds who surely keeps bounds."""
        if self.confidence is None or not self._bounds:
            return self
        beliefs = beliefs()
        lacking = 0.0
        for objective, side, bound in self._bounds:
            if objective == "cost":
                continue
            reference = self._reference(objective)
            chance = chance_at_least(beliefs[objective], bound, side, reference)
            lacking = np.maximum(lacking, self.confidence - chance)
        new = self._like(self._known)
        # Where the costs alone are bounded, nothing is uncertain.
        new._lacking = None if np.ndim(lacking) == 0 else np.maximum(lacking, 0.0)
        return new

    # ------------------------------------------------------------------- worth
    def _column(self, values, objective):
        return self._costs(*values.shape[:2]) if objective == "cost" else values[..., objective]

    def missed(self, values, available=None):
        """Return by how much each arm misses its bounds.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_arms, n_objectives)
        available : ndarray of bool of shape (n_rows, n_arms), default=None
            Arms among which the best one is found, to which bounds may be relative.

        Returns
        -------
        missed : ndarray of shape (n_rows, n_arms)
            0 where they are kept.
        """
        total = np.zeros(values.shape[:2])
        if self._lacking is not None:
            # Draws of a belief come one after the other, each for all rows.
            total += np.tile(self._lacking, (len(total) // len(self._lacking), 1))
        for objective, side, bound in self._bounds:
            if self._lacking is not None and objective != "cost":
                continue
            paid = self._column(values, objective)
            reference = self._reference(objective, available)
            if reference is not None:
                bound = bound * reference(paid)
            gap = side * (bound - paid)
            span = np.ptp(paid, axis=1, keepdims=True)
            gap = gap / np.where(span > 0.0, span, 1.0)
            total += np.where(gap > _ROUNDING, gap, 0.0)
        return total

    def worth(self, values, available=None):
        """See :meth:`BaseObjectiveSelector.worth`."""
        values = np.asarray(values, dtype=np.float64)
        if self.objective == "cost":
            score = -self._costs(*values.shape[:2])
        else:
            score = self._sign[self.objective] * values[..., self.objective]
        missed = self.missed(values, available)
        if not missed.any():
            return score
        low = score.min(axis=1, keepdims=True)
        span = score.max(axis=1, keepdims=True) - low
        span = np.where(span > 0.0, span, 1.0)
        return np.where(missed > 0.0, low - span * (1.0 + missed), score)

    def keys(self, n_rows, n_arms):
        """See :meth:`BaseObjectiveSelector.keys`; the arm of `relative_to` has no equal."""
        keys = super().keys(n_rows, n_arms)
        if self._place is not None and self._place != _BEST:
            keys.append(np.tile(np.arange(n_arms) == self._place, (n_rows, 1)).astype(np.float64))
        return keys

    def is_maximum(self):
        """See :meth:`BaseObjectiveSelector.is_maximum`."""
        return super().is_maximum() and not self._bounds

    def linear_weights(self, n_objectives):
        """See :meth:`BaseObjectiveSelector.linear_weights`; the objective that is optimised."""
        if self.objective == "cost":
            raise ValueError(
                "score has no value for ConstrainedSelector(objective='cost'): a log pays its "
                "objectives. Evaluate one of them, score(X, arm, reward=reward[:, i], ...)."
            )
        return self._sign * (np.arange(n_objectives) == self.objective)
