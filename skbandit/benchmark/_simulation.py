"""The runner: bandits play, wait for their rewards and learn."""

from collections import deque
from numbers import Integral
from time import perf_counter

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.parallel import Parallel, delayed

from .._play import ArmColumns, entries_at, name_policies, progress_bar
from .._rows import take_rows
from ._contestants import make_contestant


def simulate(
    bandit,
    environment,
    n_rounds,
    *,
    batch_size=1,
    feedback_delay=0,
    n_repeats=1,
    random_state=None,
    n_jobs=None,
    progress=None,
    learn=True,
    warm_start=False,
):
    """Let bandits play and learn in an environment.

    All bandits face the same rounds and the same noise within a repeat, so their differences are
    theirs and not luck. Adding a bandit, or repeats, changes nothing for the others.

    Parameters
    ----------
    bandit : estimator object, list of them, or dict of str to estimator object
        One bandit or several, by name; Pipelines that end in one too (see Notes). They are cloned,
        never changed. A bandit with ``arms=None`` gets the arms of the environment, one with
        ``random_state=None`` a stream of its own in each repeat, derived from `random_state`.
    environment : BaseEnvironment
        What they play.
    n_rounds : int
        Rounds in each repeat.
    batch_size : int, default=1
        How many rounds are decided, and learnt from, at once.
    feedback_delay : int, default=0
        How many more rounds are decided, after the last of a batch, before its rewards are learnt.
        With 0 they are learnt before the next batch.
    n_repeats : int, default=1
        How often to start anew, with other rounds.
    random_state : int, RandomState instance or None, default=None
        Draws the rounds and the seeds. An int makes everything but the times reproducible,
        whatever `n_jobs`.
    n_jobs : int, default=None
        How many runs (one bandit, one repeat) to play at the same time. None means 1 unless in a
        :obj:`joblib.parallel_backend` context. Times are more even with 1.
    progress : bool, default=None
        Show a progress bar; needs tqdm. None shows it where tqdm is installed and standard error
        is a terminal.
    learn : bool, default=True
        False plays the policies as they are given (fitted, or from their prior). Any estimator
        with ``predict_proba`` and ``classes_`` is then welcome.
    warm_start : bool, default=False
        True lets every repeat begin with what a fitted bandit has learnt before; False forgets it.

    Returns
    -------
    results : DataFrame
        One row a round, with the columns

        policy : categorical of str
            Name of the bandit; that of its class where it was not given in a dict.
        repeat, round : int
            Both count from 0.
        arm : label
            What was played. For a bandit that plays sets of arms a tuple, best first.
        propensity : float
            The probability with which it was (a tuple for sets, each arm's).
        reward : float
            What it paid; the sum over a set.
        expected_reward : float
            The expectation of `reward` given the context.
        regret : float
            How much larger the expected reward of the best arm (the best set of that size) is.
        cumulative_regret : float
            Sum of `regret` up to and with this round of this repeat.
        uniform_regret : float
            The regret that playing uniformly at random is expected to have in this round.
        decision_time, learning_time : float
            Seconds spent in transforming and predicting, and in ``partial_fit``; those of a batch
            are divided evenly over its rounds.

    Raises
    ------
    ValueError
        If a bandit plays an arm that the environment does not have, a Pipeline's steps cannot be
        fitted, or a parameter is out of range.
    TypeError
        If something cannot learn from rewards, and `learn` is True.
    ImportError
        If ``progress=True`` and tqdm is missing.

    See Also
    --------
    RegretDisplay : Draw the result.
    summarize : Turn it into a table.

    Notes
    -----
    A Pipeline has no ``partial_fit``. Its steps before the last are copied and used as they are
    where they are fitted; those that are not are fitted once, on the contexts of the first batch
    (which must have two rows or more), and never again: a scaler that is refitted makes nonsense
    of what was learnt before. Then the last step learns by its own ``partial_fit`` from the
    transformed contexts.

    A bandit whose ``random_state`` is an int decides equal contexts alike until it learns again.
    Where contexts repeat and rewards are delayed, leave it at None: draws are then independent.

    Examples
    --------
    >>> from skbandit.benchmark import simulate
    >>> from skbandit.environments import LinearEnvironment
    >>> from skbandit.linear import LinearUCB
    >>> environment = LinearEnvironment(n_features=4, n_arms=3)
    >>> results = simulate(LinearUCB(), environment, 200, n_repeats=2, random_state=0)
    >>> results.shape
    (400, 12)
    >>> regret = results["cumulative_regret"]
    >>> bool(regret[199] < results["uniform_regret"][:200].sum())
    True
    """
    contestants = name_policies(bandit, "bandit")
    check_scalar(n_rounds, "n_rounds", Integral, min_val=1)
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    check_scalar(feedback_delay, "feedback_delay", Integral, min_val=0)
    check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=(n_repeats, 2)).tolist()
    options = {
        "batch_size": batch_size,
        "feedback_delay": feedback_delay,
        "learn": learn,
        "warm_start": warm_start,
    }
    tasks = [
        (name, repeat, contestants[name], environment, n_rounds, seeds[repeat], options)
        for name in contestants
        for repeat in range(n_repeats)
    ]
    runs = []
    with progress_bar(len(tasks) * n_rounds, progress) as advance:
        if effective_n_jobs(n_jobs) == 1:
            runs.extend(_run(*task, advance=advance) for task in tasks)
        else:
            parallel = Parallel(n_jobs=n_jobs, return_as="generator")
            for run in parallel(delayed(_run)(*task) for task in tasks):
                runs.append(run)
                if advance is not None:
                    advance(n_rounds)
    return _join(tasks, runs, list(contestants))


