"""Cells around any bandit."""

import numpy as np
import pytest

from skbandit.base import make_log
from skbandit.contextfree import KLUCB, UCB1, BetaThompsonSampling
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.quantities import ZoomingBandit
from skbandit.selectors import TopKSelector


def _play(bandit, n_rounds, noise=0.1, best=0.7, batch=10, seed=0):
    """Play an effect with its best dose; the regret of each round."""
    rng, regret = np.random.RandomState(seed), []
    for _ in range(n_rounds // batch):
        X = rng.normal(size=(batch, 1))
        arm, dose = bandit.predict(X, return_quantity=True)
        loss = np.where(arm == "none", 0.4, (np.nan_to_num(dose[:, 0]) - best) ** 2)
        reward = 1.0 - loss + noise * rng.normal(size=batch)
        bandit.partial_fit(X, make_log(arm, np.clip(reward, 0, 1), quantity=dose))
        regret.append(loss)
    return np.concatenate(regret)


INSIDE = [None, UCB1(), BetaThompsonSampling(), KLUCB(), LinearUCB(), LinearThompsonSampling()]


@pytest.mark.parametrize("inside", INSIDE)
def test_it_finds_the_dose(inside):
    bandit = ZoomingBandit(
        bandit=inside, quantities={"dose": (0.0, 1.0)}, arms=["dose", "none"], random_state=0
    )
    regret = _play(bandit, 1500)
    # Even play of both arms loses .34 a round.
    assert regret[-100:].mean() < 0.06
    cells = [(low[0], high[0], n) for arm, low, high, n in bandit.cells_ if arm == "dose"]
    at_best = min(high - low for low, high, _ in cells if low - 0.05 <= 0.7 <= high + 0.05)
    assert at_best < min(high - low for low, high, _ in cells if high <= 0.25)
    assert [one[0] for one in bandit.cells_].count("none") == 1


def test_rewards_of_zero_and_one_with_contexts():
    """The better half of the box is another one where the context is."""
    bandit = ZoomingBandit(
        bandit=LogisticThompsonSampling(), quantities=(-1.0, 1.0), random_state=0
    )
    rng = np.random.RandomState(0)
    for _ in range(60):
        X = rng.choice([-1.0, 1.0], size=(20, 1))
        arm, dose = bandit.predict(X, return_quantity=True)
        bought = rng.uniform(size=20) < 0.5 + 0.4 * X[:, 0] * dose[:, 0]
        bandit.partial_fit(X, make_log(arm, bought.astype(float), quantity=dose))
    _, dose = bandit.predict([[-1.0], [1.0]], explore=False, return_quantity=True)
    assert dose[0, 0] < -0.4
    assert dose[1, 0] > 0.4


def test_calls_may_be_cut_anywhere():
    rng = np.random.RandomState(0)
    X, dose = np.zeros((500, 1)), rng.uniform(size=(500, 1))
    log = make_log(["quantity"] * 500, rng.normal(size=500) + dose[:, 0], quantity=dose)
    whole = ZoomingBandit(quantities=(0.0, 1.0), random_state=0).fit(X, log)
    parts = ZoomingBandit(quantities=(0.0, 1.0), random_state=0)
    for rows in np.split(np.arange(500), [1, 7, 8, 200, 431]):
        parts.partial_fit(X[rows], log[rows])
    assert [one[:3] for one in parts.cells_] == [one[:3] for one in whole.cells_]
    np.testing.assert_allclose(
        [one[3] for one in parts.cells_], [one[3] for one in whole.cells_], rtol=1e-12
    )
    np.testing.assert_allclose(parts.predict_proba(X[:1]), whole.predict_proba(X[:1]))
    # With halves that share all, as many rounds are known as were learnt.
    assert sum(one[3] for one in whole.cells_) == pytest.approx(500)


def test_cells_are_limited():
    rng = np.random.RandomState(0)
    dose = rng.uniform(size=(3000, 2))
    log = make_log(["quantity"] * 3000, rng.normal(size=3000), quantity=dose)
    for limit in (1, 3, 9):
        bandit = ZoomingBandit(quantities=[(0.0, 1.0)] * 2, max_cells=limit)
        assert len(bandit.fit(np.zeros((3000, 1)), log).cells_) == limit


def test_the_cells_start_from_a_share():
    """The means of both halves are those of the whole, and each knows as much as it was given."""
    log = make_log(["quantity"], [5.0], quantity=[0.2])
    bandit = ZoomingBandit(quantities=(0.0, 1.0), share=0.5).fit([[0.0]], log)
    assert [one[3] for one in bandit.cells_] == [0.125] * 8
    np.testing.assert_allclose(bandit.bandit_.weight_, 0.125)
    bandit = ZoomingBandit(quantities=(0.0, 1.0), share=0.0).fit([[0.0]], log)
    np.testing.assert_allclose(bandit.bandit_.weight_, 0.0)


def test_without_optimism_it_is_the_bandit_inside():
    rng = np.random.RandomState(0)
    dose = rng.uniform(size=(200, 1))
    log = make_log(["quantity"] * 200, rng.normal(size=200) + dose[:, 0], quantity=dose)
    bandit = ZoomingBandit(bandit=LinearUCB(), quantities=(0.0, 1.0), optimism=0.0)
    bandit.fit(np.zeros((200, 1)), log)
    policy = bandit.quantity_policy(np.zeros((1, 1)))
    expected = bandit.bandit_.predict_proba(np.zeros((1, 1)))
    np.testing.assert_allclose(np.sort(policy.weight[0]), np.sort(expected[0]))
    score = bandit.decision_function(np.zeros((1, 1)))
    assert score[0, 0] == bandit.bandit_.decision_function(np.zeros((1, 1))).max()


class TestErrors:
    def test_of_the_bandit_inside(self):
        X = np.zeros((1, 1))
        with pytest.raises(ValueError, match="bandit has selector"):
            ZoomingBandit(bandit=LinearUCB(selector=TopKSelector(1)), arms=["a"]).predict(X)
        with pytest.raises(TypeError, match="must be an instance, got the class LinearUCB"):
            ZoomingBandit(bandit=LinearUCB, arms=["a"]).predict(X)
        with pytest.raises(ValueError, match="takes candidates with features of their own"):
            ZoomingBandit(bandit=LinearUCB(arm_model="shared"), arms=["a"]).predict(X)

    @pytest.mark.parametrize(
        "wrong", [{"n_to_halve": 0.0}, {"share": 1.5}, {"optimism": -1.0}, {"max_cells": 0}]
    )
    def test_of_parameters(self, wrong):
        name = next(iter(wrong))
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            ZoomingBandit(quantities=(0, 1), **wrong).predict(np.zeros((1, 1)))
