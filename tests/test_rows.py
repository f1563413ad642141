"""Rows of any kind: counted, taken, joined, hashed; by position, never by label."""

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skbandit._random import keyed_uniforms
from skbandit._rows import with_one_nan
from skbandit.utils.rows import join_rows, n_rows, row_keys, take_rows

polars = pytest.importorskip("polars", reason="polars is not installed")


def _rows(n_samples=500, n_features=6, seed=0):
    return np.random.RandomState(seed).standard_normal((n_samples, n_features))


def _mixed(n_samples=40, seed=0):
    """A pandas frame of texts, categories, numbers and times, some of them missing."""
    rng = np.random.RandomState(seed)
    missing = lambda values: np.where(rng.rand(n_samples) < 0.2, None, values)  # noqa: E731
    return pd.DataFrame(
        {
            "city": missing(rng.choice(["rome", "oslo"], n_samples)),
            "device": pd.Categorical(missing(rng.choice(["phone", "desk"], n_samples))),
            "age": np.where(rng.rand(n_samples) < 0.2, np.nan, rng.randint(9, size=n_samples)),
            "count": pd.array(missing(rng.randint(5, size=n_samples)), dtype="Int64"),
            "when": pd.to_datetime("2026-01-01") + pd.to_timedelta(rng.rand(n_samples), "D"),
        },
        index=rng.permutation(n_samples),
    )


KINDS = {
    "array": _rows(40),
    "one axis": _rows(40)[:, 0],
    "three axes": _rows(40).reshape(40, 2, 3),
    "objects": _mixed().to_numpy(dtype=object),
    "texts": np.array([f"text {row % 7}" for row in range(40)]),
    "times": np.datetime64("2026-01-01") + np.arange(40),
    "csr": sparse.csr_array(_rows(40) * (_rows(40, seed=1) > 0)),
    "csc": sparse.csc_array(_rows(40) * (_rows(40, seed=1) > 0)),
    "pandas": _mixed(),
    "Arrow": _mixed().convert_dtypes(dtype_backend="pyarrow"),
    "equal labels": _mixed().set_axis(np.zeros(40), axis=0),
    "series": _mixed()["city"],
    "polars": polars.from_pandas(_mixed().reset_index(drop=True)),
    "polars series": polars.Series(["a", None] * 20),
    "list of texts": [f"text {row % 7}" for row in range(40)],
    "list of lists": [["a", row % 3] for row in range(40)],
}
GOLDEN_TEXTS = [12273853483623072151, 6566985159231507446]
GOLDEN_NUMBERS = [3758577080966494059, 4544384637156393103]
ANY = pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)


def _as_lists(X):
    """The entries of rows, to be compared whatever the kind."""
    if sparse.issparse(X):
        return X.toarray().tolist()
    if isinstance(X, pd.DataFrame):
        return [list(map(str, row)) for row in X.itertuples(index=False)]
    if isinstance(X, polars.DataFrame):
        return [list(map(str, row)) for row in X.iter_rows()]
    return [str(row) for row in list(X)]


