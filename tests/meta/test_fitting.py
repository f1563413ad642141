"""What estimators are fitted to: rewards as labels and weights, whatever wraps them."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skbandit.buffers import SlidingWindow
from skbandit.meta import GreedyBandit
from skbandit.meta._fitting import (
    as_classes,
    fitted,
    learnt_on,
    seeded,
    takes_weights,
    weight_keyword,
)
from skbandit.utils import get_bandit_tags

EXACT = LogisticRegression(tol=1e-10, max_iter=1000)
SCALED = make_pipeline(StandardScaler(), LogisticRegression())


def rounds(n_rounds=200, seed=0, n_arms=2):
    """Contexts, arms and rewards of 0 and 1."""
    rng = np.random.RandomState(seed)
    X, arm = rng.standard_normal((n_rounds, 3)), rng.randint(n_arms, size=n_rounds)
    chance = 1.0 / (1.0 + np.exp(-X[:, 0] * np.where(arm == 0, 1.0, -1.0)))
    return X, arm, (rng.random_sample(n_rounds) < chance).astype(float)


def test_a_fraction_is_a_one_and_a_zero():
    X, reward = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 0.25, 0.0])
    rows, label, weight = as_classes(X, reward, np.array([1.0, 2.0, 3.0]))
    assert rows.ravel().tolist() == [1.0, 2.0, 3.0, 2.0]
    assert label.tolist() == [1, 1, 0, 0]
    assert weight.tolist() == [1.0, 0.5, 3.0, 1.5]


def test_soft_rewards_equal_repeated_rows():
    """A reward of 3 / 4 is three ones and a zero, by hand."""
    X, arm, reward = rounds(80)
    soft = np.where(reward == 1.0, 0.75, 0.25)
    bandit = GreedyBandit(estimator=EXACT, arms=[0, 1]).fit(X, arm, reward=soft)
    for one in (0, 1):
        own = arm == one
        rows = np.repeat(X[own], 4, axis=0)
        label = np.concatenate([[1, 1, 1, 0] if r == 0.75 else [1, 0, 0, 0] for r in soft[own]])
        # Four rows for one: a quarter of the weight each.
        alone = EXACT.fit(rows, label, sample_weight=np.full(len(rows), 0.25))
        expected = alone.predict_proba(X)[:, 1]
        np.testing.assert_allclose(bandit.expected_reward(X)[:, one], expected, atol=1e-6)


def test_weights_equal_repetition():
    X, arm, reward = rounds(80)
    weight = 1.0 + np.arange(80) % 3
    for estimator in (EXACT, make_pipeline(StandardScaler(), Ridge()), DecisionTreeRegressor()):
        bandit = GreedyBandit(estimator=estimator, arms=[0, 1], random_state=0)
        weighted = bandit.fit(X, arm, reward=reward, sample_weight=weight).expected_reward(X)
        if isinstance(estimator, type(SCALED)):
            # The weights go to the last step; the scaler has none.
            scaler = StandardScaler().fit(X[arm == 0])
            ridge = Ridge().fit(
                scaler.transform(X[arm == 0]), reward[arm == 0], sample_weight=weight[arm == 0]
            )
            expected = ridge.predict(scaler.transform(X))
            np.testing.assert_allclose(weighted[:, 0], expected, atol=1e-8)
            continue
        many = np.repeat(np.arange(80), weight.astype(int))
        bandit.fit(X[many], arm[many], reward=reward[many])
        np.testing.assert_allclose(weighted, bandit.expected_reward(X), atol=1e-5)


def test_an_estimator_without_weights_is_given_rows_again():
    X, arm, reward = rounds(60)
    weight = 1.0 + np.arange(60) % 2
    bandit = GreedyBandit(estimator=KNeighborsRegressor(4), arms=[0, 1])
    bandit.fit(X, arm, reward=reward, sample_weight=weight)
    many = np.repeat(np.flatnonzero(arm == 1), weight[arm == 1].astype(int))
    alone = KNeighborsRegressor(4).fit(X[many], reward[many])
    np.testing.assert_allclose(bandit.expected_reward(X)[:, 1], alone.predict(X))
    with pytest.raises(ValueError, match="KNeighborsRegressor takes no sample_weight"):
        bandit.fit(X, arm, reward=reward, sample_weight=weight / 4)


def test_a_classifier_without_weights_takes_zeros_and_ones_only():
    X, arm, reward = rounds(60)
    bandit = GreedyBandit(estimator=KNeighborsClassifier(), arms=[0, 1])
    assert get_bandit_tags(bandit).reward == "binary"
    bandit.fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match="reward must be 0 or 1"):
        bandit.fit(X, arm, reward=reward / 2)


def test_where_weights_go():
    search = GridSearchCV(SCALED, {"logisticregression__C": [1.0]})
    nested = make_pipeline(StandardScaler(), SCALED)
    assert weight_keyword(LogisticRegression()) == "sample_weight"
    assert weight_keyword(nested) == "pipeline__logisticregression__sample_weight"
    assert weight_keyword(search) == "logisticregression__sample_weight"
    assert weight_keyword(make_pipeline(StandardScaler(), search)) == (
        "gridsearchcv__logisticregression__sample_weight"
    )
    assert not takes_weights(make_pipeline(StandardScaler(), KNeighborsClassifier()))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "estimator",
    [
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
        GridSearchCV(SCALED, {"logisticregression__C": [0.1, 1.0]}, cv=2),
        CalibratedClassifierCV(GaussianNB(), cv=2),
        make_pipeline(StandardScaler(), SCALED),
        BaggingRegressor(Ridge(), n_estimators=3),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_searches_and_pipelines_take_weights(estimator, routing):
    """Also where metadata routing is switched on."""
    X, arm, reward = rounds()
    soft = np.clip(reward, 0.1, 0.9)
    bandit = GreedyBandit(estimator=estimator, arms=[0, 1], random_state=0)
    with config_context(enable_metadata_routing=routing):
        bandit.fit(X, arm, reward=soft, sample_weight=np.full(len(X), 0.5))
        bandit.partial_fit(X[:5], arm[:5], soft[:5])
        mean = bandit.expected_reward([[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0]])
    assert mean[0, 0] > mean[0, 1]
    assert mean[1, 0] < mean[1, 1]


def test_the_estimator_itself_is_never_fitted():
    X, arm, reward = rounds(60)
    estimator = LogisticRegression()
    GreedyBandit(estimator=estimator, arms=[0, 1]).fit(X, arm, reward=reward)
    assert not hasattr(estimator, "coef_")


def test_what_is_no_estimator_of_rewards():
    X, arm, reward = rounds(20)
    for estimator, error, match in (
        (LinearSVC(), ValueError, "predict_proba"),
        (SGDClassifier(loss="hinge"), ValueError, "SGDClassifier has none"),
        (StandardScaler(), ValueError, "got StandardScaler"),
        (make_pipeline(StandardScaler(), LinearSVC()), ValueError, "predict_proba"),
        (LogisticRegression, TypeError, r"LogisticRegression\(\)"),
    ):
        bandit = GreedyBandit(estimator=estimator, arms=[0, 1])
        with pytest.raises(error, match=match):
            bandit.fit(X, arm, reward=reward)
        assert not hasattr(bandit, "state_")
    with pytest.raises(ValueError, match="has partial_fit, got Ridge"):
        GreedyBandit(arms=[0, 1], update="partial_fit").fit(X, arm, reward=reward)


def test_rewards_that_a_classifier_cannot_take():
    X, arm, reward = rounds(20)
    bandit = GreedyBandit(estimator=LogisticRegression(), arms=[0, 1]).fit(X, arm, reward=reward)
    before = bandit.state_
    with pytest.raises(ValueError, match=r"reward must lie in \[0, 1\]"):
        bandit.partial_fit(X, arm, 2.0 * reward)
    assert bandit.state_ is before


def test_one_arm():
    X, _, reward = rounds(30)
    bandit = GreedyBandit(estimator=LogisticRegression(), arms=["only"], random_state=0)
    bandit.fit(X, ["only"] * 30, reward=reward)
    assert bandit.predict(X[:3]).tolist() == ["only"] * 3
    assert (bandit.predict_proba(X) == 1.0).all()


@pytest.mark.parametrize("estimator", [LogisticRegression(), Ridge(), SGDClassifier("log_loss")])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_rewards_that_are_all_alike(estimator, value):
    X, arm, _ = rounds(60)
    bandit = GreedyBandit(estimator=estimator, arms=[0, 1], random_state=0)
    bandit.fit(X, arm, reward=np.full(60, value))
    np.testing.assert_allclose(bandit.predict_proba(X).sum(axis=1), 1.0)
    if isinstance(estimator, Ridge):
        np.testing.assert_allclose(bandit.expected_reward(X), value, atol=1e-9)
        np.testing.assert_allclose(bandit.predict_proba(X), 0.5)


def test_random_states_are_seeded_but_not_replaced():
    nested = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3))
    one, same, other = seeded(nested, 1), seeded(nested, 1), seeded(nested, 2)
    states = [model[-1].random_state for model in (one, same, other)]
    assert states[0] == states[1] != states[2]
    assert seeded(RandomForestClassifier(random_state=5), 1).random_state == 5
    bagged = seeded(BaggingRegressor(DecisionTreeRegressor()), 3)
    assert bagged.random_state is not None
    assert bagged.estimator.random_state is not None
    assert bagged.random_state != bagged.estimator.random_state


class Renamed(RandomForestClassifier):
    """Reads its parameters in a way of its own: they are asked for by their names."""

    def get_params(self, deep=True):
        return super().get_params(deep)


def test_the_short_way_gives_the_same_seed():
    assert seeded(RandomForestClassifier(), 4).random_state == seeded(Renamed(), 4).random_state
    assert seeded(LinearRegression(), 4).get_params() == LinearRegression().get_params()


@pytest.mark.parametrize("seed", [0, None])
def test_seeds_of_what_is_inside(seed):
    X, arm, reward = rounds(100)
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3))
    means = []
    for _ in range(2):
        bandit = GreedyBandit(estimator=forest, arms=[0, 1], random_state=seed)
        means.append(bandit.fit(X, arm, reward=reward).expected_reward(X))
    assert np.array_equal(*means) == (seed == 0)
    one, two = bandit.estimators_
    assert one[-1].random_state != two[-1].random_state


def test_learning_on_leaves_the_one_before_alone():
    X, _, reward = rounds(50)
    weight = np.ones(50)
    first = learnt_on(SGDClassifier(loss="log_loss"), None, X, np.zeros(50), weight, 0)
    assert first.classes_.tolist() == [0, 1]
    coef = first.coef_.copy()
    second = learnt_on(SGDClassifier(loss="log_loss"), first, X, reward, weight, 0)
    np.testing.assert_array_equal(first.coef_, coef)
    assert (second.coef_ != coef).any()


@pytest.mark.parametrize("arm_model", ["disjoint", "pooled"])
def test_it_is_fitted_to_the_rounds_of_the_arm(arm_model):
    X, arm, reward = rounds(120, n_arms=3)
    bandit = GreedyBandit(arms=[0, 1, 2], arm_model=arm_model).fit(X, arm, reward=reward)
    for one in range(3):
        if arm_model == "disjoint":
            alone = Ridge(tol=1e-10).fit(X[arm == one], reward[arm == one])
            expected = alone.predict(X)
        else:
            alone = Ridge(tol=1e-10).fit(np.hstack([X, np.eye(3)[arm]]), reward)
            expected = alone.predict(np.hstack([X, np.eye(3)[np.full(120, one)]]))
        np.testing.assert_allclose(bandit.expected_reward(X)[:, one], expected, atol=1e-10)


def test_candidates_share_an_estimator():
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((80, 4, 2)), rng.randint(4, size=80)
    played = X[np.arange(80), arm]
    reward = played @ [1.0, -2.0]
    bandit = GreedyBandit(estimator=LinearRegression(), arm_model="shared")
    bandit.fit(X, arm, reward=reward)
    np.testing.assert_allclose(bandit.expected_reward(X), X @ [1.0, -2.0], atol=1e-9)
    assert len(bandit.estimators_) == 1


def test_arms_in_parallel():
    X, arm, reward = rounds(120, n_arms=3)
    tree = DecisionTreeClassifier(max_features=1)
    alone, parallel = (
        GreedyBandit(
            estimator=tree, arms=[0, 1, 2], buffer=buffer, n_jobs=n_jobs, random_state=0
        ).fit(X, arm, reward=reward)
        for n_jobs, buffer in ((None, None), (2, SlidingWindow(1000)))
    )
    np.testing.assert_array_equal(alone.expected_reward(X), parallel.expected_reward(X))


def test_fitted_hands_on_what_fit_raises():
    with pytest.raises(ValueError, match="NaN"):
        fitted(Ridge(), np.array([[np.nan]]), np.zeros(1), np.ones(1), 0)
