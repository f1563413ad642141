"""Rounds and logs: arms, rewards, propensities and masks, checked.

One place turns what a caller passes (labels, a log, DataFrames, masks) into arrays; it raises a
``ValueError`` or ``TypeError`` that names the argument, what came and the way out.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ._axes import source_index
from ._rows import as_frame, n_rows, nw, take_rows
from ._sklearn import _check_sample_weight

_LOG_FIELDS = ("arm", "reward", "propensity", "cost", "quantity")
# A probability that was added up may exceed 1 by rounding, in float32 by a few times 1.2e-7.
_ROUNDING = 1e-6
# So many rounds, each with an arm of its own and no reward, are no classes but an encoded log.
_FEW_ROUNDS = 20


class Rounds(NamedTuple):
    """Checked rounds, one arm played a row; a round of a set is one row for each of its arms."""

    contexts: object  # (n, d) or (n, n_candidates, d) float array, CSR (n, d), or rows of any kind
    arm: np.ndarray  # (n,) integer index into the arms
    # (n,) float64, or (n, n_objectives) for models of several; None means full feedback.
    reward: np.ndarray | None
    weight: np.ndarray | None  # (n,) float64; None means ones
    rows_per_round: int = 1  # so many consecutive rows are one round
    propensity: np.ndarray | None = None  # (n,) float64, where a log carries them
    cost: np.ndarray | None = None  # (n,) float64, where a log carries them
    # (n, n_quantities) float64, where a log carries them; NaN for arms that take none.
    quantity: np.ndarray | None = None

    @property
    def weights(self):
        """Weight of each row, (n,): ones where none were given."""
        return np.ones(len(self.arm)) if self.weight is None else self.weight

    def spelt_out(self, n_arms):
        """Full feedback as plain rounds: every arm was played, and the one that is named paid 1.

        Parameters
        ----------
        n_arms : int

        Returns
        -------
        rounds : Rounds
            One row an arm or candidate; rounds with rewards come back as they are.
        """
        if self.reward is not None:
            return self
        n_samples = len(self.arm)
        rows = np.repeat(np.arange(n_samples), n_arms)
        arm = np.tile(np.arange(n_arms), n_samples)
        paid = (arm == self.arm[rows]).astype(np.float64)
        weight = None if self.weight is None else self.weight[rows]
        return Rounds(take_rows(self.contexts, rows), arm, paid, weight, n_arms)

    def total_weight(self):
        """Sum of the weights of all rows."""
        return float(len(self.arm)) if self.weight is None else float(self.weight.sum())


class LogColumns(NamedTuple):
    """A log taken apart, or plain labels: what is not there is None."""

    arm: object
    reward: object = None
    propensity: object = None
    cost: object = None
    quantity: object = None


class Feedback(NamedTuple):
    """What was played and what it paid, checked, still with labels."""

    arm: np.ndarray  # labels (n,) or (n, k)
    # float64 of the shape of `arm`, or (n, n_objectives); None for full feedback.
    reward: np.ndarray | None
    propensity: np.ndarray | None  # float64 of the shape of `arm`
    weight: np.ndarray | None  # float64 (n,)
    cost: np.ndarray | None = None  # float64 of the shape of `arm`
    quantity: np.ndarray | None = None  # float64 (n, n_quantities)


# ------------------------------------------------------------------------- logs
def make_log(arm, reward, propensity=None, *, cost=None, quantity=None):
    """Join what was played and what it paid into one array that can stand for ``y``.

    Parameters
    ----------
    arm : array-like of shape (n_samples,) or (n_samples, n_selected)
        The arm played in each round (a set of arms, best first, for semi-bandit feedback).
    reward : array-like of the shape of `arm`, or of shape (n_samples, n_objectives)
        The reward that each arm played has paid, in any unit; with one arm a round also several
        objectives, a column each.
    propensity : array-like of the shape of `arm`, default=None
        The probability, in (0, 1], with which the logging policy played the arm. None: not known.
        With quantities it is a density over them: the probability of the arm times the density of
        the quantity, in 1 over the units of the quantity, and may exceed 1.
    cost : array-like of the shape of `arm`, default=None
        What it has cost to play the arm, in any unit. None: not known, or nothing.
    quantity : array-like of shape (n_samples,) or (n_samples, n_quantities), default=None
        How much of the arm was played (a dose, a price, a bid), where arms take a number or a
        vector; NaN in rounds, or columns, that take none.

    Returns
    -------
    log : structured ndarray of shape (n_samples,)
        Fields ``arm``, ``reward`` and, where given, ``propensity``, ``cost`` and ``quantity``.

    Raises
    ------
    ValueError
        If lengths differ, a label is missing, a reward or cost is not finite, a quantity is
        infinite, or a propensity lies outside (0, 1] (with quantities: is not above 0).

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
    arm = as_labels(arm, "arm")
    if arm.ndim not in (1, 2):
        raise ValueError(
            f"arm must be of shape (n_samples,) or (n_samples, n_selected), got {arm.shape}."
        )
    columns = {"arm": arm, "reward": check_reward(reward, arm.shape, several=True)}
    if propensity is not None:
        columns["propensity"] = check_propensity(propensity, arm.shape, quantity is not None)
    if cost is not None:
        columns["cost"] = check_logged_cost(cost, arm.shape)
    if quantity is not None:
        columns["quantity"] = check_quantity(quantity, arm.shape)
    fields = [(name, column.dtype, column.shape[1:]) for name, column in columns.items()]
    log = np.empty(arm.shape[0], dtype=fields)
    for name, column in columns.items():
        log[name] = column
    return log


