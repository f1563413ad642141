"""Trees that are grown for all arms at once; their leaves keep the rounds of each arm apart."""

from typing import NamedTuple

import numpy as np

from .._random import derived_seed
from .._rows import append_arm, n_rows, take_rows
from ._arm_models import Disjoint
from ._fitting import fitted, last_step
from ._grown import Grown, first_leaves, leaves, prepared
from ._leaves import LeafSums, joint_moments

# Of the expected reward, what comes from the trees that see the arm as a feature.
_POOLED_SHARE = 0.6


class JointRows(NamedTuple):
    """Rows of all arms, and which arm each is of."""

    rows: object
    code: np.ndarray  # (n_rows,), -1 for an arm that is not told apart
    n_codes: int


class Joint(Disjoint):
    """One estimator with an output for each arm."""

    by_arm = False

    @staticmethod
    def design(rows, code, n_codes):
        """See :meth:`Disjoint.design`."""
        return JointRows(rows, np.asarray(code), n_codes)


class Mixed(Joint):
    """One estimator with an output for each arm, and one which sees the arm as a feature."""


class GrownJoint(NamedTuple):
    """Fitted trees with an output for each arm, and the rounds in their leaves."""

    estimator: object
    first_leaf: np.ndarray  # (n_trees,) number of each tree's first node
    centre: float  # about which rewards are kept
    n_codes: int
    sums: LeafSums  # of each leaf and arm

    def and_of(self, joint, reward, weight):
        """With more rounds; those of arms that the trees do not know wait for the next fit.

        Parameters
        ----------
        joint : JointRows
        reward, weight : ndarray of shape (n_rows,)
        """
        return self._and_of(joint, self._leaves(joint.rows), reward, weight)

    def _and_of(self, joint, leaf, reward, weight):
        known = joint.code >= 0
        leaf = leaf[known]
        cell = leaf * self.n_codes + joint.code[known, None]
        value = (reward[known] - self.centre)[:, None]
        return self._replace(sums=self.sums.and_of(cell, value, weight[known, None]))

    def sums_of(self, rows, codes):
        """Weight, sum and sum of squares of each arm's rounds, averages over trees.

        Parameters
        ----------
        rows : rows of any kind
        codes : ndarray of int of shape (n_arms,)
            Of each arm; -1 for one that the trees do not know.

        Returns
        -------
        sums : ndarray of shape (3, n_rows, n_arms)
        """
        return self.sums_in(self._leaves(rows), codes)

    def sums_in(self, leaf, codes):
        """As :meth:`sums_of`, for leaves, (n_rows, n_trees)."""
        cell = leaf * self.n_codes
        known = self.sums.settled_for(len(cell))
        sums = np.zeros((3, len(cell), len(codes)))
        for place in np.flatnonzero(codes >= 0):
            for part, own in zip(sums, known.of(cell + codes[place]), strict=True):
                part[:, place] = own.mean(axis=1)
        return sums

    def moments(self, rows, codes, prior_weight, prior_variance):
        """Mean and variance of the expected reward of each arm.

        Parameters
        ----------
        rows : rows of any kind
        codes : ndarray of int of shape (n_arms,)
        prior_weight, prior_variance : float
            See :func:`~skbandit.meta._leaves.joint_moments`.

        Returns
        -------
        mean, variance : ndarray of shape (n_rows, n_arms)
        """
        return self._moments_in(self._leaves(rows), codes, prior_weight, prior_variance)

    def _moments_in(self, leaf, codes, prior_weight, prior_variance):
        sums = self.sums_in(leaf, codes)
        mean, variance = joint_moments(*sums, prior_weight, prior_variance)
        return self.centre + mean, variance

    def _leaves(self, rows):
        return leaves(self.estimator, prepared(self.estimator, rows), self.first_leaf)


def joint_fit(estimator, joint, reward, weight, seed):
    """Grow trees for all arms.

    A round has its reward, about the mean of all, in the column of its arm and 0 elsewhere: rows
    fall together where the same arms pay.

    Parameters
    ----------
    estimator : regressor with trees that have several outputs
    joint : JointRows
    reward, weight : ndarray of shape (n_rows,)
    seed : int

    Returns
    -------
    grown : GrownJoint
    """
    return _joint_and_rows(estimator, joint, reward, weight, seed)[0]


