"""The reward model of a log: the default one, and that it is fitted once."""

import pickle
import threading
import time

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import cross_fit_rewards, make_policy_scorer
from skbandit.metrics._scorer_model import _cache, _TableCache, default_reward_model, log_rewards
from skbandit.selectors import EpsilonGreedySelector

FITS = []


class CountingRegressor(RegressorMixin, BaseEstimator):
    """Predicts the mean, and counts how often it was fitted."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        FITS.append(len(y))
        self.mean_ = np.mean(y) + self.shift
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.mean_)


class SlowRegressor(CountingRegressor):
    """Gives other threads the time to come in between."""

    def fit(self, X, y):
        time.sleep(0.01)
        return super().fit(X, y)


@pytest.fixture(autouse=True)
def _fresh():
    _cache.clear()
    FITS.clear()


@pytest.fixture(scope="module")
def rounds():
    environment = LinearEnvironment(n_features=3, n_arms=2)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    return log_policy(logger, environment, 600, random_state=0)


def test_grid_of_policies_fits_it_once_a_fold(rounds):
    X, log = rounds
    scorer = make_policy_scorer("dr", reward_model=CountingRegressor(), cv=4)
    grid = {"alpha": np.linspace(0.0, 2.0, 12)}
    cached = GridSearchCV(LinearUCB(), grid, scoring=scorer, cv=3, refit=False).fit(X, log)
    # 3 folds of the search, 4 of the cross-fitting, 2 arms; and none for the arms never logged.
    assert len(FITS) == 3 * 4 * 2
    for fold in range(3):
        values = []
        for alpha in grid["alpha"]:
            _cache.clear()
            test = np.arange(200 * fold, 200 * fold + 200)
            train = np.setdiff1d(np.arange(600), test)
            policy = LinearUCB(alpha=alpha).fit(X[train], log[train])
            values.append(scorer(policy, X[test], log[test]))
        np.testing.assert_array_equal(cached.cv_results_[f"split{fold}_test_score"], values)


@pytest.mark.parametrize(
    "change",
    [
        lambda call: call["X"].__setitem__((0, 0), 9.0),
        lambda call: call["reward"].__setitem__(0, 9.0),
        lambda call: call["labels"].__setitem__(0, 1 - call["labels"][0]),
        lambda call: call.update(model=CountingRegressor(shift=1.0)),
        lambda call: call.update(cv=3),
        lambda call: call.update(cv=TimeSeriesSplit(5)),
        lambda call: call.update(arm_model="shared"),
    ],
    ids=["X", "reward", "arm", "model", "cv", "splitter", "arm model"],
)
def test_anything_that_matters_is_another_log(rounds, change):
    X, log = rounds
    call = {
        "X": X.copy(),
        "labels": log["arm"].copy(),
        "reward": log["reward"].copy(),
        "model": CountingRegressor(),
        "cv": 5,
        "arm_model": "disjoint",
    }
    log_rewards(**call)
    n_first = len(FITS)
    log_rewards(**{**call, "X": X.copy()})
    assert len(FITS) == n_first
    change(call)
    log_rewards(**call)
    assert len(FITS) > n_first


def test_threads_share_one_fit(rounds):
    X, log = rounds
    policies = [LinearUCB(alpha=alpha).fit(X, log) for alpha in (0.0, 0.5, 1.0, 2.0)]
    scorer = make_policy_scorer("dr", reward_model=SlowRegressor())
    scores = Parallel(n_jobs=4, backend="threading")(
        delayed(scorer)(policy, X, log) for policy in policies
    )
    assert len(FITS) == 5 * 2
    assert scores == [scorer(policy, X, log) for policy in policies]


def test_a_failed_fit_is_tried_again():
    cache, calls = _TableCache(1 << 20), []

    def compute():
        calls.append(None)
        if len(calls) == 1:
            raise ValueError("first")
        return np.ones(3)

    with pytest.raises(ValueError, match="first"):
        cache.get("key", compute)
    assert cache.get("key", compute).tolist() == [1, 1, 1]
    assert len(calls) == 2


def test_old_tables_make_room():
    cache = _TableCache(3 * 80)
    computed = []

    def get(key):
        return cache.get(key, lambda: computed.append(key) or np.full(10, float(key)))

    for key in (0, 1, 2, 0, 3, 0, 2, 1):
        assert get(key)[0] == key
    # 3 takes the place of 1, which was used longest ago; the second 1 that of 3.
    assert computed == [0, 1, 2, 3, 1]
    big = cache.get("big", lambda: np.zeros(1000))
    assert cache.get("big", lambda: pytest.fail("the newest is always kept")) is big


def test_cached_tables_cannot_be_written_to(rounds):
    X, log = rounds
    expected, _ = log_rewards(X, log["arm"], log["reward"])
    with pytest.raises(ValueError, match="read-only"):
        expected[0, 0] = 1.0


def test_what_cannot_be_recognised_is_computed(rounds):
    X, log = rounds
    model = CountingRegressor(shift=0.0)
    model.shift = threading.Lock()  # cannot be pickled
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(model)
    folds = [(np.arange(300), np.arange(300, 600)), (np.arange(300, 600), np.arange(300))]
    first, _ = log_rewards(X, log["arm"], log["reward"], model=LinearRegression(), cv=folds)
    lazy, _ = log_rewards(X, log["arm"], log["reward"], model=LinearRegression(), cv=iter(folds))
    np.testing.assert_array_equal(first, lazy)


def test_columns_are_those_of_cross_fitting(rounds):
    X, log = rounds
    labels = np.array(["b", "a"])[log["arm"]]
    expected, arms = log_rewards(X, labels, log["reward"], model=LinearRegression(), cv=3)
    assert arms == ["a", "b"]
    direct = cross_fit_rewards(LinearRegression(), X, 1 - log["arm"], log["reward"], cv=3)
    np.testing.assert_array_equal(expected[:, :2], direct)
    # An arm never logged is expected to pay what the rounds of the training folds paid.
    for test in np.split(np.arange(600), 3):
        train = np.setdiff1d(np.arange(600), test)
        np.testing.assert_allclose(expected[test, 2], log["reward"][train].mean())


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_default_model_is_free_of_units(rounds, kind):
    X, log = rounds
    scale = np.array([1e-4, 1.0, 1e5])
    first, second = X, X * scale
    if kind == "sparse":
        first, second = sparse.csr_array(first), sparse.csr_array(second)
    reward = log["reward"]
    plain = default_reward_model(first).fit(first, reward).predict(first)
    scaled = default_reward_model(second).fit(second, 1e-6 * reward + 5e-6).predict(second)
    np.testing.assert_allclose(1e6 * scaled - 5, plain, atol=2e-3)
    assert np.corrcoef(plain, reward)[0, 1] > 0.1


@pytest.mark.parametrize("n_rounds", [1, 2, 3])
def test_default_model_takes_any_number_of_rounds(n_rounds):
    rng = np.random.RandomState(0)
    X, reward = rng.standard_normal((n_rounds, 4)), np.zeros(n_rounds)
    for contexts in (X, sparse.csr_array(X)):
        model = default_reward_model(contexts)
        np.testing.assert_allclose(model.fit(contexts, reward).predict(contexts), 0.0)


def test_default_model_shrinks_noise_to_the_mean():
    rng = np.random.RandomState(0)
    X, reward = rng.standard_normal((60, 30)), rng.standard_normal(60)
    fresh = rng.standard_normal((200, 30))
    spread = default_reward_model(X).fit(X, reward).predict(fresh).std()
    least_squares = LinearRegression().fit(X, reward).predict(fresh).std()
    assert spread < 0.3 * least_squares
