"""Validation of contexts: numbers, rows of any kind, or rows that are only counted."""

import numbers

import numpy as np
from scipy import sparse
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from ._rows import as_frame, n_rows, nw, take_rows, with_one_nan


def check_contexts(bandit, X, *, reset):
    """Validate contexts as the bandit's tags ask for; set or check its features and their names.

    Parameters
    ----------
    bandit : bandit
    X : contexts
    reset : bool
        Set ``n_features_in_`` and ``feature_names_in_``; False checks them.

    Returns
    -------
    contexts : ndarray or CSR
        (n, d) or (n, n_candidates, d), float32 or float64; or, where the tags say so, rows of any
        kind as they came.
    """
    tags = get_tags(bandit)
    kind = tags.bandit_tags.contexts
    if kind == "none":
        return _count_rows(bandit, X, reset)
    if kind == "numbers" or (kind == "any" and _is_numeric(X, tags.input_tags.string)):
        return _check_numbers(bandit, X, tags.input_tags, reset)
    return _check_rows(bandit, X, reset)


def _is_nested_list(X):
    """Say whether X is a list of rounds, each a list of candidates, each with several features."""
    sequence = (list, tuple)
    return (
        isinstance(X, sequence)
        and len(X) > 0
        and isinstance(X[0], sequence)
        and len(X[0]) > 0
        and isinstance(X[0][0], (*sequence, np.ndarray))
    )


def _check_numbers(bandit, X, input_tags, reset):
    if _is_nested_list(X):
        X = np.asarray(X)
    checks = {"dtype": [np.float64, np.float32], "reset": reset}
    if input_tags.allow_nan:
        checks["ensure_all_finite"] = "allow-nan"
    ndim = getattr(X, "ndim", 2)
    if callable(ndim) or ndim == 3:
        if not input_tags.three_d_array:
            raise ValueError(
                f"X has three dimensions, {X.shape}: Reshape your data to one context a row, or "
                "use a bandit that scores candidates with features of their own "
                "(arm_model='shared' or 'hybrid')."
            )
        n_samples, n_candidates, n_features = X.shape
        if n_samples == 0 or n_candidates == 0:
            raise ValueError(f"X must hold at least one round and one candidate, got {X.shape}.")
        flat = validate_data(bandit, np.asarray(X).reshape(-1, n_features), **checks)
        return flat.reshape(n_samples, n_candidates, n_features)
    if not input_tags.two_d_array and ndim == 2:
        raise ValueError(
            "X must have three dimensions, (n_samples, n_candidates, n_features): with "
            "arm_model='shared' every candidate has features of its own. Got "
            f"{getattr(X, 'shape', 'a list')}. Use arm_model='disjoint' for one context a row."
        )
    X = validate_data(bandit, X, accept_sparse="csr" if input_tags.sparse else False, **checks)
    if sparse.issparse(X) and not X.has_canonical_format:
        # Entries that are given in parts must be added up before they are squared or hashed.
        X = X.copy()
        X.sum_duplicates()
    if input_tags.allow_nan and not sparse.issparse(X):
        X = with_one_nan(X)
    return X


def _is_numeric(X, takes_text):
    """Say whether contexts that may be of any kind are an array of numbers after all."""
    if sparse.issparse(X):
        return True
    if as_frame(X) is not None:
        return False
    if isinstance(X, (list, tuple)):
        if not X:
            return False
        first = X[0]
        if isinstance(first, (list, tuple)) and first:
            first = first[0]
        return isinstance(first, (numbers.Number, np.ndarray, list, tuple))
    kind = getattr(getattr(X, "dtype", None), "kind", "f")
    return kind not in "USTOmM" or (kind == "O" and not takes_text)


def _check_some_rows(X):
    if n_rows(X) == 0:
        raise ValueError("X has 0 sample(s), but at least one row is needed.")


def _check_rows(bandit, X, reset):
    """Keep rows as they are; there must be some, of the columns that were learnt from."""
    _check_some_rows(X)
    frame = as_frame(X)
    if isinstance(frame, nw.DataFrame) and not frame.columns:
        raise ValueError("X has 0 feature(s), but at least one column is needed.")
    validate_data(bandit, X, skip_check_array=True, reset=reset)
    return X


def _count_rows(bandit, X, reset):
    """Keep rows that nobody looks at: there must be some, with or without columns.

    Columns are compared with those that were learnt from where both have any.
    """
    X = _as_keyed(X)
    _check_some_rows(X)
    if reset:
        # Rows without columns leave no number of features behind.
        bandit.__dict__.pop("n_features_in_", None)
    if reset or (_has_columns(X) and getattr(bandit, "n_features_in_", 0)):
        validate_data(bandit, X, skip_check_array=True, reset=reset)
    return X


def _as_keyed(X):
    """Rows in a form of which equal ones have equal keys: numbers in lists as an array."""
    if not hasattr(X, "shape") and hasattr(X, "__array__"):
        X = np.asarray(X)
    if isinstance(X, (list, tuple)) and _is_numeric(X, takes_text=True):
        try:
            X = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            return X
    if sparse.issparse(X):
        X = X.tocsr()
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
    if isinstance(X, np.ndarray):
        if X.ndim > 2:
            X = X.reshape(X.shape[0], -1)
        if X.dtype.kind == "f":
            X = with_one_nan(X)
    return X


def _has_columns(X):
    shape = getattr(X, "shape", ())
    return len(shape) == 2 and shape[1] > 0


def block_of(contexts, rows):
    """Return a block of checked contexts: numbers as float64 in C order, or CSR; else as it is."""
    block = take_rows(contexts, rows)
    if isinstance(block, np.ndarray):
        numeric = block.dtype.kind == "f"
        return np.ascontiguousarray(block, dtype=np.float64) if numeric else block
    return block.astype(np.float64, copy=False) if sparse.issparse(block) else block
