"""Cross-validated predictions of bandits, against the loop over folds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.model_selection import cross_val_predict
from skbandit.selectors import EpsilonGreedySelector, TopKSelector

METHODS = ["predict_proba", "decision_function", "expected_reward"]


@pytest.fixture(scope="module")
def rounds():
    environment = LinearEnvironment(n_features=3, n_arms=3)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 300, random_state=0)
    labels = np.array(["c", "a", "b"])[log["arm"]]
    return X, make_log(labels, log["reward"], log["propensity"])


def bandit(**params):
    return LinearUCB(random_state=0, **params)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("arms", [None, ["b", "c", "a"]])
@pytest.mark.parametrize("cv", [3, KFold(4, shuffle=True, random_state=0)])
def test_is_the_loop_over_folds(rounds, method, arms, cv):
    X, log = rounds
    found = cross_val_predict(bandit(arms=arms), X, log, cv=cv, method=method)
    assert found.shape == (300, 3)
    for train, test in (KFold(3) if cv == 3 else cv).split(X):
        fitted = bandit(arms=arms or ["a", "b", "c"]).fit(X[train], log[train])
        np.testing.assert_allclose(found[test], getattr(fitted, method)(X[test]))
    parallel = cross_val_predict(bandit(arms=arms), X, log, cv=cv, method=method, n_jobs=2)
    np.testing.assert_array_equal(parallel, found)


def test_predict_gives_arms(rounds):
    X, log = rounds
    found = cross_val_predict(bandit(), X, log)
    assert found.dtype == log["arm"].dtype
    for train, test in KFold(5).split(X):
        fitted = bandit(arms=["a", "b", "c"]).fit(X[train], log[train])
        np.testing.assert_array_equal(found[test], fitted.predict(X[test]))
    sets = LinearUCB(arms=[0, 1, 2], selector=TopKSelector(k=2), random_state=0)
    X, log = log_policy(sets, LinearEnvironment(n_features=3, n_arms=3), 60, random_state=0)
    assert cross_val_predict(sets, X, log, cv=3).shape == (60, 2)
    probability = cross_val_predict(sets, X, log, cv=3, method="predict_proba")
    np.testing.assert_allclose(probability.sum(axis=1), 2)


def test_pipelines_and_searches(rounds):
    X, log = rounds
    pipeline = make_pipeline(StandardScaler(), bandit())
    search = GridSearchCV(pipeline, {"linearucb__alpha": [0.5]}, cv=2)
    found = [
        cross_val_predict(one, X, log, cv=3, method="predict_proba") for one in (pipeline, search)
    ]
    named = clone(pipeline).set_params(linearucb__arms=["a", "b", "c"], linearucb__alpha=0.5)
    for train, test in KFold(3).split(X):
        wanted = named.fit(X[train], log[train]).predict_proba(X[test])
        np.testing.assert_allclose(found[1][test], wanted)
    assert found[0].shape == (300, 3)
    # Neither is fitted, or told the arms.
    assert pipeline[-1].arms is None
    assert not hasattr(search, "best_estimator_")


def test_an_arm_that_a_fold_lacks_has_its_column(rounds):
    X, log = rounds
    log = log.copy()
    log["arm"][:100] = "c"
    log["arm"][100:][log["arm"][100:] == "c"] = "a"
    found = cross_val_predict(bandit(), X, log, cv=3, method="expected_reward")
    # The first fold learnt from no "c", and believes of it what it did before any round.
    fitted = bandit(arms=["a", "b", "c"]).fit(X[100:], log[100:])
    np.testing.assert_allclose(found[:100], fitted.expected_reward(X[:100]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("method", "fill"),
    [("predict_proba", 0.0), ("decision_function", -np.inf), ("expected_reward", np.nan)],
)
def test_a_bandit_that_cannot_be_told_the_arms(rounds, method, fill):
    X, log = rounds

    class Untold(LinearUCB):
        "Forgets what it is told; its arms are those that it meets."

        def set_params(self, **params):
            params.pop("arms", None)
            return super().set_params(**params)

    log = log.copy()
    log["arm"][:100] = "c"
    log["arm"][100:][log["arm"][100:] == "c"] = "a"
    found = cross_val_predict(Untold(random_state=0), X, log, cv=3, method=method)
    np.testing.assert_array_equal(found[:100, 2], np.full(100, fill))
    assert np.isfinite(found[:100, :2]).all()
    assert np.isfinite(found[100:]).all()


def test_candidates():
    environment = LinearEnvironment(n_features=3, n_arms=4, arm_features=True)
    logger = LinearUCB(arm_model="shared", selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 100, random_state=0)
    ranker = LinearUCB(arm_model="shared", random_state=0)
    found = cross_val_predict(ranker, X, log, cv=2, method="expected_reward")
    wanted = clone(ranker).fit(X[50:], log[50:]).expected_reward(X[:50])
    np.testing.assert_allclose(found[:50], wanted)


def test_rewards_and_weights_as_parameters(rounds):
    X, log = rounds
    weight = np.random.RandomState(0).randint(1, 4, size=300)
    params = {"reward": pd.Series(log["reward"]), "sample_weight": weight}
    found = cross_val_predict(
        bandit(), X, log["arm"].tolist(), cv=3, method="expected_reward", params=params
    )
    for train, test in KFold(3).split(X):
        fitted = bandit().fit(X[train], log[train], sample_weight=weight[train])
        np.testing.assert_allclose(found[test], fitted.expected_reward(X[test]))


def test_splitters_see_arms_and_groups(rounds):
    X, log = rounds
    found = cross_val_predict(bandit(), X, log, cv=StratifiedKFold(3), method="expected_reward")
    for train, test in StratifiedKFold(3).split(X, log["arm"]):
        fitted = bandit().fit(X[train], log[train])
        np.testing.assert_allclose(found[test], fitted.expected_reward(X[test]))
    groups = np.arange(300) % 7
    found = cross_val_predict(
        bandit(), X, log, cv=GroupKFold(3), groups=groups, method="expected_reward"
    )
    for train, test in GroupKFold(3).split(X, groups=groups):
        fitted = bandit().fit(X[train], log[train])
        np.testing.assert_allclose(found[test], fitted.expected_reward(X[test]))


def test_bad_input(rounds):
    X, log = rounds
    with pytest.raises(TypeError, match=r"must be a bandit.*LogisticRegression.*from logs"):
        cross_val_predict(LogisticRegression(), X, log)
    with pytest.raises(ValueError, match=r"method must be one of predict, .*got 'score'"):
        cross_val_predict(bandit(), X, log, method="score")
    with pytest.raises(ValueError, match=r"y has 299 rounds where X has 300 rows"):
        cross_val_predict(bandit(), X, log[:-1])
    with pytest.raises(ValueError, match=r"each round once, but 75 of 300"):
        cross_val_predict(bandit(), X, log, cv=TimeSeriesSplit(3))
    with pytest.raises(ValueError, match=r"has 3 rounds, fewer than the 5 folds"):
        cross_val_predict(bandit(), X[:3], log[:3])
    with pytest.raises(ValueError, match=r"does not know: 'c'"):
        cross_val_predict(bandit(arms=["a", "b"]), X, log)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_masks(draw_masked, method):
    rounds = draw_masked(300, 0)
    mask = rounds.available
    found = cross_val_predict(bandit(), rounds.X, rounds.log, cv=3, method=method, available=mask)
    for train, test in KFold(3).split(rounds.X):
        fitted = bandit(arms=[0, 1, 2, 3]).fit(rounds.X[train], rounds.log[train])
        answer = getattr(fitted, method)(rounds.X[test], available=mask[test])
        np.testing.assert_array_equal(found[test], answer)
    if method == "predict":
        assert mask[np.arange(300), found].all()
    # Of other arms in another order, in a Pipeline in a search, in parallel.
    arms = [2, 0, 3, 1]
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), bandit(arms=arms))
    search = GridSearchCV(pipeline, {"linearucb__alpha": ["auto"]}, cv=2)
    frame = pd.DataFrame(mask, columns=[0, 1, 2, 3])[[1, 0, 3, 2]]
    other = cross_val_predict(
        search, rounds.X, rounds.log, cv=3, method=method, available=frame, n_jobs=2
    )
    array = cross_val_predict(
        pipeline, rounds.X, rounds.log, cv=3, method=method, available=mask[:, arms]
    )
    np.testing.assert_array_equal(other, array)
    if method == "predict_proba":
        np.testing.assert_allclose(other, found[:, arms])


def test_wrong_masks(draw_masked):
    rounds = draw_masked(300, 0)
    given = {"X": rounds.X, "y": rounds.log}
    with pytest.raises(ValueError, match=r"'expected_reward' takes no available="):
        cross_val_predict(bandit(), **given, method="expected_reward", available=rounds.available)
    with pytest.raises(ValueError, match=r"logged arm was not available"):
        cross_val_predict(bandit(), **given, available=~rounds.available | rounds.available[:, :1])
    with pytest.raises(ValueError, match=r"available must have shape"):
        cross_val_predict(bandit(), **given, available=rounds.available[:200])
