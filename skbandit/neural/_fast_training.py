"""Fast training of plain perceptrons, whose gradients are written out.

Small networks spend most of a training step on the bookkeeping of automatic differentiation and of
callbacks. Where a net is a multilayer perceptron under squared error that nobody watches, the
gradient is a handful of matrix products. All weights lie in one vector, so that the optimizer,
which stays the net's own, has one parameter to move; several networks of one shape (an ensemble)
lie in it side by side and take their steps together. A training may go on either way.
"""

import copy
from collections import defaultdict

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetRegressor
from torch import nn
from torch.utils.data import DataLoader

from .._perceptron import Arrays, Perceptron
from ._modules import is_plain_mlp
from ._targets import Targets

# These treat every weight alike, whatever tensor it lies in.
_PLAIN_OPTIMIZERS = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
_ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh")
# What a data loader may be told, and steps that are written out take note of or need not know.
_PLAIN_ITERATION = {"batch_size", "drop_last", "num_workers", "pin_memory", "shuffle"}


def can_train_fast(net):
    """Say whether a net's training steps can be written out."""
    module, groups = net.module_, net.optimizer_.param_groups
    return (
        type(net) in (NeuralNet, NeuralNetRegressor)
        and net.iterator_train is DataLoader
        and not set(net.get_params_for("iterator_train")) - _PLAIN_ITERATION
        and is_plain_mlp(module)
        and module.activation_name in _ACTIVATIONS
        and module.dropout.p == 0.0
        and type(net.criterion_.loss) is nn.MSELoss
        and net.callbacks == "disable"
        and net.train_split is None
        and type(net.optimizer_) in _PLAIN_OPTIMIZERS
        and len(groups) == 1
        and [id(p) for p in groups[0]["params"]] == [id(p) for p in module.parameters()]
        and all(p.requires_grad and p.device.type == "cpu" for p in module.parameters())
    )


def train_fast(nets, X, targets, batches, epochs, watch=None):
    """Train nets in place, as ``net.partial_fit`` would train each.

    Parameters
    ----------
    nets : list of initialised skorch nets
        Of one shape and setting, trained equally often; see :func:`can_train_fast`.
    X : tensor of shape (n_rounds, n_features)
    targets : list of Targets
        One a net.
    batches : list of callables
        One a net. Given the list of the losses so far, it returns an iterator over the row indexes
        of each batch: one pass, or so many steps, each time it is called.
    epochs : int
    watch : tuple (X, targets, patience), default=None
        Held-out rounds: each net ends where it was best on them, and the training when none has
        become better for so many epochs.
    """
    weights = _FlatWeights([net.optimizer_ for net in nets])
    steps = _Steps(weights, nets[0].module_, X, targets)
    watched = None
    if watch is not None:
        watched = _Watched(weights, nets[0].module_, *watch)
    for _ in range(epochs):
        losses, sizes = [], []
        # What diverges is found when the training is over.
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in zip(*(batch(losses) for batch in batches), strict=True):
                losses.append(steps.take(rows[0] if len(rows) == 1 else np.stack(rows)))
                sizes.append(len(rows[0]))
        # As skorch records it: the mean over rows, not over batches.
        mean = np.average(losses, axis=0, weights=sizes) if losses else 0.0
        for net, loss in zip(nets, np.broadcast_to(mean, len(nets)), strict=True):
            net.history.new_epoch()
            net.history.record("epoch", len(net.history))
            net.history.record("train_loss", float(loss))
            net.history.record("train_batch_count", len(losses))
        if watched is not None and watched.is_over(nets):
            break
    if watched is not None:
        watched.restore()
    weights.write_back()


class _Watched:
    """Held-out rounds, and the best weights on them so far."""

    def __init__(self, weights, module, X, targets, patience):
        self.steps, self.patience = _Steps(weights, module, X, targets), patience
        self.parts = weights.parts
        self.best = [part.copy() for part in self.parts]
        with np.errstate(over="ignore", invalid="ignore"):
            self.loss = np.atleast_1d(self.steps.loss())
        self.since = np.zeros(len(self.loss), dtype=np.intp)

    def is_over(self, nets):
        """Look at the weights as they are; say whether none has become better for long."""
        with np.errstate(over="ignore", invalid="ignore"):
            loss = np.atleast_1d(self.steps.loss())
        better = np.flatnonzero(loss < self.loss)
        for best, part in zip(self.best, self.parts, strict=True):
            best[better] = part[better]
        self.loss[better] = loss[better]
        self.since += 1
        self.since[better] = 0
        for net, one in zip(nets, loss, strict=True):
            net.history.record("held_out_loss", float(one))
        # What has left the numbers will not come back.
        return bool(((self.since >= self.patience) | ~np.isfinite(loss)).all())

    def restore(self):
        """Write the best weights back."""
        for best, part in zip(self.best, self.parts, strict=True):
            part[...] = best


