"""The posterior of one call: against numeric Laplace approximations and MCMC."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from skbandit.glm import (
    LogisticThompsonSampling,
    LogisticUCB,
    PoissonThompsonSampling,
    PoissonUCB,
)

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}
THOMPSON = {"logistic": LogisticThompsonSampling, "poisson": PoissonThompsonSampling}


@KINDS
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("given", [None, 0.2])
def test_one_call_is_the_laplace_approximation(
    kind, intercept, given, draw_rounds, numeric, where
):
    """Mode, covariance, precision of every arm; the prior of the constant where it should lie."""
    X, arm, reward = draw_rounds(kind)
    bandit = UCB[kind](prior_precision=1.7, prior_reward=given, fit_intercept=intercept)
    bandit.fit(X, arm, reward)
    counts, paid = np.bincount(arm), np.bincount(arm, reward)
    level = where(kind, paid, counts, counts, 1.7)
    if given is not None:
        level = np.log(given / (1 - given)) if kind == "logistic" else np.log(given)
    level = level if intercept else 0.0
    assert_allclose(bandit.location_, level, rtol=1e-12)
    Z = np.column_stack([np.ones(len(X)), X]) if intercept else X
    prior = np.zeros(Z.shape[1])
    prior[0] = level
    for one in range(3):
        own = arm == one
        expected = numeric.laplace(kind, Z[own], reward[own], prior, 1.7)
        mode = np.append(bandit.intercept_[one], bandit.coef_[one])
        assert_allclose(mode[0 if intercept else 1 :], expected.mode, rtol=1e-4, atol=1e-5)
        assert_allclose(bandit.covariance_[one], expected.covariance, rtol=1e-4, atol=1e-5)
        assert_allclose(
            bandit.precision_[one] @ expected.covariance, np.eye(len(prior)), atol=1e-3
        )
    assert_allclose(bandit.weight_, counts)
    assert_allclose(bandit.reward_sum_, paid)


@KINDS
def test_a_round_weighs_and_pays_a_part(kind, draw_rounds, numeric):
    """Weights that are no integers; for the logistic model shares of successes too."""
    X, arm, reward = draw_rounds(kind, n_arms=1)
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.1, 3.0, size=len(X))
    if kind == "logistic":
        reward = rng.beta(2, 3, size=len(X))
    bandit = UCB[kind](prior_reward=0.4).fit(X, arm, reward, sample_weight=weight)
    prior = np.zeros(4)
    prior[0] = bandit.location_
    Z = np.column_stack([np.ones(len(X)), X])
    expected = numeric.laplace(kind, Z, reward, prior, weight=weight)
    mode = np.append(bandit.intercept_, bandit.coef_)
    assert_allclose(mode, expected.mode, rtol=1e-4, atol=1e-5)
    assert_allclose(bandit.covariance_[0], expected.covariance, rtol=1e-4, atol=1e-5)


def test_a_share_stands_for_so_many_successes():
    """A reward of 0.3 is three successes and seven failures of weight 0.1."""
    X = np.random.default_rng(0).normal(size=(20, 2))
    shares = LogisticUCB(arms=["a"]).fit(X, ["a"] * 20, np.full(20, 0.3))
    rows = np.repeat(X, 10, axis=0)
    paid = np.tile([1.0] * 3 + [0.0] * 7, 20)
    spelt = LogisticUCB(arms=["a"])
    spelt.fit(rows, ["a"] * 200, paid, sample_weight=np.full(200, 0.1))
    for name in ("coef_", "intercept_", "covariance_", "location_"):
        assert_allclose(getattr(shares, name), getattr(spelt, name), rtol=1e-9)


def agreement(bandit, chains):
    """Distance of the means in deviations, and ratio of the deviations."""
    mode = np.append(bandit.intercept_, bandit.coef_)
    std = np.sqrt(np.diag(bandit.covariance_[0]))
    return np.abs(mode - chains.mean) / chains.std, std / chains.std


@KINDS
def test_a_run_of_mcmc_agrees(kind, draw_rounds, numeric):
    """100 chains of 1,000 steps: means within a tenth of a deviation, deviations within 5 %.

    The error of the run itself is about a fiftieth of a deviation.
    """
    X, arm, reward = draw_rounds(kind, n_samples=1500, n_arms=1)
    bandit = UCB[kind]().fit(X, arm, reward)
    prior = np.zeros(4)
    prior[0] = bandit.location_
    Z = np.column_stack([np.ones(len(X)), X])
    chains = numeric.metropolis(kind, Z, reward, prior, 1000, 100, np.zeros(4), np.eye(4) * 3e-3)
    apart, ratio = agreement(bandit, chains)
    assert apart.max() < 0.1
    assert_allclose(ratio, 1.0, atol=0.05)
    mode = np.append(bandit.intercept_, bandit.coef_)
    assert_allclose(mode, chains.mean, rtol=0.05, atol=0.1 * chains.std.max())


@pytest.mark.long
def test_a_long_run_of_mcmc_agrees_on_rare_rewards(numeric):
    """100,000 rounds, one in 1,000 pays: means and deviations within 5 %.

    In one call or in a hundred; 20 chains of 400 steps. The error of the run is about a fiftieth
    of a deviation.
    """
    rng = np.random.default_rng(3)
    n = 100_000
    X = rng.normal(size=(n, 4))
    reward = (rng.random(n) < expit(-7.4 + X @ [0.6, -0.4, 0.2, 0.5])).astype(float)
    assert 70 < reward.sum() < 140
    arm, Z, chains = np.zeros(n, dtype=int), np.column_stack([np.ones(n), X]), None
    for size in (n, 1000):
        bandit = LogisticUCB(arms=[0])
        for start in range(0, n, size):
            rows = slice(start, start + size)
            bandit.partial_fit(X[rows], arm[rows], reward[rows])
        mode = np.append(bandit.intercept_, bandit.coef_)
        if chains is None:
            prior = np.array([bandit.location_, 0.0, 0.0, 0.0, 0.0])
            shape = bandit.covariance_[0]
            chains = numeric.independence(Z, reward, prior, 400, 20, mode, shape)
        # Of the larger of the mean itself and its deviation.
        size_of_mean = np.maximum(np.abs(chains.mean), chains.std)
        assert (np.abs(mode - chains.mean) <= 0.05 * size_of_mean).all()
        assert_allclose(np.sqrt(np.diag(bandit.covariance_[0])), chains.std, rtol=0.05)


@KINDS
def test_before_any_round(kind):
    """The prior: half of the rewards, or a rate of 1; or what was said."""
    x = [[0.0, 0.0]]
    bandit = UCB[kind](arms=["a", "b"])
    mean, std = bandit.expected_reward(x, return_std=True)
    if kind == "logistic":
        assert_allclose(mean, 0.5)
    else:
        assert_allclose(mean, np.exp(0.5))
        assert_allclose(std, np.sqrt(np.expm1(1.0)) * np.exp(0.5))
    sure = UCB[kind](arms=["a", "b"], prior_reward=0.01, prior_precision=1e6)
    assert_allclose(sure.expected_reward(x), 0.01, rtol=1e-4)


@KINDS
def test_full_feedback_teaches_every_arm(kind, draw_rounds):
    X, arm, _ = draw_rounds(kind)
    told = UCB[kind]().fit(X, arm)
    spelt = UCB[kind]()
    spelt.fit(
        np.repeat(X, 3, axis=0),
        np.tile(np.arange(3), len(X)),
        (np.tile(np.arange(3), len(X)) == np.repeat(arm, 3)).astype(float),
    )
    assert_allclose(told.coef_, spelt.coef_, rtol=1e-8)
    assert_allclose(told.covariance_, spelt.covariance_, rtol=1e-8)
    assert_allclose(told.reward_sum_, np.bincount(arm))


def test_full_feedback_takes_no_copy_for_each_arm():
    """Twenty arms learn from 20,000 rows of 30 features: 5 MB, not a hundred."""
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(20_000, 30)), rng.integers(0, 20, 20_000)
    tracemalloc.start()
    LogisticUCB().fit(X, arm)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * X.nbytes


@KINDS
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_forgetting_is_weights_that_fade(kind, precision, draw_rounds):
    """In one call: a round counts gamma to the number of rounds after it."""
    X, arm, reward = draw_rounds(kind)
    fading = UCB[kind](forgetting=0.97, precision=precision).fit(X, arm, reward)
    faded = 0.97 ** np.arange(len(X))[::-1]
    plain = UCB[kind](precision=precision).fit(X, arm, reward, sample_weight=faded)
    for name in ("weight_", "reward_sum_", "location_", "coef_", "covariance_"):
        assert_allclose(getattr(fading, name), getattr(plain, name), rtol=1e-8, atol=1e-12)


@KINDS
def test_an_old_world_is_forgotten(kind):
    """The prior comes back where nothing is seen; what is new counts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1))
    bandit = THOMPSON[kind](forgetting=0.99, arms=["a"])
    bandit.partial_fit(X, ["a"] * 2000, np.ones(2000))
    for _ in range(20):
        bandit.partial_fit(X[:100], ["a"] * 100, np.zeros(100))
    assert bandit.expected_reward([[0.0]])[0, 0] < 0.1
    assert_allclose(bandit.weight_, 100.0, rtol=1e-6)
