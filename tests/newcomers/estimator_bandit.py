"""A newcomer's bandit: any classifier or regressor, one an arm, for rows of any kind."""

from typing import NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods

from skbandit.base import BanditTags, BaseBandit
from skbandit.utils.rows import join_rows, take_rows


class Refitted(NamedTuple):
    """The rounds that are kept, and the estimators that were fitted to them."""

    contexts: object  # rows of any kind; None before there are any
    arm: np.ndarray
    reward: np.ndarray
    weight: np.ndarray
    models: tuple = ()


def fitted(estimator, contexts, reward, weight):
    """Return an estimator for one arm; where all rewards are alike, there is nothing to fit."""
    if len(np.unique(reward)) < 2:
        constant = reward[0] if len(reward) else 0.0
        return DummyRegressor(strategy="constant", constant=constant).fit([[0.0]], [0.0])
    last = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    weights = {} if (weight == 1.0).all() else {f"{last}sample_weight": weight}
    with config_context(enable_metadata_routing=False):
        return clone(estimator).fit(contexts, reward, **weights)


def paid(model, contexts):
    """Return what a model expects each row to pay."""
    return model.predict_proba(contexts)[:, 1] if is_classifier(model) else model.predict(contexts)


class EstimatorBandit(BaseBandit):
    """Fit an estimator to the rewards of each arm, anew in every learning call."""

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict", "get_params"])],
    }
    _shape_parameters = ("estimator",)

    def __init__(self, *, estimator, arms=None, selector=None, random_state=None):
        self.estimator = estimator
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.bandit_tags = BanditTags(
            reward="binary" if is_classifier(self.estimator) else "real",
            learning="buffer",
            has_width=False,
            contexts="any",
            adding_features="no",
            dropping_features="no",
        )
        return tags

    def _initial_state(self, n_arms, n_features):
        return self._refitted(None, np.zeros(0, dtype=int), np.zeros(0), np.zeros(0), n_arms)

    def _refitted(self, contexts, arm, reward, weight, n_arms):
        models = []
        for one in range(n_arms):
            rows = np.flatnonzero((arm == one) & (weight > 0))
            known = take_rows(contexts, rows) if len(rows) else None
            models.append(fitted(self.estimator, known, reward[rows], weight[rows]))
        return Refitted(contexts, arm, reward, weight, tuple(models))

    def _learn(self, rounds):
        old, n_arms = self.state_, len(self.classes_)
        rounds = rounds.spelt_out(n_arms)
        contexts = [rows for rows in (old.contexts, rounds.contexts) if rows is not None]
        arm, reward = np.append(old.arm, rounds.arm), np.append(old.reward, rounds.reward)
        weight = np.append(old.weight, rounds.weights)
        return self._refitted(join_rows(contexts), arm, reward, weight, n_arms)

    def _expected_reward(self, contexts):
        mean = np.column_stack([paid(model, contexts) for model in self.state_.models])
        return mean, np.zeros_like(mean)

    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        old = source.state_
        # An arm has its own rounds; a new one none, or its share of those of others.
        shares = np.zeros((resize.n_arms, len(source.classes_)))
        for arm, before in enumerate(resize.arm_source):
            shares[arm, before] = before >= 0
        if resize.shares is not None:
            shares[resize.new_arms] = resize.shares
        arm, rows = np.nonzero(shares[:, old.arm])
        weight = old.weight[rows] * shares[arm, old.arm[rows]]
        contexts = take_rows(old.contexts, rows) if len(rows) else None
        return self._refitted(contexts, arm, old.reward[rows], weight, resize.n_arms)
