"""Speed and memory of the linear bandits."""

import tracemalloc

import numpy as np

from skbandit.linear import LinearThompsonSampling, LinearUCB

BANDITS = {"ucb": LinearUCB, "ts": LinearThompsonSampling}


def _rounds(n_rows, n_features, n_arms):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features))
    weights = rng.standard_normal((n_features, n_arms)) * (0.1 / np.sqrt(n_features))
    arm = rng.integers(n_arms, size=n_rows)
    mean = 0.5 + (X @ weights)[np.arange(n_rows), arm]
    return X, arm, (rng.random(n_rows) < mean).astype(np.float64)


class Batch:
    """20,000 rows, 64 features, 10 arms."""

    params = (["ucb", "ts"], ["fixed", "learnt"])
    param_names = ("policy", "noise")

    def setup(self, policy, noise):
        """Learn once, so that decisions have a state."""
        self.X, self.arm, self.reward = _rounds(20_000, 64, 10)
        self.bandit = BANDITS[policy](arms=list(range(10)), noise=noise, random_state=0)
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_learning(self, policy, noise):
        """Learn from scratch."""
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_decisions(self, policy, noise):
        """Decide on every row."""
        self.bandit.predict(self.X)

    def track_decision_memory(self, policy, noise):
        """Memory that a decision allocates at its peak."""
        tracemalloc.start()
        self.bandit.predict(self.X)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    track_decision_memory.unit = "bytes"


class Online:
    """One decision and one update a step, 20 features, 5 arms."""

    params = (["ucb", "ts"], ["fixed", "learnt"])
    param_names = ("policy", "noise")

    def setup(self, policy, noise):
        """Learn once, as a batch."""
        self.X, self.arm, self.reward = _rounds(1000, 20, 5)
        self.bandit = BANDITS[policy](arms=list(range(5)), noise=noise, random_state=0)
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_loop(self, policy, noise):
        """A hundred steps."""
        for i in range(100):
            row = self.X[i : i + 1]
            arms = self.bandit.predict(row)
            self.bandit.partial_fit(row, arms, self.reward[i : i + 1])
