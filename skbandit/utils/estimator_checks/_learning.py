"""Checks of learning: pieces and whole, order, weights, cold arms, full feedback."""

import numpy as np

from ...selectors import at
from ._case import (
    backwards,
    beliefs,
    fingerprint,
    repeated,
    require,
    require_equal,
    require_unchanged,
    row_keys,
    some,
)
from ._promises import for_bandits

_FOLLOWS_EACH_ROUND = ("sum", "sequence", "none")
_ONE_CALL_IS_EXACT = ("sum", "sequence", "calls", "none")


def _in_pieces(case, cuts, X, y, reward, weight=None):
    bandit = case.new()
    for rows in np.split(np.arange(len(y)), cuts):
        weights = None if weight is None else weight[rows]
        bandit.partial_fit(*some(rows, X, y, reward), sample_weight=weights)
    return bandit


def _largest_change(before, after):
    return max(np.abs(after[name] - value).max() for name, value in before.items())


@for_bandits(learning=("sum", "sequence", "calls"))
def check_it_learns(case):
    """Rounds change what is believed; a bandit that learns from a buffer may wait for more."""
    X, y, reward = case.rounds()
    before = beliefs(case.new(), X)
    after = beliefs(case.new().fit(X, y, reward=reward), X)
    require(_largest_change(before, after) > 1e-3, "rounds have taught nothing: learning='none'?")


@for_bandits(learning="none")
def check_it_learns_nothing(case):
    """Where the tags say that nothing is learnt, beliefs stay what they are."""
    X, y, reward = case.rounds()
    case.require_same_beliefs(
        case.new().fit(X, y, reward=reward), case.new(), X, "learning='none', but it has learnt"
    )


@for_bandits(learning=_FOLLOWS_EACH_ROUND)
def check_pieces_equal_whole(case):
    """``partial_fit`` in any split of the rows ends where ``fit`` ends, and decides alike."""
    X, y, reward = case.rounds(80)
    weight = case.rng.randint(1, 4, size=80)
    test = case.contexts(20)
    for weights in (None, weight):
        whole = case.new().fit(X, y, reward=reward, sample_weight=weights)
        for what, cuts in (
            ("two pieces", [33]),
            ("pieces of all sizes", [1, 3, 9, 48]),
            ("single rows", np.arange(1, 80)),
        ):
            pieces = _in_pieces(case, cuts, X, y, reward, weights)
            message = f"{what} must end where the whole ends"
            case.require_same_beliefs(pieces, whole, test, message)
            case.require_same_decisions(pieces.predict(test), whole.predict(test), message)


@for_bandits(learning=("sum", "none"))
def check_order_of_rounds(case):
    """A sum over rounds does not depend on their order, within a call and between calls."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    whole = case.new().fit(X, y, reward=reward)
    rounds = backwards(X), y[::-1], reward[::-1]
    message = "the order of the rounds must not matter: learning='sequence' or 'calls'?"
    case.require_same_beliefs(case.new().fit(*rounds), whole, test, message)
    case.require_same_beliefs(_in_pieces(case, [7, 30], *rounds), whole, test, message)


@for_bandits(learning=_ONE_CALL_IS_EXACT)
def check_weights_equal_repetition(case):
    """A weight of k equals k repetitions, and the decisions are the same too."""
    X, y, reward = case.rounds()
    weight = case.rng.randint(1, 5, size=len(y))
    test = case.contexts(20)
    many = [repeated(part, weight) for part in (X, y, reward)]
    for method in ("fit", "partial_fit"):
        weighted = getattr(case.new(), method)(X, y, reward=reward, sample_weight=weight)
        repetition = getattr(case.new(), method)(*many)
        message = "weights must equal repetition"
        case.require_same_beliefs(weighted, repetition, test, message)
        case.require_same_decisions(weighted.predict(test), repetition.predict(test), message)


@for_bandits()
def check_weights_of_one(case):
    """Weights of 1 are as none."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    ones = case.new().fit(X, y, reward=reward, sample_weight=np.ones(len(y)))
    plain = case.new().fit(X, y, reward=reward)
    case.require_same_beliefs(ones, plain, test, "weights of 1 must change nothing")
    require_equal(ones.predict(test), plain.predict(test), "weights of 1 must change nothing")


