"""The bootstrap: its moments, its ratios, its memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.metrics import (
    PoorSupportWarning,
    balanced_ips_value,
    bootstrap_distribution,
    mean_value,
    policy_value,
)
from skbandit.metrics._bootstrap import _POISSON_FROM, _poisson_table


def test_table_is_poisson_with_exact_moments():
    table = _poisson_table()
    assert table.size == 1 << 16
    assert table.mean() == 1
    assert (table**2).mean() == 2
    counts = np.bincount(table.astype(int)) / table.size
    expected = np.exp(-1) / np.cumprod([1, 1, 2, 3, 4, 5])
    assert_allclose(counts[:6], expected, atol=3e-4)


@pytest.mark.parametrize("n_rounds", [200, _POISSON_FROM, 10_000])
@pytest.mark.parametrize("name", ["ips", "snips", "sndr", "cressie_read"])
def test_spread_of_resamples_is_the_standard_error(name, n_rounds, world):
    value = policy_value(name, **world.log(n_rounds, 21))
    values = bootstrap_distribution(value, n_resamples=4000, random_state=0)
    # The spread of 4,000 values is known to 1.1 %; the formula's error is of the order of 1 / n.
    assert_allclose(values.std(), value.standard_error, rtol=0.045 + 5 / n_rounds)
    assert abs(values.mean() - value.value) < 0.1 * value.standard_error


def test_resamples_of_a_small_log_are_multinomial():
    reward = np.array([0.0, 1.0, 10.0])
    values = bootstrap_distribution(mean_value(reward=reward), n_resamples=50_000, random_state=0)
    sums, counts = np.unique(np.round(3 * values), return_counts=True)
    expected = {}
    for one in reward:
        for two in reward:
            for three in reward:
                expected[one + two + three] = expected.get(one + two + three, 0) + 1 / 27
    assert set(sums) == set(expected)
    shares = counts / counts.sum()
    assert_allclose(shares, [expected[one] for one in sums], atol=0.008)


def test_ratio_is_resampled_as_a_ratio(world):
    # Constant rewards: every resample of a self-normalised estimate is that constant.
    log = world.log(300, 22)
    log["reward"] = np.full(300, 3.0)
    values = bootstrap_distribution(policy_value("snips", **log), random_state=0)
    assert_allclose(values, 3.0, rtol=1e-12)
    frozen = bootstrap_distribution(policy_value("ips", **log), random_state=0)
    assert frozen.std() > 0.01


def test_sample_weight_is_resampled_too(world):
    log = world.log(_POISSON_FROM, 23)
    weight = np.random.default_rng(0).exponential(size=_POISSON_FROM)
    value = policy_value("snips", **log, sample_weight=weight)
    values = bootstrap_distribution(value, n_resamples=4000, random_state=0)
    assert_allclose(values.std(), value.standard_error, rtol=0.05)


@pytest.mark.parametrize("n_rounds", [100, _POISSON_FROM])
def test_one_seed_gives_one_distribution(n_rounds, world):
    log = world.log(n_rounds, 24)
    value = policy_value("snips", **log)
    first = bootstrap_distribution(value, n_resamples=50, random_state=3)
    assert_allclose(first, bootstrap_distribution(value, n_resamples=50, random_state=3))
    assert not np.allclose(first, bootstrap_distribution(value, n_resamples=50, random_state=4))
    # The same resamples for two estimates on one log: their difference is that of the differences.
    other = mean_value(reward=log["reward"])
    second = bootstrap_distribution(other, n_resamples=50, random_state=3)
    difference = bootstrap_distribution(value - other, n_resamples=50, random_state=3)
    assert_allclose(difference, first - second, atol=1e-12)


def test_resamples_without_weight_are_left_out():
    with pytest.warns(PoorSupportWarning, match="only 1.0 of 3 rounds"):
        value = balanced_ips_value(reward=[1.0, 2.0, 3.0], weight=[1.0, 0.0, 0.0])
    values = bootstrap_distribution(value, n_resamples=1000, random_state=0)
    # A resample misses the only weighted round with probability (2/3)^3.
    assert abs(values.size / 1000 - (1 - 8 / 27)) < 0.06
    assert_allclose(values, 1.0)


def test_too_few_resamples_raise():
    with pytest.raises(ValueError, match="n_resamples must be at least 2"):
        bootstrap_distribution(mean_value(reward=[0.0, 1.0]), n_resamples=1)


def test_memory_is_bounded(world):
    # As matrices of counts these would take 1.6 GB.
    value = policy_value("snips", **world.log(100_000, 25))
    value.influence  # computed before memory is counted
    tracemalloc.start()
    bootstrap_distribution(value, n_resamples=2000, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * 2**20
