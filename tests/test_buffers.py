"""Buffers and samplers."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.base import clone

from skbandit._locks import PatientLock
from skbandit.buffers import (
    AllData,
    RandomSampler,
    RefitSchedule,
    Reservoir,
    ScheduleState,
    SlidingWindow,
    SortedSampler,
)


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


# ------------------------------------------------------------------------ rows of any kind
def as_list(numbers):
    return [f"text {number:g}" for number in numbers]


def as_polars(numbers):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"age": numbers, "city": [f"c{number:g}" for number in numbers]})


def as_pandas(numbers):
    # Index labels that are no positions.
    index = 1000 - numbers
    return pd.DataFrame({"age": numbers, "city": [f"c{n:g}" for n in numbers]}, index=index)


KINDS = {
    "csr": lambda numbers: sparse.csr_array(np.column_stack([numbers, 0 * numbers, -numbers])),
    "pandas": as_pandas,
    "polars": as_polars,
    "list": as_list,
    "texts": lambda numbers: np.array(as_list(numbers)),
}


def plain(rows):
    """Rows as a list of comparable things."""
    if sparse.issparse(rows):
        return rows.toarray().tolist()
    if hasattr(rows, "columns"):
        return [list(row) for row in zip(rows["age"], rows["city"], strict=True)]
    return list(rows)


@pytest.mark.parametrize("cuts", [(0, 1000), (0, 5, 700, 701, 1000), tuple(range(0, 1001, 10))])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("buffer", [AllData(), SlidingWindow(size=40), Reservoir(size=40)])
def test_rows_of_any_kind_stay_with_their_rewards(buffer, kind, cuts):
    rng = np.random.RandomState(0)
    olds = []
    for start, stop in pairwise(cuts):
        number = np.arange(start, stop, dtype=float)
        olds.append((buffer, plain(buffer.columns["row"]) if len(buffer) else []))
        buffer = buffer.extended({"reward": number, "row": KINDS[kind](number)}, rng)
    kept = buffer.columns
    assert type(kept["row"]) is type(KINDS[kind](np.arange(2.0)))
    assert plain(kept["row"]) == plain(KINDS[kind](kept["reward"]))
    assert len(buffer) == buffer.n_seen == 1000 or len(buffer) == 40
    for old, rows in olds[-3:]:
        assert (plain(old.columns["row"]) if len(old) else []) == rows
    assert buffer.nbytes > 0
    loaded = pickle.loads(pickle.dumps(buffer))
    assert plain(loaded.columns["row"]) == plain(kept["row"])
    again = loaded.extended({"reward": np.arange(2.0), "row": KINDS[kind](np.arange(2.0))}, rng)
    assert plain(again.columns["row"]) == plain(KINDS[kind](again.columns["reward"]))


def test_entries_that_do_not_fit_the_first_type_are_kept_whole():
    """Longer texts and fractions after integers."""
    buffer = AllData().extended({"arm": np.array(["a"]), "reward": np.array([1])})
    buffer = buffer.extended({"arm": np.array(["longer"]), "reward": np.array([0.5])})
    assert buffer.columns["arm"].tolist() == ["a", "longer"]
    assert buffer.columns["reward"].tolist() == [1.0, 0.5]


def test_columns_that_do_not_go_together_are_named():
    buffer = AllData().extended({"row": np.zeros((3, 2)), "reward": np.zeros(3)})
    for columns, message in (
        ({"reward": np.zeros(2)}, r"\['reward', 'row'\], got \['reward'\]"),
        ({"row": np.zeros((2, 3)), "reward": np.zeros(2)}, r"shape \(3,\).*have \(2,\)"),
        (
            {"row": [[0, 1], [2, 3]], "reward": np.zeros(2)},
            "is a list, and what is kept a ndarray",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            buffer.extended(columns)


def test_buffers_that_share_rows_may_be_extended_from_many_threads():
    base = filled(AllData(), (0, 100))

    def extend(number):
        mine = base
        for start in range(20):
            mine = mine.extended(columns(1000 * number + start, 1000 * number + start + 1))
        return mine.columns["reward"][100:].tolist()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(extend, range(1, 41)))
    assert found == [[1000.0 * n + i for i in range(20)] for n in range(1, 41)]


# ------------------------------------------------------------------------------ schedule
def refits(schedule, weights, limit=np.inf):
    state, known, when = ScheduleState(), 0.0, []
    for call, weight in enumerate(weights):
        known = min(known + weight, limit)
        state = state.extended(weight)
        if schedule.is_due(state, known):
            state = state.refitted(known)
            when.append(call)
    assert state.n_refits == len(when)
    return when


def test_schedule_counts_weight():
    assert refits(RefitSchedule(40, 60), [20] * 10) == [1, 4, 7]
    assert refits(RefitSchedule(40, 60), [1.0] * 200) == [39, 99, 159]
    # A call of many rounds is one fit.
    assert refits(RefitSchedule(10, 10), [1000.0, 5.0, 5.0]) == [0, 2]


def test_growth_costs_a_logarithm_of_the_rounds():
    for n_rounds in (1000, 10_000, 100_000):
        schedule = RefitSchedule(min_weight=20, every=1, growth=1.05)
        found = len(refits(schedule, np.ones(n_rounds)))
        assert found <= 1 + np.log(n_rounds / 20) / np.log(1.05)
        assert found >= 0.7 * np.log(n_rounds / 20) / np.log(1.05)


def test_growth_of_a_window_is_what_is_new_in_it():
    when = refits(RefitSchedule(min_weight=1, every=1, growth=1.1), np.ones(2000), limit=100)
    assert np.diff(when[-5:]).tolist() == [10] * 4


def test_a_fit_that_was_thrown_away_is_not_tried_at_every_call():
    state = ScheduleState(n_refits=1, new_weight=70.0, known_weight=100.0)
    assert RefitSchedule().is_due(state, 170.0)
    assert not RefitSchedule().is_due(state.postponed().extended(1.0), 171.0)


def test_warm_start_goes_on():
    state = ScheduleState()
    assert RefitSchedule().starts_afresh(state)
    assert not RefitSchedule().starts_afresh(state.refitted(64.0))
    assert RefitSchedule(warm_start=False).starts_afresh(state.refitted(64.0))


def test_a_lock_that_an_interruption_has_left_taken_hangs_nobody(monkeypatch):
    """As if a signal had come between the lines that take it and give it back, elsewhere."""
    taken = PatientLock(patience=0.01)
    other = threading.Thread(target=taken.lock.acquire)
    other.start()
    other.join()
    monkeypatch.setattr("skbandit.buffers._lock", taken)
    buffer = AllData().extended({"reward": np.array([1.0])})
    assert buffer.extended({"reward": np.array([2.0])}).columns["reward"].tolist() == [1.0, 2.0]