def split_log(y):
    """Take a log apart, or pass plain labels on.

    Returns
    -------
    columns : LogColumns
        `y` itself as the arm, for labels.
    """
    names = getattr(getattr(y, "dtype", None), "names", None)
    frame = as_frame(y) if names is None else None
    fields = names
    if isinstance(frame, nw.DataFrame):
        fields = [str(name) for name in frame.columns]
    if fields is None or not {"arm", "reward"} & set(fields):
        return LogColumns(y)
    if "arm" not in fields or "reward" not in fields:
        raise ValueError(
            "y looks like a log but lacks a field: a log has the fields 'arm' and 'reward' and, "
            f"where known, 'propensity', 'cost' and 'quantity'; got {list(fields)}. "
            "Build it with skbandit.base.make_log."
        )
    if frame is None:
        unread = [name for name in fields if name not in _LOG_FIELDS]
        if unread:
            raise ValueError(
                f"y is a log with the fields {unread}, which nothing reads. Leave them out: "
                "log[['arm', 'reward', 'propensity']]. A DataFrame may carry other columns."
            )
    columns = [y[name] if name in fields else None for name in _LOG_FIELDS]
    return LogColumns(columns[0], *(None if c is None else _as_numbers(c) for c in columns[1:]))


def _as_numbers(values):
    """A column of numbers as an array; a missing one is not a number."""
    series = as_frame(values)
    if isinstance(series, nw.Series) and series.dtype.is_numeric():
        return series.cast(nw.Float64).fill_null(np.nan).to_numpy()
    return np.asarray(values)


# ------------------------------------------------------------ rewards and chances
def _as_float(values, name, shape):
    values = _as_numbers(values)
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


def check_reward(reward, shape, several=False):
    """Return `reward` as finite float64 of the given shape.

    With `several`, one arm a round may also have several objectives, (n_samples, n_objectives).
    """
    if several and len(shape) == 1 and np.ndim(reward) == 2:
        # A column of one number a round stays a plain reward.
        n_objectives = np.shape(reward)[1]
        shape = shape if n_objectives == 1 else (*shape, n_objectives)
    reward = _as_float(reward, "reward", shape)
    if not np.isfinite(reward).all():
        count = np.count_nonzero(~np.isfinite(reward))
        raise ValueError(
            f"reward contains NaN or infinity in {count} of {reward.size} entries. Drop the "
            "rounds whose reward is not known yet, and learn from them when it is."
        )
    return reward


