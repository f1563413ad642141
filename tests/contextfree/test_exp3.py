"""Exponential weights against plain loops, and sets of arms against draws."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.base import make_log
from skbandit.contextfree import Exp3
from skbandit.contextfree._race import GumbelBelief, gumbel_top_probability
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector
from skbandit.transfer import merge

NOTHING = np.empty((1, 0))


def weights_by_loop(arm, reward, n_arms, gamma, propensity=None):
    """Figure 1 of Auer et al. (2002), or the anytime version, as they stand; the next policy."""
    weights, losses = np.ones(n_arms), np.zeros(n_arms)

    def policy(t):
        if gamma == "anytime":
            share = np.exp(-np.sqrt(np.log(n_arms) / (t * n_arms)) * losses)
            return share / share.sum()
        return (1 - gamma) * weights / weights.sum() + gamma / n_arms

    for t, (a, r) in enumerate(zip(arm, reward, strict=True)):
        p = policy(t + 1)[a] if propensity is None else propensity[t]
        if gamma == "anytime":
            losses[a] += (1 - r) / p
        else:
            weights[a] *= np.exp(gamma * (r / p) / n_arms)
    return policy(len(arm) + 1)


@pytest.mark.parametrize("gamma", ["anytime", 0.1, 1.0])
@pytest.mark.parametrize("logged", [False, True])
def test_weights_agree_with_a_plain_loop(gamma, logged):
    rng = np.random.default_rng(0)
    arm, reward = rng.integers(4, size=60), rng.random(60)
    propensity = rng.uniform(0.1, 1.0, size=60) if logged else None
    bandit = Exp3(arms=list(range(4)), gamma=gamma, random_state=np.random.RandomState(0))
    for t in range(60):
        if not logged:
            arm[t] = bandit.predict(NOTHING)[0]
        y, paid = arm[t : t + 1], reward[t : t + 1]
        if logged:
            bandit.partial_fit(NOTHING, make_log(y, paid, propensity[t : t + 1]))
        else:
            bandit.partial_fit(NOTHING, y, paid)
    expected = weights_by_loop(arm, reward, 4, gamma, propensity)
    assert_allclose(bandit.predict_proba(NOTHING)[0], expected, rtol=1e-9)


def test_a_log_with_propensities_may_be_cut_anywhere():
    rng = np.random.default_rng(1)
    log = make_log(rng.integers(3, size=30), rng.random(30), rng.uniform(0.1, 1, size=30))
    X = np.empty((30, 0))
    whole = Exp3(arms=[0, 1, 2]).fit(X, log)
    pieces = Exp3(arms=[0, 1, 2]).partial_fit(X[:11], log[:11]).partial_fit(X[11:], log[11:])
    assert_allclose(pieces.predict_proba(NOTHING), whole.predict_proba(NOTHING))
    shards = [Exp3(arms=[0, 1, 2]).fit(X[i::2], log[i::2]) for i in range(2)]
    assert_allclose(merge(shards).predict_proba(NOTHING), whole.predict_proba(NOTHING))


def test_a_batch_was_played_by_the_policy_before_it():
    bandit = Exp3(arms=[0, 1, 2], gamma=0.3).partial_fit(NOTHING, [1], [0.8])
    before = bandit.predict_proba(NOTHING)[0]
    arm, reward = np.array([0, 1, 1, 2]), np.array([0.2, 1.0, 0.5, 0.0])
    gain = bandit.gain_
    bandit.partial_fit(np.empty((4, 0)), arm, reward)
    assert_allclose(bandit.gain_ - gain, np.bincount(arm, reward / before[arm]))


def test_estimates_are_unbiased():
    """The mean of 20,000 estimates lies within five standard errors: a chance of 1e-6."""
    n, pays = 20_000, np.array([0.2, 0.7, 0.4])
    bandit = Exp3(arms=[0, 1, 2], random_state=np.random.RandomState(0))
    bandit.partial_fit(np.empty((3, 0)), [0, 1, 2], [0.0, 1.0, 0.0])
    policy, before = bandit.predict_proba(NOTHING)[0], bandit.gain_
    arm = bandit.predict(np.empty((n, 0)))
    bandit.partial_fit(np.empty((n, 0)), arm, pays[arm])
    error = pays * np.sqrt((1 / policy - 1) / n)
    assert (np.abs((bandit.gain_ - before) / n - pays) < 5 * error).all()


def test_full_feedback_counts_each_arm_as_a_round_of_chance_one_over_k():
    bandit = Exp3().fit(np.empty((5, 0)), ["a", "b", "a", "c", "a"])
    assert_allclose(bandit.gain_, [9.0, 3.0, 3.0])
    assert_allclose(bandit.loss_, [6.0, 12.0, 12.0])
    assert float(bandit.state_.rounds) == 15.0
    # Estimates of the chance with which each arm pays.
    assert_allclose(bandit.decision_function([[]]), [[0.6, 0.2, 0.2]])


def test_sets_divide_by_the_chance_to_be_in_them():
    bandit = Exp3(arms=[0, 1, 2, 3], selector=TopKSelector(2))
    bandit.partial_fit(NOTHING, [[2, 0]], [[1.0, 0.5]])
    chance = bandit.predict_proba(NOTHING)[0]
    gain = bandit.gain_
    assert_allclose(gain, [1.0, 0.0, 2.0, 0.0])
    bandit.partial_fit(NOTHING, [[3, 1]], [[0.5, 0.25]])
    assert_allclose(bandit.gain_ - gain, [0.0, 0.25 / chance[1], 0.0, 0.5 / chance[3]])
    assert float(bandit.state_.rounds) == 2.0


def test_selectors_and_masks():
    bandit = Exp3(arms=[0, 1, 2]).partial_fit(np.empty((2, 0)), [0, 1], [1.0, 0.0])
    plain = bandit.predict_proba(NOTHING)
    mask = np.array([[True, False, True]])
    masked = bandit.predict_proba(NOTHING, available=mask)
    assert_allclose(masked, np.where(mask, plain, 0) / plain[mask].sum())
    bandit.set_params(selector=EpsilonGreedySelector(0.3))
    assert_allclose(bandit.predict_proba(NOTHING), 0.7 * plain + 0.1)
    fixed = Exp3(arms=[0, 1, 2], gamma=0.3).partial_fit(np.empty((2, 0)), [0, 1], [1.0, 0.0])
    policy = fixed.predict_proba(NOTHING, available=mask)
    assert policy[0, 1] == 0.0
    assert policy[0, [0, 2]].min() >= 0.15
    fixed.set_params(selector=SoftmaxSelector())
    assert_allclose(fixed.predict_proba(NOTHING).sum(), 1.0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_sets_of_the_race_in_closed_form(k):
    """The order is that of Plackett and Luce: arms drawn one after the other, by their weight."""
    scores = np.array([[0.3, -1.0, 2.0, 0.0], [0.0, -8.0, 9.0, 1.0]])
    expected = np.zeros(scores.shape)
    for row, weights in enumerate(np.exp(scores)):
        for order in permutations(range(4)):
            chance, left = 1.0, weights.sum()
            for a in order[:k]:
                chance *= weights[a] / left
                left -= weights[a]
            # Each beginning stands for all the orders that go on from it.
            chance /= np.prod(np.arange(1, 4 - k + 1))
            expected[row, list(order[:k])] += chance
    found = gumbel_top_probability(k, scores)
    assert_allclose(found, expected, atol=1e-8)
    mask = np.array([[True, False, True, True]] * 2)
    part = gumbel_top_probability(k, scores, mask)
    assert_allclose(part[:, mask[0]], gumbel_top_probability(k, scores[:, mask[0]]), atol=1e-8)
    assert (part[:, 1] == 0).all()


def test_draws_of_the_race():
    """Shares of 40,000 draws; five standard errors, a chance of 2e-6."""
    belief = GumbelBelief(np.array([[0.0, 1.0, -0.5]]))
    draws = belief.draws(40_000, 0)[:, 0]
    share = np.bincount(draws.argmax(axis=1), minlength=3) / 40_000
    p = belief.best()[0]
    assert (np.abs(share - p) < 5 * np.sqrt(p * (1 - p) / 40_000)).all()


def test_propensities_are_not_taken_to_be_too_small():
    log = make_log(["a"], [1.0], [1e-30])
    bandit = Exp3(arms=["a", "b"]).fit(NOTHING, log)
    assert_allclose(bandit.gain_, [1e6, 0.0])


@pytest.mark.parametrize("seed", range(3))
def test_regret_against_an_adversary_is_within_the_bound(seed):
    """The better arm changes twice; the bound is for the mean, 2 sqrt(n K log K)."""
    n, rng = 3000, np.random.default_rng(seed)
    bandit = Exp3(arms=[0, 1], random_state=np.random.RandomState(seed))
    chance = np.where((np.arange(n) // 1000 % 2 == 0)[:, None], [0.7, 0.3], [0.4, 0.6])
    rewards = (rng.random((n, 2)) < chance).astype(float)
    paid = 0.0
    for reward in rewards:
        arm = bandit.predict(NOTHING)
        paid += reward[arm[0]]
        bandit.partial_fit(NOTHING, arm, reward[arm])
    assert rewards.sum(axis=0).max() - paid < 2 * np.sqrt(n * 2 * np.log(2))


def test_sets_of_scores_that_are_far_apart():
    scores = np.array([[0.0, 900.0, -1e6, 1.0]])
    assert_allclose(gumbel_top_probability(1, scores), [[0, 1, 0, 0]], atol=1e-12)
    softmax = 1 / (1 + np.e)
    assert_allclose(gumbel_top_probability(2, scores), [[softmax, 1, 0, 1 - softmax]], atol=1e-7)
