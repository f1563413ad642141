"""Bandits that play the arm of the highest index."""

from numbers import Real

from .._sklearn import Interval
from ..base import BaseBandit
from ._base import OnePolicyMixin, same_for_all
from ._bounds import kl_ucb_bounds, ucb1_bounds
from ._counting import FORGETTING_CONSTRAINT, BaseCountingBandit


class UCB1(OnePolicyMixin, BaseCountingBandit):
    r"""Play the highest of Hoeffding's upper confidence bounds, for rewards in [0, 1].

    After :math:`n` rounds, :math:`n_a` of them with arm a, the score of the arm is

    .. math:: \bar x_a + \sqrt{\frac{c \log n}{n_a}},

    its mean reward and what it may be better by [1]_; with c = 2 the regret is at most
    :math:`\sum_a (8 \log n / \Delta_a + (1 + \pi^2 / 3) \Delta_a)`, with :math:`\Delta_a` what
    the arm pays less than the best one. Arms that were never played come first. No context is
    looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    exploration : float >= 0, default=2.0
        The constant c. The proof is for 2; smaller ones explore less.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor [2]_. 1 forgets
        nothing.
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
    KLUCB : Tighter bounds, half of the regret and less.
    BetaThompsonSampling : Explores at random; its propensities lie between 0 and 1.

    References
    ----------
    .. [1] P. Auer, N. Cesa-Bianchi and P. Fischer (2002). Finite-time analysis of the multiarmed
       bandit problem. Machine Learning 47, 235-256. (figure 1, theorem 1)
    .. [2] A. Garivier and E. Moulines (2011). On upper-confidence bound policies for switching
       bandit problems. ALT.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import UCB1
    >>> bandit = UCB1(arms=["red", "green"], random_state=0)
    >>> nothing = np.empty((4, 0))
    >>> bandit = bandit.partial_fit(nothing, ["red", "red", "green", "green"], [0, 0, 0, 1])
    >>> bandit.decision_function(nothing[:1]).round(3)
    array([[1.177, 1.677]])
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "exploration": [Interval(Real, 0, None, closed="left")],
        "forgetting": FORGETTING_CONSTRAINT,
    }
    _shape_parameters = ("forgetting",)

    def __init__(
        self,
        *,
        arms=None,
        exploration=2.0,
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.exploration = exploration
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    def _decision_function(self, contexts):
        bounds = ucb1_bounds(self.mean_, self.state_.weight, float(self.exploration))
        return same_for_all(bounds, contexts)


class KLUCB(OnePolicyMixin, BaseCountingBandit):
    r"""Play the highest Kullback-Leibler upper confidence bound, for rewards in [0, 1].

    After :math:`n` rounds, :math:`n_a` of them with arm a and a mean reward of
    :math:`\bar x_a`, the score of the arm is

    .. math::

        \max \{ q \le 1 : n_a \, \mathrm{kl}(\bar x_a, q) \le \log n + c \log \log n \}, \qquad
        \mathrm{kl}(p, q) = p \log \frac{p}{q} + (1 - p) \log \frac{1 - p}{1 - q} .

    For rewards of 0 and 1 its regret grows as slowly as that of any policy can,
    :math:`\sum_a \Delta_a \log n / \mathrm{kl}(\mu_a, \mu^*)` [1]_. Arms that were never played
    come first. No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    c : float >= 0, default=0.0
        Factor on the double logarithm. The proof is for 3; the authors advise 0.
    forgetting : float in (0, 1], default=1.0
        Every round multiplies the weight of all rounds before it by this factor. 1 forgets
        nothing.
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
    UCB1 : Bounds of a closed form.
    BetaThompsonSampling : Explores at random; its propensities lie between 0 and 1.

    References
    ----------
    .. [1] A. Garivier and O. Cappe (2011). The KL-UCB algorithm for bounded stochastic bandits and
       beyond. COLT. (algorithm 1, theorem 2)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import KLUCB
    >>> bandit = KLUCB(arms=["red", "green"], random_state=0)
    >>> nothing = np.empty((4, 0))
    >>> bandit = bandit.partial_fit(nothing, ["red", "red", "green", "green"], [0, 0, 0, 1])
    >>> bandit.decision_function(nothing[:1]).round(3)
    array([[0.5  , 0.933]])
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "c": [Interval(Real, 0, None, closed="left")],
        "forgetting": FORGETTING_CONSTRAINT,
    }
    _shape_parameters = ("forgetting",)

    def __init__(
        self,
        *,
        arms=None,
        c=0.0,
        forgetting=1.0,
        selector=None,
        random_state=None,
    ):
        self.arms = arms
        self.c = c
        self.forgetting = forgetting
        self.selector = selector
        self.random_state = random_state

    def _decision_function(self, contexts):
        bounds = kl_ucb_bounds(self.mean_, self.state_.weight, float(self.c))
        return same_for_all(bounds, contexts)
