"""
====================================
Grid search on a log
====================================

A policy has been in use, and its log tells what it played, with which probability, and what
that paid. Which parameters should its successor have? ``GridSearchCV`` answers from the log
alone: a log is one array that stands for ``y``, and ``score`` is the off-policy value of a
policy.
"""

# %%
# The log: an epsilon-greedy policy that has learnt from no more than 15 rows plays 8,000 rows of
# the shuttle data. It does not learn any more, and half of its rounds explore.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from skbandit.benchmark import simulate
from skbandit.datasets import load_shuttle
from skbandit.environments import ClassificationEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import policy_support
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector

X, y = load_shuttle(return_X_y=True, subset="train")
environment = ClassificationEnvironment(X, y)
logger = make_pipeline(
    StandardScaler(),
    LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=0.5)),
).fit(X[:15], y[:15])
contexts, log = log_policy(logger, environment, 8000, random_state=0)
print(f"the log: {len(log)} rounds, mean reward {log['reward'].mean():.3f}")

# %%
# The search is for the model: how bent the features may be, and how strong the prior is. How much
# to explore is no question to a log, see below; each candidate leaves 5 % of its rounds to all
# arms. Every candidate is fitted on two thirds of the log and scored on the rest, three times. Two
# scores are compared: the off-policy value, which is the bandit's own ``score``, and imitation,
# the share of rounds in which the candidate would have played what the logger played. Imitation
# is what one gets from taking the log for labels.


def value(policy, X, log):
    return policy.score(X, log)


def imitation(policy, X, log):
    return np.mean(policy.predict(X, explore=False) == log["arm"])


def candidate(selector=None, **parameters):
    bandit = LinearUCB(selector=selector, random_state=0, **parameters)
    return make_pipeline(StandardScaler(), SplineTransformer(), bandit)


floor = PropensityFloorSelector(share=0.05, decay=0)
search = GridSearchCV(
    candidate(floor),
    {
        "splinetransformer__n_knots": [2, 5],
        "linearucb__prior_precision": [1.0, 100.0, 1000.0, 10000.0],
    },
    scoring={"value": value, "imitation": imitation},
    refit="value",
    cv=3,
).fit(contexts, log)
print("chosen:", search.best_params_)

# %%
# The truth is known here, since the data name the right class: every candidate is fitted on the
# whole log and played on the 14,500 rows of the test part.

unseen = ClassificationEnvironment(*load_shuttle(return_X_y=True, subset="test"))
truth = []
for parameters in search.cv_results_["params"]:
    policy = candidate(floor).set_params(**parameters).fit(contexts, log)
    rounds = simulate(policy, unseen, 14_500, batch_size=500, learn=False, random_state=0)
    truth.append(rounds["reward"].mean())
truth = np.array(truth)

# %%
# One dot a candidate. The estimated value follows the truth; the horizontal bars are its
# standard error over the three folds, and candidates that lie within it of each other cannot be
# told apart by this log. Imitation says how much a candidate resembles the logger, whose
# mistakes it then takes for merits: the strongest prior, which learns least from the rewards,
# comes out on top.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, name in zip(axes, ("value", "imitation"), strict=True):
    estimate = search.cv_results_[f"mean_test_{name}"]
    error = search.cv_results_[f"std_test_{name}"] / np.sqrt(3)
    ax.errorbar(estimate, truth, xerr=error, fmt="o", color="0.6", ecolor="0.8")
    best = estimate.argmax()
    ax.plot(estimate[best], truth[best], "o", color="C3", zorder=3, label="picked")
    ax.set(xlabel=f"{name}, estimated from the log")
    ax.legend(loc="lower right")
    print(f"picked by {name}: true value {truth[best]:.3f}, best of the grid {truth.max():.3f}")
axes[0].set_ylabel("true value: reward a round on unseen rows")
axes[0].axline((0.87, 0.87), slope=1, color="0.8", linewidth=1)

# %%
# What would tuning the exploration have done? A value on a log is that of a policy that never
# learns again, and of such policies one that does not explore is the best. So the search takes no
# random rounds, whatever is offered. An ``alpha`` of 0 or of 10 scores the same here, and the log
# cannot say which learns faster.

chosen = search.best_params_
greedy = GridSearchCV(
    candidate(EpsilonGreedySelector()).set_params(**chosen),
    {"linearucb__alpha": [0.0, 10.0], "linearucb__selector__epsilon": [0.0, 0.05]},
    cv=3,
).fit(contexts, log)
print("exploration chosen by the log:", greedy.best_params_)

# %%
# It earns a little more now, and its own log is worth nothing to the next search: every propensity
# is 1, and no round says what another arm would have paid. The mean weight of the uniform policy
# is about 1 on a log that can value it; here it says which share of that policy the log can see.

for name, policy in (("floor", search.best_estimator_), ("tuned", greedy.best_estimator_)):
    _, next_log = log_policy(policy, environment, 8000, random_state=1)
    with warnings.catch_warnings():
        # Few are.
        warnings.simplefilter("ignore")
        support = policy_support(
            propensity=next_log["propensity"],
            policy_probability=np.full(8000, 1 / len(environment.arms)),
        )
    print(
        f"{name}: mean reward {next_log['reward'].mean():.3f}, smallest propensity "
        f"{next_log['propensity'].min():.3f}, mean weight {support.mean_weight:.2f}"
    )
