"""Cross-fitted reward models."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skbandit.metrics import cross_fit_rewards, dm_value, dr_value, mrdr_weight


@pytest.fixture
def rounds():
    rng = np.random.default_rng(0)
    n = 120
    X = rng.normal(size=(n, 3))
    arm = rng.integers(3, size=n)
    coef = rng.normal(size=(3, 3))
    reward = (X * coef[arm]).sum(axis=1) + 0.1 * rng.normal(size=n)
    return X, arm, reward


class Recorder(RegressorMixin, BaseEstimator):
    """Predicts the sum of the training rows' first feature."""

    def fit(self, X, y, sample_weight=None):
        self.total_ = X[:, 0].sum()
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.total_)


@pytest.mark.parametrize("cv", [4, KFold(3, shuffle=True, random_state=0)])
def test_disjoint_equals_a_loop_over_folds_and_arms(cv, rounds):
    X, arm, reward = rounds
    folds = list((KFold(cv) if isinstance(cv, int) else cv).split(X))
    expected = np.empty((120, 3))
    for train, test in folds:
        for one in range(3):
            rows = train[arm[train] == one]
            expected[test, one] = Ridge().fit(X[rows], reward[rows]).predict(X[test])
    assert_allclose(cross_fit_rewards(Ridge(), X, arm, reward, cv=cv), expected)


def test_shared_equals_a_loop_over_folds(rounds):
    X, arm, reward = rounds
    expected = np.empty((120, 3))
    for train, test in KFold(5).split(X):
        one_hot = np.eye(3)
        model = Ridge().fit(np.hstack([X, one_hot[arm]])[train], reward[train])
        for one in range(3):
            with_arm = np.hstack([X[test], np.tile(one_hot[one], (test.size, 1))])
            expected[test, one] = model.predict(with_arm)
    got = cross_fit_rewards(Ridge(), X, arm, reward, arm_model="shared")
    assert_allclose(got, expected)
    got = cross_fit_rewards(Ridge(), sparse.csr_array(X), arm, reward, arm_model="shared")
    assert_allclose(got, expected, atol=1e-5)


def test_no_row_is_predicted_by_a_model_that_saw_it(rounds):
    _, _, reward = rounds
    X = np.zeros((120, 1))
    X[17] = 1.0
    predicted = cross_fit_rewards(Recorder(), X, np.zeros(120, int), reward, cv=6)
    in_fold = np.arange(120) // 20 == 0
    assert (predicted[in_fold] == 0).all()
    assert (predicted[~in_fold] == 1).all()


def test_sequential_folds_know_the_past_only(rounds):
    _, _, reward = rounds
    X = np.ones((120, 1))
    cv = TimeSeriesSplit(5)
    predicted = cross_fit_rewards(Recorder(), X, np.zeros(120, int), reward, cv=cv)[:, 0]
    # Blocks of 20: for the second 20 rows are known, and so on; for the first the mean so far.
    assert_allclose(predicted[20:], np.repeat([20, 40, 60, 80, 100], 20))
    so_far = [reward[1:].mean(), *(reward[:row].mean() for row in range(1, 20))]
    assert_allclose(predicted[:20], so_far)


def test_rows_that_no_fold_holds_out_are_predicted_by_halves(rounds):
    _, _, reward = rounds
    X, arm, cv = np.ones((120, 1)), np.zeros(120, int), TimeSeriesSplit(2, test_size=5)
    predicted = cross_fit_rewards(Recorder(), X, arm, reward, cv=cv)[:, 0]
    # Of 110 rows the last 55 are predicted from 55, and so on down to 13.
    assert_allclose(predicted[13:], np.repeat([13, 27, 55, 110, 115], [14, 28, 55, 5, 5]))
    assert_allclose(predicted[12], reward[:12].mean())


@pytest.mark.parametrize("model", [LinearRegression(), LogisticRegression()])
def test_the_direct_method_knows_the_first_block(model):
    """Rewards of 0 and 1 whose mean is .8: a first block predicted as 0 made it .64."""
    rng = np.random.default_rng(0)
    arm, reward = rng.integers(2, size=1000), (rng.random(1000) < 0.8).astype(float)
    reward[:30] = 1.0
    X = rng.normal(size=(1000, 1))
    expected = cross_fit_rewards(model, X, arm, reward, cv=TimeSeriesSplit(4))
    value = dm_value(policy_probability=np.tile([0.5, 0.5], (1000, 1)), expected_reward=expected)
    # Five standard errors of a mean of 1,000 are .06.
    assert abs(value.value - 0.8) < 0.06


