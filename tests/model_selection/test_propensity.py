"""Estimated propensities: cross-fitted, calibrated, or a warning."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skbandit.base import make_log
from skbandit.datasets import load_open_bandit
from skbandit.metrics import snips_value
from skbandit.model_selection import PropensityWarning, estimate_propensity
from skbandit.model_selection._propensity import calibration_table
from skbandit.model_selection._underfit import unexplained


def softmax(scores):
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True)


def simulate(n_rounds, seed, slope=1.0):
    """A log whose arm and reward both depend on the context."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rounds, 2))
    probability = softmax(slope * X @ np.array([[1.0, -1.0, 0.0], [0.0, 0.5, -0.5]]))
    column = (rng.uniform(size=(n_rounds, 1)) > probability.cumsum(axis=1)).sum(axis=1)
    reward = X[:, 0] + column + 0.1 * rng.standard_normal(n_rounds)
    return X, make_log(np.array(["x", "y", "z"])[column], reward), probability, column


def test_recovers_the_truth():
    X, log, probability, column = simulate(20_000, 0)
    estimated = estimate_propensity(log, X)
    truth = probability[np.arange(len(X)), column]
    # Logistic regression is the true model, so the error is that of 5 parameters or so.
    assert np.sqrt(np.mean((estimated["propensity"] - truth) ** 2)) < 0.01
    value = snips_value(
        reward=log["reward"],
        propensity=estimated["propensity"],
        policy_probability=(column == 1).astype(float),
    )
    # Always playing y pays 1 on average, though it was logged where X[:, 0] is low.
    assert abs(value.value - 1) < 4 * value.standard_error
    assert log["reward"][column == 1].mean() < 0.7


def test_each_round_is_predicted_by_others():
    X, log, _, column = simulate(300, 1)
    folds = KFold(3)
    found = estimate_propensity(log, X, LogisticRegression(C=0.1), cv=folds)["propensity"]
    for train, test in folds.split(X):
        model = LogisticRegression(C=0.1).fit(X[train], log["arm"][train])
        expected = model.predict_proba(X[test])[np.arange(len(test)), column[test]]
        np.testing.assert_allclose(found[test], expected)
    parallel = estimate_propensity(log, X, LogisticRegression(C=0.1), cv=folds, n_jobs=2)
    np.testing.assert_array_equal(parallel["propensity"], found)


def test_what_came_in_comes_out():
    X, log, _, _ = simulate(500, 2)
    found = estimate_propensity(log, X)
    assert found.dtype.names == ("arm", "reward", "propensity")
    np.testing.assert_array_equal(found["arm"], log["arm"])
    np.testing.assert_array_equal(found["reward"], log["reward"])
    columns = {"arm": log["arm"], "reward": log["reward"], "note": np.arange(500)}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns)):
        with_propensity = estimate_propensity(frame, X)
        assert isinstance(with_propensity, type(frame))
        assert list(with_propensity.columns) == ["arm", "reward", "note", "propensity"]
        np.testing.assert_allclose(with_propensity["propensity"].to_numpy(), found["propensity"])
        assert "propensity" not in frame.columns
    sparse_found = estimate_propensity(log, sparse.csr_array(X))
    np.testing.assert_allclose(sparse_found["propensity"], found["propensity"], atol=1e-4)


def test_uniform_log_of_real_data():
    open_bandit = load_open_bandit("random")
    log, table = estimate_propensity(
        open_bandit.log,
        open_bandit.data,
        DummyClassifier(strategy="prior"),
        return_calibration=True,
    )
    np.testing.assert_allclose(log["propensity"].mean(), 1 / 80, rtol=0.05)
    assert table["n_pairs"].sum() == 800_000


def test_warns_where_the_model_is_wrong():
    X, log, _, _ = simulate(5_000, 3, slope=2.0)

    class Bold(ClassifierMixin, BaseEstimator):
        "Overconfident: the square of what logistic regression says."

        def fit(self, X, y):
            self.model_ = LogisticRegression().fit(X, y)
            self.classes_ = self.model_.classes_
            return self

        def predict_proba(self, X):
            bold = self.model_.predict_proba(X) ** 2
            return bold / bold.sum(axis=1, keepdims=True)

    with pytest.warns(PropensityWarning, match=r"not calibrated.*CalibratedClassifierCV"):
        _, table = estimate_propensity(log, X, Bold(), return_calibration=True)
    assert table["z"].abs().max() > 5


def test_no_false_alarm():
    # 60 logs with a true model: any warning is an error here, and one in a thousand would warn.
    for seed in range(60):
        X, log, _, _ = simulate(400, seed + 10)
        estimate_propensity(log, X, cv=3)


