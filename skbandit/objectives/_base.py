"""From what arms pay in several objectives to what each is worth."""

from numbers import Integral, Real

import numpy as np

from .._optimality import argmax_policy
from .._sklearn import Interval, StrOptions
from ..strategies import BaseCostSelector

WEIGHTS_CONSTRAINT = ["array-like", None]
PRICE_CONSTRAINT = [Interval(Real, 0, None, closed="left")]


class BaseObjectiveSelector(BaseCostSelector):
    """Base class of what chooses by several objectives.

    A subclass stores its parameters in ``__init__``, ``cost`` among them, and defines
    ``worth(values, available)``: one number for each arm, of which the largest is played. The
    `selector` of the bandit turns that worth into a policy, on each joint draw of what the arms
    pay where the bandits inside draw.

    For a subclass to use: ``self._oriented(values)`` has a column for each objective, and one for
    the costs where they are weighed, in which larger is better.

    Attributes
    ----------
    compares_arms : bool
        Whether the worth of an arm depends on what other arms pay.
    finds_location : bool
        Whether a constant that is added to all rewards, or another unit, changes no decision.
    is_linear : bool
        Whether the worth is the sum over objectives of ``linear_weights`` times what the arm pays,
        less ``charge(n_rows, n_arms)``.

    See Also
    --------
    skbandit.objectives.MultiObjectiveBandit : Has it as ``objective_selector``.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.objectives import BaseObjectiveSelector, MultiObjectiveBandit
    >>> class ProductSelector(BaseObjectiveSelector):
    ...     "The arm of the largest product of all objectives."
    ...     def __init__(self, cost=None):
    ...         self.cost = cost
    ...
    ...     def worth(self, values, available=None):
    ...         return values.prod(axis=2)
    >>> bandit = MultiObjectiveBandit(bandit=LinearUCB(), objective_selector=ProductSelector())
    >>> bandit = bandit.fit([[0.0]] * 4, ["a", "b"] * 2, reward=[[1.0, 4.0], [2.0, 3.0]] * 2)
    >>> bandit.predict([[0.0]], explore=False).tolist()
    ['b']
    """

    _parameter_constraints = {
        "cost": [*BaseCostSelector._parameter_constraints["cost"], StrOptions({"call"}), None]
    }
    compares_arms = True
    finds_location = True
    is_linear = False
    # What a bandit says once it knows: 1 or -1 for each objective.
    _sign = None

    def worth(self, values, available=None):
        """Return what each arm is worth.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_arms, n_objectives)
            What the arms pay, as it was learnt.
        available : ndarray of bool of shape (n_rows, n_arms), default=None
            Arms that may be played; None means all.

        Returns
        -------
        worth : ndarray of shape (n_rows, n_arms)
            Larger is better.
        """
        raise NotImplementedError(f"{type(self).__name__} must define worth(values, available).")

    def choice(self, values, available=None):
        """Return the probability of each arm where no other selector is in play.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_arms, n_objectives)
        available : ndarray of bool of shape (n_rows, n_arms), default=None

        Returns
        -------
        probability : ndarray of shape (n_rows, n_arms)
            Uniform over the arms of the largest worth.
        """
        return argmax_policy(self.worth(values, available), available)

    def linear_weights(self, n_objectives):
        """Return the weights of the sum over objectives that stands for all of them.

        That sum is what ``score`` estimates on a log.

        Parameters
        ----------
        n_objectives : int

        Returns
        -------
        weights : ndarray of shape (n_objectives,)
            Equal, and negative for what is minimised.
        """
        return self._sign / n_objectives

    def keys(self, n_rows, n_arms):
        """Return what tells arms apart beside what they are believed to pay.

        Parameters
        ----------
        n_rows, n_arms : int

        Returns
        -------
        keys : list of ndarray of shape (n_rows, n_arms)
        """
        return [self._costs(n_rows, n_arms)] if self.weighs_costs else []

    def is_maximum(self):
        """Say whether, of one objective, the arm that pays most is what is played.

        Returns
        -------
        answer : bool
        """
        return len(self._sign) == 1 and self._sign[0] > 0 and not self.weighs_costs

    @property
    def least_objectives(self):
        """As many objectives as the parameters speak of; 1 where they speak of none."""
        return max(1, np.size(getattr(self, "weights", ())))

    def for_beliefs(self, beliefs):
        """Return the selector for rows of which so much is believed; itself by default.

        Parameters
        ----------
        beliefs : callable
            Without arguments; returns the list of beliefs, one an objective, of which means and
            widths are those of what was learnt, whatever the exploration makes of them.

        Returns
        -------
        selector : objective selector
        """
        return self

    def for_objectives(self, maximize):
        """Return the selector of a bandit that has these objectives.

        Parameters
        ----------
        maximize : ndarray of bool of shape (n_objectives,)
            Which of them are to be large; the others small.

        Returns
        -------
        selector : objective selector

        Raises
        ------
        ValueError
            If a parameter does not fit the number of objectives.
        """
        new = self._like(self._known)
        new._sign = np.where(maximize, 1.0, -1.0)
        new._check_objectives(len(maximize))
        return new

    def for_arms(self, arms):
        """See :meth:`skbandit.selectors.BaseSelector.for_arms`."""
        return self._like(None) if self._is_told_by_calls else super().for_arms(arms)

    @property
    def weighs_costs(self):
        """Whether costs count: those of ``cost``, or of each call with ``cost="call"``."""
        return self.cost is not None

    @property
    def _is_told_by_calls(self):
        return isinstance(self.cost, str) and self._known is None

    def _like(self, known, **changed):
        new = super()._like(known, **changed)
        for name, value in vars(self).items():
            if name.startswith("_") and name not in vars(new):
                setattr(new, name, value)
        return new

    def _check_objectives(self, n_objectives):
        pass

    def _oriented(self, values):
        """What is to be large: a column an objective, and one of what is saved."""
        values = np.asarray(values, dtype=np.float64) * self._sign
        if not self.weighs_costs:
            return values
        return np.concatenate([values, -self._costs(*values.shape[:2])[..., None]], axis=2)

    def select(self, scores, available=None):
        """See :meth:`skbandit.selectors.BaseSelector.select`; an error: it weighs no scores."""
        raise ValueError(
            f"{type(self).__name__} chooses by several objectives. Give it to "
            "MultiObjectiveBandit(objective_selector=...), not as selector=."
        )

    def expect(self, belief, available=None):
        """See :meth:`skbandit.selectors.BaseSelector.expect`; an error, as :meth:`select` is."""
        return self.select(belief, available)


def check_weights(weights, n_objectives, owner):
    """Return weights as an array (n_objectives,); None is one each.

    Parameters
    ----------
    weights : array-like or None
    n_objectives : int
    owner : str
        Whose parameter it is, for messages.
    """
    if weights is None:
        return np.ones(n_objectives)
    try:
        array = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"weights of {owner} must hold numbers, got {weights!r}.") from error
    if array.shape != (n_objectives,):
        raise ValueError(
            f"weights of {owner} must have one number for each of the {n_objectives} objectives, "
            f"got shape {array.shape}."
        )
    if not np.isfinite(array).all() or (array < 0.0).any() or not array.any():
        raise ValueError(
            f"weights of {owner} must be finite, not negative and not all 0, got "
            f"{array.tolist()!r}. What is to be small is said by maximize= of the bandit."
        )
    return array


def check_objective(objective, n_objectives, name, owner):
    """Raise where an objective does not exist."""
    known = isinstance(objective, Integral) and 0 <= objective < n_objectives
    if not known or isinstance(objective, bool):
        raise ValueError(
            f"{name} of {owner} names the objective {objective!r}; there are {n_objectives}, "
            f"numbered from 0 to {n_objectives - 1}, and 'cost' where costs are weighed."
        )
