"""Policies and expected rewards, through the link: against quadrature and simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from skbandit.explorations import thompson_scale, upper_bound_scale
from skbandit.glm import (
    LogisticThompsonSampling,
    LogisticUCB,
    PoissonThompsonSampling,
    PoissonUCB,
)
from skbandit.selectors import SoftmaxSelector, TopKSelector

KINDS = pytest.mark.parametrize("kind", ["logistic", "poisson"])
UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}
THOMPSON = {"logistic": LogisticThompsonSampling, "poisson": PoissonThompsonSampling}
LINK = {"logistic": expit, "poisson": np.exp}


def scores_of(bandit, X):
    """Mean and deviation of the scores, from the attributes."""
    Z = np.column_stack([np.ones(len(X)), X])
    mean = Z @ np.column_stack([bandit.intercept_, bandit.coef_]).T
    return mean, np.sqrt(np.einsum("ij,ajk,ik->ia", Z, bandit.covariance_, Z))


@KINDS
def test_expected_rewards_are_integrals(kind, draw_rounds):
    """Mean and deviation of the link of a Gaussian score, by adaptive quadrature."""
    X, arm, reward = draw_rounds(kind)
    bandit = THOMPSON[kind]().fit(X, arm, reward)
    mean, std = bandit.expected_reward(X[:4], return_std=True)
    for row, (locations, scales) in enumerate(zip(*scores_of(bandit, X[:4]), strict=True)):
        for one, (location, scale) in enumerate(zip(locations, scales, strict=True)):

            def moment(power, location=location, scale=scale):
                def integrand(z):
                    return LINK[kind](location + scale * z) ** power * norm.pdf(z)

                return quad(integrand, -12, 12, epsabs=1e-13, limit=200)[0]

            assert_allclose(mean[row, one], moment(1), rtol=1e-8)
            expected = np.sqrt(moment(2) - moment(1) ** 2)
            assert_allclose(std[row, one], expected, rtol=1e-6)


@KINDS
@pytest.mark.parametrize("alpha", [1.0, "auto"])
def test_the_policy_is_the_share_of_draws_that_are_best(kind, alpha, draw_rounds):
    """400,000 draws of the rewards, widths scaled; an error of four deviations is let pass."""
    X, arm, reward = draw_rounds(kind)
    bandit = THOMPSON[kind](alpha=alpha).fit(X, arm, reward)
    mean, std = scores_of(bandit, X[:5])
    scale = thompson_scale(std) if alpha == "auto" else alpha
    rng = np.random.default_rng(0)
    drawn = LINK[kind](mean + scale * std * rng.normal(size=(400_000, *mean.shape)))
    share = (drawn == drawn.max(axis=2, keepdims=True)).mean(axis=0)
    policy = bandit.predict_proba(X[:5])
    assert_allclose(policy, share, atol=4 * np.sqrt(0.25 / 400_000))
    assert ((policy > 0.01) & (policy < 0.99)).any()


@KINDS
def test_masks(kind, draw_rounds):
    """An arm that is missing leaves the policy of the others among themselves."""
    X, arm, reward = draw_rounds(kind)
    bandit = THOMPSON[kind](alpha=1.0).fit(X, arm, reward)
    mask = np.tile([True, False, True], (len(X), 1))
    masked = bandit.predict_proba(X, available=mask)
    others = bandit.remove_arms([1]).predict_proba(X)
    assert_allclose(masked[:, [0, 2]], others, atol=0.05)
    mean, std = scores_of(bandit, X)
    apart = (mean[:, 0] - mean[:, 2]) / np.hypot(std[:, 0], std[:, 2])
    assert_allclose(masked[:, 0], norm.cdf(apart), atol=1e-7)
    assert not masked[:, 1].any()


@KINDS
@pytest.mark.parametrize("alpha", [0.0, 1.3, "auto"])
def test_upper_bounds(kind, alpha, draw_rounds):
    X, arm, reward = draw_rounds(kind)
    bandit = UCB[kind](alpha=alpha).fit(X, arm, reward)
    mean, std = scores_of(bandit, X)
    scale = upper_bound_scale(std) if alpha == "auto" else alpha
    bound = LINK[kind](mean + scale * std)
    assert_allclose(bandit.decision_function(X), bound, rtol=1e-8)
    assert np.array_equal(bandit.predict_proba(X).argmax(axis=1), bound.argmax(axis=1))


def test_sets_and_softmax(draw_rounds):
    """Other selectors weigh rewards, not scores."""
    X, arm, reward = draw_rounds("logistic")
    pair = LogisticThompsonSampling(selector=TopKSelector(2), alpha=1.0).fit(X, arm, reward)
    mean, std = scores_of(pair, X[:3])
    drawn = mean + std * np.random.default_rng(0).normal(size=(200_000, *mean.shape))
    share = (np.argsort(np.argsort(-drawn, axis=2), axis=2) < 2).mean(axis=0)
    assert_allclose(pair.predict_proba(X[:3]), share, atol=0.006)
    soft = SoftmaxSelector(temperature=0.1, standardize=False)
    bandit = LogisticUCB(selector=soft, alpha=0.0).fit(X, arm, reward)
    weights = np.exp(10 * bandit.decision_function(X))
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert_allclose(bandit.predict_proba(X), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["logistic", "poisson"])
def test_regret_falls(kind):
    """4,000 rounds by 50: the last quarter costs less than a third of what uniform play would."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 3))
    for bandit in (THOMPSON[kind](arms=range(3), random_state=0), UCB[kind](arms=range(3))):
        regret, uniform = [], []
        for _ in range(80):
            X = rng.normal(size=(50, 4))
            mean = LINK[kind](X @ weights - 1.0)
            arm = bandit.predict(X)
            own = mean[np.arange(50), arm]
            draw = rng.binomial(1, own) if kind == "logistic" else rng.poisson(own)
            bandit.partial_fit(X, arm, draw)
            regret.append((mean.max(axis=1) - own).sum())
            uniform.append((mean.max(axis=1) - mean.mean(axis=1)).sum())
        assert sum(regret[-20:]) < sum(uniform[-20:]) / 3
