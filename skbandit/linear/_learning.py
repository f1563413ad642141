"""Fold blocks of rounds into the sufficient statistics, and the residual sum of squares with them.

The residual sum of squares of the posterior, :math:`S = \\min_\\theta \\sum w (r - x^\\top \\theta)^2 + \\lambda
\\|\\theta\\|^2`, is what a normal-inverse-gamma model needs of the noise. It is never formed as a difference
of large sums: for a block of rounds that moves the posterior mean from :math:`m_0` to :math:`m_1`,

.. math:: S_1 = S_0 + (m_1 - m_0)^\\top A_0 (m_1 - m_0) + \\sum w (r - x^\\top m_1)^2,

a sum of squares; for a single round it is :math:`(r - x^\\top m_0)^2 / (1 + x^\\top A_0^{-1} x)`. With
forgetting, the data part of the old terms fades and the prior part does not.
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import fade_weights, hybrid_posterior, inverse_factor, posterior_mean
from ._statistics import (
    Segment,
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


def _segments(block, n_groups):
    if block.group is not None:
        return list(segments_by_group(block.rows, block.group, block.reward, block.weight))
    return [
        Segment(arm, block.rows, (block.arm == arm).astype(np.float64), block.weight)
        for arm in range(n_groups)
    ]


def _hybrid_weights(state, model):
    factor = inverse_factor(state["gram_"], model.prior_precision)
    shared, _, mean, _ = hybrid_posterior(factor, state["moment_"], model.prior_precision)
    return mean, shared


def _fade(state, kept):
    for name in ("gram_", "moment_", "weight_", "reward_square_"):
        if name in state:
            state[name] *= kept


def absorb_block(state, block, model, means):
    """Fold a block into `state`, in place.

    Parameters
    ----------
    state : dict of str to ndarray
    block : Block
    model : Model
    means : dict
        Posterior means after the block before, filled on demand: group to mean, or "hybrid".
    """
    kept = 1.0
    if model.forgetting < 1.0:
        weight = np.ones(block.rows.shape[0]) if block.weight is None else block.weight
        weight, kept = fade_weights(weight, model.forgetting)
        block = block._replace(weight=weight)
    segments = _segments(block, len(state["gram_"]))
    common = None
    if block.group is None:
        common = segment_gram(block.rows, block.weight, model.intercept)
    # What has no data keeps a mean of zero; all others move when anything fades.
    groups = range(len(state["gram_"])) if kept < 1.0 else [s.group for s in segments]
    before = None
    if model.learns_noise:
        before = _remember(state, model, means, groups)
    if kept < 1.0:
        _fade(state, kept)
    for segment in segments:
        sums = segment_sums(segment, model.intercept, common)
        state["gram_"][segment.group] += sums.gram
        state["moment_"][segment.group] += sums.moment
        state["weight_"][segment.group] += sums.weight
        if model.learns_noise:
            state["reward_square_"][segment.group] += sums.reward_square
    if model.learns_noise:
        update = _absorb_pooled_residuals if model.pooled else _absorb_residuals
        update(state, segments, model, means, groups, before, kept)


def _remember(state, model, means, groups):
    """Old Gram matrices and means of the groups that will move."""
    if model.pooled:
        if "hybrid" not in means:
            means["hybrid"] = _hybrid_weights(state, model)
        return state["gram_"].copy(), *means["hybrid"]
    for group in groups:
        if group not in means:
            gram, moment = state["gram_"][group], state["moment_"][group]
            means[group] = (
                posterior_mean(gram, moment, model.prior_precision)
                if state["weight_"][group] > 0
                else np.zeros_like(moment)
            )
    return {group: (state["gram_"][group].copy(), means[group]) for group in groups}


def _residual_square(segment, coef, intercept):
    residual = segment.reward - predict_rows(segment.rows, coef, intercept)
    weighted = residual if segment.weight is None else residual * segment.weight
    return float(weighted @ residual)


def _absorb_residuals(state, segments, model, means, groups, before, kept):
    lam = model.prior_precision
    by_group = {segment.group: segment for segment in segments}
    total = state["residual_square_"]
    for group in groups:
        gram, old = before[group]
        new = posterior_mean(state["gram_"][group], state["moment_"][group], lam)
        move = new - old
        total[group] = kept * (total[group] + move @ gram @ move + lam * (move @ move))
        total[group] += (1.0 - kept) * lam * (new @ new)
        if group in by_group:
            total[group] += _residual_square(by_group[group], new, model.intercept)
        means[group] = new


def _absorb_pooled_residuals(state, segments, model, means, groups, before, kept):
    lam = model.prior_precision
    gram, old, old_shared = before
    new, shared = means["hybrid"] = _hybrid_weights(state, model)
    move, shared_move = new - old, shared - old_shared
    data = np.einsum("gi,gij,gj->", move, gram, move)
    # The prior acts on the shared weights and on each arm's departure from them.
    prior_move = np.sum(shared_move**2) + np.sum((move - shared_move) ** 2)
    prior = np.sum(shared**2) + np.sum((new - shared) ** 2)
    total = kept * (state["residual_square_"][0] + data + lam * prior_move)
    total += (1.0 - kept) * lam * prior
    for segment in segments:
        total += _residual_square(segment, new[segment.group], model.intercept)
    state["residual_square_"][0] = total


def absorb_diagonal_block(state, block, model):
    """Fold a block into the state of a diagonal model, in place; rows may be CSR.

    The diagonal model keeps no products of features, so what its coefficients leave unexplained is
    not known. Its noise is what an intercept alone leaves: an upper bound.
    """
    n_groups = len(state["gram_"])
    kept, weight = 1.0, block.weight
    if model.forgetting < 1.0:
        weight = np.ones(block.rows.shape[0]) if weight is None else weight
        weight, kept = fade_weights(weight, model.forgetting)
    if block.group is None:
        group, reward = block.arm, np.ones(block.rows.shape[0])
        # All arms share the rows: one sum of squares serves them all.
        everything = np.zeros(block.rows.shape[0], dtype=np.intp)
        gram, _ = diagonal_sums(block.rows, everything, reward, weight, 1, model.intercept)
        _, moment = diagonal_sums(block.rows, group, reward, weight, n_groups, model.intercept)
        mass = np.full(n_groups, len(reward) if weight is None else weight.sum())
        square = np.bincount(group, weights=weight, minlength=n_groups).astype(np.float64)
        first = square
    else:
        group, reward = block.group, block.reward
        gram, moment = diagonal_sums(
            block.rows, group, reward, weight, n_groups, model.intercept
        )
        weighted = reward if weight is None else weight * reward
        mass = np.bincount(group, weights=weight, minlength=n_groups).astype(np.float64)
        first = np.bincount(group, weights=weighted, minlength=n_groups)
        square = np.bincount(group, weights=weighted * reward, minlength=n_groups)
    if model.learns_noise:
        _absorb_spread(state, block, model, weight, kept, mass, first, square)
        state["reward_square_"] *= kept
        state["reward_square_"] += square
    for name, increment in (("gram_", gram), ("moment_", moment), ("weight_", mass)):
        state[name] *= kept
        state[name] += increment


def _absorb_spread(state, block, model, weight, kept, mass, first, square):
    """The residual sum of squares about each group's own (shrunken) mean reward."""
    total = state["residual_square_"]
    if not model.intercept:
        total *= kept
        total += square
        return
    lam = model.prior_precision
    old = state["moment_"][:, 0] / (lam + state["weight_"])
    new_mass = kept * state["weight_"] + mass
    new = (kept * state["moment_"][:, 0] + first) / (lam + new_mass)
    total += (lam + state["weight_"]) * (new - old) ** 2
    total *= kept
    total += (1.0 - kept) * lam * new**2
    if block.group is None:
        # Of `mass` rounds, those that name the arm pay 1 and the others 0.
        total += first * (1.0 - new) ** 2 + (mass - first) * new**2
        return
    residual = (block.reward - new[block.group]) ** 2
    if weight is not None:
        residual *= weight
    total += np.bincount(block.group, weights=residual, minlength=len(total))
