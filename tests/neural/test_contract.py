"""The contract of every bandit, for the neural ones: sklearn's checks, seeds, pickles, errors."""

import copy
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from skbandit.base import make_log  # noqa: E402
from skbandit.buffers import RandomSampler, Reservoir, SlidingWindow, SortedSampler  # noqa: E402
from skbandit.neural import (  # noqa: E402
    MLP,
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
    make_net,
)
from skbandit.neural._nets import device_of  # noqa: E402
from skbandit.selectors import EpsilonGreedySelector, TopKSelector  # noqa: E402


def learnt(bandit, played, cuts=(0, 80, 110, 150)):
    X, arm, reward = played
    bandit = clone(bandit).set_params(arms=["a", "b"])
    for start, stop in pairwise(cuts):
        bandit.partial_fit(X[start:stop], arm[start:stop], reward=reward[start:stop])
    return bandit


@pytest.mark.parametrize(
    "estimator",
    [
        NeuralLinearBandit(),
        NeuralLinearBandit(exploration="ucb", buffer=SlidingWindow(size=100)),
        NeuralUCB(net="tiny_mlp"),
        NeuralUCB(net="tiny_mlp", precision="last_layer"),
        NeuralThompsonSampling(net="linear"),
        # Random weights of rounds make a weight of k equal k rounds on average alone.
        EnsembleBandit(net="tiny_mlp", n_members=2, bootstrap=False),
    ],
    ids=str,
)
def test_check_estimator_fails_nothing_and_skips_array_api_at_most(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert not [r["check_name"] for r in results if r["status"] in ("failed", "xfail")]
    skipped = [r["check_name"] for r in results if r["status"] == "skipped"]
    assert set(skipped) <= {"check_array_api_input"}
    assert Counter(r["status"] for r in results)["passed"] > 40


def test_unfitted_with_arms_is_uniform_and_learning_leaves_that(bandit, played):
    bandit.set_params(arms=["a", "b"])
    np.testing.assert_allclose(bandit.predict_proba(played[0]), 0.5)
    mean, std = bandit.expected_reward(played[0], return_std=True)
    assert not mean.any()
    assert (std == std[0, 0]).all()


def test_same_seed_same_model_and_torch_is_left_alone(bandit, played):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = learnt(bandit, played)
    first.predict(played[0])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    np.random.seed(3)
    second = learnt(bandit, played)
    np.testing.assert_array_equal(
        first.decision_function(played[0]), second.decision_function(played[0])
    )
    other = learnt(clone(bandit).set_params(random_state=1), played)
    assert not np.allclose(first.decision_function(played[0]), other.decision_function(played[0]))


def test_decisions_do_not_depend_on_the_batch(bandit, played):
    fitted, X = learnt(bandit, played), played[0]
    arms, propensity = fitted.predict(X, return_propensity=True)
    parts = [fitted.predict(X[i : i + 7], return_propensity=True) for i in range(0, len(X), 7)]
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts]), arms)
    np.testing.assert_allclose(np.concatenate([p[1] for p in parts]), propensity, rtol=1e-8)
    policy = fitted.predict_proba(X)
    np.testing.assert_allclose(policy.sum(axis=1), 1.0)
    np.testing.assert_allclose(propensity, policy[np.arange(len(X)), (arms == "b").astype(int)])


def test_deciding_changes_nothing(bandit, played):
    fitted = learnt(bandit, played)
    before = pickle.dumps(fitted)
    fitted.predict(played[0])
    fitted.expected_reward(played[0], return_std=True)
    fitted.decision_function(played[0])
    assert pickle.dumps(fitted) == before


