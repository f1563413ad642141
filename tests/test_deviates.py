"""The rule of nodes and weights, and what a link makes of uncertain scores by it."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student_t

from skbandit._deviates import deviates
from skbandit.beliefs import linked_moments

LAWS = [None, 2.5, 4.0, 30.0]
RULES = pytest.mark.parametrize("dof", LAWS)


def law_of(dof):
    return norm() if dof is None else student_t(dof)


@RULES
def test_rule_has_the_moments_of_its_law(dof):
    rule = deviates(dof)
    assert rule.weights.sum() == pytest.approx(1.0, abs=1e-14)
    assert rule.weights @ rule.nodes == pytest.approx(0.0, abs=1e-12)
    assert rule.variance == pytest.approx(law_of(dof).var())
    # A second moment with few degrees of freedom lies far out.
    assert rule.weights @ rule.nodes**2 == pytest.approx(rule.variance, rel=1e-4)


@RULES
@pytest.mark.parametrize("location", [-6.0, 0.0, 1.3])
@pytest.mark.parametrize("scale", [1e-4, 0.3, 2.0, 5.0])
def test_moments_of_a_link_agree_with_adaptive_quadrature(dof, location, scale):
    law = law_of(dof)

    def integral(function):
        # Over quantiles, cut where the logistic function turns.
        turn = law.cdf(-location / scale)
        return sum(
            quad(lambda u: function(location + scale * law.ppf(u)), *part, epsabs=1e-13)[0]
            for part in ((0.0, turn), (turn, 1.0))
            if part[1] > part[0]
        )

    mean, std = linked_moments(expit, np.array([[location]]), np.array([[scale]]), dof)
    expected = integral(expit)
    variance = integral(lambda z: (expit(z) - expected) ** 2)
    assert mean.shape == std.shape == (1, 1)
    assert mean[0, 0] == pytest.approx(expected, abs=2e-8)
    assert std[0, 0] == pytest.approx(np.sqrt(variance), abs=1e-6)
