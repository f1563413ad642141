"""Discounted LinUCB against the paper's algorithm, written out round by round."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.drift import DiscountedLinUCB
from skbandit.transfer import drop_features, expand_features, merge


def published(X, arm, reward, query, *, n_arms, gamma, lam, sigma, S, L, delta):
    """Means and widths by algorithm 1 of Russac et al. (2019), one long vector of weights."""
    d = X.shape[1] * n_arms
    V, V2, b = lam * np.eye(d), lam * np.eye(d), np.zeros(d)
    for x, a, r in zip(X, arm, reward, strict=True):
        z = np.kron(np.eye(n_arms)[a], x)
        V = gamma * V + np.outer(z, z) + (1 - gamma) * lam * np.eye(d)
        V2 = gamma**2 * V2 + np.outer(z, z) + (1 - gamma**2) * lam * np.eye(d)
        b = gamma * b + r * z
    t = len(X)
    rounds = t if gamma == 1.0 else (1 - gamma ** (2 * t)) / (1 - gamma**2)
    radius = np.sqrt(lam) * S + sigma * np.sqrt(
        2 * np.log(1 / delta) + d * np.log(1 + L**2 * rounds / (lam * d))
    )
    inverse = np.linalg.inv(V)
    middle = inverse @ V2 @ inverse
    mean, width = np.empty((len(query), n_arms)), np.empty((len(query), n_arms))
    for a in range(n_arms):
        Z = np.kron(np.eye(n_arms)[a], query)
        mean[:, a] = Z @ inverse @ b
        width[:, a] = radius * np.sqrt(np.einsum("nk,kl,nl->n", Z, middle, Z))
    return mean, width


def make_rounds(n_rounds=60, n_features=3, n_arms=3, seed=0):
    rng = np.random.RandomState(seed)
    X, arm = rng.randn(n_rounds, n_features), rng.randint(n_arms, size=n_rounds)
    return X, arm, rng.randn(n_rounds)


@pytest.mark.parametrize("gamma", [1.0, 0.97, 0.6])
@pytest.mark.parametrize("pieces", [1, 7])
def test_it_is_the_published_algorithm(gamma, pieces):
    X, arm, reward = make_rounds()
    query = make_rounds(10, seed=1)[0]
    bandit = DiscountedLinUCB(
        arms=[0, 1, 2],
        forgetting=gamma,
        prior_precision=0.7,
        noise_std=0.4,
        weight_norm=1.3,
        context_norm=2.0,
        delta=0.1,
        fit_intercept=False,
    )
    for rows in np.array_split(np.arange(len(X)), pieces):
        bandit.partial_fit(X[rows], arm[rows], reward=reward[rows])
    mean, width = published(
        X, arm, reward, query, n_arms=3, gamma=gamma, lam=0.7, sigma=0.4, S=1.3, L=2.0, delta=0.1
    )
    found, spread = bandit.expected_reward(query, return_std=True)
    assert_allclose(found, mean, rtol=1e-9, atol=1e-12)
    assert_allclose(spread, width, rtol=1e-9)
    assert_allclose(bandit.decision_function(query), mean + width, rtol=1e-9, atol=1e-12)
    scaled = bandit.set_params(alpha=0.25).decision_function(query)
    assert_allclose(scaled, mean + 0.25 * width, rtol=1e-9, atol=1e-12)
    assert_allclose(bandit.coef_ @ query.T, mean.T, rtol=1e-9, atol=1e-12)


def test_candidates_share_one_vector():
    rng = np.random.RandomState(0)
    X, played, reward = rng.randn(40, 4, 3), rng.randint(4, size=40), rng.randn(40)
    bandit = DiscountedLinUCB(
        arm_model="shared", forgetting=0.9, fit_intercept=False, context_norm=1.5
    ).fit(X, played, reward=reward)
    query = rng.randn(5, 2, 3)
    mean, width = published(
        X[np.arange(40), played],
        np.zeros(40, dtype=int),
        reward,
        query.reshape(-1, 3),
        n_arms=1,
        gamma=0.9,
        lam=1.0,
        sigma=1.0,
        S=1.0,
        L=1.5,
        delta=0.05,
    )
    found, spread = bandit.expected_reward(query, return_std=True)
    assert_allclose(found.reshape(-1, 1), mean, rtol=1e-9, atol=1e-12)
    assert_allclose(spread.reshape(-1, 1), width, rtol=1e-9)


def test_a_weight_is_repetition():
    X, arm, reward = make_rounds()
    weight = np.arange(60) % 3
    rows = np.repeat(np.arange(60), weight)
    one = DiscountedLinUCB(arms=[0, 1, 2], forgetting=0.95)
    one.fit(X, arm, reward=reward, sample_weight=weight)
    two = DiscountedLinUCB(arms=[0, 1, 2], forgetting=0.95)
    two.fit(X[rows], arm[rows], reward=reward[rows])
    assert_allclose(one.decision_function(X), two.decision_function(X), rtol=1e-9, atol=1e-12)


def test_shards_are_added_up_where_nothing_fades():
    X, arm, reward = make_rounds()
    bandit = DiscountedLinUCB(arms=[0, 1, 2], forgetting=1.0)
    whole = bandit.fit(X, arm, reward=reward)
    parts = [
        DiscountedLinUCB(arms=[0, 1, 2], forgetting=1.0).fit(X[rows], arm[rows], reward[rows])
        for rows in (slice(0, 20), slice(20, 60))
    ]
    assert_allclose(merge(parts).decision_function(X), whole.decision_function(X), rtol=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
def test_dropping_a_feature_marginalises(intercept):
    X, arm, reward = make_rounds()
    bandit = DiscountedLinUCB(arms=[0, 1, 2], forgetting=0.97, fit_intercept=intercept)
    bandit.fit(X, arm, reward=reward)
    fewer = drop_features(bandit, [1])
    query = make_rounds(10, seed=1)[0]
    query[:, 1] = 0.0
    mean, width = bandit.expected_reward(query, return_std=True)
    found, spread = fewer.expected_reward(query[:, [0, 2]], return_std=True)
    assert_allclose(found, mean, rtol=1e-9, atol=1e-12)
    # The radius counts the weights; all else of the width is what it was.
    ratio = spread / width
    assert_allclose(ratio, ratio[0, 0], rtol=1e-9)
    wider = expand_features(bandit, 2)
    padded = np.pad(query, [(0, 0), (0, 2)])
    assert_allclose(wider.expected_reward(padded), mean, rtol=1e-9, atol=1e-12)


def test_weights_before_any_round_are_not_known():
    with pytest.raises(AttributeError, match="has not learnt"):
        DiscountedLinUCB(arms=[0, 1]).coef_
    # Then it is its prior: all bounds tie.
    assert_allclose(DiscountedLinUCB(arms=[0, 1]).predict_proba([[1.0]]), 0.5)
