"""Make what the user gave ready for one run, without touching it."""

import numpy as np

from .._play import make_player


def make_contestant(bandit, environment, contexts, *, seed, learn, warm_start):
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
    player = make_player(
        bandit,
        contexts,
        environment.arms,
        learn=learn,
        warm_start=warm_start,
        random_state=seed,
        way_out=" With learn=False simulate plays a fitted policy as it is.",
    )
    if player.is_bandit:
        seed_all(player.policy, seed)
    return player


def seed_all(estimator, seed):
    """Give a seed to every ``random_state`` that is None, nested ones too, in place.

    The estimator's own becomes a RandomState: with an int, equal contexts would be decided alike
    until the next learning call. Nested ones become ints, as in scikit-learn's ensembles.
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
