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

    Parameters
    ----------
    estimate : PolicyValue
        A mean of weighted rewards: of `ips_value`, `ls_value`, `clipped_ips_value`,
        `subgaussian_ips_value`, `ix_value` or `mean_value`.
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
    weight, reward, low, scale = _unit_rewards(estimate, "ls", reward_range)
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
    ends = [smoothed_bound(weight * one, stake, alpha) for one in (reward, 1 - reward)]
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

    Parameters
    ----------
    estimate : PolicyValue
        A mean of weighted rewards: of `ips_value`, `ls_value`, `clipped_ips_value`,
        `subgaussian_ips_value`, `ix_value` or `mean_value`.
    confidence_level : float, default=0.95
        Least coverage; each end errs with half of the rest.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward. None takes the observed range, which is no guarantee.
    max_weight : float, default=None
        Largest possible importance weight before clipping or shrinking. None does without: the
        interval is valid all the same. Where it is given, four fifths of the capital are bet on
        rewards weighted about a level c, w (r - c) + c, which have the same mean for c of 1/4,
        1/2, 3/4 and 1; the last is the complement. Where rewards are rare, as clicks are, the
        upper end hangs on it.
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
    weight, reward, low, scale = _unit_rewards(estimate, "mixture", reward_range)
    if max_weight is not None:
        max_weight = check_max_weight(max_weight, weight)
    alpha = (1 - confidence_level) / 2
    unit = 1.0 if anytime else np.sqrt(np.log(1 / alpha) / reward.size)
    ends = [
        mixture_bound(_all_bets(weight, one, max_weight, unit, anytime), alpha)
        for one in (reward, 1 - reward)
    ]
    return _scaled(ends, low, scale)


def _all_bets(weight, reward, max_weight, unit, anytime):
    """Lay bets on the value of rewards between 0 and 1."""
    if anytime:
        stakes, shares = _STAKES, _log_cauchy(_STAKES, _CENTRE, _SPREAD)
    else:
        stakes = _STAKES_ONCE * unit
        shares = _log_cauchy(_STAKES_ONCE, _CENTRE_ONCE, _SPREAD_ONCE)
    shares = shares / shares.sum()
    bets = [Bets(weight * reward, stakes, shares)]
    if max_weight is None or max_weight <= 1:
        return bets
    for level in _LEVELS:
        # The smallest term is that of the largest weight and a reward of 0.
        largest = _LARGEST_LOSS / (level * (max_weight - 1))
        safe = stakes < largest
        if not safe.any():
            continue
        kept, share = stakes[safe], shares[safe]
        if not safe.all():
            # Those who would stake more stake what is allowed.
            kept, share = np.append(kept, largest), np.append(share, 1 - share.sum())
        bets.append(Bets(weight * (reward - level) + level, kept, share))
    return bets


def _log_cauchy(stakes, centre, spread):
    return 1 / (1 + (np.log(stakes / centre) / spread) ** 2)


def _unit_rewards(estimate, method, reward_range):
    """Return weights, rewards scaled to [0, 1], the least reward, and the width of their range."""
    if estimate.reward is None:
        raise ValueError(
            f'method "{method}" needs a mean of weighted rewards, as ips, ls, clipped_ips, '
            f"subgaussian_ips, ix and mean are; got {estimate.name!r}. Evaluate the policy with "
            'one of these, or take the method "betting" or "bernstein", which differences and '
            "other estimates have too."
        )
    refuse_groups(estimate, method)
    counts = estimate.sample_weight
    if counts is not None and (counts != counts[0]).any():
        raise ValueError(
            f'sample_weight differs between rounds, and method "{method}" takes each round once. '
            'Evaluate without sample_weight, or take the method "betting" or "bernstein".'
        )
    low, high = check_reward_range(reward_range, estimate.reward_range)
    weight = estimate.control
    if weight is None:
        weight = np.ones(estimate.n_samples)
    scale = high - low
    # Rounding must not push a reward out of the unit interval.
    unit = np.clip((estimate.reward - low) / (scale or 1.0), 0.0, 1.0)
    return weight, unit, low, scale


def _scaled(ends, low, scale):
    """Return the interval from the lower bounds of the reward and of its complement."""
    first, second = np.clip([ends[0], 1 - ends[1]], 0.0, 1.0)
    # Bounds that cross are one of the errors that the level allows.
    first, second = min(first, second), max(first, second)
    return Interval(float(low + scale * first), float(low + scale * second))
