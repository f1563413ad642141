"""A policy in play: how any policy is made to decide, and to say how likely the decision was."""

import copy

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from .._sampling import draw_arms
from ..base import is_bandit


def take_apart(policy):
    """Take a Pipeline or a fitted search apart: the steps that transform, the one that decides.

    A Pipeline passes ``return_propensity`` to its last step only while metadata routing is off,
    and a search does not pass it at all: the deciding estimator is asked itself.

    Parameters
    ----------
    policy : estimator object

    Returns
    -------
    transformers : list of estimator objects
    policy : estimator object
    """
    transformers = []
    while True:
        if isinstance(policy, Pipeline):
            steps = [step for _, step in policy.steps]
            transformers += [step for step in steps[:-1] if step not in (None, "passthrough")]
            policy = steps[-1]
        elif hasattr(policy, "best_estimator_"):
            policy = policy.best_estimator_
        else:
            return transformers, policy


def answers_as_bandit(policy):
    """Say whether ``predict`` returns a decision and its propensity."""
    return hasattr(policy, "__sklearn_tags__") and is_bandit(policy)


def seeded(policy, random_state):
    """Return the policy itself, or where its ``random_state`` is None a shallow copy that has one.

    A RandomState and not an int, with which equal contexts would be decided alike until the next
    learning call: in a simulation, draws of different rounds are independent.
    """
    if getattr(policy, "random_state", False) is not None:
        return policy
    return copy.copy(policy).set_params(random_state=random_state)


class Player:
    """A policy in play.

    Parameters
    ----------
    policy : estimator object
        A bandit, or anything with ``predict_proba`` and ``classes_``; the last step of a Pipeline.
    transformers : list of estimator objects
        Fitted; they are applied in this order.
    random_state : int or RandomState
        Draws the arms of a policy that is not a bandit.
    """

    def __init__(self, policy, transformers=(), random_state=None):
        self.policy = policy
        self.transformers = transformers
        self._is_bandit = answers_as_bandit(policy)
        self._rng = check_random_state(random_state)
        if not self._is_bandit and not hasattr(policy, "predict_proba"):
            raise TypeError(
                "policy must be a bandit or have predict_proba and classes_, but "
                f"{type(policy).__name__} has no predict_proba. CalibratedClassifierCV gives one "
                "to a classifier."
            )

    def transform(self, contexts):
        """Apply the steps before the last."""
        for transformer in self.transformers:
            contexts = transformer.transform(contexts)
        return contexts

    def decide(self, contexts):
        """Return the arms played and their propensities, for transformed contexts."""
        if self._is_bandit:
            return self.policy.predict(contexts, return_propensity=True)
        probability = np.asarray(self.policy.predict_proba(contexts), dtype=np.float64)
        chosen = draw_arms(probability, self._rng.random_sample(len(probability)))[:, 0]
        propensity = probability[np.arange(len(chosen)), chosen]
        return np.asarray(self.policy.classes_)[chosen], propensity
