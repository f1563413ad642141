"""Bandits with one demand curve for all prices."""

import warnings
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._regression import Examples
from .._sklearn import Interval, StrOptions
from ..beliefs import JointBelief
from ..explorations import ALPHA_CONSTRAINT, ThompsonSamplingMixin, UpperConfidenceBoundMixin
from ._base import BasePricingBandit, carried_weight
from ._curve import PriceScale, Scores, falling_draws, falling_moments, price_scale
from ._demands import DEMANDS
from ._monotone import demand_projected, rounds_known
from ._prices import check_prices


class CurveState(NamedTuple):
    """What was learnt."""

    model: object  # of the units, by context and price
    scale: PriceScale
    weight: np.ndarray  # (n_arms,) of the rounds in which each price was played


class CurveModel:
    """The model of a demand curve: what is common to a list of prices and an interval.

    For bandits with the parameters ``demand``, ``interactions``, ``departure``,
    ``prior_precision`` and ``n_draws``.
    """

    _shape_parameters = ("demand", "interactions", "departure")

    @property
    def _kind(self):
        return DEMANDS[self.demand]

    def _empty_model(self, n_features, scale):
        n_terms = n_features + 1 + n_features * bool(self.interactions)
        n_terms += len(scale.knots) * (self.departure > 0.0)
        return self._kind.empty(n_terms, float(self.prior_precision))

    @property
    def _model(self):
        """What was learnt, under the prior of now."""
        model, lam = self.state_.model, float(self.prior_precision)
        if model.prior_precision == lam:
            return model
        key = "prior", lam
        if key not in self._cache:
            self._cache[key] = model.carried(prior_precision=lam)
        return self._cache[key]

    def _terms(self, contexts, price, moved=0.0):
        """Terms of the curve for contexts and prices, row by row.

        `moved` is added to the price on the line alone, in units of the spread.
        """
        z = self.state_.scale.of(price)
        on_line = (z + moved)[:, None]
        parts = [on_line]
        if self.departure > 0.0:
            parts.append(float(self.departure) * self.state_.scale.departures(z))
        by_feature = [contexts, contexts * on_line] if self.interactions else [contexts]
        # Terms of a feature stand together: those of features that are added come last.
        parts.append(np.stack(by_feature, axis=2).reshape(len(contexts), -1))
        return np.concatenate(parts, axis=1)

    def _taught(self, contexts, price, units, weight):
        """The model after more rounds."""
        rows = self._terms(np.asarray(contexts, dtype=np.float64), price)
        group = np.zeros(len(price), dtype=np.intp)
        model = self._model.learnt(Examples(rows, group, units, weight))
        if not getattr(model, "converged", True):
            warnings.warn(
                f"The mode of the posterior of {type(self).__name__} was not reached: its weights "
                "are near it. Scale the features, for instance with StandardScaler in a Pipeline.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return model

    def _pairs(self, contexts, price):
        """Each context with each price, and a function that folds what is asked of them."""
        n_rows, n_prices = len(contexts), price.shape[-1]
        rows = np.repeat(contexts, n_prices, axis=0)
        prices = np.broadcast_to(price, (n_rows, n_prices)).reshape(-1)

        def folded(values):
            return values.reshape(*values.shape[:-1], n_rows, n_prices)

        return rows, prices, folded

    def _scores(self, contexts, price):
        """The belief about the scores of each context at each price, and about the slope."""
        model, factor = self._model, self._kind.factor(self._model)
        rows, prices, folded = self._pairs(contexts, price)
        here, up, down = (self._terms(rows, prices, moved) for moved in (0.0, 1.0, -1.0))
        spread = [factor * folded(model.quadratic(one)[:, 0]) for one in (here, up, down)]
        mean = folded(model.mean(here)[:, 0])
        slope = folded(model.mean(up)[:, 0])[:, 0] - mean[:, 0]
        # Variances of s, s + b and s - b, b the slope, say that of b and its covariance with s.
        slope_variance = 0.5 * (spread[1] + spread[2])[:, 0] - spread[0][:, 0]
        covariance = 0.25 * (spread[1] - spread[2])
        return Scores(mean, spread[0], slope, np.maximum(slope_variance, 0.0), covariance)

    def _curve(self, contexts, price):
        """Mean and width of the demand of each context at each price, and joint draws.

        Prices are (n_prices,), or (n_samples, n_prices), where rows differ in them; these are not
        compared with each other. Draws are a function without arguments.
        """
        scores = self._scores(contexts, price)
        mean, std = falling_moments(scores, self._kind.moments)
        if not self.departure > 0.0 or price.ndim == 2:
            return mean, std, lambda: self._falling_draws(contexts, price, scores)
        known = rounds_known(mean, std, self._kind.units)

        def draws():
            free = self._falling_draws(contexts, price, scores)
            return demand_projected(free, known, price)[0]

        return demand_projected(mean, known, price)[0], std, draws

    def _falling_draws(self, contexts, price, scores):
        """Joint draws of the demand whose slope falls, (n_draws, n_samples, n_prices)."""
        rows, prices, folded = self._pairs(contexts, price)
        weights = self._weight_draws()
        here = folded(self._model.rewards(self._terms(rows, prices), weights).T)
        first = np.full(len(contexts), price[0])
        up, level = (
            self._model.rewards(self._terms(contexts, first, moved), weights).T
            for moved in (1.0, 0.0)
        )
        return self._kind.link(falling_draws(here, up - level, scores))

    def _weight_draws(self):
        """Posterior draws of the weights, (n_draws, n_terms): the same at every call."""
        key = "draws", self.n_draws, float(self.prior_precision)
        if key not in self._cache:
            model = self._model
            spread = np.sqrt(self._kind.factor(model)) * model.weight_deviations(0, self.n_draws)
            self._cache[key] = model.coef[0] + spread
        return self._cache[key]

    def _carried_model(self, source, features):
        """The source's model for other features."""
        n_fixed = 1 + len(source.state_.scale.knots) * (self.departure > 0.0)
        n_terms = 1 + bool(self.interactions)
        first = n_fixed + n_terms * np.asarray(features)[:, None]
        of_features = np.where(first >= n_fixed, first + np.arange(n_terms), -1)
        return source._model.carried(
            features=np.concatenate([np.arange(n_fixed), of_features.ravel()]),
            prior_precision=float(self.prior_precision),
        )

    def _merged_model(self, states):
        first = states[0].scale
        for state in states[1:]:
            same = first.centre == state.scale.centre and first.spread == state.scale.spread
            if not same or not np.array_equal(first.knots, state.scale.knots):
                raise ValueError(
                    "bandits must have started with the same prices to be merged: the curve is in "
                    f"units of their spread, {first.spread:g} about {first.centre:g} here and "
                    f"{state.scale.spread:g} about {state.scale.centre:g} there."
                )
        return type(states[0].model).merged([state.model for state in states])


class BaseDemandCurve(CurveModel, BasePricingBandit):
    """Finite prices on one demand curve."""

    _parameter_constraints = {
        **BasePricingBandit._parameter_constraints,
        "demand": [StrOptions(set(DEMANDS))],
        "interactions": ["boolean"],
        "departure": [Interval(Real, 0, None, closed="left")],
        "alpha": ALPHA_CONSTRAINT,
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        prices=None,
        unit_cost=0.0,
        demand="purchase",
        interactions=True,
        departure=1.0,
        alpha=1.0,
        prior_precision=1.0,
        n_draws=500,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.prices = prices
        self.unit_cost = unit_cost
        self.demand = demand
        self.interactions = interactions
        self.departure = departure
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.n_draws = n_draws
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        kind = DEMANDS.get(self.demand, DEMANDS["purchase"])
        bandit = tags.bandit_tags
        bandit.arms, bandit.reward = "shared", kind.units
        bandit.learning, bandit.merging = kind.learning, kind.merging
        if self.departure > 0.0:
            # Means are projected, and what is pooled depends on all of them.
            bandit.dropping_features = "approximate"
        return tags

    # ------------------------------------------------------------------ state
    def _initial_state(self, n_arms, n_features):
        price = self._price
        scale = price_scale(np.sort(price))
        return CurveState(self._empty_model(n_features, scale), scale, np.zeros(n_arms))

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        units, weight = self._sold(rounds, self._price[rounds.arm], self._kind.units)
        model = self._taught(rounds.contexts, self._price[rounds.arm], units, weight)
        played = np.bincount(rounds.arm, weight, minlength=len(self.classes_))
        return self.state_._replace(model=model, weight=self.state_.weight + played)

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        self._check_prices()
        return CurveState(
            self._carried_model(source, resize.feature_source),
            source.state_.scale,
            carried_weight(source.state_.weight, resize),
        )

    def _merge_states(self, states):
        weight = np.sum([state.weight for state in states], axis=0)
        return CurveState(self._merged_model(states), states[0].scale, weight)

    # --------------------------------------------------------------- questions
    def _demand(self, contexts):
        return self._curve(np.asarray(contexts), self._price)[:2]

    def _belief(self, contexts):
        contexts = np.asarray(contexts)
        price, margin = self._price, self._margin
        mean, std, draws = self._curve(contexts, price)
        return JointBelief(
            mean * margin,
            std * np.abs(margin),
            lambda: draws() * margin,
            self.state_.weight == 0.0,
        )

    def demand_curve(self, X, prices, return_std=False):
        """Return the units that are believed to be sold at any prices.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        prices : array-like of shape (n_prices,)
            They need not be arms.
        return_std : bool, default=False
            Also return the standard deviation of that belief.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_prices)
            Units a round; it does not rise with the price.
        std : ndarray of shape (n_samples, n_prices)
            Only if `return_std`.
        """
        contexts, bandit = self._asked(X)
        price = check_prices(prices)
        parts = [
            bandit._curve(np.asarray(contexts[rows]), price)[:2]
            for rows in bandit._blocks(contexts, len(price))
        ]
        mean, std = (np.concatenate(part) for part in zip(*parts, strict=True))
        return (mean, std) if return_std else mean

    def _floats_per_row(self, contexts, n_arms):
        n_terms = self.state_.model.n_terms
        return n_arms * (6 * n_terms + 4 * self.n_draws + 150)

    @property
    def weight_(self):
        """Sum of the weights of the rounds in which each price was played, (n_arms,)."""
        return self.state_.weight.copy()


class DemandCurveThompsonSampling(ThompsonSamplingMixin, BaseDemandCurve):
    r"""Thompson sampling over prices that share one demand curve which falls.

    The reward of a round is what it has earned, :math:`r = (p_a - c) \, q`: the units q that were
    sold at the price :math:`p_a` of the arm, each of which costs c. The demand in context x at the
    price p is :math:`\mu(s(x, p))`, :math:`\mu` the logistic function (purchases), the
    exponential function (counts) or none (amounts), and

    .. math:: s(x, p) = \beta_0 + x^\top \beta + z \, (\gamma_0 + x^\top \gamma) + \tau u(z),

    where z is the price in units of the spread of the prices that there were at first. The belief
    about the weights is Gaussian, Laplace's approximation at the mode [1]_. Demand does not rise
    with the price: draws are those under which the slope
    :math:`\gamma_0 + x^\top \gamma` is negative in the context at hand, truncated Gaussian
    draws. The departure u from the line is an Ornstein-Uhlenbeck process, so that the curve may
    have any form once there is much to learn from; with :math:`\tau > 0` draws of the demand are
    then projected on those that do not rise [2]_. What prices earn is the demand times
    :math:`p - c`, and the policy is the chance of each price to earn the most.

    Parameters
    ----------
    prices : dict of arm to price, or callable, default=None
        The price of each arm; a callable gives it from the label. It may name more arms than there
        are. None: the labels of the arms are numbers, their prices. Not negative.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    demand : {"purchase", "count", "amount"}, default="purchase"
        Units of a round: one or none, or shares between (logistic); 0, 1, 2, ... (Poisson); any
        number (linear, with learnt noise).
    interactions : bool, default=True
        Whether the slope on the price depends on the context.
    departure : float >= 0, default=1.0
        Standard deviation :math:`\tau` of the departure of the curve from a line, on the scale of
        the score: log-odds, logarithms of a rate, or standard deviations of the noise for amounts.
        0: the curve is a line there.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the deviations of draws from their mean; 1 samples from the posterior. "auto" is
        :func:`skbandit.explorations.thompson_scale`.
    prior_precision : float > 0, default=1.0
        Precision of every weight's prior, for features of unit scale.
    n_draws : int, default=500
        Joint posterior draws behind the policy.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of the columns of ``predict_proba``; the prices
        themselves, or names for which `prices` has a price. None learns them from the first `y`.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone.

    Attributes
    ----------
    prices_ : ndarray of shape (n_arms,)
        The price of each arm.
    price_range_ : ndarray of shape (2,)
        The lowest and the highest of them.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each price was played.
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
    DemandCurveUCB : Plays the highest upper confidence bound.
    MonotonePricingThompsonSampling : Assumes nothing of the curve but that it falls.
    PricingDisplay : Draws the demand and the revenue.

    Notes
    -----
    Before any round the policy is that of the prior: prices that differ are not believed to earn
    alike. A price that is added later is believed to sell as the curve says there, whatever
    ``init`` says, and what a price has taught is kept when it is removed. Prices stay in the units
    of those that there were at first. A price of 0, or one equal to `unit_cost`, always earns 0,
    and its rounds say nothing of the demand. Full feedback (labels without rewards) says that the
    named price has earned 1 and that the others would have earned 0.

    References
    ----------
    .. [1] D. J. C. MacKay (1992). The evidence framework applied to classification networks.
       Neural Computation 4(5), 720-736.
    .. [2] D. B. Dunson and B. Neelon (2003). Bayesian inference on order-constrained parameters in
       generalized linear models. Biometrics 59(2), 286-295.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.pricing import DemandCurveThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(400, 1))
    >>> bandit = DemandCurveThompsonSampling(arms=[5.0, 10.0, 20.0], random_state=0)
    >>> for rows in np.split(np.arange(400), 20):
    ...     price = bandit.predict(X[rows])
    ...     buys = rng.random_sample(20) < 1 / (1 + np.exp(price / 4 - 3 - 2 * X[rows, 0]))
    ...     _ = bandit.partial_fit(X[rows], price, price * buys)
    >>> bandit.predict([[-2.0], [1.5]], explore=False).tolist()
    [5.0, 20.0]
    """


class DemandCurveUCB(UpperConfidenceBoundMixin, BaseDemandCurve):
    r"""Upper confidence bounds over prices that share one demand curve which falls.

    The belief is that of :class:`DemandCurveThompsonSampling`; played is the price whose earnings
    have the highest bound, ``alpha`` standard deviations above the mean.

    Parameters
    ----------
    prices : dict of arm to price, or callable, default=None
        The price of each arm; a callable gives it from the label. It may name more arms than there
        are. None: the labels of the arms are numbers, their prices. Not negative.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    demand : {"purchase", "count", "amount"}, default="purchase"
        Units of a round: one or none, or shares between (logistic); 0, 1, 2, ... (Poisson); any
        number (linear, with learnt noise).
    interactions : bool, default=True
        Whether the slope on the price depends on the context.
    departure : float >= 0, default=1.0
        Standard deviation of the departure of the curve from a line, on the scale of the score. 0:
        the curve is a line there.
    alpha : float >= 0 or "auto", default=1.0
        How many standard deviations of what a price earns are added to its mean; "auto" is
        :func:`skbandit.explorations.upper_bound_scale`.
    prior_precision : float > 0, default=1.0
        Precision of every weight's prior, for features of unit scale.
    n_draws : int, default=500
        Not used for the bounds; joint posterior draws of whoever asks for the belief.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of the columns of ``predict_proba``; the prices
        themselves, or names for which `prices` has a price. None learns them from the first `y`.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone.

    Attributes
    ----------
    prices_ : ndarray of shape (n_arms,)
        The price of each arm.
    price_range_ : ndarray of shape (2,)
        The lowest and the highest of them.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each price was played.
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
    DemandCurveThompsonSampling : Plays a price with the probability that it earns the most.

    Examples
    --------
    >>> from skbandit.pricing import DemandCurveUCB
    >>> bandit = DemandCurveUCB(arms=["small", "large"], prices={"small": 10, "large": 30})
    >>> bandit = bandit.fit([[0.0]] * 3, ["small", "large", "large"], reward=[10, 0, 0])
    >>> bool(bandit.expected_demand([[0.0]])[0].argmax() == 0)
    True
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.policy = "exact"
        return tags
