"""Every arm alike, and what is known all the same."""

import numpy as np
from numpy.testing import assert_allclose

from skbandit.contextfree import UniformBandit
from skbandit.selectors import TopKSelector


def test_policy_and_means():
    X = np.empty((4, 0))
    bandit = UniformBandit().fit(X, ["a", "b", "b", "c"], [-3.0, 1.0, 2.0, 0.5])
    assert_allclose(bandit.predict_proba(X), 1 / 3)
    mean, std = bandit.expected_reward(X[:1], return_std=True)
    assert mean.tolist() == [[-3.0, 1.5, 0.5]]
    assert std.tolist() == [[0.0, 0.0, 0.0]]
    assert bandit.predict(X[:1], explore=False).tolist() == ["b"]
    assert bandit.decision_function(X[:1]).tolist() == [[0.0, 0.0, 0.0]]


def test_sets():
    bandit = UniformBandit(arms=list("abcd"), selector=TopKSelector(2))
    assert_allclose(bandit.predict_proba(np.empty((1, 0))), 0.5)
    mask = [[True, False, True, True]]
    assert_allclose(
        bandit.predict_proba(np.empty((1, 0)), available=mask), [[2 / 3, 0, 2 / 3, 2 / 3]]
    )
