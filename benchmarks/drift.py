"""A world that changes: how soon bandits win back what a change has cost them, and what they pay
for being ready where nothing changes.

    python benchmarks/drift.py                    # the table of the guide
    python benchmarks/drift.py --seeds 3 --n-jobs 2

Worlds are random linear problems (5 arms, 10 features, noise .5 in units of how much the context
moves the reward); the second world has nothing to do with the first. All bandits meet the same
rounds. Gained is the reward above playing uniformly, over what the best arms gain above it, in
blocks of 250 rounds. "Back" is the number of rounds after the change from which on a block is at
least 80 %, in the mean over seeds. "Lost" is the share of the stationary bandit's gain that is
lost in a world without a change. Seeds are 0 to 9; the settings were chosen on others (100 on).
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.base import clone

from skbandit.benchmark import simulate
from skbandit.drift import DiscountedLinUCB, RestartingBandit, SlidingWindowBandit
from skbandit.environments import DriftingEnvironment, LinearEnvironment
from skbandit.linear import LinearThompsonSampling, LinearUCB

BLOCK, ENOUGH = 250, 0.8

STATIONARY = {"LinearThompsonSampling": LinearThompsonSampling(), "LinearUCB": LinearUCB()}
CONTESTANTS = {
    **STATIONARY,
    "LinearTS, forgetting .998": LinearThompsonSampling(forgetting=0.998),
    "LinearUCB, forgetting .998": LinearUCB(forgetting=0.998),
    "DiscountedLinUCB .998, alpha .1": DiscountedLinUCB(
        forgetting=0.998, alpha=0.1, noise_std=0.5
    ),
    "window 1000, LinearTS": SlidingWindowBandit(bandit=LinearThompsonSampling(), window=1000),
    "window 1000, LinearUCB": SlidingWindowBandit(bandit=LinearUCB(), window=1000),
    "restarting, LinearTS": RestartingBandit(bandit=LinearThompsonSampling()),
    "restarting, LinearUCB": RestartingBandit(bandit=LinearUCB()),
    "restarting arms, LinearTS": RestartingBandit(bandit=LinearThompsonSampling(), restart="arm"),
}


def make_world(kind, seed, n_rounds):
    """One world, or two with a change between them."""
    before, after = (
        LinearEnvironment(n_features=10, n_arms=5, noise=0.5, random_state=1000 * one + seed)
        for one in (1, 2)
    )
    if kind == "none":
        return before
    return DriftingEnvironment(
        before=before,
        after=after,
        kind=kind,
        change_at=n_rounds // 2,
        duration=n_rounds // 6,
        period=n_rounds,
    )


def play(kind, seeds, n_rounds, batch_size, n_jobs):
    """Gain of each contestant in each block, (seed, block) by name."""
    parts = []
    for seed in seeds:
        results = simulate(
            {name: clone(one) for name, one in CONTESTANTS.items()},
            make_world(kind, seed, n_rounds),
            n_rounds,
            batch_size=batch_size,
            random_state=seed,
            n_jobs=n_jobs,
        )
        results["block"] = results["round"] // BLOCK
        sums = results.groupby(["policy", "block"], observed=True)[["regret", "uniform_regret"]]
        sums = sums.sum()
        gain = 1.0 - sums["regret"] / sums["uniform_regret"]
        parts.append(gain.rename(seed))
    return pd.concat(parts, axis=1)


def summarize(gains, n_rounds):
    """A row a contestant."""
    change = n_rounds // 2 // BLOCK
    rows = []
    for name in CONTESTANTS:
        mean = gains["abrupt"].loc[name].mean(axis=1)
        later = mean.loc[change:]
        good = later >= ENOUGH
        # From which block on all are good.
        back = np.flatnonzero(~good.to_numpy())
        start = 0 if not len(back) else back[-1] + 1
        back_after = "never" if start >= len(later) else f"{(start) * BLOCK}"
        calm = gains["none"].loc[name].mean()
        peer = "LinearThompsonSampling" if "TS" in name or "Thompson" in name else "LinearUCB"
        lost = 1.0 - calm / gains["none"].loc[peer].mean()
        end = gains["abrupt"].loc[name].loc[later.index[-4:]].mean()
        rows.append(
            {
                "bandit": name,
                "before": gains["abrupt"].loc[name].loc[change - 4 : change - 1].mean().mean(),
                "at the end": end.mean(),
                "worst seed": end.min(),
                "back after": back_after,
                "lost without a change": lost.mean(),
                "most lost": lost.max(),
                "gradual": gains["gradual"].loc[name].loc[later.index].mean().mean(),
                "seasonal": gains["seasonal"].loc[name].mean().mean(),
            }
        )
    return pd.DataFrame(rows)


def main():
    """Play and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=8000)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    gains = {
        kind: play(kind, seeds, options.rounds, options.batch_size, options.n_jobs)
        for kind in ("none", "abrupt", "gradual", "seasonal")
    }
    table = summarize(gains, options.rounds)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
