"""The Pareto front, and sums over objectives."""

from numbers import Real

import numpy as np

from .._pareto import domination_counts, front_of_ranks, tied_ranks
from .._sklearn import Interval
from ._base import (
    PRICE_CONSTRAINT,
    WEIGHTS_CONSTRAINT,
    BaseObjectiveSelector,
    check_weights,
)


class ParetoSelector(BaseObjectiveSelector):
    r"""Play the arms on the Pareto front: those that no other arm beats in all objectives.

    An arm is off the front where another one is at least as good in all objectives and better in
    one. With Thompson sampling inside, that is the front of each joint draw [1]_; with upper
    confidence bounds, that of the bounds [2]_. Of a row with a mask it is the front of the arms
    that are available.

    What an arm is worth to a `selector` is minus the number of arms that beat it: 0 on the front.

    Parameters
    ----------
    weights : array-like of shape (n_objectives,), default=None
        None plays all arms on the front alike. Weights lean towards objectives: an arm on the
        front is played in proportion to :math:`\sum_i w_i (v_{ai} - l_i) / (h_i - l_i)`, with
        :math:`l_i` and :math:`h_i` the lowest and highest value on the front. They count where
        the `selector` of the bandit plays the best arms (none, epsilon-greedy, a floor).
    cost_weight : float >= 0, default=1.0
        The weight of costs, beside `weights`.
    cost : dict of label to float, array-like of shape (n_arms,), float or "call", default=None
        What it costs to play each arm: one more thing to be small. "call": each call says it,
        ``predict(X, cost=...)``. None: costs are not weighed.

    See Also
    --------
    skbandit.metrics.pareto_front : The same of points that are known.

    References
    ----------
    .. [1] S. Q. Yahyaa and B. Manderick (2015). Thompson sampling for multi-objective multi-armed
       bandits problem. ESANN.
    .. [2] M. M. Drugan and A. Nowé (2013). Designing multi-objective multi-armed bandits
       algorithms: a study. IJCNN.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.objectives import MultiObjectiveBandit, ParetoSelector
    >>> bandit = MultiObjectiveBandit(bandit=LinearUCB(alpha=0.0))
    >>> X, arm = [[0.0]] * 6, ["a", "b", "c"] * 2
    >>> reward = [[1.0, 0.0], [0.2, 0.2], [0.5, 0.5]] * 2
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[0.0]])
    array([[0.5, 0. , 0.5]])
    >>> cost = {"a": 1.0, "b": 0.0, "c": 1.0}
    >>> bandit.set_params(objective_selector=ParetoSelector(cost=cost)).predict_proba([[0.0]])
    array([[0.33333333, 0.33333333, 0.33333333]])
    """

    _parameter_constraints = {
        **BaseObjectiveSelector._parameter_constraints,
        "weights": WEIGHTS_CONSTRAINT,
        "cost_weight": PRICE_CONSTRAINT,
    }

    def __init__(self, weights=None, cost_weight=1.0, cost=None):
        self.weights = weights
        self.cost_weight = cost_weight
        self.cost = cost

    def _check_objectives(self, n_objectives):
        check_weights(self.weights, n_objectives, type(self).__name__)

    def worth(self, values, available=None):
        """See :meth:`BaseObjectiveSelector.worth`.

        Of one objective, without costs, it is what the arm pays.
        """
        values = self._oriented(values)
        if values.shape[2] == 1:
            return values[..., 0]
        return -domination_counts(values, available).astype(np.float64)

    def choice(self, values, available=None):
        """See :meth:`BaseObjectiveSelector.choice`; the arms on the front."""
        values = self._oriented(values)
        front = front_of_ranks(tied_ranks(values), available)
        share = front.astype(np.float64)
        if self.weights is not None:
            inside = front[..., None]
            low = values.min(axis=1, keepdims=True, initial=np.inf, where=inside)
            high = values.max(axis=1, keepdims=True, initial=-np.inf, where=inside)
            gap = high - low
            height = np.where(gap > 0.0, (values - low) / np.where(gap > 0.0, gap, 1.0), 0.0)
            weights = check_weights(self.weights, len(self._sign), type(self).__name__)
            if self.weighs_costs:
                weights = np.append(weights, self.cost_weight)
            leaning = np.where(front, height @ weights, 0.0)
            # Where no weight tells the arms of a front apart they are played alike.
            share = np.where(leaning.sum(axis=1, keepdims=True) > 0.0, leaning, share)
        return share / share.sum(axis=1, keepdims=True)

    def linear_weights(self, n_objectives):
        """See :meth:`BaseObjectiveSelector.linear_weights`; in proportion to `weights`."""
        weights = check_weights(self.weights, n_objectives, type(self).__name__)
        return self._sign * weights / weights.sum()


