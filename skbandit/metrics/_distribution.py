"""More than the mean: the distribution of the reward under a policy, with uniform bands."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.utils import check_random_state

from .._values import effective_sample_size
from ._asymptotic_intervals import Interval, check_confidence_level
from ._diagnostics import warn_poor_support
from ._groups import count_groups
from ._validation import EvaluatedRounds, check_reward_range

# Entries of one block of multipliers: half a MiB, which stays in the cache.
_BLOCK_ENTRIES = 1 << 16
# A level that is reached but for rounding is reached: sums of weights carry errors of this order.
_ROUNDING = 1e-12
# A round that has all the weight leaves no other to compare it with.
_LARGEST_SHARE = 0.999


def reward_distribution(
    reward,
    propensity,
    policy_probability,
    arm=None,
    *,
    reward_range=None,
    sample_weight=None,
    groups=None,
):
    """Estimate how the reward of a round would be distributed under a policy.

    The share of rounds with a reward of at most x is estimated as a self-normalised mean,
    ``sum w 1{r <= x} / sum w``, with the importance weights w: one estimate for all x, which
    never leaves [0, 1] and never falls. Quantiles and the mean of the lower tail follow from it.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played.
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm in `policy_probability`, if that has two dimensions.
    reward_range : tuple of (low, high), default=None
        Smallest and largest possible reward, where the bands of tails end. None takes the observed
        range, which is no guarantee.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together: bands then take groups, not rounds, as independent
        of each other.

    Returns
    -------
    distribution : RewardDistribution

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, or the policy plays nothing that
        was logged.

    See Also
    --------
    snips_value : The mean of this distribution, with intervals of its own.

    References
    ----------
    Huang, Leqi, Lipton & Azizzadenesheli (2021), Off-policy risk assessment in contextual bandits,
    NeurIPS 34. Chandak, Niekum, da Silva, Learned-Miller, Brunskill & Thomas (2021), Universal
    off-policy evaluation, NeurIPS 34.

    Examples
    --------
    >>> from skbandit.metrics import reward_distribution
    >>> later = reward_distribution(reward=[0., 1., 5., 1.], propensity=[.5, .5, .5, .5],
    ...                             policy_probability=[1., 1., .5, .5])
    >>> later.cdf(1.0), later.quantile(0.5), later.cvar(0.5)
    (0.8333333333333334, 1.0, 0.33333333333333337)
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    rounds.need("reward", "arm", "propensity")
    weight = rounds.weight
    if rounds.sample_weight is not None:
        weight = weight * rounds.sample_weight
    if not weight.sum() > 0:
        raise ValueError(
            "policy_probability is 0 in every round that counts: the log says nothing about this "
            "policy. Evaluate one that plays what was logged."
        )
    warn_poor_support(weight)
    observed = float(rounds.reward.min()), float(rounds.reward.max())
    return RewardDistribution(
        reward=rounds.reward,
        weight=weight,
        reward_range=check_reward_range(reward_range, observed),
        groups=rounds.groups,
    )


