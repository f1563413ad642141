"""Where a step of skbandit's online loop spends its time."""

import sys
from collections import Counter
from contextlib import ExitStack
from functools import wraps
from time import perf_counter
from unittest.mock import patch

from contestants import SAME_MODEL, Skbandit

# What each method does; what one calls inside another is counted for the inner one.
METHODS = {
    "predict": "rest of predict",
    "partial_fit": "rest of partial_fit",
    "_asked": "validation",
    "_check_parameters": "validation",
    "_plain_rounds": "validation",
    "_belief": "scoring: mean and width of each arm",
    "_policy": "policy: from scores to probabilities",
    "_learn": "learning",
}
# Functions that predict finds in its module.
FUNCTIONS = {
    "check_available": "validation",
    "uniforms": "keyed uniform number",
    "draw_arms": "draw of the arm",
}
LOOP = "the loop itself"


class StageClock:
    """Adds up the time of each stage, without that of the stages inside it."""

    def __init__(self, clock):
        self.clock = clock
        self.seconds = Counter()
        self._stages = []
        self._mark = None

    def _switch(self):
        now = self.clock()
        if self._stages:
            self.seconds[self._stages[-1]] += now - self._mark
        self._mark = now

    def start(self, stage):
        """Begin a stage inside the present one."""
        self._switch()
        self._stages.append(stage)

    def stop(self):
        """Go back to the stage around."""
        self._switch()
        self._stages.pop()

    def wrap(self, function, stage):
        """Count the function's time for the stage."""

        @wraps(function)
        def timed(*args, **kwargs):
            self.start(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self.stop()

        return timed


def profile_loop(policy, problem, warm_up, clock=perf_counter):
    """Share of each stage in the online loop.

    Parameters
    ----------
    policy : {"ucb", "ts"}
    problem : Problem
        Rounds to play.
    warm_up : Problem
        Rounds learnt before.
    clock : callable, default=time.perf_counter

    Returns
    -------
    seconds : dict of str to float
        Of each stage, a step, scaled to the time of a step without the clock.
    total : float
        Seconds a step, without the clock.
    """
    contestant = Skbandit(policy, "skbandit", **SAME_MODEL)
    n_rounds, n_arms = problem.payoff.shape

    def learnt():
        contestant.fit(warm_up.X, warm_up.arm, warm_up.reward, n_arms)
        contestant.play(problem.X[:100], problem.payoff)

    plain = []
    for _ in range(3):
        learnt()
        start = clock()
        contestant.play(problem.X, problem.payoff)
        plain.append((clock() - start) / n_rounds)
    total = sorted(plain)[1]
    learnt()
    stages, kind = StageClock(clock), type(contestant.bandit)
    module = sys.modules[kind.predict.__module__]
    with ExitStack() as stack:
        for owner, names in ((kind, METHODS), (module, FUNCTIONS)):
            for name, stage in names.items():
                timed = stages.wrap(getattr(owner, name), stage)
                stack.enter_context(patch.object(owner, name, timed))
        stages.wrap(contestant.play, LOOP)(problem.X, problem.payoff)
    counted = sum(stages.seconds.values())
    return {stage: total * part / counted for stage, part in stages.seconds.items()}, total


def print_profile(policy, problem, warm_up, clock=perf_counter):
    """Print the shares, the largest first."""
    seconds, total = profile_loop(policy, problem, warm_up, clock)
    print(f"\nOnline loop of skbandit, {policy}: {1e6 * total:.1f} microseconds a step, of which")
    for stage, part in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"  {stage:40} {1e6 * part:7.1f}  {part / total:6.1%}")
    return {stage: part / total for stage, part in seconds.items()}
