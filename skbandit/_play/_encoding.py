"""Contexts of categories and missing values as numbers, for models that take numbers alone."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from .._rows import as_frame, nw

# Of a column of labels; what is rarer counts together.
_MAX_CATEGORIES = 30
_LARGEST = 1e38
_TIMES = (nw.Datetime, nw.Date)
_LABELS = (nw.String, nw.Categorical, nw.Enum, nw.Object)


class _NoFeaturesError(ValueError):
    """A column of which no features can be made."""


def make_encoder(X):
    """Return a transformer that makes numbers of contexts, by what their columns hold.

    Numbers, booleans and times have missing entries replaced by the median, with a column that
    says where, and are standardised. Texts and categories become one column
    each of the 30 most frequent labels; all rarer ones, and those that come up later, share one.
    A missing label is a label.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or frame
        All rows that will be met: an integer column may have its first missing entry late.

    Returns
    -------
    encoder : transformer or None
        Not fitted. None where `X` is of finite numbers, or is no table of columns (sparse, texts).
    """
    columns = _columns(X)
    if columns is None:
        return None
    numbers = [place for place, column in enumerate(columns) if column.dtype.kind == "f"]
    labels = [place for place, column in enumerate(columns) if column.dtype.kind != "f"]
    if not labels and all(np.isfinite(column).all() for column in columns):
        return None
    number = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    # Without the scaler: ridge then shrinks the effect of a label by how few rounds show it.
    label = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=_MAX_CATEGORIES, sparse_output=False
    )
    return make_pipeline(
        FunctionTransformer(_as_table, kw_args={"numbers": tuple(numbers)}),
        ColumnTransformer([("numbers", number, numbers), ("labels", label, labels)]),
    )


def as_numbers(X):
    """Return contexts as trees take them: labels numbered by frequency, missing entries NaN.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), CSR matrix, frame, series or list

    Returns
    -------
    numbers : ndarray or CSR matrix of shape (n_samples, n_features), or None
        None where `X` is no table of columns, or one of lists.
    """
    if hasattr(X, "indptr"):
        return X if np.isfinite(X.data).all() else None
    try:
        columns = _columns(X)
    except _NoFeaturesError:
        return None
    if columns is None:
        return None
    # In the order of frequency, so that a split sets the usual labels apart from the rare ones.
    numbers = np.column_stack(
        [column if column.dtype.kind == "f" else _by_frequency(column) for column in columns]
    )
    # Trees split in float32, and refuse what is infinite there.
    return np.clip(numbers, -_LARGEST, _LARGEST)


def _by_frequency(column):
    code, known = pd.factorize(column)
    count = np.bincount(code[code >= 0], minlength=len(known))
    rank = np.empty(len(known))
    rank[np.argsort(-count, kind="stable")] = np.arange(len(known))
    return np.where(code < 0, np.nan, rank[code] if len(known) else np.nan)


def _as_table(X, numbers):
    """Return columns of float64 and of objects; which of them hold numbers is known."""
    columns = {}
    for place, column in enumerate(_columns(X)):
        if place in numbers and column.dtype.kind != "f":
            column = pd.to_numeric(pd.Series(column), errors="coerce").to_numpy(np.float64)
        elif place not in numbers and column.dtype.kind == "f":
            # A part of the rows may hold nothing but numbers, or nothing at all.
            column = _as_labels(column)
        columns[str(place)] = pd.Series(column, dtype=column.dtype)
    return pd.DataFrame(columns)


def _columns(X):
    """Return columns as float64 (numbers) or objects (labels, None where missing), or None."""
    if isinstance(X, np.ndarray):
        if X.ndim != 2:
            return None
        if X.dtype.kind in "biuf":
            return list(np.asarray(X, dtype=np.float64).T)
        if X.dtype.kind != "O":
            return [_as_labels(column) for column in X.T]
        X = pd.DataFrame(X).infer_objects()
    frame = as_frame(X)
    if not isinstance(frame, nw.DataFrame):
        return None
    return [_column(series) for series in frame.iter_columns()]


def _column(series):
    if series.dtype in _TIMES:
        series = series.cast(nw.Datetime).dt.timestamp("ms")
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        known = series.cast(nw.Float64).fill_null(np.nan)
        return np.array(known.to_numpy(), dtype=np.float64)
    if series.dtype not in _LABELS:
        raise _NoFeaturesError(
            f"column {series.name!r} of X holds {series.dtype}, of which no features can be made "
            "by default. Pass a model of your own that takes it, or drop the column."
        )
    return _as_labels(series.to_list())


def _as_labels(values):
    entries = np.empty(len(values), dtype=object)
    entries[:] = list(values)
    known = ~np.asarray(pd.isna(entries), dtype=bool)
    entries[known] = [str(entry) for entry in entries[known]]
    entries[~known] = None
    return entries
