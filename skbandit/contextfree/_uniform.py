"""Every arm alike: what others are compared with, and what logs are gathered by."""

import numpy as np

from ..base import BaseBandit
from ._base import OnePolicyMixin, same_for_all
from ._counting import BaseSummingBandit


class UniformBandit(OnePolicyMixin, BaseSummingBandit):
    """Play every arm that is available with the same probability.

    It never exploits: what it plays is an experiment, and its log can value any policy. With
    ``explore=False`` it plays the arm of the highest mean reward. No context is looked at.

    Parameters
    ----------
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms, in the order that ``classes_`` and the columns of ``predict_proba``
        will have. None: they are learnt from the first `y` (or ``classes``).
    selector : selector, default=None
        How many arms are played, see :mod:`skbandit.selectors`: all arms have the same score.
        None: one.
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
    BetaThompsonSampling : Plays good arms more often.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import UniformBandit
    >>> bandit = UniformBandit(arms=["a", "b", "c", "d"], random_state=0)
    >>> nothing = np.empty((1, 0))
    >>> bandit.predict_proba(nothing, available=[[True, True, False, False]])
    array([[0.5, 0.5, 0. , 0. ]])
    >>> bandit.partial_fit(nothing, ["b"], [3.0]).predict(nothing, explore=False).tolist()
    ['b']
    """

    _parameter_constraints = {**BaseBandit._parameter_constraints}

    def __init__(self, *, arms=None, selector=None, random_state=None):
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.has_width = False
        return tags

    def _expected_reward(self, contexts):
        mean = same_for_all(self.mean_, contexts)
        return mean, np.zeros(mean.shape)

    def _decision_function(self, contexts):
        return same_for_all(np.zeros(len(self.classes_)), contexts)
