"""Checks of what ``random_state`` means."""

import pickle

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binom, chi2_contingency

from ._case import P_VALUE, Case, require, require_close, require_equal, skip_unless


def _decide(bandit, X):
    return bandit.predict(X, return_propensity=True)


def check_shards_decide_alike(name, estimator):
    """With an integer seed, order and cuts of a batch do not matter to any of its rows."""
    case = Case(estimator)
    X = case.contexts(45)
    k = case.n_selected or 1
    mask = case.rng.random_sample((45, len(case.arms))) < 0.7
    mask[:, :k] = True
    order = case.rng.permutation(45)
    cuts = {
        "in another order": [order],
        "cut in three": [np.arange(7), np.arange(7, 30), np.arange(30, 45)],
        "one by one, backwards": [np.array([row]) for row in range(20, -1, -1)],
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
                    played, chance = bandit.predict(X[rows], return_propensity=True, **part)
                    require_equal(played, whole[rows], f"decisions of a batch {what}")
                    require_close(
                        chance, propensity[rows], f"propensities of a batch {what}", 1e-7
                    )


def check_same_call_same_decisions(name, estimator):
    """With an integer seed a call that is repeated decides the same, and seeds differ."""
    case = Case(estimator)
    X = case.alike(100)
    bandit = case.new(random_state=3)
    require_equal(
        bandit.predict(X), bandit.predict(X), "an integer seed must repeat its decisions"
    )
    other = case.new(random_state=4)
    require((bandit.predict(X) != other.predict(X)).any(), "two seeds must decide differently")


def check_equal_rows_are_independent(name, estimator):
    """Equal rows of one call are drawn independently of each other."""
    case = Case(estimator)
    skip_unless(case.n_selected is None, "for bandits that play one arm a round")
    X = case.alike(2000)
    index = case.index(case.new().predict(X))
    for lag in (1, 2, 3):
        table = np.zeros((len(case.arms),) * 2)
        # Every draw enters one pair only, so the pairs are independent of each other too.
        pairs = index[: len(index) // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
        np.add.at(table, (pairs[:, 0].ravel(), pairs[:, 1].ravel()), 1)
        p_value = chi2_contingency(table).pvalue
        require(p_value > P_VALUE, f"rows {lag} apart depend on each other (p = {p_value:.1e})")


def check_draws_are_new_after_learning(name, estimator):
    """After the next ``partial_fit`` the same rows are drawn anew."""
    case = Case(estimator)
    skip_unless(case.n_selected is None, "for bandits that play one arm a round")
    X = case.alike(400)
    round_ = case.contexts(3) if case.ndim == 2 else case.alike(3)
    bandit = case.new()
    agreed, chance = 0, []
    policy, played = bandit.predict_proba(X[:1])[0], bandit.predict(X)
    for step in range(3):
        # A reward of nought once for one arm leaves the others close together.
        bandit.partial_fit(round_[step : step + 1], [case.arms[0]], reward=[0.0])
        next_policy, next_played = bandit.predict_proba(X[:1])[0], bandit.predict(X)
        if max(policy.max(), next_policy.max()) < 0.9:
            agreed += int((played == next_played).sum())
            chance.append(float(policy @ next_policy))
        policy, played = next_policy, next_played
    skip_unless(chance, "the policy leaves too little to chance")
    # Independent draws agree as often as the policies' inner product says.
    limit = binom.ppf(1.0 - P_VALUE, len(X) * len(chance), max(chance))
    require(agreed <= limit, f"draws repeat after partial_fit: {agreed} of {len(X) * len(chance)}")


def check_random_state_instance(name, estimator):
    """A ``RandomState`` advances with every call, and two alike play alike."""
    case = Case(estimator)
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


def check_no_seed_is_fresh(name, estimator):
    """``random_state=None`` is fresh at every call and in every copy."""
    case = Case(estimator)
    X = case.alike(100)
    bandit, copy = case.new(random_state=None), case.new(random_state=None)
    calls = [bandit.predict(X), bandit.predict(X), copy.predict(X)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        require(
            (calls[one] != calls[other]).any(), "random_state=None must be fresh at every call"
        )


def check_pickle_decides_alike(name, estimator):
    """A pickled bandit decides in another process as it does here, and learns on as here."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    for bandit in (case.new(), case.new().fit(X, y, reward=reward)):
        here = _decide(bandit, X)
        there = Parallel(n_jobs=2, backend="loky")(
            delayed(_decide)(bandit, X[rows]) for rows in (slice(0, 20), slice(20, None))
        )
        for what, mine, theirs in zip(
            ("decisions", "propensities"), here, zip(*there, strict=True), strict=True
        ):
            joined = np.concatenate(theirs)
            if what == "decisions":
                require_equal(joined, mine, "decisions in another process")
            else:
                require_close(joined, mine, "propensities in another process", 1e-7)
    twin = pickle.loads(pickle.dumps(bandit))
    require_equal(twin.predict(X), bandit.predict(X), "decisions of an unpickled bandit")
    for one in (bandit, twin):
        one.partial_fit(X[:5], y[:5], reward[:5])
    require_equal(twin.predict(X), bandit.predict(X), "decisions after learning on")


CHECKS = [
    check_shards_decide_alike,
    check_same_call_same_decisions,
    check_equal_rows_are_independent,
    check_draws_are_new_after_learning,
    check_random_state_instance,
    check_no_seed_is_fresh,
    check_pickle_decides_alike,
]
