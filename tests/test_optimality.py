import re
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import ndtr

from skbandit._optimality import (
    argmax_policy,
    best_probability,
    top_policy,
    top_probability,
)

# A normal deviate beyond 5 standard errors has a chance of 6e-7. Nearly all comparisons below with
# a simulation look at fewer than 1,000 of them, so each fails by bad luck in one seed of 2,000 at
# most; the seeds are fixed.
N_SE = 5


def winning_density(t, a, mean, std):
    """Density of arm a at t, times the chance that all others are below."""
    z = (t - mean) / std
    density = np.exp(-(z[a] ** 2) / 2) / np.sqrt(2 * np.pi) / std[a]
    return density * np.prod(np.delete(ndtr(z), a))


def quad_best_probability(mean, std, arms):
    """The chances, by adaptive integration between breakpoints around the arms."""
    chances = []
    for a in arms:
        edges = np.linspace(-8, 8, 17) * std[a] + mean[a]
        if len(mean) <= 50:
            others = (mean[:, None] + std[:, None] * [-6, -2, 0, 2, 6]).ravel()
            inside = (others > edges[0]) & (others < edges[-1])
            edges = np.unique(np.concatenate([edges, others[inside]]))
        chances.append(
            sum(
                quad(winning_density, left, right, (a, mean, std), epsabs=1e-11, limit=200)[0]
                for left, right in pairwise(edges)
            )
        )
    return np.array(chances)


def quad_best_above(floor, mean, std):
    """The chances to be the best and above a number, by adaptive integration."""
    chances = []
    for a in range(len(mean)):
        edges = (mean[:, None] + std[:, None] * np.linspace(-8, 8, 17)).ravel()
        inside = (edges > floor) & (np.abs(edges - mean[a]) <= 8 * std[a])
        edges = np.unique(np.append(edges[inside], floor))
        parts = (
            quad(winning_density, left, right, (a, mean, std), epsabs=1e-11, limit=200)[0]
            for left, right in pairwise(edges)
        )
        chances.append(sum(parts))
    return np.array(chances)


def make_scores(n_rows, n_arms, ratio, spread, seed):
    """Widths that differ by a factor of `ratio` (log-uniform), means of their order."""
    rng = np.random.default_rng(seed)
    std = np.exp(rng.uniform(-0.5, 0.5, (n_rows, n_arms)) * np.log(ratio))
    mean = rng.normal(size=(n_rows, n_arms)) * spread * std
    return mean, std


class TestArgmaxPolicy:
    def test_ties_share_evenly(self):
        p = argmax_policy([[1, 2, 2], [0, 0, 0], [3, 1, 2]])
        np.testing.assert_array_equal(p, [[0, 0.5, 0.5], [1 / 3] * 3, [1, 0, 0]])
        assert p.dtype == np.float64

    @pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e9, 1e300])
    def test_tolerance_is_relative(self, size):
        scores = np.array([[1.0, 1 - 1e-12, 1 - 1e-9]]) * size
        np.testing.assert_array_equal(argmax_policy(scores), [[0.5, 0.5, 0]])

    def test_tolerance_looks_at_available_arms_only(self):
        scores = [[1.0, 1 - 1e-9, 1e6]]
        np.testing.assert_array_equal(argmax_policy(scores, [[True, True, False]]), [[1, 0, 0]])

    @pytest.mark.parametrize("anything", [np.nan, np.inf, -np.inf, 1e300])
    def test_unavailable_scores_do_not_matter(self, anything):
        p = argmax_policy([[1, anything, 1], [anything, 0, 7]], [[1, 0, 1], [0, 1, 1]])
        np.testing.assert_array_equal(p, [[0.5, 0, 0.5], [0, 0, 1]])

    def test_infinite_scores(self):
        inf = np.inf
        p = argmax_policy([[inf, 1, inf], [-inf, 5, 5], [-inf, -inf, -inf]])
        np.testing.assert_array_equal(p, [[0.5, 0, 0.5], [0, 0.5, 0.5], [1 / 3] * 3])
        p = argmax_policy([[-inf, -inf, -inf]], [[True, True, False]])
        np.testing.assert_array_equal(p, [[0.5, 0.5, 0]])

    def test_no_available_arm(self):
        with pytest.raises(ValueError, match="available: row 1 has no arm"):
            argmax_policy([[1, 2], [1, 2]], [[True, False], [False, False]])

    @pytest.mark.parametrize("policy", [argmax_policy, lambda s: top_policy(s, 1)])
    def test_nan(self, policy):
        with pytest.raises(ValueError, match="scores: an available arm has a value"):
            policy([[1, np.nan]])

    def test_input_is_not_changed(self):
        scores, available = np.array([[1.0, np.inf, 3.0]]), np.array([[True, True, False]])
        copies = scores.copy(), available.copy()
        argmax_policy(scores, available)
        top_policy(scores, 2, available)
        np.testing.assert_array_equal(scores, copies[0])
        np.testing.assert_array_equal(available, copies[1])

    def test_no_rows(self):
        assert argmax_policy(np.empty((0, 3))).shape == (0, 3)
        assert top_policy(np.empty((0, 3)), 2).shape == (0, 3)
        assert best_probability(np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)
        assert top_probability(2, np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)


