"""Checks of transfer: more or fewer arms, more or fewer features."""

import numpy as np

from ._case import (
    N_FEATURES,
    fingerprint,
    require,
    require_equal,
    require_raises,
    require_unchanged,
    skip_unless,
    some,
)
from ._frames import _frame
from ._labels import frame_libraries
from ._promises import for_bandits

_FOLLOWS_ROUNDS = ("sum", "sequence", "calls", "none")


# ------------------------------------------------------------------------------------------ arms
@for_bandits()
def check_add_arms(case):
    """Adding arms appends them, keeps the others, and leaves the old bandit as it was."""
    old, last = case.arms[:-1], case.arms[-1:]
    X, y, reward = case.rounds(arms=old)
    later, test = case.rounds(20), case.contexts(20)
    small_X, small_test = (X, test) if case.ndim == 2 else (X[:, :-1], test[:, :-1])
    small = case.new(arms=old).fit(small_X, y, reward=reward)
    before = fingerprint(small)
    added = small.add_arms(last)
    require_equal(added.classes_, case.arms, "add_arms appends")
    mean = small.expected_reward(small_test)
    case.require_close(
        added.expected_reward(test)[:, : len(old)], mean, "beliefs about the other arms"
    )
    added.partial_fit(*later).predict(test)
    require_unchanged(small, before, "add_arms, or learning in what it returned,")
    unfitted = case.new(arms=old).add_arms(last)
    require_equal(unfitted.predict(test), case.new().predict(test), "add_arms before any data")
    for bad, pattern in ((last + old[:1], "known"), ([], "arms"), (last + last, "distinct")):
        require_raises(ValueError, pattern, lambda b=bad: small.add_arms(b), f"add_arms({bad})")
    require_raises((TypeError, ValueError), "list", lambda: small.add_arms("new"), "a bare string")
    require_raises(
        ValueError, "nobody", lambda: small.add_arms(last, init="nobody"), "init of an unknown arm"
    )
    require_unchanged(small, before, "add_arms that raised")


@for_bandits(learning=_FOLLOWS_ROUNDS, arm_order=("free", "named"), propensity="unused")
def check_added_arm_was_never_played(case):
    """Adding an arm equals having known it from the start and never played it."""
    old, last = case.arms[:-1], case.arms[-1:]
    X, y, reward = case.rounds(arms=old)
    later, test = case.rounds(20), case.contexts(20)
    small_X = X if case.ndim == 2 else X[:, :-1]
    added = case.new(arms=old).fit(small_X, y, reward=reward).add_arms(last)
    from_start = case.new().fit(X, y, reward=reward)
    case.require_same_beliefs(
        added, from_start, test, "an arm added equals one known from the start"
    )
    case.require_same_decisions(
        added.predict(test), from_start.predict(test), "decisions after add_arms"
    )
    for bandit in (added, from_start):
        bandit.partial_fit(*later)
    case.require_same_beliefs(added, from_start, test, "learning on after add_arms")
    case.require_same_decisions(
        added.predict(test), from_start.predict(test), "learning on after add_arms"
    )


@for_bandits(axes=2)
def check_add_arm_from_another(case):
    """``init=`` an arm copies what that one learnt."""
    bandit, test = case.learnt(), case.contexts(20)
    taught = bandit.add_arms(["another"], init=case.arms[1])
    for value in taught.expected_reward(test, return_std=True):
        case.require_close(
            value[:, -1], value[:, 1], "init=arm must start from what that arm learnt"
        )


