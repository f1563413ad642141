"""Scales of exploration: "auto" beside constants, on noisy problems, sets and the wheel.

For each problem and bandit, the regret over a number of seeds with ``alpha="auto"`` and with
constants. "mean" and "worst" are over those of the constant that is best on that very problem (the
constant of the lowest mean; it is chosen with hindsight). "locked" is the share of seeds which, in
the last fifth of the rounds, play a wrong arm more than nine times in ten where one arm is always
the best, with "auto" and with that constant; "free" is the mean of the best constant that locks
no seed, over that of the best. Everything but the scale is at its default. The defaults were
chosen on other problems::

    python benchmarks/exploration_scale.py noisy --seeds 50 --jobs 2
    python benchmarks/exploration_scale.py sets --data ../shared/data
    python benchmarks/exploration_scale.py wheel --seeds 10
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn import datasets as sk_datasets
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from skbandit.datasets import load_shuttle, make_wheel_bandit
from skbandit.linear import LinearThompsonSampling, LinearUCB

SCALES = (0.1, 0.25, 0.5, 1.0, 2.0)


# ------------------------------------------------------------------------------------ problems
def crossed_clicks(rng, n_rounds):
    """Two kinds of customer, click rates of 4 % and 3 %, crossed."""
    kind = rng.integers(2, size=n_rounds)
    rate = np.where(kind[:, None] == np.arange(2), 0.04, 0.03)
    return np.eye(2)[kind], (rng.random(rate.shape) < rate).astype(float), rate


def constant_arms(means, noise):
    """Arms whose rewards do not depend on contexts; `noise` None is Bernoulli."""

    def make(rng, n_rounds):
        expected = np.tile(np.asarray(means, dtype=float), (n_rounds, 1))
        if noise is None:
            reward = (rng.random(expected.shape) < expected).astype(float)
        else:
            reward = expected + np.asarray(noise) * rng.normal(size=expected.shape)
        return np.zeros((n_rounds, 1)), reward, expected

    return make


def linear_arms(n_arms, n_features, weight, noise=1.0, rate=None):
    """Linear rewards in Gaussian noise, or clicks whose log-odds are linear (`rate` at zero)."""

    def make(rng, n_rounds):
        X = rng.normal(size=(n_rounds, n_features))
        expected = X @ (weight * rng.normal(size=(n_features, n_arms)))
        if rate is not None:
            expected = 1 / (1 + np.exp(-expected) * (1 - rate) / rate)
            return X, (rng.random(expected.shape) < expected).astype(float), expected
        return X, expected + noise * rng.normal(size=expected.shape), expected

    return make


def uneven_noise(rng, n_rounds):
    """Linear rewards whose noise grows with the first feature."""
    X = rng.normal(size=(n_rounds, 5))
    expected = X @ (0.2 * rng.normal(size=(5, 5)))
    return X, expected + (0.2 + X[:, :1] ** 2) * rng.normal(size=expected.shape), expected


_MANY = np.concatenate([[0.5], np.linspace(-0.5, 0.35, 49)])
# Rounds, rounds a batch, and what makes them.
NOISY = {
    "clicks 4 % / 3 %, crossed": (40_000, 100, crossed_clicks),
    "2 arms, gap .2": (500, 20, constant_arms([0.0, 0.2], 1.0)),
    "2 arms, gap .1": (10_000, 50, constant_arms([0.0, 0.1], 1.0)),
    "50 arms": (10_000, 50, constant_arms(_MANY, 1.0)),
    "10 arms, 20 to 50 %": (8000, 50, constant_arms(np.linspace(0.2, 0.5, 10), None)),
    "5 arms, 1 and 2 %": (20_000, 100, constant_arms([0.02, 0.01, 0.01, 0.01, 0.01], None)),
    "5 arms, uneven noise": (
        4000,
        20,
        constant_arms([0.3, 0.5, 0, 0.2, 0.1], [0.1, 2, 1, 0.3, 3]),
    ),
    "linear, weights .1": (5000, 20, linear_arms(5, 5, 0.1)),
    "linear, weights .3": (4000, 20, linear_arms(5, 5, 0.3)),
    "linear, 10 arms, weights .45": (2000, 20, linear_arms(10, 5, 0.45)),
    "linear, 20 features": (6000, 50, linear_arms(5, 20, 0.1)),
    "linear, noise grows": (4000, 20, uneven_noise),
    "log-odds, 5 %": (10_000, 50, linear_arms(4, 8, 0.5, rate=0.05)),
    "log-odds, 20 %, 2 arms": (5000, 50, linear_arms(2, 3, 0.3, rate=0.2)),
}


def one_hot(frame):
    """Numbers as they are, all else one-hot."""
    return pd.get_dummies(frame, dtype=float).to_numpy()


def classification_sets(data):
    """Yield names, contexts and classes; those of the folder `data` where it is there."""
    for name in ("iris", "wine", "breast_cancer", "digits"):
        X, y = getattr(sk_datasets, f"load_{name}")(return_X_y=True)
        yield name, X, y
    yield "shuttle", *load_shuttle(return_X_y=True)
    if data is None or not Path(data).is_dir():
        return
    for name, keys in (("covertype", ("X", "y")), ("mnist", ("X_train", "y_train"))):
        with np.load(Path(data) / f"{name}.npz") as stored:
            X, y = (stored[key] for key in keys)
        X = X.reshape(len(X), -1)[:60_000].astype(float)
        if name == "mnist":
            X = PCA(50, random_state=0).fit_transform(X)
        yield name, X, y[:60_000]
    adult = pd.read_csv(Path(data) / "adult.csv.gz")
    yield "adult", one_hot(adult.drop(columns="class")), adult["class"].to_numpy()
    mushroom = pd.read_csv(Path(data) / "mushroom_keel.csv.gz")
    label = mushroom.columns[-1]
    yield "mushroom", one_hot(mushroom.drop(columns=label).astype(str)), mushroom[label].to_numpy()
    with np.load(Path(data) / "llm_routing.npz", allow_pickle=False) as stored:
        best = stored["reward"].argmax(axis=1)
        yield "best model for a prompt", stored["X"], best


def classes_as_rewards(X, y):
    """A maker of rounds: a reward of 1 for naming the class of a row."""
    codes = np.unique(y, return_inverse=True)[1]
    full = np.eye(codes.max() + 1)[codes]
    X = StandardScaler().fit_transform(X)

    def make(rng, n_rounds):
        rows = rng.permutation(len(X))[:n_rounds]
        return X[rows], full[rows], full[rows]

    return make


# --------------------------------------------------------------------------------------- play
def bandit_for(name, alpha, n_arms, seed):
    """Return a bandit by its name."""
    options = {"arms": range(n_arms), "alpha": alpha, "random_state": seed}
    if name == "NeuralLinearBandit":
        from skbandit.neural import NeuralLinearBandit

        return NeuralLinearBandit(**options)
    return {"LinearUCB": LinearUCB, "LinearThompsonSampling": LinearThompsonSampling}[name](
        **options
    )


def play(name, alpha, rounds, batch, seed):
    """Return the regret, and whether a wrong arm has nine tenths of the play at the end."""
    X, reward, expected = rounds
    warnings.simplefilter("ignore")
    bandit = bandit_for(name, alpha, reward.shape[1], seed)
    played = []
    for start in range(0, len(X), batch):
        rows = slice(start, start + batch)
        arm = bandit.predict(X[rows])
        bandit.partial_fit(X[rows], arm, reward=reward[rows][np.arange(len(arm)), arm])
        played.append(arm)
    played = np.concatenate(played).astype(int)
    regret = (expected.max(axis=1) - expected[np.arange(len(X)), played]).sum()
    best = expected.argmax(axis=1)
    late = played[-(len(X) // 5) :]
    locked = (best == best[0]).all() and np.mean(late == best[0]) < 0.1
    return float(regret), bool(locked)


def cell(name, alpha, make, n_rounds, batch, seed):
    """One bandit on one seed of a problem."""
    rounds = make(np.random.default_rng(seed), n_rounds)
    return play(name, alpha, rounds, batch, seed)


def compare(problems, bandits, seeds, jobs, scales):
    """Play all, print a line a problem and bandit, return all regrets."""
    results = []
    print(
        f"{'problem':30} {'bandit':22} {'best':>5} {'regret':>8} {'mean':>5} {'worst':>6} "
        "locked (best) free"
    )
    for problem, (n_rounds, batch, make) in problems.items():
        for name in bandits:
            tasks = [(alpha, seed) for alpha in ("auto", *scales) for seed in seeds]
            done = Parallel(n_jobs=jobs)(
                delayed(cell)(name, alpha, make, n_rounds, batch, seed)
                for alpha, seed in tqdm(tasks, desc=f"{problem}, {name}", leave=False)
            )
            regret = np.array([value for value, _ in done]).reshape(-1, len(seeds))
            locked = np.array([lock for _, lock in done]).reshape(-1, len(seeds))
            best = 1 + regret[1:].mean(axis=1).argmin()
            ratio = regret[0].mean() / regret[best].mean()
            worst = regret[0].max() / regret[best].max()
            free = regret[1:].mean(axis=1)[~locked[1:].any(axis=1)]
            free = free.min() / regret[best].mean() if len(free) else np.inf
            print(
                f"{problem:30} {name:22} {scales[best - 1]:5g} {regret[best].mean():8.1f} "
                f"{ratio:5.2f} {worst:6.2f} {locked[0].mean():6.2f} ({locked[best].mean():4.2f}) "
                f"{free:4.2f}",
                flush=True,
            )
            for alpha, row in zip(("auto", *scales), regret, strict=True):
                results.append((problem, name, alpha, row.tolist()))
    return results


def main():
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=["noisy", "sets", "wheel"])
    parser.add_argument("--bandits", nargs="+", default=["LinearUCB", "LinearThompsonSampling"])
    parser.add_argument("--problems", nargs="+", help="only those whose name holds one of these")
    parser.add_argument("--scales", nargs="+", type=float, default=list(SCALES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5000, help="of classification sets")
    parser.add_argument("--data", help="folder with more sets")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", help="write regrets to this file")
    arguments = parser.parse_args()
    if arguments.suite == "noisy":
        problems = NOISY
    elif arguments.suite == "wheel":

        def wheel(delta):
            def make(rng, n_rounds):
                state = int(rng.integers(2**31))
                return make_wheel_bandit(n_rounds, delta=delta, random_state=state)

            return make

        problems = {f"wheel {delta}": (5000, 32, wheel(delta)) for delta in (0.9, 0.95)}
    else:
        problems = {
            name: (min(arguments.rounds, len(X)), 32, classes_as_rewards(X, y))
            for name, X, y in classification_sets(arguments.data)
        }
    if arguments.problems:
        problems = {
            name: value
            for name, value in problems.items()
            if any(part in name for part in arguments.problems)
        }
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    results = compare(problems, arguments.bandits, seeds, arguments.jobs, arguments.scales)
    if arguments.json:
        fields = ("problem", "bandit", "alpha", "regret")
        rows = [dict(zip(fields, row, strict=True)) for row in results]
        Path(arguments.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
