"""How long bandits around an estimator take: rounds one by one, and many rows at once.

The rounds are those of the shuttle data, standardised, in random order, a reward of 1 for the
right class; each is decided and learnt before the next. Many rows are a million of nine features,
five arms: what the bandit takes to say what each arm pays is divided by what its estimators alone
take. All times are processor time::

    OMP_NUM_THREADS=1 python benchmarks/meta_speed.py
"""

import argparse
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skbandit.datasets import load_shuttle
from skbandit.meta import BootstrappedThompsonSampling, GreedyBandit, SquareCB


def one_by_one(bandit, n_rounds, seed=0):
    """Play the shuttle data; return seconds and the number of wrong decisions."""
    X, y = load_shuttle(return_X_y=True)
    rows = np.random.RandomState(seed).permutation(len(X))[:n_rounds]
    X, y = np.ascontiguousarray(StandardScaler().fit_transform(X)[rows]), y[rows]
    regret, start = 0, time.process_time()
    for number in range(n_rounds):
        row = X[number : number + 1]
        arm = bandit.predict(row)
        paid = (arm == y[number]).astype(float)
        regret += 1 - int(paid[0])
        bandit.partial_fit(row, arm, paid)
    return time.process_time() - start, regret


def many_rows(estimator, n_rows):
    """Return seconds of the estimators alone, of ``expected_reward`` and of ``predict``."""
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((n_rows, 9)), rng.randint(5, size=5_000)
    reward = (rng.random_sample(5_000) < 0.4).astype(float)
    bandit = GreedyBandit(estimator=estimator, arms=list(range(5)), random_state=0)
    bandit.fit(X[:5_000], arm, reward=reward)
    clocks = [time.process_time()]
    for model in bandit.estimators_:
        model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    clocks.append(time.process_time())
    bandit.expected_reward(X)
    clocks.append(time.process_time())
    bandit.predict(X)
    clocks.append(time.process_time())
    return np.diff(clocks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    arms = np.unique(load_shuttle(return_X_y=True)[1]).tolist()
    for kind in (GreedyBandit, SquareCB, BootstrappedThompsonSampling):
        bandit = kind(estimator=LogisticRegression(), arms=arms, random_state=0)
        seconds, regret = one_by_one(bandit, arguments.rounds)
        print(
            f"{kind.__name__}(LogisticRegression()): {arguments.rounds} rounds one by one in "
            f"{seconds:.1f} s, regret {regret}, fits {bandit.n_refits_.tolist()}",
            flush=True,
        )
    for estimator in (
        LogisticRegression(),
        DecisionTreeRegressor(max_depth=8),
        HistGradientBoostingClassifier(max_iter=20),
    ):
        alone, expecting, deciding = many_rows(estimator, arguments.rows)
        print(
            f"{type(estimator).__name__}: {arguments.rows} rows, estimators alone {alone:.2f} s, "
            f"expected_reward {expecting / alone:.2f} times that, predict {deciding / alone:.2f}"
        )


if __name__ == "__main__":
    main()
