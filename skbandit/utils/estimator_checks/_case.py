"""What the checks share: rounds that suit a bandit, and comparisons that raise."""

import re
from dataclasses import fields
from unittest import SkipTest

import joblib
import numpy as np
from scipy.special import expit
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.utils import get_tags

from ..._rows import join_rows, n_rows, row_keys, take_rows
from ...selectors import ArgmaxSelector

# A check makes at most ten such comparisons: one false alarm in ten thousand correct bandits.
P_VALUE = 1e-5
N_FEATURES = 3
_FEWEST_ARMS = 4
# Models in single precision: draws on the edge and near ties may fall to the other side.
_DRAWS_APART = 0.02
_SHARE_OF_ROWS = 0.05
_DOUBLE = 1e-6


class Case:
    """Contexts and rounds for one bandit, drawn with a fixed seed.

    Parameters
    ----------
    estimator : bandit
        Left alone; ``new`` returns clones of it.
    make_contexts : callable, default=None
        From a number of rows and a RandomState to so many rows of any kind; None makes numbers.
    ndim : {2, 3}, default=None
        Axes of the contexts; None takes two where the tags allow them.
    seed : int, default=0
    """

    def __init__(self, estimator, make_contexts=None, ndim=None, seed=0):
        tags = get_tags(estimator)
        self.estimator = estimator
        self.name = type(estimator).__name__
        self.tags = tags.bandit_tags
        self.input_tags = tags.input_tags
        self.make_contexts = make_contexts
        self.ndim = ndim or (2 if make_contexts or tags.input_tags.two_d_array else 3)
        self.rng = np.random.RandomState(seed)
        selector = getattr(estimator, "selector", None)
        # None plays one arm a round; a number, sets of so many.
        self.n_selected = getattr(selector, "n_selected", None)
        n_arms = max(_FEWEST_ARMS, (self.n_selected or 1) + 2)
        # Falling order: the order given is not the sorted one.
        self.arms = [f"arm {n_arms - place:02d}" for place in range(n_arms)]
        self.rtol, self.atol = self.tags.rounding, self.tags.rounding / 10
        selector = ArgmaxSelector() if selector is None else selector
        self.policy_is_exact = self.tags.policy == "exact" and getattr(
            selector, "has_closed_form", False
        )

    @property
    def facts(self):
        """What decides which checks are for this bandit."""
        facts = {one.name: getattr(self.tags, one.name) for one in fields(self.tags)}
        return facts | {
            "merges": self.tags.how_it_merges,
            "rows": "numbers" if self.make_contexts is None else "any",
            "axes": self.ndim,
            "candidates": self.make_contexts is None and self.input_tags.three_d_array,
            "plays": "one" if self.n_selected is None else "sets",
        }

    def again(self, ndim=None, **params):
        """The same case from the start, with other parameters or axes."""
        estimator = clone(self.estimator).set_params(**params)
        return Case(estimator, self.make_contexts, ndim)

    def new(self, **params):
        """An unfitted bandit that knows the arms and has an integer seed."""
        return clone(self.estimator).set_params(**{"arms": self.arms, "random_state": 0, **params})

    # ---------------------------------------------------------------- rounds
    def contexts(self, n_samples=60, n_features=N_FEATURES):
        """Random contexts; the candidates of a row differ."""
        if self.make_contexts is not None:
            X = self.make_contexts(n_samples, self.rng)
            require(n_rows(X) == n_samples, f"contexts({n_samples}, rng) made {n_rows(X)} rows")
            return X
        inner = () if self.ndim == 2 else (len(self.arms),)
        return self.rng.standard_normal((n_samples, *inner, n_features))

    def distinct(self, n_samples):
        """Up to so many random contexts, no two of which are equal.

        Equal rows are told apart by which comes first, so their decisions follow the order.
        """
        X = self.contexts(n_samples)
        _, first = np.unique(row_keys(X), return_index=True)
        return take_rows(X, np.sort(first))

    def alike(self, n_samples, X=None):
        """The first of the contexts, many times, with candidates that are all alike."""
        X = self.contexts(1) if X is None else X
        row = take_rows(X, slice(0, 1))
        if self.ndim == 3:
            row = np.repeat(row[:, :1], len(self.arms), axis=1)
        return repeated(row, n_samples)

    def played(self, n_samples=60, arms=None):
        """Arms played uniformly at random, a set a row where the bandit plays sets."""
        arms = np.asarray(self.arms if arms is None else arms)
        if self.n_selected is None:
            return arms[self.rng.randint(len(arms), size=n_samples)]
        order = self.rng.standard_normal((n_samples, len(arms))).argsort(axis=1)
        return arms[order[:, : self.n_selected]]

    def rewards(self, X, y):
        """Rewards that depend on context and arm, of the kind that the bandit takes."""
        index = self.index(y)
        played = index[:, None] if index.ndim == 1 else index
        if self.make_contexts is not None:
            # A number for each different row.
            angle = row_keys(X) * (2 * np.pi / 2.0**64)
            reward = 2.0 * np.cos(angle[:, None] + played)
        else:
            if self.ndim == 3:
                X = np.take_along_axis(X, played[..., None], axis=1)
            else:
                X = np.repeat(X[:, None], played.shape[1], axis=1)
            slope = np.cos(np.arange(X.shape[-1]) + (played[..., None] if self.ndim == 2 else 0.0))
            reward = 1.5 * (X * slope).sum(axis=-1)
        reward = reward - 0.3 * played + 0.5 * self.rng.standard_normal(reward.shape)
        if self.tags.reward == "binary":
            reward = (reward > 0.0).astype(np.float64)
        elif self.tags.reward == "unit_interval":
            reward = expit(reward)
        elif self.tags.reward == "count":
            reward = np.floor(np.exp(np.clip(reward, -2.0, 2.0)))
        return reward.reshape(index.shape)

    def rounds(self, n_samples=60, arms=None, n_features=N_FEATURES):
        """Contexts, arms played and rewards."""
        X = self.contexts(n_samples, n_features)
        y = self.played(n_samples, arms)
        return X, y, self.rewards(X, y)

    def learnt(self, n_samples=60, **params):
        """A bandit that has learnt from random rounds."""
        X, y, reward = self.rounds(n_samples)
        return self.new(**params).fit(X, y, reward=reward)

    def of_one_arm(self, n_samples):
        """Arms of rounds that all play the first arm (the first set)."""
        y = np.repeat([self.arms[: self.n_selected or 1]], n_samples, axis=0)
        return y[:, 0] if self.n_selected is None else y

    def index(self, arms_played):
        """Columns of the arms played."""
        place = {label: column for column, label in enumerate(self.arms)}
        flat = [place[label] for label in np.ravel(arms_played).tolist()]
        return np.array(flat, dtype=np.intp).reshape(np.shape(arms_played))

    def counts(self, arms_played):
        """How often each arm was played."""
        return np.bincount(self.index(arms_played).ravel(), minlength=len(self.arms))

    # ----------------------------------------------------------- comparisons
    def require_close(self, actual, desired, message):
        """Raise ``AssertionError`` unless values are equal to the bandit's rounding."""
        require_close(actual, desired, message, self.rtol, self.atol)

    def require_same_policy(self, actual, desired, message):
        """Raise ``AssertionError`` unless probabilities are equal to the bandit's rounding."""
        drawn = not self.policy_is_exact and self.tags.rounding > _DOUBLE
        require_close(actual, desired, message, self.rtol, _DRAWS_APART if drawn else self.atol)

    def require_same_beliefs(self, actual, desired, X, message, X_actual=None):
        """Raise ``AssertionError`` unless two bandits say the same about contexts."""
        left = beliefs(actual, X if X_actual is None else X_actual)
        for name, value in beliefs(desired, X).items():
            same = self.require_same_policy if name == "predict_proba" else self.require_close
            same(left[name], value, f"{name}: {message}")

    def require_same_decisions(self, actual, desired, message):
        """Raise ``AssertionError`` unless decisions are equal, but for what rounding explains."""
        if self.tags.rounding <= _DOUBLE:
            require_equal(actual, desired, message)
            return
        differ = np.mean(np.asarray(actual) != np.asarray(desired))
        require(differ <= _SHARE_OF_ROWS, f"{message}: {differ:.0%} of the decisions differ")


