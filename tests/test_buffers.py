"""Buffers and samplers."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from skbandit.buffers import AllData, RandomSampler, Reservoir, SlidingWindow, SortedSampler


def columns(start, stop):
    number = np.arange(start, stop, dtype=float)
    return {"reward": number, "row": np.column_stack([number, -number])}


def filled(buffer, cuts, rng=None):
    for start, stop in pairwise(cuts):
        buffer = buffer.extended(columns(start, stop), rng)
    return buffer


@pytest.mark.parametrize("cuts", [(0, 1000), (0, 1, 2, 3, 700, 1000), tuple(range(1001))])
def test_all_data_keeps_every_round_in_order_however_it_comes(cuts):
    buffer = filled(AllData(), cuts)
    assert buffer.n_seen == len(buffer) == 1000
    for name, column in columns(0, 1000).items():
        np.testing.assert_array_equal(buffer.columns[name], column)


@pytest.mark.parametrize("cuts", [(0, 1000), (0, 5, 700, 701, 1000), tuple(range(1001))])
@pytest.mark.parametrize("size", [1, 7, 300])
def test_sliding_window_keeps_the_last_rounds_and_bounded_memory(cuts, size):
    buffer = filled(SlidingWindow(size=size), cuts)
    assert buffer.n_seen == 1000
    for name, column in columns(1000 - size, 1000).items():
        np.testing.assert_array_equal(buffer.columns[name], column)
    # Three numbers of 8 bytes a round, for twice the rounds kept, 256 at least.
    assert buffer.nbytes <= 24 * max(256, 2 * size)


@pytest.mark.parametrize("buffer", [AllData(), SlidingWindow(size=40), Reservoir(size=40)])
def test_extending_leaves_the_old_buffer_as_it_was(buffer):
    rng = np.random.RandomState(0)
    old = filled(buffer, (0, 20, 35, 50), rng)
    before = {name: column.copy() for name, column in old.columns.items()}
    branch, other = old.extended(columns(100, 130), rng), old.extended(columns(200, 203), rng)
    seen = {name: column.copy() for name, column in branch.columns.items()}
    other.extended(columns(300, 330), rng)
    for name in before:
        np.testing.assert_array_equal(old.columns[name], before[name])
        np.testing.assert_array_equal(branch.columns[name], seen[name])
    assert set(other.columns["reward"]) & {200.0, 201.0, 202.0} or isinstance(buffer, Reservoir)


@pytest.mark.parametrize("cuts", [(0, 100), (0, 3, 11, 50, 100)])
def test_reservoir_is_a_uniform_sample(cuts):
    n_repeats, size = 2000, 10
    rng = np.random.RandomState(0)
    kept = np.concatenate(
        [filled(Reservoir(size=size), cuts, rng).columns["reward"] for _ in range(n_repeats)]
    )
    counts = np.bincount(kept.astype(int), minlength=100)
    assert counts.sum() == n_repeats * size
    # False alarm once in 10,000 seeds; sampling without replacement varies less than assumed.
    assert stats.chisquare(counts).pvalue > 1e-4


def test_reservoir_keeps_columns_together_and_bounded():
    buffer = filled(Reservoir(size=50), (0, 30, 500, 1000), np.random.RandomState(1))
    assert len(buffer) == 50
    assert len(set(buffer.columns["reward"])) == 50
    np.testing.assert_array_equal(buffer.columns["row"][:, 1], -buffer.columns["reward"])
    assert buffer.nbytes <= 24 * 256


@pytest.mark.parametrize("buffer", [AllData(), SlidingWindow(size=40), Reservoir(size=40)])
def test_pickles_carry_the_rounds_and_go_on(buffer):
    buffer = filled(buffer, (0, 30, 60), np.random.RandomState(0))
    loaded = pickle.loads(pickle.dumps(buffer))
    after = [b.extended(columns(60, 90), np.random.RandomState(2)) for b in (buffer, loaded)]
    for name in ("reward", "row"):
        np.testing.assert_array_equal(after[0].columns[name], after[1].columns[name])
    assert after[0].n_seen == after[1].n_seen == 90
    assert len(clone(buffer)) == 0


@pytest.mark.parametrize("buffer", [AllData(), SlidingWindow(size=4), Reservoir(size=4)])
def test_replaced_keeps_exactly_what_it_is_given(buffer):
    old = filled(buffer, (0, 10), np.random.RandomState(0))
    new = old.replaced(columns(5, 8))
    np.testing.assert_array_equal(new.columns["reward"], [5.0, 6.0, 7.0])
    assert new.n_seen == 10


def test_bad_sizes_and_lengths_are_errors():
    with pytest.raises(ValueError, match="size"):
        SlidingWindow(size=0).extended(columns(0, 3))
    with pytest.raises(ValueError, match="one length"):
        AllData().extended({"reward": np.zeros(3), "arm": np.zeros(2)})


def test_samplers_order_every_round_once():
    rounds = {"reward": np.array([3.0, 1.0, 2.0, 1.0]), "arm": np.array([0, 1, 2, 3])}
    rng = np.random.RandomState(0)
    orders = {tuple(RandomSampler().order(rounds, rng)) for _ in range(500)}
    assert len(orders) == 24
    assert SortedSampler("reward").order(rounds, rng).tolist() == [1, 3, 2, 0]
    assert SortedSampler("reward", descending=True).order(rounds, rng).tolist() == [0, 2, 1, 3]
    by_function = SortedSampler(lambda c: -c["arm"])
    assert by_function.order(rounds, rng).tolist() == [3, 2, 1, 0]
    with pytest.raises(ValueError, match="one of"):
        SortedSampler("colour").order(rounds, rng)
    with pytest.raises(ValueError, match="one number a round"):
        SortedSampler(lambda c: np.zeros(2)).order(rounds, rng)
