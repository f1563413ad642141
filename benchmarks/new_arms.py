"""New arms among known ones that are alike: what does a new arm gain from what those have learnt?

Four problems, each with 5 standard normal features of the context. A bandit learns 10,000 uniform
rounds of the arms that are known; then it knows 5 more (``add_arms``) and plays 5,000 rounds with
all of them, in batches of 50.

clicks
    The log-odds of a click are linear; the weights of 25 arms scatter with a standard deviation of
    0.3 about weights that all share (deviation 0.8), their constants about -2.5.
rewards
    The same weights and constants, and rewards that are normal about the score with a standard
    deviation of 2.
features
    35 arms with two features each, uniform on [0, 1]. Every weight is a smooth function of these
    (40 random waves of a length of about 0.5, a standard deviation of 0.5), and departs from it by
    0.1; rewards as above.
quiet
    The same arms with a noise of 0.5.

Printed for each way to start new arms: the regret of the first 500 rounds, mean over the seeds,
and of all 5,000, mean, standard deviation and worst; how far the belief about a new arm lies from
the truth before its first round, the mean squared error of its score over contexts, beside the
variance that the belief itself expects of it. ::

    python benchmarks/new_arms.py --seeds 10

The strength of similar arms, their bandwidth and the share of their own were chosen on the problem
"features" with the seeds 1000 to 1011, for waves of 0.25 too and a noise of 0.5.
"""

import argparse
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.transfer import similar_arms

N_FEATURES, N_NEW = 5, 5


class Problem(NamedTuple):
    """Arms, of which the last ones are new."""

    weights: np.ndarray  # (1 + N_FEATURES, n_arms), the constants first
    noise: float | None  # None: rewards are clicks
    features: np.ndarray | None = None  # (n_arms, 2)

    def scores(self, X):
        """The score of every arm."""
        return self.weights[0] + X @ self.weights[1:]

    def expected(self, X):
        """What every arm pays on average."""
        return expit(self.scores(X)) if self.noise is None else self.scores(X)

    def rewards(self, X, rng):
        """What every arm pays."""
        expected = self.expected(X)
        if self.noise is None:
            return (rng.random(expected.shape) < expected).astype(float)
        return expected + self.noise * rng.normal(size=expected.shape)


def alike(rng, noise):
    """Arms that scatter about what all share."""
    shared = 0.8 * rng.normal(size=(N_FEATURES, 1))
    weights = shared + 0.3 * rng.normal(size=(N_FEATURES, 20 + N_NEW))
    constants = -2.5 + 0.3 * rng.normal(size=20 + N_NEW)
    return Problem(np.vstack([constants, weights]), noise)


def with_features(rng, noise):
    """Arms whose weights change smoothly with their features."""
    features = rng.random((30 + N_NEW, 2))
    waves = rng.normal(size=(1 + N_FEATURES, 40, 2)) / 0.5
    phase = 2.0 * np.pi * rng.random((1 + N_FEATURES, 40, 1))
    height = np.sqrt(2.0 / 40.0) * rng.normal(size=(1 + N_FEATURES, 40, 1))
    smooth = np.sum(height * np.cos(waves @ features.T + phase), axis=1)
    return Problem(0.5 * smooth + 0.1 * rng.normal(size=smooth.shape), noise, features)


def from_similar(strength):
    """Start new arms from those with like features."""

    def init(problem, known, new):
        features = problem.features
        return similar_arms(known, features[known], new, features[new], strength=strength)

    return init


def always(init):
    """Start new arms as a word says."""
    return lambda problem, known, new: init


