"""One group's belief with a diagonal precision, and the blocks of rounds that it learns."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from ._base import raise_overflow

# Rounds that are learnt at once, in units of weight; and rows, where weights are small.
_BLOCK_WEIGHT = 256
# So many numbers of a block are cheaper to multiply as they are than by their non-zeros.
_MAX_DENSE = 1 << 15
# The matrix of a block is I and what is positive: where its diagonal holds larger numbers than
# this, the rounding of these reaches the I, and the block is learnt in halves.
_MAX_SPREAD = 1e10


class GroupBelief:
    """What is believed about the weights of one group while a call learns.

    Parameters
    ----------
    gram, moment : ndarray of shape (n_columns,)
    weight, constant : float
    location : float or None
        Prior mean of the constant; None: there is none.
    prior_precision : float
    """

    def __init__(self, *, gram, moment, weight, constant, location, prior_precision):
        self.prior_precision = prior_precision
        self.gram = gram
        self.mean = moment / self.precision
        self.weight = weight
        self.location = location
        self.level = 0.0
        if location is not None:
            self.level = (prior_precision * location + constant) / (prior_precision + weight)
        self.residual_square = 0.0

    @property
    def precision(self):
        """Of each weight, over that of the noise."""
        return self.prior_precision + self.gram

    @property
    def constant_sum(self):
        """The mean of the constant times its precision, less the share of the prior."""
        lam = self.prior_precision
        return (lam + self.weight) * self.level - lam * self.location

    def learn(self, block, reward):
        """Learn a block of rounds."""
        constant_variance = (
            0.0 if self.location is None else 1.0 / (self.prior_precision + self.weight)
        )
        variance = 1.0 / self.precision
        error = reward - self.level - block.rows @ self.mean
        solved = block.solved(error, variance, constant_variance)
        if solved is None:
            half = len(reward) // 2
            self.learn(block.part(0, half), reward[:half])
            self.learn(block.part(half, None), reward[half:])
            return
        pull, square = solved
        self.mean = self.mean + variance * (block.rows.T @ pull)
        self.level += constant_variance * pull.sum()
        self.gram = self.gram + block.square_sum
        self.weight += block.mass
        self.residual_square += square


class Block:
    """Rows that are learnt at once, and their last factor: groups may share it.

    Parameters
    ----------
    rows : ndarray or CSR of shape (n_rows, n_columns)
    weight : ndarray of shape (n_rows,) or None
    """

    def __init__(self, rows, weight):
        self.rows = rows
        self.root = None if weight is None else np.sqrt(weight)
        self.mass = float(rows.shape[0] if weight is None else weight.sum())
        squares = squared(rows)
        if weight is None:
            self.square_sum = np.asarray(squares.sum(axis=0)).ravel()
        else:
            self.square_sum = squares.T @ weight
        if not np.isfinite(self.square_sum).all():
            raise_overflow()
        self._known = None
        self._weight = weight

    @classmethod
    def of(cls, rows, positions, weight):
        """Take some of the rows, in the form that is quicker to multiply."""
        if positions is not None:
            rows = rows[positions]
        if not sparse.issparse(rows):
            rows = np.asarray(rows, dtype=np.float64)
        elif rows.shape[0] * rows.shape[1] <= _MAX_DENSE:
            rows = rows.toarray()
        return cls(rows, weight)

    def part(self, start, stop):
        """Some of the rows."""
        weight = None if self._weight is None else self._weight[start:stop]
        return Block(self.rows[start:stop], weight)

    def solved(self, error, variance, constant_variance):
        """Errors over their covariance, and their squares over it.

        Returns
        -------
        pull : ndarray of shape (n_rows,)
        square : float
            None for both if rounding leaves too little: learn the rows in parts.
        """
        root = self.root
        scaled = error if root is None else root * error
        if len(error) == 1:
            leverage = (float(self._forms(variance)[0, 0]) + constant_variance) * self.mass
            pull = scaled / (1.0 + leverage)
            square = float(scaled @ pull)
        else:
            factor = self._factor(variance, constant_variance)
            if factor is None:
                return None
            white = lapack.dtrtrs(factor, scaled, lower=1)[0]
            pull = lapack.dtrtrs(factor, white, lower=1, trans=1)[0]
            square = float(white @ white)
        return pull if root is None else root * pull, square

    def _forms(self, variance):
        """Products of the rows over the precision."""
        if not sparse.issparse(self.rows):
            return (self.rows * variance) @ self.rows.T
        scaled = self.rows.copy()
        scaled.data *= variance[scaled.indices]
        return (scaled @ self.rows.T).toarray()

    def _factor(self, variance, constant_variance):
        """Cholesky factor of the errors' covariance, or None."""
        if self._known is not None:
            known_variance, known_constant, factor = self._known
            if known_constant == constant_variance and np.array_equal(known_variance, variance):
                return factor
        matrix = self._forms(variance) + constant_variance
        if self.root is not None:
            matrix *= self.root[:, None] * self.root
        diagonal = np.einsum("ii->i", matrix)
        diagonal += 1.0
        factor = None
        if diagonal.max() < _MAX_SPREAD:
            factor, info = lapack.dpotrf(matrix, lower=1, clean=1)
            factor = factor if info == 0 else None
        self._known = variance, constant_variance, factor
        return factor


