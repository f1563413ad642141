"""Inverse gap weighting around an estimator."""

from numbers import Real

from .._gaps import inverse_gap_policy
from .._sklearn import Interval
from ..selectors import scheduled
from ._greedy import GreedyBandit


class SquareCB(GreedyBandit):
    r"""SquareCB: play arms with a probability that falls with their gap to the best.

    With :math:`f_a` what the estimator expects arm a to pay, :math:`\mu` arms that may be played
    and t the total weight of the rounds learnt,

    .. math:: p_a = \frac{1}{\mu + \gamma_t \, (\max_b f_b - f_a) / s}, \qquad
              \gamma_t = \gamma \, \max(t, 1)^e,

    for all arms but the best, which has the rest [1]_. The unit s is 1 for rewards in [0, 1]; for
    others it is twice the standard deviation of all rewards so far, so that neither their unit nor
    an offset matters. Arms with too few rewards are weighed by what arms pay; they need no other
    exploration. Propensities are never below about 1 / (gamma_t + mu).

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        See :class:`GreedyBandit`. None: :class:`~sklearn.linear_model.Ridge`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    gamma_scale : float >= 0, default=10.0
        The factor :math:`\gamma`: 0 plays all alike, towards infinity the best is played.
    gamma_exponent : float in [0, 1], default=0.5
        The exponent e with which it grows; 0 keeps it.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt, see :class:`GreedyBandit`.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        None weighs by inverse gaps. Another takes the place of that, as in :class:`GreedyBandit`;
        sets of arms are
        :class:`InverseGapSelector(k=...) <skbandit.selectors.InverseGapSelector>`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        Fitted estimators, one an arm, or one; None for an arm that has too few rewards.
    n_refits_ : ndarray of shape (n_models,)
        How many times each was fitted.
    weight_ : ndarray of shape (n_arms,)
        Weight of the rounds that each arm was played in.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Rounds, rewards and models; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    RegCB : Plays arms that may be the best by the bounds of a regression.

    References
    ----------
    .. [1] D. Foster and A. Rakhlin (2020). Beyond UCB: optimal and efficient contextual bandits
       with regression oracles. ICML, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import SquareCB
    >>> bandit = SquareCB(arms=["email", "push"], random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = X[:, 0] * (arm == "email")
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[2.0, 0.0], [-2.0, 0.0]]).round(3)
    array([[0.995, 0.005],
           [0.005, 0.995]])
    """

    _parameter_constraints = {
        **GreedyBandit._parameter_constraints,
        "gamma_scale": [Interval(Real, 0, None, closed="left")],
        "gamma_exponent": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        gamma_scale=10.0,
        gamma_exponent=0.5,
        arm_model="disjoint",
        update="auto",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            estimator=estimator,
            arms=arms,
            arm_model=arm_model,
            update=update,
            refit_growth=refit_growth,
            min_rewards=min_rewards,
            buffer=buffer,
            n_jobs=n_jobs,
            selector=selector,
            random_state=random_state,
        )
        self.gamma_scale = gamma_scale
        self.gamma_exponent = gamma_exponent

    def _policy(self, contexts, available):
        if self.selector is not None:
            return super()._policy(contexts, available)
        gamma = scheduled(self.gamma_scale, self.gamma_exponent, self.learnt_weight_)
        unit = 1.0 if self._in_unit_interval else 2.0 * self._reward_spread()
        return inverse_gap_policy(self._mean_reward(contexts), gamma / unit, 1, available)
