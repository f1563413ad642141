"""Tuning parameters of estimators: given as a number, or chosen by SLOPE."""

from numbers import Real

import numpy as np
from scipy import special

from ._groups import error_of_mean, sum_by_group
from ._selection import slope

_N_CANDIDATES = 16
# The square of a larger number is none.
_SQUARABLE = 1e154


def tune(rounds, parameter, name, candidates, shrink, *, doubly_robust, low=0.0, high=np.inf):
    """Return a tuning parameter, the given one or SLOPE's choice, and the weights that it makes.

    Parameters
    ----------
    rounds : EvaluatedRounds
        The checked log.
    parameter : float or "slope"
        What the caller asked for.
    name : str
        The argument's name, for the message.
    candidates : callable
        Takes the weights to the candidates.
    shrink : callable
        Takes weights and a candidate to changed weights.
    doubly_robust : bool
        Whether the weights multiply the model's errors or the rewards.
    low, high : float
        Bounds of the parameter, both allowed.

    Returns
    -------
    parameter : float
    weight : ndarray of shape (n_samples,)
    """
    if isinstance(parameter, str):
        if parameter != "slope":
            raise ValueError(f'{name} must be a number or "slope"; got {parameter!r}.')
    elif not isinstance(parameter, Real) or not low <= parameter <= high:
        raise ValueError(
            f'{name} must be a number from {low:g} to {high:g} or "slope"; got {parameter!r}.'
        )
    else:
        return float(parameter), shrink(rounds.weight, parameter)
    weight = rounds.weight
    error = rounds.reward - rounds.model_logged if doubly_robust else rounds.reward
    base = rounds.model_policy if doubly_robust else None
    grid = candidates(weight)
    moments = [_mean_and_error(shrink(weight, one) * error, base, rounds) for one in grid]
    values, errors = np.array(moments).T
    # The width of the default of `slope`, the upper 5 % quantile.
    n_groups = len(sum_by_group(weight, rounds.groups))
    width = special.stdtrit(max(n_groups - 1.0, 1.0), 0.95) * errors
    chosen = float(grid[slope(values, width=width)])
    return chosen, shrink(weight, chosen)


def _mean_and_error(terms, base, rounds):
    if base is not None:
        terms += base
    n = terms.size
    if rounds.sample_weight is None:
        mean = terms.mean()
        terms -= mean
    else:
        share = rounds.sample_weight / rounds.sample_weight.mean()
        mean = terms @ share / n
        terms -= mean
        terms *= share
    return mean, error_of_mean(terms, rounds.groups)


def weight_grid(weight):
    """Candidates on the scale of the weights: powers from their median to the largest."""
    positive = weight[weight > 0]
    if positive.size == 0:
        return np.array([1.0])
    low, high = min(1.0, np.median(positive)), max(1.0, positive.max())
    return np.geomspace(low, high, _N_CANDIDATES)


def squared_weight_grid(weight):
    """Candidates on the scale of squared weights, up to infinity."""
    return np.append(np.minimum(weight_grid(weight)[:-1], _SQUARABLE) ** 2, np.inf)


def unit_grid(weight):
    """Candidates between 0 and 1, dense at 0."""
    return np.append(0.0, np.geomspace(1e-4, 1.0, _N_CANDIDATES - 1))
