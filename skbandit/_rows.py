"""Rows of any kind: arrays, CSR, frames, series and lists; counted, taken, joined and hashed.

Rows are rows by position, never by index label. Frames are those that narwhals knows (pandas and
polars among them). A row's key is a multilinear hash of its entries: zeros add nothing, so a dense
row, the same row in CSR form, in a frame of numbers or padded with zeros share one key.
"""

import numbers
from functools import lru_cache

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from scipy import sparse

_GOLDEN = 0x9E3779B97F4A7C15
# Multipliers of the splitmix64 finaliser (Steele, Lea & Flood 2014).
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BLOCK_ENTRIES = 1 << 16


def as_frame(X):
    """Return a frame or series as narwhals sees it, or None for what is neither."""
    if isinstance(X, (np.ndarray, list, tuple)) or sparse.issparse(X):
        return None
    frame = nw.from_native(X, eager_only=True, allow_series=True, pass_through=True)
    return frame if isinstance(frame, (nw.DataFrame, nw.Series)) else None


def n_rows(X):
    """Return how many rows there are.

    Parameters
    ----------
    X : ndarray, sparse matrix, frame, series or list

    Returns
    -------
    n_rows : int

    Examples
    --------
    >>> from skbandit.utils.rows import n_rows
    >>> n_rows(["a text", "another"])
    2
    """
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and shape:
        return int(shape[0])
    try:
        return len(X)
    except TypeError as error:
        raise ValueError(
            f"X must hold rows (an array, a frame or a list), got {type(X).__name__}. "
            "Reshape your data: a single row is [row]."
        ) from error


