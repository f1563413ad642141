"""Chance of the highest of independent scores: the sinh rule, and the laws of the scores.

With f and Phi the density and distribution function of each arm, the chance that arm a has the
highest score is the integral over t of ``f_a(t) / Phi_a(t) * F(t)``, F being the product of all
Phi. Let F(L) be negligible but not the product of negligible factors. Then no arm that matters
lies entirely above L, so at a distance d above L only arms of a width of the order of d still
vary. Hence ``t = L + unit * sinh(x)`` gives them all comparable widths in x, the integrand
vanishes at both ends, and the midpoint rule in x converges exponentially.

All that is decided here, such as the number of nodes, depends on the row alone. Inside, arrays are
(n_arms, n_rows): the arms come first.
"""

import math
from functools import lru_cache

import numpy as np
from scipy.special import beta, log_ndtr, ndtr, ndtri

_ROOT_2PI = math.sqrt(2 * math.pi)
# Chance that one score may have beyond each end of its interval.
_GAUSSIAN_TAIL = 1e-9
_STUDENT_TAIL = 1e-9
_Z_TAIL = -ndtri(_GAUSSIAN_TAIL)
_N_SERIES = 4

# Of Gaussian scores the highest lies below the range of integration with a chance of 1e-9; each
# lies above it with one of 3e-10.
_Z_LOW = -ndtri(1e-9)
_ROOT_LOW = math.sqrt(-2 * math.log(1e-9))
_ROOT_FAR = 16.0
_Z_HIGH = -ndtri(3e-10)
_STEP = 0.125
# The same chance below the range for Student t scores, and how its lower end is searched.
_STUDENT_LOW = 3e-8
_SEARCH_GRID = np.linspace(0, 1, 24)[:, None]
_LARGE = 1e200

_SMALL = 2048
_BLOCK = 2**13


class Gaussian:
    """Standard Gaussian deviates."""

    half_width = _Z_TAIL
    root_dof = np.inf
    max_nodes = np.inf

    def at(self, index):
        """Index all parameters: there are none."""
        return self

    def transpose(self):
        """Transpose all parameters: there are none."""
        return self

    def survival(self, z):
        """Chance of exceeding each of the points `z`."""
        return ndtr(-z)

    def survival_and_density(self, z):
        """Chance of exceeding each of the points `z`, and the density there."""
        return ndtr(-z), np.exp(-0.5 * z * z) / _ROOT_2PI

    def cdf_and_ratio(self, z):
        """Distribution function at the points `z`, and the density divided by it; `z` is lost."""
        cdf = ndtr(z)
        z *= z
        z *= -0.5
        np.exp(z, out=z)
        z /= _ROOT_2PI * cdf
        return cdf, z

    def roughness(self, z):
        """Distance over which the density changes at the points `z`."""
        return 1.0

    def sinh_range(self, location, std, unit):
        """Lower end, unit, upper end in x and largest step of the sinh rule."""
        low = (location - _Z_LOW * std).max(axis=0)
        high = (location + _Z_HIGH * std).max(axis=0)
        low, width, root = self._newton_step(location, std, low)
        # After one step of many scores at once F(L) may still be far smaller than need be.
        far = root > _ROOT_FAR
        if far.any():
            cut = np.s_[:, far]
            low[far], width[far], _ = self._newton_step(location[cut], std[cut], low[far])
        unit = 3 * width
        return low, unit, np.arcsinh((high - low) / unit), _STEP

    def _newton_step(self, location, std, low):
        """One step of Newton's method for sqrt(-2 log F(L)), which is nearly linear in L.

        F(L) is at most 1e-9 at the start, and log F is concave, so L approaches from below.
        """
        z = (low - location) / std
        log_cdf = log_ndtr(z)
        slope = (np.exp(-0.5 * z * z - log_cdf) / std).sum(axis=0)
        root = np.sqrt(-2 * log_cdf.sum(axis=0))
        width = root * _ROOT_2PI / slope
        return low + (root - _ROOT_LOW) * width, width, root


