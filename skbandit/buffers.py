"""Buffers: which rounds a bandit keeps to learn from again, and in what order it takes them.

A buffer is a parameter of a bandit (``buffer=``), so its own parameters can be searched
(``buffer__size``). Extending a buffer returns a new one and leaves the old one as it was, so a
learning call that fails changes nothing; the rows of both share their memory where they can.
"""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from ._sklearn import HasMethods, Interval

__all__ = [
    "AllData",
    "BaseBuffer",
    "RandomSampler",
    "Reservoir",
    "SlidingWindow",
    "SortedSampler",
]

_MIN_CAPACITY = 256


class _Storage:
    """Arrays with room to grow, shared by all buffers that are a range of it."""

    def __init__(self, columns, capacity):
        self.arrays = {
            name: np.empty((capacity, *column.shape[1:]), dtype=column.dtype)
            for name, column in columns.items()
        }
        self.capacity = capacity
        self.used = 0

    def append(self, columns, n_new):
        for name, column in columns.items():
            self.arrays[name][self.used : self.used + n_new] = column
        self.used += n_new


class BaseBuffer(BaseEstimator):
    """Base class of all buffers.

    A subclass says in ``capacity`` how many rounds it keeps; one that does not keep the last ones
    overrides :meth:`extended`.

    Attributes
    ----------
    n_seen : int
        How many rounds have come in, kept or not.
    """

    _storage = None
    _start = 0
    _stop = 0
    n_seen = 0

    @property
    def capacity(self):
        """The most rounds that are kept; None is no limit."""
        return None

    def __len__(self):
        return self._stop - self._start

    @property
    def columns(self):
        """What is kept, name to array, one entry a round on the first axis; do not write to it."""
        if self._storage is None:
            return {}
        return {
            name: array[self._start : self._stop] for name, array in self._storage.arrays.items()
        }

    @property
    def nbytes(self):
        """Bytes of memory that the rounds take, room to grow included."""
        if self._storage is None:
            return 0
        return sum(array.nbytes for array in self._storage.arrays.values())

    def extended(self, columns, random_state=None):
        """Return a buffer that has seen more rounds; this one is untouched.

        Parameters
        ----------
        columns : dict of str to ndarray
            The same names at every call; all arrays of one length.
        random_state : RandomState, default=None
            For buffers that keep a random part.

        Returns
        -------
        buffer : BaseBuffer
        """
        n_new = _length(columns)
        new = self._successor(n_new)
        limit = self.capacity
        if limit is not None and n_new > limit:
            columns = {name: column[n_new - limit :] for name, column in columns.items()}
            n_new = limit
        kept = len(self) if limit is None else min(len(self), limit - n_new)
        storage, stop = self._storage, self._stop
        # The room behind the last row belongs to whichever buffer takes it first.
        if storage is None or storage.used != stop or stop + n_new > storage.capacity:
            # Twice the rows: copying then costs a constant a round.
            storage = _Storage(columns, max(_MIN_CAPACITY, 2 * (kept + n_new)))
            if kept:
                rows = slice(self._stop - kept, self._stop)
                storage.append({k: a[rows] for k, a in self._storage.arrays.items()}, kept)
        storage.append(columns, n_new)
        new._storage, new._stop = storage, storage.used
        new._start = new._stop - kept - n_new
        return new

    def replaced(self, columns):
        """Return a buffer that keeps these rounds in place of its own; this one is untouched.

        Parameters
        ----------
        columns : dict of str to ndarray

        Returns
        -------
        buffer : BaseBuffer
        """
        n_rounds = _length(columns)
        new = self._successor(0)
        new._storage = _Storage(columns, max(_MIN_CAPACITY, n_rounds))
        new._storage.append(columns, n_rounds)
        new._start, new._stop = 0, n_rounds
        return new

    def _successor(self, n_new):
        if hasattr(self, "_parameter_constraints"):
            self._validate_params()
        new = type(self)(**self.get_params(deep=False))
        new.n_seen = self.n_seen + n_new
        return new

    def __getstate__(self):
        state = dict(super().__getstate__())
        if self._storage is not None:
            # Only the rows that are kept are written.
            columns = {name: column.copy() for name, column in self.columns.items()}
            storage = _Storage(columns, max(1, len(self)))
            storage.append(columns, len(self))
            state.update(_storage=storage, _start=0, _stop=len(self))
        return state


class AllData(BaseBuffer):
    """Keep every round: memory grows with the rounds, to at most twice what the rows need.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.buffers import AllData
    >>> buffer = AllData().extended({"reward": np.array([1.0, 2.0])})
    >>> more = buffer.extended({"reward": np.array([3.0])})
    >>> len(buffer), more.columns["reward"].tolist()
    (2, [1.0, 2.0, 3.0])
    """


