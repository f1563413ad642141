"""Which arm is best where each arm pays one of some equally likely values, exactly.

Arrays in, arrays out. Rows are contexts, columns are arms, and rows have no influence on each
other.
"""

import numpy as np

from ._scores import checked_k, width_of_range

_BLOCK_ENTRIES = 2**17


def discrete_top_probability(values, k=1, available=None):
    r"""Chance that each arm is among the k highest of independent discrete scores.

    Parameters
    ----------
    values : ndarray of shape (n_values, n_rows, n_arms)
        The values of each arm, all of them equally likely, whatever the others are.
    k : int, default=1
        Number of arms in the set.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that take part; None means all. The values of the others are ignored.

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
        Exact to rounding; each row sums to k. Arms that tie share evenly.

    Raises
    ------
    ValueError
        If a row has fewer than k available arms, or a value is not a finite number.

    Notes
    -----
    Where arms tie, each is given an independent uniform number that decides. Given the value v
    and the number u of arm a, another arm b is ahead with the chance
    :math:`q_b(u) = P(V_b > v) + (1 - u) P(V_b = v)`, and

    .. math:: p_a = \frac{1}{B} \sum_v \int_0^1 P\Big(\sum_b \text{Bernoulli}(q_b(u)) < k\Big) du.

    The integrand is a polynomial in u, for which a Gauss-Legendre rule of enough nodes is exact.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit._discrete import discrete_top_probability
    >>> values = np.array([[[1.0, 2.0]], [[3.0, 2.0]], [[2.0, 2.0]]])
    >>> discrete_top_probability(values)
    array([[0.5, 0.5]])
    """
    values = np.asarray(values, dtype=np.float64)
    n_values, n_rows, n_arms = values.shape
    if available is not None:
        available = np.asarray(available, dtype=bool)
        values = np.where(available, values, 0.0)
    k = checked_k(k, n_arms, available)
    if not np.isfinite(values).all():
        raise ValueError("values: an available arm has a value that is not a finite number.")
    probability = np.empty((n_rows, n_arms))
    block = max(1, _BLOCK_ENTRIES // (n_values * n_arms * n_arms))
    for start in range(0, n_rows, block):
        rows = slice(start, start + block)
        mask = None if available is None else available[rows]
        probability[rows] = _chances(values[:, rows], k, mask)
    return probability


def _chances(values, k, available):
    n_values, n_rows, n_arms = values.shape
    flat = values.transpose(1, 0, 2).reshape(n_rows, -1)
    if available is not None:
        usable = np.tile(available, (1, n_values))
        # What cannot be played is ahead of nothing.
        least = np.where(usable, flat, np.inf).min(axis=1, keepdims=True)
        flat = np.where(usable, flat, least)
    order = np.argsort(flat, axis=1, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=1)
    # Values tie as scores do.
    width = width_of_range(ordered[:, :1], ordered[:, -1:])
    new = np.ones(flat.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] - ordered[:, :-1] > width
    plain = new.all(axis=1) if k == 1 else np.zeros(n_rows, dtype=bool)
    if plain.all():
        return _untied_chances(order, n_values, n_arms)
    probability = np.empty((n_rows, n_arms))
    probability[plain] = _untied_chances(order[plain], n_values, n_arms)
    tied = ~plain
    mask = None if available is None else available[tied]
    probability[tied] = _tied_chances(order[tied], new[tied], n_values, n_arms, k, mask)
    return probability


def _untied_chances(order, n_values, n_arms):
    """Chances to be the highest where all values differ, from their order."""
    n_rows = len(order)
    arm = order % n_arms
    own = np.eye(n_arms, dtype=bool)[arm]
    # How many values of each arm are no higher; a value does not compete with its own arm's.
    counts = np.cumsum(own, axis=1, dtype=np.float64)
    counts[own] = n_values
    counts /= n_values
    chance = np.multiply.reduce(counts, axis=2)
    place = np.arange(n_rows)[:, None] * n_arms + arm
    total = np.bincount(place.ravel(), chance.ravel(), minlength=n_rows * n_arms)
    return total.reshape(n_rows, n_arms) / n_values


def _tied_chances(order, new, n_values, n_arms, k, available):
    """Chances where values may tie; `new` says where a value differs from the one before."""
    n_rows, arm = len(order), order % n_arms
    place = np.arange(order.shape[1])
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.roll(new, -1, axis=1)
    ends[:, -1] = True
    last = np.minimum.accumulate(np.where(ends, place, place[-1])[:, ::-1], axis=1)[:, ::-1]
    own = np.eye(n_arms, dtype=bool)[arm]
    counts = np.zeros((n_rows, len(place) + 1, n_arms))
    np.cumsum(own, axis=1, out=counts[:, 1:])
    below = np.take_along_axis(counts, first[:, :, None], axis=1)
    upto = np.take_along_axis(counts, last[:, :, None] + 1, axis=1)
    # A value competes with those of other arms only.
    above = np.where(own, 0.0, 1.0 - upto / n_values)
    tied = np.where(own, 0.0, (upto - below) / n_values)
    if available is not None:
        above[~np.broadcast_to(available[:, None], above.shape)] = 0.0
        tied[~np.broadcast_to(available[:, None], tied.shape)] = 0.0
    degree = int(np.count_nonzero(tied, axis=2).max(initial=0))
    nodes, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    chance = np.zeros(order.shape)
    for node, weight in zip(0.5 + 0.5 * nodes, 0.5 * weights, strict=True):
        chance += weight * _fewer_than(k, above + node * tied)
    unsorted = np.empty(order.shape)
    np.put_along_axis(unsorted, order, chance, axis=1)
    probability = unsorted.reshape(n_rows, n_values, n_arms).mean(axis=1)
    if available is not None:
        probability = np.where(available, probability, 0.0)
    return probability * (k / probability.sum(axis=1, keepdims=True))


def _fewer_than(k, chances):
    """Chance that fewer than k of independent events happen, over the last axis."""
    if k == 1:
        return np.prod(1.0 - chances, axis=-1)
    # counts[j]: chance that j of the events so far have happened.
    counts = np.zeros((k, *chances.shape[:-1]))
    counts[0] = 1.0
    for event in range(chances.shape[-1]):
        chance = chances[..., event]
        counts[1:] = counts[1:] * (1.0 - chance) + counts[:-1] * chance
        counts[0] *= 1.0 - chance
    return counts.sum(axis=0)
