"""Predictions of a reward model for all arms, by models that never saw the row they predict."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._play import as_rows, make_folds
from .._rows import append_arm, n_rows, take_rows
from ._groups import count_groups
from ._validation import check_arm, check_groups, check_sample_weight, check_vector

_ARM_MODELS = ("disjoint", "shared")
_MOST_CLASSES = 100
# Of fewer rows no model is fitted where there is none from a fold.
_FEW_ROWS = 20


def cross_fit_rewards(
    model,
    X,
    arm,
    reward,
    *,
    n_arms=None,
    cv=5,
    arm_model="disjoint",
    sample_weight=None,
    groups=None,
    n_jobs=None,
):
    """Predict the reward of every arm in every round by models fitted on other rounds.

    Parameters
    ----------
    model : estimator
        Any scikit-learn regressor, or a classifier for rewards of few distinct values, such as 0
        and 1, or 0, .5 and 1: it predicts the expectation of the class. Where rewards are
        fractions it is fitted on the numbers of their values, 0 being the lowest. It is cloned,
        never fitted itself.
    X : array-like, sparse matrix or DataFrame
        Contexts, (n_samples, n_features); or an array (n_samples, n_arms, n_features) where each
        arm has its own features; or texts, in a list or a Series, for one model an arm.
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm.
    reward : array-like of shape (n_samples,)
        Logged rewards.
    n_arms : int, default=None
        Number of arms. None takes the largest `arm` plus one, or what X of three dimensions has.
    cv : int, cross-validation generator or iterable, default=5
        Each row is predicted by the model of the fold that holds it out. An integer means that
        many blocks of rows in their order. A stratified splitter has the logged arms for strata,
        so that each fold knows the rare ones. For the log of a policy that learns pass
        `TimeSeriesSplit`: each block is then predicted from earlier rows alone. Rows that no fold
        holds out, its first block, are predicted by halves: the second half from the first, that
        one's second half from its first and so on, and the first twenty from the mean of the
        rewards before.
    arm_model : {"disjoint", "shared"}, default="disjoint"
        One model an arm, or one model of all with the arm appended one-hot to X (to a DataFrame as
        columns "arm 0", "arm 1" and so on). With X of three dimensions one model serves all arms,
        whatever is given here.
    sample_weight : array-like of shape (n_samples,), default=None
        Passed to `model.fit`, for instance from `mrdr_weight`. For a Pipeline it goes to its last
        step.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, of a customer or a session. No row is predicted by a
        model that saw another row of its group: an integer `cv` means `GroupKFold`, a splitter
        that splits by groups is given them, and under any other the rows of held-out groups are
        left out of training.
    n_jobs : int, default=None
        Folds fitted in parallel.

    Returns
    -------
    expected_reward : ndarray of shape (n_samples, n_arms)

    Raises
    ------
    ValueError
        If the log is shorter than the folds, folds overlap, arms are out of range, groups leave a
        fold nothing to learn from, or `model` is a classifier and the rewards it is to learn from
        are all the same.

    See Also
    --------
    dr_value : Takes the predictions.
    mrdr_weight : Weights for fitting.

    Notes
    -----
    With one model an arm, an arm that a training fold lacks is predicted at the mean reward of the
    fold, and an arm with a single training reward at that reward where the model is a classifier.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning for treatment and structural
    parameters, Econometrics Journal 21. Kallus & Uehara (2020), Double reinforcement learning,
    JMLR 21.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skbandit.metrics import cross_fit_rewards
    >>> X = np.arange(20.)[:, None]
    >>> arm = np.arange(20) % 2
    >>> cross_fit_rewards(LinearRegression(), X, arm, reward=X[:, 0] * arm, cv=2)[10].round(6)
    array([ 0., 10.])
    """
    if arm_model not in _ARM_MODELS:
        raise ValueError(f"arm_model must be one of {', '.join(_ARM_MODELS)}; got {arm_model!r}.")
    reward = check_vector(reward, "reward")
    n_samples = reward.size
    X = as_rows(X)
    per_arm_features = getattr(X, "ndim", 2) == 3
    if n_rows(X) != n_samples:
        raise ValueError(
            f"X has {n_rows(X)} rows where reward has {n_samples}; give one row a round."
        )
    if n_arms is None:
        largest = check_arm(arm, n_samples, np.inf).max()
        n_arms = X.shape[1] if per_arm_features else int(largest) + 1
    elif per_arm_features and X.shape[1] != n_arms:
        raise ValueError(
            f"X has features of {X.shape[1]} arms where n_arms={n_arms}; drop n_arms or mend X."
        )
    arm = check_arm(arm, n_samples, n_arms)
    weight = check_sample_weight(sample_weight, n_samples)
    if is_classifier(model) and np.ptp(reward) == 0:
        raise ValueError(
            f"all rewards are {reward[0]:g}, which a classifier cannot learn from. Pass a "
            "regressor as the reward model, or use an estimate without one, such as snips_value."
        )
    design = _DESIGNS["features" if per_arm_features else arm_model](X, arm, n_arms)
    groups = check_groups(groups, n_samples)
    folds = make_group_folds(cv, groups, n_samples, labels=arm)
    predictions = Parallel(n_jobs=n_jobs)(
        delayed(_fit_predict)(model, design, reward, weight, train, test, fold)
        for fold, (train, test) in enumerate(folds)
    )
    expected_reward = np.empty((n_samples, n_arms))
    left_out = np.ones(n_samples, dtype=bool)
    for (_, test), predicted in zip(folds, predictions, strict=True):
        expected_reward[test] = predicted
        left_out[test] = False
    if left_out.any():
        rows = np.flatnonzero(left_out)
        expected_reward[rows] = _predict_forward(model, design, reward, weight, groups, rows)
    return expected_reward


def _predict_forward(model, design, reward, weight, groups, rows):
    """Predict rows from those before them, by halves; the first few by the mean before them."""
    predicted, stop = np.empty((rows.size, design.n_arms)), rows.size
    while stop > _FEW_ROWS:
        half = stop // 2
        test = rows[half:stop]
        train = _of_other_groups(groups, rows[:half], test)
        if train.size == 0 or np.ptp(reward[train]) == 0:
            predicted[half:stop] = _mean_elsewhere(reward, groups, train, test)
        else:
            predicted[half:stop] = _fit_predict(model, design, reward, weight, train, test, "0")
        stop = half
    for number in range(stop):
        test = rows[number : number + 1]
        train = _of_other_groups(groups, rows[:number], test)
        predicted[number] = _mean_elsewhere(reward, groups, train, test)
    return predicted


def _of_other_groups(groups, train, test):
    return train if groups is None else train[~np.isin(groups[train], groups[test])]


def _mean_elsewhere(reward, groups, train, test):
    """Mean reward of rows; where there are none, of all that belong to others than those asked."""
    if train.size == 0:
        train = np.setdiff1d(np.arange(reward.size), test)
        train = _of_other_groups(groups, train, test)
    return reward[train].mean() if train.size else 0.0


def make_group_folds(cv, groups, n_samples, labels=None):
    """Cut rounds into folds that train on no group of which they hold out a round."""
    if groups is None:
        return make_folds(cv, n_samples, labels=labels)
    if cv is None or isinstance(cv, (int, np.integer)):
        n_folds, n_groups = 5 if cv is None else int(cv), count_groups(groups, n_samples)
        if n_groups < n_folds:
            raise ValueError(
                f"groups names {n_groups} groups, fewer than the {n_folds} folds of cv; pass a "
                "smaller cv, or use an estimate without a reward model, such as snips_value."
            )
        return make_folds(GroupKFold(n_folds), n_samples, groups=groups)
    # Splitters of scikit-learn that split by no groups warn of them; others may want them.
    silent = hasattr(cv, "get_metadata_routing") and not get_routing_for_object(
        cv
    ).split.requests.get("groups")
    folds = make_folds(cv, n_samples, labels=labels, groups=None if silent else groups)
    folds = [(_of_other_groups(groups, train, test), test) for train, test in folds]
    for fold, (train, _) in enumerate(folds):
        if train.size == 0:
            raise ValueError(
                f"fold {fold} of cv has nothing to train on: each of its training rows belongs to "
                "a group of which it holds out another. Pass cv=GroupKFold(), or fewer folds."
            )
    return folds


def _fit_predict(model, design, reward, weight, train, test, fold):
    predicted = np.empty((test.size, design.n_arms))
    for train_part, arms in design.parts(train):
        rows = train[train_part]
        part = np.ix_(np.arange(test.size), arms)
        if rows.size == 0:
            predicted[part] = reward[train].mean()
            continue
        if is_classifier(model) and np.ptp(reward[rows]) == 0:
            if arms.size == design.n_arms:
                raise ValueError(
                    f"all rewards that fold {fold} trains on are {reward[rows[0]]:g}, which a "
                    "classifier cannot learn from. Pass a regressor as the reward model, or a "
                    "smaller or shuffled cv."
                )
            predicted[part] = reward[rows[0]]
            continue
        fitted, paid = fit_model(clone(model), design.logged(rows), reward[rows], weight, rows)
        for arm in arms:
            predicted[:, arm] = expectation(fitted, paid, design.with_arm(test, arm))
    return predicted


def fit_model(model, X, reward, weight, rows):
    """Return the fitted model and the rewards that its classes number, None if they are those."""
    paid = None
    if is_classifier(model) and (reward == np.round(reward)).all():
        # Classes that are integers are no continuous target to scikit-learn, whatever their dtype.
        reward = reward.astype(np.int64)
    elif is_classifier(model):
        # Fractions are one, so their numbers are the classes.
        paid, reward = np.unique(reward, return_inverse=True)
        if paid.size > _MOST_CLASSES:
            raise ValueError(
                f"the rewards have {paid.size} distinct values, too many to be classes of the "
                f"classifier {type(model).__name__}. Pass a regressor as the reward model."
            )
    if weight is None:
        return model.fit(X, reward), paid
    name = "sample_weight"
    if isinstance(model, Pipeline):
        name = f"{model.steps[-1][0]}__{name}"
    return model.fit(X, reward, **{name: weight[rows]}), paid


def expectation(model, paid, X):
    """The prediction of a regressor, or the expectation of a classifier's class."""
    if is_classifier(model):
        classes = np.asarray(model.classes_, dtype=np.float64 if paid is None else np.intp)
        return model.predict_proba(X) @ (classes if paid is None else paid[classes])
    return np.asarray(model.predict(X), dtype=np.float64)


class _Disjoint:
    """One model an arm, all on the same features."""

    def __init__(self, X, arm, n_arms):
        self.X, self.arm, self.n_arms = X, arm, n_arms

    def parts(self, train):
        return [(self.arm[train] == one, np.array([one])) for one in range(self.n_arms)]

    def logged(self, rows):
        return take_rows(self.X, rows)

    def with_arm(self, rows, arm):
        return take_rows(self.X, rows)


class _Shared(_Disjoint):
    """One model of all arms, the arm appended to the features as one-hot columns."""

    def parts(self, train):
        return [(np.ones(train.size, dtype=bool), np.arange(self.n_arms))]

    def logged(self, rows):
        return append_arm(take_rows(self.X, rows), self.arm[rows], self.n_arms)

    def with_arm(self, rows, arm):
        return append_arm(take_rows(self.X, rows), np.full(rows.size, arm), self.n_arms)


class _Features(_Shared):
    """One model of all arms, each of which has its own features."""

    def logged(self, rows):
        return self.X[rows, self.arm[rows]]

    def with_arm(self, rows, arm):
        return self.X[rows, arm]


_DESIGNS = {"disjoint": _Disjoint, "shared": _Shared, "features": _Features}
