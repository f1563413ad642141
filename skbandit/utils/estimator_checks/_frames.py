"""Checks of DataFrames, logs, pipelines, searches and metadata routing."""

import warnings
from importlib import import_module

import numpy as np
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ...base import make_log
from ._case import (
    Case,
    fingerprint,
    require,
    require_equal,
    require_raises,
    require_same_beliefs,
    require_unchanged,
    skip_unless,
)


def _frame_libraries():
    """The DataFrame libraries that are installed."""
    found = {}
    for library in ("pandas", "polars"):
        try:
            found[library] = import_module(library)
        except ImportError:
            continue
    return found


def _frame(library, X, names):
    return library.DataFrame({column: X[:, place] for place, column in enumerate(names)})


def check_dataframes(name, estimator):
    """The names of a DataFrame's columns are kept and checked."""
    case = Case(estimator)
    skip_unless(case.ndim == 2, "contexts of three axes do not come in a DataFrame")
    libraries = _frame_libraries()
    skip_unless(libraries, "neither pandas nor polars is installed")
    X, y, reward = case.rounds(20)
    names = [f"feature {place}" for place in range(X.shape[1])]
    plain = case.new().fit(X, y, reward=reward)
    for library in libraries.values():
        frame = _frame(library, X, names)
        bandit = case.new().fit(frame, y, reward=reward)
        require_equal(bandit.feature_names_in_, names, "feature_names_in_")
        require_equal(bandit.predict(frame), plain.predict(X), "decisions on a DataFrame")
        first = case.new().partial_fit(frame[:1], y[:1], reward[:1])
        first.partial_fit(frame[1:], y[1:], reward[1:])
        require_equal(first.feature_names_in_, names, "feature_names_in_ after partial_fit")
        before = fingerprint(bandit)
        renamed = _frame(library, X, [*names[:-1], "another"])
        swapped = _frame(library, X, names[::-1])
        for what, other in (("renamed columns", renamed), ("columns in another order", swapped)):
            for call in (
                bandit.predict,
                bandit.predict_proba,
                bandit.decision_function,
                bandit.expected_reward,
                lambda contexts, b=bandit: b.partial_fit(contexts, y, reward),
            ):
                require_raises(
                    ValueError, "feature names", lambda c=call, o=other: c(o), f"a frame of {what}"
                )
        require_unchanged(bandit, before, "a DataFrame with other columns")
        for contexts in (X, X[:1]):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                bandit.predict(contexts)
            require(
                any("feature names" in str(warning.message) for warning in caught),
                "an array after a DataFrame must warn that feature names are missing",
            )


def check_log_equals_keywords(name, estimator):
    """A log as structured array, as DataFrame and spelt out in keywords are one thing."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    propensity = np.full(reward.shape, 0.4)
    log = make_log(y, reward, propensity)
    logs = {"a structured array": log, "a log without propensities": make_log(y, reward)}
    if case.n_selected is None:
        columns = {"arm": y, "reward": reward, "propensity": propensity}
        for title, library in _frame_libraries().items():
            logs[f"a DataFrame of {title}"] = library.DataFrame(columns)
    keywords = case.new().fit(X, y, reward=reward)
    value = keywords.score(X, y, reward=reward, propensity=propensity)
    for what, given in logs.items():
        for method in ("fit", "partial_fit"):
            bandit = getattr(case.new(), method)(X, given)
            require_same_beliefs(bandit, keywords, X, f"{method} from {what}", rtol=1e-12)
            require_equal(bandit.predict(X), keywords.predict(X), f"decisions after {what}")
        if what != "a log without propensities":
            scored = bandit.score(X, given)
            require(
                abs(scored - value) <= 1e-9 * abs(value), f"score on {what}: {scored}, {value}"
            )


def check_slicing_tools(name, estimator):
    """scikit-learn's tools that slice rows work on a log with no set-up."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    log = make_log(y, reward, np.full(reward.shape, (case.n_selected or 1) / len(case.arms)))
    X_train, X_test, log_train, log_test = train_test_split(X, log, random_state=0)
    bandit = case.new().fit(X_train, log_train)
    require(np.isfinite(bandit.score(X_test, log_test)), "score on a part of a log")
    search = GridSearchCV(case.new(), {"random_state": [0, 1]}, cv=2, error_score="raise")
    with warnings.catch_warnings():
        # A policy that never plays what a small part of the log holds has no value on it.
        warnings.filterwarnings("ignore", category=UserWarning)
        search.fit(X, log)
    require_equal(
        search.predict(X),
        case.new(random_state=search.best_params_["random_state"]).fit(X, log).predict(X),
        "decisions of a search",
    )


def check_pipeline(name, estimator):
    """Inside a Pipeline a bandit decides and learns as it does alone; names pass through."""
    case = Case(estimator)
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
    libraries = _frame_libraries()
    if case.ndim == 2 and libraries:
        library, module = next(iter(libraries.items()))
        names = ["one", "two", "three"]
        scaler = StandardScaler().set_output(transform=library)
        named = make_pipeline(scaler, case.new()).fit(
            _frame(module, X, names), make_log(y, reward)
        )
        require_equal(named[-1].feature_names_in_, names, "names through a Pipeline")


def check_metadata_routing(name, estimator):
    """With routing on, ``reward`` travels through a Pipeline as metadata."""
    case = Case(estimator)
    X, y, reward = case.rounds()
    weight = case.rng.randint(1, 4, size=len(X))
    alone = case.new().fit(X, y, reward=reward, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        bandit = case.new().set_fit_request(reward=True, sample_weight=True)
        bandit.set_partial_fit_request(reward=True, classes=True, sample_weight=True)
        bandit.set_predict_request(explore=True, available=True, return_propensity=True)
        bandit.set_score_request(reward=True, propensity=True, sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), bandit)
        pipeline.fit(X, y, reward=reward, sample_weight=weight)
        require_equal(pipeline.predict(X), alone.predict(X), "decisions with routed rewards")
        _, propensity = pipeline.predict(X, return_propensity=True)
        require_equal(propensity, alone.predict(X, return_propensity=True)[1], "routed propensity")
        require_equal(
            pipeline.score(X, y, reward=reward, propensity=np.full(reward.shape, 0.5)),
            alone.score(X, y, reward=reward, propensity=np.full(reward.shape, 0.5)),
            "score with routed rewards",
        )


CHECKS = [
    check_dataframes,
    check_log_equals_keywords,
    check_slicing_tools,
    check_pipeline,
    check_metadata_routing,
]
