"""Pareto order: which points are beaten in all objectives, and by how much.

Larger is better here. Rows have no influence on each other.
"""

import numpy as np

# Values this close, relative to the largest of their row and objective, differ by rounding.
_SAME = 1e-10


def tied_ranks(values):
    """Number the distinct values of each row and objective in their order.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_arms, n_objectives)

    Returns
    -------
    ranks : ndarray of int of the same shape
        From 0; values that differ by rounding alone have the same.
    """
    # Arms along the last axis, where sorting is fast.
    values = np.moveaxis(np.asarray(values, dtype=np.float64), 1, 2)
    shape = values.shape
    values = np.ascontiguousarray(values).reshape(-1, shape[2])
    order = np.argsort(values, axis=1)
    order += np.arange(len(values))[:, None] * shape[2]
    ordered = values.ravel()[order]
    size = np.maximum(np.abs(ordered[:, :1]), np.abs(ordered[:, -1:]))
    rank = np.zeros(order.shape, dtype=np.int64)
    np.cumsum(ordered[:, 1:] - ordered[:, :-1] > _SAME * size, axis=1, out=rank[:, 1:])
    ranks = np.empty_like(rank)
    ranks.ravel()[order] = rank
    return np.moveaxis(ranks.reshape(shape), 2, 1)


def front_of_ranks(ranks, available=None):
    """Say which arms no other one dominates.

    An arm dominates another where it is at least as good in all objectives and better in one.

    Parameters
    ----------
    ranks : ndarray of int of shape (n_rows, n_arms, n_objectives)
        Not negative; larger is better.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that take part; the others are not on the front.

    Returns
    -------
    front : ndarray of bool of shape (n_rows, n_arms)
    """
    if available is not None:
        ranks = np.where(available[..., None], ranks, -1)
    if ranks.shape[2] == 1:
        front = ranks[..., 0] == ranks[..., 0].max(axis=1, keepdims=True)
    elif ranks.shape[2] == 2:
        front = ~_dominated_in_two(ranks[..., 0], ranks[..., 1])
    else:
        front = ~_dominated(ranks)
    return front if available is None else front & available


def _dominated_in_two(first, second):
    """By sorting: those before a point in the order of the first objective, then of the second."""
    key = first * (second.max() + 2) + second
    order = np.argsort(-key, axis=1, kind="stable")
    key = np.take_along_axis(key, order, axis=1)
    second = np.take_along_axis(second, order, axis=1)
    before = np.full(second.shape, -2, dtype=np.int64)
    np.maximum.accumulate(second[:, :-1], axis=1, out=before[:, 1:])
    # Equal points stand side by side: for each counts what stands before the first of them.
    place = np.broadcast_to(np.arange(key.shape[1]), key.shape).copy()
    place[:, 1:][key[:, 1:] == key[:, :-1]] = 0
    place = np.maximum.accumulate(place, axis=1)
    dominated = np.empty(key.shape, dtype=bool)
    found = np.take_along_axis(before, place, axis=1) >= second
    np.put_along_axis(dominated, order, found, axis=1)
    return dominated


def _dominated(ranks):
    """By comparing each arm with all others."""
    dominated = np.zeros(ranks.shape[:2], dtype=bool)
    for arm in range(ranks.shape[1]):
        dominated |= _dominated_by(ranks, arm)
    return dominated


def _dominated_by(ranks, arm):
    """Which arms of each row are dominated by this one."""
    worse = np.zeros(ranks.shape[:2], dtype=bool)
    never_better = np.ones(ranks.shape[:2], dtype=bool)
    for one in range(ranks.shape[2]):
        values = ranks[:, :, one]
        other = values[:, arm : arm + 1]
        worse |= values < other
        never_better &= values <= other
    return worse & never_better


def domination_counts(values, available=None):
    """Count the arms that dominate each arm (Fonseca and Fleming 1993).

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_arms, n_objectives)
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that are counted; None means all.

    Returns
    -------
    counts : ndarray of int of shape (n_rows, n_arms)
        0 on the front. Where an arm dominates another its count is the smaller one.
    """
    ranks = tied_ranks(values)
    counts = np.zeros(ranks.shape[:2], dtype=np.int64)
    for arm in range(ranks.shape[1]):
        found = _dominated_by(ranks, arm)
        counts += found if available is None else found & available[:, arm : arm + 1]
    return counts


def front_of_points(points):
    """Say which of many points no other one dominates; compared exactly.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_objectives)

    Returns
    -------
    front : ndarray of bool of shape (n_points,)
    """
    n_points, n_objectives = points.shape
    ranks = np.column_stack(
        [np.unique(points[:, one], return_inverse=True)[1] for one in range(n_objectives)]
    ).reshape(n_points, n_objectives)
    if n_objectives <= 2:
        return front_of_ranks(ranks[None])[0]
    # The one of the largest sum of ranks is on the front; what it dominates goes.
    left = np.argsort(-ranks.sum(axis=1), kind="stable")
    front = np.zeros(n_points, dtype=bool)
    while len(left):
        best = ranks[left[0]]
        same = (ranks[left] == best).all(axis=1)
        front[left[same]] = True
        left = left[(ranks[left] > best).any(axis=1)]
    return front


def pareto_gap(values, arm):
    r"""How far an arm is behind the front, :math:`\max_b \min_i (v_{bi} - v_{ai})`.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_arms, n_objectives)
    arm : ndarray of int of shape (n_rows,)

    Returns
    -------
    gap : ndarray of shape (n_rows,)
        What must be added to all objectives of the arm so that no other one is better in all.
    """
    chosen = values[np.arange(len(values)), arm]
    # The arm itself is among those compared, so no gap is below 0.
    return (values - chosen[:, None]).min(axis=2).max(axis=1)


def dominated_volume(points):
    """Volume between the origin and a set of points.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_objectives)

    Returns
    -------
    volume : float
        Of the points that have a positive coordinate each, all that one of them dominates.
    """
    points = points[(points > 0.0).all(axis=1)]
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    points = points[front_of_points(points)]
    if points.shape[1] == 2:
        points = points[np.argsort(-points[:, 0])]
        height = np.maximum.accumulate(points[:, 1])
        steps = np.diff(height, prepend=0.0)
        return float(points[:, 0] @ steps)
    # By slices along the last objective.
    order = np.argsort(-points[:, -1])
    points = points[order]
    depth = -np.diff(points[:, -1], append=0.0)
    slices = [dominated_volume(points[: one + 1, :-1]) for one in range(len(points))]
    return float(depth @ slices)
