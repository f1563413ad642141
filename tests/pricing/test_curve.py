"""Scores given that the slope falls: beside rejection sampling and closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import kstest, truncnorm

from skbandit.beliefs import linked_moments
from skbandit.pricing._curve import (
    Scores,
    falling_draws,
    falling_moments,
    price_scale,
    truncated,
)
from skbandit.pricing._demands import DEMANDS

N_DRAWS = 400_000
# So many standard errors: a chance of 6e-7.
N_SE = 5


def belief(slope, seed=0):
    """Two rows, three prices: a random joint Gaussian belief, and its covariance with the slope
    last."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 4, 4))
    covariance = root @ np.swapaxes(root, 1, 2) / 4.0
    mean = rng.normal(size=(2, 3))
    scores = Scores(
        mean,
        covariance[:, [0, 1, 2], [0, 1, 2]],
        np.full(2, slope),
        covariance[:, 3, 3],
        covariance[:, :3, 3],
    )
    return scores, np.column_stack([mean, scores.slope]), covariance


def gaussian_draws(mean, covariance, n_draws=N_DRAWS):
    rng = np.random.default_rng(5)
    return np.stack(
        [rng.multivariate_normal(m, c, n_draws) for m, c in zip(mean, covariance, strict=True)],
        axis=1,
    )


@pytest.mark.parametrize("slope", [-1.0, 0.3, 1.5])
@pytest.mark.parametrize("kind", ["purchase", "count", "amount"])
def test_moments_are_those_of_rejection_sampling(slope, kind):
    demand = DEMANDS[kind]
    scores, mean, covariance = belief(slope)
    expected, std = falling_moments(scores, demand.moments)
    draws = gaussian_draws(mean, covariance)
    for row in range(2):
        kept = draws[draws[:, row, 3] < 0.0, row, :3]
        assert len(kept) > 1500
        values = demand.link(kept)
        error = values.std(axis=0) / np.sqrt(len(kept))
        assert (np.abs(values.mean(axis=0) - expected[row]) < N_SE * error + 1e-3).all()
        apart = 0.15 if kind == "count" else 5.0 / np.sqrt(len(kept))
        assert_allclose(std[row], values.std(axis=0), rtol=apart)


@pytest.mark.parametrize("slope", [-1.0, 0.3, 1.5])
def test_draws_are_those_of_rejection_sampling(slope):
    scores, mean, covariance = belief(slope)
    draws = gaussian_draws(mean, covariance, 40_000)
    moved = falling_draws(draws[..., :3], draws[..., 3], scores)
    other = gaussian_draws(mean, covariance)[N_DRAWS // 2 :]
    for row in range(2):
        kept = other[other[:, row, 3] < 0.0, row, :3]
        for direction in (np.array([1.0, 0.0, 0.0]), np.array([0.5, -1.0, 0.3])):
            assert kstest(moved[:, row] @ direction, kept @ direction).pvalue > 1e-5


def test_slopes_are_truncated_normal():
    scores, mean, covariance = belief(0.7)
    draws = gaussian_draws(mean, covariance, 20_000)[..., 3]
    falling = truncated(draws, scores)
    assert (falling <= 0.0).all()
    # One slope at a level becomes another at the same level: the order stays.
    assert_array_equal(np.argsort(draws[:, 0]), np.argsort(falling[:, 0]))
    for row in range(2):
        sigma = np.sqrt(scores.slope_variance[row])
        expected = truncnorm(-np.inf, -0.7 / sigma, 0.7, sigma)
        assert kstest(falling[:, row], expected.cdf).pvalue > 1e-5


def test_far_tails_and_sure_slopes():
    flat = np.zeros((1, 2))
    far = Scores(flat, flat + 1.0, np.array([30.0]), np.array([1.0]), flat + 0.5)
    falling = truncated(np.array([[28.0], [30.0], [33.0]]), far)
    assert np.isfinite(falling).all()
    assert (falling <= 0.0).all()
    assert (np.diff(falling[:, 0]) > 0.0).all()
    for slope in (-2.0, 3.0):
        sure = Scores(flat, flat + 1.0, np.array([slope]), np.zeros(1), flat)
        assert_array_equal(truncated(np.full((2, 1), slope), sure), min(slope, 0.0))
        found = falling_moments(sure, DEMANDS["purchase"].moments)
        assert_allclose(found, linked_moments(expit, sure.mean, np.ones((1, 2))))


def test_a_slope_that_surely_falls_changes_nothing():
    scores, *_ = belief(-60.0)
    mean, std = falling_moments(scores, DEMANDS["purchase"].moments)
    free = linked_moments(expit, scores.mean, np.sqrt(scores.variance))
    assert_allclose(mean, free[0], atol=2e-3)
    assert_allclose(std, free[1], atol=2e-3)


def test_departures_have_the_covariance_of_an_ornstein_uhlenbeck_process():
    price = np.array([2.0, 3.0, 5.0, 9.0, 20.0])
    scale = price_scale(price)
    z = scale.of(price)
    assert_allclose(z.mean(), 0.0, atol=1e-12)
    assert_allclose(z.std(), 1.0)
    features = scale.departures(z)
    assert_allclose(features @ features.T, np.exp(-np.abs(z[:, None] - z)), atol=1e-8)
    # The process is Markov: between two knots their values are all that matters.
    between = scale.departures(np.array([0.5 * (z[1] + z[2])]))
    assert (np.abs(between @ np.linalg.inv(features))[0, [0, 3, 4]] < 1e-6).all()


def test_scales_of_few_and_of_many_prices():
    assert len(price_scale(np.linspace(1.0, 2.0, 500)).knots) == 30
    one = price_scale(np.full(4, 3.0))
    assert one.spread == 3.0
    assert_array_equal(one.of(np.full(2, 3.0)), 0.0)
    assert price_scale(np.zeros(2)).spread == 1.0
