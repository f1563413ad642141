"""Diagnostics of support, and the warnings."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.metrics import PoorSupportWarning, ips_value, policy_support, snips_value


def arrays(log):
    return {key: log[key] for key in ("arm", "propensity", "policy_probability")}


def test_support_row_by_row(log):
    support = policy_support(**arrays(log))
    weights = [
        policy[arm] / chance
        for policy, arm, chance in zip(
            log["policy_probability"], log["arm"], log["propensity"], strict=True
        )
    ]
    n = len(weights)
    mean = sum(weights) / n
    error = np.sqrt(sum((w - mean) ** 2 for w in weights) / (n - 1) / n)
    assert support.n_samples == n
    assert_allclose(support.effective_sample_size, sum(weights) ** 2 / sum(w * w for w in weights))
    assert_allclose(support.max_weight, max(weights))
    assert_allclose(support.max_weight_share, max(weights) / sum(weights))
    assert_allclose(support.mean_weight, mean)
    assert_allclose(
        support.mean_weight_interval, [mean - 1.959964 * error, mean + 1.959964 * error]
    )
    assert_allclose(support.overlap, sum(min(w, 1) for w in weights) / n)
    assert support.matched == 1


def test_overlap_estimates_the_shared_mass(world):
    support = policy_support(**arrays(world.log(400_000, 2)))
    shared = np.minimum(world.logging, world.policy).sum(axis=1).mean()
    assert_allclose(support.overlap, shared, atol=0.004)
    low, high = support.mean_weight_interval
    assert low < 1 < high


def test_support_of_the_logging_policy_is_full(world):
    log = world.log(200, 3, policy=world.logging)
    support = policy_support(**arrays(log))
    assert_allclose(support.effective_sample_size, 200)
    assert_allclose([support.overlap, support.mean_weight, support.max_weight], 1)


def test_sample_weight_counts_rows(log):
    times = np.random.default_rng(0).integers(1, 4, size=len(log["reward"]))
    weighted = policy_support(**arrays(log), sample_weight=times)
    repeated = policy_support(
        **{key: np.repeat(array, times, axis=0) for key, array in arrays(log).items()}
    )
    for name in ("max_weight", "mean_weight", "overlap", "matched"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name))


@pytest.mark.parametrize("function", [ips_value, snips_value])
def test_few_effective_rounds_warn_and_name_a_remedy(function):
    policy = np.full(1000, 1e-6)
    policy[:5] = 1.0
    with pytest.warns(PoorSupportWarning, match=r"only 5\.\d of 1000 rounds.*dr_value.*explor"):
        function(reward=np.ones(1000), propensity=np.full(1000, 0.5), policy_probability=policy)


def test_warning_points_to_the_caller():
    policy = np.r_[np.ones(3), np.full(997, 1e-6)]
    log = {"propensity": np.full(1000, 0.5), "policy_probability": policy}
    with pytest.warns(PoorSupportWarning) as caught:
        ips_value(reward=np.ones(1000), **log)
    assert caught[0].filename == __file__
    with pytest.warns(PoorSupportWarning) as caught:
        policy_support(**log)
    assert caught[0].filename == __file__


def test_wrong_propensities_warn_and_name_a_remedy(world):
    log = world.log(5000, 4)
    wrong = np.minimum(2 * log["propensity"], 1)
    with pytest.warns(PoorSupportWarning, match=r"mean 0\.\d+.*Re-estimate the propensities"):
        policy_support(**{**arrays(log), "propensity": wrong})


def test_no_overlap():
    log = {"propensity": [0.5] * 40, "policy_probability": [0.0] * 40}
    with pytest.warns(PoorSupportWarning):
        support = policy_support(**log)
    assert support.overlap == support.matched == support.effective_sample_size == 0
    with pytest.raises(ValueError, match=r"snips is undefined.*probability 0.*dm_value"):
        snips_value(reward=[1.0] * 40, **log)
