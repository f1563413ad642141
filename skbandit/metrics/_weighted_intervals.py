"""Intervals for weighted rewards that hold at every sample size and for weights of any size."""

from numbers import Real

import numpy as np

from ._asymptotic_intervals import Interval, check_confidence_level
from ._groups import refuse_groups
from ._log_capital import Bets, mixture_bound, smoothed_bound
from ._validation import check_max_weight, check_reward_range

# The mixture's stakes, in units of one over the range of the rewards: a log-Cauchy law on a grid,
# about the stake that suits some hundred to some thousand rounds, with tails for all others.
_STAKES = np.geomspace(1e-4, 10.0, 31)
_CENTRE, _SPREAD = 0.07, 1.0
# The same for one number of rounds, in units of sqrt(log(1 / alpha) / n). The best stake is
# sqrt(2 / variance of the terms) of these, about.
_STAKES_ONCE = np.geomspace(0.03, 30.0, 31)
_CENTRE_ONCE, _SPREAD_ONCE = 1.2, 0.7
# Levels about which rewards are weighted where the largest weight is known.
_LEVELS = (0.25, 0.5, 0.75, 1.0)
# No bet on these loses more than this share of its capital in one round.
_LARGEST_LOSS = 0.95


def ls_interval(estimate, *, confidence_level=0.95, reward_range=None, lambda_=None):
    """Interval by logarithmic smoothing: valid at every sample size, for weights of any size.

    With the reward r scaled to [0, 1], L = log(2 / (1 - confidence_level)) and l = `lambda_`, the
    lower end is (Sakhi et al. 2024)::

        (exp(mean log(1 + l w r) - L / n) - 1) / l

    and the upper end is 1 less the same of the complement 1 - r, since weights have the mean 1.
    No largest weight is asked for. It bounds the policy's value, whatever the estimate did to the
    weights.

    Of a difference, with the weights v and w of the two policies, v r + w (1 - r) takes the place
    of w r: it is never negative, and its mean is 1 plus the difference. The upper end is that of
    the difference the other way round.

    Parameters
    ----------
    estimate : PolicyValue
        A mean of weighted rewards: of `ips_value`, `ls_value`, `clipped_ips_value`,
        `subgaussian_ips_value`, `ix_value` or `mean_value`; or the difference of two of these.
    confidence_level : float, default=0.95
        Least coverage; each end errs with half of the rest.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward. None takes the observed range, which is no guarantee.
    lambda_ : float, default=None
        Strength of the smoothing, positive, in units of one over the reward. It must not be chosen
        by the same log. None means the paper's `1 / sqrt(n_samples)` over the width of the range.

    Returns
    -------
    interval : Interval
        Within the range of the rewards.

    Raises
    ------
    ValueError
        If the estimate is no mean of weighted rewards or counts its rounds unequally, the range
        does not hold the logged rewards, or `lambda_` is not positive.

    See Also
    --------
    mixture_interval : Many strengths at once; valid at all times, and shorter where the largest
        weight is known.
    ls_value : The estimate of the same smoothing.

    References
    ----------
    Sakhi, Aouali, Alquier & Chopin (2024), Logarithmic smoothing for pessimistic off-policy
    evaluation, selection and learning, NeurIPS.

    Examples
    --------
    >>> from skbandit.metrics import ips_value, ls_interval
    >>> value = ips_value(reward=[0., 1.] * 500, propensity=[.5] * 1000,
    ...                   policy_probability=[.4, .6] * 500)
    >>> interval = ls_interval(value, reward_range=(0, 1))
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.476, 0.72)
    """
    check_confidence_level(confidence_level)
    weights, reward, low, scale = _unit_rewards(estimate, "ls", reward_range)
    if lambda_ is None:
        stake = 1 / np.sqrt(reward.size)
    elif not isinstance(lambda_, Real) or not 0 < lambda_ < np.inf:
        raise ValueError(
            f"lambda_ must be a positive number; got {lambda_!r}. None takes one over the root of "
            "the number of rounds."
        )
    else:
        stake = float(lambda_) * (scale or 1.0)
    alpha = (1 - confidence_level) / 2
    if estimate.parts:
        ends = [
            smoothed_bound(_mixed(*pair, reward), stake, alpha) - 1
            for pair in (weights, weights[::-1])
        ]
        return _scaled_difference(ends, scale)
    ends = [smoothed_bound(weights[0] * one, stake, alpha) for one in (reward, 1 - reward)]
    return _scaled(ends, low, scale)


