"""The chance that a policy is better, against Bayes' rule and against simulated logs."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from skbandit.metrics import (
    chance_better,
    dm_value,
    dr_value,
    get_estimator_names,
    ips_value,
    mean_value,
    policy_value,
)

LOGGING = np.array([0.85, 0.05, 0.05, 0.05])
POLICY = np.array([0.1, 0.3, 0.3, 0.3])


def draw_log(n_samples, seed, rate=0.02, law=(1.0, 1.0, 1.0, 1.0)):
    rng = np.random.default_rng(seed)
    arm = rng.choice(4, size=n_samples, p=LOGGING)
    reward = (rng.uniform(size=n_samples) < rate * np.array(law)[arm]).astype(float)
    return {
        "reward": reward,
        "arm": arm,
        "propensity": LOGGING[arm],
        "policy_probability": np.tile(POLICY, (n_samples, 1)),
    }


def test_it_is_bayes_rule_with_a_normal_prior():
    rng = np.random.default_rng(0)
    reward = rng.normal(size=3000)
    log = {"reward": reward, "propensity": np.full(3000, 0.5)}
    # Independent of the rewards, so that pooling adds next to nothing.
    weight = rng.choice([0.9, 1.1], size=3000)
    difference = ips_value(policy_probability=weight / 2, **log) - mean_value(reward=reward)
    spread = 0.002 * np.abs(reward - np.median(reward)).mean()
    prior = stats.norm(0, spread)
    likelihood = stats.norm(difference.value, difference.standard_error)

    def joint(true):
        return prior.pdf(true) * likelihood.pdf(true)

    # All but a share of 1e-20 of either law.
    wide = 10 * spread
    better, worse = integrate.quad(joint, 0, wide)[0], integrate.quad(joint, -wide, 0)[0]
    chance = chance_better(difference, reward, prior_scale=0.002)
    assert chance == pytest.approx(better / (better + worse), abs=0.005)
    flat = special.ndtr(difference.value / difference.standard_error)
    assert abs(flat - chance) > 0.02


def test_the_error_is_pooled_over_all_rounds():
    # Few rewards, all of arms that the policy hardly plays: their spread says little of the rest.
    log = draw_log(300, 0)
    log["reward"] = np.zeros(300)
    log["reward"][np.flatnonzero(log["arm"] == 0)[:4]] = 1.0
    difference = ips_value(**log) - mean_value(reward=log["reward"])
    factor = (POLICY / LOGGING)[log["arm"]] - 1
    every_pair = factor[:, None] * log["reward"]
    observed = (factor * log["reward"]).var()
    terms = difference.influence
    effective = (terms**2).sum() ** 2 / (terms**4).sum()
    excess = (every_pair.var() / observed - 1) * 30 / (30 + effective)
    assert excess > 1
    score = difference.value / difference.standard_error / np.sqrt(1 + excess)
    chance = stats.t.cdf(score, difference.degrees_of_freedom)
    assert chance_better(difference, log["reward"], prior_scale=np.inf) == pytest.approx(chance)
    assert special.ndtr(difference.value / difference.standard_error) < 0.1 < chance


def test_a_model_takes_its_share_of_the_pooled_error():
    log = draw_log(500, 1, rate=0.1)
    model = np.random.default_rng(2).uniform(0, 0.2, size=(500, 4))
    difference = dr_value(expected_reward=model, **log) - mean_value(reward=log["reward"])
    rows = np.arange(500)
    error = log["reward"] - model[rows, log["arm"]]
    factor = (POLICY / LOGGING)[log["arm"]] - 1
    fixed = model @ POLICY - model[rows, log["arm"]]
    np.testing.assert_allclose(difference.terms, fixed + factor * error)
    pooled = fixed.var() + (factor[:, None] * error).var()
    excess = max(0, pooled / difference.terms.var() - 1)
    terms = difference.influence
    excess *= 30 / (30 + (terms**2).sum() ** 2 / (terms**4).sum())
    score = difference.value / difference.standard_error / np.sqrt(1 + excess)
    chance = stats.t.cdf(score, difference.degrees_of_freedom)
    assert chance_better(difference, log["reward"], prior_scale=np.inf) == pytest.approx(chance)


@pytest.mark.parametrize("estimator", [name for name in get_estimator_names() if name != "replay"])
@pytest.mark.parametrize("weighted", [False, True])
def test_of_one_policy_over_another_and_the_other_way_round(estimator, weighted):
    log = draw_log(400, 3, rate=0.1)
    options = (
        {}
        if estimator not in get_estimator_names(reward_model=True)
        else {"expected_reward": np.random.default_rng(1).uniform(0, 0.2, size=(400, 4))}
    )
    weight = np.random.default_rng(4).uniform(0.5, 1.5, size=400) if weighted else None
    value = policy_value(estimator, sample_weight=weight, **log, **options)
    logged = mean_value(reward=log["reward"], sample_weight=weight)
    chance = chance_better(value - logged, log["reward"])
    assert 0 < chance < 1
    assert chance_better(logged - value, log["reward"]) == pytest.approx(1 - chance)


@pytest.mark.parametrize("unit", [0.01, 1000.0])
def test_units_and_repetitions_change_nothing(unit):
    log = draw_log(400, 5, rate=0.1)
    difference = ips_value(**log) - mean_value(reward=log["reward"])
    chance = chance_better(difference, log["reward"])
    scaled = {**log, "reward": unit * log["reward"]}
    other = ips_value(**scaled) - mean_value(reward=scaled["reward"])
    assert chance_better(other, scaled["reward"]) == pytest.approx(chance)
    equal = {"sample_weight": np.full(400, unit)}
    other = ips_value(**log, **equal) - mean_value(reward=log["reward"], **equal)
    assert chance_better(other, log["reward"]) == pytest.approx(chance)


def test_weights_move_the_median():
    reward = np.array([0.0, 1.0, 5.0])
    values = [mean_value(reward=reward, sample_weight=[1.0, 1.0, 4.0]) for _ in range(2)]
    repeated = np.repeat(reward, [1, 1, 4])
    from skbandit.metrics._chance import _mean_distance

    expected = np.abs(repeated - np.median(repeated)).mean()
    assert _mean_distance(reward, values[0].sample_weight) == pytest.approx(expected)


def test_no_reward_says_nothing():
    log = draw_log(300, 6)
    log["reward"] = np.zeros(300)
    assert chance_better(ips_value(**log) - mean_value(reward=log["reward"]), log["reward"]) == 0.5


def test_without_weights_the_spread_alone_counts():
    log = draw_log(200, 7, rate=0.3)
    model = np.random.default_rng(8).uniform(0.2, 0.5, size=(200, 4))
    difference = dm_value(
        policy_probability=log["policy_probability"], expected_reward=model
    ) - mean_value(reward=log["reward"])
    score = difference.value / difference.standard_error
    chance = stats.t.cdf(score, difference.degrees_of_freedom)
    assert chance_better(difference, log["reward"], prior_scale=np.inf) == pytest.approx(chance)


def test_it_is_calibrated_where_rewards_are_rare():
    # 3,000 logs of about 5 rewards, of which 82 are surely worse by what is said.
    rng = np.random.default_rng(9)
    said, normal, better = [], [], []
    for seed in range(3000):
        law = np.exp(0.8 * rng.normal(size=4) - 0.32)
        log = draw_log(1000, seed, rate=0.005, law=law)
        difference = ips_value(**log) - mean_value(reward=log["reward"])
        said.append(chance_better(difference, log["reward"]))
        error = difference.standard_error or 1.0
        normal.append(special.ndtr(difference.value / error))
        better.append((POLICY - LOGGING) @ law > 0)
    said, normal, better = np.array(said), np.array(normal), np.array(better)
    low = said < 0.1
    assert low.sum() > 50
    # Three standard errors above what is said.
    assert better[low].mean() < 0.1 + 3 * np.sqrt(0.09 / low.sum())
    assert better[normal < 0.1].mean() > 0.2
    high = said > 0.8
    assert better[high].mean() > 0.8 - 3 * np.sqrt(0.16 / high.sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"difference": mean_value(reward=[0.0, 1.0])}, r"must be that of two values"),
        ({"prior_scale": 0.0}, r"prior_scale must be a positive number"),
        ({"prior_scale": "flat"}, r"prior_scale must be a positive number"),
        ({"reward": [1.0]}, r"reward has 1 entries where the log has 2"),
    ],
)
def test_bad_arguments(change, message):
    one, other = mean_value(reward=[0.0, 1.0]), mean_value(reward=[0.0, 1.0])
    given = {"difference": one - other, "reward": [0.0, 1.0], **change}
    with pytest.raises(ValueError, match=message):
        chance_better(**given)
