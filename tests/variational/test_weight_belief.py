"""Integration rules, expected likelihoods and the maximum of the evidence lower bound."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student_t

pytest.importorskip("skorch", reason="skbandit.neural needs the extra 'neural'")

from skbandit.neural._variational import (
    Belief,
    BernoulliTerm,
    GaussianTerm,
    bernoulli_mean,
    deviates,
    marginal_belief,
    update_belief,
)

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
def test_bernoulli_mean_agrees_with_adaptive_quadrature(dof, location, scale):
    law = law_of(dof)

    def integral(function):
        # Over quantiles, cut where the logistic function turns.
        turn = law.cdf(-location / scale)
        return sum(
            quad(lambda u: function(location + scale * law.ppf(u)), *part, epsabs=1e-13)[0]
            for part in ((0.0, turn), (turn, 1.0))
            if part[1] > part[0]
        )

    mean, std = bernoulli_mean(deviates(dof), np.array([[location]]), np.array([[scale]]))
    expected = integral(expit)
    variance = integral(lambda z: (expit(z) - expected) ** 2)
    assert mean.shape == std.shape == (1, 1)
    assert mean[0, 0] == pytest.approx(expected, abs=2e-8)
    assert std[0, 0] == pytest.approx(np.sqrt(variance), abs=1e-6)


@RULES
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


def rounds(n_samples=40, n_weights=4, seed=0):
    rng = np.random.RandomState(seed)
    jacobian = rng.standard_normal((n_samples, n_weights))
    jacobian[:, 1] += jacobian[:, 0]
    reward = (rng.uniform(size=n_samples) < expit(jacobian @ rng.standard_normal(n_weights))) * 1.0
    return jacobian, reward, rng.uniform(0.5, 2.0, size=n_samples)


def prior_belief(n_weights, diagonal, seed=1):
    rng = np.random.RandomState(seed)
    mean = 0.3 * rng.standard_normal(n_weights)
    if diagonal:
        return Belief.of(mean, rng.uniform(0.5, 2.0, size=n_weights))
    root = rng.standard_normal((n_weights, n_weights))
    return Belief.of(mean, np.eye(n_weights) + root @ root.T)


def solve(prior, jacobian, term, dof=None):
    return update_belief(
        prior, lambda w: (jacobian @ w, jacobian), term, deviates(dof), max_iter=100, tol=1e-10
    )


@pytest.mark.parametrize("diagonal", [False, True])
def test_gaussian_rewards_give_bayesian_linear_regression(diagonal):
    jacobian, _, weight = rounds()
    reward = np.random.RandomState(3).standard_normal(len(jacobian))
    prior = prior_belief(4, diagonal)
    belief, gain, (location, scale) = solve(prior, jacobian, GaussianTerm(reward, weight, 0.4))
    full = np.diag(prior.precision) if diagonal else prior.precision
    information = jacobian.T @ (jacobian * weight[:, None]) / 0.4
    mean = np.linalg.solve(
        full + information, full @ prior.mean + jacobian.T @ (weight * reward) / 0.4
    )
    # Mean field has the mean of the posterior, and the conditional variances.
    np.testing.assert_allclose(belief.mean, mean, rtol=1e-9)
    expected = np.diag(full + information) if diagonal else full + information
    np.testing.assert_allclose(belief.precision, expected, rtol=1e-9)
    np.testing.assert_allclose(gain, np.diag(information) if diagonal else information, rtol=1e-9)
    np.testing.assert_allclose(location, jacobian @ mean, rtol=1e-9)
    covariance = np.diag(1.0 / expected) if diagonal else np.linalg.inv(expected)
    variance = np.einsum("np,pq,nq->n", jacobian, covariance, jacobian)
    np.testing.assert_allclose(scale**2, variance, rtol=1e-9)


def bound(mean, root, prior, jacobian, reward, weight, dof):
    """The evidence lower bound, with Gauss-Legendre quadrature over quantiles."""
    points, mass = np.polynomial.legendre.leggauss(400)
    deviate = law_of(dof).ppf(0.5 * (points + 1.0))
    covariance = root @ root.T
    scale = np.sqrt(np.einsum("np,pq,nq->n", jacobian, covariance, jacobian))
    score = (jacobian @ mean)[:, None] + scale[:, None] * deviate
    value = reward[:, None] * score - np.logaddexp(0.0, score)
    precision = np.diag(prior.precision) if prior.precision.ndim == 1 else prior.precision
    shift = mean - prior.mean
    divergence = 0.5 * (
        np.trace(precision @ covariance)
        + shift @ precision @ shift
        - np.linalg.slogdet(covariance)[1]
    )
    return weight @ value @ (0.5 * mass) - divergence


@pytest.mark.parametrize("dof", [None, 4.0])
@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("n_samples", [3, 40])
def test_bernoulli_rewards_give_the_maximum_of_the_bound(diagonal, dof, n_samples):
    jacobian, reward, weight = rounds(n_samples)
    prior = prior_belief(4, diagonal)
    belief, _, _ = solve(prior, jacobian, BernoulliTerm(reward, weight), dof)
    root = np.diag(belief.factor) if diagonal else np.linalg.cholesky(belief.covariance())
    best = bound(belief.mean, root, prior, jacobian, reward, weight, dof)
    rng = np.random.RandomState(5)
    for size in (0.3, 0.03):
        for _ in range(20):
            mean = belief.mean + size * root @ rng.standard_normal(4)
            change = np.diag(np.exp(size * rng.standard_normal(4)))
            if not diagonal:
                change = change + size * np.tril(rng.standard_normal((4, 4)), -1)
            other = bound(mean, root @ change, prior, jacobian, reward, weight, dof)
            assert other < best


def test_marginal_belief_is_a_block_of_the_covariance():
    belief = prior_belief(5, False)
    kept = np.array([0, 2, 3])
    marginal = marginal_belief(belief, kept)
    np.testing.assert_allclose(marginal.mean, belief.mean[kept])
    np.testing.assert_allclose(
        marginal.covariance(), np.linalg.inv(belief.precision)[np.ix_(kept, kept)]
    )


def test_precision_that_is_not_positive_raises():
    with pytest.raises(np.linalg.LinAlgError):
        Belief.of(np.zeros(2), np.array([1.0, -1.0]))
