"""Diagonal precision: closed forms, CSR input, many features."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
STATE = ["gram_", "moment_", "weight_", "residual_square_", "reward_square_"]


@BOTH
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("weighted", [False, True])
def test_closed_forms(Bandit, intercept, noise, weighted, dense, rounds):
    """Every term on its own: precision lambda + sum x^2, mean sum r x over it.

    The noise is what the constant term leaves: the weighted regression on it alone.
    """
    X, arm, reward = rounds()
    weight = np.random.default_rng(0).uniform(0, 2, 120) if weighted else np.ones(120)
    bandit = Bandit(
        precision="diagonal",
        fit_intercept=intercept,
        noise=noise,
        noise_std=0.6,
        noise_prior=(2.5, 3.0),
        prior_precision=1.7,
    ).fit(X, arm, reward, sample_weight=weight if weighted else None)
    Z = dense.design(X, intercept)
    mean, std = bandit.expected_reward(X, return_std=True)
    for a in range(3):
        own = arm == a
        w, r = weight[own], reward[own]
        precision = 1.7 + np.sum(w[:, None] * Z[own] ** 2, axis=0)
        theta = np.sum((w * r)[:, None] * Z[own], axis=0) / precision
        if noise == "fixed":
            variance, inflation = 0.36, 1.0
        else:
            shape = 2.5 + w.sum() / 2
            if intercept:
                left = dense.regress(np.ones((own.sum(), 1)), r, w, 1.7).minimum
            else:
                left = np.sum(w * r**2)
            variance, inflation = (3.0 + left / 2) / shape, shape / (shape - 1)
        assert_allclose(bandit.noise_variance_[a if noise == "learnt" else 0], variance)
        assert_allclose(bandit.covariance_[a], variance / precision)
        assert_allclose(bandit.precision_[a], precision / variance)
        assert_allclose(mean[:, a], Z @ theta, rtol=1e-10, atol=1e-12)
        form = np.sum(Z**2 / precision, axis=1)
        assert_allclose(std[:, a], np.sqrt(form * variance * inflation))


@BOTH
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("gamma", [1.0, 0.95])
def test_learnt_noise_when_rounds_fade(Bandit, noise, gamma, dense, rounds):
    X, arm, reward = rounds(shift=3.0)
    bandit = Bandit(
        precision="diagonal", noise=noise, noise_prior=(2, 1), forgetting=gamma, arms=[0, 1, 2]
    )
    for rows in np.split(np.arange(120), [1, 2, 30, 31, 77]):
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    counts = dense.ages(arm, None, gamma)
    for a in range(3):
        own = arm == a
        left = dense.regress(np.ones((own.sum(), 1)), reward[own], counts[own]).minimum
        if noise == "learnt":
            assert_allclose(bandit.residual_square_[a], left, rtol=1e-9)
        precision = 1 + np.sum(counts[own, None] * dense.design(X[own]) ** 2, axis=0)
        expected = 1.0 if noise == "fixed" else bandit.noise_variance_[a]
        assert_allclose(bandit.precision_[a], precision / expected)


def test_residuals_far_from_zero(dense):
    """Rewards of 1e6 +- 1 under a weak prior: sums of 1e14 that leave 200."""
    rng = np.random.default_rng(0)
    X, reward = rng.normal(size=(200, 2)), 1e6 + rng.choice([-1.0, 1.0], size=200)
    one = np.zeros(200, dtype=int)
    for size in (1, 3, 200):
        bandit = LinearUCB(precision="diagonal", prior_precision=1e-11, arms=[0])
        for start in range(0, 200, size):
            rows = slice(start, start + size)
            bandit.partial_fit(X[rows], one[rows], reward[rows])
        exact = dense.exact_minimum(np.ones((200, 1)), reward, 1e-11)
        assert_allclose(bandit.residual_square_[0], exact, rtol=1e-7)


@BOTH
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_csr_equals_dense(Bandit, full, kind, rounds):
    X, arm, reward = rounds()
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.6, 0.0, X)
    weight = np.random.default_rng(1).integers(0, 3, 120).astype(float)
    dense_one, sparse_one = (Bandit(precision="diagonal", random_state=0) for _ in range(2))
    y, reward = arm, None if full else reward
    for bandit, contexts in ((dense_one, X), (sparse_one, kind(X).tocsr())):
        bandit.fit(kind(X) if bandit is sparse_one else X, y, reward, sample_weight=weight)
        bandit.partial_fit(contexts[:1], y[:1], None if full else reward[:1])
    for name in STATE:
        assert_allclose(getattr(sparse_one, name), getattr(dense_one, name), rtol=1e-12)
    S = kind(X)
    for method in ("expected_reward", "decision_function", "predict_proba"):
        expected = getattr(dense_one, method)(X)
        assert_allclose(getattr(sparse_one, method)(S), expected, rtol=1e-9, atol=1e-12)
    std = dense_one.expected_reward(X, return_std=True)[1]
    assert_allclose(sparse_one.expected_reward(S, return_std=True)[1], std, rtol=1e-9)
    assert np.array_equal(sparse_one.predict(S), dense_one.predict(X))


@BOTH
def test_a_hundred_thousand_features(Bandit):
    """20,000 rows of 20 entries each: a dense copy would take 16 GB."""
    rng = np.random.default_rng(0)
    n_samples, n_features = 20_000, 100_000
    X = sparse.random_array(
        (n_samples, n_features), density=2e-4, format="csr", random_state=rng, dtype=np.float64
    )
    arm = rng.integers(0, 5, n_samples)
    reward = (np.asarray(X.sum(axis=1)).ravel() > 10).astype(float)
    tracemalloc.start()
    bandit = Bandit(precision="diagonal", random_state=0).fit(X, arm, reward)
    bandit.partial_fit(X[:1], arm[:1], reward[:1])
    bandit.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The state is 5 arms of two rows of 1e5 numbers, 8 MB; X itself is 5 MB.
    assert peak < 150e6
    column = X[:, [77]].toarray()[:, 0]
    gram = np.bincount(arm, weights=column**2) + (arm[0] == np.arange(5)) * column[0] ** 2
    assert_allclose(bandit.gram_[:, 78], gram, rtol=1e-12)


def test_sparse_contexts_need_the_diagonal():
    X = sparse.csr_array(np.eye(3))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        LinearUCB().fit(X, [0, 1, 0], reward=[1.0, 0.0, 1.0])


@pytest.mark.parametrize("n_samples", [50_000])
def test_dense_learning_copies_no_more_than_a_block(n_samples):
    X = np.random.default_rng(0).normal(size=(n_samples, 100))
    arm, reward = np.resize(np.arange(4), n_samples), X[:, 0].copy()
    tracemalloc.start()
    LinearUCB(precision="diagonal").fit(X, arm, reward)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes
