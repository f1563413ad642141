"""The exact posterior of every arm, and the learnt noise, against least squares on all rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.linear_model import BayesianRidge, Ridge

from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
INTERCEPT = pytest.mark.parametrize("intercept", [True, False])


@BOTH
@INTERCEPT
@pytest.mark.parametrize("lam", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("noise_std", [0.2, 3.0])
def test_known_noise(Bandit, intercept, lam, noise_std, dense, rounds):
    X, arm, reward = rounds()
    bandit = Bandit(
        prior_precision=lam, fit_intercept=intercept, noise="fixed", noise_std=noise_std
    ).fit(X, arm, reward)
    Z = dense.design(X, intercept)
    mean, std = bandit.expected_reward(X, return_std=True)
    for a in range(3):
        own = arm == a
        belief = dense.regress(Z[own], reward[own], prior_precision=lam)
        covariance = noise_std**2 * belief.covariance
        theta = np.concatenate([bandit.intercept_[[a]][:intercept], bandit.coef_[a]])
        assert_allclose(theta, belief.mean, rtol=1e-8)
        assert_allclose(bandit.covariance_[a], covariance, rtol=1e-7, atol=1e-12)
        assert_allclose(mean[:, a], Z @ belief.mean, rtol=1e-8, atol=1e-10)
        variance = np.einsum("ni,ij,nj->n", Z, covariance, Z)
        assert_allclose(std[:, a], np.sqrt(variance), rtol=1e-8)
        identity = bandit.precision_[a] @ bandit.covariance_[a]
        assert_allclose(identity, np.eye(Z.shape[1]), atol=1e-9)
        # A precision, not a covariance: without data it is the prior's.
        data = (Z[own].T @ Z[own] + lam * np.eye(Z.shape[1])) / noise_std**2
        assert_allclose(bandit.precision_[a], data, rtol=1e-9)
    assert_allclose(bandit.noise_variance_, noise_std**2)


def test_means_are_those_of_ridge_regression(rounds):
    X, arm, reward = rounds()
    bandit = LinearUCB(prior_precision=2.5, fit_intercept=False).fit(X, arm, reward)
    for a in range(3):
        ridge = Ridge(2.5, fit_intercept=False).fit(X[arm == a], reward[arm == a])
        assert_allclose(bandit.coef_[a], ridge.coef_, rtol=1e-7)


def test_covariance_is_that_of_bayesian_ridge_at_its_precisions(rounds):
    """scikit-learn's own Bayesian regression, with the precisions that it settled on."""
    X, _, reward = rounds(n_samples=200)
    ridge = BayesianRidge(fit_intercept=False).fit(X, reward)
    bandit = LinearUCB(
        arms=[0],
        fit_intercept=False,
        prior_precision=ridge.lambda_ / ridge.alpha_,
        noise="fixed",
        noise_std=ridge.alpha_**-0.5,
    ).fit(X, np.zeros(200, dtype=int), reward)
    assert_allclose(bandit.coef_[0], ridge.coef_, rtol=1e-6)
    assert_allclose(bandit.covariance_[0], ridge.sigma_, rtol=1e-6, atol=1e-12)


@BOTH
@INTERCEPT
@pytest.mark.parametrize(("shape", "scale"), [(1.5, 0.2), (4.0, 60.0)])
@pytest.mark.parametrize("lam", [0.05, 3.0])
def test_learnt_noise_is_normal_inverse_gamma(Bandit, intercept, shape, scale, lam, dense, rounds):
    """Shape and scale by the textbook's difference formula, in exact rationals."""
    X, arm, reward = rounds(n_samples=60, n_features=3)
    bandit = Bandit(prior_precision=lam, fit_intercept=intercept, noise_prior=(shape, scale)).fit(
        X, arm, reward
    )
    Z = dense.design(X, intercept)
    mean, std = bandit.expected_reward(X, return_std=True)
    for a in range(3):
        own = arm == a
        posterior_shape = shape + own.sum() / 2
        posterior_scale = scale + dense.exact_minimum(Z[own], reward[own], lam) / 2
        variance = posterior_scale / posterior_shape
        assert_allclose(bandit.noise_variance_[a], variance, rtol=1e-9)
        belief = dense.regress(Z[own], reward[own], prior_precision=lam)
        form = np.einsum("ni,ij,nj->n", Z, belief.covariance, Z)
        marginal = stats.t(2 * posterior_shape, Z @ belief.mean, np.sqrt(form * variance))
        assert_allclose(mean[:, a], marginal.mean(), rtol=1e-8, atol=1e-10)
        assert_allclose(std[:, a], marginal.std(), rtol=1e-8)
        assert_allclose(bandit.covariance_[a], variance * belief.covariance, rtol=1e-7, atol=1e-12)
        identity = bandit.precision_[a] @ bandit.covariance_[a]
        assert_allclose(identity, np.eye(Z.shape[1]), atol=1e-9)


