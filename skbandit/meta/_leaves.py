"""Leaves of trees: sums of what fell into each, and what they say of an expected value.

Leaves of all trees are numbered through: those of one tree come after those of the one before.
Arrays in, arrays out.
"""

from typing import NamedTuple

import numpy as np

# Rounds that wait until they are added to the leaves; each new one costs a comparison with them.
_MOST_WAITING = 64
# Rows from which it is cheaper to add them first.
_FEW_ROWS = 32
# What is known of an arm from elsewhere counts as so many rounds.
_ELSEWHERE = 100.0


class LeafSums(NamedTuple):
    """Weighted sums over the rounds in each leaf; never written to.

    Rounds that came lately wait in rows of their own, so that one more does not cost a copy of
    all leaves.
    """

    weight: np.ndarray  # (n_leaves,)
    total: np.ndarray  # (n_leaves,) of the values
    square: np.ndarray  # (n_leaves,) of their squares
    late_leaf: np.ndarray  # (n_waiting, n_trees)
    late_weight: np.ndarray  # (n_waiting, n_trees)
    late_value: np.ndarray  # (n_waiting, n_trees)

    @classmethod
    def nothing(cls, n_leaves, n_trees):
        """Before any round."""
        none = np.zeros((0, n_trees))
        sums = (np.zeros(n_leaves) for _ in range(3))
        return cls(*sums, none.astype(np.intp), none, none)

    def and_of(self, leaf, value, weight):
        """With more rounds.

        Parameters
        ----------
        leaf : ndarray of int of shape (n_rows, n_trees)
        value, weight : ndarray that broadcasts to (n_rows, n_trees)

        Returns
        -------
        sums : LeafSums
        """
        more = leaf, np.broadcast_to(weight, leaf.shape), np.broadcast_to(value, leaf.shape)
        late = [np.concatenate(both) for both in zip(self[3:], more, strict=True)]
        new = LeafSums(*self[:3], *late)
        return new if len(new.late_leaf) <= _MOST_WAITING else new.settled()

    def settled(self):
        """The same sums, with no round that waits."""
        if not len(self.late_leaf):
            return self
        leaf, weight = self.late_leaf.ravel(), self.late_weight.ravel()
        value, n_leaves = self.late_value.ravel(), len(self.weight)
        more = (weight, weight * value, weight * value**2)
        sums = [
            known + np.bincount(leaf, part, minlength=n_leaves)
            for known, part in zip(self[:3], more, strict=True)
        ]
        return LeafSums(*sums, *(part[:0] for part in self[3:]))

    def settled_for(self, n_rows):
        """What is quickest to ask about so many rows."""
        return self.settled() if n_rows > _FEW_ROWS else self

    def of(self, leaf):
        """The sums of some leaves.

        Parameters
        ----------
        leaf : ndarray of int of shape (n_rows, n_trees)

        Returns
        -------
        weight, total, square : ndarray of shape (n_rows, n_trees)
        """
        if len(leaf) > _FEW_ROWS or not len(self.late_leaf):
            return self.settled()._known(leaf)
        sums = self._known(leaf)
        # Leaves of different trees have different numbers.
        weight = np.where(leaf[:, None] == self.late_leaf, self.late_weight, 0.0)
        valued = weight * self.late_value
        more = weight, valued, valued * self.late_value
        return tuple(known + part.sum(axis=1) for known, part in zip(sums, more, strict=True))

    def _known(self, leaf):
        return self.weight[leaf], self.total[leaf], self.square[leaf]


def leaf_moments(weight, total, square, prior_weight, prior_variance):
    r"""Mean of what fell into leaves, and the variance of that mean.

    With n, S and Q the weight, sum and sum of squares of the rounds in a leaf, and a prior of its
    variance that counts as :math:`\kappa` rounds of variance v,

    .. math::
        m = \frac{S}{n}, \quad
        s^2 = \frac{\kappa v + Q - S^2 / n}{\kappa + n}, \quad
        \operatorname{Var}(m) = \frac{s^2}{\kappa + n} .

    A leaf without rounds has mean 0. The mean is not shrunk: the average over trees does that.

    Parameters
    ----------
    weight, total, square : ndarray
    prior_weight : float > 0
    prior_variance : float

    Returns
    -------
    mean, variance : ndarray
    """
    count = prior_weight + weight
    mean = total / np.where(weight > 0.0, weight, 1.0)
    about = np.maximum(square - total * mean, 0.0)
    return mean, (prior_weight * prior_variance + about) / count**2


def joint_moments(weight, total, square, prior_weight, prior_variance):
    r"""Mean and variance of the expected value of each arm, from the leaves of all trees.

    With :math:`n_a`, :math:`S_a` and :math:`Q_a` the weight, sum and sum of squares of arm a's
    rounds in the leaves that a row falls into, averages over trees,

    .. math::
        m_a = \frac{S_a}{\kappa + n_a}, \quad
        s^2 = \frac{\kappa v + \sum_a (Q_a - S_a^2 / n_a)}{\kappa + \sum_a n_a}, \quad
        \operatorname{Var}(m_a) = \frac{s^2}{100 + n_a} .

    All arms share one prior mean, 0: an arm that was not played where the row falls is believed
    to pay what arms pay on the whole. Of that it is as sure as after 100 rounds; settings below
    explore more, and lose more on tables without noise.

    Parameters
    ----------
    weight, total, square : ndarray of shape (n_rows, n_arms)
    prior_weight : float > 0
    prior_variance : float

    Returns
    -------
    mean, variance : ndarray of shape (n_rows, n_arms)
    """
    about = np.maximum(square - total**2 / np.where(weight > 0.0, weight, 1.0), 0.0)
    noise = prior_weight * prior_variance + about.sum(axis=1, keepdims=True)
    noise = noise / (prior_weight + weight.sum(axis=1, keepdims=True))
    return total / (prior_weight + weight), noise / (_ELSEWHERE + weight)
