"""The best and the second best arm: probabilities against brute-force draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chisquare

from skbandit.beliefs import IndependentBelief, JointBelief
from skbandit.contextfree import KLUCB, BetaThompsonSampling
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import PropensityFloorSelector
from skbandit.strategies import DefaultArmSelector, TopTwoSelector

ARMS = ["c", "a", "b", "d"]


def learnt(kind, selector, **params):
    rng = np.random.RandomState(0)
    X, place = rng.randn(80, 2), rng.randint(4, size=80)
    reward = (rng.rand(80) < 0.2 + 0.15 * place).astype(float)
    bandit = kind(arms=ARMS, selector=selector, random_state=0, **params)
    return bandit.fit(X, np.array(ARMS)[place], reward=reward), rng.randn(12, 2)


def by_draws(draws, share, mask=None):
    """Shares in which an arm is the highest, or the second highest, of the draws."""
    n_draws, n_rows, n_arms = draws.shape
    if mask is not None:
        draws = np.where(mask, draws, -np.inf)
    order = np.argsort(draws, axis=2)
    policy = np.zeros((n_rows, n_arms))
    for row in range(n_rows):
        first = np.bincount(order[:, row, -1], minlength=n_arms)
        second = np.bincount(order[:, row, -2], minlength=n_arms)
        if mask is not None and mask[row].sum() == 1:
            second = first
        policy[row] = (share * first + (1 - share) * second) / n_draws
    return policy


MASK = np.random.RandomState(1).rand(12, 4) < 0.6
MASK[:3] = np.eye(4, dtype=bool)[:3]
MASK[~MASK.any(axis=1), 0] = True


@pytest.mark.parametrize(
    "kind", [LinearThompsonSampling, LogisticThompsonSampling, BetaThompsonSampling]
)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("mask", [None, MASK])
def test_policy_is_that_of_draws(kind, share, mask):
    """A share of 200,000 draws has a standard error of at most .0011; 4.5 of them allow for 48."""
    bandit, X = learnt(kind, TopTwoSelector(share), alpha=1.0)
    draws = bandit._belief(X).draws(200_000, 5)
    policy = bandit.predict_proba(X, available=mask)
    assert_allclose(policy, by_draws(draws, share, mask), atol=0.005)
    assert_allclose(policy.sum(axis=1), 1.0)


def test_arms_that_depend_on_each_other():
    draws = np.random.RandomState(0).randn(300, 5, 4)
    draws[:, :, 1] = draws[:, :, 0] + 0.1
    belief = JointBelief(draws.mean(axis=0), draws.std(axis=0), draws)
    assert_allclose(belief.expect(TopTwoSelector(0.6)), by_draws(draws, 0.6), atol=1e-12)


@pytest.mark.parametrize("kind", [LinearUCB, KLUCB])
def test_sure_scores(kind):
    bandit, X = learnt(kind, TopTwoSelector(0.7))
    order = np.argsort(bandit.decision_function(X), axis=1)
    expected = np.zeros((12, 4))
    expected[np.arange(12), order[:, -1]], expected[np.arange(12), order[:, -2]] = 0.7, 0.3
    assert_allclose(bandit.predict_proba(X), expected)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0, 3.0, 1.0], [0.5, 0.5, 0.0]),
        ([3.0, 1.0, 1.0], [0.8, 0.1, 0.1]),
        ([3.0, 3.0, 3.0], [1 / 3, 1 / 3, 1 / 3]),
        ([np.inf, 3.0, 1.0], [0.8, 0.2, 0.0]),
    ],
)
def test_ties_share_evenly(scores, expected):
    assert_allclose(TopTwoSelector(0.8).select(np.array([scores])), [expected])


def test_one_arm():
    assert TopTwoSelector().select(np.zeros((2, 1))).tolist() == [[1.0], [1.0]]
    belief = IndependentBelief(np.zeros((1, 1)), np.ones((1, 1)))
    assert TopTwoSelector().expect(belief).tolist() == [[1.0]]
    scores, mask = np.array([[0.0, 5.0]]), np.array([[True, False]])
    assert TopTwoSelector().select(scores, mask).tolist() == [[1.0, 0.0]]


def test_certain_beliefs():
    """Nothing is left between two quadratures, and the second arm still has its share."""
    belief = IndependentBelief(np.array([[9.0, 5.0, 0.0]]), np.full((1, 3), 1e-3))
    assert_allclose(TopTwoSelector(0.6).expect(belief), [[0.6, 0.4, 0.0]], atol=1e-9)


def test_what_is_drawn_is_what_is_said():
    # A chi-square test with a level of 1e-4, on a fixed seed.
    bandit, X = learnt(LinearThompsonSampling, TopTwoSelector())
    rows = np.repeat(X[:1], 20_000, axis=0)
    arms, propensity = bandit.predict(rows, return_propensity=True)
    policy = bandit.predict_proba(X[:1])[0]
    counts = [np.count_nonzero(arms == arm) for arm in ARMS]
    assert chisquare(counts, policy * len(rows)).pvalue > 1e-4
    assert_allclose(propensity, policy[[ARMS.index(arm) for arm in arms]])


def test_within_others():
    two = learnt(LinearUCB, TopTwoSelector(0.7))
    for around, share, rest in (
        (
            PropensityFloorSelector(TopTwoSelector(0.7), share=0.2, decay=0.0),
            0.2,
            np.full(4, 0.25),
        ),
        (DefaultArmSelector("a", 0.4, TopTwoSelector(0.7)), 0.4, np.array([0.0, 1.0, 0.0, 0.0])),
    ):
        bandit, X = learnt(LinearUCB, around)
        expected = (1 - share) * two[0].predict_proba(X) + share * rest
        assert_allclose(bandit.predict_proba(X), expected)


@pytest.mark.parametrize("share", [-0.1, 1.5, "half"])
def test_bad_share(share):
    with pytest.raises(ValueError, match="share"):
        LinearUCB(arms=ARMS, selector=TopTwoSelector(share)).predict([[0.0]])
