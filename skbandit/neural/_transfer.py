"""Transfer of neural bandits: weights by axes, rounds in the buffer, statistics built anew."""

import copy
import inspect
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from .._rounds import encode_arms
from ._nets import build_net, module_name, resolve_net
from ._networks import linear_layers, plain_layers

# Scale of the initial weights of new hidden units.
_FAINT = 0.01


class NeuralTransferMixin:
    """More or fewer arms, features and hidden units.

    The networks' weights are embedded by their axes, the buffer is rewritten to the new arms and
    features, and the statistics are rebuilt from it. What is new starts at weight zero where it
    meets what was known, so old rows are scored as before. The optimizer goes on with what it
    knows of the weights that were there (it starts over where the template has another one);
    counts of rounds and trainings are carried.
    """

    # -------------------------------------------------------------- structure
    def _structure(self):
        net = resolve_net(self.net)
        structure = {"module": module_name(self.net), "networks": self._n_nets()}
        if isinstance(net.module, nn.Module):
            # What it is made of is seen when its weights are carried.
            return structure
        signature = inspect.signature(net.module).parameters
        for name, parameter in signature.items():
            if name in ("n_inputs", "n_outputs", "dropout", "kwargs", "args"):
                continue
            value = net.get_params().get(f"module__{name}", parameter.default)
            if name == "hidden_units":
                # Layers may grow wider; their number stays.
                name, value = "hidden layers", len(value)
            structure[name] = value
        return structure

    # ---------------------------------------------------------------- resizing
    def _resized(self, arms, arm_source, n_features, feature_source, feature_names):
        new = super()._resized(arms, arm_source, n_features, feature_source, feature_names)
        if self.nets_ is None:
            return new
        same = np.array_equal(feature_source, np.arange(self.n_features_in_))
        if self.input_shape_ is not None and not same:
            raise ValueError(
                f"The candidates have shape {self.input_shape_}: features of such inputs cannot "
                "be added, dropped or reordered."
            )
        outputs = np.array([0]) if self._candidate_features else np.asarray(arm_source)
        new.nets_ = [
            self._carried(net, n_features, feature_source, outputs, i)
            for i, net in enumerate(self.nets_)
        ]
        scaling, source = self.scaling_, np.asarray(feature_source)
        known = source >= 0
        new.scaling_ = scaling._replace(
            shift=np.where(known, scaling.shift[source], 0.0),
            scale=np.where(known, scaling.scale[source], 1.0),
        )
        new.buffer_ = self.buffer_.replaced(
            _resized_columns(self.buffer_.columns, outputs, source, self._candidate_features)
        )
        new._resize_extra(feature_source, outputs)
        new._rebuild_or_clear()
        return new

    def _resize_extra(self, feature_source, output_source):
        """Resize what a family keeps beside its networks."""

    def _teach_extra(self, new_arms, taught):
        """Start new arms from the average of others in what a family keeps beside networks."""

    def _carry_seed(self, number):
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        return (int(seed) + 104729 * (number + 1)) % 2**32

    def _carried(self, net, n_features, feature_source, output_source, number):
        new = build_net(
            self.net, n_features, len(output_source), self._carry_seed(number), self.input_shape_
        )
        return carried_net(net, new, np.asarray(feature_source), np.asarray(output_source))

    def _rebuild_or_clear(self):
        self._forget_cache()
        if len(self.buffer_):
            self._rebuild()
        else:
            self._clear_statistics()

    def add_arms(self, arms, init="prior"):
        """See :meth:`skbandit.base.BaseBandit.add_arms`.

        With `init` other than "prior" the new arms are taught the rounds of the others ("mean":
        each with an even share of its weight) and start from their output weights.
        """
        known = vars(self).get("classes_")
        if not self.__sklearn_is_fitted__() or (
            isinstance(init, str) and init == "prior" and init not in known.tolist()
        ):
            return super().add_arms(arms, init=init)
        bigger = super().add_arms(arms)
        is_mean = isinstance(init, str) and init == "mean" and init not in known.tolist()
        taught = np.arange(len(known)) if is_mean else encode_arms(np.asarray([init]), known)
        if bigger.nets_ is None or self._candidate_features:
            return bigger
        new_arms = np.arange(len(known), len(bigger.classes_))
        for net in bigger.nets_:
            output = plain_layers(net.module_)[-1]
            with torch.no_grad():
                output.weight[new_arms] = output.weight[taught].mean(dim=0)
                if output.bias is not None:
                    output.bias[new_arms] = output.bias[taught].mean(dim=0)
        bigger._teach_extra(new_arms, taught)
        columns = bigger.buffer_.columns
        played = (columns["n_taught"] == 0) & np.isin(columns["arm"], taught)
        parts = [columns]
        for arm in new_arms:
            part = {name: column[played] for name, column in columns.items()}
            part["arm"] = np.full(len(part["arm"]), arm)
            part["weight"] = part["weight"] / len(taught)
            parts.append(part)
        bigger.buffer_ = bigger.buffer_.replaced(
            {name: np.concatenate([part[name] for part in parts]) for name in columns}
        )
        bigger._rebuild_or_clear()
        return bigger

    def _after_transfer(self, source):
        """Put what was carried into the net and the buffer of this bandit's own parameters."""
        if self.nets_ is None:
            return
        features = np.arange(self.n_features_in_)
        outputs = np.arange(self._n_outputs())
        self.nets_ = [
            self._carried(net, len(features), features, outputs, i)
            for i, net in enumerate(self.nets_)
        ]
        if self.buffer is not None:
            buffer = copy.deepcopy(self.buffer)
            rng = np.random.RandomState(self._carry_seed(0))
            self.buffer_ = buffer.extended(self.buffer_.columns, rng)
        self._rebuild_or_clear()

    def _after_merge(self, parts):
        raise ValueError(
            f"{type(self).__name__} cannot be merged: networks that were trained apart see "
            "different things, and what they learnt is no sum over rounds. Train one on all "
            "rounds."
        )


