"""Bounds of regressors that fit about as well, against constrained optimisation."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.meta import RegCB
from skbandit.meta._regression_bounds import OracleBounds, is_ridge, ridge_bounds


def rounds(n_rounds=60, n_arms=2, seed=0):
    """Contexts, arms, rewards and weights."""
    rng = np.random.RandomState(seed)
    X, arm = rng.standard_normal((n_rounds, 2)) + 1.0, rng.randint(n_arms, size=n_rounds)
    reward = X[:, 0] * (arm - 0.5) + 0.3 * rng.standard_normal(n_rounds)
    return X, arm, reward, rng.rand(n_rounds) + 0.5


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 2.0])
def test_ridge_bounds_are_the_extremes(intercept, alpha):
    """Against a numerical maximum of the prediction under the constraint on the loss."""
    X, _, reward, weight = rounds()
    model = Ridge(alpha=alpha, fit_intercept=intercept, tol=1e-12)
    model.fit(X, reward, sample_weight=weight)
    row, excess = np.array([2.0, -1.0]), 0.7

    def loss(params):
        error = reward - X @ params[:2] - intercept * params[2]
        return weight @ error**2 + alpha * (params[:2] @ params[:2])

    best = np.append(model.coef_, model.intercept_)
    extremes = []
    for sign in (1.0, -1.0):
        found = minimize(
            lambda params, sign=sign: sign * (params[:2] @ row + intercept * params[2]),
            best + 0.01,
            constraints={"type": "ineq", "fun": lambda p: loss(best) + excess - loss(p)},
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        extremes.append(sign * found.fun)
    low, high = ridge_bounds(model, X, weight).bounds(row[None], excess, False)
    np.testing.assert_allclose([low[0], high[0]], extremes, rtol=1e-4)


def test_a_pipeline_has_the_bounds_of_its_last_step():
    X, _, reward, weight = rounds()
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, reward, ridge__sample_weight=weight)
    scaled = model[0].transform(X)
    alone = Ridge().fit(scaled, reward, sample_weight=weight)
    found = ridge_bounds(model, X, weight).bounds(X, 1.0, False)
    expected = ridge_bounds(alone, scaled, weight).bounds(scaled, 1.0, False)
    np.testing.assert_allclose(found, expected)
    rows = sparse.csr_array(X)
    other = Ridge(fit_intercept=False, tol=1e-12).fit(rows, reward)
    found = ridge_bounds(other, rows, np.ones(60)).bounds(rows, 1.0, False)
    other = Ridge(fit_intercept=False, tol=1e-12).fit(X, reward)
    np.testing.assert_allclose(
        found, ridge_bounds(other, X, np.ones(60)).bounds(X, 1.0, False), atol=1e-6
    )


def test_the_oracle_finds_the_bounds_of_least_squares():
    """Ridge with hardly any penalty, by fits with a made-up round, against the closed form."""
    X, _, reward, weight = rounds()
    estimator = Ridge(alpha=1e-9, tol=1e-12)
    model = estimator.fit(X, reward, sample_weight=weight)
    closed = ridge_bounds(model, X, weight)
    oracle = OracleBounds(model, estimator, X, reward, weight, 0, 40)
    for excess in (0.1, 1.0):
        expected = closed.bounds(X[:4], excess, False)
        np.testing.assert_allclose(oracle.bounds(X[:4], excess, False), expected, rtol=1e-6)


def test_bounds_of_a_classifier():
    """Logistic regression in one dimension, against a grid over its two coefficients."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((40, 1))
    reward = (rng.rand(40) < 1.0 / (1.0 + np.exp(-X[:, 0]))).astype(float)
    estimator = LogisticRegression(C=1e6, tol=1e-8)
    oracle = OracleBounds(estimator.fit(X, reward), estimator, X, reward, np.ones(40), 0, 25)
    row, excess = np.array([[1.5]]), 0.05
    (low,), (high,) = oracle.bounds(row, excess, True)
    slope, intercept = np.meshgrid(np.linspace(-1, 5, 400), np.linspace(-3, 3, 400))
    chance = 1.0 / (1.0 + np.exp(-(slope[..., None] * X[:, 0] + intercept[..., None])))
    loss = ((chance - reward) ** 2).sum(axis=-1)
    allowed = ((estimator.predict_proba(X)[:, 1] - reward) ** 2).sum() + excess
    expects = 1.0 / (1.0 + np.exp(-(slope * 1.5 + intercept)))
    within = expects[loss <= allowed]
    # Fits minimise the log loss, so they are near the edge of the squared loss, and inside.
    mean = estimator.predict_proba(row)[0, 1]
    assert within.min() - 0.01 <= low < mean < high <= within.max() + 0.01
    assert high - low > 0.7 * (within.max() - within.min())


def test_optimistic_and_elimination():
    X, arm, reward, _ = rounds(200, n_arms=3)
    bandit = RegCB(arms=[0, 1, 2], mellowness=0.3).fit(X, arm, reward=reward)
    excess = 0.3 * np.log(np.e + 200.0) * reward.var()
    low, high = np.empty((200, 3)), np.empty((200, 3))
    for one in range(3):
        own = arm == one
        model = Ridge(tol=1e-12).fit(X[own], reward[own])
        low[:, one], high[:, one] = ridge_bounds(model, X[own], np.ones(own.sum())).bounds(
            X, excess, False
        )
    np.testing.assert_allclose(bandit.decision_function(X), high)
    np.testing.assert_array_equal(bandit.predict_proba(X).argmax(axis=1), high.argmax(axis=1))
    bandit.set_params(rule="elimination")
    alive = high >= low.max(axis=1, keepdims=True)
    assert 0.0 < alive.mean() < 1.0
    expected = alive / alive.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(bandit.predict_proba(X), expected)
    mask = np.random.RandomState(0).rand(200, 3) < 0.6
    mask[:, 0] = True
    known = np.where(mask, low, -np.inf).max(axis=1, keepdims=True)
    alive = (high >= known) & mask
    expected = alive / alive.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(bandit.predict_proba(X, available=mask), expected)


def test_unit_and_offset_of_rewards_do_not_matter():
    X, arm, reward, _ = rounds()
    for rule in ("optimistic", "elimination"):
        bandit = RegCB(arms=[0, 1], rule=rule)
        policy = bandit.fit(X, arm, reward=reward).predict_proba(X)
        bandit.fit(X, arm, reward=500.0 + 100.0 * reward)
        np.testing.assert_allclose(policy, bandit.predict_proba(X))


def test_a_bandit_with_an_oracle():
    X, arm, reward, _ = rounds()
    estimator = LogisticRegression()
    bandit = RegCB(estimator=estimator, arms=[0, 1], n_steps=6)
    bandit.fit(X, arm, reward=(reward > 0.5).astype(float))
    mean, high = bandit.expected_reward(X[:3]), bandit.decision_function(X[:3])
    assert (high > mean).all()
    assert (high <= 1.0).all()


def test_who_has_a_closed_form():
    assert is_ridge(make_pipeline(StandardScaler(), Ridge()))
    assert not is_ridge(Ridge(positive=True))
    bandit = RegCB(estimator=KNeighborsRegressor(), arms=[0, 1])
    with pytest.raises(ValueError, match="must take sample_weight"):
        bandit.predict(np.zeros((1, 2)))
