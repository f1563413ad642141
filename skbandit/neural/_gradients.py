"""Gradients of a network's outputs with respect to its weights, one a row and output."""

import numpy as np
import torch
from torch.func import functional_call, jacrev, vmap

from ._modules import plain_layers


def trainable(module):
    """Return the module's trainable parameters by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def per_sample_gradients(module, X):
    r"""Return :math:`\nabla_\theta f_a(x; \theta)` for every row and output.

    All rows at once: from the factors of :class:`LayerGradients` where the weights all lie in
    linear layers, otherwise by ``torch.func``; row by row where that cannot batch a module
    (recurrent layers, encoders that look for padding).

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode; rows must have no influence on each other.
    X : tensor of shape (n_samples, ...)

    Returns
    -------
    gradients : tensor of shape (n_samples, n_outputs, n_parameters)
        Parameters in the order of ``module.named_parameters()``, flattened; those that do not
        require a gradient are left out.
    """
    if can_factor(module, X):
        return LayerGradients(module, X).gradients()
    try:
        return vmapped_gradients(module, X)
    except Exception:
        # What torch.func cannot batch it reports in many ways; a real fault shows in the loop.
        return looped_gradients(module, X)


def looped_gradients(module, X):
    """Do what :func:`per_sample_gradients` does, for any module, one row and output at a time."""
    parameters = list(trainable(module).values())
    rows = []
    for row in X:
        with torch.enable_grad():
            outputs = module(row[None]).reshape(-1)
        for output in outputs:
            gradients = torch.autograd.grad(
                output, parameters, retain_graph=True, materialize_grads=True
            )
            rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(rows).reshape(len(X), -1, rows[0].numel())


def vmapped_gradients(module, X):
    """Do what :func:`per_sample_gradients` does, for any module (``torch.func``)."""
    free = {name: p.detach() for name, p in trainable(module).items()}
    fixed = {name: p.detach() for name, p in module.named_parameters() if name not in free}
    fixed.update(module.named_buffers())

    def outputs(parameters, row):
        return functional_call(module, {**parameters, **fixed}, (row[None],)).reshape(-1)

    jacobian = vmap(jacrev(outputs), in_dims=(None, 0))(free, X)
    return torch.cat([part.flatten(start_dim=2) for part in jacobian.values()], dim=2)


class LayerGradients:
    r"""Gradients of a network whose weights all lie in linear layers, as factors.

    The gradient of an output for a layer's weights is the outer product
    :math:`\delta h^\top` of what the layer was given, :math:`h`, and of the gradient for what it
    put out, :math:`\delta`. Squares of gradients are then outer products of squares, and sums of
    them are matrix products: the gradients themselves are never formed.

    Parameters
    ----------
    module : torch.nn.Module
        See :func:`can_factor`.
    X : tensor of shape (n_samples, n_features)
    played : tensor of int of shape (n_samples,), default=None
        The output of each row that counts; None is all of them.
    """

    def __init__(self, module, X, played=None):
        self.module = module
        layers = _weighted_layers(module)
        given, put_out, hooks = {}, {}, []
        for name, layer in layers.items():

            def catch(_, inputs, output, name=name):
                given[name], put_out[name] = inputs[0].detach().clone(), output
                # What follows may write to what it is given: let it have another.
                return output.clone()

            hooks.append(layer.register_forward_hook(catch))
        try:
            with torch.enable_grad():
                outputs = module(X.requires_grad_(True)).reshape(len(X), -1)
                if played is not None:
                    outputs = outputs.gather(1, played[:, None])
        finally:
            for hook in hooks:
                hook.remove()
            X.requires_grad_(False)
        tensors = list(put_out.values())
        self.factors = []
        for k in range(outputs.shape[1]):
            last = k == outputs.shape[1] - 1
            deltas = torch.autograd.grad(
                outputs[:, k].sum(), tensors, retain_graph=not last, allow_unused=True
            )
            self.factors.append(
                {
                    name: (given[name], torch.zeros_like(out) if delta is None else delta)
                    for (name, out), delta in zip(put_out.items(), deltas, strict=True)
                }
            )
        self.names = list(trainable(module))

    def gradients(self):
        """Return the gradients themselves, (n_samples, n_outputs, n_parameters)."""
        parameters = trainable(self.module)
        sizes = [p.numel() for p in parameters.values()]
        first = next(iter(self.factors[0].values()))[0]
        gradients = _empty(first, (len(first), len(self.factors), sum(sizes)))
        blocks = dict(zip(parameters, gradients.split(sizes, dim=2), strict=True))
        for k, factors in enumerate(self.factors):
            for name, (h, delta) in factors.items():
                weight, bias = _names(name)
                if weight in blocks:
                    shape = (len(h), delta.shape[1], h.shape[1])
                    torch.mul(
                        delta[:, :, None], h[:, None, :], out=blocks[weight][:, k].view(shape)
                    )
                if bias in blocks:
                    blocks[bias][:, k] = delta
        return gradients

    def sum_of_squares(self, weight):
        """Return the weighted sum of the squared gradients.

        Parameters
        ----------
        weight : tensor of shape (n_samples, n_outputs)

        Returns
        -------
        sums : dict of str to tensor, of the shape of each parameter
        """
        sums = {}
        for k, factors in enumerate(self.factors):
            for name, (h, delta) in factors.items():
                weighted = delta**2 * weight[:, k, None]
                parts = (weighted.T @ h**2, weighted.sum(dim=0))
                for full, part in zip(_names(name), parts, strict=True):
                    if full in self.names:
                        sums[full] = sums.get(full, 0.0) + part
        return {name: sums[name] for name in self.names}

    def quadratic(self, inverse):
        """Return the sum over parameters of squared gradient times `inverse`.

        Parameters
        ----------
        inverse : dict of str to tensor, of the shape of each parameter

        Returns
        -------
        forms : tensor of shape (n_samples, n_outputs)
        """
        # What a layer was given is the same for all outputs, and so is what it is summed with.
        common = {}
        for name, (h, _) in self.factors[0].items():
            weight, bias = _names(name)
            factor = h**2 @ inverse[weight].T if weight in inverse else 0.0
            common[name] = factor + inverse.get(bias, 0.0)
        return torch.stack(
            [
                sum((delta**2 * common[name]).sum(dim=1) for name, (_, delta) in factors.items())
                for factors in self.factors
            ],
            dim=1,
        )


def _empty(like, shape):
    """A new tensor; in main memory from numpy, whose large arrays lie on large pages.

    To touch a page for the first time costs more than to write the gradients that it holds.
    """
    if like.device.type != "cpu":
        return like.new_empty(shape)
    return torch.from_numpy(np.empty(shape, dtype=like.numpy().dtype))


def _names(layer):
    """Names of a layer's weight and bias."""
    return tuple(f"{layer}.{kind}" if layer else kind for kind in ("weight", "bias"))


def _weighted_layers(module):
    """The plain linear layers with weights that are trained."""
    plain = {id(layer) for layer in plain_layers(module)}
    return {
        name: layer
        for name, layer in module.named_modules()
        if id(layer) in plain and any(p.requires_grad for p in layer.parameters())
    }


def can_factor(module, X):
    """Say whether all trainable weights lie in linear layers, each used once on plain rows."""
    layers = _weighted_layers(module)
    own = {id(p) for layer in layers.values() for p in layer.parameters()}
    if not all(id(p) in own for p in trainable(module).values()):
        return False
    shapes = []
    hooks = [
        layer.register_forward_hook(lambda _, inputs, out: shapes.append(inputs[0].ndim))
        for layer in layers.values()
    ]
    try:
        with torch.no_grad():
            module(X[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return len(shapes) == len(layers) and all(ndim == 2 for ndim in shapes)
