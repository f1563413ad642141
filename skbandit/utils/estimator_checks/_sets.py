"""Checks of bandits whose selector plays sets of arms."""

import numpy as np

from ._case import repeated, require, require_close, require_equal, require_raises
from ._promises import for_bandits


@for_bandits(plays="sets")
def check_sets_are_distinct(case):
    """A set has distinct arms, best first, and rows of ``predict_proba`` add up to its size."""
    X, k = case.contexts(200), case.n_selected
    for bandit in (case.new(), case.learnt(12), case.learnt()):
        for explore, worth in ((True, bandit.decision_function), (False, bandit.expected_reward)):
            index = case.index(bandit.predict(X, explore=explore))
            require(index.shape == (200, k), f"predict must have shape {(200, k)}")
            ordered = np.sort(index, axis=1)
            require((ordered[:, 1:] > ordered[:, :-1]).all(), "the arms of a set must be distinct")
            score = np.take_along_axis(worth(X), index, axis=1)
            require((score[:, 1:] <= score[:, :-1] + 1e-9).all(), "a set must come best first")
        require_close(bandit.predict_proba(X).sum(axis=1), k, "rows of predict_proba", 1e-9)


@for_bandits(plays="sets", learning=("sum", "calls", "none"), fades=False, propensity="unused")
def check_semi_bandit_feedback(case):
    """A set teaches as its arms would have, played one after the other."""
    X, y, reward = case.rounds(40)
    test = case.contexts(20)
    sets = case.new().partial_fit(X, y, reward)
    one = case.again(selector=None)
    single = one.new().partial_fit(repeated(X, case.n_selected), y.ravel(), reward.ravel())
    single.set_params(selector=case.estimator.selector)
    case.require_same_beliefs(sets, single, test, "a set must teach as its arms would have")
    require_equal(sets.predict(test), single.predict(test), "decisions after semi-bandit feedback")


@for_bandits(plays="sets")
def check_sets_messages(case):
    """Sets that cannot be played or learnt from raise."""
    X, y, reward = case.rounds(10)
    bandit, k = case.learnt(), case.n_selected
    twice = y.copy()
    twice[3] = y[3, 0]
    if k > 1:
        require_raises(
            ValueError,
            "distinct",
            lambda: bandit.partial_fit(X, twice, reward),
            "a set that names an arm twice",
        )
        mask = np.ones((10, len(case.arms)), dtype=bool)
        mask[4, k - 1 :] = False
        require_raises(
            ValueError, "available", lambda: bandit.predict(X, available=mask), "too few arms left"
        )
        few = case.new(arms=case.arms[: k - 1])
        contexts = X if case.ndim == 2 else X[:, : k - 1]
        require_raises(
            ValueError, "arms", lambda: few.predict(contexts), "a set larger than there are arms"
        )
    require_raises(ValueError, "reward", lambda: bandit.partial_fit(X, y), "sets without rewards")
    require_raises(
        ValueError,
        "reward",
        lambda: bandit.partial_fit(X, y, reward[:, 0] if k > 1 else reward[:-1]),
        "sets whose rewards have another shape",
    )


CHECKS = [check_sets_are_distinct, check_semi_bandit_feedback, check_sets_messages]
