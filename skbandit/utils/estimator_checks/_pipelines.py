"""Checks of bandits inside Pipelines: steps before them, Pipelines in Pipelines, nightly fits."""

import copy

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ..._tags import get_bandit_tags
from ...base import is_bandit, make_log
from ...transfer import add_arms, drop_features, expand_features, remove_arms
from ._case import (
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


@for_bandits()
def check_pipeline(case):
    """Inside a Pipeline a bandit decides and learns as it does alone."""
    X, y, reward = case.rounds()
    pipeline = make_pipeline(FunctionTransformer(), case.new())
    pipeline.fit(X, make_log(y, reward))
    alone = case.new().fit(X, y, reward=reward)
    require_equal(pipeline.predict(X), alone.predict(X), "decisions in a Pipeline")
    require_equal(
        pipeline.predict(X, explore=False),
        alone.predict(X, explore=False),
        "explore=False through a Pipeline",
    )
    require_equal(pipeline.predict_proba(X), alone.predict_proba(X), "predict_proba in a Pipeline")
    require_equal(pipeline.classes_, alone.classes_, "classes_ of a Pipeline")


@for_bandits(axes=2, rows="numbers")
def check_step_before(case):
    """A step that changes the contexts is one thing with changing them first; names pass on."""
    X, y, reward = case.rounds()
    pipeline = make_pipeline(StandardScaler(), case.new()).fit(X, make_log(y, reward))
    scaled = StandardScaler().fit_transform(X)
    alone = case.new().fit(scaled, y, reward=reward)
    require_equal(pipeline.predict(X), alone.predict(scaled), "decisions after a step")
    require_equal(pipeline.predict_proba(X), alone.predict_proba(scaled), "policy after a step")
    libraries = frame_libraries()
    skip_unless(libraries, "neither pandas nor polars is installed")
    library, module = next(iter(libraries.items()))
    names = ["one", "two", "three"]
    scaler = StandardScaler().set_output(transform=library)
    named = make_pipeline(scaler, case.new()).fit(_frame(module, X, names), make_log(y, reward))
    require_equal(getattr(named[-1], "feature_names_in_", ()), names, "names through a Pipeline")


def _nested(bandit):
    return make_pipeline(FunctionTransformer(), make_pipeline("passthrough", bandit))


@for_bandits()
def check_nested_pipelines(case):
    """A bandit in a Pipeline in a Pipeline: tags, decisions, and a fit each night anew."""
    X, y, reward = case.rounds()
    log = make_log(y, reward)
    nested = _nested(case.new())
    require(is_bandit(nested), "is_bandit of a nested Pipeline")
    require(get_bandit_tags(nested) == case.tags, "the tags of a nested Pipeline")
    for night in (20, 40, 60):
        rows = slice(0, night)
        X_then, y_then, reward_then = some(rows, X, y, reward)
        nested.fit(X_then, log[rows])
        alone = case.new().fit(X_then, y_then, reward=reward_then)
        require_equal(nested.predict(X), alone.predict(X), f"decisions after {night} rounds")
        require_equal(nested.predict_proba(X), alone.predict_proba(X), "a nested policy")
    again = clone(nested).fit(X, log)
    require_equal(again.predict(X), nested.predict(X), "a clone that was fitted on the same log")


@for_bandits(axes=2)
def check_transfer_in_nested_pipelines(case):
    """Arms of a bandit in nested Pipelines are added and removed; the old ones are untouched."""
    X, y, reward = case.rounds()
    nested = _nested(case.new()).fit(X, make_log(y, reward))
    bandit = nested[-1][-1]
    before = fingerprint(bandit)
    for function, arms in ((add_arms, ["another"]), (remove_arms, case.arms[:1])):
        what = function.__name__
        direct = getattr(copy.deepcopy(bandit), what)(arms)
        new = function(nested, arms)
        require_equal(new.classes_, direct.classes_, f"classes_ after {what} in nested Pipelines")
        require_equal(new.predict(X), direct.predict(X), f"decisions after {what}")
        require(new[-1][-1] is not bandit, f"{what} must make a new bandit")
    require(nested[-1][-1] is bandit, "the old Pipeline must keep its bandit")
    require_unchanged(bandit, before, "transfer of a nested Pipeline")


@for_bandits({"adding_features": "exact"}, {"dropping_features": "exact"}, axes=2, rows="numbers")
def check_features_in_nested_pipelines(case):
    """Features change where no step makes them; where one does, the way out is said."""
    X, y, reward = case.rounds()
    plain = make_pipeline("passthrough", make_pipeline("passthrough", case.new()))
    plain.fit(X, make_log(y, reward))
    made = make_pipeline(StandardScaler(), make_pipeline("passthrough", case.new()))
    made.fit(X, make_log(y, reward))
    bandit = plain[-1][-1]
    for function, method, change, columns in (
        (expand_features, "adding_features", 1, np.pad(X, [(0, 0), (0, 1)])),
        (drop_features, "dropping_features", [0], X[:, 1:]),
    ):
        if getattr(case.tags, method) != "exact":
            continue
        what = function.__name__
        direct = getattr(bandit, what)(change)
        new = function(plain, change)
        require_equal(new.predict(columns), direct.predict(columns), f"{what} of a Pipeline")
        require_raises(
            ValueError,
            "StandardScaler.*(.|\n)*transfer",
            lambda f=function, c=change: f(made, c),
            f"{what} where a step makes the features",
        )


CHECKS = [
    check_pipeline,
    check_step_before,
    check_nested_pipelines,
    check_transfer_in_nested_pipelines,
    check_features_in_nested_pipelines,
]
