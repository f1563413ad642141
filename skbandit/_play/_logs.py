"""Logs taken apart, and the rows that go with them."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._rounds import check_feedback, check_propensity
from .._rows import as_frame


class LoggedRounds(NamedTuple):
    """A log taken apart; arms are still labels."""

    labels: np.ndarray
    reward: np.ndarray  # of the shape of labels, or (n, n_objectives)
    propensity: np.ndarray | None
    cost: np.ndarray | None = None
    quantity: np.ndarray | None = None  # (n, n_quantities)


def check_log(X, y, reward=None, propensity=None, *, sets=False):
    """Take a log apart, or join labels and keywords.

    Parameters
    ----------
    X : array-like, sparse matrix, frame, series or list of n_samples rows
    y : array-like of shape (n_samples,)
        A log, or the arms that were played.
    reward, propensity : array-like of shape (n_samples,), default=None
        `reward` where `y` does not carry it; `propensity` takes the place of that of `y`.
    sets : bool, default=False
        Whether `y` may hold several arms a round; all are then of shape (n_samples, k).

    Returns
    -------
    rounds : LoggedRounds

    Raises
    ------
    ValueError
        If there are no rewards, two, sets of arms, or impossible values.
    """
    feedback = check_feedback(X, y, reward, None, n_selected=1)
    labels, reward, logged_propensity = feedback[:3]
    several = labels.ndim == 2 and labels.shape[1] > 1
    if several and not sets:
        raise ValueError(
            f"y holds arms of shape {labels.shape}, sets of arms. This is for policies that play "
            "one arm a round: sets have values in compare_policies, in policy scorers and in "
            "skbandit.metrics.set_dr_value."
        )
    if not several:
        labels = labels.ravel()
    if reward is None:
        raise ValueError(
            "y holds no rewards: comparing the policy's arms with the logged ones would rate how "
            "well it imitates the logging policy. Pass y=make_log(arm, reward, propensity), or "
            "reward= and propensity=. A bandit with full feedback has its own score, scoring=None."
        )
    propensity = logged_propensity if propensity is None else propensity
    if propensity is not None:
        propensity = check_propensity(propensity, labels.shape, feedback.quantity is not None)
    cost = None if feedback.cost is None else feedback.cost.reshape(labels.shape)
    if reward.size == labels.size:
        reward = reward.reshape(labels.shape)
    return LoggedRounds(labels, reward, propensity, cost, feedback.quantity)


def as_rows(X):
    """Return contexts in a form whose rows can be taken: lists of numbers as an array.

    Parameters
    ----------
    X : array-like, sparse matrix, frame, series or list

    Returns
    -------
    X : ndarray, CSR matrix, frame, series or list
        Lists of other things (texts, rows of mixed kinds) stay lists.
    """
    if sparse.issparse(X):
        return X.tocsr()
    if hasattr(X, "shape") or as_frame(X) is not None:
        return X
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        return X
    return array if array.dtype.kind in "biufc" else X
