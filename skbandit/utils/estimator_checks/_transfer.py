"""Checks of transfer: more or fewer arms, more or fewer features."""

from importlib import import_module

import numpy as np

from ._case import (
    N_FEATURES,
    Case,
    fingerprint,
    require,
    require_close,
    require_equal,
    require_raises,
    require_same_beliefs,
    require_unchanged,
    skip_unless,
)


def _case_with(estimator, method):
    skip_unless(hasattr(estimator, method), f"has no method {method}")
    return Case(estimator)


def check_add_arms(name, estimator):
    """Adding an arm equals having known it from the start and never played it."""
    case = _case_with(estimator, "add_arms")
    old, last = case.arms[:-1], case.arms[-1:]
    X, y, reward = case.rounds(arms=old)
    later = case.rounds(20)
    test = case.contexts(20)
    small_X = X if case.ndim == 2 else X[:, :-1]
    small = case.new(arms=old).fit(small_X, y, reward=reward)
    from_start = case.new().fit(X, y, reward=reward)
    before = fingerprint(small)
    added = small.add_arms(last)
    require_equal(added.classes_, case.arms, "add_arms appends")
    require_same_beliefs(added, from_start, test, "an arm added equals one known from the start")
    require_equal(added.predict(test), from_start.predict(test), "decisions after add_arms")
    for bandit in (added, from_start):
        bandit.partial_fit(*later)
    require_same_beliefs(added, from_start, test, "learning on after add_arms")
    require_equal(added.predict(test), from_start.predict(test), "learning on after add_arms")
    require_unchanged(small, before, "add_arms, or learning in what it returned,")
    unfitted = case.new(arms=old).add_arms(last)
    require_same_beliefs(unfitted, case.new(), test, "add_arms on an unfitted bandit")
    for bad, pattern in ((last + old[:1], "known"), ([], "arms"), (last + last, "distinct")):
        require_raises(ValueError, pattern, lambda b=bad: small.add_arms(b), f"add_arms({bad})")
    require_raises((TypeError, ValueError), "list", lambda: small.add_arms("new"), "a bare string")
    require_raises(
        ValueError, "nobody", lambda: small.add_arms(last, init="nobody"), "init of an unknown arm"
    )
    require_unchanged(small, before, "add_arms that raised")


def check_add_arms_from_others(name, estimator):
    """``init=`` an arm copies what that one learnt, ``init="mean"`` averages what all learnt."""
    case = _case_with(estimator, "add_arms")
    skip_unless(case.ndim == 2, "candidates share their parameters")
    X, y, reward = case.rounds()
    test = case.contexts(20)
    bandit = case.new().fit(X, y, reward=reward)
    taught = bandit.add_arms(["another"], init=case.arms[1])
    for value in taught.expected_reward(test, return_std=True):
        require_close(value[:, -1], value[:, 1], "init=arm must start from what that arm learnt")
    # Of two arms that know the same, the average is what each knows.
    labels = y if case.n_selected is None else y[:, 0]
    rows = labels == case.arms[0]
    paid = reward[rows] if case.n_selected is None else reward[rows, 0]
    one = case.new(arms=case.arms[:1]).fit(X[rows], labels[rows], reward=paid)
    two = one.add_arms(["twin"], init=case.arms[0])
    for value in two.add_arms(["mean"], init="mean").expected_reward(test, return_std=True):
        require_close(value[:, 2], value[:, 0], "init='mean' must average what the others learnt")


def check_removed_arm_is_forgotten(name, estimator):
    """Removing an arm equals never having played it nor known it."""
    case = _case_with(estimator, "remove_arms")
    skip_unless(case.ndim == 2, "candidates share their parameters")
    X, y, reward = case.rounds()
    test = case.contexts(20)
    gone, kept = case.arms[1], [arm for arm in case.arms if arm != case.arms[1]]
    rows = (y.reshape(len(X), -1) != gone).all(axis=1)
    paid = np.ravel(reward)[:9]
    known = case.new().partial_fit(X[rows], y[rows], reward[rows])
    known.partial_fit(X[:9], np.repeat(gone, 9), paid)
    without = case.new(arms=kept).fit(X[rows], y[rows], reward=reward[rows])
    require_same_beliefs(
        known.remove_arms([gone]), without, test, "remove_arms must forget the arm's rounds"
    )


def check_remove_arms(name, estimator):
    """A removed arm is no longer played nor taught, and the old bandit is untouched."""
    case = _case_with(estimator, "remove_arms")
    X, y, reward = case.rounds()
    gone, kept = case.arms[1], [arm for arm in case.arms if arm != case.arms[1]]
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    smaller = bandit.remove_arms([gone])
    require_equal(smaller.classes_, kept, "remove_arms keeps the order of the others")
    columns = [column for column, arm in enumerate(case.arms) if arm != gone]
    test = case.contexts(20)
    fewer = test if case.ndim == 2 else test[:, columns]
    require_equal(
        set(np.ravel(smaller.predict(fewer))) - set(kept), set(), "a removed arm is played"
    )
    row = X[:1] if case.ndim == 2 else X[:1, columns]
    n_played = 1 if case.n_selected is None else case.n_selected
    rest = kept[: n_played - 1]
    played = [[gone, *rest]] if case.n_selected is not None else [gone]
    require_raises(
        ValueError,
        "add_arms",
        lambda: smaller.partial_fit(row, played, np.ones(np.shape(played))),
        "learning about an arm that was removed",
    )
    smaller.partial_fit(row, np.ravel(kept[:1]), [1.0])
    require_unchanged(bandit, before, "remove_arms, or learning in what it returned,")
    for bad, pattern in ((case.arms, "without any arm"), (["nobody"], "nobody")):
        require_raises(ValueError, pattern, lambda b=bad: bandit.remove_arms(b), "remove_arms")
    require_equal(case.new().remove_arms([gone]).arms, kept, "remove_arms on an unfitted bandit")


