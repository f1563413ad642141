"""Evidence for the best arm: formulas by quadrature, error rates by simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from skbandit._evidence import GaussianEvidence, least_mixture
from skbandit.contextfree import TopTwoThompsonSampling
from skbandit.contextfree._bounds import bernoulli_kl
from skbandit.contextfree._lower_bound import characteristic_time
from skbandit.contextfree._stopping import (
    BernoulliEvidence,
    _log_lower_tail,
    error_probability,
)

PRIORS = 4.0 * 8.0 ** np.arange(5)


def bernoulli_mixture(theta, paid, missed, prior, above):
    """An arm's likelihood averaged over means on one side of theta, over that at theta."""
    law = stats.beta(prior * theta, prior * (1 - theta))
    ends = (theta, 1.0) if above else (0.0, theta)
    share = law.sf(theta) if above else law.cdf(theta)

    def part(mean):
        ratio = (mean / theta) ** paid * ((1 - mean) / (1 - theta)) ** missed
        return law.pdf(mean) * ratio

    return quad(part, *ends, limit=400)[0] / share


@pytest.mark.parametrize("theta", [0.1, 0.35, 0.6])
def test_bernoulli_mixture_by_quadrature(theta):
    paid, played = np.array([9.0, 5.0]), np.array([20.0, 25.0])
    evidence = BernoulliEvidence(paid / played, played)
    expected = np.mean(
        [
            bernoulli_mixture(theta, 9.0, 11.0, prior, above=True)
            * bernoulli_mixture(theta, 5.0, 20.0, prior, above=False)
            for prior in PRIORS
        ]
    )
    found = evidence.log_mixture(np.array([theta]), 0, 1)[0]
    assert_allclose(found, np.log(expected), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "evidence",
    [
        BernoulliEvidence(np.array([0.5, 0.3]), np.array([200.0, 50.0])),
        BernoulliEvidence(np.array([0.02, 0.004]), np.array([5000.0, 900.0])),
        BernoulliEvidence(np.array([1.0, 0.0]), np.array([30.0, 2.0])),
        GaussianEvidence(np.array([3.0, 2.0]), np.array([90.0, 9.0]), np.array([1.0, 1.0])),
        GaussianEvidence(np.array([3.0, 2.0]), np.array([1e6, 1.0]), np.array([1.0, 1.0])),
    ],
)
def test_the_least_is_the_least(evidence):
    """Against 20,000 points."""
    low, high = evidence.search_range(0, 1)
    theta = np.linspace(low, high, 20_000)
    values = evidence.log_mixture(theta, 0, 1)
    assert least_mixture(evidence, 0, 1) <= values.min() + 1e-6
    assert_allclose(least_mixture(evidence, 0, 1), values.min(), rtol=1e-3, atol=1e-4)
    # An average is at most the largest.
    assert least_mixture(evidence, 0, 1) < evidence.likelihood_ratio(0, 1)


def test_likelihood_ratio_is_a_minimum():
    evidence = BernoulliEvidence(np.array([0.6, 0.2]), np.array([50.0, 80.0]))
    expected = minimize_scalar(
        lambda m: 50 * bernoulli_kl(0.6, m) + 80 * bernoulli_kl(0.2, m),
        bounds=(0.2, 0.6),
        method="bounded",
        options={"xatol": 1e-10},
    ).fun
    assert_allclose(evidence.likelihood_ratio(0, 1), expected)
    gaussian = GaussianEvidence(np.array([0.6, 0.2]), np.array([50.0, 80.0]), np.array([2.0, 1.0]))
    expected = minimize_scalar(
        lambda m: 50 * (0.6 - m) ** 2 / 8 + 80 * (0.2 - m) ** 2 / 2, bounds=(0.2, 0.6)
    ).fun
    assert_allclose(gaussian.likelihood_ratio(0, 1), expected)


def test_arms_never_played_are_no_evidence():
    for evidence in (
        BernoulliEvidence(np.array([0.9, 0.0]), np.array([100.0, 0.0])),
        GaussianEvidence(np.array([0.9, 0.0]), np.array([100.0, 0.0]), np.array([1.0, 1.0])),
    ):
        for threshold in ("mixture", "union", "loglog", "chernoff"):
            assert error_probability(evidence, 0, threshold) == 1.0


def test_error_probabilities_are_the_formulas():
    evidence = BernoulliEvidence(np.array([0.6, 0.2, 0.1]), np.array([50.0, 40.0, 30.0]))
    least = min(evidence.likelihood_ratio(0, arm) for arm in (1, 2))
    assert_allclose(error_probability(evidence, 0, "union"), 2 * 120 * 2 * np.exp(-least))
    assert_allclose(error_probability(evidence, 0, "loglog"), (np.log(120) + 1) * np.exp(-least))
    assert_allclose(error_probability(evidence, 0, "chernoff"), np.exp(-least))
    mixture = min(least_mixture(evidence, 0, arm) for arm in (1, 2))
    assert_allclose(error_probability(evidence, 0), 2 * np.exp(-mixture))


