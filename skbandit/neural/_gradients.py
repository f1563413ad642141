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
    (recurrent layers, encoders that look for padding). What comes from all rows at once is held
    against their sum as autograd finds it, and given up where the two differ: a weight may be
    used in ways that no layer shows.

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

    Raises
    ------
    ValueError
        If no weight of the module is trained.
    """
    check_trainable(module)
    layers = factored_gradients(module, X)
    if layers is not None:
        return layers.gradients()
    try:
        gradients = vmapped_gradients(module, X)
        if _is_sum_of_autograd(module, X, gradients):
            return gradients
    except Exception:
        # What torch.func cannot batch it reports in many ways; a real fault shows in the loop.
        pass
    return looped_gradients(module, X)


def check_trainable(module):
    """Raise where there is nothing that a gradient could be taken for."""
    if not trainable(module):
        raise ValueError(
            f"net's module {type(module).__name__} has no weights that are trained "
            "(requires_grad is False for all of them), so its gradients say nothing about what it "
            "does not know. Let some be trained, or use NeuralLinearBandit."
        )


def looped_gradients(module, X):
    """Do what :func:`per_sample_gradients` does, for any module, one row and output at a time."""
    parameters = list(trainable(module).values())
    rows = []
    for row in X:
        with torch.enable_grad():
            # The module may write to what it is given.
            outputs = module(row[None].clone()).reshape(-1)
        for output in outputs:
            rows.append(_flat_gradient(output, parameters))
    return torch.stack(rows).reshape(len(X), -1, rows[0].numel())


def _flat_gradient(output, parameters):
    """The gradient of a number for all parameters; zero for those that it does not depend on."""
    if not output.requires_grad:
        return torch.cat([torch.zeros_like(p).flatten() for p in parameters])
    gradients = torch.autograd.grad(
        output, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([gradient.flatten() for gradient in gradients])


def vmapped_gradients(module, X):
    """Do what :func:`per_sample_gradients` does, for any module (``torch.func``)."""
    names = {id(p): name for name, p in trainable(module).items()}
    free = {name: p.detach() for name, p in trainable(module).items()}
    # Each tensor under the name of every part that holds it, each part once: torch restores
    # wrongly what it finds twice in one part.
    places, fixed = {}, {}
    for prefix, part in module.named_modules():
        held = [*part.named_parameters(prefix, recurse=False, remove_duplicate=False)]
        held += part.named_buffers(prefix, recurse=False, remove_duplicate=False)
        for place, tensor in held:
            if id(tensor) in names:
                places[place] = names[id(tensor)]
            else:
                fixed[place] = tensor.detach()

    def outputs(parameters, row):
        given = {place: parameters[name] for place, name in places.items()}
        rows = (row[None].clone(),)
        return functional_call(module, {**given, **fixed}, rows, tie_weights=False).reshape(-1)

    jacobian = vmap(jacrev(outputs), in_dims=(None, 0))(free, X)
    return torch.cat([part.flatten(start_dim=2) for part in jacobian.values()], dim=2)


def _coefficients(like):
    """Numbers of unlike size for rows and outputs, that no two mistakes may cancel."""
    number = torch.arange(like.numel(), dtype=torch.float64, device=like.device)
    return (1.0 + torch.sin(1.0 + number)).to(like.dtype).reshape(like.shape)


def _is_sum_of_autograd(module, X, gradients):
    """Whether gradients of rows, summed with unlike weights, are the gradient of the sum."""
    with torch.enable_grad():
        outputs = module(X.clone()).reshape(len(X), -1)
        coefficients = _coefficients(outputs.detach())
        total = (outputs * coefficients).sum()
    expected = _flat_gradient(total, list(trainable(module).values()))
    found = torch.einsum("nk,nkp->p", coefficients, gradients)
    return _agree(found, expected)


def _agree(found, expected):
    tolerance = 1e3 * torch.finfo(found.dtype).eps ** 0.75
    return bool((found - expected).norm() <= tolerance * (1e-12 + expected.norm()))


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
                if name in given:
                    raise _NotFactored
                given[name], put_out[name] = inputs[0].detach().clone(), output
                # What follows may write to what it is given: let it have another.
                return output.clone()

            # Before hooks of the module's own, which may change what the layer puts out.
            hooks.append(layer.register_forward_hook(catch, prepend=True))
        try:
            with torch.enable_grad():
                rows = X.detach().clone().requires_grad_(True)
                outputs = module(rows.clone()).reshape(len(X), -1)
                if played is not None:
                    outputs = outputs.gather(1, played[:, None])
        finally:
            for hook in hooks:
                hook.remove()
        if set(given) != set(layers) or any(h.ndim != 2 for h in given.values()):
            raise _NotFactored
        tracked = [out for out in put_out.values() if out.requires_grad]
        self.factors = []
        for k in range(outputs.shape[1]):
            deltas = {}
            if outputs.requires_grad and tracked:
                found = torch.autograd.grad(
                    outputs[:, k].sum(),
                    tracked,
                    retain_graph=True,
                    allow_unused=True,
                    materialize_grads=True,
                )
                deltas = {id(out): delta for out, delta in zip(tracked, found, strict=True)}
            self.factors.append(
                {
                    # A layer that is used without gradients learns nothing.
                    name: (given[name], deltas.get(id(out), torch.zeros_like(out)).detach())
                    for name, out in put_out.items()
                }
            )
        self.names = list(trainable(module))
        self._check(outputs)

    def _check(self, outputs):
        """Raise where the factors do not add up to what autograd finds for all rows at once.

        A weight may be used beside the call of its layer (a tied decoder, a norm of weights).
        """
        coefficients = _coefficients(outputs.detach())
        with torch.enable_grad():
            total = (outputs * coefficients).sum()
        expected = _flat_gradient(total, list(trainable(self.module).values()))
        sums = {}
        for k, factors in enumerate(self.factors):
            for name, (h, delta) in factors.items():
                weighted = delta * coefficients[:, k, None]
                parts = weighted.T @ h, weighted.sum(dim=0)
                for full, part in zip(_names(name), parts, strict=True):
                    sums[full] = sums.get(full, 0.0) + part
        found = torch.cat([sums[name].flatten() for name in self.names])
        if not _agree(found, expected):
            raise _NotFactored

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


class _NotFactored(Exception):
    """The gradients are not those of linear layers, each used once on plain rows."""


def factored_gradients(module, X, played=None):
    """Return the gradients as factors; None where they are none.

    Parameters
    ----------
    module, X, played
        See :class:`LayerGradients`.

    Returns
    -------
    gradients : LayerGradients or None
        None where a trainable weight lies outside linear layers, or is used in any other way than
        once, by its layer, on plain rows.
    """
    owners = [id(p) for layer in _weighted_layers(module).values() for p in layer.parameters()]
    # A weight that two layers share is in neither's gradient alone.
    if any(owners.count(id(p)) != 1 for p in trainable(module).values()):
        return None
    try:
        return LayerGradients(module, X, played)
    except Exception:
        # A real fault shows where the gradients are found in another way.
        return None


def can_factor(module, X):
    """Say whether all trainable weights lie in linear layers, each used once on plain rows."""
    return factored_gradients(module, X[:1]) is not None