def test_saved_loaded_and_continued_is_uninterrupted(bandit, played):
    X, arm, reward = played
    fitted = learnt(bandit, played, cuts=(0, 70, 100))
    loaded = pickle.loads(pickle.dumps(fitted))
    for b in (fitted, loaded):
        for start in (100, 120, 140):
            part = slice(start, start + 10)
            b.partial_fit(X[part], arm[part], reward=reward[part])
    assert fitted.n_trainings_ == loaded.n_trainings_ > 1
    np.testing.assert_array_equal(fitted.decision_function(X), loaded.decision_function(X))
    np.testing.assert_array_equal(fitted.predict(X), loaded.predict(X))


CONTINUE = """
import sys, joblib
bandit, X, arm, reward = joblib.load(sys.argv[1])
bandit.partial_fit(X[100:], arm[100:], reward=reward[100:])
joblib.dump(bandit.predict_proba(X), sys.argv[2])
"""


@pytest.mark.parametrize("name", ["linear", "ensemble"])
def test_training_goes_on_in_a_new_process(name, played, tmp_path):
    from tests.neural.conftest import make_bandits

    X, arm, reward = played
    fitted = learnt(make_bandits()[name], played, cuts=(0, 100))
    joblib.dump((fitted, *played), tmp_path / "in")
    subprocess.run(
        [sys.executable, "-c", CONTINUE, tmp_path / "in", tmp_path / "out"],
        check=True,
    )
    fitted.partial_fit(X[100:], arm[100:], reward=reward[100:])
    np.testing.assert_array_equal(joblib.load(tmp_path / "out"), fitted.predict_proba(X))


def test_a_failing_call_leaves_the_bandit_as_it_was(bandit, played):
    X, arm, reward = played
    fitted = learnt(bandit, played, cuts=(0, 80))
    before = pickle.dumps(fitted)
    bad = X[:10].copy()
    bad[3, 1] = np.nan
    for call in (
        lambda: fitted.partial_fit(bad, arm[:10], reward=reward[:10]),
        lambda: fitted.partial_fit(X[:10], ["c"] * 10, reward=reward[:10]),
        lambda: fitted.partial_fit(X[:10, :2], arm[:10], reward=reward[:10]),
        lambda: fitted.partial_fit(X[:10], arm[:10], reward=[np.inf] * 10),
    ):
        with pytest.raises(ValueError):
            call()
    assert pickle.dumps(fitted) == before


def test_an_error_in_training_leaves_the_bandit_as_it_was(played):
    class Interrupting(skorch.callbacks.Callback):
        armed = False

        def on_batch_end(self, net, training=None, **kwargs):
            if training and type(self).armed:
                raise RuntimeError("the machine is going down")

    net = make_net("tiny_mlp", callbacks=[("stop", Interrupting())])
    options = {"net": net, "train_every": 10, "train_steps": 5, "random_state": 0}
    fitted = learnt(NeuralLinearBandit(**options), played, cuts=(0, 100))
    before = fitted.decision_function(played[0])
    Interrupting.armed = True
    X, arm, reward = played
    with pytest.raises(RuntimeError, match="going down"):
        fitted.partial_fit(X[100:], arm[100:], reward=reward[100:])
    np.testing.assert_array_equal(fitted.decision_function(X), before)
    assert len(fitted.buffer_) == 100


def test_zero_weight_is_absence(bandit, played):
    X, arm, reward = played
    keep = np.arange(150) % 3 > 0
    weighted = clone(bandit).fit(X, arm, reward=reward, sample_weight=keep.astype(float))
    fewer = clone(bandit).fit(X[keep], arm[keep], reward=reward[keep])
    if not isinstance(bandit, EnsembleBandit):
        np.testing.assert_array_equal(weighted.predict_proba(X), fewer.predict_proba(X))
    assert len(weighted.buffer_) == len(fewer.buffer_) == keep.sum()


def test_available_and_selectors(bandit, played):
    X = played[0]
    fitted = learnt(bandit, played)
    mask = np.random.RandomState(0).rand(150, 2) < 0.5
    mask[~mask.any(axis=1), 0] = True
    policy = fitted.predict_proba(X, available=mask)
    assert not policy[~mask].any()
    np.testing.assert_allclose(policy.sum(axis=1), 1)
    greedy = clone(bandit).set_params(selector=EpsilonGreedySelector(0.2))
    assert learnt(greedy, played).predict_proba(X).min() >= 0.1 - 1e-12


