"""
====================================
Thompson sampling's policy, exactly
====================================

Thompson sampling draws one sample of each arm's expected reward from its posterior and plays
the best. With which probability it plays an arm is usually not known, so the logs that it
leaves cannot be used to evaluate another policy.

``LinearThompsonSampling.predict_proba`` is that probability, found by quadrature. Here it is
set against a simulation that shares no code with it, and against what ``predict`` plays.
"""

# %%
# A bandit that has learnt a little: 40 rounds with one feature and four arms of different
# slopes.

import matplotlib.pyplot as plt
import numpy as np

from skbandit.linear import LinearThompsonSampling

rng = np.random.RandomState(0)
X = rng.uniform(-1, 1, size=(40, 1))
arms = rng.choice(["a", "b", "c", "d"], size=40, p=[0.4, 0.3, 0.25, 0.05])
slope = {"a": 1.0, "b": -1.0, "c": 0.2, "d": 0.5}
reward = np.array([slope[arm] for arm in arms]) * X[:, 0] + 0.5 * rng.standard_normal(40)
bandit = LinearThompsonSampling(alpha=1.0, random_state=0).fit(X, arms, reward=reward)

# %%
# The simulation: draw the weights of every arm from their posterior many times, and count how
# often each arm is best. With a noise that is learnt the posterior is a Student-t distribution;
# a Gaussian is divided by the root of a chi-square variate to draw from it. ``covariance_`` is
# its scale matrix, and it has 4 degrees of freedom before any data and one more for each round.

grid = np.linspace(-1.5, 1.5, 25)
design = np.column_stack([np.ones_like(grid), grid])
n_draws = 20_000
scores = np.empty((n_draws, len(grid), 4))
for arm in range(4):
    mean = np.append(bandit.intercept_[arm], bandit.coef_[arm])
    dof = 4 + bandit.weight_[arm]
    normal = rng.multivariate_normal(np.zeros(2), bandit.covariance_[arm], size=n_draws)
    weights = mean + normal * np.sqrt(dof / rng.chisquare(dof, size=(n_draws, 1)))
    scores[:, :, arm] = weights @ design.T
best = scores.argmax(axis=2)
simulated = np.stack([(best == arm).mean(axis=0) for arm in range(4)], axis=1)

# %%
# And the decisions themselves: each context 2,000 times in one call of ``predict``. Equal rows
# of a call are drawn independently of each other, for an integer ``random_state`` too.

repeated = np.repeat(grid, 2000)[:, None]
played = bandit.predict(repeated).reshape(len(grid), 2000)
frequency = np.stack([(played == arm).mean(axis=1) for arm in bandit.classes_], axis=1)

# %%
# The curves are the exact policy, the dots the simulation and the crosses the decisions. All
# agree. The rarely played arm d keeps a fair chance everywhere, since little is known about it.

exact = bandit.predict_proba(grid[:, None])
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for index, arm in enumerate(bandit.classes_):
    (line,) = left.plot(grid, exact[:, index], label=f"arm {arm}")
    left.plot(grid, simulated[:, index], "o", color=line.get_color(), markersize=4)
    left.plot(grid, frequency[:, index], "x", color=line.get_color(), markersize=4)
left.set(xlabel="context", ylabel="probability of being played", title="The policy")
left.legend()

# %%
# The differences are the noise of the simulation: in units of its standard error they look like
# standard normal deviates, nearly all within 3. Probabilities so small that less than 20 draws
# are expected are left out, where a count is not nearly normal.

standard_error = np.sqrt(exact * (1 - exact) / n_draws)
deviation = np.where(n_draws * exact >= 20, (simulated - exact) / standard_error, np.nan)
right.axhspan(-3, 3, color="0.9")
right.plot(grid, deviation, ".")
right.set(xlabel="context", ylabel="standard errors", title="Simulation less policy", ylim=(-5, 5))
print(f"largest difference to the simulation: {np.abs(simulated - exact).max():.4f}")
print(f"largest difference to the decisions:  {np.abs(frequency - exact).max():.4f}")
