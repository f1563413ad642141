from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln, ndtr, stdtr

from skbandit import _top_k
from skbandit._optimality import best_probability, top_probability

# A normal deviate beyond 5 standard errors has a chance of 6e-7; the comparisons with simulations
# below look at fewer than 1,000 of them.
N_SE = 5


def quad_top_probability(k, mean, std, dof=None, arms=None):
    """The chances, by adaptive integration between breakpoints around every arm."""
    n_arms = len(mean)
    if dof is None:
        reach = 8.0
        offsets = np.array([-7.0, -3, -1, 0, 1, 3, 7])
    else:
        dof = np.broadcast_to(np.asarray(dof, dtype=float), mean.shape)
        reach = 1e9
        half = np.geomspace(0.5, 1e9, 24)
        offsets = np.concatenate([-half[::-1], [0], half])
        constant = gammaln((dof + 1) / 2) - gammaln(dof / 2) - np.log(dof * np.pi) / 2

    def integrand(t, a):
        z = (t - mean) / std
        above = ndtr(-z) if dof is None else stdtr(dof, -z)
        count = np.zeros(k)
        count[0] = 1
        for b in np.flatnonzero(np.arange(n_arms) != a):
            moved = count[:-1] * above[b]
            count = count * (1 - above[b])
            count[1:] += moved
        if dof is None:
            density = np.exp(-(z[a] ** 2) / 2) / np.sqrt(2 * np.pi)
        else:
            density = np.exp(constant[a] - (dof[a] + 1) / 2 * np.log1p(z[a] ** 2 / dof[a]))
        return density / std[a] * count.sum()

    chances = []
    for a in range(n_arms) if arms is None else arms:
        low, high = mean[a] - reach * std[a], mean[a] + reach * std[a]
        edges = (mean[:, None] + std[:, None] * offsets).ravel()
        edges = np.unique(np.concatenate([edges, [low, high]]))
        edges = edges[(edges >= low) & (edges <= high)]
        chances.append(
            sum(
                quad(integrand, left, right, args=(a,), epsabs=1e-10, epsrel=1e-7, limit=100)[0]
                for left, right in pairwise(edges)
            )
        )
    return np.array(chances)


def make_scores(n_rows, n_arms, ratio, spread, seed):
    """Widths that differ by a factor of `ratio` (log-uniform), means of their order."""
    rng = np.random.default_rng(seed)
    std = np.exp(rng.uniform(-0.5, 0.5, (n_rows, n_arms)) * np.log(ratio))
    mean = rng.normal(size=(n_rows, n_arms)) * spread * std
    return mean, std


class TestStudentT:
    @pytest.mark.parametrize("n_arms", [2, 3, 6])
    @pytest.mark.parametrize("ratio", [1, 1000])
    @pytest.mark.parametrize("dof", [1.0, 3.0, "mixed"])
    def test_against_adaptive_integration(self, n_arms, ratio, dof):
        mean, std = make_scores(2, n_arms, ratio, [[1.0], [4.0]], seed=n_arms)
        if dof == "mixed":
            dof = np.exp(np.random.default_rng(n_arms).uniform(0, 5, (2, n_arms)))
        p = best_probability(mean, std, dof)
        for i, nu in enumerate(np.broadcast_to(dof, mean.shape)):
            np.testing.assert_allclose(
                p[i], quad_top_probability(1, mean[i], std[i], nu), atol=1e-6
            )

    def test_cauchy_pair(self):
        # The difference of two Cauchy scores is Cauchy, and its width is the sum of theirs.
        mean = np.array([[1.0, 0.0], [50.0, -1000.0], [0.0, 1.0]])
        std = np.array([[1.0, 2.0], [1.0, 1.0], [1e-3, 1.0]])
        p = best_probability(mean, std, 1.0)
        expected = stats.cauchy.cdf((mean[:, 0] - mean[:, 1]) / std.sum(axis=1))
        np.testing.assert_allclose(p[:, 0], expected, atol=1e-7)

    @pytest.mark.parametrize("dof", [1e9, np.inf])
    def test_gaussian_limit(self, dof):
        mean, std = make_scores(100, 5, 100, 1.0, seed=0)
        expected = best_probability(mean, std)
        np.testing.assert_allclose(best_probability(mean, std, dof), expected, atol=3e-7)
        mixed = np.where(np.arange(5) < 3, dof, 1e9)
        np.testing.assert_allclose(best_probability(mean, std, mixed), expected, atol=3e-7)

    @pytest.mark.parametrize("shape", [(), (4,), (1, 4), (20, 1), (20, 4)])
    def test_dof_broadcasts(self, shape):
        mean, std = make_scores(20, 4, 10, 1.0, seed=1)
        dof = np.random.default_rng(2).uniform(1, 20, shape)
        expected = best_probability(mean, std, np.broadcast_to(dof, (20, 4)))
        np.testing.assert_array_equal(best_probability(mean, std, dof), expected)

    @pytest.mark.parametrize("dof", [1.0, 2.5, 6.0, 30.0, 300.0])
    @pytest.mark.parametrize(("k", "n_arms", "ratio"), [(1, 10, 1000), (1, 100, 3), (4, 30, 30)])
    def test_total_before_scaling(self, dof, k, n_arms, ratio, monkeypatch):
        totals = []

        def sum_to(k, p):
            totals.append(p.sum(axis=0) - k)
            return p

        monkeypatch.setattr(_top_k, "_sum_to", sum_to)
        mean, std = make_scores(30, n_arms, ratio, 1.0, seed=5)
        _top_k.panel_top_probability(k, mean, std, np.full(mean.shape, dof), mean < np.inf)
        assert totals
        assert np.abs(np.concatenate(totals)).max() < 1e-6


