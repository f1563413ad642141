"""Nets: from what ``net=`` was given to a skorch net that is ready to train on rounds."""

import copy
import inspect
import math
import warnings
from contextlib import contextmanager

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet, NeuralNetRegressor
from skorch.dataset import Dataset
from torch import nn
from torch.utils.data import DataLoader, Subset

from ._closed_form import has_closed_form, train_in_closed_form
from ._networks import MLP, NAMED_NETWORKS, TextEncoder

# Rows that are evaluated at once.
BLOCK_ROWS = 4096
# Early stopping looks at the mean loss of so many steps.
_LOSS_WINDOW = 10


class PlayedArmLoss(nn.Module):
    """Loss of the output of the arm that was played, weighted.

    The target has six columns: the arm, its reward, the weight of the round, how many arms (the
    first ones) learn from full feedback, and what a reward of 0 and of 1 is in the unit of the
    loss. In a round of full feedback the arm paid 1 and all others paid 0; elsewhere that column
    is 0 and the arm alone counts.

    Parameters
    ----------
    loss : type, default=torch.nn.MSELoss
        A loss of predictions and rewards; it must take ``reduction="none"``.
    **kwargs
        Arguments of `loss`.
    """

    def __init__(self, loss=nn.MSELoss, **kwargs):
        super().__init__()
        kwargs.pop("reduction", None)
        self.loss = loss(reduction="none", **kwargs)

    def forward(self, outputs, target):
        """Return the weighted mean loss."""
        outputs = outputs.reshape(len(target), -1)
        arm, reward, weight, full = target[:, :4].to(outputs.dtype).unbind(dim=1)
        index = arm.long().clamp(max=outputs.shape[1] - 1)[:, None]
        losses = self.loss(outputs.gather(1, index)[:, 0], reward)
        if bool(full.any()):
            rows = full > 0
            low, high = target[rows, 4:6].to(outputs.dtype).unbind(dim=1)
            named = torch.zeros_like(outputs[rows]).scatter(1, index[rows], 1.0)
            each = self.loss(outputs[rows], low[:, None] + named * (high - low)[:, None])
            learns = torch.arange(outputs.shape[1], device=outputs.device) < full[rows, None]
            losses = losses.clone()
            losses[rows] = (each * learns).sum(dim=1) / full[rows]
        return (losses * weight).sum() / weight.sum().clamp(min=1e-12)


def make_net(name="small_mlp", **parameters):
    """Return an unfitted skorch net for the name of a network.

    Use it to change what the name alone leaves at its default, or to search it: its parameters are
    those of a bandit that holds it (``net__lr``, ``net__module__hidden_units``).

    Parameters
    ----------
    name : {"none", "linear", "tiny_mlp", "small_mlp", "large_mlp", "deep_mlp", "bert"}, \
            default="small_mlp"
    **parameters
        Parameters of :class:`skorch.NeuralNetRegressor` (``lr``, ``max_epochs``, ``device``,
        ``callbacks``, ...) and of the network (``module__hidden_units``, ``module__activation``,
        ``module__residual``, ``module__dropout``).

    Returns
    -------
    net : skorch.NeuralNetRegressor

    Examples
    --------
    >>> from skbandit.neural import NeuralLinearBandit, make_net
    >>> bandit = NeuralLinearBandit(net=make_net("tiny_mlp", lr=3e-3))
    >>> bandit.get_params()["net__lr"]
    0.003
    """
    if name == "bert":
        network, module = {}, TextEncoder
    elif name in NAMED_NETWORKS:
        network, module = NAMED_NETWORKS[name], MLP
    else:
        raise ValueError(f"net must be one of {[*NAMED_NETWORKS, 'bert']}, got {name!r}.")
    defaults = {f"module__{key}": value for key, value in network.items()}
    return _default_net(module, **{**defaults, **parameters})


