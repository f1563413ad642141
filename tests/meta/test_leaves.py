"""Sums of leaves and what follows from them, against plain loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.meta._leaves import LeafSums, joint_moments, leaf_moments


@pytest.fixture
def rounds():
    """Rounds in leaves 0 to 4 of one tree and 5 to 9 of another."""
    rng = np.random.RandomState(0)
    leaf = rng.randint(5, size=(300, 2)) + np.array([0, 5])
    return leaf, rng.randn(300, 2), rng.rand(300, 1) + 0.5


@pytest.mark.parametrize("sizes", [[300], [1] * 300, [100, 1, 1, 198], [10, 50, 3, 1, 236]])
@pytest.mark.parametrize("n_asked", [3, 200])
def test_sums_against_a_loop(rounds, sizes, n_asked):
    leaf, value, weight = rounds
    sums, start = LeafSums.nothing(10, 2), 0
    for size in sizes:
        part = slice(start, start + size)
        sums, start = sums.and_of(leaf[part], value[part], weight[part]), start + size
    asked = leaf[:n_asked]
    expected = np.zeros((3, *asked.shape))
    for row, leaves in enumerate(asked):
        for tree, one in enumerate(leaves):
            own = leaf[:, tree] == one
            values, weights = value[own, tree], weight[own, 0]
            expected[:, row, tree] = [
                weights.sum(),
                (weights * values).sum(),
                (weights * values**2).sum(),
            ]
    for found, want in zip(sums.of(asked), expected, strict=True):
        assert_allclose(found, want, rtol=1e-10, atol=1e-10)


def test_learning_writes_to_nothing(rounds):
    leaf, value, weight = rounds
    before = LeafSums.nothing(10, 2).and_of(leaf[:100], value[:100], weight[:100])
    copies = [part.copy() for part in before]
    before.and_of(leaf[100:103], value[100:103], weight[100:103])
    before.and_of(leaf[100:], value[100:], weight[100:])
    for part, copy in zip(before, copies, strict=True):
        assert_allclose(part, copy, rtol=0)


def test_moments_of_a_leaf():
    """Three rewards that pay 1, 2 and 6; the prior's variance is 4 and counts as half a round."""
    rewards = np.array([1.0, 2.0, 6.0])
    mean, variance = leaf_moments(
        np.array([3.0, 0.0]),
        np.array([rewards.sum(), 0.0]),
        np.array([(rewards**2).sum(), 0.0]),
        0.5,
        4.0,
    )
    noise = (0.5 * 4.0 + 3.0 * rewards.var()) / 3.5
    assert_allclose(mean, [3.0, 0.0])
    assert_allclose(variance, [noise / 3.5, 4.0 / 0.5])


def test_moments_of_arms_in_one_place():
    """The noise is that of both arms; the third was never played there."""
    first, second = np.array([1.0, 3.0]), np.array([5.0, 5.0, 8.0])
    sums = np.array(
        [[len(one), one.sum(), (one**2).sum()] for one in (first, second, np.zeros(0))]
    ).T
    mean, variance = joint_moments(*sums[:, None], 0.1, 2.0)
    noise = (0.1 * 2.0 + 2.0 * first.var() + 3.0 * second.var()) / 5.1
    assert_allclose(mean, [[4.0 / 2.1, 18.0 / 3.1, 0.0]])
    assert_allclose(variance, [noise / np.array([102.0, 103.0, 100.0])])


def test_rewards_that_agree_make_nothing_certain():
    ones = np.array([5.0])
    _, variance = leaf_moments(ones, ones, ones, 0.1, 0.25)
    assert variance[0] > 0.0
