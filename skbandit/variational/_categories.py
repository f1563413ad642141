"""Categorical columns: the parameter that names them, and the number of categories of each."""

from numbers import Integral

import numpy as np


def n_categories_of(categorical_features, names, n_features):
    """Return the number of categories of each column, 0 for a numeric one.

    Parameters
    ----------
    categorical_features : dict or None
        Name or position of a column to its number of categories.
    names : ndarray of str or None
        The names of all columns, where they have names.
    n_features : int

    Returns
    -------
    n_categories : ndarray of int of shape (n_features,)

    Raises
    ------
    ValueError
        If a column is not there, or a number of categories is no positive integer.
    """
    n_categories = np.zeros(n_features, dtype=np.intp)
    for key, count in (categorical_features or {}).items():
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ValueError(
                "categorical_features must map a column to its number of categories, a positive "
                f"integer; got {count!r} for {key!r}."
            )
        place = _position(key, names, n_features)
        if place is None:
            known = list(names) if names is not None else f"positions 0 to {n_features - 1}"
            raise ValueError(
                f"categorical_features names the column {key!r}, which X lacks; it has {known}."
            )
        n_categories[place] = count
    return n_categories


def _position(key, names, n_features):
    """Position of a column that is named by name or position; None where there is none."""
    if isinstance(key, str):
        found = np.flatnonzero(names == key) if names is not None else ()
        return int(found[0]) if len(found) else None
    if isinstance(key, Integral) and 0 <= key < n_features:
        return int(key)
    return None


def moved_keys(categorical_features, names, n_before, feature_source):
    """Rename the columns of the parameter after some columns were left out.

    Parameters
    ----------
    categorical_features : dict or None
    names : ndarray of str or None
        The names of all columns before.
    n_before : int
        How many there were.
    feature_source : ndarray of int
        The old position of each column that is left.

    Returns
    -------
    categorical_features : dict or None
        Names stay, positions follow their columns, columns that are gone are left out.
    """
    if categorical_features is None:
        return None
    moved = {}
    for key, count in categorical_features.items():
        place = np.flatnonzero(feature_source == _position(key, names, n_before))
        if len(place):
            moved[key if isinstance(key, str) else int(place[0])] = count
    return moved


def check_same_categories(old, new, feature_source):
    """Raise where a column changed its kind, or has fewer categories than before.

    Parameters
    ----------
    old, new : ndarray of int
        Number of categories of each column, 0 for a numeric one.
    feature_source : ndarray of int
        The old position of each new column; -1 for one that was not there.
    """
    for place, origin in enumerate(feature_source.tolist()):
        if origin < 0:
            continue
        if bool(old[origin]) != bool(new[place]):
            kinds = ["categorical" if n else "numeric" for n in (old[origin], new[place])]
            raise ValueError(
                f"categorical_features differs: column {origin} is {kinds[0]} in source, and "
                f"column {place}, its place in template, is {kinds[1]}."
            )
        if new[place] < old[origin]:
            raise ValueError(
                f"categorical_features: column {origin} has {old[origin]} categories in source "
                f"and {new[place]} in template; categories may be added, not taken away."
            )
