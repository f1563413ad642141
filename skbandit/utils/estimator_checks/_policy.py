"""Checks of honesty: decisions follow the policy that the bandit reports."""

import numpy as np

from ._case import (
    Case,
    counts_of,
    policy_error,
    require,
    require_close,
    require_equal,
    require_frequencies,
    require_raises,
    skip_unless,
)

_N_DRAWS = 1000


def _rows_to_sum(case):
    return case.n_selected or 1


def check_policy_is_a_distribution(name, estimator):
    """Probabilities lie in [0, 1] and add up to the number of arms that are played."""
    case = Case(estimator)
    X = case.contexts()
    for bandit in (case.new(), case.learnt()):
        policy = bandit.predict_proba(X)
        require(
            (policy >= 0).all() and (policy <= 1 + 1e-12).all(), "probabilities must be in [0, 1]"
        )
        require_close(policy.sum(axis=1), _rows_to_sum(case), "rows of predict_proba", 1e-9)


def check_propensity_is_frequency(name, estimator):
    """Over many equal rows each arm is played as often as ``predict_proba`` says."""
    case = Case(estimator)
    bandits = {
        "unfitted": case.new(),
        "after few rounds": case.learnt(12),
        "learnt": case.learnt(),
    }
    for what, bandit in bandits.items():
        for X in case.contexts(2):
            rows = np.repeat(X[None], _N_DRAWS, axis=0)
            policy = bandit.predict_proba(rows[:1])[0]
            counts = counts_of(case, bandit.predict(rows))
            if case.n_selected is None:
                require_frequencies(counts, policy, f"{what} bandit")
                continue
            # Each arm of a set on its own: in the set or not.
            for arm, count in enumerate(counts):
                outcome = np.array([count, _N_DRAWS - count])
                share = np.clip([policy[arm], 1.0 - policy[arm]], 0.0, 1.0)
                share[share < 1e-12] = 0.0
                require_frequencies(outcome, share, f"{what} bandit, arm {arm} of a set")


def check_propensity_is_probability(name, estimator):
    """The propensity that ``predict`` returns is ``predict_proba`` at the arm played."""
    case = Case(estimator)
    X = case.contexts()
    for bandit in (case.new(), case.learnt()):
        played, propensity = bandit.predict(X, return_propensity=True)
        index = case.index(played).reshape(len(X), -1)
        at_arm = np.take_along_axis(bandit.predict_proba(X), index, axis=1)
        require_close(propensity.reshape(at_arm.shape), at_arm, "propensity", 1e-9, 1e-15)
        require((propensity > 0).all() and (propensity <= 1 + 1e-12).all(), "propensity in (0, 1]")
        require_equal(played, bandit.predict(X), "return_propensity must not change the decisions")


def check_ties_are_uniform(name, estimator):
    """Arms of equal score share their probability, and are drawn so."""
    case = Case(estimator)
    rows = case.alike(_N_DRAWS)
    bandit = case.new()
    if case.n_selected is None:
        share = np.full(len(case.arms), 1.0 / len(case.arms))
        if not policy_error(bandit):
            played = counts_of(case, bandit.predict(rows))
            require_frequencies(played, share, "an unfitted bandit")
        greedy = counts_of(case, bandit.predict(rows, explore=False))
        require_frequencies(greedy, share, "an unfitted bandit with explore=False")
    # Only one arm (one set) has been played; all others still tie.
    X = case.contexts(8) if case.ndim == 2 else case.alike(8)
    n_played = case.n_selected or 1
    y = np.repeat([case.arms[:n_played]], 8, axis=0)
    y = y[:, 0] if case.n_selected is None else y
    bandit = case.new().fit(X, y, reward=np.ones(y.shape))
    policy = bandit.predict_proba(rows[:1])[0, n_played:]
    require_close(
        policy,
        np.full_like(policy, policy.mean()),
        "arms that were never played tie",
        atol=1e-8 + policy_error(bandit),
    )


