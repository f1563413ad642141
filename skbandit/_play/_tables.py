"""What a policy does in logged rounds, as a table of probabilities."""

from typing import NamedTuple

import numpy as np

from ._arms import ArmColumns, show_labels
from ._steps import last_step

UNKNOWN_ARMS = ("raise", "zero")


class Answers(NamedTuple):
    """The probabilities of a policy in some rounds; as a policy it repeats them."""

    probability: np.ndarray  # (n_samples, n_arms)
    classes_: np.ndarray  # (n_arms,) labels of the columns

    def predict_proba(self, X):
        """Return the probabilities, whatever is asked."""
        return self.probability


class PolicyTable(NamedTuple):
    """What a policy does in logged rounds."""

    probability: np.ndarray  # (n_samples, n_arms)
    arms: np.ndarray  # (n_arms,) labels of the columns
    column: np.ndarray  # (n_samples,) column of the logged arm


def ask_policy(policy, X):
    """Ask a policy for its probabilities and its arms.

    Parameters
    ----------
    policy : estimator object
        With ``predict_proba``, and ``classes_`` or, for a bandit before any data, ``arms``.
    X : rows

    Returns
    -------
    answers : Answers
    """
    if not hasattr(policy, "predict_proba"):
        raise TypeError(
            "policy must have predict_proba, the probability with which it plays each arm, but "
            f"{type(policy).__name__} has none. CalibratedClassifierCV gives one to a classifier."
        )
    # Not through scikit-learn's response methods: they drop a column where there are two classes.
    probability = np.asarray(policy.predict_proba(X))
    if probability.ndim != 2:
        raise ValueError(
            f"predict_proba of {type(policy).__name__} must return (n_samples, n_arms), got an "
            f"array of shape {probability.shape}."
        )
    return Answers(probability, _arms_of(policy, X, probability.shape[1]))


def policy_table(policy, X, labels, *, unknown_arms="raise"):
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

    Returns
    -------
    table : PolicyTable
    """
    if unknown_arms not in UNKNOWN_ARMS:
        raise ValueError(
            f"unknown_arms must be one of {', '.join(UNKNOWN_ARMS)}; got {unknown_arms!r}."
        )
    probability, arms = ask_policy(policy, X)
    columns = ArmColumns(arms)
    column = columns.find(labels)
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


def _arms_of(policy, X, n_columns):
    arms = getattr(policy, "classes_", None)
    if arms is None:
        arms = getattr(last_step(policy), "arms", None)
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
