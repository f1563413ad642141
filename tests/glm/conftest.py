"""Generalised linear models once more: by scipy's optimiser, numeric derivatives and MCMC.

Nothing here knows slopes or curvatures: objectives are written from the distributions, and what
follows is numeric. The package finds modes by Newton's method, so the two share no step.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson


def log_likelihood(kind, score, reward):
    """From the distributions; shares of successes are mixtures of the logarithms."""
    if kind == "poisson":
        return poisson.logpmf(reward, np.exp(score))
    p = np.clip(1 / (1 + np.exp(-score)), 1e-300, 1 - 1e-16)
    return reward * np.log(p) + (1 - reward) * np.log1p(-p)


def posterior(kind, Z, reward, prior_mean, prior_precision=1.0, weight=None, offset=0.0):
    """The negative logarithm of a posterior density, as a function of the weights."""
    weight = np.ones(len(reward)) if weight is None else weight

    def objective(theta):
        value = weight @ log_likelihood(kind, Z @ theta + offset, reward)
        return 0.5 * prior_precision * np.sum((theta - prior_mean) ** 2) - value

    return objective


def numeric_hessian(objective, at, step=1e-3):
    """Second differences of the fourth order."""
    n = len(at)
    eye = np.eye(n) * step
    hessian = np.empty((n, n))

    def mixed(i, j, h):
        a, b = h * eye[i], h * eye[j]
        return (objective(at + a + b) - objective(at + a - b) - objective(at - a + b)) + objective(
            at - a - b
        )

    for i in range(n):
        for j in range(n):
            near, far = mixed(i, j, 1.0), mixed(i, j, 2.0)
            hessian[i, j] = (16 * near - far) / 3 / (16 * step**2)
    return hessian


def laplace(kind, Z, reward, prior_mean, prior_precision=1.0, weight=None, offset=0.0):
    """Mode and covariance."""
    prior_mean = np.asarray(prior_mean, dtype=float)
    objective = posterior(kind, Z, reward, prior_mean, prior_precision, weight, offset)
    found = minimize(objective, prior_mean, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    found = minimize(
        objective,
        found.x,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000},
    )
    hessian = numeric_hessian(objective, found.x)
    return SimpleNamespace(mode=found.x, covariance=np.linalg.inv(hessian))


def metropolis(kind, Z, reward, prior_mean, n_steps, n_chains, start, shape, seed=0):
    """Random-walk Metropolis, chains beside each other; the first fifth is thrown away.

    `shape` is a covariance for the proposals; any is right.
    """
    rng = np.random.default_rng(seed)
    n_terms = Z.shape[1]
    root = np.linalg.cholesky(shape) * 2.38 / np.sqrt(n_terms)
    theta = start + rng.normal(size=(n_chains, n_terms)) @ np.linalg.cholesky(shape).T

    def log_density(theta):
        score = theta @ Z.T
        if kind == "logistic":
            value = score @ reward - np.logaddexp(0, score).sum(axis=1)
        else:
            value = score @ reward - np.exp(score).sum(axis=1)
        return value - 0.5 * np.sum((theta - prior_mean) ** 2, axis=1)

    now, kept = log_density(theta), []
    for step in range(n_steps):
        proposed = theta + rng.normal(size=theta.shape) @ root.T
        value = log_density(proposed)
        taken = np.log(rng.random(n_chains)) < value - now
        theta = np.where(taken[:, None], proposed, theta)
        now = np.where(taken, value, now)
        if step >= n_steps // 5:
            kept.append(theta)
    kept = np.concatenate(kept)
    return SimpleNamespace(mean=kept.mean(axis=0), std=kept.std(axis=0))


def independence(Z, reward, prior_mean, n_steps, n_chains, start, shape, seed=0):
    """Metropolis-Hastings for logistic rewards whose proposals are drawn from one Gaussian.

    Any Gaussian is right; a wide one about the bulk accepts most, so that draws hang together
    little. The first tenth is thrown away.
    """
    rng = np.random.default_rng(seed)
    root = 1.3 * np.linalg.cholesky(shape)
    paid = reward @ Z

    def density(theta):
        """Logarithm of the posterior's over the proposal's density."""
        score = theta @ Z.T
        value = theta @ paid - np.log1p(np.exp(score, out=score), out=score).sum(axis=1)
        away = np.linalg.solve(root, (theta - start).T)
        prior = np.sum((theta - prior_mean) ** 2, axis=1)
        return value - 0.5 * prior + 0.5 * np.sum(away**2, axis=0)

    def draw():
        return start + rng.normal(size=(n_chains, len(start))) @ root.T

    theta = draw()
    now, kept = density(theta), []
    for step in range(n_steps):
        proposed = draw()
        value = density(proposed)
        taken = np.log(rng.random(n_chains)) < value - now
        theta = np.where(taken[:, None], proposed, theta)
        now = np.where(taken, value, now)
        if step >= n_steps // 10:
            kept.append(theta)
    kept = np.concatenate(kept)
    return SimpleNamespace(mean=kept.mean(axis=0), std=kept.std(axis=0))


@pytest.fixture(scope="session")
def numeric():
    """Reference computations."""
    return SimpleNamespace(
        log_likelihood=log_likelihood,
        posterior=posterior,
        laplace=laplace,
        metropolis=metropolis,
        independence=independence,
    )


def make_rounds(kind, n_samples=150, n_features=3, n_arms=3, seed=0, level=-0.5):
    """Rounds with correlated features; the last arm is played the least."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    X[:, 1] += 0.7 * X[:, 0] + 0.3
    share = np.linspace(3, 1, n_arms)
    arm = rng.choice(n_arms, size=n_samples, p=share / share.sum())
    theta = 0.6 * rng.normal(size=(n_arms, n_features))
    score = level + np.einsum("ij,ij->i", X, theta[arm]) + 0.3 * arm
    if kind == "poisson":
        return X, arm, rng.poisson(np.exp(score)).astype(float)
    return X, arm, (rng.random(n_samples) < 1 / (1 + np.exp(-score))).astype(float)


@pytest.fixture(scope="session")
def draw_rounds():
    """Factory of rounds: X, arm, reward."""
    return make_rounds


def expected_location(kind, paid, weight, rounds, prior_precision=1.0):
    """Where the prior of constants lies, from the formula of the guide, arm by arm."""
    paid, weight, rounds = map(np.asarray, (paid, weight, rounds))
    total = weight.sum()
    if kind == "logistic":
        pooled = (paid.sum() + 0.5) / (total + 1.0)
        information = weight * pooled * (1 - pooled)
    else:
        pooled = (paid.sum() + 0.5) / (total + 0.5 * total / rounds.sum())
        information = weight * pooled
    share = information / (prior_precision + information)
    seen = weight > 0
    mean = np.sum(share[seen] * paid[seen] / weight[seen]) / share.sum()
    if kind == "logistic":
        rate = (total * mean + 0.5) / (total + 1.0)
        return np.log(rate / (1 - rate))
    return np.log((total * mean + 0.5) / (total + 0.5 * total / rounds.sum()))


@pytest.fixture(scope="session")
def where():
    """The location of the constants' prior."""
    return expected_location
