"""
==================
Learning to price
==================

A shop may sell at ten prices, and has no idea of its demand curve. Bandits that see ten unrelated
arms have to learn what each of them earns. Those of :mod:`skbandit.pricing` know that what sells
badly at 10 sells no better at 20.

"""

import matplotlib.pyplot as plt
import numpy as np

from skbandit.contextfree import GaussianThompsonSampling
from skbandit.pricing import (
    DemandCurveThompsonSampling,
    MonotonePricingThompsonSampling,
    PricingDisplay,
)

PRICES = np.geomspace(2.0, 40.0, 10).round(2)
ROUNDS, BATCH, SEEDS = 1000, 25, 3


def chance(price):
    """The chance that a customer buys."""
    return 1.0 / (1.0 + np.exp((price - 15.0) / 4.0))


# %%
# The reward of a round is what it has earned: the price, or nothing. That is all that a log has to
# hold; which price was shown is the arm.


def play(bandit, seed):
    """The revenue that was lost to the best price, round by round."""
    rng = np.random.default_rng(seed)
    bandit.set_params(arms=PRICES.tolist(), random_state=seed)
    nothing, lost = np.zeros((BATCH, 1)), []
    best = (PRICES * chance(PRICES)).max()
    for _ in range(ROUNDS // BATCH):
        price = bandit.predict(nothing)
        buys = rng.random(BATCH) < chance(price)
        bandit.partial_fit(nothing, price, reward=price * buys)
        lost.append(best - price * chance(price))
    return np.cumsum(np.concatenate(lost))


bandits = {
    "unrelated arms": GaussianThompsonSampling,
    "demand falls": MonotonePricingThompsonSampling,
    "one demand curve": DemandCurveThompsonSampling,
}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
learnt = {}
for name, kind in bandits.items():
    curves = []
    for seed in range(SEEDS):
        learnt[name] = kind()
        curves.append(play(learnt[name], seed))
    ax.plot(np.mean(curves, axis=0), label=name)
ax.set(xlabel="round", ylabel="revenue lost to the best price")
ax.legend()
plt.show()

# %%
# What the bandit believes of the demand, and of what a customer brings in: the mean and the middle
# 90 % of the belief. It knows the curve well where it has played, about the best price, and is
# right not to care about the rest.

display = PricingDisplay.from_estimator(learnt["one demand curve"], [[0.0]])
display.axes_[0].plot(display.price, chance(display.price), color="black", ls="--", label="truth")
display.axes_[1].plot(display.price, display.price * chance(display.price), color="black", ls="--")
display.axes_[0].legend()
plt.show()
