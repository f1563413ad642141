"""
====================================
Which dose, and for whom
====================================

An arm may take a number: a dose, a bid, a discount. What it pays is then a curve, of which a round
shows one point with noise, and the best point is found by playing. Here the best dose moves with a
feature of the patient, and doing nothing is an arm beside it.
"""

# %%
# The effect rises steeply and falls slowly. Patients with a large feature need more, and half of
# the best effect comes without any treatment.

import matplotlib.pyplot as plt
import numpy as np

from skbandit.base import make_log
from skbandit.linear import LinearThompsonSampling
from skbandit.quantities import QuantityThompsonSampling, ZoomingBandit

NOISE, BATCH = 0.3, 50


def best_dose(X):
    """The dose that helps a patient most."""
    return 4.0 * np.exp(0.5 * X[:, 0])


def effect(X, arm, dose):
    """What is expected."""
    part = np.nan_to_num(dose) / best_dose(X)
    return np.where(arm == "nothing", 0.5, (part * np.exp(1.0 - part)) ** 2)


def features(X):
    """A best dose that moves with a feature makes squares of the feature."""
    return np.column_stack([X, X**2])


# %%
# ``predict`` decides both the arm and how much of it; the log carries the quantity, and its
# propensity is a density. The one bandit cuts the range of doses into cells, the finer the more a
# part of it is played, and gives them to a linear bandit as its arms. The other knows that effects
# are smooth: it draws curves from what it believes and plays where a draw is highest.

arms, quantities = ["dose", "nothing"], {"dose": (0.0, 12.0)}
bandits = {
    "cells": ZoomingBandit(
        bandit=LinearThompsonSampling(), arms=arms, quantities=quantities, random_state=0
    ),
    "smooth": QuantityThompsonSampling(arms=arms, quantities=quantities, random_state=0),
}
lost, played = {}, {}
for name, bandit in bandits.items():
    rng, losses, logs = np.random.RandomState(1), [], []
    for _ in range(100):
        X = rng.uniform(-1.0, 1.0, size=(BATCH, 1))
        arm, dose, density = bandit.predict(
            features(X), return_quantity=True, return_propensity=True
        )
        expected = effect(X, arm, dose[:, 0])
        reward = expected + NOISE * rng.normal(size=BATCH)
        bandit.partial_fit(features(X), make_log(arm, reward, density, quantity=dose))
        losses.append(1.0 - expected)
        logs.append(np.column_stack([X, dose]))
    lost[name], played[name] = np.array(losses).mean(axis=1), np.concatenate(logs)
    print(
        f"{name}: {lost[name][:10].mean():.3f} lost a round at first, "
        f"{lost[name][-10:].mean():.3f} at the end"
    )

# %%
# Both find the curve of the best dose. The last thousand doses of each are drawn over the effect;
# the cells leave steps. On the right what they lose a round, of a best effect of 1.

figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
x = np.linspace(-1.0, 1.0, 101)
grid_x, grid_dose = np.meshgrid(x, np.linspace(0.01, 12.0, 121))
height = effect(grid_x.reshape(-1, 1), np.full(grid_x.size, "dose"), grid_dose.ravel())
for ax, name in zip(axes, bandits, strict=False):
    ax.contourf(grid_x, grid_dose, height.reshape(grid_x.shape), levels=12, cmap="Greys")
    ax.plot(x, best_dose(x[:, None]), color="tab:red", linewidth=2, label="best dose")
    ax.plot(*played[name][-1000:].T, ".", markersize=3, color="tab:blue", label="played")
    ax.set(title=name, xlabel="feature of the patient", ylabel="dose", ylim=(0, 12))
    ax.legend(loc="upper left")
for name, values in lost.items():
    axes[2].plot(BATCH * np.arange(1, 101), values, label=name)
axes[2].set(title="lost a round", xlabel="rounds played", ylim=(0, None))
axes[2].legend()

# %%
# The density says with which doses a log can be compared later. Where it is 0, nothing was tried.

dose = np.linspace(0.0, 12.0, 241)
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for name, bandit in bandits.items():
    for value, style in ((-0.8, "--"), (0.8, "-")):
        X = np.full((len(dose), 1), value)
        density = bandit.quantity_density(features(X), np.full(len(dose), "dose"), dose)
        color = "tab:green" if name == "cells" else "tab:blue"
        ax.plot(dose, density, style, color=color, label=f"{name}, feature {value:g}")
ax.set(xlabel="dose", ylabel="density", yscale="log", ylim=(1e-3, None))
ax.legend()
plt.show()
