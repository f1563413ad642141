"""Checks of the interface: constructor, tags, arms, shapes, clones."""

import inspect

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from ...base import is_bandit
from ._case import (
    Case,
    fingerprint,
    policy_error,
    require,
    require_close,
    require_equal,
    require_raises,
    require_same_beliefs,
    require_unchanged,
    skip_unless,
)


def check_constructor(name, estimator):
    """The constructor stores its arguments, all of them keyword-only, and does nothing else."""
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


def check_tags(name, estimator):
    """The tags say "bandit", also through a Pipeline and a search."""
    require(
        get_tags(estimator).estimator_type == "bandit", f"{name}: estimator_type must be 'bandit'"
    )
    wrapped = {
        "a Pipeline": make_pipeline(FunctionTransformer(), clone(estimator)),
        "a search": GridSearchCV(clone(estimator), {"random_state": [0]}),
    }
    for what, outer in wrapped.items():
        require(is_bandit(outer), f"is_bandit must answer True for {what} around {name}")


def check_unfitted_without_arms(name, estimator):
    """A bandit that knows no arms raises ``NotFittedError``."""
    case = Case(estimator)
    skip_unless(case.ndim == 2, "candidates are arms: contexts of three axes name them")
    X, y, reward = case.rounds(10)
    bandit = case.new(arms=None)
    for method in ("predict", "predict_proba", "decision_function", "expected_reward"):
        require_raises(
            NotFittedError, ".", lambda m=method: getattr(bandit, m)(X), f"{method} without arms"
        )
    require_raises(
        NotFittedError, ".", lambda: bandit.score(X, y, reward=reward), "score without arms"
    )


def check_unfitted_plays_from_prior(name, estimator):
    """A bandit that knows its arms plays before it has learnt, all arms alike."""
    case = Case(estimator)
    bandit = case.new()
    before = fingerprint(bandit)
    X = case.alike(20)
    share = (case.n_selected or 1) / len(case.arms)
    require_close(
        bandit.predict_proba(X),
        share,
        "an unfitted bandit must be uniform",
        atol=1e-8 + policy_error(bandit),
    )
    played = bandit.predict(X)
    require(set(np.ravel(played)) <= set(case.arms), "predict must return the arms' labels")
    bandit.decision_function(X), bandit.expected_reward(X, return_std=True)
    require_unchanged(bandit, before, "playing from the prior")


def check_order_of_arms(name, estimator):
    """Arms keep the order given; those learnt from ``y`` are sorted; ``classes=`` works too."""
    case = Case(estimator)
    skip_unless(case.ndim == 2, "candidates are named by their position")
    X, y, reward = case.rounds()
    given = case.new().fit(X, y, reward=reward)
    require_equal(given.classes_, case.arms, "classes_ must keep the order of arms=")
    require_equal(given.arms_, given.classes_, "arms_ must be classes_")
    learnt = case.new(arms=None).fit(X, y, reward=reward)
    require_equal(learnt.classes_, np.unique(y), "arms learnt from y must be sorted")
    named = case.new(arms=None).partial_fit(X[:1], y[:1], reward[:1], classes=case.arms)
    require_equal(named.classes_, case.arms, "classes= must name the arms in their order")
    require_same_beliefs(
        named.partial_fit(X[1:], y[1:], reward[1:], classes=case.arms),
        case.new().partial_fit(X[:1], y[:1], reward[:1]).partial_fit(X[1:], y[1:], reward[1:]),
        X,
        "classes= must mean the same as arms=",
    )
    columns = [case.arms.index(label) for label in np.unique(y)]
    np.testing.assert_allclose(
        learnt.expected_reward(X),
        given.expected_reward(X)[:, columns],
        rtol=1e-6,
        atol=1e-7,
        err_msg="the order of the arms must not change what they are believed to pay",
    )


def check_kinds_of_labels(name, estimator):
    """Whatever scikit-learn takes as class labels can name arms, in any kind of sequence."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    index = case.index(y)
    n_arms = len(case.arms)
    labels = np.arange(n_arms)[::-1]
    expected = case.new().fit(X, y, reward=reward).predict(X)
    kinds = {
        "a list of int": (10 * labels).tolist(),
        "a tuple of str": tuple(f"name {label}" for label in labels),
        "an array of int": labels - 2,
        "an array of float": labels + 0.0,
        "an array of object": np.array([f"name {label}" for label in labels], dtype=object),
    }
    for what, arms in kinds.items():
        bandit = case.new(arms=arms).fit(X, np.asarray(arms)[index], reward=reward)
        require_equal(bandit.classes_, np.asarray(arms), f"classes_ for {what}")
        require_equal(
            bandit.predict(X),
            np.asarray(arms)[case.index(expected)],
            f"labels that are {what} must not change the decisions",
        )


def check_shapes(name, estimator):
    """Scores and probabilities have a column for each arm, for two arms too."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    two = case.arms[: max(2, case.n_selected or 1)]
    for arms in (two, case.arms):
        if case.ndim == 3:
            bandit, contexts = case.new(arms=arms), X[:, : len(arms)]
        else:
            rows = np.isin(y, arms).reshape(len(X), -1).all(axis=1)
            bandit = case.new(arms=arms).fit(X[rows], y[rows], reward=reward[rows])
            contexts = X
        shape = (len(X), len(arms))
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
        shape = (len(X),) if case.n_selected is None else (len(X), case.n_selected)
        require(played.shape == shape, f"predict must have shape {shape}, got {played.shape}")
        require(propensity.shape == shape, f"a propensity must have shape {shape}")


def check_clone_forgets(name, estimator):
    """A clone knows the parameters and nothing that was learnt; ``fit`` forgets too."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    bandit = case.new().fit(X, y, reward=reward)
    before = fingerprint(bandit)
    fresh = clone(bandit)
    require_unchanged(bandit, before, "clone")
    learnt = [attribute for attribute in vars(fresh) if attribute.endswith("_")]
    require(not learnt, f"a clone must forget, but it has {learnt}")
    require_same_beliefs(fresh, case.new(), X, "a clone must be at its prior")
    again = case.new().partial_fit(X[::-1], y[::-1], reward[::-1]).fit(X, y, reward=reward)
    require_same_beliefs(again, bandit, X, "fit must forget what came before")
    require_equal(again.predict(X), bandit.predict(X), "fit must forget what came before")


CHECKS = [
    check_constructor,
    check_tags,
    check_unfitted_without_arms,
    check_unfitted_plays_from_prior,
    check_order_of_arms,
    check_kinds_of_labels,
    check_shapes,
    check_clone_forgets,
]
