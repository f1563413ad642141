"""Checks of DataFrames, logs, tools that slice rows, and metadata routing."""

import warnings

import numpy as np
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ...base import make_log
from ._case import (
    fingerprint,
    require,
    require_equal,
    require_raises,
    require_unchanged,
    skip_unless,
    some,
)
from ._labels import _has_arrow, frame_libraries
from ._promises import for_bandits


def _frame(library, X, names):
    return library.DataFrame({column: X[:, place] for place, column in enumerate(names)})


@for_bandits(axes=2, rows="numbers")
def check_dataframes(case):
    """The names of a DataFrame's columns are kept and checked."""
    libraries = frame_libraries()
    skip_unless(libraries, "neither pandas nor polars is installed")
    X, y, reward = case.rounds(20)
    names = [f"feature {place}" for place in range(X.shape[1])]
    plain = case.new().fit(X, y, reward=reward)
    for library in libraries.values():
        frame = _frame(library, X, names)
        bandit = case.new().fit(frame, y, reward=reward)
        require_equal(getattr(bandit, "feature_names_in_", ()), names, "feature_names_in_")
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


@for_bandits(axes=2)
def check_rows_by_position(case):
    """Rows of a frame are rows by position, whatever its index says."""
    pandas = frame_libraries().get("pandas")
    skip_unless(pandas, "pandas is not installed")
    X, y, reward = case.rounds(24)
    if case.make_contexts is None:
        X = _frame(pandas, X, ["a", "b", "c"])
    skip_unless(isinstance(X, (pandas.DataFrame, pandas.Series)), "contexts are no pandas frame")
    weight = case.rng.randint(1, 4, size=24)
    plain = case.new().fit(X, y, reward=reward, sample_weight=weight)
    decisions = plain.predict(X)
    for what, index in (
        ("in another order", case.rng.permutation(24)),
        ("with equal labels", np.repeat(np.arange(8), 3)),
        ("of texts", [f"row {place}" for place in range(24)]),
    ):
        other = case.rng.permutation(24)
        frame = X.set_axis(index, axis=0)
        columns = {"y": y, "reward": reward, "sample_weight": weight}
        if case.n_selected is None:
            columns = {name: pandas.Series(c, index=other) for name, c in columns.items()}
        bandit = case.new().fit(frame, **columns)
        message = f"an index {what} must not matter"
        case.require_same_beliefs(bandit, plain, X, message, X_actual=frame)
        require_equal(bandit.predict(frame), decisions, message)
        bandit.partial_fit(*some(slice(0, 5), frame, *list(columns.values())[:2]))


@for_bandits(axes=2, rows="numbers")
def check_nullable_columns(case):
    """Columns of nullable and Arrow types mean the numbers that they hold."""
    pandas = frame_libraries().get("pandas")
    skip_unless(pandas, "pandas is not installed")
    X, y, reward = case.rounds(20)
    X[:, 1] = np.round(4 * X[:, 1])
    frame = _frame(pandas, X, ["a", "b", "c"])
    plain = case.new().fit(frame, y, reward=reward)
    for backend in ["numpy_nullable"] + ["pyarrow"] * _has_arrow():
        given = frame.convert_dtypes(dtype_backend=backend)
        bandit = case.new().fit(given, y, reward=reward)
        case.require_same_beliefs(bandit, plain, frame, f"columns of {backend}", X_actual=given)
        require_equal(bandit.predict(given), plain.predict(frame), f"columns of {backend}")


@for_bandits()
def check_log_equals_keywords(case):
    """A log as structured array, as DataFrame and spelt out in keywords are one thing."""
    X, y, reward = case.rounds()
    propensity = np.full(reward.shape, 0.4)
    log = make_log(y, reward, propensity)
    logs = {"a structured array": log, "a log without propensities": make_log(y, reward)}
    if case.n_selected is None:
        columns = {"arm": y, "reward": reward, "propensity": propensity}
        for title, library in frame_libraries().items():
            logs[f"a DataFrame of {title}"] = library.DataFrame(columns)
    keywords = case.new().fit(X, y, reward=reward)
    carrying = case.new().fit(X, log) if case.tags.propensity == "used" else keywords
    value = carrying.score(X, y, reward=reward, propensity=propensity)
    for what, given in logs.items():
        expected = keywords if what == "a log without propensities" else carrying
        for method in ("fit", "partial_fit"):
            bandit = getattr(case.new(), method)(X, given)
            case.require_same_beliefs(bandit, expected, X, f"{method} from {what}")
            require_equal(bandit.predict(X), expected.predict(X), f"decisions after {what}")
        if what != "a log without propensities":
            scored = bandit.score(X, given)
            require(
                abs(scored - value) <= 1e-9 * abs(value), f"score on {what}: {scored}, {value}"
            )


@for_bandits()
def check_slicing_tools(case):
    """scikit-learn's tools that slice rows work on a log with no set-up."""
    X, y, reward = case.rounds()
    log = make_log(y, reward, np.full(reward.shape, (case.n_selected or 1) / len(case.arms)))
    X_train, X_test, log_train, log_test = train_test_split(X, log, random_state=0)
    bandit = case.new().fit(X_train, log_train)
    with warnings.catch_warnings():
        # A policy that never plays what a small part of the log holds has no value on it.
        warnings.filterwarnings("ignore", category=UserWarning)
        require(isinstance(bandit.score(X_test, log_test), float), "score on a part of a log")
        search = GridSearchCV(case.new(), {"random_state": [0, 1]}, cv=2, error_score="raise")
        search.fit(X, log)
    require_equal(
        search.predict(X),
        case.new(random_state=search.best_params_["random_state"]).fit(X, log).predict(X),
        "decisions of a search",
    )


@for_bandits()
def check_metadata_routing(case):
    """With routing on, ``reward`` travels through a Pipeline as metadata."""
    X, y, reward = case.rounds()
    weight = case.rng.randint(1, 4, size=len(y))
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
    check_rows_by_position,
    check_nullable_columns,
    check_log_equals_keywords,
    check_slicing_tools,
    check_metadata_routing,
]
