"""How often the intervals of a reward-cost curve hold the truth, and its choices keep their word.

A world of 40 contexts, 5 arms whose costs vary from round to round, and a fitted bandit that stays
what it is; the reward and cost of each setting of its subsidy factor are known exactly.
From each of many logs of a skewed policy comes a curve, with costs estimated from the log and with
known ones. The table says how often a single interval covers, how often all intervals of the curve
cover together, and how often ``choose`` returns a setting that breaks what was asked for::

    PYTHONPATH=. python benchmarks/reward_cost_coverage.py --logs 1000 --jobs 2

With 1,000 logs the standard error of a coverage of 95 % is 0.7 percentage points.
"""

import argparse

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import Ridge

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.model_selection import reward_cost_curve
from skbandit.selectors import PropensityFloorSelector
from skbandit.strategies import CheapestNearBestSelector

N_CONTEXTS, N_ARMS, LEAST = 40, 5, 0.08
COST = np.array([4.0, 2.5, 1.5, 0.8, 0.3])
FACTORS = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
SHARE, CEILING = 0.9, 2.0


def selector_of(factor):
    """The selector of a setting, under a floor."""
    return PropensityFloorSelector(CheapestNearBestSelector(COST, factor), share=0.2, decay=0.0)


class World:
    """Contexts with their chances, what arms pay and cost, who logs, and the bandit."""

    def __init__(self, random_state=0):
        rng = np.random.RandomState(random_state)
        self.X = rng.randn(N_CONTEXTS, 3)
        self.chance = rng.dirichlet(np.full(N_CONTEXTS, 2.0))
        score = self.X @ rng.randn(3, N_ARMS) * 0.6 + np.linspace(0.3, -0.6, N_ARMS)
        self.rate = 1 / (1 + np.exp(-score))
        self.cost = COST * np.exp(0.2 * rng.randn(N_CONTEXTS, N_ARMS))
        share = rng.dirichlet(np.full(N_ARMS, 1.0), size=N_CONTEXTS)
        self.logging = LEAST + (1 - N_ARMS * LEAST) * share
        rows, arm, reward = self.play(500, rng)[:3]
        self.bandit = LinearUCB(arms=list(range(N_ARMS)))
        self.bandit.fit(self.X[rows], arm, reward=reward)

    def play(self, n_rounds, rng):
        """Return contexts, arms, rewards and costs of a log."""
        rows = rng.choice(N_CONTEXTS, size=n_rounds, p=self.chance)
        beyond = rng.uniform(size=(n_rounds, 1)) > self.logging.cumsum(axis=1)[rows]
        arm = np.minimum(beyond.sum(axis=1), N_ARMS - 1)
        reward = (rng.uniform(size=n_rounds) < self.rate[rows, arm]).astype(float)
        # A gamma variable of mean 1.
        cost = self.cost[rows, arm] * rng.gamma(4.0, 0.25, size=n_rounds)
        return rows, arm, reward, cost

    def truth(self, costs):
        """Return reward and cost of each setting."""
        policy = [
            self.bandit.set_params(selector=selector_of(one)).predict_proba(self.X)
            for one in FACTORS
        ]
        return tuple(
            np.einsum("vca,ca,c->v", policy, table, self.chance) for table in (self.rate, costs)
        )


def one_log(world, n_rounds, seed, estimator, interval):
    """Return what held for one log, a dict for each source of costs."""
    rng = np.random.RandomState(seed)
    rows, arm, reward, paid = world.play(n_rounds, rng)
    found = []
    for known in (False, True):
        log = make_log(arm, reward, world.logging[rows, arm], cost=None if known else paid)
        curve = reward_cost_curve(
            world.bandit,
            world.X[rows],
            log,
            selector=selector_of(0.0),
            values=FACTORS,
            estimator=estimator,
            interval=interval,
            reward_model=Ridge(),
            cost_model=Ridge(),
            cv=2,
        )
        truth = world.truth(np.tile(COST, (N_CONTEXTS, 1)) if known else world.cost)
        row = {"costs": "known" if known else "logged"}
        joint = curve.joint_intervals()
        together = np.ones(len(FACTORS), dtype=bool)
        for name, true in zip(("reward", "cost"), truth, strict=True):
            # A cost that is the same in all rounds is known, but for rounding.
            slack = 1e-9 * np.abs(true)
            ends = curve.table[[f"{name}_low", f"{name}_high"]].to_numpy().T
            held = (ends[0] - slack <= true) & (true <= ends[1] + slack)
            unsure = np.ptp(ends, axis=0) > 1e-9
            row[name] = held[unsure].mean()
            ends = joint[[f"{name}_low", f"{name}_high"]].to_numpy().T
            together &= (ends[0] - slack <= true) & (true <= ends[1] + slack)
        row["all together"] = together.all()
        for what, asked in (("share", {"min_share": SHARE}), ("ceiling", {"max_cost": CEILING})):
            for cautious in (True, False):
                try:
                    place = FACTORS.index(curve.choose(cautious=cautious, **asked))
                except ValueError:
                    continue
                if what == "share":
                    broken = truth[0][place] < SHARE * truth[0].max()
                else:
                    broken = truth[1][place] > CEILING
                row[f"{what} broken{'' if cautious else ' by estimates'}"] = broken
        found.append(row)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--estimator", default="dr")
    parser.add_argument("--interval", default="normal")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    world = World()
    for known in (False, True):
        costs = np.tile(COST, (N_CONTEXTS, 1)) if known else world.cost
        truth = dict(zip(("reward", "cost"), world.truth(costs), strict=True))
        print(pd.DataFrame(truth, index=FACTORS).round(3).to_string())
    rows = []
    with Parallel(n_jobs=arguments.jobs) as parallel:
        for start in range(0, arguments.logs, 250):
            seeds = range(start, min(start + 250, arguments.logs))
            rows += parallel(
                delayed(one_log)(
                    world, arguments.rounds, 1000 + seed, arguments.estimator, arguments.interval
                )
                for seed in seeds
            )
            table = pd.DataFrame([row for pair in rows for row in pair])
            print(f"{len(rows)} logs, percent")
            print(table.groupby("costs").mean().mul(100).round(1).T.to_string(), flush=True)
    print(table.groupby("costs").count().T.to_string())


if __name__ == "__main__":
    main()
