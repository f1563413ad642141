"""Checks of honesty: decisions follow the policy that the bandit reports."""

import numpy as np

from ...selectors import (
    ArgmaxSelector,
    EpsilonGreedySelector,
    PropensityFloorSelector,
    SoftmaxSelector,
    TopKSelector,
)
from ...strategies import PricedSelector
from ._case import (
    repeated,
    require,
    require_close,
    require_equal,
    require_frequencies,
    require_raises,
    take_rows,
)
from ._promises import for_bandits

_N_DRAWS = 1000


def _rows_to_sum(case):
    return case.n_selected or 1


@for_bandits()
def check_policy_is_a_distribution(case):
    """Probabilities lie in [0, 1] and add up to the number of arms that are played."""
    X = case.contexts()
    for bandit in (case.new(), case.learnt()):
        policy = bandit.predict_proba(X)
        require(
            (policy >= 0).all() and (policy <= 1 + 1e-12).all(), "probabilities must be in [0, 1]"
        )
        require_close(policy.sum(axis=1), _rows_to_sum(case), "rows of predict_proba", 1e-9)


@for_bandits()
def check_propensity_is_frequency(case):
    """Over many equal rows each arm is played as often as ``predict_proba`` says."""
    bandits = {
        "unfitted": case.new(),
        "after few rounds": case.learnt(12),
        "learnt": case.learnt(),
    }
    for what, bandit in bandits.items():
        X = case.contexts(2)
        for row in (slice(0, 1), slice(1, 2)):
            rows = repeated(take_rows(X, row), _N_DRAWS)
            policy = bandit.predict_proba(take_rows(rows, slice(0, 1)))[0]
            counts = case.counts(bandit.predict(rows))
            if case.n_selected is None:
                require_frequencies(counts, policy, f"{what} bandit")
                continue
            # Each arm of a set on its own: in the set or not.
            for arm, count in enumerate(counts):
                outcome = np.array([count, _N_DRAWS - count])
                share = np.clip([policy[arm], 1.0 - policy[arm]], 0.0, 1.0)
                share[share < 1e-12] = 0.0
                require_frequencies(outcome, share, f"{what} bandit, arm {arm} of a set")


@for_bandits()
def check_propensity_is_probability(case):
    """The propensity that ``predict`` returns is ``predict_proba`` at the arm played."""
    X = case.contexts()
    for bandit in (case.new(), case.learnt()):
        played, propensity = bandit.predict(X, return_propensity=True)
        index = case.index(played).reshape(len(played), -1)
        at_arm = np.take_along_axis(bandit.predict_proba(X), index, axis=1)
        require_close(propensity.reshape(at_arm.shape), at_arm, "propensity", 1e-9, 1e-15)
        require((propensity > 0).all() and (propensity <= 1 + 1e-12).all(), "propensity in (0, 1]")
        require_equal(played, bandit.predict(X), "return_propensity must not change the decisions")


@for_bandits()
def check_ties_are_drawn_evenly(case):
    """Before any data arms tie: each is played as often as any other, exploring or not."""
    rows = case.alike(_N_DRAWS)
    bandit = case.new()
    share = np.full(len(case.arms), 1.0 / len(case.arms))
    for explore in (True, False):
        counts = case.counts(bandit.predict(rows, explore=explore))
        if case.n_selected is None:
            require_frequencies(counts, share, f"an unfitted bandit with explore={explore}")
            continue
        chance = case.n_selected / len(case.arms)
        for arm, count in enumerate(counts):
            outcome = [count, _N_DRAWS - count]
            require_frequencies(outcome, [chance, 1 - chance], f"arm {arm} of an unfitted bandit")


@for_bandits()
def check_ties_are_even_under_every_selector(case):
    """An unfitted bandit is uniform, and arms that were never played are alike, under each."""
    X = case.alike(8)
    y = case.of_one_arm(8)
    learnt = case.new().fit(X, y, reward=np.ones(y.shape))
    n_arms, n_played = len(case.arms), _rows_to_sum(case)
    mask = np.ones((8, n_arms), dtype=bool)
    mask[:, -1] = False
    for selector in (
        ArgmaxSelector(),
        EpsilonGreedySelector(0.3),
        SoftmaxSelector(),
        SoftmaxSelector(0.1, standardize=False),
        PropensityFloorSelector(),
        TopKSelector(1),
        TopKSelector(2),
    ):
        total = selector.n_selected or 1
        unfitted = case.new(selector=selector)
        require_close(
            unfitted.predict_proba(X), total / n_arms, f"an unfitted bandit with {selector!r}"
        )
        require_close(
            unfitted.predict_proba(X, available=mask)[:, :-1],
            total / (n_arms - 1),
            f"an unfitted bandit with {selector!r} and a mask",
        )
        learnt.set_params(selector=selector)
        policy = learnt.predict_proba(X)[:, n_played:]
        require_close(
            policy,
            np.broadcast_to(policy.mean(axis=1, keepdims=True), policy.shape),
            f"arms that were never played are alike; {selector!r}",
        )


