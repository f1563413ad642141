"""How many rounds it takes to find the arm that is best on average, with and without contexts.

::

    OMP_NUM_THREADS=1 PYTHONPATH=. python benchmarks/best_arm_contexts.py --runs 1000 --n-jobs 2

Arms pay on average, over contexts from a Gaussian of four features, .4, .2, .1 and 0; noise of a
standard deviation of 1. On top of that come slopes, drawn anew in each run, so large that
contexts explain a given share of the variance of the rewards:

- `explained .8`, `.5`, `0`: slopes that all arms share, plus a tenth of them of each arm's own;
- `bent`: .8 again, of which half is not linear: the product of two features and the absolute
  value of a third, each arm its own mixture of them.

Both bandits see the same contexts, noise and batches (of a tenth of the rounds so far, at least
20), and are asked after each batch whether they are 95 % sure, by both of their thresholds: which
arms are played does not depend on it. Known noise: `LinearTopTwo`
is told the standard deviation of a reward given its context, `TopTwo` that of a reward. Learnt
noise: neither is told. `chernoff` is not proven; nor is anything with noise that is learnt, nor
`LinearTopTwo` where rewards are bent.

Rounds beyond --most count as no answer, and as so many rounds.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from skbandit.contextfree import TopTwoThompsonSampling
from skbandit.linear import LinearTopTwoThompsonSampling

MEANS = np.array([0.4, 0.2, 0.1, 0.0])
N_FEATURES = 4
EXPLAINED = {"explained .8": 0.8, "explained .5": 0.5, "explained 0": 0.0, "bent": 0.8}
CONFIDENCE = 0.95
BATCH_SHARE, LEAST_BATCH = 10, 20
# A product of mixtures is below the likelihood ratio: "mixture" is never sure before "chernoff".
THRESHOLDS = "chernoff", "mixture"


def parts_of(X):
    """Features of mean 0 and variance 1, none correlated with another: linear, then bent."""
    bent = [X[:, 0] * X[:, 1], (np.abs(X[:, 2]) - np.sqrt(2 / np.pi)) / np.sqrt(1 - 2 / np.pi)]
    return np.column_stack([X, *bent])


def slopes_of(problem, rng):
    """Slopes of each arm on the parts, and the standard deviation of what they explain."""
    n_parts = N_FEATURES + 2
    size = np.zeros(n_parts)
    if problem == "bent":
        size[:N_FEATURES], size[N_FEATURES:] = np.sqrt(0.5 / N_FEATURES), np.sqrt(0.25)
        own = 1.0 * (np.arange(n_parts) >= N_FEATURES)
    else:
        size[:N_FEATURES], own = np.sqrt(1.0 / N_FEATURES), np.full(n_parts, 0.1)
    shared = rng.choice([-1.0, 1.0], n_parts)
    each = rng.normal(size=(len(MEANS), n_parts))
    slopes = size * (shared * (1.0 - own) + each * own)
    share = EXPLAINED[problem]
    spread = np.sqrt(share / (1.0 - share))
    return slopes * spread / np.sqrt((slopes**2).sum(axis=1, keepdims=True))


def bandits_of(problem, noise):
    """With contexts, and without."""
    arms, share = list(range(len(MEANS))), EXPLAINED[problem]
    known = noise == "known"
    # What is bent is noise to a linear model.
    residual = np.sqrt(1.0 + 0.5 * share / (1.0 - share)) if problem == "bent" else 1.0
    fixed = {"noise": "fixed", "noise_std": residual} if known else {}
    total = 1.0 / np.sqrt(1.0 - share)
    return {
        "LinearTopTwo": LinearTopTwoThompsonSampling(
            arms=arms, population=np.zeros((1, N_FEATURES)), **fixed
        ),
        "TopTwo": TopTwoThompsonSampling(
            arms=arms, reward_model="gaussian", noise_std=total if known else None
        ),
    }


def sure_after(bandit, stream, means, slopes, most):
    """Play until the bandit is sure; the rounds and the arm found, for each threshold."""
    found, t = {}, 0
    while t < most and len(found) < len(THRESHOLDS):
        size = max(LEAST_BATCH, t // BATCH_SHARE)
        X, noises = stream.normal(size=(size, N_FEATURES)), stream.normal(size=size)
        arm = bandit.predict(X)
        bandit.partial_fit(X, arm, means[arm] + (parts_of(X) * slopes[arm]).sum(axis=1) + noises)
        t += size
        for threshold in THRESHOLDS:
            if threshold not in found:
                if not bandit.set_params(threshold=threshold).should_stop(CONFIDENCE):
                    break
                found[threshold] = t, bandit.best_arm_
    return found


def run(problem, noise, seed, most):
    """Play both bandits until they are sure."""
    key = [seed, sorted(EXPLAINED).index(problem)]
    slopes = slopes_of(problem, np.random.default_rng([*key, 0]))
    # The best arm's place says nothing.
    means = np.random.default_rng([*key, 1]).permutation(MEANS)
    rows = []
    for name, bandit in bandits_of(problem, noise).items():
        bandit.set_params(random_state=np.random.RandomState(seed))
        stream = np.random.default_rng([*key, 2])
        found = sure_after(bandit, stream, means, slopes, most)
        for threshold in THRESHOLDS:
            rounds, arm = found.get(threshold, (most, None))
            rows.append(
                {
                    "problem": problem,
                    "noise": noise,
                    "threshold": threshold,
                    "bandit": name,
                    "rounds": rounds,
                    "wrong": arm is not None and arm != means.argmax(),
                    "none": arm is None,
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--problems", nargs="+", choices=EXPLAINED, default=list(EXPLAINED))
    parser.add_argument("--noises", nargs="+", default=["known", "learnt"])
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.runs)
    for problem, noise in product(options.problems, options.noises):
        parts = Parallel(n_jobs=options.n_jobs)(
            delayed(run)(problem, noise, seed, options.most) for seed in seeds
        )
        table = pd.DataFrame([row for part in parts for row in part])
        summary = table.groupby(["problem", "noise", "threshold", "bandit"], sort=False).agg(
            errors=("wrong", "mean"),
            unsure=("none", "mean"),
            rounds=("rounds", "mean"),
            spread=("rounds", "std"),
        )
        alone = summary.xs("TopTwo", level="bandit")["rounds"]
        summary["ratio"] = (
            summary["rounds"] / alone.reindex(summary.index.droplevel("bandit")).values
        )
        print(summary.round({"errors": 4, "rounds": 0, "spread": 0, "ratio": 3}).to_string())
        print(flush=True)


if __name__ == "__main__":
    main()