class Lesson(NamedTuple):
    """Rows that are learnt at once and what each group is told of them."""

    rows: np.ndarray | None  # (n,) positions; None: all of them
    weight: np.ndarray | None  # (n,)
    told: list  # of (group, rewards)


def lessons_of(examples, mass, n_groups, reference):
    """Cut examples into blocks for each group.

    Parameters
    ----------
    examples : Examples
        With their weights at the end.
    mass : ndarray of shape (n_rows,) or None
        The weights as they were given.
    n_groups : int
    reference : float
        Rewards count from here.
    """
    if examples.reward is None:
        taught = range(examples.n_taught_of(n_groups))
        for rows, weight in blocks_of(np.arange(examples.n_rows), examples, mass):
            named = examples._replace(group=examples.group[rows])
            told = [(group, named.named_rewards(group) - reference) for group in taught]
            yield Lesson(rows, weight, told)
        return
    reward = examples.reward - reference
    if examples.n_rows == 1:
        yield Lesson(None, examples.weight, [(int(examples.group[0]), reward)])
        return
    order = np.argsort(examples.group, kind="stable")
    group = examples.group[order]
    for own in np.split(order, np.flatnonzero(np.diff(group)) + 1):
        number = int(examples.group[own[0]])
        for rows, weight in blocks_of(own, examples, mass):
            yield Lesson(rows, weight, [(number, reward[rows])])


def blocks_of(rows, examples, mass):
    """Cut the rows of a group where the weights of their rounds reach a multiple of a block's.

    A round that lies across is learnt in two parts: so weights are repetitions wherever the cuts
    fall, for weights up to that of a block.

    Parameters
    ----------
    rows : ndarray of int
        Ascending positions.
    examples : Examples
    mass : ndarray or None
        The weights as they were given, before they faded.

    Yields
    ------
    rows : ndarray of int
    weight : ndarray or None
    """
    weight = examples.weight
    begins = np.diff(rows // examples.rows_per_round, prepend=-1) > 0
    # Candidates of one round may all teach one group.
    most = np.diff(np.flatnonzero(begins), append=len(rows)).max()
    size = max(1, _BLOCK_WEIGHT // most)
    if len(rows) <= size and (mass is None or mass[rows].sum() <= size):
        yield rows, None if weight is None else weight[rows]
        return
    own = np.ones(len(rows)) if mass is None else np.minimum(mass[rows], size)
    stop = np.cumsum(own * begins)
    start = stop - own
    first = start // size
    parts = np.maximum(np.ceil(stop / size) - first, 1).astype(np.intp)
    row = np.repeat(np.arange(len(rows)), parts)
    number = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    order = np.argsort(number, kind="stable")
    row, number = row[order], number[order]
    inside = np.minimum(stop[row], (number + 1) * size) - np.maximum(start[row], number * size)
    share = np.where(parts[row] == 1, 1.0, inside / own[row])
    # Where rounds weigh little, blocks end by the number of rows.
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(number)) + 1, [len(number)]])
    for begin, end in pairwise(cuts.tolist()):
        for low in range(begin, end, 2 * _BLOCK_WEIGHT):
            part = slice(low, min(low + 2 * _BLOCK_WEIGHT, end))
            place = rows[row[part]]
            whole = weight is None and (share[part] == 1.0).all()
            yield place, None if whole else examples.weights[place] * share[part]


def squared(rows):
    """Squares of the entries."""
    if not sparse.issparse(rows):
        return rows * rows
    squares = rows.copy()
    squares.data *= squares.data
    return squares
