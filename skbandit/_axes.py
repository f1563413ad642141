"""States of arrays with declared axes: reshaped by arms and features, and joined.

A bandit declares for every array of its state what each axis counts and how shards of it are
joined, and builds its prior state for any size. Growing, shrinking and reordering arms or features
is then one operation: build the prior state of the new size and copy into it what is known.
"""

from typing import NamedTuple

import numpy as np

from ._shares import blended, known_places

_MERGES = ("sum", "same", None)
_DROPS = ("slice", None)
_FEATURE_AXES = {"feature": (0, 0), "1+feature": (1, 0), "feature+1": (0, 1)}


class StateField:
    """What one array of a bandit's state holds.

    Parameters
    ----------
    *axes : str
        What each axis counts: "arm"; "feature"; "1+feature" or "feature+1" where a constant term
        comes first or last; any other name is an axis of fixed length.
    merge : {"sum", "same"} or None, default=None
        How shards are joined: the sum of theirs, or what all of them have in common. None: it is
        not said, and merging raises.
    drop : {"slice"} or None, default=None
        "slice": leaving out a feature's entries forgets it. That is so for a mean, a covariance or
        sums of squares; it is not so for a precision or a Gram matrix, where leaving out entries
        conditions on the feature instead of marginalising it out. None: it is not said, and
        dropping a feature raises. Of no concern to arrays without an axis of features.

    Examples
    --------
    >>> from skbandit.base import StateField
    >>> StateField("arm", "1+feature", merge="sum", drop="slice")
    StateField('arm', '1+feature', merge='sum', drop='slice')
    """

    def __init__(self, *axes, merge=None, drop=None):
        for name, value, allowed in (("merge", merge, _MERGES), ("drop", drop, _DROPS)):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {value!r}.")
        self.axes, self.merge, self.drop = axes, merge, drop

    def __repr__(self):
        words = [*map(repr, self.axes), f"merge={self.merge!r}", f"drop={self.drop!r}"]
        return f"StateField({', '.join(words)})"

    @property
    def has_features(self):
        """Whether an axis counts features."""
        return bool(set(self.axes) & set(_FEATURE_AXES))


class Resize(NamedTuple):
    """A change of arms and features."""

    arms: np.ndarray  # labels of the new arms
    arm_source: np.ndarray  # old position of each new arm; -1 for what is new
    shares: np.ndarray | None  # (n_new, n_old), of what old arms learnt in each new one's start
    n_features: int | None
    feature_source: np.ndarray  # old position of each new feature; -1 for what is new
    feature_names: np.ndarray | None

    @property
    def n_arms(self):
        """How many arms there are then."""
        return len(self.arms)

    @property
    def new_arms(self):
        """Positions of the arms that are new."""
        return np.flatnonzero(self.arm_source < 0)

    def dropped_features(self, n_before):
        """Old positions of the features that are gone."""
        return np.setdiff1d(np.arange(n_before or 0), self.feature_source)

    def moves_features(self, n_before):
        """Whether the features are other ones than before, or in another order."""
        return not np.array_equal(self.feature_source, np.arange(n_before))


def source_index(old, new):
    """Say where each label of `new` sits in `old`; -1 where it does not.

    Parameters
    ----------
    old, new : sequences of distinct hashable labels

    Returns
    -------
    index : ndarray of int of shape (len(new),)
    """
    place = {label: position for position, label in enumerate(old)}
    return np.array([place.get(label, -1) for label in new], dtype=np.intp)


def axis_source(axis, resize):
    """Old position of each new entry of an axis; None for an axis of fixed length."""
    if axis == "arm":
        return resize.arm_source
    if axis not in _FEATURE_AXES:
        return None
    first, last = _FEATURE_AXES[axis]
    source = np.where(resize.feature_source >= 0, resize.feature_source + first, -1)
    # Constant terms stay what they are; the last one comes after all the old features.
    before = [np.zeros(first, dtype=np.intp), source, np.full(last, -2, dtype=np.intp)]
    return np.concatenate(before)


def embed(prior, known, sources):
    """Copy the known part of an old array into one that holds the prior.

    Parameters
    ----------
    prior : ndarray
        The new array, which is written to.
    known : ndarray
        The old array, of as many axes.
    sources : list of ndarray of int or None
        For each axis the old position of each new one (-1: new, keeps its prior; -2: the last);
        None keeps the order.
    """
    targets, origins = [], []
    for length, size, source in zip(prior.shape, known.shape, sources, strict=True):
        index = np.arange(length) if source is None else np.where(source == -2, size - 1, source)
        targets.append(np.flatnonzero(index >= 0))
        origins.append(index[index >= 0])
    prior[np.ix_(*targets)] = known[np.ix_(*origins)]


def _names_of(state):
    return state._fields if hasattr(state, "_fields") else tuple(vars(state))


