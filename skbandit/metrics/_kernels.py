"""Kernels that smooth over the quantities of an arm, within a box."""

import numpy as np
from scipy import special

KERNELS = ("epanechnikov", "gaussian")


def _epanechnikov(u):
    return 0.75 * np.maximum(1 - u * u, 0.0)


def _epanechnikov_mass(u):
    u = np.clip(u, -1.0, 1.0)
    return 0.5 + 0.75 * u - 0.25 * u**3


def _gaussian(u):
    return np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)


_SHAPES = {
    "epanechnikov": (_epanechnikov, _epanechnikov_mass),
    "gaussian": (_gaussian, special.ndtr),
}


def smoothed_density(quantity, target, low, high, width, kernel="epanechnikov"):
    """Density of a quantity where a policy that plays `target` is smoothed by a kernel.

    Each number has a kernel about its target, cut off at the ends of the box and divided by what
    is left of it, so that the density integrates to 1 over the box wherever the target lies;
    several numbers have the product of theirs.

    Parameters
    ----------
    quantity, target, low, high, width : ndarray of shape (n_samples, n_quantities)
        What was played, what the policy would play, the ends of the box (infinite where there is
        none) and the bandwidth, all in the unit of the quantity. NaN in `quantity` where an arm
        takes none: such an entry counts for 1.
    kernel : {"epanechnikov", "gaussian"}, default="epanechnikov"

    Returns
    -------
    density : ndarray of shape (n_samples,)
    """
    shape, mass = _SHAPES[kernel]
    inside = mass((high - target) / width) - mass((low - target) / width)
    density = shape((quantity - target) / width) / (width * inside)
    return np.where(np.isnan(quantity), 1.0, density).prod(axis=1)
