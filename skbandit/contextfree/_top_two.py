"""Best-arm identification: top-two Thompson sampling, and when to stop."""

from numbers import Real

import numpy as np

from .._evidence import GaussianEvidence
from .._rows import n_rows
from .._sklearn import Interval, StrOptions
from .._top_two import TopTwoBelief
from ..base import BaseBandit
from ..beliefs import IndependentBelief
from ._arms import (
    COUNT_FIELDS,
    beta_belief,
    counted,
    mean_rewards,
    no_counts,
    no_rewards,
    regrouped,
    rewarded,
    student_belief,
)
from ._base import BaseContextFreeBandit, OnePolicyMixin
from ._stopping import BernoulliEvidence, error_probability

_PRIOR_PRECISION = 1.0


class _BernoulliArms:
    """Rewards in [0, 1], counted; Beta posteriors under uniform priors."""

    def tag(self, tags, noise_std):
        tags.reward = "unit_interval"

    def empty(self, n_arms):
        return no_counts(n_arms)

    def learnt(self, state, rounds):
        return counted(state, rounds)

    def belief(self, state, n_samples, noise_std):
        return beta_belief(state, n_samples)

    def evidence(self, state, noise_std):
        return BernoulliEvidence(mean_rewards(state), state.weight)


class _GaussianArms:
    """Rewards of any size; the location of the means, and the noise where not known, is learnt."""

    def tag(self, tags, noise_std):
        tags.reward, tags.arms, tags.prior = "real", "linked", "learnt"
        tags.location = "learnt" if noise_std is None else "fixed"

    def empty(self, n_arms):
        return no_rewards(n_arms, _PRIOR_PRECISION)

    def learnt(self, state, rounds):
        return rewarded(state, rounds)

    def belief(self, state, n_samples, noise_std):
        belief = student_belief(state, n_samples)
        if noise_std is None:
            return belief
        scale = noise_std / np.sqrt(_PRIOR_PRECISION + state.weight)
        return IndependentBelief(belief.mean, np.broadcast_to(scale, belief.mean.shape))

    def evidence(self, state, noise_std):
        noise = np.sqrt(state.noise(None)[0]) if noise_std is None else noise_std
        noise = np.broadcast_to(noise, state.weight.shape)
        return GaussianEvidence(state.mean_rewards(), state.weight, noise)


_ARMS = {"bernoulli": _BernoulliArms(), "gaussian": _GaussianArms()}


