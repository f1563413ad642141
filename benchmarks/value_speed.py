"""How long off-policy values take on a million rounds, and how much memory a bootstrap takes.

Run it on a machine that has nothing else to do::

    python benchmarks/value_speed.py

It values one policy by twelve estimators, each with its normal interval, on 1,000,000 rounds and
10 arms, and bootstraps one of them with 1,000 resamples. It prints seconds of wall time and the
peak memory of the process.
"""

import argparse
import resource
import time

import numpy as np

from skbandit.metrics import bootstrap_interval, policy_value

NAMES = ["replay", "ips", "clipped_ips", "snips", "subgaussian_ips", "ix", "ls", "cressie_read"]
NAMES += ["dm", "dr", "sndr", "switch_dr", "dros"]


def make_rounds(n_rounds, n_arms, seed=0):
    """A log with skewed propensities, and a policy that differs from the logging one."""
    rng = np.random.RandomState(seed)
    logging = rng.dirichlet(np.full(n_arms, 2.0), size=n_rounds) * 0.8 + 0.2 / n_arms
    policy = np.roll(logging, 1, axis=1)
    arm = (logging.cumsum(axis=1) < rng.random_sample((n_rounds, 1))).sum(axis=1)
    arm = arm.clip(max=n_arms - 1)
    expected = rng.random_sample((n_rounds, n_arms))
    rows = np.arange(n_rounds)
    reward = (rng.random_sample(n_rounds) < expected[rows, arm]).astype(float)
    return {
        "reward": reward,
        "arm": arm,
        "propensity": logging[rows, arm],
        "policy_probability": policy,
        "expected_reward": 0.5 + 0.5 * (expected - 0.5),
    }


def peak_bytes():
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--arms", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=1000)
    options = parser.parse_args()
    rounds = make_rounds(options.rounds, options.arms)
    before = peak_bytes()
    began = time.perf_counter()
    values = policy_value(NAMES, **rounds)
    intervals = {name: value.interval("normal") for name, value in values.items()}
    seconds = time.perf_counter() - began
    for name, value in values.items():
        low, high = intervals[name]
        print(f"{name:16s} {value.value:9.5f}  [{low:.5f}, {high:.5f}]")
    print(f"{len(NAMES)} estimators with normal intervals: {seconds:.2f} s (goal: under 5)")
    began = time.perf_counter()
    low, high = bootstrap_interval(values["snips"], n_resamples=options.resamples, random_state=0)
    seconds = time.perf_counter() - began
    print(f"bootstrap of snips, {options.resamples} resamples: [{low:.5f}, {high:.5f}]", end=", ")
    print(f"{seconds:.2f} s, peak of the process {peak_bytes() / 2**30:.2f} GiB", end=" ")
    print(f"({before / 2**30:.2f} GiB before the values were computed; goal: under 2)")


if __name__ == "__main__":
    main()
