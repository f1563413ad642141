"""Networks, and the ways to give one."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from skbandit.neural import MLP, NeuralLinearBandit, make_net  # noqa: E402
from skbandit.neural._modules import represent  # noqa: E402
from skbandit.neural._nets import build_net, resolve_net  # noqa: E402
from skbandit.neural._targets import PlayedArmLoss, Targets  # noqa: E402


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("none", []),
        ("linear", [64]),
        ("tiny_mlp", [64]),
        ("small_mlp", [128, 128]),
        ("large_mlp", [256] * 3),
        ("deep_mlp", [64] * 7),
    ],
)
def test_names_stand_for_layers(name, widths):
    module = build_net(name, 5, 3, seed=0).module_
    assert [layer.out_features for layer in module.hidden] == widths
    X = torch.randn(4, 5)
    assert module(X).shape == (4, 3)
    assert represent(module, X).shape == (4, widths[-1] if widths else 5)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "identity"])
def test_mlp_computes_its_formula(activation, residual):
    torch.manual_seed(0)
    module = MLP(3, 2, hidden_units=(4, 4), activation=activation, residual=residual)
    torch.nn.init.normal_(module.output.weight)
    X = torch.randn(6, 3)
    function = {"identity": lambda x: x, "gelu": torch.nn.functional.gelu}.get(
        activation, getattr(torch, activation, None)
    )
    first = function(X @ module.hidden[0].weight.T + module.hidden[0].bias)
    second = function(first @ module.hidden[1].weight.T + module.hidden[1].bias)
    hidden = first + second if residual else second
    expected = hidden @ module.output.weight.T + module.output.bias
    torch.testing.assert_close(module(X), expected)
    torch.testing.assert_close(represent(module, X), hidden)


def test_untrained_outputs_are_zero_and_more_arms_leave_hidden_weights():
    modules = []
    for n_outputs in (2, 5):
        torch.manual_seed(3)
        modules.append(MLP(4, n_outputs))
    assert not modules[0](torch.randn(5, 4)).any()
    for a, b in zip(modules[0].hidden, modules[1].hidden, strict=True):
        torch.testing.assert_close(a.weight, b.weight, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "softplus"}, "activation must be one of"),
        ({"residual": True, "hidden_units": (4, 8)}, "one width"),
        ({"hidden_units": (0,)}, "positive"),
    ],
)
def test_mlp_refuses(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLP(3, 2, **parameters)


class Plain(torch.nn.Module):
    """A module without a method for its representation."""

    def __init__(self, n_inputs, n_outputs=1):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 7), torch.nn.Tanh(), torch.nn.Linear(7, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


def test_representation_of_any_module_is_the_input_of_its_last_linear_layer():
    module = Plain(3, 2)
    X = torch.randn(5, 3)
    torch.testing.assert_close(represent(module, X), module.layers[:2](X))
    with pytest.raises(ValueError, match="represent"):
        represent(torch.nn.Tanh(), X)


def test_ways_to_give_a_net():
    X = np.random.RandomState(0).normal(size=(80, 3))
    arms = np.tile(["a", "b"], 40)
    for net in (
        "tiny_mlp",
        Plain,
        make_net("tiny_mlp", lr=1e-2, max_epochs=2),
        skorch.NeuralNetRegressor(Plain, max_epochs=2, verbose=0),
    ):
        bandit = NeuralLinearBandit(net=net, random_state=0).fit(X, arms, reward=X[:, 0])
        assert bandit.n_trainings_ == 1
        assert np.isfinite(bandit.decision_function(X)).all()
    with pytest.raises(TypeError, match=r"instance: NeuralNetRegressor\(...\)"):
        resolve_net(skorch.NeuralNetRegressor)
    with pytest.raises(ValueError, match="net must be one of"):
        NeuralLinearBandit(net="huge").fit(X, arms, reward=X[:, 0])


def test_loss_is_that_of_the_arm_played():
    outputs = torch.tensor([[1.0, 5.0], [2.0, -1.0], [0.0, 0.5]])
    target = Targets(
        arm=np.array([0, 1, 1]),
        reward=np.array([3.0, 1.0, 9.0]),
        weight=np.array([1.0, 2.0, 4.0]),
        n_taught=np.array([0.0, 0.0, 2.0]),
        low=np.array([0.0, 0.0, -1.0]),
        high=np.ones(3),
    ).packed(torch.float32)
    played = (1 * (1 - 3) ** 2, 2 * (-1 - 1) ** 2)
    full = 4 * ((0 - -1) ** 2 + (0.5 - 1) ** 2) / 2
    expected = (sum(played) + full) / 7
    torch.testing.assert_close(PlayedArmLoss()(outputs, target), torch.tensor(expected))
    huber = PlayedArmLoss(torch.nn.HuberLoss, delta=0.5)(outputs[:1], target[:1])
    torch.testing.assert_close(huber, torch.tensor(0.5 * (2 - 0.25)))


def test_bert_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ImportError, match=r"skbandit\[text\]"):
        build_net("bert", 5, 3, seed=0)
