"""A default arm, and arms that compete in a share of the rounds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chisquare

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import (
    ArgmaxSelector,
    EpsilonGreedySelector,
    PropensityFloorSelector,
    SoftmaxSelector,
    TopKSelector,
)
from skbandit.strategies import DefaultArmSelector, LimitedArmsSelector

ARMS = ["c", "a", "b"]


def learnt(kind=LinearThompsonSampling, selector=None, **params):
    rng = np.random.RandomState(0)
    X, arm = rng.randn(90, 2), np.array(ARMS)[rng.randint(3, size=90)]
    reward = X[:, 0] * (arm == "a") + rng.randn(90)
    bandit = kind(arms=ARMS, selector=selector, random_state=0, **params)
    return bandit.fit(X, arm, reward=reward), rng.randn(40, 2)


MASK = np.random.RandomState(1).rand(40, 3) < 0.6
MASK[~MASK.any(axis=1), 0] = True


@pytest.mark.parametrize("kind", [LinearThompsonSampling, LinearUCB])
@pytest.mark.parametrize("other", [None, EpsilonGreedySelector(0.3)])
@pytest.mark.parametrize("mask", [None, MASK])
def test_default_arm(kind, other, mask):
    # With forced tries off, the plain bandit's policy is what the other rounds play.
    bandit, X = learnt(kind, DefaultArmSelector("b", 0.7, other), alpha=1.0)
    plain, _ = learnt(kind, other if other is not None else ArgmaxSelector(), alpha=1.0)
    expected = plain.predict_proba(X, available=mask)
    has_default = np.ones(40) if mask is None else mask[:, 2]
    share = 0.7 * has_default[:, None]
    expected = (1 - share) * expected + share * np.array([0.0, 0.0, 1.0])
    assert_allclose(bandit.predict_proba(X, available=mask), expected, atol=1e-12)


@pytest.mark.parametrize("other", [None, EpsilonGreedySelector(0.3), TopKSelector(2)])
@pytest.mark.parametrize("mask", [None, MASK])
def test_limited_arms(other, mask):
    if mask is not None and isinstance(other, TopKSelector):
        mask = mask | np.array([True, True, False])
    bandit, X = learnt(selector=LimitedArmsSelector(["a"], 0.25, other), alpha=1.0)
    plain, _ = learnt(selector=other if other is not None else ArgmaxSelector(), alpha=1.0)
    without = np.ones((40, 3), dtype=bool) if mask is None else mask.copy()
    without[:, 1] = False
    few = without.sum(axis=1) < (2 if isinstance(other, TopKSelector) else 1)
    without[few, 1] = True
    expected = 0.25 * plain.predict_proba(X, available=mask)
    expected = expected + 0.75 * plain.predict_proba(X, available=without)
    found = bandit.predict_proba(X, available=mask)
    assert_allclose(found, expected, atol=1e-12)
    assert (found[~few, 1] <= 0.25 + 1e-12).all()


def test_what_is_drawn_is_what_is_said():
    # A chi-square test with a level of 1e-4, on a fixed seed.
    bandit, X = learnt(selector=DefaultArmSelector("c", 0.5, LimitedArmsSelector(["a"], 0.4)))
    rows = np.repeat(X[:1], 20_000, axis=0)
    arms, propensity = bandit.predict(rows, return_propensity=True)
    policy = bandit.predict_proba(X[:1])[0]
    counts = [np.count_nonzero(arms == arm) for arm in ARMS]
    assert chisquare(counts, policy * len(rows)).pvalue > 1e-4
    assert_allclose(propensity, policy[np.array([ARMS.index(arm) for arm in arms])])


def test_arms_may_come_and_go():
    bandit, X = learnt(selector=LimitedArmsSelector(["b"], 0.2))
    bigger = bandit.add_arms(["new"])
    assert (bigger.predict_proba(X)[:, 2] <= 0.2 + 1e-12).all()
    limited = bigger.set_params(selector=LimitedArmsSelector(["new"], 0.1))
    assert (limited.predict_proba(X)[:, 3] <= 0.1 + 1e-12).all()
    fewer = bandit.remove_arms(["b"])
    with pytest.raises(ValueError, match=r"names \['b'\], which the bandit does not know"):
        fewer.predict(X)


def test_within_a_floor():
    floor = PropensityFloorSelector(DefaultArmSelector("c", 0.5), share=0.3, decay=0.0)
    bandit, X = learnt(selector=floor)
    policy = bandit.predict_proba(X)
    assert (policy >= 0.1 - 1e-12).all()
    assert (policy[:, 0] >= 0.7 * 0.5 + 0.1 - 1e-12).all()


def test_bad_parameters():
    X = np.zeros((2, 1))
    for selector, pattern in (
        (DefaultArmSelector("nobody"), "nobody"),
        (DefaultArmSelector("a", share=2.0), "share"),
        (DefaultArmSelector("a", selector=TopKSelector(2)), "one arm a round"),
        (LimitedArmsSelector(["a"], share=-1.0), "share"),
        (LimitedArmsSelector(["a"], selector=EpsilonGreedySelector(3.0)), "epsilon"),
    ):
        with pytest.raises(ValueError, match=pattern):
            LinearUCB(arms=ARMS, selector=selector).predict(X)
    with pytest.raises(ValueError, match="does not know the bandit's arms"):
        DefaultArmSelector("a").select(np.zeros((1, 3)))


@pytest.mark.parametrize("other", [SoftmaxSelector(), EpsilonGreedySelector(0.2)])
def test_arms_of_which_nothing_is_known_are_still_told_apart(other):
    """What is believed of them is the same; a default arm has its share nevertheless."""
    bandit = LinearThompsonSampling(arms=ARMS, selector=DefaultArmSelector("a", 0.7, other))
    assert_allclose(bandit.predict_proba([[1.0]]), [[0.1, 0.8, 0.1]], atol=1e-12)