def take_rows(X, rows):
    """Return some rows, of the kind of `X`.

    Parameters
    ----------
    X : ndarray, sparse matrix, frame, series or list
    rows : slice, ndarray of int (positions) or ndarray of bool of shape (n_rows,)

    Returns
    -------
    part : of the kind of `X`

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.utils.rows import take_rows
    >>> take_rows(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if not isinstance(rows, slice):
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
    if isinstance(X, np.ndarray):
        return X[rows]
    if sparse.issparse(X):
        return X[rows] if hasattr(X, "indptr") else X.tocsr()[rows]
    frame = as_frame(X)
    if frame is not None:
        return frame[rows].to_native()
    if isinstance(rows, slice):
        return X[rows]
    return [X[row] for row in rows.tolist()]


def join_rows(parts):
    """Return the rows of parts of one kind, one after the other, in memory of their own.

    Parameters
    ----------
    parts : non-empty list of ndarray, sparse matrix, frame, series or list

    Returns
    -------
    rows : of the kind of the parts

    Examples
    --------
    >>> from skbandit.utils.rows import join_rows
    >>> join_rows([["a"], ["b", "c"]])
    ['a', 'b', 'c']
    """
    first = parts[0]
    if len(parts) == 1:
        return take_rows(first, np.arange(n_rows(first)))
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if sparse.issparse(first):
        return sparse.vstack(parts, format="csr")
    frame = as_frame(first)
    if frame is None:
        return [row for part in parts for row in part]
    if frame.implementation.is_polars():
        # An integer column of a frame may meet one of floats.
        how = "vertical_relaxed" if isinstance(frame, nw.DataFrame) else "vertical"
        return nw.get_native_namespace(frame).concat(parts, how=how)
    if frame.implementation.is_pandas():
        return _join_pandas(parts)
    return nw.concat([as_frame(part) for part in parts]).to_native()


def _join_pandas(parts):
    """Join pandas frames or series; categories are united, index labels start anew."""
    if isinstance(parts[0], pd.Series):
        joined = _join_pandas([part.to_frame("rows") for part in parts])["rows"]
        return joined.rename(parts[0].name)
    united = {
        name: pd.api.types.union_categoricals([part[name] for part in parts]).categories
        for name, dtype in parts[0].dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered
    }
    if united:
        parts = [
            part.assign(**{n: part[n].cat.set_categories(c) for n, c in united.items()})
            for part in parts
        ]
    return pd.concat(parts, ignore_index=True)


def append_columns(frame, columns):
    """Return a frame of the caller's kind with these columns, row by row by position.

    Parameters
    ----------
    frame : narwhals DataFrame
    columns : dict of str to ndarray of shape (n_rows,)
    """
    series = [
        nw.new_series(name, values, backend=frame.implementation)
        for name, values in columns.items()
    ]
    return frame.with_columns(*series).to_native()


def append_arm(X, arm, n_arms):
    """Return rows with the arm of each as one-hot columns behind their own.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), sparse matrix or frame
    arm : ndarray of int of shape (n_rows,)
        Below `n_arms`; -1 is none of them: zeros.
    n_arms : int

    Returns
    -------
    rows : of the kind of `X`
        The columns of a frame are called "arm 0", "arm 1" and so on; where its columns have
        numbers for names, by the next numbers.

    Raises
    ------
    ValueError
        If rows are no tables of columns.
    """
    known = np.flatnonzero(arm >= 0).astype(np.int32)
    column = arm[known].astype(np.int32)
    if sparse.issparse(X):
        entries = np.ones(known.size), (known, column)
        one_hot = sparse.csr_array(entries, shape=(arm.size, n_arms))
        return sparse.hstack([X, one_hot], format="csr")
    one_hot = np.zeros((arm.size, n_arms))
    one_hot[known, column] = 1.0
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return np.hstack([X, one_hot])
    frame = as_frame(X)
    if not isinstance(frame, nw.DataFrame):
        raise ValueError(
            f"The arm cannot be a feature beside rows in a {type(X).__name__}, which have no "
            "columns. Give an array or a frame, or take one model an arm."
        )
    if isinstance(X, pd.DataFrame) and not all(isinstance(name, str) for name in X.columns):
        first = 1 + max([len(X.columns), *(n for n in X.columns if isinstance(n, int))])
        names = range(first, first + n_arms)
        return pd.concat([X, pd.DataFrame(one_hot, index=X.index, columns=names)], axis=1)
    return append_columns(frame, {f"arm {one}": one_hot[:, one] for one in range(n_arms)})


# ---------------------------------------------------------------------- hashing
def mix(values):
    """Finalise an array of uint64 in place as splitmix64 does."""
    values ^= values >> np.uint64(30)
    values *= np.uint64(_MIX_1)
    values ^= values >> np.uint64(27)
    values *= np.uint64(_MIX_2)
    values ^= values >> np.uint64(31)
    return values


@lru_cache(maxsize=32)
def _column_multipliers(n_columns):
    """One odd pseudo-random multiplier a column, the same for any width."""
    columns = np.arange(1, n_columns + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    multipliers = mix(columns) | np.uint64(1)
    multipliers.flags.writeable = False
    return multipliers


def _entry_bits(entries):
    """Bijective mixing of float64 bits that keeps zero at zero."""
    # Adding 0.0 turns -0.0 into 0.0, and makes the copy that is mixed in place.
    bits = (entries + 0.0).view(np.uint64)
    # Small integers have all-zero low mantissa bits: bring the high bits down first.
    bits ^= bits >> np.uint64(32)
    bits *= np.uint64(_MIX_1)
    bits ^= bits >> np.uint64(29)
    return bits


def row_keys(X):
    """Hash each row to 64 bits.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...), sparse matrix, frame, series or list
        All axes but the first belong to the row. Entries are numbers, texts, categories (hashed by
        their label), times, or missing. Of an array of numbers those that are not a number must be
        ``np.nan`` itself.

    Returns
    -------
    keys : ndarray of shape (n_samples,), uint64
        Equal rows have equal keys on every machine.

    Examples
    --------
    >>> from skbandit.utils.rows import row_keys
    >>> keys = row_keys(["a", "b", "a"])
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    if not isinstance(X, np.ndarray):
        if sparse.issparse(X):
            return _sparse_keys(X)
        frame = as_frame(X)
        if frame is not None:
            return _joined_keys(_frame_columns(frame), n_rows(X))
        return _joined_keys([np.fromiter(X, dtype=object, count=len(X))], len(X))
    if X.dtype.kind not in "fbiu":
        columns = X.reshape(len(X), -1 if X.size else 0)
        return _joined_keys([columns[:, place] for place in range(columns.shape[1])], len(X))
    n_samples = X.shape[0]
    if X.ndim == 3:
        # A candidate's key is mixed before it is weighted by its place, so that features and
        # candidates of zeros add nothing.
        keys = mix(row_keys(X.reshape(-1, X.shape[2]))).reshape(n_samples, X.shape[1])
        return np.dot(keys, _column_multipliers(X.shape[1]))
    if X.ndim == 1:
        X = X[:, None]
    multipliers = _column_multipliers(X.shape[1])
    keys = np.empty(n_samples, dtype=np.uint64)
    block = max(1, _BLOCK_ENTRIES // max(1, X.shape[1]))
    for start in range(0, n_samples, block):
        rows = np.ascontiguousarray(X[start : start + block], dtype=np.float64)
        np.dot(_entry_bits(rows), multipliers, out=keys[start : start + block])
    return keys


def with_one_nan(entries):
    """Replace all bit patterns that are not a number, of which there are many, by one."""
    if np.isnan(entries.sum()):
        return np.where(np.isnan(entries), np.nan, entries)
    return entries


def _sparse_keys(X):
    X = X if hasattr(X, "indptr") and X.format == "csr" else X.tocsr()
    terms = _entry_bits(np.asarray(X.data, dtype=np.float64))
    terms *= _column_multipliers(X.shape[1])[X.indices]
    # Sums modulo 2**64 by differences of the running sum; wrapping cancels.
    running = np.zeros(terms.size + 1, dtype=np.uint64)
    np.cumsum(terms, out=running[1:])
    return running[X.indptr[1:]] - running[X.indptr[:-1]]


def _joined_keys(columns, n_samples):
    """Keys of rows whose columns, if there are any, are arrays of any dtype."""
    multipliers = _column_multipliers(len(columns))
    keys = np.zeros(n_samples, dtype=np.uint64)
    for column, multiplier in zip(columns, multipliers, strict=True):
        keys += _column_bits(column) * multiplier
    return keys


def _frame_columns(frame):
    series = frame.iter_columns() if isinstance(frame, nw.DataFrame) else [frame]
    return [_as_array(column) for column in series]


def _as_array(series):
    """A column as an array: float64 where it holds numbers, else objects, missing ones None."""
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        known = series.cast(nw.Float64)
        return np.array(known.fill_null(np.nan).to_numpy(), dtype=np.float64)
    values = np.empty(len(series), dtype=object)
    values[:] = series.to_list()
    return values


def _column_bits(column):
    """Bits of the entries of one column; numbers count as in an array of numbers."""
    if column.dtype.kind in "fbiu":
        return _entry_bits(with_one_nan(np.asarray(column, dtype=np.float64)))
    if column.dtype.kind in "mM":
        column = column.astype("datetime64[ns]" if column.dtype.kind == "M" else "m8[ns]")
        return _text_bits(column.astype(np.int64).astype(str).astype(object))
    # Entry by entry, so that what stands beside an entry does not change its bits.
    entries = column.astype(object)
    bits = np.full(len(entries), _entry_bits(np.array([np.nan]))[0])
    known = ~np.asarray(pd.isna(entries), dtype=bool)
    numeric = np.array([isinstance(entry, numbers.Real) for entry in entries], dtype=bool)
    bits[known & numeric] = _entry_bits(entries[known & numeric].astype(np.float64))
    # Texts stand for themselves, whatever else for how it is written.
    rest = entries[known & ~numeric]
    texts = [entry if isinstance(entry, str) else repr(entry) for entry in rest]
    bits[known & ~numeric] = _text_bits(np.array(texts, dtype=object))
    return bits


def _text_bits(texts):
    """Hash texts (SipHash under a fixed key)."""
    if not len(texts):
        return np.zeros(0, dtype=np.uint64)
    return mix(pd.util.hash_array(texts).astype(np.uint64) | np.uint64(1))