def check_logged_cost(cost, shape):
    """Return what was paid for the arms played, as finite float64 of the given shape."""
    cost = _as_float(cost, "cost", shape)
    if not np.isfinite(cost).all():
        raise ValueError(
            f"cost contains NaN or infinity in {np.count_nonzero(~np.isfinite(cost))} of "
            f"{cost.size} entries. An arm that costs nothing has cost 0."
        )
    return cost


def check_quantity(quantity, shape):
    """Return `quantity` as float64 of shape (n_samples, n_quantities); NaN is for none."""
    if len(shape) != 1:
        raise ValueError("quantity goes with one arm a round, not with sets of arms.")
    n_quantities = np.shape(quantity)[1] if np.ndim(quantity) == 2 else 1
    if np.ndim(quantity) < 2:
        quantity = _as_float(quantity, "quantity", shape)[:, None]
    else:
        quantity = _as_float(quantity, "quantity", (*shape, n_quantities))
    if np.isinf(quantity).any():
        raise ValueError("quantity contains infinity. Arms that take none have NaN.")
    return quantity


def check_propensity(propensity, shape, density=False):
    """Return `propensity` as float64 in (0, 1] of the given shape; rounding above 1 is cut off.

    With `density`, of a quantity, it may be any positive number.
    """
    propensity = _as_float(propensity, "propensity", shape)
    if density:
        bad = ~((propensity > 0) & np.isfinite(propensity))
        if bad.any():
            raise ValueError(
                "propensity must be positive and finite where it is the density of a quantity, "
                f"got {propensity[bad].flat[0]} in {bad.sum()} of {propensity.size} entries."
            )
        return propensity
    bad = ~((propensity > 0) & (propensity <= 1 + _ROUNDING))
    if bad.any():
        first = propensity[bad].flat[0]
        others = f" (and {bad.sum() - 1} more outside)" if bad.sum() > 1 else ""
        raise ValueError(
            f"propensity must lie in (0, 1], got {first}{others}. It is the probability with "
            "which the arm was played, so an arm that was played has one above 0. Log what "
            "predict(X, return_propensity=True) returns."
        )
    return np.minimum(propensity, 1.0)


# ------------------------------------------------------------------------- masks
def check_available(available, arms, n_samples, n_selected=1):
    """Return the mask of available arms as a boolean array, or None.

    Parameters
    ----------
    available : None, array-like or frame of bool of shape (n_samples, n_arms)
        Columns with labels are matched with the arms.
    arms : ndarray of shape (n_arms,)
    n_samples : int
    n_selected : int, default=1
    """
    if available is None:
        if len(arms) < n_selected:
            raise ValueError(
                f"selector selects {n_selected} arms a round, but there are only {len(arms)} arms."
            )
        return None
    frame = as_frame(available)
    if isinstance(frame, nw.DataFrame):
        available = _mask_of_frame(frame, arms)
    available = np.asarray(available)
    if available.dtype.kind == "O" and all(
        isinstance(v, (bool, np.bool_)) for v in available.flat
    ):
        available = available.astype(bool)
    if available.dtype != bool:
        raise ValueError(
            f"available must be a boolean mask, got dtype {available.dtype}. Compare first, for "
            "instance stock > 0."
        )
    shape = (n_samples, len(arms))
    if available.shape != shape:
        raise ValueError(
            f"available must have shape (n_samples, n_arms) = {shape}, got {available.shape}."
        )
    short = np.flatnonzero(available.sum(axis=1) < n_selected)
    if short.size:
        rows = ", ".join(map(str, short[:5])) + (", ..." if short.size > 5 else "")
        need = "no arm" if n_selected == 1 else f"fewer than {n_selected} arms"
        raise ValueError(
            f"available leaves {need} to play in {short.size} row(s): {rows}. Leave those rows "
            "out, or make an arm available (a 'do nothing' arm, say)."
        )
    return available