@for_bandits(learning=_ONE_CALL_IS_EXACT)
def check_zero_weight_equals_absence(case):
    """A round of weight 0 teaches nothing."""
    X, y, reward = case.rounds()
    weight = np.ones(len(y))
    weight[::3] = 0.0
    test = case.contexts(20)
    present = case.new().fit(X, y, reward=reward, sample_weight=weight)
    absent = case.new().fit(*some(weight > 0, X, y, reward))
    message = "a weight of 0 must equal absence"
    case.require_same_beliefs(present, absent, test, message)
    case.require_same_decisions(present.predict(test), absent.predict(test), message)


@for_bandits(axes=2, prior="fixed")
def check_cold_arms_at_prior(case):
    """An arm that was never played is where it was before anything was learnt."""
    X = case.contexts(30)
    y = case.of_one_arm(30)
    # A mean square of 1 is also what a model that learns its noise assumes before any reward.
    bandit = case.new().fit(X, y, reward=np.ones(y.shape))
    prior_mean, prior_std = case.new().expected_reward(X, return_std=True)
    mean, std = bandit.expected_reward(X, return_std=True)
    cold = slice(case.n_selected or 1, None)
    hint = "an arm that was never played moved: prior='learnt'?"
    case.require_close(mean[:, cold], prior_mean[:, cold], f"the mean: {hint}")
    case.require_close(std[:, cold], prior_std[:, cold], f"the width: {hint}")


@for_bandits(axes=2, arms="independent", learning=("sum", "calls", "none"), fades=False)
def check_arms_are_independent(case):
    """Rounds of one arm do not move what is believed about the others."""
    X, y, reward = case.rounds()
    bandit = case.new().fit(X, y, reward=reward)
    before = bandit.expected_reward(X, return_std=True)
    more, played = case.contexts(12), case.of_one_arm(12)
    bandit.partial_fit(more, played, case.rewards(more, played))
    others = slice(case.n_selected or 1, None)
    for name, old, new in zip(
        ("mean", "width"), before, bandit.expected_reward(X, return_std=True), strict=True
    ):
        case.require_close(
            new[:, others], old[:, others], f"the {name} of arms not played moved: arms='linked'?"
        )


@for_bandits(location="learnt", reward="real")
def check_offset_and_unit(case):
    """A constant added to all rewards, or another unit of them, changes no decision."""
    X, y, reward = case.rounds()
    test = case.contexts(20)
    plain = _in_pieces(case, [20, 50, 51], X, y, reward)
    mean, std = plain.expected_reward(test, return_std=True)
    hint = "so location='fixed'?"
    for offset, unit in ((-40.0, 1.0), (0.0, 1e3), (7.0, 1e-3)):
        moved = _in_pieces(case, [20, 50, 51], X, y, offset + unit * reward)
        far_mean, far_std = moved.expected_reward(test, return_std=True)
        what = f"offset {offset:g}, unit {unit:g}"
        case.require_close((far_mean - offset) / unit, mean, f"the mean, {what}: {hint}")
        case.require_close(far_std / unit, std, f"the width, {what}: {hint}")
        case.require_same_policy(
            moved.predict_proba(test), plain.predict_proba(test), f"the policy, {what}: {hint}"
        )
        case.require_same_decisions(
            moved.predict(test), plain.predict(test), f"decisions, {what}: {hint}"
        )


@for_bandits(learning=("sum", "calls", "none"), fades=False)
def check_full_feedback(case):
    """Plain labels mean that the arm named pays 1, all others 0, and all arms learn."""
    X = case.contexts(40)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=40)]
    n_arms = len(case.arms)
    played = np.tile(case.arms, 40)
    paid = (played == np.repeat(y, n_arms)).astype(np.float64)
    if case.n_selected is None:
        spelt_out = case.new().fit(repeated(X, n_arms), played, reward=paid)
    else:
        one = case.again(selector=None)
        spelt_out = one.new().fit(repeated(X, n_arms), played, reward=paid)
    told, test = case.new().fit(X, y), case.contexts(20)
    if case.estimator.selector is not None:
        # A selector may change with the rounds that were learnt, of which there are more here.
        spelt_out.set_params(selector=at(case.estimator.selector, told.learnt_weight_))
    case.require_same_beliefs(
        told, spelt_out, test, "full feedback must equal its rounds spelt out"
    )


