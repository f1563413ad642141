"""Training of nets on the rounds in a buffer: its batches, its end, and what comes out of it."""

import copy
import math
import warnings
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from torch import nn
from torch.utils.data import DataLoader, Subset

from .._rows import take_rows
from ._copies import make_storable
from ._fast_training import can_train_fast, train_fast
from ._frozen import BLOCK_ROWS, dtype_of
from ._generators import forked_generators
from ._nets import copied

# Early stopping looks at the mean loss of so many steps.
_LOSS_WINDOW = 10
# Held-out rounds end a training when they have not become better for so many passes, and say
# nothing where they are fewer than this.
_PATIENCE, _FEWEST_HELD = 5, 8
# Outputs so many times as large as all rewards are a divergence.
_FAR_OUT = 100.0
# With one of these a user says himself which rows a batch has.
_OWN_BATCHES = ("sampler", "batch_sampler", "collate_fn")


class Training(NamedTuple):
    """How the nets of a bandit are trained."""

    sampler: object
    n_steps: int | None  # gradient steps; None: the net's max_epochs passes over the rounds
    threshold: float | None  # stop when the mean loss of the last ten steps falls below it
    afresh: list  # of bool, one a net: start from fresh weights
    is_watched: bool  # n_steps is the most; held-out rounds say when to stop


class _Plan:
    """The batches of one training, in place of skorch's data loader: slices of one tensor."""

    def __init__(self, net, columns, training, seed):
        self.net, self.columns, self.sampler = net, columns, training.sampler
        self.n_steps, self.threshold = training.n_steps, training.threshold
        self.rng = np.random.RandomState(seed)

    def __call__(self, dataset, batch_size=64, **kwargs):
        rows, plain = None, dataset
        if isinstance(dataset, Subset):
            rows, plain = np.asarray(dataset.indices), dataset.dataset
        if (
            type(plain) is not Dataset
            or not torch.is_tensor(plain.X)
            or any(kwargs.get(name) is not None for name in _OWN_BATCHES)
        ):
            return DataLoader(dataset, batch_size=batch_size, **kwargs)
        return _Batches(self, plain.X, plain.y, rows, batch_size, kwargs.get("drop_last", False))


class _Batches:
    """One pass over the rounds, or so many gradient steps, each time it is iterated."""

    def __init__(self, plan, X, y, rows, batch_size, drop_last):
        self.plan, self.X, self.y, self.rows = plan, X, y, rows
        self.n_rows = len(X) if rows is None else len(rows)
        self.batch_size = self.n_rows if batch_size == -1 else batch_size
        self.drop_last, self.fewest = drop_last, fewest_rows(plan.net.module_)

    def __len__(self):
        if self.plan.n_steps is not None:
            return self.plan.n_steps
        return len(self._cuts(self.n_rows)) - 1

    def __iter__(self):
        for batch in self.indexes(None):
            rows = torch.from_numpy(batch)
            yield self.X[rows], self.y[rows]

    def indexes(self, losses):
        """Yield the rows of each batch; `losses` grows by one a step, or is None (see history)."""
        done = 0
        while done < len(self):
            order = self._order()
            cuts = self._cuts(len(order))
            for start, stop in pairwise(cuts):
                if done == len(self) or self._is_good_enough(losses):
                    return
                yield order[start:stop]
                done += 1

    def _cuts(self, n_rows):
        """Where a pass over so many rows is cut into batches; it always has one."""
        cuts = [*range(0, n_rows, self.batch_size), n_rows]
        left = cuts[-1] - cuts[-2]
        if len(cuts) > 2 and left < self.batch_size:
            if self.drop_last:
                cuts.pop()
            elif left < self.fewest:
                # The rows that are left are too few for the module: they join the batch before.
                cuts.pop(-2)
        return cuts

    def _order(self):
        columns = self.plan.columns
        if self.n_rows <= self.batch_size:
            # All rounds at once, in the order in which they lie.
            order = np.arange(self.n_rows)
        else:
            if self.rows is not None:
                columns = {name: take_rows(c, self.rows) for name, c in columns.items()}
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


def fewest_rows(module):
    """Return how many rows a batch must have at least: one cannot be normalised by its batch."""
    normed = any(
        isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training
        for part in module.modules()
    )
    return 2 if normed else 1


