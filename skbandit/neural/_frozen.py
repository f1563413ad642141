"""Trained networks as scores see them: frozen, in double precision, asked with plain rows.

Scores in single precision depend in their last bits on how many rows are evaluated at once.
"""

import threading
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .._perceptron import Perceptron, one_output_a_row
from ._copies import copied_module
from ._generators import ordinary_mode
from ._gradients import check_trainable, factored_gradients, per_sample_gradients, trainable
from ._modules import called_layers, is_plain_mlp, represent

# Rows that are evaluated at once, and entries of a block of gradients.
BLOCK_ROWS = 4096
_BLOCK_ENTRIES = 1 << 22
# Numbers that half a megabyte holds.
_CACHED_ENTRIES = 1 << 16


def freeze(module, input_shape=None):
    """Return a frozen copy of a module.

    Parameters
    ----------
    module : torch.nn.Module
    input_shape : tuple of int, default=None
        Shape of a candidate; None is flat.

    Returns
    -------
    network : FrozenNetwork
    """
    plain = (
        is_plain_mlp(module)
        and input_shape is None
        and all(p.device.type == "cpu" and p.requires_grad for p in module.parameters())
    )
    with ordinary_mode():
        return (FrozenPerceptron if plain else FrozenNetwork)(module, input_shape)


def dtype_of(module):
    """Return the floating-point type that a module computes in."""
    kinds = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(kinds, torch.get_default_dtype())


def to_module(rows, module, shape=None):
    """Return rows as a tensor of the type and on the device of the module."""
    device = next((p.device for p in module.parameters()), "cpu")
    return to_tensor(rows, dtype_of(module), shape).to(device)


def to_tensor(rows, dtype, shape=None):
    """Return rows as a tensor; `shape` is that of a candidate, None is flat."""
    rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64))
    if shape is not None:
        rows = rows.reshape(len(rows), *shape)
    # A module may write to what it is given.
    return rows.to(dtype, copy=True)


def _in_double(module):
    device = next((p.device.type for p in module.parameters()), "cpu")
    module = copied_module(module)
    # Apple's GPUs have no double precision.
    return (module.cpu() if device == "mps" else module).double().eval()


def _takes(module, X):
    """Whether a module can compute in the type of its input, which its forward may change."""
    try:
        with torch.no_grad():
            module(X)
    except Exception:
        return False
    return True


@contextmanager
def _backward_in_evaluation(module):
    """Let recurrent layers on a GPU find gradients in evaluation mode, which cuDNN's cannot."""
    if any(
        isinstance(part, nn.RNNBase) and any(p.is_cuda for p in part.parameters())
        for part in module.modules()
    ):
        with torch.backends.cudnn.flags(enabled=False):
            yield
    else:
        yield


