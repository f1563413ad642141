"""Several estimates of one policy on one log."""

import numpy as np

from ._adaptive import adaptive_dr
from ._cressie_read import cressie_read
from ._doubly_robust import dm, dr, sndr
from ._importance_weighted import ips, replay, snips
from ._regularized_dr import dros, drps, subgaussian_dr, switch_dr
from ._regularized_ips import clipped_ips, ix, ls, subgaussian_ips
from ._set import SET_ESTIMATORS, EvaluatedSets
from ._validation import EvaluatedRounds

_ESTIMATORS = {
    "replay": replay,
    "ips": ips,
    "clipped_ips": clipped_ips,
    "snips": snips,
    "subgaussian_ips": subgaussian_ips,
    "ix": ix,
    "ls": ls,
    "cressie_read": cressie_read,
    "dm": dm,
    "dr": dr,
    "adaptive_dr": adaptive_dr,
    "sndr": sndr,
    "switch_dr": switch_dr,
    "dros": dros,
    "drps": drps,
    "subgaussian_dr": subgaussian_dr,
}
_WITH_MODEL = ("dm", "dr", "adaptive_dr", "sndr", "switch_dr", "dros", "drps", "subgaussian_dr")


def get_estimator_names(*, reward_model=None):
    """Names of the estimators that `policy_value` knows.

    Parameters
    ----------
    reward_model : bool, default=None
        True for those that need `expected_reward`, False for the others, None for all.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from skbandit.metrics import get_estimator_names
    >>> get_estimator_names(reward_model=False)
    ['clipped_ips', 'cressie_read', 'ips', 'ix', 'ls', 'replay', 'snips', 'subgaussian_ips']
    """
    names = sorted(_ESTIMATORS)
    if reward_model is None:
        return names
    return [name for name in names if (name in _WITH_MODEL) == reward_model]


def policy_value(
    estimator,
    *,
    policy_probability,
    reward=None,
    arm=None,
    propensity=None,
    expected_reward=None,
    sample_weight=None,
    groups=None,
    available=None,
    **parameters,
):
    """Estimate the value of a policy by estimators given by name, checking the log once.

    Parameters
    ----------
    estimator : str or list of str
        Names as listed by `get_estimator_names`, those of the functions without `_value`; `"dros"`
        and `"drps"` are the two shrinkages of `shrinkage_dr_value`.
    policy_probability : array-like of shape (n_samples, n_arms) or (n_samples,)
        Probabilities of the evaluated policy; of one dimension for the logged arm alone.
    reward : array-like of shape (n_samples,), default=None
        Logged rewards. All but `"dm"` need them.
    arm : array-like of int of shape (n_samples,), default=None
        Column of the logged arm in `policy_probability`. Of shape (n_samples, k) for logs of sets
        of arms, as `reward` and `propensity` then are, see `set_dr_value`; the estimators are
        `"dm"`, `"dr"`, `"ips"` and `"snips"`, and the value is the sum of a round's rewards.
    propensity : array-like of shape (n_samples,), default=None
        Probability with which the logged arm was played. All but `"dm"` and `"replay"` need it.
    expected_reward : array-like of shape (n_samples, n_arms), default=None
        A model's prediction for every arm, for the estimators with a model.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, of a customer or a session: intervals then take
        groups, not rounds, as independent of each other, see `PolicyValue`.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round, columns as in `policy_probability`. Nothing is
        computed from it: a policy that plays what was not available is an error, and so is a
        logged arm that was not.
    **parameters
        Tuning parameters of the estimator; only with a single one.

    Returns
    -------
    value : PolicyValue, or dict of str to PolicyValue
        A dict where `estimator` is a list.

    Raises
    ------
    ValueError
        If a name is unknown, an argument that an estimator needs is None, or an argument has a
        wrong shape or impossible values, or the policy plays an arm that was not available.

    Examples
    --------
    >>> from skbandit.metrics import policy_value
    >>> log = {"reward": [1., 0., 1.], "propensity": [.5, .5, .5]}
    >>> values = policy_value(["ips", "snips"], policy_probability=[1., .5, .5], **log)
    >>> {name: value.value for name, value in values.items()}
    {'ips': 1.0, 'snips': 0.75}
    >>> policy_value("clipped_ips", policy_probability=[1., .5, .5], clip=1., **log).parameters
    {'clip': 1.0}
    """
    single = isinstance(estimator, str)
    names = [estimator] if single else list(estimator)
    unknown = [name for name in names if name not in _ESTIMATORS]
    if unknown or not names:
        raise ValueError(
            f"estimator must be among {', '.join(get_estimator_names())}; got {estimator!r}."
        )
    if parameters and not single:
        raise ValueError(
            f"parameters {', '.join(parameters)} are given for several estimators; call "
            "policy_value for each."
        )
    sets = np.ndim(arm) == 2
    estimators = SET_ESTIMATORS if sets else _ESTIMATORS
    unfit = [name for name in names if name not in estimators]
    if unfit:
        raise ValueError(
            f"estimator {unfit[0]!r} is none of sets of arms, arm of shape {np.shape(arm)}; those "
            f"are {', '.join(SET_ESTIMATORS)}."
        )
    rounds = (EvaluatedSets if sets else EvaluatedRounds)(
        reward=reward,
        arm=arm,
        propensity=propensity,
        policy_probability=policy_probability,
        expected_reward=expected_reward,
        sample_weight=sample_weight,
        groups=groups,
        available=available,
    )
    values = {name: estimators[name](rounds, **parameters) for name in names}
    return values[estimator] if single else values
