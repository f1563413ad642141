"""Speed of off-policy values, their intervals and scorers."""

import numpy as np
from sklearn.linear_model import Ridge

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.metrics import make_policy_scorer, policy_value
from skbandit.selectors import EpsilonGreedySelector

N_ARMS = 10


def _logged(n_rounds):
    """A log of a skewed policy, and another policy's probabilities on its rounds."""
    rng = np.random.default_rng(0)
    logging = rng.dirichlet(np.full(N_ARMS, 2.0), size=n_rounds) * 0.8 + 0.2 / N_ARMS
    arm = (logging.cumsum(axis=1) < rng.random((n_rounds, 1))).sum(axis=1).clip(max=N_ARMS - 1)
    expected = rng.random((n_rounds, N_ARMS))
    rows = np.arange(n_rounds)
    return {
        "reward": (rng.random(n_rounds) < expected[rows, arm]).astype(float),
        "arm": arm,
        "propensity": logging[rows, arm],
        "policy_probability": np.roll(logging, 1, axis=1),
        "expected_reward": 0.25 + 0.5 * expected,
    }


class Values:
    """One estimator and its normal interval on 100,000 rounds."""

    params = (["ips", "snips", "clipped_ips", "cressie_read", "dr", "switch_dr", "dros"],)
    param_names = ("estimator",)

    def setup(self, estimator):
        """Make the log once."""
        self.rounds = _logged(100_000)

    def time_value(self, estimator):
        """The estimate alone."""
        return policy_value(estimator, **self.rounds).value

    def time_value_and_interval(self, estimator):
        """The estimate with its interval."""
        policy_value(estimator, **self.rounds).interval("normal")


class Intervals:
    """Each interval of one value on 10,000 rounds."""

    params = (["normal", "student", "bootstrap", "bca", "cressie_read", "bernstein", "betting"],)
    param_names = ("method",)
    timeout = 120

    def setup(self, method):
        """Value the policy once."""
        rounds = _logged(10_000)
        del rounds["expected_reward"]
        self.value = policy_value("snips" if method == "bca" else "ips", **rounds)
        self.options = {"random_state": 0} if method in ("bootstrap", "bca") else {}

    def time_interval(self, method):
        """Bounds of the value."""
        self.value.interval(method, **self.options)


class Scorers:
    """A scorer on 20,000 rounds of a fitted bandit, as a search calls it on each fold."""

    params = (["snips", "dr"],)
    param_names = ("estimator",)

    def setup(self, estimator):
        """Fit the bandit on one half of a log; the other half values it."""
        rounds = _logged(40_000)
        self.X = np.random.default_rng(1).standard_normal((40_000, 8))
        self.log = make_log(rounds["arm"], rounds["reward"], rounds["propensity"])
        selector = EpsilonGreedySelector(epsilon=0.1)
        self.bandit = LinearUCB(arms=list(range(N_ARMS)), selector=selector)
        self.bandit.fit(self.X[:20_000], self.log[:20_000])
        options = {"reward_model": Ridge(), "cv": 2} if estimator == "dr" else {}
        self.make_scorer = lambda: make_policy_scorer(estimator, **options)

    def time_score(self, estimator):
        """Score once; each time with a scorer that has fitted no reward model yet."""
        self.make_scorer()(self.bandit, self.X[20_000:], self.log[20_000:])
