"""Values of single-arm policies against row-by-row formulas, limits and a simulated truth."""

import inspect
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit import metrics
from skbandit.metrics import get_estimator_names, policy_value

# Logs of policies that are not uniform go through every estimator here.
pytestmark = pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy")

WITH_MODEL = get_estimator_names(reward_model=True)
PARAMETERS = {
    "clipped_ips": {"clip": 1.5},
    "subgaussian_ips": {"lambda_": 0.2},
    "ix": {"gamma": 0.05},
    "ls": {"lambda_": 0.3},
    "switch_dr": {"tau": 1.5},
    "dros": {"lambda_": 3.0},
    "drps": {"lambda_": 1.5},
    "subgaussian_dr": {"lambda_": 0.2},
}
# Those with a parameter that is tuned; "ls" errs on the low side, by as much as it says.
TUNED = [name for name in PARAMETERS if name != "ls"]
MEANS = [
    "ips",
    "clipped_ips",
    "subgaussian_ips",
    "ix",
    "ls",
    "dm",
    "dr",
    "switch_dr",
    "dros",
    "drps",
    "subgaussian_dr",
]
# Estimates that are the mean reward where the evaluated policy is the one that logged.
EXACT_ON_POLICY = {
    "ips": {},
    "clipped_ips": {"clip": 1.5},
    "snips": {},
    "subgaussian_ips": {"lambda_": 0.2},
    "ix": {"gamma": 0.0},
    "cressie_read": {},
}


def rows_of(log):
    keys = ("reward", "arm", "propensity", "policy_probability", "expected_reward")
    return list(zip(*(log[key].tolist() for key in keys), strict=True))


def by_row(name, log):
    """The estimators' formulas, in Python numbers, one round after the other."""
    total = {"z": 0.0, "w": 0.0, "wr": 0.0, "dm": 0.0, "we": 0.0, "pi": 0.0, "pir": 0.0}
    products, weights = [], []
    for reward, arm, propensity, policy, model in rows_of(log):
        w = policy[arm] / propensity
        dm = sum(p * q for p, q in zip(policy, model, strict=True))
        error = reward - model[arm]
        total["z"] += {
            "ips": w * reward,
            "clipped_ips": min(w, 1.5) * reward,
            "subgaussian_ips": w / (0.8 + 0.2 * w) * reward,
            "ix": policy[arm] / (propensity + 0.05) * reward,
            "ls": math.log(1 + 0.3 * w * reward) / 0.3,
            "dm": dm,
            "dr": dm + w * error,
            "switch_dr": dm + (w * error if w <= 1.5 else 0.0),
            "dros": dm + 3.0 * w / (w * w + 3.0) * error,
            "drps": dm + min(w, 1.5) * error,
            "subgaussian_dr": dm + w / (0.8 + 0.2 * w) * error,
        }.get(name, 0.0)
        total["w"] += w
        total["wr"] += w * reward
        total["we"] += w * error
        total["dm"] += dm
        total["pi"] += policy[arm]
        total["pir"] += policy[arm] * reward
        products.append(w * reward)
        weights.append(w)
    n = len(weights)
    if name == "adaptive_dr":
        above = below = 0.0
        for at, (reward, arm, propensity, policy, model) in enumerate(rows_of(log)):
            before = [w * w for w in weights[max(0, at - 400) : at]] or [1.0]
            share = max(1.0, sum(before) / len(before)) ** -0.5
            dm = sum(p * q for p, q in zip(policy, model, strict=True))
            above += share * (dm + policy[arm] / propensity * (reward - model[arm]))
            below += share
        return above / below
    if name == "replay":
        return total["pir"] / total["pi"]
    if name == "snips":
        return total["wr"] / total["w"]
    if name == "sndr":
        return total["dm"] / n + total["we"] / total["w"]
    if name == "cressie_read":
        mean_w, mean_z = sum(weights) / n, sum(products) / n
        pairs = zip(weights, products, strict=True)
        covariance = sum((w - mean_w) * (z - mean_z) for w, z in pairs)
        variance = sum((w - mean_w) ** 2 for w in weights)
        return mean_z - covariance / variance * (mean_w - 1)
    return total["z"] / n


@pytest.mark.parametrize("name", get_estimator_names())
def test_value_equals_formula_row_by_row(name, log):
    value = policy_value(name, **log, **PARAMETERS.get(name, {}))
    assert_allclose(value.value, by_row(name, log), rtol=1e-12)
    assert value.name == name
    assert value.n_samples == len(log["reward"])


