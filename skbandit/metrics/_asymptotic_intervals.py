"""Intervals that are right for large effective sample sizes."""

from typing import NamedTuple

import numpy as np
from scipy import special

from .._values import root_sum_of_squares
from ._bootstrap import bootstrap_distribution
from ._groups import sum_by_group


class Interval(NamedTuple):
    """Ends of an interval.

    Attributes
    ----------
    low : float
        The lower end, in units of the reward.
    high : float
        The upper end.
    """

    low: float
    high: float


def check_confidence_level(confidence_level):
    """Return the level; raise unless it lies strictly between 0 and 1."""
    if not 0 < confidence_level < 1:
        raise ValueError(
            f"confidence_level must lie strictly between 0 and 1; got {confidence_level!r}. A 95 "
            "% interval is 0.95."
        )
    return confidence_level


def symmetric_interval(estimate, quantile):
    """The value and, on both sides, the quantile times its standard error."""
    if estimate.n_groups < 2:
        units = "rounds" if estimate.groups is None else "groups"
        raise ValueError(
            f"an interval needs at least 2 {units}; the log has 1. Only its value can be used."
        )
    # No error is no width, whatever the quantile, an infinite one too.
    width = quantile * estimate.standard_error if estimate.standard_error != 0 else 0.0
    return Interval(float(estimate.value - width), float(estimate.value + width))


def normal_interval(estimate, *, confidence_level=0.95):
    """Interval from the influence function's variance and the normal quantile.

    value -+ z * standard_error: the delta method, right at large effective sample sizes; with
    groups, for many groups.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Wanted coverage.

    Returns
    -------
    interval : Interval

    See Also
    --------
    student_interval : The same with the quantile for few effective rounds.

    References
    ----------
    van der Vaart (1998), Asymptotic Statistics, chapters 3 and 20.

    Examples
    --------
    >>> from skbandit.metrics import mean_value, normal_interval
    >>> low, high = normal_interval(mean_value(reward=[0., 1., 1., 0.]))
    >>> round(low, 3), round(high, 3)
    (-0.066, 1.066)
    """
    check_confidence_level(confidence_level)
    return symmetric_interval(estimate, special.ndtri(0.5 + confidence_level / 2))


def student_interval(estimate, *, confidence_level=0.95):
    """Interval with Student's t on the effective sample size.

    value -+ t * standard_error, t the quantile at ess - 1 degrees of freedom, where ess is
    (sum w)^2 / sum w^2 (Kish 1965): a log whose weight sits on few rounds has that few
    observations. With groups, w are the sums of the weights within each: few groups, or a large
    one among small ones, are that few observations. At an effective size of 1 the interval is the
    whole line.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Wanted coverage.

    Returns
    -------
    interval : Interval

    See Also
    --------
    normal_interval : The limit of a large effective sample size.

    References
    ----------
    Kish (1965), Survey Sampling, section 8.2. Thomas, Theocharous & Ghavamzadeh (2015), High
    confidence policy improvement, section 2.4. Carter, Schnepel & Steigerwald (2017), Asymptotic
    behavior of a t-test robust to cluster heterogeneity, Review of Economics and Statistics 99.

    Examples
    --------
    >>> from skbandit.metrics import mean_value, student_interval
    >>> low, high = student_interval(mean_value(reward=[0., 1., 1., 0.]))
    >>> round(low, 3), round(high, 3)
    (-0.419, 1.419)
    """
    check_confidence_level(confidence_level)
    degrees = estimate.degrees_of_freedom
    if degrees < 1e-8:
        return Interval(-np.inf, np.inf)
    return symmetric_interval(estimate, special.stdtrit(degrees, 0.5 + confidence_level / 2))


def bootstrap_interval(estimate, *, confidence_level=0.95, n_resamples=1000, random_state=None):
    """Percentile bootstrap interval.

    Quantiles of the value over resampled logs. The formula is applied to each resample's means, so
    a self-normalised estimate is resampled numerator and denominator together. Groups are
    resampled whole.

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Wanted coverage.
    n_resamples : int, default=1000
        Number of resampled logs.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples.

    Returns
    -------
    interval : Interval

    See Also
    --------
    bca_interval : Corrected for bias and skewness.
    bootstrap_distribution : The resampled values themselves.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 13.3.

    Examples
    --------
    >>> from skbandit.metrics import bootstrap_interval, mean_value
    >>> low, high = bootstrap_interval(mean_value(reward=[0., 1., 1., 0.]), random_state=0)
    >>> low, high
    (0.0, 1.0)
    """
    check_confidence_level(confidence_level)
    values = bootstrap_distribution(estimate, n_resamples=n_resamples, random_state=random_state)
    tail = (1 - confidence_level) / 2
    return _quantiles(values, tail, 1 - tail)


def bca_interval(estimate, *, confidence_level=0.95, n_resamples=1000, random_state=None):
    """Bias-corrected and accelerated bootstrap interval.

    The percentiles are moved by the share of resamples below the estimate (bias correction) and by
    the skewness of the influence values, of groups where there are groups (acceleration, Efron
    1987, eq. 4.4 and 7.3).

    Parameters
    ----------
    estimate : PolicyValue
        What an estimator of `skbandit.metrics` returned.
    confidence_level : float, default=0.95
        Wanted coverage.
    n_resamples : int, default=1000
        Number of resampled logs.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples.

    Returns
    -------
    interval : Interval

    See Also
    --------
    bootstrap_interval : Without the corrections.

    References
    ----------
    Efron (1987), Better bootstrap confidence intervals, Journal of the American Statistical
    Association 82.

    Examples
    --------
    >>> from skbandit.metrics import bca_interval, mean_value
    >>> low, high = bca_interval(mean_value(reward=[0., 1., 1., 0.]), random_state=0)
    >>> 0 <= low < high <= 1
    True
    """
    check_confidence_level(confidence_level)
    values = bootstrap_distribution(estimate, n_resamples=n_resamples, random_state=random_state)
    influence = sum_by_group(estimate.influence, estimate.groups)
    norm = root_sum_of_squares(influence)
    if norm == 0:
        return Interval(estimate.value, estimate.value)
    acceleration = np.sum((influence / norm) ** 3) / 6
    n_values = values.size
    below = np.mean(values < estimate.value) + np.mean(values == estimate.value) / 2
    bias = special.ndtri(np.clip(below, 0.5 / n_values, 1 - 0.5 / n_values))
    normal = bias + special.ndtri([(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    # The denominator turns negative where skewness leaves no interval of this form.
    denominator = np.maximum(1 - acceleration * normal, 1e-3)
    return _quantiles(values, *special.ndtr(bias + normal / denominator))


def _quantiles(values, low, high):
    # Among B + 1 exchangeable values the k-th has rank k / (B + 1): no loss of coverage.
    ends = np.quantile(values, [low, high], method="weibull")
    return Interval(float(ends[0]), float(ends[1]))
