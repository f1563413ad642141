"""Explore by the gradients of a logistic model."""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from .._sklearn import Interval, StrOptions
from ..selectors import scheduled
from ._fitting import checked_once
from ._greedy import GreedyBandit
from ._linear import is_logistic


class ActiveBandit(GreedyBandit):
    r"""Explore in a share of the rounds, by the gradients that a reward would give the models.

    In the other rounds it is :class:`GreedyBandit`. A round teaches a model as much as the
    gradient of its log loss is long [1]_. For a logistic model that expects p, and features z with
    a constant behind them, a reward of y has the gradient :math:`g_y = (p - y) z`. Rounds that
    explore play the arm of the highest

    .. math:: p \, (\lVert g_1 \rVert + \lVert g_0 \rVert) = p \lVert z \rVert

    with ``criterion="reward"``, and with ``criterion="gradient"`` of the highest

    .. math:: p \lVert g_1 \rVert + (1 - p) \lVert g_0 \rVert = 2 p (1 - p) \lVert z \rVert .

    The first goes to arms that are likely to pay 1, and among those to long gradients. Where all
    arms share the features that is the arm of the highest expected reward, so the bandit hardly
    explores; it differs from :class:`GreedyBandit` where features differ from arm to arm
    (candidates, Pipelines fitted arm by arm, gradients of one's own). The second is what the model
    would learn on average, whatever the arm pays: it goes to the arm whose reward is least
    certain, and costs about the share of rounds that explore.

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
    criterion : {"reward", "gradient"}, default="reward"
        What rounds that explore go by: "reward" where each round has to pay, "gradient" where
        rounds may cost something for models that know more arms and contexts well.
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
        From expected rewards, and in rounds that explore from the criterion, to a policy.
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
    >>> bandit = ActiveBandit(
    ...     arms=["email", "push"], explore_share=0.2, criterion="gradient", random_state=0
    ... )
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
        "criterion": [StrOptions({"gradient", "reward"})],
        "gradient_norm": [callable, None],
    }

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        explore_share=0.15,
        decay=0.0,
        criterion="reward",
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
        self.criterion = criterion
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
        belief = self._belief(contexts)
        policy = self._greedy_policy(belief, available)
        if share == 0.0:
            return policy
        score = self._explored_score(contexts, belief.mean)
        return (1.0 - share) * policy + share * self._selector.select(score, available)

    def _explored_score(self, contexts, mean):
        """What rounds that explore go by, (n_rows, n_arms)."""
        cold = np.broadcast_to(self._cold_arms(), mean.shape[1])
        zero, one = self._gradients(contexts, mean, ~cold)
        if cold.any():
            # For a logistic model the two add up to the length of its features.
            warm = ~cold
            length = (zero + one)[:, warm].mean(axis=1) if warm.any() else np.ones(len(mean))
            zero[:, cold] = mean[:, cold] * length[:, None]
            one[:, cold] = (1.0 - mean[:, cold]) * length[:, None]
        if self.criterion == "reward":
            return mean * (zero + one)
        return mean * one + (1.0 - mean) * zero

    def _gradients(self, contexts, mean, asked):
        """Norms of the gradients of each arm's model after a 0 and a 1, (n_rows, n_arms) each."""
        zero, one = np.zeros((2, *mean.shape))
        with checked_once():
            for place, model, rows in self._asked_models(contexts, asked):
                if self.gradient_norm is not None:
                    zero[:, place] = self.gradient_norm(model, rows, 0)
                    one[:, place] = self.gradient_norm(model, rows, 1)
                    continue
                length = features_length(model, rows)
                zero[:, place] = mean[:, place] * length
                one[:, place] = (1.0 - mean[:, place]) * length
        return zero, one


def features_length(model, rows):
    """Length of the features that a logistic model sees of each row, with its constant.

    Its gradient of the log loss after a reward of y is p - y times as long.

    Parameters
    ----------
    model : fitted logistic model, or a Pipeline that ends in one
    rows : rows of any kind

    Returns
    -------
    length : ndarray of shape (n_rows,)
    """
    while isinstance(model, Pipeline):
        rows, model = model[:-1].transform(rows), model.steps[-1][1]
    if sparse.issparse(rows):
        square = np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64).reshape(-1)
    else:
        square = (np.asarray(rows, dtype=np.float64) ** 2).sum(axis=1)
    return np.sqrt(square + bool(model.fit_intercept))
