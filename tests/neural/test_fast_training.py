"""Training steps written out are those of automatic differentiation."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.neural import _nets, make_net  # noqa: E402
from skbandit.neural._closed_form import has_closed_form  # noqa: E402


def rounds(n_outputs, full):
    rng = np.random.RandomState(0)
    X = torch.from_numpy(rng.normal(size=(90, 4))).float()
    target = np.column_stack(
        [
            rng.randint(n_outputs, size=90),
            rng.normal(size=90),
            rng.randint(1, 4, size=90),
            (rng.rand(90) < 0.3) * (n_outputs - 1) if full else np.zeros(90),
            np.full(90, -0.7),
            np.full(90, 1.3),
        ]
    )
    # Of full feedback all but the last arm learn, and one of those was named.
    target[target[:, 3] > 0, 0] %= max(n_outputs - 1, 1)
    return X, torch.from_numpy(target).float()


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
    net = _nets.build_net(net, 4, n_outputs)
    torch.nn.init.normal_(net.module_.output.weight)
    assert has_closed_form(net)
    X, target = rounds(n_outputs, full)
    sampler = type("Sampler", (), {"order": lambda self, c, rng: rng.permutation(90)})()
    columns = {"reward": target[:, 1].numpy()}

    def train(nets, n_steps):
        training = _nets.Training(sampler, n_steps, None, True)
        return _nets.train_nets(nets, X, targets, columns, [3, 4][: len(nets)], training)

    # Two nets of different weights and targets, side by side.
    other = _nets.copied(net)
    torch.nn.init.normal_(other.module_.output.weight)
    targets = [target, target * torch.tensor([1, 1, 2, 1, 1, 1])]
    fast = train([net, other], 25)
    monkeypatch.setattr(_nets, "has_closed_form", lambda net: False)
    slow = train([net, other], 25)
    for one, two in zip(fast, slow, strict=True):
        for a, b in zip(one.module_.parameters(), two.module_.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-4)
        assert one.history[-1]["train_loss"] == pytest.approx(
            np.mean([row["train_loss"] for row in two.history[-1]["batches"]]), rel=1e-3
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
        {"optimizer": torch.optim.RMSprop, "optimizer__fused": False},
    ],
)
def test_everything_else_is_left_to_skorch(parameters):
    if "optimizer__fused" in parameters:
        net = make_net("tiny_mlp").set_params(optimizer=parameters["optimizer"])
        del net.optimizer__fused
        net._params_to_validate.discard("optimizer__fused")
    else:
        net = make_net("tiny_mlp", **parameters)
    assert not has_closed_form(_nets.build_net(net, 4, 2))