def _with(state, values):
    """A record of the same type with these values in place of its own."""
    if hasattr(state, "_replace"):
        return state._replace(**values)
    return type(state)(**{**vars(state), **values})


def check_fields(owner, state, fields):
    """Raise where the arrays of a state and the fields that are declared differ."""
    names = set(_names_of(state))
    if names != set(fields):
        raise TypeError(
            f"{owner} declares the state fields {sorted(fields)}, but its state has "
            f"{sorted(names)}: declare each in _state_fields, as a StateField with the name of "
            "each of its axes, or define _carry_state (transfer) and _merge_states (merging)."
        )


def carry_by_fields(owner, state, prior, fields, resize, n_arms, n_features):
    """Copy what is known into the prior state of another size, by the axes that are declared.

    Parameters
    ----------
    owner : str
        The name of the bandit, for messages.
    state, prior : records of arrays
        The old state, and the prior state of the new size.
    fields : dict of str to StateField
    resize : Resize
    n_arms, n_features : int
        The old size.

    Returns
    -------
    state : record of arrays
    """
    check_fields(owner, state, fields)
    dropped = resize.dropped_features(n_features)
    values = {}
    for name, declared in fields.items():
        old, new = np.asarray(getattr(state, name)), np.array(getattr(prior, name))
        _check_lengths(owner, name, declared, old, n_arms, n_features)
        if old.ndim != new.ndim:
            raise TypeError(
                f"_initial_state of {owner} gives {name!r} {new.ndim} axes, but what was learnt "
                f"has {old.ndim}."
            )
        _check_lengths(owner, name, declared, new, resize.n_arms, resize.n_features)
        for axis, before, after in zip(declared.axes, old.shape, new.shape, strict=True):
            if axis != "arm" and axis not in _FEATURE_AXES and before != after:
                raise TypeError(
                    f"{owner} declares an axis of {name!r} as {axis!r}, whose length would go "
                    f"from {before} to {after}, and only 'arm', 'feature', '1+feature' and "
                    "'feature+1' are known to change. Define _carry_state."
                )
        if dropped.size and declared.has_features and declared.drop is None:
            raise ValueError(
                f"{owner} does not say how a feature is dropped from {name!r}: declare "
                "StateField(..., drop='slice') where leaving out its entries forgets it (a mean, "
                "a covariance), and define _carry_state where it takes more (a precision has to "
                "be marginalised)."
            )
        embed(new, old, [axis_source(axis, resize) for axis in declared.axes])
        if resize.shares is not None:
            _teach(new, declared.axes, resize)
        values[name] = new
    return _with(prior, values)


def _teach(array, axes, resize):
    """Start new arms from shares of what others have, and for the rest from the prior."""
    for position, axis in enumerate(axes):
        if axis == "arm":
            view = np.moveaxis(array, position, 0)
            known = known_places(resize.arm_source, resize.shares)
            view[resize.new_arms] = blended(view[known], resize.shares, view[resize.new_arms])


def _check_lengths(owner, name, declared, array, n_arms, n_features):
    if array.ndim != len(declared.axes):
        raise TypeError(
            f"{owner} declares {len(declared.axes)} axes for {name!r}, but it has {array.ndim}."
        )
    sizes = {"arm": n_arms}
    if n_features is not None:
        sizes |= {axis: n_features + sum(ends) for axis, ends in _FEATURE_AXES.items()}
    for axis, length in zip(declared.axes, array.shape, strict=True):
        if axis in sizes and sizes[axis] != length:
            hint = (
                " Declare '1+feature' or 'feature+1' for a constant term before or after them."
                if axis in _FEATURE_AXES
                else ""
            )
            raise TypeError(
                f"{owner} declares an axis of {name!r} as {axis!r}, which is {sizes[axis]} long, "
                f"but it has the length {length}.{hint}"
            )


def merge_by_fields(owner, states, fields):
    """Join the states of shards, as their fields say.

    Parameters
    ----------
    owner : str
    states : list of records of arrays
        Of the same arms and features.
    fields : dict of str to StateField

    Returns
    -------
    state : record of arrays
    """
    first = states[0]
    check_fields(owner, first, fields)
    values = {}
    for name, declared in fields.items():
        parts = [np.asarray(getattr(state, name)) for state in states]
        if declared.merge == "sum":
            values[name] = np.sum(parts, axis=0)
        elif declared.merge == "same":
            if not all(np.array_equal(part, parts[0]) for part in parts):
                raise ValueError(
                    f"bandits must agree in {name!r} to be merged, but it differs between them."
                )
            values[name] = parts[0].copy()
        else:
            raise ValueError(
                f"{owner} does not say how {name!r} is joined: declare StateField(..., "
                "merge='sum') for sums over rounds, merge='same' for what all shards share, or "
                "define _merge_states (a posterior kept as mean and precision is no sum)."
            )
    return _with(first, values)
