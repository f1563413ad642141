"""How sure it is, given a log, that one policy is better than another."""

from numbers import Real

import numpy as np
from scipy import special

from ._validation import check_vector

# An error that rests on so many terms is believed as much as what pooling all rounds says.
_BELIEVED_TERMS = 30.0
# Relative to a value and its error.
_ROUNDING = 1e-12


def chance_better(difference, reward, *, prior_scale=0.5):
    r"""Probability that a difference of two values is positive, given the log and a prior.

    Before the log is seen, the difference is taken to be normal about 0, with a standard deviation
    of `prior_scale` times the mean distance of a reward from the median reward: for rare clicks
    that is their rate, for normal rewards .8 of their deviation. With the estimated difference d,
    its standard error s and the prior's deviation p,

    .. math:: P(\text{better}) = \Phi\left(z \, \frac{p}{\sqrt{p^2 + s^2}}\right), \qquad
              \Phi(z) = T(d / s),

    where T is Student's distribution function with the degrees of freedom of the difference.

    Where rewards are rare, s is too small in just those logs in which the policy happened to earn
    little. So it is no smaller than what it would be if rewards had nothing to do with the
    weights, whose mean squares then stand for themselves: the variance that this adds is taken by
    a share of 30 / (30 + effective terms), see `PolicyValue`.

    Parameters
    ----------
    difference : PolicyValue
        A difference of two values of one log, ``first - second``.
    reward : array-like of shape (n_samples,)
        The logged rewards, which give the prior its unit.
    prior_scale : float, default=0.5
        Spread of the true differences among the policies that one compares, positive. Infinity is
        a flat prior: the chance is then one less the p-value of a one-sided test, and of policies
        that hardly differ it says more than it knows.

    Returns
    -------
    chance : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If `difference` is none, `reward` has another length, or `prior_scale` is not positive.

    See Also
    --------
    skbandit.model_selection.compare_policies : A table of policies that has this chance.
    PolicyMonitor : For logs that are looked at again and again.

    References
    ----------
    Gelman, Carlin, Stern, Dunson, Vehtari & Rubin (2013), Bayesian Data Analysis, section 2.5 (a
    normal prior). Rao (1948), Large sample tests of statistical hypotheses concerning several
    parameters, Proceedings of the Cambridge Philosophical Society 44 (errors under the null).

    Examples
    --------
    >>> from skbandit.metrics import chance_better, ips_value, mean_value
    >>> reward, propensity = [1., 0., 1., 1., 0., 1.] * 10, [.5] * 60
    >>> new = ips_value(reward=reward, propensity=propensity,
    ...                 policy_probability=[.6, .5, .4, .6, .5, .5] * 10)
    >>> round(chance_better(new - mean_value(reward=reward), reward), 3)
    0.965
    """
    if len(getattr(difference, "parts", ())) != 2:
        raise ValueError(
            f"difference must be that of two values, first - second; got {difference!r}."
        )
    if not isinstance(prior_scale, Real) or not prior_scale > 0:
        raise ValueError(
            f"prior_scale must be a positive number; got {prior_scale!r}. "
            "Infinity is a flat prior."
        )
    reward = check_vector(reward, "reward", difference.n_samples)
    spread = prior_scale * _mean_distance(reward, difference.sample_weight)
    error = difference.standard_error
    # What policies that are the same differ by is rounding.
    rounding = _ROUNDING * max(abs(part.value) + part.standard_error for part in difference.parts)
    if not error > rounding:
        apart = abs(difference.value) > rounding
        return float(np.heaviside(difference.value if apart else 0.0, 0.5))
    degrees = difference.degrees_of_freedom
    if not degrees > 0 or not spread > 0:
        return 0.5
    error = error * np.sqrt(1 + _share_to_add(difference))
    # From the side on which small probabilities have digits.
    normal = special.ndtri(special.stdtr(degrees, -abs(difference.value) / error))
    tail = special.ndtr(normal / np.hypot(1.0, error / spread))
    return float(tail if difference.value < 0 else 1 - tail)


def _mean_distance(reward, sample_weight):
    """Mean absolute distance from the median."""
    if sample_weight is None:
        return float(np.abs(reward - np.median(reward)).mean())
    order = np.argsort(reward)
    below = np.cumsum(sample_weight[order])
    median = reward[order][np.searchsorted(below, below[-1] / 2)]
    return float(np.average(np.abs(reward - median), weights=sample_weight))


def _share_to_add(difference):
    """How much larger the squared error is taken, relative to what the log's spread says."""
    first, second = difference.parts
    residuals = [first.residual, second.residual]
    observed = np.mean(difference.influence**2)
    if any(one is None for one in residuals) or not observed > 0:
        return 0.0
    share = difference.sample_weight
    squares = [np.average(one**2, weights=share) for one in residuals]
    least = int(np.argmin(squares))
    mean = np.average(residuals[least], weights=share)
    # A round adds factor times residual, and what no reward enters.
    factor = first.reward_factor - second.reward_factor
    if share is not None:
        factor = factor * (share / share.mean())
    fixed = difference.influence - factor * residuals[least]
    pooled = np.var(fixed) + np.mean(factor**2) * squares[least] - (factor.mean() * mean) ** 2
    excess = max(0.0, pooled / observed - 1)
    return excess * _BELIEVED_TERMS / (_BELIEVED_TERMS + difference.effective_terms)
