"""Regret of the neural bandits beside the linear ones, all with their defaults.

Classification as a bandit (the arm of the right class pays 1, all others 0; contexts in units of
their spread, rewards learnt in batches of 32), two noisy problems whose best model is linear, and
the wheel (Riquelme et al. 2018). Every number is the regret: mistakes, or what was lost on
average. Sets of make_classification are made with the seed, real ones shuffled with it. ::

    OMP_NUM_THREADS=1 python benchmarks/neural_regret.py --data ../shared/data --seeds 3
    OMP_NUM_THREADS=1 python benchmarks/neural_regret.py --sets wheel.9 wheel.95 --seeds 10
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits, make_classification
from sklearn.preprocessing import StandardScaler

from skbandit.datasets import make_wheel_bandit
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.neural import (
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
)

BATCH = 32
BANDITS = {
    "LinearUCB": LinearUCB,
    "LinearThompsonSampling": LinearThompsonSampling,
    "NeuralLinearBandit": NeuralLinearBandit,
    "NeuralUCB": NeuralUCB,
    "NeuralThompsonSampling": NeuralThompsonSampling,
    "EnsembleBandit": EnsembleBandit,
}
# Classes, features, of these informative, clusters a class.
SYNTHETIC = {
    "2 classes": (2, 10, 6, 2),
    "6 classes": (6, 12, 8, 2),
    "10 classes": (10, 16, 12, 1),
    "26 classes": (26, 16, 14, 1),
}


def _as_bandit(X, y):
    """Return contexts, rewards and expected rewards, (n_rounds, n_arms)."""
    reward = (y[:, None] == np.unique(y)).astype(float)
    return StandardScaler().fit_transform(X), reward, reward


def synthetic(name, n_rounds, seed):
    """See :func:`_as_bandit`."""
    n_classes, n_features, n_informative, n_clusters = SYNTHETIC[name]
    X, y = make_classification(
        n_rounds,
        n_features,
        n_informative=n_informative,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=n_clusters,
        class_sep=1.5,
        random_state=seed,
    )
    return _as_bandit(X, y)


def real(name, n_rounds, seed, folder):
    """See :func:`_as_bandit`."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "MNIST":
        with np.load(Path(folder) / "mnist.npz") as stored:
            X, y = stored["X_train"].reshape(60_000, -1).astype(float), stored["y_train"]
        X = X / 255.0 - X.mean(axis=0) / 255.0
        # Forty principal components, from a part of the images.
        axes = np.linalg.svd(X[:5000], full_matrices=False)[2][:40]
        X = X @ axes.T
    else:
        with np.load(Path(folder) / f"{name}.npz") as stored:
            X, y = stored["X"], stored["y"]
    rows = np.random.RandomState(seed).permutation(len(X))
    # A small set is gone through again.
    return _as_bandit(*(part[np.resize(rows, n_rounds)] for part in (X, y)))


def noisy_linear(n_rounds, seed):
    """Five arms, five features, weights N(0, 0.3^2), noise 1."""
    rng = np.random.RandomState(seed)
    expected = (X := rng.normal(size=(n_rounds, 5))) @ rng.normal(scale=0.3, size=(5, 5))
    return X, expected + rng.normal(size=expected.shape), expected


def clicks(n_rounds, seed):
    """Five arms, clicked with 2 to 15 %, linear in five features."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(n_rounds, 5))
    chance = 0.08 + X @ rng.uniform(-0.025, 0.025, size=(5, 5))
    return X, (rng.random_sample(chance.shape) < chance).astype(float), chance


def wheel(delta, n_rounds, seed):
    """See :func:`skbandit.datasets.make_wheel_bandit`."""
    return make_wheel_bandit(n_rounds, delta=delta, random_state=seed)


def make_problem(name, seed, folder, n_rounds=None):
    """Return contexts, rewards and expected rewards."""
    if name in SYNTHETIC:
        return synthetic(name, n_rounds or 4000, seed)
    if name == "noisy":
        return noisy_linear(n_rounds or 8000, seed)
    if name == "clicks":
        return clicks(n_rounds or 8000, seed)
    if name.startswith("wheel"):
        return wheel(float(name[len("wheel") :]), n_rounds or 5000, seed)
    return real(name, n_rounds or 4000, seed, folder)


SETS = [
    *SYNTHETIC,
    *("digits", "covertype", "MNIST", "shuttle", "noisy", "clicks", "wheel.9", "wheel.95"),
]


def play(bandit, X, reward, expected):
    """Return regret and seconds."""
    regret, start = 0.0, time.perf_counter()
    for first in range(0, len(X), BATCH):
        rows = np.arange(first, min(first + BATCH, len(X)))
        arms = bandit.predict(X[rows])
        regret += (expected[rows].max(axis=1) - expected[rows, arms]).sum()
        bandit.partial_fit(X[rows], arms, reward=reward[rows, arms])
    return regret, time.perf_counter() - start


def main():
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--bandits", nargs="+", default=list(BANDITS))
    parser.add_argument("--data", default="../shared/data", help="folder with the real sets")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=None)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in arguments.sets:
        problems = [
            make_problem(name, seed, arguments.data, arguments.rounds)
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        ]
        uniform = [(e.max(axis=1) - e.mean(axis=1)).sum() for _, _, e in problems]
        print(f"{name}: {len(problems[0][0])} rounds, uniform play {np.mean(uniform):.0f}")
        for bandit in arguments.bandits:
            results = [
                play(
                    BANDITS[bandit](arms=np.arange(problem[1].shape[1]), random_state=number),
                    *problem,
                )
                for number, problem in enumerate(problems, start=arguments.first_seed)
            ]
            regret, seconds = np.array(results).T
            one_by_one = " ".join(f"{one:.0f}" for one in regret)
            print(
                f"  {bandit:24} mean {regret.mean():8.1f}   worst {regret.max():8.1f}   "
                f"{seconds.mean():5.1f} s   {one_by_one}",
                flush=True,
            )


if __name__ == "__main__":
    main()
