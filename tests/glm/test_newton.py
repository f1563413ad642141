"""The search for the mode: never diverges, says so where it does not arrive, all solvers agree."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skbandit._glm import Logistic, Poisson, _newton
from skbandit.glm import LogisticThompsonSampling, LogisticUCB, PoissonUCB

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}
LIKELIHOOD = {"logistic": Logistic, "poisson": Poisson}


@KINDS
@pytest.mark.parametrize(
    "options",
    [{}, {"precision": "diagonal"}, {"arm_model": "hybrid"}, {"prior": "hierarchical"}],
    ids=repr,
)
@pytest.mark.parametrize("scale", [1e-150, 1e-6, 1.0, 1e4, 1e10, 1e100])
@pytest.mark.parametrize("rewards", ["separable", "all alike", "none", "any"])
def test_nothing_diverges(kind, options, scale, rewards):
    """Separable rounds, rewards of one kind, features of any size; batches and single rounds."""
    rng = np.random.default_rng(0)
    if "prior" in options:
        # A distribution of weights is found from their squares: beyond this it may only be told
        # that the mode is not reached.
        scale = min(scale, 1e6)
    for n in (1, 3, 200):
        X, arm = scale * rng.normal(size=(n, 4)), rng.integers(0, 2, n)
        reward = {
            "separable": (X[:, 0] > 0).astype(float),
            "all alike": np.ones(n),
            "none": np.zeros(n),
            "any": rng.integers(0, 2 if kind == "logistic" else 90, n).astype(float),
        }[rewards]
        bandit = UCB[kind](arms=[0, 1], **options)
        for rows in (slice(None), slice(None), slice(0, 1), slice(1, 2)):
            if len(X[rows]):
                bandit.partial_fit(X[rows], arm[rows], reward[rows])
        bandit.partial_fit(7 * X, arm, reward)
        believed = bandit.expected_reward(X, return_std=True)
        assert np.isfinite(np.concatenate([*believed, bandit.coef_], axis=None)).all()
        assert np.isfinite(bandit.predict_proba(X)).all()


def test_separable_rounds_are_told_apart():
    """The prior keeps the weights finite, and both sides are named right."""
    X = np.linspace(-2, 2, 400)[:, None]
    bandit = LogisticUCB(arms=["a"]).fit(X, ["a"] * 400, (X[:, 0] > 0).astype(float))
    assert 2 < bandit.coef_[0, 0] < 20
    assert ((bandit.expected_reward(X)[:, 0] > 0.5) == (X[:, 0] > 0)).all()


def test_squares_that_overflow_are_an_error_that_changes_nothing():
    bandit = LogisticUCB(arms=["a"]).fit([[1.0], [2.0]], ["a", "a"], [1.0, 0.0])
    before = bandit.coef_
    for precision in ("full", "diagonal"):
        with pytest.raises(ValueError, match="overflow"):
            LogisticUCB(precision=precision).fit([[1e200]], ["a"], [1.0])
    with pytest.raises(ValueError, match="overflow"):
        bandit.partial_fit([[1e200]], ["a"], [1.0])
    assert np.array_equal(bandit.coef_, before)


@pytest.mark.parametrize("options", [{}, {"precision": "diagonal"}, {"arm_model": "hybrid"}])
def test_a_mode_that_is_not_reached_is_told(options, monkeypatch):
    """With one step allowed; as an error it leaves the bandit as it was."""
    X = np.random.default_rng(0).normal(size=(50, 2))
    y, reward = np.zeros(50, dtype=int), (X[:, 0] > 0.5).astype(float)
    bandit = LogisticUCB(arms=[0, 1], **options)
    monkeypatch.setattr(_newton, "MAX_ITER", 1)
    with pytest.warns(ConvergenceWarning, match="mode of the posterior of LogisticUCB"):
        bandit.partial_fit(X, y, reward)
    assert np.isfinite(bandit.coef_).all()
    other = LogisticUCB(arms=[0, 1], **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            other.partial_fit(X, y, reward)
    assert not hasattr(other, "state_")


@KINDS
@pytest.mark.parametrize("n_rows", [40, 700])
@pytest.mark.parametrize("n_columns", [30, 900])
@pytest.mark.parametrize("is_sparse", [True, False])
def test_the_solvers_of_a_diagonal_prior_agree(kind, n_rows, n_columns, is_sparse, monkeypatch):
    """By the terms, by the rows and by conjugate gradients: the slope is zero at the mode."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.1)
    reward = rng.integers(0, 2, n_rows).astype(float)
    mean, precision = 0.1 * rng.normal(size=n_columns), rng.uniform(0.5, 3.0, size=n_columns)
    rows = _newton.Rows(sparse.csr_array(Z) if is_sparse else Z, reward, None, None)
    modes = []
    for few, most, dual in ((10**6, 10**6, 0), (0, 0, 10**6), (0, 0, 0)):
        monkeypatch.setattr(_newton, "_FEW_TERMS", few)
        monkeypatch.setattr(_newton, "_MAX_TERMS", most)
        monkeypatch.setattr(_newton, "_MAX_DUAL_ROWS", dual)
        mode, added, reached = _newton.diagonal_mode(LIKELIHOOD[kind], rows, mean, precision)
        assert reached
        expected = 1 / (1 + np.exp(-Z @ mode)) if kind == "logistic" else np.exp(Z @ mode)
        slope = precision * (mean - mode) + Z.T @ (reward - expected)
        assert_allclose(slope, 0.0, atol=2e-5)
        curvature = expected * (1 - expected) if kind == "logistic" else expected
        assert_allclose(added, curvature @ Z**2, rtol=1e-9)
        modes.append(mode)
    assert_allclose(modes[1], modes[0], atol=1e-6)
    assert_allclose(modes[2], modes[0], atol=1e-5)


