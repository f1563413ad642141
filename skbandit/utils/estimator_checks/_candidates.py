"""Checks of arms with features: contexts of three axes, one candidate a row of the second."""

import numpy as np

from ._case import (
    fingerprint,
    require,
    require_close,
    require_equal,
    require_frequencies,
    require_raises,
    require_unchanged,
)
from ._promises import for_bandits


def _rounds(case, n_samples=60):
    """Rounds whose ``y`` is the position of the candidate played."""
    X, y, reward = case.rounds(n_samples)
    return X, case.index(y), reward


@for_bandits(candidates=True)
def check_candidates_are_positions(case):
    """Without ``arms``, ``y`` and decisions are positions of candidates."""
    case = case.again(ndim=3)
    X, y, reward = _rounds(case)
    bandit = case.new(arms=None)
    require(
        np.issubdtype(bandit.predict(X).dtype, np.integer), "an unfitted bandit plays positions"
    )
    bandit.fit(X, y, reward=reward)
    require_equal(bandit.classes_, np.arange(X.shape[1]), "classes_ are the positions")
    named = case.new().fit(X, np.asarray(case.arms)[y], reward=reward)
    case.require_same_beliefs(bandit, named, X, "positions must mean the same as names")
    require_equal(
        case.index(named.predict(X)), bandit.predict(X), "decisions by name and position"
    )
    require_raises(
        ValueError,
        "arms",
        lambda: bandit.partial_fit(X, y + X.shape[1], reward),
        "no such candidate",
    )


@for_bandits(candidates=True)
def check_number_of_candidates_varies(case):
    """The number of candidates may differ from call to call."""
    case = case.again(ndim=3)
    X, y, reward = _rounds(case)
    bandit = case.new(arms=None).partial_fit(X, y, reward)
    k = case.n_selected or 1
    for n_candidates in (k, k + 1, X.shape[1] + 3):
        contexts = case.rng.standard_normal((20, n_candidates, X.shape[2]))
        before = fingerprint(bandit)
        policy = bandit.predict_proba(contexts)
        require(policy.shape == (20, n_candidates), "predict_proba has a column a candidate")
        require_close(policy.sum(axis=1), k, "rows of predict_proba", 1e-9)
        played = bandit.predict(contexts)
        require(played.min() >= 0 and played.max() < n_candidates, "decisions are positions")
        require_unchanged(bandit, before, "another number of candidates")
    more = np.concatenate([X, X[:, :1] + 1.0], axis=1)
    larger, fewer = y.copy(), y.copy()
    larger[..., 0] = X.shape[1] if case.n_selected is not None else larger[..., 0]
    if case.n_selected is None:
        larger[::2] = X.shape[1]
    bandit.partial_fit(more, larger, reward)
    bandit.partial_fit(X, fewer, reward)
    require(np.isfinite(bandit.expected_reward(more)).all(), "beliefs about more candidates")


@for_bandits(candidates=True)
def check_candidates_follow_policy(case):
    """Decisions on candidates follow the policy, in any order and cut of the batch."""
    case = case.again(ndim=3)
    X, y, reward = _rounds(case)
    bandit = case.new(arms=None).fit(X[:12], y[:12], reward=reward[:12])
    whole, propensity = bandit.predict(X, return_propensity=True)
    for rows in (np.arange(len(X))[::-1], np.arange(5), np.arange(5, len(X)), np.array([7])):
        played, chance = bandit.predict(X[rows], return_propensity=True)
        require_equal(played, whole[rows], "decisions in another order or cut")
        require_close(chance, propensity[rows], "propensities in another order or cut", 1e-7)
    index = whole.reshape(len(X), -1)
    at_arm = np.take_along_axis(bandit.predict_proba(X), index, axis=1)
    require_close(propensity.reshape(at_arm.shape), at_arm, "propensity", 1e-9)
    if case.n_selected is None:
        many = np.repeat(X[:1], 1000, axis=0)
        counts = np.bincount(bandit.predict(many), minlength=X.shape[1])
        require_frequencies(counts, bandit.predict_proba(X[:1])[0], "candidates")


@for_bandits(candidates=True, learning=("sum", "sequence", "none"))
def check_candidates_learn_in_pieces(case):
    """Pieces equal the whole on candidates too."""
    case = case.again(ndim=3)
    X, y, reward = _rounds(case)
    whole = case.new(arms=None).fit(X, y, reward=reward)
    pieces = case.new(arms=None)
    for rows in np.split(np.arange(len(X)), [1, 3, 30]):
        pieces.partial_fit(X[rows], y[rows], reward[rows])
    case.require_same_beliefs(pieces, whole, X, "pieces must end where the whole ends")


@for_bandits(candidates=True, learning=("sum", "sequence", "calls", "none"))
def check_weights_of_candidates(case):
    """Weights equal repetition on candidates too."""
    case = case.again(ndim=3)
    X, y, reward = _rounds(case)
    weight = case.rng.randint(0, 4, size=len(X))
    case.require_same_beliefs(
        case.new(arms=None).fit(X, y, reward=reward, sample_weight=weight),
        case.new(arms=None).fit(
            *(np.repeat(part, weight, axis=0) for part in (X, y)),
            reward=np.repeat(reward, weight, axis=0),
        ),
        X,
        "weights must equal repetition",
    )


CHECKS = [
    check_candidates_are_positions,
    check_number_of_candidates_varies,
    check_candidates_follow_policy,
    check_candidates_learn_in_pieces,
    check_weights_of_candidates,
]
