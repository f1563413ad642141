"""
=====================================================================
The value of a policy that never played, beside what it really earned
=====================================================================

A fashion shop let two policies choose which items to show, side by side, in the same week: one at
random, one by Thompson sampling. From the log of the random policy alone we estimate what
Thompson sampling earns, by every method of :mod:`skbandit.metrics`, and set it beside what
Thompson sampling did earn.
"""

# %%
# The sample that ships with the package has 10,000 rounds of each policy. A reward is a click, and
# clicks are rare: 38 in one log, 42 in the other. So no method can be precise here, and the
# intervals say so.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline

from skbandit.datasets import load_open_bandit
from skbandit.metrics import (
    PolicyValueDisplay,
    get_policy_scorer_names,
    make_policy_scorer,
    mean_value,
    policy_support,
)


def contexts_of(open_bandit):
    day = (open_bandit.timestamp - pd.Timestamp("2019-11-24")) / pd.Timedelta(days=1)
    return open_bandit.data.assign(position=open_bandit.position, day=day)


random, thompson = (load_open_bandit(name, as_frame=True) for name in ("random", "bts"))
X, log = contexts_of(random), random.log
print(f"click rate at random {log['reward'].mean():.2%}, ", end="")
print(f"of Thompson sampling {thompson.log['reward'].mean():.2%}")

# %%
# The policy to be valued. What Thompson sampling would have played in the rounds of the random log
# was not recorded, but it looked at nothing but position and time, and its own log shows what it
# played when and where. Any classifier that predicts the arm from these is a policy: it has
# ``predict_proba`` and ``classes_``. Extremely randomised trees average over times nearby. Their
# probabilities come close to the propensities that were logged.

policy = make_pipeline(
    make_column_transformer(("passthrough", ["position", "day"])),
    ExtraTreesClassifier(300, min_samples_leaf=100, max_features=None, random_state=0),
).fit(contexts_of(thompson), thompson.log["arm"])

rows = np.arange(len(thompson.log))
recovered = policy.predict_proba(contexts_of(thompson))[rows, thompson.log["arm"]]
correlation = np.corrcoef(recovered, thompson.log["propensity"])[0, 1]
print(f"correlation with the logged propensities: {correlation:.2f}")

# %%
# Does the log support this policy? The effective sample size says how many of the 10,000 rounds
# the estimates rest on; the mean importance weight should be 1.

support = policy_support(
    propensity=log["propensity"], policy_probability=policy.predict_proba(X), arm=log["arm"]
)
low, high = support.mean_weight_interval
print(f"effective rounds {support.effective_sample_size:.0f}, ", end="")
print(f"mean weight {support.mean_weight:.2f} ({low:.2f} to {high:.2f})")

# %%
# Every method, in one call that asks the policy once and fits the reward model once. The intervals
# are those of the empirical likelihood.

names = get_policy_scorer_names()
values = make_policy_scorer(names).evaluate(policy, X, log)
earned = mean_value(reward=thompson.log["reward"])
table = pd.DataFrame(
    {name: [value.value, *value.interval("cressie_read")] for name, value in values.items()},
    index=["value", "low", "high"],
).T
table["parameters"] = [value.parameters or "" for value in values.values()]
print((100 * table[["value", "low", "high"]]).round(2).join(table["parameters"]))

# %%
# The line is what Thompson sampling earned, the band its own 95 % interval. The unbiased methods
# (IPS, SNIPS, DR, ...) agree with it, and are as unsure as 38 clicks must leave them.
#
# Methods that clip or shrink weights choose by how much from the data, taking what varies least as
# long as it cannot be told from the unbiased estimate. With so few clicks nearly nothing can be
# told apart, so they shrink far: those with a reward model towards the model, and those without
# towards zero, clipped IPS and IX most of all. Their short intervals do not know of that bias.
# They are for long logs.

order = table["value"].sort_values(ascending=False).index
display = PolicyValueDisplay(
    names=list(order),
    value=100 * table.loc[order, "value"].to_numpy(),
    low=100 * table.loc[order, "low"].to_numpy(),
    high=100 * table.loc[order, "high"].to_numpy(),
    reference=100 * earned.value,
    label="Click rate of Thompson sampling (%), with 95 % intervals",
).plot()
band = [100 * end for end in earned.interval("cressie_read")]
display.ax_.axvspan(*band, color="grey", alpha=0.15, linewidth=0)
display.ax_.set_title("From the random log; band: what it earned")
plt.show()
