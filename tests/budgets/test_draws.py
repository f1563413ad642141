"""Balanced draws: exact chances, and totals that are not left to chance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.budgets._draws import balanced_draw

# 3,000 draws of 30 rows; at 4.5 standard errors one false alarm in a thousand such tests.
DRAWS, ERRORS = 3000, 4.5


def drawn(chance, cost, n_draws, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([balanced_draw(chance, cost, rng) for _ in range(n_draws)])


def require_frequencies(chance, arm):
    n_draws = len(arm)
    found = np.stack([(arm == one).mean(axis=0) for one in range(chance.shape[1])], axis=1)
    error = np.sqrt(np.maximum(chance * (1.0 - chance), 1e-12) / n_draws)
    assert (np.abs(found - chance) <= ERRORS * error + 1e-12).all()


@pytest.mark.parametrize("n_arms", [2, 3, 5])
def test_costs_of_the_whole_stay_within_one_row(n_arms):
    rng = np.random.RandomState(n_arms)
    chance = rng.dirichlet(np.ones(n_arms), 30)
    chance[:3] = np.eye(n_arms)[0]
    cost = rng.lognormal(size=(30, n_arms))
    arm = drawn(chance, cost, DRAWS)
    require_frequencies(chance, arm)
    total = cost[np.arange(30), arm].sum(axis=1)
    assert (arm[:, :3] == 0).all()
    apart = np.abs(total - (chance * cost).sum())
    assert apart.max() < np.ptp(cost, axis=1).max()


@pytest.mark.parametrize("n_arms", [2, 4])
def test_whole_numbers_are_met_exactly(n_arms):
    """Costs of 0 and 1: so many of the rows are treated, in every draw."""
    rng = np.random.RandomState(0)
    treated = rng.rand(30)
    treated[:20] *= 9.0 / treated[:20].sum()
    treated[20:] *= 4.0 / treated[20:].sum()
    chance = np.column_stack(
        [1.0 - treated, treated[:, None] * rng.dirichlet(np.ones(n_arms - 1), 30)]
    )
    cost = np.ones((30, n_arms))
    cost[:, 0] = 0.0
    arm = drawn(chance, cost, DRAWS)
    require_frequencies(chance, arm)
    assert ((arm > 0).sum(axis=1) == 13).all()


def test_rows_that_cost_the_same_are_drawn_on_their_own():
    chance, cost = np.full((4, 3), 1 / 3), np.ones((4, 3))
    arm = drawn(chance, cost, 1000)
    require_frequencies(chance, arm)


def test_a_single_row_and_sure_rows():
    chance = np.array([[0.25, 0.75]])
    require_frequencies(chance, drawn(chance, np.array([[0.0, 1.0]]), 1000))
    sure = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert_allclose(drawn(sure, np.ones((2, 3)), 2), [[1, 0], [1, 0]])
