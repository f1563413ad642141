"""Means, covariances, noise and draws of every kind, against least squares on the rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit._regression import (
    DiagonalRegression,
    Examples,
    FullRegression,
    HybridRegression,
)

INTERCEPT = pytest.mark.parametrize("intercept", [True, False])


def taught(Kind, X, arm, reward, weight=None, n_groups=3, **options):
    empty = Kind.empty(n_groups, X.shape[1], **options)
    return empty.learnt(Examples(X, arm, reward, weight))


@INTERCEPT
@pytest.mark.parametrize("lam", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_full(intercept, lam, weighted, dense, rounds):
    X, arm, reward = rounds()
    weight = np.random.default_rng(0).uniform(0, 3, 120) if weighted else None
    options = {"prior_precision": lam, "intercept": intercept}
    regression = taught(FullRegression, X, arm, reward, weight, **options)
    Z = dense.design(X, intercept)
    mean, form = regression.mean(X), regression.quadratic(X)
    for a in range(3):
        own = arm == a
        w = None if weight is None else weight[own]
        belief = dense.regress(Z[own], reward[own], w, lam)
        assert_allclose(regression.coef[a], belief.mean, rtol=1e-8)
        assert_allclose(regression.covariance[a], belief.covariance, rtol=1e-7, atol=1e-12)
        identity = regression.precision[a] @ belief.covariance
        assert_allclose(identity, np.eye(len(belief.mean)), atol=1e-9)
        assert_allclose(regression.residual_square[a], belief.minimum, rtol=1e-9)
        assert_allclose(mean[:, a], Z @ belief.mean, rtol=1e-8, atol=1e-9)
        expected = np.einsum("ni,ij,nj->n", Z, belief.covariance, Z)
        assert_allclose(form[:, a], expected, rtol=1e-8)
        assert_allclose(regression.mean(X, group=a), mean[:, a], rtol=1e-12, atol=1e-12)
        assert_allclose(regression.quadratic(X, group=a), form[:, a], rtol=1e-12)


@INTERCEPT
@pytest.mark.parametrize("lam", [0.02, 1.0, 20.0])
def test_hybrid(intercept, lam, dense, rounds):
    X, arm, reward = rounds()
    options = {"prior_precision": lam, "intercept": intercept}
    regression = taught(HybridRegression, X, arm, reward, **options)
    Z = dense.design(X, intercept)
    belief = dense.hybrid_regress(Z, arm, reward, 3, prior_precision=lam)
    assert_allclose(regression.coef, belief.mean, rtol=1e-7, atol=1e-9)
    assert_allclose(regression.covariance, belief.covariance, rtol=1e-6, atol=1e-10)
    identity = np.matmul(regression.precision, belief.covariance)
    assert_allclose(identity, np.broadcast_to(np.eye(Z.shape[1]), identity.shape), atol=1e-7)
    assert_allclose(regression.residual_square, [belief.minimum], rtol=1e-9)
    form = np.einsum("ni,aij,nj->na", Z, belief.covariance, Z)
    assert_allclose(regression.quadratic(X), form, rtol=1e-7)
    for a in range(3):
        assert_allclose(regression.quadratic(X, group=a), form[:, a], rtol=1e-7)
        assert_allclose(regression.mean(X, group=a), Z @ belief.mean[a], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("prior", [None, (3.0, 5.0)])
@pytest.mark.parametrize("Kind", [FullRegression, HybridRegression])
def test_noise(Kind, prior, rounds):
    X, arm, reward = rounds()
    regression = taught(Kind, X, arm, reward, n_groups=4)
    left = regression.residual_square
    pooled = (2.0 * np.mean(reward**2) + left.sum()) / 122
    shape, scale = (2.0, 2.0 * pooled) if prior is None else prior
    counts = np.bincount(arm, minlength=4)
    counts = np.array([120]) if Kind is HybridRegression else counts
    variance, dof = regression.noise(prior)
    expected = (scale + left / 2) / (shape + counts / 2)
    if prior is None:
        expected = np.maximum(expected, (scale + left.sum() / 2) / (shape + 120 / 2))
    assert_allclose(variance, expected)
    assert_allclose(dof, 2 * shape + counts)
    cold_variance, cold_dof = Kind.empty(2, 3).noise()
    assert_allclose(cold_variance, 1.0)
    assert_allclose(cold_dof, 4.0)


@pytest.mark.parametrize("Kind", [FullRegression, HybridRegression, DiagonalRegression])
def test_weight_deviations_have_the_covariance(Kind, rounds):
    """20,000 draws: five standard errors, at most the root of 2 over that of the number."""
    X, arm, reward = rounds(n_samples=40, n_features=2)
    regression = taught(Kind, X, arm, reward, intercept=True)
    n_draws, other = 20_000, None
    for a in range(3):
        draws = regression.weight_deviations(a, n_draws)
        covariance = regression.covariance[a]
        covariance = np.diag(covariance) if covariance.ndim == 1 else covariance
        width = np.sqrt(np.diag(covariance))
        assert np.abs(draws.mean(axis=0) / width).max() < 5 / np.sqrt(n_draws)
        error = (np.cov(draws.T) - covariance) / np.outer(width, width)
        assert np.abs(error).max() < 5 * np.sqrt(2 / n_draws)
        if other is not None:
            shared = np.abs(np.corrcoef(draws.T, other.T)[:3, 3:]).max()
            # Groups of a hybrid regression share a part of their weights.
            assert (shared > 0.3) == (Kind is HybridRegression)
        other = draws


def test_deviates_of_a_term_do_not_depend_on_those_that_follow(rounds):
    X, arm, reward = rounds()
    small = taught(FullRegression, X[:, :2], arm, reward)
    wide = small.carried(features=np.array([0, 1, -1, -1]))
    ours = small.weight_deviations(1, 50)
    assert_allclose(wide.weight_deviations(1, 50)[:, :2], ours, rtol=1e-12)


@pytest.mark.parametrize("Kind", [FullRegression, HybridRegression, DiagonalRegression])
@pytest.mark.parametrize("size", [1, 40])
@pytest.mark.parametrize(("n_taught", "low", "high"), [(None, 0.0, 1.0), (2, -0.3, 1.7)])
@pytest.mark.parametrize("weighted", [False, True])
def test_full_feedback_is_every_group_played(Kind, size, n_taught, low, high, weighted, rounds):
    X = rounds()[0]
    named = np.random.default_rng(0).integers(0, n_taught or 3, 120)
    weight = np.random.default_rng(1).uniform(0.2, 3, 120) if weighted else None
    n = n_taught or 3
    spelt = Kind.empty(3, 4, intercept=True)
    full = Kind.empty(3, 4, intercept=True)
    for start in range(0, 120, size):
        part = slice(start, start + size)
        w = None if weight is None else weight[part]
        told = Examples(X[part], named[part], None, w, n_taught=n_taught, low=low, high=high)
        full = full.learnt(told)
        rows, group = np.repeat(X[part], n, axis=0), np.tile(np.arange(n), len(X[part]))
        paid = np.where(group == np.repeat(named[part], n), high, low)
        spelt = spelt.learnt(Examples(rows, group, paid, None if w is None else np.repeat(w, n)))
    for name in ("gram", "moment", "weight", "reward_square", "residual_square", "coef"):
        ours, theirs = np.asarray(getattr(full, name)), np.asarray(getattr(spelt, name))
        assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max(), err_msg=name)
    assert_allclose(full.quadratic(X), spelt.quadratic(X), rtol=1e-9)


@pytest.mark.parametrize("Kind", [FullRegression, HybridRegression, DiagonalRegression])
def test_known_noise_keeps_no_residuals(Kind, rounds):
    X, arm, reward = rounds()
    known = taught(Kind, X, arm, reward, learns_noise=False)
    learnt = taught(Kind, X, arm, reward)
    assert known.residual_square is known.reward_square is None
    for regression in (known, known.learnt(Examples(X[:1], arm[:1], reward[:1]))):
        moved = regression.carried(
            groups=np.array([2, -1, 0]), shares=np.array([[0.5, 0.5, 0.0]]), prior_precision=3.0
        )
        assert Kind.merged([regression, moved]).residual_square is None
    assert_allclose(known.mean(X), learnt.mean(X), rtol=1e-8, atol=1e-9)
    assert_allclose(known.quadratic(X), learnt.quadratic(X), rtol=1e-8)
