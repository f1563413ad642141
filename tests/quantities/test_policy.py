"""Policies over arms and quantities: densities, chances and draws."""

import numpy as np
import pytest
from scipy.stats import chisquare

from skbandit.quantities import QuantityPolicy

# A sound implementation fails once in ten thousand seeds.
P_VALUE = 1e-4
NAN = np.nan
TOP = np.array([[2.0, NAN], [1.0, 8.0], [NAN, NAN]])


def _policy(n_samples=1):
    """Boxes that overlap, that touch, and an arm without a quantity."""
    arm = [0, 0, 0, 1, 1, 2]
    weight = np.tile([0.1, 0.2, 0.1, 0.25, 0.15, 0.2], (n_samples, 1))
    low = [[0.0, NAN], [0.5, NAN], [1.0, NAN], [-1.0, 0.0], [0.0, 4.0], [NAN, NAN]]
    high = [[1.0, NAN], [1.5, NAN], [2.0, NAN], [1.0, 4.0], [0.5, 8.0], [NAN, NAN]]
    return QuantityPolicy(arm, weight, np.array(low), np.array(high), TOP)


def test_density_by_hand():
    at = [
        (0, [0.25, NAN], 0.1),
        (0, [0.75, NAN], 0.1 + 0.2),
        (0, [1.0, NAN], 0.2 + 0.1),  # the second of two boxes that touch
        (0, [1.5, NAN], 0.1),
        (0, [2.0, NAN], 0.1),  # the end of the arm's box is in it
        (1, [0.25, 2.0], 0.25 / 8),
        (1, [0.25, 6.0], 0.15 / 2),
        (1, [-0.5, 6.0], 0.0),
        (2, [NAN, NAN], 0.2),
    ]
    arm, quantity, expected = (np.array(list(one)) for one in zip(*at, strict=True))
    density = _policy(len(at)).density(arm, quantity)
    np.testing.assert_allclose(density, expected, rtol=1e-14)


def test_probability_and_density_integrate():
    policy = _policy()
    np.testing.assert_allclose(policy.probability(), [[0.4, 0.4, 0.2]], rtol=1e-14)
    # Midpoints of a grid that the ends of the boxes are on.
    grid = (np.arange(400) + 0.5) / 200
    points = np.column_stack([grid, np.full(400, NAN)])
    total = _policy(400).density(np.zeros(400, dtype=int), points).sum() / 200
    assert total == pytest.approx(0.4)
    first, second = np.meshgrid((np.arange(40) + 0.5) / 20 - 1, (np.arange(80) + 0.5) / 10)
    points = np.column_stack([first.ravel(), second.ravel()])
    total = _policy(3200).density(np.ones(3200, dtype=int), points).sum() / 200
    assert total == pytest.approx(0.4)


def test_chances_of_boxes():
    policy = _policy()
    chance = policy.chance(np.array([0]), np.array([[0.75, NAN]]), np.array([[1.25, NAN]]))
    assert chance[0] == pytest.approx(0.1 * 0.25 + 0.2 * 0.5 + 0.1 * 0.25)
    whole = policy.chance(np.array([1]), np.array([[-np.inf, NAN]]), np.array([[9.0, NAN]]))
    assert whole[0] == pytest.approx(0.4)
    none = policy.chance(np.array([1]), np.array([[2.0, 0.0]]), np.array([[3.0, 8.0]]))
    assert none[0] == 0.0


def test_draws_follow_the_chances():
    policy, n = _policy(40_000), 40_000
    arm, quantity = policy.draw(np.random.RandomState(0).uniform(size=(n, 3)))
    assert (np.isnan(quantity).sum(axis=1) == np.array([1, 0, 2])[arm]).all()
    assert (policy.density(arm, quantity) > 0).all()
    counts, expected = [np.sum(arm == 2)], [0.2 * n]
    for low in (0.0, 0.5, 1.0, 1.5):
        inside = (arm == 0) & (quantity[:, 0] >= low) & (quantity[:, 0] < low + 0.5)
        counts.append(inside.sum())
        ends = np.array([[low, NAN]]), np.array([[low + 0.5, NAN]])
        expected.append(n * _policy().chance(np.array([0]), *ends)[0])
    for low in (0.0, 4.0):
        counts.append(((arm == 1) & (quantity[:, 1] >= low) & (quantity[:, 1] < low + 4)).sum())
        ends = np.array([[-1.0, low]]), np.array([[1.0, low + 4]])
        expected.append(n * _policy().chance(np.array([1]), *ends)[0])
    assert chisquare(counts, expected).pvalue > P_VALUE


def test_a_draw_does_not_reach_the_next_box():
    low, high = np.array([[1.0]]), np.array([[np.nextafter(1.0, 2.0)]])
    policy = QuantityPolicy([0], np.ones((1, 1)), low, high, np.array([[2.0]]))
    _, quantity = policy.draw(np.array([[0.5, np.nextafter(1.0, 0.0)]]))
    assert quantity[0, 0] == 1.0
