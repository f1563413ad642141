"""Bandits that read the leaves of trees."""

from numbers import Real

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from .._sklearn import Interval, StrOptions
from ..explorations import ALPHA_CONSTRAINT, ThompsonSamplingMixin, UpperConfidenceBoundMixin
from ._arm_models import ARM_MODELS
from ._base import BaseEstimatorBandit
from ._fitting import checked_once, last_step
from ._grown import Grown, check_has_leaves, has_random_splits, n_trees
from ._joint import GrownMixed, Joint, Mixed, joint_fit, mixed_fit

TREE_ARM_MODELS = {**ARM_MODELS, "joint": Joint, "mixed": Mixed}
# Features that are tried at a split of the trees that see the arm: all, up to so many.
_MOST_FEATURES = 100


class BaseTreeBandit(BaseEstimatorBandit):
    """Base class of bandits on the leaves of trees."""

    _parameter_constraints = {
        **BaseEstimatorBandit._parameter_constraints,
        "arm_model": [StrOptions(set(TREE_ARM_MODELS))],
        "alpha": ALPHA_CONSTRAINT,
        "prior_weight": [Interval(Real, 0, None, closed="neither")],
    }
    # Trees cannot go on learning.
    _parameter_constraints.pop("update")
    _shape_parameters = ("estimator", "arm_model", "buffer")
    _learns_on = False

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        alpha="auto",
        prior_weight=0.1,
        arm_model="mixed",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.arms = arms
        self.alpha = alpha
        self.prior_weight = prior_weight
        self.arm_model = arm_model
        self.refit_growth = refit_growth
        self.min_rewards = min_rewards
        self.buffer = buffer
        self.n_jobs = n_jobs
        self.selector = selector
        self.random_state = random_state

    @property
    def _estimator(self):
        if self.estimator is None:
            features = "sqrt" if self._is_joint else 1.0
            return ExtraTreesRegressor(n_estimators=100, max_features=features)
        return self.estimator

    @property
    def _arm_model(self):
        return TREE_ARM_MODELS[self.arm_model]

    @property
    def _is_joint(self):
        """Whether trees are grown for all arms at once."""
        return issubclass(self._arm_model, Joint)

    def _pooled_estimator(self, n_features):
        """Trees that see the arm behind so many features."""
        if self.estimator is not None:
            return last_step(self.estimator)
        # Of hardly any split would the arm be tried, if only the root of all features were.
        features = min(1.0, _MOST_FEATURES / n_features)
        return ExtraTreesRegressor(n_estimators=100, max_features=features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.has_width = True
        if self._is_joint:
            tags.bandit_tags.arm_order = "matters"
        if has_random_splits(self._estimator):
            # Decisions on CSR would be those of other trees.
            tags.input_tags.sparse = False
        return tags

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        check_has_leaves(self._estimator, self._is_joint)
        return state

    def _fit_rounds(self, rows, reward, weight, seed):
        if not self._is_joint:
            estimator = super()._fit_rounds(rows, reward, weight, seed)
            return Grown.of(estimator, rows, reward, weight)
        if self._arm_model is Mixed:
            pooled = self._pooled_estimator
            return mixed_fit(self._estimator, pooled, rows, reward, weight, seed)
        return joint_fit(self._estimator, rows, reward, weight, seed)

    def _learn_between(self, model, rows, reward, weight):
        return model.and_of(rows, reward, weight)

    def _moments(self, contexts):
        model = self.state_.models[0]
        if not self._is_joint or model.fitted is None:
            return super()._moments(contexts)
        prior = float(self.prior_weight), self._reward_variance()
        with checked_once():
            mean, variance = model.fitted.moments(contexts, np.array(model.codes), *prior)
        return mean, np.sqrt(variance)

    def _ask(self, model, rows):
        mean, variance = model.moments(rows, float(self.prior_weight), self._reward_variance())
        return mean, np.sqrt(variance)

    def _floats_per_row(self, contexts, n_arms):
        known = self._in_turn(model.fitted for model in self.state_.models)
        trees = max((n_trees(one.estimator) for one in known if one is not None), default=0)
        if self._arm_model is Mixed:
            # Those that see the arm are asked about all arms at once.
            features = getattr(self, "n_features_in_", None) or 0
            return super()._floats_per_row(contexts, n_arms) + n_arms * (8 * trees + features)
        return super()._floats_per_row(contexts, n_arms) + 8 * trees

    @staticmethod
    def _in_turn(known):
        """What was fitted, one after the other."""
        return [part for one in known for part in (one if isinstance(one, GrownMixed) else (one,))]

    @property
    def estimators_(self):
        """Fitted estimators, by arm; one for all, or two, where they share. None: not yet."""
        known = self._in_turn(super().estimators_)
        return [one if one is None else one.estimator for one in known]


class TreeThompsonSampling(ThompsonSamplingMixin, BaseTreeBandit):
    r"""Thompson sampling on the leaves of trees, forests and boosted trees.

    Each leaf keeps how many rounds fell into it, and the mean and variance of what they paid. The
    belief about each arm's expected reward is Gaussian. By default two forests are grown. One is
    for all arms: it has an output an arm, a round has its reward, about the mean p of all, in the
    column of its arm and 0 elsewhere, so that contexts fall together where the same arms pay [3]_.
    With :math:`n_a`, :math:`m_a` and :math:`q_a` the number of arm a's rounds in the leaves of a
    context, their mean reward and the sum of squares about it, all averaged over trees, and v the
    variance of all rewards, it believes

    .. math::
        \mu_a = \frac{\kappa p + n_a m_a}{\kappa + n_a}, \quad
        s^2 = \frac{\kappa v + \sum_b q_b}{\kappa + \sum_b n_b}, \quad
        \sigma_a^2 = \frac{s^2}{100 + n_a} .

    An arm that was not played in such contexts is believed to pay what arms pay on the whole: it
    is tried where those that were played pay less. That it counts as known from 100 rounds was
    found by trial, on tables without noise: the widths say where to explore, and are no standard
    errors. Rewards that vary in such contexts widen the belief about all arms. The other forest
    sees the arm as one-hot columns; with :math:`f_a` what it expects, the mean is
    :math:`0.4 \mu_a + 0.6 f_a`, for their errors differ.

    With other values of `arm_model` the trees expect the reward of one arm. A leaf with n rounds
    of mean m whose squares about it sum to q has :math:`s^2 = (\kappa v + q) / (\kappa + n)` and
    :math:`u = s^2 / (\kappa + n)`; for a forest of M trees

    .. math::
        \mu = \frac{1}{M} \sum_t m_t, \quad \sigma^2 = \frac{1}{M} \sum_t u_t,

    as trees that learnt from the same rounds err together. For boosted trees with learning rate
    :math:`\eta`, whose leaves keep what the stages before leave unexplained,
    :math:`\mu = f_0 + \eta \sum_t m_t` and :math:`\sigma^2 = \eta^2 \sum_t u_t` [1]_. One tree
    an arm is the older method [2]_. The policy is exact, not a draw: it is found by quadrature.

    Parameters
    ----------
    estimator : tree, forest or boosted trees, default=None
        A decision tree, random forest or extra-trees of scikit-learn (regressors, or classifiers
        for rewards in [0, 1]), a :class:`~sklearn.ensemble.GradientBoostingRegressor`, or a
        Pipeline that ends in one. None: 100 extra-trees; for all arms at once they try the square
        root of the number of features at a split, else all (in "mixed", at most 100). It is
        cloned, never fitted itself; a random state that it leaves at None is seeded by
        `random_state`. What has no leaves to be read (``HistGradientBoostingRegressor``, for one)
        is refused.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    alpha : float >= 0 or "auto", default="auto"
        Factor on the standard deviation of the belief; it has no unit. 1 draws from the belief
        itself. "auto" scales each arm in each row by how much less it is known there than the
        best-known one, see :func:`skbandit.explorations.thompson_scale`.
    prior_weight : float > 0, default=0.1
        How many rounds the prior of a leaf counts as.
    arm_model : {"mixed", "joint", "disjoint", "pooled", "shared"}, default="mixed"
        "joint": one regressor, whose trees are grown for all arms at once and whose leaves keep
        the rounds of each arm apart. "pooled": one for all, which sees the arm as one-hot columns
        behind those of `X`. "mixed": both, the second behind what the steps of a Pipeline make of
        `X`. "disjoint": one estimator an arm. "shared": candidates have features, `X` is
        (n_samples, n_candidates, n_features), and one estimator serves them.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once the rounds it learns from have grown by this factor, so
        that T rounds cost about log(T) / log(1.05) fits. Between fits new rounds enter the leaves
        of the trees that there are. 1 fits anew in every learning call.
    min_rewards : float > 0, default=2
        Rewards, by their weight, that an arm must have before its trees are asked; of each kind
        (0 and 1) for a classifier. Until then it is drawn from a Gaussian or Beta belief.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`. None keeps all of them. A round that is
        no longer kept leaves the leaves with the next fit.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        Fitted estimators, one an arm, or one; None for an arm that has too few rewards. Of
        "mixed" the one for all arms and the one that sees the arm, or one None.
    n_refits_ : ndarray of shape (n_models,)
        How many times each was fitted.
    weight_ : ndarray of shape (n_arms,)
        Weight of the rounds that each arm was played in.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Rounds, rewards, models and their leaves; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    TreeUCB : Plays the highest upper confidence bound.
    PolicyTreeBandit : One tree for all arms, to be read.
    GreedyBandit : Any estimator, without a width.

    References
    ----------
    .. [1] H. Nilsson, R. Johansson, N. Åkerblom and M. H. Chehreghani (2024). Tree ensembles for
       contextual bandits. arXiv:2402.06963, section 4.
    .. [2] A. N. Elmachtoub, R. McNellis, S. Oh and M. Petrik (2017). A practical method for
       solving contextual bandit problems using decision trees. UAI. arXiv:1706.04687.
    .. [3] R. Féraud, R. Allesiardo, T. Urvoy and F. Clérot (2016). Random forest for the
       contextual bandit problem. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import TreeThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.rand(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = (X[:, 0] > 0.5) == (arm == "email")
    >>> bandit = TreeThompsonSampling(arms=["email", "push"], random_state=0)
    >>> bandit = bandit.fit(X, arm, reward=reward)
    >>> bandit.predict_proba([[0.9, 0.5], [0.1, 0.5]]).round(2)
    array([[1., 0.],
           [0., 1.]])
    """


class TreeUCB(UpperConfidenceBoundMixin, BaseTreeBandit):
    r"""Upper confidence bounds from the leaves of trees, forests and boosted trees.

    An arm's score is :math:`\mu(x) + \alpha \, \sigma(x)` [1]_, with mean and standard deviation
    as in :class:`TreeThompsonSampling`.

    Parameters
    ----------
    estimator : tree, forest or boosted trees, default=None
        A decision tree, random forest or extra-trees of scikit-learn (regressors, or classifiers
        for rewards in [0, 1]), a :class:`~sklearn.ensemble.GradientBoostingRegressor`, or a
        Pipeline that ends in one. None: 100 extra-trees; for all arms at once they try the square
        root of the number of features at a split, else all (in "mixed", at most 100). It is
        cloned, never fitted itself; a random state that it leaves at None is seeded by
        `random_state`. What has no leaves to be read (``HistGradientBoostingRegressor``, for one)
        is refused.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    alpha : float >= 0 or "auto", default="auto"
        Standard deviations above the mean. "auto" scales each arm in each row by how much less it
        is known there than the best-known one, see
        :func:`skbandit.explorations.upper_bound_scale`.
    prior_weight : float > 0, default=0.1
        How many rounds the prior of a leaf counts as.
    arm_model : {"mixed", "joint", "disjoint", "pooled", "shared"}, default="mixed"
        "joint": one regressor, whose trees are grown for all arms at once and whose leaves keep
        the rounds of each arm apart. "pooled": one for all, which sees the arm as one-hot columns
        behind those of `X`. "mixed": both, the second behind what the steps of a Pipeline make of
        `X`. "disjoint": one estimator an arm. "shared": candidates have features, `X` is
        (n_samples, n_candidates, n_features), and one estimator serves them.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once the rounds it learns from have grown by this factor, so
        that T rounds cost about log(T) / log(1.05) fits. Between fits new rounds enter the leaves
        of the trees that there are. 1 fits anew in every learning call.
    min_rewards : float > 0, default=2
        Rewards, by their weight, that an arm must have before its trees are asked; of each kind
        (0 and 1) for a classifier. Until then it is drawn from a Gaussian or Beta belief.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`. None keeps all of them. A round that is
        no longer kept leaves the leaves with the next fit.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        Fitted estimators, one an arm, or one; None for an arm that has too few rewards. Of
        "mixed" the one for all arms and the one that sees the arm, or one None.
    n_refits_ : ndarray of shape (n_models,)
        How many times each was fitted.
    weight_ : ndarray of shape (n_arms,)
        Weight of the rounds that each arm was played in.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Rounds, rewards, models and their leaves; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    TreeThompsonSampling : Draws from the same belief.

    References
    ----------
    .. [1] H. Nilsson, R. Johansson, N. Åkerblom and M. H. Chehreghani (2024). Tree ensembles for
       contextual bandits. arXiv:2402.06963, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import TreeUCB
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.rand(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = (X[:, 0] > 0.5) == (arm == "email")
    >>> bandit = TreeUCB(arms=["email", "push"], random_state=0).fit(X, arm, reward=reward)
    >>> bandit.predict([[0.9, 0.5], [0.1, 0.5]])
    array(['email', 'push'], dtype='<U5')
    """
