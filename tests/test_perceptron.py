"""The activations of the perceptron in numpy, and their slopes."""

import numpy as np
import pytest

from skbandit._perceptron import ACTIVATIONS


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
