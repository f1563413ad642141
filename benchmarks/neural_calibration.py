"""How well the neural bandits know what they do not know.

For functions of several kinds, noise of several sizes and n rounds of uniform play among two arms:
the share of new rows on which the true mean reward lies within two standard deviations of the
belief (95 % if it were exactly Gaussian), the learnt variance of the noise over the true one, and
the width over the error that it should be. ::

    OMP_NUM_THREADS=1 python benchmarks/neural_calibration.py --seeds 3
"""

import argparse
import warnings

import numpy as np
import torch

from skbandit.neural import (
    MLP,
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
)
from skbandit.variational import BayesianNeuralBandit

N_FEATURES = 4
FUNCTIONS = {
    "constant": lambda X: np.zeros(len(X)),
    "linear": lambda X: X[:, 0] - 0.5 * X[:, 1],
    "square": lambda X: X[:, 0] ** 2 - 1.0,
    "sine": lambda X: 1.4 * np.sin(2.0 * X[:, 0]),
    "product": lambda X: X[:, 0] * X[:, 1],
}


class Small(MLP):
    """A network of so few weights that their full precision can be kept; a class, so that it is
    trained as a network that is given by name."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs, hidden_units=(32,))


BANDITS = {
    "NeuralLinear": lambda seed: NeuralLinearBandit(arms=[0, 1], random_state=seed),
    "UCB diagonal": lambda seed: NeuralUCB(arms=[0, 1], random_state=seed),
    "UCB last_layer": lambda seed: NeuralUCB(
        arms=[0, 1], precision="last_layer", random_state=seed
    ),
    "UCB full": lambda seed: NeuralUCB(
        arms=[0, 1], precision="full", net=Small, random_state=seed
    ),
    "ThompsonSampling": lambda seed: NeuralThompsonSampling(arms=[0, 1], random_state=seed),
    "Ensemble": lambda seed: EnsembleBandit(arms=[0, 1], random_state=seed),
    "Variational": lambda seed: BayesianNeuralBandit(
        arms=[0, 1], likelihood="gaussian", hidden_units=(12,), random_state=seed
    ),
}


def measure(make, function, noise, n_rounds, seed):
    """Return coverage, learnt over true variance of the noise, width over error."""
    rng = np.random.RandomState([seed, n_rounds, int(1000 * noise)])

    def truth(X):
        # Arms differ by their sign, and by a constant.
        return np.stack([function(X), 0.5 - function(X)], axis=1)

    X, arm = rng.normal(size=(n_rounds, N_FEATURES)), rng.randint(2, size=n_rounds)
    reward = truth(X)[np.arange(n_rounds), arm] + noise * rng.normal(size=n_rounds)
    bandit, size = make(seed), max(16, n_rounds // 64)
    for start in range(0, n_rounds, size):
        part = slice(start, start + size)
        bandit.partial_fit(X[part], arm[part], reward=reward[part])
    new = rng.normal(size=(1000, N_FEATURES))
    mean, std = bandit.expected_reward(new, return_std=True)
    error = np.abs(mean - truth(new))
    learnt = float(np.mean(bandit.noise_variance_)) / noise**2
    return (error < 2.0 * std).mean(), learnt, np.sqrt((std**2).mean() / (error**2).mean())


def main():
    """Print one table for each bandit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bandits", nargs="+", default=list(BANDITS))
    parser.add_argument("--functions", nargs="+", default=list(FUNCTIONS))
    parser.add_argument("--noise", nargs="+", type=float, default=[0.3, 1.0, 3.0])
    parser.add_argument("--rounds", nargs="+", type=int, default=[100, 256, 1600, 6400])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for name in arguments.bandits:
        print(f"{name}: within two std / learnt noise / width over error, at n = ...")
        print(" " * 16, *(f"{n:^18}" for n in arguments.rounds))
        for function in arguments.functions:
            for noise in arguments.noise:
                cells = []
                for n_rounds in arguments.rounds:
                    found = [
                        measure(BANDITS[name], FUNCTIONS[function], noise, n_rounds, seed)
                        for seed in seeds
                    ]
                    cells.append("{:4.0%} {:5.2f} {:5.2f}  ".format(*np.mean(found, axis=0)))
                print(f"{function:9} {noise:5}  ", *cells, flush=True)


if __name__ == "__main__":
    main()