class _Epochs(NamedTuple):
    """How a training is cut: so many epochs of so many steps; None is a pass."""

    number: int
    n_steps: int | None


def _epochs_of(training, net, n_rows):
    if training.n_steps is None:
        return _Epochs(net.max_epochs, None)
    if not training.is_watched:
        return _Epochs(1, training.n_steps)
    size = _loader_arguments(net)["batch_size"]
    size = n_rows if size == -1 else size
    # Held-out rounds are asked after each pass; where that is a step or two, after ten.
    steps = max(-(-n_rows // size), _LOSS_WINDOW)
    return _Epochs(max(1, round(training.n_steps / steps)), steps)


def train_nets(nets, X, targets, held, columns, seeds, training):
    """Return nets that were trained further; those given are untouched.

    Parameters
    ----------
    nets : list of initialised skorch nets
        Of one setting.
    X : tensor of shape (n_rounds, ...)
    targets : list of Targets
        One a net; rounds of weight 0 are not trained on.
    held : list of Targets
        One a net: the same rounds with the weight that is held out, 0 where nothing is.
    columns : dict of str to ndarray
        The rounds in the buffer, for the sampler.
    seeds : list of int
        One a net.
    training : Training

    Returns
    -------
    nets : list of skorch nets, or None where training diverged
    """
    watch = _held_out(X, held) if training.is_watched else None
    training = training._replace(is_watched=watch is not None)
    taught = np.flatnonzero(np.any([one.weight > 0.0 for one in targets], axis=0))
    if len(taught) < len(X):
        X, targets = X[torch.from_numpy(taught)], [one.taken(taught) for one in targets]
        columns = {name: take_rows(column, taught) for name, column in columns.items()}
    epochs = _epochs_of(training, nets[0], len(X))
    training = training._replace(n_steps=epochs.n_steps)
    copies, plans = [], []
    for net, seed, afresh in zip(nets, seeds, training.afresh, strict=True):
        net = copied(net)
        if afresh:
            with forked_generators(seed, net.device):
                net.initialize()
            make_storable(net.module_)
        net.module_.train()
        _check_batch_size(net)
        copies.append(net)
        plans.append(_Plan(net, columns, training, seed))
    if all(can_train_fast(net) for net in copies):
        for part in _side_by_side(copies, training):
            chosen = [plans[number] for number in part]
            batches = [plan(Dataset(X), **_loader_arguments(plan.net)).indexes for plan in chosen]
            watched = None
            if watch is not None:
                watched = watch.X, [watch.targets[number] for number in part], _PATIENCE
            wanted = [targets[number] for number in part]
            train_fast([plan.net for plan in chosen], X, wanted, batches, epochs.number, watched)
    else:
        for number, (net, seed) in enumerate(zip(copies, seeds, strict=True)):
            target = targets[number].packed(dtype_of(net.module_))
            watched = None
            if watch is not None:
                watched = _Watched(net, watch.X, watch.targets[number])
            with forked_generators(seed, net.device):
                _train_by_skorch(net, plans[number], X, target, epochs.number, watched)
    return [
        net if _is_sound(net) and _is_in_range(net, X, target) else None
        for net, target in zip(copies, targets, strict=True)
    ]


def _side_by_side(nets, training):
    """Numbers of nets that take their steps together: their optimizers have taken as many."""
    if training.threshold is not None:
        # A threshold may stop one net before another.
        return [[number] for number in range(len(nets))]
    groups = {}
    for number, net in enumerate(nets):
        states = net.optimizer_.state.values()
        taken = {float(state["step"]) for state in states if "step" in state}
        groups.setdefault((len(states), *sorted(taken)), []).append(number)
    return list(groups.values())


class _HeldOut(NamedTuple):
    X: torch.Tensor
    targets: list


def _held_out(X, held):
    """The rounds that say when to stop; None where they are too few to say anything."""
    rows = np.flatnonzero(np.any([one.weight > 0.0 for one in held], axis=0))
    if len(rows) < _FEWEST_HELD:
        return None
    # Some thousands tell as much as all.
    rows = rows[:: -(-len(rows) // BLOCK_ROWS)]
    return _HeldOut(X[torch.from_numpy(rows)], [one.taken(rows) for one in held])


class _Watched:
    """Held-out rounds for a net of any kind, and its best weights on them so far."""

    def __init__(self, net, X, targets):
        self.net, self.X = net, X
        self.target = targets.packed(dtype_of(net.module_)).to(net.device)
        self.best, self.loss, self.since = self._weights(), self._loss(), 0

    def _weights(self):
        return copy.deepcopy(self.net.module_.state_dict())

    def _loss(self):
        module = self.net.module_
        was_training = module.training
        module.eval()
        try:
            with torch.no_grad():
                return float(self.net.criterion_(module(self.X.to(self.net.device)), self.target))
        finally:
            module.train(was_training)

    def is_over(self):
        """Look at the weights as they are; say whether they have not become better for long."""
        loss = self._loss()
        self.net.history.record("held_out_loss", loss)
        self.since += 1
        if loss < self.loss:
            self.best, self.loss, self.since = self._weights(), loss, 0
        return self.since >= _PATIENCE or not math.isfinite(loss)

    def restore(self):
        """Write the best weights back."""
        self.net.module_.load_state_dict(self.best)


def _loader_arguments(net):
    return {"batch_size": net.batch_size, **net.get_params_for("iterator_train")}


def _check_batch_size(net):
    size = _loader_arguments(net)["batch_size"]
    if 0 < size < fewest_rows(net.module_):
        raise ValueError(
            f"net__batch_size is {size}, but the module {type(net.module_).__name__} normalises "
            "by its batch, which needs two rows at least. Set net__batch_size=64, say."
        )


def _train_by_skorch(net, plan, X, target, epochs, watched):
    own_iterator = net.iterator_train
    if own_iterator is DataLoader:
        net.iterator_train = plan
    try:
        net.notify("on_train_begin", X=X, y=target)
        try:
            if watched is None:
                net.fit_loop(X, target, epochs=epochs)
            else:
                for _ in range(epochs):
                    net.fit_loop(X, target, epochs=1)
                    if watched.is_over():
                        break
                watched.restore()
        except KeyboardInterrupt as end:
            # skorch's fit takes any interruption for the end that a callback asks for.
            if not _is_raised_by_callback(end):
                raise
        net.notify("on_train_end", X=X, y=target)
    finally:
        net.iterator_train = own_iterator


def _is_raised_by_callback(error):
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return isinstance(trace.tb_frame.f_locals.get("self"), Callback)


def _is_sound(net):
    """Tidy up after a training; say whether weights and loss are finite."""
    _tidy_history(net.history)
    net.module_.zero_grad(set_to_none=True)
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.state_dict().values())
    return finite and math.isfinite(_last_loss(net))


def _tidy_history(history):
    """Leave of each pass what every kind of net has: its number, loss and count of batches.

    A net without callbacks records the loss of each batch alone. These records go: those of all
    passes would outgrow the buffer.
    """
    for row in history.to_list():
        batches = row.pop("batches", [])
        for kind in ("train", "valid"):
            seen = [
                (one[f"{kind}_loss"], one.get(f"{kind}_batch_size", 1))
                for one in batches
                if f"{kind}_loss" in one
            ]
            if seen and f"{kind}_loss" not in row:
                losses, sizes = zip(*seen, strict=True)
                row[f"{kind}_loss"] = float(np.average(losses, weights=sizes))


def _is_in_range(net, X, target):
    """Whether the outputs on the rounds lie about where the rewards do."""
    rows = X[:: -(-len(X) // BLOCK_ROWS)]
    module = net.module_
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            outputs = module(rows.to(next(iter(module.parameters()), rows).device))
    finally:
        module.train(was_training)
    largest = max(float(np.abs(field).max()) for field in (target.reward, target.low, target.high))
    return float(outputs.abs().max()) <= _FAR_OUT * (1.0 + largest)


def _last_loss(net):
    # No pass, or no batch of it, was asked for.
    if not len(net.history) or "train_loss" not in net.history[-1]:
        return 0.0
    return float(net.history[-1]["train_loss"])


def warn_diverged():
    """Say that a training was thrown away."""
    warnings.warn(
        "Training the network diverged (its weights or its loss are no longer finite, or it "
        "expects rewards far beyond all that were paid), so the bandit keeps the last good "
        "network. Lower net__lr, or clip gradients with skorch's GradientNormClipping callback.",
        ConvergenceWarning,
        stacklevel=2,
    )
