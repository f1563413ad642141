"""New arms among known ones that are alike: what does a prior gain that the arms themselves tell?

Each seed draws 25 arms whose log-odds of a click are linear in 5 standard normal features; their
weights scatter with a standard deviation of 0.3 about weights that all share (deviation 0.8),
their constants about -2.5. A bandit learns 10,000 uniform rounds of 20 of the arms; then it knows
all 25 (``add_arms``) and plays 5,000 rounds in batches of 50.

Printed for each: the regret of these rounds, mean, standard deviation and worst over the seeds;
how far the belief about a new arm lies from the truth before its first round, the mean squared
error of its score over contexts, beside the variance that the belief itself expects of it. ::

    python benchmarks/new_arms.py --seeds 20
"""

import argparse

import numpy as np
from scipy.special import expit

from skbandit.glm import LogisticThompsonSampling

N_FEATURES, N_KNOWN, N_NEW = 5, 20, 5
BANDITS = {
    "logistic, ridge": lambda: LogisticThompsonSampling(),
    "logistic, hierarchical": lambda: LogisticThompsonSampling(prior="hierarchical"),
    "logistic, hybrid": lambda: LogisticThompsonSampling(arm_model="hybrid"),
}


def play(make, seed, n_learnt, n_rounds, batch):
    """Regret, and error and expected error of the score of new arms."""
    rng = np.random.default_rng(seed)
    shared = 0.8 * rng.normal(size=(N_FEATURES, 1))
    n_arms = N_KNOWN + N_NEW
    weights = shared + 0.3 * rng.normal(size=(N_FEATURES, n_arms))
    constants = -2.5 + 0.3 * rng.normal(size=n_arms)
    X = rng.normal(size=(n_learnt, N_FEATURES))
    arm = rng.integers(N_KNOWN, size=n_learnt)
    chance = expit(constants[arm] + np.einsum("ij,ji->i", X, weights[:, arm]))
    bandit = make().set_params(arms=list(range(N_KNOWN)), random_state=seed)
    bandit.fit(X, arm, (rng.random(n_learnt) < chance).astype(float))
    bandit = bandit.add_arms(list(range(N_KNOWN, n_arms)))
    test = rng.normal(size=(500, N_FEATURES))
    design = np.column_stack([np.ones(500), test])
    believed = design @ np.column_stack([bandit.intercept_, bandit.coef_])[N_KNOWN:].T
    expected = np.einsum("ij,ajk,ik->ia", design, bandit.covariance_[N_KNOWN:], design).mean()
    error = np.mean((believed - (constants + test @ weights)[:, N_KNOWN:]) ** 2)
    regret = 0.0
    for _ in range(n_rounds // batch):
        X = rng.normal(size=(batch, N_FEATURES))
        chance = expit(constants + X @ weights)
        clicked = rng.random(chance.shape) < chance
        arm, rows = bandit.predict(X), np.arange(batch)
        bandit.partial_fit(X, arm, clicked[rows, arm].astype(float))
        regret += (chance.max(axis=1) - chance[rows, arm]).sum()
    return regret, error, expected


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--learnt", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=50)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(f"{'':24} regret: mean     std   worst   score of new arms: error, expected error")
    for name, make in BANDITS.items():
        results = np.array(
            [play(make, seed, options.learnt, options.rounds, options.batch) for seed in seeds]
        )
        regret, (_, error, expected) = results[:, 0], results.mean(axis=0)
        print(
            f"{name:24} {regret.mean():12.1f} {regret.std(ddof=1):7.1f} {regret.max():7.1f} "
            f"{error:25.3f} {expected:9.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
