"""Pipelines and nested estimators in the runner."""

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from skbandit.benchmark import simulate
from skbandit.benchmark._contestants import seed_all
from skbandit.environments import ClassificationEnvironment, LinearEnvironment
from skbandit.linear import LinearUCB


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((200, 3)) * [1.0, 100.0, 0.01] + [0.0, 50.0, 3.0]
    return X, (X[:, 1] > 50).astype(int)


def played(bandit, X, y, **options):
    environment = ClassificationEnvironment(X, y, shuffle=False)
    return simulate(bandit, environment, len(X), random_state=0, **options)["arm"].tolist()


def test_fitted_steps_are_used_as_they_are(data):
    X, y = data
    scaler = StandardScaler().fit(X[50:])
    wanted = played(LinearUCB(), scaler.transform(X), y)
    mean = scaler.mean_.copy()
    for step in (scaler, FrozenEstimator(scaler)):
        assert played(make_pipeline(step, LinearUCB()), X, y) == wanted
    nested = make_pipeline("passthrough", make_pipeline(scaler, None, LinearUCB()))
    assert played(nested, X, y) == wanted
    np.testing.assert_array_equal(scaler.mean_, mean)


@pytest.mark.parametrize("batch_size", [2, 25])
def test_other_steps_are_fitted_once_on_the_first_batch(data, batch_size):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), LinearUCB())
    steps = make_pipeline(StandardScaler(), PolynomialFeatures(2)).fit(X[:batch_size])
    wanted = played(LinearUCB(), steps.transform(X), y, batch_size=batch_size)
    assert played(pipeline, X, y, batch_size=batch_size) == wanted
    assert not hasattr(pipeline[0], "mean_")
    assert not hasattr(pipeline[-1], "classes_")


def test_fitted_and_other_steps_together(data):
    X, y = data
    scaler = StandardScaler().fit(X)
    second = StandardScaler().fit(scaler.transform(X)[:10])
    wanted = played(LinearUCB(), second.transform(scaler.transform(X)), y, batch_size=10)
    pipeline = make_pipeline(scaler, StandardScaler(), LinearUCB())
    assert played(pipeline, X, y, batch_size=10) == wanted


def test_frames_reach_the_steps(data):
    X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    wanted = played(LinearUCB(), scaler.transform(frame).to_numpy(), y)
    assert played(make_pipeline(scaler, LinearUCB()), frame, y) == wanted


def test_steps_without_state_need_no_batch(data):
    X, y = data
    halve = FunctionTransformer(lambda X: X / 2)
    assert played(make_pipeline(halve, LinearUCB()), X, y) == played(LinearUCB(), X / 2, y)


@pytest.mark.parametrize(("n_rounds", "batch_size"), [(20, 1), (1, 10)])
def test_one_row_is_too_few_to_fit_on(data, n_rounds, batch_size):
    environment = ClassificationEnvironment(*data)
    pipeline = make_pipeline(StandardScaler(), LinearUCB())
    with pytest.raises(ValueError, match=r"StandardScaler before the bandit.*larger batch_size"):
        simulate(pipeline, environment, n_rounds, batch_size=batch_size)


def test_names():
    environment = LinearEnvironment(n_features=2, n_arms=2)
    scaler = StandardScaler().fit(environment.sample(10, 0).contexts)
    results = simulate(Pipeline([("z", scaler), ("b", LinearUCB())]), environment, 3)
    assert results["policy"].unique().tolist() == ["LinearUCB"]
    results = simulate({1: LinearUCB(), "two": LinearUCB()}, environment, 3)
    assert results["policy"].unique().tolist() == ["1", "two"]


def test_every_missing_seed_is_given(diary_bandit):
    class Nested(diary_bandit):
        def __init__(self, *, inner=None, arms=None, probability=None, random_state=None):
            super().__init__(arms=arms, probability=probability, random_state=random_state)
            self.inner = inner

    bandit = Nested(inner=Nested(inner=diary_bandit(random_state=3)))
    seed_all(bandit, 5)
    assert isinstance(bandit.random_state, np.random.RandomState)
    inner = bandit.inner
    assert isinstance(inner.random_state, int)
    assert inner.inner.random_state == 3
    again = Nested(inner=Nested(inner=diary_bandit(random_state=3)))
    seed_all(again, 5)
    assert again.inner.random_state == inner.random_state
    assert again.random_state.randint(1000) == bandit.random_state.randint(1000)
    seed_all(again, 6)
    assert again.inner.random_state == inner.random_state, "a seed that is set stays"
