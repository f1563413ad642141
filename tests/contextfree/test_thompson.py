"""Thompson sampling without contexts: posteriors and policies by other means."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit.contextfree import BetaThompsonSampling, GaussianThompsonSampling
from skbandit.explorations import thompson_policy, thompson_scale
from skbandit.linear import LinearThompsonSampling
from skbandit.selectors import ArgmaxSelector
from skbandit.transfer import merge


def rounds(n_samples, n_arms=3, seed=0, scale=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    arm = rng.integers(n_arms, size=n_samples)
    return np.empty((n_samples, 0)), arm, shift + scale * (arm + rng.normal(size=n_samples))


class TestBeta:
    def test_posterior(self):
        arm, reward = np.array([0, 0, 1, 0, 1]), np.array([1.0, 0.0, 0.25, 1.0, 1.0])
        weight = np.array([1.0, 2.0, 3.0, 0.5, 1.0])
        bandit = BetaThompsonSampling(prior=(0.5, 2.0))
        bandit.fit(np.empty((5, 0)), arm, reward=reward, sample_weight=weight)
        assert_allclose(bandit.a_, [0.5 + 1.5, 0.5 + 0.75 + 1.0])
        assert_allclose(bandit.b_, [2.0 + 2.0, 2.0 + 2.25])
        mean, std = bandit.expected_reward([[]], return_std=True)
        law = stats.beta(bandit.a_, bandit.b_)
        assert_allclose(mean[0], law.mean())
        assert_allclose(std[0], law.std())

    def test_policy_agrees_with_draws(self):
        """Three shares off by five standard errors: a chance of 2e-6."""
        bandit = BetaThompsonSampling(alpha=1.0, random_state=0)
        rng = np.random.default_rng(0)
        arm = rng.integers(3, size=40)
        bandit.fit(np.empty((40, 0)), arm, reward=(rng.random(40) < 0.3 + 0.1 * arm).astype(float))
        draws = rng.beta(bandit.a_, bandit.b_, (200_000, 3))
        share = np.bincount(draws.argmax(axis=1), minlength=3) / 200_000
        policy = bandit.predict_proba([[]])[0]
        assert (np.abs(policy - share) < 5 * np.sqrt(policy * (1 - policy) / 200_000)).all()

    def test_scale_divides_the_parameters_by_its_square(self):
        bandit = BetaThompsonSampling(alpha=0.5).fit(np.empty((3, 0)), [0, 1, 1], [1.0, 0.0, 1.0])
        sharper = BetaThompsonSampling(alpha=1.0, prior=(4.0, 4.0))
        sharper.fit(np.empty((3, 0)), [0, 1, 1], [1.0, 0.0, 1.0], sample_weight=[4, 4, 4])
        assert_allclose(bandit.predict_proba([[]]), sharper.predict_proba([[]]), atol=1e-9)
        greedy = BetaThompsonSampling(alpha=0.0).fit(np.empty((2, 0)), [0, 1], [1.0, 0.0])
        assert greedy.predict_proba([[]]).tolist() == [[1.0, 0.0]]

    def test_auto_is_the_scale_of_the_explorations(self):
        bandit = BetaThompsonSampling().fit(np.empty((4, 0)), [0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])
        width = 0.5 / np.sqrt(bandit.a_ + bandit.b_)[None]
        belief = bandit._belief(np.empty((1, 0)))
        expected = thompson_policy(belief, ArgmaxSelector(), thompson_scale(width))
        assert_allclose(bandit.predict_proba([[]]), expected)

    @pytest.mark.parametrize("prior", [(1.0,), (1.0, 0.0), (-1.0, 2.0), (1.0, 2.0, 3.0)])
    def test_bad_priors(self, prior):
        with pytest.raises(ValueError, match=r"prior must be \(a, b\), two positive"):
            BetaThompsonSampling(arms=["a", "b"], prior=prior).predict([[0.0]])

    def test_prior_may_change_after_learning(self):
        bandit = BetaThompsonSampling().fit(np.empty((2, 0)), ["a", "b"], [1.0, 0.0])
        bandit.set_params(prior=(10.0, 10.0))
        assert bandit.a_.tolist() == [11.0, 10.0]

    def test_forgetting(self):
        bandit = BetaThompsonSampling(forgetting=0.5)
        bandit.fit(np.empty((3, 0)), [0, 1, 0], [1.0, 1.0, 0.0])
        assert_allclose(bandit.weight_, [1.25, 0.5])
        assert_allclose(bandit.reward_sum_, [0.25, 0.5])

    def test_a_new_arm_may_start_from_others(self):
        bandit = BetaThompsonSampling().fit(np.empty((3, 0)), ["a", "b", "b"], [1.0, 0.0, 0.5])
        grown = bandit.add_arms(["c"], init="mean")
        assert_allclose(grown.weight_, [1.0, 2.0, 1.5])
        assert_allclose(grown.reward_sum_, [1.0, 0.5, 0.75])
        assert_allclose(bandit.add_arms(["c"], init="b").weight_, [1.0, 2.0, 2.0])

    def test_shards_join(self):
        X, arm, reward = rounds(50)
        reward = 1 / (1 + np.exp(-reward))
        parts = [
            BetaThompsonSampling(arms=[0, 1, 2]).fit(X[i::2], arm[i::2], reward=reward[i::2])
            for i in range(2)
        ]
        whole = BetaThompsonSampling().fit(X, arm, reward=reward)
        assert_allclose(merge(parts).a_, whole.a_)


class TestGaussian:
    def test_is_the_linear_bandit_with_a_constant(self):
        X, arm, reward = rounds(60)
        plain = GaussianThompsonSampling(prior_precision=2.0).fit(X, arm, reward=reward)
        linear = LinearThompsonSampling(prior_precision=2.0).fit(np.zeros((60, 1)), arm, reward)
        for ours, theirs in zip(
            plain.expected_reward(X[:1], return_std=True),
            linear.expected_reward([[0.0]], return_std=True),
            strict=True,
        ):
            assert_allclose(ours, theirs)
        assert_allclose(plain.predict_proba(X[:1]), linear.predict_proba([[0.0]]))
        assert_allclose(plain.location_, linear.location_)

    def test_posterior_in_closed_form(self):
        """The formulas of the docstring, from the rewards themselves."""
        X, arm, reward = rounds(40, seed=3, shift=50.0)
        bandit = GaussianThompsonSampling().fit(X, arm, reward=reward)
        n = np.bincount(arm).astype(float)
        paid = np.bincount(arm, reward)
        # The location counts each arm by how sure its mean is.
        sureness = n / (1 + n)
        location = (sureness * paid / n).sum() / sureness.sum()
        mean = (location + paid) / (1 + n)
        left = np.array([np.sum((reward[arm == a] - mean[a]) ** 2) for a in range(3)])
        left += (mean - location) ** 2
        noise = (2 * reward.var() + left.sum()) / (2 + n.sum())
        variance = (4 * noise + left) / (4 + n)
        together = (4 * noise + left.sum()) / (4 + n.sum())
        variance = np.maximum(variance, together)
        dof = 4 + n
        assert_allclose(bandit.location_, location)
        assert_allclose(bandit.noise_variance_, variance, rtol=1e-6)
        found, std = bandit.expected_reward(X[:1], return_std=True)
        assert_allclose(found[0], mean)
        law = stats.t(dof, loc=mean, scale=np.sqrt(variance / (1 + n)))
        assert_allclose(std[0], law.std(), rtol=1e-6)

    def test_policy_agrees_with_draws(self):
        """Three shares off by five standard errors: a chance of 2e-6."""
        X, arm, reward = rounds(12, scale=0.3)
        bandit = GaussianThompsonSampling(alpha=1.0).fit(X, arm, reward=reward)
        mean, std = bandit.expected_reward(X[:1], return_std=True)
        dof = 4 + bandit.weight_
        scale = std[0] * np.sqrt(1 - 2 / dof)
        draws = mean[0] + scale * np.random.default_rng(0).standard_t(dof, (200_000, 3))
        share = np.bincount(draws.argmax(axis=1), minlength=3) / 200_000
        policy = bandit.predict_proba(X[:1])[0]
        error = 5 * np.sqrt(policy * (1 - policy) / 200_000) + 2e-6
        assert (np.abs(policy - share) < error).all()

    def test_offset_and_unit_change_no_decision(self):
        X, arm, reward = rounds(30)
        plain = GaussianThompsonSampling(random_state=0).fit(X, arm, reward=reward)
        moved = GaussianThompsonSampling(random_state=0).fit(X, arm, reward=7e5 - 3e3 * -reward)
        many = np.empty((50, 0))
        assert plain.predict(many).tolist() == moved.predict(many).tolist()

    def test_far_arms_are_tried_before_they_are_left(self):
        """As on the wheel: an arm far behind after few rounds keeps a share of its own."""
        arm = np.repeat([0, 1], [90, 8])
        reward = np.where(arm == 0, 1.2, 1.0) + 0.01 * np.random.default_rng(0).normal(size=98)
        bandit = GaussianThompsonSampling().fit(np.empty((98, 0)), arm, reward=reward)
        assert_allclose(bandit.predict_proba([[]]), [[0.8, 0.2]], atol=1e-6)
        fixed = GaussianThompsonSampling(alpha=1.0).fit(np.empty((98, 0)), arm, reward=reward)
        assert fixed.predict_proba([[]])[0, 1] < 1e-6

    def test_prior_precision_may_change_after_learning(self):
        X, arm, reward = rounds(30)
        bandit = GaussianThompsonSampling().fit(X, arm, reward=reward)
        bandit.set_params(prior_precision=20.0)
        anew = GaussianThompsonSampling(prior_precision=20.0).fit(X, arm, reward=reward)
        assert_allclose(bandit.expected_reward(X[:1]), anew.expected_reward(X[:1]))
        bandit.partial_fit(X[:5], arm[:5], reward[:5])
        anew.partial_fit(X[:5], arm[:5], reward[:5])
        assert_allclose(bandit.expected_reward(X[:1]), anew.expected_reward(X[:1]))
