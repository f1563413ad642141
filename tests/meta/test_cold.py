"""Arms with too few rewards, against the distributions of scipy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge

from skbandit.meta import BootstrappedThompsonSampling, GreedyBandit, RegCB, SquareCB
from skbandit.meta._cold import Paid, beta_quantiles, cold_moments, is_warm


def _paid(arm, reward, weight=None, n_arms=3):
    arm, reward = np.asarray(arm), np.asarray(reward, dtype=float)
    return Paid.of(arm, reward, np.ones(len(arm)) if weight is None else weight, n_arms)


def test_sums_of_rounds():
    rng = np.random.RandomState(0)
    arm, reward, weight = rng.randint(2, size=50), rng.standard_normal(50), rng.rand(50)
    paid = _paid(arm, reward, weight)
    for one in range(2):
        own = arm == one
        mean = np.average(reward[own], weights=weight[own])
        assert paid.weight[one] == pytest.approx(weight[own].sum())
        assert paid.mean[one] == pytest.approx(mean)
        assert paid.square[one] == pytest.approx((weight[own] * (reward[own] - mean) ** 2).sum())
    assert (paid.weight[2], paid.mean[2], paid.square[2]) == (0.0, 0.0, 0.0)
    first = _paid(arm[:20], reward[:20], weight[:20])
    for part, whole in zip(first.and_of(arm[20:], reward[20:], weight[20:]), paid, strict=True):
        np.testing.assert_allclose(part, whole, atol=1e-12)
    mean = np.average(reward, weights=weight)
    together = paid.together()
    assert together.mean[0] == pytest.approx(mean)
    assert together.square[0] == pytest.approx((weight * (reward - mean) ** 2).sum())


def test_an_offset_costs_no_digits():
    reward = 1e9 + np.array([0.0, 1.0, 2.0])
    paid = _paid([0, 0, 0], reward[:3])
    assert paid.square[0] == pytest.approx(2.0)
    paid = _paid([0], reward[:1]).and_of(np.array([0, 0]), reward[1:], np.ones(2))
    assert paid.square[0] == pytest.approx(2.0)


def test_rewards_between_0_and_1_have_a_beta_belief():
    paid = _paid([0, 0, 0, 0, 1], [1.0, 0.0, 0.0, 0.5, 1.0])
    mean, std = cold_moments(paid, in_unit_interval=True)
    rate = (1.0 + 2.5) / (2.0 + 5.0)
    ones, zeros = np.array([1.5, 1.0, 0.0]), np.array([2.5, 0.0, 0.0])
    belief = stats.beta(2.0 * rate + ones, 2.0 * (1.0 - rate) + zeros)
    np.testing.assert_allclose(mean, belief.mean())
    np.testing.assert_allclose(std, belief.std())
    levels = np.array([0.05, 0.5, 0.95])[:, None]
    np.testing.assert_allclose(beta_quantiles(mean, std, levels), belief.ppf(levels))


def test_before_any_round_the_belief_is_uniform():
    mean, std = cold_moments(Paid.nothing(2), in_unit_interval=True)
    np.testing.assert_allclose(mean, stats.uniform().mean())
    np.testing.assert_allclose(std, stats.uniform().std())
    mean, std = cold_moments(Paid.nothing(2), in_unit_interval=False)
    np.testing.assert_allclose((mean, std), ([0.0, 0.0], [1.0, 1.0]))


def test_other_rewards_have_a_gaussian_belief():
    reward = np.array([3.0, 5.0, 10.0])
    mean, std = cold_moments(_paid([0, 0, 1], reward), in_unit_interval=False)
    # One round of the mean, then those of the arm, of the variance of all.
    centre, spread = reward.mean(), reward.std()
    expected = [(centre + 8.0) / 3.0, (centre + 10.0) / 2.0, centre]
    np.testing.assert_allclose(mean, expected)
    np.testing.assert_allclose(std, spread / np.sqrt([3.0, 2.0, 1.0]))


def test_location_and_scale():
    reward = np.random.RandomState(0).standard_normal(9)
    arm = np.arange(9) % 2
    mean, std = cold_moments(_paid(arm, reward), in_unit_interval=False)
    moved, wider = cold_moments(_paid(arm, 1000.0 + 100.0 * reward), in_unit_interval=False)
    np.testing.assert_allclose(moved, 1000.0 + 100.0 * mean)
    np.testing.assert_allclose(wider, 100.0 * std)


def test_who_is_warm():
    paid = _paid([0, 0, 0, 1, 1, 1, 1], [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    assert is_warm(paid, 2, in_unit_interval=True).tolist() == [False, True, False]
    assert is_warm(paid, 2, in_unit_interval=False).tolist() == [True, True, False]
    assert is_warm(paid, 4, in_unit_interval=False).tolist() == [False, True, False]


@pytest.mark.parametrize("n_warm", [0, 1])
def test_a_cold_arm_is_drawn(n_warm):
    """Against 200,000 draws: three standard errors are below 0.0034."""
    X = np.zeros((12, 1))
    arm = np.array([0] * (12 * n_warm) + [1, 2] * (6 - 6 * n_warm))
    reward = np.arange(12) % 2.0
    bandit = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2], min_rewards=5)
    bandit.fit(X, arm, reward=reward)
    mean, std = cold_moments(bandit.state_.paid, in_unit_interval=True)
    draws = np.random.RandomState(0).normal(mean, std, (200_000, 3))
    if n_warm:
        draws[:, 0] = bandit.expected_reward(X[:1])[0, 0]
    share = np.bincount(draws.argmax(axis=1), minlength=3) / len(draws)
    np.testing.assert_allclose(bandit.predict_proba(X[:1])[0], share, atol=0.0034)


@pytest.mark.parametrize("estimator", [LogisticRegression(), Ridge()])
@pytest.mark.parametrize("kind", [GreedyBandit, BootstrappedThompsonSampling, RegCB, SquareCB])
def test_no_arm_is_left_untried(kind, estimator):
    """An arm that nobody has played yet has a chance beside one that pays well."""
    if kind is RegCB and isinstance(estimator, LogisticRegression):
        pytest.skip("bounds of a classifier are found by many fits, in test_reg_cb.py")
    X = np.random.RandomState(0).standard_normal((40, 2))
    reward = (np.arange(40) % 4 > 0).astype(float)
    bandit = kind(estimator=estimator, arms=[0, 1], random_state=0)
    bandit.fit(X, np.zeros(40, dtype=int), reward=reward)
    assert (bandit.predict_proba(X)[:, 1] > 0.001).mean() > 0.5