def _run(name, repeat, bandit, environment, n_rounds, seeds, options, advance=None):
    """Play one bandit for one repeat; return its columns."""
    environment_seed, policy_seed = seeds
    rounds = environment.sample(n_rounds, environment_seed)
    try:
        player = make_contestant(
            bandit,
            environment,
            take_rows(rounds.contexts, slice(0, options["batch_size"])),
            seed=policy_seed,
            learn=options["learn"],
            warm_start=options["warm_start"],
        )
        return _play(
            player,
            rounds,
            ArmColumns(environment.arms),
            batch_size=options["batch_size"],
            # Nothing is kept for later where nothing is learnt.
            feedback_delay=options["feedback_delay"] if options["learn"] else None,
            advance=advance,
        )
    except Exception as error:
        error.add_note(f"This was raised by the policy {name!r} in repeat {repeat}.")
        raise


def _play(player, rounds, columns, *, batch_size, feedback_delay, advance):
    contexts, table, expected = rounds
    n_rounds = len(table)
    propensity = chosen = None
    decision_time, learning_time = np.empty(n_rounds), np.zeros(n_rounds)
    waiting = deque()

    def learn():
        start, stop, transformed, played, reward = waiting.popleft()
        began = perf_counter()
        player.learn(transformed, played, reward)
        learning_time[start:stop] = (perf_counter() - began) / (stop - start)

    for start in range(0, n_rounds, batch_size):
        stop = min(start + batch_size, n_rounds)
        # waiting[0][1] rounds were decided when this batch's last one was.
        while waiting and waiting[0][1] + feedback_delay <= start:
            learn()
        batch = take_rows(contexts, slice(start, stop))
        began = perf_counter()
        transformed = player.transform(batch)
        played, probability = player.decide(transformed)
        decision_time[start:stop] = (perf_counter() - began) / (stop - start)
        column = columns.of_played(played)
        reward = entries_at(table[start:stop], column)
        if chosen is None:
            shape = (n_rounds, *column.shape[1:])
            chosen, propensity = np.empty(shape, dtype=np.intp), np.empty(shape)
        chosen[start:stop], propensity[start:stop] = column, probability
        if feedback_delay is not None:
            waiting.append((start, stop, transformed, played, reward))
        if advance is not None:
            advance(stop - start)
    while waiting:
        learn()
    played = {"arm": columns.labels[chosen], "propensity": propensity}
    times = {"decision_time": decision_time, "learning_time": learning_time}
    return played | _score(chosen, table, expected) | times


def _score(chosen, table, expected):
    """Reward and regret of every round."""
    chosen = chosen.reshape(len(table), -1)
    n_selected, n_arms = chosen.shape[1], table.shape[1]
    best = np.partition(expected, n_arms - n_selected, axis=1)[:, n_arms - n_selected :].sum(
        axis=1
    )
    expected_reward = np.take_along_axis(expected, chosen, axis=1).sum(axis=1)
    regret = best - expected_reward
    return {
        "reward": np.take_along_axis(table, chosen, axis=1).sum(axis=1),
        "expected_reward": expected_reward,
        "regret": regret,
        "cumulative_regret": np.cumsum(regret),
        "uniform_regret": best - n_selected * expected.mean(axis=1),
    }


def _join(tasks, runs, names):
    """Make one tidy DataFrame of all runs."""
    import pandas as pd

    frames = []
    for (name, repeat, *_), run in zip(tasks, runs, strict=True):
        n_rounds = len(run["reward"])
        run = {
            key: list(map(tuple, value.tolist())) if value.ndim == 2 else value
            for key, value in run.items()
        }
        policy = pd.Categorical.from_codes(
            np.full(n_rounds, names.index(name)), categories=pd.Index(names)
        )
        frames.append(
            pd.DataFrame({"policy": policy, "repeat": repeat, "round": np.arange(n_rounds)} | run)
        )
    return pd.concat(frames, ignore_index=True)
