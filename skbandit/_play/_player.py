"""A policy in play: how any policy is made to decide, to say how likely that was, and to learn."""

import copy
from collections.abc import Mapping

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state, get_tags

from .._rounds import make_log
from .._sampling import draw_arms
from ._steps import fitted_steps, is_bandit, last_step, name_arms, take_apart
from ._tables import ask_policy, weighs_costs


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
    steps : list of estimator objects
        Fitted; they transform contexts, in this order.
    random_state : int or RandomState
        Draws the arms of a policy that is not a bandit.

    Attributes
    ----------
    is_bandit : bool
        Whether the policy says itself how likely its decisions were.
    """

    def __init__(self, policy, steps=(), random_state=None):
        self.policy = policy
        self.steps = steps
        self.is_bandit = is_bandit(policy)
        self._rng = check_random_state(random_state)
        if not self.is_bandit and not hasattr(policy, "predict_proba"):
            raise TypeError(
                "policy must be a bandit or have predict_proba and classes_, but "
                f"{type(policy).__name__} has no predict_proba. CalibratedClassifierCV gives one "
                "to a classifier."
            )

    def transform(self, contexts):
        """Apply the steps before the last."""
        for step in self.steps:
            contexts = step.transform(contexts)
        return contexts

    def decide(self, contexts, available=None, cost=None):
        """Return the arms played and their propensities, for transformed contexts.

        A bandit decides among the available arms; the probabilities of another policy are divided
        by their sum over these. A policy that weighs no costs decides without them.
        """
        if self.is_bandit:
            given = {} if available is None else {"available": available}
            if cost is not None and weighs_costs(self.policy):
                given["cost"] = cost
            return self.policy.predict(contexts, return_propensity=True, **given)
        probability, arms = ask_policy(self.policy, contexts, available, cost)
        probability = np.asarray(probability, dtype=np.float64)
        chosen = draw_arms(probability, self._rng.random_sample(len(probability)))[:, 0]
        return arms[chosen], probability[np.arange(len(chosen)), chosen]

    def learn(self, contexts, arms, reward, cost=None):
        """Let the bandit learn from rounds, with transformed contexts.

        One that looks at what arms have cost learns from that too.
        """
        if cost is None or get_tags(self.policy).bandit_tags.cost == "unused":
            self.policy.partial_fit(contexts, arms, reward)
        else:
            self.policy.partial_fit(contexts, make_log(arms, reward, cost=cost))


def make_player(
    policy, contexts, arms, *, learn=True, warm_start=False, random_state=None, way_out=""
):
    """Make a copy of a policy ready for play: its arms named, the steps before it fitted.

    Parameters
    ----------
    policy : estimator object
        A bandit, or a Pipeline around one; it stays as it is.
    contexts : rows of the first batch
        What steps that are not fitted are fitted on.
    arms : array-like of shape (n_arms,)
        The arms of a bandit that knows none yet.
    learn : bool, default=True
        Whether it must be able to learn. What does not learn keeps what it has learnt.
    warm_start : bool, default=False
        Whether the copy keeps what the bandit has learnt.
    random_state : int or RandomState, default=None
        Draws the arms of a policy that is not a bandit.
    way_out : str, default=""
        Ends the message to one whose policy cannot learn.

    Returns
    -------
    player : Player
    """
    steps, last = take_apart(policy)
    if learn and not (is_bandit(last) and hasattr(last, "partial_fit")):
        raise TypeError(
            "bandit must be a bandit, which learns through partial_fit(X, y, reward), or a "
            f"Pipeline around one; got {type(last).__name__}.{way_out}"
        )
    forget = learn and not warm_start
    last = clone(last) if forget else copy.deepcopy(last)
    # With features of their own the arms are candidates, known by their position.
    if is_bandit(last) and getattr(contexts, "ndim", 2) != 3:
        name_arms(last, arms)
    return Player(last, fitted_steps(steps, contexts), random_state)


def name_policies(policies, argument):
    """Return a dict of name to policy.

    Parameters
    ----------
    policies : dict of str to estimator, list of estimators, or estimator
        What a dict does not name goes by the name of its class.
    argument : str
        The argument's name, for messages.

    Returns
    -------
    named : dict of str to estimator
    """
    if isinstance(policies, Mapping):
        named = {str(name): policy for name, policy in policies.items()}
    else:
        several = policies if isinstance(policies, (list, tuple)) else [policies]
        names = [type(last_step(policy)).__name__ for policy in several]
        if len(set(names)) < len(names):
            raise ValueError(
                f"{argument} holds several of one class, {names}: name them, in a dict."
            )
        named = dict(zip(names, several, strict=True))
    if not named:
        raise ValueError(
            f"{argument} must hold at least one policy: an estimator, a list or a dict of them; "
            f"got {policies!r}."
        )
    return named
