"""Upper confidence bounds by brute force."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.contextfree import KLUCB, UCB1
from skbandit.contextfree._bounds import (
    bernoulli_kl,
    kl_ucb_bounds,
    kl_upper_bound,
    ucb1_bounds,
    unplayed_first,
)


def by_bisection(mean, level):
    """The largest q with a divergence of at most `level`, written out and halved 200 times."""

    def divergence(q):
        first = mean * np.log(mean / q) if mean > 0 else 0.0
        rest = (1 - mean) * np.log((1 - mean) / (1 - q)) if mean < 1 else 0.0
        return first + rest

    low, high = mean, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle < 1.0 and divergence(middle) <= level:
            low = middle
        else:
            high = middle
    return low


def test_kl_bound_by_brute_force():
    rng = np.random.default_rng(0)
    mean = np.concatenate([rng.uniform(size=150), [0.0, 1.0, 1e-9, 1 - 1e-9, 0.5]])
    level = np.concatenate([10 ** rng.uniform(-8, 1.3, 150), [0.3, 0.3, 0.3, 0.3, 40.0]])
    expected = [by_bisection(*pair) for pair in zip(mean, level, strict=True)]
    assert_allclose(kl_upper_bound(mean, level), expected, rtol=0, atol=2e-9)
    assert_allclose(kl_upper_bound(mean, np.zeros_like(mean)), mean)


def test_divergence():
    assert_allclose(bernoulli_kl(0.3, 0.6), 0.3 * np.log(0.5) + 0.7 * np.log(0.7 / 0.4))
    assert bernoulli_kl(0.0, 0.0) == bernoulli_kl(1.0, 1.0) == 0.0
    assert bernoulli_kl(0.5, 1.0) == np.inf


def test_indices_are_the_published_ones():
    mean, weight = np.array([0.2, 0.6, 0.5]), np.array([10.0, 40.0, 5.0])
    expected = mean + np.sqrt(2 * np.log(55) / weight)
    assert_allclose(ucb1_bounds(mean, weight), expected)
    assert_allclose(ucb1_bounds(mean, weight, 0.5), mean + np.sqrt(0.5 * np.log(55) / weight))
    for c in (0.0, 3.0):
        level = (np.log(55) + c * np.log(np.log(55))) / weight
        expected = [by_bisection(*pair) for pair in zip(mean, level, strict=True)]
        assert_allclose(kl_ucb_bounds(mean, weight, c), expected, atol=1e-9)


def test_arms_never_played_come_first():
    bound, weight = np.array([0.0, 3.0, 0.0, 5.0]), np.array([0.0, 2.0, 0.0, 1.0])
    assert unplayed_first(bound, weight).tolist() == [6.0, 3.0, 6.0, 5.0]
    for kind in (UCB1, KLUCB):
        bandit = kind(arms=list("abc"))
        nothing = np.empty((1, 0))
        assert_allclose(bandit.predict_proba(nothing), 1 / 3)
        bandit.partial_fit(nothing, ["b"], [1.0])
        assert_allclose(bandit.predict_proba(nothing), [[0.5, 0.0, 0.5]])
        mask = [[False, True, True]]
        assert_allclose(bandit.predict_proba(nothing, available=mask), [[0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("bandit", "bounds"),
    [
        (UCB1(exploration=0.7), lambda mean, n: ucb1_bounds(mean, n, 0.7)),
        (KLUCB(c=2.0), lambda mean, n: kl_ucb_bounds(mean, n, 2.0)),
    ],
    ids=["UCB1", "KLUCB"],
)
def test_scores_of_what_was_learnt(bandit, bounds):
    rng = np.random.default_rng(1)
    arm, reward, weight = rng.integers(3, size=60), rng.random(60), rng.integers(1, 4, size=60)
    bandit.fit(np.empty((60, 0)), arm, reward=reward, sample_weight=weight)
    played = np.array([weight[arm == a].sum() for a in range(3)], dtype=float)
    mean = np.array([np.average(reward[arm == a], weights=weight[arm == a]) for a in range(3)])
    assert_allclose(bandit.weight_, played)
    assert_allclose(bandit.mean_, mean)
    assert_allclose(bandit.reward_sum_, mean * played)
    scores = bandit.decision_function(np.empty((2, 0)))
    assert_allclose(scores, np.tile(bounds(mean, played), (2, 1)))
    assert bandit.predict_proba(np.empty((1, 0))).argmax() == scores[0].argmax()


def test_forgetting_discounts():
    rng = np.random.default_rng(2)
    arm, reward = rng.integers(2, size=40), rng.random(40)
    age = 0.9 ** np.arange(40)[::-1]
    bandit = UCB1(forgetting=0.9).fit(np.empty((40, 0)), arm, reward=reward)
    weight = np.bincount(arm, age)
    mean = np.bincount(arm, age * reward) / weight
    assert_allclose(bandit.decision_function([[]])[0], ucb1_bounds(mean, weight))


@pytest.mark.parametrize("kind", [UCB1, KLUCB])
def test_rewards_outside_the_unit_interval(kind):
    with pytest.raises(ValueError, match=r"reward must lie in \[0, 1\]"):
        kind(arms=["a", "b"]).fit(np.empty((1, 0)), ["a"], reward=[1.5])
