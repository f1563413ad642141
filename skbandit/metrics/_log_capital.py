"""Lower bounds of the mean of weighted rewards by constant bets, for weights of any size.

One bets on the mean of terms being larger than a candidate m. With the stake s / (1 + s m) a round
multiplies the capital by

    1 + s / (1 + s m) (x - m) = (1 + s x) / (1 + s m),

which is never negative while s x > -1, so terms x >= 0 need no upper bound. Under a true mean of m
the capital is a fair game, and exceeds 1 / alpha with a chance of at most alpha, ever (Ville). Its
logarithm is S(s) - n log(1 + s m), where S(s) = sum log(1 + s x) knows no candidate: what is
expensive is computed once. One stake gives the bound of logarithmic smoothing, and stakes side by
side one whose capital is their average.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special

_TOLERANCE = 1e-10
# A smaller term gives a smaller bound, which holds too; the product with a stake stays a number.
_LARGEST_TERM = 1e300


class Bets(NamedTuple):
    """Terms that all have the wanted mean, and the stakes that are put on them.

    Attributes
    ----------
    terms : ndarray of shape (n_samples,)
        Numbers whose expectation is the mean that is bounded.
    stakes : ndarray of shape (n_stakes,)
        Positive; each times the smallest possible term must exceed -1.
    shares : ndarray of shape (n_stakes,)
        Share of the first capital in each.
    """

    terms: np.ndarray
    stakes: np.ndarray
    shares: np.ndarray


def log_sums(terms, stakes):
    """Sum of log(1 + s x) over the terms x, for each stake s."""
    terms = np.minimum(terms, _LARGEST_TERM)
    return np.array([np.log1p(stake * terms).sum() for stake in stakes])


def _single_bounds(sums, stakes, n_samples, needed):
    """Where the capital of each stake alone reaches its level."""
    return np.expm1((sums - needed) / n_samples) / stakes


def smoothed_bound(terms, stake, alpha):
    """Lower bound of the mean of non-negative terms by logarithmic smoothing.

    Parameters
    ----------
    terms : ndarray of shape (n_samples,)
        Not negative.
    stake : float
        Positive; `lambda` of the paper.
    alpha : float
        Chance that the bound exceeds the mean, at most.

    Returns
    -------
    bound : float
        Not negative.

    References
    ----------
    Sakhi, Aouali, Alquier & Chopin (2024), Logarithmic smoothing for pessimistic off-policy
    evaluation, selection and learning, NeurIPS.
    """
    stakes = np.array([stake])
    bound = _single_bounds(log_sums(terms, stakes), stakes, terms.size, np.log(1 / alpha))
    return max(0.0, float(bound[0]))


def mixture_bound(bets, alpha):
    """Lower bound of a mean by the average capital of several bets.

    Parameters
    ----------
    bets : list of Bets
        All on the same mean, which is not negative. Their shares are relative.
    alpha : float
        Chance that the bound ever exceeds the mean, at most.

    Returns
    -------
    bound : float
        Not negative.
    """
    sums = np.concatenate([log_sums(one.terms, one.stakes) for one in bets])
    stakes = np.concatenate([one.stakes for one in bets])
    log_shares = np.log(np.concatenate([one.shares for one in bets]))
    log_shares -= special.logsumexp(log_shares)
    n_samples = bets[0].terms.size
    needed = np.log(1 / alpha)

    def surplus(mean):
        capital = sums - n_samples * np.log1p(stakes * mean) + log_shares
        return special.logsumexp(capital) - needed

    # Capital falls in the mean that is bet against. Where one stake's share has reached the level
    # alone, so has the whole; where no stake would have, were all capital in it, the whole has
    # not.
    low = _single_bounds(sums, stakes, n_samples, needed - log_shares).max()
    high = _single_bounds(sums, stakes, n_samples, needed).max()
    low, high = max(0.0, float(low)), max(0.0, float(high))
    if surplus(low) <= 0:
        return low
    if surplus(high) >= 0:
        return high
    return max(low, optimize.brentq(surplus, low, high, xtol=_TOLERANCE) - _TOLERANCE)
