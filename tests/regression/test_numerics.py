"""Rank-one updates without end, rewards far from zero, collinear columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import solve_triangular

from skbandit._regression import DiagonalRegression, Examples, FullRegression, HybridRegression


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


def one_by_one(regression, X, reward, looks=()):
    group = np.zeros(1, dtype=int)
    for t in range(len(X)):
        regression = regression.learnt(Examples(X[t : t + 1], group, reward[t : t + 1]))
        if t in looks:
            regression.quadratic(X[:100])
    return regression


def check_rank_one_updates(n_samples, n_features, n_looks):
    X, reward = hard_rounds(n_samples, n_features)
    looks = set((np.linspace(0, n_samples, n_looks + 1).astype(int)[1:] - 1).tolist())
    empty = FullRegression.empty(1, n_features, intercept=True)
    online = one_by_one(empty, X, reward, looks)
    batch = empty.learnt(Examples(X, np.zeros(n_samples, dtype=int), reward))
    mean, covariance, minimum = posterior_by_qr(X, reward)
    width = np.sqrt(np.diag(covariance))
    rows, Z = X[:2], np.column_stack([np.ones(2), X[:2]])
    expected = covariance / np.outer(width, width)
    # The covariance that lives, not one that is found from the sums.
    live = online._derived["covariances"][0], batch.covariance[0]
    for regression, ours in zip((online, batch), live, strict=True):
        ours = ours / np.outer(width, width)
        # In units of each coefficient's own width, whatever the scale of its feature.
        assert np.abs(ours - expected).max() < 1e-6
        assert np.abs((regression.coef[0] - mean) / width).max() < 1e-6
        assert np.linalg.norm(regression.coef[0] - mean) < 1e-6 * np.linalg.norm(mean)
        assert np.abs(regression.residual_square[0] / minimum - 1) < 1e-6
        assert np.linalg.eigvalsh(ours)[0] > 0.5 * np.linalg.eigvalsh(expected)[0]
        form = np.einsum("ni,ij,nj->n", Z, covariance, Z)
        assert_allclose(regression.quadratic(rows)[:, 0], form, rtol=1e-6)


@pytest.mark.parametrize(
    ("n_samples", "n_features", "n_looks"), [(20_000, 32, 0), (5_000, 32, 700), (3_000, 64, 0)]
)
def test_rank_one_updates(n_samples, n_features, n_looks):
    check_rank_one_updates(n_samples, n_features, n_looks)


@pytest.mark.long
def test_a_million_rank_one_updates():
    check_rank_one_updates(1_000_000, 64, 10)


def test_looking_does_not_move_what_is_learnt():
    """Not by a bit: a look keeps its factors beside what updates work on."""
    X, reward = hard_rounds(500, 16)
    empty = FullRegression.empty(1, 16)
    blind = one_by_one(empty, X, reward)
    looked = one_by_one(empty, X, reward, set(range(0, 500, 3)))
    assert np.array_equal(blind.coef, looked.coef)
    assert np.array_equal(blind.residual_square, looked.residual_square)
    assert np.array_equal(blind.quadratic(X[:2]), looked.quadratic(X[:2]))


@pytest.mark.parametrize("lam", [1e-10, 1e-4, 1e4])
def test_rank_one_updates_under_any_prior(lam, dense):
    """The first updates under a weak prior shrink a direction by ten digits at once.

    Sums of squares in float64 know such a posterior to few digits, so the batch is the yardstick.
    """
    X, reward = hard_rounds(300, n_features=8, gap=1e-1)
    online = empty = FullRegression.empty(1, 8, intercept=True, prior_precision=lam)
    for t in range(300):
        online = online.learnt(Examples(X[t : t + 1], np.zeros(1, dtype=int), reward[t : t + 1]))
        if t in (0, 2, 8, 20, 299):
            belief = dense.regress(dense.design(X[: t + 1]), reward[: t + 1], None, lam)
            batch = empty.learnt(
                Examples(X[: t + 1], np.zeros(t + 1, dtype=int), reward[: t + 1], np.ones(t + 1))
            )
            width = np.sqrt(np.diag(belief.covariance))

            def errors(coef, covariance, belief=belief, width=width):
                mean = (coef - belief.mean) / width
                move = (covariance - belief.covariance) / np.outer(width, width)
                return np.abs(mean).max(), np.abs(move).max()

            live = errors(online.coef[0], online._derived["covariances"][0])
            rebuilt = errors(batch.coef[0], batch.covariance[0])
            assert live[0] < 10 * rebuilt[0] + 1e-6
            assert live[1] < 10 * rebuilt[1] + 1e-6
            assert max(rebuilt) < 1e-2


@pytest.mark.parametrize("Kind", [FullRegression, HybridRegression, DiagonalRegression])
@pytest.mark.parametrize("size", [1, 3, 50, 400])
@pytest.mark.parametrize("lam", [1.0, 1e-12, 1e-30])
def test_collinear_columns(Kind, size, lam):
    """Twins, sums and constants: nothing raises, nothing is NaN."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)) * [1.0, 100.0, 0.1]
    reward = X @ [1.0, 0.02, 5.0] + 0.1 * rng.normal(size=400)
    X = np.column_stack([X, X[:, 0], X[:, 0] + X[:, 1], np.zeros(400), np.full(400, 7.0)])
    arm = np.resize([0, 1], 400)
    regression = Kind.empty(3, 7, intercept=True, prior_precision=lam)
    for start in range(0, 400, size):
        rows = slice(start, start + size)
        regression = regression.learnt(Examples(X[rows], arm[rows], reward[rows]))
    for rows in (X, X[:1]):
        assert np.isfinite(regression.mean(rows)).all()
        form = regression.quadratic(rows)
        assert np.isfinite(form).all()
        assert (form >= 0).all()
    variance, _ = regression.noise()
    assert np.isfinite(variance).all()
    assert (variance > 0).all()
    if Kind is FullRegression:
        assert np.abs(regression.mean(X)[:, :2] - reward[:, None]).mean() < 0.2


