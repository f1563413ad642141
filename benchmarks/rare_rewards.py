"""Rewards at one in a thousand: do the logistic bandits beat the linear ones?

Each seed draws a problem: contexts of 8 standard normal features, 6 arms, log-odds of a click that
are linear with weights of standard deviation 0.5 and constants of 0.4 about a level at which
uniform play is paid about once in a thousand rounds. 200,000 rounds, in batches of 1,000: the
bandit decides a batch, and learns from what it has played. All bandits have their defaults. Other
levels: ``--rate``. With ``--counts`` rewards are Poisson variables whose logarithm is linear on
average, and the bandits are the Poisson ones.

Printed for each bandit: the regret (expected clicks less than those of the best arm of each round)
over all rounds, its mean, standard deviation and worst over the seeds, the mean of the last fifth
of the rounds, and in how many seeds it is lower than that of LinearThompsonSampling.

The defaults were settled on seeds from 1,000 on; what the guide shows is of seeds 0 to 19. ::

    python benchmarks/rare_rewards.py --seeds 20 --jobs 2
    python benchmarks/rare_rewards.py --seeds 20 --counts --rate 0.5 --rounds 20000 --batch 100
"""

import argparse

import numpy as np
from joblib import Parallel, delayed
from scipy.special import expit

from skbandit.glm import (
    LogisticThompsonSampling,
    LogisticUCB,
    PoissonThompsonSampling,
    PoissonUCB,
)
from skbandit.linear import LinearThompsonSampling, LinearUCB

N_FEATURES, N_ARMS = 8, 6
LINEAR = {"LinearThompsonSampling": LinearThompsonSampling, "LinearUCB": LinearUCB}
CLICKS = {
    "LogisticThompsonSampling": LogisticThompsonSampling,
    "LogisticUCB": LogisticUCB,
    **LINEAR,
    "uniform": None,
}
COUNTS = {
    "PoissonThompsonSampling": PoissonThompsonSampling,
    "PoissonUCB": PoissonUCB,
    **LINEAR,
    "uniform": None,
}


def make_problem(rng, rate, link):
    """Weights and constants of the arms."""
    weights = 0.5 * rng.normal(size=(N_FEATURES, N_ARMS))
    constants = 0.4 * rng.normal(size=N_ARMS)
    X = rng.normal(size=(20_000, N_FEATURES))
    # The level at which uniform play is paid at this rate, by bisection.
    low, high = -30.0, 5.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if link(middle + constants + X @ weights).mean() < rate:
            low = middle
        else:
            high = middle
    return weights, constants + middle


def play(name, seed, rate, n_rounds, batch, counts=False):
    """Regret in each fifth of the rounds."""
    rng, link = np.random.default_rng(seed), np.exp if counts else expit
    weights, constants = make_problem(rng, rate, link)
    arms, kind = np.arange(N_ARMS), (COUNTS if counts else CLICKS)[name]
    bandit = None if kind is None else kind(arms=arms, random_state=seed)
    regret = []
    for start in range(0, n_rounds, batch):
        size = min(batch, n_rounds - start)
        X = rng.normal(size=(size, N_FEATURES))
        mean = link(constants + X @ weights)
        # All bandits meet the same luck.
        paid = rng.poisson(mean) if counts else rng.random(mean.shape) < mean
        uniform = rng.integers(N_ARMS, size=size)
        arm = uniform if bandit is None else bandit.predict(X)
        rows = np.arange(size)
        if bandit is not None:
            bandit.partial_fit(X, arm, paid[rows, arm].astype(float))
        regret.append(mean.max(axis=1) - mean[rows, arm])
    return [part.sum() for part in np.array_split(np.concatenate(regret), 5)]


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    names = COUNTS if options.counts else CLICKS
    tasks = [(name, seed) for seed in seeds for name in names]
    results = Parallel(n_jobs=options.jobs)(
        delayed(play)(name, seed, options.rate, options.rounds, options.batch, options.counts)
        for name, seed in tasks
    )
    regret = {name: [] for name in names}
    for (name, _), fifths in zip(tasks, results, strict=True):
        regret[name].append(fifths)
    linear = np.sum(regret["LinearThompsonSampling"], axis=1)
    print(
        f"{options.seeds} seeds from {options.first_seed} on, {options.rounds:,} rounds by "
        f"{options.batch:,}, uniform play paid at {options.rate:g}"
    )
    print(f"{'':26}    mean      std    worst  last fifth  beats LinearThompsonSampling in")
    for name, fifths in regret.items():
        total, last = np.sum(fifths, axis=1), np.array(fifths)[:, -1]
        print(
            f"{name:26} {total.mean():7.1f} {total.std(ddof=1):8.1f} {total.max():8.1f} "
            f"{last.mean():11.1f}  {np.count_nonzero(total < linear)} of {len(total)}"
        )


if __name__ == "__main__":
    main()
