"""How tight guaranteed lower bounds of off-policy values are, and whom they choose.

The protocol of Sakhi, Aouali, Alquier & Chopin (2024), "Logarithmic smoothing for pessimistic
off-policy evaluation, selection and learning", NeurIPS::

    PYTHONPATH=. python benchmarks/lower_bounds.py --repeats 5 --jobs 2

Evaluation. Rounds are labelled rows, arms the classes, and an arm earns 1 where it is the label; a
share of the rewards is turned around (0, .1, .2). The evaluated policy is a softmax around the
label (temperatures .1 to .5), the logging policy one around a label that is wrong in two classes
(.2, .25, .3). Both look at labels alone, so all that matters of a data set is how many rows each
class has: the script holds these numbers for nine of the paper's eleven sets, all but eating and
micro-mass. Rounds are drawn independently, so the true value is a sum. Of a lower bound at 95 %,
the normalised radius is (value - bound) / value, at least 0, and at most 1 since no value is below
0.

Selection. On rows of scikit-learn's data and of shuttle, candidates are the logging policy, a
softmax around the label, and two linear policies that learnt from a separate log to maximise
their own IPS and SNIPS values. Each bound holds at 1 - .05 / 4, and the policy of the highest is
played.

Set by set, the authors' stored results (otmhi/offpolicy_ls, ope_results/all_radiuses.csv) have for
LS a mean of .573 on ecoli, .358 on vehicle and .254 on yeast, and .265 on eating and .311 on
micro-mass, which are not here. ``--strengths`` compares other strengths of the smoothing than
1 / sqrt(n), and what one would have that is the best for each log, which nobody knows.

All bounds are told the range of the rewards, those marked W the largest possible weight too. What
was tuned, the stakes of the mixture, was tuned on seeds 100 and 101.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import optimize, special
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from skbandit.datasets import load_shuttle
from skbandit.metrics import PoorSupportWarning, ips_value, mean_value

# Rows of each class, the classes in the order of their names.
ROWS = {
    "ecoli": [143, 77, 2, 2, 35, 20, 5, 52],
    "arrhythmia": [245, 50, 4, 5, 22, 44, 15, 15, 13, 25, 3, 2, 9],
    "balance-scale": [49, 288, 288],
    "vehicle": [218, 212, 217, 199],
    "yeast": [463, 5, 35, 44, 51, 163, 244, 429, 20, 30],
    "page-blocks": [4913, 329, 28, 88, 115],
    "optdigits": [554, 571, 557, 572, 568, 558, 558, 566, 554, 562],
    "satimage": [1531, 703, 1356, 625, 707, 1508],
    "kropt": [
        2796, 1433, 2854, 2166, 471, 198, 4553, 1712, 78,
        683, 592, 390, 1985, 4194, 81, 3597, 246, 27,
    ],
}  # fmt: skip
NOISES = (0.0, 0.1, 0.2)
TARGET_TEMPERATURES = (0.1, 0.2, 0.3, 0.4, 0.5)
LOGGING_TEMPERATURES = (0.3, 0.25, 0.2)
FAULTY = (0, 1)
LOGGED_SHARE = 0.98
STRENGTHS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)

# Name, method, whether it is told the largest weight, and its options.
BOUNDS = {
    "normal (no guarantee)": ("normal", False, {}),
    "Bernstein, W": ("bernstein", True, {}),
    "betting, anytime, W": ("betting", True, {"anytime": True}),
    "betting, fixed n, W": ("betting", True, {"anytime": False}),
    "LS, fixed n": ("ls", False, {}),
    "mixture, anytime": ("mixture", False, {"anytime": True}),
    "mixture, fixed n": ("mixture", False, {"anytime": False}),
    "mixture, anytime, W": ("mixture", True, {"anytime": True}),
    "mixture, fixed n, W": ("mixture", True, {"anytime": False}),
}


def softmax_around(labels, n_arms, temperature, faulty=()):
    """Return a softmax that prefers the label, or the class after it where that is faulty."""
    preferred = np.where(np.isin(labels, faulty), (labels + 1) % n_arms, labels)
    scores = (preferred[:, None] == np.arange(n_arms)) / temperature
    return special.softmax(scores, axis=1)


def play(policy, labels, noise, rng):
    """Draw arms and rewards."""
    cumulated = policy.cumsum(axis=1)
    arm = (rng.uniform(size=(labels.size, 1)) > cumulated).sum(axis=1)
    arm = arm.clip(0, policy.shape[1] - 1)
    turned = rng.uniform(size=labels.size) < noise
    return arm, ((arm == labels) ^ turned).astype(float)


def lower_bound(value, bound, max_weight, level):
    """Return one of the bounds, one-sided, and 0 where it is below."""
    method, told, options = BOUNDS[bound]
    options = dict(options)
    if method != "normal":
        options["reward_range"] = (0.0, 1.0)
    if told:
        options["max_weight"] = max_weight
    # The lower end of a two-sided interval at 1 - 2 alpha is a one-sided bound at 1 - alpha.
    low = value.interval(method, confidence_level=2 * level - 1, **options).low
    return max(0.0, low)


def logs_of(name, seed):
    """Yield the value, the true one, and the largest weight in all settings of one data set."""
    rows = np.array(ROWS[name])
    n_arms, chance = rows.size, rows / rows.sum()
    classes, n_rounds = np.arange(n_arms), int(LOGGED_SHARE * rows.sum())
    rng = np.random.default_rng([seed, list(ROWS).index(name)])
    for noise in NOISES:
        for hot in TARGET_TEMPERATURES:
            target = softmax_around(classes, n_arms, hot)
            hit = np.diag(target)
            truth = float(chance @ (hit * (1 - noise) + (1 - hit) * noise))
            for temperature in LOGGING_TEMPERATURES:
                logging = softmax_around(classes, n_arms, temperature, FAULTY)
                labels = rng.choice(n_arms, size=n_rounds, p=chance)
                arm, reward = play(logging[labels], labels, noise, rng)
                value = ips_value(
                    reward=reward,
                    propensity=logging[labels, arm],
                    policy_probability=target[labels, arm],
                )
                yield value, truth, (target / logging).max()


def evaluate(name, seed):
    """Return the normalised radius of all bounds in all settings of one data set."""
    results = []
    for value, truth, largest in logs_of(name, seed):
        for bound in BOUNDS:
            low = lower_bound(value, bound, largest, 0.95)
            results.append((name, bound, max(0.0, truth - low) / truth, low > truth))
    return results


def smooth(name, seed):
    """Return the normalised radius of LS by its strength, in units of 1 / sqrt(n)."""
    results = []
    for number, (value, truth, _) in enumerate(logs_of(name, seed)):
        for strength in STRENGTHS:
            options = {"reward_range": (0, 1), "lambda_": strength / np.sqrt(value.n_samples)}
            low = max(0.0, value.interval("ls", confidence_level=0.9, **options).low)
            radius = max(0.0, truth - low) / truth
            results.append((f"{name} {seed} {number}", strength, radius))
    return results


def learn_linear(X, arm, reward, propensity, n_arms, *, normalize):
    """Fit a linear softmax policy that maximises the log of its IPS or SNIPS value."""
    played = np.eye(n_arms)[arm]

    def loss(flat):
        scores = X @ flat.reshape(X.shape[1], n_arms)
        log_policy = special.log_softmax(scores, axis=1)
        policy, chosen = np.exp(log_policy), (log_policy * played).sum(axis=1)
        weight = np.exp(chosen) / propensity
        share = weight * reward / (weight @ reward)
        total = -np.log(weight @ reward)
        if normalize:
            total += np.log(weight.sum())
            share = share - weight / weight.sum()
        return total, -(X.T @ (share[:, None] * (played - policy))).ravel()

    start = np.zeros(X.shape[1] * n_arms)
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x.reshape(X.shape[1], n_arms)


def rows_of(name):
    """Return standardised features and labels."""
    loaders = {
        "digits": datasets.load_digits,
        "wine": datasets.load_wine,
        "iris": datasets.load_iris,
        "breast cancer": datasets.load_breast_cancer,
        "shuttle": load_shuttle,
    }
    X, y = loaders[name](return_X_y=True)
    X = StandardScaler().fit_transform(np.asarray(X, dtype=float))
    return np.column_stack([X, np.ones(len(X))]), np.unique(y, return_inverse=True)[1]


def select(name, seed):
    """Return how each bound's choice compares with the logging policy on unseen rows."""
    noise, hot, temperature = 0.2, 0.1, 0.2
    X, labels = rows_of(name)
    n_arms = int(labels.max()) + 1
    rng = np.random.default_rng([seed, len(X)])
    order = rng.permutation(len(X))
    train, log, unseen = np.split(order, [int(0.2 * len(X)), int(0.7 * len(X))])
    logging = softmax_around(labels, n_arms, temperature, FAULTY)
    arm, reward = play(logging[train], labels[train], noise, rng)
    learnt = [
        learn_linear(X[train], arm, reward, logging[train, arm], n_arms, normalize=normalize)
        for normalize in (False, True)
    ]
    policies = [logging, softmax_around(labels, n_arms, hot)]
    policies += [special.softmax(X @ linear / hot, axis=1) for linear in learnt]
    paid = np.where(np.eye(n_arms)[labels[unseen]] == 1, 1 - noise, noise)
    truths = [float((policy[unseen] * paid).sum(axis=1).mean()) for policy in policies]
    arm, reward = play(logging[log], labels[log], noise, rng)
    values = [mean_value(reward=reward)]
    values += [
        ips_value(
            reward=reward,
            propensity=logging[log, arm],
            policy_probability=policy[log, arm],
        )
        for policy in policies[1:]
    ]
    largest = 1 / logging.min()
    results = []
    estimates = [value.value for value in values]
    choices = {"IPS itself (no guarantee)": int(np.argmax(estimates))}
    for bound in BOUNDS:
        told = [1.0] + [largest] * (len(policies) - 1)
        pairs = zip(values, told, strict=True)
        lows = [lower_bound(value, bound, one, 1 - 0.05 / 4) for value, one in pairs]
        # The logging policy comes first, so it is kept where no bound is higher.
        choices[bound] = int(np.argmax(lows))
    for bound, chosen in choices.items():
        worse = truths[chosen] < truths[0] - 1e-12
        results.append((name, bound, worse, truths[chosen] > truths[0] + 1e-12, truths[chosen]))
    return results


