"""Keyed draws: randomness that is a pure function of a seed, of what was learnt and of a row.

With an integer ``random_state`` the uniform number behind a decision depends on the seed, on the
total weight of the rounds learnt and on the row itself; never on the other rows, their order or
how they were cut into batches. The total weight is the same however rounds were cut into calls,
and weights count as repetitions; a bandit that is fitted anew on a longer log draws anew.
"""

import os
import struct
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from ._rows import _GOLDEN, _MIX_1, _MIX_2, mix, n_rows, row_keys

_MASK = (1 << 64) - 1
_UNIT = 2.0**-53
# Weights are told apart to this part of a round; sums in another order differ by less.
_WEIGHT_DIGITS = 6
_MAX_SYSTEM_DRAWS = 256
# Sets the seeds of further uniforms apart from those that learning derives, by small numbers.
_FURTHER = 0x71756E74


def _mix_int(value):
    """Finalise one Python integer as splitmix64 does."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * _MIX_1) & _MASK
    value = ((value ^ (value >> 27)) * _MIX_2) & _MASK
    return value ^ (value >> 31)


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


def _weight_key(learnt_weight):
    """The total weight as an integer; equal to rounding is equal."""
    whole = int(learnt_weight)
    if whole == learnt_weight:
        return whole
    weight = round(float(learnt_weight), _WEIGHT_DIGITS)
    if weight.is_integer():
        return int(weight)
    return _mix_int(struct.unpack("<Q", struct.pack("<d", weight))[0])


def keyed_uniforms(X, seed, learnt_weight):
    """Draw one uniform number a row, as a pure function of seed, weight learnt and row.

    Parameters
    ----------
    X : rows of any kind
    seed : int
    learnt_weight : float
        Total weight of the rounds learnt.

    Returns
    -------
    uniforms : ndarray of shape (n_samples,), float64 in [0, 1)
    """
    keys = row_keys(X)
    counts = occurrences(keys)
    learnt = (_weight_key(learnt_weight) + 1) * _GOLDEN
    stream = _mix_int(_mix_int(int(seed) + _GOLDEN) + learnt)
    if keys.size == 1:
        # The online loop: Python's integers cost a tenth of arrays of one element.
        key = _mix_int(_mix_int(int(keys[0]) ^ stream))
        return np.array([(key >> 11) * _UNIT])
    keys ^= np.uint64(stream)
    mix(keys)
    if counts is not None:
        keys += counts * np.uint64(_GOLDEN)
    mix(keys)
    keys >>= np.uint64(11)
    return keys * _UNIT


def fresh_uniforms(n_samples):
    """Draw uniform numbers from the system's entropy: anew in every call, copy and process."""
    if n_samples > _MAX_SYSTEM_DRAWS:
        return np.random.default_rng().random(n_samples)
    bits = np.frombuffer(os.urandom(8 * n_samples), dtype=np.uint64)
    return (bits >> np.uint64(11)) * _UNIT


def uniforms(random_state, X, learnt_weight):
    """Draw one uniform number a row in the way that ``random_state`` asks for.

    Parameters
    ----------
    random_state : None, int or RandomState
        None takes fresh entropy from the system, a RandomState advances its stream, an integer
        keys the draw to the row.
    X : rows of any kind
    learnt_weight : float

    Returns
    -------
    uniforms : ndarray of shape (n_samples,), float64 in [0, 1)
    """
    if random_state is None:
        return fresh_uniforms(n_rows(X))
    if isinstance(random_state, Integral):
        return keyed_uniforms(X, random_state, learnt_weight)
    return check_random_state(random_state).random_sample(n_rows(X))


def more_uniforms(random_state, X, learnt_weight, n_uniforms):
    """Draw several uniform numbers a row; the first is that of :func:`uniforms`.

    Parameters
    ----------
    random_state : None, int or RandomState
        As for :func:`uniforms`.
    X : rows of any kind
    learnt_weight : float
    n_uniforms : int

    Returns
    -------
    uniforms : ndarray of shape (n_samples, n_uniforms), float64 in [0, 1)
        Independent of each other. Of an integer seed, each of them is a function of the seed, the
        weight learnt, the row and its place among the uniforms.
    """
    first = uniforms(random_state, X, learnt_weight)
    draws = np.empty((len(first), n_uniforms))
    draws[:, 0] = first
    for place in range(1, n_uniforms):
        seed = random_state
        if isinstance(seed, Integral):
            seed = derived_seed(seed, _FURTHER, place)
        draws[:, place] = uniforms(seed, X, learnt_weight)
    return draws


def derived_seed(random_state, *path):
    """Derive an integer seed below 2**32, the one way in which learning seeds what it draws.

    Parameters
    ----------
    random_state : None, int or RandomState
        None takes fresh entropy from the system, a RandomState gives one draw of its stream, an
        integer gives a function of itself and of `path`.
    *path : int
        What the seed is for, for instance a count of updates and the number of a network.

    Returns
    -------
    seed : int
    """
    if random_state is None:
        return int.from_bytes(os.urandom(4), "little")
    if isinstance(random_state, Integral):
        # Negative seeds are seeds too, as for keyed draws.
        entropy = [int(random_state) & _MASK, *(int(step) & _MASK for step in path)]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
