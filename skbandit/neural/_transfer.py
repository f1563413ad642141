"""Transfer of networks, rounds and scalings to other arms, features and hidden units.

Weights are embedded by their axes. What is new starts at weight zero where it meets what was
known, so old rows are scored as before. The optimizer goes on with what it knows of the weights
that were there; it starts over where the new net has another one.
"""

import copy
import inspect
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from .._shares import known_places, left_over
from ._columns import resized, with_shares
from ._frozen import freeze
from ._modules import NAMED_NETWORKS, called_layers, linear_layers, plain_layers
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
def carried_networks(networks, net, rows, feature_source, output_source, shares, seeds):
    """Return networks for other features and arms that hold what the old ones have learnt.

    Parameters
    ----------
    networks : tuple of Network
    net : what ``net=`` of the new bandit is given
    rows : ndarray of shape (n_samples, n_old_features)
        Scaled rows on which the new networks must answer as the old ones do.
    feature_source, output_source : ndarray of int
        Old positions of the inputs and outputs; -1 for what is new.
    shares : ndarray of shape (n_new, n_old) or None
        Of each old output in the start of each new one; what they leave is zero, as without any.
    seeds : Seeds
        Of the weights of what is new.

    Returns
    -------
    networks : tuple of Network

    Raises
    ------
    ValueError
        If the layers differ by more than their width, or what was learnt would change.
    """
    carried, sources = [], Sources.of(rows, feature_source, output_source, networks)
    for number, old in enumerate(networks):
        seed, shape = seeds.carried(number), old.input_shape
        new = build_net(net, len(feature_source), len(output_source), seed, shape)
        moves = carry_weights(old.net.module_, new.module_, sources, old.input_shape)
        if type(old.net.optimizer_) is type(new.optimizer_):
            _carry_optimizer(old.net, new, moves)
        network = Network(new, shape)
        check_same_answers(old.frozen, network.frozen, sources, type(new.module_).__name__)
        if shares is not None:
            for move in moves:
                move.teach(shares)
        carried.append(network)
    # Asked before new arms were taught.
    return tuple(Network(network.net, network.input_shape) for network in carried)


def check_same_answers(old, new, sources, name):
    """Raise where a network answers old rows otherwise than the one that it was made of.

    Parameters
    ----------
    old, new : FrozenNetwork
    sources : Sources
    name : str
        Of the module.
    """
    if have_same_answers(old, new, sources):
        return
    if sources.moves_features:
        raise ValueError(
            f"The features of net's module {name} cannot be added, dropped or reordered: its "
            "answers to known rows, with what is new at zero, would change. Its features are no "
            "columns that a layer weighs one by one (they may be a sequence, or tokens). Train a "
            "new bandit on the kept rounds instead."
        )
    raise ValueError(
        f"The arms of net's module {name} cannot be added, removed or reordered: its answers for "
        "the known arms would change, since its outputs depend on each other, or do not come from "
        "weights of one arm each."
    )


def have_same_answers(old, new, sources):
    """Say whether a network answers old rows as the one that it was made of.

    Parameters
    ----------
    old, new : FrozenNetwork
    sources : Sources
    """
    known = np.flatnonzero(sources.outputs >= 0)
    before, after = sources.old_rows, sources.new_rows
    expected, found = old.outputs(before), new.outputs(after)
    if not np.isfinite(found).all():
        return False
    pairs = [(expected[:, sources.outputs[known]], found[:, known])]
    if sources.moves_features:
        # Outputs that are still zero hide what lies before them.
        with suppress(ValueError):
            hidden = old.represent(before), new.represent(after)
            if hidden[0].shape == hidden[1].shape:
                pairs.append(hidden)
    return all(
        np.allclose(two, one, rtol=1e-4, atol=1e-4 * (1e-12 + np.abs(one).max(initial=0.0)))
        for one, two in pairs
    )


class Sources(NamedTuple):
    """Where features and outputs come from, and rows to ask networks before and after."""

    features: np.ndarray  # old position of each new feature; -1 for a new one
    outputs: np.ndarray
    n_old_outputs: int
    old_rows: np.ndarray  # (n_samples, n_old_features)
    new_rows: np.ndarray  # the same rows; what is new is zero

    @classmethod
    def of(cls, rows, features, outputs, networks):
        """Return the sources; `rows` are scaled ones of the old features."""
        # What is dropped is believed to be at its mean, which is zero.
        old = np.zeros_like(rows)
        kept = features[features >= 0]
        old[:, kept] = rows[:, kept]
        new = np.where(features >= 0, old[:, features], 0.0)
        return cls(features, outputs, networks[0].frozen.outputs(old[:1]).size, old, new)

    @property
    def moves_features(self):
        """Whether the features are other ones than before, or in another order."""
        return not np.array_equal(self.features, np.arange(self.old_rows.shape[1]))

    @property
    def moves_outputs(self):
        """Whether the outputs are."""
        return not np.array_equal(self.outputs, np.arange(self.n_old_outputs))


