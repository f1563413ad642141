"""Poisson bandits: counts, with an exposure."""

from numbers import Integral

import numpy as np

from .._sklearn import Interval
from ..explorations import ThompsonSamplingMixin, UpperConfidenceBoundMixin
from ._base import BaseGeneralizedLinearBandit
from ._exposure import check_exposure, column_of, exposure_position, without_column


class PoissonModel(BaseGeneralizedLinearBandit):
    """Counts whose logarithm is linear in the context on average, with an exposure."""

    _likelihood = "poisson"
    _parameter_constraints = {
        **BaseGeneralizedLinearBandit._parameter_constraints,
        "exposure": [Interval(Integral, 0, None, closed="left"), str, None],
    }
    _shape_parameters = (*BaseGeneralizedLinearBandit._shape_parameters, "exposure")

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior="ridge",
        prior_precision=1.0,
        prior_reward=None,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        forgetting=1.0,
        exposure=None,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            arms=arms,
            alpha=alpha,
            prior=prior,
            prior_precision=prior_precision,
            prior_reward=prior_reward,
            precision=precision,
            arm_model=arm_model,
            fit_intercept=fit_intercept,
            forgetting=forgetting,
            selector=selector,
            random_state=random_state,
        )
        self.exposure = exposure

    @property
    def _checks_plain_contexts(self):
        return self.exposure is not None

    @property
    def _position(self):
        """Position of the column of the exposure, or None."""
        if self.exposure is None:
            return None
        names = getattr(self, "feature_names_in_", None)
        return exposure_position(self.exposure, names, self.n_features_in_)

    def _check_contexts(self, X, reset):
        contexts = super()._check_contexts(X, reset)
        if self.exposure is not None:
            check_exposure(column_of(contexts, self._position), self.exposure)
        return contexts

    def _initial_state(self, n_arms, n_features):
        return super()._initial_state(n_arms, n_features - (self._position is not None))

    def _without_exposure(self, examples):
        position = self._position
        if position is None:
            return examples, None
        exposure = np.asarray(column_of(examples.rows, position), dtype=np.float64)
        return examples._replace(rows=without_column(examples.rows, position)), exposure

    def _features_and_offset(self, contexts):
        position = self._position
        if position is None:
            return contexts, None
        offset = np.log(column_of(contexts, position))
        features = without_column(contexts, position)
        return features, offset if contexts.ndim == 3 else offset[:, None]

    def _carry_state(self, source, resize):
        self._check_same_shape(source, but=("exposure",))
        if (self.exposure is None) != (source.exposure is None):
            raise ValueError(
                f"exposure is {source.exposure!r} in source and {self.exposure!r} in template: "
                "set it in both or in neither."
            )
        if self.exposure is None:
            return self._carried_features(source, resize.feature_source, resize)
        known = source._position
        self._follow(source, resize)
        own, features = self._position, resize.feature_source
        if features[own] != known:
            raise ValueError(
                f"exposure={source.exposure!r}, the column {known} of the source, would not be "
                f"the column {own} (exposure={self.exposure!r}) of what it is carried into. It "
                "can neither be dropped nor become a feature."
            )
        features = np.delete(features, own)
        return self._carried_features(source, features - (features > known), resize)

    def _follow(self, source, resize):
        """Let the position of the exposure follow its column where others were dropped.

        Where columns come from elsewhere the parameter already says where it is now.
        """
        features = resize.feature_source
        dropped = len(features) < source.n_features_in_ and (np.diff(features) > 0).all()
        if dropped and isinstance(self.exposure, Integral) and self.exposure == source.exposure:
            place = np.flatnonzero(features == source._position)
            if not place.size:
                raise ValueError(
                    f"features to drop hold the column of the exposure ({self.exposure!r}), which "
                    "every round needs. Keep it."
                )
            self.exposure = int(place[0])


