"""How sure it is that an arm keeps a bound."""

from functools import singledispatch

import numpy as np
from scipy.special import betainc, betaincc, ndtr, stdtr

from ..beliefs import BaseBelief, BetaBelief, IndependentBelief

# Draws where a chance has no closed form: its standard error is .005 at most about .95.
_N_DRAWS = 2048
_SEED = 1


def chance_at_least(belief, bound, side, reference=None):
    """Return the chance that each arm pays at least a bound, or at most.

    Parameters
    ----------
    belief : belief
        See :mod:`skbandit.beliefs`.
    bound : float
        In units of the reward; with `reference`, a multiple of that.
    side : 1.0 or -1.0
        At least, or at most.
    reference : callable, default=None
        From draws (n_draws, n_rows, n_arms) to what bounds are relative to, (n_draws, n_rows, 1).

    Returns
    -------
    chance : ndarray of shape (n_rows, n_arms)
        By closed forms for Gaussian, Student-t and Beta beliefs without `reference`; else the
        share of 2,048 joint draws.
    """
    if reference is None:
        return _chance(belief, bound, side)
    draws = belief.draws(_N_DRAWS, _SEED)
    return _kept(draws, bound * reference(draws), side)


def _kept(draws, bound, side):
    """Share of draws; what misses by rounding does not."""
    size = 1e-10 * np.maximum(np.abs(draws), np.abs(bound))
    return (side * (draws - bound) >= -size).mean(axis=0)


@singledispatch
def _chance(belief: BaseBelief, bound, side):
    return _kept(belief.draws(_N_DRAWS, _SEED), bound, side)


@_chance.register
def _(belief: IndependentBelief, bound, side):
    away = side * (np.asarray(belief.mean, dtype=np.float64) - bound)
    scale = np.broadcast_to(belief.scale, away.shape)
    sure = scale <= 0.0
    # What is known for sure keeps the bound or does not.
    z = away / np.where(sure, 1.0, scale)
    chance = ndtr(z) if belief.dof is None else stdtr(np.minimum(belief.dof, 1e10), z)
    return np.where(sure, (away >= 0.0).astype(np.float64), chance)


@_chance.register
def _(belief: BetaBelief, bound, side):
    bound = min(max(bound, 0.0), 1.0)
    tail = betaincc if side > 0 else betainc
    return tail(belief.a, belief.b, bound)