# ---------------------------------------------------------------------------- rows of any kind
def repeated(X, counts):
    """Each row as often as is said: a number, or one a row."""
    return take_rows(X, np.repeat(np.arange(n_rows(X)), counts))


def backwards(X):
    """The rows in reverse order."""
    return take_rows(X, np.arange(n_rows(X))[::-1])


def some(rows, *parts):
    """The same rows of several parts."""
    return [take_rows(part, rows) for part in parts]


def joined(*parts):
    """The rows of several parts, one after the other."""
    return join_rows(list(parts))


# ------------------------------------------------------------------------------- what must hold
def require(condition, message):
    """Raise ``AssertionError`` unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def require_close(actual, desired, message, rtol=1e-6, atol=1e-8):
    """Raise ``AssertionError`` unless two arrays are close."""
    np.testing.assert_allclose(actual, desired, rtol=rtol, atol=atol, err_msg=message)


def require_equal(actual, desired, message):
    """Raise ``AssertionError`` unless two arrays are equal."""
    np.testing.assert_array_equal(actual, desired, err_msg=message)


def require_raises(kinds, pattern, call, what):
    """Raise ``AssertionError`` unless the call raises one of these with a message that matches."""
    try:
        call()
    except kinds as error:
        require(
            re.search(pattern, str(error)),
            f"{what}: the message should match {pattern!r}, got {str(error)!r}",
        )
        return
    raise AssertionError(f"{what} should raise {kinds}, but nothing was raised")


def beliefs(bandit, X):
    """Everything that a bandit says about contexts without drawing."""
    mean, std = bandit.expected_reward(X, return_std=True)
    return {
        "expected_reward": mean,
        "the standard deviation of expected_reward": std,
        "decision_function": bandit.decision_function(X),
        "predict_proba": bandit.predict_proba(X),
    }


def fingerprint(bandit):
    """A hash of all that a bandit would take along in a pickle."""
    return joblib.hash(bandit), tuple(sorted(vars(bandit)))


def require_unchanged(bandit, before, what):
    """Raise ``AssertionError`` if a bandit is not what it was at a fingerprint."""
    names = set(vars(bandit)).symmetric_difference(before[1])
    require(not names, f"{what} added or removed the attributes {sorted(names)}")
    require(fingerprint(bandit) == before, f"{what} changed the bandit")


def require_same_attributes(bandit, before, what):
    """Raise ``AssertionError`` if an attribute is another object than in a copy of ``vars``.

    Fast; what is written into an attribute is for :func:`require_unchanged` to find.
    """
    now = vars(bandit)
    names = set(now).symmetric_difference(before)
    require(not names, f"{what} added or removed the attributes {sorted(names)}")
    other = [name for name, value in before.items() if now[name] is not value]
    require(not other, f"{what} changed the attributes {other}")


def require_frequencies(counts, probability, what):
    """Raise ``AssertionError`` where counts contradict the probabilities of one arm a draw."""
    counts, probability = np.asarray(counts), np.asarray(probability)
    never = (probability <= 0.0) & (counts > 0)
    require(not never.any(), f"{what}: arms of probability 0 were drawn {counts[never]} times")
    expected = probability / probability.sum() * counts.sum()
    # The chi-square approximation wants five a cell: pool what is rarer.
    rare = expected < 5.0
    if rare.any():
        expected = np.append(expected[~rare], expected[rare].sum())
        counts = np.append(counts[~rare], counts[rare].sum())
    # A pool that is itself too rare joins the most frequent cell.
    if len(expected) > 1 and expected[-1] < 5.0:
        most = int(np.argmax(expected[:-1]))
        expected[most] += expected[-1]
        counts[most] += counts[-1]
        expected, counts = expected[:-1], counts[:-1]
    if len(expected) < 2:
        return
    p_value = chisquare(counts, expected).pvalue
    require(
        p_value > P_VALUE,
        f"{what}: counts {counts} contradict the expected {expected} (p = {p_value:.1e})",
    )


def skip_unless(condition, reason):
    """Raise ``SkipTest`` unless the condition holds."""
    if not condition:
        raise SkipTest(reason)
