"""Nearly and exactly collinear columns, features far from zero."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])


@BOTH
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("size", [1, 3, 50, 400])
@pytest.mark.parametrize("lam", [1.0, 1e-12, 1e-30])
def test_collinear_columns(Bandit, noise, size, lam):
    """Twins, sums and constants: nothing raises, nothing is NaN, and rewards are still learnt."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) * [1.0, 100.0, 0.1]
    reward = X @ [1.0, 0.02, 5.0] + 0.1 * rng.normal(size=400)
    X = np.column_stack([X, X[:, 0], X[:, 0] + X[:, 1], np.zeros(400), np.full(400, 7.0)])
    arm = np.resize([0, 1], 400)
    bandit = Bandit(arms=[0, 1, 2], noise=noise, prior_precision=lam, random_state=0)
    for start in range(0, 400, size):
        rows = slice(start, start + size)
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    for rows in (X, X[:1]):
        mean, std = bandit.expected_reward(rows, return_std=True)
        assert np.isfinite(mean).all()
        assert np.isfinite(std).all()
        policy = bandit.predict_proba(rows)
        assert np.isfinite(policy).all()
        assert_allclose(policy.sum(axis=1), 1)
    assert np.isfinite(bandit.noise_variance_).all()
    assert (bandit.noise_variance_ > 0).all()
    mean = bandit.expected_reward(X)[:, :2]
    # Rounding of a singular system, in units of rewards that spread over 2 or so.
    assert np.abs(mean - reward[:, None]).mean() < 0.2


@BOTH
def test_features_far_from_zero_and_a_total_among_them(Bandit):
    """Raw columns of 1e6 with their sum: one by one and at once agree on what they say."""
    rng = np.random.default_rng(0)
    X = 1e6 * rng.random((500, 3))
    X = np.column_stack([X, X.sum(axis=1)])
    reward = X @ [1e-6, -1e-6, 2e-6, 0] + 0.1 * rng.normal(size=500)
    arm = np.resize([0, 1], 500)
    online = Bandit(arms=[0, 1])
    for t in range(500):
        online.partial_fit(X[t : t + 1], arm[t : t + 1], reward[t : t + 1])
    batch = Bandit(arms=[0, 1]).fit(X, arm, reward)
    for row in range(20):
        ours = online.expected_reward(X[[row]], return_std=True)
        theirs = batch.expected_reward(X, return_std=True)
        assert_allclose(ours[0][0], theirs[0][row], atol=1e-3)
        assert_allclose(ours[1][0], theirs[1][row], rtol=0.05)