def test_sets_of_arms(bandit):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(80, 3))
    bandit.set_params(arms=list("abcd"), selector=TopKSelector(2))
    for start in (0, 40):
        part = X[start : start + 40]
        arms = bandit.predict(part)
        assert arms.shape == (40, 2)
        bandit.partial_fit(part, arms, reward=(arms == "a") + part[:, :1])
    np.testing.assert_allclose(bandit.predict_proba(X).sum(axis=1), 2)
    assert bandit.predict_proba(X)[:, 0].mean() > 0.8
    # 80 rounds, two rows each.
    assert len(bandit.buffer_) == 160
    assert bandit.n_trainings_ == 1


def test_candidates_with_features(bandit):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 4, 3))
    index = rng.randint(4, size=300)
    reward = X[np.arange(300), index, 0]
    bandit.set_params(
        net="tiny_mlp" if bandit.get_params().get("precision") != "full" else bandit.net
    )
    bandit.set_params(initial_train_steps=200).fit(X, index, reward=reward)
    best = bandit.predict(X, explore=False)
    assert (best == X[:, :, 0].argmax(axis=1)).mean() > 0.8
    assert bandit.predict_proba(rng.normal(size=(3, 6, 3))).shape == (3, 6)
    full = clone(bandit).fit(X, X[:, :, 0].argmax(axis=1))
    assert (full.predict(X, explore=False) == X[:, :, 0].argmax(axis=1)).mean() > 0.7
    loaded = pickle.loads(pickle.dumps(bandit))
    np.testing.assert_array_equal(loaded.decision_function(X), bandit.decision_function(X))


class Image(torch.nn.Module):
    """Takes pictures of 4 x 4."""

    def __init__(self, n_outputs=1):
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 2, 3)
        self.output = torch.nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.output(torch.relu(self.convolution(X[:, None])).flatten(1))


@pytest.mark.parametrize("Bandit", [NeuralLinearBandit, NeuralUCB, EnsembleBandit])
def test_candidates_of_any_shape(Bandit):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(100, 3, 4, 4))
    index = rng.randint(3, size=100)
    reward = X[np.arange(100), index].mean(axis=(1, 2))
    options = {"n_members": 2} if Bandit is EnsembleBandit else {}
    bandit = Bandit(net=Image, random_state=0, **options).fit(X, index, reward=reward)
    assert bandit.predict_proba(X).shape == (100, 3)
    assert bandit.predict(X[:5]).shape == (5,)
    with pytest.raises(ValueError, match=r"shape \(2, 8\).*\(4, 4\)"):
        bandit.predict(X.reshape(100, 3, 2, 8))


def test_net_parameters_are_searched(played):
    X, arm, reward = played
    log = make_log(arm, reward, np.full(150, 0.5))
    bandit = NeuralLinearBandit(net=make_net("tiny_mlp", max_epochs=2), random_state=0)
    grid = {"net__lr": [1e-3, 1e-2], "net__module__hidden_units": [(4,), (8, 8)]}
    search = GridSearchCV(bandit, grid, cv=2).fit(X, log)
    widths = [layer.out_features for layer in search.best_estimator_.net_.module_.hidden]
    assert tuple(widths) == search.best_params_["net__module__hidden_units"]
    assert search.best_estimator_.net_.lr == search.best_params_["net__lr"]


def test_frames_keep_their_names(bandit, played):
    X = pd.DataFrame(played[0], columns=["age", "income", "visits"])
    fitted = bandit.fit(X, played[1], reward=played[2])
    assert fitted.feature_names_in_.tolist() == ["age", "income", "visits"]
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(X.rename(columns={"age": "height"}))


