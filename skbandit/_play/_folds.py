"""Folds of a log."""

import numpy as np
from sklearn.model_selection import check_cv


def make_folds(cv, n_samples, *, labels=None, groups=None, hold_out_all=False):
    """Cut rounds into folds, none of which holds out a round that another one does.

    Parameters
    ----------
    cv : int, cross-validation generator or iterable
        An int means that many blocks of rounds in their order.
    n_samples : int
    labels, groups : array-like of shape (n_samples,), default=None
        Passed to the splitter.
    hold_out_all : bool, default=False
        Whether each round must be held out.

    Returns
    -------
    folds : list of (train, test), ndarrays of int

    Raises
    ------
    ValueError
        If there are fewer rounds than folds, or a round is held out too often or too seldom.
    """
    cv = check_cv(cv)
    rows = np.zeros(n_samples)
    n_folds = cv.get_n_splits(rows, labels, groups)
    if n_samples < n_folds:
        raise ValueError(
            f"the log has {n_samples} rounds, fewer than the {n_folds} folds of cv; pass a "
            "smaller cv or a longer log."
        )
    folds = [
        tuple(np.arange(n_samples)[part] for part in fold)
        for fold in cv.split(rows, labels, groups)
    ]
    times = np.bincount(np.concatenate([test for _, test in folds]), minlength=n_samples)
    if hold_out_all and (times != 1).any():
        raise ValueError(
            f"cv must hold out each round once, but {np.sum(times != 1)} of {n_samples} rounds "
            "are held out never or more than once. TimeSeriesSplit, for one, never holds out the "
            "first: use KFold, or drop them."
        )
    if (times > 1).any():
        raise ValueError(
            "cv holds some rounds out more than once; pass a splitter whose folds do not overlap, "
            "such as KFold or TimeSeriesSplit."
        )
    return folds
