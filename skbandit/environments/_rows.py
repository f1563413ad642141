"""Rows of contexts, and columns of arms."""

import numpy as np


def take(contexts, rows):
    """Return some rows of an array, a CSR matrix or a DataFrame, of the same kind.

    Parameters
    ----------
    contexts : ndarray, CSR matrix or DataFrame
    rows : slice or ndarray of int

    Returns
    -------
    part : of the type of `contexts`
    """
    return contexts.iloc[rows] if hasattr(contexts, "iloc") else contexts[rows]


class ArmColumns:
    """Turn labels of arms into columns of an environment's tables.

    Parameters
    ----------
    arms : ndarray of shape (n_arms,)
        The labels, in the order of the columns.

    Attributes
    ----------
    labels : ndarray of shape (n_arms,)
    """

    def __init__(self, arms):
        self.labels = np.asarray(arms)
        self._order = np.argsort(self.labels)
        self._sorted = self.labels[self._order]

    def __call__(self, played):
        """Return the column of each label; an array of the shape of `played`."""
        played = np.asarray(played)
        # numpy would turn numbers into strings to compare them; 1 is not "1".
        if (played.dtype.kind in "biuf") == (self._sorted.dtype.kind in "biuf"):
            place = np.searchsorted(self._sorted, played)
            place = np.minimum(place, len(self._sorted) - 1)
            known = self._sorted[place] == played
        else:
            known = np.zeros(played.shape, dtype=bool)
        if not known.all():
            unknown = played[~known][0]
            raise ValueError(
                f"The policy played the arm {unknown!r}, which the environment does not have: its "
                f"arms are {self.labels.tolist()}. Make the policy with arms=environment.arms."
            )
        return self._order[place]
