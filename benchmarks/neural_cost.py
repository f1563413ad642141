"""Time a step of the neural bandits as rounds add up: learning, training and deciding.

Contexts of 10 numbers, 5 arms, noisy rewards that a network can learn, in batches of 32. Each
column is the mean time of a step (decide 32 rounds, learn them, train where it is due) over the
rounds up to the one that it names, from the one before it. ::

    OMP_NUM_THREADS=1 python benchmarks/neural_cost.py
    OMP_NUM_THREADS=1 python benchmarks/neural_cost.py --rounds 5000 45000 --bandits NeuralUCB
"""

import argparse
import time
import warnings

import numpy as np
import torch

from skbandit.buffers import AllData, Reservoir, SlidingWindow
from skbandit.neural import (
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
)

BATCH = 32
BANDITS = {
    one.__name__: one
    for one in (NeuralLinearBandit, NeuralUCB, NeuralThompsonSampling, EnsembleBandit)
}
SETTINGS = {
    "defaults": {},
    "every 64 rounds": {"buffer": AllData(), "train_every": 64},
    "window of 2,000": {"buffer": SlidingWindow(2000)},
    "reservoir of 2,000": {"buffer": Reservoir(2000)},
    "still waiting": {"min_samples_to_train": 10**9},
}


def seconds_a_step(bandit, marks, seed=0):
    """Return the mean time of a step up to each mark."""
    rng = np.random.RandomState(seed)
    weight = rng.normal(size=(10, 5))
    means, done = [], 0
    for mark in marks:
        start, first = time.perf_counter(), done
        while done < mark:
            X = rng.normal(size=(BATCH, 10))
            arms = bandit.predict(X)
            reward = np.sin(X @ weight)[np.arange(BATCH), arms] + rng.normal(size=BATCH)
            bandit.partial_fit(X, arms, reward=reward)
            done += BATCH
        means.append((time.perf_counter() - start) / max((done - first) / BATCH, 1))
    return means


def main():
    """Print one line a bandit and setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bandits", nargs="+", default=list(BANDITS), choices=list(BANDITS))
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--rounds", nargs="+", type=int, default=[2000, 6000, 12000, 24000])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(f"{'ms a step, up to round':46}", *(f"{mark:8}" for mark in arguments.rounds))
    for name in arguments.bandits:
        for setting in arguments.settings:
            bandit = BANDITS[name](arms=range(5), random_state=0, **SETTINGS[setting])
            cells = seconds_a_step(bandit, arguments.rounds)
            print(f"{name:24}{setting:22}", *(f"{1e3 * one:8.1f}" for one in cells), flush=True)


if __name__ == "__main__":
    main()
