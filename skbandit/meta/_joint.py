"""Trees that are grown for all arms at once; their leaves keep the rounds of each arm apart."""

from typing import NamedTuple

import numpy as np

from ._arm_models import Disjoint
from ._fitting import fitted
from ._grown import first_leaves, leaves, prepared
from ._leaves import LeafSums


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
        known = joint.code >= 0
        leaf = self._leaves(joint.rows)[known]
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
    centre = float(np.average(reward, weights=weight))
    target = np.zeros((len(reward), joint.n_codes))
    target[np.arange(len(reward)), joint.code] = reward - centre
    grown = fitted(estimator, joint.rows, target, weight, seed)
    first = first_leaves(grown)
    none = LeafSums.nothing(first[-1] * joint.n_codes, len(first) - 1)
    new = GrownJoint(grown, first[:-1], centre, joint.n_codes, none)
    return new.and_of(joint, reward, weight)