class FrozenNetwork:
    """Any module, through torch, on the device on which it was trained.

    A module that writes a type of its own into its forward (``X.float()``) and cannot compute in
    double precision for that computes in its own.

    Parameters
    ----------
    module : torch.nn.Module
    input_shape : tuple of int or None
    """

    def __init__(self, module, input_shape):
        self.module = self._plan = _in_double(module)
        self.input_shape = input_shape
        # Weights that do not change any more are shared until they are needed.
        self._own, self._is_settled = module, False
        self._lock = threading.RLock()

    def _settle(self, rows):
        """Find the precision that the module can compute in."""
        if self._is_settled:
            return
        X = to_module(rows[:1], self.module, self.input_shape)
        if not _takes(self.module, X):
            own = copied_module(self._own).eval()
            if _takes(own, to_module(rows[:1], own, self.input_shape)):
                self.module = own
        self._own, self._is_settled = None, True

    @contextmanager
    def _asked(self):
        """Ask the module: one thread at a time, for hooks catch what its layers are given."""
        with self._lock, ordinary_mode(), _backward_in_evaluation(self._plan):
            yield

    @property
    def n_parameters(self):
        """Number of trainable weights."""
        return sum(p.numel() for p in trainable(self._plan).values())

    def output_names(self, n_outputs, rows):
        """Names of the output layer's parameters, one row an arm; none where there is no such."""
        with self._asked(), torch.no_grad():
            X = self.tensor(rows[:1])
            calls, _ = called_layers(self.module, X)
        layers = [call.layer for call in calls if call.layer.out_features == n_outputs]
        own = {id(p) for p in layers[-1].parameters()} if layers else set()
        return {name for name, p in self.module.named_parameters() if id(p) in own}

    def tensor(self, rows):
        """Rows as the module takes them."""
        self._settle(rows)
        return to_module(rows, self.module, self.input_shape)

    def _in_blocks(self, rows, function):
        parts = []
        for start in range(0, len(rows), BLOCK_ROWS):
            with self._asked(), torch.no_grad():
                block = self.tensor(rows[start : start + BLOCK_ROWS])
                parts.append(function(block).reshape(len(block), -1).cpu().numpy())
        return np.concatenate(parts)

    def outputs(self, rows):
        """Return the outputs, (n_samples, n_outputs), float64."""
        return self._in_blocks(rows, lambda block: self.module(block))

    def represent(self, rows):
        """Return the last hidden representation, (n_samples, n_units), float64."""
        return self._in_blocks(rows, lambda block: represent(self.module, block))

    def check_answers(self, rows):
        """Raise where answers are random, or those for a row depend on the rows beside it.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        """
        # A row beside the others, should there be one alone.
        rows = np.concatenate([rows, np.zeros_like(rows[:1])])
        name = type(self.module).__name__
        together = self.outputs(rows)
        size = 1e-12 + np.abs(together).max()
        if not np.allclose(self.outputs(rows), together, rtol=1e-5, atol=1e-5 * size):
            raise ValueError(
                f"net's module {name} answers at random in evaluation mode (module.eval()): the "
                "same row has another expected reward each time. Draw in training mode alone, "
                "as torch.nn.Dropout does."
            )
        try:
            alone = np.concatenate([self.outputs(row[None]) for row in rows])
        except Exception as error:
            raise ValueError(
                f"net's module {name} cannot be asked about one row alone: {error} In evaluation "
                "mode a decision may not depend on the rows beside it: normalise by running "
                "statistics (track_running_stats=True), or by each row (LayerNorm)."
            ) from error
        if not np.allclose(alone, together, rtol=1e-4, atol=1e-4 * size):
            raise ValueError(
                f"net's module {name} answers differently for a row alone and among others. In "
                "evaluation mode a decision may not depend on the rows beside it: normalise by "
                "running statistics (track_running_stats=True), or by each row (LayerNorm)."
            )

    def check_output_layer(self, rows):
        """Raise where the outputs are not the representation times the weights of one layer.

        A module with a method ``represent`` says so itself.
        """
        if hasattr(self.module, "represent"):
            return
        with self._asked(), torch.no_grad():
            X = self.tensor(rows[:8])
            calls, outputs = called_layers(self.module, X)
            if calls and sum(call.layer is calls[-1].layer for call in calls) == 1:
                layer, given, _ = calls[-1]
                linear = functional.linear(given, layer.weight, layer.bias)
                if linear.numel() == outputs.numel():
                    linear = linear.reshape(outputs.shape)
                    # The unit of the outputs does not matter.
                    square = float((linear * linear).sum())
                    unit = float((linear * outputs).sum()) / square if square > 0 else 1.0
                    if torch.allclose(unit * linear, outputs, rtol=1e-4, atol=1e-6):
                        return
        raise ValueError(
            "precision='last_layer' needs a module whose outputs come from one torch.nn.Linear "
            f"layer, with nothing after it; net's module {type(self.module).__name__} has none "
            "such. Use precision='diagonal' or 'full', or give it a method represent(X) that "
            "returns what its last layer is given."
        )

    def gradient_blocks(self, rows):
        """Yield slices of rows and their gradients, in blocks of bounded memory.

        Yields
        ------
        part : slice
        gradients : ndarray of shape (n_rows, n_outputs, n_parameters)
        """
        check_trainable(self.module)
        n_outputs = self.outputs(rows[:1]).size
        block = max(1, _BLOCK_ENTRIES // max(1, self.n_parameters * n_outputs))
        for start in range(0, len(rows), block):
            part = slice(start, min(start + block, len(rows)))
            with self._asked():
                gradients = per_sample_gradients(self.module, self.tensor(rows[part]))
                gradients = gradients.detach().cpu().numpy()
            yield part, gradients

    def squares(self, rows, weight):
        """Return outputs, and the weighted sum of the squared gradients.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples, n_outputs)

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs)
        sums : dict of str to ndarray, of the shape of each trainable parameter
        """
        with self._asked():
            check_trainable(self.module)
            factored = self._factored_squares(self.tensor(rows), weight)
            if factored is not None:
                return self.outputs(rows), factored
        flat = np.zeros(self.n_parameters)
        for part, gradients in self.gradient_blocks(rows):
            flat += np.einsum("nkp,nk->p", gradients**2, weight[part])
        return self.outputs(rows), self._unflatten(flat)

    def _factored_squares(self, X, weight):
        sums = {n: np.zeros(tuple(p.shape)) for n, p in trainable(self.module).items()}
        for part, output, mass in one_output_a_row(weight):
            played = torch.from_numpy(output).to(X.device)
            factors = factored_gradients(self.module, X[part], played)
            if factors is None:
                return None
            mass = torch.from_numpy(mass).to(X)[:, None]
            for name, square in factors.sum_of_squares(mass).items():
                sums[name] += square.cpu().numpy()
        return sums

    def quadratic(self, rows, inverse):
        """Return the sum over weights of squared gradient times `inverse`.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        inverse : dict of str to ndarray, of the shape of each trainable parameter

        Returns
        -------
        forms : ndarray of shape (n_samples, n_outputs)
        """
        with self._asked():
            X = self.tensor(rows)
            factors = factored_gradients(self.module, X)
            if factors is not None:
                known = {name: torch.from_numpy(part).to(X) for name, part in inverse.items()}
                return factors.quadratic(known).cpu().numpy()
        flat = np.concatenate([inverse[name].ravel() for name in trainable(self.module)])
        return np.concatenate([g**2 @ flat for _, g in self.gradient_blocks(rows)])

    def _unflatten(self, flat):
        parts, start = {}, 0
        for name, parameter in trainable(self.module).items():
            stop = start + parameter.numel()
            parts[name] = flat[start:stop].reshape(tuple(parameter.shape))
            start = stop
        return parts


class FrozenPerceptron(FrozenNetwork):
    """A multilayer perceptron of flat inputs on the CPU, with its gradients written out.

    Parameters
    ----------
    module : MLP
    input_shape : None
    """

    def __init__(self, module, input_shape):
        self._plan, self.input_shape = module, input_shape
        self._own, self._is_settled = None, True
        self._lock = threading.RLock()
        layers = [*module.hidden, module.output]
        self._names = [f"hidden.{depth}" for depth in range(len(layers) - 1)] + ["output"]
        self.perceptron = Perceptron.of(
            [layer.weight.detach().double().numpy() for layer in layers],
            [layer.bias.detach().double().numpy() for layer in layers],
            module.activation_name,
            module.residual,
        )

    def output_names(self, n_outputs, rows):
        """See :meth:`FrozenNetwork.output_names`."""
        return {"output.weight", "output.bias"}

    def check_answers(self, rows):
        """See :meth:`FrozenNetwork.check_answers`; there is nothing to find."""

    def check_output_layer(self, rows):
        """See :meth:`FrozenNetwork.check_output_layer`; a perceptron's outputs do."""

    @cached_property
    def module(self):
        """The module in double precision, which single gradients alone ask for."""
        return _in_double(self._plan)

    def _blocks(self, rows, share=1):
        """Cut rows such that what a layer puts out for a block stays in the processor's cache."""
        widest = max(len(layer) for layer in self.perceptron.layers)
        size = max(16, _CACHED_ENTRIES // (widest * share))
        rows = np.asarray(rows, dtype=np.float64)
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            yield part, rows[part]

    def outputs(self, rows):
        """See :meth:`FrozenNetwork.outputs`."""
        return np.concatenate([self.perceptron.outputs(block) for _, block in self._blocks(rows)])

    def represent(self, rows):
        """See :meth:`FrozenNetwork.represent`."""
        return np.concatenate(
            [self.perceptron.represent(block) for _, block in self._blocks(rows)]
        )

    def squares(self, rows, weight):
        """See :meth:`FrozenNetwork.squares`."""
        outputs, totals = [], None
        for part, block in self._blocks(rows):
            answers, sums = self.perceptron.squares(block, weight[part])
            outputs.append(answers)
            totals = sums if totals is None else list(map(np.add, totals, sums))
        named = {}
        for name, layer in zip(self._names, totals, strict=True):
            named[f"{name}.weight"], named[f"{name}.bias"] = layer[:, :-1], layer[:, -1]
        return np.concatenate(outputs), named

    def quadratic(self, rows, inverse):
        """See :meth:`FrozenNetwork.quadratic`."""
        layers = [
            np.column_stack([inverse[f"{name}.weight"], inverse[f"{name}.bias"]])
            for name in self._names
        ]
        blocks = self._blocks(rows, share=len(self.perceptron.layers[-1]))
        return np.concatenate([self.perceptron.quadratic(block, layers) for _, block in blocks])
