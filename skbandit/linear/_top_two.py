"""Best-arm identification with contexts: top-two Thompson sampling on means over a population."""

from numbers import Real

import numpy as np

from .._sklearn import Interval, StrOptions
from .._top_two import TopTwoBelief
from ._base import BaseLinearBandit
from ._stopping import PopulationEvidence, error_probability, is_enough


class LinearTopTwoThompsonSampling(BaseLinearBandit):
    r"""Find the arm that is best on average over a population, and say when it is found.

    One arm is to be played for all, and contexts tell why one visitor pays more than another: what
    they explain of the rewards is noise no longer, so fewer rounds are needed. Each arm has a
    linear model; with :math:`\bar x` the mean context of the population its mean reward there is
    :math:`\mu_a = \bar x^\top \theta_a` (the constant term comes first in both). Arms are played
    by top-two Thompson sampling [1]_ on the beliefs about :math:`\mu`: with :math:`P_i` the
    chance that :math:`\mu_i` is the largest, arm j is played with the probability

    .. math:: p_j = P_j \left( \beta + (1 - \beta) \sum_{i \ne j} \frac{P_i}{1 - P_i} \right)

    in every row, whatever its context, which is computed exactly. ``best_arm_`` is the arm that
    looks best on average, ``confidence_`` how sure one may be of it, ``should_stop`` whether that
    is enough.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    beta : float in (0, 1), default=0.5
        Share of the rounds for the arm that looks best.
    population : array-like or frame of shape (n_rows, n_features), default=None
        Contexts over which the best arm is sought; their mean is what counts, so one row that
        holds it is enough. In a Pipeline they are what the steps before make of them. None: the
        contexts of all rounds learnt so far.
    threshold : {"mixture", "chernoff"}, default="mixture"
        How evidence becomes confidence, see Notes.
    prior_precision : float > 0, default=1.0
        Precision of every weight's prior, in units of the noise's precision and for features of
        unit scale.
    noise : {"learnt", "fixed"}, default="learnt"
        "learnt": the variance of the noise has an inverse-gamma prior, each arm its own. "fixed":
        it is known.
    noise_std : float > 0, default=1.0
        Standard deviation of a reward, given its context, for ``noise="fixed"``; or an upper
        bound of it. In units of the reward.
    noise_prior : (shape, scale), default=None
        Inverse-gamma prior of the noise variance, see :class:`LinearThompsonSampling`.
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
    best_arm_ : label
        The arm with the highest mean reward over the population.
    confidence_ : float
        The confidence with which it is the best: 1 minus the error probability.
    population_reward_ : ndarray of shape (n_arms,)
        Mean reward of each arm over the population.
    population_reward_std_ : ndarray of shape (n_arms,)
        Standard deviations of the belief about them.
    chance_best_ : ndarray of shape (n_arms,)
        The posterior chance that each arm is the best; no confidence where one looks at it again
        and again.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each arm was played.
    coef_ : ndarray of shape (n_arms, n_features)
        Posterior mean of the weights.
    intercept_ : ndarray of shape (n_arms,)
        Posterior mean of the constant term.
    precision_, covariance_ : ndarray of shape (n_arms, n_terms, n_terms)
        Of the weights, the constant term first.
    location_ : float
        Where the prior of the constant terms lies, in units of the reward.
    noise_variance_ : ndarray of shape (n_arms,) or (1,)
        Known or learnt variance of a reward about its mean.
    gram_ : ndarray of shape (n_arms, n_terms, n_terms)
        Weighted sum over rounds of the products of the terms.
    moment_ : ndarray of shape (n_arms, n_terms)
        Weighted sum over rounds of reward times terms.
    residual_square_, reward_square_ : ndarray
        Sums of squares for learnt noise.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : regression
        What was learnt. Never written to; learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    skbandit.contextfree.TopTwoThompsonSampling : Looks at no context.
    LinearThompsonSampling : Plays what is best in each context.
    skbandit.strategies.TopTwoSelector : Best and second best, row by row, of any bandit.

    Notes
    -----
    ``expected_reward`` says what arms pay in a context, ``decision_function`` what they pay on
    average over the population; ``predict(explore=False)`` plays what pays most in the context.

    One may look after every round and stop when it suits. With "mixture" the confidence is proven,
    at all times at once and however arms were chosen, for rewards that are linear in the context
    plus subgaussian noise of a scale of at most `noise_std` (``noise="fixed"``), with one arm
    played a round: mixture supermartingales for the means of the noise, a self-normalised bound
    [2]_ for what the slopes move them, which has a tenth of the error probability. It speaks of
    the given `population`, or else, at each time, of the contexts learnt so far. With the noise
    learnt, the noise that is believed takes the place of the known one, and nothing is proven; nor
    where rewards are not linear, though the mean over the population is found then too, as long
    as rows are drawn from it and may all play the same arms. "chernoff" is :math:`e^{-Z}` with Z
    the least generalised log-likelihood ratio, the limit for small error probabilities; it is not
    proven either. The user guide says how often each has erred.

    An arm is no evidence before its rounds tell its slopes: it takes one more round than it has
    weights.

    References
    ----------
    .. [1] D. Russo (2020). Simple Bayesian algorithms for best-arm identification. Operations
       Research 68(6), 1625-1647. (section 4.3)
    .. [2] Y. Abbasi-Yadkori, D. Pal and C. Szepesvari (2011). Improved algorithms for linear
       stochastic bandits. NeurIPS 24. (theorem 1)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.linear import LinearTopTwoThompsonSampling
    >>> bandit = LinearTopTwoThompsonSampling(arms=["a", "b", "c"], random_state=0)
    >>> pays, rng = {"a": 0.0, "b": 0.5, "c": 0.1}, np.random.default_rng(0)
    >>> while not bandit.should_stop(confidence=0.95):
    ...     visitors = rng.normal(size=(20, 2))
    ...     arm = bandit.predict(visitors)
    ...     reward = [pays[label] for label in arm] + visitors @ [2.0, -1.0]
    ...     bandit = bandit.partial_fit(visitors, arm, reward + rng.normal(scale=0.5, size=20))
    >>> str(bandit.best_arm_)
    'b'
    """

    _parameter_constraints = {
        **{
            name: BaseLinearBandit._parameter_constraints[name]
            for name in (
                *("arms", "selector", "random_state"),
                *("prior_precision", "noise", "noise_std", "noise_prior"),
            )
        },
        "beta": [Interval(Real, 0, 1, closed="neither")],
        "population": ["array-like", None],
        "threshold": [StrOptions({"mixture", "chernoff"})],
    }
    _shape_parameters = ("noise",)
    # One model of those that the linear bandits have.
    prior, precision, arm_model = "ridge", "full", "disjoint"
    fit_intercept, forgetting = True, 1.0

    def __init__(
        self,
        *,
        arms=None,
        beta=0.5,
        population=None,
        threshold="mixture",
        prior_precision=1.0,
        noise="learnt",
        noise_std=1.0,
        noise_prior=None,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.beta = beta
        self.population = population
        self.threshold = threshold
        self.prior_precision = prior_precision
        self.noise = noise
        self.noise_std = noise_std
        self.noise_prior = noise_prior
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Whose contexts the mean is over.
        tags.bandit_tags.arms = "linked"
        return tags

    # ------------------------------------------------------------ population
    @property
    def _given_context(self):
        """Mean context of the population that was given, or None."""
        if self.population is None:
            return None
        known = self._cache.get("population")
        if known is None or known[0] is not self.population:
            try:
                rows = self._check_contexts(self.population, False)
            except ValueError as error:
                raise ValueError(f"population does not fit the contexts: {error}") from error
            known = self.population, rows.mean(axis=0)
            self._cache["population"] = known
        return known[1]

    @property
    def _mean_context(self):
        given = self._given_context
        if given is not None:
            return given
        sums = np.sum([gram[0] for gram in self.state_.gram], axis=0)
        return sums[1:] / sums[0] if sums[0] > 0.0 else np.zeros(len(sums) - 1)

    def _population_belief(self, n_rows=1):
        """The belief about the mean rewards over the population, the same in each row."""
        return self._belief(np.tile(self._mean_context, (n_rows, 1)))

    # -------------------------------------------------------------- deciding
    def _decision_function(self, contexts):
        mean = self._population_belief().mean
        return np.broadcast_to(mean, (contexts.shape[0], mean.shape[1]))

    def _policy(self, contexts, available):
        if getattr(self._selector, "differs_by_row", False):
            return self._policy_of(self._population_belief(contexts.shape[0]), available)
        if available is None:
            policy = self._policy_of(self._population_belief(), None)
            return np.broadcast_to(policy, (contexts.shape[0], policy.shape[1]))
        masks, of_row = np.unique(available, axis=0, return_inverse=True)
        return self._policy_of(self._population_belief(len(masks)), masks)[of_row.reshape(-1)]

    def _policy_of(self, belief, masks):
        # Rewards without noise leave none.
        mean, variance = belief.mean[0], np.maximum(belief.scale[0], 1e-100) ** 2

        def costs(leader):
            return 0.5 * (mean - mean[leader]) ** 2 / (variance + variance[leader])

        return TopTwoBelief(belief, float(self.beta), costs).expect(self._selector, masks)

    # -------------------------------------------------------- identification
    @property
    def _evidence(self):
        given, context = self._given_context, self._mean_context
        return PopulationEvidence(
            self.state_.gram,
            self.state_.raw_moment,
            context,
            np.sqrt(self._noise()[0]),
            np.zeros(len(context)) if given is None else given,
            moves=given is None,
        )

    @property
    def _leader(self):
        mean = self._population_belief().mean[0]
        return int(np.argmax(np.where(self.state_.weight > 0.0, mean, -np.inf)))

    @property
    def best_arm_(self):
        """The arm with the highest mean reward over the population; of several, the first."""
        self._check_parameters(against_state=True)
        return self.classes_[self._leader]

    @property
    def population_reward_(self):
        """Mean reward of each arm over the population, (n_arms,)."""
        self._check_parameters(against_state=True)
        return self._population_belief().mean[0]

    @property
    def population_reward_std_(self):
        """Standard deviations of the belief about these means, (n_arms,)."""
        self._check_parameters(against_state=True)
        return self._population_belief().std[0]

    @property
    def chance_best_(self):
        """The posterior chance that each arm is the best over the population, (n_arms,)."""
        self._check_parameters(against_state=True)
        return self._population_belief().best()[0]

    @property
    def confidence_(self):
        """The confidence, from 0 to 1, with which ``best_arm_`` is the best arm; float."""
        self._check_parameters(against_state=True)
        return 1.0 - error_probability(self._evidence, self._leader, self.threshold)

    def should_stop(self, confidence=0.95):
        """Say whether ``best_arm_`` is the best arm with this confidence.

        Parameters
        ----------
        confidence : float in (0, 1), default=0.95
            1 minus the error probability that is allowed.

        Returns
        -------
        stop : bool
            False before anything was learnt.

        Raises
        ------
        ValueError
            If `confidence` does not lie between 0 and 1, or `population` does not fit the contexts
            learnt.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
        if not self.__sklearn_is_fitted__():
            return False
        self._check_parameters(against_state=True)
        if self.threshold == "mixture":
            return is_enough(self._evidence, self._leader, 1.0 - confidence)
        return self.confidence_ >= confidence
