"""Nets, modules and optimizers of a user: taken, or named in an error that loses no round."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations  # noqa: E402

from skbandit.buffers import RandomSampler, SlidingWindow  # noqa: E402
from skbandit.neural import (  # noqa: E402
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralUCB,
    make_net,
)
from skbandit.neural._gradients import looped_gradients, per_sample_gradients  # noqa: E402
from skbandit.neural._nets import build_net, copied  # noqa: E402
from skbandit.transfer import transfer  # noqa: E402
from tests.neural.modules import FAMILIES, Own, make  # noqa: E402


class Double(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.double()


class InPlace(Own):
    def forward(self, X):
        return self.output(self.hidden(X).relu_())


class Recurrent(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.LSTM(1, 4, batch_first=True)
        self.output = nn.Linear(4, n_outputs)

    def forward(self, X):
        return self.output(self.hidden(X[:, :, None])[0][:, -1])


class Normed(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        parametrizations.weight_norm(self.hidden)


class Adapted(nn.Linear):
    """A linear layer with weights of its own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs)
        self.low = nn.Parameter(0.3 * torch.randn(n_inputs))

    def forward(self, X):
        return super().forward(X) + (X @ self.low)[:, None]


class WithAdapted(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden, self.output = Adapted(n_inputs, 8), nn.Linear(8, n_outputs)


class BatchNormed(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.Sequential(nn.Linear(n_inputs, 8), nn.BatchNorm1d(8))
        self.output = nn.Linear(8, n_outputs)


class Convolution(Own):
    """Its outputs do not come from a linear layer."""

    def build(self, n_inputs, n_outputs):
        self.output = nn.Conv1d(1, n_outputs, n_inputs)

    def forward(self, X):
        return self.output(X[:, None])[:, :, 0]


class Pair(Own):
    def forward(self, X):
        return super().forward(X), X


class FixedWidth(Own):
    def __init__(self):
        super().__init__(3, 2)


def skorch_net(module, **parameters):
    return skorch.NeuralNetRegressor(
        module, **{"verbose": 0, "train_split": None, "max_epochs": 2, **parameters}
    )


# -------------------------------------------------------------------------- optimizers
OPTIMIZERS = [
    "SGD",
    "Adam",
    "AdamW",
    "Adagrad",
    "RMSprop",
    "NAdam",
    "RAdam",
    "Adamax",
    "Adadelta",
    "ASGD",
    "Rprop",
    "LBFGS",
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains_named_networks_twice(name, played):
    X, arm, reward = played
    searched = make_net("tiny_mlp").set_params(optimizer=getattr(torch.optim, name))
    for net in (make_net("tiny_mlp", optimizer=getattr(torch.optim, name)), searched):
        bandit = make(NeuralLinearBandit, net=net, arms=["a", "b"])
        bandit.partial_fit(X[:75], arm[:75], reward=reward[:75])
        before = bandit.net_.module_.hidden[0].weight.detach().clone()
        # LBFGS keeps what torch's own files leave out.
        bandit = pickle.loads(pickle.dumps(bandit))
        bandit.partial_fit(X[75:], arm[75:], reward=reward[75:])
        assert bandit.n_trainings_ == 2
        assert not torch.equal(bandit.net_.module_.hidden[0].weight, before)


@pytest.mark.parametrize("option", ["foreach", "differentiable"])
def test_other_kernels_may_be_asked_for(option, played):
    net = make_net("tiny_mlp", **{f"optimizer__{option}": True})
    assert "optimizer__fused" not in net.get_params()
    assert build_net(net, 3, 2, seed=0).optimizer_.defaults[option]


def test_a_copied_optimizer_moves_the_copy(played):
    X, arm, reward = played
    bandit = make(NeuralLinearBandit, net=skorch_net(Own, optimizer=torch.optim.LBFGS))
    net = bandit.fit(X, arm, reward=reward).net_
    new = copied(net)
    assert {id(p) for p in new.optimizer_._params} == {id(p) for p in new.module_.parameters()}


# ---------------------------------------------------------------------- callbacks, logs
class Writer:
    """A log that cannot be copied, as that of TensorBoard."""

    def __init__(self):
        self.lock, self.tags = threading.Lock(), []

    def add_scalar(self, tag, scalar_value, global_step):
        self.tags.append(tag)

    def close(self):
        pass


@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("named", [True, False])
def test_a_log_that_cannot_be_copied_is_shared(Bandit, named, played):
    X, arm, reward = played
    writer = Writer()
    board = skorch.callbacks.TensorBoard(writer)
    stop = skorch.callbacks.EarlyStopping(monitor="train_loss")
    parts = [("board", board), ("stop", stop)] if named else [board, stop]
    bandit = make(Bandit, net=skorch_net(Own, callbacks=parts), arms=["a", "b"])
    bandit = clone(bandit).partial_fit(X[:75], arm[:75], reward=reward[:75])
    bandit.partial_fit(X[75:], arm[75:], reward=reward[75:])
    assert bandit.n_trainings_ == 2
    assert "Loss/train_loss" in writer.tags
    # What can be copied is: the callbacks that were given are as they were.
    assert stop.dynamic_threshold_ is None
    assert bandit.add_arms(["c"]).predict(X).shape == (150,)


# ------------------------------------------------------------------------ small batches
@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("drop_last", [True, False])
def test_batch_normalisation_never_loses_a_round(Bandit, drop_last):
    X = np.random.RandomState(0).randn(70, 2)
    net = skorch_net(BatchNormed, batch_size=16, iterator_train__drop_last=drop_last)
    bandit = make(Bandit, net=net, arms=[0, 1], min_samples_to_train=1, train_every=1)
    for row in range(70):
        # Buffers of 1, 17, 33, ... rounds: the last batch has one row.
        bandit.partial_fit(X[row : row + 1], [row % 2], reward=[X[row, 0]])
    assert len(bandit.buffer_) == 70
    assert bandit.n_trainings_ == 69


def test_drop_last_and_the_loaders_batch_size_are_obeyed(played):
    sizes = []

    class Watch(skorch.callbacks.Callback):
        def on_batch_begin(self, net, batch, training, **kwargs):
            if training:
                sizes.append(len(batch[0]))

    X, arm, reward = played
    # Of 150 rounds, 29 are held out.
    for drop_last, expected in ((True, [40] * 3), (False, [40] * 3 + [1])):
        sizes.clear()
        net = skorch_net(
            Own,
            max_epochs=1,
            callbacks=[Watch()],
            iterator_train__batch_size=40,
            iterator_train__drop_last=drop_last,
        )
        NeuralLinearBandit(net=net, random_state=0).fit(X, arm, reward=reward)
        assert sizes == expected
        # Steps that are written out count the same batches.
        net = make_net("tiny_mlp", max_epochs=1, iterator_train__batch_size=40)
        net.set_params(iterator_train__drop_last=drop_last)
        bandit = NeuralLinearBandit(net=net, random_state=0).fit(X, arm, reward=reward)
        assert bandit.net_.history[-1]["train_batch_count"] == len(expected)


def test_batches_of_ones_own(played):
    X, arm, reward = played
    seen = []

    def collate(parts):
        seen.append(len(parts))
        return torch.utils.data.default_collate(parts)

    net = skorch_net(Own, iterator_train__collate_fn=collate, batch_size=50, max_epochs=1)
    NeuralLinearBandit(net=net, random_state=0).fit(X, arm, reward=reward)
    # Of 150 rounds, 29 are held out.
    assert seen == [50, 50, 21]


def test_normalising_batches_of_one_row_is_an_error_that_names_the_size(played):
    X, arm, reward = played
    bandit = make(NeuralLinearBandit, net=skorch_net(BatchNormed, batch_size=1))
    with pytest.raises(ValueError, match="net__batch_size is 1"):
        bandit.fit(X, arm, reward=reward)


# ----------------------------------------------------------------------------- precision
@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("net", [Double, skorch_net(Double)])
def test_modules_in_double_precision(Bandit, net, played):
    X, arm, reward = played
    bandit = make(Bandit, net=net).fit(X, arm, reward=reward)
    assert bandit.n_trainings_ == 1
    assert bandit.net_.module_.output.weight.dtype == torch.float64
    assert np.isfinite(bandit.decision_function(X)).all()


@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("net", ["tiny_mlp", Own, make_net("tiny_mlp", module__dropout=0.1)])
def test_torchs_default_type(Bandit, net, played):
    """Bandits follow torch's default type, and one that was trained keeps its own."""
    X, arm, reward = played
    single = make(Bandit, net=net, arms=["a", "b"]).fit(X[:75], arm[:75], reward=reward[:75])
    torch.set_default_dtype(torch.float64)
    try:
        double = make(Bandit, net=net).fit(X, arm, reward=reward)
        assert double.net_.module_.output.weight.dtype == torch.float64
        single.partial_fit(X[75:], arm[75:], reward=reward[75:])
        assert single.net_.module_.output.weight.dtype == torch.float32
        assert single.n_trainings_ == 2
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("net", ["tiny_mlp", Own])
def test_the_callers_mode_does_not_matter(Bandit, net, mode, played):
    X, arm, reward = played
    plain = make(Bandit, net=net).fit(X, arm, reward=reward)
    with mode():
        other = make(Bandit, net=net).fit(X, arm, reward=reward)
        inside = other.expected_reward(X, return_std=True)
    expected = plain.expected_reward(X, return_std=True)
    for found in (inside, other.expected_reward(X, return_std=True)):
        np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------------------- modules
MODULES = [Own, Double, InPlace, Recurrent, Normed, WithAdapted, BatchNormed]


@pytest.mark.parametrize("Module", MODULES)
def test_gradients_of_any_module_are_those_of_a_loop(Module):
    torch.manual_seed(0)
    module = Module(4, 3).double().eval()
    X = torch.randn(6, 4, dtype=torch.float64)
    torch.testing.assert_close(per_sample_gradients(module, X), looped_gradients(module, X))


@pytest.mark.parametrize("Module", MODULES)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_any_module_learns_the_same_twice(Bandit, Module, played):
    X, arm, reward = played
    first, second = (make(Bandit, net=Module).fit(X, arm, reward=reward) for _ in range(2))
    for one, two in zip(
        first.expected_reward(X, return_std=True),
        second.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("warm_start", [True, False])
def test_an_instance_is_copied_and_left_as_it_was(Bandit, warm_start, played):
    X, arm, reward = played
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))
    before = copy.deepcopy(module.state_dict())
    nets = {"instance": module, "skorch net": skorch_net(module)}
    for net in nets.values():
        bandit = make(Bandit, net=net, warm_start=warm_start, arms=["a", "b"])
        bandit.partial_fit(X[:75], arm[:75], reward=reward[:75])
        first = copy.deepcopy(bandit.net_.module_.state_dict())
        bandit.partial_fit(X[75:], arm[75:], reward=reward[75:])
        assert bandit.n_trainings_ == 2
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name])
            assert not torch.equal(first[name], before[name])
        # Each training without a warm start begins with the weights that were given.
        moved = (bandit.net_.module_[0].weight - before["0.weight"]).abs().max()
        assert moved < 0.1
        loaded = pickle.loads(pickle.dumps(bandit))
        np.testing.assert_array_equal(loaded.predict_proba(X), bandit.predict_proba(X))
        np.testing.assert_array_equal(clone(bandit).net.__class__, bandit.net.__class__)


