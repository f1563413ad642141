"""Adaptive windowing: how many of the last numbers have the same mean."""

from math import log
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from .._sklearn import Interval, StrOptions

_MAX_BUCKETS = 5


class AdaptiveWindow(BaseEstimator):
    r"""Keep the longest window of the last numbers in which their mean did not change.

    The window is cut wherever the means of an older and a newer part differ by more than

    .. math:: \epsilon = \sqrt{\frac{2}{m} \sigma^2 \log \frac{2 \log n}{\delta}}
              + \frac{2 R}{3 m} \log \frac{2 \log n}{\delta},

    with n numbers in the window, of variance :math:`\sigma^2` and range R, and m the harmonic mean
    of the two parts' sizes [1]_; the older part is then dropped. Where several cuts are possible,
    that of the most likely place of one change is taken. R is the range of the numbers in the
    window, which may have any unit.

    It is immutable: :meth:`extended` returns a new one.

    Parameters
    ----------
    delta : float in (0, 1), default=0.002
        Bound on the chance that numbers of one mean are cut somewhere at a given time.
    step : int, default=16
        Numbers are taken in by so many at a time; cuts lie between them.
    changes : {"up", "both"}, default="both"
        Which changes :attr:`n_changes` counts: a newer part of a higher mean, or of another one.
        The window is cut at both.

    Attributes
    ----------
    width : int
        How many numbers the window holds.
    mean : float
        Their mean; 0 where there are none.
    n_changes : int
        How many changes were found so far.

    Notes
    -----
    Memory and time a number are O(log n): older numbers are known by sums over blocks whose sizes
    double.

    References
    ----------
    .. [1] A. Bifet and R. Gavaldà (2007). Learning from time-changing data with adaptive
       windowing. SDM, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.drift import AdaptiveWindow
    >>> rng = np.random.RandomState(0)
    >>> window = AdaptiveWindow().extended(rng.randn(1000))
    >>> window.n_changes, window.width
    (0, 1000)
    >>> window = window.extended(rng.randn(300) + 2.0)
    >>> window.n_changes > 0, window.width < 400
    (True, True)
    """

    _parameter_constraints = {
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "step": [Interval(Integral, 1, None, closed="left")],
        "changes": [StrOptions({"up", "both"})],
    }
    # From the newest to the oldest (level, count, mean, square about the mean, lowest, highest); a
    # level's blocks hold about step * 2 ** level numbers.
    _blocks = ()
    _waiting = ()
    n_changes = 0

    def __init__(self, delta=0.002, step=16, changes="both"):
        self.delta = delta
        self.step = step
        self.changes = changes

    @property
    def width(self):
        """How many numbers the window holds."""
        return sum(block[1] for block in self._blocks) + len(self._waiting)

    @property
    def mean(self):
        """Mean of the window; 0 where it is empty."""
        blocks = [*self._blocks, *((0, 1, value, 0.0, value, value) for value in self._waiting)]
        return _joined(blocks)[2] if blocks else 0.0

    def extended(self, values):
        """Return a window that has seen more numbers; this one is untouched.

        Parameters
        ----------
        values : array-like of float of shape (n_values,)
            In the order in which they came.

        Returns
        -------
        window : AdaptiveWindow

        Raises
        ------
        ValueError
            If a number is not finite, or a parameter is out of range.
        """
        self._validate_params()
        values = np.asarray(values, dtype=np.float64).reshape(-1)
        if not np.isfinite(values).all():
            raise ValueError("values must be finite numbers, got NaN or infinity.")
        new = type(self)(**self.get_params(deep=False))
        new.n_changes = self.n_changes
        blocks = list(self._blocks)
        values = np.concatenate([self._waiting, values])
        n_whole = len(values) // self.step
        for part in values[: n_whole * self.step].reshape(n_whole, self.step):
            mean = float(part.mean())
            square = float(((part - mean) ** 2).sum())
            block = (0, self.step, mean, square, float(part.min()), float(part.max()))
            blocks.insert(0, block)
            _compress(blocks)
            new._cut(blocks)
        new._blocks, new._waiting = tuple(blocks), tuple(values[n_whole * self.step :].tolist())
        return new

    def _cut(self, blocks):
        """Drop the oldest blocks while a newer part has another mean."""
        while len(blocks) > 1:
            _, count, mean, square, lowest, highest = np.array(blocks).T
            total = count.sum()
            centre = count @ mean / total
            variance = (square.sum() + count @ (mean - centre) ** 2) / total
            newer = np.cumsum(count)[:-1]
            older = total - newer
            newer_mean = np.cumsum(count * mean)[:-1] / newer
            older_mean = (centre * total - newer_mean * newer) / older
            term = log(max(2.0 * log(total), 1.0) / self.delta)
            size = 1.0 / (1.0 / newer + 1.0 / older)
            bound = np.sqrt(2.0 * variance * term / size)
            bound += 2.0 * (highest.max() - lowest.min()) * term / (3.0 * size)
            step = newer_mean - older_mean
            found = np.abs(step) > bound
            if not found.any():
                return
            # The likeliest place of one change; what lies before it goes.
            place = int(np.argmax(np.where(found, step**2 * size, -1.0)))
            if step[place] > 0.0 or self.changes == "both":
                self.n_changes += 1
            del blocks[place + 1 :]


def _joined(blocks):
    """One block of several."""
    count = sum(block[1] for block in blocks)
    mean = sum(block[1] * block[2] for block in blocks) / count
    square = sum(block[3] + block[1] * (block[2] - mean) ** 2 for block in blocks)
    lowest, highest = min(block[4] for block in blocks), max(block[5] for block in blocks)
    return max(block[0] for block in blocks), count, mean, square, lowest, highest


def _compress(blocks):
    """Join the two oldest blocks of a level that has too many of them."""
    level, start = 0, 0
    while True:
        stop = start
        while stop < len(blocks) and blocks[stop][0] == level:
            stop += 1
        if stop - start <= _MAX_BUCKETS:
            return
        _, *rest = _joined(blocks[stop - 2 : stop])
        blocks[stop - 2 : stop] = [(level + 1, *rest)]
        level, start = level + 1, stop - 2
