"""Rank-one updates without end, bad scales, nearly and exactly collinear columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import solve_triangular

from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])


def hard_rounds(n_samples, n_features=64, gap=1e-3, seed=0):
    """Scales from 0.01 to 100; every eighth column has a twin that differs by `gap`."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    X[:, 1::8] = X[:, 0::8] + gap * rng.normal(size=X[:, 0::8].shape)
    scale = np.logspace(-2, 2, n_features)
    X *= scale
    return X, X @ (rng.normal(size=n_features) / scale) + rng.normal(size=n_samples)


def posterior_by_qr(X, reward):
    """Mean, covariance and minimum from orthogonal transformations of the rows, by chunks."""
    n_terms = X.shape[1] + 1
    triangle = np.eye(n_terms, n_terms + 1)
    for start in range(0, len(X), 20_000):
        rows = slice(start, start + 20_000)
        block = np.column_stack([np.ones(len(X[rows])), X[rows], reward[rows]])
        triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    own, right = triangle[:n_terms, :n_terms], triangle[:n_terms, n_terms]
    inverse = solve_triangular(own, np.eye(n_terms))
    return inverse @ right, inverse @ inverse.T, triangle[n_terms, n_terms] ** 2


def check_rank_one_updates(n_samples, n_looks):
    X, reward = hard_rounds(n_samples)
    played = np.zeros(1, dtype=int)
    bandit = LinearUCB(arms=[0])
    looks = np.linspace(0, n_samples, n_looks + 1).astype(int)[1:] - 1
    for t in range(n_samples):
        bandit.partial_fit(X[t : t + 1], played, reward[t : t + 1])
        if t in looks:
            bandit.expected_reward(X[:100], return_std=True)
    # The one that lives, not one that a pickle would rebuild.
    live = bandit._posterior()
    batch = LinearUCB(arms=[0]).fit(X, np.zeros(n_samples, dtype=int), reward)
    mean, covariance, minimum = posterior_by_qr(X, reward)
    width = np.sqrt(np.diag(covariance))
    for posterior, residual_square in (
        (live, bandit.residual_square_[0]),
        (batch._posterior(), batch.residual_square_[0]),
    ):
        ours = posterior.covariance[0] / np.outer(width, width)
        expected = covariance / np.outer(width, width)
        # In units of each coefficient's own width, whatever the scale of its feature.
        assert np.abs(ours - expected).max() < 1e-6
        assert np.abs((posterior.coef[0] - mean) / width).max() < 1e-6
        assert np.linalg.norm(posterior.coef[0] - mean) < 1e-6 * np.linalg.norm(mean)
        assert np.abs(residual_square / minimum - 1) < 1e-6
        assert np.linalg.eigvalsh(ours)[0] > 0.5 * np.linalg.eigvalsh(expected)[0]
    assert np.linalg.eigvalsh(bandit.covariance_[0])[0] > 0
    rows = X[:2]
    for ours, theirs in zip(
        bandit.expected_reward(rows, return_std=True),
        batch.expected_reward(rows, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(("n_samples", "n_looks"), [(20_000, 0), (5_000, 700)])
def test_rank_one_updates(n_samples, n_looks):
    check_rank_one_updates(n_samples, n_looks)


@pytest.mark.long
def test_a_million_rank_one_updates():
    check_rank_one_updates(1_000_000, 10)


@pytest.mark.parametrize("lam", [1e-10, 1e-4, 1e4])
def test_rank_one_updates_under_any_prior(lam, dense):
    """The first updates under a weak prior shrink a direction by ten digits at once.

    Sums of squares in float64 know such a posterior to few digits, so the batch is the yardstick.
    """
    X, reward = hard_rounds(300, n_features=8, gap=1e-1)
    played = np.zeros(300, dtype=int)
    bandit = LinearUCB(arms=[0], prior_precision=lam)
    for t in range(300):
        bandit.partial_fit(X[t : t + 1], played[:1], reward[t : t + 1])
        if t in (0, 2, 8, 20, 299):
            belief = dense.regress(dense.design(X[: t + 1]), reward[: t + 1], None, lam)
            batch = LinearUCB(arms=[0], prior_precision=lam)
            batch.fit(X[: t + 1], played[: t + 1], reward[: t + 1])
            width = np.sqrt(np.diag(belief.covariance))

            def errors(posterior, belief=belief, width=width):
                mean = (posterior.coef[0] - belief.mean) / width
                covariance = posterior.covariance[0] - belief.covariance
                return np.abs(mean).max(), np.abs(covariance / np.outer(width, width)).max()

            live, rebuilt = errors(bandit._posterior()), errors(batch._posterior())
            assert live[0] < 10 * rebuilt[0] + 1e-6
            assert live[1] < 10 * rebuilt[1] + 1e-6
            assert max(rebuilt) < 1e-2


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
