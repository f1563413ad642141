"""Thompson sampling for arms without contexts."""

from numbers import Real

from .._rows import n_rows
from .._sklearn import Interval
from ..base import BaseBandit
from ..explorations import (
    ALPHA_CONSTRAINT,
    ThompsonSamplingMixin,
    all_were_tried,
    still_to_try,
)
from ._arms import (
    beta_belief,
    beta_parameters,
    no_rewards,
    regrouped,
    rewarded,
    student_belief,
)
from ._base import BaseContextFreeBandit, OnePolicyMixin
from ._counting import FORGETTING_CONSTRAINT, BaseCountingBandit


def check_beta_prior(prior):
    """Raise unless a prior is two positive numbers."""
    prior = tuple(prior)
    if len(prior) != 2 or not (prior[0] > 0 and prior[1] > 0):
        raise ValueError(
            f"prior must be (a, b), two positive parameters of a Beta distribution, got {prior!r}."
        )
    return float(prior[0]), float(prior[1])


class BetaThompsonSampling(OnePolicyMixin, ThompsonSamplingMixin, BaseCountingBandit):
    r"""Thompson sampling with Beta posteriors, for rewards in [0, 1].

    An arm that has paid :math:`s` in :math:`n` rounds pays, it is believed,

    .. math:: \theta_a \sim \text{Beta}(a + s_a,\; b + n_a - s_a)

    on average: the posterior for rewards of 0 and 1 [1]_. A reward in between counts as the part
    of a success that it is. The policy is exact, not a draw: arm a is played with the probability

    .. math:: p_a = \int f_a(t) \prod_{b \ne a} F_b(t) \, dt

    that it is the best, found by quadrature. No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    alpha : float >= 0 or "auto", default="auto"
        Factor on the widths of the posteriors: their parameters are divided by its square [2]_.
        1 is the posterior itself. "auto" scales each arm by how much less it is known than the
        best-known one, see :func:`skbandit.explorations.thompson_scale`.
    prior : (a, b), default=(1.0, 1.0)
        Parameters of the Beta prior of each arm, positive. (1, 1) is uniform; an arm that is
        expected to pay 2 % as if 50 rounds had been seen has (1, 49).
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
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
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each arm was played.
    reward_sum_, mean_ : ndarray of shape (n_arms,)
        What each arm has paid in them, and on average; 0 for an arm that was never played.
    a_, b_ : ndarray of shape (n_arms,)
        Parameters of the posteriors.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        What was learnt. Never written to; learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of columns of the contexts, where they have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if it has learnt from a DataFrame.

    See Also
    --------
    GaussianThompsonSampling : For rewards of any size.
    KLUCB : Upper confidence bounds for rewards in [0, 1].
    TopTwoThompsonSampling : Finds the best arm, and says when it is sure.
    skbandit.beliefs.BetaBelief : The belief, for bandits of one's own.

    References
    ----------
    .. [1] W. R. Thompson (1933). On the likelihood that one unknown probability exceeds another in
       view of the evidence of two samples. Biometrika 25(3/4), 285-294.
    .. [2] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import BetaThompsonSampling
    >>> bandit = BetaThompsonSampling(arms=["red", "green"], alpha=1.0, random_state=0)
    >>> nothing = np.empty((4, 0))
    >>> bandit = bandit.partial_fit(nothing, ["red", "red", "green", "green"], [0, 0, 0, 1])
    >>> bandit.a_.tolist(), bandit.b_.tolist()
    ([1.0, 2.0], [3.0, 2.0])
    >>> bandit.predict_proba(nothing[:1]).round(3)
    array([[0.2, 0.8]])
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": ALPHA_CONSTRAINT,
        "prior": [tuple, list],
        "forgetting": FORGETTING_CONSTRAINT,
    }
    _shape_parameters = ("forgetting",)

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior=(1.0, 1.0),
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.alpha = alpha
        self.prior = prior
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    def _initial_state(self, n_arms, n_features):
        check_beta_prior(self.prior)
        return super()._initial_state(n_arms, n_features)

    def _belief(self, contexts):
        return beta_belief(self.state_, n_rows(contexts), check_beta_prior(self.prior))

    @property
    def a_(self):
        """First parameter of the posteriors, (n_arms,): the prior's and the rewards."""
        return beta_parameters(self.state_, check_beta_prior(self.prior))[0]

    @property
    def b_(self):
        """Second parameter of the posteriors, (n_arms,): the prior's and what lacked to 1."""
        return beta_parameters(self.state_, check_beta_prior(self.prior))[1]