LOGISTIC, LINEAR = LogisticThompsonSampling, LinearThompsonSampling
OF_FEATURES = {
    "prior": (LINEAR(), always("prior")),
    "mean": (LINEAR(), always("mean")),
    "similar": (LINEAR(), from_similar(0.1)),
    "similar, strength=1": (LINEAR(), from_similar(1.0)),
    "hierarchical": (LINEAR(prior="hierarchical"), always("prior")),
    "hierarchical, similar": (LINEAR(prior="hierarchical"), from_similar(0.1)),
}
PROBLEMS = {
    "clicks": (
        lambda rng: alike(rng, noise=None),
        {
            "logistic, ridge": (LOGISTIC(), always("prior")),
            "logistic, hierarchical": (LOGISTIC(prior="hierarchical"), always("prior")),
            "logistic, hybrid": (LOGISTIC(arm_model="hybrid"), always("prior")),
        },
    ),
    "rewards": (
        lambda rng: alike(rng, noise=2.0),
        {
            "linear, ridge": (LINEAR(), always("prior")),
            "linear, hierarchical": (LINEAR(prior="hierarchical"), always("prior")),
            "linear, hybrid": (LINEAR(arm_model="hybrid"), always("prior")),
            "linear UCB, ridge": (LinearUCB(), always("prior")),
            "linear UCB, hierarchical": (LinearUCB(prior="hierarchical"), always("prior")),
        },
    ),
    "features": (lambda rng: with_features(rng, noise=2.0), OF_FEATURES),
    "quiet": (lambda rng: with_features(rng, noise=0.5), OF_FEATURES),
}


def belief(bandit, X):
    """Mean and variance of the scores that a bandit believes in."""
    if isinstance(bandit, LinearThompsonSampling | LinearUCB):
        mean, std = bandit.expected_reward(X, return_std=True)
        return mean, std**2
    design = np.column_stack([np.ones(len(X)), X])
    mean = design @ np.column_stack([bandit.intercept_, bandit.coef_]).T
    return mean, np.einsum("ij,ajk,ik->ia", design, bandit.covariance_, design)


def play(draw, bandit, init, seed, n_learnt, n_rounds, batch):
    """Regret, of a tenth and all rounds, and error and expected error of new arms' scores."""
    rng = np.random.default_rng(seed)
    problem = draw(rng)
    n_arms = problem.weights.shape[1]
    known, new = list(range(n_arms - N_NEW)), list(range(n_arms - N_NEW, n_arms))
    X = rng.normal(size=(n_learnt, N_FEATURES))
    arm = rng.integers(len(known), size=n_learnt)
    reward = problem.rewards(X, rng)[np.arange(n_learnt), arm]
    bandit = type(bandit)(**bandit.get_params()).set_params(arms=known, random_state=seed)
    bandit = bandit.fit(X, arm, reward).add_arms(new, init=init(problem, known, new))
    test = rng.normal(size=(500, N_FEATURES))
    mean, variance = belief(bandit, test)
    error = np.mean((mean - problem.scores(test))[:, new] ** 2)
    expected_error, regret = variance[:, new].mean(), []
    for _ in range(n_rounds // batch):
        X = rng.normal(size=(batch, N_FEATURES))
        reward, expected = problem.rewards(X, rng), problem.expected(X)
        arm, rows = bandit.predict(X), np.arange(batch)
        bandit.partial_fit(X, arm, reward[rows, arm])
        regret.append((expected.max(axis=1) - expected[rows, arm]).sum())
    return sum(regret[: len(regret) // 10]), sum(regret), error, expected_error


def main():
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS), metavar="PROBLEM")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--learnt", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=50)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    sizes = options.learnt, options.rounds, options.batch
    for name in options.problems:
        draw, ways = PROBLEMS[name]
        print(f"{name:24} regret: first, all     std   worst   new arms: error, expected error")
        for way, (bandit, init) in ways.items():
            results = np.array([play(draw, bandit, init, seed, *sizes) for seed in seeds])
            regret, (first, _, error, expected) = results[:, 1], results.mean(axis=0)
            print(
                f"{way:24} {first:13.1f} {regret.mean():7.1f} {regret.std(ddof=1):7.1f} "
                f"{regret.max():7.1f} {error:15.3f} {expected:9.3f}",
                flush=True,
            )
        print()


if __name__ == "__main__":
    main()
