"""Buffers: which rounds a bandit keeps to learn from again, and in what order it takes them.

A buffer is a parameter of a bandit (``buffer=``), so its own parameters can be searched
(``buffer__size``). Extending a buffer returns a new one and leaves the old one as it was, so a
learning call that fails changes nothing; the rows of both share their memory where they can.

When a model is fitted anew to what a buffer keeps is the matter of a :class:`RefitSchedule`.
"""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from ._locks import PatientLock
from ._rows import join_rows, n_rows, take_rows
from ._sklearn import HasMethods, Interval

__all__ = [
    "AllData",
    "BaseBuffer",
    "RandomSampler",
    "RefitSchedule",
    "Reservoir",
    "ScheduleState",
    "SlidingWindow",
    "SortedSampler",
]

_MIN_CAPACITY = 256
# Buffers that share a storage take their room in it one after the other.
_lock = PatientLock()


class _ArrayColumn:
    """Entries in one array with room to grow."""

    def __init__(self, like, capacity):
        self.array = np.empty((capacity, *like.shape[1:]), dtype=like.dtype)

    def takes(self, entries):
        """Whether more entries fit without losing anything."""
        return (
            isinstance(entries, np.ndarray)
            and entries.shape[1:] == self.array.shape[1:]
            and np.result_type(entries, self.array) == self.array.dtype
        )

    def write(self, start, entries):
        self.array[start : start + len(entries)] = entries

    def read(self, start, stop):
        return self.array[start:stop]

    @property
    def nbytes(self):
        return self.array.nbytes


class _PartsColumn:
    """Entries of another kind (CSR, a frame, a list), in the parts in which they came."""

    def __init__(self):
        # Parts with the position of the first row of each; replaced as a whole, never written to.
        self._parts = ()

    def takes(self, entries):
        return not isinstance(entries, np.ndarray)

    def write(self, start, entries):
        with _lock.held():
            self._parts = (*self._parts, (start, entries))

    def read(self, start, stop):
        parts = self._parts
        found, rest = [], []
        for first, part in parts:
            last = first + n_rows(part)
            if last <= start or first >= stop:
                rest.append((first, part))
                continue
            whole = first >= start and last <= stop
            rows = slice(max(start - first, 0), min(stop, last) - first)
            found.append((part if whole else take_rows(part, rows), whole))
            if not whole:
                rest.append((first, part))
        if not found:
            return take_rows(parts[0][1], slice(0, 0)) if parts else []
        joined = join_rows([part for part, _ in found])
        if len(found) > 1 and all(whole for _, whole in found):
            # Joined once: whoever asks again finds one part.
            together = tuple(sorted([*rest, (start, joined)], key=lambda part: part[0]))
            with _lock.held():
                if self._parts is parts:
                    self._parts = together
        return joined

    @property
    def nbytes(self):
        return sum(_bytes_of(part) for _, part in self._parts)


def _bytes_of(rows):
    """Bytes of rows that are no array, as far as they say."""
    if hasattr(rows, "indptr"):
        return rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes
    if hasattr(rows, "memory_usage"):
        return int(np.sum(rows.memory_usage(deep=True)))
    if hasattr(rows, "estimated_size"):
        return int(rows.estimated_size())
    return int(getattr(rows, "nbytes", 8 * n_rows(rows)))


