"""Checks of logged rounds and of what a policy would have done in them."""

from functools import cached_property

import numpy as np
import pandas as pd

from .._play import entries_at, show_rows
from .._rounds import check_available, check_logged_available, check_propensity
from .._rows import as_frame, n_rows, nw
from ._groups import error_of_mean

# Rows of probabilities come out of softmaxes and divisions in float32 as well.
_SUM_TOLERANCE = 1e-4
_RANGE_TOLERANCE = 1e-6
# What a policy plays of an arm that is not available; masks set entries to 0 exactly.
_NOT_PLAYED = 1e-9


def check_vector(values, name, n_samples=None, dtype=np.float64):
    """Return a finite vector of the wanted length or say what is wrong with it.

    Parameters
    ----------
    values : array-like of shape (n_samples,)
        What the caller gave.
    name : str
        The argument's name, for the message.
    n_samples : int, default=None
        The length that it must have.
    dtype : dtype, default=np.float64
        What it is converted to.

    Returns
    -------
    values : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If the shape is wrong or an entry is missing or infinite.
    """
    values = np.asarray(values, dtype=dtype)
    if values.ndim != 1:
        of_several = name == "reward" and values.ndim == 2
        raise ValueError(
            f"{name} must have one dimension, one entry a round; got shape {values.shape}."
            + (
                " Of several objectives choose one, reward[:, 0], or weigh them, reward @ weights."
                if of_several
                else ""
            )
        )
    if values.size == 0:
        raise ValueError(f"{name} is empty; an evaluation needs at least one round.")
    if n_samples is not None and values.size != n_samples:
        raise ValueError(
            f"{name} has {values.size} entries where the log has {n_samples} rounds; give one "
            "entry a round."
        )
    _check_finite(values, name)
    return values


def _check_finite(values, name):
    # The sum is finite whenever all entries are and nothing overflows: one fast pass.
    with np.errstate(all="ignore"):
        finite = np.isfinite(values.sum()) or np.isfinite(values).all()
    if not finite:
        bad = ~np.isfinite(values)
        if values.ndim > 1:
            bad = bad.any(axis=tuple(range(1, values.ndim)))
        raise ValueError(
            f"{name} has NaN or infinity in {show_rows(bad)}; drop or impute these rounds."
        )


def check_sample_weight(sample_weight, n_samples):
    """Return the weights of the rows, or None where all rows count the same."""
    if sample_weight is None:
        return None
    sample_weight = check_vector(sample_weight, "sample_weight", n_samples)
    if (sample_weight < 0).any() or not sample_weight.any():
        raise ValueError(
            "sample_weight must be non-negative and not zero everywhere; got a smallest weight "
            f"of {sample_weight.min():g}. Drop the rows that must not count."
        )
    return sample_weight


def check_groups(groups, n_samples):
    """Return which group each row belongs to, as integers; None where rows stand alone.

    Parameters
    ----------
    groups : array-like of shape (n_samples,), or None
        Labels of any kind.
    n_samples : int

    Returns
    -------
    codes : ndarray of int of shape (n_samples,), or None
        Groups are numbered in the order in which they appear, so that two labellings of the same
        groups have the same codes.
    """
    if groups is None:
        return None
    frame = as_frame(groups)
    if isinstance(frame, nw.DataFrame) or getattr(groups, "ndim", 1) != 1:
        raise ValueError(
            "groups must have one dimension, one label a round; got shape "
            f"{np.shape(groups)}. Join several columns into one label first."
        )
    if n_rows(groups) != n_samples:
        raise ValueError(
            f"groups has {n_rows(groups)} entries where the log has {n_samples} rounds; give one "
            "label a round."
        )
    if not isinstance(groups, (np.ndarray, pd.Series)):
        groups = pd.Series(list(groups) if frame is None else frame.to_list())
    codes = pd.factorize(groups)[0]
    if (codes < 0).any():
        raise ValueError(
            f"groups has missing labels in {show_rows(codes < 0)}. Give a round that belongs to "
            "no other a label of its own, or drop it."
        )
    return codes.astype(np.intp)


def check_table(values, name, shape):
    """Return a finite table of the wanted shape; None in `shape` takes any length."""
    values = np.asarray(values, dtype=np.float64)
    fits = values.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if want is None else want for want in shape)
        raise ValueError(f"{name} must have shape {wanted}; got {values.shape}.")
    _check_finite(values, name)
    return values


