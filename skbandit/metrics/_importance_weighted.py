"""Values from importance-weighted rewards, without a reward model."""

import numpy as np

from .._values import RatioOfMeans, ratio_columns, self_normalized_mean
from ._diagnostics import warn_mean_weight, warn_not_uniform, warn_poor_support
from ._policy_value import PolicyValue, first_mean
from ._validation import EvaluatedRounds, check_groups, check_sample_weight, check_vector


def span(values):
    """Smallest and largest entry."""
    return float(values.min()), float(values.max())


def weighted_mean(rounds, name, weight, **parameters):
    """Mean of weight times reward."""
    warn_poor_support(rounds.weight)
    warn_mean_weight(rounds)
    return PolicyValue(
        name=name,
        columns=(weight * rounds.reward)[:, None],
        formula=first_mean,
        weight=weight,
        control=rounds.weight,
        reward=rounds.reward,
        residual=rounds.reward,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        reward_range=span(rounds.reward),
        propensity=rounds.propensity,
        parameters=parameters,
    )


def defined_mean(name, value, weight, sample_weight):
    """Self-normalised mean; raise where the policy never plays what was logged."""
    mean = self_normalized_mean(value, weight, sample_weight)
    if np.isnan(mean):
        raise ValueError(
            f"{name} is undefined: the policy gives every logged arm probability 0. Evaluate a "
            "policy that plays some of what was logged, or use an estimator with a reward model, "
            "dm_value or dr_value."
        )
    return mean


def self_normalized(
    name, reward, weight, *, sample_weight, groups, control=None, propensity=None, **parameters
):
    """Ratio of the means of weight times reward and of weight."""
    # Linearised, a round adds w (reward - value) / mean(w) to the value.
    value = defined_mean(name, reward, weight, sample_weight)
    warn_poor_support(weight)
    return PolicyValue(
        name=name,
        columns=ratio_columns(reward - value, weight),
        residual=reward - value,
        formula=RatioOfMeans(value),
        weight=weight,
        weight_scale=1 / np.average(weight, weights=sample_weight),
        control=control,
        sample_weight=sample_weight,
        groups=groups,
        reward_range=span(reward),
        base_range=(value, value),
        model_range=(value, value),
        propensity=propensity,
        parameters=parameters,
    )


def mean_value(*, reward, sample_weight=None, groups=None):
    """Value of the logging policy: the mean reward.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
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

    Examples
    --------
    >>> from skbandit.metrics import mean_value
    >>> mean_value(reward=[0., 1., 1., 1.]).value
    0.75
    """
    reward = check_vector(reward, "reward")
    return PolicyValue(
        name="mean",
        columns=reward[:, None],
        formula=first_mean,
        reward=reward,
        residual=reward,
        sample_weight=check_sample_weight(sample_weight, reward.size),
        groups=check_groups(groups, reward.size),
        reward_range=span(reward),
        base_range=span(reward),
    )


def replay_value(*, reward, policy_probability, arm=None, sample_weight=None, groups=None):
    """Value by replay: the mean reward over rounds in which the policy agrees with the log.

    A stochastic policy agrees with probability `policy_probability` of the logged arm; those
    probabilities weigh the rounds, the expectation of the rejection sampler over its draws::

        sum_i policy_probability_i reward_i / sum_i policy_probability_i

    Right for logs of a uniform logging policy, which needs no propensity (Li et al. 2011,
    algorithm 2 and theorem 1); `snips_value` is its counterpart for any logging policy.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
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
        If an argument has a wrong shape or impossible values, or the policy agrees with no round.

    See Also
    --------
    snips_value : The same for logging policies that are not uniform.

    References
    ----------
    Li, Chu, Langford & Wang (2011), Unbiased offline evaluation of contextual-bandit-based news
    article recommendation algorithms, WSDM.

    Examples
    --------
    >>> from skbandit.metrics import replay_value
    >>> replay_value(reward=[1., 0., 1.], arm=[0, 1, 1],
    ...              policy_probability=[[1., 0.], [0., 1.], [1., 0.]]).value
    0.5
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        policy_probability=policy_probability,
        sample_weight=sample_weight,
        groups=groups,
    )
    return replay(rounds)


def replay(rounds):
    """`replay_value` of checked rounds."""
    rounds.need("reward", "arm")
    warn_not_uniform(rounds.propensity)
    return self_normalized(
        "replay",
        rounds.reward,
        rounds.logged_probability,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
    )


def ips_value(
    *, reward, propensity, policy_probability, arm=None, sample_weight=None, groups=None
):
    """Value by inverse propensity scoring.

    mean(w reward) with w = policy_probability / propensity of the logged arm: unbiased where
    propensities are right and every arm that the policy plays could have been logged.

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
    snips_value : Divides by the mean weight.
    dr_value : Adds a reward model.

    References
    ----------
    Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite
    universe, JASA 47. Strehl, Langford, Li & Kakade (2010), Learning from logged implicit
    exploration data.

    Examples
    --------
    >>> from skbandit.metrics import ips_value
    >>> ips_value(reward=[1., 0., 1.], arm=[0, 1, 1], propensity=[.5, .5, .5],
    ...           policy_probability=[[.75, .25], [0., 1.], [.25, .75]]).value
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
    return ips(rounds)


def ips(rounds):
    """`ips_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    return weighted_mean(rounds, "ips", rounds.weight)


def snips_value(
    *, reward, propensity, policy_probability, arm=None, sample_weight=None, groups=None
):
    """Value by self-normalised inverse propensity scoring.

    mean(w reward) / mean(w): biased by the order of 1 / n, and usually far less variable than IPS.
    It stays within the range of the rewards, and shifts with them.

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
        If an argument has a wrong shape or impossible values, or all weights are 0.

    See Also
    --------
    sndr_value : With a reward model.
    cressie_read_value : Uses that the mean weight should be 1 in the best way.

    References
    ----------
    Hajek (1971). Swaminathan & Joachims (2015), The self-normalized estimator for counterfactual
    learning, NeurIPS.

    Examples
    --------
    >>> from skbandit.metrics import snips_value
    >>> snips_value(reward=[1., 0., 1.], propensity=[.5, .5, .5],
    ...             policy_probability=[1., .5, .5]).value
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
    return snips(rounds)


def snips(rounds):
    """`snips_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity")
    warn_mean_weight(rounds)
    return self_normalized(
        "snips",
        rounds.reward,
        rounds.weight,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        control=rounds.weight,
        propensity=rounds.propensity,
    )