def run(task, names, seeds, n_jobs, columns):
    """Do a task for all names and seeds, as a table."""

    def quiet(name, seed):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoorSupportWarning)
            return task(name, seed)

    jobs = (delayed(quiet)(name, seed) for seed in seeds for name in names)
    rows = [row for one in Parallel(n_jobs=n_jobs)(jobs) for row in one]
    return pd.DataFrame(rows, columns=columns)


def main():
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--selections", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--strengths", action="store_true", help="of the smoothing, alone")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.repeats)
    if options.strengths:
        frame = run(smooth, ROWS, seeds, options.jobs, ["log", "strength", "radius"])
        table = frame.pivot_table(index="log", columns="strength", values="radius")
        print("mean normalised radius of LS by its strength, in units of 1 / sqrt(n)")
        print(table.mean().round(4).to_string())
        print(f"with the best strength of each log {table.min(axis=1).mean():.4f}")
        return
    columns = ["data", "bound", "radius", "violated"]
    frame = run(evaluate, ROWS, seeds, options.jobs, columns)
    n_logs = len(frame) // len(BOUNDS)
    table = frame.groupby("bound", sort=False)[["radius", "violated"]].mean()
    print(f"lower 95 % bounds in {n_logs} logs: mean normalised radius, share above the value")
    print(table.round(4).to_string())
    print("\nmean normalised radius of each data set")
    table = frame.groupby(["bound", "data"], sort=False)["radius"].mean().unstack()
    print(table.round(3).to_string())
    seeds = range(options.first_seed, options.first_seed + options.selections)
    names = ("digits", "wine", "iris", "breast cancer", "shuttle")
    columns = ["data", "chosen by", "worse", "better", "value"]
    frame = run(select, names, seeds, options.jobs, columns)
    table = frame.groupby("chosen by", sort=False)[["worse", "better", "value"]].mean()
    print(f"\nchoices in {options.selections} logs of each of {len(names)} data sets, ", end="")
    print("beside the logging policy: share worse, share better, mean value")
    print(table.round(4).to_string())
    print("\nshare worse than the logging policy on each data set")
    table = frame.groupby(["chosen by", "data"], sort=False)["worse"].mean().unstack()
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
