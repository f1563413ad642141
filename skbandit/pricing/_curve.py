r"""Scores of demand at several prices that depend on one slope, given that the slope is falling.

The scores :math:`s_k` at the prices k and the slope b of the demand curve are jointly Gaussian.
Demand falls with the price where :math:`b < 0`. Under this constraint b is a truncated Gaussian
variable, and the scores are, given b, what they were. Arrays in, arrays out.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

# Nodes of the quadrature over the slope.
_N_SLOPES = 16
# Knots of a curve at most.
_MOST_KNOTS = 30


class Scores(NamedTuple):
    """A Gaussian belief about the scores at several prices, and about the slope."""

    mean: np.ndarray  # (n_rows, n_prices)
    variance: np.ndarray  # (n_rows, n_prices)
    slope: np.ndarray  # (n_rows,)
    slope_variance: np.ndarray  # (n_rows,)
    covariance: np.ndarray  # (n_rows, n_prices) of the scores with the slope

    @property
    def regression(self):
        """How scores are expected to change with the slope, (n_rows, n_prices)."""
        variance = self.slope_variance[:, None]
        sure = variance <= 0.0
        return np.where(sure, 0.0, self.covariance / np.where(sure, 1.0, variance))


def truncated(slope, scores):
    """Return slopes of the belief as slopes of the belief that they are below zero.

    A slope at one level of the distribution function becomes that at the same level under the
    constraint, so that draws stay draws.

    Parameters
    ----------
    slope : ndarray of shape (..., n_rows)
    scores : Scores

    Returns
    -------
    slope : ndarray of the same shape
        Not above zero.
    """
    sigma = np.sqrt(scores.slope_variance)
    sure = sigma == 0.0
    scale = np.where(sure, 1.0, sigma)
    level = log_ndtr((slope - scores.slope) / scale) + log_ndtr(-scores.slope / scale)
    below = scores.slope + scale * ndtri_exp(level)
    return np.minimum(np.where(sure, scores.slope, below), 0.0)


def falling_draws(draws, slope, scores):
    """Return draws of scores as draws given that the slope is below zero.

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_rows, n_prices)
    slope : ndarray of shape (n_draws, n_rows)
        Drawn with them.
    scores : Scores

    Returns
    -------
    draws : ndarray of shape (n_draws, n_rows, n_prices)
    """
    moved = truncated(slope, scores) - slope
    return draws + scores.regression * moved[..., None]


def falling_moments(scores, moments):
    """Return mean and standard deviation of the demands, given that the slope is below zero.

    Parameters
    ----------
    scores : Scores
    moments : callable
        From means and standard deviations of Gaussian scores to mean and standard deviation of
        the demand.

    Returns
    -------
    mean, std : ndarray of shape (n_rows, n_prices)
    """
    node, share = np.polynomial.legendre.leggauss(_N_SLOPES)
    node, share = 0.5 * (node + 1.0), 0.5 * share
    # Levels of the distribution function, first as slopes that are not constrained.
    sigma = np.sqrt(scores.slope_variance)
    free = scores.slope + sigma * ndtri_exp(np.log(node))[:, None]
    moved = truncated(free, scores) - scores.slope
    given = scores.mean + scores.regression * moved[..., None]
    rest = np.maximum(scores.variance - scores.regression * scores.covariance, 0.0)
    mean, std = moments(given, np.broadcast_to(np.sqrt(rest), given.shape))
    total = np.einsum("q,qnk->nk", share, mean)
    square = np.einsum("q,qnk->nk", share, std**2 + (mean - total) ** 2)
    return total, np.sqrt(square)


class PriceScale(NamedTuple):
    """Where prices lie and how far apart, and the knots of the departures from a line."""

    centre: float
    spread: float
    knots: np.ndarray  # (n_knots,) in units of the spread, rising
    whitening: np.ndarray  # (n_knots, n_knots)

    def of(self, price):
        """Prices in units of their spread."""
        return (price - self.centre) / self.spread

    def departures(self, z):
        r"""Features whose weights, independent and standard, make a departure from a line.

        Its covariance is that of an Ornstein-Uhlenbeck process, :math:`e^{-|z - z'|}`, at the
        knots; between them it is what they say of it.

        Parameters
        ----------
        z : ndarray of shape (n,)

        Returns
        -------
        features : ndarray of shape (n, n_knots)
        """
        return np.exp(-np.abs(z[:, None] - self.knots)) @ self.whitening


def price_scale(low_to_high, n_knots=_MOST_KNOTS):
    """Return the scale of prices, from the prices that there are at first.

    Parameters
    ----------
    low_to_high : ndarray of shape (n_prices,)
    n_knots : int
        At most; each price is one where they are not more.

    Returns
    -------
    scale : PriceScale
    """
    centre = float(low_to_high.mean())
    spread = float(low_to_high.std())
    if not spread > 1e-9 * max(centre, 1e-300):
        spread = centre if centre > 0.0 else 1.0
    z = np.unique((low_to_high - centre) / spread)
    if len(z) > n_knots:
        z = np.quantile(z, np.linspace(0.0, 1.0, n_knots))
    kernel = np.exp(-np.abs(z[:, None] - z)) + 1e-10 * np.eye(len(z))
    # phi(z) phi(z')^T = k(z, knots) K^-1 k(knots, z').
    whitening = np.linalg.inv(np.linalg.cholesky(kernel)).T
    return PriceScale(centre, spread, z, whitening)
