"""Exploration by gradients, against differences of the loss."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.meta import ActiveBandit, GreedyBandit
from skbandit.meta._active import features_length


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

    chance = model.predict_proba(X[:5])[:, 1]
    found = np.abs(chance - label) * features_length(model, X[:5])
    for row, norm in zip(X[:5], found, strict=True):
        step = 1e-5 * np.eye(3)
        slope = [(loss(theta + one, row) - loss(theta - one, row)) / 2e-5 for one in step]
        assert norm == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_features_of_a_pipeline_and_of_sparse_rows():
    X, _, reward = rounds()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, reward)
    alone = LogisticRegression().fit(model[0].transform(X), reward)
    expected = features_length(alone, model[0].transform(X))
    np.testing.assert_allclose(features_length(model, X), expected, rtol=1e-12)
    np.testing.assert_allclose(
        features_length(alone, sparse.csr_array(X)), features_length(alone, X)
    )


def test_policy_by_gradients():
    X, arm, reward = rounds()
    bandit = ActiveBandit(arms=[0, 1], criterion="gradient", explore_share=0.5, decay=0.25)
    bandit.fit(X, arm, reward=reward)
    greedy = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1])
    greedy.fit(X, arm, reward=reward)
    share = 0.5 * 200.0**-0.25
    mean = greedy.expected_reward(X)
    # The same features for both: the arm whose reward is least certain is explored.
    explored = np.argmax(mean * (1.0 - mean), axis=1)
    expected = (1.0 - share) * greedy.predict_proba(X) + share * np.eye(2)[explored]
    np.testing.assert_allclose(bandit.predict_proba(X), expected)


def test_policy_by_rewards_is_greedy_where_features_are_shared():
    X, arm, reward = rounds()
    bandit = ActiveBandit(arms=[0, 1], explore_share=0.5).fit(X, arm, reward=reward)
    greedy = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1])
    greedy.fit(X, arm, reward=reward)
    np.testing.assert_array_equal(bandit.predict_proba(X), greedy.predict_proba(X))


@pytest.mark.parametrize("criterion", ["reward", "gradient"])
def test_features_of_each_arm(criterion):
    """Each arm's Pipeline scales by its own rounds: lengths differ, and are asked for."""
    X, arm, reward = rounds()
    X[arm == 1] *= 4.0
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    bandit = ActiveBandit(
        estimator=estimator, arms=[0, 1], criterion=criterion, explore_share=1.0
    ).fit(X, arm, reward=reward)
    score = np.empty((len(X), 2))
    for place in (0, 1):
        own = arm == place
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[own], reward[own])
        p = model.predict_proba(X)[:, 1]
        z = np.column_stack([model[0].transform(X), np.ones(len(X))])
        gradient = [np.linalg.norm((p - label)[:, None] * z, axis=1) for label in (0, 1)]
        score[:, place] = p * (gradient[0] + gradient[1])
        if criterion == "gradient":
            score[:, place] = p * gradient[1] + (1.0 - p) * gradient[0]
    chosen = np.eye(2)[score.argmax(axis=1)]
    np.testing.assert_array_equal(bandit.predict_proba(X), chosen)
    # Not the greedy choice throughout.
    assert (chosen != np.eye(2)[bandit.expected_reward(X).argmax(axis=1)]).any()


def test_an_arm_without_a_model_counts_by_its_rate():
    X, arm, reward = rounds()
    bandit = ActiveBandit(arms=[0, 1, 2]).fit(X, arm, reward=reward)
    rate = (1.0 + reward.sum()) / 202.0
    length = np.sqrt((X**2).sum(axis=1) + 1.0)
    mean = bandit.expected_reward(X)
    np.testing.assert_allclose(bandit._explored_score(X, mean)[:, 2], rate * length)
    bandit.set_params(criterion="gradient")
    score = bandit._explored_score(X, mean)[:, 2]
    np.testing.assert_allclose(score, 2.0 * rate * (1.0 - rate) * length)


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
    bandit.set_params(criterion="gradient")
    bandit.fit(X, arm, reward=reward)
    np.testing.assert_allclose(bandit.predict_proba(X), 0.5)
    assert set(asked) == {(RandomForestClassifier, 0), (RandomForestClassifier, 1)}
