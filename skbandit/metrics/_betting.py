"""Confidence bounds of the mean of numbers between 0 and 1, by betting."""

import numpy as np
from scipy import optimize

# A bet never risks more than this share of the wealth (c of the paper).
_LARGEST_STAKE = 0.5
_TOLERANCE = 1e-9


def plug_in_bets(values, alpha, *, anytime=True):
    """Predictable bets: their size depends on earlier values alone.

    lambda_t = sqrt(2 log(2 / alpha) / (variance_{t-1} t log(1 + t))), the variance from the rounds
    before and from one pseudo-round of mean 1/2 and variance 1/4 (Waudby-Smith & Ramdas 2024, eq.
    26). With `anytime=False` t log(1 + t) is replaced by the number of rounds.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Numbers in [0, 1], in their order.
    alpha : float
        One minus the confidence level.
    anytime : bool, default=True
        Whether bets are sized for all times or for the present number of rounds.

    Returns
    -------
    bets : ndarray of shape (n_samples,)
    """
    n = values.size
    step = np.arange(1, n + 1, dtype=np.float64)
    mean = (0.5 + np.cumsum(values)) / (step + 1)
    variance = (0.25 + np.cumsum((values - mean) ** 2)) / (step + 1)
    before = np.empty(n)
    before[0] = 0.25
    before[1:] = variance[:-1]
    horizon = step * np.log1p(step) if anytime else float(n)
    return np.sqrt(2 * np.log(2 / alpha) / (before * horizon))


def _log_peak_wealth(values, bets, mean):
    """Log of the largest wealth so far of one who bets that the mean is larger."""
    stakes = np.minimum(bets, _LARGEST_STAKE / mean) if mean > 0 else bets
    gains = np.log1p(stakes * (values - mean))
    return np.cumsum(gains).max()


def _lower_bound(values, bets, alpha):
    # The hedge splits the stake in halves, so each side must reach 2 / alpha. Wealth falls in the
    # mean that is bet against, hence what is ruled out below the bound is an interval and one root
    # finds it.
    needed = np.log(2 / alpha)

    def surplus(mean):
        return _log_peak_wealth(values, bets, mean) - needed

    if surplus(0.0) <= 0:
        return 0.0
    if surplus(1.0) >= 0:
        return 1.0
    return max(0.0, optimize.brentq(surplus, 0.0, 1.0, xtol=_TOLERANCE) - _TOLERANCE)


def betting_bounds(values, alpha, *, anytime=True):
    """Lower and upper bound of the mean of numbers in [0, 1] by the hedged capital process.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Numbers in [0, 1], in their order.
    alpha : float
        One minus the confidence level.
    anytime : bool, default=True
        Whether bets are sized for all times or for the present number of rounds.

    Returns
    -------
    low, high : float

    References
    ----------
    Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting, theorem
    3.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import betting_bounds
    >>> low, high = betting_bounds(np.full(1000, 0.3), 0.05)
    >>> low < 0.3 < high
    True
    """
    bets = plug_in_bets(values, alpha, anytime=anytime)
    low = _lower_bound(values, bets, alpha)
    # Mirrored values have mirrored means and the same variances, so the bets are the same.
    high = 1 - _lower_bound(1 - values, bets, alpha)
    return low, high
