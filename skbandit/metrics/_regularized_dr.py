"""Doubly robust values whose weights are held down."""

from ._doubly_robust import corrected_mean
from ._tuning import squared_weight_grid, tune, unit_grid, weight_grid
from ._validation import EvaluatedRounds
from ._weights import clip_weight, optimistic_weight, subgaussian_weight, switch_weight

_NEEDS = ("reward", "arm", "propensity", "expected_reward")


def switch_dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    tau="auto",
    sample_weight=None,
    groups=None,
):
    """Value by the doubly robust method that trusts the model where weights are large.

    mean(sum_a policy_probability_a q_a + w 1{w <= tau} (reward - q_arm)). For tau = 0 it is the
    direct method, for infinity DR.

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
    tau : float, "auto" or "slope", default="auto"
        Largest weight that is used. `"auto"` chooses the smallest standard
        error among those whose bias is surely small beside it, `"slope"` the strongest shrinkage
        that agrees with weaker ones, see `slope`.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With `tau` in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    shrinkage_dr_value : Shrinks weights instead of dropping them.

    References
    ----------
    Wang, Agarwal & Dudik (2017), Optimal and adaptive off-policy evaluation in contextual bandits,
    ICML, section 4.

    Examples
    --------
    >>> from skbandit.metrics import switch_dr_value
    >>> switch_dr_value(reward=[1., 0.], arm=[0, 1], propensity=[.1, .5],
    ...                 policy_probability=[[1., 0.], [0., 1.]],
    ...                 expected_reward=[[.5, 0.], [0., .5]], tau=5.).value
    0.0
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
    return switch_dr(rounds, tau=tau)


def switch_dr(rounds, tau="auto"):
    """`switch_dr_value` of checked rounds."""
    rounds.need(*_NEEDS)
    tau, weight = tune(rounds, tau, "tau", weight_grid, switch_weight, doubly_robust=True)
    return corrected_mean(rounds, "switch_dr", weight, tau=tau)


def shrinkage_dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    lambda_="auto",
    shrinkage="optimistic",
    sample_weight=None,
    groups=None,
):
    """Value by the doubly robust method with shrunk weights (DRos and DRps).

    mean(sum_a policy_probability_a q_a + v (reward - q_arm)), where the weight v minimises a bound
    of the mean squared error:

    - optimistic (DRos): `v = lambda_ w / (w^2 + lambda_)`;
    - pessimistic (DRps): `v = min(w, lambda_)`.

    For `lambda_ = 0` both are the direct method, for infinity DR.

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
    lambda_ : float, "auto" or "slope", default="auto"
        How much of the weights is kept. `"auto"` chooses the smallest standard
        error among those whose bias is surely small beside it, `"slope"` the strongest shrinkage
        that agrees with weaker ones, see `slope`.
    shrinkage : {"optimistic", "pessimistic"}, default="optimistic"
        How weights shrink.
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
    switch_dr_value : Drops large weights.

    References
    ----------
    Su, Dimakopoulou, Krishnamurthy & Dudik (2020), Doubly robust off-policy evaluation with
    shrinkage, ICML, section 3.

    Examples
    --------
    >>> from skbandit.metrics import shrinkage_dr_value
    >>> shrinkage_dr_value(reward=[1., 0.], arm=[0, 1], propensity=[.5, .5],
    ...                    policy_probability=[[1., 0.], [0., 1.]],
    ...                    expected_reward=[[.5, 0.], [0., 0.]], lambda_=4.).value
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
    if shrinkage not in _SHRINKAGES:
        raise ValueError(f"shrinkage must be one of {', '.join(_SHRINKAGES)}; got {shrinkage!r}.")
    return _SHRINKAGES[shrinkage](rounds, lambda_=lambda_)


def dros(rounds, lambda_="auto"):
    """`shrinkage_dr_value` of checked rounds, optimistic."""
    rounds.need(*_NEEDS)
    lambda_, weight = tune(
        rounds, lambda_, "lambda_", squared_weight_grid, optimistic_weight, doubly_robust=True
    )
    return corrected_mean(rounds, "dros", weight, lambda_=lambda_)


def drps(rounds, lambda_="auto"):
    """`shrinkage_dr_value` of checked rounds, pessimistic."""
    rounds.need(*_NEEDS)
    lambda_, weight = tune(
        rounds, lambda_, "lambda_", weight_grid, clip_weight, doubly_robust=True
    )
    return corrected_mean(rounds, "drps", weight, lambda_=lambda_)


_SHRINKAGES = {"optimistic": dros, "pessimistic": drps}


def subgaussian_dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    lambda_="auto",
    sample_weight=None,
    groups=None,
):
    """Value by the doubly robust method with sub-Gaussian weights.

    mean(sum_a policy_probability_a q_a + v (reward - q_arm)) with `v = w / (1 - lambda_ + lambda_
    w)`. For `lambda_ = 0` it is DR.

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
    subgaussian_ips_value : Without a model.

    References
    ----------
    Metelli, Russo & Restelli (2021), Subgaussian and differentiable importance sampling for
    off-policy evaluation and learning, NeurIPS.

    Examples
    --------
    >>> from skbandit.metrics import subgaussian_dr_value
    >>> round(subgaussian_dr_value(reward=[1., 0.], arm=[0, 1], propensity=[.2, .5],
    ...                            policy_probability=[[.8, .2], [.5, .5]],
    ...                            expected_reward=[[0., 0.], [0., 0.]], lambda_=.5).value, 6)
    0.8
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
    return subgaussian_dr(rounds, lambda_=lambda_)


def subgaussian_dr(rounds, lambda_="auto"):
    """`subgaussian_dr_value` of checked rounds."""
    rounds.need(*_NEEDS)
    lambda_, weight = tune(
        rounds, lambda_, "lambda_", unit_grid, subgaussian_weight, doubly_robust=True, high=1.0
    )
    return corrected_mean(rounds, "subgaussian_dr", weight, lambda_=lambda_)
