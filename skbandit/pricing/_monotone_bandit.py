"""Demand of each price on its own, given that it does not rise with the price."""

from numbers import Integral

import numpy as np
from sklearn.utils import get_tags

from .._inner import BaseBanditOfBandits, InnerState, check_inner, least_tags, taught
from .._one_policy import one_policy
from .._rows import n_rows, take_rows
from .._sklearn import HasMethods, Interval
from ..base import BaseBandit
from ..beliefs import JointBelief
from ..contextfree import BetaThompsonSampling
from ..explorations import ALPHA_CONSTRAINT, ThompsonSamplingMixin, UpperConfidenceBoundMixin
from ._base import BasePricingBandit, carried_weight
from ._monotone import interpolated
from ._ordered import ordered_demands
from ._prices import check_prices


class BaseMonotonePricing(BasePricingBandit, BaseBanditOfBandits):
    """Any bandit's belief about the demand of each price, under the constraint."""

    _parameter_constraints = {
        **BasePricingBandit._parameter_constraints,
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), type, None],
        "alpha": ALPHA_CONSTRAINT,
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("bandit",)

    def __init__(
        self,
        *,
        bandit=None,
        prices=None,
        unit_cost=0.0,
        alpha=1.0,
        n_draws=500,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.prices = prices
        self.unit_cost = unit_cost
        self.alpha = alpha
        self.n_draws = n_draws
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if isinstance(self.bandit, type):
            # It is refused once there is something to learn or to decide.
            return tags
        inner = get_tags(self._bandit)
        if hasattr(inner, "bandit_tags"):
            own = tags.bandit_tags
            tags = least_tags(tags, [self._bandit])
            tags.no_validation = inner.no_validation
            tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
            for name in ("arms", "prior", "location", "policy"):
                setattr(tags.bandit_tags, name, getattr(own, name))
            if tags.bandit_tags.dropping_features == "exact":
                # What is summed up over cells is exact to about three digits.
                tags.bandit_tags.dropping_features = "approximate"
        return tags

    # ------------------------------------------------------------------ state
    @property
    def _bandit(self):
        return BetaThompsonSampling() if self.bandit is None else self.bandit

    @property
    def _kind(self):
        """Which units the bandit inside takes as rewards."""
        return get_tags(self._bandit).bandit_tags.reward

    def _templates(self):
        bandit = self._bandit
        check_inner(self, "bandit", bandit)
        if not get_tags(bandit).input_tags.two_d_array:
            raise ValueError(
                f"bandit={bandit!r} has weights that all candidates share. Here each price has "
                "its own; for one curve of all prices use DemandCurveThompsonSampling."
            )
        if type(bandit)._belief is BaseBandit._belief:
            raise ValueError(
                f"bandit={bandit!r} has no belief about its arms that could be constrained. Put "
                "in one that has, such as BetaThompsonSampling or LogisticThompsonSampling."
            )
        return [bandit]

    def _initial_rest(self, n_arms):
        self._check_prices()
        return np.zeros(n_arms)

    def _carried_rest(self, source, resize):
        self._check_prices()
        return carried_weight(source.state_.rest, resize)

    def _merged_rest(self, rests):
        return np.sum(rests, axis=0)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        units, weight = self._sold(rounds, self._price[rounds.arm], self._kind)
        (bandit,) = self.state_.bandits
        told = np.flatnonzero(weight > 0.0)
        if told.size:
            contexts = rounds.contexts
            if told.size < len(weight):
                contexts = take_rows(contexts, told)
            arm = rounds.arm[told]
            bandit = taught(self, bandit, contexts, arm, units[told], weight[told])
        played = np.bincount(rounds.arm, weight, minlength=len(self.classes_))
        return InnerState((bandit,), self.state_.rest + played)

    # --------------------------------------------------------------- questions
    @property
    def weight_(self):
        """Sum of the weights of the rounds in which each price was played, (n_arms,)."""
        return self.state_.rest.copy()

    @property
    def bandit_(self):
        """The bandit inside, as it is now."""
        return self.state_.bandits[0]

    def _inside(self, contexts):
        """The bandit inside; before any round one at its prior."""
        bandit = self.bandit_
        return bandit if bandit.__sklearn_is_fitted__() else bandit._asked(contexts)[1]

    @property
    def _is_context_free(self):
        return self._bandit_tags.contexts == "none"

    def _ordered(self, contexts):
        """The belief about demands under the constraint; of one row where all are alike."""
        if self._is_context_free:
            contexts = take_rows(contexts, slice(0, 1))
        belief = self._inside(contexts)._belief(contexts)
        return ordered_demands(belief, self._price, self._kind, self.n_draws)

    def _demand(self, contexts):
        shape = n_rows(contexts), len(self.classes_)
        return tuple(np.broadcast_to(one, shape) for one in self._ordered(contexts).moments())

    def _belief(self, contexts):
        ordered, margin = self._ordered(contexts), self._margin
        n_samples, n_arms = n_rows(contexts), len(self.classes_)
        mean, std = (np.broadcast_to(one, (n_samples, n_arms)) for one in ordered.moments())

        def draws():
            earned = ordered.draws() * margin
            return np.broadcast_to(earned, (len(earned), n_samples, n_arms))

        # Arms of one price about which the same is believed are alike.
        return JointBelief(mean * margin, std * np.abs(margin), draws, np.True_)

    def demand_curve(self, X, prices, return_std=False):
        """Return the units that are believed to be sold at any prices.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        prices : array-like of shape (n_prices,)
            They need not be arms: between two arms the demand is interpolated, and outside it is
            that of the nearest.
        return_std : bool, default=False
            Also return the standard deviation of that belief, interpolated too.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_prices)
            Units a round; it does not rise with the price.
        std : ndarray of shape (n_samples, n_prices)
            Only if `return_std`.
        """
        mean, std = self.expected_demand(X, return_std=True)
        _, bandit = self._asked(X)
        price = check_prices(prices)
        known = bandit._price
        mean, std = (interpolated(values, known, price) for values in (mean, std))
        return (mean, std) if return_std else mean

    def _floats_per_row(self, contexts, n_arms):
        of_cells = 6 * n_arms * max(650, 26 * n_arms)
        own = 4 * self.n_draws * n_arms + of_cells
        return self._inside(contexts)._floats_per_row(contexts, n_arms) + own


class OnePolicyMixin:
    """Find the policy once for all rows that may play the same arms, where rows are alike."""

    def _policy(self, contexts, available):
        decide = super()._policy
        if not self._is_context_free or getattr(self._selector, "differs_by_row", False):
            return decide(contexts, available)
        return one_policy(decide, contexts, available)


class MonotonePricingThompsonSampling(OnePolicyMixin, ThompsonSamplingMixin, BaseMonotonePricing):
    r"""Thompson sampling over prices whose demand does not rise with the price.

    The reward of a round is what it has earned, :math:`r = (p_a - c) \, q`: the units q that were
    sold at the price :math:`p_a` of the arm, each of which costs c. The bandit inside learns the
    demand, :math:`q = r / (p_a - c)`, of each price on its own, with or without contexts. What
    prices have in common is that

    .. math:: d_a(x) \ge d_b(x) \quad \text{where} \quad p_a < p_b.

    The belief is that of the bandit inside, given that this holds: exactly, for independent
    beliefs about prices that differ, by sums over a fine grid from price to price, which need no
    more than the order [1]_. Each price is played with the chance that it earns the most, by joint
    draws. Nothing else is assumed of the demand curve; :class:`DemandCurveThompsonSampling` learns
    faster where its form is nearly right.

    Parameters
    ----------
    bandit : bandit, default=None
        The model of the demand of each price on its own: a bandit that has a belief about its
        arms (the hook ``_belief``). None: :class:`~skbandit.contextfree.BetaThompsonSampling`, for
        customers who buy one unit or none whatever the context; with contexts
        :class:`~skbandit.glm.LogisticThompsonSampling`. For counts
        :class:`~skbandit.glm.PoissonThompsonSampling`, for amounts
        :class:`~skbandit.contextfree.GaussianThompsonSampling` or
        :class:`~skbandit.linear.LinearThompsonSampling`. It is cloned, never fitted itself, every
        price has parameters of its own (no ``arm_model="shared"``), and its exploration is not
        used. Its `selector` must be None, and its `arms` are those of this one.
    prices : dict of arm to price, or callable, default=None
        The price of each arm; a callable gives it from the label. It may name more arms than there
        are. None: the labels of the arms are numbers, their prices. Not negative.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the deviations of draws from their mean; 1 samples from the posterior. "auto" is
        :func:`skbandit.explorations.thompson_scale`.
    n_draws : int, default=500
        Joint draws behind the policy.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of the columns of ``predict_proba``; the prices
        themselves, or names for which `prices` has a price. None learns them from the first `y`.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms, and seeds the bandit inside where that has None.

    Attributes
    ----------
    bandit_ : bandit
        The bandit inside, which has learnt units.
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
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    MonotonePricingUCB : Plays the highest upper confidence bound.
    DemandCurveThompsonSampling : A logistic or Poisson demand curve, for all prices together.
    PricingDisplay : Draws the demand and the revenue.

    Notes
    -----
    Before any round the demands of purchases under the constraint are those of sorted uniform
    numbers: they fall evenly from 1 to 0 over the list of prices. So prices that differ are not
    believed to earn alike, and the first decisions are not uniform. Nothing is asked of two arms
    of one price; where there are such arms, or the beliefs inside are joint or by replicates,
    draws are projected on what fulfils the constraint, by isotonic regression [2]_, which is close
    to the posterior but not the same. A price of 0, or one equal to `unit_cost`, always earns 0,
    and its rounds say nothing of the demand. Full feedback (labels without rewards) says that the
    named price has earned 1 and that the others would have earned 0.

    References
    ----------
    .. [1] A. E. Gelfand, A. F. M. Smith and T.-M. Lee (1992). Bayesian analysis of constrained
       parameter and truncated data problems using Gibbs sampling. Journal of the American
       Statistical Association 87(418), 523-532 (the posterior; here it is summed up, not sampled).
    .. [2] D. B. Dunson and B. Neelon (2003). Bayesian inference on order-constrained parameters in
       generalized linear models. Biometrics 59(2), 286-295.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.pricing import MonotonePricingThompsonSampling
    >>> bandit = MonotonePricingThompsonSampling(arms=[9.99, 14.99, 19.99], random_state=0)
    >>> nothing = np.empty((6, 0))
    >>> played = [9.99, 9.99, 14.99, 14.99, 14.99, 19.99]
    >>> bandit = bandit.fit(nothing, played, reward=[9.99, 0.0, 14.99, 14.99, 14.99, 0.0])
    >>> bandit.bandit_.a_.tolist(), bandit.expected_demand(nothing[:1]).round(2).tolist()
    ([2.0, 4.0, 1.0], [[0.77, 0.63, 0.26]])
    """


class MonotonePricingUCB(OnePolicyMixin, UpperConfidenceBoundMixin, BaseMonotonePricing):
    r"""Upper confidence bounds over prices whose demand does not rise with the price.

    The belief is that of :class:`MonotonePricingThompsonSampling`; played is the price whose
    earnings have the highest bound, ``alpha`` standard deviations above the mean.

    Parameters
    ----------
    bandit : bandit, default=None
        The model of the demand of each price on its own: a bandit that has a belief about its
        arms (the hook ``_belief``). None: :class:`~skbandit.contextfree.BetaThompsonSampling`, for
        customers who buy one unit or none whatever the context; with contexts
        :class:`~skbandit.glm.LogisticThompsonSampling`. For counts
        :class:`~skbandit.glm.PoissonThompsonSampling`, for amounts
        :class:`~skbandit.contextfree.GaussianThompsonSampling` or
        :class:`~skbandit.linear.LinearThompsonSampling`. It is cloned, never fitted itself, every
        price has parameters of its own (no ``arm_model="shared"``), and its exploration is not
        used. Its `selector` must be None, and its `arms` are those of this one.
    prices : dict of arm to price, or callable, default=None
        The price of each arm; a callable gives it from the label. It may name more arms than there
        are. None: the labels of the arms are numbers, their prices. Not negative.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    alpha : float >= 0 or "auto", default=1.0
        How many standard deviations of what a price earns are added to its mean. "auto" is
        :func:`skbandit.explorations.upper_bound_scale`.
    n_draws : int, default=500
        Joint draws, where a belief is not known in closed form.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of the columns of ``predict_proba``; the prices
        themselves, or names for which `prices` has a price. None learns them from the first `y`.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms, and seeds the bandit inside where that has None.

    Attributes
    ----------
    bandit_ : bandit
        The bandit inside, which has learnt units.
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
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    MonotonePricingThompsonSampling : Plays a price with the probability that it earns the most.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.pricing import MonotonePricingUCB
    >>> bandit = MonotonePricingUCB(arms=["small", "large"], prices={"small": 10, "large": 30})
    >>> bandit = bandit.fit(np.empty((3, 0)), ["small", "large", "large"], reward=[10, 0, 0])
    >>> bool(bandit.expected_demand(np.empty((1, 0)))[0].argmax() == 0)
    True
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.policy = "exact"
        return tags
