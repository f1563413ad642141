"""Transfer of networks, rounds and scalings to other arms, features and hidden units.

Weights are embedded by their axes. What is new starts at weight zero where it meets what was
known, so old rows are scored as before. The optimizer goes on with what it knows of the weights
that were there; it starts over where the new net has another one.
"""

import copy
import inspect
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from ._columns import resized, with_taught
from ._modules import NAMED_NETWORKS, linear_layers, plain_layers
from ._nets import build_net, is_skorch_net, resolve_net
from ._state import Network

# Scale of the initial weights of new hidden units.
_FAINT = 0.01


# ------------------------------------------------------------------------------ structure
def module_description(net):
    """Say in words what the module of ``net=`` is made of; the same on every machine."""
    if isinstance(net, str):
        module, parameters = "MLP" if net in NAMED_NETWORKS else net, NAMED_NETWORKS.get(net, {})
    elif is_skorch_net(net):
        module, start = net.module, "module__"
        parameters = {k[len(start) :]: v for k, v in vars(net).items() if k.startswith(start)}
    else:
        module, parameters = net, {}
    words = [f"{name}={_in_words(value)}" for name, value in sorted(parameters.items())]
    return f"{_in_words(module)}({', '.join(words)})"


def _in_words(value):
    if isinstance(value, str):
        return value
    if isinstance(value, nn.Module) or not callable(value):
        words = repr(value)
        return words if " at 0x" not in words else type(value).__name__
    return getattr(value, "__name__", type(value).__name__)


def _structure(net, n_nets):
    """What must be alike for weights to be carried, name to value."""
    net = resolve_net(net)
    name = getattr(net.module, "__name__", type(net.module).__name__)
    structure = {"module": name, "networks": n_nets}
    if isinstance(net.module, nn.Module):
        # What it is made of is seen when its weights are carried.
        return structure
    for name, parameter in inspect.signature(net.module).parameters.items():
        if name in ("n_inputs", "n_outputs", "dropout", "kwargs", "args"):
            continue
        value = net.get_params().get(f"module__{name}", parameter.default)
        if name == "hidden_units":
            # Layers may grow wider; their number stays.
            name, value = "hidden layers", len(value)
        structure[name] = value
    return structure


def check_same_structure(source, template, n_source, n_template):
    """Raise where networks differ by more than the width of their layers.

    Parameters
    ----------
    source, template : what ``net=`` is given
    n_source, n_template : int
        How many networks there are.
    """
    ours, theirs = _structure(source, n_source), _structure(template, n_template)
    differ = [
        f"{name} is {ours.get(name)!r} in source and {theirs.get(name)!r} in template"
        for name in sorted(set(ours) | set(theirs))
        if _in_words(ours.get(name)) != _in_words(theirs.get(name))
    ]
    if differ:
        raise ValueError(f"What the networks learnt cannot be carried over: {'; '.join(differ)}.")


# -------------------------------------------------------------------------------- carrying
def carried_networks(networks, net, feature_source, output_source, taught, seeds):
    """Return networks for other features and arms that hold what the old ones have learnt.

    Parameters
    ----------
    networks : tuple of Network
    net : what ``net=`` of the new bandit is given
    feature_source, output_source : ndarray of int
        Old positions of the inputs and outputs; -1 for what is new.
    taught : ndarray of int or None
        Old outputs whose average starts each new one; None: at zero.
    seeds : Seeds
        Of the weights of what is new.

    Returns
    -------
    networks : tuple of Network
    """
    carried = []
    for number, old in enumerate(networks):
        seed, shape = seeds.carried(number), old.input_shape
        new = build_net(net, len(feature_source), len(output_source), seed, shape)
        new = carried_net(old.net, new, feature_source, output_source)
        if taught is not None:
            _teach_outputs(new.module_, old.net.module_, output_source, taught)
        carried.append(Network(new, shape))
    return tuple(carried)


def _teach_outputs(module, old, output_source, taught):
    output, known = plain_layers(module)[-1], plain_layers(old)[-1]
    new_outputs = np.flatnonzero(output_source < 0)
    with torch.no_grad():
        output.weight[new_outputs] = known.weight[taught].mean(dim=0)
        if output.bias is not None:
            output.bias[new_outputs] = known.bias[taught].mean(dim=0)


def carried_rounds(buffer, own, feature_source, output_source, taught, seeds):
    """Return the rounds of a buffer for other features and arms.

    Parameters
    ----------
    buffer : buffer
    own : empty buffer
        As the new bandit's parameter says; where it is another kind, it takes the rounds in.
    feature_source, output_source, taught, seeds
        See :func:`carried_networks`.
    """
    columns = resized(buffer.columns, output_source, feature_source)
    if taught is not None:
        places = [int(np.flatnonzero(output_source == old)[0]) for old in taught]
        columns = with_taught(columns, np.flatnonzero(output_source < 0).tolist(), places)
    if type(own) is type(buffer) and repr(own.get_params()) == repr(buffer.get_params()):
        return buffer.replaced(columns)
    return own.extended(columns, np.random.RandomState(seeds.carried(0)))


def carried_scaling(scaling, feature_source):
    """Return the scaling for other features; new ones are as they are."""
    known = feature_source >= 0
    return scaling._replace(
        shift=np.where(known, scaling.shift[feature_source], 0.0),
        scale=np.where(known, scaling.scale[feature_source], 1.0),
        # Where inputs are not standardised they are all taken as they are.
        varies=np.where(known, scaling.varies[feature_source], np.isinf(scaling.limit)),
    )


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
