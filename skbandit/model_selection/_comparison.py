"""Several policies on one log, beside the policy that wrote it."""

import numpy as np
from joblib import Parallel, delayed

from .._play import (
    as_rows,
    ask_policy,
    check_log,
    check_objective,
    name_policies,
    show_labels,
)
from .._rows import as_frame, nw
from ..metrics import PolicyScorer, chance_better, mean_value

LOGGING = "logging policy"
DRAWS = ("bootstrap", "bca")


def compare_policies(
    policies,
    X,
    log,
    *,
    estimator="dr",
    reward_model=None,
    arm_model="disjoint",
    cv=5,
    interval="normal",
    confidence_level=0.95,
    interval_params=None,
    prior_scale=0.5,
    unknown_arms="raise",
    objective=None,
    price=0.0,
    reward=None,
    propensity=None,
    sample_weight=None,
    available=None,
    cost=None,
    groups=None,
    n_jobs=None,
    **parameters,
):
    """Estimate the values of policies from one log, and how sure it is that they beat the logger.

    Policies and logging policy are compared on the same rounds, so the interval of a difference is
    usually shorter than those of the two values suggest.

    Parameters
    ----------
    policies : dict of str to estimator, list of estimators, or estimator
        Fitted policies with ``predict_proba`` and ``classes_``: bandits, Pipelines and searches
        around them, classifiers. A list goes by the names of the classes.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts.
    log : array-like of shape (n_samples,)
        A log on which none of the policies was fitted: a policy that knows the rewards it is
        tested on looks better than it is. Of sets of arms (`TopKSelector`) values are the sums of
        a set's rewards, and the estimators are ``"dr"``, ``"dm"``, ``"ips"`` and ``"snips"``.
    estimator : str, default="dr"
        The off-policy estimator, see :func:`skbandit.metrics.policy_value`.
    reward_model, arm_model, cv, unknown_arms : object
        As in :func:`skbandit.metrics.make_policy_scorer`.
    interval : str, default="normal"
        Method of the intervals, see :class:`skbandit.metrics.PolicyValue`.
    confidence_level : float, default=0.95
        Of each interval; they are not corrected for the number of policies.
    interval_params : dict, default=None
        Options of the intervals. Resamples are drawn with `random_state=0` unless this says
        otherwise.
    prior_scale : float, default=0.5
        Of ``chance_better``: how far true differences between such policies are from 0, in units
        of the mean distance of a reward from the median one; see
        :func:`skbandit.metrics.chance_better`. For clicks that is their rate, so half of all
        policies are then taken to earn between two thirds and four thirds of what the logging one
        earns. Infinity is a flat prior.
    objective, price : object
        What of a log is compared: as in :func:`skbandit.metrics.make_policy_scorer`. With
        ``objective="cost"`` values are negative costs, so that the higher is the better one.
    reward, propensity : array-like of shape (n_samples,), default=None
        Where `log` holds only the arms.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round. Every policy decides among these, as in a call
        of :class:`skbandit.metrics.PolicyScorer`. Columns are matched with the arms of each policy
        by their labels in a frame; an array serves policies whose ``classes_`` are the same.
    cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
            default=None
        What the arms cost in each round, by which policies that weigh costs decide; the others
        decide without. Columns as those of `available`.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, of a customer or a session: intervals take groups as
        independent, not rounds, see :class:`skbandit.metrics.PolicyValue`.
    n_jobs : int, default=None
        Folds of the reward model, then policies, in parallel.
    **parameters
        Tuning parameters of the estimator.

    Returns
    -------
    results : DataFrame
        One row a policy, after one for the logging policy, whose value is the mean reward. Columns
        ``value``, ``low``, ``high``; ``difference`` to the logging policy, ``difference_low``,
        ``difference_high``; ``chance_better``, the probability that the difference is positive,
        given the log and a normal prior about 0 (`prior_scale`), whatever the interval;
        ``effective_sample_size``. ``results.attrs`` keeps `estimator`, `interval` and
        `confidence_level`.

    Raises
    ------
    ValueError
        If the log has no rewards or lacks propensities, holds arms that a policy does not know or
        that were not available, or `interval` knows no groups; if it has several objectives and
        none is chosen, no costs where they count, or quantities.

    See Also
    --------
    compare_quantity_policies : For policies that choose quantities.
    skbandit.metrics.PolicyValueDisplay : Draws the table.
    skbandit.metrics.make_policy_scorer : The same in a search.

    References
    ----------
    M. Dudik, D. Erhan, J. Langford and L. Li (2014). Doubly robust policy evaluation and
    optimization. Statistical Science 29.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.model_selection import compare_policies
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> environment = LinearEnvironment(n_features=5)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 2000, random_state=0)
    >>> greedy = LinearUCB(alpha=0.0).fit(X[:1000], log[:1000])
    >>> results = compare_policies({"greedy": greedy}, X[1000:], log[1000:])
    >>> results[["value", "low", "high", "chance_better"]].round(2)
                    value   low  high  chance_better
    policy...
    logging policy  -0.03 -0.10  0.04            0.5
    greedy           0.89  0.81  0.98            1.0
    """
    named = name_policies(policies, "policies")
    if LOGGING in named:
        raise ValueError(
            f"policies must hold none of the name {LOGGING!r}, which stands for the policy that "
            f"wrote the log; got {list(named)}."
        )
    if not isinstance(estimator, str):
        raise ValueError(f"estimator must be one name, got {estimator!r}.")
    scorer = PolicyScorer(
        estimator,
        reward_model=reward_model,
        arm_model=arm_model,
        cv=cv,
        interval=interval,
        confidence_level=max(confidence_level, 0.5),
        unknown_arms=unknown_arms,
        n_jobs=n_jobs,
        parameters=parameters,
    )
    check_objective(objective, price)
    options = dict(interval_params or {})
    if interval in DRAWS:
        options.setdefault("random_state", 0)
    X = as_rows(X)
    logged = check_log(X, log, reward, propensity, sets=True, objective=objective, price=price)
    answers = Parallel(n_jobs=n_jobs)(
        delayed(ask_policy)(policy, X, available, cost) for policy in named.values()
    )
    for name, columns in (("available", available), ("cost", cost)):
        if np.ndim(columns) == 2 and not isinstance(as_frame(columns), nw.DataFrame):
            _check_same_arms(named, answers, name)
    earned = logged.reward if logged.reward.ndim == 1 else logged.reward.sum(axis=1)
    logging = mean_value(reward=earned, sample_weight=sample_weight, groups=groups)
    low, high = logging.interval(interval, confidence_level=confidence_level, **options)
    effective = logging.effective_sample_size
    rows = {LOGGING: [logging.value, low, high, 0.0, 0.0, 0.0, 0.5, effective]}
    given = {
        "reward": logged.reward,
        "propensity": logged.propensity,
        "sample_weight": sample_weight,
        "available": available,
        "groups": groups,
    }
    for name, answer in zip(named, answers, strict=True):
        value = scorer.evaluate(answer, X, logged.labels, **given)
        rows[name] = [
            *comparison_row(value, logging, interval, confidence_level, options),
            chance_better(value - logging, earned, prior_scale=prior_scale),
            value.effective_sample_size,
        ]
    return comparison_frame(rows, estimator, interval, confidence_level)