# ------------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("Bandit", "parameters", "error", "message"),
    [
        (EnsembleBandit, {"net": Convolution}, ValueError, "net's module Convolution must have"),
        (NeuralLinearBandit, {"net": Convolution}, ValueError, "represent"),
        (NeuralLinearBandit, {"net": Pair}, ValueError, "net's module Pair returns a tuple"),
        (NeuralUCB, {"net": skorch.NeuralNetRegressor}, TypeError, "instance: NeuralNetRegressor"),
        (NeuralUCB, {"net": nn.Linear}, TypeError, "net cannot be made for 3 inputs"),
        (NeuralUCB, {"buffer": SlidingWindow}, TypeError, r"buffer .* Write SlidingWindow\(\)"),
        (NeuralUCB, {"sampler": RandomSampler}, TypeError, r"sampler .* Write RandomSampler\(\)"),
    ],
)
def test_what_cannot_work_is_named_before_a_round_is_lost(
    Bandit, parameters, error, message, played
):
    X, arm, reward = played
    with pytest.raises(error, match=message):
        make(Bandit, **parameters).fit(X, arm, reward=reward)


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_no_pass_is_no_training(Bandit, played):
    X, arm, reward = played
    bandit = make(Bandit, net=skorch_net(Own, max_epochs=0), initial_train_steps=None)
    bandit.fit(X, arm, reward=reward)
    assert np.isfinite(bandit.decision_function(X)).all()


