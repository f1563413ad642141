"""Keyed draws and drawing from a policy."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binom, chisquare, kstest, norm

from skbandit._random import keyed_uniforms, occurrences, row_keys, uniforms
from skbandit._sampling import draw_arms, order_by_score

# Seeds are fixed: a sound implementation meets each threshold but once in ten thousand seeds.
P_VALUE = 1e-4


def _rows(n_samples=500, n_features=6, seed=0):
    return np.random.RandomState(seed).standard_normal((n_samples, n_features))


class TestRowKeys:
    def test_zeros_add_nothing(self):
        X = _rows()
        padded = np.pad(X, [(0, 0), (0, 5)])
        np.testing.assert_array_equal(row_keys(padded), row_keys(X))
        np.testing.assert_array_equal(row_keys(np.zeros((3, 4))), np.zeros(3, dtype=np.uint64))

    @pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
    def test_csr_is_dense(self, kind):
        X = _rows()
        X[np.random.RandomState(1).random_sample(X.shape) < 0.6] = 0.0
        X[7] = 0.0
        np.testing.assert_array_equal(row_keys(kind(X)), row_keys(X))

    def test_csr_with_stored_zeros_and_unsorted_columns(self):
        X = np.array([[0.0, 2.0, 3.0], [1.0, 0.0, 0.0]])
        stored = sparse.csr_array(
            (np.array([3.0, 0.0, 2.0, 1.0]), np.array([2, 0, 1, 0]), np.array([0, 3, 4])),
            shape=(2, 3),
        )
        np.testing.assert_array_equal(row_keys(stored), row_keys(X))

    def test_negative_zero_is_zero(self):
        np.testing.assert_array_equal(
            row_keys(np.array([[-0.0, 1.0]])), row_keys([[0.0, 1.0]] @ np.eye(2))
        )

    def test_type_and_layout_do_not_matter(self):
        X = np.round(16 * _rows())
        expected = row_keys(X)
        for other in (
            X.astype(np.float32),
            X.astype(np.int64),
            np.asfortranarray(X),
            np.repeat(X, 2, axis=1)[:, ::2],
        ):
            np.testing.assert_array_equal(row_keys(other), expected)

    def test_input_is_left_alone(self):
        X = _rows()
        before = X.copy()
        row_keys(X)
        np.testing.assert_array_equal(X, before)

    def test_order_and_cuts_do_not_matter(self):
        X = _rows(70_000, 3)  # more than a block of rows
        keys = row_keys(X)
        order = np.random.RandomState(2).permutation(len(X))
        np.testing.assert_array_equal(row_keys(X[order]), keys[order])
        np.testing.assert_array_equal(row_keys(X[12_345:12_346]), keys[12_345:12_346])

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
        np.testing.assert_array_equal(row_keys(padded), row_keys(X))


class TestOccurrences:
    def test_distinct_keys_need_none(self):
        assert occurrences(np.array([3, 1, 2], dtype=np.uint64)) is None
        assert occurrences(np.array([3], dtype=np.uint64)) is None
        assert occurrences(np.array([], dtype=np.uint64)) is None

    def test_against_counting(self):
        keys = np.random.RandomState(0).randint(20, size=300).astype(np.uint64)
        seen, expected = {}, []
        for key in keys.tolist():
            expected.append(seen.get(key, 0))
            seen[key] = expected[-1] + 1
        np.testing.assert_array_equal(occurrences(keys), expected)


class TestKeyedUniforms:
    @pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1])
    @pytest.mark.parametrize("n_learning_calls", [0, 1, 10**6])
    def test_uniform(self, seed, n_learning_calls):
        draws = keyed_uniforms(_rows(20_000, 4), seed, n_learning_calls)
        assert (draws >= 0).all()
        assert (draws < 1).all()
        assert kstest(draws, "uniform").pvalue > P_VALUE

    @pytest.mark.parametrize(
        "X",
        [
            np.arange(20_000.0)[:, None],
            np.array(list(itertools.product(range(12), repeat=4)), dtype=float),
            np.eye(4000),
            np.zeros((20_000, 3)),
        ],
        ids=["counter", "grid", "one hot", "equal rows"],
    )
    def test_uniform_on_regular_rows(self, X):
        for seed in (0, 1, 2):
            assert kstest(keyed_uniforms(X, seed, 0), "uniform").pvalue > P_VALUE

    @pytest.mark.parametrize("X", [np.zeros((20_000, 2)), np.arange(20_000.0)[:, None]])
    def test_neighbours_are_independent(self, X):
        """Pairs of neighbours fill the unit square evenly."""
        for seed in (0, 1, 2):
            pairs = keyed_uniforms(X, seed, 0).reshape(-1, 2)
            counts = np.histogram2d(*pairs.T, bins=10, range=[[0, 1]] * 2)[0]
            assert chisquare(counts.ravel()).pvalue > P_VALUE

    def test_streams_are_independent(self):
        """Two seeds, or two counts of learning calls, have nothing to do with each other."""
        X = _rows(20_000, 3)
        streams = [keyed_uniforms(X, seed, calls) for seed in (0, 1) for calls in (0, 1, 2)]
        for one, other in itertools.combinations(streams, 2):
            correlation = np.corrcoef(one, other)[0, 1]
            assert abs(correlation) < norm.isf(P_VALUE / 2) / np.sqrt(len(X))

    def test_pure_function_of_the_row(self):
        X = _rows()
        expected = keyed_uniforms(X, 3, 7)
        order = np.random.RandomState(1).permutation(len(X))
        np.testing.assert_array_equal(keyed_uniforms(X[order], 3, 7), expected[order])
        for row in (0, 17, 499):
            np.testing.assert_array_equal(
                keyed_uniforms(X[row : row + 1], 3, 7), expected[row : row + 1]
            )

    def test_equal_rows_draw_anew_in_their_order(self):
        X = _rows(5)
        twice = np.concatenate([X, X])
        draws = keyed_uniforms(twice, 0, 0)
        np.testing.assert_array_equal(draws[:5], keyed_uniforms(X, 0, 0))
        assert (draws[5:] != draws[:5]).all()


class TestUniforms:
    def test_no_seed_is_fresh(self):
        X = _rows(10)
        assert (uniforms(None, X, 0) != uniforms(None, X, 0)).all()

    def test_random_state_advances(self):
        X = _rows(10)
        stream = np.random.RandomState(4)
        drawn = np.concatenate([uniforms(stream, X, 0), uniforms(stream, X, 0)])
        np.testing.assert_array_equal(drawn, np.random.RandomState(4).random_sample(20))

    @pytest.mark.parametrize("seed", [3, np.int64(3), np.uint8(3)])
    def test_integers_are_keys(self, seed):
        X = _rows(10)
        np.testing.assert_array_equal(uniforms(seed, X, 2), keyed_uniforms(X, 3, 2))


def _policies(n_policies, n_arms, n_selected, seed=0):
    """Random inclusion probabilities with zeros and ones among them; rows sum to n_selected."""
    rng = np.random.RandomState(seed)
    found = []
    while len(found) < n_policies:
        policy = rng.exponential(size=n_arms) * (rng.random_sample(n_arms) < 0.8)
        for _ in range(n_arms):
            over = policy >= 1.0 - 1e-12
            rest = policy[~over].sum()
            if rest == 0:
                break
            policy[~over] *= (n_selected - over.sum()) / rest
            policy = np.minimum(policy, 1.0)
        if (policy >= 0).all() and abs(policy.sum() - n_selected) < 1e-9:
            found.append(policy)
    return np.array(found)


class TestDrawArms:
    @pytest.mark.parametrize("n_selected", [1, 2, 3])
    def test_inclusion_frequencies(self, n_selected):
        """Over an even grid of uniforms the frequencies are the probabilities, to its spacing."""
        n_draws = 100_000
        grid = (np.arange(n_draws) + 0.5) / n_draws
        for policy in _policies(10, 6, n_selected):
            index = draw_arms(np.broadcast_to(policy, (n_draws, 6)), grid, n_selected)
            counts = np.bincount(index.ravel(), minlength=6)
            np.testing.assert_allclose(counts / n_draws, policy, atol=1.5 * n_selected / n_draws)

    @pytest.mark.parametrize("n_selected", [1, 2, 3])
    def test_random_frequencies(self, n_selected):
        n_draws = 20_000
        uniform = np.random.RandomState(3).random_sample(n_draws)
        policies = _policies(5, 6, n_selected)
        for policy in policies:
            index = draw_arms(np.broadcast_to(policy, (n_draws, 6)), uniform, n_selected)
            counts = np.bincount(index.ravel(), minlength=6)
            tail = binom.cdf(counts, n_draws, policy), binom.sf(counts - 1, n_draws, policy)
            assert (np.minimum(*tail) > P_VALUE / (2 * 6 * len(policies))).all()

    @pytest.mark.parametrize("n_selected", [1, 2, 3])
    def test_distinct_and_never_impossible(self, n_selected):
        """Not even where the uniform number falls on the edge between two arms."""
        for policy in _policies(200, 7, n_selected, seed=5):
            edges = np.cumsum(policy) % 1.0
            uniform = np.concatenate(
                [edges, np.nextafter(edges, 0), np.nextafter(edges, 1), [0.0, 1.0 - 2.0**-53]]
            )
            # Uniform numbers are multiples of 2**-53.
            uniform = np.floor(uniform * 2.0**53) * 2.0**-53
            uniform = np.unique(uniform[(uniform >= 0) & (uniform < 1)])
            index = draw_arms(np.tile(policy, (len(uniform), 1)), uniform, n_selected)
            assert index.shape == (len(uniform), n_selected)
            assert (policy[index] > 0).all()
            ordered = np.sort(index, axis=1)
            assert (ordered[:, 1:] > ordered[:, :-1]).all()

    def test_one_arm_is_inversion(self):
        policy = np.array([[0.0, 0.25, 0.5, 0.0, 0.25, 0.0]])
        uniform = np.array([0.0, 0.2, 0.3, 0.7, 0.75, 0.999])
        index = draw_arms(np.repeat(policy, 6, axis=0), uniform)
        np.testing.assert_array_equal(index[:, 0], [1, 1, 2, 2, 4, 4])

    def test_rounded_sums(self):
        """Rows need not add up to 1 in the last digit."""
        policy = np.full((4, 10), 0.1) * (1 - 1e-12)
        uniform = np.array([0.0, 0.05, 0.5, 1 - 2.0**-53])
        assert draw_arms(policy, uniform)[-1, 0] == 9

    def test_certain_sets(self):
        policy = np.array([[1.0, 0.0, 1.0, 1.0, 0.0]])
        for uniform in (0.0, 0.3, 1 - 2.0**-53):
            index = draw_arms(policy, np.array([uniform]), 3)
            assert set(index[0]) == {0, 2, 3}


def test_order_by_score():
    index = np.array([[0, 2], [1, 0], [2, 1]])
    score = np.array([[1.0, 9.0, 2.0], [1.0, 2.0, 9.0], [0.0, 5.0, 5.0]])
    np.testing.assert_array_equal(order_by_score(index, score), [[2, 0], [1, 0], [2, 1]])