class GaussianThompsonSampling(OnePolicyMixin, ThompsonSamplingMixin, BaseContextFreeBandit):
    r"""Thompson sampling with normal-inverse-gamma posteriors, for rewards of any size.

    Rewards of arm a are :math:`N(\mu_a, \sigma_a^2)`, and

    .. math::

        \mu_a \mid \sigma_a^2 \sim N(c,\; \sigma_a^2 / \lambda), \qquad
        \sigma_a^2 \sim \text{Inv-Gamma}(2,\; 2 \bar\sigma^2),

    with the location :math:`c` and the noise :math:`\bar\sigma^2` that all arms' rewards say. The
    belief about :math:`\mu_a` is then a Student-t distribution [1]_ with
    :math:`\nu_a = 4 + n_a` degrees of freedom, location
    :math:`m_a = (\lambda c + s_a) / (\lambda + n_a)` and squared scale

    .. math::

        \frac{\hat\sigma_a^2}{\lambda + n_a}, \qquad
        \hat\sigma_a^2 = \frac{4 \bar\sigma^2 + S_a}{4 + n_a},

    where :math:`s_a` is what the arm has paid in :math:`n_a` rounds and :math:`S_a` what
    :math:`m_a` leaves of the squared rewards, the prior's share included. It is
    :class:`~skbandit.linear.LinearThompsonSampling` with nothing but a constant term: adding a
    constant to all rewards, or multiplying them, changes no decision. The policy is exact, see
    :class:`BetaThompsonSampling`. No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    alpha : float >= 0 or "auto", default="auto"
        Factor on the scale of the beliefs. 1 is the posterior itself. "auto" scales each arm by
        how much less it is known than the best-known one, see
        :func:`skbandit.explorations.thompson_scale`, and tries arms that are far behind a few more
        times, see :func:`skbandit.explorations.still_to_try`.
    prior_precision : float > 0, default=1.0
        How many rounds :math:`\lambda` the prior of an arm's mean counts as.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor; the prior never
        fades. 1 forgets nothing.
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
    weight_ : ndarray of shape (n_arms,)
        Sum of the weights of the rounds in which each arm was played.
    location_ : float
        Where the prior of the means lies: what arms pay on the whole.
    noise_variance_ : ndarray of shape (n_arms,)
        Variance of a reward about its mean, as it is believed.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : regression
        What was learnt. Never written to; learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of columns of the contexts, where they have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if it has learnt from a DataFrame.

    See Also
    --------
    BetaThompsonSampling : For rewards in [0, 1].
    skbandit.linear.LinearThompsonSampling : Where contexts matter.

    References
    ----------
    .. [1] J. Honda and A. Takemura (2014). Optimality of Thompson sampling for Gaussian bandits
       depends on priors. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import GaussianThompsonSampling
    >>> bandit = GaussianThompsonSampling(arms=["slow", "fast"], random_state=0)
    >>> milliseconds = [-220.0, -190.0, -120.0, -130.0]
    >>> bandit = bandit.fit(np.empty((4, 0)), ["slow", "slow", "fast", "fast"], milliseconds)
    >>> bandit.expected_reward(np.empty((1, 0))).round(1)
    array([[-191.7, -138.3]])
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "alpha": ALPHA_CONSTRAINT,
        "prior_precision": [Interval(Real, 0, None, closed="neither")],
        "forgetting": FORGETTING_CONSTRAINT,
    }
    _shape_parameters = ("forgetting",)

    def __init__(
        self,
        *,
        arms=None,
        alpha="auto",
        prior_precision=1.0,
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.alpha = alpha
        self.prior_precision = prior_precision
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        bandit = tags.bandit_tags
        bandit.learning = "sum" if self.forgetting == 1.0 else "sequence"
        bandit.fades = self.forgetting < 1.0
        bandit.arms, bandit.prior, bandit.location = "linked", "learnt", "learnt"
        return tags

    def _initial_state(self, n_arms, n_features):
        return no_rewards(n_arms, self.prior_precision)

    @property
    def _regression(self):
        """What was learnt, under the prior of now."""
        lam = float(self.prior_precision)
        if self.state_.prior_precision == lam:
            return self.state_
        key = "prior", lam
        if key not in self._cache:
            self._cache[key] = self.state_.carried(prior_precision=lam, locates=True)
        return self._cache[key]

    def _learn(self, rounds):
        return rewarded(self._regression, rounds, float(self.forgetting))

    def _belief(self, contexts):
        return student_belief(self._regression, n_rows(contexts))

    def _forced(self):
        known = self._regression
        if all_were_tried(known.weight):
            return None
        return still_to_try(known.weight, known.mean_rewards(), known.spreads())

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        return regrouped(source._regression, resize, self.prior_precision)

    def _merge_states(self, states):
        return type(states[0]).merged(states)

    @property
    def weight_(self):
        """Sum of the weights of the rounds in which each arm was played, (n_arms,)."""
        return self.state_.weight.copy()

    @property
    def location_(self):
        """Where the prior of the means lies: what arms pay on the whole; float."""
        return self._regression.location

    @property
    def noise_variance_(self):
        """Variance of a reward about its mean, as it is believed, (n_arms,)."""
        return self._regression.noise(None)[0].copy()
