"""The books of a budget: what arms have cost, and what is left to spend."""

from typing import NamedTuple

import numpy as np

from .._shares import blended, known_places

# What an arm is expected to cost in a row lies within such factors of what it costs in the mean.
_LEAST, _MOST = 0.1, 10.0
# What an arm has cost is compared with what was expected over about fifty rounds of its own;
# so many rounds say that it costs what it did before.
_FADES, _STEADY = 0.98, 5.0


_OF_ARMS = ("unit", "weight", "cost_sum", "paid", "told")


class Books(NamedTuple):
    """What the arms have cost, each in a unit of its own, and what is left."""

    unit: np.ndarray  # (n_arms,) about what the arm costs; NaN where nobody knows
    weight: np.ndarray  # (n_arms,) rounds whose cost is known
    cost_sum: np.ndarray  # (n_arms,) what they cost, in the arm's unit
    paid: np.ndarray  # (n_arms,) what they cost, each round fading with those of the arm
    told: np.ndarray  # (n_arms,) what they were expected to cost, fading likewise
    bank: float  # what was allowed so far less what was spent
    spent: float  # what was spent
    rounds: float  # in so many rounds
    batch: float  # rounds of the last learning call
    recent: object = None  # a buffer of the last rounds: contexts, arm, cost in its unit, weight


def empty_books(n_arms):
    """Return the books before any round.

    Parameters
    ----------
    n_arms : int
    """
    zeros = np.zeros(n_arms)
    return Books(np.full(n_arms, np.nan), *(zeros.copy() for _ in range(4)), 0.0, 0.0, 0.0, 0.0)


def units_of(books, arm, cost, weight, ceiling):
    """Return the unit of each arm once these rounds are known: what the first ones cost.

    Parameters
    ----------
    books : Books
    arm : ndarray of int of shape (n_rounds,)
    cost, weight : ndarray of shape (n_rounds,)
    ceiling : float
        The unit of arms that cost nothing at first.
    """
    n_arms = len(books.unit)
    times = np.bincount(arm, weight, minlength=n_arms)
    paid = np.bincount(arm, weight * cost, minlength=n_arms)
    first = np.isnan(books.unit) & (times > 0.0)
    mean = np.divide(paid, times, out=np.zeros(n_arms), where=times > 0.0)
    return np.where(first, np.where(mean > 0.0, mean, ceiling), books.unit)


def mean_costs(books, prior):
    """Return what each arm costs in the mean, in its unit.

    Parameters
    ----------
    books : Books
    prior : ndarray of shape (n_arms,)
        What one round before the first has cost, in the arm's unit; NaN is no such round.

    Returns
    -------
    mean : ndarray of shape (n_arms,)
        NaN where nobody knows.
    """
    told = ~np.isnan(prior)
    total = books.weight + told
    known = books.cost_sum + np.where(told, prior, 0.0)
    return np.divide(known, total, out=np.full(len(total), np.nan), where=total > 0.0)


def within_reason(expected, mean):
    """Keep what a model expects an arm to cost within a factor of its mean.

    Parameters
    ----------
    expected : ndarray of shape (n_rows, n_arms)
    mean : ndarray of shape (n_arms,)
    """
    return np.clip(expected, _LEAST * mean, _MOST * mean)


def faded(before, arm, value, weight, n_arms):
    """Add up values of each arm, of which each fades as others of its arm come.

    Parameters
    ----------
    before : ndarray of shape (n_arms,)
        The sums so far.
    arm : ndarray of int of shape (n_rounds,)
    value, weight : ndarray of shape (n_rounds,)
        A weight of k is k repetitions.
    n_arms : int

    Returns
    -------
    sums : ndarray of shape (n_arms,)
    """
    order = np.argsort(arm, kind="stable")
    total = np.bincount(arm, weight, minlength=n_arms)
    # Weight of the rounds of the same arm that come later.
    later = np.empty(len(arm))
    later[order] = np.cumsum(total)[arm[order]] - np.cumsum(weight[order])
    repeated = (1.0 - _FADES**weight) / (1.0 - _FADES)
    new = np.bincount(arm, _FADES**later * repeated * value, minlength=n_arms)
    return before * _FADES**total + new


def recent_factors(books, mean):
    """Return by what factor arms have cost more lately than was expected.

    Parameters
    ----------
    books : Books
    mean : ndarray of shape (n_arms,)
        What each arm costs in the mean: so much steadies the factor.

    Returns
    -------
    factor : ndarray of shape (n_arms,)
    """
    steady = _STEADY * np.where(np.isnan(mean), 0.0, mean)
    paid, told = books.paid + steady, books.told + steady
    return np.divide(paid, told, out=np.ones(len(mean)), where=told > 0.0)


def carried_books(books, resize):
    """Return the books of other arms; the recent rounds are left out.

    Parameters
    ----------
    books : Books
    resize : Resize
    """
    source = resize.arm_source
    known = source >= 0
    arrays = []
    for name in _OF_ARMS:
        old, prior = getattr(books, name), np.nan if name == "unit" else 0.0
        new = np.full(len(source), prior)
        new[known] = old[source[known]]
        arrays.append(new)
    if resize.shares is not None:
        places, new = known_places(source, resize.shares), resize.new_arms
        for one in arrays[1:]:
            one[new] = blended(one[places], resize.shares, one[new])
        # In a unit between those of its teachers.
        units = np.where(np.isnan(arrays[0][places]), 0.0, arrays[0][places])
        of_teachers = resize.shares @ units
        arrays[0][new] = np.where(of_teachers > 0.0, of_teachers, np.nan)
    return books._replace(**dict(zip(_OF_ARMS, arrays, strict=True)), recent=None)
