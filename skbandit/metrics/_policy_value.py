"""The value of a policy as a smooth function of means, and what follows from that.

Every estimator here is g(mean of z), with a few columns z computed row by row: IPS is the mean of
one column, a self-normalised estimate the ratio of two means. So one influence function, one
bootstrap and one linearisation serve them all, and ratios are always resampled as ratios.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .._values import effective_sample_size
from ._diagnostics import (
    FEW_ROUNDS,
    effective_terms,
    propensities_drift,
    warn_few_terms,
    warn_learning_log,
    warn_no_spread,
)
from ._groups import count_groups, error_of_mean, sum_by_group
from ._intervals import INTERVALS
from ._validation import check_max_weight, check_reward_range

# Intervals that hold for each policy that depends on earlier rounds alone.
_FOR_LEARNING_LOGS = ("betting", "mixture", "ls")
# Intervals that know no more than how far rounds are spread.
_BY_THE_SPREAD = ("normal", "student", "bootstrap", "bca")
# A value is skewed where it rests on fewer than so many terms of many.
_FEW_TERMS, _MANY = 15.0, 200
# Step of the complex-step derivative: its error is of the order of the step's square.
_COMPLEX_STEP = 1e-30


def first_mean(means):
    """g(a) = a."""
    return means[..., 0]


@dataclass(frozen=True)
class DifferenceOfMeans:
    """g(a, b) = f(a) - h(b), where f takes the first columns."""

    first: object
    second: object
    n_first: int

    def __call__(self, means):
        return self.first(means[..., : self.n_first]) - self.second(means[..., self.n_first :])


@dataclass(frozen=True, eq=False)
class PolicyValue:
    """The estimated value of a policy, with all that its intervals need.

    Made by the functions of `skbandit.metrics`; `a - b` is the difference of two estimates on the
    same rounds, again with all its intervals. Rounds are taken in pairs: what moves both values
    cancels. Values of different logs are refused where rewards or propensities tell them apart. A
    difference knows no more rounds than the less certain of the two, and its bounds follow from
    those of both.

    Parameters
    ----------
    name : str
        The estimator.
    columns : ndarray of shape (n_samples, n_columns)
        What each round contributes.
    formula : callable
        Takes means of the columns, shape (..., n_columns), to values, shape (...,). Analytic: its
        gradient is taken by a complex step.
    weight : ndarray of shape (n_samples,), default=None
        The importance weights as the estimator uses them, after clipping or shrinking. Of a
        difference: those of the value that has fewer effective rounds.
    control : ndarray of shape (n_samples,), default=None
        The importance weights as they are, whose expectation is 1.
    reward : ndarray of shape (n_samples,), default=None
        The logged rewards, where the estimate is a mean of weighted rewards: `control`, or 1 where
        that is None, times the reward then has the policy's value as its expectation.
    sample_weight : ndarray of shape (n_samples,), default=None
        How much each round counts. Standard errors take each round as one independent observation
        whatever its weight, so that doubling all weights changes nothing.
    reward_range, base_range, model_range : tuple of float
        Observed range of the rewards (None where none are known), of the part of a round that no
        reward enters, and of what is subtracted from the reward before weighting. The bounded
        intervals start from them.
    weight_scale : float, default=1.0
        What a self-normalised estimate multiplies its weights by.
    propensity : ndarray of shape (n_samples,), default=None
        Logged propensities in the order of time, where the intervals are for logging policies that
        stay as they are. If they drift, `interval` warns.
    parameters : dict
        The tuning parameters that were used, the chosen ones included.
    parts : tuple of PolicyValue, default=()
        Of a difference, the two values.
    residual : ndarray of shape (n_samples,), default=None
        What the weights multiply: the reward, less what a model predicts or, where the estimate is
        self-normalised, less the value. None where that is unknown or no reward enters.
    groups : ndarray of int of shape (n_samples,), default=None
        Which group each round belongs to, numbered from 0 on in the order of appearance: the
        rounds of one customer, session or school, whose contexts, arms and rewards may have
        anything in common. Groups, not rounds, are then taken as independent of each other, in
        standard errors and intervals; the value stays what it is. None: each round stands alone.

    Attributes
    ----------
    value : float
        The estimate, in units of the reward.
    influence : ndarray of shape (n_samples,)
        Influence of each round on the value; the mean is zero, and the value's error is about the
        mean of the true influences.
    terms : ndarray of shape (n_samples,)
        `value + influence`. Where the estimate is a mean these are the terms of that mean,
        otherwise its linearisation.
    standard_error : float
        Root of the influence's variance over the number of rounds; NaN for a single round. With
        groups, the influence is summed within each before it is squared (Liang & Zeger 1986); NaN
        for a single group.
    effective_sample_size : float
        (sum of weights)^2 / (sum of squared weights); of a difference, the smaller of the two.
    effective_terms : float
        How many rounds, or groups, the error rests on: (sum of squared influences)^2 / (sum of
        their fourth powers).
    degrees_of_freedom : float
        One less than the effective number of independent observations: of rounds, or of groups,
        whose weights are the sums of those of their rounds.
    n_samples : int
        Number of rounds.
    n_groups : int
        Number of groups; of rounds where there are none.

    References
    ----------
    Liang & Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika
    73. Carter, Schnepel & Steigerwald (2017), Asymptotic behavior of a t-test robust to cluster
    heterogeneity, Review of Economics and Statistics 99 (the effective number of groups).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import ips_value
    >>> value = ips_value(reward=[1., 0., 1., 1.], propensity=[.5, .5, .25, .5],
    ...                   policy_probability=[1., 0., .5, .5])
    >>> float(value.value)
    1.25
    >>> value.interval("normal").low < value.value
    True
    """

    name: str
    columns: np.ndarray
    formula: object
    weight: np.ndarray = None
    control: np.ndarray = None
    reward: np.ndarray = None
    sample_weight: np.ndarray = None
    reward_range: tuple = None
    base_range: tuple = (0.0, 0.0)
    model_range: tuple = (0.0, 0.0)
    weight_scale: float = 1.0
    propensity: np.ndarray = None
    parameters: dict = field(default_factory=dict)
    parts: tuple = ()
    groups: np.ndarray = None
    residual: np.ndarray = None

    @cached_property
    def n_samples(self):
        return self.columns.shape[0]

    @cached_property
    def n_groups(self):
        return count_groups(self.groups, self.n_samples)

    @cached_property
    def weighted_columns(self):
        """The columns whose plain means give the value, the sample weights folded in."""
        if self.sample_weight is None:
            return self.columns
        weight = self.sample_weight / self.sample_weight.mean()
        return np.column_stack([self.columns * weight[:, None], weight])

    def evaluate(self, means):
        """Take means of `weighted_columns` to values.

        Parameters
        ----------
        means : ndarray of shape (..., n_columns)

        Returns
        -------
        values : ndarray of shape (...,)
        """
        if self.sample_weight is not None:
            means = means[..., :-1] / means[..., -1:]
        return self.formula(means)

    @cached_property
    def means(self):
        return self.weighted_columns.mean(axis=0)

    @cached_property
    def value(self):
        return float(self.evaluate(self.means))

    @cached_property
    def gradient(self):
        # A step for each mean, in its own unit where that is large.
        step = _COMPLEX_STEP * np.maximum(1.0, np.abs(self.means))
        return self.evaluate(self.means + 1j * np.diag(step)).imag / step

    @cached_property
    def linear_terms(self):
        """The terms but for the same constant in each, which would take digits from small ones."""
        return self.weighted_columns @ self.gradient

    @cached_property
    def offset(self):
        """What the linear terms lack: 0 where the estimate is a mean."""
        return self.value - float(self.means @ self.gradient)

    @cached_property
    def influence(self):
        return self.linear_terms - self.means @ self.gradient

    @cached_property
    def terms(self):
        return self.linear_terms + self.offset

    @cached_property
    def standard_error(self):
        if self.n_groups < 2:
            return float("nan")
        return error_of_mean(self.influence, self.groups)

    @property
    def reward_factor(self):
        """By how much the terms grow with the reward of their round, before sample weights."""
        if self.reward_range is None:
            return 0.0
        return 1.0 if self.weight is None else self.weight * self.weight_scale

    @cached_property
    def counted_weight(self):
        """The weights of the estimator times those of the rounds."""
        weight = np.ones(self.n_samples) if self.weight is None else self.weight
        return weight if self.sample_weight is None else weight * self.sample_weight

    @cached_property
    def effective_sample_size(self):
        return effective_sample_size(self.counted_weight)

    @cached_property
    def degrees_of_freedom(self):
        if self.parts:
            return min(part.degrees_of_freedom for part in self.parts)
        if not self.counted_weight.any():
            # No round is weighted: what is left is a mean over the contexts.
            return self.n_groups - 1
        return effective_sample_size(sum_by_group(self.counted_weight, self.groups)) - 1

    def interval(self, method="normal", *, confidence_level=0.95, **options):
        """Confidence interval of the value.

        Parameters
        ----------
        method : str, default="normal"
            - `"normal"`: by the influence function;
            - `"student"`: the same error with Student's t, degrees of freedom one less than the
              effective number of rounds, or groups;
            - `"bootstrap"`, `"bca"`: percentile and bias-corrected accelerated bootstrap; options
              `n_resamples` and `random_state`;
            - `"bernstein"`: empirical Bernstein; options `reward_range`, `max_weight`, `bounds`;
            - `"cressie_read"`: empirical likelihood of the Cressie-Read family with the
              expectation of the weight held at 1; options `reward_range`, `max_weight`;
            - `"betting"`: by betting, valid at all times at once; options as `"bernstein"` and
              `anytime`;
            - `"mixture"`: by a mixture of bets, for means of weighted rewards, valid at all times
              and for weights of any size; options `reward_range`, `max_weight`, `anytime`;
            - `"ls"`: by logarithmic smoothing, for means of weighted rewards, of weights of any
              size; options `reward_range`, `lambda_`;
            - `"auto"`: `"student"`, but where the value rests on few of many rounds (rare rewards,
              few large weights) `"cressie_read"` guarded by the largest weight; options
              `reward_range`, `max_weight`.

            With groups `"bernstein"`, `"betting"`, `"mixture"` and `"ls"` are errors, which bound
            rounds one by one.
        confidence_level : float, default=0.95
            Wanted probability of covering the truth, above 0 and below 1.
        **options
            Passed to the method's function, `skbandit.metrics.<method>_interval`.

        Returns
        -------
        interval : Interval
            With fields `low` and `high`.

        Raises
        ------
        ValueError
            If the method is unknown or takes no groups, or the level is not between 0 and 1.

        Warns
        -----
        LearningLogWarning
            If the log is that of a policy that was learning, for which the method does not hold.
        PoorSupportWarning
            If the method goes by the spread of the rounds, and they all agree or the error rests
            on fewer than 15 of them.
        """
        if method == "auto":
            method, options = self._suited(options)
        if method not in INTERVALS:
            raise ValueError(
                f"method must be one of auto, {', '.join(sorted(INTERVALS))}; got {method!r}."
            )
        if method not in _FOR_LEARNING_LOGS and self._log_learns:
            warn_learning_log()
        if method in _BY_THE_SPREAD and not self.parts:
            if self.standard_error == 0.0 and self.n_samples >= _FEW_TERMS:
                warn_no_spread(self.n_samples)
            elif self._rests_on_few and self.effective_sample_size >= FEW_ROUNDS:
                warn_few_terms(self.effective_terms, self.n_groups)
        return INTERVALS[method](self, confidence_level=confidence_level, **options)

    def _suited(self, options):
        """Return the method that suits the log, and its options."""
        unknown = sorted(set(options) - {"reward_range", "max_weight"})
        if unknown:
            raise ValueError(
                f'method "auto" takes reward_range and max_weight alone; got {", ".join(unknown)}.'
            )
        if not self._rests_on_few or self.control is None or self.groups is not None:
            return "student", {}
        guard = {"max_weight": float(self.control.max()), **options}
        return "cressie_read", guard

    @cached_property
    def effective_terms(self):
        return effective_terms(sum_by_group(self.influence, self.groups))

    @property
    def _rests_on_few(self):
        return self.n_groups >= _MANY and self.effective_terms < _FEW_TERMS

    @cached_property
    def _log_learns(self):
        return self.propensity is not None and propensities_drift(self.propensity)

    def __sub__(self, other):
        if not isinstance(other, PolicyValue):
            return NotImplemented
        if self.n_samples != other.n_samples or not _same(self.sample_weight, other.sample_weight):
            raise ValueError(
                "a difference needs both values on the same rounds with the same sample_weight; "
                f"got {self.n_samples} and {other.n_samples} rounds. "
                "Evaluate both policies on one log."
            )
        if not _same(self.groups, other.groups):
            raise ValueError(
                "a difference needs both values with the same groups; got "
                f"{_show_groups(self)} and {_show_groups(other)}. Pass the same groups= to both."
            )
        if _of_other_rounds(self, other):
            raise ValueError(
                "a difference takes rounds in pairs, and these values are of different logs of "
                f"{self.n_samples} rounds each: their rewards or propensities differ. Evaluate "
                "both policies on one log; of values that are independent the standard error of "
                "the difference is the root of the sum of both squared."
            )
        parts = self, other
        return PolicyValue(
            name=f"{self.name} - {other.name}",
            columns=np.column_stack([self.columns, other.columns]),
            formula=DifferenceOfMeans(self.formula, other.formula, self.columns.shape[1]),
            weight=min(parts, key=lambda part: part.effective_sample_size).weight,
            sample_weight=self.sample_weight,
            reward_range=_union([part.reward_range for part in parts]),
            base_range=_minus(self.base_range, other.base_range),
            propensity=self.propensity if other.propensity is None else other.propensity,
            parts=parts,
            groups=self.groups,
        )

    def term_range(self, reward_range=None, max_weight=None):
        """Bounds of the terms, before sample weights.

        Parameters
        ----------
        reward_range : tuple of (low, high), default=None
            Bounds of the reward; None takes the observed range.
        max_weight : float, default=None
            Bound of the weight; None takes the largest observed one. Of a difference, a bound of
            the weights of both values.

        Returns
        -------
        low, high : float
        """
        if self.parts:
            return _minus(*(part.term_range(reward_range, max_weight) for part in self.parts))
        low, high = self.base_range
        if self.weight is None:
            if reward_range is not None:
                low, high = min(low, reward_range[0]), max(high, reward_range[1])
            return low, high
        reward_low, reward_high = check_reward_range(reward_range, self.reward_range)
        largest = check_max_weight(max_weight, self.weight) * self.weight_scale
        return (
            low + largest * min(0.0, reward_low - self.model_range[1]),
            high + largest * max(0.0, reward_high - self.model_range[0]),
        )

    def value_range(self, reward_range):
        """Bounds of what is estimated: a policy's value lies where its rewards do.

        Parameters
        ----------
        reward_range : tuple of (low, high)
            Bounds of the reward.

        Returns
        -------
        low, high : float
        """
        if self.parts:
            return _minus(*(part.value_range(reward_range) for part in self.parts))
        low, high = reward_range
        return float(low), float(high)

    def __repr__(self):
        n_groups = "" if self.groups is None else f"n_groups={self.n_groups}, "
        return (
            f"PolicyValue({self.name}: {self.value:.6g}, "
            f"standard_error={self.standard_error:.3g}, n_samples={self.n_samples}, {n_groups}"
            f"effective_sample_size={self.effective_sample_size:.1f})"
        )


def _same(first, second):
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _of_other_rounds(first, second):
    """Say whether two values are of different logs, as far as what they keep can tell."""
    if first.parts or second.parts:
        return False
    if first.reward is not None and second.reward is not None:
        return not np.array_equal(first.reward, second.reward)
    # Propensities of one log may have been estimated twice, but its rewards stay in their range.
    return (
        first.propensity is not None
        and second.propensity is not None
        and not np.array_equal(first.propensity, second.propensity)
        and first.reward_range != second.reward_range
    )


def _show_groups(value):
    return "none" if value.groups is None else f"{value.n_groups} groups"


def _minus(first, second):
    """The range of a difference, from the ranges of its parts."""
    return first[0] - second[1], first[1] - second[0]


def _union(ranges):
    """The range that holds all ranges that are known; None if there is none."""
    known = [one for one in ranges if one is not None]
    if not known:
        return None
    lows, highs = zip(*known, strict=True)
    return min(lows), max(highs)