def mixture_interval(
    estimate, *, confidence_level=0.95, reward_range=None, max_weight=None, anytime=True
):
    """Interval by a mixture of bets: valid at all times, for weights of any size.

    Each of 31 bettors puts a constant stake on the value being larger than a candidate m, and a
    value is ruled out once their average capital exceeds `2 / (1 - confidence_level)`. The capital
    of one with the stake s is, with the reward r scaled to [0, 1]::

        prod (1 + s w r) / (1 + s m)

    so each alone would give the bound of logarithmic smoothing (`ls_interval`), and no largest
    weight is needed. The upper end is 1 less the lower end of the complement 1 - r, since weights
    have the mean 1. The order of the rounds means nothing. The interval is one of the policy's
    value, whatever the estimate did to the weights.

    Of a difference d, with the weights v and w of the two policies, the capital is::

        prod (1 + s (v r + w (1 - r) - 1)) / (1 + s d),        s < 1

    and where the largest weight is known most of it is bet on (v - w) (r - c), of the same mean
    for any level c. The upper end is that of the difference the other way round.

    Parameters
    ----------
    estimate : PolicyValue
        A mean of weighted rewards: of `ips_value`, `ls_value`, `clipped_ips_value`,
        `subgaussian_ips_value`, `ix_value` or `mean_value`; or the difference of two of these.
    confidence_level : float, default=0.95
        Least coverage; each end errs with half of the rest.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward. None takes the observed range, which is no guarantee.
    max_weight : float, default=None
        Largest possible importance weight before clipping or shrinking. None does without: the
        interval is valid all the same. Where it is given, four fifths of the capital are bet on
        rewards weighted about a level c, w (r - c) + c, which have the same mean for c of 1/4,
        1/2, 3/4 and 1; the last is the complement. Where rewards are rare, as clicks are, the
        upper end hangs on it. Of a difference it bounds the weights of both values.
    anytime : bool, default=True
        Whether the interval is valid at all times at once. False sizes the stakes for the present
        number of rounds: mostly shorter, and valid at that number alone.

    Returns
    -------
    interval : Interval
        Within the range of the rewards.

    Raises
    ------
    ValueError
        If the estimate is no mean of weighted rewards or counts its rounds unequally, or
        `reward_range` or `max_weight` do not hold what was logged.

    See Also
    --------
    ls_interval : One bettor, for one sample size.
    betting_interval : For any estimate with bounded terms, bets that follow the variance.

    Notes
    -----
    Without `max_weight` both ends hold even where the policy plays what could not have been
    logged. The bets on levels need that it could: only then have weights the mean 1.

    References
    ----------
    Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro (2024), Anytime-valid off-policy inference
    for contextual bandits. Sakhi, Aouali, Alquier & Chopin (2024), Logarithmic smoothing for
    pessimistic off-policy evaluation, selection and learning, NeurIPS. Karampatziakis, Mineiro &
    Ramdas (2021), Off-policy confidence sequences, ICML.

    Examples
    --------
    >>> from skbandit.metrics import ips_value, mixture_interval
    >>> value = ips_value(reward=[0., 1.] * 500, propensity=[.5] * 1000,
    ...                   policy_probability=[.4, .6] * 500)
    >>> interval = mixture_interval(value, reward_range=(0, 1))
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.54, 0.64)
    """
    check_confidence_level(confidence_level)
    weights, reward, low, scale = _unit_rewards(estimate, "mixture", reward_range)
    if max_weight is not None:
        max_weight = max(check_max_weight(max_weight, weight) for weight in weights)
    alpha = (1 - confidence_level) / 2
    laid = _lay_stakes(reward.size, alpha, anytime)
    if estimate.parts:
        ranges = None
        if max_weight is not None:
            # The logging policy's own weights are 1.
            ranges = [
                (1.0, 1.0) if part.control is None else (0.0, max_weight)
                for part in estimate.parts
            ]
        turned = None if ranges is None else ranges[::-1]
        ends = [
            mixture_bound(_paired_bets(*weights, reward, ranges, *laid), alpha) - 1,
            mixture_bound(_paired_bets(*weights[::-1], reward, turned, *laid), alpha) - 1,
        ]
        return _scaled_difference(ends, scale)
    ends = [
        mixture_bound(_all_bets(weights[0], one, max_weight, *laid), alpha)
        for one in (reward, 1 - reward)
    ]
    return _scaled(ends, low, scale)


