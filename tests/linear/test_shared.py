"""One parameter vector for all candidates: pooled regression."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])


def candidates(n_samples=90, n_candidates=4, n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_candidates, n_features)) * [0.3, 1.0, 4.0]
    index = rng.integers(0, n_candidates, n_samples)
    reward = X[np.arange(n_samples), index] @ [1.0, -1.0, 0.3] + rng.normal(size=n_samples)
    return X, index, reward


@BOTH
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("lam", [0.1, 5.0])
def test_pooled_regression(Bandit, noise, intercept, lam, dense):
    X, index, reward = candidates()
    bandit = Bandit(
        arm_model="shared",
        noise=noise,
        noise_std=0.4,
        noise_prior=(1.7, 0.9),
        fit_intercept=intercept,
        prior_precision=lam,
    ).fit(X, index, reward)
    Z = dense.design(X[np.arange(90), index], intercept)
    belief = dense.regress(Z, reward, prior_precision=lam)
    variance, inflation = 0.16, 1.0
    if noise == "learnt":
        shape = 1.7 + 45
        variance = (0.9 + dense.exact_minimum(Z, reward, lam) / 2) / shape
        inflation = shape / (shape - 1)
    assert bandit.coef_.shape == (1, 3)
    theta = np.concatenate([bandit.intercept_[:1][:intercept], bandit.coef_[0]])
    assert_allclose(theta, belief.mean, rtol=1e-9)
    assert_allclose(bandit.covariance_, variance * belief.covariance[None], rtol=1e-7, atol=1e-12)
    assert_allclose(bandit.precision_[0] @ bandit.covariance_[0], np.eye(len(theta)), atol=1e-9)
    mean, std = bandit.expected_reward(X, return_std=True)
    for a in range(4):
        rows = dense.design(X[:, a], intercept)
        assert_allclose(mean[:, a], rows @ belief.mean, rtol=1e-9, atol=1e-10)
        form = np.einsum("ni,ij,nj->n", rows, belief.covariance, rows)
        assert_allclose(std[:, a], np.sqrt(form * variance * inflation), rtol=1e-9)


@BOTH
def test_any_number_of_candidates(Bandit, dense):
    """The model knows no candidates, only their features."""
    X, index, reward = candidates(n_candidates=6)
    bandit = Bandit(arm_model="shared", noise="fixed")
    played = []
    for rows, n in ((slice(0, 40), 3), (slice(40, 41), 6), (slice(41, 90), 2)):
        bandit.partial_fit(X[rows, :n], index[rows] % n, reward[rows])
        played.append(X[np.arange(90)[rows], index[rows] % n])
    belief = dense.regress(dense.design(np.concatenate(played)), reward)
    wide = candidates(n_candidates=9, seed=1)[0]
    mean = bandit.expected_reward(wide)
    expected = (dense.design(wide.reshape(-1, 3)) @ belief.mean).reshape(90, 9)
    assert_allclose(mean, expected, rtol=1e-9)
    assert bandit.predict_proba(wide).shape == (90, 9)
    assert set(bandit.predict(wide[:, :1])) == {0}


def posterior_draws(Z, reward, noise, n_draws, dense, seed=0):
    """Joint draws of weights by numpy, the noise first where it is learnt."""
    belief, rng = dense.regress(Z, reward), np.random.default_rng(seed)
    std = np.ones(n_draws)
    if noise == "learnt":
        shape, scale = 3.0 + len(Z) / 2, 2.0 + belief.minimum / 2
        std = 1 / np.sqrt(rng.gamma(shape, 1 / scale, n_draws))
    normal = rng.standard_normal((n_draws, Z.shape[1]))
    return belief.mean + std[:, None] * normal @ np.linalg.cholesky(belief.covariance).T


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_policy_by_independent_simulation(noise, dense):
    """200,000 draws by numpy; five standard errors of both simulations, and 1e-3 for few."""
    X, index, reward = candidates(n_samples=12)
    Z = dense.design(X[np.arange(12), index])
    weights = posterior_draws(Z, reward, noise, 200_000, dense)
    scores = np.einsum("dj,naj->dna", weights[:, 1:], X)
    best = scores.argmax(axis=2)
    expected = np.stack([(best == a).mean(axis=0) for a in range(4)], axis=1)
    # Uncertain, and not what independent arms would give.
    assert (expected.max(axis=1) < 0.9).any()
    for n_draws in (500, 5000):
        bandit = LinearThompsonSampling(
            arm_model="shared", alpha=1.0, noise=noise, noise_prior=(3.0, 2.0), n_draws=n_draws
        ).fit(X, index, reward)
        error = np.abs(bandit.predict_proba(X) - expected)
        spread = np.sqrt(expected * (1 - expected) * (1 / n_draws + 1 / 200_000))
        assert (error <= 5 * spread + 1e-3).all()


def test_draws_have_the_tails_of_the_learnt_noise(dense):
    """With 12 rounds the noise is uncertain: draws are Student-t, by its quantiles."""
    from scipy import stats

    X, index, reward = candidates(n_samples=4)
    bandit = LinearThompsonSampling(
        arm_model="shared", alpha=1.0, noise_prior=(1.5, 2.0), n_draws=40_000
    ).fit(X, index, reward)
    probe = X[:1, :1]
    draws = np.sort(bandit._score_draws(probe)[:, 0, 0])
    Z = dense.design(X[np.arange(4), index])
    belief = dense.regress(Z, reward)
    shape = 1.5 + 2
    variance = (2.0 + belief.minimum / 2) / shape
    z = dense.design(probe[:, 0])[0]
    marginal = stats.t(2 * shape, z @ belief.mean, np.sqrt(variance * z @ belief.covariance @ z))
    # Kolmogorov's distance: 1.95 over the root of n is passed once in a thousand seeds.
    assert stats.kstest(draws, marginal.cdf).statistic < 1.95 / 200
    gauss = stats.norm(marginal.mean(), marginal.std())
    assert stats.kstest(draws, gauss.cdf).statistic > 1.95 / 200


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_policy_follows_what_is_learnt_in_small_steps(size, noise):
    """Draws that are kept between calls are made anew after learning."""
    X, index, reward = candidates()
    online = LinearThompsonSampling(arm_model="shared", noise=noise)
    for start in range(0, 60, size):
        rows = slice(start, start + size)
        online.partial_fit(X[rows], index[rows], reward[rows])
        online.predict_proba(X[:5])
    batch = LinearThompsonSampling(arm_model="shared", noise=noise)
    batch.fit(X[:60], index[:60], reward[:60])
    assert_allclose(online.predict_proba(X), batch.predict_proba(X), atol=1e-9)


def test_policy_of_pieces_is_that_of_the_whole():
    X, index, reward = candidates()
    bandit = LinearThompsonSampling(arm_model="shared", random_state=3).fit(X, index, reward)
    whole = bandit.predict_proba(X)
    pieces = np.concatenate([bandit.predict_proba(part) for part in np.array_split(X, 7)])
    assert_allclose(pieces, whole, atol=1e-12)
    order = np.random.default_rng(0).permutation(90)
    assert np.array_equal(bandit.predict(X[order]), bandit.predict(X)[order])


@BOTH
def test_equal_candidates_share_evenly(Bandit):
    X, index, reward = candidates()
    bandit = Bandit(arm_model="shared").fit(X, index, reward)
    twins = np.repeat(X[:, :1], 3, axis=1)
    assert_allclose(bandit.predict_proba(twins), 1 / 3)


def test_a_diagonal_precision_has_joint_draws_too():
    """Against 200,000 draws of independent weights; five standard errors."""
    X, index, reward = candidates(n_samples=12)
    bandit = LinearThompsonSampling(
        arm_model="shared", precision="diagonal", alpha=1.0, noise="fixed", n_draws=5000
    ).fit(X, index, reward)
    rng = np.random.default_rng(0)
    weights = rng.normal(bandit.coef_[0], np.sqrt(bandit.covariance_[0, 1:]), (200_000, 3))
    best = np.einsum("dj,naj->dna", weights, X).argmax(axis=2)
    expected = np.stack([(best == a).mean(axis=0) for a in range(4)], axis=1)
    spread = np.sqrt(expected * (1 - expected) * (1 / 5000 + 1 / 200_000))
    assert (np.abs(bandit.predict_proba(X) - expected) <= 5 * spread + 1e-3).all()
