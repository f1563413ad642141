"""The adult data as they come: strings, categories and missing values, around two estimators."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbandit.base import make_log
from skbandit.meta import GreedyBandit
from skbandit.metrics import get_policy_scorer
from skbandit.selectors import EpsilonGreedySelector

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "adult.csv.gz"
N_ROUNDS = 4_000


@pytest.fixture(scope="module")
def adult():
    """A frame with missing values, and a log of two arms played at random."""
    if not SHARED.exists():
        pytest.skip("the adult data are not at ../shared/data/adult.csv.gz")
    table = pd.read_csv(SHARED, na_values="?", nrows=6_000)
    frame, income = table.drop(columns="class"), table["class"]
    assert frame.isna().any(axis=None)
    arms = sorted(income.unique())
    played = np.array(arms)[np.random.RandomState(0).randint(2, size=len(frame))]
    reward = (played == income.to_numpy()).astype(float)
    return frame, income.to_numpy(), make_log(played, reward, np.full(len(frame), 0.5)), arms


ENCODED = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude=np.number)),
    (StandardScaler(), make_column_selector(dtype_include=np.number)),
)
SETTINGS = {
    "pipeline": (
        make_pipeline(ENCODED, LogisticRegression(max_iter=1000)),
        {"estimator__logisticregression__C": [0.01, 1.0]},
    ),
    "boosting": (
        HistGradientBoostingClassifier(max_iter=30, categorical_features="from_dtype"),
        {"estimator__max_leaf_nodes": [4, 16]},
    ),
}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_adult_as_it_comes(adult, name, tmp_path):
    frame, income, log, arms = adult
    estimator, grid = SETTINGS[name]
    if name == "boosting":
        texts = frame.select_dtypes(exclude=np.number).columns
        frame = frame.astype(dict.fromkeys(texts, "category"))
    bandit = GreedyBandit(
        estimator=estimator, arms=arms, selector=EpsilonGreedySelector(0.1), random_state=0
    )
    search = GridSearchCV(bandit, grid, scoring=get_policy_scorer("snips"), cv=2)
    best = search.fit(frame[:N_ROUNDS], log[:N_ROUNDS]).best_estimator_
    joblib.dump(best, tmp_path / "bandit.joblib")
    loaded = joblib.load(tmp_path / "bandit.joblib")
    fresh, right = frame[N_ROUNDS:], income[N_ROUNDS:]
    policy = best.predict_proba(fresh)
    chunks = [fresh[start : start + 300] for start in range(0, len(fresh), 300)]
    in_chunks = np.concatenate([loaded.predict_proba(chunk) for chunk in chunks])
    np.testing.assert_allclose(in_chunks, policy, atol=1e-12)
    # Always the more frequent class is right in 76 of 100; ten percent of the rounds explore.
    greedy = best.predict(fresh, explore=False)
    assert np.mean(greedy == right) > 0.81
    value = best.score(fresh, log[N_ROUNDS:])
    chosen = policy[np.arange(len(right)), np.searchsorted(arms, right)].mean()
    # The log's estimate of what the policy earns: four standard errors.
    assert value == pytest.approx(chosen, abs=4.0 * 0.5 * np.sqrt(2.0 / len(right)))
    loaded.partial_fit(fresh, log["arm"][N_ROUNDS:], log["reward"][N_ROUNDS:])
    assert loaded.learnt_weight_ == len(frame)
