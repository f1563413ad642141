"""Tuning parameters of estimators: given as a number, or chosen by the data."""

from numbers import Real

import numpy as np
from scipy import special

from ._groups import count_groups, error_of_mean
from ._selection import slope

_N_CANDIDATES = 16
_RULES = ("auto", "slope")
# With "auto" the bias is surely no larger than this share of the standard error; an interval of
# 95 % then still covers 94.3 %.
BIAS_SHARE = 0.25
SURELY = 1.6449
# The square of a larger number is none.
_SQUARABLE = 1e154


def tune(rounds, parameter, name, candidates, shrink, *, doubly_robust, low=0.0, high=np.inf):
    """Return a tuning parameter, given or chosen, and the weights that it makes.

    ``"auto"`` takes the candidate of the smallest standard error among those whose bias is surely
    small beside it: the difference to the estimate with the weights as they are is an unbiased
    estimate of that bias, and it and 1.64 of its standard errors may be a quarter of the
    estimate's standard error. ``"slope"`` takes SLOPE's choice.

    Parameters
    ----------
    rounds : EvaluatedRounds
        The checked log.
    parameter : float, "auto" or "slope"
        What the caller asked for.
    name : str
        The argument's name, for the message.
    candidates : callable
        Takes the weights to the candidates, one of which leaves them as they are.
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
        if parameter not in _RULES:
            raise ValueError(f'{name} must be a number, "auto" or "slope"; got {parameter!r}.')
    elif not isinstance(parameter, Real) or not low <= parameter <= high:
        raise ValueError(
            f'{name} must be a number from {low:g} to {high:g}, "auto" or "slope"; '
            f"got {parameter!r}."
        )
    else:
        return float(parameter), shrink(rounds.weight, parameter)
    weight = rounds.weight
    error = rounds.model_error if doubly_robust else rounds.reward
    base = rounds.model_policy if doubly_robust else None
    grid = candidates(weight)
    moments, moved = [], []
    for one in grid:
        # One candidate's weights at a time: a log may be long.
        shrunk = shrink(weight, one)
        moments.append(_mean_and_error(shrunk * error, base, rounds))
        if parameter == "auto":
            moved.append(_mean_and_error((shrunk - weight) * error, None, rounds))
    values, errors = np.array(moments).T
    if parameter == "slope":
        # The width of the default of `slope`, the upper 5 % quantile.
        n_groups = count_groups(rounds.groups, rounds.n_samples)
        width = special.stdtrit(max(n_groups - 1.0, 1.0), 0.95) * errors
        chosen = slope(values, width=width)
    else:
        bias, doubt = np.abs(moved).T
        harmless = bias + SURELY * doubt <= BIAS_SHARE * errors
        # Of the logging policy itself every value is the mean reward.
        harmless &= (bias == 0.0) | (np.ptp(weight) > 0.0)
        chosen = np.where(harmless, errors, np.inf).argmin()
    return float(grid[chosen]), shrink(weight, grid[chosen])


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