class TestTakenAndJoined:
    @ANY
    def test_counted(self, X):
        assert n_rows(X) == 40

    @ANY
    @pytest.mark.parametrize(
        "rows",
        [
            slice(3, 17),
            slice(0, 0),
            np.array([5, 0, 5, 39]),
            np.arange(40) % 3 == 1,
            np.arange(40)[::-1],
            [2, 1],
        ],
        ids=["slice", "none", "positions", "mask", "backwards", "list"],
    )
    def test_taken_by_position(self, X, rows):
        part = take_rows(X, rows)
        everything = _as_lists(X)
        place = np.arange(40)[rows]
        assert _as_lists(part) == [everything[row] for row in place]
        if not sparse.issparse(X):
            assert type(part) is type(X)

    @ANY
    def test_joined(self, X):
        parts = [take_rows(X, slice(0, 7)), take_rows(X, slice(7, 8)), take_rows(X, slice(8, 40))]
        whole = join_rows(parts)
        assert n_rows(whole) == 40
        assert _as_lists(whole) == _as_lists(X)
        assert_array_equal(row_keys(whole), row_keys(X))

    def test_joined_has_memory_of_its_own(self):
        X = _rows(5)
        joined = join_rows([X])
        assert_array_equal(joined, X)
        assert not np.shares_memory(joined, X)
        texts = ["a", "b"]
        assert join_rows([texts]) == texts
        assert join_rows([texts]) is not texts

    def test_categories_are_united(self):
        first = pd.DataFrame({"a": pd.Categorical(["x", "y"])}, index=[7, 7])
        other = pd.DataFrame({"a": pd.Categorical(["z", None])}, index=[7, 0])
        joined = join_rows([first, other])
        assert joined["a"].tolist()[:3] == ["x", "y", "z"]
        assert isinstance(joined["a"].dtype, pd.CategoricalDtype)
        assert joined.index.tolist() == [0, 1, 2, 3]

    def test_integers_meet_floats(self):
        for library in (pd, polars):
            joined = join_rows([library.DataFrame({"a": [1]}), library.DataFrame({"a": [0.5]})])
            assert list(joined["a"]) == [1.0, 0.5]

    @pytest.mark.parametrize("X", [3, 2.5, None])
    def test_what_holds_no_rows(self, X):
        with pytest.raises(ValueError, match="Reshape"):
            n_rows(X)


class TestKeysOfAnyRows:
    @ANY
    def test_order_and_cuts_do_not_matter(self, X):
        keys = row_keys(X)
        assert keys.dtype == np.uint64
        assert keys.shape == (40,)
        order = np.random.RandomState(2).permutation(40)
        assert_array_equal(row_keys(take_rows(X, order)), keys[order])
        for row in range(40):
            assert row_keys(take_rows(X, slice(row, row + 1)))[0] == keys[row]

    @ANY
    def test_keyed_draws(self, X):
        order = np.random.RandomState(2).permutation(40)
        _, first = np.unique(row_keys(X), return_index=True)
        distinct = take_rows(X, np.sort(first))
        draws = keyed_uniforms(distinct, 0, 1.0)
        order = np.random.RandomState(2).permutation(len(draws))
        assert_array_equal(keyed_uniforms(take_rows(distinct, order), 0, 1.0), draws[order])
        assert len(np.unique(draws)) == len(draws)

    @ANY
    def test_equal_rows_have_equal_keys_and_others_have_not(self, X):
        rows = [str(row) for row in _as_lists(X)]
        keys = row_keys(X).tolist()
        assert len(set(rows)) == len(set(keys))
        assert len(set(zip(rows, keys, strict=True))) == len(set(keys))

    def test_frames_of_numbers_are_arrays_of_numbers(self):
        X = np.round(_rows(30, 3))
        X[3, 1] = np.nan
        expected = row_keys(X)
        frame = pd.DataFrame(X, columns=list("abc"))
        for other in (
            frame,
            frame.convert_dtypes(),
            frame.convert_dtypes(dtype_backend="pyarrow"),
            polars.DataFrame({name: X[:, place] for place, name in enumerate("abc")}),
            X.astype(object),
        ):
            assert_array_equal(row_keys(other), expected)

    def test_texts_are_texts_however_they_come(self):
        texts = ["a", "b", None, "a"]
        expected = row_keys(texts)
        series = pd.Series(texts)
        for other in (
            np.array(texts, dtype=object),
            series,
            series.astype("string"),
            series.astype("category"),
            series.astype("string[pyarrow]"),
            polars.Series(texts),
            polars.Series(texts, dtype=polars.Categorical),
            series.to_frame(),
        ):
            assert_array_equal(row_keys(other), expected)
        assert expected[0] == expected[3]
        assert len(set(expected.tolist())) == 3

    def test_an_entry_has_its_key_whatever_stands_beside_it(self):
        """A number beside a text, a missing text among missing ones."""
        column = np.array([1, "a", None, 2.5], dtype=object)
        keys = row_keys(column)
        for row in range(4):
            assert row_keys(column[row : row + 1])[0] == keys[row]
        assert row_keys([1])[0] == row_keys(np.array([[1.0]]))[0]

    def test_there_is_one_nan(self):
        """Of the many bit patterns that are not a number, contexts and columns know one."""
        other = np.array([[0x7FF8000000000001]], dtype=np.uint64).view(np.float64)
        expected = row_keys(np.array([[np.nan]]))
        assert_array_equal(row_keys(with_one_nan(other)), expected)
        assert_array_equal(row_keys(pd.DataFrame(other)), expected)
        assert expected[0] != row_keys(np.array([[0.0]]))[0]

    def test_keys_are_the_same_in_another_release(self):
        """Hashes of texts must not depend on the process or the version."""
        assert row_keys(["a", "b"]).tolist() == GOLDEN_TEXTS
        assert row_keys(np.array([[1.0, 2.0], [0.5, -3.0]])).tolist() == GOLDEN_NUMBERS


