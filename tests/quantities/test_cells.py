"""Cells: they fill the boxes, are cut when they have learnt enough, and are carried over."""

import numpy as np
import pytest

from skbandit._axes import Resize
from skbandit.quantities._boxes import find_boxes
from skbandit.quantities._cells import (
    carried_cells,
    cell_of,
    first_cells,
    halves,
    hidden_rewards,
    n_first,
    placed,
    rounds_to_split,
    rounds_until,
)

ARMS = np.array(["a", "b", "c"])
BOXES = find_boxes({"a": (0.0, 0.3), "b": [(-1.0, 1.0), (0.0, 7.0)]}, ARMS)


def _cut(n_cuts=30, seed=0, share=0.5):
    """Cells after random cuts of the arms that take quantities."""
    rng, cells = np.random.RandomState(seed), first_cells(BOXES)
    cells = cells._replace(weight=np.array([100.0, 200.0, 50.0]))
    for _ in range(n_cuts):
        cells = halves(cells, rng.choice(np.flatnonzero(cells.longest > 0.0)), share)
    return cells


def _points(n_samples, seed=1):
    rng = np.random.RandomState(seed)
    arm = rng.randint(3, size=n_samples)
    part = rng.uniform(size=(n_samples, 2))
    # On ends of cells too.
    part[::3] = np.round(part[::3] * 16) / 16
    return arm, np.clip(BOXES.low[arm] + part * BOXES.extent[arm], BOXES.low[arm], BOXES.high[arm])


def test_each_quantity_is_in_one_cell():
    cells = _cut()
    low, high = placed(cells, BOXES)
    arm, quantity = _points(2000)
    place = cell_of(cells, BOXES, arm, quantity)
    for number, (one, at) in enumerate(zip(arm, quantity, strict=True)):
        hits = [
            cell
            for cell in range(len(cells.arm))
            if cells.arm[cell] == one
            and all(
                np.isnan(value) or a <= value < b or value == b == BOXES.high[one, side]
                for side, (value, a, b) in enumerate(zip(at, low[cell], high[cell], strict=True))
            )
        ]
        assert hits == [place[number]]


def test_cells_fill_the_box():
    cells = _cut()
    for arm in range(3):
        assert cells.volume[cells.arm == arm].sum() == 1.0
    assert (cells.arm == 2).sum() == 1
    assert len(np.unique(cells.label)) == len(cells.label)
    assert cells.longest[cells.arm == 2].tolist() == [0.0]
    # Each half starts from half of what was learnt, so nothing is lost.
    assert [cells.weight[cells.arm == arm].sum() for arm in range(3)] == [100.0, 200.0, 50.0]


def test_the_longest_side_is_cut():
    cells = halves(halves(first_cells(BOXES), 1, 0.25), 2, 0.25)
    own = cells.arm == 1
    sides = cells.high[own] - cells.low[own]
    assert sorted(map(tuple, sides.tolist())) == [(0.5, 0.5), (0.5, 0.5), (0.5, 1.0)]
    assert n_first(cells).tolist() == [8, 1, 8, 8, 8]


def test_when_cells_are_cut():
    cells = first_cells(BOXES)
    tiny = np.finfo(float).tiny
    assert rounds_to_split(cells, 4.0, 128).tolist() == [tiny, tiny, np.inf]
    for _ in range(7):
        cells = halves(cells, np.flatnonzero(cells.arm == 0)[0], 0.5)
    needed = rounds_to_split(cells, 4.0, 128)
    own = cells.arm == 0
    np.testing.assert_array_equal(needed[own], 4.0 / cells.longest[own] ** 2)
    assert np.isinf(rounds_to_split(cells, 4.0, 8)[own]).all()


@pytest.mark.parametrize("whole", [True, False])
def test_rounds_until_a_cell_has_enough(whole):
    """Against rounds one by one, a weight of k as k of them."""
    rng = np.random.RandomState(0)
    for _ in range(200):
        place = rng.randint(4, size=30)
        weight = rng.randint(1, 4, size=30) * (1.0 if whole else 0.7)
        needed = rng.uniform(3, 20, size=4)
        known = rng.uniform(0, 1, size=4)
        n_rounds, part = rounds_until(needed, known, place, weight)
        have, expected = known.copy(), (30, weight[-1])
        for number, (cell, one) in enumerate(zip(place, weight, strict=True)):
            steps = np.append(np.ones(int(one)), one % 1.0 if one % 1.0 else [])
            for taken in np.cumsum(steps):
                if have[cell] + taken >= needed[cell]:
                    expected = number + 1, min(taken, one)
                    break
            else:
                have[cell] += one
                continue
            break
        assert n_rounds == expected[0]
        assert part == pytest.approx(expected[1])


def test_what_may_be_hidden():
    cells = halves(first_cells(BOXES), 0, 0.5)
    cells = cells._replace(weight=np.array([10.0, 5.0, 20.0, 5.0]))
    # The cells are b, c and the halves of a.
    score = np.array([[1.0, 5.0, 2.0, 6.0], [0.0, 0.0, 1.0, 1.0]])
    hidden = hidden_rewards(cells, score)
    factor = 0.5 * np.sqrt(np.log1p(40.0 / np.array([20.0, 5.0])))
    np.testing.assert_allclose(hidden[0], [0.0, 0.0, *(2.0 * factor)])
    np.testing.assert_array_equal(hidden[1], 0.0)


class TestCarried:
    def _resize(self, labels, source, shares=None):
        return Resize(np.array(labels), np.array(source), shares, 2, np.arange(2), None)

    def test_order_and_removal(self):
        cells, boxes = _cut(), find_boxes({"a": (0.0, 0.3)}, np.array(["c", "a"]))
        new, source, shares = carried_cells(cells, boxes, self._resize(["c", "a"], [2, 0]))
        assert shares is None
        assert new.arm.tolist() == [0] + [1] * (cells.arm == 0).sum()
        np.testing.assert_array_equal(new.label, cells.label[source])
        np.testing.assert_array_equal(new.weight, cells.weight[source])
        np.testing.assert_array_equal(new.low[1:, 0], cells.low[cells.arm == 0][:, 0])

    def test_a_new_arm_from_another_is_cut_like_it(self):
        arms = np.array([*ARMS, "d"])
        boxes = find_boxes({"a": (0.0, 0.3), "b": [(-1.0, 1.0), (0.0, 7.0)], "d": (5, 6)}, arms)
        cells = _cut()
        resize = self._resize(arms, [0, 1, 2, -1], np.array([[0.75, 0.0, 0.0]]))
        new, source, shares = carried_cells(cells, boxes, resize)
        came, own = source < 0, cells.arm == 0
        assert came.sum() == own.sum()
        np.testing.assert_array_equal(shares[:, own], 0.75 * np.eye(own.sum()))
        assert not shares[:, ~own].any()
        np.testing.assert_allclose(new.weight[came], 0.75 * cells.weight[own])
        assert len(np.unique(new.label)) == len(new.label)

    def test_a_new_arm_from_several(self):
        """No cell starts from more than was said, and none from what it has no part in."""
        arms = np.array([*ARMS, "d"])
        boxes = find_boxes({"a": (0.0, 0.3), "b": [(-1.0, 1.0), (0.0, 7.0)], "d": (5, 6)}, arms)
        resize = self._resize(arms, [0, 1, 2, -1], np.array([[0.5, 0.25, 0.25]]))
        _, _, shares = carried_cells(_cut(), boxes, resize)
        assert (shares >= 0.0).all()
        assert (shares.sum(axis=1) <= 1.0 + 1e-12).all()
        assert shares.any(axis=0).sum() > 3
