"""Shares of what known arms have, in the start of new ones."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skbandit._shares import blended, known_places, left_over, teachers

SHARES = np.array([[0.5, 0.0, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


def test_sums_by_hand():
    known = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert_allclose(blended(known, SHARES), [[1.75, 2.5], [3.0, 4.0], [0.0, 0.0]])
    assert_allclose(blended(list(known), SHARES), blended(known, SHARES))
    prior = np.array([[4.0, 8.0], [np.nan, np.nan], [7.0, 9.0]])
    assert_allclose(blended(known, SHARES, prior), [[2.75, 4.5], [3.0, 4.0], [7.0, 9.0]])


def test_what_has_no_share_is_not_read():
    known = np.array([1.0, np.inf, np.nan])
    assert_array_equal(blended(known, np.array([[0.5, 0.0, 0.0]])), [0.5])


def test_what_is_left():
    assert_allclose(left_over(SHARES), [0.25, 0.0, 1.0])
    # Sums of one up to rounding.
    assert_array_equal(left_over(np.array([[0.1] * 10, [1 / 49] * 10])) == 0.0, [True, False])
    assert left_over(np.array([[0.5, 0.5 + 1e-12]]))[0] == 0.0


def test_a_teacher_is_known_as_a_whole():
    assert_array_equal(teachers(SHARES), [-1, 1, -1])
    assert_array_equal(teachers(np.array([[0.5, 0.0], [0.5, 0.5]])), [-1, -1])


def test_known_arms_are_found_where_they_stand_now():
    source = np.array([2, -1, 0, -1, 1, -1])
    assert_array_equal(known_places(source, SHARES), [2, 4, 0])