def _check_same_arms(named, answers, argument):
    """Raise where the columns of an array would be other arms for other policies."""
    (first, *names), (arms, *others) = named, [answer.classes_ for answer in answers]
    for name, other in zip(names, others, strict=True):
        if not np.array_equal(arms, other):
            raise ValueError(
                f"{argument} is an array, whose columns would be {show_labels(arms.tolist())} for "
                f"the policy {first!r} but {show_labels(other.tolist())} for {name!r}. Pass a "
                "DataFrame with one column an arm, named by it."
            )


def comparison_row(value, logging, method, level, options):
    """A value with its interval, and the difference to the logging policy with its own."""
    difference = value - logging
    # Bounds of the terms of a value are none of those of a difference.
    of_difference = {name: option for name, option in options.items() if name != "bounds"}
    return [
        value.value,
        *value.interval(method, confidence_level=level, **options),
        difference.value,
        *difference.interval(method, confidence_level=level, **of_difference),
    ]


def comparison_frame(rows, estimator, interval, confidence_level):
    """Rows of values by policy as a table."""
    import pandas as pd

    columns = [
        "value",
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "chance_better",
        "effective_sample_size",
    ]
    results = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    results.index.name = "policy"
    results.attrs = {
        "estimator": estimator,
        "interval": interval,
        "confidence_level": confidence_level,
    }
    return results
