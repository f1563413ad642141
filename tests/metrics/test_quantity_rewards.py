"""Reward models for quantities: cross-fitting against least squares written out."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import TimeSeriesSplit

from skbandit.metrics import cross_fit_quantity_rewards

N = 120


@pytest.fixture(scope="module")
def log():
    """Arms "a" (two numbers), "b" (one) and "c" (none)."""
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(N, 2)), rng.choice(["a", "b", "c"], size=N)
    quantity, target = rng.uniform(size=(2, N, 2))
    policy_arm = rng.choice(["a", "b", "c"], size=N)
    for labels, numbers in ((arm, quantity), (policy_arm, target)):
        numbers[labels == "c"] = np.nan
        numbers[labels == "b", 1] = np.nan
    reward = X[:, 0] + np.nansum(quantity, axis=1) + rng.normal(size=N)
    return {
        "X": X,
        "quantity": quantity,
        "reward": reward,
        "policy_quantity": target,
        "arm": arm,
        "policy_arm": policy_arm,
    }


def by_hand(log, n_folds, weight=None):
    """Least squares an arm on the other folds, by the normal equations."""
    logged, policy = np.empty(N), np.empty(N)
    columns = {"a": [0, 1], "b": [0], "c": []}
    weight = np.ones(N) if weight is None else weight
    for test in np.array_split(np.arange(N), n_folds):
        train = np.setdiff1d(np.arange(N), test)
        for label, taken in columns.items():
            rows = train[log["arm"][train] == label]

            def design(which, numbers, taken=taken):
                return np.column_stack([np.ones(len(which)), log["X"][which], numbers[:, taken]])

            root = np.sqrt(weight[rows])
            left = design(rows, log["quantity"][rows]) * root[:, None]
            coef = np.linalg.lstsq(left, log["reward"][rows] * root, rcond=None)[0]
            at = test[log["arm"][test] == label]
            logged[at] = design(at, log["quantity"][at]) @ coef
            at = test[log["policy_arm"][test] == label]
            policy[at] = design(at, log["policy_quantity"][at]) @ coef
    return logged, policy


@pytest.mark.parametrize("weighted", [False, True])
def test_predictions_are_least_squares_of_the_other_folds(log, weighted):
    weight = np.linspace(1, 3, N) if weighted else None
    found = cross_fit_quantity_rewards(LinearRegression(), cv=4, sample_weight=weight, **log)
    logged, policy = by_hand(log, 4, weight)
    np.testing.assert_allclose(found.logged, logged)
    np.testing.assert_allclose(found.policy, policy)


def test_rows_of_any_kind_give_the_same_predictions(log):
    rest = {name: part for name, part in log.items() if name != "X"}
    wanted = cross_fit_quantity_rewards(Ridge(), log["X"], **rest)
    frame = pd.DataFrame(log["X"], columns=["x", "z"], index=np.arange(N)[::-1])
    for X in (frame, sparse.csr_array(log["X"]), log["X"].tolist()):
        found = cross_fit_quantity_rewards(Ridge(), X, **rest)
        np.testing.assert_allclose(found.policy, wanted.policy)
    default = cross_fit_quantity_rewards(None, log["X"], **rest)
    np.testing.assert_allclose(
        cross_fit_quantity_rewards(None, frame, **rest).policy, default.policy
    )


def test_several_draws_of_the_policy_are_averaged(log):
    rng = np.random.default_rng(1)
    one = {"X": log["X"], "quantity": log["quantity"][:, :1], "reward": log["reward"]}
    one["quantity"] = np.nan_to_num(one["quantity"])
    drawn = rng.uniform(size=(N, 3, 1))
    found = cross_fit_quantity_rewards(Ridge(), **one, policy_quantity=drawn)
    each = [
        cross_fit_quantity_rewards(Ridge(), **one, policy_quantity=drawn[:, draw]).policy
        for draw in range(3)
    ]
    np.testing.assert_allclose(found.policy, np.mean(each, axis=0))


def test_the_default_model_learns_a_curve_that_moves_with_the_context():
    rng = np.random.default_rng(2)
    X, dose = rng.normal(size=(3000, 2)), rng.uniform(0, 1000, size=3000)

    def paid(dose):
        return 1 - ((dose / 1000 - 0.5 - 0.1 * X[:, 0]) ** 2) * 4

    reward = paid(dose) + 0.2 * rng.normal(size=3000)
    found = cross_fit_quantity_rewards(
        None, X, dose, reward, policy_quantity=np.full(3000, 500.0), cv=3
    )
    for predicted, true in ((found.logged, paid(dose)), (found.policy, paid(500.0))):
        # Squares of contexts are none of its features.
        assert np.mean((predicted - true) ** 2) < 0.04 * np.var(paid(dose))


def test_the_default_model_takes_labels_missing_numbers_and_one_quantity_for_all():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=80), "kind": rng.choice(["u", "v"], size=80)})
    frame.loc[3, "x"] = np.nan
    reward = np.where(frame["kind"] == "u", 1.0, 0.0) + 0.01 * rng.normal(size=80)
    found = cross_fit_quantity_rewards(
        None, frame, np.ones(80), reward, policy_quantity=np.ones(80)
    )
    assert np.corrcoef(found.policy, reward)[0, 1] > 0.99


def test_a_classifier_predicts_the_expectation():
    rng = np.random.default_rng(4)
    dose = rng.uniform(size=4000)
    reward = rng.binomial(1, 0.2 + 0.6 * dose).astype(float)
    found = cross_fit_quantity_rewards(
        LogisticRegression(), np.zeros((4000, 1)), dose, reward, policy_quantity=np.full(4000, 0.5)
    )
    # A rate of about a half among 3,200 rounds is off by less than .04 but for 1 in 10,000.
    np.testing.assert_allclose(found.policy, 0.5, atol=0.04)


def test_what_no_fold_holds_out_is_predicted_by_the_mean_before():
    reward = np.arange(8.0)
    found = cross_fit_quantity_rewards(
        Ridge(),
        np.zeros((8, 1)),
        reward,
        reward,
        policy_quantity=reward,
        cv=TimeSeriesSplit(3),
    )
    np.testing.assert_allclose(found.logged[:2], [0.0, 0.0])
    assert found.logged[2] > 0


def test_groups_are_not_torn_apart():
    seen = []

    class Spy(Ridge):
        def fit(self, X, y):
            seen.append(set(y.tolist()))
            return super().fit(X, y)

    group = np.repeat(np.arange(10), 4)
    cross_fit_quantity_rewards(
        Spy(),
        np.zeros((40, 1)),
        np.arange(40.0),
        group.astype(float),
        policy_quantity=np.arange(40.0),
        groups=group,
    )
    # Rewards name the groups: each fold trains on 8 of the 10, whole.
    assert [len(one) for one in seen] == [8] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((3, 1))}, "X has 3 rows where reward has"),
        ({"policy_arm": None}, "arm and policy_arm go together"),
        ({"policy_arm": ["a"]}, r"and policy_arm \(120, 1\)"),
        ({"policy_quantity": np.zeros((N, 2, 3))}, "policy_quantity must hold finite numbers"),
        ({"policy_quantity": np.zeros(N)}, "policy_quantity must hold finite numbers"),
        ({"quantity": np.full((N, 2), np.inf)}, "quantity contains infinity"),
        ({"X": sparse.csr_array((N, 2))}, "the default reward model takes arrays"),
    ],
)
def test_bad_input_is_named(log, change, message):
    with pytest.raises(ValueError, match=message):
        cross_fit_quantity_rewards(None, **{**log, **change})