class TestTopPolicy:
    def test_ties_at_the_boundary_share_the_places_left(self):
        p = top_policy([[3, 2, 2, 2], [5, 5, 1, 1], [1, 1, 1, 1]], 2)
        np.testing.assert_allclose(p, [[1, 1 / 3, 1 / 3, 1 / 3], [1, 1, 0, 0], [0.5] * 4])

    @pytest.mark.parametrize("k", [1, 2, 3, 5])
    def test_random_tie_breaking(self, k):
        # Noise far below the gaps breaks ties at random: the chances are the average.
        rng = np.random.default_rng(0)
        scores = rng.integers(0, 4, (6, 5)).astype(float)
        n_draws = 20_000
        noisy = scores + 1e-3 * rng.random((n_draws,) + scores.shape)
        kth = np.sort(noisy, axis=-1)[..., -k, None]
        share = (noisy >= kth).mean(axis=0)
        p = top_policy(scores, k)
        np.testing.assert_allclose(p, share, atol=N_SE * 0.5 / np.sqrt(n_draws))
        np.testing.assert_allclose(p.sum(axis=1), k, rtol=1e-14)

    def test_one_is_argmax(self):
        scores = np.random.default_rng(0).integers(0, 3, (50, 4))
        np.testing.assert_array_equal(top_policy(scores, 1), argmax_policy(scores))

    def test_rounding_makes_no_difference(self):
        scores = np.array([[0.3, 0.1 + 0.2, 0.3, -1e3]])
        np.testing.assert_allclose(top_policy(scores, 2), [[2 / 3] * 3 + [0]])

    def test_available(self):
        inf, nan = np.inf, np.nan
        mask = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]])
        p = top_policy([[1, nan, 2, 3], [-inf, 0, inf, nan], [-inf, -inf, 0, -inf]], 2, mask)
        np.testing.assert_array_equal(p, [[0, 0, 1, 1], [1, 1, 0, 0], [0.5, 0.5, 1, 0]])

    @pytest.mark.parametrize("k", [0, 4, -1])
    @pytest.mark.parametrize(
        "function",
        [lambda k: top_policy(np.eye(3), k), lambda k: top_probability(k, np.eye(3), np.eye(3))],
    )
    def test_impossible_k(self, k, function):
        with pytest.raises(ValueError, match=re.escape(f"k={k}, but a row has 3 available")):
            function(k)

    def test_fewer_available_than_k(self):
        mask = [[True, True, True], [True, False, False]]
        with pytest.raises(ValueError, match="k=2, but row 1 has 1 available"):
            top_policy(np.eye(2, 3), 2, mask)
        with pytest.raises(ValueError, match="k=2, but row 1 has 1 available"):
            top_probability(2, np.eye(2, 3), np.ones((2, 3)), available=mask)


