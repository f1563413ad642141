r"""Weights by which values at known points predict those at new ones: kriging without negatives.

A function is believed to be a Gaussian process with the covariance
:math:`k(z, z') = \exp(-\|z - z'\|^2 / 2 h^2)`, and known points to depart from it, each on its
own, with the variance :math:`\eta`. Of all nonnegative weights those are wanted whose sum of known
values has the least expected squared error,

.. math:: w = \arg\min_{w \ge 0} \; 1 - 2 w^\top k(z) + w^\top (K + \eta I) w .

Without the bound it would be :math:`(K + \eta I)^{-1} k(z)`, the mean of Gaussian process
regression. With a Cholesky factor :math:`K + \eta I = L L^\top` it is a problem of nonnegative
least squares, :math:`\|L^\top w - L^{-1} k(z)\|^2`.
"""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from scipy.spatial.distance import cdist

# Over the variance of the function.
_OWN_VARIANCE = 0.1


def distances(known, new):
    """Distances in units of the spread of the known points.

    Parameters
    ----------
    known : ndarray of shape (n_known, n_features)
    new : ndarray of shape (n_new, n_features)

    Returns
    -------
    between : ndarray of shape (n_known, n_known)
    to_new : ndarray of shape (n_new, n_known)
        Infinite where a new point differs in what all known ones have in common.
    """
    spread, size = known.std(axis=0), np.abs(known).max(axis=0)
    varies = spread > np.finfo(np.float64).eps * len(known) * size
    scaled = (known - known.mean(axis=0))[:, varies] / spread[varies]
    other = (new - known.mean(axis=0))[:, varies] / spread[varies]
    differs = ~np.isclose(new, known[0], rtol=1e-9, atol=0.0)[:, ~varies].all(axis=1)
    to_new = cdist(other, scaled) if varies.any() else np.zeros((len(new), len(known)))
    to_new[differs] = np.inf
    between = cdist(scaled, scaled) if varies.any() else np.zeros((len(known), len(known)))
    return between, to_new


def typical_distance(between):
    """The median distance of known points that differ; 1 where none do."""
    apart = between[np.triu_indices(len(between), 1)]
    apart = apart[apart > 0.0]
    return float(np.median(apart)) if len(apart) else 1.0


def kriging_weights(between, to_new, bandwidth):
    """Nonnegative weights of the known points for each new one.

    Parameters
    ----------
    between : ndarray of shape (n_known, n_known)
    to_new : ndarray of shape (n_new, n_known)
        Distances.
    bandwidth : float

    Returns
    -------
    weights : ndarray of shape (n_new, n_known)
    """
    covariance = np.exp(-0.5 * (between / bandwidth) ** 2)
    np.fill_diagonal(covariance, 1.0 + _OWN_VARIANCE)
    factor = np.linalg.cholesky(covariance)
    pulls = solve_triangular(factor, np.exp(-0.5 * (to_new.T / bandwidth) ** 2), lower=True)
    return np.stack([nnls(factor.T, pull)[0] for pull in pulls.T])
