"""Where the prior of the constant terms lies: at what arms of this bandit pay."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from skbandit.glm import LogisticThompsonSampling, LogisticUCB, PoissonUCB

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}


@KINDS
def test_the_formula(kind, where):
    """Four arms, one of which was never played; unequal numbers of rounds."""
    counts, paid = np.array([5000, 300, 0, 40]), np.array([400, 9, 0, 6])
    arm = np.repeat(np.arange(4), counts)
    reward = np.concatenate([np.arange(n) < k for n, k in zip(counts, paid, strict=True)])
    X = np.zeros((len(arm), 1))
    bandit = UCB[kind](arms=[0, 1, 2, 3]).fit(X, arm, reward.astype(float))
    expected = where(kind, paid, counts, counts)
    assert_allclose(bandit.location_, expected, rtol=1e-12)
    # An arm counts for about as much as any other: not at the mean of the rounds.
    rate = expit(bandit.location_) if kind == "logistic" else np.exp(bandit.location_)
    assert abs(rate - paid.sum() / counts.sum()) > 0.003
    assert_allclose(bandit.intercept_[2], bandit.location_, rtol=1e-12)


@KINDS
def test_a_new_arm_starts_where_arms_pay(kind):
    """One in 1,000, and thirty in one: neither is a half, nor one."""
    rng = np.random.default_rng(0)
    rate = 1e-3 if kind == "logistic" else 30.0
    arm = rng.integers(0, 3, 30_000)
    draw = rng.binomial(1, rate, 30_000) if kind == "logistic" else rng.poisson(rate, 30_000)
    bandit = UCB[kind](arms=[0, 1, 2]).fit(np.zeros((30_000, 1)), arm, draw)
    bandit = bandit.add_arms([3])
    constant = bandit.intercept_[3]
    at = expit(constant) if kind == "logistic" else np.exp(constant)
    assert_allclose(at, rate, rtol=0.4)
    # And it is as wide as before any round.
    assert_allclose(bandit.covariance_[3], np.eye(2))


def test_a_fixed_prior_stays():
    bandit = LogisticUCB(arms=[0, 1], prior_reward=0.02)
    bandit.fit(np.zeros((500, 1)), np.zeros(500, dtype=int), np.ones(500))
    assert_allclose(bandit.intercept_[1], np.log(0.02 / 0.98))
    assert_allclose(bandit.location_, np.log(0.02 / 0.98))


def test_another_prior_after_learning():
    """Natural parameters stay: the belief is what they say under the prior of now."""
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(80, 2)), rng.integers(0, 2, 80)
    bandit = LogisticUCB(prior_reward=0.3).fit(X, arm, (X[:, 0] > 0).astype(float))
    gram, moment = bandit.gram_, bandit.moment_
    bandit.set_params(prior_reward=0.6, prior_precision=2.5)
    prior = np.array([2.5 * np.log(1.5), 0.0, 0.0])
    for one in range(2):
        precision = gram[one] + 2.5 * np.eye(3)
        expected = np.linalg.solve(precision, moment[one] + prior)
        assert_allclose(np.append(bandit.intercept_[one], bandit.coef_[one]), expected, rtol=1e-9)
        assert_allclose(bandit.precision_[one], precision, rtol=1e-9)


@pytest.mark.parametrize("size", [1, 20])
def test_regret_where_rewards_are_rare_and_an_arm_is_new(size):
    """A prior at a half would have the new arm played for hundreds of rounds."""
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 2, 20_000)
    X = np.zeros((20_000, 1))
    bandit = LogisticThompsonSampling(arms=[0, 1], random_state=0)
    bandit.fit(X, arm, (rng.random(20_000) < 0.01).astype(float))
    new = bandit.add_arms([2])
    played = 0
    for _ in range(200 // size):
        chosen = new.predict(X[:size])
        played += np.count_nonzero(chosen == 2)
        new.partial_fit(X[:size], chosen, np.zeros(size))
    assert 0 < played < 180


def test_wrong_priors_are_refused():
    for value in (0.0, 1.0, -0.5):
        with pytest.raises(ValueError, match="prior_reward"):
            LogisticUCB(arms=[0, 1], prior_reward=value).predict([[0.0]])
    with pytest.raises(ValueError, match="prior_reward"):
        PoissonUCB(arms=[0, 1], prior_reward=0.0).predict([[0.0]])
    PoissonUCB(arms=[0, 1], prior_reward=12.0).predict([[0.0]])
