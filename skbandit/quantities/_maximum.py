"""The maximum of functions on the unit cube."""

import numpy as np
from scipy.stats import qmc

from ._basis import functions_at

_GRID = 65
_POINTS = {2: 256, 3: 512}
_MOST_POINTS = 1024
_STEPS = 4


def candidates(n_quantities):
    """Return points that fill the unit cube, (n_points, n_quantities): a grid, or Sobol's."""
    if n_quantities == 1:
        return np.linspace(0.0, 1.0, _GRID)[:, None]
    n_points = _POINTS.get(n_quantities, _MOST_POINTS)
    points = qmc.Sobol(n_quantities, scramble=False).random(n_points)
    # Sobol's points leave the border out, where many a maximum lies.
    return np.clip((points - 0.5) * (1.0 + 2.0 / n_points ** (1.0 / n_quantities)) + 0.5, 0.0, 1.0)


def maxima(coefficients, basis, points, at_points, taken):
    """Find the maximum of each function: the best of the points, then steps that halve.

    Parameters
    ----------
    coefficients : ndarray of shape (n_functions, 1 + basis.n_functions)
    basis : Basis
    points : ndarray of shape (n_points, n_quantities)
        NaN for quantities that are not taken.
    at_points : ndarray of shape (n_points, basis.n_functions)
    taken : ndarray of int
        The quantities that are taken.

    Returns
    -------
    where : ndarray of shape (n_functions, n_quantities)
    value : ndarray of shape (n_functions,)
    """
    constant, linear = coefficients[:, 0], coefficients[:, 1:]
    scores = linear @ at_points.T
    best = scores.argmax(axis=1)
    where, value = points[best].copy(), scores[np.arange(len(best)), best]
    step = 0.5 / max(len(points) ** (1.0 / max(len(taken), 1)) - 1.0, 1.0)
    for _ in range(_STEPS):
        moves = np.repeat(where[:, None], 2 * len(taken), axis=1)
        for number, side in enumerate(taken):
            moves[:, 2 * number, side] = np.minimum(where[:, side] + step, 1.0)
            moves[:, 2 * number + 1, side] = np.maximum(where[:, side] - step, 0.0)
        tried = np.einsum("nmj,nj->nm", functions_at(basis, moves), linear)
        best = tried.argmax(axis=1)
        rows = np.arange(len(best))
        better = tried[rows, best] > value
        where[better] = moves[rows, best][better]
        value = np.where(better, tried[rows, best], value)
        step *= 0.5
    return where, constant + value
