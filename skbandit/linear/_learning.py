r"""Fold blocks of rounds into the sufficient statistics, and the residual sum of squares with
them.

For a block of rounds that moves the posterior mean from :math:`m_0` to :math:`m_1` the residual
sum of squares becomes

.. math:: S_1 = S_0 + (m_1 - m_0)^\top A_0 (m_1 - m_0) + \sum w (r - x^\top m_1)^2,

a sum of squares; for a single round it grows by
:math:`(r - x^\top m_0)^2 / (1 + x^\top A_0^{-1} x)`. With forgetting, the data part of the old
terms fades and the prior part does not.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .._gaussian import fade_weights
from .._rounds import take_rows
from ._residuals import Weights, objective, posterior_weights, prior_square
from ._statistics import (
    Segment,
    block_rows,
    diagonal_sums,
    predict_rows,
    segment_gram,
    segment_sums,
    segments_by_group,
)


class Model(NamedTuple):
    """What the arithmetic needs to know of the estimator."""

    prior_precision: float
    intercept: bool
    diagonal: bool
    pooled: bool  # shared plus per-arm weights with one noise (hybrid)
    learns_noise: bool
    forgetting: float


class Block(NamedTuple):
    """A block of rounds; `group` is None where all groups learn from all rows (full feedback)."""

    rows: np.ndarray
    group: np.ndarray | None
    arm: np.ndarray
    reward: np.ndarray | None
    weight: np.ndarray | None
    rows_per_round: int = 1

    def part(self, start, stop):
        """The rounds in these rows, the rows as float64."""
        others = (None if field is None else field[start:stop] for field in self[1:-1])
        return Block(take_rows(self.rows, start, stop), *others, self.rows_per_round)


def _segments(block, n_groups, buffer):
    if block.group is not None:
        return list(segments_by_group(*block[:2], block.reward, block.weight, buffer))
    return [
        Segment(arm, block.rows, (block.arm == arm).astype(np.float64), block.weight)
        for arm in range(n_groups)
    ]


def _fade(block, forgetting):
    """Weights of the block's rounds at its end, and the factor on what came before."""
    if forgetting == 1.0:
        return block, 1.0
    weight = np.ones(block.rows.shape[0]) if block.weight is None else block.weight
    weight, kept = fade_weights(weight, forgetting, block.rows_per_round)
    return block._replace(weight=weight), kept


class _Prepared(NamedTuple):
    """A block sorted by group, and the factor by which all that came before fades."""

    block: Block
    kept: float
    segments: list


def _prepare(block, start, step, model, n_groups, buffer):
    """Sort the rounds of a block by group; this depends on nothing that is learnt."""
    part, kept = _fade(block.part(start, start + step), model.forgetting)
    return _Prepared(part, kept, _segments(part, n_groups, buffer))