class TestBestProbability:
    @pytest.mark.parametrize("n_arms", [2, 3, 5, 10, 20])
    @pytest.mark.parametrize("ratio", [1, 10, 1000])
    def test_against_adaptive_integration(self, n_arms, ratio):
        mean, std = make_scores(3, n_arms, ratio, [[0.0], [1.0], [4.0]], seed=n_arms)
        p = best_probability(mean, std)
        for i in range(3):
            expected = quad_best_probability(mean[i], std[i], range(n_arms))
            np.testing.assert_allclose(p[i], expected, atol=2e-7)

    @pytest.mark.parametrize(("n_arms", "ratio"), [(50, 1000), (1000, 1), (1000, 1000)])
    def test_many_arms_against_adaptive_integration(self, n_arms, ratio):
        mean, std = make_scores(1, n_arms, ratio, 1.0, seed=n_arms)
        mean[0, : n_arms // 5] = -20
        p = best_probability(mean, std)[0]
        arms = np.argsort(p)[[-1, -2, -5, -n_arms // 2]]
        expected = quad_best_probability(mean[0], std[0], arms)
        np.testing.assert_allclose(p[arms], expected, atol=2e-7)

    @pytest.mark.parametrize("d", [0, 0.1, 1, 3, 5.5])
    @pytest.mark.parametrize("std", [(1, 1), (3, 4), (1, 1000), (1e-3, 1e-6)])
    def test_two_arms(self, d, std):
        unit = np.hypot(*std)
        expected = ndtr(d)
        p = best_probability([[7 + d * unit, 7]], [std])
        np.testing.assert_allclose(p, [[expected, 1 - expected]], atol=1e-7)

    def test_three_arms_of_equal_means(self):
        # P(X is the highest) is an orthant probability: 1/4 + arcsin(r) / (2 pi), where r is the
        # correlation of X - Y and X - Z.
        x, y, z = 1.0, 2.0, 5.0
        r = x**2 / np.sqrt((x**2 + y**2) * (x**2 + z**2))
        p = best_probability([[0.0, 0.0, 0.0]], [[x, y, z]])
        assert p[0, 0] == pytest.approx(0.25 + np.arcsin(r) / (2 * np.pi), abs=1e-8)

    @pytest.mark.long
    @pytest.mark.parametrize("ratio", [1, 10, 1000])
    def test_thousand_arms_against_simulation(self, ratio):
        mean, std = make_scores(1, 1000, ratio, 0.5, seed=3)
        p = best_probability(mean, std)[0]
        rng = np.random.default_rng(4)
        n_draws, wins = 100_000, np.zeros(1000)
        for _ in range(100):
            draws = mean + std * rng.standard_normal((n_draws // 100, 1000))
            wins += np.bincount(draws.argmax(axis=1), minlength=1000)
        se = np.sqrt(p * (1 - p) / n_draws)
        # The normal approximation holds for the arms that are expected to win 10 times.
        often = p * n_draws >= 10
        assert often.sum() > 20
        assert (np.abs(wins / n_draws - p)[often] < N_SE * se[often]).all()
        rare = p[~often].sum()
        error = wins[~often].sum() / n_draws - rare
        assert abs(error) < N_SE * np.sqrt(rare / n_draws) + 1e-4

    @pytest.mark.parametrize("dof", [None, 4.0])
    @pytest.mark.parametrize("n_arms", [2, 3, 10, 37])
    def test_cold_bandit_is_exactly_uniform(self, n_arms, dof):
        shape = (300, n_arms)
        p = best_probability(np.full(shape, 0.3), np.full(shape, 1.7), dof)
        assert (p == p[0, 0]).all()
        np.testing.assert_allclose(p, 1 / n_arms, rtol=1e-15)

    @pytest.mark.parametrize("dof", [None, 4.0])
    @pytest.mark.parametrize("n_rows", [1, 1000])
    def test_equal_arms_equal_bits(self, n_rows, dof):
        mean, std = make_scores(n_rows, 5, 30, 1.0, seed=0)
        index = np.array([0, 1, 1, 2, 3, 0, 4, 1])
        p = best_probability(mean[:, index], std[:, index], dof)
        np.testing.assert_array_equal(p[:, 0], p[:, 5])
        np.testing.assert_array_equal(p[:, 1], p[:, 2])
        np.testing.assert_array_equal(p[:, 1], p[:, 7])

    @pytest.mark.parametrize("dof", [None, 4.0])
    @pytest.mark.parametrize(("unit", "shift"), [(1e-6, 0), (1e9, 0), (1, 1000.0), (2**-20, 0.25)])
    def test_units(self, dof, unit, shift):
        mean, std = make_scores(500, 7, 30, 1.0, seed=1)
        # Multiples of 2**-30, so that the shift itself rounds nothing.
        mean = np.round(mean * 2**30) / 2**30
        expected = best_probability(mean, std, dof)
        p = best_probability(mean * unit + shift, std * unit, dof)
        np.testing.assert_allclose(p, expected, rtol=0, atol=1e-11)

    @pytest.mark.parametrize("dof", [None, 4.0])
    def test_rows_are_alone(self, dof):
        n_rows = 900 if dof is None else 90
        mean, std = make_scores(n_rows, 6, 100, 1.5, seed=2)
        mean[::7] = 0
        p = best_probability(mean, std, dof)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e-12)
        for rows in ([0], [5], [7], [50, 3], np.arange(40, 80), np.arange(n_rows)[::-1]):
            alone = best_probability(mean[rows], std[rows], dof)
            np.testing.assert_allclose(alone, p[rows], rtol=0, atol=1e-14)

    def test_order_of_arms(self):
        mean, std = make_scores(400, 9, 100, 1.0, seed=3)
        order = np.random.default_rng(0).permutation(9)
        p = best_probability(mean, std)
        np.testing.assert_allclose(
            best_probability(mean[:, order], std[:, order]), p[:, order], rtol=0, atol=1e-13
        )

    @pytest.mark.parametrize("n_rows", [3, 600])
    @pytest.mark.parametrize("function", [best_probability, lambda *a: top_probability(2, *a)])
    @pytest.mark.parametrize("dof", [None, 4.0])
    def test_available(self, n_rows, function, dof):
        mean, std = make_scores(n_rows, 6, 10, 1.0, seed=4)
        rng = np.random.default_rng(5)
        mask = np.ones((n_rows, 6), dtype=bool)
        mask[:, [1, 4]] = False
        garbage = rng.choice([np.nan, np.inf, -np.inf, 1e300, -3.0, 0.0], (2, n_rows, 6))
        p = function(np.where(mask, mean, garbage[0]), np.where(mask, std, garbage[1]), dof, mask)
        assert (p[:, [1, 4]] == 0).all()
        keep = [0, 2, 3, 5]
        np.testing.assert_allclose(
            p[:, keep], function(mean[:, keep], std[:, keep], dof), rtol=0, atol=1e-12
        )

    def test_availability_may_differ_by_row(self):
        mean, std = make_scores(200, 5, 10, 1.0, seed=6)
        mask = np.random.default_rng(7).random((200, 5)) < 0.5
        mask[:, 2] = True
        p = best_probability(mean, std, available=mask)
        for i in range(0, 200, 11):
            expected = best_probability(mean[i : i + 1, mask[i]], std[i : i + 1, mask[i]])
            np.testing.assert_allclose(p[i, mask[i]], expected[0], rtol=0, atol=1e-12)
            assert (p[i, ~mask[i]] == 0).all()

    @pytest.mark.parametrize(
        "function", [best_probability, lambda *a, **k: top_probability(2, *a, **k)]
    )
    @pytest.mark.parametrize("dof", [None, 3.0])
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("name", ["mean", "std"])
    def test_not_finite(self, function, dof, bad, name):
        scores = {"mean": np.zeros((2, 3)), "std": np.ones((2, 3))}
        scores[name][1, 2] = bad
        with pytest.raises(ValueError, match=f"{name}: an available arm"):
            function(*scores.values(), dof)

    @pytest.mark.parametrize("function", [best_probability, lambda *a: top_probability(2, *a)])
    def test_impossible_width_or_dof(self, function):
        with pytest.raises(ValueError, match=r"std: it must not be negative, got -2\.0"):
            function(np.zeros((1, 3)), [[1.0, -2.0, 0.0]])
        for dof in (0, -1.0, np.nan):
            with pytest.raises(ValueError, match="dof: degrees of freedom must be positive"):
                function(np.zeros((1, 3)), np.ones((1, 3)), dof)

    def test_input_is_not_changed(self):
        mean, std = make_scores(50, 4, 10, 1.0, seed=8)
        std[::3, 1] = 0
        copies = mean.copy(), std.copy()
        best_probability(mean, std)
        best_probability(mean, std, 3.0)
        top_probability(2, mean, std)
        np.testing.assert_array_equal(mean, copies[0])
        np.testing.assert_array_equal(std, copies[1])


class TestPointMasses:
    def test_all_known(self):
        mean = np.random.default_rng(0).integers(0, 4, (40, 5)).astype(float)
        mean[0] = [0.3, 0.1 + 0.2, 0, 0, 0]
        std = np.zeros((40, 5))
        np.testing.assert_array_equal(best_probability(mean, std), argmax_policy(mean))
        np.testing.assert_array_equal(top_probability(3, mean, std), top_policy(mean, 3))
        mask = np.random.default_rng(1).random((40, 5)) < 0.5
        mask[:, :3] = True
        expected = top_policy(mean, 3, mask)
        np.testing.assert_array_equal(top_probability(3, mean, std, 2.0, mask), expected)

    @pytest.mark.parametrize("n_rows", [1, 1000])
    @pytest.mark.parametrize(("unit", "shift"), [(1, 0), (1e-6, 0), (1, 1e5)])
    def test_known_beside_uncertain(self, n_rows, unit, shift):
        # Two equal point masses at 0.5, a lower one, and one uncertain arm.
        mean = np.tile([0.5, 0.0, 0.5, 0.2], (n_rows, 1)) * unit + shift
        std = np.tile([0.0, 1.0, 0.0, 0.0], (n_rows, 1)) * unit
        below = ndtr(0.5)
        expected = [below / 2, 1 - below, below / 2, 0]
        p = best_probability(mean, std)
        np.testing.assert_allclose(p, [expected] * n_rows, atol=1e-7)
        np.testing.assert_array_equal(p[:, 0], p[:, 2])

    @pytest.mark.parametrize(("ratio", "n_known"), [(1, 1), (5, 2), (1e3, 1), (1e6, 3)])
    def test_known_beside_several_uncertain(self, ratio, n_known):
        rng = np.random.default_rng(int(ratio))
        mean, std = make_scores(30, 6, ratio, 1.5, int(ratio))
        # A known score in the thick of the uncertain ones, others below it.
        mean[:, 0] = (mean + std * rng.uniform(-1, 2, std.shape))[:, n_known:].max(axis=1)
        mean[:, 1:n_known] = mean[:, :1] - rng.uniform(0.1, 1, (30, n_known - 1))
        std[:, :n_known] = 0.0
        p = best_probability(mean, std)
        wide = np.s_[n_known:]
        for row in range(30):
            location, scale = mean[row, wide], std[row, wide]
            np.testing.assert_allclose(
                p[row, 0], ndtr((mean[row, 0] - location) / scale).prod(), atol=2e-7
            )
            expected = quad_best_above(mean[row, 0], location, scale)
            np.testing.assert_allclose(p[row, wide], expected, atol=2e-7)
        assert (p[:, 1:n_known] == 0.0).all()
        assert (p[:, wide] > 0.01).any()

    def test_known_scores_of_rows_of_the_same_uncertain_ones(self):
        """Rows share what they have in common, and none has an influence on another."""
        rng = np.random.default_rng(4)
        mean = np.tile([0.0, 0.0, 0.2, 0.0, 0.0], (60, 1))
        std = np.tile([1.0, 1.0, 0.5, 0.0, 0.0], (60, 1))
        mean[:, 3:] = rng.uniform(-8.0, 8.0, (60, 2))
        mask = rng.random((60, 5)) < 0.8
        mask[:, 0] = mask[:, 3] = True
        for available in (None, mask):
            p = best_probability(mean, std, None, available)
            for row in (0, 7, 59):
                cut = slice(row, row + 1)
                alone = None if available is None else available[cut]
                np.testing.assert_array_equal(
                    p[row], best_probability(mean[cut], std[cut], None, alone)[0]
                )
            if available is None:
                np.testing.assert_array_equal(p[:, 0], p[:, 1])
                for row in range(60):
                    floor = mean[row, 3:].max()
                    expected = quad_best_above(floor, mean[row, :3], std[row, :3])
                    np.testing.assert_allclose(p[row, :3], expected, atol=1e-7)
            else:
                assert (p[~mask] == 0.0).all()
                np.testing.assert_allclose(p.sum(axis=1), 1.0)

    def test_tie_within_rounding(self):
        p = best_probability([[0.3, 0.1 + 0.2, 0.0]], [[0.0, 0.0, 1.0]])
        np.testing.assert_allclose(p, [[ndtr(0.3) / 2, ndtr(0.3) / 2, ndtr(-0.3)]], atol=1e-7)

    @pytest.mark.parametrize("dof", [None, 2.0])
    def test_top_two(self, dof):
        # Point masses at 2, 1, 1 and an uncertain arm: the places go to those above it.
        law = stats.norm if dof is None else stats.t(dof)
        p = top_probability(2, [[2.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0, 0.0]], dof)
        above_2, above_1 = law.sf(2), law.sf(1)
        np.testing.assert_allclose(
            p, [[1, (1 - above_1) / 2, above_1, (1 - above_1) / 2]], atol=1e-7
        )
        assert above_2 < above_1

    def test_far_apart(self):
        # Both places are decided between a point mass and a score whose mean it has, twice.
        mean = [[3.0, 1e3, 1e3, 3.0]]
        std = [[1.0, 1e-3, 0.0, 0.0]]
        np.testing.assert_allclose(top_probability(3, mean, std), [[0.5, 1, 1, 0.5]], atol=1e-6)
        np.testing.assert_allclose(top_probability(1, mean, std), [[0, 0.5, 0.5, 0]], atol=1e-6)

    def test_unavailable_point_mass(self):
        p = best_probability([[5.0, 0.0, 0.0]], [[0.0, 1.0, 1.0]], available=[[False, True, True]])
        np.testing.assert_array_equal(p, [[0, 0.5, 0.5]])
