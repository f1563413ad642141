"""What arms cost, and a price on it."""

from numbers import Real

import numpy as np

from .._rounds import arm_costs
from .._sklearn import HasMethods, Interval
from ..selectors import BaseSelector, SelectorAround, at, for_arms


class BaseCostSelector(BaseSelector):
    """Base class of selectors that weigh what arms cost.

    A subclass has the parameter ``cost`` and defines ``select(scores, available)``, in which
    ``self._costs(n_samples, n_arms)`` says what each arm costs in each row. Under Thompson
    sampling it defines ``expect`` too: see ``treats_arms_alike`` of
    :class:`~skbandit.selectors.BaseSelector`.

    Costs are not negative: a dict of each arm's label to what it costs, numbers in the order of
    the bandit's arms, one number for all arms, or None where each call says them,
    ``predict(X, cost=...)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.selectors import ArgmaxSelector
    >>> from skbandit.strategies import BaseCostSelector
    >>> class RewardPerCostSelector(BaseCostSelector):
    ...     "Play the arm that pays most for what it costs."
    ...
    ...     def __init__(self, cost=None):
    ...         self.cost = cost
    ...
    ...     def select(self, scores, available=None):
    ...         return ArgmaxSelector().select(scores / self._costs(*scores.shape), available)
    >>> bandit = LinearUCB(selector=RewardPerCostSelector({"a": 1.0, "b": 5.0}), alpha=0.0)
    >>> bandit.fit([[1.0], [1.0]], ["a", "b"], reward=[1.0, 2.0]).predict([[1.0]]).tolist()
    ['a']
    """

    _parameter_constraints = {"cost": [dict, "array-like", Interval(Real, 0, None, closed="left")]}
    treats_arms_alike = False
    weighs_costs = True
    # What the arms cost once they are known, (n_arms,) or (n_samples, n_arms).
    _known = None

    @property
    def differs_by_row(self):
        """Whether each row has costs of its own."""
        return self._known is not None and self._known.ndim == 2

    def _like(self, known, **changed):
        new = type(self)(**{**self.get_params(deep=False), **changed})
        new._known = known
        return new

    def arm_costs(self, arms):
        """Return what arms cost by the parameter ``cost``.

        Parameters
        ----------
        arms : ndarray of shape (n_arms,)
            Labels.

        Returns
        -------
        cost : ndarray of shape (n_arms,), or None
            None where each call says it.
        """
        return None if self.cost is None else arm_costs(self.cost, arms, type(self).__name__)

    def for_arms(self, arms):
        """See :meth:`BaseSelector.for_arms`; finds each arm's cost by its label."""
        known = self._known
        return self._like(self.arm_costs(arms) if known is None else known)

    def for_costs(self, cost):
        """See :meth:`BaseSelector.for_costs`."""
        if cost.ndim == 2:
            return self._like(cost)
        if self._known is None:
            raise ValueError(
                f"cost has one factor a row, but {type(self).__name__} has no costs for it to "
                "multiply: pass what each arm costs in each row, or give it cost=."
            )
        return self._like(cost[:, None] * self._known)

    def _costs(self, n_samples, n_arms):
        """What each arm costs in each row, (n_samples, n_arms)."""
        if self._known is None:
            raise ValueError(
                f"{type(self).__name__} does not know what the arms cost: give it "
                "cost={arm: number, ...}, or pass predict(X, cost=...)."
            )
        if self._known.ndim == 2 and self._known.shape != (n_samples, n_arms):
            # Draws of a belief come one after the other, each for all rows.
            return np.tile(self._known, (n_samples // len(self._known), 1))
        return np.broadcast_to(self._known, (n_samples, n_arms))


class PricedSelector(BaseCostSelector, SelectorAround):
    r"""Weigh rewards less a price on what arms cost: the score is :math:`r - \lambda c`.

    A bound or a belief is shifted by what is known of the cost, so the policy stays exact. The
    price says what a unit of cost is worth in units of the reward: with rewards in euros and costs
    in euros it is 1, and a larger price saves more. Budgets are held by finding it, see
    :class:`skbandit.budgets.BudgetPacedBandit`.

    Parameters
    ----------
    cost : dict of label to float, array-like of shape (n_arms,), or float, default=None
        What it costs to play each arm, not negative. None: each call says it,
        ``predict(X, cost=...)``.
    price : float >= 0, default=1.0
        Units of reward that a unit of cost must earn.
    selector : selector, default=None
        What is played given the scores. None: :class:`~skbandit.selectors.ArgmaxSelector`.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.strategies import PricedSelector
    >>> bandit = LinearUCB(selector=PricedSelector({"mail": 0.0, "call": 2.0}), alpha=0.0)
    >>> X, arm = [[1.0]] * 4, ["mail", "call"] * 2
    >>> bandit = bandit.fit(X, arm, reward=[1.0, 2.5, 1.0, 2.5])
    >>> bandit.predict([[1.0]]).tolist()
    ['mail']
    >>> bandit.predict([[1.0]], cost=[[0.0, 0.2]]).tolist()  # arms in the order of classes_
    ['call']
    """

    _parameter_constraints = {
        "cost": [*BaseCostSelector._parameter_constraints["cost"], None],
        "price": [Interval(Real, 0, None, closed="left")],
        "selector": [HasMethods(["select", "expect", "get_params"]), None],
    }

    def __init__(self, cost=None, price=1.0, selector=None):
        self.cost = cost
        self.price = price
        self.selector = selector

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        return self._like(self._known, selector=at(self._other, learnt_weight))

    def for_arms(self, arms):
        """See :meth:`BaseSelector.for_arms`."""
        new = super().for_arms(arms)
        return new._like(new._known, selector=for_arms(self._other, arms))

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        scores = np.asarray(scores, dtype=np.float64)
        return self._other.select(scores - self.price * self._costs(*scores.shape), available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; as exact as that of the other selector."""
        charge = self.price * self._costs(*np.shape(belief.mean))
        return belief.shifted(-charge).expect(self._other, available)