class StudentT:
    """Standard Student t deviates; the degrees of freedom may differ by arm and row.

    With ``x = dof / (dof + z**2)`` and ``a = dof / 2`` the upper tail is half the regularised
    incomplete beta function ``I_x(a, 1/2)``. The contiguous relation [1]_, eq. 26.5.16, ::

        I_x(a, 1/2) = I_x(a + 1, 1/2) + x**a (1 - x)**(1/2) / (a B(a, 1/2))

    adds two degrees of freedom and keeps x. Four of its steps lead to at least nine degrees of
    freedom, where the normalising expansion of [2]_ is in error by less than 2e-9.

    References
    ----------
    .. [1] Abramowitz, M. and Stegun, I. (1964). Handbook of Mathematical Functions.
    .. [2] Hill, G. W. (1970). Algorithm 395: Student's t-distribution. Communications of the ACM
       13(10), 617-619.
    """

    max_nodes = 320

    def __init__(self, dof):
        # Beyond 1e10 degrees of freedom the distribution is Gaussian to 1e-9.
        self.dof = np.minimum(dof, 1e10)
        self.half_dof = 0.5 * self.dof
        self.root_dof = np.sqrt(self.dof)
        beta_ = beta(self.half_dof, 0.5)
        self.constant = 1 / (self.root_dof * beta_)
        self.series = [1 / (self.half_dof * beta_)]
        for i in range(_N_SERIES - 1):
            ratio = (self.half_dof + i + 0.5) / (self.half_dof + i + 1)
            self.series.append(self.series[-1] * ratio)
        self.half_width = self._half_width()

    def _half_width(self):
        # tail <= c x**a / (2 sqrt(1 - x)) with c the first term of the series; solved for -log x
        # without the root first, then with the root at that (smaller) value: still a bound.
        log_inverse = np.log(self.series[0] / (2 * _STUDENT_TAIL)) / self.half_dof
        log_inverse -= 0.5 * np.log(-np.expm1(-log_inverse)) / self.half_dof
        return np.sqrt(self.dof * np.expm1(log_inverse))

    def _map(self, function):
        new = object.__new__(StudentT)
        for name in ("dof", "half_dof", "root_dof", "constant", "half_width"):
            setattr(new, name, function(getattr(self, name)))
        new.series = [function(c) for c in self.series]
        return new

    def at(self, index):
        """Index all parameters alike."""
        return self._map(lambda values: values[index])

    def transpose(self):
        """Transpose all parameters."""
        return self._map(np.transpose)

    def _survival(self, z, log_inverse):
        x = np.exp(-log_inverse)
        series = self.series[-1]
        for c in self.series[-2::-1]:
            series = series * x + c
        a = self.dof + (2 * _N_SERIES - 0.5)
        y = a * log_inverse
        b = 48 * a * a
        u = (((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y * y + 100 + b)
        u = ((u + y + 3) / b + 1) * np.sqrt(y)
        series = series * (0.5 * np.sqrt(-np.expm1(-log_inverse)))
        tail = ndtr(-u) + series * np.exp(-self.half_dof * log_inverse)
        return np.where(z < 0, 1 - tail, tail)

    def _log_inverse(self, z):
        # An infinite z would make the expansion undefined.
        return np.log1p(np.minimum(z * z, _LARGE) / self.dof)

    def survival(self, z):
        """Chance of exceeding each of the points `z`."""
        return self._survival(z, self._log_inverse(z))

    def survival_and_density(self, z):
        """Chance of exceeding each of the points `z`, and the density there."""
        log_inverse = self._log_inverse(z)
        density = self.constant * np.exp(-(self.half_dof + 0.5) * log_inverse)
        return self._survival(z, log_inverse), density

    def cdf_and_ratio(self, z):
        """Distribution function at the points `z`, and the density divided by it."""
        cdf, density = self.survival_and_density(-z)
        return cdf, density / cdf

    def roughness(self, z):
        """Distance over which the density changes at the points `z`."""
        return np.sqrt(1 + (z / self.root_dof) ** 2)

    def sinh_range(self, location, std, unit):
        """Lower end, unit, upper end in x and largest step of the sinh rule."""
        reach = self.half_width * std
        bottom = location - reach
        columns = np.arange(location.shape[1])
        binding = bottom.argmax(axis=0)
        x_low = np.arcsinh(bottom[binding, columns] / unit)
        x_high = np.arcsinh((location + reach).max(axis=0) / unit)
        # F on a grid that is linear near the leader and logarithmic far from it.
        x = x_low + (x_high - x_low) * _SEARCH_GRID
        t = unit * np.sinh(x)
        cdf = self.at(np.s_[:, None]).survival((location[:, None] - t) / std[:, None])
        cdf = cdf.prod(axis=0)
        low = t[np.maximum((cdf < _STUDENT_LOW).sum(axis=0) - 1, 0), columns]
        # Half of the way to the median on the scale of Gaussian deviates.
        # For an arm much narrower than the leader the grid is too coarse.
        unit = t[(cdf < _STUDENT_LOW**0.25).sum(axis=0), columns] - low
        unit = np.minimum(unit, 0.5 * reach[binding, columns])
        # The width of an arm in x; its density has poles sqrt(dof) widths off the real line.
        step = np.minimum(0.6, 0.28 * self.root_dof) * std
        step = step / np.hypot(np.maximum(location - low, 0), unit)
        step = np.where(location > -np.inf, step, _STEP).min(axis=0)
        return low, unit, np.arcsinh((t[-1] - low) / unit), np.minimum(step, _STEP)


def sinh_best_probability(mean, std, dof):
    """Chance that each arm has the highest score.

    Parameters
    ----------
    mean, std : ndarray of shape (n_rows, n_arms)
        Location and (positive) scale of the independent scores. An arm whose mean is -inf never
        wins.
    dof : ndarray of shape (n_rows, n_arms) or None
        Degrees of freedom of Student t scores; None for Gaussian ones.

    Returns
    -------
    ndarray of shape (n_rows, n_arms)
        Probabilities; each row sums to 1, but rows that would take too many nodes (tails too
        heavy) are NaN, and so are rows of which a mean or a std is not finite.
    """
    n_rows, n_arms = mean.shape
    rows = np.arange(n_rows)
    lead = (mean - std).argmax(axis=1)
    # Relative to the leader, so that a common shift changes nothing.
    location = mean - mean[rows, lead, None]
    unit = std[rows, lead]
    # An arm that beats the leader with a negligible chance is no contender.
    if dof is None:
        law = Gaussian()
        chases = location >= -_Z_TAIL * np.hypot(std, unit[:, None])
    else:
        law = StudentT(dof)
        reach = law.half_width * std
        chases = location + reach >= -reach[rows, lead, None]
    p = chases.astype(np.float64)
    if n_rows == 0:
        return p
    count = chases.sum(axis=1)
    if n_rows * n_arms <= _SMALL:
        location[~chases] = -np.inf
        many = count > 1
        if many.all():
            p = _integrate(location.T, std.T, unit, law.transpose()).T
        elif many.any():
            law = law.at(many).transpose()
            p[many] = _integrate(location[many].T, std[many].T, unit[many], law).T
    else:
        _by_contenders(p, location, std, unit, law, chases, count)
    return p / p.sum(axis=1, keepdims=True)


def sinh_best_above(floor, mean, std):
    r"""Chance that each of some Gaussian scores is the highest, and above a number.

    With m the number,

    .. math:: p_a = \int_m^\infty \frac{f_a(t)}{\Phi_a(t)} F(t) \, dt, \qquad
              1 - \sum_a p_a = F(m) .

    The integrand does not vanish at m: in x, a Gauss-Legendre rule takes the place of midpoints.

    Parameters
    ----------
    floor : ndarray of shape (n_rows,)
        The number.
    mean, std : ndarray of shape (n_rows, n_arms)
        Means and (positive) standard deviations. An arm whose mean is -inf never wins; each row
        has another one.

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
    none : ndarray of shape (n_rows,)
        Chance that none of them is above; with `probability`, rows sum to 1.
    """
    law = Gaussian()
    z = (mean - floor[:, None]) / std
    if mean.shape[1] == 1:
        return law.survival(-z), law.survival(z[:, 0])
    n_rows, n_arms = mean.shape
    none = np.multiply.reduce(law.survival(z), axis=1)
    lead = (mean - std).argmax(axis=1)
    top = mean[np.arange(n_rows), lead]
    location, floor = mean - top[:, None], floor - top
    p = np.empty(mean.shape)
    block = max(1, _BLOCK // n_arms)
    for start in range(0, n_rows, block):
        rows = slice(start, start + block)
        p[rows] = _integrate_above(floor[rows], location[rows].T, std[rows].T, law).T
    total = none + p.sum(axis=1)
    return p / total[:, None], none / total


def _integrate_above(floor, location, std, law):
    """Integrals of the arms from a number on, (n_arms, n_rows)."""
    low, unit, x_max, step = law.sinh_range(location, std, None)
    x_min = np.arcsinh(np.maximum(floor - low, 0.0) / unit)
    x_min = np.minimum(x_min, x_max)
    # Where the nodes are least dense, in the middle, they lie as close as midpoints would; there
    # are few different numbers of them.
    n_nodes = 4.0 + 0.5 * np.pi * (x_max - x_min) / step
    n_nodes = 8.0 * np.ceil(n_nodes / 8.0)
    sizes = sorted(set(n_nodes.tolist()))
    if len(sizes) == 1:
        return _legendre_integrals(location, std, law, low, unit, x_min, x_max, int(sizes[0]))
    p = np.empty(location.shape)
    for n in sizes:
        rows = np.flatnonzero(n_nodes == n)
        cut = np.s_[:, rows]
        ends = low[rows], unit[rows], x_min[rows], x_max[rows]
        p[cut] = _legendre_integrals(location[cut], std[cut], law, *ends, int(n))
    return p


def _legendre_integrals(location, std, law, low, unit, x_min, x_max, n_nodes):
    node, weight = _legendre_rule(n_nodes)
    half = 0.5 * (x_max - x_min)
    up = np.exp(x_min + half * (1.0 + node))
    down = 1.0 / up
    t = low + 0.5 * unit * (up - down)
    cdf, ratio = law.cdf_and_ratio((t - location[:, None]) / std[:, None])
    product = np.multiply.reduce(cdf, axis=0)
    product *= up + down
    product *= weight
    return np.einsum("anr,nr->ar", ratio, product) * (0.5 * unit * half) / std


@lru_cache(maxsize=64)
def _legendre_rule(n_nodes):
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return nodes[:, None], weights[:, None]


def _by_contenders(p, location, std, unit, law, chases, count):
    """Integrate rows that have about as many contenders together, in place."""
    n_arms = p.shape[1]
    size = 1
    while size < min(count.max(), n_arms):
        below, size = size, min(size + max(1, size // 2), n_arms)
        group = np.flatnonzero((count > below) & (count <= size))
        block = max(1, _BLOCK // size)
        for start in range(0, len(group), block):
            rows = group[start : start + block]
            index = rows[:, None], np.argsort(~chases[rows], axis=1, kind="stable")[:, :size]
            x = np.where(chases[index], location[index], -np.inf)
            p[index] = _integrate(
                np.ascontiguousarray(x.T),
                np.ascontiguousarray(std[index].T),
                unit[rows],
                law.at(index).transpose(),
            ).T


def _integrate(location, std, unit, law):
    """Integrals of the arms, (n_arms, n_rows), before rows are scaled to sum to 1.

    The unit is the scale of the leading arm, whose location is 0.
    """
    low, unit, x_max, step = law.sinh_range(location, std, unit)
    # Few different numbers of nodes.
    eighths = np.ceil(x_max / (8 * step))
    first = eighths[0]
    if (len(eighths) == 1 or (eighths == first).all()) and 8 * first <= law.max_nodes:
        return _sinh_rule(location, std, law, low, unit, x_max, 8 * int(first))
    p = np.full(location.shape, np.nan)
    for n in np.unique(eighths[8 * eighths <= law.max_nodes]):
        rows = np.flatnonzero(eighths == n)
        cut = np.s_[:, rows]
        p[cut] = _sinh_rule(
            location[cut], std[cut], law.at(cut), low[rows], unit[rows], x_max[rows], 8 * int(n)
        )
    return p


def _sinh_rule(location, std, law, low, unit, x_max, n_nodes):
    step = x_max / n_nodes
    up = np.exp(np.arange(0.5, n_nodes)[:, None] * step)
    down = 1 / up
    z = ((low - location)[:, None] + 0.5 * unit * (up - down)) / std[:, None]
    cdf, ratio = law.at(np.s_[:, None]).cdf_and_ratio(z)
    weight = cdf.prod(axis=0)
    weight *= up + down
    return np.einsum("anr,nr->ar", ratio, weight) * (0.5 * unit * step) / std
