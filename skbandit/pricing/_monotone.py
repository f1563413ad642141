"""Demand that does not rise with the price: projection on monotone vectors.

Arrays in, arrays out. The last axis is over prices; all others are done at once.
"""

import numpy as np

# Weights of a row are told apart down to this share of the largest.
_LEAST_WEIGHT = 1e-9


def price_order(price):
    """Return the order of rising prices, and the rank of each price in that order.

    Parameters
    ----------
    price : ndarray of shape (n_prices,)

    Returns
    -------
    order : ndarray of int of shape (n_prices,)
    rank : ndarray of int of shape (n_prices,)
        Of the prices in that order; equal prices have one rank.
    """
    order = np.argsort(price, kind="stable")
    ordered = price[order]
    rank = np.zeros(len(price), dtype=np.intp)
    rank[1:] = np.cumsum(ordered[1:] > ordered[:-1])
    return order, rank


def demand_projected(demand, weight, price):
    r"""Return the demands nearest to these that do not rise with the price.

    .. math:: \min_{d} \sum_k w_k (d_k - y_k)^2 \quad \text{such that} \quad
       d_j \ge d_k \text{ where } p_j < p_k

    Nothing is asked of two arms of one price. Solved by pooling adjacent violators; arms of one
    price are first put in falling order, in which the solution leaves them [1]_.

    Parameters
    ----------
    demand : ndarray of shape (..., n_prices)
    weight : ndarray that broadcasts to that shape
        Positive.
    price : ndarray of shape (n_prices,)

    Returns
    -------
    projected : ndarray of shape (..., n_prices)
    pooled : ndarray of shape (..., n_prices)
        Sum of the weights of the prices that were pooled with each one, itself included.

    References
    ----------
    .. [1] J. de Leeuw, K. Hornik and P. Mair (2009). Isotone optimization in R: pool-adjacent-
       violators algorithm (PAVA) and active set methods. Journal of Statistical Software 32(5),
       sections 3 and 5 (the primary approach to ties).
    """
    shape = demand.shape
    weight = np.broadcast_to(weight, shape)
    order, rank = price_order(price)
    if rank[-1] == 0:
        return demand, weight
    values = demand[..., order].reshape(-1, shape[-1])
    masses = weight[..., order].reshape(-1, shape[-1])
    inner = None
    if rank[-1] < len(price) - 1:
        inner = np.lexsort((-values, np.broadcast_to(rank, values.shape)), axis=-1)
        values = np.take_along_axis(values, inner, axis=1)
        masses = np.take_along_axis(masses, inner, axis=1)
    level, total = _falling(values, masses)
    if inner is not None:
        back = np.argsort(inner, axis=1, kind="stable")
        level = np.take_along_axis(level, back, axis=1)
        total = np.take_along_axis(total, back, axis=1)
    projected, pooled = np.empty(shape), np.empty(shape)
    projected[..., order] = level.reshape(shape)
    pooled[..., order] = total.reshape(shape)
    return projected, pooled


def _falling(values, weights):
    """Falling sequences nearest to the rows, and the weight of the block of each entry.

    Pools adjacent violators in all rows at once: each row has a stack of blocks.
    """
    n_rows, n_entries = values.shape
    rows = np.arange(n_rows)
    # Blocks of each row: their mean, weight and first entry.
    mean, mass = np.empty((n_rows, n_entries)), np.empty((n_rows, n_entries))
    first = np.zeros((n_rows, n_entries), dtype=np.intp)
    top = np.full(n_rows, -1)
    for entry in range(n_entries):
        top += 1
        mean[rows, top], mass[rows, top] = values[:, entry], weights[:, entry]
        first[rows, top] = entry
        at = rows[top > 0]
        while at.size:
            high = top[at]
            at = at[mean[at, high - 1] < mean[at, high]]
            if not at.size:
                break
            high = top[at]
            low_mass, high_mass = mass[at, high - 1], mass[at, high]
            both = low_mass + high_mass
            # A step from the heavier mean keeps its digits.
            step = (mean[at, high] - mean[at, high - 1]) * (high_mass / both)
            mean[at, high - 1] += step
            mass[at, high - 1] = both
            top[at] -= 1
            at = at[top[at] > 0]
    starts = np.zeros((n_rows, n_entries), dtype=np.intp)
    blocks = np.arange(n_entries) <= top[:, None]
    starts[np.nonzero(blocks)[0], first[blocks]] = 1
    block = np.cumsum(starts, axis=1) - 1
    return np.take_along_axis(mean, block, axis=1), np.take_along_axis(mass, block, axis=1)


def rounds_known(mean, std, kind):
    r"""Return how many rounds a belief about demands is worth, the weights of a projection.

    The variance of one round over that of the belief: :math:`\mu (1 - \mu) / \sigma^2` for
    purchases, :math:`\mu / \sigma^2` for counts, :math:`1 / \sigma^2` for all else. Of a Beta
    posterior it is :math:`a + b + 1`, of a gamma posterior its rate.

    Parameters
    ----------
    mean, std : ndarray of shape (n_rows, n_prices)
    kind : {"real", "unit_interval", "binary", "count"}

    Returns
    -------
    weight : ndarray of shape (n_rows, n_prices)
        Positive; ones where no belief has a width.
    """
    if kind == "real":
        variance = np.ones_like(mean)
    elif kind == "count":
        variance = np.maximum(mean, 0.0)
    else:
        inside = np.clip(mean, 0.0, 1.0)
        variance = inside * (1.0 - inside)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        weight = variance / std**2
    sure = std == 0.0
    weight = np.where(sure, np.inf, np.where(np.isfinite(weight) & (weight > 0.0), weight, 0.0))
    largest = np.max(weight, axis=1, keepdims=True, initial=0.0, where=np.isfinite(weight))
    largest = np.where(largest > 0.0, largest, 1.0)
    return np.clip(weight / largest, _LEAST_WEIGHT, 1.0) * largest


def interpolated(values, known, price):
    """Values at prices between those that are known, and of the nearest outside.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_known)
    known : ndarray of shape (n_known,)
        Prices; of equal ones the mean is taken.
    price : ndarray of shape (n_prices,)

    Returns
    -------
    values : ndarray of shape (n_rows, n_prices)
    """
    distinct, place = np.unique(known, return_inverse=True)
    total = np.zeros((len(values), len(distinct)))
    np.add.at(total, (slice(None), place), values)
    means = total / np.bincount(place)
    return np.stack([np.interp(price, distinct, row) for row in means])