@pytest.mark.parametrize("buffer", [SlidingWindow(size=60), Reservoir(size=60)])
def test_bounded_buffers_and_curriculum(bandit, buffer, played):
    bandit.set_params(buffer=buffer, sampler=SortedSampler("reward"))
    fitted = learnt(bandit, played)
    assert len(fitted.buffer_) == 60
    assert len(buffer) == 0
    assert np.isfinite(fitted.decision_function(played[0])).all()
    assert "buffer__size" in fitted.get_params()


# ------------------------------------------------------------------------ bad nets
class Diverging(torch.nn.Module):
    """Returns NaN while it is trained, once told to."""

    broken = False

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = torch.nn.Linear(n_inputs, n_outputs)

    def forward(self, X):
        outputs = self.layer(X)
        return outputs * float("nan") if type(self).broken else outputs


def test_divergence_keeps_the_last_good_network(played):
    X, arm, reward = played
    Diverging.broken = False
    bandit = NeuralLinearBandit(net=Diverging, arms=["a", "b"], random_state=0)
    bandit.partial_fit(X[:70], arm[:70], reward=reward[:70])
    weights = copy.deepcopy(bandit.net_.module_.state_dict())
    Diverging.broken = True
    try:
        with pytest.warns(ConvergenceWarning, match="last good network"):
            bandit.partial_fit(X[70:140], arm[70:140], reward=reward[70:140])
    finally:
        Diverging.broken = False
    for name, value in bandit.net_.module_.state_dict().items():
        assert torch.equal(value, weights[name])
    # A learning rate that blows up, through the front door.
    wild = NeuralUCB(net=make_net("tiny_mlp", lr=1e38), arms=["a", "b"], random_state=0)
    with pytest.warns(ConvergenceWarning, match="net__lr"):
        wild.partial_fit(X, arm, reward=reward)
    assert np.isfinite(wild.decision_function(X)).all()
    assert wild.n_trainings_ == 0
    assert len(wild.buffer_) == 150


def test_bad_nets_are_named(played):
    X, arm, reward = played

    class TwoOutputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 5)

        def forward(self, X):
            return self.layer(X)

    class WrongInputs(TwoOutputs):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(7, 2)

    class Poisoned(TwoOutputs):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 2)
            torch.nn.init.constant_(self.layer.weight, float("nan"))

    for module, message in (
        (TwoOutputs, r"\(2, 5\) for 2 rows, but \(2, 2\)"),
        (WrongInputs, r"batch of shape\s+\(2, 3\)"),
        (Poisoned, "NaN or infinity before any"),
    ):
        with pytest.raises(ValueError, match=message):
            NeuralLinearBandit(net=module).fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match="use net='linear'"):
        NeuralUCB(net="none").fit(X, arm, reward=reward)


def test_a_buffer_with_too_little_room_for_a_training_is_named(bandit, played):
    X, arm, reward = played
    for buffer in (SlidingWindow(size=30), Reservoir(size=30)):
        bandit.set_params(buffer=buffer, min_samples_to_train=31)
        with pytest.raises(ValueError, match="at most 30 rounds, too few samples"):
            bandit.fit(X, arm, reward=reward)
        bandit.set_params(min_samples_to_train=30).fit(X, arm, reward=reward)
        assert bandit.n_trainings_ == 1


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (lambda n: np.arange(n + 1), r"from 0 to (\d+), got 0 to (?!\1)"),
        (lambda n: np.arange(n) - 1, r"got -1 to \d+"),
        (lambda n: np.arange(n) / 2, "dtype float64"),
        (lambda n: np.arange(0), r"shape \(0,\)"),
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_sampler_that_names_no_rounds(played, order, message, dropout):
    X, arm, reward = played

    class Sampler(RandomSampler):
        def order(self, columns, rng):
            return order(len(columns["arm"]))

    net = make_net("tiny_mlp", module__dropout=dropout)
    bandit = NeuralLinearBandit(net=net, sampler=Sampler(), random_state=0)
    with pytest.raises(ValueError, match=message):
        bandit.fit(X, arm, reward=reward)
    assert "classes_" not in vars(bandit)


