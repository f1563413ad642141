"""How estimators serve arms: one each, one for all with the arm as a feature, or by candidates."""

import numpy as np

from .._rows import append_arm, n_rows


class Disjoint:
    """One estimator an arm, fitted to the rounds in which it was played."""

    # Whether there is an estimator for each arm, and whether arms are told apart at all.
    by_arm, tells_arms = True, True
    context_ndims = (2,)

    @staticmethod
    def kept(contexts, arm):
        """The rows of a round that are kept."""
        return contexts

    @staticmethod
    def design(rows, code, n_codes):
        """What estimators are fitted to, made of rows that were kept.

        Parameters
        ----------
        rows : rows of any kind
        code : ndarray of int of shape (n_rows,)
            Number of the one-hot column of each row's arm; -1 is none.
        n_codes : int
        """
        return rows

    @staticmethod
    def asked(contexts, place, code, n_codes):
        """The rows by which an estimator is asked about one arm.

        Parameters
        ----------
        contexts : rows of any kind
        place : int
            Of the arm, or candidate.
        code, n_codes : int
            As in :meth:`design`.
        """
        return contexts


class Pooled(Disjoint):
    """One estimator of all arms, which it sees as one-hot columns behind the contexts."""

    by_arm = False

    @staticmethod
    def design(rows, code, n_codes):
        """See :meth:`Disjoint.design`."""
        return append_arm(rows, code, n_codes)

    @staticmethod
    def asked(contexts, place, code, n_codes):
        """See :meth:`Disjoint.asked`."""
        return append_arm(contexts, np.full(n_rows(contexts), code), n_codes)


class Shared(Disjoint):
    """One estimator of candidates, each of which has features of its own."""

    by_arm, tells_arms = False, False
    context_ndims = (3,)

    @staticmethod
    def kept(contexts, arm):
        """See :meth:`Disjoint.kept`: those of the candidate that was played."""
        return contexts[np.arange(len(arm)), arm]

    @staticmethod
    def asked(contexts, place, code, n_codes):
        """See :meth:`Disjoint.asked`."""
        return contexts[:, place]


ARM_MODELS = {"disjoint": Disjoint, "pooled": Pooled, "shared": Shared}
