"""Intervals against closed forms, other computations of the same sets, and what they promise."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg, stats

from skbandit import metrics
from skbandit.metrics import mean_value, policy_value

# Logs of policies that are not uniform go through every estimator here.
pytestmark = pytest.mark.filterwarnings("ignore:replay is for the log of a uniform policy")

METHODS = ["normal", "student", "bootstrap", "bca", "bernstein", "cressie_read", "betting"]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", metrics.get_estimator_names())
@pytest.mark.parametrize("method", METHODS)
def test_every_interval_of_every_estimate_holds_it(name, method, log):
    value = policy_value(name, **log)
    interval = value.interval(method)
    assert isinstance(interval.low, float)
    assert interval.low < interval.high
    if method != "cressie_read":
        assert interval.low < value.value < interval.high
    narrow = value.interval(method, confidence_level=0.5)
    assert narrow.high - narrow.low < interval.high - interval.low


@pytest.mark.parametrize("method", METHODS)
def test_every_interval_scales_with_the_reward(method, log):
    options = {"random_state": 0} if method in ("bootstrap", "bca") else {}
    first = policy_value("snips", **log).interval(method, **options)
    scaled = {**log, "reward": 1000 * log["reward"]}
    second = policy_value("snips", **scaled).interval(method, **options)
    assert_allclose(second, 1000 * np.array(first), rtol=1e-6)


def test_normal_and_student():
    reward = np.random.default_rng(0).normal(size=30)
    value = mean_value(reward=reward)
    error = reward.std(ddof=1) / np.sqrt(30)
    expected = stats.norm.interval(0.9, loc=reward.mean(), scale=error)
    assert_allclose(value.interval("normal", confidence_level=0.9), expected)
    expected = stats.t.interval(0.9, 29, loc=reward.mean(), scale=error)
    assert_allclose(value.interval("student", confidence_level=0.9), expected)


def test_student_with_one_effective_round_is_the_whole_line():
    value = metrics.balanced_ips_value(reward=[1.0, 0.0], weight=[1.0, 0.0])
    assert value.interval("student") == (-np.inf, np.inf)


def test_bca_agrees_with_scipy():
    reward = np.random.default_rng(0).exponential(size=60)
    ours = mean_value(reward=reward).interval("bca", n_resamples=20_000, random_state=0)
    theirs = stats.bootstrap(
        (reward,), np.mean, n_resamples=20_000, method="BCa", random_state=1
    ).confidence_interval
    percentile = mean_value(reward=reward).interval(
        "bootstrap", n_resamples=20_000, random_state=0
    )
    width = theirs.high - theirs.low
    # 20,000 resamples know a 2.5 % quantile to about 0.5 % of the width.
    assert_allclose(ours, theirs, atol=0.025 * width)
    assert ours.low > percentile.low
    assert ours.high > percentile.high + 0.02 * width


def test_bernstein_in_closed_form():
    reward = np.random.default_rng(0).uniform(2, 5, size=200)
    low, high = mean_value(reward=reward).interval("bernstein", reward_range=(1, 6))
    log_term = np.log(4 / 0.05)
    width = np.sqrt(2 * reward.var(ddof=1) * log_term / 200) + 7 * 5 * log_term / (3 * 199)
    assert_allclose([low, high], reward.mean() + width * np.array([-1, 1]))


def log_wealth(values, mean, sign, alpha, anytime):
    """The capital process of the paper, one round after the other."""
    total, peak, running, deviations = 0.0, -np.inf, 0.5, 0.25
    for t, x in enumerate(values, start=1):
        horizon = t * np.log(1 + t) if anytime else len(values)
        bet = np.sqrt(2 * np.log(2 / alpha) / (deviations / t * horizon))
        edge = mean if sign > 0 else 1 - mean
        bet = min(bet, 0.5 / edge) if edge > 0 else bet
        total += np.log(1 + sign * bet * (x - mean))
        peak = max(peak, total)
        running += x
        deviations += (x - running / (t + 1)) ** 2
    return peak


@pytest.mark.parametrize("anytime", [True, False])
def test_betting_bounds_are_where_the_capital_reaches_its_level(anytime):
    values = np.random.default_rng(0).beta(1, 4, size=150)
    low, high = metrics.betting_bounds(values, 0.05, anytime=anytime)
    assert 0 < low < values.mean() < high < 1
    level = np.log(2 / 0.05)
    for bound, sign in ((low, 1), (high, -1)):
        inside, outside = bound + sign * 1e-6, bound - sign * 1e-6
        assert log_wealth(values, inside, sign, 0.05, anytime) < level
        assert log_wealth(values, outside, sign, 0.05, anytime) > level


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_betting_on_constants(value):
    low, high = metrics.betting_bounds(np.full(500, value), 0.05)
    assert low <= value <= high
    assert high - low < 0.1


@pytest.mark.filterwarnings("ignore:all of the")
def test_betting_covers_at_all_times_at_once():
    # 300 sequences, looked at after 1, 2, 4, ... rounds; a fixed-time interval fails here.
    rng = np.random.default_rng(0)
    missed = {"betting": 0, "normal": 0}
    for _ in range(300):
        reward = rng.binomial(1, 0.2, size=1024).astype(float)
        for method in missed:
            options = {"reward_range": (0, 1)} if method == "betting" else {}
            for n in (16, 32, 64, 128, 256, 512, 1024):
                low, high = mean_value(reward=reward[:n]).interval(method, **options)
                if not low <= 0.2 <= high:
                    missed[method] += 1
                    break
    # At a level of 95 % at most 15 expected, and 27 with a chance of 0.2 %.
    assert missed["betting"] <= 27
    assert missed["normal"] > 45


def test_anytime_false_is_shorter(log):
    value = policy_value("ips", **log)
    always, once = (value.interval("betting", anytime=anytime) for anytime in (True, False))
    assert once.high - once.low < always.high - always.low


def euclidean_end(weight, terms, unseen, budget, sign):
    """End of the Cressie-Read set: the best point of a ball in a null space."""
    weight = np.append(weight, unseen[0])
    terms = np.append(terms, unseen[1])
    n = weight.size
    equal = np.full(n, 1 / n)
    constraints = np.vstack([np.ones(n), weight])
    nearest = equal + np.linalg.pinv(constraints) @ (np.array([1.0, 1.0]) - constraints @ equal)
    room = budget / n**2 - ((nearest - equal) ** 2).sum()
    if room < 0:
        return None
    direction = linalg.null_space(constraints).T @ terms
    return nearest @ terms + sign * np.sqrt(room) * np.linalg.norm(direction)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cressie_read_solves_its_program(seed):
    rng = np.random.default_rng(seed)
    propensity = rng.uniform(0.3, 1, size=25)
    policy = rng.uniform(0.1, 1, size=25)
    reward = rng.uniform(size=25)
    value = metrics.ips_value(reward=reward, propensity=propensity, policy_probability=policy)
    low, high = value.interval("cressie_read", reward_range=(0, 1), max_weight=5.0)
    weight, terms = value.control, value.terms
    first = 5.0 if weight.mean() < 1 else 0.0
    augmented = np.append(weight, first)
    least = 26 * (1 - augmented.mean()) ** 2 / augmented.var()
    budget = least + stats.f.isf(0.05, 1, 24)
    ends = []
    for sign, edge in ((-1, 0.0), (1, 5.0)):
        candidates = [
            euclidean_end(weight, terms, (unseen, unseen * edge / 5.0), budget, sign)
            for unseen in (0.0, 5.0)
        ]
        ends.append(sign * max(sign * one for one in candidates if one is not None))
    assert_allclose([low, high], ends, rtol=1e-10)


def test_cressie_read_without_an_unseen_round():
    rng = np.random.default_rng(0)
    propensity, policy = rng.uniform(0.3, 1, size=25), rng.uniform(0.1, 1, size=25)
    value = metrics.ips_value(
        reward=rng.uniform(size=25), propensity=propensity, policy_probability=policy
    )
    weight, terms = value.control, value.terms
    constraints = np.vstack([np.ones(25), weight])
    nearest = 0.04 + np.linalg.pinv(constraints) @ [0.0, 1 - weight.mean()]
    # The centre's own divergence is free: the quantile is spent on moving away from it.
    room = np.sqrt(stats.f.isf(0.05, 1, 24)) / 25
    reach = room * np.linalg.norm(linalg.null_space(constraints).T @ terms)
    expected = nearest @ terms + reach * np.array([-1, 1])
    assert_allclose(value.interval("cressie_read"), expected, rtol=1e-10)
    assert_allclose(nearest @ terms, policy_value_of_cressie_read(value), rtol=1e-10)


def policy_value_of_cressie_read(value):
    weight, terms = value.control, value.terms
    slope = np.cov(weight, terms)[0, 1] / np.var(weight, ddof=1)
    return terms.mean() - slope * (weight.mean() - 1)


def test_cressie_read_of_large_logs_is_the_normal_interval_of_its_estimate(world):
    log = world.log(200_000, 3)
    low, high = policy_value("ips", **log).interval("cressie_read")
    expected = policy_value("cressie_read", **log).interval("normal")
    assert_allclose([low, high], expected, atol=0.02 * (expected.high - expected.low))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"reward_range": (0, 0.5)}, "reward_range=.*widen"),
        ({"max_weight": 0.1}, "max_weight=0.1 is below the largest weight"),
        ({"bounds": (0, 0.1)}, "bounds=.*widen"),
    ],
)
@pytest.mark.parametrize("method", ["bernstein", "betting"])
def test_bounds_that_do_not_hold_raise(method, options, match, log):
    with pytest.raises(ValueError, match=match):
        policy_value("ips", **log).interval(method, **options)


def test_tighter_bounds_give_shorter_intervals(log):
    value = policy_value("ips", **log)
    widths = []
    for largest in (10.0, 1000.0):
        low, high = value.interval("bernstein", reward_range=(0, 1), max_weight=largest)
        widths.append(high - low)
    assert widths[0] < widths[1]


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, np.nan])
@pytest.mark.parametrize("method", METHODS)
def test_impossible_levels_raise(method, level, log):
    with pytest.raises(ValueError, match="confidence_level must lie strictly between"):
        policy_value("ips", **log).interval(method, confidence_level=level)


def test_unknown_method_raises(log):
    with pytest.raises(ValueError, match="method must be one of"):
        policy_value("ips", **log).interval("wald")


@pytest.mark.long
def test_coverage():
    path = ROOT / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location("interval_coverage", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    table = script.measure_coverage(1000, n_jobs=2)["coverage"].unstack()
    exact = table[["normal", "bootstrap", "cressie_read"]]
    assert exact.min(axis=None) >= 0.93
    assert exact.max(axis=None) <= 0.97
    assert table[["bernstein", "betting"]].min(axis=None) >= 0.95
    assert table.loc["ips", ["mixture", "ls"]].min() >= 0.95