class PoissonUCB(UpperConfidenceBoundMixin, PoissonModel):
    r"""Poisson bandit that plays the highest upper confidence bound.

    For counts: orders, calls, visits. A reward of arm a in context x is a Poisson variable with
    mean :math:`t \, e^{x^\top \theta_a}`, t the exposure of the round, and the belief about
    :math:`\theta_a` is Gaussian with mean :math:`m_a` and precision :math:`A_a`, Laplace's
    approximation at the mode [1]_. The score of an arm is

    .. math:: s_a(x) = t \, \exp\left(x^\top m_a + \alpha \sqrt{x^\top A_a^{-1} x}\right),

    an upper bound on its expected reward [2]_.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``); with
        three-dimensional `X` they are then the indexes of the candidates.
    alpha : float >= 0 or "auto", default="auto"
        How many standard deviations of the score are added to it; 0 is greedy in the score. "auto"
        finds it for each arm in each row from how much less the arm is known there than the
        best-known one, see :func:`skbandit.explorations.upper_bound_scale`.
    prior : {"ridge", "hierarchical"}, default="ridge"
        "ridge": weights are independent, those of features are zero on average. "hierarchical":
        weights of arms come from a Gaussian distribution for each feature, whose mean and spread
        are found from the arms that have learnt, so that a new arm starts as arms are (empirical
        Bayes [4]_); for ``arm_model="disjoint"`` and ``precision="full"``. It suits many arms that
        are alike, and costs a fit of that distribution at every learning call.
    prior_precision : float > 0, default=1.0
        Precision :math:`\lambda` of every weight's prior, for features of unit scale: weights are
        logarithms of factors on the rate, a unit of their feature, with the prior :math:`N(0, 1 /
        \lambda)`.
    prior_reward : float > 0, default=None
        What an arm is believed to pay a unit of exposure before it was played, where all features
        are zero: there lies the prior of the constant term. None: it is found from what all arms
        have paid, see ``location_``.
    precision : {"full", "diagonal"}, default="full"
        "full" keeps all products of features, at O(n_features ** 2) memory an arm. "diagonal"
        keeps a mean and a variance for each weight [3]_: a call finds the mode of all its rounds,
        exactly under that belief, and of the precision its diagonal alone is kept for the next. It
        suits very many sparse features: a round costs what its non-zeros cost, and CSR input is
        used as it is.
    arm_model : {"disjoint", "shared", "hybrid"}, default="disjoint"
        "disjoint": every arm has weights of its own, `X` has two dimensions. "shared": candidates
        have features, `X` is (n_samples, n_candidates, n_features), and all share one weight
        vector. "hybrid": shared weights plus each arm's departure from them, `X` has two or three
        dimensions.
    fit_intercept : bool, default=True
        Put a constant term in front of the features. Without it a score of zero, a rate of 1,
        is where all features are zero.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
    exposure : int or str, default=None
        The column of `X` that holds the exposure of a round (of a candidate, where `X` has three
        dimensions): hours, visitors, square metres; positive. By position, or by name where `X` is
        a DataFrame. Expected counts are proportional to it, it has no weight, and it must be there
        when the bandit decides as well. None: all rounds have the same exposure. Where features
        before it are dropped, the new bandit's position follows.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    coef_ : ndarray of shape (n_arms, n_features)
        Posterior mean of the weights; one row if they are shared.
        The column of the exposure has none.
    intercept_ : ndarray of shape (n_arms,)
        Posterior mean of the constant term.
    precision_, covariance_ : ndarray of shape (n_arms, n_terms, n_terms)
        Of the weights, the constant term first; (n_arms, n_terms) for a diagonal precision.
    location_ : float
        Where the prior of the constant terms lies, the logarithm of a rate: at what arms pay on
        the whole, each counting for about as much as any other, with half an event in half a mean
        round added.
    gram_ : ndarray of shape (n_arms, n_terms, n_terms) or (n_arms, n_terms)
        What rounds have added to the precision of the prior.
    moment_ : ndarray of shape (n_arms, n_terms)
        What rounds have added to the precision of the prior times its mean.
    weight_, reward_sum_ : ndarray of shape (n_arms,)
        Sums over the rounds from which each arm has learnt: of their weights, and of their
        weighted rewards.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : model
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
    PoissonThompsonSampling : Plays an arm with the probability that it is the best one.
    skbandit.linear.LinearThompsonSampling : Rewards that are any numbers.

    References
    ----------
    .. [1] D. J. C. MacKay (1992). The evidence framework applied to classification networks.
       Neural Computation 4(5), 720-736.
    .. [2] S. Filippi, O. Cappe, A. Garivier and C. Szepesvari (2010). Parametric bandits: the
       generalized linear case. NeurIPS 23.
    .. [3] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24,
       algorithm 3.
    .. [4] D. V. Lindley and A. F. M. Smith (1972). Bayes estimates for the linear model. Journal
       of the Royal Statistical Society B 34(1), 1-41.

    Examples
    --------
    >>> from skbandit.glm import PoissonUCB
    >>> bandit = PoissonUCB(arms=["a", "b"], random_state=0)
    >>> bandit = bandit.fit([[0.0], [0.0], [1.0]], ["a", "b", "a"], reward=[4, 0, 7])
    >>> bandit.predict([[0.0]], explore=False).tolist()
    ['a']
    """


