"""Values of policies that choose quantities: smoothed by a kernel, or with their density."""

import warnings

import numpy as np

from .._values import RatioOfMeans, effective_sample_size, ratio_columns, self_normalized_mean
from ._bandwidth import choose_bandwidth
from ._diagnostics import FEW_ROUNDS, PoorSupportWarning, stacklevel_of_caller
from ._importance_weighted import span
from ._policy_value import PolicyValue, first_mean
from ._quantity_rounds import DensityRounds, QuantityRounds

# So many standard errors are no chance.
_FAR = 4.0


def kernel_ips_value(
    *,
    reward,
    propensity,
    quantity,
    policy_quantity,
    arm=None,
    policy_arm=None,
    bounds=None,
    bandwidth="auto",
    kernel="epanechnikov",
    smoothness=1,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that chooses quantities by kernel-smoothed inverse propensity scoring.

    mean(w reward), where w is the density of the logged quantity under the policy, smoothed by a
    kernel about what it would play, over the logged density; 0 where the policy plays another arm,
    and 1 over the propensity where it plays the same arm and that takes no quantity. The kernel is
    divided by its mass within the box, so that the mean weight is 1 at the ends of the box too.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
        How much was played; NaN where the arm takes none, or fewer numbers than others.
    policy_quantity : array-like of the shape of `quantity`
        How much the evaluated policy would have played.
    arm, policy_arm : array-like of shape (n_samples,), default=None
        Labels of the arm that was played, and of the one that the policy would have played. None
        for both where there is one arm.
    bounds : tuple (low, high), list of such pairs, or dict of arm to either, default=None
        The box of the quantities, a pair for each number; arms that a dict does not name take
        none. None: quantities may be anything.
    bandwidth : float, "auto" or "slope", default="auto"
        How far smoothing reaches, as a share of the length of the box; without `bounds`, of 2 root
        3 standard deviations of the arm's logged quantity, the length of a uniform density of that
        spread. `"auto"` takes the widest whose bias is surely below a quarter of the standard
        error, and one step less; `"slope"` balances bias and error, see `slope`, which is for a
        small error and not for an interval. See Notes.
    kernel : {"epanechnikov", "gaussian"}, default="epanechnikov"
        What smooths, cut off at the ends of the box; several numbers have a product of kernels.
    smoothness : {1, 2}, default=1
        What `"auto"` takes for granted of the expected reward as a function of the quantity. 1:
        its slope is bounded, and it may have kinks, or be best at an end of the box. 2: it has two
        derivatives, and the policy stays away from the ends; intervals are then shorter.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With the bandwidth in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, a quantity lies outside `bounds`, or
        is NaN where the policy's is a number.

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, the mean weight is far from 1, or `"auto"` finds no
        bandwidth whose bias is surely small.

    See Also
    --------
    kernel_snips_value : Divides by the mean weight.
    kernel_dr_value : Adds a reward model.
    density_ips_value : For policies that draw their quantities.

    Notes
    -----
    The bias of a bandwidth is bounded by the differences to wider ones: `smoothness` says how it
    grows with the mean distance of what was logged from what the policy plays. Where no bandwidth
    that leaves 30 effective rounds is surely harmless a warning says so, and the interval may hold
    the truth less often than it says: with two quantities and a few thousand rounds that is usual.

    References
    ----------
    Kallus & Zhou (2018), Policy evaluation and optimization with continuous treatments, AISTATS.
    Su, Srinath & Krishnamurthy (2020), Adaptive estimator selection for off-policy evaluation,
    ICML (the bandwidth).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import kernel_ips_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = 1 - 2 * (dose - 0.4) ** 2 + 0.1 * rng.normal(size=4000)
    >>> value = kernel_ips_value(reward=reward, propensity=np.ones(4000), quantity=dose,
    ...                          policy_quantity=np.full(4000, 0.4), bounds=(0, 1), bandwidth=0.1)
    >>> print(f"{value.value:.2f}, standard error {value.standard_error:.2f}")
    1.07, standard error 0.04
    """
    rounds = QuantityRounds(
        reward=reward,
        propensity=propensity,
        quantity=quantity,
        policy_quantity=policy_quantity,
        arm=arm,
        policy_arm=policy_arm,
        bounds=bounds,
        kernel=kernel,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _smoothed("kernel_ips", _mean, rounds, bandwidth, smoothness)


def kernel_snips_value(
    *,
    reward,
    propensity,
    quantity,
    policy_quantity,
    arm=None,
    policy_arm=None,
    bounds=None,
    bandwidth="auto",
    kernel="epanechnikov",
    smoothness=1,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that chooses quantities by kernel-smoothed, self-normalised scoring.

    mean(w reward) / mean(w) with the weights of `kernel_ips_value`: usually far less variable, and
    it shifts with the rewards.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
        How much was played; NaN where the arm takes none, or fewer numbers than others.
    policy_quantity : array-like of the shape of `quantity`
        How much the evaluated policy would have played.
    arm, policy_arm : array-like of shape (n_samples,), default=None
        Labels of the arm that was played, and of the one that the policy would have played. None
        for both where there is one arm.
    bounds : tuple (low, high), list of such pairs, or dict of arm to either, default=None
        The box of the quantities, a pair for each number; arms that a dict does not name take
        none. None: quantities may be anything.
    bandwidth : float, "auto" or "slope", default="auto"
        How far smoothing reaches, as a share of the length of the box; without `bounds`, of 2 root
        3 standard deviations of the arm's logged quantity, the length of a uniform density of that
        spread. `"auto"` takes the widest whose bias is surely below a quarter of the standard
        error, and one step less; `"slope"` balances bias and error, see `slope`, which is for a
        small error and not for an interval. See Notes.
    kernel : {"epanechnikov", "gaussian"}, default="epanechnikov"
        What smooths, cut off at the ends of the box; several numbers have a product of kernels.
    smoothness : {1, 2}, default=1
        What `"auto"` takes for granted of the expected reward as a function of the quantity. 1:
        its slope is bounded, and it may have kinks, or be best at an end of the box. 2: it has two
        derivatives, and the policy stays away from the ends; intervals are then shorter.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With the bandwidth in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, a quantity lies outside `bounds`, or
        is NaN where the policy's is a number. Or if all weights are 0.

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, the mean weight is far from 1, or `"auto"` finds no
        bandwidth whose bias is surely small.

    See Also
    --------
    kernel_ips_value : Without the normalisation; says what the weights are.
    kernel_dr_value : With a reward model.
    density_snips_value : For policies that draw their quantities.

    Notes
    -----
    The bias of a bandwidth is bounded by the differences to wider ones: `smoothness` says how it
    grows with the mean distance of what was logged from what the policy plays. Where no bandwidth
    that leaves 30 effective rounds is surely harmless a warning says so, and the interval may hold
    the truth less often than it says: with two quantities and a few thousand rounds that is usual.

    References
    ----------
    Kallus & Zhou (2018), Policy evaluation and optimization with continuous treatments, AISTATS.
    Su, Srinath & Krishnamurthy (2020), Adaptive estimator selection for off-policy evaluation,
    ICML (the bandwidth).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import kernel_snips_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = 1 - 2 * (dose - 0.4) ** 2 + 0.1 * rng.normal(size=4000)
    >>> value = kernel_snips_value(reward=reward, propensity=np.ones(4000), quantity=dose,
    ...                            policy_quantity=np.full(4000, 0.4), bounds=(0, 1))
    >>> low, high = value.interval("normal")
    >>> round(low, 2), round(high, 2), round(value.parameters["bandwidth"], 3)
    (0.97, 1.03, 0.008)
    """
    rounds = QuantityRounds(
        reward=reward,
        propensity=propensity,
        quantity=quantity,
        policy_quantity=policy_quantity,
        arm=arm,
        policy_arm=policy_arm,
        bounds=bounds,
        kernel=kernel,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _smoothed("kernel_snips", _ratio, rounds, bandwidth, smoothness)


def kernel_dr_value(
    *,
    reward,
    propensity,
    quantity,
    policy_quantity,
    expected_logged,
    expected_policy,
    arm=None,
    policy_arm=None,
    bounds=None,
    bandwidth="auto",
    kernel="epanechnikov",
    smoothness=1,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that chooses quantities by the kernel-smoothed doubly robust method.

    mean(q_policy + w (reward - q_logged)) with the weights w of `kernel_ips_value` and a model's
    predictions q. What is smoothed is the model's error, so the bias is that of what the model
    does not explain, and so is the variance.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
        How much was played; NaN where the arm takes none, or fewer numbers than others.
    policy_quantity : array-like of the shape of `quantity`
        How much the evaluated policy would have played.
    expected_logged, expected_policy : array-like of shape (n_samples,)
        What a reward model that has not seen the round predicts for the arm and quantity that
        were played, and for those that the policy would have played.
    arm, policy_arm : array-like of shape (n_samples,), default=None
        Labels of the arm that was played, and of the one that the policy would have played. None
        for both where there is one arm.
    bounds : tuple (low, high), list of such pairs, or dict of arm to either, default=None
        The box of the quantities, a pair for each number; arms that a dict does not name take
        none. None: quantities may be anything.
    bandwidth : float, "auto" or "slope", default="auto"
        How far smoothing reaches, as a share of the length of the box; without `bounds`, of 2 root
        3 standard deviations of the arm's logged quantity, the length of a uniform density of that
        spread. `"auto"` takes the widest whose bias is surely below a quarter of the standard
        error, and one step less; `"slope"` balances bias and error, see `slope`, which is for a
        small error and not for an interval. See Notes.
    kernel : {"epanechnikov", "gaussian"}, default="epanechnikov"
        What smooths, cut off at the ends of the box; several numbers have a product of kernels.
    smoothness : {1, 2}, default=1
        What `"auto"` takes for granted of the expected reward as a function of the quantity. 1:
        its slope is bounded, and it may have kinks, or be best at an end of the box. 2: it has two
        derivatives, and the policy stays away from the ends; intervals are then shorter.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue
        With the bandwidth in `parameters`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values, a quantity lies outside `bounds`, or
        is NaN where the policy's is a number.

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, the mean weight is far from 1, or `"auto"` finds no
        bandwidth whose bias is surely small.

    See Also
    --------
    cross_fit_quantity_rewards : Makes the predictions.
    kernel_snips_value : Without a model.
    density_dr_value : For policies that draw their quantities.

    Notes
    -----
    The bias of a bandwidth is bounded by the differences to wider ones: `smoothness` says how it
    grows with the mean distance of what was logged from what the policy plays. Where no bandwidth
    that leaves 30 effective rounds is surely harmless a warning says so, and the interval may hold
    the truth less often than it says: with two quantities and a few thousand rounds that is usual.

    References
    ----------
    Kallus & Zhou (2018), Policy evaluation and optimization with continuous treatments, AISTATS.
    Su, Srinath & Krishnamurthy (2020), Adaptive estimator selection for off-policy evaluation,
    ICML (the bandwidth).

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import cross_fit_quantity_rewards, kernel_dr_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = 1 - 2 * (dose - 0.4) ** 2 + 0.1 * rng.normal(size=4000)
    >>> log = {"reward": reward, "quantity": dose, "policy_quantity": np.full(4000, 0.4)}
    >>> expected = cross_fit_quantity_rewards(None, np.zeros((4000, 1)), **log)
    >>> value = kernel_dr_value(**log, propensity=np.ones(4000), bounds=(0, 1),
    ...                         expected_logged=expected.logged, expected_policy=expected.policy)
    >>> low, high = value.interval("normal")
    >>> round(low, 2), round(high, 2)
    (0.99, 1.01)
    """
    rounds = QuantityRounds(
        reward=reward,
        propensity=propensity,
        quantity=quantity,
        policy_quantity=policy_quantity,
        expected_logged=expected_logged,
        expected_policy=expected_policy,
        arm=arm,
        policy_arm=policy_arm,
        bounds=bounds,
        kernel=kernel,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _smoothed("kernel_dr", _corrected, rounds, bandwidth, smoothness)


def density_ips_value(
    *,
    reward,
    propensity,
    policy_density,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that draws its quantities by inverse propensity scoring.

    mean(w reward), where w is the policy's density of what was logged over the logged density.
    Unbiased where the policy draws nothing that could not have been logged: nothing is smoothed.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    policy_density : array-like of shape (n_samples,)
        Density with which the evaluated policy would have played the logged arm and quantity, as
        `quantity_density` of a bandit with quantities returns it.
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

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, or the mean weight is far from 1.

    See Also
    --------
    density_snips_value : Divides by the mean weight.
    density_dr_value : Adds a reward model.
    kernel_ips_value : For policies that play one quantity for sure.

    References
    ----------
    Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite
    universe, JASA 47.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import density_ips_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = dose + 0.1 * rng.normal(size=4000)
    >>> value = density_ips_value(reward=reward, propensity=np.ones(4000),
    ...                           policy_density=2 * dose)
    >>> round(value.value, 2)
    0.66
    """
    rounds = DensityRounds(
        reward=reward,
        propensity=propensity,
        policy_density=policy_density,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _with_density("density_ips", _mean, rounds)


def density_snips_value(
    *,
    reward,
    propensity,
    policy_density,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that draws its quantities by self-normalised scoring.

    mean(w reward) / mean(w) with the weights of `density_ips_value`.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    policy_density : array-like of shape (n_samples,)
        Density with which the evaluated policy would have played the logged arm and quantity, as
        `quantity_density` of a bandit with quantities returns it.
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
        If an argument has a wrong shape or impossible values. Or if all weights are 0.

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, or the mean weight is far from 1.

    See Also
    --------
    density_ips_value : Without the normalisation.
    density_dr_value : Adds a reward model.
    kernel_snips_value : For policies that play one quantity for sure.

    References
    ----------
    Swaminathan & Joachims (2015), The self-normalized estimator for counterfactual learning,
    NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import density_snips_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = dose + 0.1 * rng.normal(size=4000)
    >>> value = density_snips_value(reward=reward, propensity=np.ones(4000),
    ...                             policy_density=2 * dose)
    >>> round(value.value, 2)
    0.67
    """
    rounds = DensityRounds(
        reward=reward,
        propensity=propensity,
        policy_density=policy_density,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _with_density("density_snips", _ratio, rounds)


def density_dr_value(
    *,
    reward,
    propensity,
    policy_density,
    expected_logged,
    expected_policy,
    sample_weight=None,
    groups=None,
):
    """Value of a policy that draws its quantities by the doubly robust method.

    mean(q_policy + w (reward - q_logged)) with the weights w of `density_ips_value`. `q_policy` is
    the model's prediction for what the policy would play: for one draw, or the mean over several.

    Parameters
    ----------
    reward : array-like of shape (n_samples,)
        Logged rewards.
    propensity : array-like of shape (n_samples,)
        Density with which the logging policy played the arm and the quantity: the probability of
        the arm times the density of the quantity, in 1 over the units of the quantities.
    policy_density : array-like of shape (n_samples,)
        Density with which the evaluated policy would have played the logged arm and quantity, as
        `quantity_density` of a bandit with quantities returns it.
    expected_logged, expected_policy : array-like of shape (n_samples,)
        What a reward model that has not seen the round predicts for the arm and quantity that
        were played, and for those that the policy would have played.
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

    Warns
    -----
    PoorSupportWarning
        If fewer than 30 rounds are effective, or the mean weight is far from 1.

    See Also
    --------
    cross_fit_quantity_rewards : Makes the predictions.
    density_snips_value : Without a model.
    kernel_dr_value : For policies that play one quantity for sure.

    References
    ----------
    Dudik, Erhan, Langford & Li (2014), Doubly robust policy evaluation and optimization,
    Statistical Science 29.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.metrics import density_dr_value
    >>> rng = np.random.default_rng(0)
    >>> dose = rng.uniform(size=4000)
    >>> reward = dose + 0.1 * rng.normal(size=4000)
    >>> value = density_dr_value(reward=reward, propensity=np.ones(4000), policy_density=2 * dose,
    ...                          expected_logged=dose, expected_policy=np.full(4000, 2 / 3))
    >>> round(value.value, 2)
    0.67
    """
    rounds = DensityRounds(
        reward=reward,
        propensity=propensity,
        policy_density=policy_density,
        expected_logged=expected_logged,
        expected_policy=expected_policy,
        sample_weight=sample_weight,
        groups=groups,
    )
    return _with_density("density_dr", _corrected, rounds)


def _smoothed(name, estimate, rounds, bandwidth, smoothness):
    """The estimate with a bandwidth that is given or chosen."""

    def at(weight):
        return estimate(name, rounds, weight, {})

    bandwidth, harmless = choose_bandwidth(rounds, bandwidth, smoothness, at)
    weight = rounds.weight(bandwidth)
    value = estimate(name, rounds, weight, {"bandwidth": bandwidth})
    if not _warned_of_few(weight, rounds) and not harmless:
        warnings.warn(
            f"no bandwidth that leaves {FEW_ROUNDS} effective rounds has a bias that is surely "
            "below a quarter of the standard error: an interval may hold the truth less often "
            "than it says. Log more rounds near what the policy plays, add a reward model "
            "(kernel_dr_value), or pass smoothness=2 if the reward is smooth in the quantity.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )
    return value


def _with_density(name, estimate, rounds):
    """The estimate with the policy's own density."""
    # Nothing is smoothed: the weighted rewards have the policy's value as their expectation.
    value = estimate(name, rounds, rounds.weight, {}, unbiased=True)
    _warned_of_few(rounds.weight, rounds)
    return value


def _warned_of_few(weight, rounds):
    """Warn where few rounds are effective, or the mean weight is not 1; say whether few are."""
    effective = effective_sample_size(weight * rounds.share)
    few = effective < FEW_ROUNDS and effective < rounds.n_samples / 2
    if few:
        warnings.warn(
            f"only {effective:.1f} of {rounds.n_samples} rounds are effective for this policy: "
            "few logged quantities are near those that it would play. Evaluate a policy closer to "
            "the logging policy, pass a wider bandwidth, or log more exploration.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )
    mean, error = rounds.mean_weight(weight)
    if mean < 1.0:
        # A few large weights that happen to be missing take of the error what they take of the
        # mean. With weights up to W and a mean of 1 the error is no more than this.
        error = max(error, np.sqrt(max(weight.max() - 1.0, 0.0) / rounds.n_samples))
    if not few and rounds.n_samples >= FEW_ROUNDS and abs(mean - 1) > max(_FAR * error, 1e-9):
        warnings.warn(
            f"the importance weights have mean {mean:.3g}, more than four standard errors away "
            "from 1: the propensities are no densities in 1 over the unit of the quantity, or the "
            "policy plays what the log could not hold. Estimate the densities from the log, pass "
            "bounds, or use kernel_snips_value or density_snips_value, which divide by that mean.",
            PoorSupportWarning,
            stacklevel=stacklevel_of_caller(),
        )
    return few


def _mean(name, rounds, weight, parameters, unbiased=False):
    """Mean of weight times reward."""
    return PolicyValue(
        name=name,
        columns=(weight * rounds.reward)[:, None],
        formula=first_mean,
        reward=rounds.reward if unbiased else None,
        residual=rounds.reward,
        **_common(rounds, weight, parameters),
    )


def _ratio(name, rounds, weight, parameters, unbiased=False):
    """Ratio of the means of weight times reward and of weight."""
    value = self_normalized_mean(rounds.reward, weight, rounds.sample_weight)
    if np.isnan(value):
        raise ValueError(
            f"{name} is undefined: the policy plays nothing like what was logged. Evaluate a "
            "policy that plays some of it, or pass a wider bandwidth."
        )
    # Linearised, a round adds w (reward - value) / mean(w) to the value.
    return PolicyValue(
        name=name,
        columns=ratio_columns(rounds.reward - value, weight),
        formula=RatioOfMeans(value),
        residual=rounds.reward - value,
        weight_scale=1 / np.average(weight, weights=rounds.sample_weight),
        base_range=(value, value),
        model_range=(value, value),
        **_common(rounds, weight, parameters),
    )


def _corrected(name, rounds, weight, parameters, unbiased=False):
    """Mean of the model's value plus weight times the model's error."""
    error = rounds.reward - rounds.expected_logged
    return PolicyValue(
        name=name,
        columns=(rounds.expected_policy + weight * error)[:, None],
        formula=first_mean,
        residual=error,
        base_range=span(rounds.expected_policy),
        model_range=span(rounds.expected_logged),
        **_common(rounds, weight, parameters),
    )


def _common(rounds, weight, parameters):
    return {
        "weight": weight,
        "control": weight,
        "sample_weight": rounds.sample_weight,
        "groups": rounds.groups,
        "reward_range": span(rounds.reward),
        "propensity": rounds.propensity,
        "parameters": parameters,
    }
