r"""Independent beliefs about the prices' demands, given that demand falls with the price.

The prices in rising order are a chain: with densities :math:`f_1, f_2, \dots, f_K` the belief
under the constraint is :math:`\prod_k f_k(d_k)` where :math:`d_1 \ge d_2 \ge \dots \ge d_K`, and a
demand depends on those of lower prices through the next one alone. So a pass from the highest
price to the lowest sums up

.. math:: L_k(d) = f_k(d) \int_{e \le d} L_{k+1}(e) \, de, \qquad L_K = f_K,

draws are made from the lowest price to the highest, each from :math:`L_k` below the demand drawn
before, and a second pass gives the moments. Integrals are sums over cells; their edges lie about
each belief, and about what the constraint makes of it. All is kept as logarithms: beliefs may
contradict the order by any number of deviations.
"""

import numpy as np
from scipy.special import gammaln, ndtr, stdtrit

from ..beliefs import BetaBelief, IndependentBelief, LinkedBelief
from ._monotone import demand_projected, price_order, rounds_known

# How far cells reach, in deviations of a belief, and how many edges each belief has.
_REACH = 4.5
_EDGES_OF_ALL, _FEWEST_EDGES, _MOST_EDGES = 300, 13, 41
_HALF = np.log(0.5)
_RIGHT_ANGLE, _LEAST_ANGLE = 0.5 * np.pi, 1e-15


def _falling(centre, weight):
    """Centres that fall with the price, and the weights of what was pooled."""
    return demand_projected(centre, weight, np.arange(centre.shape[1], dtype=np.float64))


class GaussianMarginals:
    """Gaussian or Student-t densities of the scores.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_rows, n_prices)
    dof : ndarray of that shape, or None
    link : callable
        From scores to demands; increasing.
    """

    def __init__(self, mean, scale, dof, link):
        self.centre = np.asarray(mean, dtype=np.float64)
        self.scale = np.maximum(scale, 1e-12 * (1.0 + np.abs(self.centre)))
        self.dof = None if dof is None else np.broadcast_to(dof, self.centre.shape)
        self.demand = link

    ends = None

    def deviates(self, reach):
        """Deviates at the levels of normal ones, in units of the scales."""
        if self.dof is None:
            return reach
        low = stdtrit(np.minimum(self.dof, 1e10)[..., None], ndtr(-np.abs(reach)))
        return np.copysign(low, reach)

    def placed(self):
        """About where the constraint puts each belief, and how wide it is then."""
        weight = 1.0 / self.scale**2
        centre, pooled = _falling(self.centre, weight)
        return centre, 1.0 / np.sqrt(pooled)

    def log_density(self, point):
        """Logarithms of the densities, (n_rows, n_prices, n_points), up to a constant."""
        z = (point[:, None] - self.centre[..., None]) / self.scale[..., None]
        if self.dof is None:
            return -0.5 * z * z - np.log(self.scale)[..., None]
        dof = np.minimum(self.dof, 1e10)
        constant = gammaln(0.5 * dof + 0.5) - gammaln(0.5 * dof) - 0.5 * np.log(dof)
        constant -= np.log(self.scale)
        tail = np.log1p(z * z / dof[..., None])
        return constant[..., None] - (0.5 * dof + 0.5)[..., None] * tail


class BetaMarginals:
    """Beta densities of the demands, on the scale of the arc sine of the square root.

    Parameters
    ----------
    a, b : ndarray of shape (n_rows, n_prices)
    """

    ends = (0.0, _RIGHT_ANGLE)

    def __init__(self, a, b):
        self.a, self.b = a, b
        self.centre = self.score(a / (a + b))
        self.scale = 0.5 / np.sqrt(a + b)

    @staticmethod
    def score(demand):
        """The score of a demand."""
        return np.arcsin(np.sqrt(np.clip(demand, 0.0, 1.0)))

    @staticmethod
    def deviates(reach):
        """See :meth:`GaussianMarginals.deviates`."""
        return reach

    def placed(self):
        """See :meth:`GaussianMarginals.placed`."""
        mean, pooled = _falling(self.a / (self.a + self.b), self.a + self.b)
        return self.score(mean), 0.5 / np.sqrt(pooled)

    @staticmethod
    def demand(score):
        """The demand at a score."""
        return np.sin(score) ** 2

    def log_density(self, point):
        """Logarithms of the densities, (n_rows, n_prices, n_points), up to a constant."""
        constant = gammaln(self.a + self.b) - gammaln(self.a) - gammaln(self.b)
        # Of a cell without length at either end nothing is asked.
        point = np.clip(point, _LEAST_ANGLE, _RIGHT_ANGLE - _LEAST_ANGLE)
        sine = np.log(np.sin(point))[:, None]
        cosine = np.log(np.cos(point))[:, None]
        a, b = self.a[..., None], self.b[..., None]
        return constant[..., None] + (2.0 * a - 1.0) * sine + (2.0 * b - 1.0) * cosine


