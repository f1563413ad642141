"""
================================
What to give up for a lower cost
================================

Three ways to answer a customer: a reply from a template, one from a small model and one from a
large model. The dearer ones do better, but not with all customers alike. A
:class:`~skbandit.strategies.CheapestNearBestSelector` plays the cheapest way whose expected reward
is within a factor of the best one. From a log,
:func:`~skbandit.model_selection.reward_cost_curve` says what each factor would have earned and
cost; since customers are simulated here, the curve can be compared with the truth.
"""

# %%
# What a way costs differs from customer to customer, and what was paid stands in the log.

import matplotlib.pyplot as plt
import numpy as np

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.model_selection import reward_cost_curve
from skbandit.strategies import CheapestNearBestSelector

ways = ["template", "small", "large"]
mean_cost = {"template": 0.01, "small": 0.2, "large": 1.0}
price = np.array([mean_cost[way] for way in ways])


def customers(n_customers, random_state):
    """Return what is known of customers, and what each way earns and costs, on average."""
    rng = np.random.RandomState(random_state)
    X = rng.randn(n_customers, 3)
    hard = 1 / (1 + np.exp(-2 * X[:, 0]))
    rate = np.column_stack([0.9 - 0.8 * hard, 0.9 - 0.4 * hard, 0.92 - 0.1 * hard])
    return X, rate, price * np.exp(0.3 * X[:, 1:2])


def uniform_log(n_rounds, random_state):
    """Return customers and the log of a policy that draws the ways at random."""
    rng = np.random.RandomState(1_000 + random_state)
    X, rate, cost = customers(n_rounds, random_state)
    arm = rng.randint(3, size=n_rounds)
    rows = np.arange(n_rounds)
    reward = (rng.rand(n_rounds) < rate[rows, arm]).astype(float)
    paid = cost[rows, arm] * rng.gamma(4.0, 0.25, size=n_rounds)
    return X, make_log(np.array(ways)[arm], reward, np.full(n_rounds, 1 / 3), cost=paid)


# %%
# A bandit learns from one log, and its curve comes from another one: on rounds that it has learnt
# from, it would look better than it is.

bandit = LinearUCB(arms=ways, alpha=0.0).fit(*uniform_log(3_000, 0))
X, log = uniform_log(4_000, 1)
selector = CheapestNearBestSelector(mean_cost)
curve = reward_cost_curve(bandit, X, log, selector=selector)
print(curve.table[["reward", "reward_low", "reward_high", "cost", "efficient"]].round(3).iloc[::4])

# %%
# The truth, from 50,000 other customers, lies within the intervals that hold for all factors at
# once.

X_new, rate, cost = customers(50_000, 2)
policies = [curve.tuned(factor).predict_proba(X_new) for factor in curve.values]
earned = [np.mean((policy * rate).sum(axis=1)) for policy in policies]
spent = [np.mean((policy * cost).sum(axis=1)) for policy in policies]
display = curve.plot(joint=True)
display.ax_.plot(spent, earned, color="black", linewidth=1, linestyle="--", label="truth")
display.ax_.legend(title="subsidy_factor", frameon=False, loc="lower right")
plt.show()

# %%
# Which factor, then? The cheapest that is sure to earn nine tenths of the best reward, whichever
# factor the best one is. By the estimates alone one goes a step further. Here that held, but no
# bound says so.

careful = curve.choose(min_share=0.9)
bold = curve.choose(min_share=0.9, cautious=False)
for name, factor in (("sure of 90 %", careful), ("by the estimates", bold)):
    place = curve.values.index(factor)
    share = earned[place] / max(earned)
    print(f"{name}: factor {factor:.2f} earns {share:.1%} of the best for {spent[place]:.2f}")
print(f"always the best: {spent[0]:.2f}; the curve bends at {curve.knee().value:.2f}")
