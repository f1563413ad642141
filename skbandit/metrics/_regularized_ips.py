"""Values from importance-weighted rewards whose weights are held down."""

from numbers import Real

import numpy as np

from ._groups import count_groups
from ._importance_weighted import weighted_mean
from ._tuning import tune, unit_grid, weight_grid
from ._validation import EvaluatedRounds
from ._weights import clip_weight, smoothed_weight, subgaussian_weight


def clipped_ips_value(
    *,
    reward,
    propensity,
    policy_probability,
    arm=None,
    clip="auto",
    sample_weight=None,
    groups=None,
):
    """Value by inverse propensity scoring with clipped weights.

    mean(min(w, clip) reward): a bias for a smaller variance.

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
    clip : float, "auto" or "slope", default="auto"
        Largest weight. `"auto"` chooses the smallest standard
        error among those whose bias is surely small beside it, `"slope"` the strongest shrinkage
        that agrees with weaker ones, see `slope`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With the clip in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    shrinkage_dr_value : Clips the weights of a model's errors instead.

    References
    ----------
    Ionides (2008), Truncated importance sampling, Journal of Computational and Graphical
    Statistics 17. Bottou et al. (2013), Counterfactual reasoning and learning systems, JMLR 14.

    Examples
    --------
    >>> from skbandit.metrics import clipped_ips_value
    >>> clipped_ips_value(reward=[1., 0., 1.], propensity=[.1, .5, .5],
    ...                   policy_probability=[.5, .5, .5], clip=2.).value
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
    return clipped_ips(rounds, clip=clip)


def clipped_ips(rounds, clip="auto"):
    """`clipped_ips_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    clip, weight = tune(rounds, clip, "clip", weight_grid, clip_weight, doubly_robust=False)
    return weighted_mean(rounds, "clipped_ips", weight, clip=clip)


def subgaussian_ips_value(
    *,
    reward,
    propensity,
    policy_probability,
    arm=None,
    lambda_="auto",
    sample_weight=None,
    groups=None,
):
    """Value by inverse propensity scoring with sub-Gaussian weights.

    `mean(reward w / (1 - lambda_ + lambda_ w))`: the harmonic correction, which moves all weights
    toward 1 and bounds them by `1 / lambda_`. For `lambda_ = 0` it is IPS, for 1 the mean reward.

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
    lambda_ : float, "auto" or "slope", default="auto"
        Strength of the correction, from 0 to 1. `"auto"` chooses the smallest standard
        error among those whose bias is surely small beside it, `"slope"` the strongest shrinkage
        that agrees with weaker ones, see `slope`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With `lambda_` in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    subgaussian_dr_value : With a reward model.

    References
    ----------
    Metelli, Russo & Restelli (2021), Subgaussian and differentiable importance sampling for
    off-policy evaluation and learning, NeurIPS, definition 5.1 with s = -1.

    Examples
    --------
    >>> from skbandit.metrics import subgaussian_ips_value
    >>> round(subgaussian_ips_value(reward=[1., 0.], propensity=[.2, .5],
    ...                             policy_probability=[.8, .5], lambda_=.5).value, 6)
    0.8
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    return subgaussian_ips(rounds, lambda_=lambda_)


def subgaussian_ips(rounds, lambda_="auto"):
    """`subgaussian_ips_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    lambda_, weight = tune(
        rounds, lambda_, "lambda_", unit_grid, subgaussian_weight, doubly_robust=False, high=1.0
    )
    return weighted_mean(rounds, "subgaussian_ips", weight, lambda_=lambda_)


def ix_value(
    *,
    reward,
    propensity,
    policy_probability,
    arm=None,
    gamma="auto",
    sample_weight=None,
    groups=None,
):
    """Value by implicit exploration.

    mean(reward policy_probability / (propensity + gamma)): for non-negative rewards a pessimistic
    estimate, whose upward error is bounded with high probability whatever the propensities.

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
    gamma : float, "auto" or "slope", default="auto"
        What is added to each propensity, from 0 to 1. `"auto"` chooses the smallest standard
        error among those whose bias is surely small beside it, `"slope"` the strongest shrinkage
        that agrees with weaker ones, see `slope`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With `gamma` in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    ips_value : The limit gamma = 0.

    References
    ----------
    Neu (2015), Explore no more: improved high-probability regret bounds for non-stochastic
    bandits, NeurIPS, eq. 2. Gabbianelli, Neu & Papini (2024), Importance-weighted offline learning
    done right, ALT.

    Examples
    --------
    >>> from skbandit.metrics import ix_value
    >>> ix_value(reward=[1., 1.], propensity=[.25, .75], policy_probability=[.5, .5],
    ...          gamma=.25).value
    0.75
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    return ix(rounds, gamma=gamma)


def ix(rounds, gamma="auto"):
    """`ix_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    chance = rounds.propensity

    def explore(weight, gamma):
        return weight * (chance / (chance + gamma))

    gamma, weight = tune(rounds, gamma, "gamma", unit_grid, explore, doubly_robust=False, high=1.0)
    return weighted_mean(rounds, "ix", weight, gamma=gamma)


def ls_value(
    *,
    reward,
    propensity,
    policy_probability,
    arm=None,
    lambda_=None,
    sample_weight=None,
    groups=None,
):
    """Value by logarithmic smoothing.

    ``mean(log(1 + lambda_ w reward) / lambda_)``, for rewards that are not negative: a pessimistic
    estimate, whose upward error is bounded with high probability whatever the propensities. For
    `lambda_ = 0` it is IPS.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards, not negative.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm in `policy_probability`.
    lambda_ : float, default=None
        Strength of the smoothing, not negative, in units of one over the reward. None means one
        over the root of the number of rounds (of groups), as in the paper, over the largest logged
        reward, so that the unit of the rewards means nothing.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With `lambda_` in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, or a reward is negative.

    See Also
    --------
    ls_interval : The bounds of the same smoothing.
    ix_value : Shrinks weights by the propensity alone.

    References
    ----------
    Sakhi, Aouali, Alquier & Chopin (2024), Logarithmic smoothing for pessimistic off-policy
    evaluation, selection and learning, NeurIPS. Its costs are our rewards with the sign changed.

    Examples
    --------
    >>> from skbandit.metrics import ls_value
    >>> value = ls_value(reward=[1., 0.], propensity=[.2, .5], policy_probability=[.8, .5],
    ...                  lambda_=.5)
    >>> round(value.value, 6)  # log(1 + .5 * 4) / .5 / 2
    1.098612
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    return ls(rounds, lambda_=lambda_)


def ls(rounds, lambda_=None):
    """`ls_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    reward = rounds.reward
    if (reward < 0).any():
        raise ValueError(
            f"reward must not be negative for logarithmic smoothing; got {reward.min():g}. Take "
            "the smallest possible reward from all of them, and add it to the value again."
        )
    if lambda_ is None:
        n = count_groups(rounds.groups, rounds.n_samples)
        lambda_ = 1 / (np.sqrt(n) * (reward.max() or 1.0))
    elif not isinstance(lambda_, Real) or not 0 <= lambda_ < np.inf:
        raise ValueError(
            f"lambda_ must be a number that is not negative; got {lambda_!r}. None takes one over "
            "the root of the number of rounds."
        )
    lambda_ = float(lambda_)
    weight = smoothed_weight(rounds.weight, reward, lambda_)
    return weighted_mean(rounds, "ls", weight, lambda_=lambda_)
