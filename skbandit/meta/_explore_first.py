"""Explore first, commit then."""

from numbers import Real

import numpy as np

from .._rows import n_rows
from .._sklearn import Interval
from ._greedy import GreedyBandit


class ExploreThenCommit(GreedyBandit):
    """Play all arms alike for a number of rounds, and then what an estimator expects to pay most.

    The rounds of the first part are an experiment with known, even propensities. What is played
    afterwards is learnt from too.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        See :class:`GreedyBandit`. None: :class:`~sklearn.linear_model.Ridge`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    n_explore : float >= 0, default=1000
        Rounds, by their weight, that explore. The regret over T rounds is smallest where it is of
        the order of T to the power of 2/3 [1]_.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt, see :class:`GreedyBandit`.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier. Without them it counts for what arms pay, and is explored no more.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From expected rewards to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
        In the rounds that explore it is given equal scores.
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
    GreedyBandit : With an epsilon-greedy selector, exploration does not end.

    References
    ----------
    .. [1] T. Lattimore and C. Szepesvari (2020). Bandit algorithms. Cambridge, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import ExploreThenCommit
    >>> bandit = ExploreThenCommit(arms=["email", "push"], n_explore=200, random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = X[:, 0] * (arm == "email")
    >>> bandit.partial_fit(X[50:150], arm[50:150], reward[50:150]).predict_proba(X[:1])
    array([[0.5, 0.5]])
    >>> bandit.fit(X, arm, reward).predict_proba([[2.0, 0.0], [-2.0, 0.0]])
    array([[1., 0.],
           [0., 1.]])
    """

    _parameter_constraints = {
        **GreedyBandit._parameter_constraints,
        "n_explore": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        n_explore=1000,
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
        self.n_explore = n_explore

    def _policy(self, contexts, available):
        if self.learnt_weight_ < self.n_explore:
            scores = np.zeros((n_rows(contexts), len(self._arms_for(contexts))))
        else:
            scores = self._mean_reward(contexts)
        return self._selector.select(scores, available)