@pytest.mark.parametrize("name", get_estimator_names())
def test_function_equals_name(name, log):
    parameters = dict(PARAMETERS.get(name, {}))
    expected = policy_value(name, **log, **parameters).value
    function = f"{name}_value"
    if name in ("dros", "drps"):
        function = "shrinkage_dr_value"
        parameters["shrinkage"] = {"dros": "optimistic", "drps": "pessimistic"}[name]
    function = getattr(metrics, function)
    wanted = set(inspect.signature(function).parameters)
    arrays = {key: array for key, array in log.items() if key in wanted}
    assert function(**arrays, **parameters).value == expected


@pytest.mark.parametrize("name", get_estimator_names(reward_model=False))
def test_logged_arm_alone_is_enough(name, log):
    parameters = PARAMETERS.get(name, {})
    expected = policy_value(name, **log, **parameters).value
    logged = np.take_along_axis(log["policy_probability"], log["arm"][:, None], 1)[:, 0]
    value = policy_value(
        name,
        reward=log["reward"],
        propensity=log["propensity"],
        policy_probability=logged,
        **parameters,
    )
    assert value.value == expected


@pytest.mark.parametrize("name", EXACT_ON_POLICY)
def test_value_of_logging_policy_is_mean_reward(name, world):
    log = world.log(300, 2, policy=world.logging)
    value = policy_value(name, **log, **EXACT_ON_POLICY[name])
    assert_allclose(value.value, log["reward"].mean(), rtol=1e-12)
    mean = metrics.mean_value(reward=log["reward"])
    assert_allclose(value.standard_error, mean.standard_error, rtol=1e-12)


@pytest.mark.parametrize("name", ["dr", "sndr"])
def test_doubly_robust_value_of_logging_policy_with_constant_model(name, world):
    log = world.log(300, 2, policy=world.logging)
    log["expected_reward"] = np.full_like(log["expected_reward"], 0.4)
    assert_allclose(policy_value(name, **log).value, log["reward"].mean(), rtol=1e-12)


def test_replay_of_uniform_logging_policy_is_mean_reward(log):
    uniform = np.full_like(log["policy_probability"], 0.25)
    value = metrics.replay_value(reward=log["reward"], arm=log["arm"], policy_probability=uniform)
    assert_allclose(value.value, log["reward"].mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("robust", "plain", "parameters"),
    [
        ("dr", "ips", {}),
        ("sndr", "snips", {}),
        ("drps", "clipped_ips", {"lambda_": 1.5}),
        ("subgaussian_dr", "subgaussian_ips", {"lambda_": 0.3}),
    ],
)
def test_zero_model_leaves_importance_weighting(robust, plain, parameters, log):
    log = {**log, "expected_reward": np.zeros_like(log["expected_reward"])}
    renamed = {"clip": 1.5} if plain == "clipped_ips" else parameters
    first = policy_value(robust, **log, **parameters)
    second = policy_value(plain, **log, **renamed)
    assert_allclose(first.value, second.value, rtol=1e-12)
    assert_allclose(first.influence, second.influence, atol=1e-12)


@pytest.mark.parametrize("name", ["dros", "drps"])
def test_shrinkage_tends_to_direct_method_and_doubly_robust(name, log):
    dm, dr = policy_value("dm", **log).value, policy_value("dr", **log).value
    at = {one: policy_value(name, **log, lambda_=one).value for one in (0, 1e-9, 1e9, np.inf)}
    assert at[0] == dm
    assert at[np.inf] == dr
    assert_allclose(at[1e-9], dm, atol=1e-6)
    assert_allclose(at[1e9], dr, atol=1e-6)
    between = policy_value(name, **log, lambda_=1.0).value
    assert min(dm, dr) < between < max(dm, dr) or abs(between - dm) > 1e-3


@pytest.mark.parametrize(
    ("name", "parameter", "zero", "full"),
    [
        ("switch_dr", "tau", "dm", "dr"),
        ("clipped_ips", "clip", None, "ips"),
    ],
)
def test_thresholds_tend_to_their_limits(name, parameter, zero, full, log):
    nothing = policy_value(name, **log, **{parameter: 0}).value
    assert nothing == (policy_value(zero, **log).value if zero else 0.0)
    everything = policy_value(name, **log, **{parameter: np.inf}).value
    assert everything == policy_value(full, **log).value


def test_subgaussian_weight_of_one_is_mean_reward(log):
    value = policy_value("subgaussian_ips", **log, lambda_=1)
    assert_allclose(value.value, log["reward"].mean(), rtol=1e-12)


