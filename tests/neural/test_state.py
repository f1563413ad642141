"""What a neural bandit has learnt: a record that is replaced, seeds, arms that are alike."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from skbandit.neural import EnsembleBandit, NeuralLinearBandit, NeuralUCB, make_net  # noqa: E402
from skbandit.neural._seeds import Seeds  # noqa: E402
from skbandit.selectors import (  # noqa: E402
    ArgmaxSelector,
    EpsilonGreedySelector,
    SoftmaxSelector,
    TopKSelector,
)

SELECTORS = [
    ArgmaxSelector(),
    EpsilonGreedySelector(0.2),
    SoftmaxSelector(),
    SoftmaxSelector(0.1, standardize=False),
    TopKSelector(2),
]


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_arms_that_were_never_played_are_alike(bandit, selector, played):
    X, arm, reward = played
    bandit.set_params(arms=list("abcde"), selector=selector)
    n_selected = selector.n_selected or 1
    np.testing.assert_allclose(bandit.predict_proba(X), n_selected / 5, atol=1e-12)
    bandit.partial_fit(X, arm, reward=reward)
    policy = bandit.predict_proba(X)[:, 2:]
    np.testing.assert_allclose(policy, policy[:, :1] + 0 * policy, atol=1e-9)
    for value in bandit.expected_reward(X, return_std=True):
        np.testing.assert_allclose(value[:, 2:], value[:, 2:3] + 0 * value[:, 2:], atol=1e-12)


def test_an_older_state_stays_what_it_was(bandit, played):
    X, arm, reward = played
    bandit.set_params(arms=["a", "b"]).partial_fit(X[:80], arm[:80], reward=reward[:80])
    older = copy.copy(bandit)
    before, answers = pickle.dumps(older.state_), older.expected_reward(X, return_std=True)
    for rows in (slice(80, 81), slice(81, 150)):
        bandit.partial_fit(X[rows], arm[rows], reward=reward[rows])
        bandit.add_arms(["c"], init="mean").partial_fit(X[rows], arm[rows], reward=reward[rows])
    assert bandit.n_trainings_ == 2
    assert pickle.dumps(older.state_) == before
    np.testing.assert_array_equal(older.expected_reward(X, return_std=True), answers)


def test_who_decides_while_another_learns_sees_a_whole_model(bandit, played):
    """Every answer is that of a model that existed."""
    X, arm, reward = played
    bandit.set_params(arms=["a", "b"], train_every=1, train_steps=3)
    bandit.partial_fit(X[:60], arm[:60], reward=reward[:60])
    models, answers, done = [copy.copy(bandit)], [], threading.Event()

    def ask(_):
        while not done.is_set():
            answers.append(bandit.decision_function(X[:5]))

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask, number) for number in range(2)]
        try:
            for row in range(60, 90):
                part = slice(row, row + 1)
                bandit.partial_fit(X[part], arm[part], reward=reward[part])
                models.append(copy.copy(bandit))
        finally:
            done.set()
        for one in asking:
            one.result()
    existed = {model.decision_function(X[:5]).tobytes() for model in models}
    assert len(existed) == len(models)
    assert {answer.tobytes() for answer in answers} <= existed


# ---------------------------------------------------------------------------------- seeds
def test_every_part_of_every_call_has_its_own_seed():
    seeds = [
        getattr(Seeds(seed, n_updates), part)(number)
        for seed in (0, 1, 12)
        for n_updates in range(3)
        for part in ("net", "prior", "carried")
        for number in range(4)
    ]
    seeds += [Seeds(seed, n).bootstrap() for seed in (0, 1, 12) for n in range(3)]
    assert len(set(seeds)) == len(seeds)
    assert Seeds(3, 1).net(2) == Seeds(3, 1).net(2)


def test_no_seed_is_fresh_and_a_stream_advances_once():
    assert Seeds(None, 0).net(0) != Seeds(None, 0).net(0)
    one, two = np.random.RandomState(0), np.random.RandomState(0)
    two.randint(np.iinfo(np.int32).max)
    seeds = Seeds(one, 0)
    assert seeds.net(0) != seeds.net(1)
    np.testing.assert_array_equal(one.get_state()[1], two.get_state()[1])
    assert one.get_state()[2] == two.get_state()[2]


def test_transfer_leaves_the_stream_alone(bandit, played):
    X, arm, reward = played
    stream = np.random.RandomState(0)
    bandit.set_params(random_state=stream).fit(X, arm, reward=reward)
    before = stream.get_state()
    bandit.add_arms(["c"])
    np.testing.assert_array_equal(stream.get_state()[1], before[1])
    assert stream.get_state()[2] == before[2]


# -------------------------------------------------------------------------------- ensembles
def test_random_weights_belong_to_the_label(played):
    X, arm, reward = played
    options = {"net": "tiny_mlp", "n_members": 2, "random_state": 0, "initial_train_steps": 5}
    given = EnsembleBandit(arms=["a", "b", "c"], **options).fit(X, arm, reward=reward)
    turned = EnsembleBandit(arms=["c", "b", "a"], **options).fit(X, arm, reward=reward)
    late = EnsembleBandit(arms=["b", "a"], **options).fit(X, arm, reward=reward).add_arms(["c"])
    back = given.remove_arms(["a"]).add_arms(["a"])
    for other in (turned, late, back):
        for mine, theirs in zip(given.priors_, other.priors_, strict=True):
            columns = [other.classes_.tolist().index(label) for label in "abc"]
            torch.testing.assert_close(
                theirs.output.weight[columns], mine.output.weight, rtol=0, atol=0
            )
    np.testing.assert_allclose(
        turned.expected_reward(X), given.expected_reward(X)[:, ::-1], rtol=1e-4, atol=1e-4
    )
    weights = given.priors_[0].output.weight
    assert len({tuple(row) for row in weights.tolist()}) == 3


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (True, 1), (np.int64(7), 7), ("x", "x")])
def test_equal_labels_of_any_type_are_one_label(one, other):
    from skbandit.neural._random_priors import _key

    assert _key(np.asarray([one]).tolist()[0]) == _key(other)
    assert _key(one) != _key("another")


# ------------------------------------------------------------------------------- parameters
@pytest.mark.parametrize(
    ("Bandit", "change"),
    [
        (NeuralUCB, {"precision": "last_layer"}),
        (NeuralUCB, {"prior_precision": 3.0}),
        (NeuralLinearBandit, {"include_inputs": False}),
        (EnsembleBandit, {"n_members": 3}),
        (EnsembleBandit, {"prior_scale": 0.5}),
        (NeuralUCB, {"net": "large_mlp"}),
        (NeuralUCB, {"net": make_net("tiny_mlp", module__hidden_units=(5,))}),
        (NeuralUCB, {"net": torch.nn.Linear}),
    ],
)
def test_what_does_not_fit_what_was_learnt_is_refused(Bandit, change, played):
    X, arm, reward = played
    options = {"n_members": 2} if Bandit is EnsembleBandit else {}
    bandit = Bandit(net="tiny_mlp", random_state=0, initial_train_steps=5, **options)
    bandit.fit(X, arm, reward=reward)
    kept = {name: getattr(bandit, name) for name in change}
    scores = bandit.decision_function(X)
    bandit.set_params(**change)
    with pytest.raises(ValueError, match=next(iter(change))):
        bandit.partial_fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match=next(iter(change))):
        bandit.predict(X)
    bandit.set_params(**kept)
    np.testing.assert_array_equal(bandit.decision_function(X), scores)


def test_a_net_written_in_another_way_is_the_same(played):
    X, arm, reward = played
    bandit = NeuralUCB(net="tiny_mlp", random_state=0, initial_train_steps=5)
    bandit.fit(X, arm, reward=reward)
    stop = skorch.callbacks.EarlyStopping()
    bandit.set_params(net=make_net("tiny_mlp", lr=1e-3, callbacks=[stop]))
    bandit.partial_fit(X, arm, reward=reward)
    loaded = pickle.loads(pickle.dumps(bandit))
    loaded.partial_fit(X, arm, reward=reward)
    assert loaded.n_trainings_ == 3


def test_more_candidates_than_known_change_no_network(bandit):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(80, 3, 2))
    index = rng.randint(3, size=80)
    if bandit.get_params().get("precision") == "full":
        bandit.set_params(net=make_net("tiny_mlp", module__hidden_units=(4,)))
    bandit.fit(X, index, reward=X[np.arange(80), index, 0])
    networks = bandit.state_.networks
    wider = rng.normal(size=(5, 6, 2))
    assert bandit.predict_proba(wider).shape == (5, 6)
    bandit.partial_fit(wider[:1], [5], reward=[1.0])
    assert bandit.state_.networks == networks
    assert len(bandit.classes_) == 6
    assert clone(bandit).fit(X, index, reward=X[:, 0, 0]).n_trainings_ == 1
