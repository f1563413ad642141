"""What was learnt, for other arms, features, estimators and policies; shards joined."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor
from sklearn.tree import DecisionTreeRegressor

from skbandit.buffers import SlidingWindow
from skbandit.linear import LinearUCB
from skbandit.meta import (
    BootstrappedThompsonSampling,
    GreedyBandit,
    RegCB,
    SquareCB,
    TreeThompsonSampling,
)
from skbandit.transfer import merge, transfer


def rounds(n_rounds=120, n_arms=3, seed=0):
    """Contexts, arms and rewards of 0 and 1."""
    rng = np.random.RandomState(seed)
    X, arm = rng.standard_normal((n_rounds, 3)), rng.randint(n_arms, size=n_rounds)
    return X, arm, (X[:, 0] * (arm - 1.0) + rng.standard_normal(n_rounds) > 0.0).astype(float)


def _learnt(**params):
    X, arm, reward = rounds()
    bandit = GreedyBandit(arms=[0, 1, 2], random_state=0, **params)
    return bandit.fit(X, arm, reward=reward), X, arm, reward


def test_adding_an_arm_equals_having_known_it():
    bandit, X, arm, reward = _learnt(estimator=LogisticRegression())
    known = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2, 3], random_state=0)
    known.fit(X, arm, reward=reward)
    more = bandit.add_arms([3])
    np.testing.assert_allclose(more.expected_reward(X), known.expected_reward(X))
    np.testing.assert_allclose(more.predict_proba(X), known.predict_proba(X))
    assert bandit.estimators_[0] is more.estimators_[0]
    taught = bandit.add_arms([3], init=1)
    np.testing.assert_allclose(taught.expected_reward(X)[:, 3], bandit.expected_reward(X)[:, 1])


def test_an_arm_that_starts_from_the_average():
    bandit, X, _, reward = _learnt(estimator=Ridge(tol=1e-10))
    more = bandit.add_arms([3], init="mean")
    alone = Ridge(tol=1e-10).fit(X, reward, sample_weight=np.full(120, 1.0 / 3.0))
    np.testing.assert_allclose(more.expected_reward(X)[:, 3], alone.predict(X), atol=1e-10)
    assert more.weight_[3] == pytest.approx(40.0)


def test_an_arm_that_starts_from_weights():
    bandit, X, arm, reward = _learnt(estimator=Ridge(tol=1e-10))
    more = bandit.add_arms([3, 4], init={3: {0: 0.5, 2: 0.25}, 4: {1: 0.5}})
    for column, shares in ((3, [0.5, 0.0, 0.25]), (4, [0.0, 0.5, 0.0])):
        weight = np.array(shares)[arm]
        alone = Ridge(tol=1e-10).fit(X, reward, sample_weight=weight)
        expected = alone.predict(X)
        np.testing.assert_allclose(more.expected_reward(X)[:, column], expected, atol=1e-9)
        assert more.weight_[column] == pytest.approx(weight.sum())


def test_removing_and_reordering():
    bandit, X, arm, reward = _learnt(estimator=DecisionTreeRegressor(max_features=1))
    fewer = bandit.remove_arms([1])
    np.testing.assert_array_equal(fewer.expected_reward(X), bandit.expected_reward(X)[:, [0, 2]])
    assert len(fewer.state_.buffer) == (arm != 1).sum()
    other = transfer(bandit, GreedyBandit(**{**bandit.get_params(deep=False), "arms": [2, 0, 1]}))
    np.testing.assert_array_equal(
        other.expected_reward(X), bandit.expected_reward(X)[:, [2, 0, 1]]
    )
    # Learning on, both are fitted to the same rounds with the same seeds.
    for one in (bandit, other):
        one.set_params(refit_growth=1.0).partial_fit(X, arm, reward)
    np.testing.assert_array_equal(
        other.expected_reward(X), bandit.expected_reward(X)[:, [2, 0, 1]]
    )


@pytest.mark.parametrize("arm_model", ["disjoint", "pooled"])
def test_features_that_come_and_go(arm_model):
    bandit, X, arm, reward = _learnt(arm_model=arm_model)
    wide = bandit.expand_features(2)
    padded = np.hstack([X, np.zeros((120, 2))])
    np.testing.assert_allclose(wide.expected_reward(padded), bandit.expected_reward(X), atol=1e-8)
    narrow = bandit.drop_features([1])
    known = GreedyBandit(arms=[0, 1, 2], arm_model=arm_model, random_state=0)
    known.fit(X[:, [0, 2]], arm, reward=reward)
    np.testing.assert_allclose(
        narrow.expected_reward(X[:, [0, 2]]), known.expected_reward(X[:, [0, 2]]), atol=1e-8
    )


def test_features_of_frames():
    X, arm, reward = rounds()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    bandit = GreedyBandit(arms=[0, 1, 2], random_state=0).fit(frame, arm, reward=reward)
    narrow = bandit.drop_features(["b"])
    assert narrow.feature_names_in_.tolist() == ["a", "c"]
    known = GreedyBandit(arms=[0, 1, 2]).fit(frame[["a", "c"]], arm, reward=reward)
    np.testing.assert_allclose(
        narrow.expected_reward(frame[["a", "c"]]), known.expected_reward(frame[["a", "c"]])
    )
    with pytest.raises(ValueError, match="cannot be added"):
        bandit.expand_features(["d"])


@pytest.mark.parametrize(
    "template",
    [
        GreedyBandit(estimator=RandomForestClassifier(n_estimators=4), random_state=0),
        GreedyBandit(estimator=SGDRegressor(), random_state=0),
        BootstrappedThompsonSampling(estimator=LogisticRegression(), random_state=0),
        SquareCB(estimator=Ridge(), random_state=0),
        RegCB(random_state=0),
        GreedyBandit(estimator=Ridge(), arm_model="pooled", random_state=0),
        TreeThompsonSampling(estimator=ExtraTreesRegressor(n_estimators=4), random_state=0),
        TreeThompsonSampling(
            estimator=RandomForestClassifier(n_estimators=4), arm_model="disjoint", random_state=0
        ),
    ],
    ids=lambda template: f"{type(template).__name__}",
)
def test_another_estimator_or_policy_keeps_the_rounds(template):
    """It is as if the other had been fitted to them."""
    bandit, X, arm, reward = _learnt(estimator=LogisticRegression())
    moved = transfer(bandit, template.set_params(arms=[0, 1, 2]))
    assert type(moved) is type(template)
    known = type(template)(**template.get_params(deep=False)).fit(X, arm, reward=reward)
    np.testing.assert_allclose(moved.expected_reward(X), known.expected_reward(X), atol=1e-8)
    np.testing.assert_allclose(moved.predict_proba(X), known.predict_proba(X), atol=1e-8)
    np.testing.assert_array_equal(moved.weight_, bandit.weight_)
    moved.partial_fit(X, arm, reward)
    assert moved.learnt_weight_ == 240.0


def test_what_cannot_be_carried():
    bandit, X, arm, reward = _learnt()
    with pytest.raises(ValueError, match="arm_model is 'disjoint' in source and 'shared'"):
        transfer(bandit, GreedyBandit(arms=[0, 1, 2], arm_model="shared"))
    with pytest.raises(ValueError, match="different statistics"):
        transfer(bandit, LinearUCB(arms=[0, 1, 2]))
    bandit.fit(X, arm, reward=3.0 * reward)
    with pytest.raises(ValueError, match=r"reward must lie in \[0, 1\]"):
        transfer(bandit, GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2]))


def test_another_buffer():
    bandit, X, arm, reward = _learnt()
    window = transfer(bandit, GreedyBandit(arms=[0, 1, 2], buffer=SlidingWindow(50)))
    assert len(window.state_.buffer) == 50
    window.set_params(refit_growth=1.0).partial_fit(X[:1], arm[:1], reward[:1])
    assert len(window.state_.buffer) == 50


def test_shards_are_joined():
    X, arm, reward = rounds(200)
    shards = [
        GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2], random_state=0).fit(
            X[rows], arm[rows], reward=reward[rows]
        )
        for rows in (slice(0, 80), slice(80, 200))
    ]
    joined = merge(shards)
    whole = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1, 2]).fit(X, arm, reward=reward)
    np.testing.assert_allclose(joined.expected_reward(X), whole.expected_reward(X), atol=1e-6)
    np.testing.assert_array_equal(joined.weight_, whole.weight_)
    online = GreedyBandit(estimator=SGDRegressor(), arms=[0, 1, 2]).fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match="merge"):
        merge([online, online])


def test_a_file_holds_what_was_learnt(tmp_path):
    bandit, X, arm, reward = _learnt(estimator=LogisticRegression())
    joblib.dump(bandit, tmp_path / "bandit.joblib")
    loaded = joblib.load(tmp_path / "bandit.joblib")
    np.testing.assert_array_equal(loaded.predict(X), bandit.predict(X))
    loaded.partial_fit(X, arm, reward)
    bandit.partial_fit(X, arm, reward)
    np.testing.assert_array_equal(loaded.expected_reward(X), bandit.expected_reward(X))


def test_an_interruption_changes_nothing(monkeypatch):
    bandit, X, arm, reward = _learnt(estimator=LogisticRegression(), refit_growth=1.0)
    before, answers = bandit.state_, bandit.expected_reward(X)
    calls = []

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    fit = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bandit.partial_fit(X, arm, reward)
    assert bandit.state_ is before
    assert len(bandit.state_.buffer) == 120
    np.testing.assert_array_equal(bandit.expected_reward(X), answers)
    monkeypatch.undo()
    bandit.partial_fit(X, arm, reward)
    assert len(bandit.state_.buffer) == 240
