"""Intervals for bounded terms that hold at every sample size."""

import numpy as np

from ._asymptotic_intervals import Interval, check_confidence_level
from ._betting import betting_bounds
from ._groups import refuse_groups


def bernstein_interval(
    estimate, *, confidence_level=0.95, reward_range=None, max_weight=None, bounds=None
):
    """Empirical Bernstein interval: valid at every sample size, for bounded terms.

    With L = log(4 / (1 - confidence_level)), s^2 the sample variance and [low, high] the bounds of
    the terms, mean and expectation are at most so far apart (Maurer & Pontil 2009, theorem 4, on
    both sides)::

        sqrt(2 s^2 L / n) + 7 (high - low) L / (3 (n - 1))

    The guarantee is for estimates that are means and for true bounds; for the others the
    linearised terms are used, where it holds for large samples.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Least coverage.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward; the interval ends where they do, as every policy's
        value must. None takes the observed range, which is no guarantee.
    max_weight : float, default=None
        Largest possible importance weight after clipping or shrinking, such as the inverse of the
        smallest propensity of the logger. None takes the largest of the log, which is no
        guarantee.
    bounds : tuple of (low, high), default=None
        Bounds of the terms, in place of what follows from `reward_range` and `max_weight`.

    Returns
    -------
    interval : Interval

    Raises
    ------
    ValueError
        If the bounds do not hold what the log holds, or the estimate has groups.

    See Also
    --------
    betting_interval : Shorter, and valid at all times at once.
    mixture_interval : Shorter still for means of weighted rewards.

    References
    ----------
    Maurer & Pontil (2009), Empirical Bernstein bounds and sample variance penalization, COLT.

    Examples
    --------
    >>> from skbandit.metrics import bernstein_interval, mean_value
    >>> interval = bernstein_interval(mean_value(reward=[0., 1.] * 500), reward_range=(0, 1))
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.443, 0.557)
    """
    check_confidence_level(confidence_level)
    refuse_groups(estimate, "bernstein")
    low, high = _term_bounds(estimate, reward_range, max_weight, bounds)
    n = estimate.n_samples
    if n < 2:
        return _within(Interval(low, high), estimate, reward_range)
    log_term = np.log(4 / (1 - confidence_level))
    width = np.sqrt(2 * log_term * n) * estimate.standard_error / np.sqrt(n)
    width += 7 * (high - low) * log_term / (3 * (n - 1))
    value = estimate.value
    interval = Interval(float(max(low, value - width)), float(min(high, value + width)))
    return _within(interval, estimate, reward_range)


def betting_interval(
    estimate,
    *,
    confidence_level=0.95,
    reward_range=None,
    max_weight=None,
    bounds=None,
    anytime=True,
):
    """Interval by betting: every value against which a bettor would have grown rich is ruled out.

    The hedged capital process with predictable plug-in bets (Waudby-Smith & Ramdas 2024, theorem
    3). A wealth that starts at 1 and is a fair game under the true value exceeds 1 / (1 -
    confidence_level) with at most that probability, ever. So one may look at the interval after
    every round and stop when one likes. Rounds are taken in their order.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Least coverage.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward; the interval ends where they do, as every policy's
        value must. None takes the observed range, which is no guarantee.
    max_weight : float, default=None
        Largest possible importance weight after clipping or shrinking, such as the inverse of the
        smallest propensity of the logger. None takes the largest of the log, which is no
        guarantee.
    bounds : tuple of (low, high), default=None
        Bounds of the terms, in place of what follows from `reward_range` and `max_weight`.
    anytime : bool, default=True
        Whether the interval is valid at all times at once. False sizes the bets for the present
        number of rounds: shorter, and valid at that number alone.

    Returns
    -------
    interval : Interval

    Raises
    ------
    ValueError
        If the bounds do not hold what the log holds, or the estimate has groups.

    See Also
    --------
    bernstein_interval : In closed form, for one sample size.
    mixture_interval : Shorter for means of weighted rewards, and needs no largest weight.

    Notes
    -----
    For estimates that are not means the linearised terms are used: the guarantee then holds for
    large samples.

    References
    ----------
    Waudby-Smith & Ramdas (2024), Estimating means of bounded random variables by betting, Journal
    of the Royal Statistical Society B 86. Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro
    (2024), Anytime-valid off-policy inference for contextual bandits.

    Examples
    --------
    >>> from skbandit.metrics import betting_interval, mean_value
    >>> interval = betting_interval(mean_value(reward=[0., 1.] * 500), reward_range=(0, 1))
    >>> interval.low < 0.5 < interval.high
    True
    """
    check_confidence_level(confidence_level)
    refuse_groups(estimate, "betting")
    low, high = _term_bounds(estimate, reward_range, max_weight, bounds)
    scale = high - low
    if scale == 0:
        return _within(Interval(low, high), estimate, reward_range)
    # Rounding must not push a term out of the unit interval.
    unit = np.clip((estimate.terms - low) / scale, 0.0, 1.0)
    ends = betting_bounds(unit, 1 - confidence_level, anytime=anytime)
    interval = Interval(low + scale * ends[0], low + scale * ends[1])
    return _within(interval, estimate, reward_range)


def _within(interval, estimate, reward_range):
    """Leave out what lies beyond every possible reward, if the caller knows what is possible."""
    if reward_range is None:
        return interval
    low, high = estimate.value_range(reward_range)
    return Interval(*(min(max(end, low), high) for end in interval))


def _term_bounds(estimate, reward_range, max_weight, bounds):
    if bounds is None:
        low, high = estimate.term_range(reward_range, max_weight)
        if estimate.sample_weight is not None:
            # terms = value + s (t - value), s the weight relative to its mean.
            largest = estimate.sample_weight.max() / estimate.sample_weight.mean()
            low = min(low, estimate.value + largest * (low - estimate.value))
            high = max(high, estimate.value + largest * (high - estimate.value))
        # Linearised terms may leave these bounds by the order of 1 / n.
        low, high = min(low, estimate.terms.min()), max(high, estimate.terms.max())
        return float(low), float(high)
    low, high = bounds
    terms = estimate.terms
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    if terms.min() < low - slack or terms.max() > high + slack:
        raise ValueError(
            f"bounds=({low:g}, {high:g}) do not hold the terms of the estimate, which run from "
            f"{terms.min():g} to {terms.max():g}; widen them."
        )
    return float(low), float(high)