def _default_net(module, **parameters):
    defaults = {
        "optimizer": torch.optim.Adam,
        # One kernel for all weights: small networks spend most of a step on overhead.
        "optimizer__fused": True,
        "lr": 5e-3,
        "batch_size": 64,
        "train_split": None,
        "callbacks": "disable",
        "verbose": 0,
    }
    return NeuralNetRegressor(module, **{**defaults, **parameters})


def resolve_net(net):
    """Return an unfitted skorch net for a name, a module class or a skorch net."""
    if isinstance(net, str):
        return make_net(net)
    if inspect.isclass(net) and issubclass(net, nn.Module):
        return _default_net(net)
    if isinstance(net, NeuralNet):
        return clone(net)
    raise TypeError(
        "net must be a skorch net, a torch.nn.Module class or one of "
        f"{[*NAMED_NETWORKS, 'bert']}, got {net!r}."
        + (" Pass the class of the module, not an instance." if isinstance(net, nn.Module) else "")
    )


def _takes(module, name):
    try:
        return name in inspect.signature(module).parameters
    except (TypeError, ValueError):
        return False


def build_net(net, n_inputs, n_outputs):
    """Return an initialised skorch net for so many inputs and outputs.

    The module is told its sizes where its constructor asks for ``n_inputs`` and ``n_outputs``.
    """
    net = resolve_net(net)
    sizes = {"n_inputs": n_inputs, "n_outputs": n_outputs}
    net.set_params(
        **{f"module__{k}": v for k, v in sizes.items() if _takes(net.module, k)},
        criterion=PlayedArmLoss,
        criterion__loss=net.criterion,
    )
    net.initialize()
    return net


def device_of(net):
    """Return the device of a net's weights; complain about several."""
    devices = {parameter.device for parameter in net.module_.parameters()}
    if len(devices) > 1:
        raise ValueError(
            f"net's weights lie on several devices, {sorted(map(str, devices))}. Let skorch place "
            "them: net__device='cuda', and no .to(...) inside the module."
        )
    return devices.pop() if devices else torch.device("cpu")


@contextmanager
def forked_generators(seed, device="cpu"):
    """Run with torch's global generators seeded, and leave them as they were found."""
    cuda = torch.device(device).type == "cuda" and torch.cuda.is_available()
    devices = list(range(torch.cuda.device_count())) if cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed_all(seed)
        yield


def evaluation_module(net):
    """Return a frozen copy of the net's module for scores, in double precision.

    Scores in single precision depend in their last bits on how many rows are evaluated at once.
    """
    device = device_of(net)
    module = copy.deepcopy(net.module_)
    if device.type == "mps":
        module = module.cpu()
    return module.double().eval()


def to_module(rows, module, shape=None):
    """Return rows as a tensor of the dtype and on the device of the module."""
    parameter = next(module.parameters(), torch.zeros(0, dtype=torch.float64))
    rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64))
    if shape is not None:
        rows = rows.reshape(len(rows), *shape)
    return rows.to(device=parameter.device, dtype=parameter.dtype)


class _Plan:
    """The batches of one training, in place of skorch's data loader: slices of one tensor."""

    def __init__(self, net, columns, sampler, seed, n_steps, threshold):
        self.net, self.columns, self.sampler = net, columns, sampler
        self.rng, self.n_steps, self.threshold = np.random.RandomState(seed), n_steps, threshold

    def __call__(self, dataset, batch_size=64, **kwargs):
        rows = None
        if isinstance(dataset, Subset):
            rows, dataset = np.asarray(dataset.indices), dataset.dataset
        if type(dataset) is not Dataset or not torch.is_tensor(dataset.X):
            return DataLoader(dataset, batch_size=batch_size, **kwargs)
        return _Batches(self, dataset.X, dataset.y, rows, batch_size)


