"""Hard budgets of a batch: kept exactly, spent on the rows that gain most, evaluated honestly."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.budgets import allocate
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector

ARMS = ["none", "mail", "call"]
COST = {"none": 0.0, "mail": 1.0, "call": 4.0}


def make_rounds(n_rounds, seed=0):
    rng = np.random.RandomState(seed)
    X, place = rng.randn(n_rounds, 2), rng.randint(3, size=n_rounds)
    gain = np.column_stack([np.zeros(n_rounds), X[:, 0], 2.0 * X[:, 1]])
    return X, np.array(ARMS)[place], gain[np.arange(n_rounds), place] + 0.5 * rng.randn(n_rounds)


def learnt(kind=LinearThompsonSampling, **params):
    X, arm, reward = make_rounds(300)
    return kind(arms=ARMS, random_state=0, **params).fit(X, arm, reward=reward)


BANDITS = [
    learnt(),
    learnt(LinearUCB),
    learnt(LinearUCB, selector=EpsilonGreedySelector(0.3)),
    learnt(selector=SoftmaxSelector()),
]
X_NEW = make_rounds(80, seed=1)[0]


@pytest.mark.parametrize("bandit", BANDITS)
@pytest.mark.parametrize("n_treatments", [0, 1, 7, 40, 79, 80])
def test_so_many_rows_are_treated(bandit, n_treatments):
    arms, chance = allocate(bandit, X_NEW, n_treatments, control="none")
    assert (arms != "none").sum() == n_treatments
    assert ((chance > 0.0) & (chance <= 1.0 + 1e-9)).all()


@pytest.mark.parametrize("n_treatments", [10, 70])
def test_those_that_gain_most_are_treated(n_treatments):
    """Sure scores: the N rows with the largest gain, also where some of them lose."""
    bandit = learnt(LinearUCB, alpha=0.0)
    arms, chance = allocate(bandit, X_NEW, n_treatments, control="none")
    worth = bandit.expected_reward(X_NEW)
    gain = worth[:, 1:].max(axis=1) - worth[:, 0]
    best = np.argsort(-gain)[:n_treatments]
    assert set(np.flatnonzero(arms != "none")) == set(best)
    assert_allclose(chance, 1.0, atol=1e-9)
    assert_array_equal(arms[best], np.array(ARMS)[1 + worth[best, 1:].argmax(axis=1)])


@pytest.mark.parametrize("bandit", [BANDITS[1], BANDITS[2]])
@pytest.mark.parametrize("how", [{"n_treatments": 13}, {"budget": 30.0, "cost": COST}])
def test_propensities_are_frequencies(bandit, how):
    """200 draws of 80 rows; 5 standard errors: a false alarm in ten thousand such tests."""
    rng, times = np.random.RandomState(0), np.zeros((80, 3))
    told = np.zeros((80, 3))
    for _ in range(200):
        arms, chance = allocate(bandit, X_NEW, control="none", random_state=rng, **how)
        place = (arms[:, None] == np.array(ARMS)).argmax(axis=1)
        times[np.arange(80), place] += 1
        told[np.arange(80), place] = chance
    assert_allclose(told.sum(axis=1)[(times > 0).all(axis=1)], 1.0, atol=1e-9)
    error = np.sqrt(np.maximum(told * (1.0 - told), 1e-9) / 200)
    assert (np.abs(times / 200 - told)[times > 0] <= 5.0 * error[times > 0] + 1e-9).all()


@pytest.mark.parametrize("bandit", BANDITS[:3])
@pytest.mark.parametrize("budget", [0.0, 5.5, 40.0, 1e6])
def test_costs_together(bandit, budget):
    totals = []
    for seed in range(20):
        arms, _ = allocate(
            bandit, X_NEW, control="none", budget=budget, cost=COST, random_state=seed
        )
        totals.append(sum(COST[arm] for arm in arms))
    assert max(totals) < budget + max(COST.values())
    if budget == 40.0:
        assert_allclose(np.mean(totals), 40.0, atol=1.0)
        assert np.ptp(totals) < 2 * max(COST.values())


def test_costs_of_rows():
    cost = pd.DataFrame(np.random.RandomState(0).rand(80, 3), columns=ARMS)
    cost["none"] = 0.0
    arms, _ = allocate(
        learnt(LinearUCB), X_NEW, control="none", budget=5.0, cost=cost[["call", "none", "mail"]]
    )
    spent = sum(cost[arm][row] for row, arm in enumerate(arms))
    assert 4.0 < spent < 6.0


def test_masks():
    mask = np.ones((80, 3), dtype=bool)
    mask[:30, 1:] = False
    mask[30:40, 0] = False
    for n_treatments, found in ((20, 20), (60, 50), (4, 10)):
        arms, _ = allocate(BANDITS[0], X_NEW, n_treatments, control="none", available=mask)
        treated = arms != "none"
        assert treated.sum() == found
        assert not treated[:30].any()
        assert treated[30:40].all()


def test_order_of_rows_does_not_matter():
    order = np.random.RandomState(3).permutation(80)
    arms, chance = allocate(BANDITS[0], X_NEW, 20, control="none", random_state=7)
    again = allocate(BANDITS[0], X_NEW[order], 20, control="none", random_state=7)
    assert_array_equal(again[0], arms[order])
    assert_allclose(again[1], chance[order])
    other, _ = allocate(BANDITS[0], X_NEW, 20, control="none", random_state=8)
    assert (other != arms).any()


def test_value_from_its_own_decisions():
    """Importance weights of the propensities: unbiased for every arm in every batch."""
    X, _, _ = make_rounds(2000, seed=5)
    bandit = learnt(selector=EpsilonGreedySelector(0.3))
    arms, chance = allocate(bandit, X, 700, control="none", random_state=0)
    gain = {"none": np.zeros(2000), "mail": X[:, 0], "call": 2.0 * X[:, 1]}
    reward = np.select([arms == arm for arm in ARMS], [gain[arm] for arm in ARMS])
    log = make_log(arms, reward, chance)
    assert abs(np.mean(1.0 / chance * (arms == "none")) - 1.0) < 0.1
    for arm in ("mail", "call"):
        value = np.mean(reward / chance * (log["arm"] == arm))
        error = np.sqrt(np.mean((gain[arm] / 0.1) ** 2 * 0.1) / 2000)
        assert abs(value - gain[arm].mean()) < 4.0 * error


def test_pipelines():
    X, arm, reward = make_rounds(300)
    pipeline = make_pipeline(StandardScaler(), LinearUCB(arms=ARMS, random_state=0))
    pipeline.fit(X, make_log(arm, reward))
    arms, _ = allocate(pipeline, X_NEW, 9, control="none")
    assert (arms != "none").sum() == 9


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, ValueError, "one of n_treatments and budget"),
        ({"n_treatments": 3, "budget": 1.0}, ValueError, "one of n_treatments and budget"),
        ({"n_treatments": -1}, ValueError, "must not be negative, got -1"),
        ({"n_treatments": 2.5}, TypeError, "must be an integer"),
        ({"budget": -1.0, "cost": COST}, ValueError, "not negative, got -1"),
        ({"budget": 1.0}, ValueError, "budget needs cost="),
        ({"budget": 1.0, "cost": {"mail": 1.0}}, ValueError, "says nothing of the arms"),
        ({"budget": 1.0, "cost": [1.0, 2.0, 3.0]}, ValueError, "less than the cheapest arms"),
        ({"n_treatments": 3, "control": "nobody"}, ValueError, "arms that the bandit does not"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        allocate(BANDITS[0], X_NEW, **{"control": "none", **given})


def test_sets_and_other_things_are_refused():
    with pytest.raises(ValueError, match="plays sets"):
        allocate(learnt(LinearUCB, selector=TopKSelector(1)), X_NEW, 3, control="none")
    with pytest.raises(TypeError, match="must be a bandit of skbandit"):
        allocate(StandardScaler(), X_NEW, 3, control="none")
