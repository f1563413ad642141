"""Values of policies that play a set of arms a round, each of which pays its own reward.

The value is the expected sum of the rewards of a round's set. All that is asked of a policy is how
likely each arm is in its set; a set is one round in standard errors.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._play import entries_at, show_rows
from .._rounds import check_propensity
from ._diagnostics import warn_poor_support
from ._importance_weighted import span
from ._policy_value import PolicyValue, first_mean
from ._validation import (
    check_groups,
    check_plays_available,
    check_probability,
    check_sample_weight,
    check_table,
    importance_weight,
)


@dataclass(frozen=True)
class ScaledRatio:
    """g(a, b, c) = a b / c."""

    def __call__(self, means):
        """Return the value."""
        return means[..., 0] * means[..., 1] / means[..., 2]


class EvaluatedSets:
    """A log of sets beside the inclusion probabilities of the policy that it evaluates, checked.

    Parameters
    ----------
    policy_probability : array-like of shape (n_samples, n_arms)
        Probability that each arm is in the policy's set.
    reward, propensity : array-like of shape (n_samples, k), default=None
    arm : array-like of int of shape (n_samples, k), default=None
        Columns of the logged arms, distinct within a round.
    expected_reward : array-like of shape (n_samples, n_arms), default=None
    sample_weight, groups : array-like of shape (n_samples,), default=None
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
    """

    def __init__(
        self,
        *,
        policy_probability,
        reward=None,
        arm=None,
        propensity=None,
        expected_reward=None,
        sample_weight=None,
        groups=None,
        available=None,
    ):
        policy = check_table(policy_probability, "policy_probability", (None, None))
        check_probability(policy)
        n_samples, n_arms = policy.shape
        none = ~(policy.sum(axis=1) > 0)
        if none.any():
            raise ValueError(
                f"policy_probability is 0 for every arm in {show_rows(none)}; give each arm the "
                "probability with which it is in the policy's set, as predict_proba does."
            )
        self.policy_probability = policy
        self.sample_weight = check_sample_weight(sample_weight, n_samples)
        self.groups = check_groups(groups, n_samples)
        self.arm = None if arm is None else _check_sets(arm, n_samples, n_arms)
        shape = (n_samples, None) if self.arm is None else self.arm.shape
        self.reward = None if reward is None else check_table(reward, "reward", shape)
        self.propensity = propensity
        if propensity is not None and self.arm is not None:
            self.propensity = check_propensity(propensity, shape)
        self.expected_reward = None
        if expected_reward is not None:
            self.expected_reward = check_table(expected_reward, "expected_reward", policy.shape)
        if available is not None:
            check_plays_available(policy, available, self.arm)

    def need(self, *names):
        """Raise unless all of these arguments were given."""
        for name in names:
            if getattr(self, name) is None:
                raise ValueError(
                    f"{name} is None and this estimator of sets needs it; "
                    "pass it with a row a round."
                )

    @cached_property
    def weight(self):
        """Importance weights of the logged arms, (n_samples, k)."""
        return importance_weight(entries_at(self.policy_probability, self.arm), self.propensity)

    @cached_property
    def size(self):
        """Expected number of arms in the policy's set, (n_samples,)."""
        return self.policy_probability.sum(axis=1)

    @cached_property
    def model_logged(self):
        return entries_at(self.expected_reward, self.arm)

    @cached_property
    def model_policy(self):
        return np.einsum("nk,nk->n", self.policy_probability, self.expected_reward)

    def value(self, name, columns, formula, **ranges):
        """Return a value whose rounds are sets."""
        return PolicyValue(
            name=name,
            columns=columns,
            formula=formula,
            sample_weight=self.sample_weight,
            groups=self.groups,
            **ranges,
        )

    def weights(self):
        """Return what intervals know of the weights: the largest of a set, and their mean."""
        largest = self.weight.max(axis=1)
        warn_poor_support(largest)
        return {"weight": largest, "control": self.weight.sum(axis=1) / self.size}


