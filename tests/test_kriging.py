"""Nonnegative weights by which known points predict new ones."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from skbandit._kriging import distances, kriging_weights, typical_distance


def points(n_known=6, n_new=5, n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_known, n_features)), rng.normal(size=(n_new, n_features))


def apart(new, known):
    return np.linalg.norm(new[:, None] - known, axis=2)


def test_without_a_bound_that_binds_they_are_those_of_gaussian_process_regression():
    """Of three points around a new one all weights are positive."""
    known, new = np.array([[0.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]), np.array([[0.0, -0.1]])
    weights = kriging_weights(apart(known, known), apart(new, known), 0.8)
    assert (weights > 0.01).all()
    model = GaussianProcessRegressor(RBF(0.8), alpha=0.1, optimizer=None)
    for values in np.eye(3):
        assert_allclose(weights @ values, model.fit(known, values).predict(new), rtol=1e-9)


@pytest.mark.parametrize("bandwidth", [0.5, 1.0, 3.0])
def test_they_have_the_least_expected_error_of_all_nonnegative_weights(bandwidth):
    """By every choice of the points that count, of which the best without a negative weight."""
    known, new = points()
    between, to_new = apart(known, known), apart(new, known)
    covariance = np.exp(-0.5 * (between / bandwidth) ** 2) + 0.1 * np.eye(6)
    found, binds = kriging_weights(between, to_new, bandwidth), False
    for weights, far in zip(found, to_new, strict=True):
        pull = np.exp(-0.5 * (far / bandwidth) ** 2)
        errors = {}
        for size in range(7):
            for chosen in map(list, combinations(range(6), size)):
                best = np.zeros(6)
                best[chosen] = np.linalg.solve(covariance[np.ix_(chosen, chosen)], pull[chosen])
                if (best >= 0.0).all():
                    errors[best @ covariance @ best - 2.0 * best @ pull] = best
        assert_allclose(weights, errors[min(errors)], atol=1e-9)
        binds |= (np.linalg.solve(covariance, pull) < -1e-3).any()
    assert binds


def test_units_and_origins_of_features_do_not_matter():
    known, new = points()
    one = distances(known, new)
    factor, shift = np.array([1e-3, 1e4]), np.array([5.0, -1e3])
    other = distances(known * factor + shift, new * factor + shift)
    for ours, theirs in zip(other, one, strict=True):
        assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_what_known_points_have_in_common_sets_others_apart():
    known, new = points()
    common = np.full((6, 1), 0.1)
    between, to_new = distances(
        np.hstack([known, common]), np.hstack([new, [[0.1], [0.2], [0.1], [0.1], [-0.1]]])
    )
    plain = distances(known, new)
    assert_allclose(between, plain[0])
    assert_allclose(to_new[[0, 2, 3]], plain[1][[0, 2, 3]])
    assert np.isinf(to_new[[1, 4]]).all()
    assert (kriging_weights(between, to_new, 1.0)[[1, 4]] == 0.0).all()


def test_one_known_point():
    between, to_new = distances(np.array([[3.0, 0.0]]), np.array([[3.0, 0.0], [3.0, 0.5]]))
    assert typical_distance(between) == 1.0
    assert_allclose(kriging_weights(between, to_new, 1.0), [[1.0 / 1.1], [0.0]])


def test_the_typical_distance_is_that_of_points_that_differ():
    known = np.array([[0.0], [0.0], [0.0], [0.0], [2.0], [6.0]])
    assert typical_distance(np.abs(known - known.T)) == np.median([2.0] * 4 + [6.0] * 4 + [4.0])
