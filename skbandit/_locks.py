"""A lock that nobody keeps for long, and that hangs nobody."""

import os
import threading
from contextlib import contextmanager


class PatientLock:
    """A reentrant lock for a few fields; one that an interruption has left taken is replaced.

    An interruption between taking a lock and giving it back may leave it taken for good, and a
    process may be forked while another thread holds it.

    Parameters
    ----------
    patience : float, default=2.0
        Seconds after which a lock that is taken is held for one that was left.
    """

    def __init__(self, patience=2.0):
        self.patience = patience
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self):
        """Go on with a lock that nobody holds."""
        self.lock = threading.RLock()

    @contextmanager
    def held(self):
        """Hold the lock."""
        lock = self.lock
        if not lock.acquire(timeout=self.patience):
            lock = self.lock = threading.RLock()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
