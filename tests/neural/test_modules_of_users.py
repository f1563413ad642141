"""Modules of a user's own: what is computed from them, carried, or refused before a round is lost.

What a gradient should be is found by autograd, one row and one output at a time.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from skbandit.neural import (  # noqa: E402
    MLP,
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
    make_net,
)
from skbandit.neural._fast_training import can_train_fast  # noqa: E402
from skbandit.neural._frozen import FrozenPerceptron, freeze  # noqa: E402
from skbandit.neural._gradients import trainable, vmapped_gradients  # noqa: E402
from skbandit.neural._nets import build_net  # noqa: E402
from skbandit.neural._precision import PRECISIONS  # noqa: E402
from skbandit.transfer import transfer  # noqa: E402
from tests.neural.modules import FAMILIES, Own, make  # noqa: E402

N_FEATURES = 4


# ------------------------------------------------------------ modules that write in place
class InPlaceReLU(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, X):
        return self.output(self.activation(self.hidden(X)))


class WritesToInput(Own):
    def forward(self, X):
        return super().forward(X.mul_(2.0))


class WritesToOutput(Own):
    def forward(self, X):
        return super().forward(X).mul_(3.0)


# ------------------------------------------------------------------ reparametrised layers
class WeightNorm(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        parametrizations.weight_norm(self.hidden)


class SpectralNorm(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        parametrizations.spectral_norm(self.hidden)


class Orthogonal(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        parametrizations.orthogonal(self.hidden)


class NormedOutput(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        parametrizations.weight_norm(self.output)


class OldWeightNorm(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            nn.utils.weight_norm(self.hidden)


class OldSpectralNorm(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        nn.utils.spectral_norm(self.hidden)


class Pruned(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        prune.random_unstructured(self.hidden, "weight", 0.3)
        prune.random_unstructured(self.hidden, "bias", 1)


class LowRank(nn.Module):
    """An adapter around a layer that stays as it is."""

    def __init__(self, base):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Linear(base.in_features, 2, bias=False)
        self.up = nn.Linear(2, base.out_features, bias=False)

    def forward(self, X):
        return self.base(X) + self.up(self.down(X))


class Adapted(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden, self.output = LowRank(nn.Linear(n_inputs, 8)), nn.Linear(8, n_outputs)


class LowRankLinear(nn.Linear):
    """An adapter that is a linear layer with weights of its own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs)
        self.down = nn.Parameter(0.3 * torch.randn(2, n_inputs))
        self.up = nn.Parameter(0.3 * torch.randn(n_outputs, 2))

    def forward(self, X):
        return functional.linear(X, self.weight + self.up @ self.down, self.bias)