def check_logged_available(available, column):
    """Raise where a logged arm was not available; arms without a column (-1) may have been.

    Parameters
    ----------
    available : ndarray of bool of shape (n_samples, n_arms)
    column : ndarray of int of shape (n_samples,) or (n_samples, k)
    """
    column = column.reshape(len(available), -1)
    known = np.take_along_axis(available, np.maximum(column, 0), axis=1)
    rows = np.flatnonzero(((column >= 0) & ~known).any(axis=1))
    if rows.size:
        raise ValueError(
            f"available says that the logged arm was not available in {rows.size} row(s), the "
            f"first at {', '.join(map(str, rows[:3]))}. Columns of an array are arms in the order "
            "of classes_, those of a frame are matched by their labels; mend the mask, or drop "
            "these rounds."
        )


def _is_bool(value):
    return isinstance(value, (bool, np.bool_))


def _mask_of_frame(frame, arms):
    """A frame of booleans as an array whose columns are the arms in their order."""
    columns = []
    for column in _columns_of(frame, arms, "available"):
        values = column.to_list()
        if any(value is None for value in values) or column.null_count():
            raise ValueError(
                f"available holds missing values in column {column.name!r}. "
                "Fill them, for instance by mask.fillna(False)."
            )
        if not all(map(_is_bool, values)):
            raise ValueError(
                f"available must be a boolean mask, got dtype {column.dtype} in column "
                f"{column.name!r}. Compare first, for instance stock > 0."
            )
        columns.append(np.array(values, dtype=bool))
    return np.column_stack(columns)


def _columns_of(frame, arms, argument):
    """The columns of a frame in the order of the arms that they name."""
    names = list(frame.to_native().columns)
    labels = arms.tolist()
    place = {label: position for position, label in enumerate(names)}
    if not set(labels) <= set(names):
        # Names of columns may be texts where the arms are numbers.
        place = {str(label): position for position, label in enumerate(names)}
        labels = [str(label) for label in labels]
    if set(labels) == set(place) and len(names) == len(labels):
        order = [place[label] for label in labels]
    elif names == list(range(len(arms))):
        # Columns without names.
        order = range(len(arms))
    else:
        raise ValueError(
            f"{argument} has the columns {_few(names)}, but the arms are {_few(arms)}. Name one "
            "column an arm, in any order, or pass an array in the order of classes_."
        )
    return [frame.get_column(frame.columns[position]) for position in order]


# ------------------------------------------------------------------------- costs
def check_cost(cost, arms, n_samples):
    """Return what rows cost as float64, (n_samples, n_arms) or (n_samples,); None stays None.

    Parameters
    ----------
    cost : None, array-like of shape (n_samples,), or array-like or frame of (n_samples, n_arms)
        Columns with labels are matched with the arms.
    arms : ndarray of shape (n_arms,)
    n_samples : int
    """
    if cost is None:
        return None
    frame = as_frame(cost)
    if isinstance(frame, nw.DataFrame):
        cost = np.column_stack(
            [_as_numbers(column.to_native()) for column in _columns_of(frame, arms, "cost")]
        )
    cost = _as_numbers(cost)
    one_each = cost.ndim == 1
    shape = (n_samples,) if one_each else (n_samples, len(arms))
    if cost.shape != shape:
        raise ValueError(
            f"cost must have shape (n_samples, n_arms) = {(n_samples, len(arms))}, what each arm "
            f"costs in each row, or (n_samples,) = ({n_samples},), a factor for each row; got "
            f"{cost.shape}."
        )
    cost = check_logged_cost(cost, shape)
    if (cost < 0).any():
        raise ValueError(
            f"cost must not be negative, got {cost.min():g}. "
            "What an arm pays back belongs to its reward."
        )
    return cost


