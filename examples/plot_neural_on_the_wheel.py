"""
==============================
Neural bandits on the wheel
==============================

The wheel is a problem that no linear bandit can solve and no greedy one should try: contexts lie
in a disc, in whose inner part one arm is a little better than the others, and in each quarter of
the narrow rim another arm pays fifty times as much. Whoever has not explored the rim never
learns of it.

Four neural bandits with their defaults play it beside Thompson sampling with linear rewards.
"""

# %%
# Rewards are learnt in batches of 32. Each bandit trains its network when 64 rounds are new, and
# rebuilds what it knows of its own uncertainty from the rounds that it has kept.

import matplotlib.pyplot as plt
import numpy as np

from skbandit.benchmark import RegretDisplay, simulate, summarize
from skbandit.environments import WheelEnvironment
from skbandit.linear import LinearThompsonSampling
from skbandit.neural import (
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
)

environment = WheelEnvironment(delta=0.8)
policies = {
    "linear": LinearThompsonSampling(),
    "NeuralLinearBandit": NeuralLinearBandit(net="tiny_mlp"),
    "NeuralUCB": NeuralUCB(net="tiny_mlp"),
    "NeuralThompsonSampling": NeuralThompsonSampling(net="tiny_mlp"),
    "EnsembleBandit": EnsembleBandit(net="tiny_mlp", n_members=5),
}
results = simulate(
    policies, environment, n_rounds=5000, n_repeats=1, batch_size=32, random_state=0
)
summarize(results).round(1)

# %%
# The linear bandit's regret grows on and on: half of a plane is the best that it can see. The
# others lose while they explore, and far less once they have found the rim.

RegretDisplay.from_results(results).ax_.set_title("The wheel, delta = 0.8")

# %%
# What a bandit believes can be looked at. This is what ``NeuralLinearBandit`` expects the arm of
# the upper right quarter to pay over the disc once it has played 2,000 rounds, and how sure it
# is of that.

bandit = NeuralLinearBandit(arms=environment.arms, net="tiny_mlp", random_state=0)
contexts, reward, expected = environment.sample(2000, random_state=0)
for start in range(0, 2000, 32):
    rows = slice(start, start + 32)
    arms = bandit.predict(contexts[rows])
    bandit.partial_fit(contexts[rows], arms, reward=reward[rows][np.arange(len(arms)), arms])

axis = np.linspace(-1, 1, 101)
grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
outside = (grid**2).sum(axis=1) > 1
arm = np.argmax(expected[np.argmax(contexts.min(axis=1) * (expected.max(axis=1) > 2))])
fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, values, title in zip(
    axes,
    bandit.expected_reward(grid, return_std=True),
    ("expected reward", "standard deviation"),
    strict=True,
):
    picture = np.where(outside, np.nan, values[:, arm]).reshape(101, 101)
    image = ax.imshow(picture, origin="lower", extent=(-1, 1, -1, 1))
    fig.colorbar(image, ax=ax)
    ax.add_patch(plt.Circle((0, 0), 0.8, color="white", fill=False, linestyle="--"))
    ax.set_title(f"arm {arm}: {title}")
