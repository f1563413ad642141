"""Which of several independent Beta variables is the highest: chances by quadrature.

In the log-odds x of a variable its density is ``exp(a log s(x) + b log s(-x)) / B(a, b)``, s the
logistic function: smooth, log-concave, and of a width that is that of a Gaussian for large a and b
and never much below 1 for small ones. The line of log-odds is cut, row by row, into panels that
are short against every variable that varies there, and a Gauss-Legendre rule is applied to each.
Variables of very different widths, and singularities of the density at 0 and 1, are no special
cases then. Inside, arrays are (n_arms, n_rows): the arms come first.
"""

import numpy as np
from scipy.special import betainc, betaincinv, betaln, polygamma

from ._scores import checked_k
from ._top_k import few_others_above, share_between_twins

# Chance that one variable may have beyond each end of its interval.
_TAIL = 1e-10
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
# Length of a panel in widths of the narrowest variable that varies there.
_PANEL = 2.5
# The density has poles at a distance of pi from the real line, however wide it is.
_WIDEST = 1.0
# A row whose chances sum to k only to this much is cut more finely.
_TOLERANCE = 1e-9
_MAX_HALVINGS = 4
_BLOCK_ENTRIES = 2**20


def beta_top_probability(k, a, b, available=None):
    r"""Chance that each arm is among the k highest of independent Beta variables.

    Parameters
    ----------
    k : int
        Number of arms in the set; 1 for the highest.
    a, b : array-like of shape (n_rows, n_arms)
        Parameters of the Beta distributions, positive.
    available : array-like of bool of shape (n_rows, n_arms), default=None
        Arms that take part; None means all. The numbers of the others are ignored.

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
        Each row sums to k. Accurate to about 1e-8 for parameters from 0.1 to 1e8.

    Raises
    ------
    ValueError
        If a row has fewer than k available arms, or an available arm a parameter that is not a
        positive finite number.

    Notes
    -----
    With :math:`f_i` the density of arm i in log-odds and :math:`N_i(x)` how many of the others
    exceed x,

    .. math:: p_i = \int f_i(x) \, P(N_i(x) \le k - 1) \, dx .

    Examples
    --------
    >>> from skbandit._beta import beta_top_probability
    >>> beta_top_probability(1, [[1.0, 2.0]], [[1.0, 1.0]]).round(6)
    array([[0.333333, 0.666667]])
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    n_rows, n_arms = a.shape
    usable = (
        np.ones(a.shape, dtype=bool) if available is None else np.asarray(available, dtype=bool)
    )
    k = checked_k(k, n_arms, usable)
    positive = (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
    if not (positive | ~usable).all():
        raise ValueError("a and b must be positive finite numbers for all available arms.")
    p = np.empty((n_rows, n_arms))
    block = max(1, _BLOCK_ENTRIES // (60 * n_arms * (k + 6)))
    for start in range(0, n_rows, block):
        rows = slice(start, start + block)
        p[rows] = _chances(k, a[rows], b[rows], usable[rows])
    return p


def _chances(k, a, b, usable):
    """Chances for a block of rows."""
    n_arms = a.shape[1]
    a, b = np.where(usable, a, 1.0).T, np.where(usable, b, 1.0).T
    usable = usable.T
    low, high = intervals(a, b, _TAIL)
    # An arm whose interval lies below those of k others is out; one whose interval lies above
    # those of all but k - 1 others is in.
    low = np.where(usable, low, -np.inf)
    kth_low = np.partition(low, n_arms - k, axis=0)[n_arms - k]
    contends = usable & (high >= kth_low)
    first = kth_low
    last = np.where(contends, high, -np.inf).max(axis=0)
    p = np.zeros(a.shape)
    # Of as many contenders as there are places all are in.
    settled = contends.sum(axis=0) == k
    p[:, settled] = contends[:, settled]
    rows = np.flatnonzero(~settled)
    panel = _PANEL / (1 + 0.55 * np.log10(n_arms / k)) / k ** (1 / 3)
    # Arms that contend in no row, as most do where one has been found, cost nothing.
    arms = np.flatnonzero(contends.any(axis=1))[:, None]
    for _ in range(_MAX_HALVINGS):
        if not len(rows):
            break
        cut = arms, rows
        p[cut] = _integral(
            k, a[cut], b[cut], contends[cut], low[cut], high[cut], first[rows], last[rows], panel
        )
        # Nothing in the rule makes the chances sum to k: where they do not, it is too coarse.
        rows = rows[np.abs(p[:, rows].sum(axis=0) - k) > _TOLERANCE * n_arms]
        panel /= 2
    p = np.clip(p, 0.0, 1.0)
    # Arms that do not take part are nobody's twins.
    share_between_twins(p, np.where(usable, a, -1.0), b, None)
    p *= usable
    return (p * (k / p.sum(axis=0))).T if k == 1 else _to_sum(k, p, usable).T


def _to_sum(k, p, usable):
    """Scale columns to sum to k and keep them in [0, 1]; the corrections are tiny."""
    total = p.sum(axis=0)
    n_usable = usable.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fewer = np.where(n_usable > total, (n_usable - k) / (n_usable - total), 1.0)
        scaled = np.where(total > k, p * (k / total), 1.0 - (1.0 - p) * fewer)
    return np.where(usable, scaled, 0.0)


def intervals(a, b, tail):
    """Log-odds below and above which a Beta variable lies with a chance of `tail` each.

    Parameters
    ----------
    a, b : ndarray of one shape
    tail : float

    Returns
    -------
    low, high : ndarray of the shape of `a`
    """
    return _log_odds(betaincinv(a, b, tail)), -_log_odds(betaincinv(b, a, tail))


def _log_odds(u):
    # The smallest numbers stand for all below them.
    u = np.maximum(u, np.finfo(np.float64).tiny)
    with np.errstate(divide="ignore"):
        return np.minimum(np.log(u) - np.log1p(-u), 745.0)


def _integral(k, a, b, contends, low, high, first, last, panel):
    """Integrals of the arms, (n_arms, n_rows)."""
    width = np.sqrt(np.minimum(polygamma(1, a) + polygamma(1, b), _WIDEST))
    left, right, row = _panels(width, contends, low, high, first, last, panel)
    half = 0.5 * (right - left)
    a, b, contends = a[:, row, None], b[:, row, None], contends[:, row, None]
    x = left[:, None] + half[:, None] * (1.0 + _NODES)
    # One incomplete beta function, of the tail that is the shorter one in log-odds.
    small = np.exp(-np.abs(x))
    small /= 1.0 + small
    upper = x > 0
    tail = betainc(np.where(upper, b, a), np.where(upper, a, b), small)
    above = np.where(contends, np.where(upper, tail, 1.0 - tail), 0.0)
    # log s(x) and log s(-x)
    log_odds = -np.log1p(np.exp(-np.abs(x)))
    density = np.exp(
        a * (log_odds + np.minimum(x, 0.0)) + b * (log_odds - np.maximum(x, 0.0)) - betaln(a, b)
    )
    density *= contends * half[:, None]
    density *= few_others_above(k, above)
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    return np.add.reduceat(density @ _WEIGHTS, starts, axis=1)


def _panels(width, contends, low, high, first, last, panel):
    """Cut each row's range into panels, short against every variable that varies there."""
    rows = np.arange(len(first))
    left = first
    lefts, rights, owners = [], [], []
    while len(rows):
        # A panel ends where another variable begins to vary.
        varies = contends & (low <= left) & (left < high)
        end = np.where(varies, left + panel * width, np.inf)
        begins = np.where(contends & (low > left), low, np.inf)
        right = np.minimum(np.minimum(end, begins).min(axis=0), last)
        right = np.maximum(right, np.nextafter(left, np.inf))
        lefts.append(left)
        rights.append(right)
        owners.append(rows)
        more = right < last
        cut = np.s_[:, more]
        rows, left, last = rows[more], right[more], last[more]
        width, contends, low, high = width[cut], contends[cut], low[cut], high[cut]
    row = np.concatenate(owners)
    order = np.argsort(row, kind="stable")
    return np.concatenate(lefts)[order], np.concatenate(rights)[order], row[order]
