"""The column of the contexts that holds the exposure of a round, and the others."""

from numbers import Integral

import numpy as np
from scipy import sparse


def exposure_position(exposure, names, n_features):
    """Position of the column that holds the exposure.

    Parameters
    ----------
    exposure : int or str
    names : ndarray of str or None
        Of the features.
    n_features : int

    Returns
    -------
    position : int

    Raises
    ------
    ValueError
        If there is no such column, or none beside it.
    """
    if isinstance(exposure, Integral):
        if exposure >= n_features:
            raise ValueError(
                f"exposure={exposure} must be the position of a column of X, from 0 to "
                f"{n_features - 1}: X has {n_features} features."
            )
        position = int(exposure)
    elif names is None:
        raise ValueError(
            f"exposure={exposure!r} is a name, but X has no names of columns. Pass the position "
            "of the column, or learn from a DataFrame."
        )
    else:
        known = list(names)
        if exposure not in known:
            raise ValueError(f"exposure={exposure!r} must name a column of X, which has {known}.")
        position = known.index(exposure)
    if n_features == 1:
        raise ValueError(
            f"exposure={exposure!r} is the only column of X: no feature is left beside it."
        )
    return position


def column_of(contexts, position):
    """One column of contexts as an array: (n_samples,), or (n_samples, n_candidates)."""
    if sparse.issparse(contexts):
        return contexts[:, [position]].toarray().ravel()
    return contexts[..., position]


def without_column(contexts, position):
    """The contexts without one column, in C order."""
    if not sparse.issparse(contexts):
        return np.delete(contexts, position, axis=-1)
    kept = np.delete(np.arange(contexts.shape[1]), position)
    return contexts[:, kept].tocsr()


def check_exposure(values, exposure):
    """Raise where an exposure is not positive."""
    bad = ~(values > 0.0)
    if bad.any():
        raise ValueError(
            f"exposure must be positive: column {exposure!r} of X holds "
            f"{values[bad].flat[0]:g} (in {np.count_nonzero(bad)} of {values.size} entries)."
        )
