"""Checks of what ``random_state`` means."""

import multiprocessing
import pickle
import warnings
from itertools import pairwise

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binom, chi2_contingency

from ...selectors import EpsilonGreedySelector
from ._case import (
    P_VALUE,
    n_rows,
    require,
    require_close,
    require_equal,
    skip_unless,
    some,
    take_rows,
)
from ._promises import for_bandits

_SECONDS_FOR_A_CHILD = 60


def _decide(bandits, X):
    """Decisions and propensities of each bandit."""
    return [bandit.predict(X, return_propensity=True) for bandit in bandits]


def _always_uniform(case):
    """The same bandit with a policy that is uniform whatever it learns.

    Decisions then depend on the draws alone.
    """
    return case.again(selector=EpsilonGreedySelector(1.0))


@for_bandits()
def check_shards_decide_alike(case):
    """With an integer seed, order and cuts of a batch do not matter to any of its rows."""
    X = case.distinct(45)
    n_samples, k = n_rows(X), case.n_selected or 1
    mask = case.rng.random_sample((n_samples, len(case.arms))) < 0.7
    mask[:, :k] = True
    cuts = {
        "in another order": [case.rng.permutation(n_samples)],
        "cut in three": np.array_split(np.arange(n_samples), 3),
        "one by one, backwards": [np.array([row]) for row in range(n_samples)[20::-1]],
    }
    for bandit in (case.new(), case.learnt(12), case.learnt()):
        for keywords in ({}, {"explore": False}, {"available": mask}):
            whole, propensity = bandit.predict(X, return_propensity=True, **keywords)
            for what, parts in cuts.items():
                for rows in parts:
                    part = {
                        key: value[rows] if key == "available" else value
                        for key, value in keywords.items()
                    }
                    played, chance = bandit.predict(
                        take_rows(X, rows), return_propensity=True, **part
                    )
                    require_equal(played, whole[rows], f"decisions of a batch {what}")
                    require_close(
                        chance, propensity[rows], f"propensities of a batch {what}", 1e-7
                    )


@for_bandits()
def check_same_call_same_decisions(case):
    """With an integer seed a call that is repeated decides the same, and seeds differ."""
    X = case.alike(100)
    bandit = case.new(random_state=3)
    require_equal(
        bandit.predict(X), bandit.predict(X), "an integer seed must repeat its decisions"
    )
    other = case.new(random_state=4)
    require((bandit.predict(X) != other.predict(X)).any(), "two seeds must decide differently")


