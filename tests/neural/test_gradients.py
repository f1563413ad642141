"""Per-sample gradients and what is computed from them, against loops of autograd."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skbandit.neural import MLP  # noqa: E402
from skbandit.neural._frozen import FrozenPerceptron, freeze  # noqa: E402
from skbandit.neural._gradients import (  # noqa: E402
    can_factor,
    per_sample_gradients,
    vmapped_gradients,
)
from skbandit.neural._precision import PRECISIONS  # noqa: E402


class Convolution(torch.nn.Module):
    """Has weights outside linear layers."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv1d(1, 3, 2)
        self.output = torch.nn.Linear(12, 2)

    def forward(self, X):
        return self.output(torch.tanh(self.convolution(X[:, None])).flatten(1))


class Branching(torch.nn.Module):
    """Looks at its input before it computes, as encoders of padded text do."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(5, 2))

    def forward(self, X):
        return (X if bool((X > 0).any()) else -X) @ self.weight


def autograd_loop(module, X):
    rows = []
    for row in X:
        outputs = module(row[None]).reshape(-1)
        rows.append(
            torch.stack(
                [
                    torch.cat(
                        [
                            g.flatten()
                            for g in torch.autograd.grad(
                                output, list(module.parameters()), retain_graph=True
                            )
                        ]
                    )
                    for output in outputs
                ]
            )
        )
    return torch.stack(rows)


def random_mlp(n_outputs=3, hidden=(6, 6), dtype=torch.float64, **parameters):
    torch.manual_seed(0)
    module = MLP(5, n_outputs, hidden_units=hidden, **parameters).to(dtype)
    torch.nn.init.normal_(module.output.weight)
    return module.eval()


MODULES = {
    "relu": lambda: random_mlp(),
    "tanh, residual": lambda: random_mlp(activation="tanh", residual=True),
    "no hidden layer": lambda: random_mlp(hidden=()),
    "convolution": lambda: Convolution().double().eval(),
    "branching": lambda: Branching().double().eval(),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("compute", [per_sample_gradients, vmapped_gradients])
def test_batched_gradients_are_those_of_a_loop(name, compute):
    module = MODULES[name]()
    X = torch.randn(11, 5, dtype=torch.float64)
    assert can_factor(module, X) == isinstance(module, MLP)
    expected = autograd_loop(module, X)
    if name == "branching" and compute is vmapped_gradients:
        with pytest.raises(RuntimeError, match="vmap"):
            compute(module, X)
        return
    torch.testing.assert_close(compute(module, X), expected, rtol=1e-10, atol=1e-12)


def test_single_precision_agrees_to_1e_5():
    module = random_mlp(dtype=torch.float32, hidden=(100, 100))
    X = torch.randn(32, 5)
    expected = autograd_loop(module, X)
    for compute in (per_sample_gradients, vmapped_gradients):
        torch.testing.assert_close(compute(module, X), expected, rtol=1e-5, atol=1e-5)


def test_frozen_weights_have_no_gradient():
    module = random_mlp()
    module.hidden[0].weight.requires_grad_(False)
    X = torch.randn(4, 5, dtype=torch.float64)
    expected = vmapped_gradients(module, X)
    assert expected.shape[2] == sum(p.numel() for p in module.parameters() if p.requires_grad)
    torch.testing.assert_close(per_sample_gradients(module, X), expected)


@pytest.mark.parametrize("rounds", ["one arm", "all arms", "some arms"])
@pytest.mark.parametrize("name", [*MODULES, "gelu", "sigmoid, deep", "not a perceptron"])
def test_what_scores_ask_a_frozen_network(name, rounds):
    """Sums and forms that never form a gradient, against a loop of autograd."""
    if name == "not a perceptron":
        module = torch.nn.Sequential(random_mlp())
    elif name in MODULES:
        module = MODULES[name]()
    else:
        activation, hidden = {"gelu": ("gelu", (6, 6)), "sigmoid, deep": ("sigmoid", (4,) * 5)}[
            name
        ]
        module = random_mlp(activation=activation, hidden=hidden)
    network = freeze(module)
    assert isinstance(network, FrozenPerceptron) == isinstance(module, MLP)
    X = torch.randn(20, 5, dtype=torch.float64)
    gradients = autograd_loop(module, X).numpy()
    n_outputs = gradients.shape[1]
    rng = np.random.RandomState(0)
    weight = rng.rand(20, n_outputs)
    if rounds == "one arm":
        weight *= played_weight(20, n_outputs)
    elif rounds == "some arms":
        weight *= rng.rand(20, n_outputs) < 0.4
    outputs, sums = network.squares(X.numpy(), weight)
    expected = module(X).detach().numpy()
    np.testing.assert_allclose(outputs, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(network.outputs(X.numpy()), expected, rtol=1e-10, atol=1e-12)
    assert list(sums) == [key for key, _ in module.named_parameters()]
    flat = np.concatenate([part.ravel() for part in sums.values()])
    np.testing.assert_allclose(flat, np.einsum("nkp,nk->p", gradients**2, weight), rtol=1e-9)
    inverse = {key: rng.rand(*part.shape) for key, part in sums.items()}
    flat = np.concatenate([part.ravel() for part in inverse.values()])
    forms = network.quadratic(X.numpy(), inverse)
    np.testing.assert_allclose(forms, gradients**2 @ flat, rtol=1e-9)


def learn_in_parts(kind, module, X, weight):
    """A precision that has learnt 30 rounds in two calls, with what it says of the outputs."""
    precision, network = PRECISIONS[kind](weight.shape[1], 0.5), freeze(module)
    for part in (slice(0, 7), slice(7, 30)):
        precision, outputs = precision.learnt(network, X[part].numpy(), weight[part])
        np.testing.assert_allclose(outputs, module(X[part]).detach().numpy(), rtol=1e-10)
    return precision


def played_weight(n_rounds, n_outputs, seed=0):
    weight = np.zeros((n_rounds, n_outputs))
    weight[np.arange(n_rounds), np.random.RandomState(seed).randint(n_outputs, size=n_rounds)] = 1
    return weight


@pytest.mark.parametrize("name", ["relu", "convolution"])
def test_full_precision_is_the_formula(name):
    module = MODULES[name]()
    X = torch.randn(30, 5, dtype=torch.float64)
    gradients = autograd_loop(module, X).numpy()
    weight = played_weight(30, gradients.shape[1])
    played = np.einsum("nkp,nk->np", gradients, weight)
    gram = played.T @ played
    matrix = gram + 0.5 * np.trace(gram) / 30 * np.eye(len(gram))
    expected = np.einsum(
        "nkp,nkp->nk", gradients, np.linalg.solve(matrix, gradients[..., None])[..., 0]
    )
    precision = learn_in_parts("full", module, X, weight)
    forms = precision.quadratic(freeze(module), X.numpy())
    np.testing.assert_allclose(forms, expected, rtol=1e-8)


def test_last_layer_precision_is_the_formula():
    module = MODULES["relu"]()
    X = torch.randn(30, 5, dtype=torch.float64)
    weight = played_weight(30, 3)
    terms = np.column_stack([np.ones(30), module.represent(X).detach().numpy()])
    energy = np.mean((terms**2).sum(axis=1))
    precision = learn_in_parts("last_layer", module, X, weight)
    forms = precision.quadratic(freeze(module), X.numpy())
    for arm in range(3):
        rows = terms[weight[:, arm] > 0]
        matrix = 0.5 * energy * np.eye(7) + rows.T @ rows
        expected = np.einsum("nt,nt->n", terms, np.linalg.solve(matrix, terms.T).T)
        np.testing.assert_allclose(forms[:, arm], expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["relu", "convolution"])
def test_diagonal_precision_is_the_formula(name):
    module = MODULES[name]()
    X = torch.randn(30, 5, dtype=torch.float64)
    gradients = autograd_loop(module, X).numpy()
    n_arms = gradients.shape[1]
    weight = played_weight(30, n_arms)
    diagonal = np.einsum("nkp,nk->p", gradients**2, weight)
    # The arms' output weights and biases, one set an arm, count as those of one arm.
    width = module.output.in_features
    bias = diagonal[-n_arms:]
    head = diagonal[-n_arms * (width + 1) : -n_arms].reshape(n_arms, width)
    folded = np.concatenate([diagonal[: -n_arms * (width + 1)], head.sum(axis=0), [bias.sum()]])
    number = folded.sum() ** 2 / (folded**2).sum()
    inverse = 1 / (0.5 * diagonal.sum() / 30 + number * diagonal)
    precision = learn_in_parts("diagonal", module, X, weight)
    forms = precision.quadratic(freeze(module), X.numpy())
    np.testing.assert_allclose(forms, gradients**2 @ inverse, rtol=1e-9)


@pytest.mark.parametrize("kind", ["diagonal", "last_layer"])
@pytest.mark.parametrize("n_rounds", [1, 30, 1000])
def test_width_does_not_grow_with_the_layers(kind, n_rounds):
    widths = []
    for hidden in (64, 1024):
        module = random_mlp(n_outputs=1, hidden=(hidden,))
        torch.manual_seed(1)
        X = torch.randn(n_rounds, 5, dtype=torch.float64)
        network, ones = freeze(module), np.ones((n_rounds, 1))
        precision, _ = PRECISIONS[kind](1, 1.0).learnt(network, X.numpy(), ones)
        rows = torch.randn(200, 5, dtype=torch.float64).numpy()
        widths.append(precision.quadratic(network, rows).mean())
    assert widths[1] < 1.5 * widths[0]


@pytest.mark.parametrize("kind", PRECISIONS)
def test_equal_rounds_narrow_the_width_as_their_number_says(kind):
    module = random_mlp(n_outputs=1)
    X = torch.randn(1, 5, dtype=torch.float64)
    for n_rounds in (1, 10, 1000):
        network, rows = freeze(module), X.repeat(n_rounds, 1).numpy()
        precision, _ = PRECISIONS[kind](1, 1.0).learnt(network, rows, np.ones((n_rounds, 1)))
        form = precision.quadratic(network, X.numpy())[0, 0]
        # A mean of n observations under a prior worth one of them, exactly where the precision is
        # full; a diagonal one spreads it over weights of unequal gradients.
        mean_of = 1 / (1 + n_rounds)
        if kind == "diagonal":
            assert 0.25 * mean_of < form < 8 * mean_of
        else:
            assert form == pytest.approx(mean_of)


def test_too_many_weights_for_a_full_precision():
    module = random_mlp(hidden=(100, 100))
    X = torch.randn(3, 5, dtype=torch.float64)
    with pytest.raises(ValueError, match="last_layer"):
        PRECISIONS["full"](3, 1.0).learnt(freeze(module), X.numpy(), np.ones((3, 3)))
