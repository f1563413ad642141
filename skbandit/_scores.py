"""Scores of arms: which take part, how many are to be played, and which of them tie."""

import numpy as np

# Scores this close, relative to the largest one of the row, count as equal.
_TIE_TOLERANCE = 1e-10
_ROUNDING = 1e-12


def masked_scores(scores, available):
    """Return scores as floats, -inf where an arm is not available, and the mask or None.

    Parameters
    ----------
    scores : array-like of shape (n_rows, n_arms)
    available : array-like of bool of shape (n_rows, n_arms), or None

    Returns
    -------
    scores : ndarray of shape (n_rows, n_arms)
    available : ndarray of bool of shape (n_rows, n_arms), or None

    Raises
    ------
    ValueError
        If a row has no available arm.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if available is None:
        return scores, None
    available = np.asarray(available, dtype=bool)
    if not available.any(axis=1).all():
        row = int(np.flatnonzero(~available.any(axis=1))[0])
        raise ValueError(
            f"available: row {row} has no arm to play; make one available in each row."
        )
    return np.where(available, scores, -np.inf), available


def checked_k(k, n_arms, available):
    """Return how many arms are to be played, an integer.

    Parameters
    ----------
    k : int
    n_arms : int
    available : ndarray of bool of shape (n_rows, n_arms), or None

    Returns
    -------
    k : int

    Raises
    ------
    ValueError
        If it is below 1, or a row has fewer available arms.
    """
    least, where = n_arms, "a row"
    if available is not None and len(available):
        counts = np.count_nonzero(available, axis=1)
        least, where = int(counts.min()), f"row {counts.argmin()}"
    if not 1 <= k <= least:
        raise ValueError(
            f"k={k!r}, but {where} has {least} available arms; k must be between 1 and that."
        )
    return int(k)


def tie_width(scores):
    """Return by how much scores of a row may differ and still tie, (n_rows, 1).

    1e-10 times the range of the row's finite scores and 1e-12 times the largest of them: scores
    that are equal in theory differ in their last bits, depending on how a matrix product was cut
    into blocks. What all scores have in common adds rounding and nothing else.
    """
    finite = np.isfinite(scores)
    if np.logical_and.reduce(finite, axis=None):
        low = np.minimum.reduce(scores, axis=1, keepdims=True)
        return width_of_range(low, np.maximum.reduce(scores, axis=1, keepdims=True))
    high = np.where(finite, scores, -np.inf).max(axis=1, keepdims=True)
    low = np.where(finite, scores, np.inf).min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        width = width_of_range(low, high)
    return np.where(np.isfinite(low), width, 0.0)


def width_of_range(low, high):
    """Return the width of :func:`tie_width` from the lowest and the highest score of each row."""
    return _TIE_TOLERANCE * (high - low) + _ROUNDING * np.maximum(np.abs(high), np.abs(low))
