"""Rounds that belong together: sums over groups, and the error of a mean of such rounds."""

import numpy as np

from .._values import root_sum_of_squares


def sum_by_group(values, groups):
    """Return the sums of the rows of each group; without groups every row is one of its own.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_columns)
    groups : ndarray of int of shape (n_samples,), or None
        Codes from 0 on, none of them left out.

    Returns
    -------
    sums : ndarray of shape (n_groups,) or (n_groups, n_columns)
    """
    if groups is None:
        return values
    if values.ndim == 1:
        return np.bincount(groups, weights=values)
    return np.column_stack([np.bincount(groups, weights=column) for column in values.T])


def count_groups(groups, n_samples):
    """Return how many groups there are; without groups, how many rows."""
    return n_samples if groups is None else int(groups.max()) + 1


def error_of_mean(influence, groups=None):
    """Return the standard error of a mean, groups (or rows) being independent of each other.

    With G groups, n rows and S_g the sum of a group's influence: sqrt(G / (G - 1) sum_g S_g^2) / n
    (Liang & Zeger 1986). Of a single group it is 0, as of a single row.

    Parameters
    ----------
    influence : ndarray of shape (n_samples,)
        Deviations from the mean; their sum is zero.
    groups : ndarray of int of shape (n_samples,), default=None

    References
    ----------
    Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika
    73.
    """
    sums = sum_by_group(influence, groups)
    n_groups = sums.size
    group_size = influence.size / n_groups
    return root_sum_of_squares(sums) / (group_size * np.sqrt(n_groups * max(n_groups - 1.0, 1.0)))


def refuse_groups(estimate, method):
    """Raise where rounds belong to groups: nothing says how many rounds a group can have.

    A group's sum is bounded by that number, and without a bound these methods guarantee nothing.
    """
    if estimate.groups is not None:
        raise ValueError(
            f"{method!r} intervals take rounds as independent and know no groups; got "
            f"{estimate.n_groups} groups. Use one of those that do: 'normal', 'student', "
            "'bootstrap', 'bca' or 'cressie_read'."
        )
