"""How often uniform bands of the distribution of the reward hold the whole true function.

::

    PYTHONPATH=. python benchmarks/reward_distribution.py --logs 1000

Ten arms, three kinds of customers. The logging policy plays arms with propensities from 1/50 up
that differ between kinds, the evaluated policy prefers one arm of each kind. Rewards are

- `money`: log-normal, cut at 10, with an arm's own location;
- `stars`: 1 to 5, five values;
- `visits`: like `money`, in groups of about 8 rounds that share the kind and an offset.

The true function is computed, not simulated. A band holds it if it does at all x. Since an
interval of a tail follows from the band it may hold more often; the shares are printed beside. For
the mean, the tail of q = 1, the width is over that of the normal interval of `snips_value`.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import special

from skbandit.metrics import PoorSupportWarning, reward_distribution, snips_value

N_ARMS, N_KINDS = 10, 3
SHARES = (0.05, 0.25, 0.5)
LARGEST = 10.0
SPREAD, OFFSET = 0.5, 0.4


def world():
    """Return propensities, policy and locations, each of shape (kinds, arms)."""
    rng = np.random.default_rng(7)
    propensity = rng.dirichlet(np.full(N_ARMS, 0.7), size=N_KINDS)
    propensity = 1 / 50 + (1 - N_ARMS / 50) * propensity
    location = rng.normal(scale=0.5, size=(N_KINDS, N_ARMS))
    policy = special.softmax(2 * rng.normal(size=(N_KINDS, N_ARMS)), axis=1)
    return propensity, policy, location


def true_cdf(x, setting):
    """Return the distribution function under the policy at x, and the limit from below."""
    _, policy, location = world()
    if setting == "stars":
        chance = special.softmax(location[..., None] * np.arange(5), axis=-1)
        mass = (policy[..., None] * chance).sum(axis=(0, 1)) / N_KINDS
        cumulative = np.append(0.0, np.cumsum(mass))
        return cumulative[np.clip(np.floor(x), 0, 5).astype(int)], cumulative[
            np.clip(np.ceil(x) - 1, 0, 5).astype(int)
        ]
    spread = np.hypot(SPREAD, OFFSET) if setting == "visits" else SPREAD
    x = np.asarray(x, dtype=float)
    with np.errstate(divide="ignore"):
        scores = (np.log(x)[..., None, None] - location) / spread
    below = (policy * special.ndtr(scores)).sum(axis=(-1, -2)) / N_KINDS
    return np.where(x >= LARGEST, 1.0, below), below


def true_tail(setting, q):
    """Return the quantile and the mean of the lower tail."""
    if setting == "stars":
        grid = np.arange(1, 6).astype(float)
        cumulative = true_cdf(grid, setting)[0]
    else:
        grid = np.linspace(1e-6, LARGEST, 200_001)
        cumulative = true_cdf(grid, setting)[0]
    mass = np.diff(np.append(0.0, np.minimum(cumulative, q)))
    return grid[np.searchsorted(cumulative, q - 1e-12)], (mass * grid).sum() / q


def draw(setting, n_rounds, rng):
    """Return a log as arguments of `reward_distribution`."""
    propensity, policy, location = world()
    groups, offset = None, 0.0
    kind = rng.integers(N_KINDS, size=n_rounds)
    if setting == "visits":
        groups = rng.integers(max(2, n_rounds // 8), size=n_rounds)
        kind = rng.integers(N_KINDS, size=n_rounds)[groups]
        offset = OFFSET * rng.normal(size=n_rounds)[groups]
    arm = (rng.uniform(size=(n_rounds, 1)) > propensity[kind].cumsum(axis=1)).sum(axis=1)
    arm = arm.clip(0, N_ARMS - 1)
    centre = location[kind, arm]
    if setting == "stars":
        chance = special.softmax(centre[:, None] * np.arange(5), axis=1)
        reward = 1.0 + (rng.uniform(size=(n_rounds, 1)) > chance.cumsum(axis=1)).sum(axis=1)
        reward = reward.clip(1, 5)
    else:
        noise = SPREAD * rng.normal(size=n_rounds)
        reward = np.minimum(np.exp(centre + noise + offset), LARGEST)
    return {
        "reward": reward,
        "propensity": propensity[kind, arm],
        "policy_probability": policy[kind, arm],
        "reward_range": (1.0, 5.0) if setting == "stars" else (0.0, LARGEST),
        "groups": groups,
    }


def one_log(setting, n_rounds, truths, seed):
    """Return what a band of 95 % held, and widths."""
    rng = np.random.default_rng([seed, n_rounds])
    log = draw(setting, n_rounds, rng)
    warnings.simplefilter("ignore", PoorSupportWarning)
    estimate = reward_distribution(**log)
    band = estimate.band(random_state=seed)
    at, below = true_cdf(band.support, setting)
    # Between two rewards the bounds stay and the truth rises.
    high_before = np.append(min(1.0, band.half_width), band.high[:-1])
    whole = (at >= band.low - 1e-12).all() and (at <= band.high + 1e-12).all()
    whole &= (below <= high_before + 1e-12).all()
    row = {"effective": estimate.effective_sample_size, "half width": band.half_width}
    row["whole"] = whole
    for q, (quantile, tail) in truths.items():
        for name, truth, interval in (
            ("quantile", quantile, band.quantile(q)),
            ("cvar", tail, band.cvar(q)),
        ):
            row[f"{name} {q}"] = interval.low - 1e-4 <= truth <= interval.high + 1e-4
    low, high = band.cvar(1.0)
    del log["reward_range"]
    normal = snips_value(**log).interval("normal")
    row["width of mean"] = (high - low) / (normal.high - normal.low)
    return row


def main():
    """Print coverages."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--logs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, nargs="+", default=[500, 2000, 8000])
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    for setting in ("money", "stars", "visits"):
        truths = {q: true_tail(setting, q) for q in SHARES}
        for n_rounds in arguments.rounds:
            rows = Parallel(arguments.jobs)(
                delayed(one_log)(setting, n_rounds, truths, seed) for seed in range(arguments.logs)
            )
            means = pd.DataFrame(rows).astype(float).mean().round(3)
            print(f"{setting}, {n_rounds} rounds:", means.to_dict(), flush=True)


if __name__ == "__main__":
    main()