@dataclass(frozen=True, eq=False)
class RewardDistribution:
    """The distribution of the reward of a round under a policy.

    Made by `reward_distribution`.

    Parameters
    ----------
    reward : ndarray of shape (n_samples,)
        Logged rewards.
    weight : ndarray of shape (n_samples,)
        Importance weights, times how much each round counts.
    reward_range : tuple of (low, high)
        Smallest and largest possible reward.
    groups : ndarray of int of shape (n_samples,), default=None
        Which group each round belongs to, numbered from 0 on.

    Attributes
    ----------
    support : ndarray of shape (n_values,)
        The different logged rewards, ascending.
    cumulative : ndarray of shape (n_values,)
        Probability of a reward of at most each of them; the last is 1.
    effective_sample_size : float
        (sum of weights)^2 / (sum of squared weights).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import reward_distribution
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(2, size=2000)
    >>> safe_or_not = np.where(arm == 0, 1.0, rng.choice([0.0, 2.5], size=2000))
    >>> risky = reward_distribution(safe_or_not, np.full(2000, 0.5), arm == 1)
    >>> round(risky.cvar(1.0), 2), round(risky.cvar(0.2), 2)
    (1.24, 0.0)
    """

    reward: np.ndarray
    weight: np.ndarray
    reward_range: tuple
    groups: np.ndarray = None

    @cached_property
    def _order(self):
        return np.argsort(self.reward, kind="stable")

    @cached_property
    def _ends(self):
        """The last place of each different reward in ascending order."""
        ordered = self.reward[self._order]
        return np.append(np.flatnonzero(ordered[1:] > ordered[:-1]), ordered.size - 1)

    @cached_property
    def support(self):
        return self.reward[self._order][self._ends]

    @cached_property
    def cumulative(self):
        sums = np.cumsum(self.weight[self._order])[self._ends]
        return sums / sums[-1]

    @cached_property
    def effective_sample_size(self):
        return effective_sample_size(self.weight)

    def cdf(self, x):
        """Probability of a reward of at most x.

        Parameters
        ----------
        x : float or array-like

        Returns
        -------
        probability : float or ndarray of the shape of x
        """
        return _cdf(self.support, self.cumulative, x)

    def quantile(self, q):
        """Smallest reward that a share of at least q of the rounds does not exceed.

        Parameters
        ----------
        q : float or array-like
            Above 0 and up to 1.

        Returns
        -------
        quantile : float or ndarray of the shape of q
        """
        return _quantile(self.support, self.cumulative, _check_share(q))

    def cvar(self, q):
        """Mean reward of the worst share q of the rounds: of the lower tail.

        The conditional value at risk at level q, ``(1 / q) integral of quantile(u) over u from 0
        to q``. ``cvar(1)`` is the mean, the value of `snips_value`.

        Parameters
        ----------
        q : float or array-like
            Above 0 and up to 1.

        Returns
        -------
        cvar : float or ndarray of the shape of q
        """
        return _cvar(self.support, self.cumulative, _check_share(q))

    def band(self, *, confidence_level=0.95, n_resamples=1000, random_state=None):
        """Bounds of the distribution function that hold for all rewards at once.

        The errors at all x are a sum of the rounds' influences, ``h (1{r <= x} - F(x)) / (1 - h)``
        where h is the round's share of all weights; the denominator makes it the change that
        leaving out the round would make, for large weights pull the estimate towards themselves.
        With each multiplied by a standard normal number, or all of a group by the same, the
        largest absolute sum over x varies as the largest error does (multiplier bootstrap). Its
        quantile is the half-width of the band.

        Parameters
        ----------
        confidence_level : float, default=0.95
            Wanted probability that the whole true function lies within, for many effective
            rounds.
        n_resamples : int, default=1000
            Number of draws.
        random_state : int, RandomState instance or None, default=None
            Draws the multipliers.

        Returns
        -------
        band : DistributionBand

        Raises
        ------
        ValueError
            If the level is not between 0 and 1, `n_resamples` is below 2, or there are fewer than
            2 rounds or groups.

        References
        ----------
        van der Vaart & Wellner (1996), Weak Convergence and Empirical Processes, section 2.9.
        MacKinnon & White (1985), Some heteroskedasticity-consistent covariance matrix estimators
        with improved finite sample properties, Journal of Econometrics 29 (the denominator).
        """
        check_confidence_level(confidence_level)
        if n_resamples < 2:
            raise ValueError(
                f"n_resamples must be at least 2; got {n_resamples!r}. 1000 is usual."
            )
        n_independent = count_groups(self.groups, self.reward.size)
        if n_independent < 2:
            units = "rounds" if self.groups is None else "groups"
            raise ValueError(
                f"a band needs at least 2 {units}; the log has 1. Only the estimate can be used."
            )
        largest = self._largest_errors(n_resamples, n_independent, random_state)
        half_width = float(np.quantile(largest, confidence_level, method="higher"))
        return DistributionBand(
            support=self.support,
            low=np.maximum(self.cumulative - half_width, 0.0),
            high=np.minimum(self.cumulative + half_width, 1.0),
            half_width=half_width,
            reward_range=self.reward_range,
        )

    def _largest_errors(self, n_resamples, n_independent, random_state):
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        rng = np.random.Generator(np.random.SFC64(seed))
        share = self.weight[self._order] / self.weight.sum()
        groups = self._order if self.groups is None else self.groups[self._order]
        own = np.bincount(groups, weights=share, minlength=n_independent)
        share = share / (1 - np.minimum(own, _LARGEST_SHARE))[groups]
        largest = np.empty(n_resamples)
        rows = max(1, _BLOCK_ENTRIES // share.size)
        for start in range(0, n_resamples, rows):
            block = largest[start : start + rows]
            multiplier = rng.standard_normal((block.size, n_independent))
            sums = multiplier[:, groups]
            sums *= share
            np.cumsum(sums, axis=1, out=sums)
            errors = sums[:, self._ends]
            errors -= errors[:, -1:] * self.cumulative
            np.abs(errors).max(axis=1, out=block)
        return largest

    def __repr__(self):
        return (
            f"RewardDistribution(n_samples={self.reward.size}, "
            f"effective_sample_size={self.effective_sample_size:.4g}, "
            f"median={self.quantile(0.5):.4g}, mean={self.cvar(1.0):.4g})"
        )


@dataclass(frozen=True, eq=False)
class DistributionBand:
    """Bounds of a distribution function for all rewards at once, and what follows from them.

    Made by `RewardDistribution.band`. Whatever is asked of one band holds together, with the
    band's confidence: any number of quantiles and tails, chosen after looking too.

    Parameters
    ----------
    support : ndarray of shape (n_values,)
        The different logged rewards, ascending.
    low, high : ndarray of shape (n_values,)
        Bounds of the distribution function from each of them up to the next.
    half_width : float
        Distance of the bounds from the estimate before they are cut at 0 and 1.
    reward_range : tuple of (low, high)
        Smallest and largest possible reward.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import reward_distribution
    >>> reward, half = np.random.default_rng(0).normal(size=1000), np.full(1000, 0.5)
    >>> band = reward_distribution(reward, half, half).band(random_state=0)
    >>> low, high = band.quantile(0.5)
    >>> bool(low < 0.0 < high)
    True
    """

    support: np.ndarray
    low: np.ndarray
    high: np.ndarray
    half_width: float
    reward_range: tuple

    @cached_property
    def _low_steps(self):
        """The lower function with the mass that it lacks at the largest possible reward."""
        return np.append(self.support, self.reward_range[1]), np.append(self.low, 1.0)

    @cached_property
    def _high_steps(self):
        """The upper function with the mass that it has too much at the least possible reward."""
        first = min(1.0, self.half_width)
        return np.append(self.reward_range[0], self.support), np.append(first, self.high)

    def cdf(self, x):
        """Bounds of the probability of a reward of at most x.

        Parameters
        ----------
        x : float or array-like

        Returns
        -------
        interval : Interval
            Ends of the shape of x.
        """
        return Interval(_cdf(*self._low_steps, x), _cdf(*self._high_steps, x))

    def quantile(self, q):
        """Bounds of quantiles.

        Parameters
        ----------
        q : float or array-like
            Above 0 and up to 1.

        Returns
        -------
        interval : Interval
            Ends of the shape of q, within the range of the rewards.
        """
        q = _check_share(q)
        return Interval(_quantile(*self._high_steps, q), _quantile(*self._low_steps, q))

    def cvar(self, q):
        """Bounds of the mean reward of the worst share q of the rounds.

        Of all distributions within the band the upper function has the least lower tail and the
        lower function the largest.

        Parameters
        ----------
        q : float or array-like
            Above 0 and up to 1.

        Returns
        -------
        interval : Interval
            Ends of the shape of q, within the range of the rewards.
        """
        q = _check_share(q)
        return Interval(_cvar(*self._high_steps, q), _cvar(*self._low_steps, q))

    def __repr__(self):
        return f"DistributionBand(half_width={self.half_width:.4g})"


def _check_share(q):
    q = np.asarray(q, dtype=np.float64)
    # Written so that NaN fails too.
    if not ((q > 0) & (q <= 1)).all():
        raise ValueError(
            f"q must be above 0 and at most 1, a share of the rounds; got {q}. A per cent is 0.01."
        )
    return q


def _cdf(support, cumulative, x):
    place = np.searchsorted(support, np.asarray(x, dtype=np.float64), side="right")
    return _plain(np.append(0.0, cumulative)[place])


def _quantile(support, cumulative, q):
    place = np.searchsorted(cumulative, q - _ROUNDING, side="left")
    return _plain(support[np.minimum(place, support.size - 1)])


def _cvar(support, cumulative, q):
    """Mean of the lowest share q: whole steps below it, and a part of the step that holds it."""
    below = np.append(0.0, cumulative)
    sums = np.append(0.0, np.cumsum(np.diff(below) * support))
    place = np.minimum(np.searchsorted(cumulative, q, side="left"), support.size - 1)
    return _plain((sums[place] + (q - below[place]) * support[place]) / q)


def _plain(values):
    return float(values) if np.ndim(values) == 0 else values
