"""Fitted trees of scikit-learn: which leaf a row falls into, and what is kept of each leaf."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import check_array

from .._rows import n_rows
from ._fitting import last_step
from ._leaves import LeafSums, leaf_moments

_TREES = DecisionTreeClassifier, DecisionTreeRegressor
_FORESTS = (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
_BOOSTED = (GradientBoostingRegressor,)
_JOINT = ExtraTreesRegressor, RandomForestRegressor, DecisionTreeRegressor


def check_has_leaves(estimator, arms_share):
    """Raise where the leaves of an estimator, once it is fitted, cannot be read.

    Parameters
    ----------
    estimator : estimator
    arms_share : bool
        Whether trees are grown for all arms at once, so that they need several outputs.

    Raises
    ------
    ValueError
        If it is no tree, forest or boosted trees of scikit-learn whose leaves are public.
    """
    last = last_step(estimator)
    name = type(last).__name__
    if not isinstance(last, _TREES + _FORESTS + _BOOSTED):
        raise ValueError(
            "estimator must have trees whose leaves can be read: a decision tree, random forest, "
            "extra-trees or GradientBoostingRegressor of scikit-learn, or a Pipeline that ends in "
            f"one; got {name}. Take one of these, or GreedyBandit, which needs no leaves."
        )
    if isinstance(last, _BOOSTED) and last.loss != "squared_error":
        raise ValueError(
            f"estimator must have loss='squared_error', got loss={last.loss!r}: its leaves hold "
            "means under that loss alone."
        )
    if arms_share and not isinstance(last, _JOINT):
        raise ValueError(
            "arm_model='mixed' and 'joint' need a DecisionTreeRegressor, RandomForestRegressor or "
            f"ExtraTreesRegressor, whose trees have several outputs, got {name}. Use "
            "arm_model='disjoint' or 'pooled'."
        )


def has_random_splits(estimator):
    """Whether scikit-learn may grow other trees on CSR than on the same rows as an array."""
    return isinstance(last_step(estimator), _FORESTS)


def n_trees(estimator):
    """How many trees a fitted estimator has."""
    return len(_trees(last_step(estimator)))


def _trees(last):
    if isinstance(last, _TREES):
        return [last]
    return np.ravel(last.estimators_).tolist()


def prepared(estimator, rows):
    """What the trees of a fitted estimator are asked about.

    Parameters
    ----------
    estimator : fitted estimator
    rows : rows of any kind

    Returns
    -------
    rows : ndarray or sparse matrix
        As the steps before the trees leave them.
    """
    while isinstance(estimator, Pipeline):
        if len(estimator.steps) > 1:
            rows = estimator[:-1].transform(rows)
        estimator = estimator.steps[-1][1]
    if isinstance(rows, np.ndarray) or sparse.issparse(rows):
        return rows
    return check_array(rows, dtype=np.float32, ensure_all_finite="allow-nan")


def leaves(estimator, rows, first_leaf):
    """Numbers of the leaves that rows fall into.

    Parameters
    ----------
    estimator : fitted estimator
    rows : ndarray or sparse matrix
        See :func:`prepared`.
    first_leaf : ndarray of int of shape (n_trees,)
        Number of the first node of each tree.

    Returns
    -------
    leaf : ndarray of int of shape (n_rows, n_trees)
    """
    last = last_step(estimator)
    if sparse.issparse(rows):
        leaf = np.asarray(last.apply(rows)).astype(np.intp).reshape(n_rows(rows), -1)
        return leaf + first_leaf
    # The checks of a forest take longer than all of its trees, which split in single precision.
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    leaf = np.empty((len(rows), len(first_leaf)), dtype=np.intp)
    for place, tree in enumerate(_trees(last)):
        leaf[:, place] = tree.tree_.apply(rows)
    return leaf + first_leaf


def first_leaves(estimator):
    """Number of the first node of each tree, and of what would be the next tree's."""
    counts = [tree.tree_.node_count for tree in _trees(last_step(estimator))]
    return np.append(0, np.cumsum(counts))


class Grown(NamedTuple):
    """A fitted estimator with trees, and the rounds in their leaves."""

    estimator: object
    first_leaf: np.ndarray  # (n_trees,) number of each tree's first node
    centre: float  # about which values are kept
    sums: LeafSums

    @classmethod
    def of(cls, estimator, rows, reward, weight):
        """With the rounds that it was fitted to.

        Parameters
        ----------
        estimator : fitted estimator
        rows : rows of any kind
        reward, weight : ndarray of shape (n_rows,)
        """
        first = first_leaves(estimator)
        sums = LeafSums.nothing(first[-1], len(first) - 1)
        centre = float(np.average(reward, weights=weight))
        return cls(estimator, first[:-1], centre, sums).and_of(rows, reward, weight)

    def and_of(self, rows, reward, weight):
        """With more rounds in the leaves of the same trees."""
        rows = prepared(self.estimator, rows)
        leaf = leaves(self.estimator, rows, self.first_leaf)
        value = reward[:, None] - self.centre
        if self._is_sum:
            value = reward[:, None] - self._stages_before(rows, leaf)
        return self._replace(sums=self.sums.and_of(leaf, value, weight[:, None]))

    @property
    def _is_sum(self):
        """Whether trees add up, in place of each having its say."""
        return isinstance(last_step(self.estimator), _BOOSTED)

    def _stages_before(self, rows, leaf):
        """What the stages before each one expect, (n_rows, n_trees)."""
        last = last_step(self.estimator)
        values = np.concatenate([tree.tree_.value[:, 0, 0] for tree in _trees(last)])
        after = np.cumsum(last.learning_rate * values[leaf], axis=1)
        before = np.hstack([np.zeros((len(leaf), 1)), after[:, :-1]])
        return before + self._start(rows)[:, None]

    def _start(self, rows):
        init = last_step(self.estimator).init_
        if isinstance(init, str):
            return np.zeros(n_rows(rows))
        return np.asarray(init.predict(rows), dtype=np.float64)

    def moments(self, rows, prior_weight, prior_variance):
        """Mean and variance of the expected reward.

        Parameters
        ----------
        rows : rows of any kind
        prior_weight : float
            How many rounds the prior of a leaf counts as.
        prior_variance : float
            Variance of a reward before any is known.

        Returns
        -------
        mean, variance : ndarray of shape (n_rows,)
        """
        rows = prepared(self.estimator, rows)
        sums = self.sums.of(leaves(self.estimator, rows, self.first_leaf))
        mean, variance = leaf_moments(*sums, prior_weight, prior_variance)
        if self._is_sum:
            rate = last_step(self.estimator).learning_rate
            return (
                self._start(rows) + rate * mean.sum(axis=1),
                rate**2 * variance.sum(axis=1),
            )
        return self.centre + mean.mean(axis=1), variance.mean(axis=1)
