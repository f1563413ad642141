"""Distributions of rewards against loops and repeated rows, and bands against the truth."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skbandit.metrics import reward_distribution, snips_value

# The logs here are to be small.
pytestmark = pytest.mark.filterwarnings("ignore:only .* rounds are effective")


def small_log(seed=0, n_rounds=40):
    rng = np.random.default_rng(seed)
    return {
        "reward": rng.integers(-2, 4, size=n_rounds).astype(float),
        "propensity": rng.choice([0.25, 0.5], size=n_rounds),
        "policy_probability": rng.choice([0.0, 0.5, 1.0], size=n_rounds),
    }


def repeated(log):
    """Rewards repeated as often as their weight says: 0, 1, 2 or 4 times."""
    weight = log["policy_probability"] / log["propensity"]
    return np.sort(np.repeat(log["reward"], weight.astype(int)))


def test_estimates_are_those_of_repeated_rows():
    log = small_log()
    rows = repeated(log)
    distribution = reward_distribution(**log)
    for x in (-3, -2, -0.5, 0, 3, 10):
        assert_allclose(distribution.cdf(x), (rows <= x).mean(), atol=1e-12)
    for q in (0.01, 0.1, 0.25, 0.5, 0.77, 1.0):
        expected = np.quantile(rows, q, method="inverted_cdf")
        assert distribution.quantile(q) == expected
        # The worst share, the row on its edge in part.
        n_worst = q * rows.size
        whole = math.floor(n_worst + 1e-9)
        part = n_worst - whole
        edge = rows[whole] * part if part > 1e-9 else 0.0
        assert_allclose(distribution.cvar(q), (rows[:whole].sum() + edge) / n_worst)
    assert_allclose(distribution.cvar(1.0), snips_value(**log).value)
    q = np.array([[0.1, 0.5], [0.9, 1.0]])
    assert distribution.quantile(q).shape == distribution.cvar(q).shape == (2, 2)
    assert_allclose(distribution.cvar(q)[1, 0], distribution.cvar(0.9))


def test_sample_weight_repeats_rows_and_arms_pick_columns():
    log = small_log()
    counts = np.random.default_rng(1).integers(0, 3, size=40)
    weighted = reward_distribution(**log, sample_weight=counts)
    again = reward_distribution(**{key: np.repeat(one, counts) for key, one in log.items()})
    at = np.arange(-3.0, 4.0)
    assert_allclose(weighted.cdf(at), again.cdf(at))
    arm = np.arange(40) % 2
    p = log["policy_probability"]
    table = np.where(arm[:, None] == np.arange(2), p[:, None], 1 - p[:, None])
    asked = reward_distribution(
        log["reward"], log["propensity"], policy_probability=table, arm=arm
    )
    assert_array_equal(asked.cdf(at), reward_distribution(**log).cdf(at))


def test_half_width_is_the_quantile_of_the_largest_sum_of_influences():
    log = small_log(seed=3, n_rounds=60)
    groups = np.repeat(np.arange(20), 3)
    weight = log["policy_probability"] / log["propensity"]
    at = np.unique(log["reward"])
    below = log["reward"][:, None] <= at
    cdf = weight @ below / weight.sum()
    influence = weight[:, None] * (below - cdf) / weight.sum()
    rng = np.random.default_rng(0)
    for codes in (np.arange(60), groups):
        n = codes.max() + 1
        sums = np.array([influence[codes == g].sum(axis=0) for g in range(n)])
        # What leaving out a group changes.
        for g in range(n):
            kept = codes != g
            without = weight[kept] @ below[kept] / weight[kept].sum()
            own = weight[~kept].sum() / weight.sum()
            assert_allclose(sums[g] / (1 - own), cdf - without, atol=1e-12)
            sums[g] = cdf - without
        largest = np.abs(rng.normal(size=(40_000, n)) @ sums).max(axis=1)
        expected = np.quantile(largest, 0.9)
        band = reward_distribution(**log, groups=None if n == 60 else groups).band(
            confidence_level=0.9, n_resamples=40_000, random_state=1
        )
        assert_allclose(band.half_width, expected, rtol=0.02)


def test_one_arm_with_two_rewards_has_the_band_of_a_share():
    # The policy wrote the log, and rewards are 0 and 1: the band is a normal interval of a share.
    reward = np.repeat([0.0, 1.0], [300, 700])
    distribution = reward_distribution(reward, np.ones(1000), np.ones(1000))
    band = distribution.band(n_resamples=40_000, random_state=0)
    assert_allclose(band.half_width, stats.norm.ppf(0.975) * math.sqrt(0.21 / 1000), rtol=0.02)
    low, high = band.cvar(1.0)
    assert_allclose([low, high], [0.7 - band.half_width, 0.7 + band.half_width])
    assert band.quantile(0.5) == (1.0, 1.0)
    assert band.quantile(0.3) == (0.0, 1.0)


def test_tails_of_a_band_are_the_extremes_over_distributions_within_it():
    band = reward_distribution(**small_log(), reward_range=(-5, 6)).band(random_state=0)
    values = np.concatenate([[-5.0], band.support, [6.0]])
    low = np.concatenate([[0.0], band.low, [1.0]])
    high = np.concatenate([[band.half_width], band.high, [1.0]])
    for q in (0.05, 0.4, 1.0):
        for cumulative, end in ((high, 0), (low, 1)):
            # The mean of the worst share by a fine grid of levels.
            levels = (np.arange(200_000) + 0.5) / 200_000 * q
            tail = values[np.searchsorted(cumulative, levels)].mean()
            assert_allclose(band.cvar(q)[end], tail, atol=1e-4)
            assert band.quantile(q)[end] == values[np.searchsorted(cumulative, q - 1e-12)]
    assert band.cdf(-5.5) == (0.0, 0.0)
    assert band.cdf(-4.0) == (0.0, band.half_width)
    assert band.cdf(5.0) == (band.low[-1], 1.0)
    assert band.cdf(6.0) == (1.0, 1.0)


def test_bands_hold_the_truth_in_most_logs():
    n_logs, n_rounds, held = 200, 400, 0
    chance = np.array([0.6, 0.3, 0.1])
    for seed in range(n_logs):
        rng = np.random.default_rng(seed)
        arm = rng.choice(3, size=n_rounds, p=chance)
        reward = rng.beta(1 + arm, 2)
        policy = np.array([0.2, 0.3, 0.5])
        band = reward_distribution(reward, chance[arm], policy[arm], reward_range=(0, 1)).band(
            random_state=seed, n_resamples=300
        )
        truth = sum(p * stats.beta.cdf(band.support, 1 + a, 2) for a, p in enumerate(policy))
        before = np.append(band.half_width, band.high[:-1])
        held += ((truth >= band.low) & (truth <= before) & (truth <= band.high)).all()
    # A coverage of 93 % falls below this once in 1,000 tests.
    assert held >= stats.binom.ppf(0.001, n_logs, 0.93)


def test_a_seed_gives_the_same_band_and_blocks_change_nothing(monkeypatch):
    distribution = reward_distribution(**small_log())
    one = distribution.band(random_state=4)
    monkeypatch.setattr("skbandit.metrics._distribution._BLOCK_ENTRIES", 100)
    assert_allclose(distribution.band(random_state=4).half_width, one.half_width)
    assert distribution.band(random_state=5).half_width != one.half_width
    assert "median" in repr(distribution)
    assert "half_width" in repr(one)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy_probability": np.zeros(40)}, "policy_probability is 0 in every round"),
        ({"reward_range": (0, 1)}, "does not hold the logged rewards"),
        ({"propensity": np.full(39, 0.5)}, "propensity"),
        ({"policy_probability": np.full((40, 2), 0.5)}, "arm is None"),
    ],
)
def test_bad_logs_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        reward_distribution(**{**small_log(), **changes})


def test_bad_questions_are_named():
    distribution = reward_distribution(**small_log())
    for q in (0.0, 1.1, np.nan, [0.5, -1.0]):
        with pytest.raises(ValueError, match="q must be above 0"):
            distribution.quantile(q)
        with pytest.raises(ValueError, match="q must be above 0"):
            distribution.band(random_state=0).cvar(q)
    with pytest.raises(ValueError, match="n_resamples"):
        distribution.band(n_resamples=1)
    with pytest.raises(ValueError, match="confidence_level"):
        distribution.band(confidence_level=95)
    with pytest.raises(ValueError, match="at least 2 groups"):
        reward_distribution(**small_log(), groups=np.zeros(40)).band()
    with pytest.raises(ValueError, match="at least 2 rounds"):
        reward_distribution([1.0], [0.5], [0.5]).band()