def test_default_noise_prior_is_what_all_arms_have(dense, rounds):
    """Shape 2 about the pooled variance, and at least what it would be for all arms as one."""
    X, arm, reward = rounds()
    reward = np.where(arm == 2, 7.0 + 0.01 * reward, 7.0 + reward)
    bandit = LinearUCB().fit(X, arm, reward)
    minima, counts = [], np.bincount(arm)
    for a in range(3):
        own = arm == a
        away = reward[own] - bandit.location_
        minima.append(dense.regress(dense.design(X[own]), away).minimum)
    pooled = (2 * np.var(reward) + np.sum(minima)) / (2 + len(arm))
    expected = (2 * pooled + np.array(minima) / 2) / (2 + counts / 2)
    together = (2 * pooled + np.sum(minima) / 2) / (2 + len(arm) / 2)
    assert expected[2] < together < expected.max()
    assert_allclose(bandit.noise_variance_, np.maximum(expected, together), rtol=1e-9)


@BOTH
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("lam", [0.25, 4.0])
def test_an_arm_never_played_is_as_wide_as_its_prior(Bandit, noise, lam, rounds):
    """The width of the prior is the root of the inverse of its precision."""
    X, arm, reward = rounds()
    bandit = Bandit(
        arms=[0, 1, 2, 3], noise=noise, noise_std=0.5, noise_prior=(3.0, 7.0), prior_precision=lam
    ).fit(X, arm, reward)
    mean, std = bandit.expected_reward(X, return_std=True)
    # An inverse-gamma of shape 3 and scale 7 has the mean 7 / 2.
    variance = 0.25 if noise == "fixed" else 3.5
    expected = np.sqrt(variance / lam * (1 + np.sum(X**2, axis=1)))
    assert_allclose(std[:, 3], expected, rtol=1e-12)
    assert_allclose(mean[:, 3], 0.0)


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 3.0])
def test_upper_confidence_bound(noise, precision, alpha, rounds):
    X, arm, reward = rounds()
    bandit = LinearUCB(alpha=alpha, noise=noise, precision=precision).fit(X, arm, reward)
    mean, std = bandit.expected_reward(X, return_std=True)
    assert_allclose(bandit.decision_function(X), mean + alpha * std, rtol=1e-12)
    best = bandit.decision_function(X).argmax(axis=1)
    assert np.array_equal(bandit.predict_proba(X), np.eye(3)[best])
    assert np.array_equal(bandit.predict(X, explore=False), mean.argmax(axis=1))


def test_thompson_sampling_ranks_by_expected_reward(rounds):
    X, arm, reward = rounds()
    bandit = LinearThompsonSampling().fit(X, arm, reward)
    assert np.array_equal(bandit.decision_function(X), bandit.expected_reward(X))


@BOTH
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_float32_contexts_are_learnt_in_float64(Bandit, precision, rounds):
    X, arm, reward = rounds()
    X = (X * 1e6 + 1e7).astype(np.float32)
    narrow = Bandit(precision=precision).fit(X, arm, reward)
    wide = Bandit(precision=precision).fit(X.astype(np.float64), arm, reward)
    assert_allclose(narrow.gram_, wide.gram_, rtol=1e-14)
    assert_allclose(narrow.decision_function(X), wide.decision_function(X), rtol=1e-9)


@BOTH
@pytest.mark.parametrize(
    ("precision", "arm_model"),
    [("full", "disjoint"), ("diagonal", "disjoint"), ("full", "hybrid")],
)
@pytest.mark.parametrize("noise_prior", [None, (2.0, 1.0)])
def test_rewards_that_are_all_zero(Bandit, precision, arm_model, noise_prior, rounds):
    """The first clicks are often none: nothing breaks, and arms are played alike."""
    X, arm, _ = rounds(n_samples=9)
    bandit = Bandit(
        precision=precision, arm_model=arm_model, noise_prior=noise_prior, arms=[0, 1, 2]
    )
    bandit.fit(X, arm, np.zeros(9))
    assert not bandit.residual_square_.any()
    if noise_prior is None:
        assert not bandit.covariance_.any()
        assert np.isinf(bandit.precision_.reshape(3, -1)[:, 0]).all()
    else:
        assert np.isfinite(bandit.precision_).all()
    mean, std = bandit.expected_reward(X, return_std=True)
    assert not mean.any()
    assert np.isfinite(std).all()
    assert np.isfinite(bandit.predict_proba(X)).all()
    if noise_prior is None:
        assert_allclose(bandit.predict_proba(X), 1 / 3)


@pytest.mark.parametrize(
    "prior", [(1.0, 1.0), (2.0, 0.0), (2.0,), (np.nan, 1.0), (2.0, -1.0), (1, 2, 3)]
)
def test_a_noise_prior_without_a_mean_is_refused(prior, rounds):
    with pytest.raises(ValueError, match="noise_prior"):
        LinearUCB(noise_prior=prior).fit(*rounds())
