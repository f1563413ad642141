"""Sets of arms and candidates: time, ties and sizes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import SoftmaxSelector, TopKSelector


@pytest.mark.parametrize("noise", ["learnt", "fixed"])
def test_time_moves_once_for_a_set(noise):
    rng = np.random.RandomState(0)
    X, reward = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
    played = np.array([rng.permutation(4)[:2] for _ in range(30)])
    bandit = LinearUCB(
        arms=range(4), forgetting=0.9, noise=noise, selector=TopKSelector(2), fit_intercept=False
    )
    bandit.fit(X, played, reward=reward)
    for arm in range(4):
        rows, places = np.nonzero(played == arm)
        faded = 0.9 ** (29.0 - rows)
        gram = (X[rows] * faded[:, None]).T @ X[rows]
        assert_allclose(bandit.gram_[arm], gram, atol=1e-12)
        assert_allclose(bandit.moment_[arm], (faded * reward[rows, places]) @ X[rows], atol=1e-12)


def test_weights_repeat_sets_under_forgetting():
    rng = np.random.RandomState(1)
    X, reward = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    played = np.array([rng.permutation(4)[:2] for _ in range(20)])
    weight = rng.randint(1, 4, size=20)
    bandit = LinearUCB(arms=range(4), forgetting=0.9, selector=TopKSelector(2))
    weighted = bandit.fit(X, played, reward=reward, sample_weight=weight)
    score = weighted.decision_function(X)
    again = np.repeat(np.arange(20), weight)
    repeated = bandit.fit(X[again], played[again], reward=reward[again])
    assert_allclose(repeated.decision_function(X), score, rtol=1e-9)


def test_time_moves_once_for_all_candidates_of_full_feedback():
    rng = np.random.RandomState(2)
    X, y = rng.normal(size=(15, 4, 3)), rng.randint(4, size=15)
    bandit = LinearUCB(arm_model="shared", forgetting=0.8, noise="fixed", fit_intercept=False)
    bandit.fit(X, y)
    faded = 0.8 ** (14.0 - np.arange(15))
    assert_allclose(bandit.gram_[0], np.einsum("n,nci,ncj->ij", faded, X, X), atol=1e-12)
    assert_allclose(bandit.moment_[0], faded @ X[np.arange(15), y], atol=1e-12)


@pytest.mark.parametrize(
    "parameters", [{"arm_model": "hybrid"}, {"selector": SoftmaxSelector()}], ids=str
)
def test_arms_never_played_are_alike_under_sampled_policies(parameters):
    bandit = LinearThompsonSampling(arms=list("abcd"), random_state=0, **parameters)
    X = np.random.RandomState(0).normal(size=(6, 3))
    assert_allclose(bandit.predict_proba(X), 0.25, atol=1e-12)
    bandit.partial_fit(X, list("aabbab"), reward=np.arange(6.0))
    available = np.ones((6, 4), dtype=bool)
    available[0, 2] = False
    probability = bandit.predict_proba(X, available=available)
    assert_allclose(probability[1:, 2], probability[1:, 3], atol=1e-15)
    assert probability[0, 2] == 0.0
    assert_allclose(probability.sum(axis=1), 1.0)


@pytest.mark.parametrize("n_rows", [1, 40])
@pytest.mark.parametrize("huge", ["X", "reward"])
def test_squares_that_overflow_change_nothing(n_rows, huge):
    rng = np.random.RandomState(0)
    X, y, reward = rng.normal(size=(40, 3)), rng.randint(3, size=40), rng.normal(size=40)
    bandit = LinearUCB(arms=range(3), random_state=0).fit(X, y, reward=reward)
    before = bandit.decision_function(X)
    scale = {"X": 1.0, "reward": 1.0, huge: 1e200}
    with pytest.raises(ValueError, match="squares overflow"):
        bandit.partial_fit(X[:n_rows] * scale["X"], y[:n_rows], reward[:n_rows] * scale["reward"])
    assert bandit.learnt_weight_ == 40.0
    assert np.array_equal(bandit.decision_function(X), before)
