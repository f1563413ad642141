"""Checks of the interface: constructor, tags, arms, shapes, clones."""

import inspect

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from ..._tags import get_bandit_tags
from ...base import is_bandit
from ._case import (
    backwards,
    fingerprint,
    require,
    require_equal,
    require_raises,
    require_unchanged,
    some,
)
from ._promises import for_bandits


@for_bandits()
def check_constructor(case):
    """The constructor stores its arguments, all of them keyword-only, and does nothing else."""
    name, estimator = case.name, case.estimator
    signature = inspect.signature(type(estimator).__init__)
    for parameter in list(signature.parameters.values())[1:]:
        require(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            f"{name}: the parameter {parameter.name} must be keyword-only",
        )
    for parameter, default in (("arms", None), ("random_state", None)):
        require(parameter in signature.parameters, f"{name} must have the parameter {parameter}")
        require(
            signature.parameters[parameter].default is default,
            f"{name}: the default of {parameter} must be {default}",
        )
    arms = ["x", "y"]
    made = clone(estimator).set_params(arms=arms)
    require(made.arms is arms, f"{name} must keep arms as given, not a copy")
    extra = set(vars(clone(estimator))) - set(estimator.get_params(deep=False))
    extra = {attribute for attribute in extra if not attribute.startswith("_")}
    require(not extra, f"{name}: the constructor sets more than its parameters: {sorted(extra)}")


@for_bandits()
def check_tags(case):
    """The tags say "bandit" and what it can do, also through a Pipeline and a search."""
    name, estimator = case.name, case.estimator
    require(
        get_tags(estimator).estimator_type == "bandit", f"{name}: estimator_type must be 'bandit'"
    )
    wrapped = {
        "a Pipeline": make_pipeline(FunctionTransformer(), clone(estimator)),
        "a search": GridSearchCV(clone(estimator), {"random_state": [0]}),
    }
    for what, outer in wrapped.items():
        require(is_bandit(outer), f"is_bandit must answer True for {what} around {name}")
        require(
            get_bandit_tags(outer) == case.tags,
            f"the tags of {what} around {name} must be its own",
        )


@for_bandits()
def check_width_is_as_declared(case):
    """The standard deviation is 0 for a bandit that declares no width, and only for such."""
    X = case.contexts(20)
    for what, bandit in (("an unfitted", case.new()), ("a learnt", case.learnt())):
        width = bandit.expected_reward(X, return_std=True)[1]
        if case.tags.has_width:
            require(
                (width > 0).any(), f"{what} bandit has a width of 0 everywhere: has_width=False?"
            )
        else:
            require_equal(width, 0.0, f"{what} bandit declares has_width=False")


@for_bandits(axes=2)
def check_unfitted_without_arms(case):
    """A bandit that knows no arms raises ``NotFittedError``."""
    X, y, reward = case.rounds(10)
    bandit = case.new(arms=None)
    for method in ("predict", "predict_proba", "decision_function", "expected_reward"):
        require_raises(
            NotFittedError, ".", lambda m=method: getattr(bandit, m)(X), f"{method} without arms"
        )
    require_raises(
        NotFittedError, ".", lambda: bandit.score(X, y, reward=reward), "score without arms"
    )


@for_bandits()
def check_unfitted_plays_from_prior(case):
    """A bandit that knows its arms plays before it has learnt, all arms alike."""
    bandit = case.new()
    before = fingerprint(bandit)
    X = case.alike(20)
    share = (case.n_selected or 1) / len(case.arms)
    require_equal(
        bandit.predict_proba(X).round(8), np.round(share, 8), "an unfitted bandit must be uniform"
    )
    played = bandit.predict(X)
    require(set(np.ravel(played)) <= set(case.arms), "predict must return the arms' labels")
    bandit.decision_function(X), bandit.expected_reward(X, return_std=True)
    require_unchanged(bandit, before, "playing from the prior")