def xor_log(n_rounds, seed, kind):
    """A log whose arm is played with .8 or .2 by the XOR of two of five features."""
    rng = np.random.RandomState(seed)
    if kind == "binary":
        X = rng.randint(2, size=(n_rounds, 5)) - 0.5
    else:
        X = rng.standard_normal((n_rounds, 5))
    odd = (X[:, 0] > 0) ^ (X[:, 1] > 0)
    arm = rng.binomial(1, np.where(odd, 0.8, 0.2))
    reward = odd + 0.5 * arm + 0.5 * rng.standard_normal(n_rounds)
    return X, make_log(arm, reward)


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_warns_of_what_a_linear_model_cannot_see(kind):
    # One half everywhere, and no interval holds the truth: 15 of 15 logs must warn. Mostly that
    # is calibrated; the bins see noise in the coefficients of at most five of them.
    messages = []
    for seed in range(15):
        X, log = xor_log(1000, seed, kind)
        with pytest.warns(PropensityWarning) as caught:
            estimate_propensity(log, X)
        messages.append(str(caught[0].message))
    seen = ["see interactions, such as HistGradientBoosting" in message for message in messages]
    assert np.sum(seen) >= 10


def test_warns_of_it_in_frames_too():
    X, log = xor_log(1000, 0, "binary")
    words = np.array(["no", "yes"])[(X > 0).astype(int)]
    frame = pd.DataFrame(words, columns=list("abcde"))
    numbers = LogisticRegression()
    pipeline = make_pipeline(OneHotEncoder(), numbers)
    for rows in (frame, pl.from_pandas(frame), sparse.csr_array(X)):
        model = numbers if sparse.issparse(rows) else pipeline
        with pytest.warns(PropensityWarning, match="see interactions"):
            estimate_propensity(log, rows, model)


def test_the_check_takes_what_the_estimator_takes():
    # A model of its own may read what trees do not: infinity, or lists in a column.
    X, log, _, _ = simulate(300, 7)
    prior = DummyClassifier(strategy="prior")
    endless = X.copy()
    endless[:, 0] = np.inf
    lists = pl.DataFrame({"tags": [[1, 2]] * 300})
    for rows in (lists, sparse.csr_array(endless)):
        estimate_propensity(log, rows, prior)
    with pytest.warns(PropensityWarning):  # the other feature counts
        estimate_propensity(log, np.column_stack([endless[:, 0], 3 * X]), prior)


@pytest.mark.long
def test_no_false_alarm_in_many_logs():
    # 300 logs of true models: at a thousandth a check, three warnings or more have a chance of
    # two in a hundred at most. The forest alone is conservative, and warns in none.
    warned = 0
    for seed in range(300):
        X, log, _, _ = simulate(300, seed + 1000)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PropensityWarning)
            estimate_propensity(log, X)
        warned += len(caught)
    assert warned <= 2


def test_unexplained_is_standard_normal_where_probabilities_are_true():
    # 100 logs with rare arms, of which 11 are joined: mean and square within four errors.
    scores = []
    for seed in range(100):
        rng = np.random.RandomState(seed)
        X = rng.standard_normal((120, 3))
        probability = softmax(X @ rng.standard_normal((3, 20)))
        column = (rng.uniform(size=(120, 1)) > probability.cumsum(axis=1)).sum(axis=1).clip(0, 19)
        scores.append(unexplained(X, probability, column)[0])
    scores = np.array(scores)
    assert abs(scores.mean()) < 4 / np.sqrt(100)
    assert abs((scores**2).mean() - 1) < 4 * np.sqrt(2 / 100)


@pytest.mark.parametrize("n_arms", [2, 5])
def test_deviations_are_standard_normal(n_arms):
    rng = np.random.RandomState(0)
    deviations = []
    for _ in range(400):
        probability = rng.dirichlet(np.ones(n_arms), size=300)
        column = (rng.uniform(size=(300, 1)) > probability.cumsum(axis=1)).sum(axis=1)
        deviations.append(calibration_table(probability, column)["z"])
    deviations = np.concatenate(deviations)
    # 4,000 numbers: means within four standard errors.
    assert abs(deviations.mean()) < 4 / np.sqrt(4000)
    assert abs((deviations**2).mean() - 1) < 4 * np.sqrt(2 / 4000)


def test_rare_arms():
    X, log, _, _ = simulate(300, 4)
    log["arm"][7] = "w"
    with pytest.raises(ValueError, match=r"propensity is 0 in 1 rounds, whose arms are 'w'"):
        estimate_propensity(log, X)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cv": 400}, r"the log has 300 rounds, fewer than the 400 folds"),
        ({"cv": TimeSeriesSplit(3)}, r"hold out each round once, but 75 of 300.*TimeSeriesSplit"),
        ({"estimator": KNeighborsClassifier(1)}, r"the estimated propensity is 0 in \d+ rounds"),
    ],
)
def test_bad_arguments(change, message):
    X, log, _, _ = simulate(300, 5)
    with pytest.raises(ValueError, match=message):
        estimate_propensity(log, X, **change)


def test_other_bad_input():
    X, log, _, _ = simulate(300, 6)
    with pytest.raises(TypeError, match=r"classifier with predict_proba.*LinearRegression"):
        estimate_propensity(log, X, LinearRegression())
    with pytest.raises(ValueError, match=r"no rewards"):
        estimate_propensity(log["arm"], X)
    log["arm"] = "x"
    with pytest.raises(ValueError, match=r"holds one arm only, 'x'"):
        estimate_propensity(log, X)
