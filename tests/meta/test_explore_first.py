"""ExploreThenCommit: even first, greedy then."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from skbandit.meta import ExploreThenCommit, GreedyBandit
from skbandit.selectors import TopKSelector


def test_even_first_greedy_then():
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((100, 2)), rng.randint(3, size=100)
    reward = (X[:, 0] * (arm - 1.0) > 0.0).astype(float)
    bandit = ExploreThenCommit(estimator=LogisticRegression(), arms=[0, 1, 2], n_explore=60.0)
    bandit.fit(X[:59], arm[:59], reward=reward[:59])
    np.testing.assert_allclose(bandit.predict_proba(X), 1.0 / 3.0)
    mask = np.ones((100, 3), dtype=bool)
    mask[:, 0] = False
    np.testing.assert_allclose(bandit.predict_proba(X, available=mask)[:, 1:], 0.5)
    bandit.set_params(selector=TopKSelector(k=2))
    np.testing.assert_allclose(bandit.predict_proba(X), 2.0 / 3.0)
    bandit.set_params(selector=None)
    greedy = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2])
    # Two rounds of half a weight end it.
    for bandits in (bandit, greedy.fit(X[:59], arm[:59], reward=reward[:59])):
        bandits.partial_fit(X[59:61], arm[59:61], reward[59:61], sample_weight=[0.5, 0.5])
    np.testing.assert_allclose(bandit.expected_reward(X), greedy.expected_reward(X))
    best = bandit.expected_reward(X).argmax(axis=1)
    np.testing.assert_array_equal(bandit.predict_proba(X), np.eye(3)[best])
    # It goes on learning.
    before = bandit.expected_reward(X)
    bandit.partial_fit(X[61:], arm[61:], reward[61:])
    assert (bandit.expected_reward(X) != before).any()


def test_what_is_committed_to_is_the_highest_mean_also_for_cold_arms():
    X = np.zeros((10, 1))
    bandit = ExploreThenCommit(estimator=LogisticRegression(), arms=[0, 1], n_explore=10)
    bandit.fit(X, [0] * 10, reward=np.ones(10))
    assert bandit.predict_proba(X[:1]).tolist() == [[1.0, 0.0]]
