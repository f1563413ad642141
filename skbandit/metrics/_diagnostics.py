"""How well a log supports the evaluation of a policy."""

import sys
import warnings
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from .._values import effective_sample_size
from ._groups import error_of_mean
from ._intervals import Interval, check_confidence_level
from ._validation import EvaluatedRounds

# Propensities of a policy that stays as it is drift as much in one log of a million.
_CHANCE = 1e-6
_FEWEST_TO_COMPARE = 60
# Below this many effective rounds the central limit theorem is no help.
_FEW_ROUNDS = 30


class PoorSupportWarning(UserWarning):
    """The log hardly supports the policy that is evaluated: the estimate may be far off."""


class LearningLogWarning(UserWarning):
    """The logging policy was learning, and the interval is for one that stays as it is."""


class PolicySupport(NamedTuple):
    """Diagnostics of the importance weights.

    Attributes
    ----------
    n_samples : int
        Number of rounds.
    effective_sample_size : float
        (sum w)^2 / sum w^2, the number of equally weighted rounds that are as informative.
    max_weight : float
        The largest importance weight.
    max_weight_share : float
        Its share in the sum of all weights.
    mean_weight : float
        Mean of the weights; its expectation is 1 where propensities are right and support is full.
    mean_weight_interval : Interval
        Normal interval of that mean.
    overlap : float
        Mean of min(w, 1), which estimates the probability mass that logging and evaluated policy
        share: 1 for the logging policy itself, 0 for one that never plays what was logged.
    matched : float
        Share of the rounds whose logged arm the evaluated policy plays with positive probability.
    """

    n_samples: int
    effective_sample_size: float
    max_weight: float
    max_weight_share: float
    mean_weight: float
    mean_weight_interval: Interval
    overlap: float
    matched: float


def policy_support(
    *,
    propensity,
    policy_probability,
    arm=None,
    sample_weight=None,
    groups=None,
    confidence_level=0.95,
):
    """Diagnose how well a log supports a policy; warn where it does so poorly.

    Parameters
    ----------
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played.
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm in `policy_probability`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.
    confidence_level : float, default=0.95
        Level of the interval of the mean weight.

    Returns
    -------
    support : PolicySupport

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, or the mean weight is four standard errors away from
        1.

    References
    ----------
    Kish (1965), Survey Sampling. Owen (2013), Monte Carlo theory, methods and examples, section
    9.3.

    Examples
    --------
    >>> from skbandit.metrics import policy_support
    >>> support = policy_support(propensity=[.5] * 100, policy_probability=[.9, .1] * 50)
    >>> round(support.effective_sample_size, 1), support.max_weight, round(support.overlap, 6)
    (61.0, 1.8, 0.6)
    """
    check_confidence_level(confidence_level)
    rounds = EvaluatedRounds(
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    rounds.need("arm", "propensity")
    weight, n = rounds.weight, rounds.n_samples
    share = np.ones(n) if rounds.sample_weight is None else rounds.sample_weight
    share = share / share.sum()
    weighted = weight * share
    mean = weighted.sum()
    deviation = n * share * (weight - mean)
    error = error_of_mean(deviation, rounds.groups)
    width = special.ndtri(0.5 + confidence_level / 2) * error
    support = PolicySupport(
        n_samples=n,
        effective_sample_size=effective_sample_size(weighted),
        max_weight=float(weight.max()),
        max_weight_share=float(weighted.max() / mean) if mean > 0 else 0.0,
        mean_weight=float(mean),
        mean_weight_interval=Interval(float(mean - width), float(mean + width)),
        overlap=float(np.minimum(weight, 1.0) @ share),
        matched=float(1 - share[weight == 0].sum()),
    )
    warn_poor_support(weighted)
    if abs(mean - 1) > 4 * error and abs(mean - 1) > 1e-9:
        warnings.warn(
            f"the importance weights have mean {mean:.3g}, more than four standard errors away "
            "from 1: the propensities are wrong, or the policy plays arms that the log could "
            "not hold. Re-estimate the propensities from the log, mask the arms that were not "
            "available, or use snips_value or sndr_value, which divide by that mean.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )
    return support


def stacklevel_of_caller():
    """Level of the first frame outside the package, as seen from the one that calls this."""
    frame, level = sys._getframe(1), 1
    package = __name__.partition(".")[0]
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    return level


def warn_poor_support(weight):
    """Warn where a long log has few effective rounds."""
    effective = effective_sample_size(weight)
    if effective < _FEW_ROUNDS and effective < weight.size / 2:
        warnings.warn(
            f"only {effective:.1f} of {weight.size} rounds are effective for this policy: few "
            "logged arms are arms that it would play. Use dr_value, switch_dr_value or "
            "shrinkage_dr_value with a reward model, evaluate a policy closer to the logging "
            "policy, or log more exploration.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )


def propensities_drift(propensity):
    """Say whether propensities change in the course of a log, as those of a learning policy do.

    Those of the first third are compared with those of the last one (Kolmogorov and Smirnov): of
    a policy that stays as it is, on contexts that do, less than one log in a million is taken for
    one that learns.

    Parameters
    ----------
    propensity : ndarray of shape (n_samples,)
        In the order of time.
    """
    third = len(propensity) // 3
    if 3 * third < _FEWEST_TO_COMPARE:
        return False
    first, last = propensity[:third], propensity[-third:]
    return bool(stats.ks_2samp(first, last, method="asymp").pvalue < _CHANCE)


def warn_learning_log():
    """Warn that the log is that of a learning policy."""
    warnings.warn(
        "the propensities change in the course of the log, as those of a policy that learns do. "
        "Its rounds depend on earlier ones, and this interval holds the truth less often than it "
        "says. Use adaptive_dr_value (the name 'adaptive_dr') with predictions from earlier "
        "rounds, cross_fit_rewards(cv=TimeSeriesSplit()); or the interval 'betting' of ips_value "
        "with reward_range and max_weight.",
        LearningLogWarning,
        stacklevel=stacklevel_of_caller(),
    )
