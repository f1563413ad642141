"""Bootstrap of smooth functions of means, by matrix products over blocks."""

from functools import lru_cache
from math import factorial

import numpy as np
from sklearn.utils import check_random_state

from ._groups import sum_by_group

# Entries of one block of resampling weights: 32 MiB as float64.
_BLOCK_ENTRIES = 1 << 22
# From here on a round's number of repetitions is Poisson(1): the rounds are then so many that a
# resample's size, which the mean divides out, hardly varies.
_POISSON_FROM = 1 << 12
_N_TABLE = 1 << 16


@lru_cache(maxsize=1)
def _poisson_table():
    """Poisson(1) as a table over 16-bit integers, with mean and variance 1 exactly."""
    counts = np.arange(12)
    shares = np.array([np.exp(-1) / factorial(k) for k in counts])
    slots = np.round(shares * _N_TABLE).astype(np.int64)
    # Rounding left the sums of 1, k and k^2 slightly off: mend them in the slots of 0, 1 and 2.
    off_one = _N_TABLE - slots.sum()
    off_mean = _N_TABLE - counts @ slots
    off_square = 2 * _N_TABLE - counts**2 @ slots
    two = (off_square - off_mean) // 2
    one = off_mean - 2 * two
    slots[:3] += np.array([off_one - one - two, one, two])
    table = np.repeat(counts.astype(np.float64), slots)
    table.flags.writeable = False
    return table


def bootstrap_distribution(estimate, *, n_resamples=1000, random_state=None):
    """Values of an estimate over resampled logs.

    Rounds are resampled with replacement. Below 4,096 rounds the repetitions are multinomial; for
    longer logs they are independent Poisson(1), which differs by the order of 1 / n and needs no
    pass over the resamples (Chamandy et al. 2012). Memory does not grow with `n_resamples` times
    rounds. Where rounds belong to groups, groups are resampled in their place, each with all of
    its rounds, and means are over the rounds that were drawn (Davison & Hinkley 1997).

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned, or a difference of two.
    n_resamples : int, default=1000
        Number of resampled logs.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples. One seed gives the same resamples to two estimates on the same rounds.

    Returns
    -------
    values : ndarray of shape (n_valid_resamples,)
        Resamples in which the value is undefined (no round with a positive weight) are left out.

    Raises
    ------
    ValueError
        If `n_resamples` is below 2, there is a single group, or the value is undefined in all
        resamples.

    References
    ----------
    Efron (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7. Davison
    & Hinkley (1997), Bootstrap Methods and their Application, section 3.8.
    Chamandy, Muralidharan, Najmi & Naidu (2012), Estimating uncertainty for massive data streams.

    Examples
    --------
    >>> from skbandit.metrics import bootstrap_distribution, mean_value
    >>> values = bootstrap_distribution(mean_value(reward=[0., 1.] * 50), random_state=0)
    >>> values.shape, bool(abs(values.std() - 0.05) < 0.005)
    ((1000,), True)
    """
    if n_resamples < 2:
        raise ValueError(f"n_resamples must be at least 2; got {n_resamples!r}. 1000 is usual.")
    if estimate.groups is not None and estimate.n_groups < 2:
        raise ValueError(
            "a bootstrap needs at least 2 groups; the log has 1. Only its value can be used."
        )
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.Generator(np.random.SFC64(seed))
    # Deviations from the mean keep the sums small, and with them their rounding.
    deviations = sum_by_group(estimate.weighted_columns - estimate.means, estimate.groups)
    size = sum_by_group(np.ones(estimate.n_samples), estimate.groups)
    columns = np.column_stack([deviations, size])
    resampled = _multinomial_sums if estimate.n_groups < _POISSON_FROM else _poisson_sums
    sums = resampled(columns, n_resamples, rng)
    shifts = sums[:, :-1] / sums[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = estimate.evaluate(estimate.means + shifts)
    values = values[np.isfinite(values)]
    if values.size < 2:
        raise ValueError(
            "the value is undefined in all resamples: too few rounds have a positive weight. "
            "Evaluate a policy closer to the logging policy, or use dr_value."
        )
    return values


def _multinomial_sums(columns, n_resamples, rng):
    n = len(columns)
    sums = np.empty((n_resamples, columns.shape[1]))
    block = max(1, _BLOCK_ENTRIES // n)
    for start in range(0, n_resamples, block):
        rows = min(block, n_resamples - start)
        drawn = rng.integers(0, n, size=(rows, n), dtype=np.int32).astype(np.intp)
        drawn += np.arange(rows)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        sums[start : start + rows] = counts.astype(np.float64) @ columns
    return sums


def _poisson_sums(columns, n_resamples, rng):
    table = _poisson_table()
    sums = np.zeros((n_resamples, columns.shape[1]))
    block = max(1, _BLOCK_ENTRIES // n_resamples)
    for start in range(0, len(columns), block):
        rows = columns[start : start + block]
        drawn = rng.integers(0, _N_TABLE, size=(n_resamples, len(rows)), dtype=np.uint16)
        sums += table[drawn] @ rows
    return sums
