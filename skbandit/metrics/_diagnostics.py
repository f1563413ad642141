"""How well a log supports the evaluation of a policy."""

import sys
import warnings
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from .._values import effective_sample_size
from ._groups import count_groups
from ._intervals import Interval, check_confidence_level
from ._validation import EvaluatedRounds

# Propensities of a policy that stays as it is drift as much in one log of a million.
_CHANCE = 1e-6
_LEAST_DRIFT = 0.1
_FEWEST_TO_COMPARE = 60
# So many standard errors are no chance.
_FAR = 4.0
# Below this many effective rounds the central limit theorem is no help.
FEW_ROUNDS = 30


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
    available=None,
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
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round. Nothing is computed from it: a policy that
        plays what was not available is an error, and so is a logged arm that was not.
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
        available=available,
    )
    rounds.need("arm", "propensity")
    weight, share = rounds.weight, rounds.share
    weighted = weight * share
    mean, error = rounds.mean_weight
    width = special.ndtri(0.5 + confidence_level / 2) * error
    support = PolicySupport(
        n_samples=rounds.n_samples,
        effective_sample_size=effective_sample_size(weighted),
        max_weight=float(weight.max()),
        max_weight_share=float(weighted.max() / mean) if mean > 0 else 0.0,
        mean_weight=float(mean),
        mean_weight_interval=Interval(float(mean - width), float(mean + width)),
        overlap=float(np.minimum(weight, 1.0) @ share),
        matched=float(1 - share[weight == 0].sum()),
    )
    warn_poor_support(weighted)
    warn_mean_weight(rounds)
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
    if effective < FEW_ROUNDS and effective < weight.size / 2:
        warnings.warn(
            f"only {effective:.1f} of {weight.size} rounds are effective for this policy: few "
            "logged arms are arms that it would play. Use dr_value, switch_dr_value or "
            "shrinkage_dr_value with a reward model, evaluate a policy closer to the logging "
            "policy, or log more exploration.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )


def warn_mean_weight(rounds):
    """Warn where the mean of the importance weights is not 1, as it should be.

    Of a mean below 1, the error is at least what the largest weight allows.
    """
    mean, error = rounds.mean_weight
    units = count_groups(rounds.groups, rounds.n_samples)
    if mean < 1.0:
        # A few large weights that happen to be missing take of the error what they take of the
        # mean. With weights up to W and a mean of 1 the error is no more than this.
        error = max(error, np.sqrt(max(rounds.weight.max() - 1.0, 0.0) / units))
    if units >= FEW_ROUNDS and abs(mean - 1) > _FAR * error and abs(mean - 1) > 1e-9:
        warnings.warn(
            f"the importance weights have mean {mean:.3g}, more than four standard errors away "
            "from 1: the propensities are wrong, or the policy plays arms that the log could "
            "not hold. Re-estimate the propensities from the log, mask the arms that were not "
            "available, or use snips_value or sndr_value, which divide by that mean.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )


def warn_not_uniform(propensity):
    """Warn where replay is asked of the log of a policy that was not uniform."""
    if propensity is not None and np.ptp(propensity) > 1e-6 * propensity.max():
        warnings.warn(
            "replay is for the log of a uniform policy, and these propensities run from "
            f"{propensity.min():.3g} to {propensity.max():.3g}: rounds that the logger played "
            "often count too much. Use snips_value, its counterpart for any logging policy.",
            UserWarning,
            stacklevel=stacklevel_of_caller(),
        )


def effective_terms(influence):
    """Return how many rounds an error rests on: (sum d^2)^2 / sum d^4 of their influences d.

    Of rewards that a share p of the rounds has and no other, about p times the rounds; of normal
    terms a third of them. With few the estimate is skewed, and its error is itself uncertain.
    """
    largest = np.abs(influence).max(initial=0.0)
    if not largest > 0.0:
        return 0.0
    square = (influence / largest) ** 2
    return float(square.sum() ** 2 / (square**2).sum())


def warn_few_terms(effective, n_samples):
    """Warn where the error of a value rests on few of many rounds."""
    warnings.warn(
        f"the error of this value rests on about {effective:.0f} of {n_samples} rounds: few that "
        "were rewarded, or few large weights. An interval by the normal law holds the truth less "
        'often than it says. Use the interval "cressie_read" with reward_range and max_weight, '
        'which guards against rounds that were not seen, or "auto", which chooses.',
        PoorSupportWarning,
        stacklevel=stacklevel_of_caller(),
    )


def warn_no_spread(n_samples):
    """Warn where an interval has no width because all rounds agree."""
    warnings.warn(
        f"all of the {n_samples} rounds that count for this value agree, so an interval from "
        "their spread has no width. That no other reward was seen does not mean that there is "
        'none. Use the interval "betting", or "mixture" of ips_value, with reward_range.',
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
    test = stats.ks_2samp(propensity[:third], propensity[-third:], method="asymp")
    # Propensities estimated fold by fold differ a little from block to block, surely in long logs.
    return bool(test.pvalue < _CHANCE and test.statistic > _LEAST_DRIFT)


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