def arm_costs(cost, arms, owner):
    """Return what arms cost as an array (n_arms,).

    Parameters
    ----------
    cost : dict of label to number, array-like of shape (n_arms,), or number
    arms : ndarray of shape (n_arms,)
    owner : str
        Whose parameter it is, for messages.
    """
    labels = arms.tolist()
    if isinstance(cost, dict):
        place = source_index(list(cost), labels)
        if (place < 0).any():
            missing = [one for one, here in zip(labels, place, strict=True) if here < 0]
            raise ValueError(
                f"cost of {owner} says nothing of the arms {missing!r}; give each arm a cost, 0 "
                f"where it costs nothing. It has {list(cost)!r}."
            )
        values = list(cost.values())
        cost = [values[here] for here in place]
    try:
        cost = np.asarray(cost, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"cost of {owner} must hold numbers, got {cost!r}.") from error
    if cost.ndim == 0:
        cost = np.full(len(labels), float(cost))
    if cost.shape != (len(labels),):
        raise ValueError(
            f"cost of {owner} must have a number for each of the {len(labels)} arms {labels!r}, "
            f"got shape {cost.shape}."
        )
    if not np.isfinite(cost).all() or (cost < 0).any():
        raise ValueError(
            f"cost of {owner} must be finite and not negative, got {cost.tolist()!r}. "
            "What an arm pays back belongs to its reward."
        )
    return cost


# -------------------------------------------------------------------------- arms
def as_labels(values, name):
    """Return labels as an array of one kind: texts, integers, booleans, floats or other objects.

    Parameters
    ----------
    values : array-like, series or frame of labels
    name : str
        The argument, for messages.

    Returns
    -------
    labels : ndarray; texts as numpy's fixed-width strings, however they came

    Raises
    ------
    ValueError
        If a label is missing, or texts and numbers are mixed.
    """
    frame = as_frame(values)
    if frame is not None:
        array = _object_array(frame)
    elif isinstance(values, np.ndarray):
        array = values
    else:
        array = _sequence_array(values, name)
    if array.dtype.kind != "O" or array.size == 0:
        return array
    flat = array.ravel().tolist()
    missing = np.asarray(pd.isna(array.ravel()), dtype=bool)
    if missing.any():
        raise ValueError(
            f"{name} has a missing label in {missing.sum()} of {len(flat)} entries (None or NaN): "
            "it names no arm. Leave those rounds out."
        )
    kinds = {_kind_of_label(label) for label in flat}
    if len(kinds) > 1:
        raise ValueError(
            f"{name} must hold labels of one type, all strings or all numbers; got "
            f"{' and '.join(sorted({type(label).__name__ for label in flat}))}."
        )
    kind = kinds.pop()
    if kind is None:
        return array
    if kind is str:
        # A member of an enumeration of strings is that string, whatever str() makes of it.
        flat = [str.__str__(label) for label in flat]
    else:
        flat = [kind(label) for label in flat]
    return np.array(flat).reshape(array.shape)


def _object_array(frame):
    """Labels of a series or frame: numbers as numpy has them, all else as objects."""
    if isinstance(frame, nw.DataFrame):
        return np.column_stack([_object_array(column) for column in frame.iter_columns()])
    if frame.dtype.is_numeric() and not frame.null_count():
        return frame.to_numpy()
    array = np.empty(len(frame), dtype=object)
    array[:] = frame.to_list()
    return array


def _sequence_array(values, name):
    array = np.asarray(values)
    if array.dtype.kind in "USO":
        # numpy turns numbers beside texts, and members of enumerations, into texts.
        objects = np.asarray(values, dtype=object)
        return objects if objects.shape == array.shape else array
    return array


def _kind_of_label(label):
    for kind, types in (
        (str, str),
        (bool, (bool, np.bool_)),
        (int, (int, np.integer)),
        (float, (float, np.floating)),
    ):
        if isinstance(label, types):
            return kind
    return None