@for_bandits(plays="one")
def check_equal_rows_are_independent(case):
    """Equal rows of one call are drawn independently of each other."""
    X = case.alike(2000)
    index = case.index(case.new().predict(X))
    for lag in (1, 2, 3):
        table = np.zeros((len(case.arms),) * 2)
        # Every draw enters one pair only, so the pairs are independent of each other too.
        pairs = index[: len(index) // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
        np.add.at(table, (pairs[:, 0].ravel(), pairs[:, 1].ravel()), 1)
        seen = (table.sum(axis=0) > 0) & (table.sum(axis=1) > 0)
        require(seen.all(), f"rows {lag} apart never play some of the arms, which tie")
        p_value = chi2_contingency(table).pvalue
        require(p_value > P_VALUE, f"rows {lag} apart depend on each other (p = {p_value:.1e})")


def _require_new_draws(case, calls, what):
    """Raise unless uniform decisions of several calls agree as often as chance says."""
    agreed = sum(int((one == other).sum()) for one, other in pairwise(calls))
    number = sum(map(len, calls[1:]))
    limit = binom.ppf(1.0 - P_VALUE, number, 1.0 / len(case.arms))
    require(agreed <= limit, f"draws repeat after {what}: {agreed} of {number} are the same")


@for_bandits()
def check_draws_are_new_after_learning(case):
    """After the next ``partial_fit``, and after a ``fit`` on a longer log, draws are new."""
    case = _always_uniform(case)
    X = case.alike(400)
    rounds = case.rounds(15)
    bandit = case.new()
    calls = [bandit.predict(X)]
    for start in (0, 5, 10):
        calls.append(bandit.partial_fit(*some(slice(start, start + 5), *rounds)).predict(X))
    _require_new_draws(case, calls, "partial_fit")
    calls = [bandit.fit(*some(slice(0, stop), *rounds)).predict(X) for stop in (5, 10, 15)]
    _require_new_draws(case, calls, "a fit on a longer log")
    calls = [case.new().fit(*some(slice(0, stop), *rounds)).predict(X) for stop in (6, 11)]
    _require_new_draws(case, calls, "a fit of another bandit on a longer log")


@for_bandits()
def check_draws_do_not_know_the_cuts(case):
    """Draws depend on the rounds that were learnt, not on how they came in."""
    case = _always_uniform(case)
    X, y, reward = case.rounds(24)
    test = case.alike(60)
    weight = np.repeat([1.0, 2.0, 3.0], 8)
    whole = case.new().fit(X, y, reward=reward, sample_weight=weight).predict(test)
    pieces = case.new()
    for rows in (slice(0, 1), slice(1, 9), slice(9, 24)):
        pieces.partial_fit(*some(rows, X, y, reward), sample_weight=weight[rows])
    require_equal(pieces.predict(test), whole, "pieces must draw as the whole")
    repeated = case.new().fit(*some(np.repeat(np.arange(24), weight.astype(int)), X, y, reward))
    require_equal(repeated.predict(test), whole, "weights must draw as repetition")
    again = case.new().fit(X, y, reward=reward).fit(X, y, reward=reward, sample_weight=weight)
    require_equal(again.predict(test), whole, "a second fit must draw as the first")


@for_bandits()
def check_random_state_instance(case):
    """A ``RandomState`` advances with every call, and two alike play alike."""
    X = case.alike(100)
    first = case.new().set_params(random_state=np.random.RandomState(5))
    second = case.new().set_params(random_state=np.random.RandomState(5))
    calls = [first.predict(X), first.predict(X)]
    require((calls[0] != calls[1]).any(), "the stream of a RandomState must advance")
    for played in calls:
        require_equal(second.predict(X), played, "two equal RandomStates must play alike")
    stream = first.random_state.get_state()[1:3]
    for method in ("predict_proba", "decision_function", "expected_reward"):
        getattr(first, method)(X)
    after = first.random_state.get_state()[1:3]
    same = np.array_equal(stream[0], after[0]) and stream[1] == after[1]
    require(same, "only predict may advance the stream of a RandomState")


@for_bandits()
def check_no_seed_is_fresh(case):
    """``random_state=None`` is fresh at every call and in every copy."""
    X = case.alike(100)
    bandit, copy = case.new(random_state=None), case.new(random_state=None)
    calls = [bandit.predict(X), bandit.predict(X), copy.predict(X)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        require(
            (calls[one] != calls[other]).any(), "random_state=None must be fresh at every call"
        )


def _send_decisions(sender, bandit, X):
    sender.send(bandit.predict(X))
    sender.close()


def _decisions_of_a_child(bandit, X):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_decisions, args=(sender, bandit, X))
    with warnings.catch_warnings():
        # Newer Pythons warn of forks where other threads run; this child only decides.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        if not receiver.poll(_SECONDS_FOR_A_CHILD):
            raise AssertionError("a forked child gave no answer")
        return receiver.recv()
    finally:
        child.kill()
        child.join()


@for_bandits()
def check_no_seed_is_fresh_in_forked_children(case):
    """``random_state=None`` is fresh in children that were forked off, too."""
    skip_unless("fork" in multiprocessing.get_all_start_methods(), "processes cannot be forked")
    X = case.alike(100)
    bandit = case.new(random_state=None)
    bandit.predict(X)
    calls = [_decisions_of_a_child(bandit, X) for _ in range(2)]
    calls.append(bandit.predict(X))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        require((calls[one] != calls[other]).any(), "children that were forked off decide alike")


@for_bandits()
def check_pickle_decides_alike(case):
    """A pickled bandit decides in another process as it does here, and learns on as here."""
    X, y, reward = case.rounds()
    test = case.distinct(60)
    bandits = [case.new(), case.new().fit(X, y, reward=reward)]
    # One call for both: processes collect their garbage between calls.
    there = Parallel(n_jobs=2, backend="loky")(
        delayed(_decide)(bandits, take_rows(test, rows)) for rows in (slice(0, 5), slice(5, None))
    )
    for here, *parts in zip(_decide(bandits, test), *there, strict=True):
        for what, mine, theirs in zip(
            ("decisions", "propensities"), here, zip(*parts, strict=True), strict=True
        ):
            joined = np.concatenate(theirs)
            if what == "decisions":
                require_equal(joined, mine, "decisions in another process")
            else:
                require_close(joined, mine, "propensities in another process", 1e-7)
    bandit = bandits[1]
    twin = pickle.loads(pickle.dumps(bandit))
    require_equal(twin.predict(X), bandit.predict(X), "decisions of an unpickled bandit")
    for one in (bandit, twin):
        one.partial_fit(*some(slice(0, 5), X, y, reward))
    require_equal(twin.predict(X), bandit.predict(X), "decisions after learning on")


CHECKS = [
    check_shards_decide_alike,
    check_same_call_same_decisions,
    check_equal_rows_are_independent,
    check_draws_are_new_after_learning,
    check_draws_do_not_know_the_cuts,
    check_random_state_instance,
    check_no_seed_is_fresh,
    check_no_seed_is_fresh_in_forked_children,
    check_pickle_decides_alike,
]
