"""Other groups, features and priors; joined parts; with their residual sums of squares."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit._regression import (
    DiagonalRegression,
    Examples,
    FullRegression,
    HierarchicalRegression,
    HybridRegression,
)

KINDS = pytest.mark.parametrize(
    "Kind", [FullRegression, HierarchicalRegression, HybridRegression, DiagonalRegression]
)
# What a diagonal precision carries is no sum: see test_diagonal.py.
SUMS_ONLY = pytest.mark.parametrize(
    "Kind", [FullRegression, HierarchicalRegression, HybridRegression]
)
INTERCEPT = pytest.mark.parametrize("intercept", [True, False])


def assert_same(one, other, rtol=1e-9):
    for name in ("gram", "moment", "weight", "reward_square", "residual_square", "coef"):
        ours, theirs = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        atol = rtol * np.abs(theirs).max(initial=0.0)
        assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=name)
    assert_allclose(one.covariance, other.covariance, rtol=1e-8, atol=1e-12)


@SUMS_ONLY
@INTERCEPT
@pytest.mark.parametrize("lam", [1e-3, 1.0, 40.0])
def test_merged_parts_are_the_whole(Kind, intercept, lam, rounds):
    X, arm, reward = rounds(shift=5.0)
    empty = Kind.empty(4, 4, intercept=intercept, prior_precision=lam)
    parts = [empty.learnt(Examples(X[i::3], arm[i::3], reward[i::3])) for i in range(3)]
    whole = empty.learnt(Examples(X, arm, reward))
    assert_same(Kind.merged([*parts, empty]), whole)
    # The prior of the first holds for all.
    parts[1] = parts[1].carried(prior_precision=7.0 * lam)
    assert_same(Kind.merged(parts), whole, rtol=1e-8)


@SUMS_ONLY
@INTERCEPT
@pytest.mark.parametrize(("old", "new"), [(0.02, 5.0), (5.0, 0.02)])
def test_another_prior(Kind, intercept, old, new, rounds):
    X, arm, reward = rounds(shift=5.0)
    examples = Examples(X, arm, reward)
    moved = Kind.empty(3, 4, intercept=intercept, prior_precision=old).learnt(examples)
    moved = moved.carried(prior_precision=new)
    had = Kind.empty(3, 4, intercept=intercept, prior_precision=new).learnt(examples)
    assert_same(moved, had)
    assert moved.carried(prior_precision=new) is moved


@SUMS_ONLY
@INTERCEPT
@pytest.mark.parametrize(
    "shares", [[[1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0], [0.1, 0.5, 0.2]]]
)
def test_new_groups_start_from_shares_of_others(Kind, intercept, shares, rounds):
    """As if they had had their rounds, each with the weight of its share."""
    X, arm, reward = rounds(shift=3.0)
    empty = Kind.empty(3, 4, intercept=intercept)
    old = empty.learnt(Examples(X, arm, reward))
    shares = np.array(shares)
    new = old.carried(groups=np.array([0, -1, 1, 2, -1]), shares=shares)
    place = np.array([0, 2, 3])[arm]
    weight = np.concatenate([np.ones(120), shares[0, arm], shares[1, arm]])
    rows = np.tile(np.arange(120), 3)
    group = np.concatenate([place, np.full(120, 1), np.full(120, 4)])
    kept = weight > 0.0
    rows, group, weight = rows[kept], group[kept], weight[kept]
    had = Kind.empty(5, 4, intercept=intercept).learnt(
        Examples(X[rows], group, reward[rows], weight)
    )
    assert_same(new, had)


@SUMS_ONLY
def test_groups_that_go_are_forgotten(Kind, rounds):
    X, arm, reward = rounds(shift=3.0)
    old = Kind.empty(3, 4, intercept=True).learnt(Examples(X, arm, reward))
    new = old.carried(groups=np.array([2, -1, 0]))
    own = arm != 1
    place = np.array([2, -1, 0])[arm[own]]
    had = Kind.empty(3, 4, intercept=True).learnt(Examples(X[own], place, reward[own]))
    assert_same(new, had)


@KINDS
@INTERCEPT
def test_new_features_were_zero_so_far(Kind, intercept, rounds):
    X, arm, reward = rounds()
    examples = Examples(X, arm, reward)
    new = Kind.empty(3, 4, intercept=intercept).learnt(examples)
    new = new.carried(features=np.array([-1, 2, 0, 3, 1, -1]))
    zeros = np.zeros((120, 1))
    wide = np.column_stack([zeros, X[:, [2, 0, 3, 1]], zeros])
    had = Kind.empty(3, 6, intercept=intercept).learnt(Examples(wide, arm, reward))
    assert_same(new, had)


@INTERCEPT
@pytest.mark.parametrize("kept", [[1, 2, 3], [0, 1, 2], [3, 0]])
def test_features_that_go_are_marginalised(intercept, kept, dense, rounds):
    """Blocks of the dense covariance and mean; the residual sum of squares stays."""
    X, arm, reward = rounds()
    old = FullRegression.empty(3, 4, intercept=intercept, prior_precision=0.4)
    old = old.learnt(Examples(X, arm, reward))
    new = old.carried(features=np.array([*kept, -1]))
    Z = dense.design(X, intercept)
    terms = [0, *(k + 1 for k in kept)] if intercept else kept
    for a in range(3):
        belief = dense.regress(Z[arm == a], reward[arm == a], prior_precision=0.4)
        assert_allclose(new.coef[a], [*belief.mean[terms], 0.0], rtol=1e-8)
        block = belief.covariance[np.ix_(terms, terms)]
        assert_allclose(new.covariance[a][:-1, :-1], block, rtol=1e-7, atol=1e-13)
        assert_allclose(new.residual_square[a], belief.minimum, rtol=1e-9)
        assert_allclose(new.covariance[a][-1, -1], 1 / 0.4)


def test_hybrid_of_one_group_marginalises_exactly(rounds):
    X, _, reward = rounds()
    old = HybridRegression.empty(1, 4).learnt(Examples(X, np.zeros(120, dtype=int), reward))
    new = old.carried(features=np.array([0, 1, 3]))
    kept = np.ix_([0, 1, 3], [0, 1, 3])
    assert_allclose(new.coef[0], old.coef[0, [0, 1, 3]], rtol=1e-8)
    assert_allclose(new.covariance[0], old.covariance[0][kept], rtol=1e-8)


@KINDS
def test_the_same_is_the_same(Kind, rounds):
    X, arm, reward = rounds()
    old = Kind.empty(3, 4).learnt(Examples(X, arm, reward))
    assert old.carried(groups=np.arange(3), features=np.arange(4), prior_precision=1.0) is old