def check_arms(arms):
    """Return the labels in `arms` as a one-dimensional array without repetition."""
    if isinstance(arms, (set, frozenset, dict, str, bytes)):
        raise ValueError(f"arms must be a list of labels in order, got {arms!r}.")
    array = as_labels(arms, "arms")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            "arms must be a non-empty one-dimensional sequence of labels, got shape "
            f"{array.shape}."
        )
    if array.dtype.kind == "f":
        assert_all_finite(array, input_name="arms")
    try:
        unique = np.unique(array)
    except TypeError as error:
        raise ValueError(
            f"arms must be labels of one type that sort, got {array.tolist()!r}."
        ) from error
    if unique.size < array.size:
        raise ValueError(f"arms must be distinct, got {array.tolist()}.")
    return array


def learn_arms(y):
    """Return the sorted distinct labels in `y`."""
    check_classification_targets(np.ravel(y))
    return np.unique(y)


def check_not_encoded(arms, n_rounds):
    """Raise where every round of full feedback has an arm of its own.

    scikit-learn's tools that encode ``y`` as classes (``cross_val_predict`` with
    ``method="predict_proba"``) make such labels of a log.
    """
    if n_rounds >= _FEW_ROUNDS and len(arms) == n_rounds and arms.dtype.kind in "iu":
        raise ValueError(
            f"y names {len(arms)} arms in {n_rounds} rounds, and no rewards came: this is what a "
            "tool that encodes y as classes makes of a log. Use "
            "skbandit.model_selection.cross_val_predict in place of scikit-learn's, or pass "
            "arms= to the bandit."
        )


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
            "Use bandit.add_arms([...]) for a bandit that knows them too, or pass them in arms= "
            "at the start."
        )
    return index


def _is_small_range(arms):
    return arms.dtype.kind in "iu" and arms.min() >= 0 and arms.max() < 1 << 16


def _few(labels):
    labels = np.asarray(labels).tolist()
    return repr(labels) if len(labels) <= 10 else repr(labels[:10])[:-1] + ", ...]"


# ---------------------------------------------------------------------- feedback
def check_feedback(X, y, reward, sample_weight, n_selected):
    """Validate what was played and what it paid, still with labels.

    Returns
    -------
    feedback : Feedback
    """
    if y is None:
        raise ValueError(
            "requires y to be passed, but the target y is None: y is the arm that was played in "
            "each round, or a log made by skbandit.base.make_log."
        )
    arm, logged_reward, propensity, cost, quantity = split_log(y)
    if logged_reward is not None and reward is not None:
        raise ValueError(
            "reward was given twice: y is a log, which carries it, and reward= came too."
        )
    reward = logged_reward if reward is None else reward
    arm = as_labels(arm, "y")
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
        reward = check_reward(reward, arm.shape, several=True)
    if propensity is not None:
        propensity = check_propensity(propensity, arm.shape, quantity is not None)
    if cost is not None:
        cost = check_logged_cost(cost, arm.shape)
    if quantity is not None:
        quantity = check_quantity(quantity, arm.shape)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight,
            np.empty((n_rows(X), 1)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
    return Feedback(arm, reward, propensity, sample_weight, cost, quantity)


def flatten_rounds(contexts, arm, reward, weight, propensity=None, cost=None, quantity=None):
    """Make one row of each (round, arm played): semi-bandit feedback as plain rounds."""
    if arm.ndim == 1:
        return Rounds(
            contexts, arm, reward, weight, propensity=propensity, cost=cost, quantity=quantity
        )
    n_selected = arm.shape[1]
    rows = np.repeat(np.arange(arm.shape[0]), n_selected)
    return Rounds(
        take_rows(contexts, rows),
        arm.ravel(),
        reward.ravel(),
        None if weight is None else weight[rows],
        n_selected,
        None if propensity is None else propensity.ravel(),
        None if cost is None else cost.ravel(),
    )