class _Storage:
    """Columns with room to grow, shared by all buffers that are a range of it."""

    def __init__(self, columns, capacity):
        self.columns = {
            name: _ArrayColumn(column, capacity)
            if isinstance(column, np.ndarray)
            else _PartsColumn()
            for name, column in columns.items()
        }
        self.capacity = capacity
        self.used = 0

    def append(self, columns, n_new, stop=0):
        """Write rows behind row number `stop`; return whether there was room for them."""
        if stop + n_new > self.capacity or not all(
            self.columns[name].takes(column) for name, column in columns.items()
        ):
            return False
        # The room behind the last row belongs to whichever buffer takes it first.
        with _lock.held():
            if self.used != stop:
                return False
            self.used = stop + n_new
        for name, column in columns.items():
            self.columns[name].write(stop, column)
        return True

    def read(self, start, stop):
        return {name: column.read(start, stop) for name, column in self.columns.items()}


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
        """What is kept, one entry a round on the first axis; do not write to it.

        A dict of name to what :meth:`extended` was given: arrays, or rows of any other kind (a
        sparse matrix, a frame, a list).
        """
        if self._storage is None:
            return {}
        return self._storage.read(self._start, self._stop)

    @property
    def nbytes(self):
        """Bytes of memory that the rounds take, room to grow included."""
        if self._storage is None:
            return 0
        return sum(column.nbytes for column in self._storage.columns.values())

    def extended(self, columns, random_state=None):
        """Return a buffer that has seen more rounds; this one is untouched.

        Parameters
        ----------
        columns : dict of str to rows
            The same names at every call, all of one length: arrays, sparse matrices, frames or
            lists, each of one kind from call to call.
        random_state : RandomState, default=None
            For buffers that keep a random part.

        Returns
        -------
        buffer : BaseBuffer
        """
        n_new = self._check(columns)
        new = self._successor(n_new)
        limit = self.capacity
        if limit is not None and n_new > limit:
            columns = take_rounds(columns, slice(n_new - limit, n_new))
            n_new = limit
        kept = len(self) if limit is None else min(len(self), limit - n_new)
        storage, stop = self._storage, self._stop
        if storage is None or not storage.append(columns, n_new, stop):
            # Twice the rows: copying then costs a constant a round.
            capacity = max(_MIN_CAPACITY, 2 * (kept + n_new))
            known = storage.read(stop - kept, stop) if kept else {}
            storage, stop = _Storage(_of_common_type(known, columns), capacity), kept
            if kept:
                storage.append(known, kept)
            storage.append(columns, n_new, kept)
        new._storage, new._stop = storage, stop + n_new
        new._start = new._stop - kept - n_new
        return new

    def replaced(self, columns):
        """Return a buffer that keeps these rounds in place of its own; this one is untouched.

        Parameters
        ----------
        columns : dict of str to rows

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

    def _check(self, columns):
        """Return how many rounds these are; raise where they do not go with the kept ones."""
        known = {} if self._storage is None else self._storage.columns
        if known and set(known) != set(columns):
            raise ValueError(
                f"columns must have the names of those that are kept, {sorted(known)}, got "
                f"{sorted(columns)}."
            )
        return _length(columns)

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
            columns = {
                name: column.copy() if isinstance(column, np.ndarray) else column
                for name, column in self.columns.items()
            }
            storage = _Storage(columns, max(1, len(self)))
            storage.append(columns, len(self))
            state.update(_storage=storage, _start=0, _stop=len(self))
        return state


class AllData(BaseBuffer):
    """Keep every round: memory grows with the rounds, to at most twice what the rows need.

    To take in a round costs a constant on average. What is fitted anew to all that is kept costs
    in proportion to it; with a schedule that waits for the rounds to grow by a factor
    (:class:`RefitSchedule`, and neural bandits by default) that too is a constant a round on
    average, and single calls take longer and longer.

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

    Memory is that of at most ``2 * size`` rounds (256 rounds at least). To take in a round costs a
    constant on average, and a model is fitted anew to ``size`` rounds at most.

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

    Memory is that of ``size`` rounds, twice that while it learns. Each call copies them, however
    few rounds it brings. A model is fitted anew to ``size`` rounds at most.

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
        n_new = self._check(columns)
        new = self._successor(n_new)
        rng = np.random.RandomState(0) if random_state is None else random_state
        free = min(self.size - len(self), n_new)
        # Round number t (from 0) takes a place below `size` out of t + 1 places, or none.
        number = self.n_seen + np.arange(free, n_new)
        place = np.floor(rng.random_sample(n_new - free) * (number + 1)).astype(np.intp)
        taken = np.flatnonzero(place < self.size)
        place = place[taken]
        rows = np.arange(len(self) + free)
        # Where several rounds fall on one place the last assignment wins, as it should.
        rows[place] = len(self) + free + taken
        known = self.columns if len(self) else {}
        parts = {name: [known[name], part] if known else [part] for name, part in columns.items()}
        merged = {name: take_rows(join_rows(both), rows) for name, both in parts.items()}
        filled = self.replaced(merged)
        new._storage, new._start, new._stop = filled._storage, filled._start, filled._stop
        return new


@dataclass(frozen=True)
class ScheduleState:
    """What a :class:`RefitSchedule` has to know; immutable.

    Parameters
    ----------
    n_refits : int, default=0
        How many times the model was fitted anew.
    new_weight : float, default=0.0
        Weight of the rounds that have come in since.
    known_weight : float, default=0.0
        Weight of the rounds that were kept then.

    Examples
    --------
    >>> from skbandit.buffers import ScheduleState
    >>> ScheduleState().extended(10.0).refitted(10.0).extended(2.0)
    ScheduleState(n_refits=1, new_weight=2.0, known_weight=10.0)
    """

    n_refits: int = 0
    new_weight: float = 0.0
    known_weight: float = 0.0

    def extended(self, weight):
        """Return the state after more rounds.

        Parameters
        ----------
        weight : float
            Their total weight.

        Returns
        -------
        state : ScheduleState
        """
        return replace(self, new_weight=self.new_weight + weight)

    def refitted(self, kept_weight):
        """Return the state after the model was fitted anew.

        Parameters
        ----------
        kept_weight : float
            Total weight of the rounds that it was fitted to.

        Returns
        -------
        state : ScheduleState
        """
        return ScheduleState(self.n_refits + 1, 0.0, kept_weight)

    def postponed(self):
        """Return the state after a fit that was thrown away: the next one waits as long.

        Returns
        -------
        state : ScheduleState
        """
        return replace(self, new_weight=0.0)


