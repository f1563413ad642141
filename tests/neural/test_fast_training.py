"""Training steps written out are those of automatic differentiation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.neural import _training, make_net  # noqa: E402
from skbandit.neural._fast_training import can_train_fast  # noqa: E402
from skbandit.neural._nets import build_net, copied  # noqa: E402
from skbandit.neural._targets import Targets  # noqa: E402


def rounds(n_outputs, full):
    rng = np.random.RandomState(0)
    X = torch.from_numpy(rng.normal(size=(90, 4))).float()
    arm, reward = rng.randint(n_outputs, size=90), rng.normal(size=90)
    weight = rng.randint(1, 4, size=90).astype(float)
    n_taught = (rng.rand(90) < 0.3) * (n_outputs - 1.0) if full else np.zeros(90)
    # Of full feedback all but the last arm learn, and one of those was named.
    arm = np.where(n_taught > 0, arm % max(n_outputs - 1, 1), arm)
    return X, Targets(arm, reward, weight, n_taught, np.full(90, -0.7), np.full(90, 1.3))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize(
    "network",
    [
        {"module__hidden_units": (8, 8)},
        {"module__hidden_units": (8, 8, 8), "module__residual": True},
        {"module__hidden_units": (6,), "module__activation": "tanh"},
        {"module__hidden_units": (5, 5), "module__activation": "sigmoid"},
        {"module__hidden_units": (), "module__activation": "identity"},
    ],
)
@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_weights_after_training_are_the_same(network, optimizer, n_outputs, full, monkeypatch):
    torch.manual_seed(0)
    net = make_net("small_mlp", batch_size=16, optimizer=optimizer, lr=0.01, **network)
    net = build_net(net, 4, n_outputs, seed=0)
    torch.nn.init.normal_(net.module_.output.weight)
    assert can_train_fast(net)
    X, target = rounds(n_outputs, full)
    sampler = type("Sampler", (), {"order": lambda self, c, rng: rng.permutation(90)})()
    columns = {"reward": target.reward}

    def train(nets, n_steps):
        training = _training.Training(
            sampler, n_steps, None, afresh=[False] * len(nets), is_watched=False
        )
        held, seeds = [np.zeros(90)] * len(nets), [3, 4][: len(nets)]
        return _training.train_nets(nets, X, targets, held, columns, seeds, training)

    # Two nets of different weights and targets, side by side.
    other = copied(net)
    torch.nn.init.normal_(other.module_.output.weight)
    targets = [target, target._replace(weight=2 * target.weight)]
    fast = train([net, other], 25)
    monkeypatch.setattr(_training, "can_train_fast", lambda net: False)
    slow = train([net, other], 25)
    for one, two in zip(fast, slow, strict=True):
        for a, b in zip(one.module_.parameters(), two.module_.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-4)
        assert one.history[-1].keys() == two.history[-1].keys()
        assert one.history[-1]["train_loss"] == pytest.approx(
            two.history[-1]["train_loss"], rel=1e-3
        )
    # Either goes on where the other has ended, with the optimizer's own state.
    onward, expected = train(fast, 5), train(slow, 5)
    monkeypatch.undo()
    back = train(slow, 5)
    for one in (onward, back):
        for a, b in zip(one, expected, strict=True):
            torch.testing.assert_close(
                a.module_.output.weight, b.module_.output.weight, rtol=5e-3, atol=5e-4
            )
    # What was given is untouched.
    assert not net.optimizer_.state


@pytest.mark.parametrize(
    "parameters",
    [
        {"module__dropout": 0.1},
        {"module__activation": "gelu"},
        {"callbacks": None},
        {"criterion": torch.nn.L1Loss},
        {"optimizer": torch.optim.RMSprop},
    ],
)
def test_everything_else_is_left_to_skorch(parameters):
    net = make_net("tiny_mlp", **parameters)
    assert not can_train_fast(build_net(net, 4, 2, seed=0))
