"""Pareto order against comparing all pairs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbandit._pareto import (
    dominated_volume,
    domination_counts,
    front_of_points,
    front_of_ranks,
    pareto_gap,
    tied_ranks,
)


def count_by_pairs(values, available):
    counts = np.zeros(values.shape[:2], dtype=int)
    for row, arms in enumerate(values):
        for one, mine in enumerate(arms):
            for other, theirs in enumerate(arms):
                if available[row, other]:
                    counts[row, one] += (theirs >= mine).all() and (theirs > mine).any()
    return counts


@pytest.mark.parametrize("n_values", [2, 4, 1000])
@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_front_and_counts(n_objectives, n_values):
    rng = np.random.RandomState(n_objectives)
    # Few values make ties in some objectives, and equal arms.
    values = rng.randint(n_values, size=(60, 6, n_objectives)) - 1.0
    everything = np.ones((60, 6), dtype=bool)
    mask = rng.random_sample((60, 6)) < 0.6
    for available in (everything, mask):
        counts = count_by_pairs(values, available)
        assert_array_equal(domination_counts(values, available), counts)
        front = front_of_ranks(tied_ranks(values), available)
        assert_array_equal(front, (counts == 0) & available)
    counts = count_by_pairs(values, everything)
    assert_array_equal(domination_counts(values), counts)
    assert_array_equal(front_of_ranks(tied_ranks(values)), counts == 0)
    for row, arms in enumerate(values):
        assert_array_equal(front_of_points(arms), counts[row] == 0)


def test_values_that_differ_by_rounding_are_equal():
    third = 1.0 / 3.0
    values = np.array([[[third, 0.0], [1.0 - 2.0 * third, 0.0], [0.0, 1.0], [0.0, 1.0 + 1e-6]]])
    assert values[0, 0, 0] != values[0, 1, 0]
    assert tied_ranks(values)[0].tolist() == [[1, 0], [1, 0], [0, 1], [0, 2]]
    assert domination_counts(values).tolist() == [[0, 0, 1, 0]]
    assert front_of_ranks(tied_ranks(values)).tolist() == [[True, True, False, True]]


def test_front_of_very_many_points():
    rng = np.random.RandomState(0)
    two = rng.standard_normal((100_000, 2))
    # From the left those that lie above all to the right.
    order = np.argsort(-two[:, 0])
    highest = np.maximum.accumulate(two[order, 1])
    expected = np.zeros(len(two), dtype=bool)
    expected[order] = two[order, 1] >= highest
    assert_array_equal(front_of_points(two), expected)
    three = rng.standard_normal((20_000, 3))
    front = three[front_of_points(three)]
    for point in front:
        assert not ((three >= point).all(axis=1) & (three > point).any(axis=1)).any()
    beaten = three[~front_of_points(three)]
    assert (beaten[:, None] <= front[None]).all(axis=2).any(axis=1).all()


def test_gap():
    rng = np.random.RandomState(0)
    values, arm = rng.randint(4, size=(50, 5, 3)).astype(float), rng.randint(5, size=50)
    for row, gap in enumerate(pareto_gap(values, arm)):
        mine = values[row, arm[row]]
        # The least that must be added until no arm is better in all objectives.
        steps = [s for s in np.arange(0.0, 4.1) if not (values[row] > mine + s).all(axis=1).any()]
        assert gap == steps[0]


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
def test_volume(n_objectives):
    rng = np.random.RandomState(n_objectives)
    points = rng.random_sample((6, n_objectives))
    below = rng.random_sample((200_000, n_objectives))
    share = (below[:, None] < points[None]).all(axis=2).any(axis=1).mean()
    error = np.sqrt(share * (1.0 - share) / len(below))
    assert_allclose(dominated_volume(points), share, atol=4 * error)
    outside = np.concatenate([points, -points, points * 0.5])
    assert_allclose(dominated_volume(outside), dominated_volume(points))
    assert dominated_volume(-points) == 0.0