@for_bandits(axes=2)
def check_classes(case):
    """Arms keep the order given; those learnt from ``y`` are sorted; ``classes=`` works too."""
    X, y, reward = case.rounds()
    given = case.new().fit(X, y, reward=reward)
    require_equal(given.classes_, case.arms, "classes_ must keep the order of arms=")
    require_equal(given.arms_, given.classes_, "arms_ must be classes_")
    learnt = case.new(arms=None).fit(X, y, reward=reward)
    require_equal(learnt.classes_, np.unique(y), "arms learnt from y must be sorted")
    first, rest = some(slice(0, 9), X, y, reward), some(slice(9, None), X, y, reward)
    named = case.new(arms=None).partial_fit(*first, classes=case.arms)
    require_equal(named.classes_, case.arms, "classes= must name the arms in their order")
    case.require_same_beliefs(
        named.partial_fit(*rest, classes=case.arms),
        case.new().partial_fit(*first).partial_fit(*rest),
        X,
        "classes= must mean the same as arms=",
    )


@for_bandits(axes=2, arm_order=("free", "named"))
def check_order_of_arms(case):
    """Nothing depends on the order in which the arms are named."""
    X, y, reward = case.rounds()
    given = case.new().fit(X, y, reward=reward)
    learnt = case.new(arms=None).fit(X, y, reward=reward)
    columns = [case.arms.index(label) for label in np.unique(y)]
    what = "the order of the arms must not matter"
    mean, std = learnt.expected_reward(X, return_std=True)
    expected_mean, expected_std = given.expected_reward(X, return_std=True)
    case.require_close(mean, expected_mean[:, columns], f"the mean: {what}")
    case.require_close(std, expected_std[:, columns], f"the width: {what}")
    if case.policy_is_exact:
        # A share of draws would depend on which draw belongs to which arm.
        case.require_same_policy(
            learnt.predict_proba(X), given.predict_proba(X)[:, columns], f"an exact policy: {what}"
        )


@for_bandits()
def check_shapes(case):
    """Scores and probabilities have a column for each arm, for two arms too."""
    X, y, reward = case.rounds()
    two = case.arms[: max(2, case.n_selected or 1)]
    for arms in (two, case.arms):
        if case.ndim == 3:
            bandit, contexts = case.new(arms=arms), X[:, : len(arms)]
        else:
            rows = np.isin(y, arms).reshape(len(y), -1).all(axis=1)
            bandit = case.new(arms=arms).fit(*some(rows, X, y, reward))
            contexts = X
        shape = (len(y), len(arms))
        mean, std = bandit.expected_reward(contexts, return_std=True)
        for what, value in (
            ("decision_function", bandit.decision_function(contexts)),
            ("predict_proba", bandit.predict_proba(contexts)),
            ("expected_reward", bandit.expected_reward(contexts)),
            ("the mean", mean),
            ("the standard deviation", std),
        ):
            require(
                isinstance(value, np.ndarray) and value.shape == shape,
                f"{what} must be an array of shape {shape}, got {np.shape(value)}",
            )
            require(value.dtype == np.float64, f"{what} must be float64, got {value.dtype}")
            # The bound of an arm that was never played may be infinite.
            fine = ~np.isnan(value) if what == "decision_function" else np.isfinite(value)
            require(fine.all(), f"{what} must be finite")
        require((std >= 0).all(), "a standard deviation must not be negative")
        require_equal(
            mean, bandit.expected_reward(contexts), "return_std must not change the mean"
        )
        played, propensity = bandit.predict(contexts, return_propensity=True)
        shape = (len(y),) if case.n_selected is None else (len(y), case.n_selected)
        require(played.shape == shape, f"predict must have shape {shape}, got {played.shape}")
        require(propensity.shape == shape, f"a propensity must have shape {shape}")


@for_bandits()
def check_clone_forgets(case):
    """A clone knows the parameters and nothing that was learnt; ``fit`` forgets too."""
    X, y, reward = case.rounds()
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    fresh = clone(bandit)
    require_unchanged(bandit, before, "clone")
    learnt = [attribute for attribute in vars(fresh) if attribute.endswith("_")]
    require(not learnt, f"a clone must forget, but it has {learnt}")
    case.require_same_beliefs(fresh, case.new(), X, "a clone must be at its prior")
    again = case.new().partial_fit(backwards(X), y[::-1], reward[::-1]).fit(X, y, reward=reward)
    case.require_same_beliefs(again, bandit, X, "fit must forget what came before")
    require_equal(again.predict(X), bandit.predict(X), "fit must forget what came before")


CHECKS = [
    check_constructor,
    check_tags,
    check_width_is_as_declared,
    check_unfitted_without_arms,
    check_unfitted_plays_from_prior,
    check_classes,
    check_order_of_arms,
    check_shapes,
    check_clone_forgets,
]
