"""What an arm is worth by several objectives, each rule against loops over arms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbandit.linear import LinearUCB
from skbandit.metrics import pareto_front
from skbandit.objectives import (
    ChebyshevSelector,
    ConstrainedSelector,
    ParetoSelector,
    WeightedSumSelector,
)

ARMS = np.array(["a", "b", "c", "d", "e"])
VALUES = np.random.RandomState(0).uniform(size=(40, 5, 2))
COST = {"e": 0.0, "d": 1.0, "c": 0.5, "b": 0.25, "a": 1.0}
COSTS = np.array([1.0, 0.25, 0.5, 1.0, 0.0])
MASK = np.random.RandomState(1).uniform(size=(40, 5)) < 0.6
MASK[:, 2] = True


def known(selector, *maximize):
    selector.check()
    return selector.for_arms(ARMS).for_objectives(np.array(maximize or (True, True)))


@pytest.mark.parametrize("cost", [None, COST, list(COSTS)])
@pytest.mark.parametrize("maximize", [(True, True), (True, False)])
def test_pareto_plays_the_front(maximize, cost):
    selector = known(ParetoSelector(cost=cost), *maximize)
    policy, masked = selector.choice(VALUES), selector.choice(VALUES, MASK)
    directions = maximize if cost is None else (*maximize, False)
    for row, values in enumerate(VALUES):
        points = values if cost is None else np.column_stack([values, COSTS])
        front = pareto_front(points, maximize=directions)
        assert_allclose(policy[row], front / front.sum())
        places = np.flatnonzero(MASK[row])
        expected = np.zeros(5)
        expected[places] = pareto_front(points[places], maximize=directions)
        assert_allclose(masked[row], expected / expected.sum())
        assert_array_equal(selector.worth(VALUES)[row] == 0.0, front)


def test_pareto_leans_towards_objectives():
    values = np.array([[[4.0, 0.0], [3.0, 2.0], [0.0, 10.0], [1.0, 1.0], [0.5, 0.5]]])
    assert_allclose(
        known(ParetoSelector([1.0, 1.0])).choice(values)[0],
        np.array([1.0, 0.75 + 0.2, 1.0, 0.0, 0.0]) / 2.95,
    )
    assert_allclose(
        known(ParetoSelector([1.0, 0.0])).choice(values)[0], np.array([4, 3, 0, 0, 0]) / 7.0
    )
    # Another unit, and another zero, change nothing.
    other = values * [100.0, 0.1] + [5.0, -3.0]
    assert_allclose(
        known(ParetoSelector([1.0, 3.0])).choice(other),
        known(ParetoSelector([1.0, 3.0])).choice(values),
    )
    # A front of one arm, or of equal ones.
    assert known(ParetoSelector([0.0, 1.0])).choice(values[:, :1]).tolist() == [[1.0]]
    same = np.ones((1, 2, 2))
    assert known(ParetoSelector([0.0, 1.0])).choice(same).tolist() == [[0.5, 0.5]]
    # Saved costs count with a weight of their own.
    policy = known(ParetoSelector([0.0, 0.0 + 1e-9], cost_weight=1.0, cost=COST)).choice(values)
    assert policy[0].argmax() == 4


def test_pareto_of_one_objective_is_what_it_pays():
    selector = known(ParetoSelector(), True)
    assert_allclose(selector.worth(VALUES[..., :1]), VALUES[..., 0])
    assert selector.is_maximum()
    assert not known(ParetoSelector(), False).is_maximum()
    assert not known(ParetoSelector(cost=COST), True).is_maximum()


def test_weighted_sum():
    selector = known(WeightedSumSelector([2.0, 3.0], price=4.0, cost=COST), True, False)
    expected = 2.0 * VALUES[..., 0] - 3.0 * VALUES[..., 1] - 4.0 * COSTS
    assert_allclose(selector.worth(VALUES), expected)
    # Draws come one after the other, each for all rows, and so do the costs of rows.
    cost = np.random.RandomState(2).uniform(size=(20, 5))
    by_row = selector.for_costs(cost)
    expected = 2.0 * VALUES[..., 0] - 3.0 * VALUES[..., 1] - 4.0 * np.tile(cost, (2, 1))
    assert_allclose(by_row.worth(VALUES), expected)
    factor = selector.for_costs(np.full(20, 2.0))
    assert_allclose(factor.worth(VALUES), selector.worth(VALUES) - 4.0 * COSTS)


@pytest.mark.parametrize("reference", [None, [1.5, -0.5]])
def test_chebyshev(reference):
    selector = known(
        ChebyshevSelector([2.0, 1.0], reference, 0.01, price=0.5, cost=COST), True, False
    )
    worth, masked = selector.worth(VALUES), selector.worth(VALUES, MASK)
    for row, values in enumerate(VALUES):
        for mask, found in ((np.ones(5, dtype=bool), worth), (MASK[row], masked)):
            best = [values[mask, 0].max(), values[mask, 1].min(), COSTS[mask].min()]
            z = best if reference is None else [1.5, -0.5, 0.0]
            for arm in np.flatnonzero(mask):
                away = [
                    2.0 * (z[0] - values[arm, 0]),
                    1.0 * (values[arm, 1] - z[1]),
                    0.5 * (COSTS[arm] - z[2]),
                ]
                assert_allclose(found[row, arm], -max(away) - 0.01 * sum(away))


def test_chebyshev_finds_arms_that_no_weighted_sum_does():
    values = np.array([[[1.0, 0.0], [0.4, 0.4], [0.0, 1.0]]])
    assert pareto_front(values[0]).all()
    for share in np.linspace(0.0, 1.0, 101):
        assert known(WeightedSumSelector([share, 1.0 - share])).worth(values).argmax() != 1
    assert known(ChebyshevSelector()).worth(values).argmax() == 1


# ------------------------------------------------------------------------- bounds
def best_by_loops(score, kept, missed):
    places = np.flatnonzero(kept)
    if len(places):
        return places[np.argmax(score[places])]
    return int(np.argmin(missed))


@pytest.mark.parametrize("maximize", [(True, True), (False, True)])
@pytest.mark.parametrize("bound", [0.3, 0.9, 0.99])
def test_bounds(bound, maximize):
    selector = known(ConstrainedSelector(at_least={1: bound}), *maximize)
    worth = selector.worth(VALUES)
    n_without = 0
    for row, values in enumerate(VALUES):
        score = values[:, 0] if maximize[0] else -values[:, 0]
        kept = values[:, 1] >= bound
        n_without += not kept.any()
        assert worth[row].argmax() == best_by_loops(score, kept, bound - values[:, 1])
        # Whoever misses the bound ranks below whoever keeps it, and by how much it misses.
        if kept.any() and not kept.all():
            assert worth[row, ~kept].max() < worth[row, kept].min()
        assert_array_equal(np.argsort(worth[row, ~kept]), np.argsort(values[~kept, 1]))
    assert bound < 0.9 or 0 < n_without < 40


def test_bounds_above_and_below_and_on_costs():
    selector = known(
        ConstrainedSelector(at_least={1: 0.3}, at_most={0: 0.8, "cost": 0.6}, cost=COST)
    )
    cheapest = known(ConstrainedSelector("cost", at_least={1: 0.3, 0: 0.1}, cost=COST))
    worth, cheap = selector.worth(VALUES), cheapest.worth(VALUES)
    for row, values in enumerate(VALUES):
        kept = (values[:, 1] >= 0.3) & (values[:, 0] <= 0.8) & (COSTS <= 0.6)
        if kept.any():
            assert worth[row].argmax() == best_by_loops(values[:, 0], kept, None)
        kept = (values[:, 1] >= 0.3) & (values[:, 0] >= 0.1)
        if kept.any():
            assert cheap[row].argmax() == best_by_loops(-COSTS, kept, None)


def test_bounds_relative_to_an_arm():
    selector = known(ConstrainedSelector(at_least={1: 0.9}, at_most={0: 1.5}, relative_to="c"))
    worth = selector.worth(VALUES)
    for row, values in enumerate(VALUES):
        kept = (values[:, 1] >= 0.9 * values[2, 1]) & (values[:, 0] <= 1.5 * values[2, 0])
        assert kept[2]
        assert worth[row].argmax() == best_by_loops(values[:, 0], kept, None)


@pytest.mark.parametrize("maximize", [True, False])
def test_bounds_relative_to_the_best(maximize):
    """The cheapest arm that is nearly the best in all objectives."""
    bounds = {"at_least": {0: 0.6}} | ({"at_least": {0: 0.6, 1: 0.5}} if maximize else {})
    bounds |= {} if maximize else {"at_most": {1: 2.0}}
    selector = ConstrainedSelector("cost", relative_to="best", cost=COST, **bounds)
    selector = known(selector, True, maximize)
    worth, masked = selector.worth(VALUES), selector.worth(VALUES, MASK)
    n_kept = 0
    for row, values in enumerate(VALUES):
        for mask, found in ((np.ones(5, dtype=bool), worth), (MASK[row], masked)):
            kept = values[:, 0] >= 0.6 * values[mask, 0].max()
            if maximize:
                kept &= values[:, 1] >= 0.5 * values[mask, 1].max()
            else:
                kept &= values[:, 1] <= 2.0 * values[mask, 1].min()
            if kept[mask].any():
                n_kept += 1
                cheapest = np.where(kept & mask, COSTS, np.inf)
                best = np.where(mask, found[row], -np.inf)
                assert_array_equal(best == best.max(), cheapest == cheapest.min())
    assert 20 < n_kept < 80


def test_an_arm_that_is_called_best():
    selector = ConstrainedSelector(at_least={1: 1.0}, relative_to="best")
    selector = selector.for_arms(np.array(["a", "best"])).for_objectives(np.array([True, True]))
    values = np.array([[[2.0, 0.0], [1.0, 1.0]], [[2.0, 1.0], [1.0, 0.5]]])
    assert selector.worth(values).argmax(axis=1).tolist() == [1, 0]


def test_the_least_miss_is_a_part_of_the_range():
    # The second bound is missed by 10 of 100, the first by .2 of .5.
    values = np.array([[[0.5, 90.0], [0.8, 80.0], [0.3, 0.0], [0.3, 20.0], [0.3, 50.0]]])
    selector = known(ConstrainedSelector(at_least={0: 0.6, 1: 100.0}))
    missed = selector.missed(values)[0]
    assert_allclose(missed[:2], [0.1 / 0.5 + 10 / 90, 20 / 90])
    assert selector.worth(values)[0].argmax() == 1


# --------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (WeightedSumSelector([1.0]), "weights of WeightedSumSelector must have one number"),
        (WeightedSumSelector([1.0, -1.0]), "not negative"),
        (WeightedSumSelector([0.0, 0.0]), "not all 0"),
        (WeightedSumSelector([1.0, np.nan]), "finite"),
        (WeightedSumSelector(["a", "b"]), "must hold numbers"),
        (ParetoSelector([1.0, 1.0, 1.0]), "weights of ParetoSelector must have one number"),
        (ChebyshevSelector(reference=[1.0]), "reference of ChebyshevSelector must have one"),
        (ChebyshevSelector(reference=["a", "b"]), "reference of ChebyshevSelector must hold"),
        (ConstrainedSelector(2), "objective of ConstrainedSelector names the objective 2"),
        (ConstrainedSelector(at_least={2: 0.5}), "at_least of ConstrainedSelector names the obj"),
        (ConstrainedSelector(at_least={-1: 0.5}), "numbered from 0 to 1"),
        (ConstrainedSelector(at_most={"clicks": 0.5}), "names the objective 'clicks'"),
        (ConstrainedSelector(at_least={1: np.nan}), "at_least .* must give finite numbers"),
        (ConstrainedSelector(at_least={1: "much"}), "at_least .* must give finite numbers"),
        (ConstrainedSelector(at_most={"cost": 1.0}), "costs are not known"),
        (ConstrainedSelector("cost"), "costs are not known"),
        (ConstrainedSelector(relative_to="z"), "relative_to='z' .* no arm of the bandit"),
        (ConstrainedSelector(confidence=1.0), "confidence"),
        (ConstrainedSelector(-1), "objective"),
        (ParetoSelector(cost={"a": 1.0}), "says nothing of the arms"),
        (ParetoSelector(cost="dear"), "cost"),
        (ParetoSelector(cost=-1.0), "cost"),
        (WeightedSumSelector(price=-1.0), "price"),
        (ChebyshevSelector(augmentation=-1.0), "augmentation"),
    ],
)
def test_parameters_that_do_not_fit(selector, message):
    with pytest.raises(ValueError, match=message):
        known(selector)


def test_costs_of_calls_that_do_not_come():
    with pytest.raises(ValueError, match="does not know what the arms cost"):
        known(ParetoSelector(cost="call")).worth(VALUES)


def test_it_is_no_selector_of_scores():
    with pytest.raises(ValueError, match=r"MultiObjectiveBandit\(objective_selector="):
        LinearUCB(arms=["a"], selector=ParetoSelector()).predict([[0.0]])
