"""Rows whose features are dropped, added or put in another order."""

import numpy as np
from scipy import sparse

from .._rows import as_frame, n_rows, nw


def with_features(rows, source):
    """Return rows with other features; new ones are 0.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), sparse matrix or frame
    source : ndarray of int of shape (n_new_features,)
        Old position of each new feature; -1 for what is new.

    Returns
    -------
    rows : of the kind of `rows`

    Raises
    ------
    ValueError
        If a frame, or rows without columns, should have new features: nobody knows what their
        entries would have been.
    """
    if sparse.issparse(rows):
        n_samples, n_known = rows.shape
        padded = sparse.hstack([rows, sparse.csr_array((n_samples, 1))], format="csr")
        return padded[:, np.where(source < 0, n_known, source)]
    if isinstance(rows, np.ndarray) and rows.ndim == 2:
        new = np.zeros((n_rows(rows), len(source)), dtype=rows.dtype)
        new[:, source >= 0] = rows[:, source[source >= 0]]
        return new
    frame = as_frame(rows)
    if not isinstance(frame, nw.DataFrame) or (source < 0).any():
        raise ValueError(
            f"Features of rows in a {type(rows).__name__} cannot be added to rounds that were "
            "learnt. Fit a bandit to the log, with the new columns filled in."
        )
    return frame.select([frame.columns[place] for place in source]).to_native()
