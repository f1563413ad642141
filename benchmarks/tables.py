"""Regret on tables of the bandits on trees, beside others, all with their defaults.

Classification as a bandit: the arm of the right class pays 1, all others 0, and each round is
learnt before the next one comes. Rows are shuffled with the seed, features are as they come: no
scaling, which would look ahead. Arms are known from the start. What is counted is mistakes.

- shuttle: all 58,000 rows, T = 10,000.
- statlog: the 43,500 rows of UCI's training part, T = 2,000, as in Riquelme, Tucker and Snoek
  (2018, table 1); the share of the uniform policy's regret is printed too.
- mushroom: one-hot, one pass of 5,644 rows.
- covertype and adult (income; categories as codes), T = 5,000, as in Nabati et al. (2021).
- mnist: pixels, T = 10,000, as in Ban et al. (2022).

"its mean alone" is TreeThompsonSampling with alpha=0, "one forest" the one with
arm_model="joint", "a forest an arm" with "disjoint". The rows of linear bandits are put in
units of their spread over the whole set.
Settings of the bandits were chosen on seeds from 0 to 399 and on `digits`. ::

    OMP_NUM_THREADS=1 python benchmarks/tables.py --data ../shared/data --first-seed 400 --n-jobs 2
    OMP_NUM_THREADS=1 python benchmarks/tables.py --sets statlog --bandits TreeThompsonSampling
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.preprocessing import StandardScaler

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.meta import GreedyBandit, TreeThompsonSampling, TreeUCB

HORIZON = {
    "shuttle": 10_000,
    "statlog": 2_000,
    "mushroom": 5_644,
    "covertype": 5_000,
    "adult": 5_000,
    "mnist": 10_000,
    "digits": 1_797,
}
BANDITS = {
    "TreeThompsonSampling": TreeThompsonSampling,
    "its mean alone": lambda **params: TreeThompsonSampling(alpha=0.0, **params),
    "one forest": lambda **params: TreeThompsonSampling(arm_model="joint", **params),
    "a forest an arm": lambda **params: TreeThompsonSampling(arm_model="disjoint", **params),
    "TreeUCB": TreeUCB,
    "GreedyBandit, extra-trees": lambda **params: GreedyBandit(
        estimator=ExtraTreesRegressor(n_estimators=50), arm_model="pooled", **params
    ),
    "LinearThompsonSampling": LinearThompsonSampling,
    "LinearUCB": LinearUCB,
}


def table(name, folder):
    """Features and classes, whole."""
    if name == "digits":
        return load_digits(return_X_y=True)
    if name in ("shuttle", "statlog", "covertype"):
        file = "covertype" if name == "covertype" else "shuttle"
        known = np.load(folder / f"{file}.npz")
        last = 43_500 if name == "statlog" else None
        return known["X"][:last], known["y"][:last]
    if name == "mnist":
        known = np.load(folder / "mnist.npz")
        return known["X_train"].reshape(len(known["y_train"]), -1), known["y_train"]
    file = "mushroom_keel" if name == "mushroom" else "adult"
    frame = pd.read_csv(folder / f"{file}.csv.gz")
    y = frame.pop("class" if "class" in frame else frame.columns[-1]).to_numpy()
    if name == "mushroom":
        return pd.get_dummies(frame).to_numpy(float), y
    texts = [column for column in frame if not pd.api.types.is_numeric_dtype(frame[column])]
    codes = {column: frame[column].astype("category").cat.codes for column in texts}
    return frame.assign(**codes).to_numpy(float), y


def mistakes(problem, bandit, seed, folder):
    """How often the wrong arm was played, and how many seconds that took."""
    X, y = table(problem, folder)
    rows = np.random.RandomState(seed).permutation(len(X))[: HORIZON[problem]]
    if bandit.startswith("Linear"):
        X = StandardScaler().fit_transform(X)
    arms = np.unique(y).tolist()
    X, y = np.asarray(X[rows], dtype=np.float64), y[rows]
    policy = BANDITS[bandit](arms=arms, random_state=seed)
    n_wrong, start = 0, time.perf_counter()
    for place in range(len(X)):
        x = X[place : place + 1]
        arm = policy.predict(x)
        reward = float(arm[0] == y[place])
        policy.partial_fit(x, arm, reward=[reward])
        n_wrong += reward == 0.0
    return problem, bandit, seed, n_wrong, time.perf_counter() - start, len(arms)


def main():
    """Run, print each run as it ends, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", default=[one for one in HORIZON if one != "digits"])
    parser.add_argument("--bandits", nargs="+", default=list(BANDITS))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    runs = [(s, b, seed) for s in options.sets for seed in seeds for b in options.bandits]
    results = []
    jobs = Parallel(n_jobs=options.n_jobs, return_as="generator_unordered")
    for one in jobs(delayed(mistakes)(*run, options.data) for run in runs):
        problem, bandit, seed, n_wrong, seconds, _ = one
        print(f"{problem:10} {bandit:28} {seed:4d} {n_wrong:6d} {seconds:6.0f} s", flush=True)
        results.append(one)
    print(f"\n{'set':10} {'bandit':28} {'mean':>7} {'spread':>7} {'worst':>6} {'%':>6} {'s':>5}")
    for problem in options.sets:
        for bandit in options.bandits:
            own = [one for one in results if one[:2] == (problem, bandit)]
            wrong = np.array([one[3] for one in own])
            uniform = HORIZON[problem] * (1.0 - 1.0 / own[0][5])
            spread = wrong.std(ddof=1) if len(wrong) > 1 else 0.0
            seconds = np.mean([one[4] for one in own])
            print(
                f"{problem:10} {bandit:28} {wrong.mean():7.1f} {spread:7.1f} {wrong.max():6d} "
                f"{100.0 * wrong.mean() / uniform:6.2f} {seconds:5.0f}"
            )


if __name__ == "__main__":
    main()
