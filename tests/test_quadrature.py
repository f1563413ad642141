import numpy as np
import pytest
from scipy import stats
from scipy.special import stdtr

from skbandit import _quadrature


def make_scores(n_rows, n_arms, ratio, spread, seed):
    """Widths that differ by a factor of `ratio` (log-uniform), means of their order."""
    rng = np.random.default_rng(seed)
    std = np.exp(rng.uniform(-0.5, 0.5, (n_rows, n_arms)) * np.log(ratio))
    mean = rng.normal(size=(n_rows, n_arms)) * spread * std
    return mean, std


class TestGaussian:
    @pytest.mark.parametrize("n_arms", [1, 2, 3, 4, 6, 10, 30, 100, 1000])
    @pytest.mark.parametrize("ratio", [1, 3, 30, 1000, 1e6])
    @pytest.mark.parametrize("spread", [0, 0.3, 1, 3, 10])
    def test_total_before_scaling(self, n_arms, ratio, spread):
        # The integrals of all arms must add up to 1 by themselves; nothing in the rule makes them.
        n_rows = 100_000 // (n_arms**2 + 20) + 5
        mean, std = make_scores(n_rows, n_arms, ratio, spread, seed=0)
        p = _quadrature._integrate(mean.T.copy(), std.T.copy(), std[:, 0], _quadrature.Gaussian())
        np.testing.assert_allclose(p.sum(axis=0), 1, atol=3e-7)


class TestStudentT:
    @pytest.mark.parametrize("dof", [1, 1.3, 2, 3, 4.5, 7, 10, 25, 100, 1e4, 1e7, 1e10])
    def test_distribution(self, dof):
        half = np.concatenate([np.linspace(0, 40, 2001), np.geomspace(40, 1e9, 200)])
        z = np.concatenate([-half, half])
        law = _quadrature.StudentT(np.array([[float(dof)]]))
        above, density = law.survival_and_density(z[None])
        np.testing.assert_allclose(above[0], stdtr(dof, -z), rtol=0, atol=2e-9)
        np.testing.assert_allclose(density[0], stats.t.pdf(z, dof), rtol=0, atol=1e-10)
        np.testing.assert_array_equal(law.survival(z[None]), above)
        assert stdtr(dof, -law.half_width[0, 0]) <= 1e-9 * (1 + 1e-6)

    @pytest.mark.parametrize("n_arms", [2, 3, 6, 10, 100])
    @pytest.mark.parametrize("dof", [1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1e4, "mixed"])
    def test_total_before_scaling(self, n_arms, dof):
        n_done = 0
        for ratio in (1, 3, 30, 1000):
            for spread in (0.0, 0.3, 1.0, 4.0, 10.0):
                n_rows = 4000 // (n_arms**2 + 20) + 5
                mean, std = make_scores(n_rows, n_arms, ratio, spread, seed=0)
                nu = np.full(mean.shape, 1.0)
                nu *= np.geomspace(1, 400, n_arms) if dof == "mixed" else dof
                lead = (mean - std).argmax(axis=1)
                rows = np.arange(n_rows)
                location, unit = mean - mean[rows, lead, None], std[rows, lead]
                p = _quadrature._integrate(
                    location.T.copy(), std.T.copy(), unit, _quadrature.StudentT(nu.T.copy())
                )
                done = ~np.isnan(p).any(axis=0)
                n_done += done.sum()
                np.testing.assert_allclose(p[:, done].sum(axis=0), 1, atol=2e-6)
        # Tails too heavy for the rule are left to the panels.
        assert n_done or dof == "mixed" or dof <= 2
