"""What a regression learns from."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._gaussian import fade_weights


class Examples(NamedTuple):
    """Rows, and what they teach to which group.

    Parameters
    ----------
    rows : array or CSR of shape (n_rows, n_features)
        CSR for a diagonal regression only.
    group : ndarray of int of shape (n_rows,)
        The group that each row teaches; in full feedback the one that is named.
    reward : ndarray of shape (n_rows,) or None
        None is full feedback: every group learns from every row, the named one that it paid
        `high`, the others that they paid `low`.
    weight : ndarray of shape (n_rows,) or None
        None: 1 each.
    rows_per_round : int
        So many rows in a row are one round: time moves on once for all of them.
    n_taught : int or None
        In full feedback only the first so many groups learn; None: all.
    low, high : float
    """

    rows: np.ndarray | sparse.csr_array
    group: np.ndarray
    reward: np.ndarray | None = None
    weight: np.ndarray | None = None
    rows_per_round: int = 1
    n_taught: int | None = None
    low: float = 0.0
    high: float = 1.0

    @property
    def n_rows(self):
        """Number of rows."""
        return self.rows.shape[0]

    @property
    def all_weigh_one(self):
        """Whether every row counts once."""
        return self.weight is None or bool((self.weight == 1.0).all())

    @property
    def weights(self):
        """The weights, written out."""
        return np.ones(self.n_rows) if self.weight is None else self.weight

    def weighted(self, values):
        """Values of the rows times their weights."""
        return values if self.weight is None else values * self.weight

    def n_taught_of(self, n_groups):
        """How many groups learn in full feedback."""
        return n_groups if self.n_taught is None else self.n_taught

    def minus(self, reference):
        """The examples with rewards relative to a reference."""
        if reference == 0.0:
            return self
        reward = None if self.reward is None else self.reward - reference
        # Written out: _replace takes longer than all else that a single round needs here.
        rows, group, _, weight, rows_per_round, n_taught, low, high = self
        low, high = low - reference, high - reference
        return Examples(rows, group, reward, weight, rows_per_round, n_taught, low, high)

    def kept(self, where):
        """The examples of some rows, by a boolean mask."""
        return self._replace(
            rows=self.rows[where],
            group=self.group[where],
            reward=None if self.reward is None else self.reward[where],
            weight=None if self.weight is None else self.weight[where],
        )

    def part(self, start, stop):
        """The examples in these rows, the rows in double precision."""
        rows = self.rows[start:stop]
        if sparse.issparse(rows):
            rows = rows.astype(np.float64, copy=False)
        else:
            rows = np.ascontiguousarray(rows, dtype=np.float64)
        reward = None if self.reward is None else self.reward[start:stop]
        weight = None if self.weight is None else self.weight[start:stop]
        return self._replace(rows=rows, group=self.group[start:stop], reward=reward, weight=weight)

    def faded(self, forgetting):
        """The examples with the weights that they have at their end, and what is left of all that
        came before."""
        if forgetting == 1.0:
            return self, 1.0
        weight, kept = fade_weights(self.weights, forgetting, self.rows_per_round)
        return self._replace(weight=weight), kept

    def named_rewards(self, group):
        """What one group is told in full feedback."""
        return np.where(self.group == group, self.high, self.low)
