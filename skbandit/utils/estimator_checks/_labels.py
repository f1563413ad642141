"""Checks of labels, logs and masks, in every container in which they come."""

import enum
import warnings
from importlib import import_module

import numpy as np
from sklearn.model_selection import cross_val_predict

from ...base import make_log
from ._case import fingerprint, require_equal, require_raises, require_unchanged, some
from ._promises import for_bandits


def frame_libraries():
    """The DataFrame libraries that are installed, by name."""
    found = {}
    for library in ("pandas", "polars"):
        try:
            found[library] = import_module(library)
        except ImportError:
            continue
    return found


def _has_arrow():
    try:
        import_module("pyarrow")
    except ImportError:
        return False
    return True


@for_bandits()
def check_kinds_of_labels(case):
    """Whatever scikit-learn takes as class labels can name arms, in any kind of sequence."""
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
        "integers in an array of object": np.array(labels.tolist(), dtype=object),
    }
    for what, arms in kinds.items():
        bandit = case.new(arms=arms).fit(X, np.asarray(arms)[index], reward=reward)
        require_equal(bandit.classes_, np.asarray(arms), f"classes_ for {what}")
        if case.tags.arm_order == "named":
            continue
        require_equal(
            bandit.predict(X),
            np.asarray(arms)[case.index(expected)],
            f"labels that are {what} must not change the decisions",
        )


@for_bandits(plays="one")
def check_containers_of_labels(case):
    """Labels in a series (strings, categories, objects), in a frame or of an enumeration."""
    X, y, reward = case.rounds()
    expected = case.new().fit(X, y, reward=reward).predict(X)
    names = [(f"member_{place}", arm) for place, arm in enumerate(case.arms)]
    members = enum.Enum("Arm", names, type=str)
    given = {"members of an enumeration": [members(label) for label in y.tolist()]}
    libraries = frame_libraries()
    if "pandas" in libraries:
        series = libraries["pandas"].Series(y)
        kinds = ["object", "string", "category"] + ["string[pyarrow]"] * _has_arrow()
        given |= {f"a pandas series of {kind}": series.astype(kind) for kind in kinds}
    if "polars" in libraries:
        given["a polars series"] = libraries["polars"].Series(y.tolist())
    for what, labels in given.items():
        bandit = case.new().partial_fit(X, labels, reward=reward)
        require_equal(bandit.classes_, case.arms, f"classes_ for {what}")
        require_equal(bandit.predict(X), expected, f"labels in {what}")
    if case.ndim == 2:
        labels = given["members of an enumeration"]
        bandit = case.new(arms=None).fit(X, labels, reward=reward)
        require_equal(bandit.classes_, np.unique(y), "arms learnt from members of an enumeration")
        bandit.add_arms(["another"]).predict(X)


@for_bandits(plays="one", axes=2)
def check_labels_messages(case):
    """Labels that are missing or of several types raise, and the message names ``y``."""
    X, y, reward = case.rounds(20)
    objects = y.astype(object)
    missing, mixed, first = objects.copy(), objects.copy(), objects.copy()
    missing[5], mixed[7], first[0] = None, 3, None
    bad = {"None": missing, "None in front": first, "texts and numbers": mixed}
    bad["NaN"] = np.where(np.arange(20) == 3, np.nan, objects)
    libraries = frame_libraries()
    if "pandas" in libraries:
        series = libraries["pandas"].Series(missing)
        bad |= {f"a missing {kind}": series.astype(kind) for kind in ("string", "category")}
    if "polars" in libraries:
        bad["a null of polars"] = libraries["polars"].Series(missing.tolist())
    for bandit in (case.new(), case.new(arms=None), case.learnt(20)):
        before = fingerprint(bandit)
        for what, labels in bad.items():
            for method in ("fit", "partial_fit"):
                require_raises(
                    ValueError,
                    r"\by\b",
                    lambda b=bandit, m=method, a=labels: getattr(b, m)(X, a, reward=reward),
                    f"{method} with labels that hold {what}",
                )
        require_unchanged(bandit, before, "labels that name no arm")


@for_bandits()
def check_logs_with_unread_fields(case):
    """A field of a structured log that nobody reads is an error; a frame may carry others."""
    X, y, reward = case.rounds(20)
    log = make_log(y, reward)
    wide = np.empty(20, dtype=[*log.dtype.descr, ("when", "f8")])
    for name in log.dtype.names:
        wide[name] = log[name]
    for bandit in (case.new(), case.learnt(20)):
        for method in ("fit", "partial_fit", "score"):
            require_raises(
                ValueError, "when", lambda b=bandit, m=method: getattr(b, m)(X, wide), method
            )
    if case.n_selected is not None:
        return
    plain = case.new().fit(X, log)
    for title, library in frame_libraries().items():
        columns = {"when": np.arange(20.0), "arm": y, "reward": reward}
        bandit = case.new().fit(X, library.DataFrame(columns))
        require_equal(
            bandit.predict(X), plain.predict(X), f"a frame of {title} with another column"
        )


