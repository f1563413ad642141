"""The residual sum of squares, exact where the difference of large sums keeps no digit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearUCB
from skbandit.transfer import merge, transfer

WAYS = ["fit", "rows", "pairs", "blocks", "weights"]


def learn(way, bandit, X, arm, reward):
    if way == "fit":
        return bandit.fit(X, arm, reward)
    if way == "weights":
        return bandit.fit(X, arm, reward, sample_weight=np.ones(len(X)))
    size = {"rows": 1, "pairs": 2, "blocks": 17}[way]
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    return bandit


def far_rounds(n_samples=200, level=1e6):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, 2))
    return X, np.resize([0, 1], n_samples), level + rng.choice([-1.0, 1.0], size=n_samples)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lam", [1e-11, 1e-6, 1.0])
def test_rewards_far_from_zero(way, lam, dense):
    """Rewards of 1e6 +- 1: the sums are 1e14, what is left of them 100."""
    X, arm, reward = far_rounds()
    bandit = learn(way, LinearUCB(arms=[0, 1], prior_precision=lam), X, arm, reward)
    Z = dense.design(X)
    for a in range(2):
        exact = dense.exact_minimum(Z[arm == a], reward[arm == a] - bandit.location_, lam)
        # Each update may err by the rounding of its squared error, 1e12.
        assert_allclose(bandit.residual_square_[a], exact, rtol=2e-6)


def test_the_difference_formula_fails_there(dense):
    """So the test above can tell one from the other."""
    X, arm, reward = far_rounds()
    Z, lam = dense.design(X)[arm == 0], 1e-11
    r = reward[arm == 0]
    moment = Z.T @ r
    difference = r @ r - moment @ np.linalg.solve(Z.T @ Z + lam * np.eye(3), moment)
    exact = dense.exact_minimum(Z, r, lam)
    assert abs(difference / exact - 1) > 1e-5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arm_model", ["disjoint", "hybrid"])
@pytest.mark.parametrize("lam", [1e-4, 1.0, 50.0])
def test_minimum_of_all_ways_to_learn(way, arm_model, lam, dense, rounds):
    X, arm, reward = rounds(n_samples=70, n_features=3, shift=5.0)
    bandit = LinearUCB(arms=[0, 1, 2], arm_model=arm_model, prior_precision=lam)
    bandit = learn(way, bandit, X, arm, reward)
    Z, reward = dense.design(X), reward - bandit.location_
    if arm_model == "disjoint":
        exact = [dense.exact_minimum(Z[arm == a], reward[arm == a], lam) for a in range(3)]
    else:
        exact = [dense.exact_minimum(dense.hybrid_rows(Z, arm, 3), reward, lam)]
    assert_allclose(bandit.residual_square_, exact, rtol=1e-8)


@pytest.mark.parametrize("level", [0.0, 1e6])
@pytest.mark.parametrize("lam", [1e-11, 1.0])
def test_merged_shards_far_from_zero(level, lam, dense):
    X, arm, reward = far_rounds(level=level)
    rows = [np.arange(i, 200, 3) for i in range(3)]
    shards = [
        LinearUCB(arms=[0, 1], prior_precision=lam).fit(X[s], arm[s], reward[s]) for s in rows
    ]
    merged = merge(shards)
    Z, reward = dense.design(X), reward - merged.location_
    exact = [dense.exact_minimum(Z[arm == a], reward[arm == a], lam) for a in range(2)]
    assert_allclose(merged.residual_square_, exact, rtol=1e-7)


@pytest.mark.parametrize("arm_model", ["disjoint", "hybrid"])
@pytest.mark.parametrize("level", [0.0, 1e5])
@pytest.mark.parametrize(("old", "new"), [(1e-6, 2.0), (2.0, 1e-6), (1.0, 1.0)])
def test_another_prior_far_from_zero(arm_model, level, old, new, dense):
    X, arm, reward = far_rounds(n_samples=60, level=level)
    source = LinearUCB(arm_model=arm_model, prior_precision=old).fit(X, arm, reward)
    moved = transfer(source, LinearUCB(arm_model=arm_model, prior_precision=new))
    Z, reward = dense.design(X), reward - moved.location_
    if arm_model == "disjoint":
        exact = [dense.exact_minimum(Z[arm == a], reward[arm == a], new) for a in range(2)]
    else:
        exact = [dense.exact_minimum(dense.hybrid_rows(Z, arm, 2), reward, new)]
    assert_allclose(moved.residual_square_, exact, rtol=1e-7)


def test_weighted_minimum_with_forgetting_far_from_zero(dense):
    X, arm, reward = far_rounds()
    bandit = LinearUCB(forgetting=0.98, prior_precision=1e-9)
    for rows in np.split(np.arange(200), [2, 50, 51, 130]):
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    root, reward = np.sqrt(dense.ages(arm, None, 0.98)), reward - bandit.location_
    Z = dense.design(X) * root[:, None]
    for a in range(2):
        own = arm == a
        # Rounding of the weights' roots acts on 1e6 twice.
        exact = dense.regress(Z[own], (reward * root)[own], prior_precision=1e-9).minimum
        assert_allclose(bandit.residual_square_[a], exact, rtol=1e-5)