@for_bandits()
def check_full_feedback_teaches_all(case):
    """Rounds of full feedback are learnt in any number, and may be followed by rewards."""
    X, test = case.contexts(40), case.contexts(20)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=40)]
    bandit = case.new()
    for rows in (slice(0, 1), slice(1, 9), slice(9, None)):
        bandit.partial_fit(*some(rows, X, y))
    require(bandit.full_feedback_, "full_feedback_ after full feedback alone")
    require(np.isfinite(bandit.expected_reward(test)).all(), "beliefs after full feedback")
    bandit.partial_fit(*case.rounds(10))
    require(not bandit.full_feedback_, "full_feedback_ after rewards")


@for_bandits(learning=_FOLLOWS_EACH_ROUND)
def check_full_feedback_in_pieces(case):
    """With full feedback, too, pieces equal the whole and weights equal repetition."""
    X, test = case.contexts(40), case.contexts(20)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=40)]
    pieces = case.new()
    for rows in (slice(0, 1), slice(1, 9), slice(9, None)):
        pieces.partial_fit(*some(rows, X, y))
    case.require_same_beliefs(
        pieces, case.new().fit(X, y), test, "full feedback in pieces must equal the whole"
    )
    weight = case.rng.randint(0, 3, size=40)
    case.require_same_beliefs(
        case.new().fit(X, y, sample_weight=weight),
        case.new().fit(repeated(X, weight), np.repeat(y, weight)),
        test,
        "weights of full feedback must equal repetition",
    )


@for_bandits()
def check_reading_changes_nothing(case):
    """Asking a bandit changes nothing in it, nor in what it is given."""
    X, y, reward = case.rounds()
    propensity = np.full(reward.shape, 0.5)
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    keys = row_keys(X)
    for bandit in (case.new(), case.new().fit(X, y, reward=reward)):
        before = fingerprint(bandit)
        for method, keywords in (
            ("decision_function", {}),
            ("predict_proba", {}),
            ("expected_reward", {}),
            ("expected_reward", {"return_std": True}),
            ("predict", {}),
            ("predict", {"explore": False, "return_propensity": True}),
        ):
            for rows in (slice(0, 1), slice(None)):
                (part,) = some(rows, X)
                first = getattr(bandit, method)(part, **keywords)
                require_unchanged(bandit, before, method)
                second = getattr(bandit, method)(part, **keywords)
                for one, other in zip(first, second, strict=True):
                    require_equal(one, other, f"{method} must answer the same again")
        bandit.score(X, y, reward=reward, propensity=propensity)
        require_unchanged(bandit, before, "score")
        require_equal(row_keys(X), keys, "the contexts must be left alone")


@for_bandits(rows="numbers")
def check_learning_keeps_no_view(case):
    """What was learnt and what is answered share no memory with the caller's arrays."""
    X, y, reward = case.rounds()
    test = case.contexts(10)
    bandit, expected = case.new(), case.new()
    for rows in (slice(0, 50), slice(50, 51), slice(51, None)):
        parts = [part[rows].copy() for part in (X, y, reward)]
        bandit.partial_fit(*parts)
        parts[0][:], parts[2][:] = 7.0, 1.0
        parts[1][:] = case.arms[0]
        expected.partial_fit(X[rows], y[rows], reward[rows])
    case.require_same_beliefs(
        bandit, expected, test, "arrays that were learnt from must not be kept"
    )
    answers = [bandit.decision_function(test), *bandit.expected_reward(test, return_std=True)]
    answers.append(bandit.predict_proba(test))
    for answer in answers:
        require(answer.flags.writeable, "answers must be arrays of their own")
        answer[:] = -1.0
    case.require_same_beliefs(bandit, expected, test, "answers must not share the bandit's memory")


CHECKS = [
    check_it_learns,
    check_it_learns_nothing,
    check_pieces_equal_whole,
    check_order_of_rounds,
    check_weights_equal_repetition,
    check_weights_of_one,
    check_zero_weight_equals_absence,
    check_cold_arms_at_prior,
    check_arms_are_independent,
    check_offset_and_unit,
    check_full_feedback,
    check_full_feedback_teaches_all,
    check_full_feedback_in_pieces,
    check_reading_changes_nothing,
    check_learning_keeps_no_view,
]
