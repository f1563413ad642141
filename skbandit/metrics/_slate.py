"""Values of policies that fill the slots of a slate, from logs of whole slates.

All arrays have a row a slate and a column a slot. The value is the expected sum of `slot_weight`
times reward over the slots.
"""

import numpy as np

from .._rounds import check_propensity
from ._diagnostics import warn_poor_support
from ._importance_weighted import span
from ._policy_value import PolicyValue, first_mean
from ._validation import (
    check_groups,
    check_probability,
    check_sample_weight,
    check_table,
    check_vector,
    importance_weight,
)


def sum_of_ratios(means):
    """g(a_1, ..., a_L, b_1, ..., b_L) = sum_l a_l / b_l."""
    n_slots = means.shape[-1] // 2
    return (means[..., :n_slots] / means[..., n_slots:]).sum(axis=-1)


def _check_slates(reward, propensity, policy_probability, slot_weight, sample_weight):
    reward = check_table(reward, "reward", (None, None))
    n_samples, n_slots = reward.shape
    propensity = check_propensity(propensity, reward.shape)
    policy_probability = check_table(policy_probability, "policy_probability", reward.shape)
    check_probability(policy_probability)
    if slot_weight is not None:
        reward = reward * check_vector(slot_weight, "slot_weight", n_slots)
    weight = importance_weight(policy_probability, propensity)
    return reward, weight, check_sample_weight(sample_weight, n_samples)


def _slate_value(name, reward, weight, *, sample_weight, groups, control, normalize):
    """Sum over slots of the mean of weight times reward, over the mean weight if wanted."""
    largest = weight.max(axis=1)
    warn_poor_support(largest)
    total = reward.sum(axis=1)
    common = {
        "name": name,
        "weight": largest,
        "control": control,
        "sample_weight": sample_weight,
        "groups": check_groups(groups, len(reward)),
    }
    if not normalize:
        # Slots may differ in sign: each reward's own part bounds the sum.
        low, high = np.minimum(reward, 0).sum(axis=1), np.maximum(reward, 0).sum(axis=1)
        return PolicyValue(
            columns=(weight * reward).sum(axis=1, keepdims=True),
            formula=first_mean,
            reward_range=(float(low.min()), float(high.max())),
            **common,
        )
    mean_weight = np.average(weight, axis=0, weights=sample_weight)
    if not mean_weight.all():
        slot = int(np.flatnonzero(mean_weight == 0)[0])
        raise ValueError(
            f"{name} is undefined with normalize=True: the policy gives everything that was "
            f"logged in slot {slot} probability 0. Use normalize=False, or evaluate a policy "
            "closer to the log."
        )
    # Only the proportions of a slot's weights matter.
    share = weight / weight.max(axis=0)
    return PolicyValue(
        columns=np.hstack([share * reward, share]),
        formula=sum_of_ratios,
        reward_range=span(total),
        **common,
    )


def slate_ips_value(
    *,
    reward,
    propensity,
    policy_probability,
    slot_weight=None,
    normalize=False,
    sample_weight=None,
    groups=None,
):
    """Value of a slate policy by inverse propensity scoring of whole slates.

    mean(prod_l w_l sum_l reward_l), w_l the ratio of the probabilities of slot l's item given the
    items above it: unbiased however users behave, and very variable.

    Parameters
    ----------
    reward : array-like of shape (n_samples, n_slots)
        Logged reward of each slot.
    propensity : array-like of shape (n_samples, n_slots)
        Probability with which each slot's item was played given the items above it, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_slots)
        The same under the evaluated policy.
    slot_weight : array-like of shape (n_slots,), default=None
        What a reward in each slot counts; None counts each once.
    normalize : bool, default=False
        Whether to divide by the mean weight (self-normalised).
    sample_weight : array-like of shape (n_samples,), default=None
        How much each slate counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of slates that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    reward_interaction_ips_value : For users who go through the slate from the top.
    independent_ips_value : For rewards that depend on their own slot alone.

    References
    ----------
    Swaminathan et al. (2017), Off-policy evaluation for slate recommendation, NeurIPS.

    Examples
    --------
    >>> from skbandit.metrics import slate_ips_value
    >>> slate_ips_value(reward=[[1., 0.], [0., 1.]], propensity=[[.5, .5], [.5, .5]],
    ...                 policy_probability=[[1., .5], [.5, .25]]).value
    1.25
    """
    reward, weight, sample_weight = _check_slates(
        reward, propensity, policy_probability, slot_weight, sample_weight
    )
    joint = weight.prod(axis=1)
    joint_per_slot = np.broadcast_to(joint[:, None], reward.shape)
    return _slate_value(
        "slate_ips",
        reward,
        joint_per_slot,
        sample_weight=sample_weight,
        groups=groups,
        control=joint,
        normalize=normalize,
    )


def independent_ips_value(
    *,
    reward,
    propensity,
    policy_probability,
    slot_weight=None,
    normalize=False,
    sample_weight=None,
    groups=None,
):
    """Value of a slate policy if each reward depends on its own slot's item alone.

    mean(sum_l w_l reward_l), w_l the ratio of the marginal probabilities of slot l's item.

    Parameters
    ----------
    reward : array-like of shape (n_samples, n_slots)
        Logged reward of each slot.
    propensity : array-like of shape (n_samples, n_slots)
        Marginal probability of the item in its slot under the logging policy, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_slots)
        The same under the evaluated policy.
    slot_weight : array-like of shape (n_slots,), default=None
        What a reward in each slot counts; None counts each once.
    normalize : bool, default=False
        Whether to divide each slot by its mean weight (self-normalised).
    sample_weight : array-like of shape (n_samples,), default=None
        How much each slate counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of slates that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    slate_ips_value : Without that assumption.

    References
    ----------
    Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen (2018), Offline evaluation of ranking
    policies with click models, KDD.

    Examples
    --------
    >>> from skbandit.metrics import independent_ips_value
    >>> independent_ips_value(reward=[[1., 0.], [0., 1.]], propensity=[[.5, .5], [.5, .5]],
    ...                       policy_probability=[[1., .5], [.5, .25]]).value
    1.25
    """
    reward, weight, sample_weight = _check_slates(
        reward, propensity, policy_probability, slot_weight, sample_weight
    )
    return _slate_value(
        "independent_ips",
        reward,
        weight,
        sample_weight=sample_weight,
        groups=groups,
        control=None,
        normalize=normalize,
    )