def _twins(case):
    """The case, a bandit whose two arms know the same, and contexts to ask it about."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    case = case.again(selector=None)
    labels, paid = y.reshape(len(y), -1)[:, 0], reward.reshape(len(y), -1)[:, 0]
    one = case.new(arms=case.arms[:1])
    one.fit(*some(labels == case.arms[0], X, labels, paid))
    return case, one.add_arms(["twin"], init=case.arms[0]), test


@for_bandits(axes=2, learning=_FOLLOWS_ROUNDS)
def check_add_arm_from_the_mean(case):
    """``init="mean"`` averages what all learnt: of two that know the same, what each knows."""
    case, two, test = _twins(case)
    for value in two.add_arms(["mean"], init="mean").expected_reward(test, return_std=True):
        case.require_close(
            value[:, 2], value[:, 0], "init='mean' must average what the others learnt"
        )


@for_bandits(axes=2)
def check_add_arm_from_weights(case):
    """``init=`` a dict takes so much of each arm: it says the same as the words that it can spell.

    Other weights give other beliefs, each new arm has its own, and weights that are none raise.
    """
    bandit, test = case.learnt(), case.contexts(20)
    first, second = case.arms[:2]

    def added(init, new=("another",)):
        return bandit.add_arms(list(new), init=init)

    even = dict.fromkeys(case.arms, 1.0 / len(case.arms))
    for word, weights in (("mean", even), (second, {second: 1.0}), ("prior", {first: 0.0})):
        case.require_same_beliefs(
            added(weights), added(word), test, f"init={weights} must be init={word!r}"
        )
    if case.tags.learning != "none" and case.tags.arms != "shared":
        mostly = [added({first: a, second: 1.0 - a}).expected_reward(test) for a in (0.9, 0.1)]
        change = np.abs(mostly[0] - mostly[1])[:, -1].max()
        require(change > 1e-3, "weights of 0.9 and 0.1 must not be those of 0.1 and 0.9")
    weights = {"one": {first: 1.0}, "two": {second: 1.0}}
    both = added(weights, ("one", "two"))
    reverse = added(dict(reversed(weights.items())), ("one", "two"))
    case.require_same_beliefs(both, reverse, test, "weights go by the labels of the new arms")
    n_known = len(case.arms)
    for value in both.expected_reward(test, return_std=True):
        case.require_close(
            value[:, n_known:], value[:, :2], "each new arm must start from weights of its own"
        )
    before = fingerprint(bandit)
    for bad, pattern in (
        ({"nobody": 0.5}, "nobody"),
        ({first: -0.5, second: 1.0}, "from 0 to 1"),
        ({first: np.nan}, "from 0 to 1"),
        ({first: 0.75, second: 0.5}, "sum"),
        ({"other": {first: 1.0}}, "each new arm"),
    ):
        require_raises(ValueError, pattern, lambda b=bad: added(b), f"init={bad}")
    require_unchanged(bandit, before, "add_arms that raised")


@for_bandits(axes=2, learning=_FOLLOWS_ROUNDS)
def check_weights_of_arms_add_up(case):
    """Of two arms that know the same, halves of both are one, and a quarter of both half of it."""
    case, two, test = _twins(case)
    first = case.arms[0]
    for weights, whole in (((0.7, 0.3), 1.0), ((0.3, 0.2), 0.5)):
        parts = two.add_arms(["new"], init=dict(zip([first, "twin"], weights, strict=True)))
        expected = two.add_arms(["new"], init={first: whole})
        for left, right in zip(
            parts.expected_reward(test, return_std=True),
            expected.expected_reward(test, return_std=True),
            strict=True,
        ):
            case.require_close(
                left[:, 2], right[:, 2], f"weights {weights} of two that know the same"
            )


@for_bandits(
    {"learning": ("sum", "none"), "arms": ("independent", "linked")},
    {"learning": "calls", "arms": "independent", "fades": False, "propensity": "unused"},
    axes=2,
)
def check_removed_arm_is_forgotten(case):
    """Removing an arm equals never having played it nor known it."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    gone, kept = case.arms[1], [arm for arm in case.arms if arm != case.arms[1]]
    rest = some((y.reshape(len(y), -1) != gone).all(axis=1), X, y, reward)
    one = case.again(selector=None)
    known = case.new().fit(*rest)
    known.set_params(selector=None)
    known.partial_fit(*some(slice(0, 9), X), np.repeat(gone, 9), np.ravel(reward)[:9])
    without = case.new(arms=kept).fit(*rest).set_params(selector=None)
    one.require_same_beliefs(
        known.remove_arms([gone]), without, test, "remove_arms must forget the arm's rounds"
    )


@for_bandits()
def check_remove_arms(case):
    """A removed arm is no longer played nor taught, and the old bandit is untouched."""
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
    (row,) = some(slice(0, 1), X)
    row = row if case.ndim == 2 else row[:, columns]
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


# -------------------------------------------------------------------------------------- features
def _padded(X, n_new=2):
    return np.pad(X, [(0, 0)] * (X.ndim - 1) + [(0, n_new)])


def _with_zeros_at(X, place):
    return np.insert(X, place, 0.0, axis=-1)


