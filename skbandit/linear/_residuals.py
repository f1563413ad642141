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
        shared, _, mean = hybrid_posterior(factor, moment, model.prior_precision)
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
    # Rounding can leave a Gram matrix with a direction below zero.
    image = np.matmul(gram, move.mean[..., None])[..., 0]
    data = np.maximum(np.einsum("gi,gi->g", image, move.mean), 0.0)
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


def averaged_residual(state, model, groups):
    """Residual sum of squares of the average of some groups' rounds.

    Parameters
    ----------
    state : dict of str to ndarray
    model : Model
        Not pooled: each group has a noise of its own.
    groups : ndarray of int
        Their rounds count one over their number each.
    """
    state = _as_full(state, model)
    gram, moment = state["gram_"][groups], state["moment_"][groups]
    lam = model.prior_precision
    mean = posterior_mean(gram.mean(axis=0), moment.mean(axis=0), lam)
    weights = Weights(np.broadcast_to(mean, moment.shape))
    minimum = Weights(posterior_weights(state, model, groups).mean[groups])
    total = objective(gram, state["residual_square_"][groups], weights, minimum, lam)
    return total.mean()


def pooled_residual(old, new, model, source):
    """Residual sum of squares of pooled arms once some have gone and others have come.

    Parameters
    ----------
    old, new : dict of str to ndarray
        The states before and after.
    model : Model
    source : ndarray of int of shape (n_arms,)
        Which of the old arms each new one is; -1 for one that came.

    Notes
    -----
    The quadratic of an arm alone is not kept, only the sum over arms. It is rebuilt from the arm's
    sums, at the cost of as many digits as its rewards lie away from zero in units of their noise.
    """
    lam = model.prior_precision
    before, after = posterior_weights(old, model), posterior_weights(new, model)
    kept, came = np.flatnonzero(source >= 0), np.flatnonzero(source < 0)
    gone = np.setdiff1d(np.arange(len(before.mean)), source[kept])
    moved = Weights(before.mean.copy(), after.shared)
    moved.mean[source[kept]] = after.mean[kept]
    total = objective(old["gram_"], old["residual_square_"], moved, before, lam)
    for arm in gone:
        total = total - _arm_quadratic(old, arm, moved, lam)
    for arm in came:
        total = total + _arm_quadratic(new, arm, after, lam)
    return np.maximum(total, 0.0)


def _arm_quadratic(state, arm, weights, prior_precision):
    """What the rounds and the prior of one arm's own weights add to the quadratic."""
    gram, moment = state["gram_"][arm], state["moment_"][arm]
    mean = weights.mean[arm]
    square = state["reward_square_"][arm] - 2.0 * moment @ mean + mean @ gram @ mean
    return max(square, 0.0) + prior_precision * np.sum((mean - weights.shared) ** 2)


def _as_full(state, model):
    """A diagonal model's noise is that of its constant term alone: a full model of one term."""
    if not model.diagonal:
        return state
    n_terms = int(model.intercept)
    gram = state["gram_"][:, :n_terms, None][:, :, :n_terms]
    return {**state, "gram_": gram, "moment_": state["moment_"][:, :n_terms]}
