"""The estimator's word, and a selector."""

from ._base import BaseEstimatorBandit


class GreedyBandit(BaseEstimatorBandit):
    """Any classifier or regressor as a bandit: play what it expects to pay most.

    Exploration is the selector's: None plays the best arm, `EpsilonGreedySelector`,
    `SoftmaxSelector` and whatever a user writes explore more. An arm that has too few rewards to
    fit an estimator to is drawn until it has them [1]_, so no arm is left untried: from a Gaussian
    of the mean and the spread of its Beta belief about its rate (of its mean, for a regressor).

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        What expects rewards; also a Pipeline or a search. A classifier takes rewards in [0, 1]: it
        is fitted to 0 and 1, and a fraction r is a 1 of weight r and a 0 of weight 1 - r. A
        regressor takes any numbers. None: :class:`~sklearn.linear_model.Ridge`. It is cloned,
        never fitted itself; random states that it leaves at None are seeded by `random_state`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns behind those of `X` ("arm 0", "arm 1" and so on in a frame). "shared": candidates
        have features, `X` is (n_samples, n_candidates, n_features), and one estimator serves them.
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt: by fitting anew to all rounds that are kept, on a schedule, or
        by the estimator's ``partial_fit``. "auto" takes ``partial_fit`` where there is one.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once the rounds it learns from have grown by this factor, so
        that T rounds cost about log(T) / log(1.05) fits. 1 fits anew in every learning call.
    min_rewards : float > 0, default=2
        Rewards, by their weight, that an arm must have before its estimator is asked; of each
        kind (0 and 1) for a classifier.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`. None keeps all of them; with
        ``partial_fit``, the last 10,000, for transfer.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From expected rewards to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
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
    skbandit.linear.LinearThompsonSampling : Explores by the uncertainty of a linear model.

    References
    ----------
    .. [1] D. Cortes (2018). Adapting multi-armed bandits policies to contextual bandits scenarios.
       arXiv:1811.04383, sections 3 and 4.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbandit.meta import GreedyBandit
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> bandit = GreedyBandit(
    ...     estimator=LogisticRegression(),
    ...     arms=["email", "push"],
    ...     selector=EpsilonGreedySelector(0.1),
    ...     random_state=0,
    ... )
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = (X[:, 0] > 0) == (arm == "email")
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[2.0, 0.0], [-2.0, 0.0]]).round(2)
    array([[0.95, 0.05],
           [0.05, 0.95]])
    """

    def _policy(self, contexts, available):
        return self._greedy_policy(self._belief(contexts), available)

    def _greedy_policy(self, belief, available):
        """What the selector makes of a belief; arms without a model are drawn."""
        if not self._cold_arms().any():
            return self._selector.select(belief.mean, available)
        return belief.expect(self._selector, available)
