"""Checks of learning: pieces and whole, weights, cold arms, full feedback."""

import numpy as np

from ._case import (
    Case,
    fingerprint,
    require,
    require_close,
    require_equal,
    require_same_beliefs,
    require_unchanged,
    skip_unless,
)


def _in_pieces(case, cuts, X, y, reward, weight=None):
    bandit = case.new()
    for rows in np.split(np.arange(len(X)), cuts):
        bandit.partial_fit(
            X[rows], y[rows], reward[rows], sample_weight=None if weight is None else weight[rows]
        )
    return bandit


def check_pieces_equal_whole(name, estimator):
    """``partial_fit`` in any split of the rows ends where ``fit`` ends."""
    case = Case(estimator)
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
            require_same_beliefs(pieces, whole, test, f"{what} must end where the whole ends")


def check_weights_equal_repetition(name, estimator):
    """A weight of k equals k repetitions, and the decisions are the same too."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    weight = case.rng.randint(1, 5, size=len(X))
    test = case.contexts(20)
    X_many, y_many, reward_many = (np.repeat(part, weight, axis=0) for part in (X, y, reward))
    for method in ("fit", "partial_fit"):
        weighted = getattr(case.new(), method)(X, y, reward=reward, sample_weight=weight)
        repeated = getattr(case.new(), method)(X_many, y_many, reward=reward_many)
        require_same_beliefs(weighted, repeated, test, "weights must equal repetition")
        require_equal(
            weighted.predict(test), repeated.predict(test), "weights must equal repetition"
        )
    ones = case.new().fit(X, y, reward=reward, sample_weight=np.ones(len(X)))
    plain = case.new().fit(X, y, reward=reward)
    require_same_beliefs(ones, plain, test, "weights of 1 must change nothing")


def check_zero_weight_equals_absence(name, estimator):
    """A round of weight 0 teaches nothing."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    weight = np.ones(len(X))
    weight[::3] = 0.0
    kept = weight > 0
    test = case.contexts(20)
    present = case.new().fit(X, y, reward=reward, sample_weight=weight)
    absent = case.new().fit(X[kept], y[kept], reward=reward[kept])
    require_same_beliefs(present, absent, test, "a weight of 0 must equal absence")
    require_equal(present.predict(test), absent.predict(test), "a weight of 0 must equal absence")


def check_cold_arms_at_prior(name, estimator):
    """An arm that was never played is where it was before anything was learnt."""
    case = Case(estimator)
    skip_unless(case.ndim == 2, "candidates share their parameters")
    n_played = case.n_selected or 1
    X = case.contexts(30)
    y = np.repeat([case.arms[:n_played]], len(X), axis=0)
    y = y[:, 0] if case.n_selected is None else y
    # A mean square of 1 is also what a model that learns its noise assumes before any reward.
    bandit = case.new().fit(X, y, reward=np.ones(y.shape))
    prior_mean, prior_std = case.new().expected_reward(X, return_std=True)
    mean, std = bandit.expected_reward(X, return_std=True)
    cold = slice(n_played, None)
    require_close(mean[:, cold], prior_mean[:, cold], "the mean of an arm that was never played")
    require_close(std[:, cold], prior_std[:, cold], "the width of an arm that was never played")


def check_full_feedback(name, estimator):
    """Plain labels mean that the arm named pays 1, all others 0, and all arms learn."""
    case = Case(estimator)
    X = case.contexts(40)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=len(X))]
    n_arms = len(case.arms)
    played = np.tile(case.arms, len(X))
    paid = (played == np.repeat(y, n_arms)).astype(np.float64)
    spelt_out = case.new().fit(np.repeat(X, n_arms, axis=0), played, reward=paid)
    test = case.contexts(20)
    require_same_beliefs(
        case.new().fit(X, y), spelt_out, test, "full feedback must equal its rounds spelt out"
    )


def check_full_feedback_in_pieces(name, estimator):
    """With full feedback, too, pieces equal the whole and weights equal repetition."""
    case = Case(estimator)
    X, test = case.contexts(40), case.contexts(20)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=len(X))]
    pieces = case.new()
    for rows in (slice(0, 1), slice(1, 9), slice(9, None)):
        pieces.partial_fit(X[rows], y[rows])
    require_same_beliefs(
        pieces, case.new().fit(X, y), test, "full feedback in pieces must equal the whole"
    )
    weight = case.rng.randint(0, 3, size=len(X))
    require_same_beliefs(
        case.new().fit(X, y, sample_weight=weight),
        case.new().fit(np.repeat(X, weight, axis=0), np.repeat(y, weight)),
        test,
        "weights of full feedback must equal repetition",
    )


def check_reading_changes_nothing(name, estimator):
    """Asking a bandit changes nothing in it, nor in what it is given."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    propensity = np.full(reward.shape, 0.5)
    for bandit in (case.new(), case.new().fit(X, y, reward=reward)):
        before = fingerprint(bandit)
        contexts = X.copy()
        contexts.flags.writeable = False
        for method, keywords in (
            ("decision_function", {}),
            ("predict_proba", {}),
            ("expected_reward", {}),
            ("expected_reward", {"return_std": True}),
            ("predict", {}),
            ("predict", {"explore": False, "return_propensity": True}),
        ):
            for rows in (slice(0, 1), slice(None)):
                first = getattr(bandit, method)(contexts[rows], **keywords)
                require_unchanged(bandit, before, method)
                second = getattr(bandit, method)(contexts[rows], **keywords)
                for one, other in zip(first, second, strict=True):
                    require_equal(one, other, f"{method} must answer the same again")
        bandit.score(contexts, y, reward=reward, propensity=propensity)
        require_unchanged(bandit, before, "score")
        require_equal(contexts, X, "the contexts must be left alone")


def check_learning_keeps_no_view(name, estimator):
    """What was learnt and what is answered share no memory with the caller's arrays."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    test = case.contexts(10)
    bandit = case.new()
    for rows in (slice(0, 50), slice(50, 51), slice(51, None)):
        parts = [part[rows].copy() for part in (X, y, reward)]
        bandit.partial_fit(*parts)
        parts[0][:], parts[2][:] = 7.0, 1.0
        parts[1][:] = case.arms[0]
    expected = _in_pieces(case, [50, 51], X, y, reward)
    require_same_beliefs(bandit, expected, test, "arrays that were learnt from must not be kept")
    answers = [bandit.decision_function(test), *bandit.expected_reward(test, return_std=True)]
    answers.append(bandit.predict_proba(test))
    for answer in answers:
        require(answer.flags.writeable, "answers must be arrays of their own")
        answer[:] = -1.0
    require_same_beliefs(bandit, expected, test, "answers must not share the bandit's memory")


CHECKS = [
    check_pieces_equal_whole,
    check_weights_equal_repetition,
    check_zero_weight_equals_absence,
    check_cold_arms_at_prior,
    check_full_feedback,
    check_full_feedback_in_pieces,
    check_reading_changes_nothing,
    check_learning_keeps_no_view,
]
