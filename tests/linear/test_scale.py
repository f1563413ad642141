"""Defaults that need no tuning: the unit of the reward does not matter; shuttle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.datasets import load_shuttle
from skbandit.linear import LinearThompsonSampling, LinearUCB

BOTH = pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
UNIT = pytest.mark.parametrize("unit", [100.0, 1e-6, 1e6, 2.0**40])


def options(arm_model, precision):
    return {"arm_model": arm_model, "precision": precision}


KIND = pytest.mark.parametrize(
    "kind",
    [
        options("disjoint", "full"),
        options("disjoint", "diagonal"),
        options("shared", "full"),
        options("hybrid", "full"),
    ],
    ids=lambda kind: "-".join(kind.values()),
)


def contexts_for(kind, X):
    return np.stack([X, -X, X[:, ::-1]], axis=1) if kind["arm_model"] == "shared" else X


@BOTH
@UNIT
@KIND
def test_batch(Bandit, unit, kind, rounds):
    """Same decisions, same propensities; scores in the other unit."""
    X, arm, reward = rounds(shift=0.7)
    X = contexts_for(kind, X)
    ours = Bandit(random_state=7, **kind).fit(X, arm, reward)
    theirs = Bandit(random_state=7, **kind).fit(X, arm, unit * reward)
    played, propensity = ours.predict(X, return_propensity=True)
    same, same_propensity = theirs.predict(X, return_propensity=True)
    assert np.array_equal(played, same)
    assert_allclose(same_propensity, propensity, rtol=1e-6)
    assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), atol=1e-9)
    for a, b in zip(
        theirs.expected_reward(X, return_std=True),
        ours.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(a, unit * b, rtol=1e-8, atol=1e-10 * unit)
    assert_allclose(theirs.noise_variance_, unit**2 * ours.noise_variance_, rtol=1e-9)


@BOTH
@UNIT
@KIND
def test_online(Bandit, unit, kind, rounds):
    """From the first round on: a decision, its reward, one round learnt."""
    X = contexts_for(kind, rounds()[0])
    theta = np.random.default_rng(5).normal(size=(3, X.shape[-1])) + 1.0
    histories = []
    for factor in (1.0, unit):
        bandit = Bandit(arms=[0, 1, 2], random_state=11, **kind)
        history = []
        for t in range(60):
            played, propensity = bandit.predict(X[[t]], return_propensity=True)
            row = X[t] if X.ndim == 2 else X[t, played[0]]
            paid = factor * (row @ theta[played[0]] + np.sin(t))
            bandit.partial_fit(X[[t]], played, np.array([paid]))
            history.append((played[0], propensity[0]))
        histories.append(np.array(history))
    assert np.array_equal(histories[0][:, 0], histories[1][:, 0])
    assert_allclose(histories[0][:, 1], histories[1][:, 1], rtol=1e-6)
    assert len(np.unique(histories[0][:, 0])) == 3


@BOTH
def test_defaults(Bandit):
    parameters = Bandit().get_params()
    expected = {
        "arms": None,
        "alpha": "auto",
        "prior_precision": 1.0,
        "precision": "full",
        "arm_model": "disjoint",
        "fit_intercept": True,
        "noise": "learnt",
        "noise_prior": None,
        "forgetting": 1.0,
        "random_state": None,
    }
    assert {name: parameters[name] for name in expected} == expected


@BOTH
def test_regret_on_shuttle(Bandit):
    """z-scored, 2,000 rounds: at most 14 % of the uniform policy's regret, mean of 5 orders.

    The uniform policy errs in 6 of 7 rounds.
    """
    X, y = load_shuttle(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    arms = np.unique(y)
    regrets = []
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(X))[:2000]
        regret, bandit = 0.0, Bandit(arms=arms, random_state=seed)
        for row, label in zip(X[rows], y[rows], strict=True):
            played = bandit.predict(row[None])
            paid = float(played[0] == label)
            bandit.partial_fit(row[None], played, np.array([paid]))
            regret += 1 - paid
        regrets.append(regret / (2000 * 6 / 7))
    assert np.mean(regrets) < 0.14, regrets