def _resized_columns(columns, output_source, feature_source, candidates):
    """Rounds of a buffer for other arms and features, without those of arms that are gone."""
    feature_source = np.asarray(feature_source)
    rows = np.where(feature_source >= 0, columns["row"][:, feature_source], 0.0)
    if candidates:
        return {**columns, "row": rows}
    known = np.flatnonzero(output_source >= 0)
    place = np.full(max(columns["arm"].max(), output_source.max()) + 1, -1)
    place[output_source[known]] = known
    arm = place[columns["arm"]]
    # Full feedback taught the arms that were known; they come first.
    n_taught = np.where(columns["n_taught"] > 0, float(known.max() + 1), 0.0)
    resized = {**columns, "row": rows, "arm": arm, "n_taught": n_taught}
    return {name: column[arm >= 0] for name, column in resized.items()}


def carried_net(net, new, feature_source, output_source):
    """Write what one net has learnt into another, by axes; return the other.

    Parameters
    ----------
    net, new : initialised skorch nets
    feature_source, output_source : ndarray of int
        Old positions of the inputs and outputs; -1 for what is new.

    Returns
    -------
    new : initialised skorch net
    """
    moves = carry_weights(net.module_, new.module_, feature_source, output_source)
    if type(net.optimizer_) is type(new.optimizer_):
        _carry_optimizer(net, new, moves)
    return new


class _Move(NamedTuple):
    """Where the weights of a layer come from."""

    source: nn.Linear
    target: nn.Linear
    inputs: np.ndarray  # old position of each input; -1 for a new one
    outputs: np.ndarray

    def embed(self, old, new):
        """Write an array of the layer's weights, or biases, into one of the new layer's."""
        into, out_of = np.flatnonzero(self.outputs >= 0), self.outputs[self.outputs >= 0]
        if old.ndim == 1:
            new[into] = old[out_of]
            return
        known = np.flatnonzero(self.inputs >= 0)
        new[np.ix_(into, known)] = old[np.ix_(out_of, self.inputs[known])]


