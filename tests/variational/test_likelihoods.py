"""Expected log-likelihoods, their slopes and curvatures."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit

from skbandit._deviates import deviates
from skbandit.variational._likelihoods import BernoulliTerm, GaussianTerm


@pytest.mark.parametrize("dof", [None, 2.5, 4.0, 30.0])
@pytest.mark.parametrize("kind", ["bernoulli", "gaussian"])
def test_slope_and_curvature_are_derivatives_of_the_value(dof, kind):
    """The value falls with the scale b by the curvature times b, and rises by the slope."""
    rule, rng = deviates(dof), np.random.RandomState(0)
    reward, weight = rng.uniform(size=6), rng.uniform(0.5, 3.0, size=6)
    location, scale = 2.0 * rng.standard_normal(6), rng.uniform(0.1, 3.0, size=6)
    term = (
        BernoulliTerm(reward, weight)
        if kind == "bernoulli"
        else GaussianTerm(reward, weight, variance=0.7)
    )

    def value(point):
        return term.expect(rule, point[:6], point[6:])[0]

    _, slope, curvature = term.expect(rule, location, scale)
    gradient = approx_fprime(np.concatenate([location, scale]), value, 1e-6)
    np.testing.assert_allclose(gradient[:6], slope, atol=2e-5)
    np.testing.assert_allclose(gradient[6:], -curvature * scale, atol=2e-5)


def test_curvature_of_a_sure_score_is_that_of_the_logistic_function():
    location = np.linspace(-8.0, 8.0, 9)
    _, _, curvature = BernoulliTerm(np.zeros(9), np.ones(9)).expect(
        deviates(), location, np.zeros(9)
    )
    np.testing.assert_allclose(curvature, expit(location) * expit(-location), rtol=1e-4)
