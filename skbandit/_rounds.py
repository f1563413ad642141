"""Validation of rounds: contexts, arms, rewards, propensities, masks.

One place turns what a caller passes (labels, a log, DataFrames, masks) into arrays; it raises a
``ValueError`` or ``TypeError`` that names the argument, what came and the way out.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ._sklearn import _check_sample_weight


class Rounds(NamedTuple):
    """Checked rounds, one decision a row; a semi-bandit round is one row for each arm it "
    "played."""

    contexts: np.ndarray  # (n, d) or (n, n_candidates, d), or CSR (n, d)
    arm: np.ndarray  # (n,) integer index into the arms
    reward: np.ndarray | None  # (n,) float64; None means full feedback
    weight: np.ndarray | None  # (n,) float64; None means ones
    rows_per_round: int = 1  # so many consecutive rows are one round


def make_log(arm, reward, propensity=None):
    """Join what was played and what it paid into one array that can stand for ``y``.

    Parameters
    ----------
    arm : array-like of shape (n_samples,) or (n_samples, n_selected)
        The arm played in each round (a set of arms, best first, for semi-bandit feedback).
    reward : array-like of the shape of `arm`
        The reward that each arm played has paid, in any unit.
    propensity : array-like of the shape of `arm`, default=None
        The probability, in (0, 1], with which the logging policy played the arm. None: not known.

    Returns
    -------
    log : structured ndarray of shape (n_samples,)
        Fields ``arm``, ``reward`` and, where given, ``propensity``.

    Raises
    ------
    ValueError
        If lengths differ, a reward is not finite or a propensity lies outside (0, 1].

    See Also
    --------
    skbandit.environments.log_policy : Roll a policy out and return its log.

    Examples
    --------
    >>> from skbandit.base import make_log
    >>> log = make_log(["email", "push"], reward=[1.0, 0.0], propensity=[0.5, 0.25])
    >>> log["arm"].tolist(), log["reward"].tolist(), log["propensity"].tolist()
    (['email', 'push'], [1.0, 0.0], [0.5, 0.25])
    """
    arm = np.asarray(arm)
    if arm.ndim not in (1, 2):
        raise ValueError(
            f"arm must be of shape (n_samples,) or (n_samples, n_selected), got {arm.shape}."
        )
    if arm.dtype.kind == "O" and all(isinstance(label, str) for label in arm.flat):
        arm = arm.astype(str)
    columns = {"arm": arm, "reward": check_reward(reward, arm.shape)}
    if propensity is not None:
        columns["propensity"] = check_propensity(propensity, arm.shape)
    inner = arm.shape[1:]
    log = np.empty(arm.shape[0], dtype=[(name, c.dtype, inner) for name, c in columns.items()])
    for name, column in columns.items():
        log[name] = column
    return log


def _log_fields(y):
    names = getattr(getattr(y, "dtype", None), "names", None)
    if names is None:
        names = getattr(y, "columns", None)
    return None if names is None else [str(name) for name in names]


def split_log(y):
    """Take a log apart, or pass plain labels on.

    Returns
    -------
    arm, reward, propensity : `y` itself and two None for labels
    """
    fields = _log_fields(y)
    if fields is None or not {"arm", "reward"} & set(fields):
        return y, None, None
    if "arm" not in fields or "reward" not in fields:
        raise ValueError(
            "y looks like a log but lacks a field: a log has the fields 'arm' and 'reward' and, "
            f"where known, 'propensity'; got {fields}. Build it with skbandit.base.make_log."
        )
    propensity = np.asarray(y["propensity"]) if "propensity" in fields else None
    return np.asarray(y["arm"]), np.asarray(y["reward"]), propensity


def _as_float(values, name, shape):
    values = np.asarray(values)
    if values.dtype.kind not in "biufO":
        raise ValueError(f"{name} must hold real numbers, got dtype {values.dtype}.")
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold real numbers, got an object array with other content ({error})."
        ) from error
    if values.shape != shape:
        if values.shape == (shape[0], 1) and len(shape) == 1:
            return values[:, 0]
        raise ValueError(
            f"{name} must have shape {shape}, one number for each arm played, got {values.shape}."
        )
    return values


def check_reward(reward, shape):
    """Return `reward` as finite float64 of the given shape."""
    reward = _as_float(reward, "reward", shape)
    if not np.isfinite(reward).all():
        count = np.count_nonzero(~np.isfinite(reward))
        raise ValueError(
            f"reward contains NaN or infinity in {count} of {reward.size} entries. Drop the "
            f"rounds "
            "whose reward is not known yet, and learn from them when it is."
        )
    return reward