@for_bandits(rows="numbers", adding_features=("exact", "approximate"))
def check_expand_features(case):
    """Expanding features adds them at the end and leaves the old bandit as it was."""
    X, y, reward = case.rounds()
    later = case.rounds(20, n_features=N_FEATURES + 2)
    wide = case.contexts(20, N_FEATURES + 2)
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    bigger = bandit.expand_features(2)
    require(bigger.n_features_in_ == N_FEATURES + 2, "n_features_in_ after expand_features")
    require(np.isfinite(bigger.expected_reward(wide)).all(), "beliefs after expand_features")
    bigger.partial_fit(*later).predict(wide)
    require_unchanged(bandit, before, "expand_features, or learning in what it returned,")
    for bad in (0, -1):
        require_raises(ValueError, "features", lambda b=bad: bandit.expand_features(b), "a number")
    require_raises(ValueError, "features", lambda: bandit.expand_features(["a"]), "names for none")
    require_unchanged(bandit, before, "expand_features that raised")


@for_bandits(rows="numbers", adding_features="exact")
def check_added_features_were_zero(case):
    """Expanding equals having had features that were zero so far."""
    X, y, reward = case.rounds()
    later = case.rounds(20, n_features=N_FEATURES + 2)
    wide, test = case.contexts(20, N_FEATURES + 2), case.contexts(20)
    bandit = case.new().fit(X, y, reward=reward)
    bigger = bandit.expand_features(2)
    case.require_same_beliefs(
        bigger, bandit, test, "old rows padded with zeros", X_actual=_padded(test)
    )
    case.require_same_decisions(
        bigger.predict(_padded(test)), bandit.predict(test), "decisions on padded rows"
    )
    # One round leaves much to chance, so equal decisions mean equal draws.
    young = case.new().fit(X[:1], y[:1], reward=reward[:1])
    many = case.contexts(100)
    case.require_same_decisions(
        young.expand_features(2).predict(_padded(many)),
        young.predict(many),
        "decisions of a young bandit on padded rows",
    )
    from_start = case.new().fit(_padded(X), y, reward=reward)
    for step in ("before", "after"):
        case.require_same_beliefs(
            bigger, from_start, wide, f"features that were zero, {step} learning on"
        )
        case.require_same_decisions(
            bigger.predict(wide), from_start.predict(wide), "decisions on wide rows"
        )
        for one in (bigger, from_start):
            one.partial_fit(*later)


@for_bandits(rows="numbers", dropping_features=("exact", "approximate"))
def check_drop_features(case):
    """A bandit that has dropped features plays and learns on, and the old one is untouched."""
    X, y, reward = case.rounds()
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    smaller = bandit.drop_features([1])
    require(smaller.n_features_in_ == N_FEATURES - 1, "n_features_in_ after drop_features")
    narrow = np.delete(X, 1, axis=-1)
    require(np.isfinite(smaller.expected_reward(narrow)).all(), "beliefs after drop_features")
    smaller.partial_fit(narrow, y, reward).predict(narrow)
    require_unchanged(bandit, before, "drop_features, or learning in what it returned,")
    for bad, pattern in (
        ([0, 1, 2], "without any feature"),
        ([N_FEATURES], "features"),
        ([-1], "features"),
        (["name"], "names"),
    ):
        require_raises(ValueError, pattern, lambda b=bad: bandit.drop_features(b), f"drop {bad}")
    require_unchanged(bandit, before, "drop_features that raised")