def carry_weights(old, new, feature_source, output_source):
    """Write the weights of one module into another of the same layers, by axes.

    Known units keep their weights and take nothing from what is new, so the outputs on old rows do
    not change; new hidden units keep their initial weights, new outputs start at zero.

    Returns
    -------
    moves : list of _Move, one a linear layer
    """
    before, after = plain_layers(old), plain_layers(new)
    old_rest, new_rest = _without(old, before), _without(new, after)
    shapes = {name: tuple(value.shape) for name, value in old_rest.items()}
    if len(before) != len(after) or shapes != {n: tuple(v.shape) for n, v in new_rest.items()}:
        raise ValueError(
            f"What the network {_describe(old)} learnt cannot be carried into {_describe(new)}: "
            "their layers differ."
        )
    _check_ends(new, after, feature_source, output_source)
    moves = []
    for depth, (source, target) in enumerate(zip(before, after, strict=True)):
        first, last = depth == 0, depth == len(before) - 1
        inputs = feature_source if first else _identity(source, target, "in_features")
        outputs = output_source if last else _identity(source, target, "out_features")
        if first and len(inputs) != target.in_features:
            inputs = _identity(source, target, "in_features")
        if last and len(outputs) != target.out_features:
            outputs = _identity(source, target, "out_features")
        if inputs is None or outputs is None:
            raise ValueError(
                f"What the network {_describe(old)} learnt cannot be carried into "
                f"{_describe(new)}: layers may grow wider, not narrower."
            )
        moves.append(_Move(source, target, inputs, outputs))
    with torch.no_grad():
        for name, value in new_rest.items():
            value.copy_(old_rest[name])
        for move in moves:
            _embed_layer(move, move is moves[-1])
    return moves


def _check_ends(module, layers, feature_source, output_source):
    """Raise where features or arms change and do not meet the first or the last linear layer."""
    name = type(module).__name__
    same_features = np.array_equal(feature_source, np.arange(len(feature_source)))
    meets = layers and layers[0].in_features == len(feature_source)
    if not (same_features or getattr(module, "raw_inputs", False) or meets):
        raise ValueError(
            f"The features of net's module {name} cannot be added, dropped or reordered: its "
            "first torch.nn.Linear layer does not take them as they are."
        )
    same_arms = np.array_equal(output_source, np.arange(len(output_source)))
    if not same_arms and not (layers and layers[-1].out_features == len(output_source)):
        raise ValueError(
            f"The arms of net's module {name} cannot be added, removed or reordered: its outputs "
            "do not come from a torch.nn.Linear layer."
        )


def _embed_layer(move, last):
    target = move.target
    weight = target.weight.detach().cpu().numpy().copy()
    # Faint at first: what new units add to the representation, and to its spread, is small.
    weight *= 0.0 if last else _FAINT
    weight[move.outputs >= 0] = 0.0
    move.embed(move.source.weight.detach().cpu().numpy(), weight)
    target.weight.copy_(torch.from_numpy(weight))
    if target.bias is not None and move.source.bias is not None:
        bias = target.bias.detach().cpu().numpy().copy()
        if last:
            bias[:] = 0.0
        move.embed(move.source.bias.detach().cpu().numpy(), bias)
        target.bias.copy_(torch.from_numpy(bias))


def _carry_optimizer(old, new, moves):
    """Write the state of one net's optimizer into another's; what is new has none yet."""
    pairs = [
        (getattr(move.source, kind), getattr(move.target, kind), move)
        for move in moves
        for kind in ("weight", "bias")
        if getattr(move.source, kind) is not None and getattr(move.target, kind) is not None
    ]
    moved = {id(target) for _, target, _ in pairs}
    known = dict(old.module_.named_parameters())
    for name, parameter in new.module_.named_parameters():
        if id(parameter) not in moved:
            pairs.append((known[name], parameter, None))
    for source, target, move in pairs:
        for key, value in old.optimizer_.state.get(source, {}).items():
            if move is not None and torch.is_tensor(value) and value.shape == source.shape:
                carried = np.zeros(tuple(target.shape), dtype=value.cpu().numpy().dtype)
                move.embed(value.cpu().numpy(), carried)
                value = torch.from_numpy(carried).to(target.device)
            new.optimizer_.state[target][key] = copy.deepcopy(value)


def _identity(source, target, size):
    n_old, n_new = getattr(source, size), getattr(target, size)
    if n_new < n_old:
        return None
    return np.where(np.arange(n_new) < n_old, np.arange(n_new), -1)


def _without(module, layers):
    """State of a module outside its linear layers."""
    own = {id(p) for layer in layers for p in layer.state_dict(keep_vars=True).values()}
    state = module.state_dict(keep_vars=True)
    return {name: value for name, value in state.items() if id(value) not in own}


def _describe(module: nn.Module):
    widths = [layer.out_features for layer in linear_layers(module)]
    return f"{type(module).__name__} with layers of {widths}"