class PoissonThompsonSampling(ThompsonSamplingMixin, PoissonModel):
    r"""Poisson bandit that plays an arm with the probability that it is the best one.

    For counts: orders, calls, visits. A reward of arm a in context x is a Poisson variable with
    mean :math:`t \, e^{x^\top \theta_a}`, t the exposure of the round, and the belief about
    :math:`\theta_a` is Gaussian: each learning call replaces the posterior by Laplace's
    approximation at its mode [1]_. The policy is exact, not a draw: the exponential function is
    increasing, so the best arm is the one of the highest score, whose Gaussian belief has mean
    :math:`x^\top m_a` and standard deviation :math:`\alpha \sqrt{x^\top A_a^{-1} x}` [2]_.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``); with
        three-dimensional `X` they are then the indexes of the candidates.
    alpha : float >= 0 or "auto", default="auto"
        Factor on the standard deviation of the belief about the score; it has no unit. 1 samples
        from the posterior itself. "auto" scales each arm in each row by how much less it is known
        there than the best-known one, see :func:`skbandit.explorations.thompson_scale`.
    prior : {"ridge", "hierarchical"}, default="ridge"
        "ridge": weights are independent, those of features are zero on average. "hierarchical":
        weights of arms come from a Gaussian distribution for each feature, whose mean and spread
        are found from the arms that have learnt, so that a new arm starts as arms are (empirical
        Bayes [4]_); for ``arm_model="disjoint"`` and ``precision="full"``. It suits many arms that
        are alike, and costs a fit of that distribution at every learning call.
    prior_precision : float > 0, default=1.0
        Precision :math:`\lambda` of every weight's prior, for features of unit scale: weights are
        logarithms of factors on the rate, a unit of their feature, with the prior :math:`N(0, 1 /
        \lambda)`.
    prior_reward : float > 0, default=None
        What an arm is believed to pay a unit of exposure before it was played, where all features
        are zero: there lies the prior of the constant term. None: it is found from what all arms
        have paid, see ``location_``.
    precision : {"full", "diagonal"}, default="full"
        "full" keeps all products of features, at O(n_features ** 2) memory an arm. "diagonal"
        keeps a mean and a variance for each weight [3]_: a call finds the mode of all its rounds,
        exactly under that belief, and of the precision its diagonal alone is kept for the next. It
        suits very many sparse features: a round costs what its non-zeros cost, and CSR input is
        used as it is.
    arm_model : {"disjoint", "shared", "hybrid"}, default="disjoint"
        "disjoint": every arm has weights of its own, `X` has two dimensions. "shared": candidates
        have features, `X` is (n_samples, n_candidates, n_features), and all share one weight
        vector. "hybrid": shared weights plus each arm's departure from them, `X` has two or three
        dimensions.
    fit_intercept : bool, default=True
        Put a constant term in front of the features. Without it a score of zero, a rate of 1,
        is where all features are zero.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
    exposure : int or str, default=None
        The column of `X` that holds the exposure of a round (of a candidate, where `X` has three
        dimensions): hours, visitors, square metres; positive. By position, or by name where `X` is
        a DataFrame. Expected counts are proportional to it, it has no weight, and it must be there
        when the bandit decides as well. None: all rounds have the same exposure. Where features
        before it are dropped, the new bandit's position follows.
    n_draws : int, default=500
        Joint posterior draws behind the policy of shared and hybrid weights.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    coef_ : ndarray of shape (n_arms, n_features)
        Posterior mean of the weights; one row if they are shared.
        The column of the exposure has none.
    intercept_ : ndarray of shape (n_arms,)
        Posterior mean of the constant term.
    precision_, covariance_ : ndarray of shape (n_arms, n_terms, n_terms)
        Of the weights, the constant term first; (n_arms, n_terms) for a diagonal precision.
    location_ : float
        Where the prior of the constant terms lies, the logarithm of a rate: at what arms pay on
        the whole, each counting for about as much as any other, with half an event in half a mean
        round added.
    gram_ : ndarray of shape (n_arms, n_terms, n_terms) or (n_arms, n_terms)
        What rounds have added to the precision of the prior.
    moment_ : ndarray of shape (n_arms, n_terms)
        What rounds have added to the precision of the prior times its mean.
    weight_, reward_sum_ : ndarray of shape (n_arms,)
        Sums over the rounds from which each arm has learnt: of their weights, and of their
        weighted rewards.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : model
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
    PoissonUCB : Plays the highest upper confidence bound.
    skbandit.linear.LinearThompsonSampling : Rewards that are any numbers.

    References
    ----------
    .. [1] D. J. C. MacKay (1992). The evidence framework applied to classification networks.
       Neural Computation 4(5), 720-736.
    .. [2] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24.
    .. [3] The same, algorithm 3.
    .. [4] D. V. Lindley and A. F. M. Smith (1972). Bayes estimates for the linear model. Journal
       of the Royal Statistical Society B 34(1), 1-41.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skbandit.glm import PoissonThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X = pd.DataFrame({"rain": rng.normal(size=400), "hours": rng.uniform(1, 8, size=400)})
    >>> arm = rng.choice(["stall", "van"], size=400)
    >>> rate = np.where(arm == "van", 3.0 * np.exp(0.5 * X["rain"]), 2.0)
    >>> sold = rng.poisson(rate * X["hours"])
    >>> bandit = PoissonThompsonSampling(exposure="hours", random_state=0).fit(X, arm, sold)
    >>> np.exp(bandit.intercept_).round(1).tolist(), bandit.coef_.round(1).tolist()
    ([2.0, 3.1], [[0.0], [0.5]])
    """

    _parameter_constraints = {
        **PoissonModel._parameter_constraints,
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior="ridge",
        prior_precision=1.0,
        prior_reward=None,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        forgetting=1.0,
        exposure=None,
        n_draws=500,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            arms=arms,
            alpha=alpha,
            prior=prior,
            prior_precision=prior_precision,
            prior_reward=prior_reward,
            precision=precision,
            arm_model=arm_model,
            fit_intercept=fit_intercept,
            forgetting=forgetting,
            exposure=exposure,
            selector=selector,
            random_state=random_state,
        )
        self.n_draws = n_draws
