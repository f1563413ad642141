"""The cheapest arm near the best one: sure scores, draws of a belief, and what it learns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid
from scipy.stats import beta, chisquare, norm

from skbandit.base import make_log
from skbandit.beliefs import BetaBelief, IndependentBelief, JointBelief, ReplicateBelief
from skbandit.contextfree import UCB1, BetaThompsonSampling, Exp3, TopTwoThompsonSampling
from skbandit.drift import SlidingWindowBandit
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import ArgmaxSelector, PropensityFloorSelector
from skbandit.strategies import CheapestNearBestSelector, DefaultArmSelector, PricedSelector
from skbandit.utils.estimator_checks import check_bandit

ARMS = ["c", "a", "b", "d"]
COST = {"a": 0.5, "b": 2.0, "c": 0.5, "d": 3.0}
IN_ORDER = np.array([0.5, 0.5, 2.0, 3.0])


def brute_force(scores, cost, factor, reference=0.0, available=None):
    """One row after the other, in the words of the definition; shares of tied arms."""
    n_samples, n_arms = scores.shape
    policy = np.zeros(scores.shape)
    for row in range(n_samples):
        arms = [arm for arm in range(n_arms) if available is None or available[row, arm]]
        score = scores[row]
        best = max(score[arm] for arm in arms)
        base = min(score[arm] for arm in arms) if reference == "worst" else reference
        base = score[base[1]] if isinstance(base, tuple) else base
        least = base + (1 - factor) * (best - base) if best > base else best
        near = [arm for arm in arms if score[arm] >= least - 1e-12]
        cheapest = min(cost[row, arm] for arm in near)
        near = [arm for arm in near if cost[row, arm] == cheapest]
        top = max(score[arm] for arm in near)
        tied = [arm for arm in near if score[arm] == top]
        policy[row, tied] = 1.0 / len(tied)
    return policy


def known_to(selector):
    return selector.for_arms(np.array(ARMS))


def learnt(kind, selector, n_samples=80, **params):
    rng = np.random.RandomState(0)
    X, arm = rng.randn(n_samples, 2), np.array(ARMS)[rng.randint(4, size=n_samples)]
    reward = (rng.rand(n_samples) < 0.3 + 0.3 * (arm == "b")).astype(float)
    bandit = kind(arms=ARMS, selector=selector, random_state=0, **params)
    return bandit.fit(X, arm, reward=reward), rng.randn(12, 2)


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("reference", [0.0, -1.0, 0.7, "worst", ("arm", 2)])
@pytest.mark.parametrize("masked", [False, True])
def test_sure_scores(factor, reference, masked):
    rng = np.random.RandomState(1)
    # Halves and coarse costs tie often; some rows have no positive score.
    scores = np.round(rng.randn(400, 4) * 2) / 2
    cost = rng.randint(3, size=(400, 4)) / 2.0
    mask = None
    if masked:
        mask = rng.rand(400, 4) < 0.6
        mask[~mask.any(axis=1), 1] = True
    keywords = {"reference": reference}
    if isinstance(reference, tuple):
        keywords = {"reference_arm": ARMS[2]}
    selector = known_to(CheapestNearBestSelector(subsidy_factor=factor, **keywords))
    found = selector.for_costs(cost).select(scores, mask)
    assert_allclose(found, brute_force(scores, cost, factor, reference, mask), atol=1e-12)


def test_a_factor_of_0_plays_the_best_and_of_1_the_cheapest():
    scores = np.random.RandomState(2).rand(50, 4)
    cost = np.array([4.0, 1.0, 2.0, 3.0])
    best = known_to(CheapestNearBestSelector(cost, subsidy_factor=0.0))
    assert_allclose(best.select(scores), ArgmaxSelector().select(scores))
    cheapest = known_to(CheapestNearBestSelector(cost, subsidy_factor=1.0))
    assert_allclose(cheapest.select(scores), np.tile([0.0, 1.0, 0.0, 0.0], (50, 1)))


def test_units_and_offsets():
    """A unit never matters; an offset does not where the reference moves along."""
    scores = np.random.RandomState(3).rand(200, 4)
    for keywords in ({}, {"reference": "worst"}, {"reference_arm": "a"}):
        selector = known_to(CheapestNearBestSelector(COST, 0.3, **keywords))
        policy = selector.select(scores)
        assert_allclose(selector.select(1e5 * scores), policy)
        assert 10 < (policy != ArgmaxSelector().select(scores)).any(axis=1).sum() < 200
        if keywords:
            assert_allclose(selector.select(scores - 1e4), policy)
    moved = known_to(CheapestNearBestSelector(COST, 0.3, reference=-1e4))
    plain = known_to(CheapestNearBestSelector(COST, 0.3))
    assert_allclose(moved.select(scores - 1e4), plain.select(scores))


def test_arms_that_must_be_tried_first():
    """Bounds are infinite for an arm that was never played: the cheaper of those is played."""
    scores = np.array([[np.inf, 1.0, np.inf, 0.0], [-np.inf, 1.0, 0.95, -np.inf]])
    for reference in (0.0, "worst"):
        selector = CheapestNearBestSelector([3.0, 0.0, 1.0, 0.0], 0.9, reference)
        assert_allclose(known_to(selector).select(scores)[0], [0.0, 0.0, 1.0, 0.0])
        assert_allclose(known_to(selector).select(scores)[1], [0.0, 1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="not a number"):
        known_to(CheapestNearBestSelector(1.0)).select(np.array([[np.nan, 1.0, 0.0, 0.0]]))


def quadrature(distributions, cost, factor, grid):
    """Chances of independent arms with distinct costs, over the highest score m.

    Arm a is played where it is above (1 - s) m, all cheaper ones are below it, and the highest is
    a itself or a dearer arm. Scores are positive.
    """
    n_arms = len(distributions)
    chance = np.zeros(n_arms)
    for arm in range(n_arms):
        below = np.ones_like(grid)
        for other in range(n_arms):
            if cost[other] < cost[arm]:
                below = below * distributions[other].cdf((1 - factor) * grid)
        dearer = [other for other in range(n_arms) if cost[other] > cost[arm]]
        itself = distributions[arm].pdf(grid)
        for other in dearer:
            itself = itself * distributions[other].cdf(grid)
        total = itself
        between = distributions[arm].cdf(grid) - distributions[arm].cdf((1 - factor) * grid)
        for highest in dearer:
            term = distributions[highest].pdf(grid) * between
            for other in dearer:
                if other != highest:
                    term = term * distributions[other].cdf(grid)
            total = total + term
        chance[arm] = trapezoid(total * below, grid)
    return chance


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.4, 1.0])
def test_policy_under_a_belief_by_quadrature(factor):
    """512 draws: a share has a standard error of at most .0221; 4.5 of them allow for 32."""
    cost = np.array([3.0, 2.0, 1.0, 0.5])
    selector = known_to(CheapestNearBestSelector(cost, factor))
    a, b = np.array([[8.0, 9.0, 6.0, 4.0]]), np.array([[3.0, 4.0, 4.0, 6.0]])
    arms = [beta(*pair) for pair in zip(a[0], b[0], strict=True)]
    expected = quadrature(arms, cost, factor, np.linspace(0.0, 1.0, 20_001))
    assert_allclose(expected.sum(), 1.0, atol=1e-6)
    assert_allclose(BetaBelief(a, b).expect(selector)[0], expected, atol=0.1)
    mean, std = np.array([[10.0, 9.8, 9.0, 8.0]]), np.array([[0.5, 0.3, 0.9, 0.4]])
    arms = [norm(*pair) for pair in zip(mean[0], std[0], strict=True)]
    expected = quadrature(arms, cost, factor, np.linspace(0.0, 20.0, 40_001))
    assert_allclose(expected.sum(), 1.0, atol=1e-6)
    assert_allclose(IndependentBelief(mean, std).expect(selector)[0], expected, atol=0.1)


def beliefs():
    rng = np.random.RandomState(4)
    mean, std = 0.5 + 0.2 * rng.rand(3, 4), 0.05 + 0.1 * rng.rand(3, 4)
    draws = mean + std * rng.randn(700, 3, 4)
    return [
        IndependentBelief(mean, std),
        IndependentBelief(mean, std, dof=5.0),
        BetaBelief(20 * mean, 10 * std * 30),
        JointBelief(mean, std, draws),
        ReplicateBelief(draws[:50]),
    ]


@pytest.mark.parametrize("belief", beliefs(), ids=lambda belief: type(belief).__name__)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reference", [0.0, "worst"])
def test_policy_is_that_of_the_draws(belief, masked, reference):
    cost = np.array([1.0, 0.3, 2.0, 0.1])
    mask = None
    if masked:
        mask = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], dtype=bool)
    selector = known_to(CheapestNearBestSelector(cost, 0.15, reference))
    rows = np.broadcast_to(cost, (3, 4))
    expected = np.mean(
        [brute_force(scores, rows, 0.15, reference, mask) for scores in belief.draws(512, 0)],
        axis=0,
    )
    assert_allclose(belief.expect(selector, mask), expected, atol=1e-12)


def test_arms_of_one_belief_and_one_cost_are_played_alike():
    belief = IndependentBelief(np.full((2, 4), 0.5), np.full((2, 4), 0.1))
    for around in (None, PropensityFloorSelector, DefaultArmSelector):
        selector = CheapestNearBestSelector([1.0, 1.0, 2.0, 2.0], 0.1)
        if around is PropensityFloorSelector:
            selector = around(selector, share=0.2, decay=0.0)
        elif around is DefaultArmSelector:
            selector = around("d", 0.0, selector)
        policy = belief.expect(known_to(selector))
        assert_allclose(policy[:, 0], policy[:, 1], atol=1e-12)
        assert_allclose(policy[:, 2], policy[:, 3], atol=1e-12)
        assert (policy[:, 0] > 1.3 * policy[:, 2]).all()
        assert_allclose(policy.sum(axis=1), 1.0)
    # Nor are arms evened of which one is the reference.
    selector = known_to(CheapestNearBestSelector(1.0, 0.5, reference_arm="a"))
    policy = belief.expect(selector)
    assert_allclose(policy[:, [0, 2]], policy[:, [3, 3]], atol=1e-12)


@pytest.mark.parametrize(
    "kind", [LinearThompsonSampling, LogisticThompsonSampling, BetaThompsonSampling, LinearUCB]
)
def test_costs_of_a_call(kind):
    bandit, X = learnt(kind, CheapestNearBestSelector(subsidy_factor=0.2))
    cost = np.random.RandomState(5).rand(12, 4)
    expected = [
        learnt(kind, CheapestNearBestSelector(row, 0.2))[0].predict_proba(x[None]).ravel()
        for row, x in zip(cost, X, strict=True)
    ]
    found = bandit.predict_proba(X, cost=cost)
    assert_allclose(found, expected, atol=1e-12)
    mask = np.ones((12, 4), dtype=bool)
    mask[:, 2] = False
    masked = bandit.predict_proba(X, available=mask, cost=cost)
    assert (masked[:, 2] == 0.0).all()
    arms, chance = bandit.predict(X, cost=cost, return_propensity=True)
    place = [ARMS.index(arm) for arm in arms]
    assert_allclose(chance, found[np.arange(12), place])
    # A factor for all arms of a row changes nothing.
    own, X = learnt(kind, CheapestNearBestSelector(COST, 0.2))
    assert_allclose(own.predict_proba(X, cost=np.full(12, 7.0)), own.predict_proba(X))


def test_in_other_selectors_and_bandits():
    near = CheapestNearBestSelector(COST, 1.0)
    floor = PropensityFloorSelector(near, share=0.4, decay=0.0)
    bandit, X = learnt(LinearUCB, floor, alpha=0.0)
    plain, _ = learnt(LinearUCB, near, alpha=0.0)
    assert_allclose(bandit.predict_proba(X), 0.6 * plain.predict_proba(X) + 0.1)
    assert floor.weighs_costs
    assert not PropensityFloorSelector().weighs_costs
    window, X = learnt(SlidingWindowBandit, near, bandit=LinearUCB(alpha=0.0))
    cost = np.tile([3.0, 2.0, 1.0, 0.0], (12, 1))
    assert_allclose(window.predict_proba(X, cost=cost), plain.predict_proba(X, cost=cost))


def test_what_is_drawn_is_what_is_said():
    # A chi-square test with a level of 1e-4, on a fixed seed.
    bandit, X = learnt(LinearThompsonSampling, CheapestNearBestSelector(COST, 0.3), alpha=1.0)
    rows = np.repeat(X[:1], 5000, axis=0)
    arms, propensity = bandit.predict(rows, return_propensity=True)
    policy = bandit.predict_proba(X[:1])[0]
    assert (policy > 0.01).all()
    counts = [np.count_nonzero(arms == arm) for arm in ARMS]
    assert chisquare(counts, policy * len(rows)).pvalue > 1e-4
    assert_allclose(propensity, policy[np.array([ARMS.index(arm) for arm in arms])])


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        (LinearThompsonSampling, 0.0),
        (LinearUCB, "worst"),
        (BetaThompsonSampling, "worst"),
        (UCB1, 0.0),
    ],
)
def test_the_battery(kind, reference):
    check_bandit(kind(selector=CheapestNearBestSelector(1.0, 0.2, reference)), on_skip=None)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (CheapestNearBestSelector({"a": 1.0}), r"says nothing of the arms \['c', 'b', 'd'\]"),
        (CheapestNearBestSelector(COST, 1.5), "subsidy_factor"),
        (CheapestNearBestSelector(COST, -0.1), "subsidy_factor"),
        (CheapestNearBestSelector(COST, reference="best"), "reference"),
        (CheapestNearBestSelector(COST, reference=np.nan), "reference"),
        (CheapestNearBestSelector(COST, reference_arm="e"), "reference_arm .* is 'e'"),
        (CheapestNearBestSelector(), "does not know what the arms cost"),
    ],
)
def test_bad_parameters(selector, message):
    with pytest.raises(ValueError, match=message):
        LinearUCB(arms=ARMS, selector=selector).predict([[0.0]])
    with pytest.raises(ValueError, match="does not know the bandit's arms"):
        CheapestNearBestSelector(1.0, reference_arm="a").select(np.zeros((1, 4)))


@pytest.mark.parametrize("kind", [Exp3, TopTwoThompsonSampling])
def test_chances_are_no_rewards(kind):
    with pytest.raises(ValueError, match="by chances, not by what they pay"):
        kind(arms=ARMS, selector=CheapestNearBestSelector(COST)).predict([[0.0]])


RATES = {"dear": 0.5, "near": 0.46, "cheap": 0.3, "free": 0.1}
DOLLARS = {"dear": 3.0, "near": 1.0, "cheap": 0.4, "free": 0.0}


@pytest.mark.parametrize("kind", [BetaThompsonSampling, LinearThompsonSampling, LinearUCB])
def test_the_cheapest_arm_near_the_best_is_played_at_the_end(kind):
    """Of four seeds, in 95 % of the last 2,000 of 8,000 rounds; see benchmarks/cost_control.py."""
    rng = np.random.RandomState(7)
    X, found = np.ones((100, 1)), []
    for seed in range(4):
        selector = CheapestNearBestSelector(DOLLARS, subsidy_factor=0.2)
        floor = PropensityFloorSelector(selector, share=0.5, decay=1 / 3)
        bandit = kind(arms=list(RATES), selector=floor, random_state=seed)
        for step in range(80):
            arm, propensity = bandit.predict(X, return_propensity=True)
            reward = rng.rand(100) < np.array([RATES[one] for one in arm])
            bandit.partial_fit(X, make_log(arm, reward.astype(float), propensity))
            if step >= 60:
                found.append(np.mean(arm == "near"))
    assert np.mean(found) >= 0.95


def test_a_price_is_no_subsidy():
    """A price compares rewards with costs, a subsidy compares rewards with the best one."""
    scores = np.array([[1.0, 0.95, 0.5, 0.0]])
    cost = [100.0, 1.0, 0.5, 0.0]
    assert known_to(CheapestNearBestSelector(cost, 0.1)).select(scores).argmax() == 1
    assert known_to(PricedSelector(cost, 0.01)).select(scores).argmax() == 1
    assert known_to(PricedSelector(cost, 1e-4)).select(scores).argmax() == 0
    assert known_to(PricedSelector(cost, 10.0)).select(scores).argmax() == 3
