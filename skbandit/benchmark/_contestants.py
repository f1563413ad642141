"""Make what the user gave ready for one run, without touching it."""

import copy
from collections.abc import Mapping

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..environments._player import Player, answers_as_bandit, take_apart


def named_contestants(bandit):
    """Return a dict of name to estimator; one estimator goes by the name of its class."""
    if isinstance(bandit, Mapping):
        if not bandit:
            raise ValueError("bandit must be an estimator or a dict of them, got an empty dict.")
        return {str(name): estimator for name, estimator in bandit.items()}
    return {type(take_apart(bandit)[1]).__name__: bandit}


def make_player(bandit, environment, contexts, *, seed, learn, warm_start):
    """Copy one contestant, seed it, and fit those steps before it that are not fitted.

    Parameters
    ----------
    bandit : estimator object
        As the user gave it; it stays as it is.
    environment : BaseEnvironment
        Names the arms of a bandit that has none yet.
    contexts : contexts of the first batch
        What the steps are fitted on.
    seed : int
    learn, warm_start : bool

    Returns
    -------
    player : Player
    """
    transformers, policy = take_apart(bandit)
    keep = warm_start or not learn
    policy = copy.deepcopy(policy) if keep or not hasattr(policy, "get_params") else clone(policy)
    if learn and not hasattr(policy, "partial_fit"):
        raise TypeError(
            f"simulate learns through partial_fit(X, y, reward), which {type(policy).__name__} "
            "does not have. Pass a bandit, or learn=False to play a fitted policy as it is."
        )
    if answers_as_bandit(policy):
        seed_all(policy, seed)
        _name_arms(policy, environment, contexts)
    elif learn:
        raise TypeError(
            f"{type(policy).__name__} is not a bandit: it does not learn from rewards. Pass a "
            "bandit, or learn=False to play a fitted classifier as it is."
        )
    return Player(policy, _fitted_transformers(transformers, contexts), seed)


def _name_arms(policy, environment, contexts):
    """Tell an unfitted bandit without arms which there are, so that it can play from its prior."""
    # With features of their own the arms are candidates, known by their position.
    one_context = getattr(contexts, "ndim", 2) == 2
    if one_context and getattr(policy, "arms", False) is None and not is_fitted(policy):
        policy.set_params(arms=environment.arms)


def _fitted_transformers(transformers, contexts):
    ready = []
    for step in transformers:
        step = copy.deepcopy(step)
        if not is_fitted(step):
            if contexts.shape[0] < 2:
                raise ValueError(
                    f"The step {type(step).__name__} before the bandit is not fitted, and the "
                    "first batch has one row, which is too few to fit it on. Fit it beforehand on "
                    "contexts (pipeline[:-1].fit(X)), or use a larger batch_size."
                )
            step.fit(contexts)
        contexts = step.transform(contexts)
        ready.append(step)
    return ready


def is_fitted(estimator):
    """Say whether an estimator is fitted, or needs no fitting."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def seed_all(estimator, seed):
    """Give a seed to every ``random_state`` that is None, nested ones too, in place.

    The estimator's own becomes a RandomState, see `skbandit.environments._player.seeded`; nested
    ones become ints, as scikit-learn's ensembles do it.
    """
    rng = np.random.RandomState(seed)
    drawn = {}
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if value is None and name == "random_state":
            drawn[name] = np.random.RandomState(seed)
        elif value is None and name.endswith("__random_state"):
            drawn[name] = rng.randint(np.iinfo(np.int32).max)
    if drawn:
        estimator.set_params(**drawn)
