"""Values from a reward model, alone and corrected by importance-weighted errors."""

from dataclasses import dataclass

import numpy as np

from .._values import RatioOfMeans, ratio_columns
from ._diagnostics import warn_mean_weight, warn_poor_support
from ._importance_weighted import defined_mean, span
from ._policy_value import PolicyValue, first_mean
from ._validation import EvaluatedRounds


@dataclass(frozen=True)
class MeanPlusRatio:
    """g(a, b, c) = a + ratio(b, c)."""

    ratio: RatioOfMeans

    def __call__(self, means):
        """Return the sum."""
        return means[..., 0] + self.ratio(means[..., 1:])


def corrected_mean(rounds, name, weight, **parameters):
    """Mean of the model's value plus weight times the model's error."""
    rounds.need("reward", "arm", "propensity", "expected_reward")
    warn_poor_support(rounds.weight)
    warn_mean_weight(rounds)
    return PolicyValue(
        name=name,
        columns=rounds.corrected(weight)[:, None],
        formula=first_mean,
        weight=weight,
        control=rounds.weight,
        residual=rounds.model_error,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        reward_range=span(rounds.reward),
        base_range=span(rounds.model_policy),
        model_range=span(rounds.model_logged),
        propensity=rounds.propensity,
        parameters=parameters,
    )


def dm_value(*, policy_probability, expected_reward, sample_weight=None, groups=None):
    """Value by the direct method: what a reward model predicts for the policy.

    mean(sum_a policy_probability_a expected_reward_a). Needs no propensities, and is as biased as
    the model. Its intervals know the spread over contexts only, not the error of the model.

    Parameters
    ----------
    policy_probability : array-like of shape (n_samples, n_arms)
        Probabilities of the evaluated policy.
    expected_reward : array-like of shape (n_samples, n_arms)
        The model's prediction for every arm.
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
    cross_fit_rewards : Makes the predictions.
    dr_value : Corrects the model's bias.

    References
    ----------
    Beygelzimer & Langford (2009), The offset tree for learning with partial labels, KDD. Dudik,
    Erhan, Langford & Li (2014), Doubly robust policy evaluation and optimization, Statistical
    Science 29, eq. 3.1.

    Examples
    --------
    >>> from skbandit.metrics import dm_value
    >>> dm_value(policy_probability=[[.5, .5], [1., 0.]],
    ...          expected_reward=[[0., 1.], [1., 0.]]).value
    0.75
    """
    rounds = EvaluatedRounds(
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
    )
    return dm(rounds)


def dm(rounds):
    """`dm_value` of checked rounds."""
    rounds.need("expected_reward")
    return PolicyValue(
        name="dm",
        columns=rounds.model_policy[:, None],
        formula=first_mean,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        base_range=span(rounds.model_policy),
    )


def dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    sample_weight=None,
    groups=None,
):
    """Value by the doubly robust method.

    mean(sum_a policy_probability_a q_a + w (reward - q_arm)) with the model's predictions q: right
    where either the propensities or the model are, and less variable than IPS by what the model
    explains. With a model of zeros it is IPS.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm in `policy_probability`.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_arms)
        Probabilities of the evaluated policy.
    expected_reward : array-like of shape (n_samples, n_arms)
        The model's prediction for every arm, from rows other than the one predicted.
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
    cross_fit_rewards : Makes the predictions.
    mrdr_weight : Weights for fitting the model to this estimate.
    sndr_value, switch_dr_value, shrinkage_dr_value : For large weights.

    References
    ----------
    Robins, Rotnitzky & Zhao (1994), Estimation of regression coefficients when some regressors are
    not always observed, JASA 89. Dudik, Erhan, Langford & Li (2014), Doubly robust policy
    evaluation and optimization, Statistical Science 29, eq. 3.3.

    Examples
    --------
    >>> from skbandit.metrics import dr_value
    >>> dr_value(reward=[1., 0.], arm=[0, 1], propensity=[.5, .5],
    ...          policy_probability=[[1., 0.], [0., 1.]],
    ...          expected_reward=[[.5, 0.], [0., .5]]).value
    0.5
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
    )
    return dr(rounds)


def dr(rounds):
    """`dr_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity", "expected_reward")
    return corrected_mean(rounds, "dr", rounds.weight)


def sndr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    sample_weight=None,
    groups=None,
):
    """Value by the self-normalised doubly robust method.

    mean(sum_a policy_probability_a q_a) + mean(w (reward - q_arm)) / mean(w).

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    arm : array-like of int of shape (n_samples,)
        Column of the logged arm in `policy_probability`.
    propensity : array-like of shape (n_samples,)
        Probability with which the logged arm was played, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_arms)
        Probabilities of the evaluated policy.
    expected_reward : array-like of shape (n_samples, n_arms)
        The model's prediction for every arm, from rows other than the one predicted.
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
    dr_value : Without the normalisation.
    snips_value : Without the model.

    References
    ----------
    Robins, Sued, Lei-Gomez & Rotnitzky (2007), Performance of double-robust estimators when
    inverse probability weights are highly variable, Statistical Science 22. Thomas & Brunskill
    (2016), Data-efficient off-policy policy evaluation for reinforcement learning, ICML.

    Examples
    --------
    >>> from skbandit.metrics import sndr_value
    >>> sndr_value(reward=[1., 0.], arm=[0, 1], propensity=[.5, .5],
    ...            policy_probability=[[1., 0.], [0., 1.]],
    ...            expected_reward=[[.5, 0.], [0., .5]]).value
    0.5
    """
    rounds = EvaluatedRounds(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
    )
    return sndr(rounds)


def sndr(rounds):
    """`sndr_value` of checked rounds."""
    rounds.need("reward", "arm", "propensity", "expected_reward")
    weight, error = rounds.weight, rounds.model_error
    # Linearised, a round adds w (error - mean error) / mean(w) to its model value plus that mean
    # error.
    mean_error = defined_mean("sndr", error, weight, rounds.sample_weight)
    warn_poor_support(weight)
    warn_mean_weight(rounds)
    return PolicyValue(
        name="sndr",
        columns=np.column_stack([rounds.model_policy, ratio_columns(error - mean_error, weight)]),
        formula=MeanPlusRatio(RatioOfMeans(mean_error)),
        weight=weight,
        weight_scale=1 / np.average(weight, weights=rounds.sample_weight),
        control=weight,
        residual=error - mean_error,
        sample_weight=rounds.sample_weight,
        groups=rounds.groups,
        reward_range=span(rounds.reward),
        base_range=span(rounds.model_policy + mean_error),
        model_range=span(rounds.model_logged + mean_error),
        propensity=rounds.propensity,
    )
