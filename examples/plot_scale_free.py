"""
====================================
Cents or euros
====================================

How wide a bandit explores matters more than which algorithm it is, and the right width depends
on the scale of the rewards. If the width is a number that the user sets, then a change of unit
changes the bandit: the same shop that counts in cents instead of euros gets another policy.

Here the noise of the rewards is learnt and the width follows it. The defaults then play alike
in every unit.
"""

# %%
# Two LinUCB bandits, one that learns the noise (the default) and one that takes it to be 1, play
# the same problem with rewards that are multiplied by 0.01, 1 and 100. An environment in another
# unit is a small subclass.

import matplotlib.pyplot as plt

from skbandit.benchmark import simulate
from skbandit.environments import LinearEnvironment
from skbandit.linear import LinearUCB


class RescaledEnvironment(LinearEnvironment):
    """A linear environment whose rewards are in another unit."""

    unit = 1.0

    def _sample(self, n_rounds, rng):
        contexts, reward, expected = super()._sample(n_rounds, rng)
        return contexts, self.unit * reward, self.unit * expected


bandits = {"noise learnt": LinearUCB(), "noise fixed at 1": LinearUCB(noise="fixed")}
units = [0.01, 1.0, 100.0]
curves = {}
for unit in units:
    environment = RescaledEnvironment(n_features=8, n_arms=6, noise=0.5)
    environment.unit = unit
    results = simulate(bandits, environment, 1500, batch_size=10, n_repeats=10, random_state=0)
    total = results.groupby(["policy", "round"], observed=True)["regret"].mean()
    # Regret in one unit for all.
    for name in bandits:
        curves[name, unit] = total[name].cumsum().to_numpy() / unit

# %%
# With learnt noise the three curves lie on top of each other. With fixed noise the bandit in the
# small unit explores far too long and the one in the large unit hardly at all; only one unit
# happens to suit it.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, name in zip(axes, bandits, strict=True):
    for unit, style in zip(units, ("-", "--", ":"), strict=True):
        ax.plot(curves[name, unit], style, linewidth=2, label=f"rewards x {unit:g}")
        print(f"{name}, rewards x {unit:g}: regret {curves[name, unit][-1]:.1f}")
    ax.set(title=name, xlabel="rounds played")
    ax.legend()
axes[0].set_ylabel("cumulative regret, in the first unit")
