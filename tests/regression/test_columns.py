"""Columns that are replaced leave the array in which they were replaced."""

import copy
import pickle

import numpy as np
import pytest

from skbandit._regression._columns import _PAGE_BYTES, Columns


@pytest.mark.parametrize("shape", [(), (2, 1), (2, 3), (2, 50), (2, 400)])
@pytest.mark.parametrize("n_columns", [1, 7, 63, 64, 65, 5000])
def test_puts_and_takes_are_those_of_an_array(n_columns, shape):
    """Twenty random puts; every version that existed stays what it was."""
    rng = np.random.default_rng(0)
    expected, ours = [np.zeros((n_columns, *shape))], [Columns.zeros(n_columns, shape)]
    for step in range(20):
        size = (1, 3, 60, n_columns)[step % 4]
        columns = np.sort(rng.choice(n_columns, size=min(size, n_columns), replace=False))
        values = rng.normal(size=(len(columns), *shape))
        array = expected[-1].copy()
        array[columns] = values
        expected.append(array)
        ours.append(ours[-1].put(columns.astype(np.int32), values.copy()))
    for array, version in zip(expected, ours, strict=True):
        assert version.shape == array.shape
        assert len(version) == n_columns
        assert np.array_equal(version.whole(), array)
        for size in (0, 1, 5, n_columns):
            columns = rng.choice(n_columns, size=min(size, n_columns), replace=False)
            assert np.array_equal(version.take(columns), array[columns])


@pytest.mark.parametrize("n_columns", [1, 100, 1000])
def test_columns_of_an_array(n_columns):
    array = np.random.default_rng(0).normal(size=(n_columns, 2, 3))
    columns = Columns.of(array)
    assert np.array_equal(columns.whole(), array)
    for copied in (pickle.loads(pickle.dumps(columns)), copy.deepcopy(columns)):
        assert np.array_equal(copied.whole(), array)
        changed = copied.put(np.array([0]), np.ones((1, 2, 3)))
        assert np.array_equal(changed.whole()[1:], array[1:])
        assert np.array_equal(copied.whole(), array)


def test_taken_columns_are_ones_own():
    columns = Columns.of(np.ones((1000, 2, 3)))
    for taken in (columns.take(np.array([3, 4])), columns.take(np.arange(900)), columns.whole()):
        taken[:] = 7.0
    assert (columns.whole() == 1.0).all()


def test_a_put_copies_the_pages_of_its_columns_alone():
    """Of 100,000 columns five are replaced: all pages but five at most are shared."""
    old = Columns.zeros(100_000, (2, 4))
    old = old.put(np.arange(0, 100_000, 2), np.ones((50_000, 2, 4)))
    new = old.put(np.array([5, 6, 40_000, 70_000, 99_999]), np.ones((5, 2, 4)))
    before = [page for sheet in old._sheets for page in sheet]
    after = [page for sheet in new._sheets for page in sheet]
    assert sum(one is not other for one, other in zip(before, after, strict=True)) == 4
    assert max(page.nbytes for page in after) <= _PAGE_BYTES
