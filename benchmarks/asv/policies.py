"""Speed of exact policies: from beliefs about arms to the probability that each is played."""

import numpy as np

from skbandit.linear import LinearThompsonSampling
from skbandit.selectors import ArgmaxSelector, EpsilonGreedySelector, SoftmaxSelector, TopKSelector

SELECTORS = {
    "argmax": ArgmaxSelector(),
    "epsilon": EpsilonGreedySelector(epsilon=0.1),
    "softmax": SoftmaxSelector(),
    "top 3": TopKSelector(k=3),
}


def _learnt(n_arms, **parameters):
    """A bandit that knows little enough for all arms to have a chance, and contexts."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 10))
    arm = rng.integers(n_arms, size=2000)
    reward = X[:, 0] * (arm % 3) + rng.standard_normal(2000)
    arms = list(range(n_arms))
    bandit = LinearThompsonSampling(arms=arms, alpha=3.0, random_state=0, **parameters)
    return bandit.fit(X, arm, reward), X


class Quadrature:
    """The probability of being the best arm, for 2,000 rows: one integral a row and arm."""

    params = ([5, 50], ["fixed", "learnt"])
    param_names = ("n_arms", "noise")

    def setup(self, n_arms, noise):
        """Learn once: Gaussian beliefs where the noise is fixed, Student t where it is learnt."""
        self.bandit, self.X = _learnt(n_arms, noise=noise)

    def time_policy(self, n_arms, noise):
        """Probabilities of all arms."""
        self.bandit.predict_proba(self.X)

    def time_one_row(self, n_arms, noise):
        """Decide on one row, with its propensity."""
        self.bandit.predict(self.X[:1], return_propensity=True)


class Selectors:
    """Expectations of each selector under the beliefs about ten arms, for 500 rows."""

    params = (list(SELECTORS),)
    param_names = ("selector",)

    def setup(self, selector):
        """Learn once."""
        self.bandit, self.X = _learnt(10, selector=SELECTORS[selector])

    def time_policy(self, selector):
        """Probabilities of all arms."""
        self.bandit.predict_proba(self.X[:500])


class Draws:
    """Policies of arms that are linked: the share of posterior draws in which each is best."""

    params = (["shared", "hybrid"],)
    param_names = ("arm_model",)

    def setup(self, arm_model):
        """Learn from 1,000 rounds of ten candidates with eight features."""
        rng = np.random.default_rng(0)
        self.X = rng.standard_normal((1000, 10, 8))
        arm = rng.integers(10, size=1000)
        reward = self.X[np.arange(1000), arm, 0] + rng.standard_normal(1000)
        self.bandit = LinearThompsonSampling(
            arms=list(range(10)), arm_model=arm_model, random_state=0
        ).fit(self.X, arm, reward)

    def time_policy(self, arm_model):
        """Probabilities of all candidates."""
        self.bandit.predict_proba(self.X)
