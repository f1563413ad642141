"""Several objectives: do bandits play the arms on the Pareto front, and do they keep bounds?

    python benchmarks/objectives.py                        # the tables of the guide
    python benchmarks/objectives.py --seeds 3 --rounds 1000 --n-jobs 2

Each seed is a problem of its own: 8 arms whose means are drawn uniformly from the unit cube, in
each of 1 or 2 kinds of contexts, until the front is clear: at least two arms are off the front,
and each of them lies at least .1 behind one other arm in all objectives (with costs, in all
rewards, and costs no less), while each arm of the front is ahead of each other arm by .05 in one
objective. Rewards are 0 or 1, or the mean plus noise of deviation .5. In the problems of bounds
the best arm that keeps the bound of .5 on the second objective pays .05 to .1 more than it asks
for, all that miss it miss by .05 at least, and one of these pays .1 more in the first objective.
The problem with continuous contexts has 5 arms and linear means in 3 features and no margin: arms
lie arbitrarily close to the front in some contexts.

Bandits play 2,000 rounds for each kind of context, in batches of 50. "Off" is the share of rounds
in which an arm was played that is not on the front, "least" that of the front's arm which was
played least in the last tenth, in units of an even share. A bound is kept in a seed where the mean
of what the arms played pay on average in the second objective is at least the bound; over all
rounds, and over the second half. Seeds are 0 to 19; nothing was chosen on them.
"""

import argparse

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from skbandit.contextfree import KLUCB, BetaThompsonSampling, GaussianThompsonSampling
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import pareto_front, pareto_regret
from skbandit.objectives import (
    ConstrainedSelector,
    MultiObjectiveBandit,
    ParetoSelector,
)
from skbandit.selectors import PropensityFloorSelector

N_ARMS, BATCH, MARGIN, BOUND = 8, 50, 0.1, 0.5
ARMS = list(range(N_ARMS))


def is_clear(mean, cost=None):
    """Whether all arms off the front are far behind."""
    points = mean if cost is None else np.column_stack([mean, -cost])
    front = pareto_front(points)
    if (~front).sum() < 2 or front.sum() < 2:
        return False
    for arm in np.flatnonzero(~front):
        ahead = (mean - mean[arm]).min(axis=1) >= MARGIN
        if cost is not None:
            ahead &= cost <= cost[arm]
        if not ahead.any():
            return False
    # Each arm of the front is ahead of each other arm somewhere.
    lead = (points[:, None] - points[None]).max(axis=2)[front]
    return bool((lead + np.eye(len(points))[front] >= MARGIN / 2).all())


def has_room(mean):
    """Whether the bound tells the arms apart and the best arm is not one that misses it."""
    clicks, kept = mean.T
    good = kept >= BOUND
    if not good.any() or good.all():
        return False
    best = np.flatnonzero(good)[np.argmax(clicks[good])]
    return bool(
        BOUND + 0.05 <= kept[best] <= BOUND + 0.1
        and kept[~good].max() <= BOUND - 0.05
        and clicks[~good].max() >= clicks[best] + MARGIN
    )


def means(seed, n_objectives, n_groups, accept):
    """What each arm pays in each kind of context, (n_groups, n_arms, n_objectives)."""
    rng = np.random.RandomState(seed)
    groups = []
    while len(groups) < n_groups:
        mean = rng.uniform(size=(N_ARMS, n_objectives))
        if accept(mean):
            groups.append(mean)
    return np.stack(groups)


def paid(mean, binary, rng):
    """A reward for each mean."""
    if binary:
        return (rng.uniform(size=mean.shape) < mean).astype(np.float64)
    return mean + 0.5 * rng.standard_normal(mean.shape)


