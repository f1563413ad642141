"""Chance of being among the k highest of independent scores: the rule of panels.

The k-th highest of several scores of very different widths varies on several scales in several
places, and so does the highest of Student t scores with few degrees of freedom. The line is
therefore cut, row by row, into panels that are short against every score that varies there, and a
Gauss-Legendre rule is applied to each. Inside, arrays are (n_arms, n_rows): the arms come first.
"""

import math

import numpy as np

from ._quadrature import Gaussian, StudentT

# Chance that the k-th highest score may have beyond each end of the range of integration.
_RANGE_TAIL = 1e-9
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
_BLOCK = 2**15
# A row whose chances sum to k only to this much and so much an arm is refined.
_TOLERANCE = 1e-7
_TOLERANCE_OF_ARM = 3e-9
_MAX_HALVINGS = 5


def panel_top_probability(k, mean, std, dof, usable):
    """Chance that each arm is among the k highest.

    Parameters
    ----------
    k : int
        Number of arms in the set, at most the number of usable arms of any row.
    mean, std : ndarray of shape (n_rows, n_arms)
        Location and (positive) scale of the independent scores; ignored where not usable.
    dof : ndarray of shape (n_rows, n_arms) or None
        Degrees of freedom of Student t scores; None for Gaussian ones.
    usable : ndarray of shape (n_rows, n_arms) of bool or None
        The arms that take part; None means all.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        Probabilities; each row sums to k.
    """
    n_rows, n_arms = mean.shape
    if usable is None:
        usable = np.ones((n_rows, n_arms), dtype=bool)
    p = np.empty((n_rows, n_arms))
    block = max(1, _BLOCK // n_arms)
    for start in range(0, n_rows, block):
        rows = slice(start, start + block)
        _fill_block(
            p[rows], k, mean[rows], std[rows], None if dof is None else dof[rows], usable[rows]
        )
    return p


def _fill_block(p, k, mean, std, dof, usable):
    n_rows, n_arms = mean.shape
    half_width = (Gaussian() if dof is None else StudentT(dof)).half_width * std
    low = np.where(usable, mean - half_width, -np.inf)
    high = np.where(usable, mean + half_width, -np.inf)
    # An arm whose interval lies below those of k others is out; one whose interval lies above
    # those of all but k - 1 others is in.
    kth_low = np.partition(low, n_arms - k, axis=1)[:, n_arms - k, None]
    if k < n_arms:
        next_high = np.partition(high, n_arms - k - 1, axis=1)[:, n_arms - k - 1, None]
    else:
        next_high = np.full((n_rows, 1), -np.inf)
    inside = low > next_high
    contends = usable & (high >= kth_low) & ~inside
    p[:] = inside
    n_free = k - inside.sum(axis=1)
    n_contenders = contends.sum(axis=1)
    p[contends & (n_free == n_contenders)[:, None]] = 1.0
    open_ = np.flatnonzero((n_free > 0) & (n_free < n_contenders))
    if len(open_) == 0:
        return
    order = np.argsort(~contends, axis=1, kind="stable")
    key = n_contenders * (n_arms + 1) + n_free
    for group in np.unique(key[open_]):
        rows = open_[key[open_] == group]
        c, free = divmod(int(group), n_arms + 1)
        arms = order[rows, :c]
        index = rows[:, None], arms
        args = (mean[index].T, std[index].T, None if dof is None else dof[index].T)
        p[index] = _contenders(free, *args).T


def _contenders(k, mean, std, dof):
    """Top-k probabilities of the contenders of rows that have equally many, (n_arms, n_rows)."""
    c = len(mean)
    # Relative to one of the arms, so that a common shift changes nothing.
    location = mean - mean[np.argsort(mean - std, axis=0)[c - k], np.arange(mean.shape[1])]
    # The k highest are all but the c - k lowest, and few are cheaper to count than many.
    flip = 2 * k > c
    if flip:
        location, k = -location, c - k
    scale = np.ascontiguousarray(std)
    law = Gaussian() if dof is None else StudentT(np.ascontiguousarray(dof))
    low, high = _integration_range(k, location, scale, law)
    # Products of many distribution functions are steeper than each of them, and the k-th highest
    # of many spreads less than each.
    width = 4.5 / (1 + 0.55 * math.log10(c / k)) / k ** (1 / 3)
    p = _integrate(k, location, scale, law, low, high, width)
    for _ in range(_MAX_HALVINGS):
        # Nothing in the rule makes the chances sum to k: where they do not, it is too coarse.
        coarse = np.abs(p.sum(axis=0) - k) > _TOLERANCE + _TOLERANCE_OF_ARM * c
        if not coarse.any():
            break
        width /= 2
        cut = np.s_[:, coarse]
        args = location[cut], scale[cut], law.at(cut), low[coarse], high[coarse]
        p[cut] = _integrate(k, *args, width)
    share_between_twins(p, location, scale, dof)
    p = _sum_to(k, np.clip(p, 0, 1))
    return 1 - p if flip else p


def _integration_range(k, location, scale, law):
    """Points below and above which the k-th highest score lies with a negligible chance.

    The number of scores above t is a sum of independent indicators with mean mu(t), so for
    ``mu > k - 1`` it is below k with a chance of at most
    ``exp(k - 1 - mu + (k - 1) log(mu / (k - 1)))``, and for ``mu < k`` at least k with a chance
    of at most ``exp(k - mu + k log(mu / k))`` (Chernoff). The two means at which the bounds are
    negligible are looked up first, then the points that have these means.
    """
    c = len(location)
    reach = law.half_width * scale
    low = np.sort(location - reach, axis=0)[c - k]
    high = np.sort(location + reach, axis=0)[c - k]
    mu_low, mu_high = _poisson_limits(k)
    # Bisection on a scale that is linear near the middle and logarithmic far from it.
    middle = np.sort(location, axis=0)[c - k]
    unit = scale.max(axis=0)
    brackets = [np.arcsinh((low - middle) / unit), np.arcsinh((high - middle) / unit)]
    ends = []
    for side, mu in enumerate((mu_low, mu_high)):
        left, right = brackets
        for _ in range(10):
            x = 0.5 * (left + right)
            above = law.survival((middle + unit * np.sinh(x) - location) / scale).sum(axis=0) > mu
            left, right = np.where(above, x, left), np.where(above, right, x)
        ends.append(middle + unit * np.sinh((left, right)[side]))
    return np.maximum(low, ends[0]), np.minimum(high, ends[1])


def _poisson_limits(k):
    budget = -math.log(_RANGE_TAIL)

    def bisect(excess, left, right):
        for _ in range(60):
            middle = 0.5 * (left + right)
            left, right = (left, middle) if excess(middle) > 0 else (middle, right)
        return left, right

    def below(mu):
        return mu - (k - 1) - (k - 1) * math.log(mu / (k - 1)) - budget if k > 1 else mu - budget

    mu_low = bisect(below, max(k - 1, 1e-9), k + 10 * budget + 10 * math.sqrt(budget * k))[1]
    mu_high = bisect(lambda mu: budget + k - mu + k * math.log(mu / k), 1e-12, k)[0]
    return mu_low, mu_high


def _integrate(k, location, scale, law, low, high, width):
    edges, row = _panels(location, scale, law, low, high, width)
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    c = len(location)
    block = max(1, 16 * _BLOCK // (c * (k + 4) * len(_NODES)))
    parts = np.empty((c, len(row)))
    for first in range(0, len(row), block):
        cut = slice(first, first + block)
        parts[:, cut] = _integrate_panels(k, location, scale, law, edges[:, cut], row[cut])
    # Beyond the range at most k - 1 of the others are higher.
    return np.add.reduceat(parts, starts, axis=1) + law.survival((high - location) / scale)


def _panels(location, scale, law, low, high, width):
    """Cut each row's range into panels, short against every score that varies there.

    The width is that of a panel in the middle of a Gaussian score, in standard deviations.

    Returns
    -------
    edges : ndarray of shape (2, n_panels)
        Lower and upper end of each panel.
    row : ndarray of shape (n_panels,)
        The row it belongs to, ascending.
    """
    rows = np.arange(len(low))
    left = low
    edges, owners = [], []
    while len(rows):
        z = (left - location) / scale
        step = width * law.roughness(z) / (1 + 0.5 * width / law.root_dof)
        # A panel ends where another score begins to vary.
        end = np.where(z < -law.half_width, 0.5 - law.half_width, z + step)
        limit = np.where(z < law.half_width, location + scale * end, np.inf)
        # A score that is narrower than the spacing of the floats must not stop the march.
        right = np.minimum(np.maximum(limit.min(axis=0), np.nextafter(left, np.inf)), high)
        edges.append((left, right))
        owners.append(rows)
        more = right < high
        rows, left, high = rows[more], right[more], high[more]
        location, scale, law = location[:, more], scale[:, more], law.at(np.s_[:, more])
    row = np.concatenate(owners)
    order = np.argsort(row, kind="stable")
    return np.concatenate(edges, axis=1)[:, order], row[order]


def _integrate_panels(k, location, scale, law, edges, row):
    left, right = edges
    half = 0.5 * (right - left)
    scale = scale[:, None, row]
    law = law.at(np.s_[:, row]).at(np.s_[:, None])
    # Distances from the edge first: they keep their precision where a score is very narrow.
    z = ((left - location[:, row])[:, None] + half * (1 + _NODES[:, None])) / scale
    above, density = law.survival_and_density(z)
    density *= half / scale
    density *= few_others_above(k, above)
    return np.einsum("cnm,n->cm", density, _WEIGHTS)


def few_others_above(k, above):
    """Chance that at most k - 1 of the other arms exceed each point.

    Parameters
    ----------
    k : int
        Number of arms in the set.
    above : ndarray of shape (n_arms, ...)
        Chance of each arm to exceed each point.

    Returns
    -------
    ndarray of the shape of `above`

    Notes
    -----
    The count is Poisson-binomial. Leaving an arm out of its distribution by division is unstable;
    instead the distribution over the arms before it is combined with the cumulative one
    over the arms after it. All terms are positive, so nothing cancels.
    """
    below = 1 - above
    before = np.zeros((len(above), k, *above.shape[1:]))
    before[0, 0] = 1
    for a in range(len(above) - 1):
        np.multiply(before[a], below[a], out=before[a + 1])
        before[a + 1, 1:] += before[a, :-1] * above[a]
    after = np.ones((k, *above.shape[1:]))
    result = np.empty_like(above)
    for a in reversed(range(len(above))):
        np.einsum("k...,k...->...", before[a], after[::-1], out=result[a])
        new = after * below[a]
        new[1:] += after[:-1] * above[a]
        after = new
    return result


def share_between_twins(p, location, scale, dof):
    """Give arms of equal distribution equal values to the last bit, in place."""
    keys = (location, scale) if dof is None else (location, scale, dof)
    order = np.lexsort(keys, axis=0)
    new = np.zeros(p.shape, dtype=bool)
    new[0] = True
    for key in keys:
        key = np.take_along_axis(key, order, axis=0)
        new[1:] |= key[1:] != key[:-1]
    if new.all():
        return
    first = np.maximum.accumulate(np.where(new, np.arange(len(p))[:, None], 0), axis=0)
    source = np.take_along_axis(order, first, axis=0)
    np.put_along_axis(p, order, np.take_along_axis(p, source, axis=0), axis=0)


def _sum_to(k, p):
    """Scale columns to sum to k, and keep them in [0, 1].

    Either the probabilities or their complements are scaled, whichever are to shrink.
    """
    total = p.sum(axis=0)
    q = 1 - p
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > k, p * (k / total), 1 - q * ((len(p) - k) / (len(p) - total)))
