"""Speed of bandits on networks: training and decisions. They are passed over without torch."""

import numpy as np

from skbandit.utils.discovery import all_bandits

TRAINED = ["NeuralLinearBandit", "NeuralUCB", "NeuralThompsonSampling", "EnsembleBandit"]


def _rounds(n_rounds, n_arms):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rounds, 16))
    arm = rng.integers(n_arms, size=n_rounds)
    mean = 0.5 + 0.4 * np.sin(X[np.arange(n_rounds), arm])
    return X, arm, (rng.random(n_rounds) < mean).astype(np.float64)


def _find(name):
    """The class of this name; asv passes over what raises this error in ``setup``."""
    found = dict(all_bandits())
    if name not in found:
        raise NotImplementedError(f"{name} needs an extra that is not installed")
    return found[name]


class Trained:
    """Five arms, 16 features, two hidden layers of 32 units."""

    params = (TRAINED,)
    param_names = ("bandit",)
    timeout = 300

    def setup(self, bandit):
        """Learn from 2,000 rounds once, so that decisions have a state."""
        kind = _find(bandit)
        from skbandit.neural import make_net

        net = make_net("tiny_mlp", module__hidden_units=(32, 32))
        steps = {"initial_train_steps": 100, "train_steps": 50}
        self.bandit = kind(arms=list(range(5)), net=net, random_state=0, **steps)
        self.X, self.arm, self.reward = _rounds(2000, 5)
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_learning(self, bandit):
        """Learn from scratch: 100 steps, then what the family keeps of every round."""
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_decisions(self, bandit):
        """Decide on every row."""
        self.bandit.predict(self.X)

    def time_one_decision(self, bandit):
        """Decide on one row."""
        self.bandit.predict(self.X[:1])


class Online:
    """A batch of 32 decisions and what was learnt of them, training when it is due."""

    params = (TRAINED,)
    param_names = ("bandit",)
    timeout = 300

    def setup(self, bandit):
        """Begin from 500 rounds."""
        kind = _find(bandit)
        from skbandit.neural import make_net

        net = make_net("tiny_mlp", module__hidden_units=(32, 32))
        steps = {"initial_train_steps": 50, "train_steps": 20, "train_every": 128}
        self.bandit = kind(arms=list(range(5)), net=net, random_state=0, **steps)
        self.X, self.arm, self.reward = _rounds(1000, 5)
        self.bandit.fit(self.X[:500], self.arm[:500], self.reward[:500])

    def time_loop(self, bandit):
        """Eight batches."""
        for start in range(500, 756, 32):
            rows = slice(start, start + 32)
            arm = self.bandit.predict(self.X[rows])
            self.bandit.partial_fit(self.X[rows], arm, self.reward[rows])


class Variational:
    """A Bayesian network an arm, learnt without gradients of samples: five arms, 16 features."""

    params = ([(), (8,)],)
    param_names = ("hidden_units",)
    timeout = 300

    def setup(self, hidden_units):
        """Learn from 500 rounds once."""
        kind = _find("BayesianNeuralBandit")
        self.bandit = kind(arms=list(range(5)), hidden_units=hidden_units, random_state=0)
        self.X, self.arm, self.reward = _rounds(500, 5)
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_learning(self, hidden_units):
        """Learn from scratch."""
        self.bandit.fit(self.X, self.arm, self.reward)

    def time_decisions(self, hidden_units):
        """Decide on every row."""
        self.bandit.predict(self.X)
