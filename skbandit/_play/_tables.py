"""What a policy does in logged rounds, as a table of probabilities."""

import inspect
from typing import NamedTuple

import numpy as np
from sklearn.utils import get_tags

from .._rounds import check_available, check_logged_available
from .._rows import as_frame, n_rows, nw
from ._arms import ArmColumns, show_labels, show_rows
from ._steps import is_bandit, last_step, take_apart

UNKNOWN_ARMS = ("raise", "zero")


class Answers(NamedTuple):
    """The probabilities of a policy in some rounds; as a policy it repeats them."""

    probability: np.ndarray  # (n_samples, n_arms)
    classes_: np.ndarray  # (n_arms,) labels of the columns

    def predict_proba(self, X, available=None, cost=None):
        """Return the probabilities, whatever is asked."""
        return self.probability


class PolicyTable(NamedTuple):
    """What a policy does in logged rounds."""

    probability: np.ndarray  # (n_samples, n_arms)
    arms: np.ndarray  # (n_arms,) labels of the columns
    column: np.ndarray  # (n_samples,) column of the logged arm


def ask_policy(policy, X, available=None, cost=None):
    """Ask a policy for its probabilities and its arms.

    Parameters
    ----------
    policy : estimator object
        With ``predict_proba``, and ``classes_`` or, for a bandit before any data, ``arms``.
    X : rows
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that may be played; a frame may name more than the policy knows. A bandit decides
        among these, which is another policy than its probabilities of all arms divided by their
        sum: in a Pipeline it is asked itself, with transformed contexts. A policy that takes no
        mask is no bandit, and its probabilities are divided by their sum.
    cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
            default=None
        What the arms cost in each row, or a factor on what the policy knows; a frame may name
        more arms than it knows. A policy that weighs no costs decides without them.

    Returns
    -------
    answers : Answers
    """
    if not hasattr(policy, "predict_proba"):
        raise TypeError(
            "policy must have predict_proba, the probability with which it plays each arm, but "
            f"{type(policy).__name__} has none. CalibratedClassifierCV gives one to a classifier."
        )
    options = {}
    steps, last = take_apart(policy)
    if cost is not None and weighs_costs(last):
        options["cost"] = _of_arms(cost, named_arms(last))
    if available is not None:
        if "available" in inspect.signature(last.predict_proba).parameters:
            options["available"] = _of_arms(available, named_arms(last))
        elif is_bandit(policy):
            raise TypeError(
                f"available is given, but predict_proba of {type(last).__name__} takes no mask, "
                "and a bandit that was asked about all arms says nothing of how it decides among "
                "some. Pass the bandit itself, or let predict_proba take available."
            )
    if options:
        # A Pipeline passes on what is routed alone.
        for step in steps:
            X = step.transform(X)
        policy = last
    # Not through scikit-learn's response methods: they drop a column where there are two classes.
    probability = np.asarray(policy.predict_proba(X, **options))
    if probability.ndim != 2:
        raise ValueError(
            f"predict_proba of {type(policy).__name__} must return (n_samples, n_arms), got an "
            f"array of shape {probability.shape}."
        )
    arms = _arms_of(policy, X, probability.shape[1])
    if available is not None and "available" not in options:
        available = check_available(_of_arms(available, arms), arms, len(probability))
        probability = _among(probability, available, policy)
    return Answers(probability, arms)


def weighs_costs(policy):
    """Say whether a policy decides by what arms cost in a call.

    Parameters
    ----------
    policy : estimator object
        The last step, see :func:`take_apart`.
    """
    if "cost" not in inspect.signature(policy.predict_proba).parameters:
        return False
    if not is_bandit(policy):
        return True
    if get_tags(policy).bandit_tags.cost == "used":
        return True
    # A bandit of several objectives has another selector beside that of its scores.
    parameters = policy.get_params(deep=False).values()
    return any(getattr(one, "weighs_costs", hasattr(one, "for_costs")) for one in parameters)


def costs_by_row(cost, n_samples):
    """Return what arms cost in rows as something whose rows can be taken; None stays None.

    Parameters
    ----------
    cost : None, array-like or frame with a row for each of the rounds
    n_samples : int
    """
    if cost is None:
        return None
    if as_frame(cost) is None:
        cost = np.asarray(cost)
    if np.ndim(cost) == 0 or n_rows(cost) != n_samples:
        raise ValueError(
            f"cost must have a row for each of the {n_samples} rounds, what each arm costs in it "
            f"or a factor; got shape {np.shape(cost)}."
        )
    return cost