def play(bandit, mean, binary, n_rounds, seed):
    """The kind of context and the arm of each round, so many rounds a kind."""
    n_rounds *= len(mean)
    rng = np.random.RandomState(10_000 + seed)
    bandit.set_params(random_state=seed, arms=ARMS)
    groups, arms = [], []
    for _ in range(n_rounds // BATCH):
        group = rng.randint(len(mean), size=BATCH)
        X = np.eye(len(mean))[group]
        arm = bandit.predict(X)
        bandit.partial_fit(X, arm, reward=paid(mean[group, arm], binary, rng))
        groups.append(group)
        arms.append(arm)
    return np.concatenate(groups), np.concatenate(arms)


# ------------------------------------------------------------------------- fronts
BETA, GAUSS, LOGISTIC = (
    BetaThompsonSampling(),
    GaussianThompsonSampling(),
    LogisticThompsonSampling(),
)
LINEAR, UCB = LinearThompsonSampling(), LinearUCB()
COST = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
# Problem, bandit inside: objectives, kinds of contexts, whether rewards are 0 or 1, costs.
FRONTS = {
    ("2 objectives, 0 or 1", "BetaThompsonSampling"): (BETA, 2, 1, True, None),
    ("2 objectives, 0 or 1", "KLUCB"): (KLUCB(), 2, 1, True, None),
    ("3 objectives, 0 or 1", "BetaThompsonSampling"): (BETA, 3, 1, True, None),
    ("2 objectives, noise .5", "GaussianThompsonSampling"): (GAUSS, 2, 1, False, None),
    ("2 objectives and a cost, 0 or 1", "BetaThompsonSampling"): (BETA, 2, 1, True, COST),
    ("1 objective and a cost, noise .5", "GaussianThompsonSampling"): (GAUSS, 1, 1, False, COST),
    ("2 objectives, 0 or 1, 2 kinds of contexts", "LogisticThompsonSampling"): (
        LOGISTIC, 2, 2, True, None,
    ),
    ("2 objectives, noise .5, 2 kinds of contexts", "LinearThompsonSampling"): (
        LINEAR, 2, 2, False, None,
    ),
    ("2 objectives, noise .5, 2 kinds of contexts", "LinearUCB"): (UCB, 2, 2, False, None),
    ("3 objectives, noise .5, 2 kinds of contexts", "LinearThompsonSampling"): (
        LINEAR, 3, 2, False, None,
    ),
    ("2 objectives and a cost, noise .5, 2 kinds of contexts", "LinearThompsonSampling"): (
        LINEAR, 2, 2, False, COST,
    ),
}  # fmt: skip


def one_front(name, seed, n_rounds):
    """Shares of one problem."""
    inside, n_objectives, n_groups, binary, cost = FRONTS[name]
    mean = means(seed, n_objectives, n_groups, lambda one: is_clear(one, cost))
    bandit = MultiObjectiveBandit(bandit=inside, objective_selector=ParetoSelector(cost=cost))
    group, arm = play(bandit, mean, binary, n_rounds, seed)
    front = np.stack(
        [pareto_front(one if cost is None else np.column_stack([one, -cost])) for one in mean]
    )
    off = ~front[group, arm]
    late = slice(-(len(arm) // 10), None)
    least = min(
        np.bincount(arm[late][group[late] == kind], minlength=N_ARMS)[front[kind]].min()
        * front[kind].sum()
        / max((group[late] == kind).sum(), 1)
        for kind in range(n_groups)
    )
    return {
        "problem": name[0],
        "bandit": name[1],
        "seed": seed,
        "off": off.mean(),
        "off late": off[late].mean(),
        "least": least,
    }


# ------------------------------------------------------------------------- bounds
FLOOR = PropensityFloorSelector(share=1.0, decay=0.24)
BOUNDS = {
    ("0 or 1", "BetaThompsonSampling, each draw"): (BETA, 1, True, None, None),
    ("0 or 1", "BetaThompsonSampling, confidence .95, floor"): (BETA, 1, True, 0.95, FLOOR),
    ("noise .5, 2 kinds of contexts", "LinearThompsonSampling, each draw"): (
        LINEAR, 2, False, None, None,
    ),
    ("noise .5, 2 kinds of contexts", "LinearUCB, bounds"): (UCB, 2, False, None, None),
    ("noise .5, 2 kinds of contexts", "LinearThompsonSampling, confidence .95, floor"): (
        LINEAR, 2, False, 0.95, FLOOR,
    ),
}  # fmt: skip


def one_bound(name, seed, n_rounds):
    """What one seed pays."""
    inside, n_groups, binary, confidence, selector = BOUNDS[name]
    mean = means(seed, 2, n_groups, has_room)
    bandit = MultiObjectiveBandit(
        bandit=inside,
        objective_selector=ConstrainedSelector(at_least={1: BOUND}, confidence=confidence),
        selector=selector,
    )
    group, arm = play(bandit, mean, binary, n_rounds, seed)
    clicks, kept = mean[group, arm].T
    best = np.array([one[one[:, 1] >= BOUND, 0].max() for one in mean])[group]
    half = slice(len(arm) // 2, None)
    return {
        "problem": name[0],
        "bandit": name[1],
        "seed": seed,
        "kept": kept.mean() >= BOUND,
        "kept late": kept[half].mean() >= BOUND,
        "lowest": kept.mean(),
        "arms that miss": (mean[group, arm, 1] < BOUND)[half].mean(),
        "first objective": (clicks / best)[half].mean(),
    }


# ------------------------------------------------------------- continuous contexts
CONTINUOUS = {
    "Pareto front, LinearThompsonSampling": MultiObjectiveBandit(bandit=LINEAR),
    "Pareto front, LinearUCB": MultiObjectiveBandit(bandit=UCB),
}


def one_continuous(name, n_objectives, seed, n_rounds):
    """Pareto regret where no margin is given."""
    rng = np.random.RandomState(seed)
    n_arms = 5
    weights = rng.standard_normal((n_arms, n_objectives, 3))
    bandit = clone(CONTINUOUS[name]).set_params(arms=list(range(n_arms)), random_state=seed)
    gaps, even, off = [], [], []
    for _ in range(n_rounds // BATCH):
        X = rng.standard_normal((BATCH, 3))
        mean = np.moveaxis(weights @ X.T, 2, 0)
        arm = bandit.predict(X)
        reward = paid(mean[np.arange(BATCH), arm], False, rng)
        bandit.partial_fit(X, arm, reward=reward)
        gap = [pareto_regret(mean, np.full(BATCH, one)) for one in range(n_arms)]
        gaps.append(np.array(gap)[arm, np.arange(BATCH)])
        even.append(np.mean(gap, axis=0))
        off.append(gaps[-1] > 0.0)
    late = slice(-(n_rounds // 10), None)
    gaps, even, off = (np.concatenate(one)[late] for one in (gaps, even, off))
    return {
        "objectives": n_objectives,
        "bandit": name,
        "off late": off.mean(),
        "Pareto regret late": gaps.mean() / even.mean(),
    }


def summarize_fronts(table):
    """A row a problem and bandit."""
    by = table.groupby(["problem", "bandit"], sort=False)
    columns = {
        "off": by["off"].mean(),
        "off, last tenth": by["off late"].mean(),
        "worst seed": by["off late"].max(),
        "seeds under 5 %": by["off late"].agg(lambda one: (one < 0.05).mean()),
        "least": by["least"].mean(),
    }
    return pd.DataFrame(columns).round(3)


def summarize_bounds(table):
    """A row a problem and bandit."""
    by = table.groupby(["problem", "bandit"], sort=False)
    columns = {
        "kept": by["kept"].mean(),
        "kept, second half": by["kept late"].mean(),
        "lowest mean": by["lowest"].min(),
        "arms that miss, second half": by["arms that miss"].mean(),
        "of the best first objective": by["first objective"].mean(),
    }
    return pd.DataFrame(columns).round(3)


def summarize_continuous(table):
    """A row a number of objectives and bandit."""
    return table.groupby(["objectives", "bandit"], sort=False).mean().round(3)


PARTS = {
    "fronts": (one_front, [(name,) for name in FRONTS], summarize_fronts),
    "bounds": (one_bound, [(name,) for name in BOUNDS], summarize_bounds),
    "continuous": (
        one_continuous,
        [(name, number) for number in (2, 3) for name in CONTINUOUS],
        summarize_continuous,
    ),
}


def main():
    """Play and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--only", choices=list(PARTS))
    options = parser.parse_args()
    pd.set_option("display.width", 200, "display.max_columns", 20, "display.max_colwidth", 60)
    for part in [options.only] if options.only else PARTS:
        play_one, settings, summarize = PARTS[part]
        calls = [
            (*setting, seed, options.rounds)
            for setting in settings
            for seed in range(options.first_seed, options.first_seed + options.seeds)
        ]
        rows = Parallel(n_jobs=options.n_jobs)(delayed(play_one)(*call) for call in calls)
        print(summarize(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
