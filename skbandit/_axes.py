"""Reshape the state of any estimator by the axes that it declares.

An estimator declares ``_state_axes``, for instance ``{"gram_": ("arm", "term", "term")}``, and
builds its prior state for any size in ``_initial_state``. Growing, shrinking and reordering arms
or features is then one operation: build the prior state of the new size and copy into it what is
known.
"""

import numpy as np


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


def embed(prior, known, axes, sources):
    """Copy the known part of an old array into a new one that holds the prior.

    Parameters
    ----------
    prior : ndarray
        The new array, which is written to.
    known : ndarray
        The old array, of as many axes.
    axes : tuple of str
        The name of each axis.
    sources : dict of str to ndarray of int
        For a named axis, the old position of each new position (-1: new, keeps its prior). An axis
        that is not named keeps its order.
    """
    targets, origins = [], []
    for position, axis in enumerate(axes):
        index = sources.get(axis)
        if index is None:
            index = np.arange(prior.shape[position])
        targets.append(np.flatnonzero(index >= 0))
        origins.append(index[index >= 0])
    prior[np.ix_(*targets)] = known[np.ix_(*origins)]


def fill_arms(array, axes, new, taught):
    """Start new arms from what others learnt: the mean over `taught`, which may be one arm.

    Parameters
    ----------
    array : ndarray
        Written to along every axis named "arm".
    axes : tuple of str
    new, taught : ndarray of int
        Positions of the arms to fill, and of those to average.
    """
    for position, axis in enumerate(axes):
        if axis == "arm":
            view = np.moveaxis(array, position, 0)
            view[new] = view[taught].mean(axis=0)


def resized_state(estimator, n_arms, n_features, sources):
    """Return the state of `estimator` in a new size, as a dict of fresh arrays.

    Parameters
    ----------
    estimator : fitted bandit with ``_state_axes`` and ``_initial_state``
    n_arms, n_features : int
        The new size.
    sources : dict of str to ndarray of int
        See :func:`embed`.
    """
    state = estimator._initial_state(n_arms, n_features)
    for name, axes in estimator._state_axes.items():
        embed(state[name], getattr(estimator, name), axes, sources)
    return state
