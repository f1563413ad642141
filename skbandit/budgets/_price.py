"""Prices on costs: which one makes a policy spend so much."""

import numpy as np

# The price is found to such a part of itself.
_PRECISION = 1e-3
_MOST_STEPS = 80


def spending(policy, cost):
    """Return what a policy spends a round in the mean.

    Parameters
    ----------
    policy : ndarray of shape (n_rows, n_arms)
        Probability of each arm.
    cost : ndarray of shape (n_rows, n_arms)

    Returns
    -------
    spent : float
        In the unit of `cost`.
    """
    return float(np.einsum("na,na->", policy, cost)) / len(cost)


def bracketed_price(spent_at, allowance, start, precision=_PRECISION):
    r"""Return two neighbouring prices between which a policy comes to spend what it may.

    The policy that is best at a price of :math:`\lambda` a unit of cost spends the less the larger
    :math:`\lambda` is: this is the dual of spending at most the allowance [1]_.

    Parameters
    ----------
    spent_at : callable
        From a price to what is spent, which falls.
    allowance : float
        What may be spent.
    start : float > 0
        A price of about the right size.
    precision : float, default=1e-3
        How far apart the two may lie, as a part of the price.

    Returns
    -------
    low, high : float
        At `high` not more is spent than allowed, at `low` more. Both are 0 where the allowance
        does not bind, and equal, very large, where nothing holds it.

    References
    ----------
    .. [1] S. Agrawal and N. R. Devanur (2016). Linear contextual bandits with knapsacks. NeurIPS
       29.
    """
    if spent_at(0.0) <= allowance:
        return 0.0, 0.0
    low, high, factor = 0.0, start, 4.0
    for _ in range(_MOST_STEPS):
        if spent_at(high) <= allowance:
            break
        low, high, factor = high, high * factor, factor * 2.0
        if not np.isfinite(high) or high > start * 1e12:
            return low, low
    if low == 0.0:
        # Geometric steps down to the first price that is too low.
        low = high / 4.0
        for _ in range(_MOST_STEPS):
            if low < start * 1e-9 or spent_at(low) > allowance:
                break
            low, high = low / 4.0, low
    for _ in range(_MOST_STEPS):
        if high - low <= precision * high:
            break
        middle = np.sqrt(low * high)
        if spent_at(middle) > allowance:
            low = middle
        else:
            high = middle
    return low, high


def typical_price(scores, cost):
    """Return a price of about the right size: how far scores lie apart over what costs do.

    Parameters
    ----------
    scores, cost : ndarray of shape (n_rows, n_arms)

    Returns
    -------
    price : float > 0
    """
    apart = np.ptp(scores, axis=1).mean() / max(np.ptp(cost, axis=1).mean(), 1e-300)
    return float(apart) if np.isfinite(apart) and apart > 0.0 else 1.0


def affordable(cost, purse, n_selected=1, available=None):
    """Say which arms may be played so that nothing is spent that is not there.

    Parameters
    ----------
    cost : ndarray of shape (n_rows, n_arms)
        What the arms are expected to cost.
    purse : float
        What may be spent on a round.
    n_selected : int, default=1
        So many arms are played a round; the cheapest ones always may be.
    available : ndarray of bool of shape (n_rows, n_arms), default=None

    Returns
    -------
    mask : ndarray of bool of shape (n_rows, n_arms), or None where all arms may be played
    """
    within = cost <= purse * (1.0 + 1e-9) if purse > 0.0 else np.zeros(cost.shape, dtype=bool)
    if within.all():
        return available
    open_to = cost if available is None else np.where(available, cost, np.inf)
    place = min(n_selected, cost.shape[1]) - 1
    cheap = np.partition(open_to, place, axis=1)[:, place, None]
    mask = within | (open_to <= cheap * (1.0 + 1e-9))
    return mask if available is None else mask & available
