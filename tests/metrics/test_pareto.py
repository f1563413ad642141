"""The Pareto front of known points."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbandit.metrics import hypervolume, pareto_front, pareto_regret

POINTS = np.array([[3.0, 1.0], [1.0, 3.0], [2.0, 2.0], [1.0, 1.0], [2.0, 2.0]])


def test_front():
    assert pareto_front(POINTS).tolist() == [True, True, True, False, True]
    assert pareto_front(POINTS, maximize=False).tolist() == [False, False, False, True, False]
    assert pareto_front(POINTS, maximize=[True, False]).tolist() == [True] + [False] * 4
    assert pareto_front(POINTS[:, :1]).tolist() == [True] + [False] * 4


def test_regret():
    arms = [0, 1, 2, 3, 4, 3]
    assert pareto_regret(POINTS, arms).tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    assert_allclose(pareto_regret(POINTS, [0, 3], maximize=False), [0.0, 0.0])
    # Of one arm another is better in both: minimised, that is turned round.
    assert_allclose(pareto_regret([[0.0, 0.5], [1.0, 2.0]], [1], maximize=False), [1.0])
    rows = np.stack([POINTS, -POINTS])
    assert_allclose(pareto_regret(rows, [3, 3]), [1.0, 0.0])
    # One objective: the regret that everybody knows.
    assert_allclose(pareto_regret(POINTS[:, :1], [1, 0]), [2.0, 0.0])


def test_hypervolume():
    assert hypervolume(POINTS, [0.0, 0.0]) == 6.0
    assert hypervolume(POINTS, [1.0, 1.0]) == 1.0
    assert hypervolume(-POINTS, [0.0, 0.0], maximize=False) == 6.0
    assert hypervolume(POINTS * [1.0, -1.0], [0.0, 0.0], maximize=[True, False]) == 6.0
    assert hypervolume(POINTS, [5.0, 5.0]) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto_front([1.0, 2.0]), "points must have shape"),
        (lambda: pareto_front(np.empty((0, 2))), "points must have shape"),
        (lambda: pareto_front([["a", "b"]]), "points must hold numbers"),
        (lambda: pareto_front([[np.nan, 1.0]]), "points contains NaN or infinity in 1 of 2"),
        (lambda: pareto_front(POINTS, maximize=[True]), "maximize must be True, False, or one"),
        (lambda: pareto_front(POINTS, maximize=[1, 0]), "maximize must be True, False, or one"),
        (lambda: pareto_regret(POINTS[0], [0]), "expected must have shape"),
        (lambda: pareto_regret(POINTS, [5]), "integers from 0 to 4"),
        (lambda: pareto_regret(POINTS, [-1]), "integers from 0 to 4"),
        (lambda: pareto_regret(POINTS, ["a"]), "turn labels into places"),
        (lambda: pareto_regret(POINTS[None], [0, 1]), "one entry for each row"),
        (lambda: hypervolume(POINTS, [0.0]), "one finite number for each of the 2"),
        (lambda: hypervolume(POINTS, [0.0, np.nan]), "one finite number for each of the 2"),
        (lambda: hypervolume(POINTS, "ab"), "reference must hold numbers"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arms_of_a_log_as_they_come():
    rng = np.random.RandomState(0)
    expected, arm = rng.standard_normal((20, 4, 2)), rng.randint(4, size=20)
    assert_array_equal(pareto_regret(expected.tolist(), arm.astype(np.int8)) >= 0.0, True)
