"""Linear Thompson sampling."""

from numbers import Integral

from .._sklearn import Interval
from ..explorations import ThompsonSamplingMixin
from ._base import BaseLinearBandit


class LinearThompsonSampling(ThompsonSamplingMixin, BaseLinearBandit):
    r"""Linear bandit that plays an arm with the probability that it is the best one.

    The belief about the expected reward of arm a is Gaussian, or Student-t with learnt noise, with
    mean :math:`x^\top A_a^{-1} b_a` and scale :math:`\alpha \, \sigma_a \sqrt{x^\top A_a^{-1} x}`,
    where :math:`A_a = \lambda I + G_a` [1]_. The policy is exact, not a draw: for disjoint arms

    .. math:: p_a(x) = \int f_a(t) \prod_{b \ne a} F_b(t) \, dt

    is found by quadrature; for shared and hybrid weights, whose scores are correlated, it is the
    share of `n_draws` joint posterior draws, the same for all rows, in which the arm is best.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``); with
        three-dimensional `X` they are then the indexes of the candidates.
    alpha : float >= 0 or "auto", default="auto"
        Factor on the standard deviation of the belief; it has no unit. 1 samples from the
        posterior itself; less explores less, which lowers the regret of most problems at
        practical horizons [2]_ and locks onto a wrong arm in noise. "auto" scales each arm in
        each row by how much less it is known there than the best-known one, see
        :func:`skbandit.explorations.thompson_scale`, and tries arms that are far behind a few
        more times, see :func:`skbandit.explorations.still_to_try`.
    prior : {"ridge", "hierarchical"}, default="ridge"
        "ridge": weights are independent, those of features are zero on average. "hierarchical":
        the weights of arms come from a Gaussian distribution for each feature,
        :math:`\theta_{aj} \sim N(\mu_j, \sigma_a^2 v_j)`, whose mean and spread are found from the
        arms that have learnt, so that a new arm starts as arms are (empirical Bayes [4]_); for
        ``arm_model="disjoint"`` and ``precision="full"``. It suits many arms that are alike, and
        costs a fit of that distribution at every learning call.
    prior_precision : float > 0, default=1.0
        Precision :math:`\lambda` of every weight's prior, in units of the noise's precision and
        for features of unit scale: the prior of a weight is :math:`N(0, \sigma^2 / \lambda)`. It
        is the ridge penalty.
    precision : {"full", "diagonal"}, default="full"
        "full" keeps all products of features: the exact posterior, at O(n_features ** 2) memory an
        arm. "diagonal" keeps a mean and a variance for each weight [2]_: a call learns up to 256
        rounds an arm at once, exactly under that belief, so the mean is fitted to them as in ridge
        regression, and of the precision its diagonal alone is kept for the next. It suits very
        many sparse features: a round costs what its non-zeros cost, and CSR input is used as it
        is. How rounds are cut into calls then matters a little, an arm never played starts at what
        arms pay on average, and :func:`~skbandit.transfer.merge` is an approximation. On features
        that are dense and not centred it learns slowly: "full" is for these.
    arm_model : {"disjoint", "shared", "hybrid"}, default="disjoint"
        "disjoint": every arm has weights of its own, `X` has two dimensions. "shared": candidates
        have features, `X` is (n_samples, n_candidates, n_features), and all share one weight
        vector. "hybrid": shared weights plus each arm's departure from them [3]_, `X` has two or
        three dimensions.
    fit_intercept : bool, default=True
        Put a constant term in front of the features. Its prior lies at what arms pay on the whole
        (``location_``), which is found from the rewards: adding a constant to all rewards changes
        no decision. Without a constant term, and where `noise_prior` or a fixed noise say what
        the unit of the rewards is, the prior lies at zero.
    noise : {"learnt", "fixed"}, default="learnt"
        "learnt": the variance of the noise has an inverse-gamma prior (each arm its own in the
        disjoint model, one for all else), expected rewards are Student-t, and the width of the
        exploration follows the rewards' own scale. "fixed": the noise is known.
    noise_std : float > 0, default=1.0
        Standard deviation of the noise, in units of the reward, for ``noise="fixed"``.
    noise_prior : (shape, scale), default=None
        Inverse-gamma prior of the noise variance for ``noise="learnt"``; shape > 1, and scale > 0
        in squared units of the reward. None: shape 2, with the variance that all arms have about
        their means as the guess, and at least half of that for each arm: a few rewards that agree
        make no arm certain.
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
        Where the prior of the constant terms lies, in units of the reward.
    noise_variance_ : ndarray of shape (n_arms,) or (1,)
        Known or learnt variance of a reward about its mean.
    gram_ : ndarray of shape (n_arms, n_terms, n_terms) or (n_arms, n_terms)
        Weighted sum over rounds of the products (or squares) of the terms.
    moment_ : ndarray of shape (n_arms, n_terms)
        Weighted sum over rounds of reward times terms. With a diagonal precision, whose mean is
        no quotient of sums: each weight's mean times its precision (over the noise's), which is
        the same for orthogonal terms; that of the constant lacks the share of its prior.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds from which each arm has learnt.
    residual_square_, reward_square_ : ndarray
        Sums of squares for learnt noise: what the posterior mean leaves unexplained (the prior's
        share included), and the rewards' own. With a diagonal precision: of the errors made one
        step ahead, each over its variance in units of the noise's.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : regression
        What was learnt: sums over the rounds, and what follows from them. Never written to;
        learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    LinearUCB : Plays the highest upper confidence bound.

    References
    ----------
    .. [1] S. Agrawal and N. Goyal (2013). Thompson sampling for contextual bandits with linear
       payoffs. ICML.
    .. [2] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24,
       algorithm 3 for the diagonal precision.
    .. [3] L. Li, W. Chu, J. Langford and R. E. Schapire (2010). A contextual-bandit approach to
       personalized news article recommendation. WWW, algorithm 2.
    .. [4] D. V. Lindley and A. F. M. Smith (1972). Bayes estimates for the linear model. Journal
       of the Royal Statistical Society B 34(1), 1-41.

    Examples
    --------
    >>> from skbandit.linear import LinearThompsonSampling
    >>> bandit = LinearThompsonSampling(arms=["email", "push", "none"], random_state=0)
    >>> bandit.predict_proba([[1.0, 2.0]]).round(3).tolist()
    [[0.333, 0.333, 0.333]]
    >>> bandit = bandit.partial_fit(
    ...     [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], ["email", "push", "push"], reward=[1.0, 0.0, 1.0]
    ... )
    >>> int(bandit.predict_proba([[1.0, 0.0]]).argmax())
    0
    """

    _parameter_constraints = {
        **BaseLinearBandit._parameter_constraints,
        "n_draws": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior="ridge",
        prior_precision=1.0,
        precision="full",
        arm_model="disjoint",
        fit_intercept=True,
        noise="learnt",
        noise_std=1.0,
        noise_prior=None,
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
            precision=precision,
            arm_model=arm_model,
            fit_intercept=fit_intercept,
            noise=noise,
            noise_std=noise_std,
            noise_prior=noise_prior,
            forgetting=forgetting,
            selector=selector,
            random_state=random_state,
        )
        self.n_draws = n_draws
