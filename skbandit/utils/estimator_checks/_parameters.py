"""Checks of parameters that are impossible, or that change after learning."""

import copy

import numpy as np
from sklearn.utils import get_tags

from ..._sklearn import invalid_value, other_values
from ._case import (
    beliefs,
    fingerprint,
    require,
    require_equal,
    require_raises,
    require_same_attributes,
    require_unchanged,
    some,
)
from ._promises import for_bandits

# Batches below and above the sizes that an online loop may treat in a fast way.
_SIZES = (1, 50)
_NAMED_BY_THE_CONTRACT = ("arms", "selector", "random_state")


class Impossible:
    """A value that no parameter takes."""


def _constraints(case):
    return getattr(type(case.estimator), "_parameter_constraints", {})


@for_bandits()
def check_parameters_are_validated(case):
    """Learning or deciding with a parameter that is impossible raises, however it was set."""
    test = case.contexts(20)
    bandit = case.learnt(30)
    decisions = bandit.predict(test)
    batches = [case.rounds(size) for size in _SIZES]
    for parameter in sorted(case.estimator.get_params(deep=False)):
        kept = getattr(bandit, parameter)
        for value in (Impossible(), *invalid_value(_constraints(case).get(parameter))):
            setattr(bandit, parameter, value)
            attributes, before = dict(vars(bandit)), fingerprint(bandit)
            calls = {"predict": lambda: bandit.predict(test)}
            for rounds in batches:
                for method in ("partial_fit", "fit"):
                    title = f"{method} of {len(rounds[1])} rounds"
                    calls[title] = lambda m=method, r=rounds: getattr(bandit, m)(*r)
            for what, call in calls.items():
                title = f"{what} with {parameter}={value!r}"
                require_raises((ValueError, TypeError, AttributeError), ".", call, title)
                require_same_attributes(bandit, attributes, title)
            require_unchanged(bandit, before, f"calls with {parameter}={value!r}")
        setattr(bandit, parameter, kept)
        require_equal(bandit.predict(test), decisions, f"decisions with {parameter} put back")


@for_bandits()
def check_parameters_changed_after_learning(case):
    """A parameter that what was learnt does not fit is refused by name; with others it goes on."""
    test, more = case.contexts(20), case.rounds(5)
    bandit = case.learnt(30)
    known = beliefs(bandit, test)
    for parameter, constraints in _constraints(case).items():
        if parameter in _NAMED_BY_THE_CONTRACT:
            continue
        kept = getattr(bandit, parameter)
        for value in other_values(constraints, kept):
            changed = copy.deepcopy(bandit)
            setattr(changed, parameter, value)
            title = f"{parameter} set from {kept!r} to {value!r} after learning"
            try:
                asked = beliefs(changed, test)
            except ValueError as error:
                require(parameter in str(error), f"{title}: the message must name it: {error}")
                _require_refused(changed, parameter, more, title)
                _require_same_start(case, changed, {parameter: value}, more)
                setattr(changed, parameter, kept)
                for name, now in beliefs(changed, test).items():
                    require_equal(now, known[name], f"{title} and back: {name}")
                continue
            changed.partial_fit(*more)
            finite = [np.isfinite(asked["expected_reward"]).all()]
            finite.append(np.isfinite(changed.expected_reward(test)).all())
            require(all(finite), f"{title}: beliefs are not finite")


def _require_refused(bandit, parameter, rounds, title):
    before = fingerprint(bandit)
    for part in (some(slice(0, 1), *rounds), rounds):
        require_raises(
            ValueError, parameter, lambda r=part: bandit.partial_fit(*r), f"partial_fit, {title}"
        )
    require_unchanged(bandit, before, f"partial_fit with {title}")


def _require_same_start(case, bandit, changed, rounds):
    """What was learnt does not fit, but one can start over with ``fit``."""
    try:
        fresh = case.new(**changed).fit(*rounds)
    except ValueError:
        # Not with these contexts, or not with another parameter.
        return
    again = copy.deepcopy(bandit).fit(*rounds)
    case.require_same_beliefs(again, fresh, rounds[0], f"fit after {changed} was set")


@for_bandits(axes=2)
def check_arms_changed_after_learning(case):
    """``arms`` cannot be set to others after learning; the message says what to use."""
    X, y, reward = case.rounds(30)
    bandit = case.new().fit(X, y, reward=reward)
    known = beliefs(bandit, X)
    for arms in (case.arms[::-1], case.arms[:-1], [*case.arms, "another"]):
        bandit.set_params(arms=arms)
        for what, call in (
            ("predict", lambda: bandit.predict(X)),
            ("partial_fit", lambda: bandit.partial_fit(X, y, reward)),
            ("partial_fit of one", lambda: bandit.partial_fit(*some(slice(0, 1), X, y, reward))),
        ):
            require_raises(
                ValueError, "add_arms", call, f"{what} with arms={arms} after {case.arms}"
            )
    bandit.set_params(arms=case.arms)
    for name, now in beliefs(bandit, X).items():
        require_equal(now, known[name], f"arms put back: {name}")


@for_bandits(reward=("unit_interval", "binary", "count"))
def check_impossible_rewards(case):
    """A reward that the model cannot take raises, by name, and changes nothing."""
    bad = {"unit_interval": (-0.1, 1.5), "binary": (0.5, 2.0, -1.0), "count": (-1.0, 0.5)}
    for bandit in (case.new(), case.learnt(20)):
        before = fingerprint(bandit)
        for size in _SIZES:
            X, y, reward = case.rounds(size)
            for value in bad[get_tags(bandit).bandit_tags.reward]:
                reward = reward.copy()
                reward[(-1,) * reward.ndim] = value
                require_raises(
                    ValueError,
                    "reward",
                    lambda b=bandit, r=reward, x=X, a=y: b.partial_fit(x, a, r),
                    f"a reward of {value} in {size} rounds",
                )
        require_unchanged(bandit, before, "impossible rewards")


CHECKS = [
    check_parameters_are_validated,
    check_parameters_changed_after_learning,
    check_arms_changed_after_learning,
    check_impossible_rewards,
]
