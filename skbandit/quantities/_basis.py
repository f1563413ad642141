r"""Smooth functions on a box: products of cosines, weighed as a Gaussian process would.

On :math:`[0, 1]` a stationary kernel is close to :math:`\sum_j s_j \phi_j(u) \phi_j(v)` with
:math:`\phi_j(u) = \sqrt 2 \cos(\pi j u)` and :math:`s_j` its spectral density at :math:`\pi j`
(Solin & Särkkä 2020). Here it is a mean of squared-exponential kernels of several length scales,
so that the scale need not be known.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

# Parts of the side of a box.
_LENGTH_SCALES = (0.1, 0.2, 0.4, 0.8)
# Frequencies a side, and functions in all, for each number of quantities; the last one for more.
_FREQUENCIES = (0, 20, 8, 5, 3)
_FUNCTIONS = (0, 20, 48, 80, 120)
# With more quantities a function has two of them at most.
_MOST_IN_FULL = 4


class Basis(NamedTuple):
    """Functions of a point in the unit cube, the constant left out."""

    frequency: np.ndarray  # (n_functions, n_quantities) integers
    scale: np.ndarray  # (n_functions,) prior deviation of each, the factors sqrt(2) included
    # (n_functions, 1 + n_quantities): which of them arms with so many quantities have
    has: np.ndarray

    @property
    def n_functions(self):
        """How many there are, without the constant."""
        return len(self.frequency)


@lru_cache(maxsize=1)
def _variances():
    """Prior variance of each frequency for each length scale, (n_scales, 1 + n_frequencies).

    Those above 0 add up to 1 for each length scale, and that of the constant is 1.
    """
    omega = np.pi * np.arange(1 + max(_FREQUENCIES))
    density = np.exp(-0.5 * (np.array(_LENGTH_SCALES)[:, None] * omega) ** 2)
    density[:, 1:] /= density[:, 1:].sum(axis=1, keepdims=True)
    return density


def basis_of(boxes):
    """Return the functions of all arms.

    Parameters
    ----------
    boxes : Boxes

    Returns
    -------
    basis : Basis
        Those that arms with so many quantities have do not depend on what other arms take.
    """
    n_quantities = boxes.n_quantities
    found, has = {}, []
    for taken in np.unique(boxes.taken.sum(axis=1)).tolist():
        if not taken:
            continue
        frequency, variance = _functions_of(taken)
        for one, size in zip(frequency.tolist(), variance.tolist(), strict=True):
            key = (*one, *[0] * (n_quantities - taken))
            if key not in found:
                found[key] = size
                has.append(np.zeros(n_quantities + 1, dtype=bool))
            has[list(found).index(key)][taken] = True
    if not found:
        return Basis(np.zeros((0, n_quantities), dtype=np.intp), np.zeros(0), np.zeros((0, 1)))
    frequency = np.array(list(found))
    factor = 2.0 ** (frequency > 0).sum(axis=1)
    return Basis(frequency, np.sqrt(np.array(list(found.values())) * factor), np.array(has))


@lru_cache(maxsize=16)
def _functions_of(n_quantities):
    """Frequencies of the largest prior variance for so many quantities, and these variances."""
    place = min(n_quantities, len(_FREQUENCIES) - 1)
    top = _FREQUENCIES[place]
    variances = _variances()
    if n_quantities <= _MOST_IN_FULL:
        every = product(range(top + 1), repeat=n_quantities)
        frequency = np.array([one for one in every if any(one)])
    else:
        frequency = np.array(_pairs(n_quantities, top))
    sides = [variances[:, frequency[:, side]] for side in range(n_quantities)]
    variance = np.prod(sides, axis=0).mean(axis=0)
    order = np.argsort(-variance, kind="stable")[: _FUNCTIONS[place]]
    return frequency[order], variance[order]


def _pairs(n_quantities, top):
    """Frequencies of functions of one or two quantities."""
    found = []
    for first in range(n_quantities):
        for one in range(1, top + 1):
            alone = [0] * n_quantities
            alone[first] = one
            found.append(tuple(alone))
            for second in range(first + 1, n_quantities):
                for other in range(1, top + 1):
                    both = list(alone)
                    both[second] = other
                    found.append(tuple(both))
    return found


def functions_at(basis, points):
    """Return the functions at points, (..., n_functions).

    Parameters
    ----------
    basis : Basis
    points : ndarray of shape (..., n_quantities)
        In [0, 1]; NaN for a quantity that is not taken: functions of it, and those that arms with
        so many quantities do not have, are 0.
    """
    shape = points.shape[:-1]
    n_taken = np.count_nonzero(~np.isnan(points), axis=-1)
    values = basis.scale * basis.has.T[n_taken]
    for side in range(basis.frequency.shape[1]):
        at = points[..., side]
        missing = np.isnan(at)
        top = int(basis.frequency[:, side].max())
        # Chebyshev's recursion: one cosine a point, whatever the frequency.
        table = np.empty((*shape, top + 1))
        table[..., 0] = 1.0
        if top:
            cosine = np.where(missing, 0.0, np.cos(np.pi * np.where(missing, 0.5, at)))
            table[..., 1] = cosine
            for one in range(2, top + 1):
                table[..., one] = 2.0 * cosine * table[..., one - 1] - table[..., one - 2]
            table[..., 1:] = np.where(missing[..., None], 0.0, table[..., 1:])
        values *= table[..., basis.frequency[:, side]]
    return values


def design_of(contexts, functions):
    """Return the columns that the regression sees: functions, and their products with contexts.

    Parameters
    ----------
    contexts : ndarray of shape (n_samples, n_features)
    functions : ndarray of shape (n_samples, n_functions)

    Returns
    -------
    design : ndarray of shape (n_samples, n_functions + n_features * (1 + n_functions))
    """
    with_constant = np.concatenate([np.ones((len(functions), 1)), functions], axis=1)
    crossed = contexts[:, :, None] * with_constant[:, None, :]
    return np.concatenate([functions, crossed.reshape(len(functions), -1)], axis=1)


def coefficients(weights, contexts, n_functions):
    """Return the coefficients of the constant and the functions in each context.

    Parameters
    ----------
    weights : ndarray of shape (n_draws, n_terms)
        Of the constant and the columns of :func:`design_of`.
    contexts : ndarray of shape (n_samples, n_features)
    n_functions : int

    Returns
    -------
    coefficients : ndarray of shape (n_samples, n_draws, 1 + n_functions)
    """
    n_draws = len(weights)
    blocks = weights.reshape(n_draws, -1, 1 + n_functions)
    return blocks[None, :, 0] + np.einsum("nf,sfj->nsj", contexts, blocks[:, 1:])


def columns_source(new, old, feature_source):
    """Return the old position of each column of a design; -1 for one that is new.

    Parameters
    ----------
    new, old : Basis
    feature_source : ndarray of int of shape (n_features,)
        The old position of each feature of the contexts; -1 for one that is new.
    """
    place = {_key(one): number for number, one in enumerate(old.frequency)}
    function = np.array([place.get(_key(one), -1) for one in new.frequency], dtype=np.intp)
    width = 1 + old.n_functions
    with_constant = np.concatenate([[0], np.where(function >= 0, function + 1, -1)])
    crossed = [
        np.where(
            (with_constant >= 0) & (source >= 0), width - 1 + source * width + with_constant, -1
        )
        for source in feature_source
    ]
    return np.concatenate([function, *crossed]).astype(np.intp)


def _key(frequency):
    """A function by its frequencies, whatever the number of quantities it does not depend on."""
    return tuple((side, int(one)) for side, one in enumerate(frequency) if one)
