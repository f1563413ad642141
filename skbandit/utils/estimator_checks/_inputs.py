"""Checks of bad input: what a message says, and that a call that raises changes nothing."""

import numpy as np
from scipy import sparse

from ...base import make_log
from ._case import (
    fingerprint,
    require_close,
    require_equal,
    require_raises,
    require_same_attributes,
    require_unchanged,
    some,
)
from ._promises import for_bandits

# Batches below and above the sizes that an online loop may treat in a fast way.
_SIZES = (1, 5, 50)


def _with(array, value, dtype=np.float64):
    """A copy whose last entry is another."""
    changed = np.array(array, dtype=dtype)
    changed[(-1,) * changed.ndim] = value
    return changed


def _bad_contexts(case, X):
    """Contexts that the bandit does not take: what they are, they, the message to match."""
    if case.make_contexts is not None or case.tags.contexts == "none":
        yield "X without rows", some(slice(0, 0), X)[0], "0 sample|at least one"
        return
    if not case.input_tags.allow_nan:
        yield "X with NaN", _with(X, np.nan), "NaN"
    yield "X with infinity", _with(X, np.inf), "[Ii]nfinity"
    yield "X with minus infinity", _with(X, -np.inf), "[Ii]nfinity"
    yield "X with both infinities", _with(_with(X, np.inf), -np.inf), "[Ii]nfinity"
    yield "X without rows", X[:0], "0 sample|at least one"
    yield "complex X", X + 1j, "[Cc]omplex"
    if case.tags.contexts == "numbers" and not case.input_tags.string:
        strings = X.astype(str).astype(object) + "x"
        yield "X of strings", strings, "could not convert|numeric|string"
        yield "X of dicts", np.full(X.shape, {}, dtype=object), "float|number|numeric"
    yield "X of one axis", X[0] if case.ndim == 2 else X[0, 0], "[Rr]eshape|dimension"
    if not case.input_tags.three_d_array:
        yield "X of three axes", X[:, None], "dimension|Reshape"


def _bad_widths(case, X):
    if case.make_contexts is not None:
        return
    wide = np.concatenate([X, X[..., :1]], axis=-1)
    yield "X with a feature more", wide, "features"
    yield "X with a feature less", X[..., :-1], "features"


def _bad_rounds(case, X, y, reward):
    """Keywords that must raise, with the message to match; contexts are good."""
    n_rounds = len(y)
    good = {"X": X, "y": y, "reward": reward}
    unknown = np.array(y, dtype=object)
    unknown[(-1,) * unknown.ndim] = "nobody"
    numbers = np.broadcast_to(np.arange(y[0].size), (n_rounds, y[0].size)).reshape(y.shape)
    for what, labels in (
        ("an unknown arm", unknown.astype(str)),
        ("an unknown arm among objects", unknown),
        ("arms of another type", numbers),
    ):
        yield what, {**good, "y": labels}, "add_arms"
    yield "no y", {**good, "y": None}, "y"
    yield "complex y", {**good, "y": np.ones(np.shape(y)) * 1j}, "[Cc]omplex"
    yield "y of floats with NaN", {**good, "y": np.full(np.shape(y), np.nan)}, "NaN"
    yield "a y too long", {**good, "y": np.concatenate([y, y])}, "inconsistent|shape"
    one_axis_more = np.repeat(reward[..., None], 2, axis=-1)
    if case.tags.reward == "several" and case.n_selected is None:
        # That would be two objectives.
        one_axis_more = one_axis_more[..., None]
    for what, bad, pattern in (
        ("with NaN", _with(reward, np.nan), "reward"),
        ("with infinity", _with(reward, np.inf), "reward"),
        ("of strings", reward.astype(str), "reward"),
        ("of words among objects", _with(reward, "much", object), "reward"),
        ("of None among objects", _with(reward, None, object), "reward"),
        ("of complex numbers", reward + 1j, "reward"),
        ("too long", np.concatenate([reward, reward]), "reward"),
        ("that is one number", np.float64(1.0), "reward"),
        ("with an axis too many", one_axis_more, "reward"),
    ):
        yield f"a reward {what}", {**good, "reward": bad}, pattern
    for what, bad in (
        ("of NaN", _with(np.ones(n_rounds), np.nan)),
        ("below 0", _with(np.ones(n_rounds), -1.0)),
        ("too long", np.ones(2 * n_rounds)),
        ("of strings", np.full(n_rounds, "one")),
    ):
        yield f"a weight {what}", {**good, "sample_weight": bad}, "sample_weight|[Ww]eight|convert"
    log = make_log(y, reward, np.full(reward.shape, 0.5))
    yield "a reward given twice", {**good, "y": log}, "reward"
    for value in (0.0, -0.2, 1.5, np.nan):
        changed = log.copy()
        changed["propensity"][-1] = value
        yield f"a propensity of {value}", {"X": X, "y": changed}, r"propensity.*\(0, 1\]"
    changed = log.copy()
    changed["reward"][-1] = np.nan
    yield "a log with a reward of NaN", {"X": X, "y": changed}, "reward"
    fields = [name for name in log.dtype.names if name != "reward"]
    yield "a log without rewards", {"X": X, "y": log[fields]}, "reward"