class AdaptedLinear(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden, self.output = LowRankLinear(n_inputs, 8), nn.Linear(8, n_outputs)


# ------------------------------------------------------------------- sequences, attention
class Sequence(Own):
    """The features one after the other."""

    kind = nn.RNN

    def build(self, n_inputs, n_outputs):
        self.hidden = self.kind(1, 4, batch_first=True)
        self.output = nn.Linear(4, n_outputs)

    def forward(self, X):
        return self.output(self.hidden(X[:, :, None])[0][:, -1])


class GRU(Sequence):
    kind = nn.GRU


class LSTM(Sequence):
    kind = nn.LSTM


class Cell(Own):
    """A recurrent cell that takes the features as they are."""

    def build(self, n_inputs, n_outputs):
        self.hidden, self.output = nn.GRUCell(n_inputs, 6), nn.Linear(6, n_outputs)


class Attention(Own):
    def build(self, n_inputs, n_outputs):
        self.tokens = nn.Linear(1, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.output = nn.Linear(8, n_outputs)

    def forward(self, X):
        tokens = self.tokens(X[:, :, None])
        return self.output(self.attention(tokens, tokens, tokens)[0].mean(dim=1))


class Encoder(Own):
    """Its output layer is not the one that was defined last."""

    def build(self, n_inputs, n_outputs):
        self.output, self.tokens = nn.Linear(8, n_outputs), nn.Linear(1, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, X):
        return self.output(self.encoder(self.tokens(X[:, :, None])).mean(dim=1))


class Convolution(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.Sequential(nn.Conv1d(1, 3, 2), nn.ReLU(), nn.Flatten())
        self.output = nn.Linear(3 * (n_inputs - 1), n_outputs)

    def forward(self, X):
        return self.output(self.hidden(X[:, None]))


class Embedded(Own):
    """The mean of the vectors of the codes."""

    raw_inputs = True

    def build(self, n_inputs, n_outputs):
        self.table, self.output = nn.Embedding(12, 5), nn.Linear(5, n_outputs)

    def forward(self, X):
        return self.output(self.table(X.long().clamp(0, 11)).mean(dim=1))


class Padded(Own):
    """Code 0 is no code."""

    raw_inputs = True

    def build(self, n_inputs, n_outputs):
        self.table, self.output = nn.Embedding(12, 5, padding_idx=0), nn.Linear(5, n_outputs)

    def forward(self, X):
        return self.output(self.table(X.long().clamp(0, 11)).sum(dim=1))


# --------------------------------------------------------------- weights and where they go
class Tied(Own):
    def build(self, n_inputs, n_outputs):
        self.first, self.output = nn.Linear(n_inputs, 8), nn.Linear(8, n_outputs)
        self.second, self.third = nn.Linear(8, 8), nn.Linear(8, 8)
        self.third.weight = self.second.weight

    def forward(self, X):
        hidden = torch.tanh(self.second(torch.tanh(self.first(X))))
        return self.output(torch.tanh(self.third(hidden)))


class TiedPart(Tied):
    """One layer under two names."""

    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.third = self.second


class TiedDecoder(Own):
    """Weights are used beside the call of their layer."""

    def forward(self, X):
        hidden = torch.tanh(self.hidden(X))
        return self.output(hidden) + 0.1 * (hidden @ self.hidden.weight).sum(1, keepdim=True)


class NormOfWeights(Own):
    def forward(self, X):
        return super().forward(X) / (1 + self.hidden.weight.norm())


class Twice(Own):
    def forward(self, X):
        return super().forward(X) + self.output(torch.relu(self.hidden(X)))


class Unused(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.spare, self.number = nn.Linear(3, 3), nn.Parameter(torch.ones(4))


class OwnParameters(Own):
    def build(self, n_inputs, n_outputs):
        self.weight = nn.Parameter(torch.randn(n_inputs, 8))
        self.register_buffer("shift", torch.ones(8))
        self.output = nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.output(torch.tanh(X @ self.weight + self.shift))


class NotContiguous(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.hidden.weight = nn.Parameter(torch.randn(n_inputs, 8).t())
        self.output.weight = nn.Parameter(torch.randn(n_outputs, 16)[:, ::2])


class FrozenBackbone(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.hidden.requires_grad_(False)


class CutOff(Own):
    """What lies before is used without gradients."""

    def forward(self, X):
        with torch.no_grad():
            hidden = torch.tanh(self.hidden(X))
        return self.output(hidden)


class AllFrozen(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.requires_grad_(False)


class Normalised(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(n_inputs),
            nn.Linear(n_inputs, 8),
            nn.LayerNorm(8),
            nn.Dropout(0.2),
            nn.BatchNorm1d(8),
        )
        self.output = nn.Linear(8, n_outputs)


class Hooked(Own):
    """Hooks change what layers are given and put out."""

    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.hidden.register_forward_pre_hook(_doubled_input)
        self.hidden.register_forward_hook(_tripled)
        self.output.register_forward_hook(_squashed)


def _doubled_input(layer, inputs):
    return (2 * inputs[0],)


def _tripled(layer, inputs, out):
    return 3 * out


def _squashed(layer, inputs, out):
    return torch.sigmoid(out)


class Checkpointed(Own):
    def forward(self, X):
        return self.output(checkpoint(self.act, X, use_reentrant=False))

    def act(self, X):
        return torch.tanh(self.hidden(X))


class Lazy(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d())
        self.output = nn.LazyLinear(n_outputs)


class Remembers(Own):
    """It keeps its last activation, a tensor that was computed."""

    def forward(self, X):
        self.last = [{"hidden": self.hidden(X)}]
        return self.output(torch.tanh(self.last[0]["hidden"]))


class Double(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.double()


class CastsToSingle(Own):
    def forward(self, X):
        return super().forward(X.float())


DIFFERENTIABLE = [
    Own,
    InPlaceReLU,
    WritesToInput,
    WritesToOutput,
    WeightNorm,
    SpectralNorm,
    Orthogonal,
    NormedOutput,
    OldWeightNorm,
    OldSpectralNorm,
    Pruned,
    Adapted,
    AdaptedLinear,
    Sequence,
    GRU,
    LSTM,
    Cell,
    Attention,
    Encoder,
    Convolution,
    Embedded,
    Tied,
    TiedPart,
    TiedDecoder,
    NormOfWeights,
    Twice,
    Unused,
    OwnParameters,
    NotContiguous,
    FrozenBackbone,
    CutOff,
    Normalised,
    Hooked,
    Checkpointed,
    Remembers,
]


def gradients_by_autograd(module, X):
    """Gradients of each row and output for the trained weights, (n_rows, n_outputs, n_weights)."""
    weights = [p for p in module.parameters() if p.requires_grad]
    rows = []
    for row in X:
        for output in module(row[None].clone()).reshape(-1):
            parts = torch.autograd.grad(
                output, weights, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows).reshape(len(X), -1, rows[0].numel()).numpy()


def codes_or_numbers(Module, n_rows, seed=0):
    rng = np.random.RandomState(seed)
    if getattr(Module, "raw_inputs", False):
        return rng.randint(1, 12, size=(n_rows, N_FEATURES)).astype(np.float64)
    return rng.normal(size=(n_rows, N_FEATURES))


def frozen_case(Module, n_rows=12):
    """A frozen module of three outputs, rows, and their gradients; each row played one arm."""
    torch.manual_seed(0)
    module = Module(N_FEATURES, 3)
    with torch.no_grad():
        # A running mean, a norm of the weights are found by the first answers.
        module.train()(torch.from_numpy(codes_or_numbers(Module, 30, seed=1)).float())
    network, rows = freeze(module), codes_or_numbers(Module, n_rows)
    reference = copy.deepcopy(network.module) if Module is not OldWeightNorm else None
    gradients = gradients_by_autograd(reference or network.module, torch.from_numpy(rows))
    weight = np.zeros((n_rows, 3))
    weight[np.arange(n_rows), np.arange(n_rows) % 3] = np.random.RandomState(2).rand(n_rows)
    return network, rows, gradients, weight


@pytest.mark.parametrize("Module", DIFFERENTIABLE)
def test_gradients_are_those_of_autograd(Module):
    network, rows, expected, weight = frozen_case(Module)
    found = np.concatenate([block for _, block in network.gradient_blocks(rows)])
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)
    # Several arms a row, too.
    for mass in (weight, np.random.RandomState(3).rand(*weight.shape)):
        _, sums = network.squares(rows, mass)
        flat = np.concatenate([part.ravel() for part in sums.values()])
        np.testing.assert_allclose(
            flat, np.einsum("nkp,nk->p", expected**2, mass), rtol=1e-7, atol=1e-10
        )
    rng = np.random.RandomState(4)
    inverse = {name: rng.rand(*p.shape) for name, p in trainable(network.module).items()}
    flat = np.concatenate([part.ravel() for part in inverse.values()])
    np.testing.assert_allclose(
        network.quadratic(rows, inverse), expected**2 @ flat, rtol=1e-7, atol=1e-10
    )
    # Asking has changed nothing, neither the module nor what it was asked.
    np.testing.assert_array_equal(rows, codes_or_numbers(Module, len(rows)))
    again = gradients_by_autograd(network.module, torch.from_numpy(rows))
    np.testing.assert_allclose(again, expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("Module", DIFFERENTIABLE)
def test_a_full_precision_is_the_sum_of_autograds_products(Module):
    network, rows, gradients, weight = frozen_case(Module)
    precision, _ = PRECISIONS["full"](3, 0.5).learnt(network, rows, weight)
    played = np.einsum("nkp,nk->np", gradients, np.sqrt(weight))
    np.testing.assert_allclose(precision.sums, played.T @ played, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    "Module", [Own, WritesToInput, WeightNorm, LSTM, Encoder, Convolution, Embedded, Unused]
)
def test_a_last_layer_precision_has_the_gradients_of_the_output_layer(Module):
    network, rows, gradients, weight = frozen_case(Module)
    precision, _ = PRECISIONS["last_layer"](3, 0.5).learnt(network, rows, weight)
    names = list(trainable(network.module))
    ends = np.cumsum([p.numel() for p in trainable(network.module).values()])
    by_name = dict(zip(names, np.split(gradients, ends[:-1], axis=2), strict=True))
    width = network.module.output.in_features
    for arm in range(3):
        bias = by_name["output.bias"][:, arm, arm]
        own = by_name["output.weight"][:, arm].reshape(len(rows), 3, width)[:, arm]
        terms = np.column_stack([bias, own]) * np.sqrt(weight[:, arm, None])
        np.testing.assert_allclose(precision.sums[arm], terms.T @ terms, rtol=1e-7, atol=1e-10)


def test_a_part_under_two_names_survives_torch_func():
    """Weights that torch puts back under the first name and takes out under the second."""
    torch.manual_seed(0)
    module, X = TiedPart(N_FEATURES, 3).double(), torch.randn(5, N_FEATURES, dtype=torch.float64)
    before = dict(module.named_parameters())
    found = vmapped_gradients(module, X)
    assert all(p is before[name] for name, p in module.named_parameters())
    np.testing.assert_allclose(found, gradients_by_autograd(module, X), atol=1e-12)


# ------------------------------------------------------------------------------ perceptrons
def _hooked(mlp):
    mlp.output.register_forward_hook(_squashed)


def _reparametrised(mlp):
    parametrizations.weight_norm(mlp.hidden[0])


def _another_activation(mlp):
    mlp.activation = nn.SiLU()


def _tied(mlp):
    mlp.hidden[1].weight = mlp.hidden[0].weight


@pytest.mark.parametrize("change", [_hooked, _reparametrised, _another_activation, _tied])
def test_a_perceptron_that_was_changed_is_no_plain_one(change):
    """What is written out for perceptrons would answer for the one that it was."""
    torch.manual_seed(0)
    module = MLP(N_FEATURES, 2, hidden_units=(N_FEATURES, N_FEATURES))
    nn.init.normal_(module.output.weight)
    assert isinstance(freeze(module), FrozenPerceptron)
    change(module)
    network, rows = freeze(module), codes_or_numbers(MLP, 6)
    assert not isinstance(network, FrozenPerceptron)
    X = torch.from_numpy(rows)
    np.testing.assert_allclose(
        network.outputs(rows), module(X.float()).detach().numpy(), rtol=1e-4, atol=1e-6
    )
    found = np.concatenate([block for _, block in network.gradient_blocks(rows)])
    np.testing.assert_allclose(found, gradients_by_autograd(network.module, X), atol=1e-10)
    assert not can_train_fast(build_net(module, N_FEATURES, 2, seed=0))


# --------------------------------------------------------------------------- learning twice
def rounds_for(Module, n_rounds=80):
    rng = np.random.RandomState(0)
    X = codes_or_numbers(Module, n_rounds)
    arm = np.asarray(["a", "b"])[rng.randint(2, size=n_rounds)]
    return X, arm, np.where(arm == "a", X[:, 0], -X[:, 1]) + 0.1 * rng.normal(size=n_rounds)


TRAINABLE = [*DIFFERENTIABLE, Padded, Lazy, Double, CastsToSingle]


@pytest.mark.parametrize("Module", TRAINABLE)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_any_module_is_trained_again_and_the_same_twice(Bandit, Module):
    if Bandit is EnsembleBandit and Module is NormedOutput:
        pytest.skip("see test_what_cannot_work_is_named_at_the_first_learning_call")
    X, arm, reward = rounds_for(Module)
    found = []
    for seed in (1, 2):
        # What torch would draw by itself does not matter.
        torch.manual_seed(seed)
        bandit = make(Bandit, net=Module, arms=["a", "b"], min_samples_to_train=30)
        bandit.partial_fit(X[:40], arm[:40], reward=reward[:40])
        bandit.partial_fit(X[40:], arm[40:], reward=reward[40:])
        bandit.partial_fit(X, arm, reward=reward)
        assert bandit.n_trainings_ == 2
        found.append(bandit.expected_reward(X, return_std=True))
        alone = np.concatenate([bandit.expected_reward(row[None]) for row in X[:5]])
        np.testing.assert_allclose(alone, found[-1][0][:5], rtol=1e-4, atol=1e-5)
    for one, two in zip(*found, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)


def test_a_module_without_trained_weights_is_a_representation():
    X, arm, reward = rounds_for(AllFrozen)
    bandit = make(NeuralLinearBandit, net=AllFrozen).fit(X, arm, reward=reward)
    assert bandit.n_trainings_ == 0
    # The head learns from what it is given.
    right = np.where(X[:, 0] > -X[:, 1], "a", "b")
    assert (bandit.predict(X, explore=False) == right).mean() > 0.8
    bandit = make(NeuralUCB, net=AllFrozen, precision="last_layer").fit(X, arm, reward=reward)
    assert np.isfinite(bandit.decision_function(X)).all()


# ------------------------------------------------------------------------------- refusals
class RandomAnswers(Own):
    def forward(self, X):
        return self.output(functional.dropout(self.hidden(X), 0.5, training=True))


class ByTheBatch(Own):
    def forward(self, X):
        return super().forward(X - X.mean(dim=0, keepdim=True))


class NoRunningStatistics(Own):
    def build(self, n_inputs, n_outputs):
        self.hidden = nn.Sequential(
            nn.Linear(n_inputs, 8), nn.BatchNorm1d(8, track_running_stats=False)
        )
        self.output = nn.Linear(8, n_outputs)


class BreaksAutograd(Own):
    def forward(self, X):
        return self.output(torch.tanh(self.hidden(X)).add_(1.0).tanh_())


class Detached(Own):
    def forward(self, X):
        return super().forward(X).detach()


class Complex(Own):
    def build(self, n_inputs, n_outputs):
        super().build(n_inputs, n_outputs)
        self.phase = nn.Parameter(torch.ones(8, dtype=torch.complex64))

    def forward(self, X):
        return self.output((self.hidden(X) * self.phase).real.to(X.dtype))


class Listed(Own):
    def forward(self, X):
        return [super().forward(X)]


class Named(Own):
    def forward(self, X):
        return {"rewards": super().forward(X)}


class Squashed(Own):
    def forward(self, X):
        return torch.sigmoid(super().forward(X))


class PairOfRepresentations(Own):
    def represent(self, X):
        return self.hidden(X), X


class Functional(Own):
    """No layer is called."""

    def forward(self, X):
        hidden = functional.linear(X, self.hidden.weight, self.hidden.bias)
        return functional.linear(torch.tanh(hidden), self.output.weight, self.output.bias)


REFUSED = [
    (None, {"net": RandomAnswers}, "answers at random in evaluation mode"),
    (None, {"net": ByTheBatch}, "differently for a row alone and among others"),
    (None, {"net": NoRunningStatistics}, "cannot be asked about one row alone"),
    (None, {"net": BreaksAutograd}, "net cannot be trained.*inplace"),
    (None, {"net": Detached}, "net cannot be trained"),
    (None, {"net": Complex}, "complex weights"),
    (None, {"net": Listed}, "returns a list"),
    (None, {"net": Named}, "returns a dict"),
    (None, {"net": nn.ModuleList([nn.Linear(4, 2)])}, "cannot take a batch"),
    (None, {"net": nn.Sequential}, "net cannot be made for 4 inputs and 2 outputs"),
    (NeuralUCB, {"net": AllFrozen}, "no weights that are trained"),
    (NeuralThompsonSampling, {"net": AllFrozen, "precision": "full"}, "no weights that are"),
    (EnsembleBandit, {"net": AllFrozen}, "no weights that are trained"),
    (EnsembleBandit, {"net": NormedOutput}, "one number an arm"),
    (NeuralUCB, {"net": Squashed, "precision": "last_layer"}, "precision='last_layer' needs"),
    (NeuralUCB, {"net": Hooked, "precision": "last_layer"}, "precision='last_layer' needs"),
    (NeuralUCB, {"net": Twice, "precision": "last_layer"}, "precision='last_layer' needs"),
    (NeuralUCB, {"net": Functional, "precision": "last_layer"}, "represent"),
    (NeuralLinearBandit, {"net": Functional}, "represent"),
    (NeuralLinearBandit, {"net": PairOfRepresentations}, "represent .* got tuple for"),
    (None, {"net": skorch.NeuralNetClassifier(Own, verbose=0)}, "train_split holds out"),
    (None, {"net": skorch.NeuralNetBinaryClassifier(Own, verbose=0)}, "train_split holds out"),
    (
        None,
        {"net": skorch.NeuralNetClassifier(Own, verbose=0, train_split=None)},
        "net cannot be trained.*NLLLoss",
    ),
]


@pytest.mark.parametrize(
    ("Bandit", "parameters", "message"),
    [
        (Bandit, parameters, message)
        for family, parameters, message in REFUSED
        for Bandit in (FAMILIES if family is None else [family])
    ],
)
def test_what_cannot_work_is_named_at_the_first_learning_call(Bandit, parameters, message):
    """Long before the network is trained."""
    X, arm, reward = rounds_for(Own)
    bandit = make(Bandit, **parameters)
    with pytest.raises(ValueError, match=message):
        bandit.partial_fit(X[:4], arm[:4], reward=reward[:4])
    with pytest.raises(NotFittedError):
        bandit.predict(X)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            skorch.NeuralNetRegressor(nn.Linear(4, 2), module__depth=3),
            "does not take \\['depth'\\]",
        ),
        (skorch.NeuralNetRegressor(Own, criterion=nn.Module), "criterion must be a loss"),
        (skorch.NeuralNetRegressor(Own, criterion=nn.Tanh()), "criterion must be a loss"),
    ],
)
def test_wrong_kinds_are_named(net, message):
    X, arm, reward = rounds_for(Own)
    with pytest.raises(TypeError, match=message):
        make(NeuralLinearBandit, net=net).fit(X, arm, reward=reward)


def test_the_unit_of_the_outputs_does_not_matter_to_the_last_layer():
    network, rows, _, weight = frozen_case(WritesToOutput)
    PRECISIONS["last_layer"](3, 0.5).learnt(network, rows, weight)


# ------------------------------------------------------------------------------- transfer
CARRIED = [
    Own,
    Cell,
    Convolution,
    Embedded,
    LSTM,
    Encoder,
    OwnParameters,
    Tied,
    WeightNorm,
    Adapted,
]


@pytest.mark.parametrize("Module", CARRIED)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_new_arms_leave_the_known_ones_as_they_were(Bandit, Module):
    X, arm, reward = rounds_for(Module)
    bandit = make(Bandit, net=Module, arms=["a", "b"]).fit(X, arm, reward=reward)
    old = bandit.expected_reward(X, return_std=True)
    bigger = bandit.add_arms(["c", "d"])
    for before, after in zip(old, bigger.expected_reward(X, return_std=True), strict=True):
        np.testing.assert_allclose(after[:, :2], before, rtol=1e-5, atol=1e-6)
    if Bandit is EnsembleBandit:
        for one, two in zip(bandit.priors_, bigger.priors_, strict=True):
            assert torch.equal(one.output.weight, two.output.weight[:2])
            assert not torch.equal(two.output.weight[2], two.output.weight[3])
    bigger.partial_fit(X, np.where(arm == "a", "c", "b"), reward=reward)
    fewer = bigger.remove_arms(["a", "d"])
    moved = fewer.expected_reward(X) - bigger.expected_reward(X)[:, [1, 2]]
    # Where the rewards of all arms lie moves as some go; what is known of the others, by less.
    furthest = np.abs(locations_of(fewer) - locations_of(bigger)).max()
    # An ensemble's departures are in units of the noise, which moves too.
    assert np.abs(moved).max() <= furthest + (5e-3 if Bandit is EnsembleBandit else 1e-5)


def locations_of(bandit):
    """Where the rewards of all arms lie for each linear part, in units of the reward."""
    statistics = bandit.state_.statistics
    parts = getattr(statistics, "linear", None) or statistics.regression
    parts = parts if isinstance(parts, tuple) else (parts,)
    return bandit.scaling_.reward_scale * np.array([part.location for part in parts])


GROWS = [Own, Cell, OwnParameters, Padded, Tied, WeightNorm, Adapted, Normalised, Unused, Twice]
DOES_NOT_GROW = [Embedded, Sequence, GRU, LSTM, Attention, Encoder, Convolution]


@pytest.mark.parametrize("Module", GROWS)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_new_features_leave_old_rows_as_they_were(Bandit, Module):
    X, arm, reward = rounds_for(Module)
    bandit = make(Bandit, net=Module, arms=["a", "b"]).fit(X, arm, reward=reward)
    old = bandit.expected_reward(X, return_std=True)
    bigger = bandit.expand_features(1)
    padded = np.column_stack([X, np.zeros(len(X))])
    for before, after in zip(old, bigger.expected_reward(padded, return_std=True), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)
    # What is new is learnt.
    more = np.column_stack([X, codes_or_numbers(Module, len(X), seed=5)[:, 0]])
    bigger.partial_fit(more, arm, reward=reward)
    assert np.isfinite(bigger.expected_reward(more)).all()
    assert bigger.n_trainings_ == 2


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("Module", DOES_NOT_GROW)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_features_that_no_layer_weighs_one_by_one_are_refused(Bandit, Module, trained):
    """Also where the width of a layer happens to be their number."""
    X, arm, reward = rounds_for(Module)
    n_rounds = 80 if trained else 20
    bandit = make(Bandit, net=Module, arms=["a", "b"])
    bandit.fit(X[:n_rounds], arm[:n_rounds], reward=reward[:n_rounds])
    before = bandit.expected_reward(X)
    for change in (lambda: bandit.expand_features(1), lambda: bandit.drop_features([1])):
        with pytest.raises(ValueError, match=r"features of net's module|cannot be carried"):
            change()
    np.testing.assert_array_equal(bandit.expected_reward(X), before)


class OverArms(Own):
    def forward(self, X):
        return torch.softmax(super().forward(X), dim=1)


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_outputs_that_depend_on_each_other_keep_their_arms(Bandit):
    X, arm, reward = rounds_for(OverArms)
    bandit = make(Bandit, net=OverArms, arms=["a", "b"]).fit(X, arm, reward=reward)
    for change in (lambda: bandit.add_arms(["c"]), lambda: bandit.remove_arms(["a"])):
        with pytest.raises(ValueError, match="arms of net's module OverArms"):
            change()
    # Another order is no other set.
    moved = transfer(bandit, clone(bandit).set_params(arms=["b", "a"]))
    np.testing.assert_allclose(
        moved.expected_reward(X), bandit.expected_reward(X)[:, ::-1], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("Module", [Own, Cell, OwnParameters, NormedOutput])
def test_new_arms_of_other_layers_may_start_from_others(Module):
    X, arm, reward = rounds_for(Module)
    bandit = make(NeuralUCB, net=Module, arms=["a", "b"]).fit(X, arm, reward=reward)
    mean = bandit.expected_reward(X)
    bigger = bandit.add_arms(["c"], init="b")
    added = bigger.expected_reward(X)
    np.testing.assert_allclose(added[:, [0, 1, 1]], added, rtol=1e-5, atol=1e-6)
    furthest = np.abs(locations_of(bigger) - locations_of(bandit)).max()
    assert np.abs(added[:, :2] - mean).max() <= furthest + 1e-5


# ---------------------------------------------------------------------------- modes, copies
MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("net", ["tiny_mlp", Own, LSTM])
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_the_callers_mode_changes_nothing(Bandit, net, mode):
    """Every call inside of it, copies and files that are made in it included."""
    X, arm, reward = rounds_for(Own)
    plain = make(Bandit, net=net, arms=["a", "b"])
    plain.partial_fit(X[:70], arm[:70], reward=reward[:70])
    plain.partial_fit(X, arm, reward=reward)
    with MODES[mode]():
        other = clone(make(Bandit, net=net, arms=["a", "b"]))
        other.partial_fit(X[:70], arm[:70], reward=reward[:70])
        other = copy.deepcopy(pickle.loads(pickle.dumps(other)))
        other.predict(X[:3])
    other.partial_fit(X, arm, reward=reward)
    with MODES[mode]():
        decisions = other.predict(X)
        found = other.expected_reward(X, return_std=True)
        bigger = other.add_arms(["c"]).predict_proba(X)
    np.testing.assert_array_equal(decisions, plain.predict(X))
    np.testing.assert_array_equal(bigger, plain.add_arms(["c"]).predict_proba(X))
    for one, two in zip(found, plain.expected_reward(X, return_std=True), strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_instance_that_was_made_in_inference_mode():
    X, arm, reward = rounds_for(Own)
    with torch.inference_mode():
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))
    for Bandit in FAMILIES:
        bandit = make(Bandit, net=net).fit(X, arm, reward=reward)
        assert bandit.n_trainings_ == 1


# ------------------------------------------------------------------- instances and classes
def sequential():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))


INSTANCES = {
    "module": sequential,
    "regressor": lambda: skorch.NeuralNetRegressor(sequential(), verbose=0),
    "net": lambda: skorch.NeuralNet(sequential(), criterion=nn.MSELoss(), verbose=0),
    "initialized": lambda: skorch.NeuralNetRegressor(sequential(), verbose=0).initialize(),
    "make_net": lambda: make_net(sequential(), lr=1e-3),
    "make_net, module": lambda: make_net(module=sequential(), lr=1e-3),
    "perceptron": lambda: skorch.NeuralNetRegressor(MLP(4, 2), verbose=0),
}


@pytest.mark.parametrize("given", INSTANCES)
@pytest.mark.parametrize("Bandit", FAMILIES)
def test_an_instance_is_taken_where_a_class_may_be(Bandit, given):
    X, arm, reward = rounds_for(Own)
    net = INSTANCES[given]()
    module = net if given == "module" else net.module
    before = copy.deepcopy(module.state_dict())
    bandit = clone(make(Bandit, net=net)).fit(X, arm, reward=reward)
    assert bandit.n_trainings_ == 1
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
        # The copy starts there.
        assert (bandit.net_.module_.state_dict()[name] - value).abs().max() < 0.2


@pytest.mark.parametrize(
    "Module", [WeightNorm, SpectralNorm, Orthogonal, OldWeightNorm, Pruned, Remembers, LSTM]
)
@pytest.mark.parametrize("Bandit", FAMILIES)
@pytest.mark.parametrize("given", ["class", "instance"])
def test_what_torch_does_not_store_is_stored(Bandit, Module, given):
    X, arm, reward = rounds_for(Module)
    net = Module if given == "class" else Module(N_FEATURES, 2)
    bandit = make(Bandit, net=net, arms=["a", "b"])
    bandit.partial_fit(X[:70], arm[:70], reward=reward[:70])
    loaded = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(bandit))))
    for one in (bandit, loaded):
        one.partial_fit(X, arm, reward=reward)
        assert one.n_trainings_ == 2
    for one, two in zip(
        loaded.expected_reward(X, return_std=True),
        bandit.expected_reward(X, return_std=True),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)
    names = [name for name, _ in loaded.net_.module_.named_parameters()]
    assert names == [name for name, _ in bandit.net_.module_.named_parameters()]


