"""The perceptron in numpy: against finite differences, sums written out, and torch."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from skbandit._perceptron import ACTIVATIONS, Perceptron, one_output_a_row

SHAPES = {
    "no hidden layer": ((3, 2), False),
    "one hidden layer": ((3, 5, 2), False),
    "deep": ((3, 4, 6, 5, 2), False),
    "residual": ((3, 5, 5, 5, 2), True),
}


def perceptron(name, activation="tanh", n_outputs=2, seed=0):
    """Random weights, apart from zero."""
    widths, residual = SHAPES[name]
    widths = (*widths[:-1], n_outputs)
    rng = np.random.RandomState(seed)
    weights = [rng.normal(size=(after, before)) for before, after in pairwise(widths)]
    biases = [rng.normal(size=len(weight)) for weight in weights]
    return Perceptron.of(weights, biases, activation, residual)


def plain_outputs(layers, activation, residual, rows):
    """Outputs, layer by layer as in the definition."""
    value = rows
    for depth, layer in enumerate(layers):
        before, value = value, value @ layer[:, :-1].T + layer[:, -1]
        if depth < len(layers) - 1:
            value = ACTIVATIONS[activation][0](value)
            if residual and depth > 0:
                value = value + before
    return value


def numeric_gradients(net, rows):
    """Gradient of every output for all weights, (n_rows, n_outputs, n_weights)."""
    sizes = np.cumsum([layer.size for layer in net.layers])[:-1]
    flat = np.concatenate([layer.ravel() for layer in net.layers])

    def output(vector, row, k):
        parts = np.split(vector, sizes)
        layers = [p.reshape(w.shape) for p, w in zip(parts, net.layers, strict=True)]
        return plain_outputs(layers, net.activation, net.residual, row[None])[0, k]

    n_outputs = len(net.layers[-1])
    return np.array(
        [[approx_fprime(flat, output, 1e-7, row, k) for k in range(n_outputs)] for row in rows]
    )


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("name", SHAPES)
def test_outputs_are_the_definition(name, activation):
    net = perceptron(name, activation)
    rows = np.random.RandomState(1).normal(size=(7, 3))
    expected = plain_outputs(net.layers, activation, net.residual, rows)
    np.testing.assert_allclose(net.outputs(rows), expected, rtol=1e-12)
    hidden = net.represent(rows)
    output = net.layers[-1]
    np.testing.assert_allclose(hidden @ output[:, :-1].T + output[:, -1], expected, rtol=1e-12)


@pytest.mark.parametrize("activation", ["gelu", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("played", ["one a row", "all", "some"])
def test_squares_and_forms_are_those_of_gradients(name, activation, played):
    net = perceptron(name, activation)
    rng = np.random.RandomState(1)
    rows, weight = rng.normal(size=(6, 3)), rng.uniform(0.5, 2.0, size=(6, 2))
    if played == "one a row":
        weight *= np.eye(2)[rng.randint(2, size=6)]
    elif played == "some":
        weight *= rng.rand(6, 2) < 0.5
    gradients = numeric_gradients(net, rows)
    outputs, sums = net.squares(rows, weight)
    np.testing.assert_allclose(outputs, net.outputs(rows))
    flat = np.concatenate([part.ravel() for part in sums])
    expected = np.einsum("nkp,nk->p", gradients**2, weight)
    np.testing.assert_allclose(flat, expected, rtol=1e-4, atol=1e-5)
    inverse = [rng.rand(*layer.shape) for layer in net.layers]
    flat = np.concatenate([part.ravel() for part in inverse])
    np.testing.assert_allclose(
        net.quadratic(rows, inverse), gradients**2 @ flat, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("name", SHAPES)
def test_jacobian_of_one_output(name, activation):
    net = perceptron(name, activation, n_outputs=1)
    rows = np.random.RandomState(2).normal(size=(5, 3))
    outputs, gradients, for_rows = net.jacobian(rows)
    np.testing.assert_allclose(outputs, net.outputs(rows)[:, 0])
    flat = np.concatenate([part.reshape(5, -1) for part in gradients], axis=1)
    np.testing.assert_allclose(flat, numeric_gradients(net, rows)[:, 0], atol=1e-5)
    for row, gradient in zip(rows, for_rows, strict=True):
        numeric = approx_fprime(row, lambda x: net.outputs(x[None])[0, 0], 1e-7)
        np.testing.assert_allclose(gradient, numeric, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("name", SHAPES)
def test_gradients_of_a_loss_side_by_side_are_those_of_each(name, activation, dtype):
    """Three perceptrons, in arrays that were used before, and each alone by finite differences."""
    nets = [perceptron(name, activation, seed=seed) for seed in range(3)]
    layers = [
        np.stack(group).astype(dtype) for group in zip(*(n.layers for n in nets), strict=True)
    ]
    together = Perceptron(layers, activation, nets[0].residual)
    rng = np.random.RandomState(1)
    out = [np.empty_like(layer) for layer in layers]
    arrays = together.arrays(rng.normal(size=(3, 4, 3)).astype(dtype))
    for _ in range(2):
        rows, slope = rng.normal(size=(3, 4, 3)), rng.normal(size=(3, 4, 2))
        arrays.given[0][..., :-1] = rows
        outputs = together.forward(arrays).copy()
        together.write_gradients(slope.astype(dtype), arrays, out)
    assert outputs.dtype == out[0].dtype == dtype
    for number, net in enumerate(nets):
        np.testing.assert_allclose(outputs[number], net.outputs(rows[number]), rtol=1e-4)
        gradients = numeric_gradients(net, rows[number])
        expected = np.einsum("nkp,nk->p", gradients, slope[number])
        found = np.concatenate([part[number].ravel() for part in out])
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_single_precision_stays_single(activation):
    z = np.linspace(-3, 3, 7, dtype=np.float32)
    activate, slope_of = ACTIVATIONS[activation]
    assert activate(z).dtype == slope_of(z, activate(z)).dtype == np.float32


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_slopes_are_derivatives(activation):
    z = np.array([-3.0, -1.1, -0.2, 0.3, 1.7, 4.0])
    activate, slope_of = ACTIVATIONS[activation]
    numeric = (activate(z + 1e-6) - activate(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope_of(z, activate(z)), numeric, atol=1e-8)


def test_rounds_are_cut_such_that_each_has_one_output():
    weight = np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    for some in (weight, weight[:3], weight[:2]):
        total = np.zeros_like(some)
        for rows, output, mass in one_output_a_row(some):
            total[np.arange(len(some))[rows], output] += mass
        np.testing.assert_array_equal(total, some)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_agree_with_torch(name):
    torch = pytest.importorskip("torch")
    z = np.linspace(-4.0, 4.0, 41) + 0.01
    leaf = torch.tensor(z, requires_grad=True)
    value = leaf.clone() if name == "identity" else getattr(torch.nn.functional, name)(leaf)
    value.sum().backward()
    activate, slope_of = ACTIVATIONS[name]
    ours = activate(z)
    np.testing.assert_allclose(ours, value.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(slope_of(z, ours), leaf.grad.numpy(), atol=1e-12)
