"""Small work in one thread.

numpy and scipy each bring a BLAS with threads of its own, torch a third kind, and all of them wait
for more work by spinning. Where matrices of some hundred rows go from one to the other, pools on
the same cores wait for each other: a step then takes several times as long as in one thread.
"""

import os
from contextlib import contextmanager, nullcontext
from functools import cache
from weakref import WeakSet

from threadpoolctl import ThreadpoolController

from ._locks import PatientLock

# So many operations take some ten milliseconds: threads of their own are worth their price.
_LARGE = 2e8
# Products of fewer columns than this run in one thread anyway.
_FEWEST_COLUMNS = 64


class _Holder:
    """Whoever wants the limit; one that an interruption has swept away wants it no more."""

    __slots__ = ("__weakref__",)


class _Limit:
    """The limit on the threads of BLAS, which is the whole process's: set once, however many want
    it at the same time."""

    def __init__(self):
        self.lock, self.holders, self.limited = PatientLock(), WeakSet(), None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self):
        """In a forked process: the threads that wanted the limit are not there."""
        self.holders = WeakSet()
        if self.limited is not None:
            self.lift()

    def lift(self):
        """Give the libraries their threads back."""
        for library, n_threads in self.limited:
            library.set_num_threads(n_threads)
        self.limited = None

    def enter(self, holder):
        """Set the limit where it is not set."""
        with self.lock.held():
            self.holders.add(holder)
            if self.limited is None:
                # A context of threadpoolctl takes several times as long.
                before = [(library, library.num_threads) for library in _libraries()]
                self.limited = [(library, n) for library, n in before if n is not None and n > 1]
                for library, _ in self.limited:
                    library.set_num_threads(1)

    def leave(self, holder):
        """Lift the limit where nobody else wants it."""
        with self.lock.held():
            self.holders.discard(holder)
            if not self.holders and self.limited is not None:
                self.lift()


_LIMIT = _Limit()
NO_LIMIT = nullcontext()


@cache
def _libraries():
    """The libraries of linear algebra that numpy and scipy have loaded."""
    # Finding them takes milliseconds.
    controllers = ThreadpoolController().lib_controllers
    return [library for library in controllers if library.user_api == "blas"]


@contextmanager
def one_blas_thread():
    """Run what is inside with one thread in BLAS."""
    holder = _Holder()
    _LIMIT.enter(holder)
    try:
        yield
    finally:
        _LIMIT.leave(holder)


def threads_for(n_operations):
    """Return the context for work of a size: as many threads as there are, or one.

    Parameters
    ----------
    n_operations : float
        Multiplications of all products together.
    """
    return NO_LIMIT if n_operations > _LARGE else one_blas_thread()


def threads_for_rows(n_rows, n_columns):
    """Return the context in which rows meet square matrices of so many columns."""
    if n_columns < _FEWEST_COLUMNS:
        return NO_LIMIT
    return threads_for(n_rows * n_columns**2)