def check_propensity(propensity, shape):
    """Return `propensity` as float64 in (0, 1] of the given shape."""
    propensity = _as_float(propensity, "propensity", shape)
    bad = ~((propensity > 0) & (propensity <= 1))
    if bad.any():
        first = propensity[bad].flat[0]
        raise ValueError(
            f"propensity must lie in (0, 1], got {first} (and {bad.sum() - 1} more outside). It "
            f"is "
            "the probability with which the arm was played, so an arm that was played has one "
            "above "
            "0. Log what predict(X, return_propensity=True) returns."
        )
    return propensity


def check_available(available, shape, n_selected=1):
    """Return the mask of available arms as a boolean array, or None."""
    if available is None:
        if shape[1] < n_selected:
            raise ValueError(
                f"selector selects {n_selected} arms a round, but there are only {shape[1]} arms."
            )
        return None
    available = np.asarray(available)
    if available.dtype != bool:
        raise ValueError(
            f"available must be a boolean mask, got dtype {available.dtype}. Compare first, for "
            "instance stock > 0."
        )
    if available.shape != shape:
        raise ValueError(
            f"available must have shape (n_samples, n_arms) = {shape}, got {available.shape}."
        )
    counts = available.sum(axis=1)
    short = np.flatnonzero(counts < n_selected)
    if short.size:
        rows = ", ".join(map(str, short[:5])) + (", ..." if short.size > 5 else "")
        need = "no arm" if n_selected == 1 else f"fewer than {n_selected} arms"
        raise ValueError(
            f"available leaves {need} to play in {short.size} row(s): {rows}. Leave those rows "
            f"out, "
            "or make an arm available (a 'do nothing' arm, say)."
        )
    return available


def check_arms(arms):
    """Return the labels in `arms` as a one-dimensional array without repetition."""
    if isinstance(arms, (set, frozenset, dict, str, bytes)):
        raise ValueError(f"arms must be a list of labels in order, got {arms!r}.")
    labels = list(arms) if not hasattr(arms, "dtype") else arms
    array = np.asarray(labels)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"arms must be a non-empty one-dimensional sequence of labels, got shape "
            f"{array.shape}."
        )
    if array.dtype.kind in "US" and not all(isinstance(label, (str, bytes)) for label in labels):
        raise ValueError(
            f"arms must be labels of one type, all strings or all numbers; got {labels!r}."
        )
    if array.dtype.kind == "f":
        assert_all_finite(array, input_name="arms")
    try:
        unique = np.unique(array)
    except TypeError as error:
        raise ValueError(f"arms must be labels of one type that sort, got {labels!r}.") from error
    if unique.size < array.size:
        raise ValueError(f"arms must be distinct, got {array.tolist()}.")
    return array


def learn_arms(y):
    """Return the sorted distinct labels in `y`."""
    check_classification_targets(np.ravel(y))
    return np.unique(y)


def encode_arms(y, arms):
    """Turn labels into indexes into `arms`.

    Raises
    ------
    ValueError
        If a label is not in `arms`; the message names ``add_arms``.
    """
    if y.dtype.kind in "US" and arms.dtype.kind not in "USO":
        known = np.zeros(y.shape, dtype=bool)
    else:
        if y.dtype.kind == "O" or arms.dtype.kind == "O":
            lookup = {label: index for index, label in enumerate(arms.tolist())}
            try:
                index = [lookup.get(label, -1) for label in y.ravel().tolist()]
            except TypeError as error:
                raise ValueError(
                    f"y must hold labels, got an array of objects: {error}."
                ) from error
            index = np.array(index, dtype=np.intp).reshape(y.shape)
            known = index >= 0
        elif arms.dtype.kind in "US" and y.dtype.kind not in "US":
            known = np.zeros(y.shape, dtype=bool)
        elif _is_small_range(arms) and y.dtype.kind in "iu":
            # A table is several times as fast as a search, which matters for millions of rounds.
            table = np.full(int(arms.max()) + 2, -1, dtype=np.intp)
            table[arms] = np.arange(arms.size)
            place = np.where((y >= 0) & (y <= arms.max()), y, -1)
            index = table[place]
            known = index >= 0
        else:
            order = np.argsort(arms, kind="stable")
            place = np.searchsorted(arms[order], y).clip(max=arms.size - 1)
            index = order[place]
            known = arms[index] == y
    if not known.all():
        unknown = list(dict.fromkeys(np.ravel(y)[~np.ravel(known)].tolist()))
        shown = ", ".join(map(repr, unknown[:5])) + (", ..." if len(unknown) > 5 else "")
        raise ValueError(
            f"y contains arms that the bandit does not know: {shown}. Its arms are {_few(arms)}. "
            f"Use "
            "bandit.add_arms([...]) for a bandit that knows them too, or pass them in arms= at "
            "the "
            "start."
        )
    return index