def _check_sets(arm, n_samples, n_arms):
    arm = np.asarray(arm)
    if arm.dtype.kind not in "iu" or arm.ndim != 2 or len(arm) != n_samples:
        raise ValueError(
            "arm must hold integers of shape (n_samples, k), the columns of the logged arms in "
            f"policy_probability; got dtype {arm.dtype} and shape {arm.shape} where "
            f"policy_probability has {n_samples} rows."
        )
    bad = ((arm < 0) | (arm >= n_arms)).any(axis=1)
    if bad.any():
        raise ValueError(
            f"arm holds numbers other than 0 to {n_arms - 1}, the columns of policy_probability, "
            f"in {show_rows(bad)}. Give every logged arm a column, of zeros if the policy never "
            "plays it."
        )
    ordered = np.sort(arm, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if twice.any():
        raise ValueError(f"arm must name distinct arms; it names one twice in {show_rows(twice)}.")
    return arm.astype(np.intp)


def set_dm(sets):
    """Sum of what the model expects of the arms in the policy's set."""
    sets.need("expected_reward")
    columns = sets.model_policy[:, None]
    return sets.value("dm", columns, first_mean, base_range=span(sets.model_policy))


def set_ips(sets):
    """Sum of the weighted rewards."""
    sets.need("reward", "arm", "propensity")
    total = (sets.weight * sets.reward).sum(axis=1)
    low = np.minimum(sets.reward, 0).sum(axis=1).min()
    high = np.maximum(sets.reward, 0).sum(axis=1).max()
    return sets.value(
        "ips",
        total[:, None],
        first_mean,
        reward_range=(float(low), float(high)),
        **sets.weights(),
    )


def set_snips(sets):
    """Sum of the weighted rewards, over the mean weight."""
    sets.need("reward", "arm", "propensity")
    weight = sets.weight.sum(axis=1)
    if not np.average(weight, weights=sets.sample_weight) > 0:
        raise ValueError(
            "snips is undefined: the policy plays no arm of any logged set. Evaluate a policy "
            "closer to the log, or use dr with a reward model."
        )
    columns = np.column_stack([sets.size, (sets.weight * sets.reward).sum(axis=1), weight])
    return sets.value(
        "snips",
        columns,
        ScaledRatio(),
        reward_range=span(sets.reward.sum(axis=1)),
        **sets.weights(),
    )


def set_dr(sets):
    """`set_dr_value` of checked sets."""
    sets.need("reward", "arm", "propensity", "expected_reward")
    error = sets.reward - sets.model_logged
    terms = sets.model_policy + (sets.weight * error).sum(axis=1)
    return sets.value(
        "dr",
        terms[:, None],
        first_mean,
        reward_range=span(sets.reward.sum(axis=1)),
        # Weights stand before the model's parts as well: only the terms bound themselves.
        base_range=span(terms),
        **sets.weights(),
    )


SET_ESTIMATORS = {"dm": set_dm, "dr": set_dr, "ips": set_ips, "snips": set_snips}


def set_dr_value(
    *,
    reward,
    arm,
    propensity,
    policy_probability,
    expected_reward,
    sample_weight=None,
    groups=None,
    available=None,
):
    """Value of a policy that plays a set of arms a round, doubly robust.

    mean(sum_a pi_a q_a + sum_j pi_j / p_j (reward_j - q_j)), where a runs over all arms and j over
    the logged ones, pi is the probability that an arm is in the policy's set, p that it was in the
    logged one, and q a model of its reward. It is the expected sum of the rewards of a set,
    unbiased for any model if an arm's reward does not depend on which others are in the set.

    Parameters
    ----------
    reward : array-like of shape (n_samples, k)
        Logged reward of each arm of the set.
    arm : array-like of int of shape (n_samples, k)
        Columns of the logged arms in `policy_probability`.
    propensity : array-like of shape (n_samples, k)
        Probability that the arm was in the logged set, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_arms)
        Probability that each arm is in the policy's set; of a bandit with `TopKSelector` what
        `predict_proba` returns.
    expected_reward : array-like of shape (n_samples, n_arms)
        The model's prediction for every arm, made without the round itself.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see `PolicyValue`.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played, see `policy_value`.

    Returns
    -------
    value : PolicyValue
        A set is one round: rewards of one set may have anything in common.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    policy_value : Takes sets too, with the names "dm", "dr", "ips" and "snips".
    cascade_dr_value : For rankings, where a reward depends on the items above.

    References
    ----------
    Horvitz & Thompson (1952), A generalization of sampling without replacement from a finite
    universe, JASA 47. Dudik, Erhan, Langford & Li (2014), Doubly robust policy evaluation and
    optimization, Statistical Science 29.

    Examples
    --------
    >>> from skbandit.metrics import set_dr_value
    >>> set_dr_value(reward=[[1., 0.]], arm=[[0, 2]], propensity=[[.5, .5]],
    ...              policy_probability=[[1., 1., 0.]], expected_reward=[[.5, .25, 0.]]).value
    1.75
    """
    sets = EvaluatedSets(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
        available=available,
    )
    return set_dr(sets)
