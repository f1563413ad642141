"""Adaptive windowing: cuts by the bound of the paper, no false alarms, old numbers in few sums."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.drift import AdaptiveWindow


def largest_excess(values, delta, spread):
    """By how much the surest cut of all exceeds its bound, by the formula and one by one."""
    n, worst = len(values), -np.inf
    for cut in range(1, n):
        older, newer = values[:cut], values[cut:]
        m = 2.0 / (1.0 / len(older) + 1.0 / len(newer))
        term = np.log(2.0 * np.log(n) / delta)
        bound = np.sqrt(4.0 / m * values.var() * term) + 4.0 * spread / (3.0 * m) * term
        worst = max(worst, abs(newer.mean() - older.mean()) - bound)
    return worst


@pytest.mark.parametrize("step", [1, 4])
def test_it_cuts_where_the_bound_says(step):
    # With blocks of the size of a step no cut is missed, so both agree on when there is one.
    rng = np.random.RandomState(0)
    window, seen = AdaptiveWindow(delta=0.05, step=step), []
    for t in range(0, 120, step):
        part = rng.rand(step) + (t >= 60)
        before = window
        window = window.extended(part)
        seen = [*seen, *part.tolist()][-(before.width + step) :]
        if window.width < before.width + step:
            assert largest_excess(np.array(seen), 0.05, np.ptp(seen)) > 0.0
            assert t >= 60
            return
    raise AssertionError("a step of more than three deviations was not seen")


def test_no_change_no_cut():
    # delta bounds the chance at one time; over 200 streams of 2,000 numbers 3 % see one at most.
    rng = np.random.RandomState(1)
    cut = [AdaptiveWindow().extended(rng.randn(2000)).n_changes > 0 for _ in range(200)]
    assert np.mean(cut) <= 0.03


def test_width_and_mean_after_a_change():
    rng = np.random.RandomState(2)
    window = AdaptiveWindow().extended(np.append(rng.randn(3000), rng.randn(500) + 1.5))
    assert window.n_changes >= 1
    assert 400 <= window.width <= 600
    assert abs(window.mean - 1.5) < 0.3


def test_only_upward_changes_count():
    rng = np.random.RandomState(3)
    down = np.append(rng.rand(1000) + 1.0, rng.rand(1000))
    window = AdaptiveWindow(changes="up").extended(down)
    assert window.n_changes == 0
    assert window.width <= 1100
    assert AdaptiveWindow(changes="both").extended(down).n_changes >= 1
    assert AdaptiveWindow(changes="up").extended(down[::-1]).n_changes >= 1


def test_units_and_pieces_do_not_matter():
    rng = np.random.RandomState(4)
    values = np.append(rng.randn(800), rng.randn(200) + 2.0)
    whole = AdaptiveWindow().extended(values)
    pieces = AdaptiveWindow()
    for part in np.array_split(values, 37):
        pieces = pieces.extended(part)
    scaled = AdaptiveWindow().extended(1e6 * values + 1e9)
    for other in (pieces, scaled):
        assert (other.n_changes, other.width) == (whole.n_changes, whole.width)
    assert_allclose(scaled.mean, 1e6 * whole.mean + 1e9)


def test_memory_is_logarithmic_and_exact():
    rng = np.random.RandomState(5)
    values = rng.randn(20_000)
    window = AdaptiveWindow(delta=1e-9).extended(values)
    assert window.width == len(values)
    assert len(window._blocks) <= 6 * np.log2(len(values))
    assert_allclose(window.mean, values.mean(), atol=1e-12)
    square = sum(b[3] + b[1] * (b[2] - window.mean) ** 2 for b in window._blocks)
    assert_allclose(square, ((values - values.mean()) ** 2).sum(), rtol=1e-10)


def test_extending_leaves_the_old_one_alone():
    window = AdaptiveWindow().extended(np.arange(40.0) % 2)
    before = window.width, window.mean, window._blocks
    window.extended(np.full(1000, 9.0))
    assert (window.width, window.mean, window._blocks) == before


def test_bad_input():
    with pytest.raises(ValueError, match="finite"):
        AdaptiveWindow().extended([1.0, np.nan])
    with pytest.raises(ValueError, match="delta"):
        AdaptiveWindow(delta=2.0).extended([1.0])
    assert AdaptiveWindow().mean == 0.0