def carried_rounds(buffer, own, feature_source, output_source, shares, seeds):
    """Return the rounds of a buffer for other features and arms.

    Parameters
    ----------
    buffer : buffer
    own : empty buffer
        As the new bandit's parameter says; where it is another kind, it takes the rounds in.
    feature_source, output_source, shares, seeds
        See :func:`carried_networks`.
    """
    columns = resized(buffer.columns, output_source, feature_source)
    if shares is not None:
        known = known_places(output_source, shares)
        columns = with_shares(columns, np.flatnonzero(output_source < 0), known, shares)
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


class _Move(NamedTuple):
    """Where the entries of one tensor of the new module come from."""

    source: torch.Tensor
    target: torch.Tensor
    axes: tuple | None  # old positions along each axis, -1 for what is new; None: as it was
    output_axis: int | None

    def embed(self, old, new):
        """Write the known entries of an array of the old shape into one of the new shape."""
        if self.axes is None:
            new.copy_(old)
            return
        into = np.ix_(*[np.flatnonzero(axis >= 0) for axis in self.axes])
        out_of = np.ix_(*[axis[axis >= 0] for axis in self.axes])
        values = old[tuple(map(torch.from_numpy, out_of))]
        new[tuple(map(torch.from_numpy, into))] = values.to(new.device, new.dtype)

    @torch.no_grad()
    def teach(self, shares):
        """Start new outputs from shares of known ones, and for the rest from what they have."""
        if self.output_axis is None or not isinstance(self.target, nn.Parameter):
            return
        new = np.flatnonzero(self.axes[self.output_axis] < 0)
        values = self.target.movedim(self.output_axis, 0)
        known = self.source.movedim(self.output_axis, 0)
        if known.shape[1:] != values.shape[1:]:
            return
        for place, own, left in zip(new, shares, left_over(shares), strict=True):
            taught = np.flatnonzero(own)
            part = torch.from_numpy(own[taught]).to(known.device, known.dtype)
            value = torch.tensordot(part, known[torch.from_numpy(taught)], dims=1)
            value = value.to(values.device, values.dtype)
            values[place] = value + left * values[place] if left else value


def carry_weights(old, new, sources, input_shape=None):
    """Write the weights of one module into another of the same layers, by axes.

    Known units keep their weights and take nothing from what is new, so the outputs on old rows do
    not change; new hidden units keep their initial weights, new outputs start at zero.

    Parameters
    ----------
    old, new : torch.nn.Module
    sources : Sources
    input_shape : tuple of int, default=None
        Shape of a candidate; None is flat.

    Returns
    -------
    moves : list of _Move, one a tensor
    """
    before, after = plain_layers(old), plain_layers(new)
    old_rest, new_rest = _without(old, before), _without(new, after)
    if len(before) != len(after) or list(old_rest) != list(new_rest):
        raise ValueError(_cannot_carry(old, new, "their layers differ"))
    rest = {
        name: _rest_move(old, new, name, old_rest[name], target, sources)
        for name, target in new_rest.items()
    }
    moves = list(rest.values())
    of_features, of_outputs = _ends(old, before, sources, input_shape)
    layers = []
    for source, target in zip(before, after, strict=True):
        inputs = _axis_source(source, target, "in_features", source in of_features, sources)
        outputs = _axis_source(source, target, "out_features", source in of_outputs, sources)
        if inputs is None or outputs is None:
            raise ValueError(_cannot_carry(old, new, "layers may grow wider, not narrower"))
        is_output = outputs is sources.outputs
        layers.append((source, target, inputs, outputs, is_output))
    with torch.no_grad():
        _embed_rest(rest)
        for source, target, inputs, outputs, is_output in layers:
            axis = 0 if is_output else None
            move = _Move(source.weight, target.weight, (outputs, inputs), axis)
            # Faint at first: what new units add to the representation, and to its spread, is
            # small.
            target.weight *= 0.0 if is_output else _FAINT
            target.weight[torch.from_numpy(np.flatnonzero(outputs >= 0))] = 0.0
            move.embed(source.weight, target.weight)
            moves.append(move)
            if target.bias is not None and source.bias is not None:
                move = _Move(source.bias, target.bias, (outputs,), axis)
                if is_output:
                    target.bias.zero_()
                move.embed(source.bias, target.bias)
                moves.append(move)
    return moves


