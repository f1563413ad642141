"""Beliefs about weights, carried from the layout of one network to that of another.

A belief is kept as what rounds have added to the natural parameters of its prior: to the precision
(`gram`) and to the precision times the mean (`moment`), which a weight takes along.
"""

import numpy as np
from scipy.linalg import solve_triangular

from .._axes import embed
from .._shares import blended
from ._prior import center_of
from ._state import SUMS

# Weights that lead out of a new hidden unit keep this share of their prior's spread in a belief
# that has learnt: its scores keep their spread.
_NEW_UNIT_SPREAD = 1e-3
# And those of code 0 of a new column, which is what all known rounds had: it is what the others
# are compared with.
_FIRST_CATEGORY_SPREAD = 1e-5


def forget_weights(gram, moment, prior, gone):
    r"""Marginalise out some weights of a full precision.

    With the prior precision :math:`\Lambda`, the marginal of the others has the precision
    :math:`\Lambda_k + G_{kk} - G_{kg} (\Lambda_g + G_{gg})^{-1} G_{gk}`.

    Parameters
    ----------
    gram : ndarray of shape (n_weights, n_weights)
    moment : ndarray of shape (n_weights,)
    prior : tuple of ndarray of shape (n_weights,)
        Mean and precision.
    gone : ndarray of int
        The weights to forget.

    Returns
    -------
    gram, moment : ndarray
        New arrays of the same shapes, zero where a weight is gone.
    """
    mean, precision = (values[gone] for values in prior)
    kept = np.setdiff1d(np.arange(len(moment)), gone)
    block = gram[np.ix_(gone, gone)]
    np.einsum("ii->i", block)[:] += precision
    cholesky = np.linalg.cholesky(block)
    cross = solve_triangular(cholesky, gram[np.ix_(gone, kept)], lower=True)
    pull = solve_triangular(cholesky, precision * mean + moment[gone], lower=True)
    new_gram, new_moment = np.zeros_like(gram), np.zeros_like(moment)
    new_gram[np.ix_(kept, kept)] = gram[np.ix_(kept, kept)] - cross.T @ cross
    new_moment[kept] = moment[kept] - cross.T @ pull
    return new_gram, new_moment


def carry_weights(known, state, layout, weight_source, feature_source, groups):
    """Give a state of another layout what another state knows.

    Parameters
    ----------
    known : VariationalState
    state : VariationalState
        The state before any round; written to.
    layout : Layout
        Of `state`.
    weight_source : ndarray of int of shape (n_weights,)
        Position in `known` of each weight of `state`; -1 for a new one.
    feature_source : ndarray of int of shape (n_features,)
        The same for the features.
    groups : ndarray of int of shape (n_groups,)
        Position in `known` of each group of `state`; -1 for a new one.
    """
    embed(state.anchor, known.anchor, [weight_source])
    state.center[:] = center_of(layout, state.anchor)
    for name in SUMS:
        old, new = getattr(known, name), getattr(state, name)
        embed(new, old, [groups, *[weight_source] * (old.ndim - 1)])
    # Layers that grow have a prior of their own, which is not what a belief started from.
    learnt = np.where(state.weight > 0, groups, -1)
    embed(state.center, known.center, [learnt, weight_source])
    embed(state.spread, known.spread, [learnt, weight_source])
    # A new unit must not change the scores: nothing leads out of it.
    silent = np.ix_(learnt >= 0, layout.leads_out_of(weight_source))
    state.center[silent] = 0.0
    state.spread[silent] *= _NEW_UNIT_SPREAD
    # Nor must a new column of categories: known rounds had code 0.
    silent = np.ix_(learnt >= 0, layout.first_categories(np.flatnonzero(feature_source < 0)))
    state.center[silent] = 0.0
    state.spread[silent] *= _FIRST_CATEGORY_SPREAD


def teach_groups(state, new, known, shares):
    """Write shares of what was learnt about some groups into others, which are at their prior.

    Parameters
    ----------
    state : VariationalState
        Written to.
    new, known : ndarray of int
        Positions of groups.
    shares : ndarray of shape (n_new, n_known)
    """
    for name in (*SUMS, "center", "spread"):
        values = getattr(state, name)
        values[new] = blended(values[known], shares, values[new])