def _of_arms(values, arms):
    """Drop the columns of a frame that name none of these arms, where all of them are named.

    A log may hold arms that a policy does not know, and another policy may know them.
    """
    frame = as_frame(values)
    if arms is None or not isinstance(frame, nw.DataFrame):
        return values
    names, labels = list(frame.to_native().columns), np.asarray(arms).tolist()
    for wanted in (labels, [str(label) for label in labels]):
        if set(wanted) < set(names):
            return frame[:, [names.index(label) for label in wanted]].to_native()
    return values


def _among(probability, available, policy):
    """Divide the probabilities of the arms that are available by their sum."""
    probability = np.where(available, probability, 0.0)
    total = probability.sum(axis=1, keepdims=True)
    if not total.all():
        raise ValueError(
            f"{type(policy).__name__} gives all available arms probability 0 in "
            f"{show_rows(total[:, 0] == 0)}: it says nothing of what it would play there. Leave "
            "those rows out, or pass a policy that plays every arm sometimes."
        )
    return probability / total


def check_mask(available, arms, labels):
    """Return a mask of a log as an array; raise where a logged arm was not available.

    Parameters
    ----------
    available : array-like or frame of bool of shape (n_samples, n_arms)
    arms : ndarray of shape (n_arms,)
        The labels of its columns, or what those of a frame are matched with.
    labels : ndarray of shape (n_samples,)
        The logged arms.

    Returns
    -------
    available : ndarray of bool of shape (n_samples, n_arms)
    """
    available = check_available(_of_arms(available, arms), arms, len(labels))
    check_logged_available(available, ArmColumns(arms).find(labels))
    return available


def policy_table(policy, X, labels, *, unknown_arms="raise", available=None, cost=None):
    """Ask a policy for its probabilities, and find the logged arms in them by label.

    Parameters
    ----------
    policy : estimator object
        As in :func:`ask_policy`.
    X : rows
    labels : ndarray of shape (n_samples,)
        The logged arms.
    unknown_arms : {"raise", "zero"}, default="raise"
        An arm that the policy does not know is an error, or one that it plays with probability 0.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        As in :func:`ask_policy`; the logged arms must be among them.
    cost : array-like or frame, default=None
        As in :func:`ask_policy`.

    Returns
    -------
    table : PolicyTable
    """
    if unknown_arms not in UNKNOWN_ARMS:
        raise ValueError(
            f"unknown_arms must be one of {', '.join(UNKNOWN_ARMS)}; got {unknown_arms!r}."
        )
    probability, arms = ask_policy(policy, X, available, cost)
    columns = ArmColumns(arms)
    column = columns.find(labels)
    if available is not None:
        check_mask(available, arms, labels)
    if (column < 0).any():
        unknown = columns.unknown(labels)
        if unknown_arms == "raise":
            raise ValueError(
                f"The log holds arms that the policy does not know: {show_labels(unknown)}. It "
                f"knows {show_labels(arms.tolist())}. Name all arms when the policy is made "
                "(arms=[...]), or add them (add_arms): a fold of a log may lack an arm. With "
                "unknown_arms='zero' they count as arms that the policy never plays."
            )
        padding = np.zeros((len(probability), len(unknown)))
        probability = np.hstack([probability, padding])
        arms = _joined(arms, unknown)
        column = ArmColumns(arms).find(labels)
    return PolicyTable(probability, arms, column)


def named_arms(policy):
    """Return the arms of a policy, in the order of its columns; None where it knows none yet."""
    arms = getattr(policy, "classes_", None)
    return getattr(last_step(policy), "arms", None) if arms is None else arms


def _arms_of(policy, X, n_columns):
    arms = named_arms(policy)
    if getattr(X, "ndim", 2) == 3 and (arms is None or len(arms) != n_columns):
        # The arms are candidates, known by their position, and their number varies.
        return np.arange(n_columns)
    if arms is None:
        raise TypeError(
            "policy must say which arm each column of predict_proba is, in classes_, but "
            f"{type(policy).__name__} has none. Fit it first, or set classes_."
        )
    arms = np.asarray(arms)
    if arms.shape != (n_columns,):
        raise ValueError(
            f"classes_ of {type(policy).__name__} must hold one label for each of the {n_columns} "
            f"columns of predict_proba, got shape {arms.shape}."
        )
    return arms


def _joined(arms, more):
    """Append labels; of different kinds they stay what they are."""
    more_array = np.asarray(more)
    if (arms.dtype.kind in "US") == (more_array.dtype.kind in "US"):
        return np.concatenate([arms, more_array])
    return np.array([*arms.tolist(), *more], dtype=object)