@pytest.mark.parametrize("way", ["batch", "rows", "pairs", "blocks", "weights"])
@pytest.mark.parametrize("lam", [1e-11, 1e-6, 1.0])
def test_rewards_far_from_zero(way, lam, dense):
    """Rewards of 1e6 +- 1: the sums are 1e14, what is left of them 100."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    arm, reward = np.resize([0, 1], 200), 1e6 + rng.choice([-1.0, 1.0], size=200)
    size = {"rows": 1, "pairs": 2, "blocks": 17}.get(way, 200)
    weight = np.ones(200) if way == "weights" else None
    regression = FullRegression.empty(2, 2, intercept=True, prior_precision=lam)
    for start in range(0, 200, size):
        part = slice(start, start + size)
        w = None if weight is None else weight[part]
        regression = regression.learnt(Examples(X[part], arm[part], reward[part], w))
    Z = dense.design(X)
    for a in range(2):
        exact = dense.exact_minimum(Z[arm == a], reward[arm == a], lam)
        # Each update may err by the rounding of its squared error, 1e12.
        assert_allclose(regression.residual_square[a], exact, rtol=2e-6)
        # The difference of the sums, which this is not, keeps no such digits.
        difference = regression.reward_square[a] - regression.moment[a] @ regression.coef[a]
        assert lam > 1e-11 or abs(difference / exact - 1) > 1e-5


@pytest.mark.parametrize("level", [0.0, 1e6])
@pytest.mark.parametrize("lam", [1e-11, 1.0])
def test_merged_parts_far_from_zero(level, lam, dense):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    arm, reward = np.resize([0, 1], 200), level + rng.choice([-1.0, 1.0], size=200)
    empty = FullRegression.empty(2, 2, intercept=True, prior_precision=lam)
    parts = [empty.learnt(Examples(X[i::3], arm[i::3], reward[i::3])) for i in range(3)]
    Z = dense.design(X)
    exact = [dense.exact_minimum(Z[arm == a], reward[arm == a], lam) for a in range(2)]
    assert_allclose(FullRegression.merged(parts).residual_square, exact, rtol=1e-7)