def check_greedy_decisions(name, estimator):
    """``explore=False`` plays the arm (the set) of the highest expected reward."""
    case = Case(estimator)
    X = case.contexts()
    bandit = case.learnt()
    mean = bandit.expected_reward(X)
    mask = case.rng.random_sample(mean.shape) < 0.5
    mask[:, : _rows_to_sum(case)] = True
    for what, available in (("all arms", None), ("some arms", mask)):
        played, propensity = bandit.predict(
            X, explore=False, available=available, return_propensity=True
        )
        index = case.index(played).reshape(len(X), -1)
        worth = np.sort(mean if available is None else np.where(available, mean, -np.inf), axis=1)
        best = worth[:, ::-1][:, : _rows_to_sum(case)]
        require_close(
            np.take_along_axis(mean, index, axis=1),
            best,
            f"explore=False among {what} must play what is believed to pay most, best first",
        )
        require((propensity > 0).all() and (propensity <= 1).all(), "propensity in (0, 1]")


def check_available(name, estimator):
    """An arm that is not available has probability 0 and is never played."""
    case = Case(estimator)
    X = case.contexts(40)
    shape, k = (len(X), len(case.arms)), _rows_to_sum(case)
    mask = case.rng.random_sample(shape) < 0.6
    mask[np.arange(len(X))[:, None], case.rng.standard_normal(shape).argsort(axis=1)[:, :k]] = True
    # One row has no choice left.
    mask[0] = np.arange(shape[1]) >= shape[1] - k
    for bandit in (case.new(), case.learnt()):
        policy = bandit.predict_proba(X, available=mask)
        require(
            (policy[~mask] == 0.0).all(), "an arm that is not available must have probability 0"
        )
        require_close(policy.sum(axis=1), k, "rows of predict_proba with available=", 1e-9)
        require_close(policy[0], mask[0].astype(float), "a row without choice", 1e-9)
        for explore in (True, False):
            rows, many = np.repeat(X, 10, axis=0), np.repeat(mask, 10, axis=0)
            played = bandit.predict(rows, explore=explore, available=many)
            index = case.index(played).reshape(len(rows), -1)
            require(
                np.take_along_axis(many, index, axis=1).all(),
                f"explore={explore}: an arm was played that is not available",
            )
        everything = np.ones(shape, dtype=bool)
        require_close(
            bandit.predict_proba(X, available=everything),
            bandit.predict_proba(X),
            "a mask of nothing but True must change nothing",
            1e-9,
        )
        require_equal(
            bandit.predict(X, available=everything.tolist()),
            bandit.predict(X),
            "a mask of nothing but True must change nothing",
        )


def check_available_messages(name, estimator):
    """A bad mask raises a ``ValueError`` that names ``available``."""
    case = Case(estimator)
    X = case.contexts(6)
    good = np.ones((6, len(case.arms)), dtype=bool)
    none_left = good.copy()
    none_left[2] = False
    masks = {
        "a row without an arm": none_left,
        "a mask of too few columns": good[:, :-1],
        "a mask of too few rows": good[:-1],
        "a mask of one axis": good[0],
        "a mask of numbers": good.astype(int),
        "a mask of floats": good.astype(float),
    }
    for bandit in (case.new(), case.learnt()):
        for what, mask in masks.items():
            for method in ("predict", "predict_proba"):
                require_raises(
                    ValueError,
                    "available",
                    lambda b=bandit, m=method, a=mask: getattr(b, m)(X, available=a),
                    f"{method} with {what}",
                )


def check_available_frequencies(name, estimator):
    """Decisions under a mask follow the policy under that mask."""
    case = Case(estimator)
    skip_unless(case.n_selected is None, "for bandits that play one arm a round")
    mask = np.ones((_N_DRAWS, len(case.arms)), dtype=bool)
    mask[:, 1] = False
    X = np.repeat(case.contexts(1), _N_DRAWS, axis=0)
    for what, bandit in (("unfitted", case.new()), ("learnt", case.learnt(12))):
        policy = bandit.predict_proba(X[:1], available=mask[:1])[0]
        counts = counts_of(case, bandit.predict(X, available=mask))
        require_frequencies(counts, policy, f"{what} bandit with a mask")


CHECKS = [
    check_policy_is_a_distribution,
    check_propensity_is_frequency,
    check_propensity_is_probability,
    check_ties_are_uniform,
    check_greedy_decisions,
    check_available,
    check_available_messages,
    check_available_frequencies,
]
