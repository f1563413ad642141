r"""A demand curve that is a line on the scale of the score, under the constraint that it falls.

In a context the score of the demand at the price p is :math:`s(z) = a + b z`, z the price in
units of its spread. The belief about (a, b) is Gaussian, and demand falls with the price where
:math:`b < 0`. The belief under this constraint is that of a truncated Gaussian variable b, and of
a, which given b is what it was. Arrays in, arrays out.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

# Nodes of the quadrature over the slope.
_N_SLOPES = 24


class LineBelief(NamedTuple):
    """A Gaussian belief about level and slope, each (n_rows,)."""

    level: np.ndarray
    slope: np.ndarray
    level_variance: np.ndarray
    slope_variance: np.ndarray
    covariance: np.ndarray

    @property
    def regression(self):
        """How the level is expected to change with the slope."""
        sure = self.slope_variance <= 0.0
        return np.where(sure, 0.0, self.covariance / np.where(sure, 1.0, self.slope_variance))


def line_of(mean, std):
    """Return the belief about a line, from those about its values at -1, 0 and 1.

    Parameters
    ----------
    mean, std : ndarray of shape (n_rows, 3)

    Returns
    -------
    line : LineBelief
    """
    variance = std**2
    slope_variance = 0.5 * (variance[:, 0] + variance[:, 2]) - variance[:, 1]
    covariance = 0.25 * (variance[:, 2] - variance[:, 0])
    slope = 0.5 * (mean[:, 2] - mean[:, 0])
    return LineBelief(
        mean[:, 1], slope, variance[:, 1], np.maximum(slope_variance, 0.0), covariance
    )


def truncated(slope, line):
    """Return slopes of the belief as slopes of the belief that they are below zero.

    A slope at one level of the distribution function becomes that at the same level under the
    constraint, so that draws stay draws.

    Parameters
    ----------
    slope : ndarray of shape (..., n_rows)
    line : LineBelief

    Returns
    -------
    slope : ndarray of the same shape
        Not above zero.
    """
    sigma = np.sqrt(line.slope_variance)
    sure = sigma == 0.0
    scale = np.where(sure, 1.0, sigma)
    level = log_ndtr((slope - line.slope) / scale) + log_ndtr(-line.slope / scale)
    below = line.slope + scale * ndtri_exp(level)
    return np.minimum(np.where(sure, line.slope, below), 0.0)


def falling_lines(level, slope, line):
    """Return draws of lines as draws of lines that fall.

    Parameters
    ----------
    level, slope : ndarray of shape (n_draws, n_rows)
        Draws from the belief.
    line : LineBelief

    Returns
    -------
    level, slope : ndarray of shape (n_draws, n_rows)
        Draws from the belief, given that the slope is below zero.
    """
    falling = truncated(slope, line)
    return level + line.regression * (falling - slope), falling


def demand_moments(line, z, moments):
    """Return mean and standard deviation of the demand, given that the line falls.

    Parameters
    ----------
    line : LineBelief
    z : ndarray of shape (n_prices,)
    moments : callable
        From means and standard deviations of Gaussian scores to mean and standard deviation of
        the demand.

    Returns
    -------
    mean, std : ndarray of shape (n_rows, n_prices)
    """
    node, share = np.polynomial.legendre.leggauss(_N_SLOPES)
    node, share = 0.5 * (node + 1.0), 0.5 * share
    # Levels of the distribution function, as slopes that are not constrained.
    sigma = np.sqrt(line.slope_variance)
    free = line.slope + sigma * ndtri_exp(np.log(node))[:, None]
    slope = truncated(free, line)
    level = line.level + line.regression * (slope - line.slope)
    rest = np.maximum(line.level_variance - line.regression * line.covariance, 0.0)
    score = level[:, :, None] + slope[:, :, None] * z
    width = np.broadcast_to(np.sqrt(rest)[:, None], score.shape)
    mean, std = moments(score, width)
    total = np.einsum("q,qnk->nk", share, mean)
    square = np.einsum("q,qnk->nk", share, std**2 + (mean - total) ** 2)
    return total, np.sqrt(square)
