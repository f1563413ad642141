"""
====================
A world that changes
====================

After 4,000 rounds the weights of all arms are drawn anew. A bandit that adds up all its rounds
has to outweigh 4,000 rounds that are wrong now. One that knows the last 1,000 rounds alone, one
whose rounds fade, and one that watches its own errors and starts over are back within a few
hundred.

"""

import matplotlib.pyplot as plt

from skbandit.benchmark import simulate
from skbandit.drift import RestartingBandit, SlidingWindowBandit
from skbandit.environments import DriftingEnvironment, LinearEnvironment
from skbandit.linear import LinearThompsonSampling

CHANGE, ROUNDS = 4000, 8000

# %%
# Two worlds with the same arms and features, and nothing else in common.

before, after = (
    LinearEnvironment(n_features=10, n_arms=5, noise=0.5, random_state=seed) for seed in (1, 2)
)
environment = DriftingEnvironment(before=before, after=after, change_at=CHANGE)

# %%
# The window and the restarts go around any bandit; forgetting is a parameter of the linear ones.

bandits = {
    "stationary": LinearThompsonSampling(),
    "forgetting=.998": LinearThompsonSampling(forgetting=0.998),
    "last 1,000 rounds": SlidingWindowBandit(bandit=LinearThompsonSampling(), window=1000),
    "restarting": RestartingBandit(bandit=LinearThompsonSampling()),
}
results = simulate(bandits, environment, ROUNDS, batch_size=20, random_state=0)

# %%
# What is gained is the reward above that of uniform play, over what the best arms have above it,
# in blocks of 200 rounds.

results["block"] = results["round"] // 200 * 200
sums = results.groupby(["policy", "block"], observed=True)[["regret", "uniform_regret"]].sum()
gained = 1.0 - sums["regret"] / sums["uniform_regret"]

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name in bandits:
    ax.plot(gained[name].index, gained[name], label=name)
ax.axvline(CHANGE, color="grey", linestyle=":")
ax.axhline(0.8, color="grey", linewidth=0.5)
ax.set(xlabel="round", ylabel="share of the optimum above uniform play", ylim=(-0.5, 1.02))
ax.legend(loc="lower left")
plt.show()

# %%
# All four are alike before the change. The stationary bandit has not won back all of it 4,000
# rounds later. The restarting one pays nothing for its readiness while nothing changes: it is the
# stationary bandit until its errors grow.

print(gained.unstack("policy").loc[[CHANGE - 200, CHANGE + 600, ROUNDS - 200]].round(2))
