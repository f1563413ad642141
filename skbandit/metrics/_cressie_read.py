"""Value by empirical likelihood with the importance weight's expectation held at 1."""

from dataclasses import dataclass

import numpy as np

from ._diagnostics import warn_mean_weight, warn_poor_support
from ._importance_weighted import span
from ._policy_value import PolicyValue
from ._validation import EvaluatedRounds

_FLAT = 1e-14


@dataclass(frozen=True)
class RegressionToOne:
    """g of the means of z, u, u^2 and u z: the mean of w r, regressed to a mean weight of 1.

    With w the weight and r the reward, u is (w - 1) / `scale` and z is w (r - `centre`) +
    `centre`. Neither changes the estimate, mean(w r) - cov(w r, w) / var(w) (mean(w) - 1), but
    with the reward of the largest weight in the centre that weight does not drown the others.
    """

    centre: float
    scale: float

    def __call__(self, means):
        """Return the estimate."""
        product, shift, square, cross = (means[..., column] for column in range(4))
        variance = square - shift**2
        # Weights that do not vary leave nothing to regress on: the mean of w r is left.
        flat = np.real(variance) <= _FLAT
        slope = np.where(flat, -self.centre * self.scale, cross - shift * product)
        return product - slope / np.where(flat, 1.0, variance) * shift


def cressie_read_value(
    *, reward, propensity, policy_probability, arm=None, sample_weight=None, groups=None
):
    """Value by empirical likelihood of the Cressie-Read family (power -2).

    The rounds are given probabilities q as near as possible to equal ones, in Euclidean
    divergence, such that the importance weight has expectation 1, as it must: sum q w = 1. The
    value is sum q w reward, in closed form::

        mean(w reward) - cov(w reward, w) / var(w) (mean(w) - 1)

    As precise as IPS with the best multiple of w - 1 as control variate, hence never worse than
    IPS or SNIPS in large samples.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm in `policy_probability`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    cressie_read_interval : The interval of the same likelihood, for any estimate.
    snips_value : Divides by the mean weight instead.

    Notes
    -----
    Only the weights in the log carry probability. The paper lets a round that was not seen carry
    some too, at the edge of the possible weights; that changes the value by the order of 1 / n,
    and `cressie_read_interval` offers it for the interval.

    References
    ----------
    Karampatziakis, Langford & Mineiro (2020), Empirical likelihood for contextual bandits,
    NeurIPS, section 4. Owen (1988), Empirical likelihood ratio confidence intervals for a single
    functional, Biometrika 75.

    Examples
    --------
    >>> from skbandit.metrics import cressie_read_value
    >>> round(cressie_read_value(reward=[1., 1., 1.], propensity=[.5, .5, .25],
    ...                          policy_probability=[1., .25, .5]).value, 6)
    1.0
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    return cressie_read(rounds)


def cressie_read(rounds):
    """`cressie_read_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    weight, reward = rounds.weight, rounds.reward
    warn_poor_support(weight)
    warn_mean_weight(rounds)
    centre = float(reward[weight.argmax()])
    scale = max(1.0, float(weight.max()))
    product, shift = weight * (reward - centre) + centre, (weight - 1) / scale
    moments = np.cov(np.stack([product, shift]), ddof=0, aweights=rounds.sample_weight)
    flat = moments[1, 1] <= _FLAT
    slope = 0.0 if flat else float(centre + moments[0, 1] / moments[1, 1] / scale)
    return PolicyValue(
        name="cressie_read",
        columns=np.column_stack([product, shift, shift**2, shift * product]),
        formula=RegressionToOne(centre, scale),
        weight=weight,
        control=weight,
        residual=reward - slope,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        reward_range=span(rounds.reward),
        base_range=(slope, slope),
        model_range=(slope, slope),
        propensity=rounds.propensity,
    )
