"""Any bandit as a model of demand that does not rise with the price."""

from numbers import Integral

import numpy as np
from sklearn.utils import get_tags

from .._inner import (
    BaseBanditOfBandits,
    InnerState,
    check_inner,
    least_tags,
    taught,
    weighed,
)
from .._rows import n_rows, take_rows
from .._sklearn import HasMethods, Interval
from ..beliefs import JointBelief
from ..contextfree import BetaThompsonSampling
from ._base import BasePricingBandit, carried_weight
from ._monotone import demand_projected, interpolated, rounds_known
from ._prices import check_prices


class MonotonePricingBandit(BasePricingBandit, BaseBanditOfBandits):
    r"""Prices as arms, and any bandit as the model of the demand at each of them.

    The reward of a round is what it has earned, :math:`r = (p_a - c) \, q`: the units q that were
    sold at the price :math:`p_a` of the arm, each of which costs c. The bandit inside learns the
    demand, :math:`q = r / (p_a - c)`, of each price on its own, with or without contexts. What
    prices have in common is that demand does not rise with the price,

    .. math:: d_a(x) \ge d_b(x) \quad \text{where} \quad p_a < p_b.

    Each joint draw of demands from the belief inside is projected on what fulfils this, by
    isotonic regression with weights of how many rounds each price is known by [1]_ [2]_; the
    policy is the selector's on these draws times :math:`p_a - c`. A bandit with upper bounds
    inside has its bounds projected, in the same way, and a greedy one its means. Nothing else is
    assumed of the demand curve; :class:`DemandCurveThompsonSampling` learns faster where its form
    is nearly right.

    Parameters
    ----------
    bandit : bandit, default=None
        The model of the demand, its exploration included. None:
        :class:`~skbandit.contextfree.BetaThompsonSampling`, for customers who buy one unit or none
        whatever the context; with contexts :class:`~skbandit.glm.LogisticThompsonSampling`. For
        counts :class:`~skbandit.glm.PoissonThompsonSampling`, for amounts
        :class:`~skbandit.contextfree.GaussianThompsonSampling` or
        :class:`~skbandit.linear.LinearThompsonSampling`. It is cloned, never fitted itself, and
        every price has parameters of its own (no ``arm_model="shared"``). Its `selector` must be
        None, and its `arms` are those of this one.
    prices : dict of arm to price, or callable, default=None
        The price of each arm; a callable gives it from the label. It may name more arms than there
        are. None: the labels of the arms are numbers, their prices. Not negative.
    unit_cost : float >= 0, default=0.0
        What a unit costs: rewards are profits, ``(price - unit_cost) * units``. 0: rewards are
        revenues.
    n_draws : int, default=500
        Joint draws behind the policy.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order of the columns of ``predict_proba``; the prices
        themselves, or names for which `prices` has a price. None learns them from the first `y`.
    selector : selector, default=None
        From draws of what prices earn to a policy, see :mod:`skbandit.selectors`.
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
    DemandCurveThompsonSampling : A logistic or Poisson demand curve, for all prices together.
    PricingDisplay : Draws the demand and the revenue.

    Notes
    -----
    The projection of a posterior draw is not a draw from the posterior under the constraint: it
    puts mass on demands that are equal, and is close to it where prices are well known. A price
    of 0, or one equal to `unit_cost`, always earns 0 and its rounds say nothing of the demand.
    Full feedback (labels without rewards) says that the named price has sold a unit, and that the
    others would have sold none.

    References
    ----------
    .. [1] D. B. Dunson and B. Neelon (2003). Bayesian inference on order-constrained parameters in
       generalized linear models. Biometrics 59(2), 286-295.
    .. [2] L. Lin and D. B. Dunson (2014). Bayesian monotone regression using Gaussian process
       projection. Biometrika 101(2), 303-317.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.pricing import MonotonePricingBandit
    >>> bandit = MonotonePricingBandit(arms=[9.99, 14.99, 19.99], random_state=0)
    >>> nothing = np.empty((6, 0))
    >>> played = [9.99, 9.99, 14.99, 14.99, 14.99, 19.99]
    >>> bandit = bandit.fit(nothing, played, reward=[9.99, 0.0, 14.99, 14.99, 14.99, 0.0])
    >>> bandit.bandit_.a_.tolist(), bandit.expected_demand(nothing[:1]).round(2).tolist()
    ([2.0, 4.0, 1.0], [[0.66, 0.66, 0.33]])
    """

    _parameter_constraints = {
        **BasePricingBandit._parameter_constraints,
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), type, None],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("bandit",)

    def __init__(
        self,
        *,
        bandit=None,
        prices=None,
        unit_cost=0.0,
        n_draws=500,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.prices = prices
        self.unit_cost = unit_cost
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
            tags.input_tags.three_d_array = False
            for name in ("arms", "prior", "location", "policy"):
                setattr(tags.bandit_tags, name, getattr(own, name))
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
        rounds, units, weight = self._units(rounds, self._kind)
        (bandit,) = self.state_.bandits
        bandit = taught(self, bandit, rounds.contexts, rounds.arm, units, weight)
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

    def _weights(self, contexts):
        """Mean and width of the demand of each price on its own, and how well it is known."""
        mean, std = self._inside(contexts)._expected_reward(contexts)
        return mean, std, rounds_known(mean, std, self._kind)

    def _demand(self, contexts):
        mean, std, known = self._weights(contexts)
        projected, pooled = demand_projected(mean, known, self._price)
        # Prices that are pooled are known by the rounds of all of them.
        return projected, std * np.sqrt(known / pooled)

    def _revenue(self, contexts):
        """What the selector is asked about: a belief about what prices earn, or sure scores."""
        given = weighed(self._inside(contexts), contexts)
        _, _, known = self._weights(contexts)
        price, margin = self._price, self._margin
        known = known[: len(given.mean)]
        if not np.any(given.std):
            return None, demand_projected(given.mean, known, price)[0] * margin
        mean, std = self._expected_reward(contexts)

        def draws():
            demand = given.draws(self.n_draws, 0)
            return demand_projected(demand, known, price)[0] * margin

        n_given = len(given.mean)
        return JointBelief(mean[:n_given], std[:n_given], draws, np.True_), None

    def _policy(self, contexts, available):
        if get_tags(self.bandit_).bandit_tags.contexts != "none":
            return self._policy_of(contexts, available)
        # All contexts are alike.
        n_samples = n_rows(contexts)
        if available is None:
            policy = self._policy_of(take_rows(contexts, slice(0, 1)), None)
            return np.broadcast_to(policy, (n_samples, policy.shape[1]))
        masks, of_row = np.unique(available, axis=0, return_inverse=True)
        one = take_rows(contexts, slice(0, 1))
        policy = [self._policy_of(one, mask[None]) for mask in masks]
        return np.concatenate(policy)[of_row.reshape(-1)]

    def _policy_of(self, contexts, available):
        belief, scores = self._revenue(contexts)
        if belief is None:
            return self._selector.select(scores, available)
        return belief.expect(self._selector, available)

    def _decision_function(self, contexts):
        scores = self._inside(contexts)._decision_function(contexts)
        known = self._weights(contexts)[2]
        return demand_projected(scores, known, self._price)[0] * self._margin

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
        of_draws = 4 * self.n_draws * n_arms
        return self._inside(contexts)._floats_per_row(contexts, n_arms) + of_draws
