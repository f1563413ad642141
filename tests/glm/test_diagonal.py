"""Diagonal precision: the belief that a call starts from, CSR input, many features."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skbandit._glm import _diagonal
from skbandit.glm import (
    LogisticThompsonSampling,
    LogisticUCB,
    PoissonThompsonSampling,
    PoissonUCB,
)
from skbandit.utils import get_bandit_tags

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}
THOMPSON = {"logistic": LogisticThompsonSampling, "poisson": PoissonThompsonSampling}


@KINDS
@pytest.mark.parametrize("intercept", [True, False])
def test_two_calls(kind, intercept, draw_rounds, numeric, monkeypatch):
    """Where none is kept, each starts from a diagonal precision: numeric modes and curvatures."""
    monkeypatch.setattr(_diagonal, "_KEPT_ENTRIES", 0)
    X, arm, reward = draw_rounds(kind, n_arms=1)
    bandit = UCB[kind](precision="diagonal", prior_reward=0.4, fit_intercept=intercept)
    Z = np.column_stack([np.ones(len(X)), X]) if intercept else X
    mean, precision = np.zeros(Z.shape[1]), np.ones(Z.shape[1])
    for rows in (slice(0, 60), slice(60, 150)):
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
        mean[0] = bandit.location_ if intercept and rows.start == 0 else mean[0]
        # Weights in units of their deviations have a prior that is alike in all directions.
        scaled = Z[rows] / np.sqrt(precision)
        found = numeric.laplace(kind, scaled, reward[rows], mean * np.sqrt(precision))
        mean = found.mode / np.sqrt(precision)
        precision = np.diagonal(np.linalg.inv(found.covariance)) * precision
        mode = np.append(bandit.intercept_, bandit.coef_)[-Z.shape[1] :]
        assert_allclose(mode, mean, rtol=1e-3, atol=1e-4)
        assert_allclose(bandit.precision_[0], precision, rtol=1e-3)
        assert_allclose(bandit.covariance_[0], 1 / precision, rtol=1e-3)


@KINDS
@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize("form", ["dense", "csr", "mixed"])
def test_the_first_rounds_are_learnt_as_in_one_call(kind, size, form, draw_rounds, monkeypatch):
    """64 rounds of two arms, whatever form they have; what each has added is taken off first."""
    monkeypatch.setattr(_diagonal, "_FEW_WEIGHT", 64.0)
    X, arm, reward = draw_rounds(kind, n_samples=64, n_features=30, n_arms=2)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.9, 0.0, X)
    options = {"precision": "diagonal", "prior_reward": 0.4, "arms": [0, 1]}
    whole, pieces = UCB[kind](**options).fit(X, arm, reward), UCB[kind](**options)
    for number, start in enumerate(range(0, 64, size)):
        rows = slice(start, start + size)
        is_sparse = form == "csr" or (form == "mixed" and number % 2)
        contexts = sparse.csr_array(X[rows]) if is_sparse else X[rows]
        pieces.partial_fit(contexts, arm[rows], reward[rows])
    assert_allclose(pieces.coef_, whole.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(pieces.intercept_, whole.intercept_, rtol=1e-6)
    assert_allclose(pieces.covariance_, whole.covariance_, rtol=1e-6)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_rare_rewards_in_pieces(is_sparse):
    """One in 1,000, by 10: constants within a fifth of a deviation, deviations too."""
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(6000, 60)), rng.integers(0, 2, 6000)
    X *= rng.random(X.shape) < 0.1
    reward = (rng.random(6000) < 1e-3 * np.exp(X[:, 0])).astype(float)
    X = sparse.csr_array(X) if is_sparse else X
    whole = LogisticUCB(precision="diagonal").fit(X, arm, reward)
    pieces = LogisticUCB(precision="diagonal", arms=[0, 1])
    for start in range(0, 6000, 10):
        rows = slice(start, start + 10)
        pieces.partial_fit(X[rows], arm[rows], reward[rows])
    std = np.sqrt(whole.covariance_)
    assert np.abs((pieces.intercept_ - whole.intercept_) / std[:, 0]).max() < 0.2
    assert np.abs((pieces.coef_ - whole.coef_) / std[:, 1:]).max() < 0.2
    assert_allclose(np.sqrt(pieces.covariance_), std, rtol=0.2)


def test_what_is_kept_is_bounded():
    """Rounds that never pay are left after 131,072 entries."""
    rng = np.random.default_rng(0)
    bandit, largest = LogisticUCB(arms=[0], precision="diagonal"), 0
    for _ in range(25):
        X = sparse.random_array((400, 5000), density=0.004, format="csr", random_state=rng)
        bandit.partial_fit(X, np.zeros(400, dtype=int), np.zeros(400))
        opened = bandit.state_.opened[0]
        rows = 0 if opened is None else sum(len(part.reward) for part in opened.parts)
        largest = max(largest, rows)
    assert 5000 < largest < 7000


@KINDS
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_csr_equals_dense(kind, full, make, draw_rounds):
    X, arm, reward = draw_rounds(kind, n_samples=200, n_features=40)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.9, 0.0, X)
    weight = np.random.default_rng(1).integers(0, 3, 200).astype(float)
    dense, other = (THOMPSON[kind](precision="diagonal", random_state=0) for _ in range(2))
    reward = None if full else reward
    for bandit, contexts in ((dense, X), (other, make(X))):
        bandit.fit(contexts, arm, reward, sample_weight=weight)
        first = X[:1] if bandit is dense else sparse.csr_array(X[:1])
        bandit.partial_fit(first, arm[:1], None if full else reward[:1])
    for name in ("gram_", "moment_", "coef_", "intercept_", "covariance_", "location_"):
        assert_allclose(getattr(other, name), getattr(dense, name), rtol=1e-7, atol=1e-9)
    for method in ("expected_reward", "predict_proba"):
        expected = getattr(dense, method)(X)
        assert_allclose(getattr(other, method)(make(X)), expected, rtol=1e-6, atol=1e-9)
    assert np.array_equal(other.predict(make(X)), dense.predict(X))
    # A row alone has fewer entries than there are columns.
    one = other.expected_reward(sparse.csr_array(X[:1]), return_std=True)
    for ours, theirs in zip(one, dense.expected_reward(X[:1], return_std=True), strict=True):
        assert_allclose(ours, theirs, rtol=1e-7)


def test_one_call_is_penalised_logistic_regression():
    """scikit-learn's, C=1, on 2,000 sparse rows with 3,000 columns; no constant."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((2000, 3000), density=0.01, random_state=rng, format="csr")
    reward = (rng.random(2000) < expit(X @ rng.normal(size=3000))).astype(float)
    bandit = LogisticUCB(precision="diagonal", fit_intercept=False)
    bandit.fit(X, np.zeros(2000, dtype=int), reward)
    other = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=5000)
    other.fit(X, reward)
    assert_allclose(bandit.coef_, other.coef_, atol=1e-5)


