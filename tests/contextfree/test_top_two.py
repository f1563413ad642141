"""Top-two Thompson sampling: the policy against the algorithm as published, and stopping."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit._top_two import challengers
from skbandit.contextfree import GaussianThompsonSampling, TopTwoThompsonSampling
from skbandit.selectors import SoftmaxSelector, TopKSelector
from skbandit.transfer import merge


def played_by_redrawing(draw, beta, n_draws, rng):
    """Shares of arms when a challenger is drawn again and again until it is another arm."""
    counts = np.zeros(0)
    first = draw(n_draws).argmax(axis=1)
    arm = first.copy()
    waiting = np.flatnonzero(rng.random(n_draws) >= beta)
    while len(waiting):
        other = draw(len(waiting)).argmax(axis=1)
        found = other != first[waiting]
        arm[waiting[found]] = other[found]
        waiting = waiting[~found]
    counts = np.bincount(arm, minlength=draw(1).shape[1])
    return counts / n_draws


@pytest.mark.parametrize("beta", [0.5, 0.8])
def test_policy_is_that_of_the_published_algorithm(beta):
    """Four shares off by five standard errors: a chance of 2e-6."""
    rng = np.random.default_rng(0)
    arm = rng.integers(4, size=60)
    reward = (rng.random(60) < 0.2 + 0.15 * arm).astype(float)
    bandit = TopTwoThompsonSampling(beta=beta).fit(np.empty((60, 0)), arm, reward=reward)
    paid, played = np.bincount(arm, reward), np.bincount(arm)
    share = played_by_redrawing(
        lambda n: rng.beta(1 + paid, 1 + played - paid, (n, 4)), beta, 200_000, rng
    )
    policy = bandit.predict_proba([[]])[0]
    assert (np.abs(policy - share) < 5 * np.sqrt(policy * (1 - policy) / 200_000)).all()


def test_policy_with_gaussian_rewards():
    """Three shares off by five standard errors: a chance of 2e-6."""
    rng = np.random.default_rng(1)
    arm = rng.integers(3, size=40)
    reward = 10 + 0.3 * arm + rng.normal(size=40)
    bandit = TopTwoThompsonSampling(reward_model="gaussian").fit(np.empty((40, 0)), arm, reward)
    plain = GaussianThompsonSampling().fit(np.empty((40, 0)), arm, reward)
    mean, std = plain.expected_reward([[]], return_std=True)
    dof = 4 + plain.weight_
    scale = std[0] * np.sqrt(1 - 2 / dof)
    share = played_by_redrawing(
        lambda n: mean[0] + scale * rng.standard_t(dof, (n, 3)), 0.5, 200_000, rng
    )
    policy = bandit.predict_proba([[]])[0]
    assert (np.abs(policy - share) < 5 * np.sqrt(policy * (1 - policy) / 200_000) + 2e-6).all()


def test_challenger_where_the_best_arm_is_certain():
    """Nothing is left of 1 - P, and half of the rounds still go to the others."""
    arm = np.repeat([0, 1, 2], 2000)
    reward = np.tile([1.0, 0.0], 3000)
    reward[:2000] = np.tile([1.0, 1.0, 1.0, 1.0, 0.0], 400)
    reward[4000:] = np.tile([1.0, 0.0, 0.0, 0.0, 0.0], 400)
    bandit = TopTwoThompsonSampling().fit(np.empty((6000, 0)), arm, reward)
    assert_allclose(bandit.predict_proba([[]])[0], [0.5, 0.5, 0.0], atol=1e-9)
    mask = [[True, False, True]]
    assert_allclose(bandit.predict_proba([[]], available=mask)[0], [0.5, 0.0, 0.5], atol=1e-9)
    alone = [[True, False, False]]
    assert_allclose(bandit.predict_proba([[]], available=alone)[0], [1.0, 0.0, 0.0])
    assert_allclose(challengers(np.array([9.0, 1.0, 1.0]), 0), [0.0, 0.5, 0.5])


def test_both_ways_to_the_challenger_agree_where_they_meet():
    """Chances and exponents say the same of two arms that are alike, and nearly so of others."""
    bandit = TopTwoThompsonSampling()
    arm = np.repeat([0, 1, 2], 300)
    reward = np.concatenate([np.arange(300) < 165, np.arange(300) < 105, np.arange(300) < 105])
    bandit.fit(np.empty((900, 0)), arm, reward.astype(float))
    before = bandit.predict_proba([[]])[0]
    assert_allclose(before[1], before[2])
    evidence = bandit._evidence
    costs = np.array([evidence.likelihood_ratio(0, arm) for arm in range(3)])
    assert_allclose(0.5 * challengers(costs, 0), [0.0, *before[1:]], atol=1e-4)


def test_sets_and_other_selectors():
    rng = np.random.default_rng(0)
    arm, reward = rng.integers(4, size=40), rng.integers(2, size=40).astype(float)
    bandit = TopTwoThompsonSampling(selector=TopKSelector(2)).fit(np.empty((40, 0)), arm, reward)
    assert_allclose(bandit.predict_proba([[]])[0], bandit._belief(np.empty((1, 0))).top(2)[0])
    bandit.set_params(selector=SoftmaxSelector(0.1))
    assert_allclose(bandit.predict_proba([[]]).sum(), 1.0)
    # With draws that are all but certain, the two best arms change places in half of them.
    certain = TopTwoThompsonSampling(arms=[0, 1, 2], selector=SoftmaxSelector(1e-3))
    arm, reward = np.repeat([0, 1, 2], 5000), np.repeat([0.9, 0.5, 0.1], 5000)
    certain.fit(np.empty((15000, 0)), arm, reward)
    assert_allclose(certain.predict_proba([[]])[0], [0.5, 0.5, 0.0], atol=0.01)


class TestStopping:
    def test_before_and_after(self):
        bandit = TopTwoThompsonSampling(arms=["a", "b"])
        assert not bandit.should_stop()
        assert not hasattr(bandit, "best_arm_")
        bandit.fit(np.empty((2, 0)), ["a", "b"], [0.0, 1.0])
        assert bandit.best_arm_ == "b"
        assert not bandit.should_stop()
        n = 400
        arm, reward = np.repeat(["a", "b"], n), np.tile([0.0, 1.0], n)
        reward[:n] = np.tile([0.0, 0.0, 0.0, 1.0], n // 4)
        bandit.partial_fit(np.empty((2 * n, 0)), arm, reward)
        assert bandit.should_stop(0.999)
        assert 0.999 < bandit.confidence_ <= 1.0

    def test_one_arm_is_the_best(self):
        bandit = TopTwoThompsonSampling(arms=["a"]).fit(np.empty((1, 0)), ["a"], [0.0])
        assert bandit.confidence_ == 1.0
        assert bandit.should_stop()
        assert bandit.predict_proba([[]]).tolist() == [[1.0]]

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, -1])
    def test_bad_confidence(self, confidence):
        with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
            TopTwoThompsonSampling(arms=["a"]).should_stop(confidence)

    def test_thresholds_are_ordered(self):
        rng = np.random.default_rng(0)
        arm = rng.integers(3, size=600)
        reward = (rng.random(600) < 0.3 + 0.15 * arm).astype(float)
        bandit = TopTwoThompsonSampling().fit(np.empty((600, 0)), arm, reward)
        sure = {}
        for threshold in ("mixture", "union", "loglog", "chernoff"):
            sure[threshold] = bandit.set_params(threshold=threshold).confidence_
        assert sure["union"] < sure["mixture"] < sure["loglog"] < sure["chernoff"]

    def test_a_unit_of_the_rewards_changes_no_confidence(self):
        rng = np.random.default_rng(0)
        arm = rng.integers(3, size=300)
        reward = 0.3 * arm + rng.normal(size=300)
        plain = TopTwoThompsonSampling(reward_model="gaussian")
        plain.fit(np.empty((300, 0)), arm, reward)
        moved = TopTwoThompsonSampling(reward_model="gaussian")
        moved.fit(np.empty((300, 0)), arm, 100 * reward - 7)
        assert 0 < plain.confidence_ < 1
        assert_allclose(plain.confidence_, moved.confidence_, rtol=1e-6)

    @pytest.mark.parametrize("reward_model", ["bernoulli", "gaussian"])
    def test_shards_and_arms(self, reward_model):
        rng = np.random.default_rng(0)
        arm, reward = rng.integers(3, size=90), rng.random(90)

        def new():
            return TopTwoThompsonSampling(arms=[0, 1, 2], reward_model=reward_model)

        X = np.empty((90, 0))
        shards = [new().fit(X[i::2], arm[i::2], reward[i::2]) for i in range(2)]
        whole = new().fit(X, arm, reward)
        assert_allclose(merge(shards).confidence_, whole.confidence_)
        assert_allclose(merge(shards).predict_proba([[]]), whole.predict_proba([[]]))
        assert whole.remove_arms([0]).weight_.tolist() == np.bincount(arm)[1:].tolist()

    def test_reward_model_may_not_change_after_learning(self):
        bandit = TopTwoThompsonSampling().fit(np.empty((2, 0)), ["a", "b"], [0.0, 1.0])
        bandit.set_params(reward_model="gaussian")
        with pytest.raises(ValueError, match="reward_model was 'bernoulli'"):
            bandit.confidence_
