"""One tree that is a policy: contexts in parts, and what each arm pays in each part."""

from numbers import Real

import numpy as np
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from .._sklearn import Interval, StrOptions
from ..explorations import ALPHA_CONSTRAINT, ThompsonSamplingMixin
from ._base import BaseEstimatorBandit
from ._fitting import checked_once
from ._joint import Joint, joint_fit


class PolicyTreeBandit(ThompsonSamplingMixin, BaseEstimatorBandit):
    r"""One tree parts the contexts; in each part arms are drawn as if there were no contexts.

    The tree is a regressor with an output for each arm: a round has its reward, about the mean of
    all, in the column of its arm and 0 elsewhere, so contexts fall together where the same arms
    pay [1]_. It is grown anew on a schedule. In a leaf where arm a was played n times, with mean
    reward m, the belief about its expected reward is that of a bandit without contexts [2]_: for
    rewards in [0, 1] (``rewards="unit_interval"``) the mean and the variance of

    .. math:: \text{Beta}\bigl(c \, p + n m,\; c \, (1 - p) + n (1 - m)\bigr),

    where p is the mean reward of all arms in all contexts and c the `prior_weight`; for real ones
    the mean :math:`(c \, p + n m) / (c + n)` and the variance :math:`s^2 / (c + n)`, with
    :math:`s^2` the variance of the leaf's rewards about their arms' means, and a prior of c rounds
    at the variance of all. The policy is exact for Gaussians of these means and variances.

    Parameters
    ----------
    estimator : DecisionTreeRegressor, default=None
        The tree. None: at most 16 leaves, of at least 20 rounds each.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the standard deviation of the belief. 1 draws from the belief itself; "auto" is
        :func:`skbandit.explorations.thompson_scale`.
    rewards : {"real", "unit_interval"}, default="real"
        What rewards are: any numbers, or numbers in [0, 1].
    prior_weight : float > 0, default=2.0
        How many rounds the prior of an arm in a leaf counts as. With 2, and half of all rewards
        being 1, the Beta prior is uniform.
    refit_growth : float >= 1, default=1.2
        The tree is grown anew once there are so many times as many rounds. Between, its leaves go
        on counting.
    min_rewards : float > 0, default=2
        Rewards, by their weight, that there must be before the first tree is grown.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`. None keeps all of them.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the tree.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    tree_ : DecisionTreeRegressor or None
        The tree; None before there are rewards enough.
    n_refits_ : ndarray of shape (1,)
        How many times it was grown.
    weight_ : ndarray of shape (n_arms,)
        Weight of the rounds that each arm was played in.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Rounds, rewards, and the tree with its leaves; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    TreeThompsonSampling : Many trees; decides better and cannot be read.

    References
    ----------
    .. [1] A. N. Elmachtoub, R. McNellis, S. Oh and M. Petrik (2017). A practical method for
       solving contextual bandit problems using decision trees. UAI. arXiv:1706.04687.
    .. [2] R. Féraud, R. Allesiardo, T. Urvoy and F. Clérot (2016). Random forest for the
       contextual bandit problem. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skbandit.meta import PolicyTreeBandit
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.rand(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = (X[:, 0] > 0.5) == (arm == "email")
    >>> bandit = PolicyTreeBandit(
    ...     estimator=DecisionTreeRegressor(max_leaf_nodes=2),
    ...     arms=["email", "push"],
    ...     rewards="unit_interval",
    ...     random_state=0,
    ... )
    >>> bandit = bandit.fit(X, arm, reward=reward)
    >>> print(bandit.export_text(feature_names=["age", "visits"]))
    |--- age <= 0.50
    |   |--- email 0.02 (44), push 0.98 (49)
    |--- age >  0.50
    |   |--- email 0.98 (56), push 0.02 (51)
    <BLANKLINE>
    """

    _parameter_constraints = {
        **BaseEstimatorBandit._parameter_constraints,
        "estimator": [DecisionTreeRegressor, type, None],
        "alpha": ALPHA_CONSTRAINT,
        "rewards": [StrOptions({"real", "unit_interval"})],
        "prior_weight": [Interval(Real, 0, None, closed="neither")],
    }
    for _name in ("update", "arm_model", "n_jobs"):
        _parameter_constraints.pop(_name)
    _shape_parameters = ("estimator", "rewards", "buffer")
    _learns_on = False
    _arm_model = Joint
    n_jobs = None
    # Contexts of two axes, as with one estimator an arm.
    arm_model = "disjoint"

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        alpha=1.0,
        rewards="real",
        prior_weight=2.0,
        refit_growth=1.2,
        min_rewards=2,
        buffer=None,
        selector=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.arms = arms
        self.alpha = alpha
        self.rewards = rewards
        self.prior_weight = prior_weight
        self.refit_growth = refit_growth
        self.min_rewards = min_rewards
        self.buffer = buffer
        self.selector = selector
        self.random_state = random_state

    @property
    def _estimator(self):
        if self.estimator is None:
            return DecisionTreeRegressor(max_leaf_nodes=16, min_samples_leaf=20)
        return self.estimator

    @property
    def _in_unit_interval(self):
        # Of the rewards; the tree is a regressor, which takes all of one kind.
        return False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.has_width = True
        tags.bandit_tags.arm_order = "matters"
        tags.bandit_tags.reward = self.rewards
        return tags

    def _fit_rounds(self, rows, reward, weight, seed):
        return joint_fit(self._estimator, rows, reward, weight, seed)

    def _learn_between(self, model, rows, reward, weight):
        return model.and_of(rows, reward, weight)

    def _moments(self, contexts):
        model = self.state_.models[0]
        if model.fitted is None:
            return super()._moments(contexts)
        with checked_once():
            sums = model.fitted.sums_of(contexts, np.array(model.codes))
        mean, variance = self._of_leaves(model.fitted.centre, *sums)
        return mean, np.sqrt(variance)

    def _of_leaves(self, centre, weight, total, square):
        """Mean and variance from the sums of leaves, about the centre."""
        prior_weight, paid = float(self.prior_weight), self.state_.paid.together()
        count = prior_weight + weight
        rate = float(paid.mean[0])
        own = weight * (centre - rate) + total
        mean = rate + own / count
        if self.rewards == "unit_interval":
            return mean, mean * (1.0 - mean) / (count + 1.0)
        every = self._reward_variance()
        about = np.maximum(square - total**2 / np.where(weight > 0.0, weight, 1.0), 0.0)
        noise = prior_weight * every + about.sum(axis=1, keepdims=True)
        noise = noise / (prior_weight + weight.sum(axis=1, keepdims=True))
        return mean, noise / count

    @property
    def tree_(self):
        """The tree; None before there are rewards enough."""
        model = self._known().models[0].fitted
        return None if model is None else model.estimator

    def export_text(self, feature_names=None, decimals=2):
        """Return the tree as text: in each leaf what each arm is believed to pay.

        Parameters
        ----------
        feature_names : list of str, default=None
            None: those of the frame that was learnt from, or "feature_0" and so on.
        decimals : int, default=2

        Returns
        -------
        text : str
            The number in brackets is the weight of the arm's rounds in the leaf.
        """
        check_is_fitted(self)
        if self.tree_ is None:
            raise ValueError(
                f"There is no tree yet: this {type(self).__name__} has fewer than "
                f"min_rewards={self.min_rewards} rewards."
            )
        model, tree = self.state_.models[0], self.tree_.tree_
        if feature_names is None:
            known = getattr(self, "feature_names_in_", range(tree.n_features))
            feature_names = [f"feature_{x}" if isinstance(x, int) else str(x) for x in known]
        leaf = np.flatnonzero(tree.children_left < 0)[:, None]
        codes = np.array(model.codes)
        sums = model.fitted.sums_in(leaf, codes)
        mean, _ = self._of_leaves(model.fitted.centre, *sums)
        says = {
            int(node): ", ".join(
                f"{arm} {mean[row, place]:.{decimals}f} ({sums[0][row, place]:g})"
                for place, arm in enumerate(self.classes_)
            )
            for row, node in enumerate(leaf[:, 0])
        }
        lines, waiting = [], [(0, 0, None)]
        while waiting:
            node, depth, line = waiting.pop()
            indent = "|   " * depth
            if line is not None:
                lines.append(f"{'|   ' * (depth - 1)}|--- {line}")
            if node in says:
                lines.append(f"{indent}|--- {says[node]}")
                continue
            name, cut = feature_names[tree.feature[node]], f"{tree.threshold[node]:.{decimals}f}"
            right, left = int(tree.children_right[node]), int(tree.children_left[node])
            waiting.append((right, depth + 1, f"{name} >  {cut}"))
            waiting.append((left, depth + 1, f"{name} <= {cut}"))
        return "\n".join(lines) + "\n"
