"""
===============================
Regret on the shuttle data
===============================

Four policies play the Statlog shuttle data: the context is a row of nine sensor readings, the
arms are the seven classes, the right one pays 1 and the others 0. Only the reward of the arm
that was played is seen.

``LinearUCB`` and ``LinearThompsonSampling`` explore, the greedy policy is LinUCB with no
width, and the uniform policy plays at random. All of them have their defaults, and none was
tuned.
"""

# %%
# The data ship with the package. Features are standardised: the prior of a linear bandit is
# alike for all of them.

from sklearn.preprocessing import StandardScaler

from skbandit.benchmark import RegretDisplay, simulate, summarize
from skbandit.datasets import load_shuttle
from skbandit.environments import ClassificationEnvironment
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector

X, y = load_shuttle(return_X_y=True)
environment = ClassificationEnvironment(StandardScaler().fit_transform(X), y)

# %%
# In each of three repeats all policies face the same 2,000 rows, one at a time, and learn after
# every one.

policies = {
    "LinearUCB": LinearUCB(),
    "LinearThompsonSampling": LinearThompsonSampling(),
    "greedy": LinearUCB(alpha=0.0),
    "uniform": LinearUCB(selector=EpsilonGreedySelector(epsilon=1.0)),
}
results = simulate(policies, environment, n_rounds=2000, n_repeats=3, random_state=0)
summarize(results).round(1)

# %%
# Regret is what the best arm would have paid, less what the arm played is expected to pay. The
# uniform policy's grows by six sevenths a round. The bandits lose most in the first few hundred
# rounds, while they find out which readings go with which arm. They never stop losing
# altogether: the classes are not quite linear in the readings, and there no exploration helps.

RegretDisplay.from_results(results).ax_.set_title("All policies")

# %%
# Without the uniform policy one sees the others. The shaded part holds the middle 80 % of the
# repeats; where two of them overlap as much as here, more repeats are needed to tell which
# policy is better.

learners = ["LinearUCB", "LinearThompsonSampling", "greedy"]
RegretDisplay.from_results(results, policies=learners).ax_.set_title("Policies that learn")