class WeightedSumSelector(BaseObjectiveSelector):
    r"""Play the arm of the largest weighted sum over objectives, less a price on its cost.

    .. math:: s_a = \sum_i \pm w_i v_{ai} - \lambda c_a,

    with a minus for objectives that are to be small. A weighted sum of Gaussian beliefs is
    Gaussian, so the policy of Thompson sampling is then computed, not averaged over draws. Arms
    on a part of the front that bends inwards are never the best of any weighted sum: see
    :class:`ChebyshevSelector`.

    Parameters
    ----------
    weights : array-like of shape (n_objectives,), default=None
        Not negative: what a unit of each objective is worth. None is one each.
    price : float >= 0, default=1.0
        What a unit of cost must earn.
    cost : dict of label to float, array-like of shape (n_arms,), float or "call", default=None
        What it costs to play each arm. "call": each call says it, ``predict(X, cost=...)``. None:
        costs are not weighed.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.objectives import MultiObjectiveBandit, WeightedSumSelector
    >>> bandit = MultiObjectiveBandit(
    ...     bandit=LinearUCB(), objective_selector=WeightedSumSelector([1.0, 5.0])
    ... )
    >>> X, arm, reward = [[0.0]] * 4, ["a", "b"] * 2, [[1.0, 0.0], [0.0, 0.5]] * 2
    >>> bandit.fit(X, arm, reward=reward).predict([[0.0]], explore=False).tolist()
    ['b']
    """

    _parameter_constraints = {
        **BaseObjectiveSelector._parameter_constraints,
        "weights": WEIGHTS_CONSTRAINT,
        "price": PRICE_CONSTRAINT,
    }
    compares_arms = False
    is_linear = True

    def __init__(self, weights=None, price=1.0, cost=None):
        self.weights = weights
        self.price = price
        self.cost = cost

    def _check_objectives(self, n_objectives):
        check_weights(self.weights, n_objectives, type(self).__name__)

    @property
    def _weights(self):
        return check_weights(self.weights, len(self._sign), type(self).__name__)

    def worth(self, values, available=None):
        """See :meth:`BaseObjectiveSelector.worth`; the weighted sum less the price of the cost."""
        worth = np.asarray(values, dtype=np.float64) @ (self._sign * self._weights)
        return worth - self.charge(*worth.shape)

    def charge(self, n_rows, n_arms):
        """Return what is taken off for costs.

        Parameters
        ----------
        n_rows, n_arms : int

        Returns
        -------
        charge : ndarray of shape (n_rows, n_arms), or 0.0
        """
        return self.price * self._costs(n_rows, n_arms) if self.weighs_costs else 0.0

    def linear_weights(self, n_objectives):
        """See :meth:`BaseObjectiveSelector.linear_weights`; those of the sum."""
        return self._sign * self._weights

    def is_maximum(self):
        """See :meth:`BaseObjectiveSelector.is_maximum`."""
        return super().is_maximum() and self._weights[0] == 1.0


