"""A prior that groups tell: the distribution that is found, and the noise that is its unit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import block_diag
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from skbandit._regression import Examples, HierarchicalRegression
from skbandit._regression._hierarchical import estimated


def test_it_is_nearly_the_distribution_of_highest_density():
    """By a general optimiser of the marginal density of Gaussian sites, the hyperpriors included.

    The mode is taken over the mean and the logarithm of the variance, which expectation
    maximisation climbs in so many steps.
    """
    rng = np.random.default_rng(0)
    n_groups, lam = 30, 1.5
    means = np.array([0.7, -0.4]) + np.array([0.3, 0.9]) * rng.normal(size=(n_groups, 2))
    root = rng.normal(size=(n_groups, 2, 2))
    gram = np.einsum("gij,gkj->gik", root, root) * 20 + 5 * np.eye(2)
    site = np.array(
        [rng.multivariate_normal(m, np.linalg.inv(g)) for m, g in zip(means, gram, strict=True)]
    )
    moment = np.einsum("gij,gj->gi", gram, site)
    center, half = np.array([0.2, 0.0]), 0.5 / lam
    mean, variance, _ = estimated(gram, moment, center, lam)

    def minus_log_density(theta):
        mu, tau = theta[:2], np.exp(theta[2:])
        value = sum(
            multivariate_normal.logpdf(s, mu, np.linalg.inv(g) + np.diag(tau))
            for s, g in zip(site, gram, strict=True)
        )
        value -= np.sum(np.log1p(lam * (mu - center) ** 2))
        # The inverse gamma in the form that the update has: one group of the prior's variance.
        return -(value - 0.5 * np.sum(np.log(tau) + half / tau))

    found = minimize(
        minus_log_density,
        [0.0, 0.0, -1.0, -1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 5000},
    ).x
    assert_allclose(mean, found[:2], atol=1e-3)
    prior = np.diag(np.exp(-found[2:]))
    spreads = [np.linalg.inv(g + prior) for g in gram]
    away = [one @ (b - g @ found[:2]) for one, b, g in zip(spreads, moment, gram, strict=True)]
    assert_allclose(variance, of_another_group(half, away, spreads), rtol=1e-2)


def of_another_group(half, away, spreads):
    """Variance of another group, from the departures of those that are known and what is left."""
    n_groups = len(away)
    seen = (n_groups + 2) / (n_groups - 1) * np.sum(np.square(away), axis=0)
    return (half + seen + sum(map(np.diag, spreads))) / (1 + n_groups)


def rounds(n_groups=12, n_rounds=600, noise=0.5, seed=0):
    """Groups whose two weights scatter about (2, -1), the first by little."""
    rng = np.random.default_rng(seed)
    weights = np.array([2.0, -1.0]) + np.array([0.2, 0.8]) * rng.normal(size=(n_groups, 2))
    X, group = rng.normal(size=(n_rounds, 2)), rng.integers(0, n_groups, n_rounds)
    reward = np.einsum("ij,ij->i", X, weights[group]) + noise * rng.normal(size=n_rounds)
    return X, group, reward


def taught(X, group, reward, n_groups=12, **settings):
    empty = HierarchicalRegression.empty(n_groups, X.shape[1], **settings)
    return empty.learnt(Examples(X, group, reward))


def test_learnt_noise_and_distribution_are_those_of_the_highest_density():
    """By matrices over all rounds and a general optimiser, one after the other until they agree.

    Given the noise, mean and logarithms of the variances maximise the density of the rewards and
    of their own priors; given these and the width of the mean's prior, the noise does, the mean
    integrated out.
    """
    lam = 2.0
    half = 0.5 / lam
    X, group, reward = rounds(noise=3.0)
    mean, scale = taught(X, group, reward, prior_precision=lam).hyperprior
    parts = [(X[group == one], reward[group == one]) for one in range(12)]
    spread = np.mean(reward**2)

    def covariances(v):
        return [np.eye(len(rows)) + (rows * v) @ rows.T for rows, _ in parts]

    def noise_given(v, width):
        design = np.vstack([rows for rows, _ in parts])
        whole = block_diag(*covariances(v)) + (design * width) @ design.T
        paid = np.concatenate([paid for _, paid in parts])
        return (2.0 * spread + paid @ np.linalg.solve(whole, paid)) / (2.0 + len(paid))

    def minus_log_density(theta, noise):
        mu, v = theta[:2], np.exp(theta[2:])
        value = sum(
            multivariate_normal.logpdf(paid, rows @ mu, noise * one)
            for (rows, paid), one in zip(parts, covariances(v), strict=True)
        )
        value -= np.sum(np.log1p(lam * mu**2 / noise))
        return -(value - 0.5 * np.sum(np.log(v) + half / v))

    theta, width = np.array([1.0, 0.0, -2.0, -2.0]), np.full(2, half)
    for _ in range(8):
        noise = noise_given(np.exp(theta[2:]), width)
        theta = minimize(minus_log_density, theta, args=(noise,), method="L-BFGS-B").x
        # The normal whose slope at the mode is that of the Cauchy distribution.
        width = half + theta[:2] ** 2 / (2.0 * noise)
    v = np.exp(theta[2:])
    error = 1.0 / (1.0 / width + 12 / v)
    assert_allclose(mean, theta[:2], atol=2e-3)
    back = [
        (v[:, None] * rows.T) @ np.linalg.inv(one)
        for (rows, _), one in zip(parts, covariances(v), strict=True)
    ]
    away = [
        one @ (paid - rows @ theta[:2]) / np.sqrt(noise)
        for one, (rows, paid) in zip(back, parts, strict=True)
    ]
    spreads = [np.diag(v) - one @ rows * v for one, (rows, _) in zip(back, parts, strict=True)]
    assert_allclose(scale**2 / lam, of_another_group(half, away, spreads) + error, rtol=0.02)
    assert 8.0 < noise < 10.5


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0])
def test_little_noise_leaves_the_mean_where_the_groups_are(noise):
    """A prior of the mean in units of the noise would hold it back, and widen all."""
    rng = np.random.default_rng(0)
    weights = 1.0 + 0.2 * rng.normal(size=(20, 2))
    X, group = rng.normal(size=(4000, 2)), rng.integers(0, 20, 4000)
    reward = np.einsum("ij,ij->i", X, weights[group]) + noise * rng.normal(size=4000)
    known = taught(X, group, reward, 21)
    assert_allclose(known.hyperprior.mean, weights.mean(axis=0), atol=0.03)
    std = np.sqrt(known.noise()[0][20] * np.diagonal(known.covariance[20]))
    assert ((std > 0.12) & (std < 0.4)).all()


@pytest.mark.parametrize(("n_groups", "spread"), [(4, 1.0), (8, 0.3), (8, 3.0), (20, 1.0)])
def test_what_is_believed_of_another_group_is_about_right(n_groups, spread):
    """Over 200 problems: squared errors over variances, and how many lie beyond two deviations.

    The mean of 400 ratios varies by about 0.15 where their distribution has long tails. Narrow
    beliefs are the error to fear; that about a spread below the noise is too wide.
    """
    ratios = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=2) + spread * rng.normal(size=(n_groups + 1, 2))
        X, group = rng.normal(size=(n_groups * 60, 2)), np.repeat(np.arange(n_groups), 60)
        reward = np.einsum("ij,ij->i", X, weights[group]) + rng.normal(size=len(X))
        known = taught(X, group, reward, n_groups + 1)
        variance = known.noise()[0][-1] * np.diagonal(known.covariance[-1])
        ratios.append((weights[-1] - known.coef[-1]) ** 2 / variance)
    assert 0.4 < np.mean(ratios) < 2.0
    assert np.mean(np.array(ratios) > 4.0) < 0.13


def test_known_noise_is_a_unit():
    """Rewards and their noise in another unit are the same rounds."""
    X, group, reward = rounds()
    one = taught(X, group, reward, learns_noise=False, noise_variance=0.25)
    other = taught(X, group, 10.0 * reward, learns_noise=False, noise_variance=25.0)
    assert_allclose(other.hyperprior.mean, 10.0 * one.hyperprior.mean, rtol=1e-9)
    assert_allclose(other.hyperprior.scale, one.hyperprior.scale, rtol=1e-9)
    moved = taught(X, group, reward, learns_noise=False).carried(noise_variance=0.25)
    assert_allclose(moved.hyperprior.scale, one.hyperprior.scale, rtol=1e-12)
    assert np.all(
        taught(X, group, reward, learns_noise=False).hyperprior.scale < one.hyperprior.scale
    )
    # Variances over that of the noise: 0.16 and 2.56, to what 12 groups tell.
    assert_allclose(one.hyperprior.scale**2, [0.3, 2.5], rtol=0.5)


@pytest.mark.parametrize("locates", [False, True])
def test_residuals_are_those_of_the_rounds(locates):
    """Squared errors, plus the squared departures over their variances, by every round."""
    X, group, reward = rounds(n_groups=5, n_rounds=100)
    reward = reward + 40.0
    known = taught(X, group, reward, 7, prior_precision=0.5, intercept=True, locates=locates)
    mean, scale = known.hyperprior
    mean = mean + np.array([known.reference, 0.0, 0.0])
    design = np.column_stack([np.ones(100), X])
    for one in range(7):
        rows, paid = design[group == one], reward[group == one]
        prior = 0.5 / scale**2
        precision = rows.T @ rows + np.diag(prior)
        weights = np.linalg.solve(precision, rows.T @ paid + prior * mean)
        left = np.sum((paid - rows @ weights) ** 2) + prior @ (weights - mean) ** 2
        assert_allclose(known.coef[one], weights, rtol=1e-8)
        assert_allclose(known.located_residual_square[one], left, rtol=1e-7, atol=1e-9)
        assert_allclose(known.covariance[one], np.linalg.inv(precision), rtol=1e-8, atol=1e-12)
        assert_allclose(known.precision[one], precision, rtol=1e-9)
        factor = known.factors[one]
        assert_allclose(factor.T @ factor, known.covariance[one], rtol=1e-9, atol=1e-12)


def test_forgetting_a_term_leaves_what_is_believed_of_the_others():
    """Under the distribution that was found before, to the residual."""
    X, group, reward = rounds(n_groups=5, n_rounds=100)
    X = np.column_stack([X + X[:, ::-1] / 2, X[:, 0] - X[:, 1] + 1.0])
    known = taught(X, group, reward + 7.0, 6, intercept=True, locates=True)
    smaller = known._without(np.array([2]))
    smaller._derived["hyperprior"] = known.hyperprior
    kept = np.array([0, 1, 3])
    assert_allclose(smaller.coef[:, kept], known.coef[:, kept], rtol=1e-8)
    both = np.ix_(range(6), kept, kept)
    assert_allclose(smaller.covariance[both], known.covariance[both], rtol=1e-8, atol=1e-12)
    assert_allclose(
        smaller.located_residual_square, known.located_residual_square, rtol=1e-8, atol=1e-10
    )


def test_without_any_noise_all_is_finite():
    X, group, _ = rounds(n_groups=3, n_rounds=30)
    for paid in (0.0, 5.0):
        known = taught(X, group, np.full(30, paid), 4, intercept=True, locates=True)
        assert_allclose(known.coef, np.tile([paid, 0.0, 0.0], (4, 1)), atol=1e-12)
        assert np.isfinite(known.quadratic(X)).all()
    exact = taught(X, group, X @ [1.0, 2.0] + 3.0, 4, intercept=True, locates=True)
    assert_allclose(exact.coef[3], [3.0, 1.0, 2.0], atol=0.1)
