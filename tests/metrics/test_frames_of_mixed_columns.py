"""Frames of numbers, categories and missing values, by default."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skbandit._play import as_numbers, make_encoder
from skbandit.base import make_log
from skbandit.metrics import dr_value, make_policy_scorer
from skbandit.metrics._scorer_model import log_rewards
from skbandit.model_selection import compare_policies, estimate_propensity


class Shop:
    """Rounds whose arm and reward depend on a category and on whether an age is missing."""

    def __init__(self, n_rounds, seed):
        rng = np.random.RandomState(seed)
        city = rng.choice(["Bern", "Lima", "Oslo"], size=n_rounds, p=[0.5, 0.3, 0.2])
        age = rng.standard_normal(n_rounds)
        unknown = rng.uniform(size=n_rounds) < 0.2
        lima = city == "Lima"
        self.chance = np.where(lima, 0.8, 0.3)
        self.arm = rng.binomial(1, self.chance)
        self.mean = np.column_stack([2.0 * lima + unknown, 1.0 - lima + 0.5 * unknown])
        self.reward = self.mean[np.arange(n_rounds), self.arm] + rng.standard_normal(n_rounds) / 2
        propensity = np.where(self.arm == 1, self.chance, 1 - self.chance)
        self.log = make_log(self.arm, self.reward, propensity)
        columns = {
            "city": [None if i % 50 == 0 else str(c) for i, c in enumerate(city)],
            "age": [None if u else float(a) for a, u in zip(age, unknown, strict=True)],
            "member": [bool(m) for m in rng.randint(2, size=n_rounds)],
        }
        self.frames = {
            "pandas": pd.DataFrame(columns),
            "categories": pd.DataFrame(columns).astype({"city": "category"}),
            "polars": pl.DataFrame(columns),
            "objects": pd.DataFrame(columns).to_numpy(dtype=object),
        }


@pytest.fixture(scope="module")
def shop():
    return Shop(1500, 0)


def classifier():
    return make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())


@pytest.mark.parametrize("kind", ["pandas", "categories", "polars", "objects"])
def test_the_default_reward_model_sees_labels_and_gaps(kind, shop):
    expected, _ = log_rewards(shop.frames[kind], shop.arm, shop.reward)
    known = np.arange(1500) % 50 != 0
    # 1,500 rounds in two models of about six weights, noise of one half: errors of about .03.
    assert np.sqrt(np.mean((expected[known, :2] - shop.mean[known]) ** 2)) < 0.12


@pytest.mark.parametrize("kind", ["pandas", "categories", "polars"])
def test_estimated_propensities(kind, shop):
    found = estimate_propensity(make_log(shop.arm, shop.reward), shop.frames[kind])
    truth = shop.log["propensity"]
    known = np.arange(1500) % 50 != 0
    assert np.sqrt(np.mean((found["propensity"] - truth)[known] ** 2)) < 0.05


@pytest.mark.parametrize("kind", ["pandas", "categories", "polars"])
def test_comparison_and_scorers(kind, shop):
    frame = shop.frames[kind]
    # Plays 1 outside Lima, as its classes say, and cannot be told apart from one on an array.
    policy = classifier().fit(shop.frames["pandas"][["city"]], shop.mean.argmax(axis=1))

    class OfCity:
        classes_ = policy.classes_

        def predict_proba(self, X):
            city = pd.DataFrame({"city": list(X["city"])}).astype(object)
            return policy.predict_proba(city.where(city.notna(), None))

    results = compare_policies({"city": OfCity()}, frame, shop.log)
    truth = (OfCity().predict_proba(frame) * shop.mean).sum(axis=1).mean()
    row = results.loc["city"]
    # Within four standard errors, and a shorter interval than without a model.
    assert abs(row["value"] - truth) < 2 * (row["high"] - row["low"])
    plain = compare_policies({"city": OfCity()}, frame, shop.log, estimator="snips").loc["city"]
    assert row["high"] - row["low"] < plain["high"] - plain["low"]
    score = make_policy_scorer("dr")(OfCity(), frame, shop.log)
    np.testing.assert_allclose(score, row["value"])
    expected, _ = log_rewards(frame, shop.arm, shop.reward)
    direct = dr_value(
        reward=shop.reward,
        arm=shop.arm,
        propensity=shop.log["propensity"],
        policy_probability=OfCity().predict_proba(frame),
        expected_reward=expected[:, :2],
    )
    np.testing.assert_allclose(direct.value, score)


def test_missing_numbers_of_an_array(shop):
    X = np.column_stack([np.arange(1500) % 7, np.where(np.arange(1500) % 5, 1.0, np.nan)])
    expected, _ = log_rewards(X, shop.arm, shop.reward)
    assert np.isfinite(expected).all()


def test_what_needs_no_encoder_has_none():
    assert make_encoder(np.ones((3, 2))) is None
    assert make_encoder(pd.DataFrame({"a": [1, 2], "b": [True, False]})) is None
    assert make_encoder(["a text", "another"]) is None
    assert as_numbers(pd.Series(["a text", "another"])) is None


def test_columns_of_all_kinds():
    when = pd.date_range("2020-01-01", periods=60)
    frame = pd.DataFrame(
        {
            "when": when,
            "empty": np.nan,
            "count": pd.array([None, 3] * 30, dtype="Int64"),
            "flag": pd.array([None, True] * 30, dtype="boolean"),
            "id": [f"visitor {i}" for i in range(60)],
        }
    )
    encoder = make_encoder(frame).fit(frame[:40])
    # The time, the empty column, two beside where they miss (three), and 30 labels.
    numbers = encoder.transform(frame)
    assert numbers.shape == (60, 4 + 3 + 30)
    assert np.isfinite(numbers).all()
    np.testing.assert_allclose(numbers, encoder.transform(pl.from_pandas(frame)))
    # Labels that the first rows do not show share the column of the rare ones.
    assert (numbers[40:, -1] == 1).all()
    assert as_numbers(frame).shape == (60, 5)


def test_columns_of_lists_are_refused():
    with pytest.raises(ValueError, match=r"column 'tags' of X holds List.*model of your own"):
        make_encoder(pl.DataFrame({"tags": [[1, 2], [3]]}))


def test_texts_say_the_way_out(shop):
    texts = ["some words"] * 1500
    with pytest.raises(ValueError, match=r"type list. Pass an estimator.*TfidfVectorizer"):
        estimate_propensity(shop.log, texts)


_SEARCH = """
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from skbandit.base import make_log
from skbandit.metrics import get_policy_scorer

class Policy(BaseEstimator):
    def __init__(self, share=0.5):
        self.share = share
    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self
    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)

rng = np.random.RandomState(0)
log = make_log(rng.randint(2, size=200), rng.uniform(size=200), np.full(200, 0.5))
search = GridSearchCV(Policy(), {"share": [0.1, 0.2, 0.3]}, scoring=get_policy_scorer("dr"))
search.fit(["some words"] * 200, log)
"""


def test_a_search_that_fails_is_brief():
    done = subprocess.run(
        [sys.executable, "-c", _SEARCH], capture_output=True, text=True, check=True
    )
    # 15 scores fail: a warning with its line of code, and scikit-learn's own at the end.
    ours, _, theirs, _ = done.stderr.splitlines()
    assert "set to nan" in ours
    assert "The default reward model needs X of columns" in ours
    assert "non-finite: [nan nan nan]" in theirs


def test_error_score_raise_ends_it():
    with pytest.raises(ValueError, match="The default reward model needs X of columns"):
        exec(_SEARCH.replace('("dr")', '("dr"), error_score="raise"'), {})