@KINDS
def test_a_hundred_thousand_features(kind):
    """20,000 rows of 20 entries each: a dense copy would take 16 GB."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((20_000, 100_000), density=2e-4, format="csr", random_state=rng)
    arm = rng.integers(0, 5, 20_000)
    reward = (np.asarray(X.sum(axis=1)).ravel() > 10).astype(float)
    tracemalloc.start()
    bandit = THOMPSON[kind](precision="diagonal", random_state=0).fit(X, arm, reward)
    bandit.partial_fit(X[:1], arm[:1], reward[:1])
    bandit.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The state is 5 arms of two rows of 1e5 numbers, 8 MB; X itself is 5 MB.
    assert peak < 150e6
    believed = bandit.expected_reward(X)[np.arange(20_000), arm]
    assert believed[reward > 0].mean() > believed[reward == 0].mean() + 0.3


def test_texts_are_learnt_in_batches_too():
    """8,000 sparse rows by 100: nine tenths of what one full fit a scikit-learn arm gains."""
    rng = np.random.default_rng(0)
    share = 1 / (np.arange(2000) + 10.0)
    words = rng.choice(2000, size=(10_000, 40), p=share / share.sum())
    index = np.repeat(np.arange(10_000), 40), words.ravel()
    X = sparse.csr_array((np.full(words.size, 40**-0.5), index), shape=(10_000, 2000))
    chance = expit(X @ rng.normal(size=(2000, 2)) * 1.5 - 1.0)
    arm = rng.integers(0, 2, 8000)
    reward = (rng.random(8000) < chance[np.arange(8000), arm]).astype(float)
    bandit = LogisticUCB(arms=[0, 1], precision="diagonal")
    for start in range(0, 8000, 100):
        rows = slice(start, start + 100)
        bandit.partial_fit(X[:8000][rows], arm[rows], reward[rows])
    new, worth = X[8000:], chance[8000:]
    other = np.column_stack(
        [
            LogisticRegression(C=1.0)
            .fit(X[:8000][arm == a], reward[arm == a])
            .decision_function(new)
            for a in range(2)
        ]
    )

    def gain(score):
        return worth[np.arange(2000), score.argmax(axis=1)].mean() - worth.mean()

    assert gain(bandit.expected_reward(new)) > 0.9 * gain(other)


def test_sparse_contexts_need_the_diagonal():
    X = sparse.csr_array(np.eye(3))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        LogisticUCB().fit(X, [0, 1, 0], reward=[1.0, 0.0, 1.0])


def test_what_it_declares():
    for options in ({}, {"precision": "diagonal"}):
        tags = get_bandit_tags(LogisticUCB(**options))
        assert (tags.reward, tags.learning, tags.how_it_merges) == (
            "unit_interval",
            "calls",
            "approximate",
        )
        assert (tags.prior, tags.location, tags.dropping_features) == ("learnt", "fixed", "exact")
    assert get_bandit_tags(PoissonUCB(prior_reward=1.0)).prior == "fixed"
    assert get_bandit_tags(PoissonUCB()).reward == "count"
    assert not get_bandit_tags(PoissonUCB(forgetting=0.9)).can_merge