@pytest.mark.parametrize("arm_model", ["disjoint", "shared"])
def test_classifier_predicts_the_expectation_of_its_classes(arm_model, rounds):
    X, arm, _ = rounds
    reward = np.random.default_rng(1).choice([0.0, 1.0, 3.0], size=120)
    model = LogisticRegression()
    got = cross_fit_rewards(model, X, arm, reward, cv=2, arm_model=arm_model)
    train, test = np.arange(60, 120), np.arange(60)
    if arm_model == "disjoint":
        rows = train[arm[train] == 1]
        fitted = clone(model).fit(X[rows], reward[rows].astype(int))
        chance = fitted.predict_proba(X[test])
    else:
        design = np.hstack([X, np.eye(3)[arm]])
        fitted = clone(model).fit(design[train], reward[train].astype(int))
        chance = fitted.predict_proba(np.hstack([X[test], np.tile([0, 1, 0], (60, 1))]))
    assert_allclose(got[test, 1], chance @ [0, 1, 3])
    assert not hasattr(model, "classes_")


def test_features_of_each_arm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4, 2))
    arm = rng.integers(4, size=200)
    reward = X[np.arange(200), arm] @ [1.0, -2.0]
    got = cross_fit_rewards(LinearRegression(), X, arm, reward)
    assert_allclose(got, X @ [1.0, -2.0], atol=1e-10)
    with pytest.raises(ValueError, match="n_arms=3"):
        cross_fit_rewards(LinearRegression(), X, arm, reward, n_arms=3)


def test_frames_pipelines_and_weights(rounds):
    X, arm, reward = rounds
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    weight = np.random.default_rng(0).uniform(size=120)
    model = make_pipeline(StandardScaler(), Ridge())
    got = cross_fit_rewards(model, frame, arm, reward, sample_weight=weight, cv=2)
    rows = 60 + np.flatnonzero(arm[60:] == 2)
    fitted = clone(model).fit(frame.iloc[rows], reward[rows], ridge__sample_weight=weight[rows])
    assert_allclose(got[:60, 2], fitted.predict(frame.iloc[:60]))


def test_jobs_change_nothing(rounds):
    first = cross_fit_rewards(Ridge(), *rounds, n_jobs=2)
    assert_allclose(first, cross_fit_rewards(Ridge(), *rounds))


def test_arm_that_a_fold_lacks_gets_the_mean(rounds):
    X, arm, reward = rounds
    got = cross_fit_rewards(Ridge(), X, arm, reward, n_arms=4, cv=2)
    assert_allclose(got[:60, 3], reward[60:].mean())
    assert_allclose(got[60:, 3], reward[:60].mean())


def test_arm_with_one_class_gets_it(rounds):
    X, arm, _ = rounds
    reward = np.random.default_rng(0).integers(2, size=120).astype(float)
    reward[arm == 1] = 0.0
    got = cross_fit_rewards(LogisticRegression(), X, arm, reward)
    assert (got[:, 1] == 0).all()
    assert (got[:, 0] > 0).all()


def test_doubly_robust_with_a_fitted_model_beats_ips(world):
    rng = np.random.default_rng(0)
    context = rng.integers(20, size=4000)
    arm = (rng.uniform(size=(4000, 1)) > world.logging.cumsum(axis=1)[context]).sum(axis=1)
    reward = rng.normal(5 + world.expected[context, arm], 0.1)
    X = np.eye(20)[context]
    log = {
        "reward": reward,
        "arm": arm,
        "propensity": world.logging[context, arm],
        "policy_probability": world.policy[context],
    }
    weight = mrdr_weight(**{key: value for key, value in log.items() if key != "reward"})
    truth = 5 + world.value
    for sample_weight in (None, weight + 1e-3):
        model = cross_fit_rewards(
            Ridge(alpha=0.1),
            X,
            arm,
            reward,
            sample_weight=sample_weight,
        )
        value = dr_value(**log, expected_reward=model)
        plain = dr_value(**log, expected_reward=np.zeros_like(model))
        assert value.standard_error < 0.2 * plain.standard_error
        assert abs(value.value - truth) < 4 * value.standard_error
        dm = dm_value(policy_probability=log["policy_probability"], expected_reward=model)
        assert abs(dm.value - truth) < 0.1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"cv": 200}, "log has 120 rounds, fewer than the 200 folds"),
        ({"cv": ShuffleSplit(3, random_state=0)}, "more than once.*KFold"),
        ({"arm_model": "hybrid"}, "arm_model must be one of"),
        ({"n_arms": 2}, "arm holds 2 where the policy knows the arms 0 to 1"),
        ({"arm": np.array(["a"] * 120)}, "arm must hold integers"),
        ({"arm": np.zeros(119, int)}, "arm has 119 entries where the log has 120"),
        ({"X": np.zeros((119, 2))}, "X has 119 rows where reward has 120"),
        ({"reward": np.r_[np.nan, np.zeros(119)]}, "reward has NaN or infinity in 1 row"),
        ({"sample_weight": np.zeros(120)}, "sample_weight must be non-negative"),
    ],
)
def test_bad_input(change, match, rounds):
    X, arm, reward = rounds
    arguments = {"X": X, "arm": arm, "reward": reward, **change}
    with pytest.raises(ValueError, match=match):
        cross_fit_rewards(Ridge(), **arguments)


