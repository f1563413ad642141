"""Prices: the dual of a budget, against a sweep and against linear programming."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog

from skbandit.budgets._price import affordable, bracketed_price, spending, typical_price
from skbandit.selectors import ArgmaxSelector, SoftmaxSelector


def make_problem(n_rows=60, n_arms=3, seed=0):
    rng = np.random.RandomState(seed)
    cost = rng.lognormal(sigma=1.5, size=(n_rows, n_arms))
    return rng.rand(n_rows, n_arms) + 0.1 * cost, cost


@pytest.mark.parametrize("selector", [ArgmaxSelector(), SoftmaxSelector(0.1, standardize=False)])
@pytest.mark.parametrize("start", [1e-6, 1.0, 1e5])
def test_bracket_against_a_sweep(selector, start):
    scores, cost = make_problem()

    def spent_at(price):
        return spending(selector.select(scores - price * cost), cost)

    free, least = spent_at(0.0), spent_at(1e9)
    for allowance in (0.9 * free, 0.5 * (free + least), 1.01 * least):
        low, high = bracketed_price(spent_at, allowance, start, precision=1e-4)
        assert spent_at(high) <= allowance < spent_at(low)
        assert 0.0 <= high - low <= 1.01e-4 * high
        prices = np.geomspace(1e-6, 1e6, 2001)
        spent = np.array([spent_at(price) for price in prices])
        first = prices[np.argmax(spent <= allowance)]
        assert_allclose(high, first, rtol=0.015)


def test_allowances_that_do_not_bind_or_cannot_be_held():
    scores, cost = make_problem()

    def spent_at(price):
        return spending(ArgmaxSelector().select(scores - price * cost), cost)

    assert bracketed_price(spent_at, 1e9, 1.0) == (0.0, 0.0)
    low, high = bracketed_price(spent_at, 0.0, 1.0)
    assert low == high > 1e6


def test_price_is_the_dual_of_the_budget():
    """Against the linear programme: the best reward a round at a mean cost, and its dual."""
    scores, cost = make_problem(40)
    n_rows, n_arms = scores.shape
    selector = ArgmaxSelector()
    allowance = 0.6 * spending(selector.select(scores), cost)
    one_arm = np.kron(np.eye(n_rows), np.ones((1, n_arms)))
    solved = linprog(
        -scores.ravel(),
        A_ub=cost.ravel()[None],
        b_ub=[n_rows * allowance],
        A_eq=one_arm,
        b_eq=np.ones(n_rows),
        bounds=(0.0, 1.0),
    )
    low, high = bracketed_price(
        lambda price: spending(selector.select(scores - price * cost), cost),
        allowance,
        1.0,
        precision=1e-9,
    )
    assert_allclose(high, -solved.ineqlin.marginals[0], rtol=1e-6)
    dear, cheap = (selector.select(scores - price * cost) for price in (low, high))
    more, less = spending(dear, cost), spending(cheap, cost)
    share = (allowance - less) / (more - less)
    mixed = share * dear + (1.0 - share) * cheap
    assert_allclose((mixed * scores).sum(), -solved.fun, rtol=1e-6)


def test_typical_price_has_the_units():
    scores, cost = make_problem()
    assert_allclose(typical_price(100 * scores, cost), 100 * typical_price(scores, cost))
    assert_allclose(typical_price(scores, 100 * cost), typical_price(scores, cost) / 100)
    assert typical_price(np.zeros((3, 2)), np.ones((3, 2))) == 1.0


def test_affordable():
    cost = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 2.0]])
    assert affordable(cost, 3.0) is None
    assert_array_equal(affordable(cost, 2.5), [[True, True, False], [False, True, True]])
    # The cheapest always may be played, all of those that are.
    for purse in (0.5, 0.0, -7.0):
        assert_array_equal(affordable(cost, purse), [[True, False, False], [False, True, True]])
    assert_array_equal(affordable(cost, 0.5, 2), [[True, True, False], [False, True, True]])
    mask = np.array([[False, True, True], [True, True, False]])
    assert_array_equal(
        affordable(cost, 0.5, 1, mask), [[False, True, False], [False, True, False]]
    )
    assert_array_equal(affordable(cost, 9.0, 1, mask), mask)