def test_tails_that_underflow_are_bounded_from_below():
    assert_allclose(_log_lower_tail(3.0, 5.0, 0.2), np.log(stats.beta(3, 5).cdf(0.2)))
    exact = _log_lower_tail(4000.0, 4000.0, 0.37)
    assert_allclose(exact, stats.beta(4000, 4000).logcdf(0.37))
    far = _log_lower_tail(4000.0, 4000.0, 0.2)
    assert np.isfinite(far)
    assert far < -750


class TestLowerBound:
    def test_published_shares(self):
        """Section 6 of Garivier and Kaufmann (2016)."""
        _, first = characteristic_time([0.5, 0.45, 0.43, 0.4])
        assert_allclose(first, [0.417, 0.390, 0.136, 0.057], atol=5e-4)
        _, second = characteristic_time([0.3, 0.21, 0.2, 0.19, 0.18])
        assert_allclose(second, [0.336, 0.251, 0.177, 0.132, 0.104], atol=5e-4)

    @pytest.mark.parametrize("means", [[0.5, 0.45, 0.43], [0.1, 0.9, 0.05], [0.3, 0.29]])
    def test_no_other_shares_are_better(self, means):
        """The rate that the arms are told apart with, over shares on a random walk."""
        time, weights = characteristic_time(means)
        means = np.array(means)
        best = means.argmax()

        def rate(w):
            middle = (w[best] * means[best] + w * means) / (w[best] + w)
            told = w[best] * bernoulli_kl(means[best], middle) + w * bernoulli_kl(means, middle)
            return np.delete(told, best).min()

        assert_allclose(rate(weights), 1 / time, rtol=1e-6)
        rng = np.random.default_rng(0)
        for size in (0.3, 0.03, 0.003):
            for _ in range(300):
                other = weights * np.exp(size * rng.normal(size=len(means)))
                assert rate(other / other.sum()) <= 1 / time * (1 + 1e-9)

    def test_two_alike_have_none(self):
        with pytest.raises(ValueError, match="one highest value"):
            characteristic_time([0.5, 0.5, 0.2])


def wrong_stops(means, threshold, delta, seeds, most=2000, **params):
    """How many of the streams stop at an arm that is not the best, looked at in every batch."""
    wrong = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        bandit = TopTwoThompsonSampling(
            arms=list(range(len(means))),
            threshold=threshold,
            random_state=np.random.RandomState(seed),
            **params,
        )
        t = 0
        while t < most:
            X = np.empty((max(1, t // 20), 0))
            arm = bandit.predict(X)
            if params.get("reward_model") == "gaussian":
                reward = means[arm] + rng.normal(size=len(arm))
            else:
                reward = (rng.random(len(arm)) < means[arm]).astype(float)
            bandit.partial_fit(X, arm, reward)
            t += len(arm)
            if bandit.should_stop(1 - delta):
                wrong += means[bandit.best_arm_] < means.max()
                break
    return wrong


@pytest.mark.parametrize(
    "params", [{}, {"reward_model": "gaussian", "noise_std": 1.0}], ids=["bernoulli", "gaussian"]
)
def test_errors_are_rare(params):
    """40 streams with an error rate of at most .3 err more than 23 times with a chance of 1e-4."""
    means = np.array([0.5, 0.45, 0.4])
    assert wrong_stops(means, "mixture", 0.3, range(40), most=100, **params) <= 23


@pytest.mark.long
@pytest.mark.parametrize("threshold", ["mixture", "union"])
def test_errors_are_rare_in_many_streams(threshold):
    """1,000 streams with an error rate of at most .1 err more than 137 times with 1e-4."""
    means = np.array([0.5, 0.45, 0.4])
    assert wrong_stops(means, threshold, 0.1, range(1000)) <= 137


@pytest.mark.long
def test_two_arms_that_are_alike_are_not_told_apart():
    """As many as 2,000 rounds, both arms pay alike: at most a tenth of 1,000 streams may stop."""
    means = np.array([0.3, 0.3])
    stops = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        bandit = TopTwoThompsonSampling(arms=[0, 1], random_state=np.random.RandomState(seed))
        t = 0
        while t < 2000:
            X = np.empty((max(1, t // 20), 0))
            arm = bandit.predict(X)
            bandit.partial_fit(X, arm, (rng.random(len(arm)) < means[arm]).astype(float))
            t += len(arm)
            if bandit.should_stop(0.95):
                stops += 1
                break
    # Either arm may be the one that is declared better: twice the error, and then 1e-4 of chance.
    assert stops <= 137
