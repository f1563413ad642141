"""The parameter that names categorical columns."""

import numpy as np
import pytest

from skbandit.variational._categories import (
    check_same_categories,
    moved_keys,
    n_categories_of,
)

NAMES = np.array(["age", "city", "plan"], dtype=object)


def test_columns_by_name_and_position():
    assert n_categories_of(None, None, 2).tolist() == [0, 0]
    assert n_categories_of({"city": 4, 2: 2}, NAMES, 3).tolist() == [0, 4, 2]


@pytest.mark.parametrize("parameter", [{"town": 2}, {3: 2}, {-1: 2}, {0: True}, {0: 0}, {0: 2.0}])
def test_columns_that_are_not_there_and_counts_that_are_none(parameter):
    with pytest.raises(ValueError, match="categorical_features"):
        n_categories_of(parameter, NAMES, 3)


def test_positions_follow_their_columns_and_names_stay():
    parameter = {"city": 4, 2: 3, 0: 2}
    assert moved_keys(parameter, NAMES, 3, np.array([1, 2])) == {"city": 4, 1: 3}
    assert moved_keys(parameter, NAMES, 3, np.array([0, 2])) == {0: 2, 1: 3}
    assert moved_keys(None, NAMES, 3, np.array([0])) is None


def test_categories_may_be_added_and_columns_keep_their_kind():
    old = np.array([0, 3])
    check_same_categories(old, np.array([5, 0, 7]), np.array([1, 0, -1]))
    with pytest.raises(ValueError, match="3 categories in source and 2 in template"):
        check_same_categories(old, np.array([2, 0]), np.array([1, 0]))
    with pytest.raises(ValueError, match=r"column 1 is categorical in source.*is numeric"):
        check_same_categories(old, np.array([0, 0]), np.array([0, 1]))
