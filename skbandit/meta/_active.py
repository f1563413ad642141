"""Explore where a round would teach a logistic model most."""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from .._sklearn import Interval
from ..selectors import scheduled
from ._fitting import checked_once, expected
from ._greedy import GreedyBandit
from ._linear import is_logistic


class ActiveBandit(GreedyBandit):
    r"""Explore in a share of the rounds, by playing the arm whose model would learn most.

    In the other rounds it is :class:`GreedyBandit`. What a model would learn is the expected norm
    of the gradient of its log loss [1]_. For a logistic model that expects p, and features z with
    a constant behind them, a reward of y has the gradient (p - y) z, hence

    .. math:: E \lVert \nabla \rVert = p \, (1 - p) \lVert z \rVert + (1 - p) \, p \lVert z \rVert
              = 2 p (1 - p) \lVert z \rVert .

    After rounds of a total weight of t the share is :math:`\min(1, c \max(t, 1)^{-d})`.

    Parameters
    ----------
    estimator : classifier, default=None
        :class:`~sklearn.linear_model.LogisticRegression` (None is one),
        :class:`~sklearn.linear_model.LogisticRegressionCV`,
        :class:`~sklearn.linear_model.SGDClassifier` with ``loss="log_loss"``, or a Pipeline that
        ends in one; z are the features that the last step sees. With `gradient_norm`, any
        estimator.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    explore_share : float in [0, 1], default=0.15
        The share c of rounds that explore.
    decay : float in [0, 1], default=0.0
        The exponent d with which it falls as the bandit learns.
    gradient_norm : callable, default=None
        ``gradient_norm(model, rows, label)`` returns the norms of the gradients, (n_rows,), of a
        fitted model, for rows whose rewards are all `label`, 0 or 1.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt, see :class:`GreedyBandit`.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards of each kind (0 and 1) that an arm must have before its estimator is asked. Until
        then p is the mean of its Beta belief, and z as long as those of other arms on average.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From expected rewards, and in rounds that explore from expected norms, to a policy.
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
    GreedyBandit : Explores by its selector alone.

    References
    ----------
    .. [1] D. Cortes (2018). Adapting multi-armed bandits policies to contextual bandits scenarios.
       arXiv:1811.04383, section 5 (active learning).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import ActiveBandit
    >>> bandit = ActiveBandit(arms=["email", "push"], explore_share=0.2, random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(300, 2), np.tile(["email", "push"], 150)
    >>> reward = np.where(arm == "email", X[:, 0] > 0, rng.rand(300) < 0.5)
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[3.0, 0.0], [-3.0, 0.0]]).round(2)
    array([[0.8, 0.2],
           [0. , 1. ]])
    """

    _parameter_constraints = {
        **GreedyBandit._parameter_constraints,
        "explore_share": [Interval(Real, 0, 1, closed="both")],
        "decay": [Interval(Real, 0, 1, closed="both")],
        "gradient_norm": [callable, None],
    }

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        explore_share=0.15,
        decay=0.0,
        gradient_norm=None,
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
        self.explore_share = explore_share
        self.decay = decay
        self.gradient_norm = gradient_norm

    @property
    def _estimator(self):
        return LogisticRegression() if self.estimator is None else self.estimator

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        if self.gradient_norm is None and not is_logistic(self._estimator):
            raise ValueError(
                "estimator must be a logistic model (LogisticRegression, LogisticRegressionCV, "
                "SGDClassifier(loss='log_loss'), or a Pipeline that ends in one), got "
                f"{type(self._estimator).__name__}. For others say gradient_norm=."
            )
        return state

    def _policy(self, contexts, available):
        share = scheduled(self.explore_share, -self.decay, self.learnt_weight_)
        policy = super()._policy(contexts, available)
        if share == 0.0:
            return policy
        norm = self._expected_norm(contexts)
        return (1.0 - share) * policy + share * self._selector.select(norm, available)

    def _expected_norm(self, contexts):
        """Expected norm of the gradient of each arm's model, (n_rows, n_arms)."""
        mean = self._mean_reward(contexts)
        cold = np.broadcast_to(self._cold_arms(), mean.shape[1])
        zero, one = np.zeros(mean.shape), np.zeros(mean.shape)
        norm_of = gradient_norm if self.gradient_norm is None else self.gradient_norm
        with checked_once():
            for place, model, rows in self._asked_models(contexts, ~cold):
                zero[:, place] = norm_of(model, rows, 0)
                one[:, place] = norm_of(model, rows, 1)
        if cold.any():
            # For a logistic model the two add up to the length of its features.
            warm = ~cold
            length = (zero + one)[:, warm].mean(axis=1) if warm.any() else np.ones(len(mean))
            zero[:, cold] = mean[:, cold] * length[:, None]
            one[:, cold] = (1.0 - mean[:, cold]) * length[:, None]
        return mean * one + (1.0 - mean) * zero


def gradient_norm(model, rows, label):
    """Norm of the gradient of a logistic model's log loss at each row.

    Parameters
    ----------
    model : fitted logistic model, or a Pipeline that ends in one
    rows : rows of any kind
    label : {0, 1}
        What each of them would have paid.

    Returns
    -------
    norm : ndarray of shape (n_rows,)
    """
    away = np.abs(expected(model, rows, is_chance=True) - label)
    while isinstance(model, Pipeline):
        rows, model = model[:-1].transform(rows), model.steps[-1][1]
    if sparse.issparse(rows):
        square = np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64).reshape(-1)
    else:
        square = (np.asarray(rows, dtype=np.float64) ** 2).sum(axis=1)
    return away * np.sqrt(square + bool(model.fit_intercept))
