"""Neural bandits under the published protocol: shuttle and MNIST, T = 10,000.

Zhou, Li and Gu (2020) and Zhang et al. (2021) turn classification into a bandit: contexts are
normalised to unit length, the arm of the right class pays 1 and all others 0, networks have one
hidden layer of 100 units. The latter's table has, at T = 10,000, a regret of 338.6 for NeuralUCB
and 232.0 for NeuralTS on shuttle (mean of repetitions). The goal for MNIST is 1,583.

Decisions are made one by one and learnt at once, as there; when the network trains, and for how
long, is left to the defaults. ``--batch 32`` waits for the rewards of 32 decisions. ::

    OMP_NUM_THREADS=1 python benchmarks/neural_published.py --data ../shared/data --seeds 5
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from skbandit.datasets import load_shuttle
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.neural import MLP, NeuralLinearBandit, NeuralThompsonSampling, NeuralUCB

GOALS = {"shuttle": "NeuralUCB 338.6, NeuralTS 232.0", "mnist": "1,583"}


class OneLayer(MLP):
    """One hidden layer of 100 units."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs, hidden_units=(100,))


def load(name, folder):
    """Return contexts of unit length and labels."""
    if name == "shuttle":
        X, y = load_shuttle(return_X_y=True)
    else:
        with np.load(Path(folder) / "mnist.npz") as stored:
            X, y = stored["X_train"], stored["y_train"]
        X = X.reshape(len(X), -1).astype(np.float64)
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def contestants(arms, seed, standardize):
    """Return name to bandit."""
    options = {
        "arms": arms,
        "net": OneLayer,
        "standardize": standardize,
        "random_state": seed,
    }
    return {
        "NeuralUCB": NeuralUCB(**options),
        "NeuralThompsonSampling": NeuralThompsonSampling(**options),
        "NeuralLinearBandit": NeuralLinearBandit(**options),
        "LinearUCB": LinearUCB(arms=arms, random_state=seed),
        "LinearThompsonSampling": LinearThompsonSampling(arms=arms, random_state=seed),
    }


def play(bandit, X, y, batch):
    """Return regret and seconds."""
    regret, began = 0, time.perf_counter()
    for start in range(0, len(X), batch):
        rows = slice(start, start + batch)
        arms = bandit.predict(X[rows])
        right = arms == y[rows]
        bandit.partial_fit(X[rows], arms, reward=right.astype(np.float64))
        regret += int((~right).sum())
    return regret, time.perf_counter() - began


def main():
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=list(GOALS), choices=GOALS)
    parser.add_argument("--bandits", nargs="+", help="names; all by default")
    parser.add_argument("--data", default="../shared/data", help="folder with mnist.npz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for problem in arguments.problems:
        X, y = load(problem, arguments.data)
        arms = np.unique(y)
        results = {}
        for seed in range(arguments.seeds):
            rows = np.random.RandomState(seed).permutation(len(X))[: arguments.rounds]
            # Pixels share a scale; the features of shuttle do not.
            bandits = contestants(arms, seed, problem == "shuttle")
            for name in arguments.bandits or bandits:
                regret, seconds = play(bandits[name], X[rows], y[rows], arguments.batch)
                results.setdefault(name, []).append((regret, seconds))
                print(f"{problem} {seed} {name}: {regret} in {seconds:.0f} s", flush=True)
        print(f"{problem}, goal {GOALS[problem]}:")
        for name, values in results.items():
            regret, seconds = np.array(values, dtype=float).T
            print(
                f"  {name:24} regret {regret.mean():8.1f} (spread {regret.std():.1f}, "
                f"{len(values)} seeds)   {seconds.mean():.0f} s"
            )


if __name__ == "__main__":
    main()
