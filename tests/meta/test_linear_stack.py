"""Linear models asked in one product are what they are one by one."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.svm import LinearSVR

from skbandit.meta import BootstrappedThompsonSampling, GreedyBandit
from skbandit.meta._base import BaseEstimatorBandit
from skbandit.meta._linear import _LOGISTIC, _REGRESSORS, linear_stack


def rounds(n_rounds=90):
    """Contexts, arms and rewards of 0 and 1."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rounds, 3))
    return X, rng.randint(3, size=n_rounds), (rng.rand(n_rounds) < 0.5).astype(float)


# Sets have no order, and the tests of several processes must have one.
KINDS = sorted([*_REGRESSORS, *_LOGISTIC, SGDClassifier], key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.filterwarnings("ignore:.*:FutureWarning")
def test_models_as_one(kind, intercept):
    X, arm, reward = rounds()
    estimator = kind(fit_intercept=intercept)
    if kind is SGDClassifier:
        estimator.set_params(loss="log_loss")
    models = []
    for one in range(3):
        model = kind(**estimator.get_params())
        models.append(model.fit(X[arm == one], reward[arm == one]))
    stack = linear_stack(models)
    for rows in (X, sparse.csr_array(X), X[:1]):
        if hasattr(models[0], "predict_proba"):
            expected = np.column_stack([one.predict_proba(rows)[:, 1] for one in models])
        else:
            expected = np.column_stack([one.predict(rows) for one in models])
        np.testing.assert_allclose(stack.expected(rows), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("solver", ["lbfgs", "liblinear", "newton-cholesky", "saga"])
def test_solvers_of_logistic_regression(solver):
    X, _, reward = rounds()
    model = LogisticRegression(solver=solver, max_iter=1000).fit(X, reward)
    expected = model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(linear_stack([model]).expected(X)[:, 0], expected, rtol=1e-12)


def test_what_is_not_stacked():
    X, _, reward = rounds()

    class Own(Ridge):
        def predict(self, X):
            return super().predict(X) ** 2

    for models in (
        [Own().fit(X, reward)],
        [LinearSVR().fit(X, reward)],
        [Ridge().fit(X, reward), linear_model.LinearRegression().fit(X, reward)],
        [SGDClassifier(loss="modified_huber").fit(X, reward)],
    ):
        assert linear_stack(models) is None


@pytest.mark.parametrize("estimator", [Ridge(), LogisticRegression()])
@pytest.mark.parametrize("n_cold", [0, 1])
def test_a_bandit_says_the_same_with_and_without(estimator, n_cold, monkeypatch):
    X, arm, reward = rounds()
    arms = list(range(3 + n_cold))
    for kind in (GreedyBandit, BootstrappedThompsonSampling):
        bandit = kind(estimator=estimator, arms=arms, random_state=0).fit(X, arm, reward=reward)
        stacked = bandit.expected_reward(X, return_std=True)
        assert bandit._linear_stack(X) is not None
        with monkeypatch.context() as patch:
            patch.setattr(f"{kind.__module__}.{kind.__name__}._linear_stack", lambda *_: None)
            again = kind(estimator=estimator, arms=arms, random_state=0)
            alone = again.fit(X, arm, reward=reward).expected_reward(X, return_std=True)
        np.testing.assert_allclose(stacked, alone, rtol=1e-10, atol=1e-12)


def test_one_who_asks_in_another_way_is_asked(monkeypatch):
    X, arm, reward = rounds()

    class Doubled(GreedyBandit):
        def _ask(self, model, rows):
            mean, width = super()._ask(model, rows)
            return 2.0 * mean, width

    plain = GreedyBandit(arms=[0, 1, 2]).fit(X, arm, reward=reward)
    double = Doubled(arms=[0, 1, 2]).fit(X, arm, reward=reward)
    assert issubclass(Doubled, BaseEstimatorBandit)
    np.testing.assert_allclose(double.expected_reward(X), 2.0 * plain.expected_reward(X))
