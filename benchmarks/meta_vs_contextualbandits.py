"""Bandits around an estimator, here and in contextualbandits: regret and time on the same rounds.

Both wrap the same logistic regression, see the same rounds in batches of 50, the first of which is
played at random, and run in one process. contextualbandits is fitted anew to all rounds after
each batch, as its documentation plays; ours learn each batch and fit anew on their schedule. A
policy has the same settings in both where it has any (replicates, percentile, share of
exploration), and the defaults else.

Softmax differs: it weighs odds there, the more sharply the longer it plays, and standardised
scores here, with a temperature that falls. What is called active weighs the sum of both gradients
by the chance of a 1, as is the default here; ``--policies "active gradient"`` plays ours that
weighs each gradient by the chance of its label. ``--problems rare`` has fewer rewards.

Regret is the number of rounds (expected reward, on the simulated problem) short of the best arm;
times are processor time of one whole run::

    python -m venv meta-env
    meta-env/bin/pip install -c constraints.txt cython contextualbandits .
    OMP_NUM_THREADS=1 meta-env/bin/python benchmarks/meta_vs_contextualbandits.py --seeds 10
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from contextualbandits import online
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skbandit.datasets import load_shuttle
from skbandit.meta import (
    ActiveBandit,
    BootstrappedThompsonSampling,
    BootstrappedUCB,
    ExploreThenCommit,
    GreedyBandit,
)
from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector

BATCH = 50
EXPLORED = 500


def shuttle(n_rounds, seed):
    """Return contexts and expected rewards, (n_rounds, n_arms)."""
    X, y = load_shuttle(return_X_y=True)
    rows = np.random.RandomState(seed).permutation(len(X))[:n_rounds]
    return StandardScaler().fit_transform(X)[rows], (y[rows, None] == np.unique(y)) * 1.0


def mushroom(n_rounds, seed):
    """See :func:`shuttle`; edible or not, one-hot."""
    path = Path(__file__).parents[1] / ".." / "shared" / "data" / "mushroom_keel.csv.gz"
    if not path.exists():
        return None
    table = pd.read_csv(path)
    rows = np.random.RandomState(seed).permutation(len(table))[:n_rounds]
    X = pd.get_dummies(table.iloc[:, :-1].astype(str)).to_numpy(dtype=float)
    y = table.iloc[:, -1].to_numpy()
    return X[rows], (y[rows, None] == np.unique(y)) * 1.0


def logistic(n_rounds, seed, offset=2.0):
    """See :func:`shuttle`; eight arms, ten features, rewards of about one in five."""
    rng = np.random.RandomState(seed)
    X, weights = rng.standard_normal((n_rounds, 10)), rng.standard_normal((10, 8)) / 2.0
    return X, 1.0 / (1.0 + np.exp(offset - X @ weights))


def rare(n_rounds, seed):
    """See :func:`logistic`; rewards of about one in thirty."""
    return logistic(n_rounds, seed, offset=4.5)


PROBLEMS = {"shuttle": shuttle, "mushroom": mushroom, "logistic": logistic, "rare": rare}


def base():
    """The estimator of both."""
    return LogisticRegression(max_iter=300)


def ours(name, n_arms, seed):
    """A bandit of this package."""
    common = {"estimator": base(), "arms": list(range(n_arms)), "random_state": seed}
    if name == "bootstrapped ts":
        return BootstrappedThompsonSampling(**common)
    if name == "bootstrapped ucb":
        return BootstrappedUCB(**common)
    if name == "explore first":
        return ExploreThenCommit(n_explore=EXPLORED, **common)
    if name.startswith("active"):
        criterion = name.removeprefix("active").strip()
        chosen = {"criterion": criterion} if criterion else {}
        return ActiveBandit(explore_share=0.15, **chosen, **common)
    selectors = {
        "epsilon greedy": EpsilonGreedySelector(0.1),
        "softmax": SoftmaxSelector(decay=0.25),
    }
    return GreedyBandit(selector=selectors.get(name), **common)


def theirs(name, n_arms, seed):
    """A policy of contextualbandits; it takes no seed of 0."""
    common = {"nchoices": n_arms, "random_state": seed + 1}
    one_job = {"njobs": 1}
    if name == "bootstrapped ts":
        return online.BootstrappedTS(base(), njobs_arms=1, **common)
    if name == "bootstrapped ucb":
        return online.BootstrappedUCB(base(), njobs_arms=1, **common)
    if name == "explore first":
        return online.ExploreFirst(base(), explore_rounds=EXPLORED - BATCH, **common, **one_job)
    if name.startswith("active"):
        # It knows the gradients of a penalty that is named.
        named = base().set_params(penalty="l2")
        return online.ActiveExplorer(named, explore_prob=0.15, decay=None, **common, **one_job)
    if name == "epsilon greedy":
        return online.EpsilonGreedy(base(), explore_prob=0.1, decay=None, **common, **one_job)
    if name == "softmax":
        return online.SoftmaxExplorer(base(), **common, **one_job)
    return online.SeparateClassifiers(base(), **common, **one_job)


POLICIES = [
    "greedy",
    "epsilon greedy",
    "softmax",
    "explore first",
    "active",
    "bootstrapped ts",
    "bootstrapped ucb",
]


def play(bandit, is_ours, X, chance, seed):
    """Play all rounds; return regret and seconds of learning and of deciding."""
    rng = np.random.RandomState(seed + 1_000)
    uniform = rng.random_sample(len(X))
    played, paid = np.empty(0, dtype=int), np.empty(0)
    learning = deciding = 0.0
    for start in range(0, len(X), BATCH):
        rows = slice(start, start + BATCH)
        clock = time.process_time()
        if start == 0:
            arms = rng.randint(chance.shape[1], size=BATCH)
        else:
            arms = np.asarray(bandit.predict(X[rows])).astype(int)
        deciding += time.process_time() - clock
        # The same luck for all who play an arm in a round.
        reward = (uniform[rows] < chance[rows][np.arange(len(arms)), arms]).astype(float)
        played, paid = np.append(played, arms), np.append(paid, reward)
        clock = time.process_time()
        if is_ours:
            bandit.partial_fit(X[rows], arms, reward)
        else:
            bandit.fit(X[: start + BATCH], played, paid)
        learning += time.process_time() - clock
    regret = (chance.max(axis=1) - chance[np.arange(len(X)), played]).sum()
    return regret, learning, deciding


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3_000)
    parser.add_argument(
        "--problems", nargs="+", choices=PROBLEMS, default=["shuttle", "mushroom", "logistic"]
    )
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| problem | policy | regret: ours, theirs | | learning, s | | deciding, s | |")
    print("|---|---|---|---|---|---|---|---|")
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for problem in arguments.problems:
        for policy in arguments.policies:
            results = {True: [], False: []}
            for seed in seeds:
                made = PROBLEMS[problem](arguments.rounds, seed)
                if made is None:
                    continue
                X, chance = made
                X = np.ascontiguousarray(X, dtype=np.float64)
                for is_ours, make in ((True, ours), (False, theirs)):
                    bandit = make(policy, chance.shape[1], seed)
                    results[is_ours].append(play(bandit, is_ours, X, chance, seed))
            if not results[True]:
                print(f"| {problem} | the data are not at ../shared/data |")
                break
            left, right = (np.array(results[key]) for key in (True, False))
            regret = [
                f"{one[:, 0].mean():.0f} +- {one[:, 0].std():.0f} ({one[:, 0].max():.0f})"
                for one in (left, right)
            ]
            times = [f"{one[:, k].mean():.3f}" for k in (1, 2) for one in (left, right)]
            print(f"| {problem} | {policy} | {' | '.join(regret + times)} |", flush=True)


if __name__ == "__main__":
    main()
