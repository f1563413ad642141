"""Exponential weights for rewards that an adversary may have chosen."""

from numbers import Real
from typing import NamedTuple

import numpy as np

from .._rows import take_rows
from .._sklearn import Interval, StrOptions
from ..base import BaseBandit, StateField
from ..selectors import explored
from ._arms import COUNT_FIELDS, counted, no_counts
from ._base import OnePolicyMixin, same_for_all
from ._counting import BaseCountingBandit
from ._race import GumbelBelief

# A chance that is smaller is a round that the bandit has not played.
_LEAST_PROPENSITY = 1e-6


class Estimates(NamedTuple):
    """What each arm has paid, and would have paid had it always been played."""

    weight: np.ndarray  # (n_arms,) in how many rounds it was played
    reward_sum: np.ndarray  # (n_arms,) what it paid in all of them
    stand: np.ndarray  # (n_arms,) sum of 1 / propensity: for how many rounds they stand
    gain: np.ndarray  # (n_arms,) sum of reward / propensity
    rounds: np.ndarray  # () how many there were


class Exp3(OnePolicyMixin, BaseCountingBandit):
    r"""Exponential weights for rewards in [0, 1], chosen by whom it may be.

    Nothing is assumed of the rewards but that they do not depend on what is being drawn: they may
    change at any time. What arm a would have paid in all rounds is estimated by what it has paid,
    each reward divided by the chance p with which the arm was played.

    ``gamma="anytime"`` works with what lacked to 1: in round t arm a is played with the
    probability

    .. math::

        p_a \propto \exp(-\eta_t \hat L_a), \qquad
        \hat L_a = \sum_{s < t : a_s = a} \frac{1 - r_s}{p_s}, \qquad
        \eta_t = \sqrt{\frac{\log K}{t K}} .

    After n rounds it lies behind the best arm by at most :math:`2 \sqrt{n K \log K}` in
    expectation [2]_, for every n. With a number for `gamma` it is the original algorithm [1]_,

    .. math::

        p_a = (1 - \gamma) \frac{\exp(\gamma \hat G_a / K)}{\sum_b \exp(\gamma \hat G_b / K)}
        + \frac{\gamma}{K}, \qquad \hat G_a = \sum_{s < t : a_s = a} \frac{r_s}{p_s},

    for a number of rounds that is known: with
    :math:`\gamma = \min(1, \sqrt{K \log K / ((e - 1) n)})` the best arm is ahead by at most
    :math:`2.63 \sqrt{n K \log K}`. No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    gamma : float in (0, 1] or "anytime", default="anytime"
        Share of the rounds in which every arm is played alike, and K times the learning rate.
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
    gain_, loss_ : ndarray of shape (n_arms,)
        The estimates :math:`\hat G` and :math:`\hat L`.
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
    BetaThompsonSampling : Where what arms pay on average does not change.

    Notes
    -----
    Which p is used: where `y` is a log with propensities, those. Otherwise it is the probability
    of the arm under the bandit's own policy as it was when the learning call began, with all arms
    available. So rounds that were decided by one ``predict`` and are learnt by the next
    ``partial_fit`` need no propensities; rounds that were played with masks, by an earlier state
    or by another policy do: pass
    ``make_log(arm, reward, propensity)`` with what ``predict(X, return_propensity=True)`` says.
    Under full feedback each arm of a round counts as one round in which it was played with the
    chance 1 / K. No p is taken to be smaller than 1e-6.

    With a selector the arm is chosen as by ``argmax`` of the exponents plus Gumbel noise, which is
    the same thing, and the selector is given these noisy scores.

    References
    ----------
    .. [1] P. Auer, N. Cesa-Bianchi, Y. Freund and R. E. Schapire (2002). The nonstochastic
       multiarmed bandit problem. SIAM Journal on Computing 32(1), 48-77. (figure 1, corollary 3.2)
    .. [2] S. Bubeck and N. Cesa-Bianchi (2012). Regret analysis of stochastic and nonstochastic
       multi-armed bandit problems. Foundations and Trends in Machine Learning 5(1), 1-122.
       (theorem 3.1)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.contextfree import Exp3
    >>> bandit = Exp3(arms=["left", "right"], random_state=0)
    >>> nothing = np.empty((1, 0))
    >>> for _ in range(100):
    ...     arm, propensity = bandit.predict(nothing, return_propensity=True)
    ...     reward = 0.9 * (arm == "right")
    ...     bandit = bandit.partial_fit(nothing, make_log(arm, reward, propensity))
    >>> bool(bandit.predict_proba(nothing)[0, 1] > 0.95)
    True
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "gamma": [Interval(Real, 0, 1, closed="right"), StrOptions({"anytime"})],
    }
    _state_fields = {
        **COUNT_FIELDS,
        "stand": StateField("arm", merge="sum"),
        "gain": StateField("arm", merge="sum"),
        "rounds": StateField(merge="sum"),
    }

    def __init__(self, *, arms=None, gamma="anytime", selector=None, random_state=None):
        self.arms = arms
        self.gamma = gamma
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        bandit = tags.bandit_tags
        bandit.learning, bandit.merging, bandit.propensity = "calls", "approximate", "used"
        return tags

    def _initial_state(self, n_arms, n_features):
        counts = no_counts(n_arms)
        return Estimates(*counts, np.zeros(n_arms), np.zeros(n_arms), np.zeros(()))

    def _learn(self, rounds):
        before = self.state_
        n_arms = len(before.weight)
        full, given = rounds.reward is None, rounds.propensity
        if given is None and not full:
            policy = self._policy(take_rows(rounds.contexts, slice(0, 1)), None)[0]
            given = policy[rounds.arm]
        rounds = rounds.spelt_out(n_arms)
        counts = counted(before, rounds)
        # Full feedback is as many rounds as there are arms, of which each was played in one.
        size = 1 if full else rounds.rows_per_round
        propensity = np.full(len(rounds.arm), 1.0 / n_arms) if full else given
        share = rounds.weights / np.maximum(propensity, _LEAST_PROPENSITY)
        return Estimates(
            counts.weight,
            counts.reward_sum,
            before.stand + np.bincount(rounds.arm, share, minlength=n_arms),
            before.gain + np.bincount(rounds.arm, share * rounds.reward, minlength=n_arms),
            before.rounds + rounds.weights.sum() / size,
        )

    @property
    def _is_anytime(self):
        return isinstance(self.gamma, str)

    def _exponents(self):
        n_arms = len(self.state_.weight)
        if self._is_anytime:
            rate = np.sqrt(np.log(n_arms) / ((self.state_.rounds + 1.0) * n_arms))
            return -rate * self.loss_
        return self.gamma / n_arms * self.state_.gain

    def _decision_function(self, contexts):
        rounds = np.maximum(self.state_.rounds, 1.0)
        score = 1.0 - self.loss_ / rounds if self._is_anytime else self.state_.gain / rounds
        return same_for_all(score, contexts)

    def _row_policy(self, contexts, available):
        exponents = same_for_all(self._exponents(), contexts)
        policy = GumbelBelief(exponents).expect(self._selector, available)
        if self._is_anytime:
            return policy
        return explored(policy, self.gamma, available, self._selector.n_selected or 1)

    @property
    def gain_(self):
        """Estimate of what each arm would have paid in all rounds, (n_arms,)."""
        return self.state_.gain.copy()

    @property
    def loss_(self):
        """Estimate of what would have lacked to 1 in all rounds, (n_arms,)."""
        return np.maximum(self.state_.stand - self.state_.gain, 0.0)
