"""How long does a logistic or Poisson bandit take to learn, beside the linear one?

- One call of 100,000 sparse rows (50 non-zeros each) with 100,000 features, diagonal precision,
  for 1 and for 10 arms; and the next call, of as many rows.
- Single rounds, 20 features and 5 arms: microseconds to learn one and to decide one, medians.
- One such call of counts that go from none to hundreds, on which conjugate gradients take long.
- One call of 100,000 dense rows with 20 and 100 features, full precision.

``--threads 1`` limits BLAS. On a machine that has other work take ``--cpu-time`` and the least of
several repeats, which is printed beside the median. ::

    python benchmarks/glm_speed.py --threads 1
"""

import argparse
from contextlib import nullcontext
from functools import partial
from time import perf_counter, process_time

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from skbandit.glm import LogisticThompsonSampling, LogisticUCB, PoissonUCB
from skbandit.linear import LinearThompsonSampling, LinearUCB

CLASSES = (LogisticUCB, PoissonUCB, LinearUCB)
PARTS = ("sparse", "dense", "single", "counts")


def clicks(score, rng):
    """Rewards 0 and 1, one in twenty where the score is zero."""
    return (rng.random(len(score)) < 1 / (1 + 19 * np.exp(-score))).astype(float)


def sparse_rows(n_rows, n_features, n_entries, rng):
    """Rows with columns whose frequencies follow Zipf's law, entries of unit length together."""
    share = 1 / (np.arange(n_features) + 10.0)
    columns = rng.choice(n_features, size=(n_rows, n_entries), p=share / share.sum())
    index = np.repeat(np.arange(n_rows), n_entries), columns.ravel()
    values = np.full(columns.size, n_entries**-0.5)
    return sparse.csr_array((values, index), shape=(n_rows, n_features))


def seconds(call, clock=perf_counter):
    """Time of a call."""
    began = clock()
    call()
    return clock() - began


def in_seconds(times):
    """The least and the median."""
    return f"{min(times):6.2f} {np.median(times):8.2f}"


def learn_sparse(repeats, clock):
    """One call of 100,000 sparse rows, and the next one."""
    rng = np.random.default_rng(0)
    n = 100_000
    X = sparse_rows(2 * n, n, 50, rng)
    score = X @ rng.normal(size=n)
    print(f"\nsparse: {X.nnz / 2e5:.1f} entries a row; seconds, least and median of {repeats}")
    for n_arms in (1, 10):
        arm, reward = rng.integers(n_arms, size=2 * n), clicks(score, rng)
        for kind in CLASSES:
            first, then = [], []
            for _ in range(repeats):
                bandit = kind(arms=list(range(n_arms)), precision="diagonal")
                for times, rows in ((first, slice(0, n)), (then, slice(n, None))):
                    part = X[rows], arm[rows], reward[rows]
                    times.append(seconds(partial(bandit.partial_fit, *part), clock))
            print(
                f"{kind.__name__:12} {n_arms:2} arms, first call {in_seconds(first)}, second call "
                f"{in_seconds(then)}",
                flush=True,
            )


def learn_hard_counts(clock):
    """One call of 100,000 sparse rows whose counts go from none to hundreds."""
    rng = np.random.default_rng(3)
    n = 100_000
    X = sparse.random_array(
        (n, n), density=5e-4, random_state=rng, format="csr", data_sampler=rng.standard_normal
    )
    counts = rng.poisson(np.exp(np.clip(0.3 * (X @ rng.normal(size=n)), -5.0, 5.0)))
    bandit = PoissonUCB(arms=[0], precision="diagonal")
    fit = partial(bandit.fit, X, np.zeros(n, dtype=int), counts)
    print(f"\nsparse, counts up to {counts.max()}: {seconds(fit, clock):.1f} s", flush=True)


def learn_dense(repeats, clock):
    """One call of 100,000 dense rows."""
    print(f"\ndense, 100,000 rows, 5 arms; seconds, least and median of {repeats}")
    for n_features in (20, 100):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(100_000, n_features))
        arm = rng.integers(5, size=len(X))
        reward = clicks(X @ rng.normal(size=n_features) * n_features**-0.5, rng)
        for kind in CLASSES:
            fit = partial(kind().fit, X, arm, reward)
            times = [seconds(fit, clock) for _ in range(repeats)]
            print(f"{kind.__name__:12} {n_features:3} features {in_seconds(times)}", flush=True)


def learn_one_by_one(n_rounds=3000):
    """Single rounds."""
    rng = np.random.default_rng(2)
    X, arm = rng.normal(size=(n_rounds, 20)), rng.integers(5, size=n_rounds)
    reward = clicks(np.einsum("ij,ij->i", X, 0.3 * rng.normal(size=(5, 20))[arm]), rng)
    print("\nsingle rounds, 20 features, 5 arms; microseconds to learn and to decide, medians")
    for kind in (LogisticUCB, LogisticThompsonSampling, PoissonUCB, LinearThompsonSampling):
        for precision in ("full", "diagonal"):
            bandit = kind(arms=list(range(5)), precision=precision, random_state=0)
            learning, deciding = [], []
            for t in range(n_rounds):
                row = slice(t, t + 1)
                learning.append(
                    seconds(lambda b=bandit, r=row: b.partial_fit(X[r], arm[r], reward[r]))
                )
                deciding.append(seconds(lambda b=bandit, r=row: b.predict(X[r])))
            print(
                f"{kind.__name__:24} {precision:8} {1e6 * np.median(learning):6.0f} "
                f"{1e6 * np.median(deciding):6.0f}",
                flush=True,
            )


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS)
    arguments = parser.parse_args()
    clock = process_time if arguments.cpu_time else perf_counter
    parts = arguments.part or PARTS
    with threadpool_limits(arguments.threads) if arguments.threads else nullcontext():
        if "sparse" in parts:
            learn_sparse(arguments.repeats, clock)
        if "dense" in parts:
            learn_dense(arguments.repeats, clock)
        if "single" in parts:
            learn_one_by_one()
        if "counts" in parts:
            learn_hard_counts(clock)


if __name__ == "__main__":
    main()
