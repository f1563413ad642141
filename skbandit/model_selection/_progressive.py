"""Progressive validation: predict, then learn, in the order of the log."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_scalar

from .._play import (
    as_rows,
    ask_policy,
    check_log,
    check_mask,
    costs_by_row,
    entries_at,
    make_player,
    policy_table,
    progress_bar,
)
from .._rounds import learn_arms
from .._rows import take_rows
from ..metrics import PolicyValue, get_estimator_names, policy_value


class ProgressiveValidation(NamedTuple):
    """What :func:`progressive_validation` returns.

    Attributes
    ----------
    value : PolicyValue
        The value of the bandit over the time in which it learnt, with its intervals.
    rounds : DataFrame
        One row a round: ``arm``, ``reward`` and ``propensity`` of the log; ``probability`` with
        which the bandit would have played that arm, and ``expected_reward`` that it predicted for
        it, both before it learnt from the round; ``running_value``, the estimate from the rounds
        so far.
    bandit : estimator
        The bandit after the last round.
    """

    value: PolicyValue
    rounds: Any
    bandit: Any


def progressive_validation(
    bandit,
    X,
    log,
    *,
    estimator="snips",
    batch_size=100,
    reward=None,
    propensity=None,
    available=None,
    cost=None,
    groups=None,
    warm_start=False,
    progress=None,
    **parameters,
):
    """Value a bandit while it learns from a log: test on each round, then learn from it.

    Every round is a test round and none is tested on after it was learnt from, so no data are held
    out. The bandit learns from what the logging policy played; what it would have played itself
    weighs the rewards. The result is the value of "this bandit, trained on the first t rounds of
    the log", averaged over t. With the uniform log of a good exploration it says how fast a bandit
    learns; how it explores by itself is a question for :func:`replay_validate` or
    :func:`skbandit.benchmark.simulate`.

    Parameters
    ----------
    bandit : estimator object
        A bandit, or a Pipeline that ends in one. It is copied and stays as it is. Steps of the
        Pipeline that are not fitted are fitted on the contexts of the first batch.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts, in order of time; for a Pipeline that reads them, n_samples texts in a list
        or a Series.
    log : array-like of shape (n_samples,)
        The log, in the same order.
    estimator : str, default="snips"
        The off-policy estimator, see :func:`skbandit.metrics.policy_value`. Those with a reward
        model take the bandit's own ``expected_reward``, before it learnt from the round.
    batch_size : int, default=100
        How many rounds are tested before they are learnt from, together. 1 learns after every
        round.
    reward, propensity : array-like of shape (n_samples,), default=None
        Where `log` holds only the arms.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round; columns in the order of the bandit's arms, or
        with labels that are matched with them. The bandit decides among these.
    cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
            default=None
        What the arms cost in each round, or a factor on what the bandit's selector knows, where
        it weighs costs; columns as those of `available`.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see :class:`skbandit.metrics.PolicyValue`. They
        count in the error of the value; the bandit learns as without them.
    warm_start : bool, default=False
        Go on from what the bandit has learnt already, instead of forgetting it.
    progress : bool, default=None
        Show a progress bar (needs tqdm); None shows one on a terminal.
    **parameters
        Tuning parameters of the estimator.

    Returns
    -------
    result : ProgressiveValidation
        With the fields value, rounds and bandit.

    Raises
    ------
    TypeError
        If `bandit` does not learn from rewards.
    ValueError
        If the log has no rewards, lacks propensities that the estimator needs, holds impossible
        values, an arm that was not available, several objectives or quantities.

    See Also
    --------
    replay_validate : The bandit learns from its own choices.
    LogSplit : Train on the past, test on the future.

    References
    ----------
    A. Blum, A. Kalai and J. Langford (1999). Beating the hold-out: bounds for k-fold and
    progressive cross-validation. COLT 12.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.model_selection import progressive_validation
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> environment = LinearEnvironment(n_features=5)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 2000, random_state=0)
    >>> result = progressive_validation(LinearUCB(), X, log)
    >>> bool(result.rounds["running_value"][199] < result.value.value)
    True
    """
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    if estimator not in get_estimator_names():
        raise ValueError(
            f"estimator must be one of {', '.join(get_estimator_names())}; got {estimator!r}."
        )
    X = as_rows(X)
    logged = check_log(X, log, reward, propensity)
    cost = costs_by_row(cost, len(logged.labels))
    first = take_rows(X, slice(0, batch_size))
    player = make_player(bandit, first, learn_arms(logged.labels), warm_start=warm_start)
    with_model = estimator in get_estimator_names(reward_model=True)
    can_predict = hasattr(player.policy, "expected_reward")
    if with_model and not can_predict:
        raise TypeError(
            f"estimator={estimator!r} needs a reward model, and {type(player.policy).__name__} "
            "has no expected_reward. Use one without a model, such as 'snips'."
        )
    if available is not None:
        # All at once, so that messages name the rows of the log.
        row = slice(0, 1)
        charged = None if cost is None else take_rows(cost, row)
        contexts = player.transform(take_rows(X, row))
        arms = ask_policy(player.policy, contexts, cost=charged).classes_
        available = check_mask(available, arms, logged.labels)
    n_samples = len(logged.reward)
    probability = expected = column = None
    with progress_bar(n_samples, progress) as advance:
        for start in range(0, n_samples, batch_size):
            rows = slice(start, min(start + batch_size, n_samples))
            contexts = player.transform(take_rows(X, rows))
            table = policy_table(
                player.policy,
                contexts,
                logged.labels[rows],
                available=None if available is None else available[rows],
                cost=None if cost is None else take_rows(cost, rows),
            )
            if probability is None:
                shape = (n_samples, len(table.arms))
                probability, column = np.empty(shape), np.empty(n_samples, dtype=np.intp)
                expected = np.empty(shape) if can_predict else None
            probability[rows], column[rows] = table.probability, table.column
            if can_predict:
                expected[rows] = player.policy.expected_reward(contexts)
            paid = None if logged.cost is None else logged.cost[rows]
            player.learn(contexts, logged.labels[rows], logged.reward[rows], paid)
            if advance is not None:
                advance(rows.stop - rows.start)
    value = policy_value(
        estimator,
        policy_probability=probability,
        arm=column,
        reward=logged.reward,
        propensity=logged.propensity,
        expected_reward=expected if with_model else None,
        groups=groups,
        **parameters,
    )
    return ProgressiveValidation(
        value, _table(logged, probability, expected, column, value), player.policy
    )


def _table(logged, probability, expected, column, value):
    import pandas as pd

    columns = {"arm": logged.labels, "reward": logged.reward}
    if logged.propensity is not None:
        columns["propensity"] = logged.propensity
    columns["probability"] = entries_at(probability, column)
    if expected is not None:
        columns["expected_reward"] = entries_at(expected, column)
    columns["running_value"] = running_value(value)
    return pd.DataFrame(columns)


def running_value(value):
    """Return the estimate from the first round, the first two, and so on.

    Parameters
    ----------
    value : PolicyValue

    Returns
    -------
    running : ndarray of shape (n_samples,)
        NaN where the rounds so far do not determine a value. Parameters that were chosen from data
        are those that were chosen from all rounds.
    """
    columns = value.weighted_columns
    means = np.cumsum(columns, axis=0) / np.arange(1, len(columns) + 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return value.evaluate(means)