class OrderedDemands:
    """The belief under the constraint.

    Parameters
    ----------
    marginals : GaussianMarginals or BetaMarginals
        Prices in rising order.
    """

    def __init__(self, marginals):
        self.marginals = marginals
        edges = _edges(marginals)
        self.low, self.side = edges[:, :-1], np.diff(edges, axis=1)
        self.middle = self.low + 0.5 * self.side
        with np.errstate(divide="ignore"):
            mass = marginals.log_density(self.middle) + np.log(self.side)[:, None]
        self.mass = mass
        n_prices = mass.shape[1]
        # What is known from this price on, cell by cell, and summed up.
        self.known, self.summed = np.empty_like(mass), np.empty_like(mass)
        self.known[:, -1] = mass[:, -1]
        self.summed[:, -1] = np.logaddexp.accumulate(mass[:, -1], axis=1)
        for price in range(n_prices - 2, -1, -1):
            below = self._up_to(price + 1)
            self.known[:, price] = mass[:, price] + below
            self.summed[:, price] = np.logaddexp.accumulate(self.known[:, price], axis=1)

    def _up_to(self, price):
        """Sums of what is known up to the middle of each cell: half of the cell itself."""
        before = np.full_like(self.summed[:, price], -np.inf)
        before[:, 1:] = self.summed[:, price, :-1]
        return np.logaddexp(before, self.known[:, price] + _HALF)

    def moments(self):
        """Mean and standard deviation of the demands, (n_rows, n_prices) each."""
        demand = self.marginals.demand(self.middle)
        shape = self.mass.shape[:2]
        mean, std = np.empty(shape), np.empty(shape)
        above = np.zeros_like(self.middle)
        for price in range(shape[1]):
            log_share = self.known[:, price] + above
            share = np.exp(log_share - log_share.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            mean[:, price] = (share * demand).sum(axis=1)
            away = demand - mean[:, price, None]
            std[:, price] = np.sqrt((share * away**2).sum(axis=1))
            # What lower prices, this one included, say of a demand below theirs.
            term = self.mass[:, price] + above
            summed = np.logaddexp.accumulate(term[:, ::-1], axis=1)[:, ::-1]
            after = np.full_like(summed, -np.inf)
            after[:, :-1] = summed[:, 1:]
            above = np.logaddexp(after, term + _HALF)
        return mean, std

    def draws(self, uniform):
        """Joint draws of the demands, (n_draws, n_rows, n_prices).

        Parameters
        ----------
        uniform : ndarray of shape (n_draws, n_prices)
            In (0, 1); all rows share them.
        """
        n_draws, n_prices = uniform.shape
        n_rows = len(self.middle)
        score = np.empty((n_draws, n_rows, n_prices))
        log_uniform = np.log(uniform)
        for row in range(n_rows):
            cell = None
            for price in range(n_prices):
                summed, known = self.summed[row, price], self.known[row, price]
                limit = summed[-1] if cell is None else self._limits(summed, known)[cell]
                target = log_uniform[:, price] + limit
                found = np.searchsorted(summed, target)
                found = np.minimum(found, len(summed) - 1 if cell is None else cell)
                score[:, row, price] = self._within(row, summed, found, target)
                cell = found
        # Two demands in one cell may have come in the wrong order.
        np.minimum.accumulate(score, axis=2, out=score)
        return self.marginals.demand(score)

    @staticmethod
    def _limits(summed, known):
        before = np.concatenate([[-np.inf], summed[:-1]])
        return np.logaddexp(before, known + _HALF)

    def _within(self, row, summed, found, target):
        """The place in a cell at which its part of the sum is reached."""
        top = summed[found]
        before = np.where(found > 0, summed[found - 1], -np.inf)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = -np.expm1(target - top) / -np.expm1(before - top)
        part = np.where(np.isfinite(part), 1.0 - part, 0.5)
        return self.low[row, found] + np.clip(part, 0.0, 1.0) * self.side[row, found]


def _edges(marginals):
    """Edges of cells about each belief, and about its place in the order, (n_rows, n_edges)."""
    centre, scale = marginals.centre, marginals.scale
    n_rows, n_prices = centre.shape
    n_edges = int(np.clip(_EDGES_OF_ALL // n_prices, _FEWEST_EDGES, _MOST_EDGES))
    reach, step = np.linspace(-_REACH, _REACH, n_edges, retstep=True)
    # Beliefs that are alike have edges between each other's.
    reach = reach + step * (np.arange(n_prices)[:, None] / n_prices - 0.5)
    placed, width = marginals.placed()
    parts = [
        (centre[..., None] + scale[..., None] * marginals.deviates(reach)).reshape(n_rows, -1),
        (placed[..., None] + width[..., None] * reach).reshape(n_rows, -1),
    ]
    edges = np.concatenate(parts, axis=1)
    if marginals.ends is not None:
        low, high = marginals.ends
        ends = np.broadcast_to([low, high], (n_rows, 2))
        edges = np.concatenate([np.clip(edges, low, high), ends], axis=1)
    return np.sort(edges, axis=1)


class _Rising:
    """Demands in the order of the arms, from those in the order of rising prices."""

    def __init__(self, ordered, order, n_draws):
        self.ordered, self.order, self.n_draws = ordered, order, n_draws
        self.place = np.argsort(order)

    def moments(self):
        """Mean and standard deviation of the demands, (n_rows, n_arms) each."""
        return tuple(one[:, self.place] for one in self.ordered.moments())

    def draws(self):
        """Joint draws of the demands, (n_draws, n_rows, n_arms)."""
        # The numbers of an arm are its own: more arms do not change them.
        uniform = np.stack(
            [
                np.random.default_rng(np.random.SeedSequence(0, spawn_key=(arm,))).random(
                    self.n_draws
                )
                for arm in self.order.tolist()
            ],
            axis=1,
        )
        return self.ordered.draws(np.maximum(uniform, 1e-300))[:, :, self.place]


class ProjectedDemands:
    """Draws, and means, projected on demands that do not rise with the price.

    Parameters
    ----------
    belief : belief
    price : ndarray of shape (n_arms,)
    kind : {"real", "unit_interval", "binary", "count"}
    n_draws : int
    """

    def __init__(self, belief, price, kind, n_draws):
        self.belief, self.price, self.n_draws = belief, price, n_draws
        self.known = rounds_known(belief.mean, belief.std, kind)

    def moments(self):
        """Mean and standard deviation of the demands, (n_rows, n_arms) each."""
        mean, pooled = demand_projected(self.belief.mean, self.known, self.price)
        # Prices that are pooled are known by the rounds of all of them.
        return mean, self.belief.std * np.sqrt(self.known / pooled)

    def draws(self):
        """Joint draws of the demands, (n_draws, n_rows, n_arms)."""
        return demand_projected(self.belief.draws(self.n_draws, 0), self.known, self.price)[0]


def _as_it_is(score):
    return score


def _marginals(belief, order):
    """The marginals of a belief in some order; None where arms are not independent."""
    if isinstance(belief, BetaBelief):
        return BetaMarginals(belief.a[:, order], belief.b[:, order])
    link = _as_it_is
    if isinstance(belief, LinkedBelief):
        belief, link = belief.latent, belief.link
    if not isinstance(belief, IndependentBelief):
        return None
    shape = np.shape(belief.mean)
    dof = None if belief.dof is None else np.broadcast_to(belief.dof, shape)[:, order]
    scale = np.broadcast_to(belief.scale, shape)[:, order]
    return GaussianMarginals(belief.mean[:, order], scale, dof, link)


def ordered_demands(belief, price, kind, n_draws):
    """Return the belief about demands, given that they do not rise with the price.

    Parameters
    ----------
    belief : belief
        Of the demand of each price on its own, see :mod:`skbandit.beliefs`.
    price : ndarray of shape (n_arms,)
    kind : {"real", "unit_interval", "binary", "count"}
        Which demands there are.
    n_draws : int

    Returns
    -------
    demands : object with ``moments()`` and ``draws()``
        Exact for independent beliefs and prices that differ; else by projection.
    """
    order, rank = price_order(price)
    if 0 < rank[-1] == len(price) - 1:
        marginals = _marginals(belief, order)
        if marginals is not None:
            return _Rising(OrderedDemands(marginals), order, n_draws)
    return ProjectedDemands(belief, price, kind, n_draws)