def check_probability(values, name="policy_probability"):
    """Check that entries are probabilities."""
    low, high = values.min(), values.max()
    if low < -_RANGE_TOLERANCE or high > 1 + _RANGE_TOLERANCE:
        raise ValueError(
            f"{name} must hold probabilities; got values from {low:g} to {high:g}. Pass what "
            "predict_proba returns, not scores."
        )


def check_arm(arm, n_samples, n_arms):
    """Return the column of the logged arm in every round."""
    arm = np.asarray(arm)
    if arm.dtype.kind not in "iu":
        raise ValueError(
            "arm must hold integers, the column of the logged arm in policy_probability; got "
            f"dtype {arm.dtype}. Turn labels into columns with np.searchsorted(classes_, labels) "
            "where classes_ is sorted, or with LabelEncoder."
        )
    arm = check_vector(arm, "arm", n_samples, dtype=np.intp)
    if arm.min() < 0 or arm.max() >= n_arms:
        bad = (arm < 0) | (arm >= n_arms)
        raise ValueError(
            f"arm holds {arm[bad][0]} where the policy knows the arms 0 to {n_arms - 1} "
            f"({show_rows(bad)}). Give every logged arm a column of policy_probability (zeros "
            "if the policy never plays it), or drop these rounds."
        )
    return arm


def check_reward_range(reward_range, observed):
    """Return the range of the rewards, the observed one for None; raise where it is left."""
    if reward_range is None:
        return observed
    low, high = reward_range
    if not (low <= observed[0] and observed[1] <= high):
        raise ValueError(
            f"reward_range=({low:g}, {high:g}) does not hold the logged rewards, which run "
            f"from {observed[0]:g} to {observed[1]:g}; widen it."
        )
    return float(low), float(high)


def check_max_weight(max_weight, weight):
    """Return the bound of the weights, the largest for None; raise where the log exceeds it."""
    largest = float(weight.max())
    if max_weight is None:
        return largest
    if max_weight < largest * (1 - 1e-9):
        raise ValueError(
            f"max_weight={max_weight:g} is below the largest weight of the log, {largest:g}; "
            "raise it to a true bound, such as the inverse of the smallest propensity."
        )
    return float(max_weight)


def importance_weight(policy_probability, propensity):
    """Return the ratio of two probabilities; raise where it is no float."""
    with np.errstate(over="ignore"):
        weight = policy_probability / propensity
        finite = np.isfinite(weight.sum())
    if not finite:
        raise ValueError(
            f"propensity is as small as {propensity.min():g}, and importance weights overflow. No "
            "log is long enough to show that an arm is so rare: estimate the propensities anew, "
            "or drop these rounds."
        )
    return weight


def check_plays_available(policy_probability, available, arm):
    """Raise where the policy plays, or the log holds, an arm that was not available."""
    n_samples, n_arms = policy_probability.shape
    available = check_available(available, np.arange(n_arms), n_samples)
    played = ((policy_probability > _NOT_PLAYED) & ~available).any(axis=1)
    if played.any():
        raise ValueError(
            "policy_probability is above 0 for an arm that was not available in "
            f"{show_rows(played)}. What could not be logged has no value in this log. Ask the "
            "policy with the mask, predict_proba(X, available=mask)."
        )
    if arm is not None:
        check_logged_available(available, arm)