class _Batches:
    """One pass over the rounds, or so many gradient steps, each time it is iterated."""

    def __init__(self, plan, X, y, rows, batch_size):
        self.plan, self.X, self.y, self.rows = plan, X, y, rows
        self.n_rows = len(X) if rows is None else len(rows)
        self.batch_size = self.n_rows if batch_size == -1 else batch_size

    def __len__(self):
        if self.plan.n_steps is not None:
            return self.plan.n_steps
        return math.ceil(self.n_rows / self.batch_size)

    def __iter__(self):
        for batch in self.indexes(None):
            yield self.X[batch], self.y[batch]

    def indexes(self, losses):
        """Yield the rows of each batch; `losses` grows by one a step, or is None (see history)."""
        done = 0
        while done < len(self):
            order = self._order()
            for start in range(0, self.n_rows, self.batch_size):
                if done == len(self) or self._is_good_enough(losses):
                    return
                yield order[start : start + self.batch_size]
                done += 1

    def _order(self):
        columns = self.plan.columns
        if self.n_rows <= self.batch_size:
            # All rounds at once, in the order in which they lie.
            order = np.arange(self.n_rows)
        else:
            if self.rows is not None:
                columns = {name: column[self.rows] for name, column in columns.items()}
            order = np.asarray(self.plan.sampler.order(columns, self.plan.rng))
        return torch.from_numpy(order if self.rows is None else self.rows[order])

    def _is_good_enough(self, losses):
        if self.plan.threshold is None:
            return False
        if losses is None:
            rows = self.plan.net.history[-1]["batches"][-_LOSS_WINDOW:]
            losses = [row["train_loss"] for row in rows if "train_loss" in row]
        losses = losses[-_LOSS_WINDOW:]
        return len(losses) == _LOSS_WINDOW and float(np.mean(losses)) < self.plan.threshold


def train_net(net, X, target, columns, *, sampler, seed, n_steps, threshold, warm_start):
    """Return a net that was trained further; the one given is untouched.

    Parameters
    ----------
    net : initialised skorch net
    X : tensor of shape (n_rounds, ...)
    target : tensor of shape (n_rounds, 6)
        See :class:`PlayedArmLoss`.
    columns : dict of str to ndarray
        The rounds in the buffer, for the sampler.
    sampler : sampler
    seed : int
    n_steps : int or None
        Gradient steps; None: the net's ``max_epochs`` passes over the rounds.
    threshold : float or None
        Stop when the mean loss of the last ten steps falls below it.
    warm_start : bool
        False starts from fresh weights.

    Returns
    -------
    net : skorch net, or None where training diverged
    """
    with warnings.catch_warnings():
        # skorch warns where a copied net may hold weights of another device.
        warnings.simplefilter("ignore", UserWarning)
        net = copy.deepcopy(net)
    if not warm_start:
        net.initialize()
    own_iterator = net.iterator_train
    epochs = net.max_epochs if n_steps is None else 1
    plan = _Plan(net, columns, sampler, seed, n_steps, threshold)
    if own_iterator is DataLoader and has_closed_form(net):
        batches = _Batches(plan, X, target, None, net.batch_size)
        train_in_closed_form(net, X, target, batches.indexes, epochs)
    else:
        if own_iterator is DataLoader:
            net.iterator_train = plan
        try:
            net.partial_fit(X, target, epochs=epochs)
        finally:
            net.iterator_train = own_iterator
    # One pass's batch records are kept: a history of all would outgrow the buffer.
    for row in net.history.to_list()[:-1]:
        row.pop("batches", None)
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.state_dict().values())
    net.module_.zero_grad(set_to_none=True)
    return net if finite and np.isfinite(_last_loss(net)) else None


def _last_loss(net):
    last = net.history[-1]
    if "train_loss" in last:
        return last["train_loss"]
    losses = [row["train_loss"] for row in last["batches"] if "train_loss" in row]
    return float(np.mean(losses)) if losses else 0.0


def warn_diverged():
    """Say that a training was thrown away."""
    warnings.warn(
        "Training the network diverged (its weights or its loss are no longer finite), so the "
        "bandit keeps the last good network. Lower net__lr, or clip gradients with skorch's "
        "GradientNormClipping callback.",
        ConvergenceWarning,
        stacklevel=2,
    )
