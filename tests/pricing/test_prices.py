"""Prices of arms, and units from rewards."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbandit.pricing._prices import check_prices, prices_of, units_sold

ARMS = np.array(["small", "large"])


def test_prices_of_labels():
    assert_array_equal(prices_of(np.array([9.99, 14.99])), [9.99, 14.99])
    assert_array_equal(prices_of(np.array([0, 3])), [0.0, 3.0])
    assert_array_equal(prices_of(ARMS, {"large": 5, "small": 2.5, "other": 1}), [2.5, 5.0])
    assert_array_equal(prices_of(ARMS, {"small": np.float32(2.5), "large": 5}.get), [2.5, 5.0])


@pytest.mark.parametrize(
    ("arms", "prices", "message"),
    [
        (ARMS, None, "prices=None reads the labels of the arms as prices, and 'small' is no"),
        (ARMS, {"small": 1.0}, r"prices names no price for \['large'\]"),
        (ARMS, {"small": 1.0, "large": "much"}, "prices must be numbers, got 'much' for the arm"),
        (ARMS, {"small": 1.0, "large": True}, "prices must be numbers, got True"),
        (ARMS, {"small": 1.0, "large": None}, "prices must be numbers, got None"),
        (ARMS, {"small": 1.0, "large": -2.0}, "not negative, got -2.0 for the arm 'large'"),
        (ARMS, {"small": 1.0, "large": np.nan}, "finite and not negative, got nan"),
        (ARMS, {"small": 1.0, "large": np.inf}, "finite and not negative, got inf"),
        (np.array([-1.0, 2.0]), None, "finite and not negative, got -1.0"),
        (ARMS, lambda arm: None, "prices must be numbers, got None for the arm 'small'"),
    ],
)
def test_impossible_prices(arms, prices, message):
    with pytest.raises(ValueError, match=message):
        prices_of(arms, prices)


def test_units_are_the_reward_over_the_margin():
    rng = np.random.default_rng(0)
    price = rng.uniform(1.0, 50.0, 200).round(2)
    for cost in (0.0, 0.37, 20.01):
        for kind, units in (
            ("binary", rng.integers(0, 2, 200).astype(float)),
            ("count", rng.poisson(40.0, 200).astype(float)),
            ("unit_interval", rng.random(200)),
            ("real", rng.normal(size=200)),
        ):
            margin = price - cost
            # What a till prints: rounded to cents, hence exact units only where they are whole.
            reward = (units * price - units * cost) if kind != "real" else units * margin
            kept = np.abs(margin) > 0.01
            found = units_sold(reward[kept], price[kept], cost, kind, "A")
            if kind in ("binary", "count"):
                assert_array_equal(found, units[kept])
            else:
                assert_allclose(found, units[kept], rtol=1e-9, atol=1e-9)


def test_shares_that_left_by_rounding_are_put_back():
    reward = np.array([3.0 * (1.0 + 1e-9), -3e-9, 1.5])
    assert_array_equal(
        units_sold(reward, np.full(3, 3.0), 0.0, "unit_interval", "A"), [1.0, 0.0, 0.5]
    )


def test_a_unit_that_earns_nothing_leaves_no_trace():
    found = units_sold(np.zeros(3), np.array([0.0, 2.0, 2.0]), 2.0, "count", "A")
    assert_array_equal(found, 0.0)
    with pytest.raises(ValueError, match="at the price 2, which earns nothing a unit, it must be"):
        units_sold(np.array([1.0]), np.array([2.0]), 2.0, "count", "A")


@pytest.mark.parametrize(
    ("kind", "reward", "message"),
    [
        ("binary", 5.0, "units must be 0 or 1 for Shop; at the price 10 and unit_cost=0 a reward"),
        ("binary", 20.0, "is 2 units"),
        ("unit_interval", 12.0, "units must be from 0 to 1 for Shop.* is 1.2 units"),
        ("unit_interval", -1.0, "is -0.1 units"),
        ("count", 15.0, "units must be 0 or a positive integer for Shop.* is 1.5 units"),
        ("count", -10.0, "is -1 units"),
    ],
)
def test_rewards_that_no_demand_explains(kind, reward, message):
    with pytest.raises(ValueError, match=f"(?s)reward must be.*{message}"):
        units_sold(np.array([0.0, reward]), np.array([10.0, 10.0]), 0.0, kind, "Shop")


def test_prices_that_are_asked_about():
    assert_array_equal(check_prices(pd.Series([1, 2])), [1.0, 2.0])
    for bad, message in (
        ([[1.0]], "shape"),
        ([], "shape"),
        (["a"], "numbers"),
        ([-1.0], "not negative"),
        ([np.nan], "finite"),
    ):
        with pytest.raises(ValueError, match=f"prices must be .*{message}"):
            check_prices(bad)
