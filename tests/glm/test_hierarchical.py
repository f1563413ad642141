"""A prior that arms tell: where it lies, how far it reaches, and what a new arm gains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from skbandit.glm import LogisticThompsonSampling, LogisticUCB, PoissonUCB


def alike(n_arms, n_rounds, seed=0, spread=0.3):
    """Arms whose weights scatter a little about (1, -1, 0)."""
    rng = np.random.default_rng(seed)
    weights = np.array([1.0, -1.0, 0.0]) + spread * rng.normal(size=(n_arms, 3))
    X, arm = rng.normal(size=(n_rounds, 3)), rng.integers(0, n_arms, n_rounds)
    chance = expit(-1.0 + np.einsum("ij,ij->i", X, weights[arm]))
    return X, arm, (rng.random(n_rounds) < chance).astype(float), weights


def test_a_new_arm_starts_as_arms_are():
    """Nearer to what arms are like, and narrower than under a prior about zero."""
    X, arm, reward, weights = alike(20, 20_000)
    ridge, taught = (
        LogisticUCB(prior=prior).fit(X, arm, reward).add_arms([20])
        for prior in ("ridge", "hierarchical")
    )
    assert_allclose(ridge.coef_[20], 0.0)
    assert_allclose(taught.coef_[20], [1.0, -1.0, 0.0], atol=0.25)
    std = np.sqrt(np.diagonal(taught.covariance_[20]))[1:]
    assert (std < 0.6).all()
    assert (std > 0.25).all()
    # Where each arm has few rounds, what all are like helps all.
    X, arm, reward, weights = alike(20, 600, seed=1)
    apart = [
        np.mean(
            (LogisticUCB(prior=prior, arms=range(20)).fit(X, arm, reward).coef_ - weights) ** 2
        )
        for prior in ("ridge", "hierarchical")
    ]
    assert apart[1] < 0.7 * apart[0]


def test_before_any_round_it_is_the_prior_of_ridge():
    for bandit in (
        LogisticThompsonSampling(arms=[0, 1]),
        LogisticThompsonSampling(arms=[0, 1], prior="hierarchical"),
    ):
        mean, std = bandit.expected_reward([[1.0, 2.0]], return_std=True)
        assert_allclose(mean, 0.5)
        if bandit.prior == "ridge":
            known = std
    assert_allclose(std, known, rtol=1e-10)


def test_beliefs_are_those_of_its_prior():
    """Posterior of each arm from the natural parameters and the distribution, by matrices."""
    X, arm, reward, _ = alike(5, 500)
    bandit = PoissonUCB(prior="hierarchical", prior_precision=2.0).fit(X, arm, reward)
    mean, scale = bandit.state_.hyperprior
    prior = 2.0 / scale**2
    for one in range(5):
        precision = bandit.gram_[one] + np.diag(prior)
        expected = np.linalg.solve(precision, bandit.moment_[one] + prior * mean)
        own = np.append(bandit.intercept_[one], bandit.coef_[one])
        assert_allclose(own, expected, rtol=1e-9)
        assert_allclose(bandit.covariance_[one], np.linalg.inv(precision), rtol=1e-8, atol=1e-12)
        assert_allclose(bandit.precision_[one], precision, rtol=1e-9)


def test_dropping_a_feature_hardly_moves_what_is_believed():
    """Marginalised under the distribution of now, which is then found anew."""
    X, arm, reward, _ = alike(12, 6000)
    bandit = LogisticUCB(prior="hierarchical").fit(X, arm, reward)
    smaller = bandit.drop_features([1])
    zero = X.copy()
    zero[:, 1] = 0.0
    for ours, theirs in zip(
        smaller.expected_reward(X[:, [0, 2]], return_std=True),
        bandit.expected_reward(zero, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, atol=0.01)


@pytest.mark.parametrize("size", [1, 30])
def test_pieces_end_near_the_whole(size):
    X, arm, reward, _ = alike(4, 240)
    whole = LogisticUCB(prior="hierarchical").fit(X, arm, reward)
    pieces = LogisticUCB(prior="hierarchical", arms=range(4))
    for start in range(0, 240, size):
        rows = slice(start, start + size)
        pieces.partial_fit(X[rows], arm[rows], reward[rows])
    std = np.sqrt(np.diagonal(whole.covariance_, axis1=1, axis2=2))[:, 1:]
    assert np.abs((pieces.coef_ - whole.coef_) / std).max() < 0.3
