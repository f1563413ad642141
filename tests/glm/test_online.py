"""Rounds that come in pieces; rewards that are rare; weights and repetitions."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.special import expit

from skbandit.glm import LogisticThompsonSampling, LogisticUCB, PoissonUCB

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}


def in_pieces(bandit, X, arm, reward, size, weight=None):
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        own = None if weight is None else weight[rows]
        bandit.partial_fit(X[rows], arm[rows], reward[rows], sample_weight=own)
    return bandit


@KINDS
@pytest.mark.parametrize("size", [1, 7, 60])
def test_the_first_rounds_are_learnt_as_in_one_call(kind, size, draw_rounds):
    """Up to 256 an arm, all that follows but what the location has moved since is the same."""
    X, arm, reward = draw_rounds(kind, n_samples=300)
    bandit = UCB[kind](arms=[0, 1, 2], prior_reward=0.3)
    whole = copy.deepcopy(bandit).fit(X, arm, reward)
    pieces = in_pieces(bandit, X, arm, reward, size)
    assert_allclose(pieces.coef_, whole.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(pieces.covariance_, whole.covariance_, rtol=1e-6, atol=1e-9)


def rare(n_rounds, rate, seed=0):
    rng = np.random.default_rng(seed)
    X, arm = rng.normal(size=(n_rounds, 5)), rng.integers(0, 3, n_rounds)
    weights = 0.5 * rng.normal(size=(3, 5))
    level = np.log(rate / (1 - rate))
    chance = expit(level + np.einsum("ij,ij->i", X, weights[arm]))
    return X, arm, (rng.random(n_rounds) < chance).astype(float)


@pytest.mark.parametrize(
    ("n_rounds", "rate", "size"), [(20_000, 1e-3, 100), (20_000, 1e-3, 10), (3000, 1e-3, 1)]
)
def test_rare_rewards_are_learnt_as_in_one_call(n_rounds, rate, size):
    """Means within a fifth of a deviation, deviations within 6 %, however rounds come."""
    X, arm, reward = rare(n_rounds, rate)
    whole = LogisticUCB().fit(X, arm, reward)
    pieces = in_pieces(LogisticUCB(arms=[0, 1, 2]), X, arm, reward, size)
    std = np.sqrt(np.einsum("aii->ai", whole.covariance_))
    own = np.sqrt(np.einsum("aii->ai", pieces.covariance_))
    moved = np.column_stack([pieces.intercept_, pieces.coef_])
    moved -= np.column_stack([whole.intercept_, whole.coef_])
    assert np.abs(moved / std).max() < 0.2
    assert_allclose(own, std, rtol=0.06)
    assert_allclose(pieces.location_, whole.location_, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.3, 0.03])
def test_many_rounds_stay_near_one_call(rate):
    """20,000 rounds by 50: means within six tenths of a deviation, deviations within a tenth."""
    X, arm, reward = rare(20_000, rate, seed=1)
    whole = LogisticUCB().fit(X, arm, reward)
    pieces = in_pieces(LogisticUCB(arms=[0, 1, 2]), X, arm, reward, 50)
    std = np.sqrt(np.einsum("aii->ai", whole.covariance_))
    assert np.abs((pieces.coef_ - whole.coef_) / std[:, 1:]).max() < 0.6
    assert np.abs((pieces.intercept_ - whole.intercept_) / std[:, 0]).max() < 0.6
    own = np.sqrt(np.einsum("aii->ai", pieces.covariance_))
    assert_allclose(own, std, rtol=0.1)


@KINDS
@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("forgetting", [1.0, 0.995])
def test_weights_equal_repetition_over_many_calls(kind, precision, forgetting, draw_rounds):
    """Also when rounds that are kept are many enough to be left, which the weights decide."""
    X, arm, reward = draw_rounds(kind, n_samples=900)
    weight = np.random.default_rng(0).integers(0, 4, size=900)
    calls = np.array_split(np.arange(900), 25)
    weighted, repeated = (
        UCB[kind](arms=[0, 1, 2], precision=precision, forgetting=forgetting) for _ in range(2)
    )
    for rows in calls:
        weighted.partial_fit(X[rows], arm[rows], reward[rows], sample_weight=weight[rows])
        many = np.repeat(rows, weight[rows])
        repeated.partial_fit(X[many], arm[many], reward[many])
    for name in ("weight_", "reward_sum_", "location_", "coef_", "intercept_", "covariance_"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-6, atol=1e-9)


def test_what_is_kept_is_bounded():
    """Rounds that never pay are left after some thousands, in pickles and in memory."""
    bandit = LogisticUCB(arms=[0])
    rng = np.random.default_rng(0)
    largest = 0
    for _ in range(60):
        X = rng.normal(size=(500, 20))
        bandit.partial_fit(X, np.zeros(500, dtype=int), np.zeros(500))
        opened = bandit.state_.opened[0]
        rows = 0 if opened is None else sum(len(part.reward) for part in opened.parts)
        largest = max(largest, rows)
    assert 2000 < largest < 7000


def test_weights_that_are_small_are_bounded_too():
    bandit = LogisticUCB(arms=[0])
    X = np.random.default_rng(0).normal(size=(1500, 3))
    for _ in range(4):
        bandit.partial_fit(X, np.zeros(1500, dtype=int), X[:, 0] > 0, sample_weight=[1e-3] * 1500)
        opened = bandit.state_.opened[0]
        assert opened is None or sum(len(part.reward) for part in opened.parts) < 2000


def test_few_rounds_of_single_rewards_do_not_make_it_certain():
    """A thousand rounds without a reward, one by one: no arm is known to a tenth of its rate."""
    bandit = LogisticThompsonSampling(arms=["a", "b"], random_state=0)
    x = np.zeros((1, 1))
    for _ in range(300):
        bandit.partial_fit(x, np.array(["a"]), np.array([0.0]))
    std = np.sqrt(bandit.covariance_[:, 0, 0])
    assert std[0] > 0.5
    # The arm that was never played lies where arms of this bandit pay.
    assert bandit.expected_reward(x)[0, 1] < 0.02
    assert bandit.predict_proba(x)[0, 1] > 0.3


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit_intercept": False},
        {"precision": "diagonal"},
        {"precision": "diagonal", "fit_intercept": False},
        {"arm_model": "hybrid"},
        {"prior": "hierarchical"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_rounds_that_are_kept_are_no_views(options, full, is_sparse):
    """Whatever the caller writes into arrays later: one arm, so that no row is picked."""
    if is_sparse and options.get("precision") != "diagonal":
        pytest.skip("sparse contexts are for the diagonal precision")
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(60, 3)), np.zeros(60, dtype=int)
    reward = (X[:, 0] > 0).astype(float)
    one, other = (LogisticUCB(arms=[0], **options) for _ in range(2))
    for start, stop in ((0, 5), (5, 6), (6, 30), (30, 60)):
        for bandit in (one, other):
            rows = slice(start, stop)
            contexts = sparse.csr_array(X[rows]) if is_sparse else X[rows].copy()
            labels, paid = arm[rows].copy(), reward[rows].copy()
            weight = np.ones(stop - start)
            bandit.partial_fit(contexts, labels, None if full else paid, sample_weight=weight)
            if bandit is one:
                (contexts.data if is_sparse else contexts)[:] = 7.0
                paid[:], weight[:] = 1.0, 9.0
    assert_allclose(one.coef_, other.coef_, rtol=1e-12)
    assert_allclose(one.covariance_, other.covariance_, rtol=1e-12)
