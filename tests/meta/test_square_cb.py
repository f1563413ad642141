"""SquareCB against its formula."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from skbandit.meta import GreedyBandit, SquareCB
from skbandit.selectors import InverseGapSelector, PropensityFloorSelector, TopKSelector


def rounds(n_rounds=120):
    """Contexts, arms and rewards."""
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((n_rounds, 2)), rng.randint(3, size=n_rounds)
    return X, arm, X[:, 0] * (arm - 1.0) + 0.1 * rng.standard_normal(n_rounds)


@pytest.mark.parametrize("exponent", [0.0, 0.5])
@pytest.mark.parametrize("estimator", [Ridge(), LogisticRegression()])
def test_policy(estimator, exponent):
    X, arm, reward = rounds()
    unit = 2.0 * reward.std()
    if isinstance(estimator, LogisticRegression):
        reward, unit = (reward > 0.0).astype(float), 1.0
    bandit = SquareCB(
        estimator=estimator, arms=[0, 1, 2], gamma_scale=4.0, gamma_exponent=exponent
    )
    weight = np.full(120, 0.5)
    bandit.fit(X, arm, reward=reward, sample_weight=weight)
    gamma = 4.0 * 60.0**exponent / unit
    policy = bandit.predict_proba(X)
    for mean, probability in zip(bandit.expected_reward(X), policy, strict=True):
        best = mean.argmax()
        others = np.arange(3) != best
        expected = 1.0 / (3.0 + gamma * (mean[best] - mean[others]))
        np.testing.assert_allclose(probability[others], expected)
        assert probability[best] == pytest.approx(1.0 - expected.sum())


def test_unit_and_offset_of_rewards_do_not_matter():
    X, arm, reward = rounds()
    euros = SquareCB(arms=[0, 1, 2]).fit(X, arm, reward=reward)
    cents = SquareCB(arms=[0, 1, 2]).fit(X, arm, reward=500.0 + 100.0 * reward)
    np.testing.assert_allclose(euros.predict_proba(X), cents.predict_proba(X), atol=1e-9)


def test_rewards_that_are_alike():
    X, arm, _ = rounds()
    bandit = SquareCB(arms=[0, 1, 2]).fit(X, arm, reward=np.full(120, 0.3))
    np.testing.assert_allclose(bandit.predict_proba(X), 1.0 / 3.0)


def test_a_cold_arm_is_weighed_by_what_arms_pay():
    X, arm, reward = rounds()
    bandit = SquareCB(arms=[0, 1, 2, 3]).fit(X, arm, reward=reward)
    mean = bandit.expected_reward(X)
    np.testing.assert_allclose(mean[:, 3], reward.mean())
    gamma = 10.0 * 120.0**0.5 / (2.0 * reward.std())
    gap = mean.max(axis=1) - mean[:, 3]
    behind = gap > 0.0
    expected = 1.0 / (4.0 + gamma * gap)
    np.testing.assert_allclose(bandit.predict_proba(X)[behind, 3], expected[behind])


def test_another_selector_takes_the_place_of_gaps():
    X, arm, reward = rounds()
    for selector in (TopKSelector(k=2), PropensityFloorSelector()):
        bandit = SquareCB(arms=[0, 1, 2], selector=selector).fit(X, arm, reward=reward)
        greedy = GreedyBandit(arms=[0, 1, 2], selector=selector).fit(X, arm, reward=reward)
        np.testing.assert_allclose(bandit.predict_proba(X), greedy.predict_proba(X))
    sets = SquareCB(arms=[0, 1, 2], selector=InverseGapSelector(k=2)).fit(X, arm, reward=reward)
    assert (sets.predict_proba(X) > 0.0).all()
    np.testing.assert_allclose(sets.predict_proba(X).max(axis=1), 1.0)