class TestRowKeys:
    def test_zeros_add_nothing(self):
        X = _rows()
        padded = np.pad(X, [(0, 0), (0, 5)])
        assert_array_equal(row_keys(padded), row_keys(X))
        assert_array_equal(row_keys(np.zeros((3, 4))), np.zeros(3, dtype=np.uint64))

    @pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
    def test_csr_is_dense(self, kind):
        X = _rows()
        X[np.random.RandomState(1).random_sample(X.shape) < 0.6] = 0.0
        X[7] = 0.0
        assert_array_equal(row_keys(kind(X)), row_keys(X))

    def test_csr_with_stored_zeros_and_unsorted_columns(self):
        X = np.array([[0.0, 2.0, 3.0], [1.0, 0.0, 0.0]])
        stored = sparse.csr_array(
            (np.array([3.0, 0.0, 2.0, 1.0]), np.array([2, 0, 1, 0]), np.array([0, 3, 4])),
            shape=(2, 3),
        )
        assert_array_equal(row_keys(stored), row_keys(X))

    def test_negative_zero_is_zero(self):
        assert_array_equal(row_keys(np.array([[-0.0, 1.0]])), row_keys([[0.0, 1.0]] @ np.eye(2)))

    def test_type_and_layout_do_not_matter(self):
        X = np.round(16 * _rows())
        expected = row_keys(X)
        for other in (
            X.astype(np.float32),
            X.astype(np.int64),
            np.asfortranarray(X),
            np.repeat(X, 2, axis=1)[:, ::2],
        ):
            assert_array_equal(row_keys(other), expected)

    def test_input_is_left_alone(self):
        X = _rows()
        before = X.copy()
        row_keys(X)
        assert_array_equal(X, before)

    def test_order_and_cuts_do_not_matter(self):
        X = _rows(70_000, 3)  # more than a block of rows
        keys = row_keys(X)
        order = np.random.RandomState(2).permutation(len(X))
        assert_array_equal(row_keys(X[order]), keys[order])
        assert_array_equal(row_keys(X[12_345:12_346]), keys[12_345:12_346])

    @pytest.mark.parametrize("scale", [1.0, 0.5, 0.1, 1e6, 1e-300])
    def test_no_collisions_on_a_grid(self, scale):
        """Small integers and their multiples are what real contexts are made of."""
        axis = scale * np.arange(-5, 6)
        grid = np.array(list(itertools.product(axis, repeat=5)))
        assert len(np.unique(row_keys(grid))) == len(grid)

    def test_no_collisions_between_one_hot_rows(self):
        keys = row_keys(np.eye(3000))
        assert len(np.unique(keys)) == 3000

    def test_columns_are_told_apart(self):
        X = _rows()
        assert (row_keys(X[:, ::-1]) != row_keys(X)).all()

    def test_three_axes_belong_to_the_row(self):
        X = _rows(40, 12).reshape(40, 4, 3)
        keys = row_keys(X)
        assert len(np.unique(keys)) == 40
        assert (row_keys(X[:, ::-1]) != keys).all()

    def test_three_axes_padded_with_features_that_are_zero(self):
        """Expanding the features of candidates must not change the draws."""
        X = _rows(40, 12).reshape(40, 4, 3)
        padded = np.pad(X, [(0, 0), (0, 0), (0, 2)])
        assert_array_equal(row_keys(padded), row_keys(X))