def _padded(X, n_new=2):
    return np.pad(X, [(0, 0)] * (X.ndim - 1) + [(0, n_new)])


def check_expand_features(name, estimator):
    """Expanding equals having had features that were zero so far."""
    case = _case_with(estimator, "expand_features")
    X, y, reward = case.rounds()
    later = case.rounds(20, n_features=N_FEATURES + 2)
    wide, test = case.contexts(20, N_FEATURES + 2), case.contexts(20)
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    bigger = bandit.expand_features(2)
    require_same_beliefs(
        bigger, bandit, test, "old rows padded with zeros", X_actual=_padded(test)
    )
    require_equal(bigger.predict(_padded(test)), bandit.predict(test), "decisions on padded rows")
    # One round leaves much to chance, so equal decisions mean equal draws.
    young = case.new().fit(X[:1], y[:1], reward=reward[:1])
    many = case.contexts(100)
    require_equal(
        young.expand_features(2).predict(_padded(many)),
        young.predict(many),
        "decisions of a young bandit on padded rows",
    )
    from_start = case.new().fit(_padded(X), y, reward=reward)
    for step in ("before", "after"):
        require_same_beliefs(
            bigger, from_start, wide, f"features that were zero, {step} learning on"
        )
        require_equal(bigger.predict(wide), from_start.predict(wide), "decisions on wide rows")
        for one in (bigger, from_start):
            one.partial_fit(*later)
    require_unchanged(bandit, before, "expand_features, or learning in what it returned,")
    for bad in (0, -1):
        require_raises(ValueError, "features", lambda b=bad: bandit.expand_features(b), "a number")
    require_raises(ValueError, "features", lambda: bandit.expand_features(["a"]), "names for none")
    require_unchanged(bandit, before, "expand_features that raised")


def check_drop_features(name, estimator):
    """A feature that is dropped is forgotten; one that was always zero was never there."""
    case = _case_with(estimator, "drop_features")
    X, y, reward = case.rounds()
    test = case.contexts(20)
    bandit = case.new().fit(X, y, reward=reward)
    wide = case.new().fit(_padded(X), y, reward=reward)
    before = fingerprint(wide)
    dropped = wide.drop_features([N_FEATURES, N_FEATURES + 1])
    require(dropped.n_features_in_ == N_FEATURES, "n_features_in_ after drop_features")
    require_same_beliefs(dropped, bandit, test, "dropping features that were always zero")
    require_equal(dropped.predict(test), bandit.predict(test), "decisions after drop_features")
    dropped.partial_fit(X[:5], y[:5], reward[:5])
    require_unchanged(wide, before, "drop_features, or learning in what it returned,")
    # One that mattered: the result must play and learn on, and know nothing of it.
    smaller = bandit.drop_features([1])
    narrow = np.delete(X, 1, axis=-1)
    require(np.isfinite(smaller.expected_reward(narrow)).all(), "beliefs after drop_features")
    smaller.partial_fit(narrow, y, reward).predict(narrow)
    for bad, pattern in (
        ([0, 1, 2], "without any feature"),
        ([N_FEATURES], "features"),
        ([-1], "features"),
        (["name"], "names"),
    ):
        require_raises(ValueError, pattern, lambda b=bad: bandit.drop_features(b), f"drop {bad}")


def check_named_features(name, estimator):
    """Bandits that know their features by name are reshaped by name."""
    case = _case_with(estimator, "expand_features")
    skip_unless(case.ndim == 2, "contexts of three axes have no names")
    try:
        pandas = import_module("pandas")
    except ImportError:
        skip_unless(False, "pandas is not installed")
    X, y, reward = case.rounds()
    bandit = case.new().fit(pandas.DataFrame(X, columns=["a", "b", "c"]), y, reward=reward)
    bigger = bandit.expand_features(["d"])
    require_equal(bigger.feature_names_in_, ["a", "b", "c", "d"], "names after expand_features")
    frame = pandas.DataFrame(_padded(X, 1), columns=["a", "b", "c", "d"])
    require_equal(
        bigger.predict(frame), bandit.predict(frame[["a", "b", "c"]]), "decisions on padded frames"
    )
    smaller = bigger.drop_features(["d", "a"])
    require_equal(smaller.feature_names_in_, ["b", "c"], "names after drop_features")
    smaller.predict(frame[["b", "c"]])
    for what, call in (
        ("a number where names are known", lambda: bandit.expand_features(1)),
        ("a name that is known", lambda: bandit.expand_features(["a"])),
        ("a name that is not known", lambda: bandit.drop_features(["z"])),
    ):
        require_raises(ValueError, "feature", call, what)


CHECKS = [
    check_add_arms,
    check_add_arms_from_others,
    check_remove_arms,
    check_removed_arm_is_forgotten,
    check_expand_features,
    check_drop_features,
    check_named_features,
]
