"""What the checks share: rounds that suit a bandit, and comparisons that raise."""

import re
from unittest import SkipTest

import joblib
import numpy as np
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.utils import get_tags

# A check makes at most ten such comparisons: one false alarm in ten thousand correct bandits.
P_VALUE = 1e-5
N_FEATURES = 3
_FEWEST_ARMS = 4


class Case:
    """Contexts and rounds for one bandit, drawn with a fixed seed.

    Parameters
    ----------
    estimator : bandit
        Left alone; ``new`` returns clones of it.
    ndim : {2, 3}, default=None
        Axes of the contexts; None takes two where the tags allow them.
    seed : int, default=0
    """

    def __init__(self, estimator, ndim=None, seed=0):
        tags = get_tags(estimator).input_tags
        self.estimator = estimator
        self.sparse = tags.sparse
        self.takes_candidates = tags.three_d_array
        self.ndim = ndim or (2 if tags.two_d_array else 3)
        self.rng = np.random.RandomState(seed)
        selector = getattr(estimator, "selector", None)
        # None plays one arm a round; a number, sets of so many.
        self.n_selected = getattr(selector, "n_selected", None)
        n_arms = max(_FEWEST_ARMS, (self.n_selected or 1) + 2)
        # Falling order: the order given is not the sorted one.
        self.arms = [f"arm {n_arms - place:02d}" for place in range(n_arms)]
        self._binary = None

    def new(self, **params):
        """An unfitted bandit that knows the arms and has an integer seed."""
        return clone(self.estimator).set_params(**{"arms": self.arms, "random_state": 0, **params})

    def contexts(self, n_samples=60, n_features=N_FEATURES):
        """Random contexts; the candidates of a row differ."""
        inner = () if self.ndim == 2 else (len(self.arms),)
        return self.rng.standard_normal((n_samples, *inner, n_features))

    def alike(self, n_samples, X=None):
        """The first of the contexts, many times, with candidates that are all alike."""
        X = self.contexts(1) if X is None else X
        row = X[:1] if self.ndim == 2 else np.repeat(X[:1, :1], len(self.arms), axis=1)
        return np.repeat(row, n_samples, axis=0)

    def played(self, n_samples=60, arms=None):
        """Arms played uniformly at random, a set a row where the bandit plays sets."""
        arms = np.asarray(self.arms if arms is None else arms)
        if self.n_selected is None:
            return arms[self.rng.randint(len(arms), size=n_samples)]
        order = self.rng.standard_normal((n_samples, len(arms))).argsort(axis=1)
        return arms[order[:, : self.n_selected]]

    def rewards(self, X, y):
        """Rewards that depend on context and arm: real, or 0 and 1 for a model that wants them."""
        index = np.searchsorted(np.sort(self.arms), y)
        played = index[:, None] if index.ndim == 1 else index
        if X.ndim == 3:
            X = np.take_along_axis(X, (len(self.arms) - 1 - played)[..., None], axis=1)
        else:
            X = np.repeat(X[:, None], played.shape[1], axis=1)
        slope = np.cos(np.arange(X.shape[-1]) + (played[..., None] if self.ndim == 2 else 0.0))
        reward = 1.5 * (X * slope).sum(axis=-1) + 0.3 * played
        reward += 0.5 * self.rng.standard_normal(reward.shape)
        if self._wants_binary(X.shape[-1]):
            reward = (reward > 0.0).astype(np.float64)
        return reward.reshape(index.shape)

    def _wants_binary(self, n_features):
        if self._binary is None:
            rng = np.random.RandomState(0)
            inner = () if self.ndim == 2 else (len(self.arms),)
            X = rng.standard_normal((8, *inner, n_features))
            y = np.resize(np.asarray(self.arms), 8)
            try:
                self.new().fit(X, y, reward=rng.standard_normal(8))
            except ValueError:
                self._binary = True
            else:
                self._binary = False
        return self._binary

    def rounds(self, n_samples=60, arms=None, n_features=N_FEATURES):
        """Contexts, arms played and rewards."""
        X = self.contexts(n_samples, n_features)
        y = self.played(n_samples, arms)
        return X, y, self.rewards(X, y)

    def learnt(self, n_samples=60, **params):
        """A bandit that has learnt from random rounds."""
        X, y, reward = self.rounds(n_samples)
        return self.new(**params).fit(X, y, reward=reward)

    def index(self, arms_played):
        """Columns of the arms played."""
        place = {label: column for column, label in enumerate(self.arms)}
        flat = [place[label] for label in np.ravel(arms_played).tolist()]
        return np.array(flat).reshape(np.shape(arms_played))


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


def require_same_beliefs(actual, desired, X, message, X_actual=None, rtol=1e-6, atol=1e-7):
    """Raise ``AssertionError`` unless two bandits say the same about contexts."""
    left = beliefs(actual, X if X_actual is None else X_actual)
    for name, value in beliefs(desired, X).items():
        require_close(left[name], value, f"{name}: {message}", rtol, atol)


def fingerprint(bandit):
    """A hash of all that a bandit would take along in a pickle."""
    return joblib.hash(bandit), tuple(sorted(vars(bandit)))


def require_unchanged(bandit, before, what):
    """Raise ``AssertionError`` if a bandit is not what it was at a fingerprint."""
    names = set(vars(bandit)).symmetric_difference(before[1])
    require(not names, f"{what} added or removed the attributes {sorted(names)}")
    require(fingerprint(bandit) == before, f"{what} changed the bandit")


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


def policy_error(bandit):
    """How far apart the probabilities of two arms that tie may be.

    A bandit whose policy is an average over a limited number of draws declares it as
    ``_policy_error``.
    """
    return getattr(bandit, "_policy_error", 0.0)


def counts_of(case, arms_played):
    """How often each arm was played."""
    return np.bincount(case.index(arms_played).ravel(), minlength=len(case.arms))


def skip_unless(condition, reason):
    """Raise ``SkipTest`` unless the condition holds."""
    if not condition:
        raise SkipTest(reason)
