"""Regret of the bandits without contexts on classical problems, all with their defaults.

::

    PYTHONPATH=. python benchmarks/contextfree.py --seeds 20 --n-jobs 2

Problems, 10,000 rounds one by one:

- `2 arms`: chances .9 and .8 (Garivier and Cappe 2011, scenario 1);
- `10 rare`: .1, three of .05, three of .02, three of .01 (the same, scenario 2);
- `10 close`: .5 and nine of .4 (Chapelle and Li 2011, K = 10, epsilon = .1);
- `gaussian`: five Gaussian arms with means 0, .25, .5, .75 and 1 and deviations of 1; for the
  bandits that take any reward.

The regret is that of the means, not of the noise. Printed are its mean over the seeds, the
standard error of that and the worst seed, and the lower bound of Lai and Robbins (1985) on the
slope times log(10,000), which is no bound at a given round. Nothing was chosen on these seeds.
"""

import argparse
from zlib import crc32

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from skbandit.contextfree import (
    KLUCB,
    UCB1,
    BetaThompsonSampling,
    Exp3,
    GaussianThompsonSampling,
    UniformBandit,
)
from skbandit.contextfree._bounds import bernoulli_kl

N_ROUNDS = 10_000
PROBLEMS = {
    "2 arms": (0.9, 0.8),
    "10 rare": (0.1,) + 3 * (0.05,) + 3 * (0.02,) + 3 * (0.01,),
    "10 close": (0.5,) + 9 * (0.4,),
    "gaussian": (0.0, 0.25, 0.5, 0.75, 1.0),
}
BANDITS = {
    "BetaThompsonSampling()": lambda: BetaThompsonSampling(),
    "BetaThompsonSampling(alpha=1.0)": lambda: BetaThompsonSampling(alpha=1.0),
    "GaussianThompsonSampling()": lambda: GaussianThompsonSampling(),
    "GaussianThompsonSampling(alpha=1.0)": lambda: GaussianThompsonSampling(alpha=1.0),
    "KLUCB()": lambda: KLUCB(),
    "UCB1()": lambda: UCB1(),
    "Exp3()": lambda: Exp3(),
    "UniformBandit()": lambda: UniformBandit(),
}
TAKE_ANY_REWARD = ("Gaussian", "Uniform")


def regret(problem, name, seed, n_rounds):
    """Play one stream; return what was lost to the best arm, in expectation."""
    means = np.array(PROBLEMS[problem])
    rng = np.random.default_rng([crc32(problem.encode()), seed])
    noise = rng.standard_normal((n_rounds, len(means)))
    chance = rng.random((n_rounds, len(means)))
    rewards = means + noise if problem == "gaussian" else (chance < means).astype(np.float64)
    bandit = BANDITS[name]().set_params(
        arms=list(range(len(means))), random_state=np.random.RandomState(seed)
    )
    nothing, counts = np.empty((1, 0)), np.zeros(len(means))
    for reward in rewards:
        arm = bandit.predict(nothing)
        bandit.partial_fit(nothing, arm, reward[arm])
        counts[arm] += 1
    return float((means.max() - means) @ counts)


def lai_robbins(problem, n_rounds):
    """The slope below which no policy that learns stays, times the logarithm of the rounds."""
    means = np.array(PROBLEMS[problem])
    gap = means.max() - means
    behind = gap > 0
    if problem == "gaussian":
        divergence = 0.5 * gap[behind] ** 2
    else:
        divergence = bernoulli_kl(means[behind], means.max())
    return float((gap[behind] / divergence).sum() * np.log(n_rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=N_ROUNDS)
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for problem in PROBLEMS:
        bound = lai_robbins(problem, options.rounds)
        print(f"\n{problem}: Lai and Robbins {bound:.0f}")
        rows = {}
        for name in BANDITS:
            if problem == "gaussian" and not name.startswith(TAKE_ANY_REWARD):
                continue
            lost = Parallel(n_jobs=options.n_jobs)(
                delayed(regret)(problem, name, seed, options.rounds) for seed in seeds
            )
            error = np.std(lost, ddof=1) / np.sqrt(len(lost)) if len(lost) > 1 else np.nan
            rows[name] = {"mean": np.mean(lost), "error": error, "worst": np.max(lost)}
        print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    main()
