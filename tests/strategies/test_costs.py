"""Costs of arms: where they come from, and a price on them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skbandit.contextfree import BetaThompsonSampling
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import (
    ArgmaxSelector,
    EpsilonGreedySelector,
    PropensityFloorSelector,
    SoftmaxSelector,
    TopKSelector,
)
from skbandit.strategies import DefaultArmSelector, PricedSelector

ARMS = ["c", "a", "b"]
COST = {"a": 0.5, "b": 2.0, "c": 0.0}
IN_ORDER = np.array([0.0, 0.5, 2.0])


def learnt(kind, selector, n_samples=60, **params):
    rng = np.random.RandomState(0)
    X, arm = rng.randn(n_samples, 2), np.array(ARMS)[rng.randint(3, size=n_samples)]
    reward = (rng.rand(n_samples) < 0.2 + 0.3 * (arm == "b")).astype(float)
    bandit = kind(arms=ARMS, selector=selector, random_state=0, **params)
    return bandit.fit(X, arm, reward=reward), rng.randn(30, 2)


@pytest.mark.parametrize("other", [ArgmaxSelector(), EpsilonGreedySelector(0.3), TopKSelector(2)])
def test_sure_scores_are_charged(other):
    bandit, X = learnt(LinearUCB, PricedSelector(COST, price=0.2, selector=other), alpha=1.0)
    expected = other.select(bandit.decision_function(X) - 0.2 * IN_ORDER)
    assert_allclose(bandit.predict_proba(X), expected, atol=1e-12)


@pytest.mark.parametrize("kind", [LinearThompsonSampling, LogisticThompsonSampling])
@pytest.mark.parametrize("other", [ArgmaxSelector(), EpsilonGreedySelector(0.3), TopKSelector(2)])
def test_policy_is_that_of_charged_draws(kind, other):
    """200,000 draws: a share has a standard error of at most .0011; 4.5 of them allow for 60."""
    bandit, X = learnt(kind, PricedSelector(COST, price=0.2, selector=other), alpha=1.0)
    X = X[:10]
    draws = bandit._belief(X).draws(200_000, 5) - 0.2 * IN_ORDER
    expected = np.zeros((10, 3))
    for row in range(10):
        expected[row] = other.select(draws[:, row]).mean(axis=0)
    # 128 quantiles of a logistic arm stand for all.
    slack = 0.005 if kind is LogisticThompsonSampling else 0.0
    assert_allclose(bandit.predict_proba(X), expected, atol=0.005 + slack)


def test_beta_beliefs_are_charged():
    bandit, X = learnt(BetaThompsonSampling, PricedSelector(COST, price=0.2), alpha=1.0)
    draws = bandit._belief(X[:1]).draws(200_000, 5)[:, 0] - 0.2 * IN_ORDER
    expected = np.bincount(draws.argmax(axis=1), minlength=3) / len(draws)
    assert_allclose(bandit.predict_proba(X[:1])[0], expected, atol=0.01)


def test_softmax_tells_arms_of_one_belief_apart_by_their_costs():
    bandit = LinearThompsonSampling(
        arms=ARMS, selector=PricedSelector(COST, price=100.0, selector=SoftmaxSelector(0.01))
    )
    assert_allclose(bandit.predict_proba([[1.0]]), [[1.0, 0.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("kind", [LinearUCB, LinearThompsonSampling])
@pytest.mark.parametrize("other", [None, SoftmaxSelector()])
def test_costs_of_a_call(kind, other):
    bandit, X = learnt(kind, PricedSelector(price=0.3, selector=other), alpha=1.0)
    cost = np.random.RandomState(1).rand(30, 3)
    expected = [
        learnt(kind, PricedSelector(row, price=0.3, selector=other), alpha=1.0)[0]
        .predict_proba(x[None])
        .ravel()
        for row, x in zip(cost, X, strict=True)
    ]
    found = bandit.predict_proba(X, cost=cost)
    assert_allclose(found, expected, atol=1e-12)
    frame = pd.DataFrame(cost, columns=ARMS)[["b", "c", "a"]]
    assert_allclose(bandit.predict_proba(X, cost=frame), expected, atol=1e-12)
    arms, chance = bandit.predict(X, cost=cost, return_propensity=True)
    place = [ARMS.index(arm) for arm in arms]
    assert_allclose(chance, found[np.arange(30), place], atol=1e-12)


def test_a_factor_for_each_row():
    bandit, X = learnt(LinearUCB, PricedSelector(COST, price=0.3), alpha=1.0)
    factor = np.random.RandomState(1).rand(30)
    expected = bandit.predict_proba(X, cost=factor[:, None] * IN_ORDER)
    assert_allclose(bandit.predict_proba(X, cost=factor), expected)


@pytest.mark.parametrize("around", [PropensityFloorSelector, None])
def test_costs_pass_through_other_selectors(around):
    priced = PricedSelector(price=1e6)
    if around is None:
        selector = DefaultArmSelector("a", share=0.5, selector=priced)
    else:
        selector = PropensityFloorSelector(priced, share=0.3, decay=0.0)
    bandit, X = learnt(LinearUCB, selector)
    found = bandit.predict_proba(X, cost=np.tile([1.0, 1.0, 0.0], (30, 1)))
    expected = [0.0, 0.5, 0.5] if around is None else [0.1, 0.1, 0.8]
    assert_allclose(found, np.tile(expected, (30, 1)))


@pytest.mark.parametrize(
    ("selector", "cost", "message"),
    [
        (PricedSelector({"a": 1.0}), None, r"says nothing of the arms \['c', 'b'\]"),
        (PricedSelector([1.0, 2.0]), None, "a number for each of the 3 arms"),
        (PricedSelector([1.0, 2.0, -1.0]), None, "finite and not negative"),
        (PricedSelector({"a": "x", "b": 1, "c": 1}), None, "must hold numbers"),
        (PricedSelector(), None, "does not know what the arms cost"),
        (PricedSelector(), np.ones(30), "no costs for it to multiply"),
        (PricedSelector(COST, price=-1.0), None, "price"),
        (PricedSelector(), np.ones((30, 2)), r"cost must have shape \(n_samples, n_arms\)"),
        (PricedSelector(), -np.ones((30, 3)), "must not be negative"),
        (PricedSelector(), np.full((30, 3), np.nan), "NaN"),
        (PricedSelector(), pd.DataFrame(np.ones((30, 3)), columns=list("abd")), "cost has the"),
        (None, np.ones((30, 3)), "does not weigh costs"),
        (EpsilonGreedySelector(), np.ones((30, 3)), "does not weigh costs"),
    ],
)
def test_bad_costs(selector, cost, message):
    X = np.random.RandomState(0).randn(30, 2)
    bandit = LinearUCB(arms=ARMS, selector=selector)
    with pytest.raises(ValueError, match=message):
        bandit.predict(X, cost=cost)