def _joint_and_rows(estimator, joint, reward, weight, seed):
    """Trees for all arms, and the rows as the steps before them leave them."""
    centre = float(np.average(reward, weights=weight))
    target = np.zeros((len(reward), joint.n_codes))
    about = _target(last_step(estimator), reward, centre, weight)
    target[np.arange(len(reward)), joint.code] = about
    grown = fitted(estimator, joint.rows, target, weight, seed)
    first = first_leaves(grown)
    none = LeafSums.nothing(first[-1] * joint.n_codes, len(first) - 1)
    new = GrownJoint(grown, first[:-1], centre, joint.n_codes, none)
    rows = prepared(grown, joint.rows)
    leaf = leaves(grown, rows, new.first_leaf)
    return new._and_of(joint, leaf, reward, weight), rows


def _target(trees, reward, centre, weight):
    """Rewards about their mean, in a unit in which trees meet no rounding.

    Where splits are equally good rounding would choose one, and a variance above 2e-16 is split
    further, rounding or not. Sums of whole numbers are exact; below 1 / 1024 their variances are
    rounding or far above that. Who asks for a decrease of the variance means that of rewards.
    """
    about = reward - centre
    if trees.min_impurity_decrease > 0.0:
        return about
    spread = np.sqrt(np.average(about**2, weights=weight))
    if spread <= 1e-9 * abs(centre):
        # Rewards that are alike differ by rounding.
        return np.zeros(len(about))
    return np.round(about / spread * 2.0**20) / 2.0**30


class GrownMixed(NamedTuple):
    """Trees with an output for each arm, and others that see the arm as a feature."""

    joint: GrownJoint
    pooled: Grown

    def and_of(self, joint, reward, weight):
        """See :meth:`GrownJoint.and_of`."""
        rows = prepared(self.joint.estimator, joint.rows)
        leaf = leaves(self.joint.estimator, rows, self.joint.first_leaf)
        known = np.flatnonzero(joint.code >= 0)
        design = append_arm(take_rows(rows, known), joint.code[known], joint.n_codes)
        return GrownMixed(
            self.joint._and_of(joint, leaf, reward, weight),
            self.pooled.and_of(design, reward[known], weight[known]),
        )

    def moments(self, rows, codes, prior_weight, prior_variance):
        """See :meth:`GrownJoint.moments`; the width is that of the first trees."""
        joint, known = self.joint, np.flatnonzero(codes >= 0)
        rows = prepared(joint.estimator, rows)
        leaf = leaves(joint.estimator, rows, joint.first_leaf)
        mean, variance = joint._moments_in(leaf, codes, prior_weight, prior_variance)
        every = take_rows(rows, np.repeat(np.arange(n_rows(rows)), len(known)))
        design = append_arm(every, np.tile(codes[known], n_rows(rows)), joint.n_codes)
        pooled, _ = self.pooled.moments(design, prior_weight, prior_variance)
        pooled = pooled.reshape(n_rows(rows), len(known))
        mean[:, known] += _POOLED_SHARE * (pooled - mean[:, known])
        return mean, variance


def mixed_fit(estimator, pooled, joint, reward, weight, seed):
    """Grow trees for all arms, and others on what the steps before them make of the rows.

    Parameters
    ----------
    estimator : regressor with trees that have several outputs, or a Pipeline that ends in one
    pooled : callable
        From a number of features to the regressor that sees the arm.
    joint : JointRows
    reward, weight : ndarray of shape (n_rows,)
    seed : int

    Returns
    -------
    grown : GrownMixed
    """
    first, rows = _joint_and_rows(estimator, joint, reward, weight, seed)
    design = append_arm(rows, joint.code, joint.n_codes)
    trees = pooled(rows.shape[1])
    target = _target(trees, reward, first.centre, weight)
    second = fitted(trees, design, target, weight, derived_seed(seed, 1))
    return GrownMixed(first, Grown.of(second, design, reward, weight))
