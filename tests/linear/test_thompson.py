"""Thompson sampling's policy of independent arms, against adaptive quadrature and simulation."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from skbandit.linear import LinearThompsonSampling


def best_by_quadrature(marginals):
    """P(arm a is the best) as an integral of a's density times the others' distributions."""
    chances = []
    for a, own in enumerate(marginals):
        others = [m for b, m in enumerate(marginals) if b != a]
        points = np.sort([m.ppf(q) for m in marginals for q in (0.01, 0.5, 0.99)])

        def integrand(x, own=own, others=others):
            return own.pdf(x) * np.prod([m.cdf(x) for m in others])

        low, high = own.ppf(1e-9), own.ppf(1 - 1e-9)
        inner = points[(points > low) & (points < high)]
        edges = [low, *inner, high]
        chances.append(
            sum(integrate.quad(integrand, *part, epsabs=1e-9)[0] for part in pairwise(edges))
        )
    return np.array(chances)


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("alpha", [0.25, 2.0])
def test_policy_by_adaptive_quadrature(noise, precision, alpha, dense, rounds):
    """Student-t scores with 3 + n degrees of freedom each, or normal ones; an arm is cold."""
    X, arm, reward = rounds(n_samples=25)
    bandit = LinearThompsonSampling(
        arms=[0, 1, 2, 3],
        alpha=alpha,
        noise=noise,
        noise_std=1.3,
        noise_prior=(1.5, 2.0),
        precision=precision,
    ).fit(X, arm, reward)
    policy = bandit.predict_proba(X)
    # The rows on which it is least sure.
    rows = np.argsort(policy.max(axis=1))[:3]
    policy = policy[rows]
    mean, std = bandit.expected_reward(X[rows], return_std=True)
    for row in range(3):
        if noise == "fixed":
            marginals = [stats.norm(mean[row, a], alpha * std[row, a]) for a in range(4)]
        else:
            marginals = []
            for a in range(4):
                dof = 3 + np.sum(arm == a)
                # The deviation of a t is its scale times the root of dof / (dof - 2).
                scale = alpha * std[row, a] * np.sqrt((dof - 2) / dof)
                marginals.append(stats.t(dof, mean[row, a], scale))
        expected = best_by_quadrature(marginals)
        assert_allclose(expected.sum(), 1, atol=1e-6)
        assert_allclose(policy[row], expected, atol=1e-5)
    assert ((policy > 0.1) & (policy < 0.9)).any()


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_policy_by_simulation_from_the_weights(noise, dense, rounds):
    """From weights and noise drawn by numpy, arm by arm; five standard errors of 400,000 draws."""
    X, arm, reward = rounds(n_samples=40)
    bandit = LinearThompsonSampling(alpha=1.0, noise=noise, noise_prior=(2.5, 3.0))
    bandit.fit(X, arm, reward)
    rng, n_draws, Z = np.random.default_rng(0), 400_000, dense.design(X)
    scores = []
    for a in range(3):
        own = arm == a
        belief = dense.regress(Z[own], reward[own])
        std = np.ones(n_draws)
        if noise == "learnt":
            shape, scale = 2.5 + own.sum() / 2, 3.0 + belief.minimum / 2
            std = 1 / np.sqrt(rng.gamma(shape, 1 / scale, n_draws))
        normal = rng.standard_normal((n_draws, 5)) @ np.linalg.cholesky(belief.covariance).T
        scores.append((belief.mean + std[:, None] * normal) @ Z[:8].T)
    best = np.argmax(scores, axis=0)
    expected = np.stack([(best == a).mean(axis=0) for a in range(3)], axis=1)
    error = np.abs(bandit.predict_proba(X[:8]) - expected)
    assert (error <= 5 * np.sqrt(expected * (1 - expected) / n_draws) + 1e-5).all()


def test_draws_follow_the_policy(rounds):
    """Chi-square of 20,000 decisions; a p-value below 1e-4 is a false alarm at that rate."""
    X, arm, reward = rounds(n_samples=25)
    bandit = LinearThompsonSampling(alpha=1.0, random_state=0).fit(X, arm, reward)
    row = bandit.predict_proba(X).max(axis=1).argmin()
    X = X[row : row + 1]
    policy = bandit.predict_proba(X)[0]
    played, propensity = bandit.predict(np.repeat(X, 20_000, axis=0), return_propensity=True)
    assert_allclose(propensity, policy[played])
    counts = np.bincount(played, minlength=3)
    assert stats.chisquare(counts, 20_000 * policy).pvalue > 1e-4
    assert policy.max() < 0.999


def test_no_width_no_exploration(rounds):
    X, arm, reward = rounds()
    bandit = LinearThompsonSampling(alpha=0.0).fit(X, arm, reward)
    best = bandit.expected_reward(X).argmax(axis=1)
    assert_allclose(bandit.predict_proba(X), np.eye(3)[best])


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_masked_arms_leave_the_game(noise, precision, rounds):
    """The policy among what is available is that of a bandit which knows nothing else."""
    X, arm, reward = rounds(n_samples=30)
    options = {"noise": noise, "precision": precision, "noise_prior": (2.0, 1.0)}
    bandit = LinearThompsonSampling(**options).fit(X, arm, reward)
    mask = np.tile([True, False, True], (30, 1))
    without = LinearThompsonSampling(**options).fit(X[arm != 1], arm[arm != 1], reward[arm != 1])
    policy = bandit.predict_proba(X, available=mask)
    assert not policy[:, 1].any()
    assert_allclose(policy[:, [0, 2]], without.predict_proba(X), atol=1e-7)


def test_two_arms_in_closed_form(dense, rounds):
    """The chance that one normal exceeds another is a normal distribution function."""
    X, arm, reward = rounds(n_arms=2)
    bandit = LinearThompsonSampling(alpha=2.0, noise="fixed").fit(X, arm, reward)
    mean, std = bandit.expected_reward(X, return_std=True)
    gap, width = mean[:, 0] - mean[:, 1], 2 * np.hypot(std[:, 0], std[:, 1])
    assert_allclose(bandit.predict_proba(X)[:, 0], stats.norm.cdf(gap / width), atol=1e-6)
