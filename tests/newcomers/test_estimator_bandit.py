"""The newcomer's bandit around an estimator, on numbers, frames of strings, and texts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skbandit.selectors import EpsilonGreedySelector, TopKSelector
from skbandit.utils.estimator_checks import parametrize_with_bandit_checks
from tests.newcomers.estimator_bandit import EstimatorBandit
from tests.newcomers.test_precision_bandit import lines_of_code

polars = pytest.importorskip("polars", reason="polars is not installed")

WORDS = ["red", "blue", "car", "bike", "fast", "slow", "new", "old", "small", "wide"]
ONE_HOT = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city", "device"]),
    remainder="drop",
)


def frames(n_samples, rng):
    """Strings, categories and numbers, some of them missing."""
    return pd.DataFrame(
        {
            "city": rng.choice(["rome", "oslo", "lima", None], n_samples),
            "device": pd.Categorical(rng.choice(["phone", "desk"], n_samples)),
            "age": np.where(rng.rand(n_samples) < 0.2, np.nan, rng.randint(18, 80, n_samples)),
        }
    )


def polars_frames(n_samples, rng):
    return polars.from_pandas(frames(n_samples, rng))


def texts(n_samples, rng):
    return [" ".join(rng.choice(WORDS, 4)) for _ in range(n_samples)]


def around(estimator, selector=None):
    return EstimatorBandit(estimator=estimator, selector=selector)


NUMBERS = [
    around(DecisionTreeRegressor(max_depth=3, random_state=0)),
    around(LogisticRegression(), TopKSelector(k=2)),
]
ON_FRAMES = [around(make_pipeline(ONE_HOT, Ridge()), EpsilonGreedySelector())]
ON_TEXTS = [around(make_pipeline(TfidfVectorizer(), LogisticRegression()))]


def test_it_is_short():
    assert lines_of_code("estimator_bandit.py") <= 80


@parametrize_with_bandit_checks(NUMBERS)
def test_numbers(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(ON_FRAMES, contexts=frames)
def test_frames(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(ON_FRAMES, contexts=polars_frames)
def test_polars_frames(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(ON_TEXTS, contexts=texts)
def test_texts(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("bandit", "make"), [(ON_FRAMES[0], frames), (ON_TEXTS[0], texts)], ids=["frames", "texts"]
)
def test_it_learns_what_rows_say(bandit, make):
    """The first arm pays in some rows, the second in the others."""
    rng = np.random.RandomState(0)
    X = make(400, rng)
    if isinstance(X, list):
        pays = np.array(["red" in text for text in X])
    else:
        pays = (X["city"] == "rome").to_numpy()
    arm = rng.choice(["yes", "no"], 400)
    reward = ((arm == "yes") == pays).astype(float)
    learnt = bandit.set_params(arms=["yes", "no"], random_state=0)
    for start in range(0, 400, 100):
        rows = slice(start, start + 100)
        learnt.partial_fit(X[rows], arm[rows], reward[rows])
    played = learnt.predict(X, explore=False)
    assert np.mean((played == "yes") == pays) > 0.95
