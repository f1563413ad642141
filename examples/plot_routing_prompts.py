"""
====================================
Prompts, models, and so many dollars
====================================

Three language models can answer a prompt. The large one is a little better than the medium one and
costs thirty times as much; the small one costs next to nothing and is often good enough. There is
so much to spend for a prompt in the mean. Which model should answer which prompt?

"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from skbandit.base import make_log
from skbandit.budgets import BudgetPacedBandit
from skbandit.datasets import load_llm_routing

# %%
# The data hold the reward and the cost in dollars of all three models for each prompt, so that any
# way of routing can be played on them. A router sees of them what it would see in production: the
# prompt's embedding, and then what the model that it chose was worth and has cost.

routing = load_llm_routing(subset="val")
X, reward, cost = routing.X, routing.reward, routing.cost
models = np.array(["large", "small", "medium"])  # in the order of routing.arms
print(dict(zip(models.tolist(), cost.mean(axis=0).round(6).tolist(), strict=True)))
print(dict(zip(models.tolist(), reward.mean(axis=0).round(3).tolist(), strict=True)))

# %%
# A price list says what an answer costs before the first prompt: here, 500 tokens in and 500 out
# at the list price. It may be wrong by a factor, for what answers do cost is learnt from the log.
# The loop is that of any bandit: decide, and learn, with the cost in the log.

LIST = {"large": 5.6e-3, "small": 1e-4, "medium": 1e-3}


def route(ceiling, batch=15):
    """Reward and cost of each prompt, and which model answered."""
    router = BudgetPacedBandit(arms=models, ceiling=ceiling, cost=LIST, random_state=0)
    places = []
    for start in range(0, len(X), batch):
        rows = np.arange(start, min(start + batch, len(X)))
        model, propensity = router.predict(X[rows], return_propensity=True)
        place = (model[:, None] == models).argmax(axis=1)
        log = make_log(model, reward[rows, place], propensity, cost=cost[rows, place])
        router.partial_fit(X[rows], log)
        places.append(place)
    place = np.concatenate(places)
    return reward[np.arange(len(X)), place], cost[np.arange(len(X)), place], place


ceilings = [1e-4, 3e-4, 2e-3]
played = {ceiling: route(ceiling) for ceiling in ceilings}

# %%
# Left, what a prompt has cost in the mean so far, over the ceiling: it comes up to the line and
# stays there. Right, what that buys: the grey line is that of the models drawn with fixed chances.

means, worth = cost.mean(axis=0), reward.mean(axis=0)
order = np.argsort(means)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
number = np.arange(1, len(X) + 1)
for ceiling, (_, paid, _) in played.items():
    left.plot(number, np.cumsum(paid) / number / ceiling, label=f"${ceiling:g} a prompt")
left.axhline(1.0, color="grey", linewidth=0.5)
left.set(xlabel="prompt", ylabel="mean cost so far over the ceiling", ylim=(0.0, 1.6))
left.legend()
share = np.linspace(0.0, 1.0, 200)[:, None]
for low, high in pairwise(order):
    mixed = [(1 - share) * one[low] + share * one[high] for one in (means, worth)]
    right.plot(*mixed, color="grey")
right.plot(means, worth, "k.", markersize=10)
for place, model in enumerate(models):
    right.annotate(model, (means[place], worth[place]), (5, -12), textcoords="offset points")
late = slice(600, None)
for got, paid, _ in played.values():
    right.plot(paid[late].mean(), got[late].mean(), "o", markersize=9)
right.set(xscale="log", xlabel="mean cost, dollars a prompt", ylabel="mean reward")
right.margins(0.15, 0.12)
plt.show()

# %%
# The dots lie above the grey line where prompts differ in which model is worth its cost: hard
# prompts go to the medium model, easy ones to the small one. They are from prompt 600 on; what
# comes before is what learning costs. The table says who answered.

for ceiling, (got, paid, place) in played.items():
    answered = np.bincount(place[late], minlength=3) / len(place[late])
    shares = dict(zip(models.tolist(), answered.round(2).tolist(), strict=True))
    print(f"${ceiling:g}: reward {got.mean():.3f}, cost ${paid.mean():.3g}, {shares}")
