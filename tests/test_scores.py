"""Masks, numbers of arms and ties, which all policies check and measure alike."""

import numpy as np
import pytest

from skbandit._scores import checked_k, masked_scores, tie_width, width_of_range


def test_what_is_masked_is_never_best():
    scores, mask = masked_scores([[1, 2], [3, 4]], [[1, 0], [1, 1]])
    np.testing.assert_array_equal(scores, [[1.0, -np.inf], [3.0, 4.0]])
    assert mask.dtype == bool
    scores, mask = masked_scores([[1, 2]], None)
    assert scores.dtype == np.float64
    assert mask is None
    with pytest.raises(ValueError, match="row 1 has no arm"):
        masked_scores([[1, 2], [3, 4]], [[1, 0], [0, 0]])


def test_number_of_arms():
    mask = np.array([[True, True, True], [True, False, True]])
    assert checked_k(3, 3, None) == 3
    assert checked_k(2, 3, mask) == 2
    # Where there are no rows, none has too few.
    assert checked_k(3, 3, mask[:0]) == 3
    for k, available, message in (
        (0, None, "a row has 3"),
        (4, None, "a row has 3"),
        (3, mask, "row 1 has 2"),
        (4, mask[:0], "a row has 3"),
    ):
        with pytest.raises(ValueError, match=f"k={k}, but {message}"):
            checked_k(k, 3, available)


def test_width_of_ties():
    scores = np.array([[0.0, 2.0, -1.0], [1e6, 1e6 + 1.0, 1e6]])
    expected = [[1e-10 * 3.0 + 1e-12 * 2.0], [1e-10 + 1e-12 * (1e6 + 1.0)]]
    np.testing.assert_allclose(tie_width(scores), expected, rtol=1e-12)
    np.testing.assert_array_equal(width_of_range(scores[:, 2:], scores[:, 1:2]), expected)
    # Scores that are not finite have no part in it.
    more = np.column_stack([scores, [np.inf, -np.inf]])
    np.testing.assert_array_equal(tie_width(more), tie_width(scores))
    np.testing.assert_array_equal(tie_width(np.array([[-np.inf, np.inf]])), [[0.0]])
