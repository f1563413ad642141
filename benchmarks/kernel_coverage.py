"""How often 95 % intervals of values of quantities cover the truth, with the default bandwidth.

A policy plays a quantity for sure, and logs hold quantities drawn from a density: uniform, or 0.3
of that and 0.7 of a beta density about a place that depends on the context. The box is [0, 1], or
its square. Rewards, with normal noise of standard deviation 0.5, are

- ``smooth``: quadratic in the quantity, best where the policy plays;
- ``kinked``: falling off linearly on both sides of what the policy plays;
- ``wave``: a sine of the quantity and the context;
- ``border``: rising and concave; the policy plays the upper end;
- ``two arms``: one with a quantity, quadratic, one without; the policy plays either.

The reward model of ``kernel_dr`` is the default one, fitted by cross-fitting; ``density_dr`` is of
a policy that draws from a beta density, under ``smooth`` alone. The truth is a mean over two
million contexts. A row says how often the interval covers, by the normal law and Student's, how
wide the normal one is, the mean bandwidth, the share of logs in which ``"auto"`` warned that no
bandwidth is surely harmless, and the bias in standard errors::

    PYTHONPATH=. python benchmarks/kernel_coverage.py --logs 1000 --jobs 2
    PYTHONPATH=. python benchmarks/kernel_coverage.py --smoothness 2

With 1,000 logs the standard error of a coverage of 95 % is 0.7 percentage points.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from skbandit.metrics import (
    cross_fit_quantity_rewards,
    density_dr_value,
    density_snips_value,
    kernel_dr_value,
    kernel_ips_value,
    kernel_snips_value,
)

REWARDS = ("smooth", "kinked", "wave", "border", "two arms")
LOGGING = ("uniform", "peaked")
NOISE = 0.5
# The seeds with which the rule for the bandwidth was made are below this one.
FIRST_SEED = 100_000


def centre(X, n_quantities):
    """Where rewards are best."""
    return 0.2 + 0.6 * X[:, :n_quantities]


def expected_reward(name, X, quantity):
    """Mean reward of quantities of shape (n, n_quantities); of the second arm where it is NaN."""
    best, base = centre(X, quantity.shape[1]), X[:, -1]
    if name == "kinked":
        return base + 1 - 2 * np.abs(quantity - best).mean(axis=1)
    if name == "wave":
        return base + np.sin(5 * quantity + X[:, : quantity.shape[1]]).mean(axis=1)
    if name == "border":
        rate = 0.5 + X[:, : quantity.shape[1]]
        return base + (1 - np.exp(-2 * quantity * rate)).mean(axis=1)
    paid = base + 1 - 3 * ((quantity - best) ** 2).mean(axis=1)
    return np.where(np.isnan(paid), 0.5, paid)


def target(name, X, n_quantities):
    """What the policy plays: arms, and quantities."""
    arm = np.zeros(len(X), dtype=int)
    quantity = np.ones((len(X), n_quantities)) if name == "border" else centre(X, n_quantities)
    if name == "two arms":
        arm = (X[:, 2] < 0.4).astype(int)
        quantity = np.where(arm[:, None] == 1, np.nan, quantity)
    return arm, quantity


def peak(X):
    """Parameters of the beta density of the peaked logging policy."""
    place = 0.3 + 0.4 * X[:, 1:2]
    return 2 + 4 * place, 2 + 4 * (1 - place)


def drawn_density(X, quantity):
    """Density of the policy that draws its quantities."""
    best = centre(X, quantity.shape[1])
    return stats.beta.pdf(quantity, 2 + 4 * best, 2 + 4 * (1 - best)).prod(axis=1)


def simulate(name, n_quantities, logging, n_rounds, seed):
    """Return contexts, and a log as keywords of the estimators."""
    # Logs of two cells have nothing in common.
    cell = REWARDS.index(name), n_quantities, LOGGING.index(logging), n_rounds
    rng = np.random.default_rng([seed, *cell])
    X = rng.uniform(size=(n_rounds, 3))
    quantity = rng.uniform(size=(n_rounds, n_quantities))
    density = np.ones(n_rounds)
    if logging == "peaked":
        a, b = peak(X)
        peaked = rng.beta(np.broadcast_to(a, quantity.shape), np.broadcast_to(b, quantity.shape))
        quantity = np.where(rng.uniform(size=quantity.shape) < 0.3, quantity, peaked)
        density = (0.3 + 0.7 * stats.beta.pdf(quantity, a, b)).prod(axis=1)
    arm = np.zeros(n_rounds, dtype=int)
    if name == "two arms":
        arm = rng.integers(2, size=n_rounds)
        quantity[arm == 1] = np.nan
        density = np.where(arm == 1, 0.5, 0.5 * density)
    reward = expected_reward(name, X, quantity) + NOISE * rng.normal(size=n_rounds)
    return X, {"reward": reward, "propensity": density}, arm, quantity


def truth(name, n_quantities, draws=False, n_rounds=2_000_000):
    """Value of the policy."""
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(n_rounds, 3))
    if draws:
        best = centre(X, n_quantities)
        return expected_reward(name, X, rng.beta(2 + 4 * best, 2 + 4 * (1 - best))).mean()
    return expected_reward(name, X, target(name, X, n_quantities)[1]).mean()


def estimates(name, n_quantities, logging, n_rounds, seed, smoothness):
    """Return values of one log by name, and whether each warned."""
    X, rounds, arm, quantity = simulate(name, n_quantities, logging, n_rounds, seed)
    policy_arm, policy_quantity = target(name, X, n_quantities)
    played = {"quantity": quantity, "policy_quantity": policy_quantity}
    if name == "two arms":
        played |= {"arm": arm, "policy_arm": policy_arm}
    expected = cross_fit_quantity_rewards(None, X, reward=rounds["reward"], **played)
    bounds = {0: [(0, 1)] * n_quantities} if name == "two arms" else [(0, 1)] * n_quantities
    options = {"bounds": bounds, "smoothness": smoothness}
    model = {"expected_logged": expected.logged, "expected_policy": expected.policy}
    found = {}
    for one, function, more in (
        ("kernel_ips", kernel_ips_value, {}),
        ("kernel_snips", kernel_snips_value, {}),
        ("kernel_dr", kernel_dr_value, model),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = function(**rounds, **played, **options, **more)
        found[one] = value, any("no bandwidth" in str(each.message) for each in caught)
    if name == "smooth":
        rng = np.random.default_rng(seed + 1)
        best = centre(X, n_quantities)
        drawn = rng.beta(2 + 4 * best, 2 + 4 * (1 - best))
        expected = cross_fit_quantity_rewards(
            None, X, quantity, rounds["reward"], policy_quantity=drawn
        )
        model = {"expected_logged": expected.logged, "expected_policy": expected.policy}
        density = {"policy_density": drawn_density(X, quantity)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found["density_snips"] = density_snips_value(**rounds, **density), False
            found["density_dr"] = density_dr_value(**rounds, **density, **model), False
    return found


def _one_log(cell, seed, smoothness, truths):
    rows = []
    for one, (value, warned) in estimates(*cell, seed, smoothness).items():
        true = truths[one.startswith("density")]
        row = {"estimator": one, "warned": warned, "error": value.value - true}
        row["standard_error"] = value.standard_error
        row["bandwidth"] = value.parameters.get("bandwidth", np.nan)
        for method in ("normal", "student"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                low, high = value.interval(method)
            row[method], row[f"{method} width"] = low <= true <= high, high - low
        rows.append(row)
    return rows


def measure(cell, n_logs, smoothness=1, n_jobs=None):
    """Coverage in one cell (reward, n_quantities, logging, n_rounds), a row an estimator."""
    name, n_quantities = cell[:2]
    truths = {False: truth(name, n_quantities)}
    if name == "smooth":
        truths[True] = truth(name, n_quantities, draws=True)
    logs = Parallel(n_jobs=n_jobs)(
        delayed(_one_log)(cell, FIRST_SEED + log, smoothness, truths) for log in range(n_logs)
    )
    table = pd.DataFrame([row for rows in logs for row in rows])
    by_name = table.groupby("estimator", sort=False)
    found = by_name[["normal", "student", "normal width", "bandwidth", "warned"]].mean()
    found["bias"] = by_name["error"].mean() / by_name["standard_error"].mean()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, nargs="+", default=[500, 2000, 10000])
    parser.add_argument("--rewards", nargs="+", default=list(REWARDS), choices=REWARDS)
    parser.add_argument("--quantities", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--smoothness", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=None)
    arguments = parser.parse_args()
    for name in arguments.rewards:
        for n_quantities in arguments.quantities:
            for logging in LOGGING:
                for n_rounds in arguments.rounds:
                    cell = name, n_quantities, logging, n_rounds
                    found = measure(cell, arguments.logs, arguments.smoothness, arguments.jobs)
                    print(*cell, sep=", ")
                    print(found.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main()
