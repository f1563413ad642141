"""Replay: a bandit learns from those rounds of a uniform log in which it plays what was logged."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from .._play import (
    ArmColumns,
    as_rows,
    ask_policy,
    check_log,
    check_mask,
    costs_by_row,
    make_player,
    progress_bar,
    show_labels,
)
from .._rounds import learn_arms
from .._rows import take_rows
from ..metrics import PolicyValue, mean_value

# Relative deviation from a constant propensity that is taken for rounding.
_TOLERANCE = 1e-6


class ReplayValidation(NamedTuple):
    """What :func:`replay_validate` returns.

    Attributes
    ----------
    value : PolicyValue
        Mean reward of the rounds that were kept, with its intervals.
    rounds : DataFrame
        One row a kept round: ``row`` in the log, ``arm`` and ``reward``.
    n_seen : int
        How many rounds of the log were used up.
    bandit : estimator
        The bandit after the last round that was kept.
    """

    value: PolicyValue
    rounds: Any
    n_seen: int
    bandit: Any


def replay_validate(
    bandit,
    X,
    log,
    *,
    n_rounds=None,
    batch_size=1,
    reward=None,
    propensity=None,
    available=None,
    cost=None,
    warm_start=False,
    random_state=None,
    progress=None,
):
    """Let a bandit learn and explore on the log of a uniformly random policy.

    The bandit decides in each logged round. If it plays what was logged, the round is kept: its
    reward counts, and the bandit learns from it. If not, the round is skipped and forgotten. As
    the logged arm was uniform, what is kept has the very distribution of a run of that bandit
    (Li et al. 2011, theorem 1), so this values a bandit that learns, not a fixed policy. The price
    is the log: a run of T rounds with K arms uses up about K T rounds.

    Parameters
    ----------
    bandit : estimator object
        A bandit, or a Pipeline that ends in one. It is copied and stays as it is. Steps of the
        Pipeline that are not fitted are fitted on the first `batch_size` contexts.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts; for a Pipeline that reads them, n_samples texts in a list or a Series.
    log : array-like of shape (n_samples,)
        The log of a policy that plays all arms, of a row all that are available, with the same
        probability. Without propensities that is taken for granted.
    n_rounds : int, default=None
        Stop after so many kept rounds; None goes to the end of the log.
    batch_size : int, default=1
        How many kept rounds the bandit learns from at once.
    reward, propensity : array-like of shape (n_samples,), default=None
        Where `log` holds only the arms.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round; columns in the order of the bandit's arms, or
        with labels that are matched with them. The bandit decides among these.
    cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
            default=None
        What the arms cost in each round, or a factor on what the bandit's selector knows, where
        it weighs costs; columns as those of `available`.
    warm_start : bool, default=False
        Go on from what the bandit has learnt already, instead of forgetting it.
    random_state : int, RandomState instance or None, default=None
        Draws the decisions of a bandit whose own `random_state` is None. With an int of its own
        the bandit draws from one stream that starts there: equal contexts are then decided
        independently, before it has learnt as well as after.
    progress : bool, default=None
        Show a progress bar (needs tqdm); None shows one on a terminal.

    Returns
    -------
    result : ReplayValidation
        With the fields value, rounds, n_seen and bandit.

    Raises
    ------
    TypeError
        If `bandit` does not learn from rewards.
    ValueError
        If propensities are not those of a uniform policy, the log has no rewards or an arm that
        was not available, several objectives or quantities, or no round was kept.

    See Also
    --------
    progressive_validation : For any logging policy; the bandit learns from the logged arms.
    skbandit.metrics.replay_value : The same for a policy that does not learn.

    Notes
    -----
    Rewards of a bandit that learns depend on each other, so the intervals of `value` are
    approximate; repeat over shuffled logs for the spread over runs.

    Among few available arms a bandit plays what was logged more often than among many. So that the
    rounds that are kept are no other mixture than the log, one with k available arms is taken
    with probability k over the largest k of the log, and skipped otherwise.

    References
    ----------
    L. Li, W. Chu, J. Langford and X. Wang (2011). Unbiased offline evaluation of
    contextual-bandit-based news article recommendation algorithms. WSDM 4, algorithm 3.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.model_selection import replay_validate
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> environment = LinearEnvironment(n_features=5)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 2000, random_state=0)
    >>> result = replay_validate(LinearUCB(), X, log, random_state=0)
    >>> 350 < len(result.rounds) < 450  # about one in five, there are five arms
    True
    """
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    if n_rounds is not None:
        check_scalar(n_rounds, "n_rounds", Integral, min_val=1)
    X = as_rows(X)
    logged = check_log(X, log, reward, propensity)
    if available is None:
        _check_uniform(logged.propensity)
    rng = check_random_state(random_state)
    player = make_player(
        bandit,
        take_rows(X, slice(0, batch_size)),
        learn_arms(logged.labels),
        warm_start=warm_start,
        random_state=rng,
    )
    bandit = player.policy
    own = getattr(bandit, "random_state", rng)
    if own is None or isinstance(own, Integral):
        # With an int, equal contexts would be decided alike until the next learning call.
        bandit.set_params(random_state=rng if own is None else check_random_state(own))
    # Says whether the bandit knows all arms of the log, before it learns from any.
    cost = costs_by_row(cost, len(logged.labels))
    first = slice(0, 1)
    charged = None if cost is None else take_rows(cost, first)
    arms = ask_policy(bandit, player.transform(take_rows(X, first)), cost=charged).classes_
    columns = ArmColumns(arms)
    column = _known_columns(columns, logged.labels)
    n_samples = len(column)
    taken = np.ones(n_samples, dtype=bool)
    if available is not None:
        available = check_mask(available, arms, logged.labels)
        count = available.sum(axis=1)
        _check_uniform(logged.propensity, count)
        if np.ptp(count) > 0:
            taken = rng.random_sample(n_samples) < count / count.max()
    kept, pending = [], []
    position = 0

    def learn():
        contexts = player.transform(take_rows(X, np.array(pending)))
        paid = None if logged.cost is None else logged.cost[pending]
        player.learn(contexts, logged.labels[pending], logged.reward[pending], paid)
        pending.clear()

    with progress_bar(n_samples, progress) as advance:
        while position < n_samples and (n_rounds is None or len(kept) < n_rounds):
            wanted = batch_size - len(pending)
            if n_rounds is not None:
                wanted = min(wanted, n_rounds - len(kept))
            # On average this many rounds hold as many matches as are wanted.
            stop = min(position + wanted * len(arms), n_samples)
            ahead = slice(position, stop)
            mask = None if available is None else available[ahead]
            contexts = player.transform(take_rows(X, ahead))
            charged = None if cost is None else take_rows(cost, ahead)
            chosen = columns.find(player.decide(contexts, mask, charged)[0])
            if chosen.ndim > 1:
                raise ValueError(
                    f"{type(bandit).__name__} plays sets of arms, but the log names one arm a "
                    "round, and a set is never what was logged. Use a selector of one arm."
                )
            matches = np.flatnonzero((chosen == column[ahead]) & taken[ahead])[:wanted]
            if matches.size == wanted:
                stop = position + int(matches[-1]) + 1
            rows = (position + matches).tolist()
            kept += rows
            pending += rows
            # What was decided beyond the last match is thrown away: the bandit learns first.
            if len(pending) == batch_size or (pending and len(kept) == n_rounds):
                learn()
            if advance is not None:
                advance(stop - position)
            position = stop
    if pending:
        learn()
    if hasattr(bandit, "random_state"):
        bandit.set_params(random_state=own)
    if not kept:
        raise ValueError(
            f"the bandit played what was logged in none of {n_samples} rounds. Use a longer log."
        )
    return ReplayValidation(
        mean_value(reward=logged.reward[kept]), _table(logged, kept), position, bandit
    )


def _check_uniform(propensity, n_available=None):
    if propensity is None:
        return
    share = propensity if n_available is None else propensity * n_available
    if np.ptp(share) > _TOLERANCE * share.max():
        times = "" if n_available is None else ", times the number of available arms,"
        raise ValueError(
            f"replay needs the log of a uniformly random policy, but propensities{times} run from "
            f"{share.min():g} to {share.max():g}: what it keeps would be biased towards what was "
            "logged often. Use progressive_validation. Arms that were not always available go "
            "into available=."
        )


def _known_columns(columns, labels):
    column = columns.find(labels)
    if (column < 0).any():
        raise ValueError(
            "The log holds arms that the bandit does not know: "
            f"{show_labels(columns.unknown(labels))}. Add them (add_arms), or name them in arms=."
        )
    return column


def _table(logged, kept):
    import pandas as pd

    return pd.DataFrame({"row": kept, "arm": logged.labels[kept], "reward": logged.reward[kept]})