class ChebyshevSelector(BaseObjectiveSelector):
    r"""Play the arm whose worst objective is the least far from a reference point.

    .. math:: s_a = -\max_i w_i (z_i - v_{ai}) - \rho \sum_i w_i (z_i - v_{ai}),

    for objectives that are to be large, z the reference point [1]_. Each arm on the front is the
    best one for some weights, also where the front bends inwards. The second term, small, tells
    arms apart whose worst objective is the same.

    Parameters
    ----------
    weights : array-like of shape (n_objectives,), default=None
        Not negative: how much it counts to be a unit away from the reference. None is one each.
    reference : array-like of shape (n_objectives,), default=None
        The point that one would like to reach, in units of the objectives. None: in each row the
        best that any arm pays in each objective; decisions then do not depend on where rewards
        lie.
    augmentation : float >= 0, default=0.001
        The factor :math:`\rho`.
    price : float >= 0, default=1.0
        The weight of costs, of which 0 is the reference where one is given.
    cost : dict of label to float, array-like of shape (n_arms,), float or "call", default=None
        What it costs to play each arm. "call": each call says it, ``predict(X, cost=...)``. None:
        costs are not weighed.

    References
    ----------
    .. [1] R. E. Steuer and E.-U. Choo (1983). An interactive weighted Tchebycheff procedure for
       multiple objective programming. Mathematical Programming 26(3), 326-344.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.objectives import ChebyshevSelector, MultiObjectiveBandit
    >>> bandit = MultiObjectiveBandit(
    ...     bandit=LinearUCB(), objective_selector=ChebyshevSelector()
    ... )
    >>> X, arm = [[0.0]] * 6, ["a", "b", "c"] * 2
    >>> reward = [[1.0, 0.0], [0.0, 1.0], [0.4, 0.4]] * 2
    >>> bandit.fit(X, arm, reward=reward).predict([[0.0]], explore=False).tolist()
    ['c']
    """

    _parameter_constraints = {
        **BaseObjectiveSelector._parameter_constraints,
        "weights": WEIGHTS_CONSTRAINT,
        "reference": ["array-like", None],
        "augmentation": [Interval(Real, 0, None, closed="left")],
        "price": PRICE_CONSTRAINT,
    }

    def __init__(self, weights=None, reference=None, augmentation=1e-3, price=1.0, cost=None):
        self.weights = weights
        self.reference = reference
        self.augmentation = augmentation
        self.price = price
        self.cost = cost

    @property
    def finds_location(self):
        """Whether the reference moves with what arms pay."""
        return self.reference is None

    @property
    def compares_arms(self):
        """Whether the reference is what other arms pay."""
        return self.reference is None

    @property
    def least_objectives(self):
        """See :attr:`BaseObjectiveSelector.least_objectives`."""
        return max(super().least_objectives, np.size(self.reference))

    def _check_objectives(self, n_objectives):
        check_weights(self.weights, n_objectives, type(self).__name__)
        if self.reference is None:
            return
        try:
            reference = np.asarray(self.reference, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"reference of ChebyshevSelector must hold numbers, got {self.reference!r}."
            ) from error
        if reference.shape != (n_objectives,) or not np.isfinite(reference).all():
            raise ValueError(
                "reference of ChebyshevSelector must have one finite number for each of the "
                f"{n_objectives} objectives, got {self.reference!r}."
            )

    def worth(self, values, available=None):
        """See :meth:`BaseObjectiveSelector.worth`."""
        values = self._oriented(values)
        weights = check_weights(self.weights, len(self._sign), type(self).__name__)
        if self.weighs_costs:
            weights = np.append(weights, self.price)
        if self.reference is None:
            seen = True if available is None else available[..., None]
            reference = values.max(axis=1, keepdims=True, initial=-np.inf, where=seen)
        else:
            reference = self._sign * np.asarray(self.reference, dtype=np.float64)
            if self.weighs_costs:
                reference = np.append(reference, 0.0)
        away = weights * (reference - values)
        return -away.max(axis=2) - self.augmentation * away.sum(axis=2)

    def linear_weights(self, n_objectives):
        """See :meth:`BaseObjectiveSelector.linear_weights`; in proportion to `weights`."""
        weights = check_weights(self.weights, n_objectives, type(self).__name__)
        return self._sign * weights / weights.sum()

    def is_maximum(self):
        """See :meth:`BaseObjectiveSelector.is_maximum`; its worth is a distance."""
        return False
