"""Exploration by gradients, against differences of the loss."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.meta import ActiveBandit, GreedyBandit
from skbandit.meta._active import gradient_norm


def rounds(n_rounds=200):
    """Contexts, arms and rewards of 0 and 1."""
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((n_rounds, 2)) + 0.5, rng.randint(2, size=n_rounds)
    chance = 1.0 / (1.0 + np.exp(-X[:, 0] * (2.0 * arm - 1.0)))
    return X, arm, (rng.random_sample(n_rounds) < chance).astype(float)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("label", [0, 1])
def test_gradient_is_that_of_the_loss(label, intercept):
    X, _, reward = rounds()
    model = LogisticRegression(fit_intercept=intercept).fit(X, reward)
    theta = np.append(model.coef_, model.intercept_)

    def loss(params, row):
        score = params[:2] @ row + intercept * params[2]
        return np.log1p(np.exp(score)) - label * score

    for row in X[:5]:
        step = 1e-5 * np.eye(3)
        slope = [(loss(theta + one, row) - loss(theta - one, row)) / 2e-5 for one in step]
        found = gradient_norm(model, row[None], label)[0]
        assert found == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_gradient_of_a_pipeline_and_of_sparse_rows():
    X, _, reward = rounds()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, reward)
    alone = LogisticRegression().fit(model[0].transform(X), reward)
    expected = gradient_norm(alone, model[0].transform(X), 1)
    np.testing.assert_allclose(gradient_norm(model, X, 1), expected, rtol=1e-5)
    np.testing.assert_allclose(
        gradient_norm(alone, sparse.csr_array(X), 1), gradient_norm(alone, X, 1)
    )


def test_policy():
    X, arm, reward = rounds()
    bandit = ActiveBandit(arms=[0, 1], explore_share=0.5, decay=0.25)
    bandit.fit(X, arm, reward=reward)
    greedy = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1])
    greedy.fit(X, arm, reward=reward)
    share = 0.5 * 200.0**-0.25
    mean = greedy.expected_reward(X)
    # The same features for both: the arm whose reward is least certain is explored.
    explored = np.argmax(mean * (1.0 - mean), axis=1)
    expected = (1.0 - share) * greedy.predict_proba(X) + share * np.eye(2)[explored]
    np.testing.assert_allclose(bandit.predict_proba(X), expected)


def test_an_arm_without_a_model_counts_by_its_rate():
    X, arm, reward = rounds()
    bandit = ActiveBandit(arms=[0, 1, 2]).fit(X, arm, reward=reward)
    norm = bandit._expected_norm(X)
    rate = (1.0 + reward.sum()) / 202.0
    length = np.sqrt((X**2).sum(axis=1) + 1.0)
    np.testing.assert_allclose(norm[:, 2], 2.0 * rate * (1.0 - rate) * length)


def test_gradients_of_ones_own():
    X, arm, reward = rounds()
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    with pytest.raises(ValueError, match="gradient_norm="):
        ActiveBandit(estimator=forest, arms=[0, 1]).fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match="predict_proba"):
        ActiveBandit(estimator=SGDClassifier(), arms=[0, 1]).fit(X, arm, reward=reward)
    asked = []

    def norm(model, rows, label):
        asked.append((type(model), label))
        return np.abs(rows[:, 1])

    bandit = ActiveBandit(estimator=forest, arms=[0, 1], gradient_norm=norm, explore_share=1.0)
    bandit.fit(X, arm, reward=reward)
    np.testing.assert_allclose(bandit.predict_proba(X), 0.5)
    assert set(asked) == {(RandomForestClassifier, 0), (RandomForestClassifier, 1)}