def _ends(module, layers, sources, input_shape):
    """The layers that are given the features as they are, and those that give the outputs."""
    of_features, of_outputs = [], []
    with torch.no_grad():
        frozen = freeze(module, input_shape)
        X = frozen.tensor(sources.old_rows)
        calls, outputs = called_layers(frozen.module, X)
    places = {id(layer): place for place, layer in enumerate(plain_layers(frozen.module))}
    called = [call for call in calls if id(call.layer) in places]
    for number, (layer, given, put_out) in enumerate(called):
        layer = layers[places[id(layer)]]
        is_whole = given.ndim == 2 and given.shape[1] == sources.old_rows.shape[1]
        if is_whole and (number == 0 or torch.equal(given, X)):
            of_features.append(layer)
        is_all = put_out.numel() == outputs.numel() == len(X) * sources.n_old_outputs
        if is_all and (
            number == len(called) - 1 or torch.equal(put_out.reshape(outputs.shape), outputs)
        ):
            of_outputs.append(layer)
    return of_features, of_outputs


def _axis_source(source, target, size, is_end, sources):
    """Old position of each of a layer's inputs or outputs; None where there are fewer."""
    n_old, n_new = getattr(source, size), getattr(target, size)
    if size == "in_features":
        known, n_known = sources.features, sources.old_rows.shape[1]
    else:
        known, n_known = sources.outputs, sources.n_old_outputs
    if n_old == n_known and n_new == len(known) and (is_end or n_old != n_new):
        return known
    if n_new < n_old:
        return None
    return np.where(np.arange(n_new) < n_old, np.arange(n_new), -1)


def _rest_move(old, new, name, source, target, sources):
    """How a tensor outside linear layers is carried: as it is, or along features or outputs."""
    if source.shape == target.shape:
        return _Move(source, target, None, None)
    axes, output_axis = [], None
    for axis, (n_old, n_new) in enumerate(zip(source.shape, target.shape, strict=False)):
        if n_old == n_new:
            axes.append(np.arange(n_new))
        elif (n_old, n_new) == (sources.old_rows.shape[1], len(sources.features)):
            axes.append(sources.features)
        elif (n_old, n_new) == (sources.n_old_outputs, len(sources.outputs)):
            axes.append(sources.outputs)
            output_axis = axis
    if not len(axes) == source.ndim == target.ndim:
        shapes = f"{tuple(source.shape)} and {tuple(target.shape)}"
        raise ValueError(_cannot_carry(old, new, f"their layers differ ({name}: {shapes})"))
    return _Move(source, target, tuple(axes), output_axis)


def _embed_rest(moves):
    """Write tensors outside linear layers, of which some have more features or outputs."""
    for move in moves.values():
        if move.axes is None:
            move.embed(move.source, move.target)
            continue
        # New columns of a matrix of weights start at zero, as in linear layers. What stands for
        # a column alone (a scale, a running variance) starts as in a new module.
        is_vector = move.target.ndim == 1
        if isinstance(move.target, nn.Parameter):
            is_zero = not ((is_vector and move.output_axis is None) or _has_length(moves, move))
        else:
            is_zero = is_vector and not bool((move.target == move.target[0]).all())
        if is_zero:
            move.target.zero_()
        move.embed(move.source, move.target)


def _has_length(moves, move):
    """Whether the length of an output's weights is a weight of its own (a weight norm).

    Then that is zero for a new output, and the direction must not be.
    """
    n_outputs = move.target.shape[move.output_axis or 0]
    lengths = [
        other
        for other in moves.values()
        if other.output_axis is not None
        and other.target.ndim == move.target.ndim > 1
        and other.target.numel() == n_outputs < move.target.numel()
    ]
    return move.output_axis is not None and len(lengths) > 0


def _carry_optimizer(old, new, moves):
    """Write the state of one net's optimizer into another's; what is new has none yet."""
    moved = {id(move.target): move for move in moves}
    for parameter in new.module_.parameters():
        move = moved.get(id(parameter))
        if move is None:
            continue
        for key, value in old.optimizer_.state.get(move.source, {}).items():
            if torch.is_tensor(value) and value.shape == move.source.shape and value.ndim:
                carried = torch.zeros_like(move.target, dtype=value.dtype)
                move.embed(value, carried)
                new.optimizer_.state[parameter][key] = carried.detach()
            else:
                new.optimizer_.state[parameter][key] = copy.deepcopy(value)


def _without(module, layers):
    """State of a module outside its linear layers."""
    own = {id(p) for layer in layers for p in layer.state_dict(keep_vars=True).values()}
    state = module.state_dict(keep_vars=True)
    return {name: value for name, value in state.items() if id(value) not in own}


def _cannot_carry(old, new, why):
    return (
        f"What the network {_describe(old)} learnt cannot be carried into {_describe(new)}: {why}."
    )


def _describe(module: nn.Module):
    widths = [layer.out_features for layer in linear_layers(module)]
    return f"{type(module).__name__} with layers of {widths}"
