r"""The residual sum of squares of a linear posterior, as a sum of squares.

A posterior with mean :math:`m`, precision :math:`A` and residual sum of squares :math:`S` stands
for the quadratic :math:`Q(\theta) = S + (\theta - m)^\top A (\theta - m)`: squared errors of all
its rounds plus :math:`\lambda \|\theta\|^2`. Whatever happens to the rounds (more of them, fading,
joining shards, another prior) changes :math:`Q` by known terms, and the new :math:`S` is the new
quadratic at its minimum. No large sums are subtracted from each other.
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import hybrid_posterior, inverse_factor, posterior_mean


class Weights(NamedTuple):
    """Posterior means: every group's weights, and the part that all arms share (hybrid only)."""

    mean: np.ndarray  # (n_groups, n_terms)
    shared: np.ndarray | None = None  # (n_terms,)


def posterior_weights(state, model, groups=None):
    """Posterior means under the statistics in `state`; rows of groups not asked for are zero."""
    gram, moment = state["gram_"], state["moment_"]
    if model.pooled:
        factor = inverse_factor(gram, model.prior_precision)
        shared, _, mean, _ = hybrid_posterior(factor, moment, model.prior_precision)
        return Weights(mean, shared)
    mean = np.zeros_like(moment)
    for group in range(len(gram)) if groups is None else groups:
        if state["weight_"][group] > 0:
            mean[group] = posterior_mean(gram[group], moment[group], model.prior_precision)
    return Weights(mean)


def prior_square(weights):
    """The square that the prior precision multiplies, for each noise: (n_groups,) or (1,)."""
    if weights.shared is None:
        return np.einsum("gi,gi->g", weights.mean, weights.mean)
    own = weights.mean - weights.shared
    return np.array([np.sum(weights.shared**2) + np.sum(own**2)])


def objective(gram, residual_square, weights, minimum, prior_precision):
    """The quadratic Q at `weights`, for each noise.

    Parameters
    ----------
    gram : ndarray of shape (n_groups, n_terms, n_terms)
    residual_square : ndarray of shape (n_groups,) or (1,)
        Q at its minimum.
    weights, minimum : Weights
    prior_precision : float
    """
    move = Weights(
        weights.mean - minimum.mean,
        None if weights.shared is None else weights.shared - minimum.shared,
    )
    data = np.einsum("gi,gij,gj->g", move.mean, gram, move.mean, optimize=True)
    if weights.shared is not None:
        data = data.sum(keepdims=True)
    return residual_square + data + prior_precision * prior_square(move)


def merged_residuals(parts, merged, model):
    """Residual sums of squares of joined shards.

    Parameters
    ----------
    parts : list of dict of str to ndarray
        The state of each shard.
    merged : dict of str to ndarray
        The sums of their statistics.
    model : Model
    """
    parts, merged = [_as_full(s, model) for s in parts], _as_full(merged, model)
    weights = posterior_weights(merged, model)
    total = sum(
        objective(
            part["gram_"],
            part["residual_square_"],
            weights,
            posterior_weights(part, model),
            model.prior_precision,
        )
        for part in parts
    )
    # Every shard's quadratic holds the prior; the whole holds it once.
    return total - (len(parts) - 1) * model.prior_precision * prior_square(weights)


def rebased_residuals(state, model, prior_precision):
    """Residual sums of squares of the same rounds under another prior precision."""
    state = _as_full(state, model)
    old = posterior_weights(state, model)
    new = posterior_weights(state, model._replace(prior_precision=prior_precision))
    total = objective(state["gram_"], state["residual_square_"], new, old, model.prior_precision)
    return total + (prior_precision - model.prior_precision) * prior_square(new)


def _as_full(state, model):
    """A diagonal model's noise is that of its constant term alone: a full model of one term."""
    if not model.diagonal:
        return state
    n_terms = int(model.intercept)
    gram = state["gram_"][:, :n_terms, None]
    return {**state, "gram_": gram, "moment_": state["moment_"][:, :n_terms]}
