"""LinUCB with discounted rounds, as it is published."""

import copy
from math import log, sqrt
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from .._gaussian import fade_weights
from .._sklearn import Interval, StrOptions
from ..base import BaseBandit, StateField
from ..beliefs import IndependentBelief
from ..explorations import UpperConfidenceBoundMixin


class Discounted(NamedTuple):
    """Sums over the rounds, each with its discount; those of squares with the discount twice."""

    gram: np.ndarray  # (n_groups, n_features, n_features)
    square_gram: np.ndarray  # (n_groups, n_features, n_features)
    moment: np.ndarray  # (n_groups, n_features)
    count: np.ndarray  # (n_groups,) how many rounds there were, with the discount twice


def discounted(state, rows, group, reward, weight, forgetting, rows_per_round=1):
    """Return the sums after more rounds.

    Parameters
    ----------
    state : Discounted
    rows : ndarray of shape (n_rows, n_features)
    group : ndarray of int of shape (n_rows,)
    reward, weight : ndarray of shape (n_rows,)
    forgetting : float in (0, 1]
    rows_per_round : int, default=1

    Returns
    -------
    state : Discounted
    """
    once = twice = weight
    kept = kept_twice = 1.0
    if forgetting < 1.0:
        once, kept = fade_weights(weight, forgetting, rows_per_round)
        twice, kept_twice = fade_weights(weight, forgetting**2, rows_per_round)
    gram, square, moment = kept * state.gram, kept_twice * state.square_gram, kept * state.moment
    count = kept_twice * state.count + np.bincount(group, twice, minlength=len(state.count))
    for one in np.unique(group).tolist():
        own = group == one
        part = rows[own]
        gram[one] += part.T @ (once[own, None] * part)
        square[one] += part.T @ (twice[own, None] * part)
        moment[one] += (once[own] * reward[own]) @ part
    return Discounted(gram, square, moment, count)


def confidence_radius(
    n_terms, n_rounds, *, prior_precision, noise_std, weight_norm, context_norm, delta
):
    r"""Return the radius of the confidence ellipsoid of discounted least squares.

    .. math:: \beta = \sqrt{\lambda} S + \sigma \sqrt{2 \log \frac{1}{\delta} + d \log \left(1 +
              \frac{L^2 n}{\lambda d} \right)}

    with :math:`n = (1 - \gamma^{2 t}) / (1 - \gamma^2)` after t rounds.

    Parameters
    ----------
    n_terms : int
        d, the number of all weights.
    n_rounds : float
        n, how many rounds there were, with the discount twice.
    prior_precision, noise_std, weight_norm, context_norm, delta : float
        :math:`\lambda, \sigma, S, L, \delta`.

    Returns
    -------
    radius : float
    """
    inside = 1.0 + context_norm**2 * n_rounds / (prior_precision * n_terms)
    spread = 2.0 * log(1.0 / delta) + n_terms * log(inside)
    return sqrt(prior_precision) * weight_norm + noise_std * sqrt(spread)


def without_terms(state, gone, prior_precision):
    r"""Return sums under which what is believed about the other terms is what it was.

    With :math:`V` of the terms that stay replaced by its Schur complement, their mean is that of
    all terms together; :math:`\tilde V` is chosen so that their width is.

    Parameters
    ----------
    state : Discounted
    gone : ndarray of int
        Terms to be dropped.
    prior_precision : float

    Returns
    -------
    state : Discounted
        Of the same shape; the entries of the dropped terms are of no use.
    """
    gram, square, moment = (part.copy() for part in state[:3])
    kept = np.setdiff1d(np.arange(moment.shape[1]), gone)
    ridge = prior_precision * np.eye(moment.shape[1])
    for one in range(len(moment)):
        V = gram[one] + ridge
        across = np.linalg.solve(V[np.ix_(gone, gone)], V[np.ix_(gone, kept)])
        rest = V[np.ix_(kept, kept)] - V[np.ix_(kept, gone)] @ across
        half = np.linalg.solve(V, square[one] + ridge)
        spread = np.linalg.solve(V, half.T)[np.ix_(kept, kept)]
        inner = prior_precision * np.eye(len(kept))
        gram[one][np.ix_(kept, kept)] = rest - inner
        square[one][np.ix_(kept, kept)] = rest @ spread @ rest - inner
        moment[one, kept] -= moment[one, gone] @ across
    return Discounted(gram, square, moment, state.count)


