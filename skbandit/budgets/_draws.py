"""Draws of many decisions at once whose total is what it should be."""

import numpy as np

# Chances this close to 0 or 1 are sure.
_SURE = 1e-9


def balanced_draw(probability, cost, rng):
    r"""Draw one arm a row so that the total cost is all but its expectation.

    Each arm is drawn with exactly its probability, and the total cost of what is drawn differs
    from :math:`\sum_{ia} p_{ia} c_{ia}` by less than the arms of one row differ in cost: so it is
    equal to it where that is a whole number and costs are 0 or 1. Rows are drawn in pairs [1]_:
    chances are moved between two arms of one row and two arms of another so that the total stays,
    one way or the other, until one of the two rows is decided. The way is drawn so that no chance
    changes in the mean, as in the flight of the cube [2]_.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_arms)
        Rows sum to 1.
    cost : ndarray of shape (n_rows, n_arms)
    rng : numpy Generator

    Returns
    -------
    arm : ndarray of int of shape (n_rows,)

    References
    ----------
    .. [1] J.-C. Deville and Y. Tillé (1998). Unequal probability sampling without replacement
       through a splitting method. Biometrika 85(1), 89-101. (the pivotal method)
    .. [2] J.-C. Deville and Y. Tillé (2004). Efficient balanced sampling: the cube method.
       Biometrika 91(4), 893-912.
    """
    chance = np.array(probability, dtype=np.float64)
    chance[chance < _SURE] = 0.0
    chance /= chance.sum(axis=1, keepdims=True)
    for _ in range(chance.shape[1]):
        rows = np.flatnonzero(np.count_nonzero(chance, axis=1) > 2)
        if not len(rows):
            break
        chance[rows] = _fewer_arms(chance[rows], cost[rows], rng)
    while True:
        rows = np.flatnonzero(np.count_nonzero(chance, axis=1) > 1)
        if len(rows) < 2:
            break
        pairs = rows[: len(rows) // 2 * 2].reshape(-1, 2)
        chance[pairs] = _one_of_two(chance[pairs], cost[pairs], rng)
    running = np.cumsum(chance, axis=1)
    point = rng.random(len(chance)) * running[:, -1]
    return (running <= point[:, None]).sum(axis=1).clip(max=chance.shape[1] - 1)


def _moved(chance, direction, rng):
    """Move chances along a direction, or against it, until one is gone; unchanged in the mean.

    The axes of `chance` behind the first are one problem's.
    """
    flat, along = chance.reshape(len(chance), -1), direction.reshape(len(chance), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = flat / np.abs(along)
    forth = np.where(along < 0.0, limit, np.inf).min(axis=1)
    back = np.where(along > 0.0, limit, np.inf).min(axis=1)
    forward = rng.random(len(flat)) * (forth + back) < back
    step = np.where(forward, forth, -back)
    hits = np.where(forward[:, None], along < 0.0, along > 0.0)
    gone = hits & (limit <= np.abs(step)[:, None] * (1.0 + 1e-12))
    moved = flat + step[:, None] * along
    moved[gone] = 0.0
    moved[moved < _SURE * _SURE] = 0.0
    return moved.reshape(chance.shape)


def _fewer_arms(chance, cost, rng):
    """Leave one of three arms of a row without a chance; its expected cost stays."""
    rows, arms = np.arange(len(chance))[:, None], _likely(chance, 3)
    own = cost[rows, arms]
    # What sums to nothing, and costs nothing: the product of (1, 1, 1) and the costs.
    along = np.column_stack([own[:, 2] - own[:, 1], own[:, 0] - own[:, 2], own[:, 1] - own[:, 0]])
    alike = np.abs(along).max(axis=1) <= 1e-12 * np.abs(own).max(axis=1)
    along[alike] = [1.0, -1.0, 0.0]
    along /= np.abs(along).max(axis=1, keepdims=True)
    direction = np.zeros_like(chance)
    direction[rows, arms] = along
    return _normalized(_moved(chance, direction, rng))


def _one_of_two(chance, cost, rng):
    """Decide one row of each pair, (n_pairs, 2, n_arms); what both cost together stays."""
    n_pairs, _, n_arms = chance.shape
    flat = chance.reshape(-1, n_arms)
    rows, arms = np.arange(len(flat))[:, None], _likely(flat, 2)
    own = cost.reshape(-1, n_arms)[rows, arms]
    apart = (own[:, 0] - own[:, 1]).reshape(n_pairs, 2)
    # The first row moves by what the other's arms lie apart, and the other way round.
    step = np.column_stack([apart[:, 1], -apart[:, 0]])
    size = np.abs(step).max(axis=1)
    # A row whose arms cost the same is decided alone.
    free = np.abs(apart) <= 1e-12 * np.abs(own).max(axis=1).reshape(n_pairs, 2)
    step = np.where(
        free.any(axis=1)[:, None], free.astype(float), step / np.where(size, size, 1.0)[:, None]
    )
    direction = np.zeros_like(flat)
    direction[rows, arms] = np.column_stack([step.ravel(), -step.ravel()])
    shape = (n_pairs, 2, n_arms)
    return _normalized(_moved(flat.reshape(shape), direction.reshape(shape), rng))


def _likely(chance, n_arms):
    """The arms of the largest chances in each row."""
    return np.argpartition(-chance, n_arms - 1, axis=1)[:, :n_arms]


def _normalized(chance):
    """Rows whose chances add up to 1 again, to the last digit."""
    chance = np.where(chance < _SURE, 0.0, chance)
    return chance / chance.sum(axis=-1, keepdims=True)