class EvaluatedRounds:
    """A log beside the probabilities of the policy that it evaluates, checked.

    What several estimators derive from them is derived once.

    Parameters
    ----------
    reward : array-like of shape (n_samples,), default=None
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm.
    propensity : array-like of shape (n_samples,), default=None
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,), default=None
        The evaluated policy's probabilities, of all arms or of the logged arm alone.
    expected_reward : array-like of shape (n_samples, n_arms), default=None
        A model's prediction for every arm.
    sample_weight : array-like of shape (n_samples,), default=None
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played.

    Attributes
    ----------
    weight : ndarray of shape (n_samples,)
        Importance weight of the logged arm.
    model_logged : ndarray of shape (n_samples,)
        The model's prediction for the logged arm.
    model_policy : ndarray of shape (n_samples,)
        The model's prediction for the evaluated policy.
    model_error : ndarray of shape (n_samples,)
        The reward less the model's prediction for the logged arm.
    """

    def __init__(
        self,
        *,
        reward=None,
        arm=None,
        propensity=None,
        policy_probability=None,
        expected_reward=None,
        sample_weight=None,
        groups=None,
        available=None,
    ):
        policy_probability = np.asarray(policy_probability, dtype=np.float64)
        if policy_probability.ndim not in (1, 2) or policy_probability.size == 0:
            raise ValueError(
                "policy_probability must have shape (n_samples, n_arms), or (n_samples,) for "
                f"the logged arm alone; got {policy_probability.shape}."
            )
        n_samples = len(policy_probability)
        _check_finite(policy_probability, "policy_probability")
        check_probability(policy_probability)
        self.n_samples = n_samples
        self.sample_weight = check_sample_weight(sample_weight, n_samples)
        self.groups = check_groups(groups, n_samples)
        self.reward = None if reward is None else check_vector(reward, "reward", n_samples)
        self.propensity = None
        if propensity is not None:
            self.propensity = check_propensity(propensity, (n_samples,))
        self.policy_probability = policy_probability
        self.expected_reward = None
        self.arm = None
        if policy_probability.ndim == 1:
            if expected_reward is not None:
                raise ValueError(
                    "policy_probability holds the logged arm alone, shape (n_samples,), where "
                    "expected_reward needs the probabilities of all arms, (n_samples, n_arms)."
                )
            if available is not None:
                raise ValueError(
                    "policy_probability holds the logged arm alone, shape (n_samples,), where "
                    "available needs the probabilities of all arms, (n_samples, n_arms)."
                )
            return
        total = policy_probability.sum(axis=1)
        off = np.abs(total - 1) > _SUM_TOLERANCE
        if off.any():
            raise ValueError(
                f"rows of policy_probability must sum to 1; {show_rows(off)}, sums to "
                f"{total[off][0]:.6g}. A policy that picks several arms a round is a slate: use "
                "the slate estimators; otherwise divide each row by its sum."
            )
        n_arms = policy_probability.shape[1]
        if arm is not None:
            self.arm = check_arm(arm, n_samples, n_arms)
        if available is not None:
            check_plays_available(policy_probability, available, self.arm)
        if expected_reward is not None:
            self.expected_reward = check_table(
                expected_reward, "expected_reward", (n_samples, n_arms)
            )

    def need(self, *names):
        """Raise unless all of these arguments were given."""
        for name in names:
            if name == "arm" and self.policy_probability.ndim == 1:
                continue
            if getattr(self, name) is None:
                raise ValueError(f"{name} is None and this estimator needs it; {_WAY_OUT[name]}")

    @cached_property
    def logged_probability(self):
        """Probability of the logged arm under the evaluated policy."""
        if self.policy_probability.ndim == 1:
            return self.policy_probability
        return entries_at(self.policy_probability, self.arm)

    @cached_property
    def weight(self):
        return importance_weight(self.logged_probability, self.propensity)

    @cached_property
    def share(self):
        """How much each round counts, as a share of all."""
        share = np.ones(self.n_samples) if self.sample_weight is None else self.sample_weight
        return share / share.sum()

    @cached_property
    def mean_weight(self):
        """Mean of the importance weights, whose expectation is 1, and its standard error."""
        mean = self.weight @ self.share
        influence = self.n_samples * self.share * (self.weight - mean)
        return mean, error_of_mean(influence, self.groups)

    @cached_property
    def model_logged(self):
        return entries_at(self.expected_reward, self.arm)

    @cached_property
    def model_policy(self):
        return np.einsum("nk,nk->n", self.policy_probability, self.expected_reward)

    @cached_property
    def model_error(self):
        return self.reward - self.model_logged

    def corrected(self, weight):
        """Doubly robust terms: the model's value of the policy plus weight times its error."""
        return self.model_policy + weight * self.model_error


_WAY_OUT = {
    "reward": "pass the logged rewards.",
    "arm": "pass the column of the logged arm in policy_probability.",
    "propensity": "pass the logged propensities, or estimate them from the log.",
    "expected_reward": "pass predictions for all arms, for instance those of cross_fit_rewards.",
}