def _lay_stakes(n_samples, alpha, anytime):
    """Return the stakes of the mixture and their shares of the capital."""
    if anytime:
        stakes, shares = _STAKES, _log_cauchy(_STAKES, _CENTRE, _SPREAD)
    else:
        stakes = _STAKES_ONCE * np.sqrt(np.log(1 / alpha) / n_samples)
        shares = _log_cauchy(_STAKES_ONCE, _CENTRE_ONCE, _SPREAD_ONCE)
    return stakes, shares / shares.sum()


def _all_bets(weight, reward, max_weight, stakes, shares):
    """Lay bets on the value of rewards between 0 and 1."""
    bets = [Bets(weight * reward, stakes, shares)]
    if max_weight is None or max_weight <= 1:
        return bets
    for level in _LEVELS:
        # The smallest term is that of the largest weight and a reward of 0.
        largest = _LARGEST_LOSS / (level * (max_weight - 1))
        if (stakes < largest).any():
            terms = weight * (reward - level) + level
            bets.append(Bets(terms, *_at_most(largest, stakes, shares)))
    return bets


def _paired_bets(first, second, reward, ranges, stakes, shares):
    """Lay bets on one plus the difference of two values of rewards between 0 and 1.

    `ranges` has the smallest and the largest possible weight of each, or is None.
    """
    kept, share = _at_most(_LARGEST_LOSS, stakes, shares)
    bets = [_of_difference(_mixed(first, second, reward) - 1, kept, share)]
    if ranges is None:
        return bets
    (least, most), (other_least, other_most) = ranges
    for level in (0.0, *_LEVELS):
        # The smallest terms are those of a reward of 0 and of one of 1.
        lost = level * (most - other_least), (1 - level) * (other_most - least)
        largest = _LARGEST_LOSS / max(1.0, *lost)
        if (stakes < largest).any():
            terms = (first - second) * (reward - level)
            bets.append(_of_difference(terms, *_at_most(largest, stakes, shares)))
    return bets


def _mixed(first, second, reward):
    """Terms whose mean is 1 plus the difference of the values, never negative."""
    return first * reward + second * (1 - reward)


def _of_difference(terms, stakes, shares):
    """Turn stakes below 1 on terms with the mean d into stakes on terms with the mean 1 + d.

    (1 + s x) / (1 + s d) is (1 + t (1 + x)) / (1 + t (1 + d)) with t = s / (1 - s).
    """
    return Bets(1 + terms, stakes / (1 - stakes), shares)


def _at_most(largest, stakes, shares):
    """Let those who would stake more than is allowed stake what is."""
    safe = stakes < largest
    if safe.all():
        return stakes, shares
    return np.append(stakes[safe], largest), np.append(shares[safe], shares[~safe].sum())


def _log_cauchy(stakes, centre, spread):
    return 1 / (1 + (np.log(stakes / centre) / spread) ** 2)


def _unit_rewards(estimate, method, reward_range):
    """Return the weights of each value, rewards scaled to [0, 1], the least one, and the width."""
    parts = estimate.parts or (estimate,)
    if any(part.reward is None for part in parts):
        raise ValueError(
            f'method "{method}" needs a mean of weighted rewards, as ips, ls, clipped_ips, '
            "subgaussian_ips, ix and mean are, or the difference of two of them; got "
            f"{estimate.name!r}. Evaluate the policy with one of these, or take the method "
            '"betting" or "bernstein", which all estimates have.'
        )
    refuse_groups(estimate, method)
    counts = estimate.sample_weight
    if counts is not None and (counts != counts[0]).any():
        raise ValueError(
            f'sample_weight differs between rounds, and method "{method}" takes each round once. '
            'Evaluate without sample_weight, or take the method "betting" or "bernstein".'
        )
    low, high = check_reward_range(reward_range, estimate.reward_range)
    ones = np.ones(estimate.n_samples)
    weights = [ones if part.control is None else part.control for part in parts]
    scale = high - low
    # Rounding must not push a reward out of the unit interval.
    unit = np.clip((parts[0].reward - low) / (scale or 1.0), 0.0, 1.0)
    return weights, unit, low, scale


def _scaled(ends, low, scale):
    """Return the interval from the lower bounds of the reward and of its complement."""
    first, second = np.clip([ends[0], 1 - ends[1]], 0.0, 1.0)
    # Bounds that cross are one of the errors that the level allows.
    first, second = min(first, second), max(first, second)
    return Interval(float(low + scale * first), float(low + scale * second))


def _scaled_difference(ends, scale):
    """Return the interval from the lower bounds of a difference and of its opposite."""
    first, second = np.clip([ends[0], -ends[1]], -1.0, 1.0)
    first, second = min(first, second), max(first, second)
    return Interval(float(scale * first), float(scale * second))