def reward_interaction_ips_value(
    *,
    reward,
    propensity,
    policy_probability,
    slot_weight=None,
    normalize=False,
    sample_weight=None,
    groups=None,
):
    """Value of a slate policy if each reward depends on its own item and those above it (cascade).

    mean(sum_l w_1 ... w_l reward_l), w_l the ratio of the probabilities of slot l's item given the
    items above it.

    Parameters
    ----------
    reward : array-like of shape (n_samples, n_slots)
        Logged reward of each slot.
    propensity : array-like of shape (n_samples, n_slots)
        Probability with which each slot's item was played given the items above it, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_slots)
        The same under the evaluated policy.
    slot_weight : array-like of shape (n_slots,), default=None
        What a reward in each slot counts; None counts each once.
    normalize : bool, default=False
        Whether to divide each slot by its mean weight (self-normalised).
    sample_weight : array-like of shape (n_samples,), default=None
        How much each slate counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of slates that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    cascade_dr_value : With a reward model.

    References
    ----------
    McInerney, Brost, Chandar, Mehrotra & Carterette (2020), Counterfactual evaluation of slate
    recommendations with sequential reward interactions, KDD.

    Examples
    --------
    >>> from skbandit.metrics import reward_interaction_ips_value
    >>> reward_interaction_ips_value(reward=[[1., 0.], [0., 1.]], propensity=[[.5, .5], [.5, .5]],
    ...                              policy_probability=[[1., .5], [.5, .25]]).value
    1.25
    """
    reward, weight, sample_weight = _check_slates(
        reward, propensity, policy_probability, slot_weight, sample_weight
    )
    weight = weight.cumprod(axis=1)
    return _slate_value(
        "reward_interaction_ips",
        reward,
        weight,
        sample_weight=sample_weight,
        groups=groups,
        control=weight[:, -1],
        normalize=normalize,
    )


def cascade_dr_value(
    *,
    reward,
    propensity,
    policy_probability,
    expected_reward,
    policy_expected_reward,
    slot_weight=None,
    sample_weight=None,
    groups=None,
):
    """Value of a slate policy by the cascade doubly robust method.

    mean(sum_l w_1:l (reward_l - Q_l) + w_1:l-1 V_l), where w_1:l = w_1 ... w_l, Q_l is a model of
    the rewards from slot l on given the items down to slot l, and V_l its expectation over the
    evaluated policy's item in slot l. Unbiased for any model under the cascade assumption; with a
    model of zeros it is `reward_interaction_ips_value`.

    Parameters
    ----------
    reward : array-like of shape (n_samples, n_slots)
        Logged reward of each slot.
    propensity : array-like of shape (n_samples, n_slots)
        Probability with which each slot's item was played given the items above it, in (0, 1].
    policy_probability : array-like of shape (n_samples, n_slots)
        The same under the evaluated policy.
    expected_reward : array-like of shape (n_samples, n_slots)
        Q: predicted sum of the rewards from this slot on, for the logged items down to it;
        weighted by `slot_weight` where that is given.
    policy_expected_reward : array-like of shape (n_samples, n_slots)
        V: the same with this slot's item drawn by the evaluated policy, under the logged items
        above.
    slot_weight : array-like of shape (n_slots,), default=None
        What a reward in each slot counts; None counts each once.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each slate counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of slates that belong together, see `PolicyValue`.

    Returns
    -------
    value : PolicyValue

    Raises
    ------
    ValueError
        If an argument has a wrong shape or impossible values.

    See Also
    --------
    reward_interaction_ips_value : Without a model.

    References
    ----------
    Kiyohara, Saito, Matsuhiro, Narita, Shimizu & Yamamoto (2022), Doubly robust off-policy
    evaluation for ranking policies under the cascade behavior model, WSDM, eq. 6.

    Examples
    --------
    >>> from skbandit.metrics import cascade_dr_value
    >>> cascade_dr_value(reward=[[1., 0.]], propensity=[[.5, .5]], policy_probability=[[.5, 1.]],
    ...                  expected_reward=[[.5, .5]], policy_expected_reward=[[.5, .25]]).value
    0.25
    """
    reward, weight, sample_weight = _check_slates(
        reward, propensity, policy_probability, slot_weight, sample_weight
    )
    model = check_table(expected_reward, "expected_reward", reward.shape)
    baseline = check_table(policy_expected_reward, "policy_expected_reward", reward.shape)
    weight = weight.cumprod(axis=1)
    above = np.hstack([np.ones((len(weight), 1)), weight[:, :-1]])
    warn_poor_support(weight.max(axis=1))
    terms = (weight * (reward - model) + above * baseline).sum(axis=1)
    return PolicyValue(
        name="cascade_dr",
        columns=terms[:, None],
        formula=first_mean,
        weight=weight.max(axis=1),
        control=weight[:, -1],
        sample_weight=sample_weight,
        groups=check_groups(groups, len(reward)),
        reward_range=span(reward.sum(axis=1)),
        # Products of weights stand before the model's parts as well: only the terms bound
        # themselves.
        base_range=span(terms),
    )