@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("net", [FixedWidth, nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))])
def test_modules_of_a_fixed_width_neither_grow_nor_shrink(Bandit, net, played):
    X, arm, reward = played
    bandit = make(Bandit, net=net).fit(X, arm, reward=reward)
    before = bandit.decision_function(X)
    for change in (
        lambda: bandit.add_arms(["c"]),
        lambda: bandit.remove_arms(["a"]),
        lambda: bandit.expand_features(1),
        lambda: bandit.drop_features([0]),
    ):
        with pytest.raises(ValueError, match=r"n_outputs|n_inputs"):
            change()
    np.testing.assert_array_equal(bandit.decision_function(X), before)
    # The same arms in another order are no other width.
    reordered = transfer(bandit, clone(bandit).set_params(arms=["b", "a"]))
    np.testing.assert_allclose(reordered.expected_reward(X), bandit.expected_reward(X)[:, ::-1])


def test_what_no_layer_carries_is_refused(played):
    """In the weights of a convolution nothing says which of equally many arms they belong to."""
    X, arm, reward = played
    X = pd.DataFrame(X, columns=list("pqr"))
    bandit = make(NeuralUCB, net=Convolution).fit(X, arm, reward=reward)
    template = clone(bandit)
    for change, message in (
        (lambda: transfer(bandit, template.set_params(arms=["b", "a"])), "arms of net's module"),
        (
            lambda: transfer(bandit, template.fit(X[list("rqp")], arm, reward=reward)),
            "features of net's module",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            change()


@pytest.mark.parametrize("Module", [Normed, WithAdapted])
def test_layers_with_weights_of_their_own_are_carried(Module, played):
    X, arm, reward = played
    bandit = make(NeuralUCB, net=Module).fit(X, arm, reward=reward)
    bigger = bandit.add_arms(["c"])
    np.testing.assert_allclose(
        bigger.expected_reward(X)[:, :2], bandit.expected_reward(X), atol=1e-6
    )


# -------------------------------------------------------------------------- large numbers
@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("what", ["reward", "X", "weight", "X, not standardised"])
def test_numbers_whose_squares_overflow_are_refused(Bandit, fitted, what, played):
    X, arm, reward = played
    bandit = make(Bandit, arms=["a", "b"], net="tiny_mlp", standardize="not" not in what)
    if fitted:
        bandit.fit(X, arm, reward=reward)
        before = pickle.dumps(bandit)
    for size in (1e300, 1e200, 1e160):
        rows, paid, weight = X[:70].copy(), reward[:70].copy(), np.ones(70)
        if what == "reward":
            paid[3] = size
        elif what == "weight":
            weight[3] = 1e300
        else:
            rows[3, 1] = -size
        with pytest.raises(ValueError, match=r"reward|X|sample_weight"):
            bandit.partial_fit(rows, arm[:70], reward=paid, sample_weight=weight)
    if fitted:
        assert pickle.dumps(bandit) == before
    bandit.partial_fit(X, arm, reward=reward)
    assert np.isfinite(bandit.decision_function(X)).all()


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_large_numbers_do_not_stop_the_training(Bandit, played):
    """A reward far beyond single precision in the old unit: a new unit is found."""
    X, arm, reward = played
    bandit = make(Bandit, arms=["a", "b"], net="tiny_mlp").fit(X, arm, reward=reward)
    bandit.partial_fit(X[:70], arm[:70], reward=1e30 * reward[:70])
    assert bandit.n_trainings_ == 2
    assert np.isfinite(bandit.decision_function(X)).all()


# -------------------------------------------------------------------- threads, interruptions
class Noisy(Own):
    def forward(self, X):
        return self.output(nn.functional.dropout(self.hidden(X), 0.5, self.training))


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_threads_that_train_do_not_share_a_stream(Bandit, played):
    X, arm, reward = played
    torch.manual_seed(11)
    before = torch.get_rng_state()

    def fit(_):
        return make(Bandit, net=Noisy).fit(X, arm, reward=reward).expected_reward(X)

    alone = fit(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(fit, range(8)):
            np.testing.assert_array_equal(found, alone)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_an_interrupted_call_never_was(Bandit, played):
    """Also for the stream that the seeds are drawn from, and torch's generator."""

    class Interrupting(Noisy):
        armed = False

        def forward(self, X):
            if type(self).armed:
                raise KeyboardInterrupt
            return super().forward(X)

    X, arm, reward = played
    net = skorch_net(Interrupting)
    stream = np.random.RandomState(0)
    bandit = make(Bandit, net=net, random_state=stream, arms=["a", "b"], train_every=10)
    bandit.fit(X[:100], arm[:100], reward=reward[:100])
    before, scores = stream.get_state(), bandit.decision_function(X)
    generator = torch.get_rng_state()
    Interrupting.armed = True
    with pytest.raises(KeyboardInterrupt):
        bandit.partial_fit(X[100:], arm[100:], reward=reward[100:])
    Interrupting.armed = False
    np.testing.assert_array_equal(stream.get_state()[1], before[1])
    assert stream.get_state()[2] == before[2]
    assert torch.equal(torch.get_rng_state(), generator)
    np.testing.assert_array_equal(bandit.decision_function(X), scores)
    assert len(bandit.buffer_) == 100
