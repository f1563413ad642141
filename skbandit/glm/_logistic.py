"""Logistic bandits: rewards of 0 and 1, and shares between."""

from numbers import Integral, Real

from .._sklearn import Interval
from ..explorations import ThompsonSamplingMixin, UpperConfidenceBoundMixin
from ._base import BaseGeneralizedLinearBandit


class LogisticModel(BaseGeneralizedLinearBandit):
    """Rewards in [0, 1] whose log-odds are linear in the context."""

    _likelihood = "logistic"
    _parameter_constraints = {
        **BaseGeneralizedLinearBandit._parameter_constraints,
        "prior_reward": [Interval(Real, 0, 1, closed="neither"), None],
    }


class LogisticUCB(UpperConfidenceBoundMixin, LogisticModel):
    r"""Logistic bandit that plays the highest upper confidence bound.

    For rewards of 0 and 1, such as clicks, and for shares between. A reward of arm a in context x
    is 1 with the probability :math:`\mu(x^\top \theta_a)`, :math:`\mu(z) = 1 / (1 + e^{-z})`,
    and the belief about :math:`\theta_a` is Gaussian with mean :math:`m_a` and precision
    :math:`A_a`, Laplace's approximation at the mode [1]_. The score of an arm is

    .. math:: s_a(x) = \mu\left(x^\top m_a + \alpha \sqrt{x^\top A_a^{-1} x}\right),

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
        log-odds a unit of their feature, with the prior :math:`N(0, 1 / \lambda)`.
    prior_reward : float in (0, 1), default=None
        What an arm is believed to pay before it was played, where all features are zero:
        there lies the prior of the constant term. None: it is found from what all arms have paid,
        see ``location_``.
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
        Put a constant term in front of the features. Without it a score of zero, a reward of 1/2,
        is where all features are zero.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
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
    intercept_ : ndarray of shape (n_arms,)
        Posterior mean of the constant term.
    precision_, covariance_ : ndarray of shape (n_arms, n_terms, n_terms)
        Of the weights, the constant term first; (n_arms, n_terms) for a diagonal precision.
    location_ : float
        Where the prior of the constant terms lies, in log-odds: at what arms pay on the whole,
        each counting for about as much as any other, with half a success and half a failure added.
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
    LogisticThompsonSampling : Plays an arm with the probability that it is the best one.
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
    >>> from skbandit.glm import LogisticUCB
    >>> bandit = LogisticUCB(arms=["email", "push", "none"], random_state=0)
    >>> bandit.predict_proba([[1.0, 2.0]]).round(3).tolist()
    [[0.333, 0.333, 0.333]]
    >>> bandit = bandit.partial_fit(
    ...     [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["email", "push", "push"], reward=[1, 0, 1]
    ... )
    >>> int(bandit.predict_proba([[1.0, 0.0]]).argmax())
    0
    """


class LogisticThompsonSampling(ThompsonSamplingMixin, LogisticModel):
    r"""Logistic bandit that plays an arm with the probability that it is the best one.

    For rewards of 0 and 1, such as clicks, and for shares between. A reward of arm a in context x
    is 1 with the probability :math:`1 / (1 + e^{-x^\top \theta_a})`, and the belief about
    :math:`\theta_a` is Gaussian: each learning call replaces the posterior by Laplace's
    approximation at its mode [1]_. The policy is exact, not a draw: the logistic function is
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
        log-odds a unit of their feature, with the prior :math:`N(0, 1 / \lambda)`.
    prior_reward : float in (0, 1), default=None
        What an arm is believed to pay before it was played, where all features are zero:
        there lies the prior of the constant term. None: it is found from what all arms have paid,
        see ``location_``.
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
        Put a constant term in front of the features. Without it a score of zero, a reward of 1/2,
        is where all features are zero.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
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
    intercept_ : ndarray of shape (n_arms,)
        Posterior mean of the constant term.
    precision_, covariance_ : ndarray of shape (n_arms, n_terms, n_terms)
        Of the weights, the constant term first; (n_arms, n_terms) for a diagonal precision.
    location_ : float
        Where the prior of the constant terms lies, in log-odds: at what arms pay on the whole,
        each counting for about as much as any other, with half a success and half a failure added.
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
    LogisticUCB : Plays the highest upper confidence bound.
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
    >>> from skbandit.glm import LogisticThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(500, 2))
    >>> bandit = LogisticThompsonSampling(arms=["email", "push"], random_state=0)
    >>> for rows in np.split(np.arange(500), 10):
    ...     arm = bandit.predict(X[rows])
    ...     chance = 1 / (1 + np.exp(3 - 2 * X[rows, (arm == "push").astype(int)]))
    ...     _ = bandit.partial_fit(X[rows], arm, rng.random_sample(len(rows)) < chance)
    >>> bandit.predict([[2.0, -1.0], [-1.0, 2.0]]).tolist()
    ['email', 'push']
    >>> bandit.expected_reward([[2.0, -1.0]]).round(1).tolist()
    [[0.7, 0.0]]
    """

    _parameter_constraints = {
        **LogisticModel._parameter_constraints,
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
            selector=selector,
            random_state=random_state,
        )
        self.n_draws = n_draws