@pytest.mark.parametrize("name", MEANS)
def test_halves_merge_to_the_whole(name, log):
    parameters = PARAMETERS.get(name, {})
    cut = 180
    parts = []
    for rows in (slice(None, cut), slice(cut, None)):
        half = {key: array[rows] for key, array in log.items()}
        parts.append(policy_value(name, **half, **parameters).terms)
    whole = policy_value(name, **log, **parameters)
    assert_allclose(np.concatenate(parts), whole.terms, atol=1e-12)
    assert_allclose(np.concatenate(parts).mean(), whole.value, rtol=1e-12)


# How much a round counts in "adaptive_dr" follows from those just before it.
@pytest.mark.parametrize("name", [one for one in get_estimator_names() if one != "adaptive_dr"])
def test_weight_of_k_equals_k_repetitions(name, log):
    parameters = PARAMETERS.get(name, {})
    times = np.random.default_rng(3).integers(0, 4, size=len(log["reward"]))
    repeated = {key: np.repeat(array, times, axis=0) for key, array in log.items()}
    weighted = policy_value(name, **log, sample_weight=times, **parameters)
    assert_allclose(weighted.value, policy_value(name, **repeated, **parameters).value, rtol=1e-12)


@pytest.mark.parametrize("name", ["snips", "dr", "clipped_ips"])
def test_scale_of_sample_weight_means_nothing(name, log):
    weight = np.random.default_rng(4).uniform(0.5, 2, size=len(log["reward"]))
    first = policy_value(name, **log, sample_weight=weight)
    second = policy_value(name, **log, sample_weight=7 * weight)
    assert_allclose(first.value, second.value, rtol=1e-12)
    assert_allclose(first.standard_error, second.standard_error, rtol=1e-12)
    assert_allclose(first.effective_sample_size, second.effective_sample_size, rtol=1e-12)


@pytest.mark.parametrize("name", ["ips", "dr", "snips", "sndr", "cressie_read", "replay"])
def test_value_reaches_the_truth(name, world):
    # 400,000 rounds: four standard errors, exceeded by chance once in 16,000 times.
    if name == "replay":
        world = type(world)(0)
        world.logging = np.full_like(world.logging, 1 / world.n_arms)
    log = world.log(400_000, 5)
    value = policy_value(name, **log)
    assert value.standard_error < 0.003
    assert abs(value.value - world.value) < 4 * value.standard_error


@pytest.mark.parametrize("name", ["ips", "dr", "snips", "sndr", "cressie_read", "dros"])
def test_standard_error_is_the_spread_over_logs(name, world):
    values = [
        policy_value(name, **world.log(1000, seed), **PARAMETERS.get(name, {}))
        for seed in range(400)
    ]
    # The spread of 400 values is known to 3.5 %; four of these.
    spread = np.std([value.value for value in values], ddof=1)
    assert_allclose(np.mean([value.standard_error for value in values]), spread, rtol=0.15)


def test_cressie_read_is_the_more_precise(world):
    log = world.log(200_000, 6)
    errors = {n: policy_value(n, **log).standard_error for n in ("ips", "snips", "cressie_read")}
    assert errors["cressie_read"] <= min(errors["ips"], errors["snips"]) * (1 + 1e-6)


def test_self_normalized_value_shifts_with_the_rewards(log):
    arrays = {key: log[key] for key in ("arm", "propensity", "policy_probability")}
    for name in ("snips", "cressie_read"):
        first = policy_value(name, reward=log["reward"], **arrays)
        second = policy_value(name, reward=log["reward"] + 100, **arrays)
        assert_allclose(second.value - 100, first.value, atol=1e-9)
        assert_allclose(second.standard_error, first.standard_error, rtol=1e-6)


def test_smoothing_tends_to_importance_weighting_from_below(log):
    ips = policy_value("ips", **log).value
    assert policy_value("ls", **log, lambda_=0).value == ips
    assert_allclose(policy_value("ls", **log, lambda_=1e-12).value, ips, rtol=1e-9)
    values = [policy_value("ls", **log, lambda_=one).value for one in (0.01, 0.1, 1.0, 1e300)]
    assert ips > values[0] > values[1] > values[2] > values[3] > 0


def test_default_smoothing_knows_no_unit(log):
    value = policy_value("ls", **log)
    assert_allclose(value.parameters["lambda_"], 1 / np.sqrt(500), rtol=1e-12)
    cents = policy_value("ls", **{**log, "reward": 100 * log["reward"]})
    assert_allclose(cents.value, 100 * value.value, rtol=1e-12)
    nothing = policy_value("ls", **{**log, "reward": np.zeros(500)})
    assert nothing.value == 0


