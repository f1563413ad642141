"""Influence functions, differences and the ranges of terms."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit.metrics import (
    PolicyValue,
    PoorSupportWarning,
    get_estimator_names,
    mean_value,
    policy_value,
)

# Logs of policies that are not uniform go through every estimator here.
pytestmark = pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy")

RATIOS = ["snips", "sndr", "replay", "cressie_read"]


def without_row(log, row):
    return {key: np.delete(array, row, axis=0) for key, array in log.items()}


@pytest.mark.parametrize("name", ["ips", "dr", *RATIOS])
def test_influence_is_the_derivative_in_the_weight_of_a_row(name, log):
    n = len(log["reward"])
    value = policy_value(name, **log)
    for row in (0, 7, 123):
        step = 1e-6
        ends = []
        for sign in (-1, 1):
            weight = np.ones(n)
            weight[row] += sign * step * n
            ends.append(policy_value(name, **log, sample_weight=weight).value)
        assert_allclose((ends[1] - ends[0]) / (2 * step), value.influence[row], rtol=1e-5)


@pytest.mark.parametrize("name", ["ips", "dr", *RATIOS])
def test_influence_agrees_with_the_jackknife(name, world):
    log = world.log(250, 11)
    n = len(log["reward"])
    value = policy_value(name, **log)
    left_out = np.array([policy_value(name, **without_row(log, row)).value for row in range(n)])
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())
    assert_allclose(value.standard_error, jackknife, rtol=1e-12 if name in ("ips", "dr") else 0.02)


@pytest.mark.parametrize("name", get_estimator_names())
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_has_mean_zero_and_terms_keep_to_their_range(name, weighted, log):
    rng = np.random.default_rng(2)
    weight = rng.uniform(0.5, 1.5, size=len(log["reward"])) if weighted else None
    value = policy_value(name, **log, sample_weight=weight)
    assert abs(value.influence.mean()) < 1e-12
    assert_allclose(value.terms, value.value + value.influence)
    if not weighted and name != "cressie_read":
        low, high = value.term_range((0.0, 1.0))
        assert low - 1e-9 <= value.terms.min()
        assert value.terms.max() <= high + 1e-9


def test_influence_of_a_ratio_in_closed_form(log):
    value = policy_value("snips", **log)
    weight = value.weight
    expected = weight * (log["reward"] - value.value) / weight.mean()
    assert_allclose(value.influence, expected, atol=1e-13)


def test_sandwich_with_sample_weight(log):
    weight = np.random.default_rng(2).uniform(0.5, 1.5, size=len(log["reward"]))
    value = mean_value(reward=log["reward"], sample_weight=weight)
    deviation = weight * (log["reward"] - np.average(log["reward"], weights=weight))
    n = len(weight)
    expected = np.sqrt(n / (n - 1) * (deviation**2).sum()) / weight.sum()
    assert_allclose(value.standard_error, expected, rtol=1e-12)
    assert_allclose(value.effective_sample_size, weight.sum() ** 2 / (weight**2).sum())


def test_difference(log):
    first, second = policy_value("snips", **log), mean_value(reward=log["reward"])
    difference = first - second
    assert isinstance(difference, PolicyValue)
    assert_allclose(difference.value, first.value - second.value)
    assert_allclose(difference.influence, first.influence - second.influence, atol=1e-13)
    assert difference.name == "snips - mean"
    for method in (
        "normal",
        "student",
        "bootstrap",
        "bca",
        "bernstein",
        "betting",
        "cressie_read",
    ):
        low, high = difference.interval(method)
        assert low < difference.value < high


def test_difference_to_itself_is_certain(log):
    value = policy_value("snips", **log)
    nothing = value - value
    assert nothing.value == 0
    assert_allclose(nothing.standard_error, 0, atol=1e-15)
    assert max(np.abs(nothing.interval("bootstrap", random_state=0))) < 1e-12


def few_effective(n_samples=200):
    """A policy that plays what was logged in three rounds, and hardly in the others."""
    policy = np.full(n_samples, 1e-3)
    policy[:3] = 1.0
    rng = np.random.default_rng(4)
    return {
        "reward": rng.uniform(1, 3, size=n_samples),
        "propensity": np.full(n_samples, 0.5),
        "policy_probability": policy,
    }


@pytest.mark.filterwarnings("ignore:the importance weights have mean")
@pytest.mark.parametrize("weighted", [False, True])
def test_difference_knows_no_more_rounds_than_either_part(weighted):
    log = few_effective()
    times = np.random.default_rng(5).uniform(1, 2, size=200) if weighted else None
    with pytest.warns(PoorSupportWarning):
        value = policy_value("ips", **log, sample_weight=times)
    logging = mean_value(reward=log["reward"], sample_weight=times)
    other = policy_value(
        "ips", **{**log, "policy_probability": np.full(200, 0.4)}, sample_weight=times
    )
    counted = value.weight if times is None else value.weight * times
    effective = counted.sum() ** 2 / (counted**2).sum()
    assert effective < 5
    for difference in (value - logging, logging - value, value - other, (other - value) - logging):
        assert_allclose(difference.effective_sample_size, effective)
        low, high = difference.interval("student")
        quantile = stats.t.ppf(0.975, effective - 1)
        assert_allclose((high - low) / 2, quantile * difference.standard_error)
    assert_allclose((other - logging).effective_sample_size, other.effective_sample_size)


def test_bounds_of_a_difference_are_those_of_its_parts(log):
    first = policy_value("ips", **log)
    second = policy_value("clipped_ips", **log, clip=2.0)
    logging = mean_value(reward=log["reward"])
    difference = first - second
    assert difference.reward_range == (0.0, 1.0)
    # Rewards from -1 to 2: weights of at most 50 on either side.
    assert difference.term_range((-1.0, 2.0), 50.0) == (-150.0, 150.0)
    assert (first - logging).term_range((-1.0, 2.0), 50.0) == (-52.0, 101.0)
    assert (first - logging).term_range() == (-1.0, first.weight.max())
    low, high = first.term_range()
    assert (logging - first).term_range() == (-high, 1.0 - low)
    assert ((first - logging) - second).term_range((0.0, 1.0), 50.0) == (-51.0, 50.0)
    for method in ("bernstein", "betting"):
        found = difference.interval(method, reward_range=(-1.0, 2.0), max_weight=50.0)
        # Two values of rewards from -1 to 2 are at most 3 apart.
        wide = difference.interval(method, bounds=(-150.0, 150.0))
        assert_allclose(found, np.clip(wide, -3.0, 3.0))
        with pytest.raises(ValueError, match="max_weight=3 is below the largest weight"):
            difference.interval(method, max_weight=3.0)
        with pytest.raises(ValueError, match="does not hold the logged rewards"):
            difference.interval(method, reward_range=(0.5, 1.0))


def test_ranges_of_a_difference_hold_its_terms(log):
    values = policy_value(["ips", "snips", "dr", "dm", "sndr"], **log)
    logging = mean_value(reward=log["reward"])
    for value in values.values():
        for difference in (value - logging, logging - value, value - values["dr"]):
            low, high = difference.term_range((0.0, 1.0))
            assert low - 1e-9 <= difference.terms.min()
            assert difference.terms.max() <= high + 1e-9
    assert policy_value("dm", **log).reward_range is None
    assert (values["dm"] - values["dm"]).reward_range is None
    assert (values["dm"] - logging).reward_range == (0.0, 1.0)


def test_difference_of_different_logs_raises(world, log):
    value = policy_value("ips", **log)
    with pytest.raises(ValueError, match="same rounds"):
        value - policy_value("ips", **world.log(100, 3))
    with pytest.raises(ValueError, match="same sample_weight"):
        value - policy_value("ips", **log, sample_weight=np.ones(len(log["reward"])))
    with pytest.raises(TypeError):
        value - 1.0


def test_effective_sample_size(log):
    value = policy_value("ips", **log)
    weight = value.weight
    assert_allclose(value.effective_sample_size, weight.sum() ** 2 / (weight**2).sum())
    assert policy_value("dm", **log).effective_sample_size == len(weight)


def test_single_round():
    value = mean_value(reward=[1.0])
    assert value.value == 1.0
    assert np.isnan(value.standard_error)
    with pytest.raises(ValueError, match="at least 2 rounds"):
        value.interval("normal")


@pytest.mark.parametrize("name", ["ips", "snips", "sndr", "cressie_read"])
def test_pickle(name, log):
    value = policy_value(name, **log)
    again = pickle.loads(pickle.dumps(value - mean_value(reward=log["reward"])))
    assert_allclose(again.value, value.value - log["reward"].mean())


def test_repr_says_what_matters(log):
    text = repr(policy_value("snips", **log))
    assert text.startswith("PolicyValue(snips: ")
    assert "standard_error" in text
    assert "effective_sample_size" in text


@pytest.mark.parametrize("name", ["ips", "ix", "ls"])
def test_values_of_different_logs_are_no_pairs(name, world):
    first = policy_value(name, **world.log(300, 0))
    second = policy_value(name, **world.log(300, 1))
    with pytest.raises(ValueError, match=r"different logs of 300 rounds.*one log"):
        first - second
    assert (first - policy_value(name, **world.log(300, 0))).value == 0


def test_different_logs_of_values_with_a_model(world):
    def value(seed, scale=1.0):
        log = world.log(300, seed)
        rng = np.random.default_rng(seed)
        log["reward"] = log["reward"] + rng.normal(size=300)
        log["propensity"] = log["propensity"] * scale
        return policy_value("dr", **log)

    with pytest.raises(ValueError, match="rewards or propensities differ"):
        value(0) - value(1)
    # One log, whose propensities were estimated anew.
    assert np.isfinite((value(0) - value(0, scale=0.9)).value)
