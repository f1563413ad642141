"""Projection on demands that do not rise with the price."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.isotonic import isotonic_regression

from skbandit.pricing._monotone import demand_projected, price_order


@pytest.mark.parametrize("n_prices", [1, 2, 3, 10, 30])
def test_rows_are_isotonic_regressions(n_prices):
    rng = np.random.default_rng(n_prices)
    demand = rng.normal(size=(40, 3, n_prices))
    weight = np.exp(rng.normal(size=(3, n_prices)))
    price = rng.permutation(n_prices) + 1.0
    projected, _ = demand_projected(demand, weight, price)
    order = np.argsort(price)
    for draw in range(40):
        for row in range(3):
            expected = isotonic_regression(
                demand[draw, row, order], sample_weight=weight[row, order], increasing=False
            )
            assert_allclose(projected[draw, row, order], expected, atol=1e-12)


def test_pooled_weights_are_those_of_the_blocks():
    demand = np.array([[0.2, 0.5, 0.1, 0.3]])
    weight = np.array([1.0, 2.0, 3.0, 1.0])
    projected, pooled = demand_projected(demand, weight, np.arange(4.0))
    assert_allclose(projected, [[0.4, 0.4, 0.15, 0.15]])
    assert_allclose(pooled, [[3.0, 3.0, 4.0, 4.0]])


def test_nothing_is_asked_of_arms_of_one_price():
    rng = np.random.default_rng(0)
    price = np.array([2.0, 1.0, 2.0, 3.0, 1.0])
    pairs = [(j, k) for j in range(5) for k in range(5) if price[j] < price[k]]
    for _ in range(20):
        demand, weight = rng.normal(size=5), np.exp(rng.normal(size=5))
        expected = minimize(
            lambda d, y=demand, w=weight: w @ (d - y) ** 2,
            np.zeros(5),
            jac=lambda d, y=demand, w=weight: 2.0 * w * (d - y),
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
            constraints=[
                {"type": "ineq", "fun": lambda d, j=j, k=k: d[j] - d[k]} for j, k in pairs
            ],
        ).x
        assert_allclose(demand_projected(demand, weight, price)[0], expected, atol=1e-5)


def test_one_price_changes_nothing():
    demand = np.random.default_rng(1).normal(size=(6, 4))
    assert_array_equal(demand_projected(demand, np.ones(4), np.full(4, 7.0))[0], demand)


def test_order_and_ranks():
    order, rank = price_order(np.array([3.0, 1.0, 3.0, 2.0]))
    assert_array_equal(order, [1, 3, 0, 2])
    assert_array_equal(rank, [0, 1, 2, 2])
