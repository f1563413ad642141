"""Keyed draws: randomness that is a pure function of a seed and of a row.

With an integer ``random_state`` the uniform number behind a decision depends on the seed, on how
many learning calls the bandit has had and on the row itself; never on the other rows, their order
or how they were cut into batches. A row's key is a multilinear hash of the bits of its entries:
zeros add nothing, so a dense row, the same row in CSR form and the same row padded with zeros
share one key.
"""

from functools import lru_cache
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
# Multipliers of the splitmix64 finaliser (Steele, Lea & Flood 2014).
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BLOCK_ENTRIES = 1 << 16


def _mix_int(value):
    """Finalise one Python integer as splitmix64 does."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * _MIX_1) & _MASK
    value = ((value ^ (value >> 27)) * _MIX_2) & _MASK
    return value ^ (value >> 31)


def _mix(values):
    """Finalise an array of uint64 in place as splitmix64 does."""
    values ^= values >> np.uint64(30)
    values *= np.uint64(_MIX_1)
    values ^= values >> np.uint64(27)
    values *= np.uint64(_MIX_2)
    values ^= values >> np.uint64(31)
    return values


@lru_cache(maxsize=32)
def _column_multipliers(n_columns):
    """One odd pseudo-random multiplier a column, the same for any width."""
    columns = np.arange(1, n_columns + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    multipliers = _mix(columns) | np.uint64(1)
    multipliers.flags.writeable = False
    return multipliers


def _entry_bits(entries):
    """Bijective mixing of float64 bits that keeps zero at zero."""
    # Adding 0.0 turns -0.0 into 0.0, and makes the copy that is mixed in place.
    bits = (entries + 0.0).view(np.uint64)
    # Small integers have all-zero low mantissa bits: bring the high bits down first.
    bits ^= bits >> np.uint64(32)
    bits *= np.uint64(_MIX_1)
    bits ^= bits >> np.uint64(29)
    return bits


def row_keys(X):
    """Hash each row of a context array to 64 bits.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix of shape (n_samples, n_features)
        Numeric contexts; all axes but the first belong to the row.

    Returns
    -------
    keys : ndarray of shape (n_samples,), uint64
    """
    if sparse.issparse(X):
        terms = _entry_bits(np.asarray(X.data, dtype=np.float64))
        terms *= _column_multipliers(X.shape[1])[X.indices]
        # Sums modulo 2**64 by differences of the running sum; wrapping cancels.
        running = np.zeros(terms.size + 1, dtype=np.uint64)
        np.cumsum(terms, out=running[1:])
        return running[X.indptr[1:]] - running[X.indptr[:-1]]
    n_samples = X.shape[0]
    if X.ndim == 3:
        # A candidate's key is mixed before it is weighted by its place, so that features and
        # candidates of zeros add nothing.
        keys = _mix(row_keys(X.reshape(-1, X.shape[2]))).reshape(n_samples, X.shape[1])
        return np.dot(keys, _column_multipliers(X.shape[1]))
    multipliers = _column_multipliers(X.shape[1])
    keys = np.empty(n_samples, dtype=np.uint64)
    block = max(1, _BLOCK_ENTRIES // max(1, X.shape[1]))
    for start in range(0, n_samples, block):
        rows = np.ascontiguousarray(X[start : start + block], dtype=np.float64)
        np.dot(_entry_bits(rows), multipliers, out=keys[start : start + block])
    return keys


def occurrences(keys):
    """Say for each key how often it has come before, in order.

    Equal rows of one call are told apart by this count, so that their draws are independent.

    Parameters
    ----------
    keys : ndarray of shape (n_samples,), uint64

    Returns
    -------
    counts : ndarray of shape (n_samples,), uint64, or None when all keys differ
    """
    if keys.size < 2:
        return None
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    if not same.any():
        return None
    positions = np.arange(keys.size)
    run_start = np.where(np.concatenate(([False], same)), 0, positions)
    counts = np.empty(keys.size, dtype=np.uint64)
    counts[order] = positions - np.maximum.accumulate(run_start)
    return counts


def keyed_uniforms(X, seed, n_learning_calls):
    """Draw one uniform number a row, as a pure function of seed, learning calls and row.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or CSR matrix
    seed : int
    n_learning_calls : int

    Returns
    -------
    uniforms : ndarray of shape (n_samples,), float64 in [0, 1)
    """
    keys = row_keys(X)
    counts = occurrences(keys)
    stream = _mix_int(_mix_int(int(seed) + _GOLDEN) + (int(n_learning_calls) + 1) * _GOLDEN)
    if keys.size == 1:
        # The online loop: Python's integers cost a tenth of arrays of one element.
        key = _mix_int(_mix_int(int(keys[0]) ^ stream))
        return np.array([(key >> 11) * 2.0**-53])
    keys ^= np.uint64(stream)
    _mix(keys)
    if counts is not None:
        keys += counts * np.uint64(_GOLDEN)
    _mix(keys)
    keys >>= np.uint64(11)
    return keys * 2.0**-53


def uniforms(random_state, X, n_learning_calls):
    """Draw one uniform number a row in the way that ``random_state`` asks for.

    Parameters
    ----------
    random_state : None, int or RandomState
        None and a RandomState advance a stream; an integer keys the draw to the row.
    X : ndarray of shape (n_samples, ...) or CSR matrix
    n_learning_calls : int

    Returns
    -------
    uniforms : ndarray of shape (n_samples,), float64 in [0, 1)
    """
    if isinstance(random_state, Integral):
        return keyed_uniforms(X, random_state, n_learning_calls)
    return check_random_state(random_state).random_sample(X.shape[0])
