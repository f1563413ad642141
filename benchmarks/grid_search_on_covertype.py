"""Does a grid search on a log pick good parameters? Covertype, 100,000 rounds.

A logging policy that has learnt little, and explores with probability 0.2, plays 100,000 rows of
the covertype data as a bandit; arms are the seven cover types. ``GridSearchCV`` then chooses the
parameters of a Pipeline (StandardScaler, LinearUCB) from that log alone, by the doubly robust
value, by the self-normalised one, by a lower bound, and by imitation, the share of rounds in which
a candidate plays what was logged. As the data name the right arm, the true value of every
candidate, fitted on the whole log, is known on rows that nobody has seen::

    PYTHONPATH=. python benchmarks/grid_search_on_covertype.py --data covertype.npz

`covertype.npz` holds the arrays ``X`` and ``y`` of the UCI data; without ``--data``,
``sklearn.datasets.fetch_covtype`` downloads them. About one minute on one core.
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import fetch_covtype
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.environments import ClassificationEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import make_policy_scorer
from skbandit.selectors import EpsilonGreedySelector

GRID = {
    "linearucb__alpha": [0.0, 1.0, 10.0, 100.0],
    "linearucb__prior_precision": [1.0, 1e2, 1e4, 1e6],
}
N_FIRST = 2_000


def imitation(policy, X, log):
    """Share of rounds in which the policy's best arm is the logged one."""
    return np.mean(policy.predict(X, explore=False) == log["arm"])


SCORERS = {
    "dr": make_policy_scorer("dr"),
    "snips": make_policy_scorer("snips"),
    "dr, lower bound": make_policy_scorer("dr", interval="normal"),
    "imitation": imitation,
}


def load(path, random_state):
    """Return features and labels in random order."""
    if path is None:
        X, y = fetch_covtype(return_X_y=True)
    else:
        with np.load(path) as stored:
            X, y = stored["X"], stored["y"]
    order = np.random.RandomState(random_state).permutation(len(y))
    return X[order].astype(np.float64), y[order]


def write_log(X, y, n_rounds, random_state):
    """Roll out an epsilon-greedy policy that has seen few rounds and hardly trusts them."""
    arms = np.unique(y)
    uniform = LinearUCB(
        arms=arms, selector=EpsilonGreedySelector(epsilon=1.0), random_state=random_state
    )
    first = ClassificationEnvironment(X[:N_FIRST], y[:N_FIRST], shuffle=False)
    logger = make_pipeline(
        StandardScaler(),
        LinearUCB(
            alpha=0.0,
            prior_precision=1e3,
            selector=EpsilonGreedySelector(epsilon=0.2),
            random_state=random_state,
        ),
    ).fit(*log_policy(uniform, first, N_FIRST, random_state=random_state))
    rest = slice(N_FIRST, N_FIRST + n_rounds)
    environment = ClassificationEnvironment(X[rest], y[rest], shuffle=False)
    return log_policy(logger, environment, n_rounds, random_state=random_state)


def true_value(policy, X, y):
    """Mean probability of the right arm, and its standard error."""
    column = np.searchsorted(policy.classes_, y)
    right = policy.predict_proba(X)[np.arange(len(y)), column]
    return right.mean(), right.std(ddof=1) / np.sqrt(len(y))


def run(X, y, n_rounds, *, folds=3, n_jobs=None, random_state=0):
    """Search, and find the truth.

    Returns
    -------
    results : DataFrame
        One row a candidate: parameters, scores, true value and its standard error.
    log : structured ndarray
    """
    contexts, log = write_log(X, y, n_rounds, random_state)
    pipeline = make_pipeline(StandardScaler(), LinearUCB(random_state=random_state))
    search = GridSearchCV(
        pipeline, GRID, scoring=SCORERS, refit=False, cv=folds, n_jobs=n_jobs, error_score="raise"
    ).fit(contexts, log)
    unseen = slice(N_FIRST + n_rounds, None)
    rows = []
    for index, parameters in enumerate(search.cv_results_["params"]):
        policy = clone(pipeline).set_params(**parameters).fit(contexts, log)
        value, error = true_value(policy, X[unseen], y[unseen])
        row = {name.split("__")[-1]: setting for name, setting in parameters.items()}
        row |= {name: search.cv_results_[f"mean_test_{name}"][index] for name in SCORERS}
        rows.append({**row, "true value": value, "standard error": error})
    return pd.DataFrame(rows), log


def choices(results):
    """What each scorer picks, its true value, and how far that is from the best."""
    best = results.loc[results["true value"].idxmax()]
    rows = []
    for name in SCORERS:
        pick = results.loc[results[name].idxmax()]
        lost = best["true value"] - pick["true value"]
        rows.append(
            {
                "chosen by": name,
                "alpha": pick["alpha"],
                "prior_precision": pick["prior_precision"],
                "true value": pick["true value"],
                "below the best": lost,
                "in standard errors": lost / best["standard error"],
            }
        )
    return pd.DataFrame(rows).set_index("chosen by")


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="covertype.npz with the arrays X and y")
    parser.add_argument("--rounds", type=int, default=100_000, help="rounds of the log")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    X, y = load(args.data, args.seed)
    results, log = run(
        X, y, args.rounds, folds=args.folds, n_jobs=args.jobs, random_state=args.seed
    )
    n_unseen = len(y) - N_FIRST - args.rounds
    print(
        f"log of {len(log)} rounds, mean reward {log['reward'].mean():.4f}; truth on {n_unseen} "
        "unseen rows\n"
    )
    print(results.sort_values("true value", ascending=False).round(4).to_string(index=False))
    print()
    print(choices(results).round(4).to_string())


if __name__ == "__main__":
    main()
