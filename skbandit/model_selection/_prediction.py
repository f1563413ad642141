"""Predictions for each round of a log, by a bandit that learnt from other rounds."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from .._play import (
    ArmColumns,
    as_rows,
    check_mask,
    check_steps_read_logs,
    is_bandit,
    last_step,
    make_folds,
    name_arms,
    take_apart,
)
from .._rounds import as_labels, check_arms, learn_arms, split_log
from .._rows import n_rows, take_rows

# What is said of an arm that the bandit of a fold does not know.
_OF_UNKNOWN = {
    "predict_proba": 0.0,
    "decision_function": -np.inf,
    "expected_reward": np.nan,
}
_METHODS = ("predict", *_OF_UNKNOWN)
_MASKED = ("predict", "predict_proba")


def cross_val_predict(
    estimator,
    X,
    y,
    *,
    groups=None,
    cv=None,
    method="predict",
    n_jobs=None,
    params=None,
    available=None,
):
    """Ask, for each round of a log, a bandit that learnt from the other folds.

    scikit-learn's function of that name makes classes of `y` for ``method="predict_proba"``, and
    a log has then as many classes as rounds. Here the columns are the arms.

    Parameters
    ----------
    estimator : estimator object
        A bandit, or a Pipeline or search around one. It is cloned, never fitted itself; a bandit
        with ``arms=None`` is told the arms of the whole log, so every fold knows all of them.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts; for a Pipeline that reads them, n_samples texts in a list or a Series.
    y : array-like of shape (n_samples,)
        A log (see :func:`skbandit.base.make_log`), or the arms that were played.
    groups : array-like of shape (n_samples,), default=None
        Passed to the splitter.
    cv : int or cross-validation generator, default=None
        Each round must be held out once. None means 5 blocks of rounds in their order, an int that
        many; a splitter that stratifies does so by the arms.
    method : {"predict", "predict_proba", "decision_function", "expected_reward"}, \
            default="predict"
        What the bandit is asked.
    n_jobs : int, default=None
        Folds in parallel.
    params : dict, default=None
        Passed to ``fit``: ``reward`` where `y` holds only arms, ``sample_weight``; in a Pipeline
        by the names of its steps. What has n_samples rows is cut into folds.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round, for ``"predict"`` and ``"predict_proba"``; the
        bandit decides among these, also where it is the last step of a Pipeline. Columns are those
        of the result, or have labels that are matched with the arms.

    Returns
    -------
    predictions : ndarray of shape (n_samples,) or (n_samples, n_arms)
        The arms played for ``"predict"`` ((n_samples, k) for sets of k arms), else a column an
        arm. Columns are in the order of the bandit's ``arms``, or where it has none the distinct
        arms of the log, sorted; with features of their own they are the candidates.

    Raises
    ------
    TypeError
        If `estimator` is no bandit.
    ValueError
        If `method` is unknown or takes no mask, a logged arm was not available, folds do not hold
        out each round once, or a step before the bandit looks at `y` and cannot read a log.

    See Also
    --------
    progressive_validation : Predict, then learn, in the order of the log.
    compare_policies : Values of policies, on a log from which they did not learn.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.model_selection import cross_val_predict
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> environment = LinearEnvironment(n_features=3, n_arms=2)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 300, random_state=0)
    >>> cross_val_predict(LinearUCB(), X, log, cv=3, method="predict_proba").shape
    (300, 2)
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}; got {method!r}.")
    if not is_bandit(estimator):
        raise TypeError(
            "estimator must be a bandit, or a Pipeline or search around one; got "
            f"{type(estimator).__name__}. Classifiers do not learn from logs."
        )
    if available is not None and method not in _MASKED:
        raise ValueError(
            f"method={method!r} takes no available=: beliefs and scores do not depend on which "
            f"arms there are. Those that do are {', '.join(_MASKED)}."
        )
    check_steps_read_logs(estimator, y)
    X = as_rows(X)
    n_samples = n_rows(X)
    labels = as_labels(split_log(y)[0], "y")
    if n_rows(labels) != n_samples:
        raise ValueError(f"y has {n_rows(labels)} rounds where X has {n_samples} rows.")
    arms = _all_arms(estimator, X, labels)
    if available is not None:
        columns = np.arange(X.shape[1]) if arms is None else arms
        available = check_mask(available, columns, labels)
    folds = make_folds(
        5 if cv is None else cv,
        n_samples,
        labels=labels if labels.ndim == 1 else None,
        groups=groups,
        hold_out_all=True,
    )
    blocks = Parallel(n_jobs=n_jobs)(
        delayed(_fold)(estimator, X, y, arms, method, train, test, params or {}, available)
        for train, test in folds
    )
    joined = np.concatenate(blocks)
    predictions = np.empty_like(joined)
    predictions[np.concatenate([test for _, test in folds])] = joined
    return predictions


def _all_arms(estimator, X, labels):
    """The arms in the order of the columns; None for candidates, known by their position."""
    if getattr(X, "ndim", 2) == 3:
        return None
    named = getattr(last_step(estimator), "arms", None)
    return learn_arms(labels) if named is None else check_arms(named)


def _fold(estimator, X, y, arms, method, train, test, params, available):
    n_samples = n_rows(X)
    fitted = clone(estimator)
    if arms is not None:
        name_arms(fitted, arms)
    params = {
        name: take_rows(value, train) if _is_one_a_round(value, n_samples) else value
        for name, value in params.items()
    }
    fitted.fit(take_rows(X, train), take_rows(y, train), **params)
    if available is None:
        answer = getattr(fitted, method)(take_rows(X, test))
    else:
        answer = _ask_among(fitted, method, take_rows(X, test), arms, available[test])
    if method == "predict" or arms is None:
        return answer
    columns = np.full((len(test), len(arms)), _OF_UNKNOWN[method])
    columns[:, ArmColumns(arms).find(fitted.classes_)] = answer
    return columns


def _ask_among(fitted, method, X, arms, available):
    """Ask the bandit itself: Pipelines and searches do not pass a mask on."""
    steps, bandit = take_apart(fitted)
    for step in steps:
        X = step.transform(X)
    if arms is not None:
        available = available[:, ArmColumns(arms).find(bandit.classes_)]
    return getattr(bandit, method)(X, available=available)


def _is_one_a_round(value, n_samples):
    return not isinstance(value, str) and hasattr(value, "__len__") and n_rows(value) == n_samples