@dataclass(frozen=True)
class RefitSchedule:
    r"""Say when a model that learns from a buffer is fitted anew.

    The first fit comes as soon as the buffer holds `min_weight` rounds. A later one is due when
    the rounds that are new since the last one weigh at least `every`, and at least
    ``growth - 1`` times as much as those that were kept then. So with ``growth=1.05`` T rounds
    cost about :math:`\log T / \log 1.05` fits, and a window of n rounds is fitted anew whenever a
    twentieth of it is new.

    Parameters
    ----------
    min_weight : float, default=64
        Rounds that the buffer must hold, by their weight.
    every : float, default=64
        New rounds between two fits, by their weight.
    growth : float >= 1, default=1.0
        By which factor the rounds must have grown between two fits.
    warm_start : bool, default=True
        Whether a later fit goes on from what the last one found.

    Examples
    --------
    >>> from skbandit.buffers import RefitSchedule, ScheduleState
    >>> schedule, state = RefitSchedule(min_weight=10, every=1, growth=1.5), ScheduleState()
    >>> refits = []
    >>> for t in range(1, 101):
    ...     state = state.extended(1.0)
    ...     if schedule.is_due(state, kept_weight=t):
    ...         state = state.refitted(kept_weight=t)
    ...         refits.append(t)
    >>> refits
    [10, 15, 23, 35, 53, 80]
    """

    min_weight: float = 64.0
    every: float = 64.0
    growth: float = 1.0
    warm_start: bool = True

    def is_due(self, state, kept_weight):
        """Say whether the model is to be fitted now.

        Parameters
        ----------
        state : ScheduleState
        kept_weight : float
            Weight of the rounds that the buffer holds.

        Returns
        -------
        is_due : bool
        """
        if kept_weight < self.min_weight:
            return False
        if state.n_refits == 0:
            return True
        # Rounding of the factor must not cost a round.
        grown = (self.growth - 1.0) * state.known_weight * (1.0 - 1e-9)
        return state.new_weight >= max(self.every, grown)

    def starts_afresh(self, state):
        """Say whether the next fit starts from nothing.

        Parameters
        ----------
        state : ScheduleState

        Returns
        -------
        starts_afresh : bool
        """
        return state.n_refits == 0 or not self.warm_start


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
        columns : dict of str to rows
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


def check_instance(value, name):
    """Raise where a component (a buffer, a sampler) is given as its class.

    Parameters
    ----------
    value : object or None
    name : str
        Of the parameter.
    """
    if isinstance(value, type):
        raise TypeError(
            f"{name} must be an instance, got the class {value.__name__}. Write "
            f"{value.__name__}()."
        )


def _length(columns):
    lengths = {n_rows(column) for column in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"columns must all have one length, got {sorted(lengths)}.")
    return lengths.pop()


def take_rounds(columns, rows):
    """Return some rounds of all columns.

    Parameters
    ----------
    columns : dict of str to rows
    rows : slice, ndarray of int or of bool

    Returns
    -------
    columns : dict of str to rows
    """
    return {name: take_rows(column, rows) for name, column in columns.items()}


def _of_common_type(known, columns):
    """What to make room for: arrays of a type that holds both known and new entries."""
    found = {}
    for name, column in columns.items():
        old = known.get(name)
        if isinstance(column, np.ndarray) and isinstance(old, np.ndarray):
            if column.shape[1:] != old.shape[1:]:
                raise ValueError(
                    f"columns[{name!r}] has entries of shape {column.shape[1:]}, and those that "
                    f"are kept have {old.shape[1:]}."
                )
            column = column[:0].astype(np.result_type(column, old))
        elif old is not None and isinstance(column, np.ndarray) != isinstance(old, np.ndarray):
            raise ValueError(
                f"columns[{name!r}] is a {type(column).__name__}, and what is kept a "
                f"{type(old).__name__}. Give rows of one kind."
            )
        found[name] = column
    return found
