"""Small work in one thread.

numpy and scipy each bring a BLAS with threads of its own, torch a third kind, and all of them wait
for more work by spinning. Where matrices of some hundred rows go from one to the other, pools on
the same cores wait for each other: a step then takes several times as long as in one thread.
"""

import os
from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

# So many operations take some ten milliseconds: threads of their own are worth their price.
_LARGE = 2e8
# Products of fewer columns than this run in one thread anyway.
FEWEST_COLUMNS = 64


class _Limit:
    """The limit on the threads of BLAS, which is the whole process's: set once, however many ask
    for it at the same time."""

    def __init__(self):
        self.lock, self.depth, self.limiter = Lock(), 0, None

    def enter(self):
        """Set the limit where it is not set."""
        with self.lock:
            if self.depth == 0:
                self.limiter = _controller().limit(limits=1, user_api="blas")
            self.depth += 1

    def leave(self):
        """Lift the limit where nobody else wants it."""
        with self.lock:
            self.depth -= 1
            if self.depth == 0:
                self.limiter.restore_original_limits()


_LIMIT = _Limit()
NO_LIMIT = nullcontext()


@cache
def _controller():
    # Finding the libraries takes milliseconds. numpy and scipy have loaded theirs by now.
    return ThreadpoolController()


def _after_fork():
    # Another thread may have held the lock.
    _LIMIT.lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_blas_thread():
    """Run what is inside with one thread in BLAS."""
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


def threads_for(n_operations):
    """Return the context for work of a size: as many threads as there are, or one.

    Parameters
    ----------
    n_operations : float
        Multiplications of all products together.
    """
    return NO_LIMIT if n_operations > _LARGE else one_blas_thread()
