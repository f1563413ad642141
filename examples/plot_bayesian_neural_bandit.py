"""
=====================================================
A Bayesian neural bandit that changes while it learns
=====================================================

Which of two messages does a customer answer? A :class:`~skbandit.variational.BayesianNeuralBandit`
believes something about every weight of a small network for each message, and plays a message with
the probability that it is the best one. What it has learnt stays when a feature or a message is
added, and hidden layers let it see what a line cannot.
"""

# %%
# Two messages and three features: 200 rounds are played and learnt from. Answers are 1, their
# absence is 0; a share between, or several trials a round (``sample_weight``), would do as well.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skbandit.variational import BayesianNeuralBandit

rng = np.random.RandomState(0)
weights = rng.standard_normal((3, 4))


def answers(X, message):
    chance = expit((X * weights[message, : X.shape[1]]).sum(axis=1))
    return (rng.uniform(size=len(X)) < chance).astype(float)


bandit = BayesianNeuralBandit(arms=[0, 1], random_state=0)
X = rng.standard_normal((200, 3))
message = bandit.predict(X)
bandit.partial_fit(X, message, answers(X, message))
print("answered:", bandit.successes_, "not answered:", bandit.failures_)

# %%
# A fourth feature is measured, and a third message is written. What was learnt is carried over:
# for a customer whose new feature is 0 the two old messages are believed to do as before.

bigger = bandit.expand_features(1).add_arms([2])
customer = X[:1]
print(bandit.expected_reward(customer).round(3))
print(bigger.expected_reward(np.pad(customer, ((0, 0), (0, 1)))).round(3))

X = rng.standard_normal((200, 4))
message = bigger.predict(X)
bigger.partial_fit(X, message, answers(X, message))
print("played:", bigger.weight_)

# %%
# A customer answers the first message in the middle of the range of some feature, and the second
# at its ends. Without hidden layers the belief is logistic regression, which cannot say so; with
# one hidden layer it can. The band is one standard deviation of the belief.

X = rng.uniform(-2.0, 2.0, size=(600, 1))
message = rng.randint(2, size=600)
bump = expit(4.0 * (1.0 - np.abs(X[:, 0])))
reward = (rng.uniform(size=600) < np.where(message == 0, bump, 1.0 - bump)).astype(float)

grid = np.linspace(-2.5, 2.5, 101)[:, None]
truth = expit(4.0 * (1.0 - np.abs(grid[:, 0])))
fig, axes = plt.subplots(2, 2, figsize=(9, 5.5), sharex=True, sharey="row", layout="constrained")
for column, hidden_units in zip(axes.T, [(), (12,)], strict=True):
    bandit = BayesianNeuralBandit(arms=[0, 1], hidden_units=hidden_units, random_state=0)
    for rows in np.split(np.arange(600), 3):
        bandit.partial_fit(X[rows], message[rows], reward[rows])
    mean, std = bandit.expected_reward(grid, return_std=True)
    policy = bandit.predict_proba(grid)
    column[0].set_title(f"hidden_units={hidden_units}")
    for arm, colour in enumerate(["tab:blue", "tab:orange"]):
        column[0].plot(grid, [truth, 1.0 - truth][arm], "--", color=colour, lw=1)
        column[0].plot(grid, mean[:, arm], color=colour, label=f"message {arm}")
        low, high = mean[:, arm] - std[:, arm], mean[:, arm] + std[:, arm]
        column[0].fill_between(grid[:, 0], low, high, color=colour, alpha=0.2, lw=0)
        column[1].plot(grid, policy[:, arm], color=colour)
    column[1].set_xlabel("feature")
axes[0, 0].set_ylabel("chance of an answer")
axes[1, 0].set_ylabel("probability of playing")
axes[0, 0].legend()
plt.show()
