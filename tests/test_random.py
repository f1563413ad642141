"""Keyed draws and drawing from a policy."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, chisquare, kstest, norm

from skbandit._random import (
    derived_seed,
    keyed_uniforms,
    more_uniforms,
    occurrences,
    uniforms,
)
from skbandit._sampling import draw_arms, order_by_score

# Seeds are fixed: a sound implementation meets each threshold but once in ten thousand seeds.
P_VALUE = 1e-4


def _rows(n_samples=500, n_features=6, seed=0):
    return np.random.RandomState(seed).standard_normal((n_samples, n_features))


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
    @pytest.mark.parametrize("learnt_weight", [0, 1, 2.5, 10**6])
    def test_uniform(self, seed, learnt_weight):
        draws = keyed_uniforms(_rows(20_000, 4), seed, learnt_weight)
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
        """Two seeds, or two totals of what was learnt, have nothing to do with each other."""
        X = _rows(20_000, 3)
        streams = [keyed_uniforms(X, seed, w) for seed in (0, 1) for w in (0, 1, 2, 0.5, 1e-6)]
        for one, other in itertools.combinations(streams, 2):
            correlation = np.corrcoef(one, other)[0, 1]
            assert abs(correlation) < norm.isf(P_VALUE / 2) / np.sqrt(len(X))

    def test_weights_that_differ_by_rounding_are_one(self):
        X = _rows(50)
        # One by one: newer releases of Python make up for the rounding of sum().
        total = float(np.cumsum(np.full(10, 0.1))[-1])
        assert total != 1.0
        np.testing.assert_array_equal(keyed_uniforms(X, 0, total), keyed_uniforms(X, 0, 1))
        np.testing.assert_array_equal(keyed_uniforms(X, 0, 0.1 + 0.2), keyed_uniforms(X, 0, 0.3))
        np.testing.assert_array_equal(keyed_uniforms(X, 0, 7), keyed_uniforms(X, 0, 7.0))
        assert (keyed_uniforms(X, 0, 0.3) != keyed_uniforms(X, 0, 0.31)).all()

    def test_pure_function_of_the_row(self):
        X = _rows()
        expected = keyed_uniforms(X, 3, 7)
        order = np.random.RandomState(1).permutation(len(X))
        np.testing.assert_array_equal(keyed_uniforms(X[order], 3, 7), expected[order])
        for row in (0, 17, 499):
            np.testing.assert_array_equal(
                keyed_uniforms(X[row : row + 1], 3, 7), expected[row : row + 1]
            )

    def test_one_row_draws_as_in_a_batch(self):
        """Single rows go through Python's integers."""
        X = _rows(50)
        for seed in (0, -1, 2**31):
            for weight in (0.0, 3.0, 2.5):
                batch = keyed_uniforms(X, seed, weight)
                single = [keyed_uniforms(X[row : row + 1], seed, weight)[0] for row in range(50)]
                np.testing.assert_array_equal(single, batch)

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


class TestDerivedSeed:
    def test_integers_are_functions_of_seed_and_path(self):
        seeds = [
            derived_seed(seed, *path)
            for seed in (0, 1, -1)
            for path in ((0, 0), (1, 0), (0, 1), (7, 1))
        ]
        assert len(set(seeds)) == len(seeds)
        assert all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds)
        assert derived_seed(5, 1, 2) == derived_seed(np.int64(5), 1, 2)
        # What the seed of a path is must not change from one release to the next.
        expected = np.random.SeedSequence([5, 1, 2]).generate_state(1)[0]
        assert derived_seed(5, 1, 2) == expected

    def test_a_stream_gives_one_draw(self):
        stream, twin = np.random.RandomState(3), np.random.RandomState(3)
        seeds = [derived_seed(stream, 1), derived_seed(stream, 1)]
        assert seeds[0] != seeds[1]
        assert seeds == [int(twin.randint(np.iinfo(np.int32).max)) for _ in range(2)]

    def test_none_is_fresh(self):
        np.random.seed(0)
        first = derived_seed(None)
        np.random.seed(0)
        assert len({first, derived_seed(None), derived_seed(None)}) == 3


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


class TestMoreUniforms:
    def test_the_first_is_that_of_the_arm(self):
        X = _rows()
        draws = more_uniforms(7, X, 3.0, 3)
        np.testing.assert_array_equal(draws[:, 0], uniforms(7, X, 3.0))
        np.testing.assert_array_equal(more_uniforms(7, X, 3.0, 2), draws[:, :2])
        # Each row alone has the same.
        one = np.concatenate([more_uniforms(7, row[None], 3.0, 3) for row in X[:20]])
        np.testing.assert_array_equal(one, draws[:20])

    @pytest.mark.parametrize("random_state", [0, None, np.random.RandomState(0)])
    def test_they_are_independent(self, random_state):
        draws = more_uniforms(random_state, _rows(20_000), 0.0, 3)
        for column in draws.T:
            assert kstest(column, "uniform").pvalue > P_VALUE
        for first, second in itertools.combinations(draws.T, 2):
            cells = np.histogram2d(first, second, bins=8, range=[[0, 1], [0, 1]])[0]
            assert chisquare(cells.ravel()).pvalue > P_VALUE
