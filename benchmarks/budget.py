"""A ceiling on the mean cost of a round: prompts routed to three language models, beside the
package ``paretobandit`` 0.1.1 in the same run.

    python benchmarks/budget.py --peer /path/to/python    # an interpreter that has paretobandit
    python benchmarks/budget.py                           # without it

The prompts of ``load_llm_routing`` are played in the order of the file, one by one: 1,785 of the
split "val", then 1,824 of "test". Seven ceilings lie between the mean costs of the cheapest and
the dearest model, strictly inside, in equal steps of their logarithm. Both packages are told list
prices: those per token that paretobandit ships, and ours what 500 tokens in and 500 out would cost
at them. Settings of skbandit are its defaults, which were chosen on shuffled orders of "val".

Overshoot is the mean cost over the ceiling, less one, at the end of the stream. paretobandit runs
cold (no prior, with its settings for that), as in the study that its authors ship (its warm-up
priors, no fixed penalty of costs), and with all its defaults; "theirs" is the best reward of the
three at each ceiling, whatever they overspend.

The second table looks at the part "test" of the same stream, at the mean cost of ours there:
"learnt" is the frontier of policies that know all rewards and all costs of "val" (ridge
regressions of both on the features, then the arm of the largest predicted reward less a price
times the predicted cost, over all prices), "mean costs" the same with the mean cost of each model,
"mixtures" that of the models drawn with fixed chances, and "clairvoyant" that of decisions which
know each reward and cost beforehand.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
DATA = ROOT / "skbandit" / "datasets" / "data" / "llm_routing.npz"
# Dollars for a million tokens in, and out.
PRICES = {
    "google/gemini-2.5-pro": (1.25, 10.0),
    "meta-llama/llama-3.1-8b-instruct": (0.1, 0.1),
    "mistralai/mistral-large-2512": (0.5, 1.5),
}
THEIRS = {
    "cold": {"priors": "none", "alpha": 0.05, "cost_penalty": 0.0},
    "study": {"priors": "warmup", "cost_penalty": 0.0},
    "defaults": {"priors": "warmup"},
}


def read():
    """Contexts, rewards, costs, arms and which rows are of "test"."""
    with np.load(DATA) as stored:
        X, reward, cost = (stored[name].astype(float) for name in ("X", "reward", "cost"))
        return X, reward, cost, stored["arms"], stored["is_test"]


def ceilings(cost):
    """Seven between the cheapest and the dearest arm."""
    means = cost.mean(axis=0)
    return np.geomspace(means.min(), means.max(), 9)[1:-1]


def play_theirs(setting, ceiling, seed=0):
    """Chosen columns of the stream by paretobandit."""
    import logging

    from pareto_bandit import BanditRouter
    from pareto_bandit.budget_pacer import BudgetPacer
    from pareto_bandit.feature_service import FeatureService

    logging.disable(logging.WARNING)
    X, reward, cost, arms, _ = read()
    registry = {
        arm: {"model_id": arm, "input_cost_per_m": into, "output_cost_per_m": out}
        for arm, (into, out) in PRICES.items()
    }
    # A constant term is the last feature, as in the study that they ship.
    X = np.column_stack([X, np.ones(len(X))])
    router = BanditRouter.create(
        model_registry=registry,
        feature_service=FeatureService.for_precomputed(X.shape[1]),
        budget_pacer=BudgetPacer(target_avg_spend_usd=float(ceiling)),
        bandit_seed=seed,
        **THEIRS[setting],
    )
    column = {arm: place for place, arm in enumerate(arms.tolist())}
    chosen = []
    for row in range(len(X)):
        arm, log = router.route(X[row])
        log.cost_usd = float(cost[row, column[arm]])
        router.process_feedback(log.request_id, reward=float(reward[row, column[arm]]))
        chosen.append(column[arm])
    return chosen


def play_ours(ceiling, seed=0):
    """Chosen columns of the stream by skbandit."""
    from skbandit.base import make_log
    from skbandit.budgets import BudgetPacedBandit

    X, reward, cost, arms, _ = read()
    listed = {arm: 500e-6 * (into + out) for arm, (into, out) in PRICES.items()}
    bandit = BudgetPacedBandit(arms=arms, ceiling=ceiling, cost=listed, random_state=seed)
    column = {arm: place for place, arm in enumerate(arms.tolist())}
    chosen = []
    for row in range(len(X)):
        one = slice(row, row + 1)
        arm, chance = bandit.predict(X[one], return_propensity=True)
        place = column[arm[0]]
        log = make_log(arm, reward[one, place], chance, cost=cost[one, place])
        bandit.partial_fit(X[one], log)
        chosen.append(place)
    return chosen


def swept(score, expected, reward, cost):
    """Mean cost and mean reward of the arm that is best at each price, by rising cost."""
    rows, points = np.arange(len(reward)), []
    for price in [0.0, *np.geomspace(1e-2, 1e5, 1500)]:
        arm = (score - price * expected).argmax(axis=1)
        points.append((cost[rows, arm].mean(), reward[rows, arm].mean()))
    return np.array(sorted(set(points)))


def at_cost(points, where):
    """The frontier between its points: policies may be mixed."""
    return np.interp(where, points[:, 0], np.maximum.accumulate(points[:, 1]))


def mixtures(reward, cost, where):
    """The best reward of two models drawn with fixed chances, at these mean costs."""
    known = sorted(zip(cost.mean(axis=0), reward.mean(axis=0), strict=True))
    best = np.full(len(where), -np.inf)
    for one, (low, left) in enumerate(known):
        for high, right in known[one + 1 :]:
            share = (where - low) / (high - low)
            value = left + share * (right - left)
            best = np.maximum(best, np.where((share >= 0.0) & (share <= 1.0), value, -np.inf))
    return best


def frontiers(where):
    """Rewards on "test" that the four frontiers have at these mean costs."""
    from sklearn.linear_model import RidgeCV

    X, reward, cost, _, is_test = read()
    val = ~is_test

    def predicted(target):
        ridge = RidgeCV(np.geomspace(1.0, 1e4, 17))
        return np.column_stack(
            [ridge.fit(X[val], one[val]).predict(X[is_test]) for one in target.T]
        )

    means = np.broadcast_to(cost[val].mean(axis=0), reward[is_test].shape)
    score, expected = predicted(reward), np.maximum(predicted(cost), 0.1 * means)
    R, C = reward[is_test], cost[is_test]
    return {
        "learnt": at_cost(swept(score, expected, R, C), where),
        "mean costs": at_cost(swept(score, means, R, C), where),
        "mixtures": mixtures(R, C, where),
        "clairvoyant": at_cost(swept(R, C, R, C), where),
    }


def print_table(columns):
    """Columns by name."""
    print("  ".join(f"{name:>11}" for name in columns))
    for row in zip(*columns.values(), strict=True):
        cells = [one if isinstance(one, str) else f"{one:.4f}" for one in row]
        print("  ".join(f"{cell:>11}" for cell in cells))
    print()


def main():
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", help="an interpreter that has paretobandit 0.1.1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one-of-theirs", help=argparse.SUPPRESS)
    parser.add_argument("--ceiling", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_of_theirs:
        print(json.dumps(play_theirs(options.one_of_theirs, options.ceiling, options.seed)))
        return
    _, reward, cost, _, is_test = read()
    rows, all_ceilings = np.arange(len(cost)), ceilings(cost)
    table = {"ceiling": [f"{one:.3e}" for one in all_ceilings]}
    start = time.perf_counter()
    ours = [np.array(play_ours(one, options.seed)) for one in all_ceilings]
    seconds = time.perf_counter() - start
    table["overshoot %"] = [
        f"{100 * (cost[rows, one].mean() / ceiling - 1):+.2f}"
        for one, ceiling in zip(ours, all_ceilings, strict=True)
    ]
    table["reward"] = [reward[rows, one].mean() for one in ours]
    if options.peer:
        best = np.full(len(all_ceilings), -np.inf)
        for setting in THEIRS:
            values, over = [], []
            for ceiling in all_ceilings:
                command = [options.peer, __file__, "--one-of-theirs", setting]
                command += ["--ceiling", repr(float(ceiling)), "--seed", str(options.seed)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                theirs = np.array(json.loads(done.stdout.splitlines()[-1]))
                values.append(reward[rows, theirs].mean())
                over.append(f"{100 * (cost[rows, theirs].mean() / ceiling - 1):+.2f}")
            table[setting], table[f"{setting} %"] = values, over
            best = np.maximum(best, values)
        table["theirs"] = best.tolist()
    print_table(table)
    print(f"ours: {1e3 * seconds / len(rows) / len(all_ceilings):.1f} ms a prompt\n")
    spent = np.array([cost[rows, one][is_test].mean() for one in ours])
    got = [reward[rows, one][is_test].mean() for one in ours]
    known = frontiers(spent)
    gap = known["learnt"] - got
    print_table(
        {"ceiling": table["ceiling"], "mean cost": [f"{one:.3e}" for one in spent], "reward": got}
        | {name: values.tolist() for name, values in known.items()}
        | {"behind": [f"{one:+.4f}" for one in gap]}
    )


if __name__ == "__main__":
    sys.exit(main())
