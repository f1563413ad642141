"""Sums over rounds: blocks of rows, sorted by group, by BLAS level 3."""

from typing import NamedTuple

import numpy as np

# Rows of a learning block: its gathered copy stays in cache, and factorizations between blocks,
# which the exact residual sum of squares takes, stay a small part of the work.
_BLOCK_BYTES = 1 << 23
_MIN_BLOCK_ROWS = 1024


class Segment(NamedTuple):
    """Examples of one block that teach one group."""

    group: int
    rows: np.ndarray  # (m, n_features), without the constant term
    reward: np.ndarray  # (m,)
    weight: np.ndarray | None  # (m,)


class Sums(NamedTuple):
    """Sums over the examples of a segment."""

    gram: np.ndarray  # (n_terms, n_terms)
    moment: np.ndarray  # (n_terms,)
    weight: float
    reward_sum: float
    reward_square: float


def block_rows(n_features, n_groups):
    """How many rows a learning block holds."""
    # Each group should see several times as many rows as it has terms between factorizations.
    return max(
        _MIN_BLOCK_ROWS, 4 * n_features * n_groups, _BLOCK_BYTES // (8 * max(n_features, 1))
    )


def segments_of(examples, n_groups, buffer=None):
    """Sort a block of examples by group, a segment for each group that learns."""
    if examples.reward is None:
        n_taught = examples.n_taught_of(n_groups)
        return [
            Segment(group, examples.rows, examples.named_rewards(group), examples.weight)
            for group in range(n_taught)
        ]
    return list(
        segments_by_group(examples.rows, examples.group, examples.reward, examples.weight, buffer)
    )


def segments_by_group(rows, group, reward, weight, buffer=None):
    """Sort a block of rounds by group and yield a segment for each that occurs.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
    group : ndarray of int of shape (n_samples,)
    reward : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_samples,) or None
    buffer : ndarray of at least that many rows, default=None
        Takes the sorted rows; memory that is used again need not be mapped again.
    """
    # Small integers are sorted by radix, in linear time.
    order = np.argsort(group.astype(np.min_scalar_type(int(group.max()))), kind="stable")
    sorted_group = group[order]
    out = None if buffer is None else buffer[: len(rows)]
    # The indexes are in range: "clip" spares the copy that "raise" makes of `out`.
    rows = np.take(rows, order, axis=0, out=out, mode="clip")
    reward = reward[order]
    weight = None if weight is None else weight[order]
    starts = np.flatnonzero(np.diff(sorted_group, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        part = slice(start, stop)
        yield Segment(
            int(sorted_group[start]),
            rows[part],
            reward[part],
            None if weight is None else weight[part],
        )


def segment_gram(rows, weight, intercept, first=None):
    """Weighted Gram matrix of the design rows, the constant term first.

    `first` is the weighted sum of the rows, if it is known.
    """
    offset = int(intercept)
    n_terms = rows.shape[1] + offset
    gram = np.empty((n_terms, n_terms))
    # The product of an array with its own transpose runs as syrk: half the operations.
    scaled = rows if weight is None else rows * np.sqrt(weight)[:, None]
    gram[offset:, offset:] = scaled.T @ scaled
    if intercept:
        mass = np.ones(len(rows)) if weight is None else weight
        gram[0, 1:] = gram[1:, 0] = mass @ rows if first is None else first
        gram[0, 0] = mass.sum()
    return gram


def segment_sums(segment, intercept, gram=None):
    """All sums of a segment; `gram` may be given where segments share their rows."""
    _, rows, reward, weight = segment
    mass = np.ones(len(reward)) if weight is None else weight
    weighted = reward * mass
    if intercept:
        # Both sums in one pass over the rows.
        first, moment = np.stack([mass, weighted]) @ rows
        moment = np.concatenate(([weighted.sum()], moment))
    else:
        first, moment = None, weighted @ rows
    if gram is None:
        gram = segment_gram(rows, weight, intercept, first)
    return Sums(gram, moment, float(mass.sum()), float(weighted.sum()), float(weighted @ reward))


def predict_rows(rows, coef, intercept):
    """Design rows times coefficients, for one group or several."""
    if intercept:
        return rows @ coef[..., 1:].T + coef[..., 0]
    return rows @ coef.T


def add_constant(rows, intercept):
    """Put the constant term in front of a block of rows."""
    if not intercept:
        return rows
    design = np.empty((rows.shape[0], rows.shape[1] + 1))
    design[:, 0] = 1.0
    design[:, 1:] = rows
    return design