class SlidingWindow(BaseBuffer):
    """Keep the last rounds: what is older is forgotten, as non-stationary rewards ask for.

    Memory is that of at most ``2 * size`` rounds (256 rounds at least).

    Parameters
    ----------
    size : int, default=10000
        How many rounds to keep.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.buffers import SlidingWindow
    >>> buffer = SlidingWindow(size=2).extended({"reward": np.array([1.0, 2.0, 3.0])})
    >>> buffer.columns["reward"].tolist(), buffer.n_seen
    ([2.0, 3.0], 3)
    """

    _parameter_constraints = {"size": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, size=10_000):
        self.size = size

    @property
    def capacity(self):
        """The most rounds that are kept: ``size``."""
        return self.size


class Reservoir(BaseBuffer):
    """Keep a uniform random sample of all rounds, of bounded size (Vitter's algorithm R).

    Memory is that of ``size`` rounds, twice that while it learns.

    Parameters
    ----------
    size : int, default=10000
        How many rounds to keep.

    References
    ----------
    J. S. Vitter (1985). Random sampling with a reservoir. ACM Transactions on Mathematical
    Software 11(1), 37-57.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.buffers import Reservoir
    >>> rng = np.random.RandomState(0)
    >>> buffer = Reservoir(size=3).extended({"reward": np.arange(100.0)}, rng)
    >>> len(buffer), buffer.n_seen
    (3, 100)
    """

    _parameter_constraints = {"size": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, size=10_000):
        self.size = size

    @property
    def capacity(self):
        """The most rounds that are kept: ``size``."""
        return self.size

    def extended(self, columns, random_state=None):
        """See :meth:`BaseBuffer.extended`."""
        n_new = _length(columns)
        new = self._successor(n_new)
        rng = np.random.RandomState(0) if random_state is None else random_state
        free = min(self.size - len(self), n_new)
        # Round number t (from 0) takes a place below `size` out of t + 1 places, or none.
        number = self.n_seen + np.arange(free, n_new)
        place = np.floor(rng.random_sample(n_new - free) * (number + 1)).astype(np.intp)
        taken = np.flatnonzero(place < self.size)
        place = place[taken]
        known = self.columns or {name: column[:0] for name, column in columns.items()}
        merged = {}
        for name, column in columns.items():
            array = np.concatenate([known[name], column[:free]])
            # Where several rounds fall on one place the last assignment wins, as it should.
            array[place] = column[free + taken]
            merged[name] = array
        filled = self.replaced(merged)
        new._storage, new._start, new._stop = filled._storage, filled._start, filled._stop
        return new


class RandomSampler(BaseEstimator):
    """Go through the rounds in random order, a new one at every pass.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.buffers import RandomSampler
    >>> order = RandomSampler().order({"reward": np.zeros(4)}, np.random.RandomState(0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3]
    """

    def order(self, columns, rng):
        """Return the order of one pass.

        Parameters
        ----------
        columns : dict of str to ndarray
            The rounds in the buffer.
        rng : RandomState

        Returns
        -------
        order : ndarray of int of shape (n_rounds,)
        """
        return rng.permutation(_length(columns))


class SortedSampler(BaseEstimator):
    """Go through the rounds in the order of a key, easy ones first (curriculum learning).

    Parameters
    ----------
    key : str or callable, default="reward"
        The name of a column of the buffer ("arm", "reward", "weight"), or a function from the
        columns to one number a round. Ties keep the order in which the rounds came.
    descending : bool, default=False
        The highest key first.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.buffers import SortedSampler
    >>> SortedSampler("reward").order({"reward": np.array([3.0, 1.0, 2.0])}, None).tolist()
    [1, 2, 0]
    """

    _parameter_constraints = {"key": [str, callable], "descending": ["boolean"]}

    def __init__(self, key="reward", descending=False):
        self.key = key
        self.descending = descending

    def order(self, columns, rng):
        """See :meth:`RandomSampler.order`."""
        self._validate_params()
        if isinstance(self.key, str):
            if self.key not in columns:
                raise ValueError(
                    f"key must name a column of the buffer, one of {sorted(columns)}, "
                    f"got {self.key!r}."
                )
            key = columns[self.key]
        else:
            key = np.asarray(self.key(columns))
        if key.shape != (_length(columns),):
            raise ValueError(
                f"key must give one number a round, {_length(columns)} in all, got an array of "
                f"shape {key.shape}."
            )
        return np.argsort(-key if self.descending else key, kind="stable")


BUFFER_METHODS = HasMethods(["extended", "replaced", "get_params"])
SAMPLER_METHODS = HasMethods(["order", "get_params"])


def _length(columns):
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"columns must all have one length, got {sorted(lengths)}.")
    return lengths.pop()
