"""BayesianNeuralBandit against long Markov chains, and its regret."""

import numpy as np
import pytest
from scipy.special import expit

from skbandit.variational import BayesianNeuralBandit


def logistic_chain(X, reward, n_steps, prior_std=1.0, seed=0):
    """Elliptical slice sampling of logistic regression (Murray, Adams and MacKay 2010).

    Draws from the posterior itself, and has nothing to tune.
    """
    rng = np.random.RandomState(seed)
    terms = np.column_stack([np.ones(len(X)), X])

    def log_likelihood(score):
        return reward @ score - np.logaddexp(0.0, score).sum()

    weights = np.zeros(terms.shape[1])
    score = terms @ weights
    level = log_likelihood(score)
    chain = np.empty((n_steps, len(weights)))
    for step in range(n_steps):
        other = prior_std * rng.standard_normal(len(weights))
        other_score = terms @ other
        threshold = level + np.log(rng.uniform())
        angle = rng.uniform(0.0, 2.0 * np.pi)
        low, high = angle - 2.0 * np.pi, angle
        while True:
            proposal = np.cos(angle) * score + np.sin(angle) * other_score
            level = log_likelihood(proposal)
            if level > threshold:
                break
            low, high = (angle, high) if angle < 0.0 else (low, angle)
            angle = rng.uniform(low, high)
        weights = np.cos(angle) * weights + np.sin(angle) * other
        score = terms @ weights
        chain[step] = weights
    return chain[n_steps // 20 :]


@pytest.mark.parametrize(("correlation", "n_samples"), [(0.0, 40), (0.8, 40), (0.8, 200)])
def test_posterior_agrees_with_a_long_markov_chain(correlation, n_samples):
    """Means within a tenth of a standard deviation, spreads within a tenth; in four calls too."""
    rng = np.random.RandomState(1)
    X = rng.standard_normal((n_samples, 5))
    X = np.sqrt(1.0 - correlation) * X + np.sqrt(correlation) * X[:, :1]
    truth = rng.standard_normal(5)
    reward = (rng.uniform(size=n_samples) < expit(X @ truth)).astype(np.float64)
    chain = logistic_chain(X, reward, 40_000)
    mean, std = chain.mean(axis=0), chain.std(axis=0)
    for n_calls, slack in ((1, 0.1), (4, 0.2)):
        bandit = BayesianNeuralBandit(arms=[0])
        for rows in np.array_split(np.arange(n_samples), n_calls):
            bandit.partial_fit(X[rows], np.zeros(len(rows)), reward[rows])
        assert (np.abs(bandit.mean_[0] - mean) < slack * std).all()
        spread = np.sqrt(np.diag(bandit.covariance_[0]))
        np.testing.assert_allclose(spread, std, rtol=0.1)
    # What is predicted agrees too, mean and spread.
    chances = expit(chain[::10, :1] + chain[::10, 1:] @ X[:20].T)
    ours = bandit.fit(X, np.zeros(n_samples), reward=reward).expected_reward(X[:20], True)
    np.testing.assert_allclose(ours[0][:, 0], chances.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(ours[1][:, 0], chances.std(axis=0), rtol=0.1, atol=5e-3)


def play(seed, n_batches=20, batch=200, n_features=5, n_arms=4, **params):
    """Regret on a logistic problem, and that of uniform play."""
    rng = np.random.RandomState(seed)
    weights = rng.standard_normal((n_arms, n_features))
    bandit = BayesianNeuralBandit(arms=range(n_arms), random_state=seed, **params)
    regret, uniform = 0.0, 0.0
    for _ in range(n_batches):
        X = rng.standard_normal((batch, n_features))
        chance = expit(X @ weights.T)
        arm = bandit.predict(X)
        paid = chance[np.arange(batch), arm]
        regret += (chance.max(axis=1) - paid).sum()
        uniform += (chance.max(axis=1) - chance.mean(axis=1)).sum()
        reward = (rng.uniform(size=batch) < paid).astype(np.float64)
        bandit.partial_fit(X, arm, reward)
    return regret, uniform


@pytest.mark.parametrize("seed", range(5))
def test_regret_on_a_logistic_problem(seed):
    regret, uniform = play(seed)
    assert regret < 170.0
    assert regret < 0.15 * uniform


@pytest.mark.parametrize("weights", ["gaussian", "student_t"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_regret_of_variants(weights, precision):
    assert play(0, weights=weights, precision=precision)[0] < 170.0


def bent_rounds(n_samples, seed):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2.0, 2.0, size=(n_samples, 2))
    return X, (rng.uniform(size=n_samples) < expit(4.0 * (np.abs(X[:, 0]) - 1.0))) * 1.0


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_hidden_layers_learn_what_lines_cannot(activation, precision):
    X, reward = bent_rounds(800, 0)
    test = np.random.RandomState(1).uniform(-2.0, 2.0, size=(500, 2))
    truth = expit(4.0 * (np.abs(test[:, 0]) - 1.0))

    def error(bandit):
        for rows in np.split(np.arange(800), 4):
            bandit.partial_fit(X[rows], np.zeros(200), reward[rows])
        return np.abs(bandit.expected_reward(test)[:, 0] - truth).mean()

    line = error(BayesianNeuralBandit(arms=[0]))
    bent = error(
        BayesianNeuralBandit(
            arms=[0], hidden_units=(12,), activation=activation, precision=precision
        )
    )
    assert bent < 0.5 * line


def test_more_rounds_make_a_network_surer():
    X, reward = bent_rounds(800, 0)
    bandit = BayesianNeuralBandit(arms=[0], hidden_units=(8,))
    spreads = []
    for rows in np.split(np.arange(800), 4):
        bandit.partial_fit(X[rows], np.zeros(200), reward[rows])
        spreads.append(bandit.expected_reward(X, return_std=True)[1].mean())
    assert spreads[-1] < 0.7 * spreads[0]
