"""Random networks, one a member of an ensemble: what it believes before it has learnt.

The weights of an output belong to the arm's label: an arm has the same ones wherever it stands
among the arms, whether it was there from the start or came later.
"""

import hashlib
from numbers import Real

import numpy as np
import torch
from torch import nn

from ._copies import copied_module
from ._frozen import freeze
from ._generators import forked_generators
from ._gradients import trainable
from ._modules import called_layers, plain_layers
from ._state import FrozenOnce
from ._transfer import carry_weights, check_same_answers, have_same_answers


class RandomPrior(FrozenOnce):
    """A random network that is never trained.

    Parameters
    ----------
    module : torch.nn.Module
    input_shape : tuple of int or None
    seed : int
        Of its weights, and of those of arms to come.
    """

    def __init__(self, module, input_shape, seed):
        self.module, self.input_shape, self.seed = module, input_shape, seed


def new_priors(networks, labels, n_features, seeds):
    """Return a random network of the kind of each network.

    Parameters
    ----------
    networks : tuple of Network
    labels : list
        The label of each output; None where it is one for all candidates.
    n_features : int
    seeds : Seeds

    Returns
    -------
    priors : tuple of RandomPrior

    Raises
    ------
    ValueError
        If no weight of the networks is trained, or no linear layer has an output an arm.
    """
    name = type(networks[0].module).__name__
    if not trainable(networks[0].module):
        raise ValueError(
            f"net's module {name} has no weights that are trained (requires_grad is False for all "
            "of them), so the members of EnsembleBandit could not disagree about what they learn. "
            "Let some be trained, or use NeuralLinearBandit."
        )
    priors = []
    for number, network in enumerate(networks):
        seed, shape = seeds.prior(number), network.input_shape
        module = copied_module(network.module).cpu()
        with forked_generators(seed), torch.no_grad():
            for layer in plain_layers(module):
                layer.weight.normal_(0.0, (2.0 / layer.in_features) ** 0.5)
                if layer.bias is not None:
                    layer.bias.zero_()
            head = _head(module, n_features, len(labels), shape)
            for place, label in enumerate(labels):
                head.weight[place] = _output_weights(head, seed, label)
        _fix(module)
        priors.append(RandomPrior(module, shape, seed))
    return tuple(priors)


def carried_priors(priors, template, labels, sources, shares):
    """Return random networks for other features and arms; known weights stay.

    Parameters
    ----------
    priors : tuple of RandomPrior
    template : torch.nn.Module
        A module for the new features and arms.
    labels : list
        The label of each new output.
    sources : Sources
    shares : ndarray of shape (n_new, n_old) or None
        Of each old output in the start of each new one, beside weights of its own; None: these
        alone.
    """
    carried = []
    for prior in priors:
        module = copied_module(template).cpu()
        moves = carry_weights(prior.module, module, sources, prior.input_shape)
        name, shape = type(module).__name__, prior.input_shape
        check_same_answers(prior.frozen, freeze(module, shape), sources, name)
        with torch.no_grad():
            head = _head(module, len(sources.features), len(labels), shape)
            for place in np.flatnonzero(sources.outputs < 0):
                head.weight[place] = _output_weights(head, prior.seed, labels[place])
            check_same_answers(prior.frozen, freeze(module, shape), sources, name)
            for weight in _draw_new_inputs(moves, sources, prior.seed):
                # Weights that are divided by their norm, say, are not free to have more.
                if not have_same_answers(prior.frozen, freeze(module, shape), sources):
                    weight[:, torch.from_numpy(sources.features < 0)] = 0.0
        if shares is not None:
            for move in moves:
                move.teach(shares)
        _fix(module)
        carried.append(RandomPrior(module, prior.input_shape, prior.seed))
    return tuple(carried)


def _head(module, n_features, n_outputs, input_shape):
    """The linear layer, called last, that puts out one number an arm."""
    frozen = freeze(module, input_shape)
    with torch.no_grad():
        X = frozen.tensor(np.ones((2, n_features)))
        calls, _ = called_layers(frozen.module, X)
    places = {id(layer): place for place, layer in enumerate(plain_layers(frozen.module))}
    heads = [
        places[id(call.layer)]
        for call in calls
        if id(call.layer) in places and call.layer.out_features == n_outputs
    ]
    if not heads:
        raise ValueError(
            f"net's module {type(module).__name__} must have a torch.nn.Linear layer that puts "
            f"out one number an arm ({n_outputs}): EnsembleBandit gives the outputs of its "
            "random networks weights of their own there."
        )
    return plain_layers(module)[heads[-1]]


def _fix(module):
    """Let a module be trained no more; scripted ones have copies that were computed."""
    for parameter in module.parameters():
        (parameter if parameter.is_leaf else parameter.detach_()).requires_grad_(False)


def _draw_new_inputs(moves, sources, seed):
    """Give new features random weights where a layer meets them; yield these weights."""
    new = np.flatnonzero(sources.features < 0)
    for move in moves:
        if not len(new) or move.axes is None or move.axes[-1] is not sources.features:
            continue
        weight = move.target
        if weight.ndim == 2 and isinstance(weight, nn.Parameter):
            shape = len(weight), len(sources.features)
            deviates = np.random.RandomState([seed, 1, shape[1]]).standard_normal(shape)
            size = float(move.source.square().mean().sqrt()) or 1.0
            weight[:, new] = torch.from_numpy(size * deviates[:, new]).to(weight.dtype)
            yield weight


def _output_weights(layer, seed, label):
    """Random weights of the output of an arm: a function of the seed and its label alone."""
    deviates = np.random.RandomState([seed, *_key(label)]).standard_normal(layer.in_features)
    return torch.from_numpy(deviates * layer.in_features**-0.5).to(layer.weight.dtype)


def _key(label):
    """A label as numbers for a seed; equal numbers of any type are one label."""
    if isinstance(label, Real) and label == int(label):
        label = int(label)
    digest = hashlib.sha256(repr(label).encode()).digest()
    return np.frombuffer(digest[:8], dtype="<u4").tolist()
