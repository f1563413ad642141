"""Bandits that keep a diary, for the tests of the runner."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from skbandit._sampling import draw_arms

try:
    import matplotlib
except ImportError:
    pass
else:
    # No window opens, with or without a screen.
    matplotlib.use("agg")


class DiaryBandit(BaseEstimator):
    """Plays at random and writes down what happens to it; clones share the diary."""

    diary = []

    def __init__(self, *, arms=None, probability=None, random_state=None):
        self.arms = arms
        self.probability = probability
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "bandit"
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_learnt_")

    def predict(self, X, *, return_propensity=False):
        X = np.asarray(X)
        arms = np.asarray(self.arms)
        probability = np.full(len(arms), 1 / len(arms))
        if self.probability is not None:
            probability = np.asarray(self.probability)
        rng = self.random_state
        if not isinstance(rng, np.random.RandomState):
            rng = np.random.RandomState(rng)
        rows = np.tile(probability, (len(X), 1))
        index = draw_arms(rows, rng.random_sample(len(X)))[:, 0]
        self.diary.append(("decide", X[:, 0].tolist(), None, None))
        return arms[index], probability[index]

    def fit(self, X, y, reward):
        raise AssertionError("the runner learns by partial_fit")

    def partial_fit(self, X, y, reward):
        self.n_learnt_ = getattr(self, "n_learnt_", 0) + len(y)
        self.diary.append(("learn", np.asarray(X)[:, 0].tolist(), y.tolist(), reward.tolist()))
        return self


@pytest.fixture
def diary_bandit():
    """The class, with an empty diary."""
    DiaryBandit.diary.clear()
    return DiaryBandit
