"""Splits in time, against their definition."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import get_policy_scorer
from skbandit.model_selection import LogSplit
from skbandit.selectors import EpsilonGreedySelector


def rows_of(n):
    return np.zeros((n, 1))


@pytest.mark.parametrize("n_splits", [1, 2, 5])
@pytest.mark.parametrize("n_samples", [6, 17, 100])
def test_without_times_it_is_the_series_split(n_samples, n_splits):
    found = list(LogSplit(n_splits).split(rows_of(n_samples)))
    assert LogSplit(n_splits).get_n_splits() == len(found) == n_splits
    tests = np.concatenate([test for _, test in found])
    np.testing.assert_array_equal(tests, np.arange(tests[0], n_samples))
    for train, test in found:
        np.testing.assert_array_equal(train, np.arange(test[0]))
    # Blocks differ by a round at most where no ties forbid it.
    sizes = [len(found[0][0]), *(len(test) for _, test in found)]
    assert max(sizes) - min(sizes) <= 1
    if n_splits > 1 and n_samples % (n_splits + 1) == 0:
        reference = list(TimeSeriesSplit(n_splits).split(rows_of(n_samples)))
        for (train, test), (its_train, its_test) in zip(found, reference, strict=True):
            np.testing.assert_array_equal(train, its_train)
            np.testing.assert_array_equal(test, its_test)


@pytest.mark.parametrize("seed", range(20))
def test_unsorted_times_with_ties(seed):
    rng = np.random.RandomState(seed)
    time = rng.randint(12, size=60)
    n_splits = 1 + seed % 6
    seen = []
    for train, test in LogSplit(n_splits).split(rows_of(60), groups=time):
        first = time[test].min()
        # Everything earlier is trained on, and nothing of the same time is on both sides.
        np.testing.assert_array_equal(np.sort(train), np.flatnonzero(time < first))
        assert (np.diff(time[train]) >= 0).all()
        seen.append(test)
    tests = np.concatenate(seen)
    assert np.unique(tests).size == tests.size
    np.testing.assert_array_equal(np.sort(tests), np.flatnonzero(time >= time[seen[0]].min()))


def test_a_batch_that_is_most_of_the_log():
    time = np.r_[np.zeros(50), 1, 2, 3]
    tests = [time[test].tolist() for _, test in LogSplit(3).split(rows_of(53), groups=time)]
    assert tests == [[1], [2], [3]]


def test_gap_and_span():
    time = np.arange(20) * 10.0
    folds = list(LogSplit(3, gap=25, max_train_span=60).split(rows_of(20), groups=time))
    for train, test in folds:
        first = time[test[0]]
        expected = np.flatnonzero((time <= first - 25) & (time >= first - 60))
        np.testing.assert_array_equal(train, expected)
    # A gap of one step is no more than being earlier.
    for one, none in zip(
        LogSplit(3, gap=10).split(rows_of(20), groups=time),
        LogSplit(3).split(rows_of(20), groups=time),
        strict=True,
    ):
        np.testing.assert_array_equal(one[0], none[0])


@pytest.mark.parametrize("kind", ["series", "array"])
def test_dates(kind):
    dates = pd.Series(pd.date_range("2024-01-01", periods=24, freq="h"))
    groups = dates if kind == "series" else dates.to_numpy()
    gap = np.timedelta64(3, "h")
    for train, test in LogSplit(3, gap=gap).split(rows_of(24), groups=groups):
        assert dates[test].min() - dates[train].max() == pd.Timedelta(hours=3)


@pytest.mark.parametrize(
    ("split", "time", "message"),
    [
        (LogSplit(3), np.zeros(10), r"rounds at 1 distinct times, but n_splits=3 needs 4"),
        (LogSplit(5), np.arange(3), r"rounds at 3 distinct times, but n_splits=5 needs 6"),
        (LogSplit(2), np.r_[np.arange(9.0), np.nan], r"groups has 1 missing times"),
        (LogSplit(2, gap=8), np.arange(10), r"no round is left to train on.*gap=8"),
        (LogSplit(2, gap=3, max_train_span=2), np.arange(10), r"no round is left"),
        (LogSplit(0), np.arange(10), r"n_splits == 0, must be >= 1"),
    ],
)
def test_impossible_splits(split, time, message):
    with pytest.raises(ValueError, match=message):
        list(split.split(rows_of(len(time)), groups=time))


def test_in_a_search():
    environment = LinearEnvironment(n_features=3, n_arms=2)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 600, random_state=0)
    shuffled = np.random.RandomState(0).permutation(600)
    time = np.arange(600) // 7
    # An unsorted log with its times is scored like the sorted one.
    sorted_scores = cross_val_score(
        LinearUCB(), X, log, groups=time, cv=LogSplit(3), scoring=get_policy_scorer("snips")
    )
    scores = cross_val_score(
        LinearUCB(),
        X[shuffled],
        log[shuffled],
        groups=time[shuffled],
        cv=LogSplit(3),
        scoring=get_policy_scorer("snips"),
    )
    np.testing.assert_allclose(scores, sorted_scores)
    search = GridSearchCV(
        LinearUCB(), {"alpha": [0.0]}, cv=LogSplit(3), scoring=get_policy_scorer("snips")
    )
    assert search.fit(X, log, groups=time).best_score_ == np.mean(sorted_scores)
    with sklearn.config_context(enable_metadata_routing=True):
        assert search.fit(X, log, groups=time).best_score_ == np.mean(sorted_scores)
