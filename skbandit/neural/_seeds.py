"""Seeds of one learning call: what each of its random parts is seeded with."""

from numbers import Integral

from .._random import derived_seed

# What a seed is for. Weights and batches of the first net have the plain seed of the call.
_NET, _PRIOR, _BOOTSTRAP, _CARRIED = range(4)


class Seeds:
    """Seeds for the parts of a learning call, or of a transfer.

    Parameters
    ----------
    random_state : None, int or RandomState
        One draw of a RandomState's stream is taken.
    n_updates : int
        How many times the bandit has learnt before.
    """

    def __init__(self, random_state, n_updates):
        is_int = isinstance(random_state, Integral)
        self._entropy = int(random_state) if is_int else derived_seed(random_state)
        self._n_updates = n_updates

    def _of(self, number, purpose):
        return derived_seed(self._entropy, self._n_updates, number, purpose)

    def net(self, number):
        """Seed of the initial weights and the batches of a net."""
        return self._of(number, _NET)

    def prior(self, number):
        """Seed of a random network."""
        return self._of(number, _PRIOR)

    def bootstrap(self):
        """Seed of the random weights of rounds."""
        return self._of(0, _BOOTSTRAP)

    def carried(self, number):
        """Seed of what is new in a net that was carried over."""
        return self._of(number, _CARRIED)
