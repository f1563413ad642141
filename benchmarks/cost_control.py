"""How often the cheapest arm within a factor of the best one is played, once it could be learnt.

Bernoulli arms of known rates and costs, no contexts. After 20,000 rounds in batches of 100, the
share of the last tenth of the rounds in which the cheapest of the arms within the factor was
played: the mean of 20 seeds, the worst seed, and what all rounds cost above always playing that
arm, in units of its cost. Each bandit with its defaults, as it is and under a floor of exploration
that falls as the cube root of the rounds::

    PYTHONPATH=. python benchmarks/cost_control.py --seeds 20 --jobs 2
"""

import argparse

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from skbandit.base import make_log
from skbandit.contextfree import BetaThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import PropensityFloorSelector
from skbandit.strategies import CheapestNearBestSelector

# Rates, costs, factor.
PROBLEMS = {
    "four arms": ([0.5, 0.46, 0.3, 0.1], [3.0, 1.0, 0.4, 0.1], 0.2),
    "rare clicks": ([0.10, 0.09, 0.05, 0.02, 0.01], [5.0, 2.0, 1.0, 0.5, 0.2], 0.2),
    "only the best is near": ([0.6, 0.4, 0.35, 0.2], [4.0, 2.0, 1.0, 0.5], 0.1),
    "the best is the cheapest": ([0.3, 0.28, 0.6, 0.2], [4.0, 2.0, 1.0, 3.0], 0.2),
    "ten arms": (np.linspace(0.6, 0.15, 10).tolist(), np.linspace(10.0, 1.0, 10).tolist(), 0.3),
    "close to the edge": ([0.5, 0.43, 0.37], [3.0, 2.0, 1.0], 0.2),
}
BANDITS = {
    "BetaThompsonSampling": BetaThompsonSampling,
    "LinearThompsonSampling": LinearThompsonSampling,
    "LinearUCB": LinearUCB,
}


def cheapest_near_best(rates, costs, factor):
    """Return the position of the arm that should be played."""
    near = np.asarray(rates) >= (1 - factor) * max(rates)
    return int(np.argmin(np.where(near, costs, np.inf)))


def play(name, problem, floor, n_rounds, batch_size, seed):
    """Return the share of the last tenth, and the cost above that of the arm, over its cost."""
    rates, costs, factor = PROBLEMS[problem]
    wanted = cheapest_near_best(rates, costs, factor)
    selector = CheapestNearBestSelector(costs, subsidy_factor=factor)
    if floor:
        selector = PropensityFloorSelector(selector, share=0.5, decay=1 / 3)
    bandit = BANDITS[name](arms=list(range(len(rates))), selector=selector, random_state=seed)
    rng, X = np.random.RandomState(seed), np.ones((batch_size, 1))
    played = np.empty(n_rounds, dtype=np.intp)
    for start in range(0, n_rounds, batch_size):
        # One context: its policy serves the batch.
        policy = bandit.predict_proba(X[:1])[0]
        arm = rng.choice(len(rates), size=batch_size, p=policy / policy.sum())
        reward = (rng.rand(batch_size) < np.asarray(rates)[arm]).astype(float)
        bandit.partial_fit(X, make_log(arm, reward, policy[arm]))
        played[start : start + batch_size] = arm
    last = played[-n_rounds // 10 :]
    excess = np.asarray(costs)[played].mean() / costs[wanted] - 1
    return np.mean(last == wanted), excess


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--problem", choices=PROBLEMS, action="append", help="default: all")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    rows = []
    with Parallel(n_jobs=arguments.jobs) as parallel:
        for problem in arguments.problem or PROBLEMS:
            for name in BANDITS:
                for floor in (False, True):
                    found = parallel(
                        delayed(play)(
                            name, problem, floor, arguments.rounds, arguments.batch, seed
                        )
                        for seed in range(arguments.seeds)
                    )
                    share, excess = np.transpose(found)
                    row = {
                        "problem": problem,
                        "bandit": name,
                        "floor": floor,
                        "share": share.mean(),
                        "worst seed": share.min(),
                        "seeds below 95 %": int(np.sum(share < 0.95)),
                        "excess cost": excess.mean(),
                    }
                    rows.append(row)
                    print(pd.DataFrame([row]).round(3).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print(table.groupby(["bandit", "floor"])["share"].mean().round(3).to_string())


if __name__ == "__main__":
    main()
