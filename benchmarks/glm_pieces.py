"""Does it matter how rounds are cut into calls?

Clicks of 3 arms with 5 features, 20,000 uniform rounds, log-odds linear. A logistic bandit learns
them in one call, and in calls of 1,000, 100 and 10. Printed: how far the constants and the other
weights then lie from those of one call, in posterior deviations (the mean of the constants'
distances with their sign, the largest of the others), and the least ratio of the deviations. ::

    python benchmarks/glm_pieces.py
"""

import argparse

import numpy as np
from scipy.special import expit, logit

from skbandit.glm import LogisticUCB


def draw(rng, rate, n_rounds):
    """Contexts, arms and clicks."""
    X, arm = rng.normal(size=(n_rounds, 5)), rng.integers(0, 3, n_rounds)
    weights = 0.5 * rng.normal(size=(3, 5))
    chance = expit(logit(rate) + np.einsum("ij,ij->i", X, weights[arm]))
    return X, arm, (rng.random(n_rounds) < chance).astype(float)


def learnt(rounds, size, precision):
    """Mean and deviation of all weights, (3, 6) each."""
    X, arm, reward = rounds
    bandit = LogisticUCB(arms=[0, 1, 2], precision=precision)
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    variance = bandit.covariance_
    if precision == "full":
        variance = np.diagonal(variance, axis1=1, axis2=2)
    return np.column_stack([bandit.intercept_, bandit.coef_]), np.sqrt(variance)


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print("  rate clicks precision  calls of  constants  others  deviations")
    for rate in (0.3, 0.01, 0.001):
        rounds = draw(rng, rate, options.rounds)
        for precision in ("full", "diagonal"):
            mean, std = learnt(rounds, options.rounds, precision)
            for size in (1000, 100, 10):
                now, own = learnt(rounds, size, precision)
                apart = (now - mean) / std
                print(
                    f"{rate:6g} {rounds[2].sum():6.0f} {precision:9} {size:9} "
                    f"{apart[:, 0].mean():10.2f} {np.abs(apart[:, 1:]).max():7.2f} "
                    f"{(own / std).min():11.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