def test_an_instance_that_has_answered_is_copied_with_what_it_keeps():
    X, arm, reward = rounds_for(Own)
    for Module in (OldWeightNorm, Pruned, Remembers):
        module = Module(4, 2)
        module(torch.zeros(2, 4))
        bandit = clone(make(NeuralUCB, net=module)).fit(X, arm, reward=reward)
        assert bandit.n_trainings_ == 1


def test_a_criterion_that_is_an_instance_is_that_criterion():
    X, arm, reward = rounds_for(Own)
    loss = nn.SmoothL1Loss(beta=0.05)
    found = []
    for parameters in (
        {"criterion": loss},
        {"criterion": nn.SmoothL1Loss, "criterion__beta": 0.05},
        {"criterion": nn.MSELoss},
    ):
        bandit = make(NeuralUCB, net=make_net("tiny_mlp", **parameters))
        trained = bandit.fit(X, arm, reward=reward).net_.module_.output.weight
        found.append(trained.detach().numpy())
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2], rtol=1e-2)
    assert loss.reduction == "mean"


# -------------------------------------------------------------------------------- history
class OwnNet(skorch.NeuralNet):
    """A net that is none of skorch's."""


@pytest.mark.parametrize("Bandit", FAMILIES)
def test_history_does_not_depend_on_the_class_of_net(Bandit):
    """Steps that are written out and steps of skorch record the same, in the same unit."""
    X, arm, reward = rounds_for(Own, 90)
    parameters = make_net("tiny_mlp", batch_size=64, max_epochs=3).get_params(deep=False)
    recorded = []
    for Net in (skorch.NeuralNetRegressor, skorch.NeuralNet, OwnNet):
        bandit = make(Bandit, net=Net(**parameters), initial_train_steps=None, train_steps=None)
        bandit.set_params(arms=["a", "b"]).fit(X, arm, reward=reward)
        bandit.partial_fit(X, arm, reward=reward)
        recorded.append(bandit.net_.history.to_list())
    assert len(recorded[0]) == 6
    for rows in recorded:
        assert [sorted(row) for row in rows] == [["epoch", "train_batch_count", "train_loss"]] * 6
        assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
        assert [row["train_batch_count"] for row in rows] == [2] * 3 + [3] * 3
        np.testing.assert_allclose(
            [row["train_loss"] for row in rows],
            [row["train_loss"] for row in recorded[0]],
            rtol=1e-3,
        )


def test_a_recorded_loss_is_the_mean_over_rows():
    """As skorch's own callback has it, with callbacks and without, the last batch being small."""
    X, arm, reward = rounds_for(Own, 70)
    losses = []
    for callbacks in ("disable", None):
        net = skorch.NeuralNetRegressor(
            Own, batch_size=64, max_epochs=2, verbose=0, callbacks=callbacks
        )
        bandit = make(NeuralLinearBandit, net=net, initial_train_steps=None)
        history = bandit.fit(X, arm, reward=reward).net_.history
        losses.append([history[:, f"{kind}_loss"] for kind in ("train", "valid")])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)
