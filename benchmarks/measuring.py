"""Problems, timing in turn, peak memory, and the BLAS time that batch learning is held against."""

import gc
import multiprocessing
import tracemalloc
from time import perf_counter
from typing import NamedTuple

import numpy as np
from contestants import deciders
from threadpoolctl import threadpool_info


class Problem(NamedTuple):
    """Rounds of a linear bandit with rewards 0 and 1, which every library takes."""

    X: np.ndarray  # (n_rows, n_features)
    payoff: np.ndarray  # (n_rows, n_arms), what each arm would pay
    arm: np.ndarray  # (n_rows,), uniform
    reward: np.ndarray  # (n_rows,), of `arm`


def make_problem(n_rows, n_features, n_arms, seed=0):
    """Draw rounds; arms differ little, so that policies stay uncertain."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_features, n_arms)) * (0.1 / np.sqrt(n_features))
    payoff = (rng.random((n_rows, n_arms)) < 0.5 + X @ weights).astype(np.float64)
    arm = rng.integers(n_arms, size=n_rows)
    return Problem(X, payoff, arm, payoff[np.arange(n_rows), arm])


def timed(run, clock=perf_counter):
    """Seconds that one call takes by the clock, garbage collected before."""
    gc.collect()
    start = clock()
    run()
    return clock() - start


def time_in_turn(runs, repeats, clock=perf_counter):
    """Time A B A B ..., so that a change in the machine's speed meets all alike.

    Parameters
    ----------
    runs : dict of str to callable
        Each prepares, untimed, and returns what is to be timed.
    repeats : int
    clock : callable, default=time.perf_counter

    Returns
    -------
    seconds : dict of str to list of float
    """
    seconds = {name: [] for name in runs}
    for _ in range(repeats):
        for name, prepare in runs.items():
            seconds[name].append(timed(prepare(), clock))
    return seconds


def affordable_rows(contestant, n_rows, time_limit, run):
    """How many rows the contestant may take, after a warm-up on a small share.

    Parameters
    ----------
    contestant : Contestant
    n_rows : int
        Rows of the full case.
    time_limit : float
        Seconds that one repetition may take.
    run : callable of the number of rows
        Prepares and returns what is to be timed.
    """
    small = max(50, n_rows // 40)
    timed(run(small // 5))
    seconds = timed(run(small))
    rows = n_rows if contestant.max_rows is None else min(n_rows, contestant.max_rows)
    if seconds * rows / small > time_limit:
        rows = max(small, int(small * time_limit / seconds))
    return rows


def syrk_seconds(problem, n_arms):
    """Prepare the Gram matrices of rows that were grouped by arm beforehand."""
    groups = [problem.X[problem.arm == arm] for arm in range(n_arms)]

    def run():
        for rows in groups:
            rows.T @ rows

    return run


def _decision_memory(policy, label, shape, n_rows, answer):
    """Send the peak of numpy's allocations, and of the resident set, over the input's size."""
    contestant = next(one for one in deciders(policy) if one.label == label)
    problem = make_problem(*shape)
    contestant.fit(problem.X, problem.arm, problem.reward, shape[2])
    X = problem.X[:n_rows].copy()
    del problem
    contestant.decide(X[:200])
    gc.collect()
    resident = _resident_growth(lambda: contestant.decide(X))
    tracemalloc.start()
    contestant.decide(X)
    _, peak = tracemalloc.get_traced_memory()
    answer.send((1 + peak / X.nbytes, None if resident is None else 1 + resident / X.nbytes))


def _resident_growth(run):
    """By how many bytes the resident set grows at its peak (Linux; None elsewhere)."""
    try:
        # Writing 5 sets the peak back to the present size.
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = _high_water()
        run()
        return _high_water() - before
    except OSError:
        return None


def _high_water():
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["VmHWM"].split()[0]) * 1024


def decision_memory(contestant, shape, n_rows):
    """Peak memory of a decision, the input included, in units of the input.

    It runs in a process of its own, whose memory holds nothing left over from other work.

    Parameters
    ----------
    contestant : Contestant
    shape : tuple of int
        Rows, features and arms of the problem to learn.
    n_rows : int
        Rows to decide on.

    Returns
    -------
    allocated, resident : float
        By numpy's count of its allocations and by the system's of the process; None where the
        system keeps none.
    """
    context = multiprocessing.get_context("spawn")
    answer, question = context.Pipe(duplex=False)
    child = context.Process(
        target=_decision_memory,
        # Not every library can pickle what has learnt: the process learns anew.
        args=(contestant.policy, contestant.label, shape, n_rows, question),
        daemon=True,
    )
    child.start()
    question.close()
    try:
        return answer.recv()
    except EOFError:
        return None, None
    finally:
        child.join()


def threads():
    """Say which thread pools are loaded, and how many threads each may use."""
    pools = {
        (pool["internal_api"], pool.get("version") or "", pool["num_threads"])
        for pool in threadpool_info()
    }
    return ", ".join(
        f"{api} {version}: {count}".replace(" :", ":") for api, version, count in sorted(pools)
    )
