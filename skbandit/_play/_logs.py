"""Logs taken apart, and the rows that go with them."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._rounds import check_feedback, check_propensity
from .._rows import as_frame


class LoggedRounds(NamedTuple):
    """A log taken apart; arms are still labels."""

    labels: np.ndarray
    reward: np.ndarray  # of the shape of labels, or (n, n_objectives)
    propensity: np.ndarray | None
    cost: np.ndarray | None = None
    quantity: np.ndarray | None = None  # (n, n_quantities)


def check_log(
    X,
    y,
    reward=None,
    propensity=None,
    *,
    sets=False,
    quantities=False,
    objective=None,
    price=0.0,
    any_reward=False,
):
    """Take a log apart, or join labels and keywords.

    Parameters
    ----------
    X : array-like, sparse matrix, frame, series or list of n_samples rows
    y : array-like of shape (n_samples,)
        A log, or the arms that were played.
    reward, propensity : array-like of shape (n_samples,), default=None
        `reward` where `y` does not carry it; `propensity` takes the place of that of `y`.
    sets : bool, default=False
        Whether `y` may hold several arms a round; all are then of shape (n_samples, k).
    quantities : bool, default=False
        Whether arms may have quantities, and propensities be densities.
    objective : None, int, array-like of shape (n_objectives,) or "cost", default=None
        What of a log is its one reward, see :func:`one_reward`.
    price : float, default=0.0
        What is subtracted from it for each unit of cost.
    any_reward : bool, default=False
        Whether rewards are not looked at, and may be of several objectives.

    Returns
    -------
    rounds : LoggedRounds
        With one reward a round, or an arm of a set, unless `any_reward`.

    Raises
    ------
    ValueError
        If there are no rewards, two, sets of arms, or impossible values; several objectives of
        which none is chosen, quantities, or no costs where they are asked for.
    """
    feedback = check_feedback(X, y, reward, None, n_selected=1)
    labels, reward, logged_propensity = feedback[:3]
    several = labels.ndim == 2 and labels.shape[1] > 1
    if several and not sets:
        raise ValueError(
            f"y holds arms of shape {labels.shape}, sets of arms. This is for policies that play "
            "one arm a round: sets have values in compare_policies, in policy scorers and in "
            "skbandit.metrics.set_dr_value."
        )
    if not several:
        labels = labels.ravel()
    if reward is None:
        raise ValueError(
            "y holds no rewards: comparing the policy's arms with the logged ones would rate how "
            "well it imitates the logging policy. Pass y=make_log(arm, reward, propensity), or "
            "reward= and propensity=. A bandit with full feedback has its own score, scoring=None."
        )
    propensity = logged_propensity if propensity is None else propensity
    if propensity is not None:
        propensity = check_propensity(propensity, labels.shape, feedback.quantity is not None)
    cost = None if feedback.cost is None else feedback.cost.reshape(labels.shape)
    if reward.size == labels.size:
        reward = reward.reshape(labels.shape)
    rounds = LoggedRounds(labels, reward, propensity, cost, feedback.quantity)
    if feedback.quantity is not None and not quantities:
        raise ValueError(
            "y carries quantities, so its propensities are densities, and a value of policies "
            "that choose among arms alone would divide by them as by probabilities. Use "
            "make_quantity_scorer, compare_quantity_policies or kernel_dr_value, or leave the "
            "field out and pass propensities of the arms."
        )
    return rounds if any_reward else rounds._replace(reward=one_reward(rounds, objective, price))


def check_objective(objective, price):
    """Raise unless these say how a log's one reward is made, whatever the log.

    Parameters
    ----------
    objective : object
    price : object
    """
    if isinstance(objective, str) and objective != "cost":
        raise ValueError(
            'objective must be None, "cost", the number of a column of the rewards or a weight '
            f"for each of them, got {objective!r}."
        )
    if not isinstance(price, Real) or isinstance(price, bool) or not 0.0 <= price < np.inf:
        raise ValueError(f"price must be a finite number that is not negative, got {price!r}.")
    if isinstance(objective, str) and price:
        raise ValueError(
            f'price={price!r} is taken off rewards, and objective="cost" has none. Leave one out.'
        )


def one_reward(rounds, objective=None, price=0.0):
    """Return the one reward by which a log is judged, less a price on its costs.

    Parameters
    ----------
    rounds : LoggedRounds
    objective : None, int, array-like of shape (n_objectives,) or "cost", default=None
        None takes the reward of a log that has one; an int is a column of the rewards, weights
        make a weighted sum of all columns, "cost" is the negative cost.
    price : float, default=0.0

    Returns
    -------
    reward : ndarray of the shape of the labels
    """
    check_objective(objective, price)
    if isinstance(objective, str):
        return -_costs_of(rounds, 'objective="cost"')
    reward, labels = rounds.reward, rounds.labels
    # A set of arms has a reward for each of them, which is one objective.
    several = reward.ndim > labels.ndim
    n_objectives = reward.shape[1] if several else 1
    if objective is None:
        if several:
            raise ValueError(
                f"reward has {n_objectives} columns, one for each objective, and a value is one "
                "number. Say which: objective= (the number of a column, or a weight for each) in "
                "make_policy_scorer, compare_policies and reward_cost_curve; elsewhere pass a log "
                "of one, make_log(arm, reward[:, 0], propensity)."
            )
    elif isinstance(objective, Integral) and not isinstance(objective, bool):
        if not -n_objectives <= objective < n_objectives:
            raise ValueError(
                f"objective={objective} is none of the {n_objectives} objective(s) of the log, "
                f"which are numbered from 0 to {n_objectives - 1}."
            )
        reward = reward[:, objective] if several else reward
    else:
        reward = _weighted(reward, objective, n_objectives, several)
    return reward - price * _costs_of(rounds, "price=") if price else reward


def _weighted(reward, weights, n_objectives, several):
    try:
        weights = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"objective must be None, an integer, weights or 'cost', got {weights!r}."
        ) from error
    if weights.shape != (n_objectives,) or not np.isfinite(weights).all():
        raise ValueError(
            f"objective must have a finite weight for each of the {n_objectives} objective(s) of "
            f"the log, got {weights.tolist()!r}."
        )
    return reward @ weights if several else reward * weights[0]


def _costs_of(rounds, what):
    if rounds.cost is None:
        raise ValueError(
            f"{what} needs what the logged arms have cost, and the log has no costs. Pass "
            "y=make_log(arm, reward, propensity, cost=cost)."
        )
    return rounds.cost


def as_rows(X):
    """Return contexts in a form whose rows can be taken: lists of numbers as an array.

    Parameters
    ----------
    X : array-like, sparse matrix, frame, series or list

    Returns
    -------
    X : ndarray, CSR matrix, frame, series or list
        Lists of other things (texts, rows of mixed kinds) stay lists.
    """
    if sparse.issparse(X):
        return X.tocsr()
    if hasattr(X, "shape") or as_frame(X) is not None:
        return X
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        return X
    return array if array.dtype.kind in "biufc" else X
