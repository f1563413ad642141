"""Simulated logs with a known truth, for the tests of the off-policy values."""

import numpy as np
import pytest


class World:
    """Finitely many contexts, so that the value of a policy is a finite sum."""

    def __init__(self, seed, n_contexts=20, n_arms=4, least=0.1):
        rng = np.random.default_rng(seed)
        self.n_contexts, self.n_arms = n_contexts, n_arms
        spread = rng.dirichlet(np.ones(n_arms), size=n_contexts)
        self.logging = least + (1 - n_arms * least) * spread
        self.expected = rng.uniform(size=(n_contexts, n_arms))
        # Worth more than the logging policy, so that no test passes with the mean reward.
        self.policy = np.exp(3 * self.expected)
        self.policy /= self.policy.sum(axis=1, keepdims=True)
        self.model = np.clip(self.expected + 0.2 * rng.normal(size=self.expected.shape), 0, 1)

    @property
    def value(self):
        return float((self.policy * self.expected).sum(axis=1).mean())

    def log(self, n_rounds, seed, policy=None):
        """Draw a log as the keywords of `policy_value`."""
        policy = self.policy if policy is None else policy
        rng = np.random.default_rng(seed)
        context = rng.integers(self.n_contexts, size=n_rounds)
        chance = self.logging.cumsum(axis=1)[context]
        arm = (rng.uniform(size=(n_rounds, 1)) > chance).sum(axis=1).clip(0, self.n_arms - 1)
        return {
            "reward": rng.binomial(1, self.expected[context, arm]).astype(float),
            "arm": arm,
            "propensity": self.logging[context, arm],
            "policy_probability": policy[context],
            "expected_reward": self.model[context],
        }


@pytest.fixture(scope="session")
def world():
    return World(0)


@pytest.fixture(scope="session")
def log(world):
    return world.log(500, 1)
