"""
====================================
A new arm for a trained bandit
====================================

A bandit has learnt to choose among four arms when a fifth arrives. Starting over would throw
away what is known about the first four. ``add_arms`` returns a bandit that knows all of it and
has the fifth arm at its prior: it equals one that had known the arm from the start and never
played it.
"""

# %%
# A random linear problem with five arms. In the first 600 rounds only four of them exist.

import numpy as np

from skbandit.benchmark import RegretDisplay, simulate, summarize
from skbandit.environments import LinearEnvironment
from skbandit.linear import LinearThompsonSampling

environment = LinearEnvironment(n_features=15, n_arms=5, noise=1.0, random_state=3)
trained = LinearThompsonSampling(arms=[0, 1, 2, 3], random_state=0)
contexts, reward, _ = environment.sample(600, random_state=0)
for start in range(0, 600, 10):
    rows = np.arange(start, start + 10)
    played = trained.predict(contexts[rows])
    trained.partial_fit(contexts[rows], played, reward=reward[rows, played])

# %%
# Then all five are there, and four bandits go on for 1,000 rounds: the trained one with the new
# arm at its prior, with the new arm started from the mean of the others, the trained one that
# ignores the new arm, and one that starts over. ``warm_start=True`` lets
# :func:`~skbandit.benchmark.simulate` begin with what a bandit knows; ``random_state=None``
# gives each a stream of draws of its own.

trained.set_params(random_state=None)
bandits = {
    "add_arms": trained.add_arms([4]),
    'add_arms, init="mean"': trained.add_arms([4], init="mean"),
    "ignore the new arm": trained,
    "start over": LinearThompsonSampling(),
}
results = simulate(
    bandits, environment, 1000, batch_size=5, n_repeats=5, random_state=1, warm_start=True
)
summarize(results).round(1)

# %%
# The bandit that ignores the new arm loses at a steady rate for ever. The one that starts over
# learns fast and pays for it again. The one with the added arm explores only the new one.
# Starting it from the mean of the others is no gain here: the arms of this problem have nothing
# in common, and the bandit is confident in something wrong. Where arms are alike, it is.

RegretDisplay.from_results(results).ax_.set_title("After a fifth arm has arrived")