def _is_small_range(arms):
    return arms.dtype.kind in "iu" and arms.min() >= 0 and arms.max() < 1 << 16


def _few(labels):
    labels = np.asarray(labels).tolist()
    return repr(labels) if len(labels) <= 10 else repr(labels[:10])[:-1] + ", ...]"


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


def check_contexts(bandit, X, *, reset, context_ndims=(2,)):
    """Validate contexts, set or check ``n_features_in_`` and ``feature_names_in_``.

    Returns
    -------
    contexts : ndarray (n, d) or (n, n_candidates, d), or CSR (n, d); float32 and float64 are kept
    """
    if _is_nested_list(X):
        X = np.asarray(X)
    ndim = getattr(X, "ndim", 2)
    if callable(ndim) or ndim == 3:
        if 3 not in context_ndims:
            raise ValueError(
                f"X has three dimensions, {X.shape}: Reshape your data to one context a row, or "
                f"use "
                "a bandit that scores candidates with features of their own "
                "(arm_model='shared' or 'hybrid')."
            )
        n_samples, n_candidates, n_features = X.shape
        if n_samples == 0 or n_candidates == 0:
            raise ValueError(f"X must hold at least one round and one candidate, got {X.shape}.")
        flat = validate_data(
            bandit,
            np.asarray(X).reshape(-1, n_features),
            dtype=[np.float64, np.float32],
            reset=reset,
        )
        return flat.reshape(n_samples, n_candidates, n_features)
    if 2 not in context_ndims and ndim == 2:
        raise ValueError(
            "X must have three dimensions, (n_samples, n_candidates, n_features): with "
            "arm_model='shared' every candidate has features of its own. Got "
            f"{getattr(X, 'shape', 'a list')}. Use arm_model='disjoint' for one context a row."
        )
    accept_sparse = "csr" if bandit.__sklearn_tags__().input_tags.sparse else False
    X = validate_data(
        bandit, X, accept_sparse=accept_sparse, dtype=[np.float64, np.float32], reset=reset
    )
    if sparse.issparse(X) and not X.has_canonical_format:
        # Entries that are given in parts must be added up before they are squared or hashed.
        X = X.copy()
        X.sum_duplicates()
    return X


def check_feedback(X, y, reward, sample_weight, n_selected):
    """Validate what was played and what it paid, still with labels.

    Returns
    -------
    arm : ndarray of labels (n,) or (n, k)
    reward : float64 of the shape of `arm`, or None for full feedback
    propensity : float64 of the shape of `arm`, or None
    weight : float64 (n,), or None
    """
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: y is the arm that was played in "
            "each round, or a log made by skbandit.base.make_log."
        )
    arm, logged_reward, propensity = split_log(y)
    if logged_reward is not None and reward is not None:
        raise ValueError(
            "reward was given twice: y is a log, which carries it, and reward= came too."
        )
    reward = logged_reward if reward is None else reward
    arm = np.asarray(arm)
    if arm.dtype.kind == "c":
        raise ValueError("Complex data not supported: y holds complex numbers.")
    if arm.ndim != 2 or (arm.shape[1] == 1 and n_selected is None):
        arm = column_or_1d(arm, warn=True)
    elif n_selected is None:
        raise ValueError(
            f"y has {arm.shape[1]} columns, but this bandit plays one arm a round. Use "
            "selector=TopKSelector(k) for sets of arms."
        )
    elif reward is None:
        raise ValueError(
            "y names a set of arms in each round: pass the reward of each in reward=."
        )
    else:
        ordered = np.sort(arm, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise ValueError("y must name distinct arms in each row; a row names one twice.")
    if arm.dtype.kind == "f":
        assert_all_finite(arm, input_name="y")
    check_consistent_length(X, arm)
    if reward is not None:
        reward = check_reward(reward, arm.shape)
    if propensity is not None:
        propensity = check_propensity(propensity, arm.shape)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    return arm, reward, propensity, sample_weight


def flatten_rounds(contexts, arm, reward, weight):
    """Make one row of each (round, arm played): semi-bandit feedback as plain rounds."""
    if arm.ndim == 1:
        return Rounds(contexts, arm, reward, weight)
    n_selected = arm.shape[1]
    rows = np.repeat(np.arange(arm.shape[0]), n_selected)
    return Rounds(
        contexts[rows],
        arm.ravel(),
        reward.ravel(),
        None if weight is None else weight[rows],
        n_selected,
    )


def take_rows(contexts, start, stop):
    """Return a block of contexts as float64 (C order), or a CSR block."""
    block = contexts[start:stop]
    if sparse.issparse(block):
        return block.astype(np.float64, copy=False)
    return np.ascontiguousarray(block, dtype=np.float64)
