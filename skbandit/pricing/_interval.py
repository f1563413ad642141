"""Prices from an interval, on the demand curve of a list of prices."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from .._sklearn import Interval
from ..beliefs import JointBelief
from ..explorations import thompson_policy
from ..quantities import BaseQuantityBandit, QuantityPolicy
from ..selectors import ArgmaxSelector, at, for_arms, for_costs
from ._base import carried_weight
from ._curve import price_scale
from ._demand_curve import BaseDemandCurve, CurveState
from ._prices import prices_of

# Prices of an interval from which its spread and its knots are found.
_N_SPREAD = 30
# Cells of an interval over which a price that is best in one of them is spread.
_CELLS_OF_KERNEL = 3


class Candidates(NamedTuple):
    """Prices that are compared: those of a list, and the middles of the cells of intervals."""

    arm: np.ndarray  # (n_candidates,)
    price: np.ndarray  # (n_candidates,)
    low: np.ndarray  # (n_candidates, n_quantities) what is played where one is best
    high: np.ndarray  # (n_candidates, n_quantities)


class PriceIntervalBandit(BaseQuantityBandit, BaseDemandCurve):
    r"""Thompson sampling over intervals of prices that share one demand curve which falls.

    An arm of `quantities` is offered at any price of its interval: the quantity is the price. The
    reward is what the round has earned, and the demand is that of
    :class:`DemandCurveThompsonSampling`, one curve for all intervals and for arms of a fixed
    price beside them. An interval is cut into cells; each draw of the curve is maximised over
    their middles, and the price is uniform on a small interval of three cells about the best one:
    so the policy has a density, which is a mixture of these and is exact.

    Parameters
    ----------
    quantities : (low, high), or dict of arm to (low, high), default=None
        The interval of the prices, or that of each arm that has one. None: all arms have a fixed
        price.
    prices : dict of arm to price, or callable, default=None
        The price of each arm without an interval. None: their labels are numbers, their prices.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    demand : {"purchase", "count", "amount"}, default="purchase"
        Units of a round: one or none, or shares between (logistic); 0, 1, 2, ... (Poisson); any
        number (linear, with learnt noise).
    interactions : bool, default=True
        Whether the slope on the price depends on the context.
    departure : float >= 0, default=1.0
        Standard deviation of the departure of the demand curve from a line, on the scale of the
        score. 0: the curve is a line there.
    n_cells : int, default=64
        Cells of each interval.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the deviations of draws from their mean; 1 samples from the posterior.
    prior_precision : float > 0, default=1.0
        Precision of every weight's prior, for features of unit scale.
    n_draws : int, default=500
        Joint posterior draws behind the policy.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms. None: one arm, named "quantity", where `quantities` is one interval.
    selector : selector, default=None
        What turns scores of the cells into a policy over them, see :mod:`skbandit.selectors`;
        ``EpsilonGreedySelector(0.1)`` plays a tenth of the rounds at prices from everywhere.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone.

    Attributes
    ----------
    prices_ : ndarray of shape (n_arms,)
        The price of each arm; NaN for one with an interval.
    price_range_ : ndarray of shape (2,)
        The lowest and the highest price that may be offered.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each arm was played.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        What was learnt. Never written to; learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    Warns
    -----
    ConvergenceWarning
        Where the mode was not reached in 200 steps, or rounding left too few digits.

    See Also
    --------
    DemandCurveThompsonSampling : A list of prices.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.pricing import PriceIntervalBandit
    >>> rng = np.random.RandomState(0)
    >>> bandit = PriceIntervalBandit(quantities=(2.0, 40.0), random_state=0)
    >>> X = np.zeros((50, 1))
    >>> for _ in range(10):
    ...     arm, price, density = bandit.predict(X, return_quantity=True, return_propensity=True)
    ...     buys = rng.random_sample(50) < 1 / (1 + np.exp((price[:, 0] - 15) / 4))
    ...     log = make_log(arm, price[:, 0] * buys, density, quantity=price)
    ...     _ = bandit.partial_fit(X, log)
    >>> best = bandit.predict(X[:1], explore=False, return_quantity=True)[1]
    >>> bool(9 < best < 15)
    True
    """

    _parameter_constraints = {
        **BaseDemandCurve._parameter_constraints,
        **BaseQuantityBandit._parameter_constraints,
        "n_cells": [Interval(Integral, 2, None, closed="left")],
    }
    _shape_parameters = (*BaseDemandCurve._shape_parameters, "quantities")

    def __init__(
        self,
        *,
        quantities=None,
        prices=None,
        unit_cost=0.0,
        demand="purchase",
        interactions=True,
        departure=1.0,
        n_cells=64,
        alpha=1.0,
        prior_precision=1.0,
        n_draws=500,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.quantities = quantities
        self.prices = prices
        self.unit_cost = unit_cost
        self.demand = demand
        self.interactions = interactions
        self.departure = departure
        self.n_cells = n_cells
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.n_draws = n_draws
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    # ------------------------------------------------------------------ prices
    @property
    def _interval(self):
        """Ends of the interval of each arm, (n_arms,) each; NaN for a fixed price."""
        boxes = self._boxes
        if boxes.n_quantities == 0:
            nothing = np.full(len(self.classes_), np.nan)
            return nothing, nothing
        if boxes.n_quantities > 1:
            raise ValueError(
                "quantities must be one interval an arm, the prices at which it may be offered; "
                f"got a box of {boxes.n_quantities} sides."
            )
        low, high = boxes.low[:, 0], boxes.high[:, 0]
        if (low < 0.0).any():
            raise ValueError(f"quantities must be prices, from 0 on, got {np.nanmin(low):g}.")
        return low, high

    @property
    def _price(self):
        low, _ = self._interval
        price = np.full(len(low), np.nan)
        fixed = np.isnan(low)
        if fixed.any():
            price[fixed] = prices_of(self.classes_[fixed], self.prices)
        return price

    def _check_prices(self):
        # Reads the prices of the arms without an interval, and the intervals.
        return self._price

    @property
    def price_range_(self):
        """The lowest and the highest price that may be offered, (2,)."""
        ends = np.concatenate([self._price, *self._interval])
        return np.array([np.nanmin(ends), np.nanmax(ends)])

    @property
    def _candidates(self):
        key = "candidates", self.n_cells, repr(self.prices)
        if key not in self._cache:
            low, high = self._interval
            price, n_quantities = self._price, self._boxes.n_quantities
            parts = []
            for arm in range(len(price)):
                if np.isnan(low[arm]):
                    nothing = np.full((1, n_quantities), np.nan)
                    parts.append(Candidates(np.array([arm]), price[[arm]], nothing, nothing))
                    continue
                cell = (high[arm] - low[arm]) / self.n_cells
                middle = low[arm] + cell * (np.arange(self.n_cells) + 0.5)
                reach = 0.5 * _CELLS_OF_KERNEL * cell
                ends = (np.clip(middle + side, low[arm], high[arm]) for side in (-reach, reach))
                low_end, high_end = (end[:, None] for end in ends)
                parts.append(Candidates(np.full(self.n_cells, arm), middle, low_end, high_end))
            self._cache[key] = Candidates(*map(np.concatenate, zip(*parts, strict=True)))
        return self._cache[key]

    # ------------------------------------------------------------------ state
    def _initial_state(self, n_arms, n_features):
        low, high = self._interval
        price = self._price
        ranges = [np.linspace(a, b, _N_SPREAD) for a, b in zip(low, high, strict=True) if a == a]
        prices = np.sort(np.concatenate([price[~np.isnan(price)], *ranges]))
        scale = price_scale(prices)
        return CurveState(self._empty_model(n_features, scale), scale, np.zeros(n_arms))

    def _learn(self, rounds):
        if rounds.reward is None:
            if self._takes_quantities:
                raise ValueError(
                    "y names arms without rewards, but what an interval pays depends on the "
                    "price: pass y=make_log(arm, reward, quantity=price)."
                )
            return super()._learn(rounds)
        price = self._price[rounds.arm]
        if rounds.quantity is not None and rounds.quantity.shape[1]:
            price = np.where(np.isnan(price), rounds.quantity[:, 0], price)
        units, weight = self._sold(rounds, price, self._kind.units)
        model = self._taught(rounds.contexts, price, units, weight)
        played = np.bincount(rounds.arm, weight, minlength=len(self.classes_))
        return self.state_._replace(model=model, weight=self.state_.weight + played)

    def _carry_state(self, source, resize):
        self._check_same_shape(source, but=("quantities",))
        self._check_same_boxes(source._boxes, resize)
        self._check_prices()
        return CurveState(
            self._carried_model(source, resize.feature_source),
            source.state_.scale,
            carried_weight(source.state_.weight, resize),
        )

    # --------------------------------------------------------------- questions
    def _at_cost(self, cost, rows):
        if cost is None:
            return self
        if cost.ndim == 2:
            cost = cost[:, self._candidates.arm]
        twin = self._twin()
        twin.selector = for_costs(self._candidate_selector(), cost[rows])
        return twin

    def _candidate_selector(self):
        selector = ArgmaxSelector() if self.selector is None else self.selector
        selector = at(selector, self.learnt_weight_)
        return for_arms(selector, self.classes_[self._candidates.arm])

    def _earned(self, contexts):
        """Mean and width of what each candidate earns, and joint draws."""
        price = self._candidates.price
        margin = price - self.unit_cost
        mean, std, draws = self._curve(np.asarray(contexts), price)
        return mean * margin, std * np.abs(margin), lambda: draws() * margin

    def _quantity_policy(self, contexts, available):
        candidates = self._candidates
        mean, std, draws = self._earned(contexts)
        belief = JointBelief(mean, std, draws, (self.state_.weight == 0.0)[candidates.arm])
        mask = None if available is None else available[:, candidates.arm]
        weight = thompson_policy(belief, self._candidate_selector(), self.alpha, mask)
        return QuantityPolicy(
            candidates.arm, weight, candidates.low, candidates.high, self._boxes.high
        )

    def _best_quantity(self, contexts):
        mean, std, _ = self._earned(contexts)
        arm, price = self._candidates.arm, self._candidates.price
        n_arms = len(self.classes_)
        best = np.empty((len(mean), n_arms), dtype=np.intp)
        for one in range(n_arms):
            own = np.flatnonzero(arm == one)
            best[:, one] = own[mean[:, own].argmax(axis=1)]
        quantity = np.where(np.isnan(self._candidates.low), np.nan, price[:, None])
        rows = np.arange(len(mean))[:, None]
        return mean[rows, best], std[rows, best], quantity[best]

    def _reward_at(self, contexts, arm, quantity):
        price = self._price[arm]
        if quantity.shape[1]:
            price = np.where(np.isnan(price), quantity[:, 0], price)
        mean, std = self._curve(np.asarray(contexts), price[:, None])[:2]
        margin = price - self.unit_cost
        return mean[:, 0] * margin, std[:, 0] * np.abs(margin)

    def _demand(self, contexts):
        _, _, quantity = self._best_quantity(contexts)
        price = np.broadcast_to(self._price, quantity.shape[:2])
        if quantity.shape[2]:
            price = np.where(np.isnan(price), quantity[..., 0], price)
        return self._curve(np.asarray(contexts), price)[:2]

    def _floats_per_row(self, contexts, n_arms):
        return super()._floats_per_row(contexts, len(self._candidates.arm))
