"""Which arms take quantities, and from where to where."""

import numpy as np
import pytest

from skbandit.quantities._boxes import check_in_boxes, find_boxes, scaled, unscaled

ARMS = np.array(["a", "b", "c"])
BOXES = {"a": (0.0, 2.0), "b": [(-1.0, 1.0), (0.0, 8.0)]}


def test_boxes_of_all_arms():
    boxes = find_boxes(BOXES, ARMS)
    nan = np.nan
    np.testing.assert_array_equal(boxes.low, [[0.0, nan], [-1.0, 0.0], [nan, nan]])
    np.testing.assert_array_equal(boxes.high, [[2.0, nan], [1.0, 8.0], [nan, nan]])
    assert boxes.n_quantities == 2
    assert boxes.taken.sum(axis=1).tolist() == [1, 2, 0]
    assert find_boxes(None, ARMS).low.shape == find_boxes({}, ARMS).low.shape == (3, 0)


def test_a_box_alone_is_for_the_one_arm():
    boxes = find_boxes([(0.0, 1.0), (2.0, 3.0)], np.array(["dose"]))
    np.testing.assert_array_equal(boxes.low, [[0.0, 2.0]])
    with pytest.raises(ValueError, match=r"quantities=\(0.0, 1.0\) is a box without an arm"):
        find_boxes((0.0, 1.0), ARMS)


@pytest.mark.parametrize(
    ("quantities", "message"),
    [
        ({"d": (0, 1)}, r"quantities names the arms \['d'\], which are not known"),
        ({"a": (1, 1)}, "must have a finite low below a finite high"),
        ({"a": (2, 1)}, "must have a finite low below a finite high"),
        ({"a": (0, np.inf)}, "must have a finite low below a finite high"),
        ({"a": [(0, 1), (1, 0)]}, "must have a finite low below a finite high"),
        ({"a": (0, 1, 2)}, r"must be a pair \(low, high\) or a list of such pairs"),
        ({"a": []}, r"must be a pair \(low, high\) or a list of such pairs"),
        ({"a": "wide"}, r"must be a pair \(low, high\) or a list of such pairs"),
    ],
)
def test_boxes_that_are_none(quantities, message):
    with pytest.raises(ValueError, match=message):
        find_boxes(quantities, ARMS)


@pytest.mark.parametrize(
    ("quantity", "arm", "message"),
    [
        ([[2.1, np.nan]], 0, r"2.1 in row 0 is outside \[0, 2\] of the arm 'a'"),
        ([[0.5, -0.1]], 1, r"-0.1 in row 0 is outside \[0, 8\] of the arm 'b'"),
        ([[np.nan, np.nan]], 0, "quantity is NaN in column 0 of row 0"),
        ([[0.5, np.nan]], 1, "quantity is NaN in column 1 of row 0"),
        ([[0.5, 0.5]], 0, "quantity is a number in column 1 of row 0"),
        ([[0.5, np.nan]], 2, "the arm 'c' takes none there: pass NaN"),
        ([[0.5]], 0, "quantity has 1 columns, but arms take 2 numbers at most"),
    ],
)
def test_quantities_that_do_not_fit(quantity, arm, message):
    with pytest.raises(ValueError, match=message):
        check_in_boxes(np.array(quantity), np.array([arm]), find_boxes(BOXES, ARMS), ARMS)


def test_rounding_is_put_back():
    boxes, arm = find_boxes({"a": (0.0, 0.1)}, ARMS[:1]), np.zeros(2, dtype=int)
    rounded = np.float64(np.float32(0.1))
    assert rounded > 0.1
    checked = check_in_boxes(np.array([[rounded], [0.05]]), arm, boxes, ARMS)
    assert checked.tolist() == [[0.1], [0.05]]


def test_scaling_there_and_back():
    boxes, arm = find_boxes(BOXES, ARMS), np.array([0, 1, 2])
    part = np.array([[0.25, np.nan], [0.0, 1.0], [np.nan, np.nan]])
    quantity = unscaled(part, arm, boxes)
    np.testing.assert_array_equal(quantity, [[0.5, np.nan], [-1.0, 8.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(scaled(quantity, arm, boxes), part)
