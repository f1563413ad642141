"""
===========================
Clicks, revenue and returns
===========================

A shop shows one of eight offers. It would like clicks and revenue to be large and the share of
goods that come back to be small, and no offer is the best in all three. A bandit that learns each
objective can be told afterwards, and at any time, what to make of them: play the offers that no
other one beats, weigh the objectives, or have as many clicks as possible while few goods come
back.

"""

import matplotlib.pyplot as plt
import numpy as np

from skbandit.contextfree import BetaThompsonSampling, GaussianThompsonSampling
from skbandit.metrics import ParetoFrontDisplay, pareto_front
from skbandit.objectives import (
    ConstrainedSelector,
    MultiObjectiveBandit,
    ParetoSelector,
    WeightedSumSelector,
)

OFFERS = ["shoes", "shirts", "coats", "hats", "belts", "socks", "gloves", "scarves"]
CLICKS = np.array([0.55, 0.60, 0.25, 0.45, 0.35, 0.50, 0.20, 0.30])
EUROS = np.array([2.2, 1.0, 3.0, 1.6, 1.2, 0.4, 1.5, 0.9])
RETURNS = np.array([0.50, 0.40, 0.30, 0.10, 0.25, 0.05, 0.35, 0.20])
RATES = np.column_stack([CLICKS, EUROS, RETURNS])

# %%
# Clicks and returns are 0 or 1, euros any number: each objective has a bandit of its kind. Returns
# are to be small.

bandit = MultiObjectiveBandit(
    bandit=[BetaThompsonSampling(), GaussianThompsonSampling(), BetaThompsonSampling()],
    objective_selector=ParetoSelector(),
    maximize=[True, True, False],
    arms=OFFERS,
    random_state=0,
)


def run(bandit, n_rounds=4000, batch=100, seed=0):
    """Play, and return how often each offer was shown in each batch."""
    rng = np.random.RandomState(seed)
    shown = []
    for _ in range(n_rounds // batch):
        X = np.zeros((batch, 1))
        offer = bandit.predict(X)
        place = np.array([OFFERS.index(one) for one in offer])
        clicked, returned = (rng.uniform(size=batch) < rate[place] for rate in (CLICKS, RETURNS))
        euros = EUROS[place] + rng.standard_normal(batch)
        bandit.partial_fit(X, offer, reward=np.column_stack([clicked, euros, returned]))
        shown.append(np.bincount(place, minlength=len(OFFERS)) / batch)
    return np.array(shown)


shown = run(bandit)

# %%
# What it has learnt in two of the objectives, and how often it shows each offer. What lies behind
# the line is beaten in these two; hats and socks are shown all the same, because few of them come
# back.

ParetoFrontDisplay.from_estimator(bandit, [[0.0]], labels=("clicks a view", "euros a view"))
plt.show()

# %%
# In all three objectives three offers are off the front. They are hardly shown after a while.

front = pareto_front(RATES, maximize=[True, True, False])
print("on the front:", [offer for offer, on in zip(OFFERS, front, strict=True) if on])
print(
    "shown off the front, by 500 rounds:",
    shown[:, ~front].sum(axis=1).reshape(-1, 5).mean(axis=1).round(3),
)

# %%
# The same beliefs, another rule: what a click, a euro and a return are worth, or bounds. Nothing
# has to be learnt again.

rules = {
    "front": ParetoSelector(),
    "a click is worth 2 euros,\na return costs 3": WeightedSumSelector([2.0, 1.0, 3.0]),
    "clicks, at most\n30 % returns": ConstrainedSelector(0, at_most={2: 0.3}),
    "clicks, at most 30 % returns\nand at least 1 euro": ConstrainedSelector(
        0, at_least={1: 1.0}, at_most={2: 0.3}
    ),
}
fig, axes = plt.subplots(1, len(rules), figsize=(11, 3.2), sharey=True, layout="constrained")
for ax, (name, rule) in zip(axes, rules.items(), strict=True):
    bandit.set_params(objective_selector=rule)
    ax.barh(OFFERS, bandit.predict_proba([[0.0]])[0], color=np.where(front, "C0", "C7"))
    ax.set(title=name, xlim=(0, 1), xlabel="share of views")
axes[0].invert_yaxis()
plt.show()