class DiscountedLinUCB(UpperConfidenceBoundMixin, BaseBandit):
    r"""Linear bandit whose rounds fade, with the confidence bound that is proven for it.

    With :math:`V = \sum_s \gamma^{t-s} x_s x_s^\top + \lambda I` and :math:`\tilde V = \sum_s
    \gamma^{2(t-s)} x_s x_s^\top + \lambda I`, the mean is :math:`x^\top V^{-1} b` and the bound
    lies :math:`\alpha \beta \sqrt{x^\top V^{-1} \tilde V V^{-1} x}` above it (D-LinUCB [1]_), with
    :math:`\beta` of the paper's equation for subgaussian noise.

    The bound needs to know the scale of the noise, of the weights and of the contexts. A bound
    that finds its scale itself, on rounds that fade alike, is that of
    :class:`~skbandit.linear.LinearUCB` with its parameter ``forgetting``.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    forgetting : float in (0, 1], default=0.999
        :math:`\gamma`: a round of t rounds ago counts :math:`\gamma^t`.
    alpha : float >= 0, default=1.0
        Factor on the proven bound, which is wide.
    prior_precision : float > 0, default=1.0
        :math:`\lambda`; it does not fade.
    noise_std : float >= 0, default=1.0
        :math:`\sigma`, subgaussian scale of the noise, in units of the reward.
    weight_norm : float >= 0, default=1.0
        S, bound on the norm of the weights.
    context_norm : float > 0, default=None
        L, bound on the norm of a context. None: the root of the number of terms, which
        standardised features have on average.
    delta : float in (0, 1), default=0.05
        The bound fails with at most this probability at a given round.
    arm_model : {"disjoint", "shared"}, default="disjoint"
        "disjoint": each arm has weights of its own, which are one long vector to the paper: all
        fade in each round. "shared": candidates have features, `X` is (n_samples, n_candidates,
        n_features).
    fit_intercept : bool, default=True
        Put a constant term in front of the features.
    selector : selector, default=None
        From bounds to a policy, see :mod:`skbandit.selectors`. None plays the highest bound.
    random_state : int, RandomState instance or None, default=None
        Draws the arms where bounds tie.

    Attributes
    ----------
    coef_ : ndarray of shape (n_arms, n_features)
        Weights; one row if they are shared.
    intercept_ : ndarray of shape (n_arms,)
        Constant terms.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Sums over the rounds; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    skbandit.linear.LinearUCB : Has ``forgetting``, and a scale that finds itself.
    SlidingWindowBandit : Forgets at once what is older than a window.

    References
    ----------
    .. [1] Y. Russac, C. Vernade and O. Cappé (2019). Weighted linear bandits for non-stationary
       environments. NeurIPS 32, algorithm 1 and theorem 1.

    Examples
    --------
    >>> from skbandit.drift import DiscountedLinUCB
    >>> bandit = DiscountedLinUCB(arms=["a", "b"], forgetting=0.5, noise_std=0.1)
    >>> for reward in (1.0, 0.0):
    ...     bandit = bandit.partial_fit([[0.0]] * 8, ["a"] * 8, reward=[reward] * 8)
    >>> bandit.expected_reward([[0.0]]).round(3)
    array([[0.003, 0.   ]])
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "forgetting": [Interval(Real, 0, 1, closed="right")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "noise_std": [Interval(Real, 0, None, closed="left")],
        "weight_norm": [Interval(Real, 0, None, closed="left")],
        "context_norm": [Interval(Real, 0, None, closed="neither"), None],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "arm_model": [StrOptions({"disjoint", "shared"})],
        "fit_intercept": ["boolean"],
    }
    _shape_parameters = ("arm_model", "fit_intercept", "forgetting")

    def __init__(
        self,
        *,
        arms=None,
        forgetting=0.999,
        alpha=1.0,
        prior_precision=1.0,
        noise_std=1.0,
        weight_norm=1.0,
        context_norm=None,
        delta=0.05,
        arm_model="disjoint",
        fit_intercept=True,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.forgetting = forgetting
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.noise_std = noise_std
        self.weight_norm = weight_norm
        self.context_norm = context_norm
        self.delta = delta
        self.arm_model = arm_model
        self.fit_intercept = fit_intercept
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        shared = self.arm_model == "shared"
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = not shared, shared
        bandit = tags.bandit_tags
        bandit.learning = "sum" if self.forgetting == 1.0 else "sequence"
        bandit.fades = self.forgetting < 1.0
        # The radius counts the weights of all arms, and the rounds of all.
        bandit.arms, bandit.prior = "linked", "learnt"
        bandit.adding_features = bandit.dropping_features = "approximate"
        return tags

    @property
    def _state_fields(self):
        arm = "groups" if self.arm_model == "shared" else "arm"
        terms = "1+feature" if self.fit_intercept else "feature"
        return {
            "gram": StateField(arm, terms, terms, merge="sum", drop="slice"),
            "square_gram": StateField(arm, terms, terms, merge="sum", drop="slice"),
            "moment": StateField(arm, terms, merge="sum", drop="slice"),
            "count": StateField(arm, merge="sum"),
        }

    def _initial_state(self, n_arms, n_features):
        n_groups = 1 if self.arm_model == "shared" else n_arms
        n_terms = n_features + self.fit_intercept
        square = np.zeros((n_groups, n_terms, n_terms))
        return Discounted(square, square.copy(), np.zeros((n_groups, n_terms)), np.zeros(n_groups))

    def _carry_state(self, source, resize):
        gone = resize.dropped_features(source.n_features_in_)
        if len(gone):
            source = copy.copy(source)
            gone = gone + int(self.fit_intercept)
            source.state_ = without_terms(source.state_, gone, float(source.prior_precision))
        return super()._carry_state(source, resize)

    def _terms(self, X):
        if not self.fit_intercept:
            return X
        return np.concatenate([np.ones((*X.shape[:-1], 1)), X], axis=-1)

    def _learn(self, rounds):
        rounds = rounds.spelt_out(len(self.classes_))
        rows, group = self._terms(rounds.contexts), rounds.arm
        if self.arm_model == "shared":
            rows, group = rows[np.arange(len(group)), group], np.zeros_like(group)
        return discounted(
            self.state_,
            rows,
            group,
            rounds.reward,
            rounds.weights,
            float(self.forgetting),
            rounds.rows_per_round,
        )

    @property
    def _solved(self):
        """Weights, and the matrix of the squared widths, for each group."""
        key = "solved", float(self.prior_precision)
        if key not in self._cache:
            state, n_terms = self.state_, self.state_.moment.shape[1]
            ridge = self.prior_precision * np.eye(n_terms)
            weights, spread = np.empty_like(state.moment), np.empty_like(state.gram)
            for one in range(len(weights)):
                factor = cho_factor(state.gram[one] + ridge)
                weights[one] = cho_solve(factor, state.moment[one])
                half = cho_solve(factor, state.square_gram[one] + ridge)
                spread[one] = cho_solve(factor, half.T)
            self._cache[key] = weights, spread
        return self._cache[key]

    def _radius(self):
        n_terms = self.state_.moment.size
        norm = self.context_norm
        if norm is None:
            norm = sqrt(self.state_.moment.shape[1])
        return confidence_radius(
            n_terms,
            float(self.state_.count.sum()),
            prior_precision=self.prior_precision,
            noise_std=self.noise_std,
            weight_norm=self.weight_norm,
            context_norm=norm,
            delta=self.delta,
        )

    def _belief(self, contexts):
        weights, spread = self._solved
        Z = self._terms(contexts)
        if self.arm_model == "shared":
            mean = Z @ weights[0]
            square = np.einsum("nck,nck->nc", Z @ spread[0], Z)
        else:
            mean = Z @ weights.T
            square = np.stack([np.einsum("nk,nk->n", Z @ one, Z) for one in spread], axis=1)
        width = self._radius() * np.sqrt(np.maximum(square, 0.0))
        return IndependentBelief(mean, width)

    @property
    def coef_(self):
        """Weights of the features."""
        return self._learnt_weights()[:, int(self.fit_intercept) :]

    @property
    def intercept_(self):
        """Constant terms; 0 without them."""
        weights = self._learnt_weights()
        return weights[:, 0] if self.fit_intercept else np.zeros(len(weights))

    def _learnt_weights(self):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(
                f"This {type(self).__name__} has not learnt yet: it has no weights."
            )
        return self._solved[0]
