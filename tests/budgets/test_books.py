"""What arms have cost: sums that fade, units and factors, round by round."""

import numpy as np
from numpy.testing import assert_allclose

from skbandit.budgets._books import (
    empty_books,
    faded,
    mean_costs,
    recent_factors,
    units_of,
    within_reason,
)


def test_faded_sums_round_by_round():
    rng = np.random.RandomState(0)
    arm, value, weight = rng.randint(3, size=50), rng.rand(50), rng.randint(4, size=50)
    before = rng.rand(3)
    expected = before.copy()
    for one, paid, times in zip(arm, value, weight, strict=True):
        for _ in range(times):
            expected[one] = 0.98 * expected[one] + paid
    assert_allclose(faded(before, arm, value, weight.astype(float), 3), expected)
    halves = faded(before, arm[:20], value[:20], weight[:20].astype(float), 3)
    halves = faded(halves, arm[20:], value[20:], weight[20:].astype(float), 3)
    assert_allclose(halves, expected)


def test_factors_follow_a_change_and_are_one_without():
    books, always = empty_books(2), np.zeros(200, dtype=int)
    ones = np.ones(200)
    books = books._replace(
        paid=faded(books.paid, always, 0.1 * ones, ones, 2),
        told=faded(books.told, always, ones, ones, 2),
    )
    factor = recent_factors(books, np.array([1.0, np.nan]))
    assert 0.1 < factor[0] < 0.2
    assert factor[1] == 1.0


def test_units_are_what_the_first_rounds_cost():
    books = empty_books(3)
    arm, cost, weight = np.array([0, 0, 2]), np.array([1.0, 4.0, 0.0]), np.array([2.0, 1.0, 1.0])
    unit = units_of(books, arm, cost, weight, 7.0)
    assert_allclose(unit, [2.0, np.nan, 7.0])
    assert_allclose(units_of(books._replace(unit=unit), arm, 9 * cost, weight, 7.0), unit)


def test_means_with_and_without_a_price_list():
    books = empty_books(3)._replace(
        weight=np.array([3.0, 0.0, 0.0]), cost_sum=np.array([9.0, 0.0, 0.0])
    )
    assert_allclose(mean_costs(books, np.full(3, np.nan)), [3.0, np.nan, np.nan])
    assert_allclose(mean_costs(books, np.array([1.0, 1.0, 0.0])), [2.5, 1.0, 0.0])


def test_models_are_kept_within_a_factor_of_ten():
    found = within_reason(np.array([[-1.0, 5.0, 99.0]]), np.array([1.0, 1.0, 2.0]))
    assert_allclose(found, [[0.1, 5.0, 20.0]])