@for_bandits(plays="one", axes=2)
def check_encoded_logs_are_refused(case):
    """scikit-learn's ``cross_val_predict`` encodes a log as classes: refused, with the way out."""
    X, y, reward = case.rounds(60)
    # Each round differs, whatever its reward.
    log = make_log(y, reward, np.linspace(0.2, 0.9, 60))
    for arms, pattern in ((None, "cross_val_predict"), (case.arms, "add_arms|cross_val_predict")):
        with warnings.catch_warnings():
            # scikit-learn wonders at so many classes.
            warnings.simplefilter("ignore")
            require_raises(
                ValueError,
                pattern,
                lambda a=arms: cross_val_predict(
                    case.new(arms=a), X, log, cv=3, method="predict_proba"
                ),
                f"cross_val_predict on a log with arms={arms}",
            )


@for_bandits()
def check_masks_in_frames(case):
    """Masks may be frames, their columns in any order, their booleans nullable."""
    libraries = frame_libraries()
    X = case.contexts(12)
    k = case.n_selected or 1
    mask = case.rng.random_sample((12, len(case.arms))) < 0.5
    mask[:, :k] = True
    order = case.rng.permutation(len(case.arms))
    bandit = case.learnt(20)
    expected, chance = bandit.predict(X, available=mask, return_propensity=True)
    masks = {}
    for title, library in libraries.items():
        shuffled = library.DataFrame({case.arms[place]: mask[:, place] for place in order})
        masks[f"a frame of {title} in another order"] = shuffled
        if title == "pandas":
            masks["nullable booleans"] = shuffled.convert_dtypes()
            if _has_arrow():
                masks["Arrow booleans"] = shuffled.convert_dtypes(dtype_backend="pyarrow")
            masks["objects"] = shuffled.astype(object)
            shuffled = shuffled.set_index(case.rng.permutation(12))
            masks["an index in another order"] = shuffled
            unknown = shuffled.rename(columns={case.arms[0]: "nobody"})
            require_raises(
                ValueError,
                "available",
                lambda a=unknown: bandit.predict(X, available=a),
                "a mask whose columns are other arms",
            )
            holes = shuffled.astype("boolean")
            holes.iloc[3, 0] = None
            require_raises(
                ValueError,
                "available.*missing",
                lambda a=holes: bandit.predict(X, available=a),
                "a mask with missing values",
            )
    for what, given in masks.items():
        played, propensity = bandit.predict(X, available=given, return_propensity=True)
        require_equal(played, expected, f"decisions under a mask: {what}")
        require_equal(propensity, chance, f"propensities under a mask: {what}")
        require_equal(
            bandit.predict_proba(X, available=given),
            bandit.predict_proba(X, available=mask),
            f"probabilities under a mask: {what}",
        )


@for_bandits(plays="one")
def check_rewards_in_series(case):
    """Rewards may be series, nullable or Arrow ones too; a missing one is an error."""
    libraries = frame_libraries()
    X, y, reward = case.rounds(20)
    expected = case.new().fit(X, y, reward=reward).predict(X)
    given = {}
    if "pandas" in libraries:
        series = libraries["pandas"].Series(reward, index=case.rng.permutation(20))
        given |= {"a series": series, "nullable numbers": series.astype("Float64")}
        if _has_arrow():
            given["Arrow numbers"] = series.astype("double[pyarrow]")
        holes = series.astype("Float64")
        holes.iloc[4] = None
        require_raises(
            ValueError, "reward", lambda: case.new().fit(X, y, reward=holes), "a missing reward"
        )
    if "polars" in libraries:
        given["a series of polars"] = libraries["polars"].Series(reward)
    for what, rewards in given.items():
        bandit = case.new().fit(X, y, reward=rewards)
        require_equal(bandit.predict(X), expected, f"rewards as {what}")
        bandit = case.new().fit(*some(slice(0, 10), X, y, reward))
        bandit.partial_fit(*some(slice(10, None), X, y, rewards))


CHECKS = [
    check_kinds_of_labels,
    check_containers_of_labels,
    check_labels_messages,
    check_logs_with_unread_fields,
    check_encoded_logs_are_refused,
    check_masks_in_frames,
    check_rewards_in_series,
]