def _refused(case, method, size, seen_features):
    """All that must raise in a learning method: what it is, the keywords, the message."""
    X, y, reward = case.rounds(size)
    for what, bad, pattern in _bad_contexts(case, X):
        n_samples = min(len(bad), size)
        yield what, {"X": bad, "y": y[:n_samples], "reward": reward[:n_samples]}, pattern
    if seen_features:
        for what, bad, pattern in _bad_widths(case, X):
            yield what, {"X": bad, "y": y, "reward": reward}, pattern
    yield from _bad_rounds(case, X, y, reward)
    if method == "partial_fit":
        classes = [*case.arms[1:], "nobody"]
        yield "other classes", {"X": X, "y": y, "reward": reward, "classes": classes}, "classes"


@for_bandits()
def check_bad_rounds_change_nothing(case):
    """A learning call that raises says why, and leaves the bandit as it was."""
    test = case.contexts(20)
    for what_bandit, bandit in (("unfitted", case.new()), ("learnt", case.learnt(30))):
        decisions, before = bandit.predict(test), fingerprint(bandit)
        attributes = dict(vars(bandit))
        for method in ("fit", "partial_fit"):
            seen = what_bandit == "learnt" and method == "partial_fit"
            for size in _SIZES:
                title = f"{method} of {size} rounds on an {what_bandit} bandit"
                for what, keywords, pattern in _refused(case, method, size, seen):
                    require_raises(
                        (ValueError, TypeError) if "X of" in what else ValueError,
                        pattern,
                        lambda b=bandit, m=method, k=keywords: getattr(b, m)(**k),
                        f"{title} with {what}",
                    )
                    require_same_attributes(bandit, attributes, f"{title} with {what}")
                require_unchanged(bandit, before, f"{title} with bad input")
        require_equal(bandit.predict(test), decisions, "decisions after calls that raised")


@for_bandits()
def check_bad_contexts_change_nothing(case):
    """A question with bad contexts raises a message that says why, and changes nothing."""
    X, test = case.contexts(50), case.contexts(20)
    for what_bandit, bandit in (("unfitted", case.new()), ("learnt", case.learnt(30))):
        decisions, before = bandit.predict(test), fingerprint(bandit)
        attributes = dict(vars(bandit))
        for size in _SIZES:
            (part,) = some(slice(0, size), X)
            bad = list(_bad_contexts(case, part))
            if what_bandit == "learnt":
                bad += list(_bad_widths(case, part))
            for method in ("predict", "predict_proba", "decision_function", "expected_reward"):
                for what, contexts, pattern in bad:
                    title = f"{method} on an {what_bandit} bandit with {what}"
                    require_raises(
                        (ValueError, TypeError) if "X of" in what else ValueError,
                        pattern,
                        lambda b=bandit, m=method, c=contexts: getattr(b, m)(c),
                        title,
                    )
                    require_same_attributes(bandit, attributes, title)
        require_unchanged(bandit, before, "questions that raised")
        require_equal(bandit.predict(test), decisions, "decisions after calls that raised")


@for_bandits(rows="numbers", contexts=("numbers", "any"))
def check_sparse_contexts(case):
    """CSR contexts mean the same as dense ones, or raise a message about it."""
    X, y, reward = case.rounds()
    X[case.rng.random_sample(X.shape) < 0.5] = 0.0
    bandit = case.new().fit(X, y, reward=reward)
    if case.ndim == 3 or not case.input_tags.sparse:
        if case.ndim == 3:
            X = X[:, 0]
        before = fingerprint(bandit)
        for call in (bandit.predict, bandit.predict_proba):
            require_raises(
                (TypeError, ValueError),
                "[Ss]parse|dimension",
                lambda c=call: c(sparse.csr_array(X)),
                "CSR",
            )
        require_raises(
            (TypeError, ValueError),
            "[Ss]parse|dimension",
            lambda: bandit.partial_fit(sparse.csr_array(X), y, reward),
            "CSR",
        )
        require_unchanged(bandit, before, "CSR contexts that are not taken")
        return
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        other = case.new().fit(kind(X), y, reward=reward)
        case.require_same_decisions(
            other.predict(kind(X)), bandit.predict(X), "decisions on sparse contexts"
        )
        for method in ("predict_proba", "decision_function", "expected_reward"):
            require_close(
                getattr(other, method)(kind(X)),
                getattr(bandit, method)(X),
                f"{method} on sparse contexts",
                max(1e-7, case.rtol),
                max(1e-10, case.atol),
            )


@for_bandits(rows="numbers")
def check_number_types(case):
    """Numbers of another type that are equal lead to the same decisions."""
    X, y, reward = case.rounds()
    exact = np.round(8 * X).astype(np.float32)
    bandit = case.new().fit(exact.astype(np.float64), y, reward=reward)
    expected = bandit.predict(exact.astype(np.float64))
    for what, contexts in (
        ("float32", exact),
        ("int64", exact.astype(np.int64)),
        ("a list", exact.tolist()),
        ("objects", exact.astype(object)),
        ("Fortran order", np.asfortranarray(exact.astype(np.float64))),
        ("every other row of a larger array", np.repeat(exact, 2, axis=0)[::2]),
    ):
        require_equal(bandit.predict(contexts), expected, f"decisions on contexts as {what}")
        other = case.new().fit(contexts, y.tolist(), reward=reward.tolist())
        require_equal(other.predict(contexts), expected, f"decisions after learning from {what}")
        row = [other.predict(contexts[place : place + 1])[0] for place in range(3)]
        require_equal(row, expected[:3], f"decisions on single contexts as {what}")


CHECKS = [
    check_bad_rounds_change_nothing,
    check_bad_contexts_change_nothing,
    check_sparse_contexts,
    check_number_types,
]
