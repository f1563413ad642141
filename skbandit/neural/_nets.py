"""Nets: from what ``net=`` was given to a skorch net that is ready to train on rounds."""

import copy
import inspect
import math
import warnings
from contextlib import contextmanager
from typing import NamedTuple

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
        ``callbacks``, ...; these nets have none by default, and get theirs here, not by
        ``set_params``) and of the network (``module__hidden_units``, ``module__activation``,
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


class _Plan:
    """The batches of one training, in place of skorch's data loader: slices of one tensor."""

    def __init__(self, net, columns, training, seed):
        self.net, self.columns, self.sampler = net, columns, training.sampler
        self.n_steps, self.threshold = training.n_steps, training.threshold
        self.rng = np.random.RandomState(seed)

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
            rows = torch.from_numpy(batch)
            yield self.X[rows], self.y[rows]

    def indexes(self, losses):
        """Yield the rows of each batch; `losses` grows by one a step, or is None (see history)."""
        done = 0
        while done < len(self):
            order = self._order()
            for start in range(0, len(order), self.batch_size):
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
            _check_order(order, self.n_rows)
        return order if self.rows is None else self.rows[order]

    def _is_good_enough(self, losses):
        if self.plan.threshold is None:
            return False
        if losses is None:
            rows = self.plan.net.history[-1]["batches"][-_LOSS_WINDOW:]
            losses = [row["train_loss"] for row in rows if "train_loss" in row]
        losses = losses[-_LOSS_WINDOW:]
        return len(losses) == _LOSS_WINDOW and float(np.mean(losses)) < self.plan.threshold


def _check_order(order, n_rows):
    """Raise where a sampler does not name rounds of the buffer."""
    if order.ndim != 1 or order.dtype.kind not in "iu" or len(order) == 0:
        raise ValueError(
            "sampler.order must return the positions of rounds in the buffer, a one-dimensional "
            f"array of integers, got shape {order.shape} and dtype {order.dtype}."
        )
    if order.min() < 0 or order.max() >= n_rows:
        raise ValueError(
            f"sampler.order must return positions from 0 to {n_rows - 1}, got "
            f"{order.min()} to {order.max()}."
        )


class Training(NamedTuple):
    """How the nets of a bandit are trained."""

    sampler: object
    n_steps: int | None  # gradient steps; None: the net's max_epochs passes over the rounds
    threshold: float | None  # stop when the mean loss of the last ten steps falls below it
    warm_start: bool  # False starts from fresh weights


def train_nets(nets, X, targets, columns, seeds, training):
    """Return nets that were trained further; those given are untouched.

    Parameters
    ----------
    nets : list of initialised skorch nets
        Of one setting.
    X : tensor of shape (n_rounds, ...)
    targets : list of tensors of shape (n_rounds, 6)
        See :class:`PlayedArmLoss`; one a net.
    columns : dict of str to ndarray
        The rounds in the buffer, for the sampler.
    seeds : list of int
        One a net.
    training : Training

    Returns
    -------
    nets : list of skorch nets, or None where training diverged
    """
    copies, plans = [], []
    for net, seed in zip(nets, seeds, strict=True):
        net = copied(net)
        if not training.warm_start:
            with forked_generators(seed, net.device):
                net.initialize()
        copies.append(net)
        plans.append(_Plan(net, columns, training, seed))
    epochs = copies[0].max_epochs if training.n_steps is None else 1
    if all(net.iterator_train is DataLoader and has_closed_form(net) for net in copies):
        # A threshold may stop one net before another.
        size = len(copies) if training.threshold is None else 1
        for start in range(0, len(copies), size):
            part = slice(start, start + size)
            batches = [
                _Batches(plan, X, target, None, plan.net.batch_size).indexes
                for plan, target in zip(plans[part], targets[part], strict=True)
            ]
            train_in_closed_form(copies[part], X, targets[part], batches, epochs)
    else:
        for net, plan, target, seed in zip(copies, plans, targets, seeds, strict=True):
            with forked_generators(seed, net.device):
                _train_by_skorch(net, plan, X, target, epochs)
    return [net if _is_sound(net) else None for net in copies]


def _train_by_skorch(net, plan, X, target, epochs):
    own_iterator = net.iterator_train
    if own_iterator is DataLoader:
        net.iterator_train = plan
    try:
        net.partial_fit(X, target, epochs=epochs)
    finally:
        net.iterator_train = own_iterator


def copied(net):
    """Return a copy of an initialised net.

    skorch copies a net by writing and reading it as a file does, which takes many times as long,
    and warns of devices.
    """
    new = object.__new__(type(net))
    vars(new).update(copy.deepcopy(vars(net)))
    return new


def _is_sound(net):
    """Tidy up after a training; say whether weights and loss are finite."""
    # One pass's batch records are kept: a history of all would outgrow the buffer.
    for row in net.history.to_list()[:-1]:
        row.pop("batches", None)
    net.module_.zero_grad(set_to_none=True)
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.state_dict().values())
    return finite and bool(np.isfinite(_last_loss(net)))


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