@pytest.mark.parametrize("rule", ["auto", "slope"])
@pytest.mark.parametrize("name", TUNED)
def test_a_rule_says_what_it_chose(name, rule, world):
    (parameter,) = PARAMETERS[name]
    value = policy_value(name, **world.log(2000, 7), **{parameter: rule})
    chosen = value.parameters[parameter]
    assert chosen >= 0
    again = policy_value(name, **world.log(2000, 7), **{parameter: chosen})
    assert again.value == value.value
    if rule == "auto":
        assert policy_value(name, **world.log(2000, 7)).value == value.value


@pytest.mark.parametrize("rule", ["auto", "slope"])
def test_all_weights_are_kept_where_clipping_would_bias(rule, world):
    # Far more rounds than needed to see the bias of any small clip.
    log = world.log(200_000, 8)
    biased = policy_value("clipped_ips", **log, clip=1.0).value
    chosen = policy_value("clipped_ips", **log, clip=rule)
    assert abs(biased - world.value) > 0.05
    assert abs(chosen.value - world.value) < 0.02


@pytest.mark.parametrize("name", TUNED)
def test_auto_keeps_the_bias_small_beside_the_error(name, world):
    log = world.log(2000, 9)
    whole = policy_value("dr" if name in WITH_MODEL else "ips", **log)
    value = policy_value(name, **log)
    # Plain means both: their difference estimates the bias, with the error of paired terms.
    moved = value.terms - whole.terms
    bias, doubt = abs(moved.mean()), moved.std(ddof=1) / np.sqrt(len(moved))
    assert bias + 1.6449 * doubt <= 0.25 * value.standard_error + 1e-12
    assert value.standard_error <= whole.standard_error * (1 + 1e-12)


@pytest.mark.parametrize("name", TUNED)
def test_default_intervals_cover(name, world):
    """Of 300 intervals of 95 %, 270 at least hold the truth; by chance 1 test in 3,000 fails."""
    covered = 0
    for seed in range(300):
        low, high = policy_value(name, **world.log(1000, 1000 + seed)).interval()
        covered += low <= world.value <= high
    assert covered >= 270


@pytest.mark.parametrize("name", [*TUNED, "ips", "snips", "cressie_read"])
def test_the_logging_policy_is_worth_the_mean_reward(name, world):
    log = world.log(500, 3, policy=world.logging)
    if name in WITH_MODEL:
        # Where the model knows nothing; else it adds what it knows of the arms not played.
        log["expected_reward"] = np.zeros_like(log["expected_reward"])
    assert_allclose(policy_value(name, **log).value, log["reward"].mean(), rtol=1e-12)


def test_mrdr_weight():
    weight = metrics.mrdr_weight(
        arm=[0, 1], propensity=[0.5, 0.2], policy_probability=[[0.5, 0.5], [0.75, 0.25]]
    )
    assert_allclose(weight, [0.25 * 0.5 / 0.25, 0.0625 * 0.8 / 0.04])


def test_mrdr_weight_is_the_variance_of_the_doubly_robust_estimate():
    # One context, deterministic policy: n Var(DR) is E[v (r - q)^2] for every model q, v the
    # weight of MRDR, up to a constant that holds no q.
    chance, mean = np.array([0.3, 0.7]), np.array([0.6, 0.2])
    policy = np.array([1.0, 0.0])

    def variance(model):
        terms, shares = [], []
        for arm in (0, 1):
            for reward in (0.0, 1.0):
                terms.append(policy @ model + policy[arm] / chance[arm] * (reward - model[arm]))
                shares.append(chance[arm] * (mean[arm] if reward else 1 - mean[arm]))
        terms, shares = np.array(terms), np.array(shares)
        return shares @ terms**2 - (shares @ terms) ** 2

    def loss(model):
        weight = metrics.mrdr_weight(
            arm=[0, 1], propensity=chance, policy_probability=np.tile(policy, (2, 1))
        )
        squares = mean * (1 - model) ** 2 + (1 - mean) * model**2
        return chance @ (weight * squares)

    models = np.random.default_rng(0).uniform(size=(5, 2))
    gaps = [variance(model) - loss(model) for model in models]
    assert_allclose(gaps, gaps[0], rtol=1e-12)


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.999999, 1.0])
def test_subgaussian_weight_of_zero_is_zero(lambda_):
    value = metrics.subgaussian_ips_value(
        reward=[1.0, 1.0], propensity=[0.5, 0.5], policy_probability=[0.0, 1.0], lambda_=lambda_
    )
    expected = 0.5 * 2.0 / (1.0 - lambda_ + 2.0 * lambda_)
    assert value.value == pytest.approx(expected)
