"""
========================================
Tune on a log, and know how sure you are
========================================

``GridSearchCV(..., scoring=get_policy_scorer("dr"))`` chooses the parameters of a policy by its
doubly robust value on a log that another policy wrote. This example checks the choice against the
truth, shows what imitation would have chosen, and compares the finalists with intervals before one
of them goes live.
"""

# %%
# The data are a classification problem played as a bandit: only the right class pays 1. Where the
# covertype data lie at hand they are used, otherwise the shuttle data, which ship with the
# package.

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.datasets import load_shuttle
from skbandit.environments import ClassificationEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import (
    PolicyValueDisplay,
    get_policy_scorer,
    make_policy_scorer,
    policy_support,
)
from skbandit.model_selection import compare_policies
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector

folders = [folder / "shared" / "data" for folder in Path.cwd().resolve().parents]
found = [folder / "covertype.npz" for folder in folders if (folder / "covertype.npz").exists()]
if found:
    with np.load(found[0]) as stored:
        X, y = stored["X"], stored["y"]
    n_first = 1_000
else:
    X, y = load_shuttle(return_X_y=True)
    n_first = 100
# Classes of a dozen rows would be missing from some of the parts below.
labels, place, counts = np.unique(y, return_inverse=True, return_counts=True)
order = np.random.RandomState(0).permutation(np.flatnonzero(counts[place] > 2_000))
X, y = X[order].astype(float), y[order]
ends = [n_first, 21_000, 31_000, 131_000]
first, logged, fresh, unseen = np.split(np.arange(len(y)), ends)[:4]
arms = labels[counts > 2_000]
print(f"{len(y)} rows, {X.shape[1]} features, {len(arms)} arms")

# %%
# The logging policy learnt from few random rounds, hardly trusts them, and explores every fifth
# round. It left a log of some 20,000 rounds for tuning, and one of 10,000 for the final
# comparison.


def environment(rows):
    return ClassificationEnvironment(X[rows], y[rows], shuffle=False)


def ucb(epsilon=0.0, **parameters):
    selector = EpsilonGreedySelector(epsilon=epsilon)
    return LinearUCB(arms=arms, selector=selector, random_state=0, **parameters)


logger = make_pipeline(StandardScaler(), ucb(epsilon=0.2, alpha=0.0, prior_precision=1e3))
logger.fit(*log_policy(ucb(epsilon=1.0), environment(first), len(first), random_state=0))
contexts, log = log_policy(logger, environment(logged), len(logged), random_state=0)
print(f"mean reward of the logging policy {log['reward'].mean():.3f}")

# %%
# The search is for the model, here the strength of the prior. How much to explore is no question
# to a log (see the end), so all candidates leave 5 % of their rounds to all arms.
# :func:`skbandit.metrics.get_policy_scorer` makes a scorer of an estimator's name,
# :func:`skbandit.metrics.make_policy_scorer` one with options. Imitation is what one gets from
# taking the logged arms for labels.


def imitation(policy, X, log):
    return np.mean(policy.predict(X, explore=False) == log["arm"])


floor = PropensityFloorSelector(share=0.05, decay=0)
search = GridSearchCV(
    make_pipeline(StandardScaler(), LinearUCB(arms=arms, selector=floor, random_state=0)),
    {"linearucb__prior_precision": [1.0, 10.0, 1e2, 1e4, 1e5, 1e6]},
    scoring={
        "dr": get_policy_scorer("dr"),
        "lower": make_policy_scorer("dr", interval="auto"),
        "imitation": imitation,
    },
    refit="dr",
    cv=3,
).fit(contexts, log)
results = search.cv_results_
print("chosen:", search.best_params_)

# %%
# The truth: every candidate, fitted on the whole log, on rows that nobody has seen.

candidates = [
    clone(search.estimator).set_params(**parameters).fit(contexts, log)
    for parameters in results["params"]
]
right = np.searchsorted(arms, y[unseen])


def true_value(policy):
    return policy.predict_proba(X[unseen])[np.arange(len(unseen)), right].mean()


truth = np.array([true_value(policy) for policy in candidates])
picks = {name: int(np.argmax(results[f"mean_test_{name}"])) for name in ("dr", "imitation")}
for name, index in picks.items():
    print(f"chosen by {name}: true value {truth[index]:.3f}, the best is {truth.max():.3f}")

# %%
# One dot a candidate, the grey line is equality. The estimate follows the truth; it lies a little
# below, as in the search a candidate learns from two thirds of the log. How well a candidate
# imitates says how much it resembles the logger, whatever that was worth.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
axis_labels = {"dr": "Doubly robust value", "imitation": "Share of logged arms imitated"}
for ax, (name, label) in zip(axes, axis_labels.items(), strict=True):
    score = results[f"mean_test_{name}"]
    ax.scatter(score, truth, color="#0072B2", zorder=2)
    ax.scatter(
        score[picks[name]],
        truth[picks[name]],
        s=160,
        facecolor="none",
        edgecolor="#D55E00",
        linewidth=2,
        label="chosen",
    )
    ax.set_xlabel(label)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right", frameon=False)
axes[0].axline((truth.mean(), truth.mean()), slope=1, color="grey", linewidth=1, zorder=0)
axes[0].set_ylabel("True value on unseen rows")

# %%
# Before it goes live: the finalists on a log that took no part in the search, with intervals, and
# the chance that each is better than the policy now in use. ``interval="auto"`` is on its guard
# where the error rests on few rounds.

contexts_new, log_new = log_policy(logger, environment(fresh), len(fresh), random_state=1)
finalists = {
    "chosen by dr": candidates[picks["dr"]],
    "chosen by imitation": candidates[picks["imitation"]],
    "strongest prior": candidates[-1],
}
comparison = compare_policies(finalists, contexts_new, log_new, interval="auto")
comparison["true value"] = [np.nan] + [true_value(policy) for policy in finalists.values()]
print(comparison.round(3).T.to_string())

# %%
# Crosses mark the truth.

display = PolicyValueDisplay.from_results(comparison, column="value")
display.ax_.plot(
    comparison["true value"], np.arange(len(comparison)), "x", color="#D55E00", label="truth"
)
display.ax_.legend(loc="lower right", frameon=False)

# %%
# What would tuning the exploration have done? A value on a log is that of a policy which never
# learns again, so no exploration is the best: the search takes the least that is offered. What
# such a policy plays leaves a log that values nothing but itself. The mean weight of the uniform
# policy, which is 1 on a log that can value all policies, is the share of it that the log can see.

greedy = GridSearchCV(
    clone(search.best_estimator_).set_params(linearucb__selector=EpsilonGreedySelector()),
    {"linearucb__selector__epsilon": [0.0, 0.05], "linearucb__alpha": [0.0, 10.0]},
    scoring=get_policy_scorer("dr"),
    cv=3,
).fit(contexts, log)
print("exploration chosen by the log:", greedy.best_params_)
for name, policy in {"floor": search, "tuned": greedy}.items():
    _, next_log = log_policy(policy, environment(fresh), len(fresh), random_state=2)
    with warnings.catch_warnings():
        # The log of a policy that never explores is warned of.
        warnings.simplefilter("ignore")
        support = policy_support(
            propensity=next_log["propensity"],
            policy_probability=np.full(len(fresh), 1 / len(arms)),
        )
    print(
        f"{name}: mean reward {next_log['reward'].mean():.3f}, "
        f"mean weight of the uniform policy {support.mean_weight:.2f}"
    )
plt.show()
