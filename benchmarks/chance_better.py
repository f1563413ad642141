"""When a comparison says that a policy is better with a chance of 90 to 95 %, how often is it?

Draws worlds of 10 arms with rare rewards, a skewed logging policy and another policy, and from
each world one log. True differences vary from world to world as the arms do. Counts how often the
policy is better, by what `chance_better` says with its prior and with a flat one, and by what the
normal law says alone::

    PYTHONPATH=. python benchmarks/chance_better.py --worlds 2000 --jobs 2

The logging policy plays the arms in shares drawn from a Dirichlet law of .7, mixed with 20 % of
the uniform policy, so weights are up to 50; the other policy in shares drawn from one of .4. The
rewards of an arm come at a rate of .1 to 5 % times a log-normal number of mean 1.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import special

from skbandit.metrics import PoorSupportWarning, chance_better, mean_value, policy_value

N_ARMS = 10
RATES = (0.001, 0.005, 0.02, 0.05)
N_ROUNDS = (1000, 3000, 10_000)
# Deviations of the logarithm of an arm's rate.
ARM_SPREADS = (0.3, 0.8, 1.2)
ESTIMATORS = ("ips", "snips", "dr")
BINS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
# So few rewards are expected in a log of the upper half of the table.
FEW_REWARDS = 30


def _one_log(rate, n_rounds, spread, seed):
    """Return rows of (estimator, law, chance) for one world, and the true relative difference."""
    rng = np.random.default_rng(seed)
    law = np.exp(spread * rng.normal(size=N_ARMS) - spread**2 / 2)
    expected = np.minimum(rate * law, 0.5)
    logging = 0.8 * rng.dirichlet(np.full(N_ARMS, 0.7)) + 0.2 / N_ARMS
    policy = rng.dirichlet(np.full(N_ARMS, 0.4))
    arm = rng.choice(N_ARMS, size=n_rounds, p=logging)
    reward = (rng.uniform(size=n_rounds) < expected[arm]).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorSupportWarning)
        values = policy_value(
            list(ESTIMATORS),
            reward=reward,
            arm=arm,
            propensity=logging[arm],
            policy_probability=np.tile(policy, (n_rounds, 1)),
            expected_reward=_arm_means(arm, reward),
        )
    logged = mean_value(reward=reward)
    rows = []
    for name, value in values.items():
        difference = value - logged
        chances = {
            "normal law": _by_the_normal_law(difference),
            "flat prior": chance_better(difference, reward, prior_scale=np.inf),
            "default": chance_better(difference, reward),
        }
        rows.extend((name, *said) for said in chances.items())
    return rows, float((policy - logging) @ expected) / rate


def _by_the_normal_law(difference):
    if not difference.standard_error > 0:
        return 0.5
    return float(special.ndtr(difference.value / difference.standard_error))


def _arm_means(arm, reward):
    """Mean reward of each arm in the other half of the log, shrunk to that of all by 20 rounds."""
    half = np.arange(len(arm)) % 2
    expected = np.empty((len(arm), N_ARMS))
    for one in range(2):
        rows = half != one
        played = np.bincount(arm[rows], minlength=N_ARMS)
        paid = np.bincount(arm[rows], reward[rows], minlength=N_ARMS)
        expected[half == one] = (paid + 20 * reward[rows].mean()) / (played + 20)
    return expected


def measure_calibration(n_worlds=2000, *, n_jobs=None):
    """Return what was said and what was true, a row a world, estimator and law.

    Parameters
    ----------
    n_worlds : int, default=2000
        Worlds of each rate, size of log and spread of the arms.
    n_jobs : int, default=None
        Worlds in parallel.

    Returns
    -------
    frame : DataFrame
        Columns ``spread`` (of the arms), ``rewards`` (expected in the log), ``estimator``,
        ``law``, ``chance``, ``gain`` (true difference over the mean rate).
    """
    cells = [(rate, n, spread) for spread in ARM_SPREADS for rate in RATES for n in N_ROUNDS]
    results = Parallel(n_jobs=n_jobs)(
        delayed(_one_log)(*cell, [number, seed])
        for number, cell in enumerate(cells)
        for seed in range(n_worlds)
    )
    rows = [
        (spread, rate * n, *row, gain)
        for (rate, n, spread), (several, gain) in zip(
            [cell for cell in cells for _ in range(n_worlds)], results, strict=True
        )
        for row in several
    ]
    names = ["spread", "rewards", "estimator", "law", "chance", "gain"]
    return pd.DataFrame(rows, columns=names)


def main():
    """Print how often the policy was better, by what was said."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    frame = measure_calibration(options.worlds, n_jobs=options.jobs)
    frame["better"] = frame["gain"] > 0
    frame["said"] = pd.cut(frame["chance"], BINS, include_lowest=True)
    frame["log"] = np.where(frame["rewards"] <= FEW_REWARDS, "few rewards", "more rewards")
    said = np.where(frame["better"], frame["chance"], 1 - frame["chance"])
    frame["log_loss"] = -np.log(np.maximum(said, 1e-6))
    for keys in (["estimator", "law"], ["spread", "law"], ["spread", "log", "law"]):
        part = frame if keys[0] == "estimator" else frame[frame["estimator"] == "dr"]
        table = part.pivot_table(index=keys, columns="said", values="better", observed=False)
        table["log loss"] = part.groupby(keys)["log_loss"].mean()
        print("how often the policy was better" + (", dr" if "spread" in keys else ""))
        print(table.round(2).to_string())
    first = frame[(frame["estimator"] == "dr") & (frame["law"] == "default")]
    print(
        "true differences, as a share of the rate, by the spread of the arms; standard deviation"
    )
    print(first.groupby("spread")["gain"].std().round(2).to_string())
    print("what was said, on average (dr, default), and in how many logs")
    said = first.groupby("said", observed=False)["chance"].agg(["mean", "size"])
    print(said.round(3).to_string())


if __name__ == "__main__":
    main()
