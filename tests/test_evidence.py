"""Mixtures of Gaussian likelihood ratios against quadrature; those of others, contextfree."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from skbandit._evidence import GaussianEvidence, least_mixture

PRIORS = 4.0 * 8.0 ** np.arange(5)


@pytest.mark.parametrize("theta", [-0.5, 0.2, 1.5])
def test_gaussian_mixture_by_quadrature(theta):
    mean, played, noise = np.array([0.9, 0.1]), np.array([20.0, 15.0]), np.array([1.0, 2.0])
    evidence = GaussianEvidence(mean, played, noise)

    def mixture(arm, prior, sign):
        def part(step):
            # The log-likelihood ratio of theta + step and theta.
            gain = played[arm] * (step * (mean[arm] - theta) - step**2 / 2) / noise[arm] ** 2
            return 2 * stats.norm.pdf(step, scale=noise[arm] / np.sqrt(prior)) * np.exp(gain)

        ends = (0, np.inf) if sign > 0 else (-np.inf, 0)
        return quad(part, *ends)[0]

    expected = np.mean([mixture(0, prior, 1) * mixture(1, prior, -1) for prior in PRIORS])
    found = evidence.log_mixture(np.array([theta]), 0, 1)[0]
    assert_allclose(found, np.log(expected), rtol=1e-6, atol=1e-7)


def test_beyond_the_range_there_is_more_evidence():
    evidence = GaussianEvidence(np.array([3.0, 2.0]), np.array([1e4, 2.0]), np.array([1.0, 1.0]))
    low, high = evidence.search_range(0, 1)
    beyond = np.concatenate([np.linspace(low - 50, low, 1000), np.linspace(high, high + 50, 1000)])
    assert evidence.log_mixture(beyond, 0, 1).min() > least_mixture(evidence, 0, 1)
