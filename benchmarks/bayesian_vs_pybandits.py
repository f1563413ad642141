"""BayesianNeuralBandit beside ``CmabBernoulli`` of pybandits: time, posterior, regret.

pybandits (8.4.1) is compared where it is installed.

- The tutorial: 3 features and 2 actions, 200 rounds; a fourth feature and a third action; 200 more
  rounds. Both without hidden layers, with their defaults.
- The posterior of the first update, beside a Markov chain of 50,000 steps that draws from the
  posterior under the same prior as ours.
- Regret on a logistic problem: 5 features, 4 actions, batches of 200.

Times are wall times of whatever the machine does meanwhile; run it alone for the record.
"""

import argparse
import time
from importlib.util import find_spec

import numpy as np
from scipy.special import expit

from skbandit.variational import BayesianNeuralBandit


class Ours:
    """BayesianNeuralBandit with its defaults."""

    name = "skbandit"

    def __init__(self, n_arms, n_features, seed, **params):
        self.bandit = BayesianNeuralBandit(
            arms=[str(arm) for arm in range(n_arms)], random_state=seed, **params
        )

    def decide(self, X):
        """Play an arm in each row."""
        return self.bandit.predict(X).astype(int)

    def learn(self, X, arm, reward):
        """Learn from rounds."""
        self.bandit.partial_fit(X, arm.astype(str), reward)

    def evolve(self, n_arms, n_features):
        """Know more arms and features."""
        known = len(self.bandit.classes_)
        self.bandit = self.bandit.expand_features(n_features - self.bandit.n_features_in_)
        self.bandit = self.bandit.add_arms([str(arm) for arm in range(known, n_arms)])

    def posterior(self, arm):
        """Mean and standard deviation of the features' weights."""
        mean, covariance = self.bandit.mean_[arm], self.bandit.covariance_[arm]
        return mean[1:], np.sqrt(np.diag(covariance))[1:]


class Theirs:
    """CmabBernoulli of pybandits with its defaults."""

    name = "pybandits"

    def __init__(self, n_arms, n_features, seed):
        from pybandits.cmab import CmabBernoulli

        self.kind, self.seed = CmabBernoulli, seed
        self.bandit = self._cold(n_arms, n_features)

    def _cold(self, n_arms, n_features):
        arms = {str(arm) for arm in range(n_arms)}
        return self.kind.cold_start(action_ids=arms, n_features=n_features, random_seed=self.seed)

    def decide(self, X):
        """Play an arm in each row."""
        return np.array(self.bandit.predict(context=X)[0]).astype(int)

    def learn(self, X, arm, reward):
        """Learn from rounds."""
        self.bandit.update(
            context=X, actions=arm.astype(str).tolist(), rewards=reward.astype(int).tolist()
        )

    def evolve(self, n_arms, n_features):
        """Know more arms and features."""
        from pybandits.transfer import edit_model_on_the_fly

        self.bandit = edit_model_on_the_fly(self.bandit, self._cold(n_arms, n_features))

    def posterior(self, arm):
        """Mean and standard deviation of the features' weights."""
        law = self.bandit.actions[str(arm)].model_params.bnn_layer_params[0].weight
        scale = np.ravel(law.sigma)
        nu = np.ravel(getattr(law, "nu", np.inf))
        return np.ravel(law.mu), scale * np.sqrt(nu / (nu - 2.0) if nu[0] < np.inf else 1.0)


def markov_chain(X, reward, n_steps=50_000, seed=0):
    """Draw from the posterior of logistic regression by elliptical slice sampling.

    The prior of every weight and of the constant term is standard normal (Murray, Adams and
    MacKay 2010).
    """
    rng = np.random.RandomState(seed)
    terms = np.column_stack([np.ones(len(X)), X])
    weights = np.zeros(terms.shape[1])

    def log_likelihood(candidate):
        score = terms @ candidate
        return reward @ score - np.logaddexp(0.0, score).sum()

    level, chain = log_likelihood(weights), np.empty((n_steps, len(weights)))
    for step in range(n_steps):
        other = rng.standard_normal(len(weights))
        threshold = level + np.log(rng.uniform())
        angle = rng.uniform(0.0, 2.0 * np.pi)
        low, high = angle - 2.0 * np.pi, angle
        while True:
            proposal = np.cos(angle) * weights + np.sin(angle) * other
            level = log_likelihood(proposal)
            if level > threshold:
                break
            low, high = (angle, high) if angle < 0.0 else (low, angle)
            angle = rng.uniform(low, high)
        weights = proposal
        chain[step] = weights
    return chain[n_steps // 20 :, 1:]


def timed(call, *arguments):
    """Seconds that a call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def tutorial(kind, seed=0):
    """Run the tutorial and print the time of its updates."""
    rng = np.random.RandomState(seed)
    weights = rng.standard_normal((3, 4))
    contestant = kind(2, 3, seed)
    for n_features in (3, 4):
        X = rng.standard_normal((200, n_features))
        arm = contestant.decide(X)
        chance = expit((X * weights[arm, :n_features]).sum(axis=1))
        reward = (rng.uniform(size=200) < chance).astype(np.float64)
        seconds = timed(contestant.learn, X, arm, reward)
        print(f"{kind.name:>10}: {n_features} features, update of 200 rows {seconds:8.3f} s")
        if n_features == 3:
            mine = arm == 0
            chain = markov_chain(X[mine], reward[mine])
            mean, std = contestant.posterior(0)
            print(f"{'':12}weights of action 0 from {mine.sum()} rows, mean and spread")
            print(f"{'':12}chain    {chain.mean(axis=0).round(3)} {chain.std(axis=0).round(3)}")
            print(f"{'':12}{kind.name:<9}{mean.round(3)} {std.round(3)}")
            contestant.evolve(3, 4)


def regret(kind, seed, n_batches):
    """Cumulative regret on the logistic problem, that of uniform play, and the slowest update."""
    rng = np.random.RandomState(seed)
    weights = rng.standard_normal((4, 5))
    contestant = kind(4, 5, seed)
    total, uniform, slowest = 0.0, 0.0, 0.0
    for _ in range(n_batches):
        X = rng.standard_normal((200, 5))
        chance = expit(X @ weights.T)
        arm = contestant.decide(X)
        paid = chance[np.arange(200), arm]
        total += (chance.max(axis=1) - paid).sum()
        uniform += (chance.max(axis=1) - chance.mean(axis=1)).sum()
        reward = (rng.uniform(size=200) < paid).astype(np.float64)
        slowest = max(slowest, timed(contestant.learn, X, arm, reward))
    return total, uniform, slowest


def main():
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", choices=["skbandit", "pybandits"], action="append")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5, help="of skbandit; pybandits plays one")
    options = parser.parse_args()
    wanted = options.library or ["skbandit", "pybandits"]
    kinds = [kind for kind in (Ours, Theirs) if kind.name in wanted]
    if Theirs in kinds and find_spec("pybandits") is None:
        print("pybandits is not installed: only skbandit is run")
        kinds.remove(Theirs)
    for kind in kinds:
        tutorial(kind)
    for kind in kinds:
        for seed in range(options.seeds if kind is Ours else 1):
            total, uniform, slowest = regret(kind, seed, options.batches)
            print(
                f"{kind.name:>10}: seed {seed}, regret after {options.batches} batches "
                f"{total:6.1f} (uniform {uniform:6.1f}), slowest update {slowest:.3f} s"
            )


if __name__ == "__main__":
    main()