def absorb(state, block, model):
    """Fold rounds into `state`, in place, block by block.

    Parameters
    ----------
    state : dict of str to ndarray
    block : Block
        All rounds; CSR rows for a diagonal model only.
    model : Model
    """
    n_rows, n_features = block.rows.shape
    n_groups = len(state["gram_"])
    step = min(n_rows, block_rows(n_features, n_groups))
    # A round is not cut in two.
    step = -(-step // block.rows_per_round) * block.rows_per_round
    starts = range(0, n_rows, step)
    if model.diagonal:
        for start in starts:
            _absorb_diagonal(state, block.part(start, start + step), model)
        return
    buffers = [np.empty((step, n_features)) for _ in starts[:2]]
    if len(starts) == 1:
        _absorb_full(state, _prepare(block, 0, step, model, n_groups, buffers[0]), model, None)
        return
    weights = None
    # Sorting moves memory and learning computes: the next block is sorted meanwhile.
    with ThreadPoolExecutor(1) as pool:
        task = (block, 0, step, model, n_groups, buffers[0])
        waiting = pool.submit(_prepare, *task)
        for number, _ in enumerate(starts, start=1):
            prepared = waiting.result()
            if number < len(starts):
                task = (block, starts[number], step, model, n_groups, buffers[number % 2])
                waiting = pool.submit(_prepare, *task)
            weights = _absorb_full(state, prepared, model, weights)


def _absorb_full(state, prepared, model, before):
    """Fold a sorted block into `state`; return the posterior means where the noise is learnt."""
    block, kept, segments = prepared
    n_groups = len(state["gram_"])
    # Without forgetting, groups that saw no round stay where they are.
    everywhere = kept < 1.0 or model.pooled
    moved = np.arange(n_groups) if everywhere else np.array([s.group for s in segments])
    if model.learns_noise:
        before = posterior_weights(state, model) if before is None else before
        old_gram = state["gram_"][moved]
    if kept < 1.0:
        for name in ("gram_", "moment_", "weight_", "reward_square_"):
            if name in state:
                state[name] *= kept
    shared_gram = None
    if block.group is None:
        shared_gram = segment_gram(block.rows, block.weight, model.intercept)
    for segment in segments:
        sums = segment_sums(segment, model.intercept, shared_gram)
        state["gram_"][segment.group] += sums.gram
        state["moment_"][segment.group] += sums.moment
        state["weight_"][segment.group] += sums.weight
        if model.learns_noise:
            state["reward_square_"][segment.group] += sums.reward_square
    if not model.learns_noise:
        return None
    return _absorb_residuals(state, segments, model, moved, old_gram, before, kept)


def _absorb_residuals(state, segments, model, moved, old_gram, before, kept):
    lam, total = model.prior_precision, state["residual_square_"]
    after = posterior_weights(state, model, moved)
    # Noises that move: one for each group that does, or the one of a pooled model.
    noises = slice(None) if model.pooled else moved
    new, old = (Weights(w.mean[moved], w.shared) for w in (after, before))
    part = kept * objective(old_gram, total[noises], new, old, lam)
    total[noises] = part + (1.0 - kept) * lam * prior_square(new)
    if not model.pooled:
        still = np.setdiff1d(np.arange(len(total)), moved)
        after.mean[still] = before.mean[still]
    for segment in segments:
        residual = segment.reward - predict_rows(
            segment.rows, after.mean[segment.group], model.intercept
        )
        weighted = residual if segment.weight is None else residual * segment.weight
        total[0 if model.pooled else segment.group] += weighted @ residual
    return after


def _absorb_diagonal(state, block, model):
    """Fold a block into the state of a diagonal model, in place; rows may be CSR.

    The diagonal model keeps no products of features, so what its coefficients leave unexplained is
    not known. Its noise is what the constant term alone leaves (the rewards' mean square without
    one): an upper bound.
    """
    block, kept = _fade(block, model.forgetting)
    n_groups, n_rows = len(state["gram_"]), block.rows.shape[0]
    weight = block.weight
    if block.group is None:
        # All arms share the rows, so one sum of squares serves them all.
        together = np.zeros(n_rows, dtype=np.intp)
        group, reward = block.arm, np.ones(n_rows)
        gram, _ = diagonal_sums(block.rows, together, reward, weight, 1, model.intercept)
        mass = np.full(n_groups, float(n_rows) if weight is None else weight.sum())
    else:
        group, reward = block.group, block.reward
        mass = np.bincount(group, weights=weight, minlength=n_groups).astype(np.float64)
        gram = None
    own_gram, moment = diagonal_sums(block.rows, group, reward, weight, n_groups, model.intercept)
    gram = own_gram if gram is None else gram
    if model.learns_noise:
        weighted = reward if weight is None else weight * reward
        first = np.bincount(group, weights=weighted, minlength=n_groups)
        square = np.bincount(group, weights=weighted * reward, minlength=n_groups)
        _absorb_spread(state, block, model, kept, mass, first, square)
        state["reward_square_"] *= kept
        state["reward_square_"] += square
    for name, increment in (("gram_", gram), ("moment_", moment), ("weight_", mass)):
        state[name] *= kept
        state[name] += increment


def _absorb_spread(state, block, model, kept, mass, first, square):
    """The residual sum of squares about each group's own (shrunken) mean reward."""
    total = state["residual_square_"]
    if not model.intercept:
        total *= kept
        total += square
        return
    lam = model.prior_precision
    old = state["moment_"][:, 0] / (lam + state["weight_"])
    new = (kept * state["moment_"][:, 0] + first) / (lam + kept * state["weight_"] + mass)
    total += (lam + state["weight_"]) * (new - old) ** 2
    total *= kept
    total += (1.0 - kept) * lam * new**2
    if block.group is None:
        # Of `mass` rounds, those that name the arm pay 1 and the others 0.
        total += first * (1.0 - new) ** 2 + (mass - first) * new**2
        return
    residual = (block.reward - new[block.group]) ** 2
    if block.weight is not None:
        residual *= block.weight
    total += np.bincount(block.group, weights=residual, minlength=len(total))