def test_one_class_rewards_for_a_classifier(rounds):
    X, arm, _ = rounds
    with pytest.raises(ValueError, match=r"all rewards are 1.*Pass a regressor"):
        cross_fit_rewards(LogisticRegression(), X, arm, np.ones(120))
    reward = np.r_[np.zeros(60), np.ones(60)]
    with pytest.raises(ValueError, match=r"fold 0 trains on are 1.*shuffled cv"):
        cross_fit_rewards(LogisticRegression(), X, arm, reward, cv=2, arm_model="shared")


class GroupsSeen(RegressorMixin, BaseEstimator):
    """Predicts whether it was fitted on the group that the only feature names."""

    def fit(self, X, y):
        self.seen_ = set(X[:, 0].tolist())
        return self

    def predict(self, X):
        return np.array([float(group in self.seen_) for group in X[:, 0].tolist()])


@pytest.mark.parametrize(
    "cv",
    [5, None, KFold(3), TimeSeriesSplit(3), GroupKFold(3), ShuffleSplit(1, random_state=0)],
)
def test_no_model_sees_the_group_that_it_predicts(cv):
    rng = np.random.default_rng(0)
    groups = np.arange(200) // 7
    names = [f"g{one}" for one in groups]
    # The few rows that no model predicts are told a mean reward, which is next to nothing.
    call = {"arm": rng.integers(2, size=200), "reward": 1e-9 * rng.normal(size=200)}
    X = groups[:, None].astype(float)
    found = cross_fit_rewards(GroupsSeen(), X, **call, cv=cv, groups=names)
    assert (np.abs(found) < 0.5).all()
    if not isinstance(cv, GroupKFold):
        assert cross_fit_rewards(GroupsSeen(), X, **call, cv=cv).any()


def test_groups_too_few_for_the_folds():
    call = {"X": np.zeros((12, 1)), "arm": np.zeros(12, int), "reward": np.arange(12.0)}
    with pytest.raises(ValueError, match="groups names 3 groups, fewer than the 5 folds"):
        cross_fit_rewards(Ridge(), **call, groups=np.arange(12) % 3)
    with pytest.raises(ValueError, match=r"fold 0 of cv has nothing to train on.*GroupKFold"):
        cross_fit_rewards(Ridge(), **call, groups=np.arange(12) % 2, cv=KFold(3))


def test_classes_that_are_fractions():
    rng = np.random.default_rng(0)
    X = rng.integers(3, size=(900, 1)).astype(float)
    arm = rng.integers(2, size=900)
    stars = np.where(arm == 1, X[:, 0] / 2, 0.5 * rng.integers(3, size=900))
    model = DecisionTreeClassifier()
    found = cross_fit_rewards(model, X, arm, stars)
    np.testing.assert_allclose(found[:, 1], X[:, 0] / 2)
    # 100 rewards a cell, of standard deviation .41: within five errors of .5.
    assert np.abs(found[:, 0] - 0.5).max() < 5 * 0.41 / np.sqrt(100)
    shifted = cross_fit_rewards(model, X, arm, 10 * stars - 3)
    np.testing.assert_allclose(shifted, 10 * found - 3)


def test_too_many_classes():
    call = {"X": np.zeros((300, 1)), "arm": np.zeros(300, int), "reward": np.arange(300) / 7}
    with pytest.raises(ValueError, match=r"240 distinct values, too many.*Pass a regressor"):
        cross_fit_rewards(DecisionTreeClassifier(), **call)


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(100), 3)])
def test_stratified_folds_know_the_rare_arms(groups):
    """One arm in ten, in ten rows one after the other: blocks of rows miss it, strata do not."""
    arm = np.zeros(300, dtype=int)
    arm[:30] = 1
    reward = np.where(arm == 1, 5.0, 1.0) + 0.01 * np.arange(300)
    X, model = np.zeros((300, 1)), LinearRegression()
    cv = StratifiedKFold(3) if groups is None else StratifiedGroupKFold(3)
    strata = cross_fit_rewards(model, X, arm, reward, cv=cv, groups=groups)
    assert np.ptp(strata[:, 1]) < 0.3
    assert_allclose(strata[:, 1], 5.145, atol=0.2)
    blocks = cross_fit_rewards(model, X, arm, reward, cv=3)
    # Without a row of the arm the model of a block has the mean of all to say.
    assert_allclose(blocks[:100, 1], reward[100:].mean())
