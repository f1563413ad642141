"""Draw arms from a policy, one uniform number a row."""

import numpy as np


def draw_arms(probability, uniform, n_selected=1):
    """Draw distinct arms whose inclusion probabilities are exactly those given.

    Systematic sampling (Madow 1949): the points u, u + 1, ..., u + k - 1 fall into the intervals
    of the running sum of the probabilities. One arm a row is the familiar inversion of the
    distribution.

    Parameters
    ----------
    probability : ndarray of shape (n_samples, n_arms)
        Rows sum to `n_selected`, entries lie in [0, 1].
    uniform : ndarray of shape (n_samples,)
        In [0, 1).
    n_selected : int, default=1

    Returns
    -------
    index : ndarray of int of shape (n_samples, n_selected)
        An arm of probability 0 is never drawn.
    """
    running = np.add.accumulate(probability, axis=1)
    # Dividing puts the end at exactly 1, also for arms of probability 0 that come last.
    running /= running[:, -1:]
    if n_selected == 1:
        return np.add.reduce(running <= uniform[:, None], axis=1, keepdims=True)
    running *= n_selected
    points = np.ceil(running - uniform[:, None])
    hits = np.diff(points, axis=1, prepend=0.0)
    # Rounding may hit a wrong neighbour once in 1e16 draws, but never one that cannot be played.
    hits[probability == 0.0] = -1.0
    return np.argsort(-hits, axis=1, kind="stable")[:, :n_selected]


def order_by_score(index, score):
    """Put each row's arms in the order of falling score.

    Parameters
    ----------
    index : ndarray of int of shape (n_samples, n_selected)
    score : ndarray of shape (n_samples, n_arms)

    Returns
    -------
    index : ndarray of int of shape (n_samples, n_selected)
    """
    order = np.argsort(-np.take_along_axis(score, index, axis=1), axis=1, kind="stable")
    return np.take_along_axis(index, order, axis=1)
