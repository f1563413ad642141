"""Steps of a Pipeline that look at y see the arm or the reward of a log."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.metrics import get_policy_scorer
from skbandit.model_selection import cross_val_predict
from skbandit.pipeline import LogTarget

N = 300


@pytest.fixture
def log():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N, 4))
    # Column 1 says which arm was played, column 3 what it paid.
    arm = np.where(X[:, 1] > 0, "a", "b")
    return X, make_log(arm, X[:, 3] + 0.1 * rng.standard_normal(N), np.full(N, 0.5))


@pytest.mark.parametrize(
    ("target", "score", "column"), [("reward", f_regression, 3), ("arm", f_classif, 1)]
)
def test_a_selection_sees_its_target(log, target, score, column):
    X, y = log
    select = LogTarget(SelectKBest(score, k=1), target=target)
    pipeline = make_pipeline(StandardScaler(), select, LinearUCB()).fit(X, y)
    assert pipeline[1].transformer_.get_support(indices=True).tolist() == [column]
    assert pipeline.n_features_in_ == 4
    assert pipeline[-1].n_features_in_ == 1


def test_frames_as_logs_and_names(log):
    X, y = log
    frame = pd.DataFrame(X, columns=list("abcd"))
    select = LogTarget(SelectKBest(f_regression, k=2)).set_output(transform="pandas")
    for log_ in (pd.DataFrame(y), y):
        pipeline = make_pipeline(clone(select), LinearUCB()).fit(frame, log_)
        assert "d" in pipeline[-1].feature_names_in_
        assert pipeline[0].get_feature_names_out().tolist() == (
            pipeline[-1].feature_names_in_.tolist()
        )


def test_labels_pass_as_they_are(log):
    X, y = log
    plain = LogTarget(SelectKBest(k=1)).fit(X, y["arm"])
    assert plain.transformer_.get_support(indices=True).tolist() == [1]


class CrossFitted(TransformerMixin, BaseEstimator):
    """Transforms the rows that it was fitted on in another way than later ones."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def fit_transform(self, X, y):
        return self.fit(X, y).transform(X) - np.asarray(y)[:, None] / len(X)

    def transform(self, X):
        return np.full((len(X), 1), self.mean_)


def test_cross_fitting_is_kept(log):
    X, y = log
    wrapped, direct = LogTarget(CrossFitted()), CrossFitted()
    np.testing.assert_array_equal(
        wrapped.fit_transform(X, y), direct.fit_transform(X, y["reward"])
    )
    np.testing.assert_array_equal(wrapped.transform(X), direct.transform(X))


def test_its_parameters_are_searched(log):
    X, y = log
    pipeline = make_pipeline(LogTarget(SelectKBest(f_regression)), LinearUCB())
    search = GridSearchCV(pipeline, {"logtarget__transformer__k": [1, 4]}, cv=2).fit(X, y)
    assert search.best_params_["logtarget__transformer__k"] in (1, 4)


BARE = {
    "alone": SelectKBest(k=2),
    "nested": make_pipeline(StandardScaler(), SelectKBest(k=2)),
    "union": FeatureUnion([("same", "passthrough"), ("best", SelectKBest(k=2))]),
    "columns": ColumnTransformer([("drop", "drop", [0]), ("best", SelectKBest(k=2), [1, 2, 3])]),
}


@pytest.mark.parametrize("step", BARE.values(), ids=BARE)
def test_a_selection_that_cannot_read_logs_is_refused(log, step):
    X, y = log
    # Clicks: scikit-learn finds as many classes as there are kinds of rounds, without a word.
    y = make_log(y["arm"], y["reward"] > 0, y["propensity"])
    scorer, refused = get_policy_scorer("snips"), r"SelectKBest before the bandit.*LogTarget"
    pipeline = make_pipeline(step, LinearUCB())
    for one in (pipeline, make_pipeline(StandardScaler(), pipeline)):
        with pytest.raises(ValueError, match=refused):
            clone(one).fit(X, y)
    # Steps that were fitted one by one.
    fitted = make_pipeline(clone(step).fit(X, y), LinearUCB().fit(X, y))
    with pytest.raises(ValueError, match=refused):
        scorer(fitted, X, y)
    with pytest.raises(ValueError, match=refused):
        cross_val_predict(pipeline, X, y, cv=2)
    with pytest.raises(ValueError, match=refused):
        GridSearchCV(
            pipeline, {"linearucb__alpha": [1.0]}, scoring=scorer, cv=2, error_score="raise"
        ).fit(X, y)


def test_what_is_fitted_by_itself_is_not_asked_about_its_pipeline(log):
    X, y = log

    class Inside(TransformerMixin, BaseEstimator):
        """Fits a bandit of its own on the log, whatever stands before it."""

        def fit(self, X, y):
            self.bandit_ = LinearUCB().fit(X, y)
            return self

        def transform(self, X):
            return self.bandit_.expected_reward(X)

    labels = make_pipeline(SelectKBest(k=2), LinearUCB()).fit(X, y["arm"])
    assert labels[-1].full_feedback_
    pipeline = make_pipeline(StandardScaler(), Inside(), LinearUCB()).fit(X, y)
    assert pipeline[-1].n_features_in_ == 2


# Its propensities are made up.
@pytest.mark.filterwarnings("ignore:the importance weights have mean")
def test_what_reads_logs_or_met_none_is_scored(log):
    X, y = log
    scorer = get_policy_scorer("snips")
    wrapped = make_pipeline(LogTarget(SelectKBest(f_regression, k=1)), LinearUCB()).fit(X, y)
    assert np.isfinite(scorer(wrapped, X, y))
    arms = make_pipeline(SelectKBest(k=1), LinearUCB()).fit(
        X, y["arm"], linearucb__reward=y["reward"]
    )
    assert np.isfinite(scorer(arms, X, y["arm"], reward=y["reward"], propensity=y["propensity"]))
    # A classifier met labels.
    classifier = make_pipeline(SelectKBest(k=1), LogisticRegression()).fit(X, y["arm"])
    assert np.isfinite(scorer(classifier, X, y))


def test_check_estimator():
    check_estimator(LogTarget(StandardScaler()), on_skip=None)


def test_bad_target(log):
    with pytest.raises(ValueError, match="target"):
        LogTarget(SelectKBest(), target="propensity").fit(*log)