class _FlatWeights:
    """The weights of several perceptrons in one vector, with their gradient and optimizer.

    The vector holds, for each layer, an array (n_nets, n_out, n_in + 1) whose last column is the
    bias: a layer is then one matrix product, and so is its gradient. One net has no first axis.
    """

    def __init__(self, optimizers):
        self._optimizers = optimizers
        # A layer's weight and bias follow each other.
        self._layers = [
            list(zip(params[::2], params[1::2], strict=True))
            for params in (optimizer.param_groups[0]["params"] for optimizer in optimizers)
        ]
        shapes = [(w.shape[0], w.shape[1] + 1) for w, _ in self._layers[0]]
        self._shapes = [(len(optimizers), *shape) for shape in shapes]
        self._ends = np.cumsum([np.prod(shape) for shape in self._shapes])
        self.parameter = nn.Parameter(self._read(lambda _, tensor: tensor.detach()))
        self.parameter.grad = torch.zeros_like(self.parameter)
        self.parts = self._split(self.parameter.detach().numpy())
        self.values = self._views(self.parameter.detach().numpy())
        self.gradients = self._views(self.parameter.grad.numpy())
        self.optimizer = self._flat_optimizer()

    def _split(self, flat):
        parts = np.split(flat, self._ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _views(self, flat):
        parts = self._split(flat)
        return parts if len(self._optimizers) > 1 else [part[0] for part in parts]

    def _places(self, flat):
        """Yield optimizers, their parameters, and the place of each in a vector."""
        views = self._split(flat)
        for number, (optimizer, layers) in enumerate(
            zip(self._optimizers, self._layers, strict=True)
        ):
            for view, (weight, bias) in zip(views, layers, strict=True):
                yield optimizer, weight, view[number, :, :-1]
                yield optimizer, bias, view[number, :, -1]

    def _read(self, get):
        vector = torch.empty(int(self._ends[-1]), dtype=self._layers[0][0][0].dtype)
        for optimizer, parameter, place in self._places(vector.numpy()):
            place[...] = get(optimizer, parameter).numpy()
        return vector

    def _flat_optimizer(self):
        """An optimizer of the vector that goes on from where the nets' own are."""
        first = self._optimizers[0]
        flat = object.__new__(type(first))
        vars(flat).update(vars(first))
        flat.param_groups = [{**first.param_groups[0], "params": [self.parameter]}]
        flat.state = defaultdict(dict)
        known = first.state.get(self._layers[0][0][0], {})
        for key, value in known.items():
            if _is_of_weights(value):
                value = self._read(lambda optimizer, one, key=key: optimizer.state[one][key])
            flat.state[self.parameter][key] = copy.deepcopy(value)
        return flat

    def write_back(self):
        """Write weights, and the optimizer's state, into the nets."""
        with torch.no_grad():
            for _, parameter, place in self._places(self.parameter.detach().numpy()):
                parameter.copy_(torch.from_numpy(place))
        for key, value in self.optimizer.state[self.parameter].items():
            if _is_of_weights(value):
                for optimizer, parameter, place in self._places(value.numpy()):
                    optimizer.state[parameter][key] = torch.from_numpy(place.copy())
                continue
            for optimizer, layers in zip(self._optimizers, self._layers, strict=True):
                for parameter in (one for layer in layers for one in layer):
                    optimizer.state[parameter][key] = copy.deepcopy(value)


def _is_of_weights(value):
    """Whether an optimizer's state is one number a weight, not one for all (the step)."""
    return torch.is_tensor(value) and value.ndim > 0


class _Steps:
    """Gradient steps on a vector of weights; arrays are kept from step to step."""

    def __init__(self, weights, module, X, targets):
        self.weights = weights
        self.perceptron = Perceptron(weights.values, module.activation_name, module.residual)
        rows = X.numpy()
        self.rows = np.column_stack([rows, np.ones(len(rows), dtype=rows.dtype)])
        self.targets = _wanted(targets, module.output.out_features, rows.dtype)
        self._kept = {}

    def take(self, rows):
        """Take one step on some rows; return the loss before it, one number a net.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rows,) or (n_nets, n_rows)
        """
        if rows.shape not in self._kept:
            self._kept[rows.shape] = Arrays(self.weights.values, rows.shape, self.rows.dtype)
        arrays = self._kept[rows.shape]
        self.rows.take(rows, axis=0, out=arrays.given[0], mode="clip")
        outputs = self.perceptron.forward(arrays)
        slope, loss = self.targets.slope(rows, outputs)
        self.perceptron.write_gradients(slope, arrays, self.weights.gradients)
        self.weights.optimizer.step()
        return loss

    def loss(self):
        """Return the loss on all rows, one number a net."""
        shape = self.targets.targets.weight.shape
        rows = np.broadcast_to(np.arange(len(self.rows)), shape)
        if shape not in self._kept:
            self._kept[shape] = Arrays(self.weights.values, shape, self.rows.dtype)
        arrays = self._kept[shape]
        arrays.given[0][...] = self.rows
        return self.targets.slope(rows, self.perceptron.forward(arrays))[1]


def _wanted(targets, n_outputs, dtype):
    """What is wanted of the outputs in each round: of one of them, or of several."""
    fields = targets[0]
    if len(targets) > 1:
        parts = zip(*targets, strict=True)
        fields = [None if part[0] is None else np.stack(part) for part in parts]
    arm, *numbers = fields
    joined = Targets(
        arm.astype(np.intp),
        *(None if number is None else number.astype(dtype) for number in numbers),
    )
    if (joined.n_taught > 0).any():
        return _SeveralWanted(joined, n_outputs)
    return _OneWanted(joined)


class _OneWanted:
    """Rounds in which only the arm that was played is known."""

    def __init__(self, targets):
        self.targets = targets if targets.offset is None else targets.of_played_arm()

    def slope(self, rows, outputs):
        """Return the gradient of the mean squared error for the outputs, and the error.

        Parameters
        ----------
        rows : ndarray of int of shape (n_rounds,) or (n_nets, n_rounds)
        outputs : ndarray of shape (..., n_rounds, n_outputs)

        Returns
        -------
        slope : ndarray of the shape of `outputs`
        loss : float or ndarray of shape (n_nets,)
        """
        pick = _picked(rows)
        mass = self.targets.weight[pick]
        total = np.maximum(mass.sum(axis=-1, keepdims=True), 1e-12)
        n_outputs = outputs.shape[-1]
        place = np.arange(0, outputs.size, n_outputs) + self.targets.arm[pick].ravel()
        error = outputs.ravel()[place].reshape(rows.shape) - self.targets.reward[pick]
        pulled = mass * error
        slope = np.zeros_like(outputs)
        slope.reshape(-1)[place] = (pulled * (2.0 / total)).ravel()
        return slope, (pulled * error).sum(axis=-1) / total[..., 0]


class _SeveralWanted:
    """Rounds of which some are of full feedback: several outputs are known in each."""

    def __init__(self, targets, n_outputs):
        self.targets = targets
        arm, reward, self.weight, n_taught, low, high, offset = targets
        dtype = reward.dtype
        named = np.arange(n_outputs) == arm[..., None]
        learns = np.arange(n_outputs) < n_taught[..., None]
        is_full = n_taught[..., None] > 0
        paid = np.where(named, high[..., None], low[..., None])
        self.wanted = np.where(is_full, paid, reward[..., None]).astype(dtype)
        if offset is not None:
            self.wanted -= offset
        share = np.where(is_full, learns / np.maximum(n_taught, 1.0)[..., None], named)
        self.share = (share * self.weight[..., None]).astype(dtype)

    def slope(self, rows, outputs):
        """See :meth:`_OneWanted.slope`."""
        pick = _picked(rows)
        total = np.maximum(self.weight[pick].sum(axis=-1), 1e-12)
        error = outputs - self.wanted[pick]
        slope = error * self.share[pick]
        loss = np.einsum("...no,...no->...", slope, error) / total
        slope *= (2.0 / total)[..., None, None]
        return slope, loss


def _picked(rows):
    """Index of the rounds of each net."""
    return rows if rows.ndim == 1 else (np.arange(len(rows))[:, None], rows)