@for_bandits()
def check_greedy_decisions(case):
    """``explore=False`` plays the arm (the set) of the highest expected reward."""
    X = case.contexts()
    bandit = case.learnt()
    mean = bandit.expected_reward(X)
    mask = case.rng.random_sample(mean.shape) < 0.5
    mask[:, : _rows_to_sum(case)] = True
    for what, available in (("all arms", None), ("some arms", mask)):
        played, propensity = bandit.predict(
            X, explore=False, available=available, return_propensity=True
        )
        index = case.index(played).reshape(len(mean), -1)
        worth = np.sort(mean if available is None else np.where(available, mean, -np.inf), axis=1)
        best = worth[:, ::-1][:, : _rows_to_sum(case)]
        require_close(
            np.take_along_axis(mean, index, axis=1),
            best,
            f"explore=False among {what} must play what is believed to pay most, best first",
        )
        require((propensity > 0).all() and (propensity <= 1).all(), "propensity in (0, 1]")


@for_bandits()
def check_available(case):
    """An arm that is not available has probability 0 and is never played."""
    X = case.contexts(40)
    shape, k = (40, len(case.arms)), _rows_to_sum(case)
    mask = case.rng.random_sample(shape) < 0.6
    mask[np.arange(40)[:, None], case.rng.standard_normal(shape).argsort(axis=1)[:, :k]] = True
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
            rows, many = repeated(X, 10), np.repeat(mask, 10, axis=0)
            played = bandit.predict(rows, explore=explore, available=many)
            index = case.index(played).reshape(len(many), -1)
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


@for_bandits()
def check_available_messages(case):
    """A bad mask raises a ``ValueError`` that names ``available``."""
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


@for_bandits(plays="one")
def check_available_frequencies(case):
    """Decisions under a mask follow the policy under that mask."""
    mask = np.ones((_N_DRAWS, len(case.arms)), dtype=bool)
    mask[:, 1] = False
    X = repeated(case.contexts(1), _N_DRAWS)
    for what, bandit in (("unfitted", case.new()), ("learnt", case.learnt(12))):
        row = take_rows(X, slice(0, 1))
        policy = bandit.predict_proba(row, available=mask[:1])[0]
        counts = case.counts(bandit.predict(X, available=mask))
        require_frequencies(counts, policy, f"{what} bandit with a mask")


@for_bandits()
def check_score_with_masks(case):
    """A log with masks is scored by what the bandit would have played among those arms."""
    X, k = case.contexts(40), _rows_to_sum(case)
    mask = case.rng.random_sample((40, len(case.arms))) < 0.6
    mask[:, : k + 1] = True
    bandit = case.learnt()
    arms, propensity = bandit.predict(X, available=mask, return_propensity=True)
    reward = case.rewards(X, arms)
    index = case.index(arms).reshape(40, -1)
    played = np.take_along_axis(bandit.predict_proba(X, available=mask), index, axis=1)
    # Not the propensity itself, with which all weights would be 1.
    logged = np.sqrt(propensity)
    weight = played / logged.reshape(40, -1)
    value = k * (weight * np.reshape(reward, (40, -1))).sum() / weight.sum()
    score = bandit.score(X, arms, reward=reward, propensity=logged, available=mask)
    require_close(score, value, "score with available=", 1e-9)
    mask[0, index[0, 0]] = False
    mask[0, np.setdiff1d(np.arange(len(case.arms)), index[0, :1])] = True
    require_raises(
        ValueError,
        "available",
        lambda: bandit.score(X, arms, reward=reward, propensity=logged, available=mask),
        "a log whose arms were not available",
    )


@for_bandits(cost="unused")
def check_costs_of_a_call(case):
    """What arms cost in each row reaches a selector that weighs it, or is refused in words."""
    X, k = case.contexts(12), _rows_to_sum(case)
    free = case.rng.randint(len(case.arms), size=12)
    cost = np.ones((12, len(case.arms)))
    cost[np.arange(12), free] = 0.0
    other = TopKSelector(k) if k > 1 else ArgmaxSelector()
    for what, bandit in (("unfitted", case.new()), ("learnt", case.learnt())):
        if not getattr(bandit.selector, "weighs_costs", False):
            require_raises(
                ValueError,
                "cost",
                lambda b=bandit: b.predict(X, cost=cost),
                "cost= for a selector that does not weigh costs",
            )
        bandit.set_params(selector=PricedSelector(1.0, price=1e9, selector=other))
        try:
            policy = bandit.predict_proba(X, cost=cost)
        except ValueError as error:
            require("cost" in str(error), f"the refusal must name the cost, got: {error}")
            continue
        one_by_one = [
            bandit.predict_proba(take_rows(X, slice(row, row + 1)), cost=cost[row : row + 1])[0]
            for row in range(12)
        ]
        case.require_same_policy(policy, one_by_one, f"a {what} bandit with costs, row by row")
        arms, propensity = bandit.predict(X, cost=cost, return_propensity=True)
        at_arm = np.take_along_axis(policy, case.index(arms).reshape(12, -1), axis=1)
        require_close(np.reshape(propensity, at_arm.shape), at_arm, "propensity with cost=", 1e-9)
        require_close(
            policy[np.arange(12), free], 1.0, f"a {what} bandit must play the arm that is free"
        )


CHECKS = [
    check_costs_of_a_call,
    check_policy_is_a_distribution,
    check_propensity_is_frequency,
    check_propensity_is_probability,
    check_ties_are_drawn_evenly,
    check_ties_are_even_under_every_selector,
    check_greedy_decisions,
    check_available,
    check_available_messages,
    check_available_frequencies,
    check_score_with_masks,
]
