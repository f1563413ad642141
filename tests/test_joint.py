"""The largest of several errors on one log."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from skbandit._joint import draw_errors, error_covariance, joint_quantile
from skbandit.metrics import mean_value


@pytest.mark.parametrize("grouped", [False, True])
def test_variances_are_those_of_the_values(grouped):
    rng = np.random.RandomState(0)
    reward = rng.randn(60, 3) @ rng.randn(3, 4)
    groups = rng.randint(20, size=60) if grouped else None
    values = [mean_value(reward=column, groups=groups) for column in reward.T]
    influence = np.column_stack([value.influence for value in values])
    covariance = error_covariance(influence, values[0].groups)
    assert_allclose(np.sqrt(np.diagonal(covariance)), [value.standard_error for value in values])
    apart = mean_value(reward=reward[:, 1] - reward[:, 3], groups=groups)
    variance = covariance[1, 1] + covariance[3, 3] - 2 * covariance[1, 3]
    assert_allclose(np.sqrt(variance), apart.standard_error)


def test_draws_have_the_covariance_also_without_full_rank():
    """20,000 draws: a covariance has an error of about 1 % of the product of the widths."""
    root = np.array([[1.0, 0.0], [0.5, 2.0], [1.0, 0.0]])
    covariance = root @ root.T
    errors = draw_errors(covariance)
    assert errors.shape == (20_000, 3)
    width = np.sqrt(np.diagonal(covariance))
    assert_allclose(np.cov(errors.T), covariance, atol=0.05 * width.max() ** 2)
    assert_allclose(errors[:, 0], errors[:, 2], atol=1e-6)


def test_quantiles_of_independent_and_of_equal_errors():
    """An error of .03 is about three standard errors of a quantile of 20,000 draws."""
    scale = np.array([1.0, 3.0, 0.2, 0.0])
    errors = draw_errors(np.diag(scale**2))
    expected = norm.ppf((1 + 0.95 ** (1 / 3)) / 2)
    assert abs(joint_quantile(errors, scale, 0.95) - expected) < 0.03
    expected = norm.ppf(0.95 ** (1 / 3))
    assert abs(joint_quantile(errors, scale, 0.95, one_sided=True) - expected) < 0.03
    same = draw_errors(np.ones((5, 5)))
    assert abs(joint_quantile(same, np.ones(5), 0.9) - norm.ppf(0.95)) < 0.03
    # All differences of independent errors: the studentised range, whose table says 3.314.
    apart = np.eye(3)[:, [0, 0, 1]] - np.eye(3)[:, [1, 2, 2]]
    errors = draw_errors(np.eye(3))
    found = joint_quantile(errors, np.full(3, np.sqrt(2.0)), 0.95, apart)
    assert abs(np.sqrt(2.0) * found - 3.314) < 0.04
    assert joint_quantile(errors, np.zeros(3), 0.95) == 0.0
