r"""Which rounds are held out: every fifth, on which a network is judged and never trained.

Rounds alike are dealt out in turn, so that a weight of k holds out what k repetitions would, and
so that the order of the rounds does not matter: n units of weight of one context begin at a place
that depends on the context and cover so many places in a row, of which each fifth is held out.
"""

import numpy as np

_FOLDS = 5
_LAST = np.uint64(0x9E3779B97F4A7C15)


def held_out_weight(columns, start):
    """Return the part of the weight of each row that is held out.

    Parameters
    ----------
    columns : dict of str to ndarray
        ``row``, ``arm``, ``reward`` and ``weight`` of the rounds of one learning call.
    start : int
        The number of calls before: contexts that come in every call take turns.

    Returns
    -------
    held : ndarray of shape (n_rows,)
    """
    key, weight = _key(columns["row"]), columns["weight"]
    order = np.lexsort((columns["arm"], columns["reward"], key))
    before = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]])
    first = np.r_[True, key[order][1:] != key[order][:-1]]
    before -= before[first][np.cumsum(first) - 1]
    place = np.empty_like(before)
    place[order] = before
    place += (key % np.uint64(_FOLDS)).astype(np.float64) + start % _FOLDS
    return np.clip(_held_before(place + weight) - _held_before(place), 0.0, weight)


def _held_before(place):
    """How much of the places up to this one is held out."""
    rounds = np.floor(place / _FOLDS)
    return rounds + np.clip(place - _FOLDS * rounds - (_FOLDS - 1), 0.0, 1.0)


def _key(rows):
    """A number a row that depends on all of its entries, (n_rows,)."""
    # A zero has a sign, which says nothing.
    bits = np.ascontiguousarray(rows + 0.0, dtype=np.float64).view(np.uint64)
    factors = np.arange(1, 2 * bits.shape[1], 2, dtype=np.uint64) * _LAST
    with np.errstate(over="ignore"):
        key = _mixed(bits) @ factors
    return _mixed(key)


def _mixed(bits):
    """Spread the bits of each number over all of it (the finaliser of splitmix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
