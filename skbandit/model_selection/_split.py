"""Splits of logs in time."""

from itertools import pairwise
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length, check_scalar, column_or_1d

from .._rows import n_rows


class LogSplit(BaseCrossValidator):
    """Split a log in time: train on earlier rounds, test on later ones.

    What `sklearn.model_selection.TimeSeriesSplit` does with rows, this does with times, which are
    passed as `groups`. It serves where a log is not sorted, where rounds were decided in batches
    (a batch is never divided between training and test), and where rewards arrive late: with a
    `gap` in units of time, a policy is trained only on rewards that were known when its test
    begins.

    The distinct times are cut into ``n_splits + 1`` blocks of about equally many rounds. Fold k
    tests on block k + 1, and trains on all rounds that are earlier.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    gap : number or timedelta, default=None
        How much earlier than the first test round a training round must be, in units of the times;
        None means just earlier.
    max_train_span : number or timedelta, default=None
        Train only on rounds that are at most this much earlier than the first test round.

    See Also
    --------
    progressive_validation : Test on every round before learning from it.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.model_selection import LogSplit
    >>> hour = np.array([0, 0, 1, 1, 1, 2, 3, 3])
    >>> for train, test in LogSplit(n_splits=2).split(np.zeros((8, 1)), groups=hour):
    ...     print(train, test)
    [0 1] [2 3 4]
    [0 1 2 3 4] [5 6 7]
    """

    # Metadata routing passes groups without being asked, as for scikit-learn's group splitters.
    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, gap=None, max_train_span=None):
        self.n_splits = n_splits
        self.gap = gap
        self.max_train_span = max_train_span

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
        """
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Yield the rows to train on and those to test on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length counts.
        y : object
            Ignored.
        groups : array-like of shape (n_samples,), default=None
            The time of each round: numbers, dates, or whatever can be sorted (subtracted too, for
            `gap` and `max_train_span`). None takes the rows to be in order of time, at times 0, 1
            and so on.

        Yields
        ------
        train, test : ndarray of int
            Rows, in order of time.

        Raises
        ------
        ValueError
            If there are fewer times than folds need, or a fold has nothing to train on.
        """
        check_scalar(self.n_splits, "n_splits", Integral, min_val=1)
        time = self._times(X, groups)
        order = np.argsort(time, kind="stable")
        ordered = time[order]
        starts = self._starts(ordered)
        edges = [*starts, len(ordered)]
        for start, stop in pairwise(edges):
            first = ordered[start]
            known = start
            if self.gap is not None:
                known = min(start, np.searchsorted(ordered, first - self.gap, side="right"))
            oldest = 0
            if self.max_train_span is not None:
                oldest = np.searchsorted(ordered, first - self.max_train_span, side="left")
            if oldest >= known:
                raise ValueError(
                    f"no round is left to train on before the test that begins at {first}: "
                    f"gap={self.gap!r} and max_train_span={self.max_train_span!r} leave none. Use "
                    "fewer n_splits, a smaller gap or a longer span."
                )
            yield order[oldest:known], order[start:stop]

    def _times(self, X, groups):
        if groups is None:
            return np.arange(n_rows(X))
        time = column_or_1d(np.asarray(groups))
        check_consistent_length(X, time)
        missing = np.isnat(time) if time.dtype.kind in "mM" else time != time
        if np.any(missing):
            raise ValueError(f"groups has {np.sum(missing)} missing times; drop these rounds.")
        return time

    def _starts(self, ordered):
        """Return where each test block starts among the ordered rounds."""
        changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        n_samples, n_blocks = len(ordered), self.n_splits + 1
        if len(changes) < self.n_splits:
            raise ValueError(
                f"the log has rounds at {len(changes) + 1} distinct times, but n_splits="
                f"{self.n_splits} needs {n_blocks}. Use fewer splits, or finer times as groups."
            )
        starts, taken = [], -1
        for block in range(1, n_blocks):
            wanted = n_samples * block / n_blocks
            nearest = int(np.argmin(np.abs(changes - wanted)))
            # Later blocks need a change of time each.
            last = len(changes) - (self.n_splits - block) - 1
            taken = min(max(nearest, taken + 1), last)
            starts.append(int(changes[taken]))
        return starts