def test_too_few_rounds_for_a_validation_split(played):
    X, arm, reward = played
    net = skorch.NeuralNetRegressor(make_net("tiny_mlp").module, verbose=0)
    bandit = NeuralLinearBandit(net=net, arms=["a", "b"], min_samples_to_train=3)
    with pytest.raises(ValueError, match="n_splits=5"):
        bandit.partial_fit(X[:3], arm[:3], reward=reward[:3])
    assert "classes_" not in vars(bandit)
    bandit.partial_fit(X[:30], arm[:30], reward=reward[:30])


def test_mixed_devices_are_named():
    module = torch.nn.Linear(3, 2)
    module.spare = torch.nn.Parameter(torch.empty(1, device="meta"))
    with pytest.raises(ValueError, match="several devices"):
        device_of(SimpleNamespace(module_=module))


def test_what_a_gpu_wrote_is_read_without_one(bandit, played, monkeypatch):
    """A pickle whose tensors say that they lay on a GPU; written here, where there may be none."""
    if torch.cuda.is_available():
        pytest.skip("the tags would be followed to the GPU that is here")
    X, arm, reward = played
    fitted = learnt(bandit, played, cuts=(0, 100))
    for net in fitted.nets_:
        net.device = "cuda"
    # Random networks of an ensemble are kept in main memory.
    priors = getattr(fitted, "priors_", ())
    own = {p.data_ptr() for module in priors for p in module.parameters()}
    with monkeypatch.context() as patch:
        patch.setattr(
            torch.serialization,
            "location_tag",
            lambda storage: "cpu" if storage.data_ptr() in own else "cuda:0",
        )
        written = pickle.dumps(fitted)
    assert b"cuda:0" in written
    for net in fitted.nets_:
        net.device = "cpu"
    with warnings.catch_warnings():
        # skorch says that the device is another one now.
        warnings.simplefilter("ignore")
        loaded = pickle.loads(written)
    assert device_of(loaded.net_).type == "cpu"
    np.testing.assert_array_equal(loaded.decision_function(X), fitted.decision_function(X))
    for one in (loaded, fitted):
        one.partial_fit(X[100:], arm[100:], reward=reward[100:])
    np.testing.assert_array_equal(loaded.decision_function(X), fitted.decision_function(X))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_trained_on_a_gpu(bandit, played):
    bandit.set_params(net__device="cuda")
    fitted = learnt(bandit, played)
    on_cpu = learnt(clone(bandit).set_params(net__device="cpu"), played)
    np.testing.assert_allclose(
        fitted.decision_function(played[0]), on_cpu.decision_function(played[0]), atol=0.05
    )


class DoubleMLP(MLP):
    def __init__(self, n_inputs, n_outputs=1, hidden_units=(8,)):
        super().__init__(n_inputs, n_outputs, hidden_units)
        self.double()


@pytest.mark.parametrize(
    ("Bandit", "options"),
    [
        (NeuralLinearBandit, {}),
        (NeuralUCB, {}),
        (NeuralThompsonSampling, {"precision": "full"}),
        (EnsembleBandit, {"n_members": 2}),
    ],
)
def test_weights_equal_repetition_to_the_precision_of_the_network(Bandit, options):
    """All of check_estimator, where trainings take place, in double precision."""
    net = make_net("tiny_mlp", module__hidden_units=(8,), batch_size=-1).set_params(
        module=DoubleMLP
    )
    bandit = Bandit(
        net=net,
        min_samples_to_train=8,
        train_every=16,
        initial_train_steps=4,
        train_steps=2,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(bandit, on_skip=None, on_fail=None)
    assert [one["check_name"] for one in results if one["status"] == "failed"] == []
