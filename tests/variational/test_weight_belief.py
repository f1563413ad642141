"""The update of a belief about weights: the maximum of the evidence lower bound."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student_t

from skbandit._deviates import deviates
from skbandit.variational._likelihoods import BernoulliTerm, GaussianTerm
from skbandit.variational._weight_belief import WeightBelief, update_belief


def law_of(dof):
    return norm() if dof is None else student_t(dof)


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
        return WeightBelief.of(mean, rng.uniform(0.5, 2.0, size=n_weights))
    root = rng.standard_normal((n_weights, n_weights))
    return WeightBelief.of(mean, np.eye(n_weights) + root @ root.T)


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


def test_precision_that_is_not_positive_raises():
    with pytest.raises(np.linalg.LinAlgError):
        WeightBelief.of(np.zeros(2), np.array([1.0, -1.0]))
