"""Learning is a sum over rounds, or a filter: splits, weights, forgetting, full feedback."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skbandit.linear import LinearThompsonSampling, LinearUCB

SUMS = ("gram_", "moment_", "weight_", "residual_square_", "reward_square_")


def sums_of(bandit):
    """Names of the sums that a bandit keeps."""
    return [name for name in SUMS if hasattr(bandit, name)]


KINDS = [
    {"arm_model": "disjoint", "precision": "full"},
    {"arm_model": "disjoint", "precision": "diagonal"},
    {"arm_model": "hybrid", "precision": "full"},
    {"arm_model": "shared", "precision": "full"},
    {"arm_model": "shared", "precision": "diagonal"},
]
KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
SUM = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind["precision"] == "full"],
    ids=lambda kind: "-".join(kind.values()),
)
NOISE = pytest.mark.parametrize("noise", ["fixed", "learnt"])


def contexts_for(kind, X, n_candidates=3):
    """One context a row, or candidates that differ."""
    if kind["arm_model"] != "shared":
        return X
    shift = np.arange(n_candidates)[None, :, None]
    return X[:, None, :] * (1 + 0.3 * shift) + 0.5 * shift


def assert_same_state(one, other, rtol=1e-10):
    assert sums_of(one) == sums_of(other)
    for name in sums_of(one):
        expected = getattr(other, name)
        atol = rtol * np.abs(expected).max(initial=0.0)
        assert_allclose(getattr(one, name), expected, rtol=rtol, atol=atol, err_msg=name)


def assert_same_belief(one, other, X, rtol=1e-9):
    for ours, theirs in zip(
        (*one.expected_reward(X, return_std=True), one.decision_function(X), one.predict_proba(X)),
        (
            *other.expected_reward(X, return_std=True),
            other.decision_function(X),
            other.predict_proba(X),
        ),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())


@SUM
@NOISE
@pytest.mark.parametrize("gamma", [1.0, 0.97])
@pytest.mark.parametrize(
    "cuts",
    [
        range(1, 120),
        [60],
        [1, 2, 5, 6, 10, 11, 50, 51, 52, 118],
        [4, 8, 12, 13, 100, 104, 119],
    ],
    ids=["single", "halves", "mixed", "mixed-2"],
)
def test_any_split_of_the_rounds_ends_where_fit_ends(kind, noise, gamma, cuts, rounds):
    X, arm, reward = rounds(shift=2.0)
    X = contexts_for(kind, X)
    whole = LinearUCB(noise=noise, forgetting=gamma, **kind).fit(X, arm, reward)
    pieces = LinearUCB(noise=noise, forgetting=gamma, **kind)
    for rows in np.split(np.arange(120), list(cuts)):
        pieces.partial_fit(X[rows], arm[rows], reward[rows], classes=[0, 1, 2])
        pieces.decision_function(X[:2])  # looking at it changes nothing
    assert_same_state(pieces, whole)
    assert_same_belief(pieces, whole, X)


@SUM
@NOISE
@pytest.mark.parametrize("full", [False, True])
def test_blocks_of_one_call_end_where_one_block_ends(kind, noise, full, rounds, monkeypatch):
    """More rows than a learning block holds, against blocks that hold all of them."""
    X, arm, reward = rounds(n_samples=1500)
    X = contexts_for(kind, X)
    y, reward = (arm, None) if full else (arm, reward)
    weight = np.random.default_rng(0).integers(0, 4, 1500).astype(float)
    whole = LinearUCB(noise=noise, **kind).fit(X, y, reward, sample_weight=weight)
    for name in ("_BLOCK_BYTES", "_MIN_BLOCK_ROWS"):
        monkeypatch.setattr(f"skbandit._regression._sums.{name}", 100)
    blocks = LinearUCB(noise=noise, **kind).fit(X, y, reward, sample_weight=weight)
    assert_same_state(blocks, whole)


@KIND
@NOISE
@pytest.mark.parametrize(("gamma", "full"), [(1.0, False), (1.0, True), (0.97, False)])
def test_a_weight_is_a_repetition(kind, noise, gamma, full, rounds):
    X, arm, reward = rounds()
    X = contexts_for(kind, X)
    weight = np.random.default_rng(1).integers(0, 4, size=120)
    rows = np.repeat(np.arange(120), weight)
    repeated = LinearUCB(noise=noise, forgetting=gamma, arms=[0, 1, 2], **kind)
    # A filter ends alike where calls are cut alike.
    whole = [] if kind["precision"] == "full" else np.cumsum(weight)[[2, 3, 69]]
    for part in np.split(rows, whole):
        repeated.partial_fit(X[part], arm[part], None if full else reward[part])
    weighted = LinearUCB(noise=noise, forgetting=gamma, arms=[0, 1, 2], **kind)
    for part in np.split(np.arange(120), [3, 4, 70]):
        paid = None if full else reward[part]
        weighted.partial_fit(X[part], arm[part], paid, sample_weight=weight[part])
    assert_same_state(weighted, repeated)
    assert_same_belief(weighted, repeated, X)


@pytest.mark.parametrize("kind", KINDS[:3], ids=lambda kind: "-".join(kind.values()))
@NOISE
def test_a_weight_is_a_repetition_of_full_feedback_that_fades(kind, noise, rounds):
    X, label, _ = rounds()
    weight = np.random.default_rng(1).integers(0, 4, size=120)
    rows = np.repeat(np.arange(120), weight)
    bandit = LinearUCB(noise=noise, forgetting=0.97, arms=[0, 1, 2], **kind)
    repeated = clone(bandit).fit(X[rows], label[rows])
    assert_same_state(bandit.fit(X, label, sample_weight=weight), repeated)


@NOISE
@pytest.mark.parametrize("gamma", [0.6, 0.95, 0.999])
@pytest.mark.parametrize("repeat", [False, True])
def test_forgetting_is_regression_weighted_by_age(noise, gamma, repeat, dense, rounds):
    """Every round, whatever its arm, moves time on by one; the prior does not fade."""
    X, arm, reward = rounds(shift=1.0)
    weight = np.random.default_rng(2).integers(0, 3, size=120) if repeat else None
    if repeat:
        weight[[0, 1, 2, 90]] = 1, 2, 1, 2  # these rows come alone
    bandit = LinearUCB(noise=noise, noise_prior=(2.5, 1.5), forgetting=gamma, arms=[0, 1, 2])
    for rows in np.split(np.arange(120), [1, 2, 3, 40, 90, 91]):
        part = None if weight is None else weight[rows]
        bandit.partial_fit(X[rows], arm[rows], reward[rows], sample_weight=part)
    counts = dense.ages(arm, weight, gamma)
    Z = dense.design(X)
    for a in range(3):
        own = arm == a
        belief = dense.regress(Z[own], reward[own], counts[own])
        theta = np.concatenate([bandit.intercept_[[a]], bandit.coef_[a]])
        assert_allclose(theta, belief.mean, rtol=1e-7, atol=1e-10)
        shape, scale = 2.5 + counts[own].sum() / 2, 1.5 + belief.minimum / 2
        variance = 1.0 if noise == "fixed" else scale / shape
        assert_allclose(bandit.noise_variance_[a if noise == "learnt" else 0], variance, rtol=1e-8)
        assert_allclose(bandit.covariance_[a], variance * belief.covariance, rtol=1e-6, atol=1e-10)


@NOISE
def test_forgetting_in_a_hybrid_model(noise, dense, rounds):
    X, arm, reward = rounds()
    bandit = LinearUCB(
        arm_model="hybrid", noise=noise, noise_prior=(2.5, 1.5), forgetting=0.9, arms=[0, 1, 2]
    )
    for rows in np.split(np.arange(120), [1, 2, 3, 40, 90, 91]):
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    counts = dense.ages(arm, None, 0.9)
    belief = dense.hybrid_regress(dense.design(X), arm, reward, 3, counts)
    theta = np.column_stack([bandit.intercept_, bandit.coef_])
    assert_allclose(theta, belief.mean, rtol=1e-7, atol=1e-9)
    variance = 1.0
    if noise == "learnt":
        variance = (1.5 + belief.minimum / 2) / (2.5 + counts.sum() / 2)
    assert_allclose(bandit.covariance_, variance * belief.covariance, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("precision", ["full", "diagonal"])
@NOISE
def test_what_was_forgotten_is_the_prior_again(precision, noise, rounds):
    """An arm once played much, and then 2,000 rounds of others."""
    X, _, reward = rounds(n_samples=300)
    bandit = LinearUCB(
        precision=precision,
        noise=noise,
        noise_prior=(3.0, 2.0),
        forgetting=0.98,
        arms=[0, 1, 2],
        prior_precision=0.7,
    ).fit(X, np.zeros(300, dtype=int), reward)
    before = bandit.expected_reward(X, return_std=True)[1][:, 0]
    for _ in range(20):
        bandit.partial_fit(X[:100], np.ones(100, dtype=int), reward[:100])
    mean, std = bandit.expected_reward(X, return_std=True)
    variance = 1.0 if noise == "fixed" else 2.0 / (3.0 - 1.0)
    prior = np.sqrt(variance / 0.7 * (1 + np.sum(X**2, axis=1)))
    assert_allclose(std[:, 0], prior, rtol=1e-8)
    assert_allclose(std[:, 0], std[:, 2], rtol=1e-8)
    assert_allclose(mean[:, 0], 0.0, atol=1e-8)
    assert (before < 0.9 * prior).all()


@pytest.mark.parametrize("kind", KINDS[:3], ids=lambda kind: "-".join(kind.values()))
@NOISE
@pytest.mark.parametrize("weighted", [False, True])
def test_full_feedback_is_every_arm_played(kind, noise, weighted, rounds):
    X, label, _ = rounds()
    weight = np.random.default_rng(3).uniform(0.2, 3, 120) if weighted else None
    full = LinearUCB(noise=noise, **kind).fit(X, label, sample_weight=weight)
    rows, arm = np.repeat(np.arange(120), 3), np.tile([0, 1, 2], 120)
    played = LinearUCB(noise=noise, **kind).fit(
        X[rows],
        arm,
        reward=(label[rows] == arm).astype(float),
        sample_weight=None if weight is None else weight[rows],
    )
    assert_same_state(full, played)
    assert_same_belief(full, played, X)
    if kind["precision"] == "diagonal":
        return
    online = LinearUCB(noise=noise, **kind)
    for row in range(120):
        part = None if weight is None else weight[[row]]
        online.partial_fit(X[[row]], label[[row]], classes=[0, 1, 2], sample_weight=part)
    assert_same_state(online, full)


@pytest.mark.parametrize("arm_model", ["shared", "hybrid"])
def test_full_feedback_on_candidates_is_every_candidate_played(arm_model, rounds):
    X, label, _ = rounds()
    X = contexts_for({"arm_model": "shared"}, X)
    full = LinearUCB(arm_model=arm_model).fit(X, label)
    rows, arm = np.repeat(np.arange(120), 3), np.tile([0, 1, 2], 120)
    played = LinearUCB(arm_model=arm_model).fit(X[rows], arm, (label[rows] == arm).astype(float))
    assert_same_state(full, played)


@pytest.mark.parametrize("kind", KINDS[:3], ids=lambda kind: "-".join(kind.values()))
@NOISE
@pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
def test_fit_forgets(kind, noise, Bandit, rounds):
    X, arm, reward = rounds()
    once = Bandit(noise=noise, **kind).fit(X, arm, reward)
    twice = Bandit(noise=noise, **kind).fit(X[::-1] * 3, arm, reward + 5)
    twice.fit(X, arm, reward)
    assert_same_state(twice, once, rtol=0)
    assert np.array_equal(twice.predict_proba(X), once.predict_proba(X))
