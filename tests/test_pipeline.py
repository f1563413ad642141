"""Steps of a Pipeline that look at y see the arm or the reward of a log."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skbandit.base import make_log
from skbandit.linear import LinearUCB
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


def test_check_estimator():
    check_estimator(LogTarget(StandardScaler()), on_skip=None)


def test_bad_target(log):
    with pytest.raises(ValueError, match="target"):
        LogTarget(SelectKBest(), target="propensity").fit(*log)
