"""Rows of every kind: frames of strings, categories and missing values, and texts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skbandit.meta import BootstrappedThompsonSampling, GreedyBandit
from skbandit.selectors import EpsilonGreedySelector
from skbandit.utils.estimator_checks import parametrize_with_bandit_checks

polars = pytest.importorskip("polars", reason="polars is not installed")

WORDS = ["red", "blue", "car", "bike", "fast", "slow", "new", "old", "small", "wide"]
ENCODED = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["city", "device"]),
    (SimpleImputer(), ["age"]),
)
BOOSTED = HistGradientBoostingClassifier(
    max_iter=2, max_leaf_nodes=4, min_samples_leaf=5, categorical_features="from_dtype"
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


def categories(n_samples, rng):
    """Categories and numbers, some of them missing."""
    return frames(n_samples, rng).astype({"city": "category"})


def polars_frames(n_samples, rng):
    """The same in polars."""
    return polars.from_pandas(frames(n_samples, rng))


def texts(n_samples, rng):
    """Short texts."""
    return [" ".join(rng.choice(WORDS, 4)) for _ in range(n_samples)]


ON_FRAMES = [
    GreedyBandit(
        estimator=make_pipeline(ENCODED, LogisticRegression()), selector=EpsilonGreedySelector()
    ),
    BootstrappedThompsonSampling(
        estimator=make_pipeline(ENCODED, DecisionTreeClassifier(max_depth=3)), n_samples=2
    ),
]
ON_TEXTS = [GreedyBandit(estimator=make_pipeline(TfidfVectorizer(), LogisticRegression()))]


@parametrize_with_bandit_checks(ON_FRAMES, contexts=frames)
def test_frames(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(ON_FRAMES[:1], contexts=polars_frames)
def test_polars_frames(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks([GreedyBandit(estimator=BOOSTED)], contexts=categories)
def test_categories(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(ON_TEXTS, contexts=texts)
def test_texts(estimator, check):
    check(estimator)


def test_the_arm_is_a_column_of_a_frame():
    rng = np.random.RandomState(0)
    X, arm = frames(60, rng), np.tile(["x", "y"], 30)
    reward = (X["device"] == "phone").to_numpy() == (arm == "x")
    own = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city", "device"]),
        ("passthrough", ["arm 0", "arm 1"]),
    )
    bandit = GreedyBandit(
        estimator=make_pipeline(own, DecisionTreeClassifier()), arms=["x", "y"], arm_model="pooled"
    )
    bandit.fit(X, arm, reward=reward)
    expected = np.where(X["device"] == "phone", "x", "y")
    np.testing.assert_array_equal(bandit.predict(X, explore=False), expected)


def test_texts_have_no_column_for_the_arm():
    X = texts(20, np.random.RandomState(0))
    bandit = GreedyBandit(estimator=ON_TEXTS[0].estimator, arms=[0, 1], arm_model="pooled")
    with pytest.raises(ValueError, match="no columns"):
        bandit.fit(X, [0, 1] * 10, reward=[0, 1, 1, 0] * 5)
