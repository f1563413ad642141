"""Rounds that belong together: errors, intervals, resamples and folds by group."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit.metrics import (
    PolicyValue,
    balanced_ips_value,
    bootstrap_distribution,
    get_estimator_names,
    mean_value,
    policy_support,
    policy_value,
    slate_ips_value,
    slope,
)
from skbandit.metrics._bootstrap import _POISSON_FROM
from skbandit.metrics._policy_value import first_mean
from skbandit.metrics._validation import check_groups

# Logs of policies that are not uniform go through every estimator here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy"),
    pytest.mark.filterwarnings("ignore:the importance weights have mean"),
]

METHODS = ["normal", "student", "bootstrap", "bca", "cressie_read"]


def grouped_log(world, n_groups, seed, *, equal=False):
    """Groups that share most contexts and an offset of their rewards."""
    rng = np.random.default_rng(seed)
    size = np.full(n_groups, 8) if equal else 1 + rng.poisson(7, size=n_groups)
    groups = np.repeat(np.arange(n_groups), size)
    n = groups.size
    at_home = rng.uniform(size=n) < 0.75
    home = rng.integers(world.n_contexts, size=n_groups)[groups]
    context = np.where(at_home, home, rng.integers(world.n_contexts, size=n))
    chance = world.logging.cumsum(axis=1)[context]
    arm = (rng.uniform(size=(n, 1)) > chance).sum(axis=1).clip(0, world.n_arms - 1)
    reward = rng.binomial(1, world.expected[context, arm])
    return {
        "reward": reward + 0.5 * rng.standard_normal(n_groups)[groups],
        "arm": arm,
        "propensity": world.logging[context, arm],
        "policy_probability": world.policy[context],
        "expected_reward": world.model[context],
        "groups": groups,
    }


@pytest.mark.parametrize("method", METHODS)
# How much a round counts in "adaptive_dr" follows from those just before it.
@pytest.mark.parametrize("name", [one for one in get_estimator_names() if one != "adaptive_dr"])
def test_copies_of_a_round_are_one_round(name, method, world):
    # Each round three times over: as a group, that is the log of single rounds.
    log = world.log(200, 31)
    # Without ties, which rounding would break.
    log["reward"] += np.random.default_rng(0).uniform(size=200)
    copies = {key: np.repeat(array, 3, axis=0) for key, array in log.items()}
    once = policy_value(name, **log)
    value = policy_value(name, **copies, groups=np.repeat(np.arange(200), 3))
    assert_allclose(value.value, once.value, rtol=1e-12)
    assert_allclose(value.standard_error, once.standard_error, rtol=1e-10)
    assert value.parameters == pytest.approx(once.parameters)
    options = {"random_state": 0} if method in ("bootstrap", "bca") else {}
    assert_allclose(value.interval(method, **options), once.interval(method, **options), rtol=1e-8)
    if not value.parameters:  # others are chosen anew
        alone = policy_value(name, **copies)
        assert_allclose(alone.standard_error, value.standard_error / np.sqrt(3), rtol=0.01)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_groups_of_one_round_change_nothing(name, method, log):
    options = {"random_state": 0} if method in ("bootstrap", "bca") else {}
    alone = policy_value(name, **log)
    value = policy_value(name, **log, groups=np.arange(len(log["reward"]))[::-1])
    assert_allclose(value.interval(method, **options), alone.interval(method, **options))


def test_equal_groups_are_their_means(world):
    log = grouped_log(world, 40, 1, equal=True)
    value = policy_value("ips", **log)
    terms = value.columns[:, 0].reshape(40, 8).mean(axis=1)
    weight = value.control.reshape(40, 8).mean(axis=1)
    assert_allclose(value.standard_error, stats.sem(terms))
    means = PolicyValue("means", terms[:, None], first_mean, weight=weight, control=weight)
    for method in METHODS:
        options = {"random_state": 0} if method in ("bootstrap", "bca") else {}
        assert_allclose(value.interval(method, **options), means.interval(method, **options))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr"])
def test_error_agrees_with_leaving_groups_out(name, weighted, world):
    log = grouped_log(world, 150, 2)
    if weighted:
        log["sample_weight"] = np.random.default_rng(0).uniform(0.5, 1.5, size=log["arm"].size)
    value = policy_value(name, **log)
    left_out = []
    for group in range(150):
        kept = log["groups"] != group
        left_out.append(policy_value(name, **{k: array[kept] for k, array in log.items()}).value)
    jackknife = np.sqrt(149 / 150 * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())
    assert_allclose(value.standard_error, jackknife, rtol=0.03)


def test_error_is_that_of_a_regression_on_a_constant():
    # The sandwich of Liang and Zeger, bread and meat written out.
    rng = np.random.default_rng(3)
    groups = rng.integers(20, size=300)
    reward = rng.normal(size=20)[groups] + rng.normal(size=300)
    design = np.ones((300, 1))
    residual = reward - design @ np.linalg.lstsq(design, reward, rcond=None)[0]
    bread = np.linalg.inv(design.T @ design)
    scores = pd.DataFrame(design * residual[:, None]).groupby(groups).sum().to_numpy()
    sandwich = bread @ (scores.T @ scores) @ bread * 20 / 19
    value = mean_value(reward=reward, groups=groups)
    assert_allclose(value.standard_error, np.sqrt(sandwich[0, 0]))
    assert value.n_groups == 20
    assert "n_samples=300, n_groups=20" in repr(value)


@pytest.mark.parametrize("n_groups", [60, _POISSON_FROM])
@pytest.mark.parametrize("name", ["ips", "snips", "sndr", "cressie_read"])
def test_spread_of_resamples_is_the_standard_error(name, n_groups, world):
    value = policy_value(name, **grouped_log(world, n_groups, 4))
    values = bootstrap_distribution(value, n_resamples=4000, random_state=0)
    # The spread of 4,000 values is known to 1.1 %; the formula's error is of the order of 1 / G.
    assert_allclose(values.std(), value.standard_error, rtol=0.045 + 5 / n_groups)


def test_groups_are_resampled_whole():
    value = mean_value(reward=[0.0, 0.0, 6.0], groups=["a", "a", "b"])
    values = bootstrap_distribution(value, n_resamples=20_000, random_state=0)
    means, counts = np.unique(np.round(values, 9), return_counts=True)
    # Twice a, one of each, twice b: a quarter, a half and a quarter, to five standard errors.
    assert means.tolist() == [0, 2, 6]
    assert_allclose(counts / 20_000, [0.25, 0.5, 0.25], atol=0.018)


def test_student_counts_groups(world):
    log = grouped_log(world, 12, 5)
    value = policy_value("snips", **log)
    sums = np.bincount(log["groups"], weights=value.weight)
    effective = sums.sum() ** 2 / (sums**2).sum()
    assert value.degrees_of_freedom == pytest.approx(effective - 1)
    assert effective < min(12, value.effective_sample_size)
    low, high = value.interval("student")
    half = stats.t.ppf(0.975, effective - 1) * value.standard_error
    assert_allclose([low, high], [value.value - half, value.value + half])
    logging = mean_value(reward=log["reward"], groups=log["groups"])
    assert (value - logging).degrees_of_freedom == value.degrees_of_freedom
    assert (logging - value).degrees_of_freedom == value.degrees_of_freedom
    equal = mean_value(reward=[0.0, 1.0, 1.0, 2.0, 2.0, 4.0], groups=[0, 0, 1, 1, 2, 2])
    assert equal.degrees_of_freedom == pytest.approx(2)


@pytest.mark.parametrize(
    ("n_groups", "method", "name"),
    [
        (12, "student", "snips"),
        (60, "normal", "dr"),
        (60, "cressie_read", "snips"),
        (60, "bca", "snips"),
    ],
)
def test_intervals_cover(n_groups, method, name, world):
    # 300 logs: 95 % intervals cover between 91.2 % and 98.8 % (three standard errors, a false
    # alarm in 370). Without groups about 65 % of them do.
    options = {"random_state": 0, "n_resamples": 400} if method == "bca" else {}
    covered = alone = 0
    for seed in range(300):
        log = grouped_log(world, n_groups, seed)
        low, high = policy_value(name, **log).interval(method, **options)
        covered += low <= world.value <= high
        del log["groups"]
        low, high = policy_value(name, **log).interval("normal")
        alone += low <= world.value <= high
    assert 0.912 < covered / 300 < 0.988
    assert alone / 300 < 0.8


def test_differences_carry_groups(world):
    log = grouped_log(world, 50, 6)
    groups = log.pop("groups")
    value = policy_value("snips", **log, groups=groups)
    logging = mean_value(reward=log["reward"], groups=groups)
    difference = value - logging
    sums = np.bincount(groups, weights=value.influence - logging.influence)
    n = groups.size
    assert_allclose(difference.standard_error, np.sqrt(50 / 49 * (sums**2).sum()) / n)
    # Other labels of the same groups are the same groups.
    named = mean_value(reward=log["reward"], groups=[f"school {999 - one}" for one in groups])
    assert (value - named).standard_error == difference.standard_error
    with pytest.raises(ValueError, match="same groups; got 50 groups and none"):
        value - mean_value(reward=log["reward"])
    with pytest.raises(ValueError, match=r"same groups; got 50 groups and 51 groups.*groups="):
        value - mean_value(reward=log["reward"], groups=np.where(np.arange(n) == 0, 99, groups))


def test_a_single_group_has_no_error():
    value = mean_value(reward=[0.0, 1.0, 1.0], groups=["a"] * 3)
    assert value.value == pytest.approx(2 / 3)
    assert np.isnan(value.standard_error)
    for method in ("normal", "cressie_read", "bootstrap", "bca"):
        with pytest.raises(ValueError, match="at least 2 groups; the log has 1"):
            value.interval(method)
    assert value.interval("student") == (-np.inf, np.inf)


@pytest.mark.parametrize("method", ["bernstein", "betting"])
def test_methods_that_know_no_groups_say_which_do(method, world):
    value = policy_value("ips", **grouped_log(world, 20, 7))
    with pytest.raises(ValueError, match=rf"'{method}' intervals.*20 groups.*'bca' or 'cressie"):
        value.interval(method, reward_range=(-9.0, 9.0))


def test_a_group_that_was_not_seen_is_refused(world):
    value = policy_value("ips", **grouped_log(world, 20, 7))
    with pytest.raises(ValueError, match="max_weight=50 is given with groups"):
        value.interval("cressie_read", max_weight=50.0)


def test_slope_and_support_know_groups(world):
    log = grouped_log(world, 50, 8)
    values = [policy_value("clipped_ips", **log, clip=clip) for clip in (0.5, 1.0, 8.0)]
    width = [stats.t.ppf(0.95, 49) * value.standard_error for value in values]
    assert slope(values) == slope([value.value for value in values], width=width)
    keywords = {key: log[key] for key in ("propensity", "policy_probability", "arm")}
    support = policy_support(**keywords, groups=log["groups"])
    weight = policy_value("ips", **log).weight
    mean = mean_value(reward=weight, groups=log["groups"])
    assert_allclose(support.mean_weight_interval, mean.interval("normal"))


def test_values_that_are_functions_only():
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(30), 4)
    reward, weight = rng.uniform(size=120), rng.uniform(0.5, 2, size=120)
    balanced = balanced_ips_value(reward=reward, weight=weight, groups=groups)
    influence = weight * (reward - balanced.value) / weight.mean()
    sums = influence.reshape(30, 4).sum(axis=1)
    assert_allclose(balanced.standard_error, np.sqrt(30 / 29 * (sums**2).sum()) / 120)
    slate = slate_ips_value(
        reward=reward[:, None],
        propensity=np.full((120, 1), 0.5),
        policy_probability=np.full((120, 1), 0.5),
        groups=groups,
    )
    assert slate.standard_error == mean_value(reward=reward, groups=groups).standard_error


@pytest.mark.parametrize(
    "groups",
    [
        ["b", "a", "b", "c"],
        np.array(["b", "a", "b", "c"]),
        np.array(["b", "a", "b", "c"], dtype=object),
        pd.Series(["b", "a", "b", "c"], index=[3, 1, 1, 0]),
        pd.Series(["b", "a", "b", "c"], dtype="string"),
        pd.Categorical(["b", "a", "b", "c"]),
        pd.Series(["b", "a", "b", "c"], dtype="category"),
        pl.Series(["b", "a", "b", "c"]),
        [7, 3, 7, 9],
        np.array([2.5, 1.5, 2.5, 0.0]),
        pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-02", "2024-01-09"]),
        ["b", 1, "b", ("a", 2)],
    ],
)
def test_labels_of_any_kind(groups):
    assert check_groups(groups, 4).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "groups has 2 entries where the log has 4 rounds"),
        (np.zeros((4, 1)), r"groups must have one dimension.*got shape \(4, 1\)"),
        (pd.DataFrame({"a": [1, 2, 3, 4]}), "groups must have one dimension"),
        ([1.0, np.nan, 1.0, 2.0], r"missing labels in 1 row\(s\), the first at 1"),
        (["a", None, "b", None], r"missing labels in 2 row\(s\), the first at 1, 3"),
        (pl.Series(["a", None, "b", "b"]), "missing labels"),
    ],
)
def test_impossible_groups(groups, message):
    with pytest.raises(ValueError, match=message):
        mean_value(reward=np.arange(4.0), groups=groups)
