"""Thompson sampling from predictions of growing prefixes, against conjugate posteriors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import BayesianRidge

from skbandit.meta import PredictiveThompsonSampling
from skbandit.meta._predictive import predictive_variance, prefix_ends


class Gaussian(RegressorMixin, BaseEstimator):
    """The posterior mean of rewards of unit noise, whose prior N(0, 1) counts as one round."""

    def fit(self, X, y):
        self.mean_ = y.sum() / (1.0 + len(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Beta(ClassifierMixin, BaseEstimator):
    """The posterior mean of a rate that is uniform before any round."""

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        self.rate_ = (1.0 + y.sum()) / (2.0 + len(y))
        return self

    def predict_proba(self, X):
        return np.tile([1.0 - self.rate_, self.rate_], (len(X), 1))

    def predict(self, X):
        return np.full(len(X), int(self.rate_ > 0.5))


def test_prefixes_grow_by_a_factor():
    assert_array_equal(prefix_ends(np.ones(16), 2.0), [1, 2, 4, 8, 16])
    assert_array_equal(prefix_ends(np.ones(10), 2.0), [1, 2, 5, 10])
    assert_array_equal(prefix_ends(np.ones(1), 2.0), [1])
    assert_array_equal(prefix_ends(np.full(8, 3.0), 2.0), [1, 2, 4, 8])


def test_the_formula_by_hand():
    """Two increments, of 2 and of -1."""
    means, counts = np.array([[0.0], [2.0], [1.0]]), np.array([1.0, 3.0, 9.0])
    first, second = 4.0 / (1 / 2 - 1 / 4), 1.0 / (1 / 4 - 1 / 10)
    found = predictive_variance(means, counts, 1.0, 5.0)
    assert_allclose(found, (5.0 + first + second) / 3.0 / 10.0)


def test_one_prefix_leaves_the_prior():
    found = predictive_variance(np.zeros((1, 2)), np.array([4.0]), 1.0, 3.0)
    assert_allclose(found, [0.6, 0.6])


@pytest.mark.parametrize("growth", [1.1, 1.5, 3.0])
def test_gaussian_posterior(growth):
    """Means over 4,000 data sets; their standard error is below 1.2 % (growth 3: 0.6 of 5)."""
    rng = np.random.RandomState(0)
    n_rounds, n_sets = 200, 4000
    truth = rng.randn(n_sets)
    rewards = truth + rng.randn(n_rounds, n_sets)
    ends = prefix_ends(np.ones(n_rounds), growth)
    means = np.cumsum(rewards, axis=0)[ends - 1] / (1.0 + ends[:, None])
    found = predictive_variance(means, ends.astype(float), 1.0, 1.0)
    assert_allclose(found.mean(), 1.0 / (1.0 + n_rounds), rtol=0.05)


def test_a_bandit_around_a_gaussian_posterior():
    """Means over 250 data sets, by the bandit itself."""
    rng = np.random.RandomState(0)
    found = []
    for _ in range(250):
        reward = rng.randn() + rng.randn(100)
        bandit = PredictiveThompsonSampling(
            estimator=Gaussian(), arms=[0, 1], grid_growth=1.3, min_rewards=1
        ).fit(np.zeros((100, 1)), np.zeros(100, dtype=int), reward=reward)
        mean, std = bandit.expected_reward([[0.0]], return_std=True)
        assert_allclose(mean[0, 0], reward.sum() / 101.0)
        found.append(std[0, 0] ** 2)
    assert_allclose(np.mean(found), 1.0 / 101.0, rtol=0.05)


def test_a_bandit_around_a_beta_posterior():
    """Means over 300 data sets of the variance over that of the posterior."""
    rng = np.random.RandomState(1)
    ratio = []
    for _ in range(300):
        reward = (rng.rand(200) < rng.uniform(0.3, 0.7)).astype(float)
        bandit = PredictiveThompsonSampling(
            estimator=Beta(), arms=[0, 1], grid_growth=1.3, prior_rounds=2.0
        ).fit(np.zeros((200, 1)), np.zeros(200, dtype=int), reward=reward)
        mean, std = bandit.expected_reward([[0.0]], return_std=True)
        ones = 1.0 + reward.sum()
        assert_allclose(mean[0, 0], ones / 202.0)
        ratio.append(std[0, 0] ** 2 / (ones * (202.0 - ones) / (202.0**2 * 203.0)))
    assert_allclose(np.mean(ratio), 1.0, rtol=0.05)


def test_a_gaussian_process():
    """Its own variance of the mean, averaged over places; 10 data sets."""
    rng = np.random.RandomState(0)
    kernel = ConstantKernel(1.0, "fixed") * RBF(1.0, "fixed") + WhiteKernel(0.25, "fixed")
    asked = np.linspace(-1.5, 1.5, 7)[:, None]
    ratio = []
    for _ in range(10):
        X = rng.uniform(-2.0, 2.0, size=(120, 1))
        process = GaussianProcessRegressor(kernel=kernel)
        both = process.sample_y(np.vstack([X, asked]), random_state=rng)[:, 0]
        bandit = PredictiveThompsonSampling(
            estimator=process, arms=[0], grid_growth=1.2, min_rewards=1
        ).fit(X, np.zeros(120, dtype=int), reward=both[:120])
        _, std = bandit.expected_reward(asked, return_std=True)
        exact = process.fit(X, both[:120]).predict(asked, return_std=True)[1] ** 2 - 0.25
        ratio.append(std[:, 0] ** 2 / exact)
    assert 0.5 < np.mean(ratio) < 2.0


def test_predictions_that_agree_make_nothing_certain():
    reward = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    bandit = PredictiveThompsonSampling(estimator=BayesianRidge(), arms=[0, 1])
    bandit.fit(np.zeros((6, 1)), [0, 0, 0, 1, 1, 1], reward=reward)
    assert (bandit.expected_reward([[0.0]], return_std=True)[1] > 0.1).all()


def test_a_classifier_waits_for_both_kinds():
    """The first rounds all pay; prefixes without a 0 are not fitted."""
    reward = np.append(np.ones(20), np.zeros(20))
    bandit = PredictiveThompsonSampling(estimator=Beta(), arms=[0]).fit(
        np.zeros((40, 1)), np.zeros(40, dtype=int), reward=reward
    )
    counts = bandit.state_.models[0].fitted.counts
    assert counts.min() >= 22.0
    assert counts.max() == 40.0


def test_weights_count_as_rounds():
    rng = np.random.RandomState(0)
    X, arm, reward = rng.randn(60, 2), np.zeros(60, dtype=int), rng.randn(60)
    bandit = PredictiveThompsonSampling(estimator=BayesianRidge(), arms=[0])
    bandit.fit(X, arm, reward=reward, sample_weight=np.full(60, 2.0))
    assert bandit.state_.models[0].fitted.counts[-1] == 120.0