class TopTwoThompsonSampling(OnePolicyMixin, BaseContextFreeBandit):
    r"""Find the best arm with as few rounds as possible, and say when it is found.

    Thompson sampling plays the best arm nearly always once it believes to know it, and learns no
    more about the others. Top-two Thompson sampling draws from the posterior; with the probability
    `beta` it plays the arm that is best in the draw, else it draws until another one is best and
    plays that [1]_. With :math:`P_i` the posterior chance that arm i is best, it plays arm j with
    the probability

    .. math::

        p_j = P_j \left( \beta + (1 - \beta) \sum_{i \ne j} \frac{P_i}{1 - P_i} \right),

    which is computed exactly, nothing is drawn again and again. ``best_arm_`` is the arm that
    looks best, ``confidence_`` how sure one may be of it, ``should_stop`` whether that is enough.
    No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    beta : float in (0, 1), default=0.5
        Share of the rounds for the arm that looks best. With 1/2 at most twice as many rounds are
        needed as with the best value, which depends on the problem [1]_.
    reward_model : {"bernoulli", "gaussian"}, default="bernoulli"
        "bernoulli": rewards in [0, 1], Beta posteriors under uniform priors. "gaussian": rewards
        of any size, Gaussian or Student-t posteriors whose location is learnt.
    noise_std : float > 0 or None, default=None
        Standard deviation of a reward about its mean for ``reward_model="gaussian"``, or an upper
        bound of it. None: it is learnt, as in :class:`GaussianThompsonSampling`.
    threshold : {"mixture", "union", "loglog", "chernoff"}, default="mixture"
        How evidence becomes confidence, see Notes.
    selector : selector, default=None
        What turns scores into a policy, see :mod:`skbandit.selectors`. None:
        :class:`~skbandit.selectors.ArgmaxSelector`.
    random_state : int, RandomState instance or None, default=None
        None draws afresh at every call, a RandomState advances its stream, an int makes a decision
        a function of the seed, of what was learnt and of the row alone: rows without columns are
        told apart by their place in the call.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    best_arm_ : label
        The arm with the highest mean reward.
    confidence_ : float
        The confidence with which it is the best: 1 minus the error probability.
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each arm was played.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple or regression
        What was learnt. Never written to; learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of columns of the contexts, where they have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if it has learnt from a DataFrame.

    See Also
    --------
    BetaThompsonSampling : Where the rewards on the way count.

    Notes
    -----
    One may look after every round and stop when it suits: the confidence holds at all times at
    once, and however the arms were chosen. With :math:`Z` the least generalised log-likelihood
    ratio of the leading arm over another one [2]_ after t rounds, the error probability is

    - "mixture": :math:`(K - 1) / M`, with M the least of the products of two mixture
      supermartingales, see the user guide. Valid for all rewards in [0, 1], and for Gaussian ones
      with a known `noise_std`; of the two that are proven it needs fewer rounds.
    - "union": :math:`2 t (K - 1) e^{-Z}`, proven for rewards of 0 and 1 ([2]_, theorem 10).
    - "loglog": :math:`(\log t + 1) e^{-Z}`, with which [2]_ experiments. It is not proven.
    - "chernoff": :math:`e^{-Z}`, the limit of them all for small error probabilities, which makes
      up neither for the number of arms nor for how often one looks. It is not proven; the user
      guide says how it has fared.

    With the noise learnt, the noise that is believed takes the place of the known one, and nothing
    is proven.

    Where the chance that another arm is best is below 1e-6, the challenger is drawn with
    probabilities in proportion to :math:`e^{-Z_{ij}}`, to which its posterior chance tends. With a
    selector that plays sets, the k arms most likely among the best are played; one that weighs
    scores is given draws whose two highest scores change places in a share 1 - `beta` of them.

    References
    ----------
    .. [1] D. Russo (2020). Simple Bayesian algorithms for best-arm identification. Operations
       Research 68(6), 1625-1647. (section 4.3)
    .. [2] A. Garivier and E. Kaufmann (2016). Optimal best arm identification with fixed
       confidence. COLT.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import TopTwoThompsonSampling
    >>> bandit = TopTwoThompsonSampling(arms=["a", "b", "c"], random_state=0)
    >>> pays, rng = {"a": 0.3, "b": 0.7, "c": 0.4}, np.random.default_rng(0)
    >>> visitors = np.empty((10, 0))
    >>> bandit = bandit.partial_fit(visitors[:3], ["a", "b", "c"], [0, 0, 0])
    >>> while not bandit.should_stop(confidence=0.95):
    ...     arm = bandit.predict(visitors)
    ...     reward = rng.random(10) < [pays[label] for label in arm]
    ...     bandit = bandit.partial_fit(visitors, arm, reward)
    >>> str(bandit.best_arm_)
    'b'
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "beta": [Interval(Real, 0, 1, closed="neither")],
        "reward_model": [StrOptions(set(_ARMS))],
        "noise_std": [Interval(Real, 0, None, closed="neither"), None],
        "threshold": [StrOptions({"mixture", "union", "loglog", "chernoff"})],
    }
    _shape_parameters = ("reward_model",)
    # Of counts; the other kind of arms carries and joins its state itself.
    _state_fields = COUNT_FIELDS

    def __init__(
        self,
        *,
        arms=None,
        beta=0.5,
        reward_model="bernoulli",
        noise_std=None,
        threshold="mixture",
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.beta = beta
        self.reward_model = reward_model
        self.noise_std = noise_std
        self.threshold = threshold
        self.selector = selector
        self.random_state = random_state

    @property
    def _arms(self):
        return _ARMS[self.reward_model]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        _ARMS.get(self.reward_model, _ARMS["bernoulli"]).tag(tags.bandit_tags, self.noise_std)
        return tags

    def _initial_state(self, n_arms, n_features):
        return self._arms.empty(n_arms)

    def _learn(self, rounds):
        return self._arms.learnt(self.state_, rounds)

    def _belief(self, contexts):
        return self._arms.belief(self.state_, n_rows(contexts), self.noise_std)

    def _row_policy(self, contexts, available):
        evidence = self._evidence
        n_arms = len(self.classes_)

        def costs(leader):
            return np.array([evidence.likelihood_ratio(leader, arm) for arm in range(n_arms)])

        belief = TopTwoBelief(self._belief(contexts), float(self.beta), costs)
        return belief.expect(self._selector, available)

    def _carry_state(self, source, resize):
        if self.reward_model == "bernoulli":
            return super()._carry_state(source, resize)
        self._check_same_shape(source)
        return regrouped(source.state_, resize, _PRIOR_PRECISION)

    def _merge_states(self, states):
        if self.reward_model == "bernoulli":
            return super()._merge_states(states)
        return type(states[0]).merged(states)

    # ------------------------------------------------------------------------------ identification
    @property
    def _evidence(self):
        return self._arms.evidence(self.state_, self.noise_std)

    @property
    def best_arm_(self):
        """The arm with the highest mean reward; of several, the first."""
        return self.classes_[self._leader]

    @property
    def _leader(self):
        evidence = self._evidence
        return int(np.argmax(np.where(evidence.weight > 0.0, evidence.mean, -np.inf)))

    @property
    def confidence_(self):
        """The confidence, from 0 to 1, with which ``best_arm_`` is the best arm; float."""
        self._check_parameters(against_state=True)
        key = "confidence", self.threshold, self.noise_std
        if key not in self._cache:
            delta = error_probability(self._evidence, self._leader, self.threshold)
            self._cache[key] = 1.0 - delta
        return self._cache[key]

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
            If `confidence` does not lie between 0 and 1.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must lie between 0 and 1, got {confidence!r}.")
        return self.__sklearn_is_fitted__() and self.confidence_ >= confidence

    @property
    def weight_(self):
        """Sum of the weights of the rounds in which each arm was played, (n_arms,)."""
        return self.state_.weight.copy()