@for_bandits(rows="numbers", dropping_features="exact")
def check_dropped_zeros_were_never_there(case):
    """A feature that was always zero can go, wherever it stands, as if it had never been there."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    bandit = case.new().fit(X, y, reward=reward)
    for what, place in (("first", 0), ("in the middle", 1), ("last", N_FEATURES)):
        wide = case.new().fit(_with_zeros_at(X, place), y, reward=reward)
        before = fingerprint(wide)
        dropped = wide.drop_features([place])
        message = f"a feature of zeros {what} was dropped"
        case.require_same_beliefs(dropped, bandit, test, message)
        case.require_same_decisions(dropped.predict(test), bandit.predict(test), message)
        require_unchanged(wide, before, "drop_features")


@for_bandits(rows="numbers", dropping_features="exact")
def check_dropped_feature_is_marginalised(case):
    """Dropping a feature leaves what is believed where it is zero, to the width.

    Integrating a coefficient out leaves the belief about all others, hence about rows where its
    feature is zero. Leaving out its rows of a precision would condition on it instead, and be too
    sure wherever features go together.
    """
    X, y, reward = case.rounds()
    # The features go together: the belief about one depends on what is known of the others.
    X = X + 1.5 * X[..., :1] + 0.5
    bandit = case.new().fit(X, y, reward=reward)
    for gone in range(N_FEATURES):
        smaller = bandit.drop_features([gone])
        test = case.contexts(20, N_FEATURES - 1)
        actual = smaller.expected_reward(test, return_std=True)
        expected = bandit.expected_reward(_with_zeros_at(test, gone), return_std=True)
        for what, now, then in zip(("mean", "width"), actual, expected, strict=True):
            case.require_close(
                now, then, f"the {what} on rows where feature {gone}, which was dropped, is zero"
            )


@for_bandits(rows="numbers", dropping_features="exact", learning="sum")
def check_learning_on_after_dropping(case):
    """Learning without a feature is learning on with zeros there."""
    X, y, reward = case.rounds()
    X = X + 1.5 * X[..., :1] + 0.5
    later, played, paid = case.rounds(30, n_features=N_FEATURES - 1)
    test = case.contexts(20, N_FEATURES - 1)
    for gone in (0, 1):
        bandit = case.new().fit(X, y, reward=reward)
        smaller = bandit.drop_features([gone]).partial_fit(later, played, paid)
        bandit.partial_fit(_with_zeros_at(later, gone), played, paid)
        expected = bandit.expected_reward(_with_zeros_at(test, gone), return_std=True)
        actual = smaller.expected_reward(test, return_std=True)
        for what, now, then in zip(("mean", "width"), actual, expected, strict=True):
            case.require_close(
                now, then, f"the {what}, learning on after feature {gone} was dropped"
            )


@for_bandits({"adding_features": "no"}, {"dropping_features": "no"}, rows="numbers")
def check_features_that_cannot_change(case):
    """What the tags say cannot be done raises, and changes nothing."""
    bandit = case.learnt(20)
    before = fingerprint(bandit)
    if case.tags.adding_features == "no":
        require_raises(
            ValueError, "expand_features", lambda: bandit.expand_features(1), "expand_features"
        )
    if case.tags.dropping_features == "no":
        require_raises(
            ValueError, "drop_features", lambda: bandit.drop_features([0]), "drop_features"
        )
    require_unchanged(bandit, before, "a change of features that cannot be made")


@for_bandits(axes=2, rows="numbers", adding_features="exact", dropping_features="exact")
def check_named_features(case):
    """Bandits that know their features by name are reshaped by name."""
    pandas = frame_libraries().get("pandas")
    skip_unless(pandas, "pandas is not installed")
    X, y, reward = case.rounds()
    bandit = case.new().fit(_frame(pandas, X, ["a", "b", "c"]), y, reward=reward)
    bigger = bandit.expand_features(["d"])
    require_equal(bigger.feature_names_in_, ["a", "b", "c", "d"], "names after expand_features")
    frame = _frame(pandas, _padded(X, 1), ["a", "b", "c", "d"])
    case.require_same_decisions(
        bigger.predict(frame), bandit.predict(frame[["a", "b", "c"]]), "decisions on padded frames"
    )
    smaller = bigger.drop_features(["d", "a"])
    require_equal(smaller.feature_names_in_, ["b", "c"], "names after drop_features")
    by_place = bigger.drop_features([0, 3])
    case.require_same_beliefs(smaller, by_place, frame[["b", "c"]], "names and positions")
    for what, call in (
        ("a number where names are known", lambda: bandit.expand_features(1)),
        ("a name that is known", lambda: bandit.expand_features(["a"])),
        ("a name that is not known", lambda: bandit.drop_features(["z"])),
    ):
        require_raises(ValueError, "feature", call, what)


CHECKS = [
    check_add_arms,
    check_added_arm_was_never_played,
    check_add_arm_from_another,
    check_add_arm_from_the_mean,
    check_add_arm_from_weights,
    check_weights_of_arms_add_up,
    check_removed_arm_is_forgotten,
    check_remove_arms,
    check_expand_features,
    check_added_features_were_zero,
    check_drop_features,
    check_dropped_zeros_were_never_there,
    check_dropped_feature_is_marginalised,
    check_learning_on_after_dropping,
    check_features_that_cannot_change,
    check_named_features,
]