class TestTopProbability:
    @pytest.mark.parametrize(
        ("n_arms", "k"), [(3, 1), (3, 2), (5, 1), (5, 2), (5, 4), (10, 2), (10, 4), (10, 9)]
    )
    @pytest.mark.parametrize("ratio", [1, 1000])
    def test_against_adaptive_integration(self, n_arms, ratio, k):
        mean, std = make_scores(1, n_arms, ratio, 1.0, seed=n_arms + k)
        arms = range(0, n_arms, max(1, n_arms // 4))
        expected = quad_top_probability(k, mean[0], std[0], arms=arms)
        np.testing.assert_allclose(top_probability(k, mean, std)[0, arms], expected, atol=2e-7)

    @pytest.mark.parametrize("k", [2, 3])
    def test_student_t_against_adaptive_integration(self, k):
        mean, std = make_scores(1, 4, 30, 1.0, seed=k)
        dof = np.array([1.0, 2.0, 5.0, 40.0])
        expected = quad_top_probability(k, mean[0], std[0], dof)
        np.testing.assert_allclose(top_probability(k, mean, std, dof)[0], expected, atol=1e-6)

    def test_narrow_scores_far_apart(self):
        # The second highest is at 0 if both wide scores are negative, at 50 if one is above, and
        # so on: it varies on the narrow scale in two places.
        mean = np.array([0.0, 0.5, 50.0, 50.3, 0.0, 0.0])
        std = np.array([1.0, 1.0, 1.0, 1.0, 1000.0, 1000.0])
        for k in (2, 3):
            p = top_probability(k, mean[None], std[None])[0]
            np.testing.assert_allclose(p, quad_top_probability(k, mean, std), atol=2e-7)

    @pytest.mark.parametrize("dof", [None, 3.0])
    def test_width_below_the_spacing_of_floats(self, dof):
        mean, std = [[0.0, 1e6, 1e6 + 1, 5.0]], [[1e6, 1e-18, 1e-18, 1e6]]
        p = top_probability(2, mean, std, dof)
        assert ((p >= 0) & (p <= 1)).all()
        assert p.sum() == pytest.approx(2, rel=1e-12)

    @pytest.mark.parametrize("dof", [None, 3.0])
    @pytest.mark.parametrize(("n_arms", "k"), [(10, 3), (10, 8), (200, 20), (200, 1)])
    def test_against_simulation(self, n_arms, k, dof):
        mean, std = make_scores(1, n_arms, 10, 0.7, seed=n_arms + k)
        p = top_probability(k, mean, std, dof)[0]
        rng = np.random.default_rng(6)
        n_draws, hits = 100_000, np.zeros(n_arms)
        for _ in range(20):
            size = (n_draws // 20, n_arms)
            z = rng.standard_normal(size) if dof is None else rng.standard_t(dof, size)
            best = np.argpartition(mean + std * z, n_arms - k, axis=1)[:, n_arms - k :]
            hits += np.bincount(best.ravel(), minlength=n_arms)
        se = np.sqrt(p * (1 - p) / n_draws)
        often = np.minimum(p, 1 - p) * n_draws >= 10
        assert often.sum() >= 5
        assert (np.abs(hits / n_draws - p)[often] < N_SE * se[often]).all()
        np.testing.assert_allclose(p.sum(), k, rtol=1e-12)

    @pytest.mark.parametrize(("n_arms", "k"), [(2, 1), (5, 2), (30, 7), (200, 20), (60, 45)])
    @pytest.mark.parametrize("ratio", [1, 30, 1000])
    def test_total_before_scaling(self, n_arms, k, ratio, monkeypatch):
        totals = []

        def sum_to(k, p):
            totals.append(p.sum(axis=0) - k)
            return p

        monkeypatch.setattr(_top_k, "_sum_to", sum_to)
        for spread in (0.0, 1.0, 4.0):
            mean, std = make_scores(1 + 400 // n_arms, n_arms, ratio, spread, seed=5)
            _top_k.panel_top_probability(k, mean, std, None, mean < np.inf)
        assert totals
        assert np.abs(np.concatenate(totals)).max() < 3e-7

    @pytest.mark.parametrize("dof", [None, 3.0])
    def test_one_is_best(self, dof):
        mean, std = make_scores(100, 5, 100, 1.0, seed=0)
        np.testing.assert_array_equal(
            top_probability(1, mean, std, dof), best_probability(mean, std, dof)
        )

    def test_panels_agree_with_sinh_rule(self):
        mean, std = make_scores(300, 8, 1000, 1.0, seed=1)
        panels = _top_k.panel_top_probability(1, mean, std, None, mean < np.inf)
        np.testing.assert_allclose(panels, best_probability(mean, std), atol=2e-7)

    @pytest.mark.parametrize("dof", [None, 3.0])
    def test_all_available_arms(self, dof):
        mean, std = make_scores(20, 6, 100, 1.0, seed=2)
        np.testing.assert_array_equal(top_probability(6, mean, std, dof), 1)
        mask = np.arange(6) < np.r_[[3] * 10, [4] * 10][:, None]
        p = top_probability(3, mean, std, dof, mask)
        np.testing.assert_array_equal(p[:10], mask[:10])
        np.testing.assert_allclose(p.sum(axis=1), 3, rtol=1e-12)

    @pytest.mark.parametrize("dof", [None, 3.0])
    @pytest.mark.parametrize("k", [2, 4, 6])
    def test_equal_arms(self, k, dof):
        p = top_probability(k, np.zeros((10, 7)), np.ones((10, 7)), dof)
        assert (p == p[0, 0]).all()
        np.testing.assert_allclose(p, k / 7, rtol=1e-14)
        mean, std = make_scores(50, 4, 30, 1.0, seed=3)
        index = np.array([0, 1, 1, 2, 3, 0, 1])
        p = top_probability(k, mean[:, index], std[:, index], dof)
        np.testing.assert_array_equal(p[:, 0], p[:, 5])
        np.testing.assert_array_equal(p[:, [1, 1]], p[:, [2, 6]])

    @pytest.mark.parametrize(("unit", "shift"), [(1e-6, 0), (1e9, 0), (1, 1000.0)])
    def test_units(self, unit, shift):
        mean, std = make_scores(100, 7, 30, 1.0, seed=1)
        mean = np.round(mean * 2**30) / 2**30
        p = top_probability(3, mean * unit + shift, std * unit)
        np.testing.assert_allclose(p, top_probability(3, mean, std), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("dof", [None, 3.0])
    def test_rows_are_alone(self, dof):
        mean, std = make_scores(120, 8, 100, 2.0, seed=2)
        p = top_probability(3, mean, std, dof)
        np.testing.assert_allclose(p.sum(axis=1), 3, rtol=1e-12)
        assert ((p >= 0) & (p <= 1)).all()
        for rows in ([0], [5], [50, 3], np.arange(120)[::-1]):
            alone = top_probability(3, mean[rows], std[rows], dof if dof is None else 3.0)
            np.testing.assert_allclose(alone, p[rows], rtol=0, atol=1e-14)

    def test_blocks_change_nothing(self, monkeypatch):
        mean, std = make_scores(60, 8, 100, 2.0, seed=2)
        expected = top_probability(3, mean, std)
        monkeypatch.setattr(_top_k, "_BLOCK", 50)
        np.testing.assert_allclose(top_probability(3, mean, std), expected, rtol=0, atol=1e-14)