@KINDS
def test_slopes_and_curvatures(kind, numeric):
    """Numeric derivatives of the distributions' log-likelihoods."""
    score = np.linspace(-6, 4, 41)
    reward = np.tile([0.0, 1.0], 21)[:41]
    if kind == "poisson":
        reward = np.arange(41.0)
    slope, curvature = LIKELIHOOD[kind].slope_and_curvature(score, reward)
    h = 1e-4

    def f(shift):
        return numeric.log_likelihood(kind, score + shift, reward)

    # A fifth-order rule for each.
    first = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
    assert_allclose(slope, first, rtol=1e-7, atol=1e-7)
    h = 1e-2
    second = (16 * (f(h) + f(-h)) - (f(2 * h) + f(-2 * h)) - 30 * f(0)) / (12 * h * h)
    assert_allclose(curvature, -second, rtol=1e-5, atol=1e-6)
    value = LIKELIHOOD[kind].value(score, reward)
    known = f(0) + (
        np.array([np.log(np.arange(1, n + 1)).sum() for n in range(41)])
        if kind == "poisson"
        else 0.0
    )
    assert_allclose(value, known, rtol=1e-9, atol=1e-9)


def test_scores_that_saturate_keep_their_digits():
    """Where a chance is 1 - 1e-20, what is missing to 1 is 1e-20 and not 0."""
    score = np.array([46.0, -46.0])
    slope, curvature = Logistic.slope_and_curvature(score, np.array([1.0, 0.0]))
    assert_allclose(np.abs(slope), np.exp(-46.0), rtol=1e-12)
    assert_allclose(curvature, np.exp(-46.0), rtol=1e-12)


@pytest.mark.parametrize("reward", [-0.1, 1.1])
def test_rewards_that_are_no_shares(reward):
    with pytest.raises(ValueError, match=r"reward must lie in \[0, 1\]"):
        LogisticThompsonSampling().fit([[0.0], [1.0]], ["a", "b"], [0.0, reward])


@pytest.mark.parametrize("reward", [-1.0, 0.5])
def test_rewards_that_are_no_counts(reward):
    with pytest.raises(ValueError, match="reward must be 0 or a positive integer"):
        PoissonUCB().fit([[0.0], [1.0]], ["a", "b"], [0.0, reward])
