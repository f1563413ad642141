"""Arms with quantities: what the two bandits lose of what the best quantity gains.

    python benchmarks/quantities.py                        # the table of the guide
    python benchmarks/quantities.py --seeds 2 --problems dose offer
    python benchmarks/quantities.py --rounds .5            # half as many rounds
    python benchmarks/quantities.py --bandits Zooming --rounds 4

Regret a round, over the gain: what the best arm and quantity pay in a context more than even
play of all arms and quantities does. "Last" is the mean of the last tenth of the rounds, "all"
that of all rounds, each in the mean over seeds and, in brackets, for the worst seed. Rounds come
in batches of 50. All bandits have their defaults; around which bandit the cells are is said.
Contexts of the contextual problem are squared and crossed first, for both. Seeds are 0 to 4; the
defaults were chosen on other problems (Gaussian peaks and parabolas) and other draws of them.

The problems, all drawn anew for each seed:

- dose: one quantity, an effect that rises steeply and falls slowly, noise of half its height.
- groups: the same, with a best dose that moves with three features of the patient.
- beside: the same as dose, with an arm without a quantity that pays 70 % of the best dose.
- recipe: three quantities, a ridge that is not along the axes, noise of 30 % of its height.
- offer: one quantity, rewards of 0 and 1, 5 % to 25 %.
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.preprocessing import PolynomialFeatures

from skbandit.base import make_log
from skbandit.contextfree import BetaThompsonSampling, GaussianThompsonSampling
from skbandit.linear import LinearThompsonSampling
from skbandit.quantities import QuantityThompsonSampling, ZoomingBandit

BATCH = 50
N_ASKED = 20_000


def rise_and_fall(dose, best):
    """An effect of 1 at the best dose, 0 without any, and a long tail."""
    part = dose / best
    return (part * np.exp(1.0 - part)) ** 2


class Problem:
    """A problem of one seed: what an arm with a quantity pays, and what the best pays."""

    quantities = (0.0, 10.0)
    arms = None
    noise = 0.5
    n_features = 0
    n_rounds = 5000

    def __init__(self, seed):
        self.rng = np.random.RandomState(7000 + seed)
        self.best = self.rng.uniform(1.5, 7.0)

    def expected(self, X, arm, quantity):
        """What is expected in each row."""
        return rise_and_fall(quantity[:, 0], self.best)

    def optimum(self, X):
        """What the best arm and quantity are expected to pay in each row."""
        return np.ones(len(X))

    def contexts(self, n_samples):
        """Contexts, (n_samples, n_features)."""
        return self.rng.uniform(-1.0, 1.0, size=(n_samples, self.n_features))

    def rewards(self, expected):
        """Rewards that are as expected on average."""
        return expected + self.noise * self.rng.normal(size=len(expected))

    def even(self, n_samples):
        """Arms and quantities of even play."""
        pairs = np.reshape(self.quantities, (-1, 2))
        quantity = self.rng.uniform(*pairs.T, size=(n_samples, len(pairs)))
        return np.full(n_samples, "quantity"), quantity

    def gain(self):
        """What the best gains over even play."""
        X = self.contexts(N_ASKED)
        return np.mean(self.optimum(X) - self.expected(X, *self.even(N_ASKED)))


class Dose(Problem):
    """One quantity, no context."""


class Groups(Problem):
    """The best dose moves with the context."""

    n_features = 3
    n_rounds = 12_000

    def __init__(self, seed):
        super().__init__(seed)
        weights = self.rng.normal(size=3)
        self.weights = weights / np.linalg.norm(weights)

    def expected(self, X, arm, quantity):
        """See Problem."""
        return rise_and_fall(quantity[:, 0], 4.0 * np.exp(0.5 * X @ self.weights))


class Beside(Problem):
    """An arm without a quantity beside one with it."""

    quantities = {"dose": (0.0, 10.0)}
    arms = ("dose", "none")

    def expected(self, X, arm, quantity):
        """See Problem."""
        return np.where(arm == "none", 0.7, rise_and_fall(quantity[:, 0], self.best))

    def even(self, n_samples):
        """See Problem."""
        arm = np.asarray(self.arms)[self.rng.randint(2, size=n_samples)]
        quantity = self.rng.uniform(0.0, 10.0, size=(n_samples, 1))
        return arm, np.where(arm[:, None] == "none", np.nan, quantity)


class Recipe(Problem):
    """Three quantities, the best of which depend on each other."""

    quantities = ((0.0, 1.0), (-5.0, 5.0), (100.0, 300.0))
    noise = 0.3
    n_rounds = 15_000

    def __init__(self, seed):
        super().__init__(seed)
        self.centre = self.rng.uniform(0.2, 0.8, size=3)
        turn, _ = np.linalg.qr(self.rng.normal(size=(3, 3)))
        self.turn = turn / np.array([0.25, 0.35, 0.6])

    def expected(self, X, arm, quantity):
        """See Problem."""
        low, high = np.transpose(self.quantities)
        away = ((quantity - low) / (high - low) - self.centre) @ self.turn
        return 1.0 / (1.0 + (away**2).sum(axis=1))


class Offer(Problem):
    """Rewards of 0 and 1."""

    n_rounds = 15_000

    def expected(self, X, arm, quantity):
        """See Problem."""
        return 0.05 + 0.2 * rise_and_fall(quantity[:, 0], self.best)

    def optimum(self, X):
        """See Problem."""
        return np.full(len(X), 0.25)

    def rewards(self, expected):
        """See Problem."""
        return (self.rng.uniform(size=len(expected)) < expected).astype(np.float64)


PROBLEMS = {"dose": Dose, "groups": Groups, "beside": Beside, "recipe": Recipe, "offer": Offer}


def contestants(name):
    """Name and bandit of each that plays a problem."""
    if name == "groups":
        inside = LinearThompsonSampling()
    else:
        inside = BetaThompsonSampling() if name == "offer" else GaussianThompsonSampling()
    return {
        f"ZoomingBandit, {type(inside).__name__}": ZoomingBandit(bandit=inside),
        "QuantityThompsonSampling": QuantityThompsonSampling(),
    }


def play(bandit, problem, n_rounds, seed):
    """Regret of each round over the gain."""
    gain, features = problem.gain(), PolynomialFeatures(2, include_bias=False)
    arms = None if problem.arms is None else list(problem.arms)
    bandit.set_params(quantities=problem.quantities, arms=arms, random_state=seed)
    regret = []
    for _ in range(n_rounds // BATCH):
        X = problem.contexts(BATCH)
        seen = features.fit_transform(X) if problem.n_features else X
        arm, quantity = bandit.predict(seen, return_quantity=True)
        expected = problem.expected(X, arm, quantity)
        log = make_log(arm, problem.rewards(expected), quantity=quantity)
        bandit.partial_fit(seen, log)
        regret.append(problem.optimum(X) - expected)
    return np.concatenate(regret) / gain


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--bandits", default="", help="begin of the names of those to play")
    parser.add_argument("--rounds", type=float, default=1.0, help="factor on the rounds")
    options = parser.parse_args()
    table = []
    for name in options.problems:
        n_rounds = int(options.rounds * PROBLEMS[name].n_rounds)
        for label in filter(lambda one: one.startswith(options.bandits), contestants(name)):
            last, whole = [], []
            for seed in range(options.seeds):
                bandit = contestants(name)[label]
                regret = play(bandit, PROBLEMS[name](seed), n_rounds, seed)
                last.append(regret[-len(regret) // 10 :].mean())
                whole.append(regret.mean())
            row = {"problem": name, "rounds": n_rounds, "bandit": label}
            row["last"] = f"{np.mean(last):.3f} ({np.max(last):.3f})"
            row["all"] = f"{np.mean(whole):.3f} ({np.max(whole):.3f})"
            print(*row.values(), sep="  ", flush=True)
            table.append(row)
    print(pd.DataFrame(table).to_string(index=False))


if __name__ == "__main__":
    main()
