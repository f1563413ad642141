"""A log and a policy as arrays: what was played, and how probable the policy makes it."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from .._rounds import check_propensity, check_reward, split_log

UNKNOWN_ARMS = ("raise", "zero")


class LoggedRounds(NamedTuple):
    """A log taken apart; arms are still labels."""

    labels: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray | None


class PolicyTable(NamedTuple):
    """What a policy does in logged rounds."""

    probability: np.ndarray  # (n_samples, n_arms)
    arms: np.ndarray  # (n_arms,) labels of the columns
    column: np.ndarray  # (n_samples,) column of the logged arm


def check_log(X, y, reward=None, propensity=None):
    """Take a log apart, or join labels and keywords.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, ...)
    y : array-like of shape (n_samples,)
        A log, or the arms that were played.
    reward, propensity : array-like of shape (n_samples,), default=None
        `reward` where `y` does not carry it; `propensity` takes the place of that of `y`.

    Returns
    -------
    rounds : LoggedRounds

    Raises
    ------
    ValueError
        If there are no rewards, two, sets of arms, or impossible values.
    """
    if y is None:
        raise ValueError("y is None: pass a log made by skbandit.base.make_log.")
    labels, logged_reward, logged_propensity = split_log(y)
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            f"y holds arms of shape {labels.shape}, sets of arms. This value is of policies that "
            "play one arm a round: use the bandit's own score (scoring=None), or the slate "
            "estimators of skbandit.metrics."
        )
    check_consistent_length(X, labels)
    if reward is None and logged_reward is None:
        raise ValueError(
            "y holds no rewards: comparing the policy's arms with the logged ones would rate how "
            "well it imitates the logging policy. Pass y=make_log(arm, reward, propensity), or "
            "reward= and propensity=. For a bandit with full feedback use its own score "
            "(scoring=None)."
        )
    if reward is not None and logged_reward is not None:
        raise ValueError("reward was given twice: y is a log that carries it, and reward= came.")
    reward = check_reward(logged_reward if reward is None else reward, labels.shape)
    propensity = logged_propensity if propensity is None else propensity
    if propensity is not None:
        propensity = check_propensity(propensity, labels.shape)
    return LoggedRounds(labels, reward, propensity)


def policy_table(policy, X, labels, *, unknown_arms="raise"):
    """Ask a policy for its probabilities, and find the logged arms in them by label.

    Parameters
    ----------
    policy : estimator object
        With ``predict_proba``, and ``classes_`` or, for a bandit before any data, ``arms``.
    X : {array-like, sparse matrix} of shape (n_samples, ...)
    labels : ndarray of shape (n_samples,)
        The logged arms.
    unknown_arms : {"raise", "zero"}, default="raise"
        An arm that the policy does not know is an error, or one that it plays with probability 0.

    Returns
    -------
    table : PolicyTable
    """
    if unknown_arms not in UNKNOWN_ARMS:
        raise ValueError(
            f"unknown_arms must be one of {', '.join(UNKNOWN_ARMS)}; got {unknown_arms!r}."
        )
    if not hasattr(policy, "predict_proba"):
        raise TypeError(
            f"policy must have predict_proba, the probability with which it plays each arm, but "
            f"{type(policy).__name__} has none. CalibratedClassifierCV gives one to a classifier."
        )
    # Not through scikit-learn's response methods: they drop a column where there are two classes.
    probability = np.asarray(policy.predict_proba(X))
    if probability.ndim != 2:
        raise ValueError(
            f"predict_proba of {type(policy).__name__} must return (n_samples, n_arms), got shape "
            f"{probability.shape}."
        )
    arms = _arms_of(policy, X, probability.shape[1])
    values, index = _distinct(labels)
    place = {label: column for column, label in enumerate(arms.tolist())}
    unknown = [label for label in values if label not in place]
    if unknown:
        if unknown_arms == "raise":
            raise ValueError(_unknown_message(unknown, arms))
        for label in unknown:
            place[label] = len(place)
        padding = np.zeros((len(probability), len(unknown)))
        probability = np.hstack([probability, padding])
        arms = _joined(arms, unknown)
    column = np.array([place[label] for label in values], dtype=np.intp)[index]
    return PolicyTable(probability, arms, column)


def _distinct(labels):
    """Return the distinct labels as a list, and the position of each row's label in it."""
    if labels.dtype.kind == "O":
        distinct = dict.fromkeys(labels.tolist())
        place = {label: position for position, label in enumerate(distinct)}
        return list(place), np.array([place[label] for label in labels.tolist()], dtype=np.intp)
    values, index = np.unique(labels, return_inverse=True)
    return values.tolist(), index


def _arms_of(policy, X, n_columns):
    arms = getattr(policy, "classes_", None)
    if arms is None:
        arms = getattr(last_step(policy), "arms", None)
    if getattr(X, "ndim", 2) == 3 and (arms is None or len(arms) != n_columns):
        # The arms are candidates, known by their position, and their number varies.
        return np.arange(n_columns)
    if arms is None:
        raise TypeError(
            f"policy must say which arm each column of predict_proba is, in classes_, but "
            f"{type(policy).__name__} has none. Fit it first, or set classes_."
        )
    arms = np.asarray(arms)
    if arms.shape != (n_columns,):
        raise ValueError(
            f"classes_ of {type(policy).__name__} must hold one label for each of the {n_columns} "
            f"columns of predict_proba, got shape {arms.shape}."
        )
    return arms


def last_step(policy):
    """Return what decides: the last step of a Pipeline, the best estimator of a search."""
    while True:
        if hasattr(policy, "steps"):
            policy = policy.steps[-1][1]
        elif hasattr(policy, "best_estimator_"):
            policy = policy.best_estimator_
        else:
            return policy


def _joined(arms, more):
    """Append labels; of different kinds they stay what they are."""
    more_array = np.asarray(more)
    if (arms.dtype.kind in "US") == (more_array.dtype.kind in "US"):
        return np.concatenate([arms, more_array])
    return np.array([*arms.tolist(), *more], dtype=object)


def _unknown_message(unknown, arms):
    def few(labels):
        shown = ", ".join(map(repr, labels[:5]))
        return shown + (", ..." if len(labels) > 5 else "")

    return (
        f"The log holds arms that the policy does not know: {few(unknown)}. It knows "
        f"{few(arms.tolist())}. Name all arms when the policy is made (arms=[...]), or add them "
        "(add_arms): a fold of a log may lack an arm. With unknown_arms='zero' they count as "
        "arms that the policy never plays."
    )


def expected_columns(expected_reward, logged_arms, arms):
    """Put a reward model's columns in the order of a policy's arms.

    Parameters
    ----------
    expected_reward : ndarray of shape (n_samples, n_logged_arms + 1)
        The last column is for any arm that was never logged.
    logged_arms : list of labels
    arms : ndarray of labels

    Returns
    -------
    columns : ndarray of shape (n_samples, n_arms)
    """
    place: dict[Any, int] = {label: column for column, label in enumerate(logged_arms)}
    return expected_reward[:, [place.get(label, len(place)) for label in arms.tolist()]]
