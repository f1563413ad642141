"""Logs: what they say was played, paid and probable is true."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skbandit._play import take_apart
from skbandit.base import make_log
from skbandit.environments import (
    BaseEnvironment,
    ClassificationEnvironment,
    LinearEnvironment,
    log_policy,
)
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import SoftmaxSelector, TopKSelector

N_ROUNDS = 3000
LABELS = np.array(["left", "middle", "right"])


@pytest.fixture(scope="module")
def environment():
    X, _, expected = LinearEnvironment(n_features=3, n_arms=3).sample(N_ROUNDS, random_state=1)
    return ClassificationEnvironment(X, LABELS[expected.argmax(axis=1)])


def learnt(bandit, environment):
    X, reward, _ = environment.sample(60, random_state=5)
    arms = np.resize(LABELS, 60)
    log = make_log(arms, reward[np.arange(60), np.resize([0, 1, 2], 60)], np.full(60, 1 / 3))
    return bandit.fit(X, log)


def softmax_ucb(**params):
    return LinearUCB(arms=LABELS, selector=SoftmaxSelector(temperature=1.0), **params)


def policies(environment):
    X, y = environment.X, environment.y
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), softmax_ucb()),
        {"linearucb__alpha": [1.0]},
        cv=2,
    )
    return {
        "bandit": learnt(softmax_ucb(), environment),
        "seeded": learnt(softmax_ucb(random_state=3), environment),
        "prior": softmax_ucb(),
        "pipeline": learnt(make_pipeline(StandardScaler(), softmax_ucb()), environment),
        "search": learnt(grid, environment),
        "classifier": LogisticRegression(C=0.1).fit(X, y),
        "classifier pipeline": make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(
            X, y
        ),
    }


@pytest.mark.parametrize(
    "name",
    ["bandit", "seeded", "prior", "pipeline", "search", "classifier", "classifier pipeline"],
)
@pytest.mark.parametrize("batch_size", [None, 700])
def test_log_is_true(environment, name, batch_size):
    policy = policies(environment)[name]
    before = pickle.dumps(policy)
    X, log = log_policy(policy, environment, N_ROUNDS, random_state=7, batch_size=batch_size)
    assert pickle.dumps(policy) == before
    assert log.dtype.names == ("arm", "reward", "propensity")
    # The rounds are those of the environment, and the reward that of the arm played.
    rounds = environment.sample(N_ROUNDS, random_state=7)
    np.testing.assert_array_equal(X, rounds.contexts)
    column = np.array([LABELS.tolist().index(arm) for arm in log["arm"]])
    np.testing.assert_array_equal(log["reward"], rounds.reward[np.arange(N_ROUNDS), column])
    # The propensity is the policy's probability, and arms are as frequent as it says.
    probability = policy.predict_proba(X)
    np.testing.assert_allclose(
        log["propensity"], probability[np.arange(N_ROUNDS), column], rtol=1e-9
    )
    wanted = probability.sum(axis=0)
    assert stats.chisquare(np.bincount(column, minlength=3), wanted).pvalue > 1e-4
    # Within rounds where an arm is likelier than not, too.
    likely = probability[:, 0] > np.quantile(probability[:, 0], 0.7)
    hits, chance = (column == 0)[likely].sum(), probability[likely, 0]
    assert abs(hits - chance.sum()) < 5 * np.sqrt((chance * (1 - chance)).sum()) + 1e-9


def test_random_state_makes_it_reproducible(environment):
    policy = learnt(softmax_ucb(), environment)
    logs = [log_policy(policy, environment, 300, random_state=seed)[1] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(logs[0], logs[1])
    assert not np.array_equal(logs[0]["arm"], logs[2]["arm"])
    assert policy.random_state is None
    fresh = [log_policy(policy, environment, 300)[1] for _ in range(2)]
    assert not np.array_equal(fresh[0]["arm"], fresh[1]["arm"])


def test_seeded_policy_plays_as_it_would(environment):
    policy = learnt(softmax_ucb(random_state=3), environment)
    X, log = log_policy(policy, environment, 300, random_state=0)
    np.testing.assert_array_equal(log["arm"], policy.predict(X))


def test_equal_contexts_in_small_batches_are_independent():
    environment = ClassificationEnvironment(np.ones((400, 1)), np.resize(LABELS, 400))
    policy = LinearUCB(arms=LABELS)
    _, log = log_policy(policy, environment, 400, random_state=0, batch_size=1)
    counts = [np.count_nonzero(log["arm"] == arm) for arm in LABELS]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_metadata_routing_makes_no_difference(environment):
    policy = learnt(make_pipeline(StandardScaler(), softmax_ucb()), environment)
    _, plain = log_policy(policy, environment, 100, random_state=0)
    with config_context(enable_metadata_routing=True):
        _, routed = log_policy(policy, environment, 100, random_state=0)
    np.testing.assert_array_equal(plain, routed)


@pytest.mark.parametrize("labels", [["b", "c", "a"], [30, 10, 20]])
def test_arms_in_any_order(labels):
    class Unsorted(BaseEnvironment):
        n_features = 1
        arms = np.array(labels)

        def _sample(self, n_rounds, rng):
            table = np.tile([0.0, 1.0, 2.0], (n_rounds, 1))
            return rng.standard_normal((n_rounds, 1)), table, table

    _, log = log_policy(LinearUCB(arms=sorted(labels)), Unsorted(), 60, random_state=0)
    assert {(arm, reward) for arm, reward, _ in log.tolist()} == set(
        zip(labels, [0.0, 1.0, 2.0], strict=True)
    )


def test_sets_of_arms(environment):
    policy = learnt(LinearUCB(arms=LABELS, selector=TopKSelector(k=2)), environment)
    _X, log = log_policy(policy, environment, 100, random_state=0)
    rounds = environment.sample(100, random_state=0)
    assert log["arm"].shape == log["reward"].shape == log["propensity"].shape == (100, 2)
    for row in range(100):
        for place in range(2):
            column = LABELS.tolist().index(log["arm"][row, place])
            assert log["reward"][row, place] == rounds.reward[row, column]


def test_arms_with_features():
    environment = LinearEnvironment(n_features=3, n_arms=4, arm_features=True)
    policy = LinearThompsonSampling(arm_model="shared")
    X, log = log_policy(policy, environment, 50, random_state=0)
    rounds = environment.sample(50, random_state=0)
    assert X.shape == (50, 4, 3)
    np.testing.assert_array_equal(log["reward"], rounds.reward[np.arange(50), log["arm"]])


@pytest.mark.parametrize("arms", [["left", "nowhere"], [10, 20]])
def test_unknown_arm(environment, arms):
    with pytest.raises(ValueError, match=r"which the environment does not have.*left.*right"):
        log_policy(LinearUCB(arms=arms), environment, 50, random_state=0)


def test_no_policy(environment):
    policy = LinearSVC().fit(environment.X, environment.y)
    with pytest.raises(TypeError, match="LinearSVC has no predict_proba"):
        log_policy(policy, environment, 10)


def test_bad_batch_size(environment):
    with pytest.raises(ValueError, match="batch_size"):
        log_policy(LinearUCB(arms=LABELS), environment, 10, batch_size=0)


@pytest.mark.parametrize(
    "name",
    ["bandit", "prior", "pipeline", "search", "classifier", "classifier pipeline"],
)
@pytest.mark.parametrize("batch_size", [None, 700])
def test_masks(environment, name, batch_size):
    policy = policies(environment)[name]
    mask = np.random.default_rng(0).uniform(size=(N_ROUNDS, 3)) < 0.6
    mask[:, 1] |= ~mask.any(axis=1)
    X, log = log_policy(
        policy,
        environment,
        N_ROUNDS,
        random_state=7,
        batch_size=batch_size,
        available=pd.DataFrame(mask, columns=LABELS)[["right", "left", "middle"]],
    )
    column = np.array([LABELS.tolist().index(arm) for arm in log["arm"]])
    rows = np.arange(N_ROUNDS)
    assert mask[rows, column].all()
    if "classifier" in name:
        probability = policy.predict_proba(X) * mask
        probability /= probability.sum(axis=1, keepdims=True)
    else:
        X, policy = (
            (X, policy)
            if name in ("bandit", "prior")
            else (take_apart(policy)[0][0].transform(X), take_apart(policy)[1])
        )
        probability = policy.predict_proba(X, available=mask)
    np.testing.assert_allclose(log["propensity"], probability[rows, column], rtol=1e-9)
    counts = np.bincount(column, minlength=3)
    assert stats.chisquare(counts, probability.sum(axis=0)).pvalue > 1e-4


def test_masks_of_the_contexts(environment):
    policy = learnt(softmax_ucb(random_state=3), environment)

    def in_stock(contexts):
        return np.column_stack([contexts[:, 0] > 0, contexts[:, 0] <= 0, contexts[:, 1] > 0])

    X, log = log_policy(policy, environment, 300, random_state=0, available=in_stock)
    np.testing.assert_array_equal(log["arm"], policy.predict(X, available=in_stock(X)))
    with pytest.raises(ValueError, match=r"available has 20 rows where n_rounds is 300"):
        log_policy(policy, environment, 300, available=in_stock(X)[:20])
    with pytest.raises(ValueError, match=r"available leaves no arm to play"):
        log_policy(policy, environment, 300, available=np.zeros((300, 3), dtype=bool))
