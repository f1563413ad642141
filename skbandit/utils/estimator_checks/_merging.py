"""Checks of joining what shards have learnt."""

import numpy as np

from ...transfer import merge
from ._case import fingerprint, require, require_equal, require_raises, require_unchanged, some
from ._promises import for_bandits

_N_SHARDS = 4


def _shards(case, rounds):
    """Bandits that learnt from every fourth round each."""
    return [
        case.new().fit(*some(np.arange(shard, len(rounds[1]), _N_SHARDS), *rounds))
        for shard in range(_N_SHARDS)
    ]


@for_bandits(merges=("exact", "approximate"))
def check_merge(case):
    """Joined shards are a new bandit that plays and learns on; the shards are left alone."""
    rounds, test = case.rounds(80), case.contexts(20)
    shards = _shards(case, rounds)
    before = [fingerprint(shard) for shard in shards]
    merged = merge(shards)
    require(merged not in shards, "merge must return a new bandit")
    weight = sum(shard.learnt_weight_ for shard in shards)
    require(abs(merged.learnt_weight_ - weight) < 1e-9, "learnt_weight_ of joined shards")
    require_equal(merged.classes_, case.arms, "classes_ of joined shards")
    merged.partial_fit(*case.rounds(10)).predict(test)
    for shard, known in zip(shards, before, strict=True):
        require_unchanged(shard, known, "merge, or learning in what it returned,")
    alone = merge(shards[:1])
    case.require_same_beliefs(alone, shards[0], test, "a single shard")


@for_bandits(merges="exact")
def check_merge_equals_whole(case):
    """Four shards joined are one bandit that has learnt from all rounds, and learn on as it."""
    rounds, later, test = case.rounds(80), case.rounds(10), case.contexts(20)
    merged, whole = merge(_shards(case, rounds)), case.new().fit(*rounds)
    for step in ("joined shards", "joined shards that learnt on"):
        case.require_same_beliefs(merged, whole, test, f"{step} must equal the whole")
        case.require_same_decisions(merged.predict(test), whole.predict(test), step)
        merged.partial_fit(*later)
        whole.partial_fit(*later)
    doubled = merge([case.new().fit(*rounds) for _ in range(2)])
    twice = case.new().fit(*rounds).partial_fit(*rounds)
    case.require_same_beliefs(doubled, twice, test, "two shards of the same rounds")


@for_bandits(merges="exact", axes=2, plays="one")
def check_merge_arms_that_differ(case):
    """Shards may know different arms: the result knows them all, each from its own rounds."""
    X, y, reward = case.rounds(90)
    test = case.contexts(20)
    a, b, c, d = case.arms[:4]
    shards, used = [], []
    for place, arms in enumerate(([b, a], [c, b, d], [a, d])):
        rows = np.flatnonzero(np.isin(y, arms) & (np.arange(90) % 3 == place))
        used.append(rows)
        shards.append(case.new(arms=arms).fit(*some(rows, X, y, reward)))
    merged = merge(shards)
    require_equal(merged.classes_, [b, a, c, d], "arms in the order in which shards know them")
    whole = case.new(arms=[b, a, c, d]).fit(*some(np.concatenate(used), X, y, reward))
    case.require_same_beliefs(merged, whole, test, "shards whose arms differ")


@for_bandits(merges=("exact", "approximate"))
def check_merge_messages(case):
    """What does not go together is refused, by name."""
    first, other = case.learnt(20), case.learnt(20)
    if "alpha" in case.estimator.get_params(deep=False):
        changed = case.learnt(20, alpha=0.75 if first.alpha != 0.75 else 0.5)
        require_raises(ValueError, "alpha", lambda: merge([first, changed]), "another alpha")
    require_raises(ValueError, "at least one", lambda: merge([]), "no shards")
    require_raises(TypeError, "bandit", lambda: merge([first, object()]), "what is no bandit")
    if case.make_contexts is None:
        rounds = case.rounds(20, n_features=5)
        wide = case.new().fit(*rounds)
        require_raises(ValueError, "features", lambda: merge([other, wide]), "other features")


@for_bandits(merges="no")
def check_merge_is_refused(case):
    """What cannot be joined is refused, with the reason."""
    shards = [case.learnt(20), case.learnt(20)]
    require_raises(ValueError, "(?s)merged.*learning=", lambda: merge(shards), "merge")


CHECKS = [
    check_merge,
    check_merge_equals_whole,
    check_merge_arms_that_differ,
    check_merge_messages,
    check_merge_is_refused,
]
