"""Random networks, one a member of an ensemble: what it believes before it has learnt.

The weights of an output belong to the arm's label: an arm has the same ones wherever it stands
among the arms, whether it was there from the start or came later.
"""

import copy
import hashlib
from numbers import Real

import numpy as np
import torch
from torch import nn

from ._generators import forked_generators
from ._modules import plain_layers
from ._state import FrozenOnce


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


def new_priors(networks, labels, seeds):
    """Return a random network of the kind of each network.

    Parameters
    ----------
    networks : tuple of Network
    labels : list
        The label of each output; None where it is one for all candidates.
    seeds : Seeds

    Returns
    -------
    priors : tuple of RandomPrior
    """
    return tuple(
        RandomPrior(
            _random_module(network.module, labels, seeds.prior(number)),
            network.input_shape,
            seeds.prior(number),
        )
        for number, network in enumerate(networks)
    )


def carried_priors(priors, labels, feature_source, output_source, taught):
    """Return random networks for other features and arms; known weights stay.

    Parameters
    ----------
    priors : tuple of RandomPrior
    labels : list
        The label of each new output.
    feature_source, output_source : ndarray of int
        Old positions of the inputs and outputs; -1 for what is new.
    taught : ndarray of int or None
        Old outputs whose average starts each new one; None: weights of their own.
    """
    carried = []
    for prior in priors:
        module = copy.deepcopy(prior.module)
        layers = plain_layers(module)
        _resize_inputs(layers[0], feature_source, prior.seed)
        _resize_outputs(layers[-1], output_source, labels, taught, prior.seed)
        carried.append(RandomPrior(module, prior.input_shape, prior.seed))
    return tuple(carried)


def _random_module(module, labels, seed):
    """Return a copy with random weights, also of the outputs, which have about unit size."""
    module = copy.deepcopy(module).cpu()
    layers = plain_layers(module)
    if not layers or layers[-1].out_features != len(labels):
        raise ValueError(
            f"net's module {type(module).__name__} must have a torch.nn.Linear layer that puts "
            f"out one number an arm ({len(labels)}): EnsembleBandit gives the outputs of its "
            "random networks weights of their own there."
        )
    with forked_generators(seed), torch.no_grad():
        for layer in layers:
            if layer is not layers[-1]:
                layer.weight.normal_(0.0, (2.0 / layer.in_features) ** 0.5)
            if layer.bias is not None:
                layer.bias.zero_()
        for number, label in enumerate(labels):
            layers[-1].weight[number] = _output_weights(layers[-1], seed, label)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


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


def _resize_inputs(layer, source, seed):
    """Give a linear layer other inputs; the weights of new ones are random."""
    old = layer.weight.detach()
    if np.array_equal(source, np.arange(layer.in_features)):
        return
    shape = (len(old), len(source))
    deviates = np.random.RandomState([seed, 1, len(source)]).standard_normal(shape)
    weight = torch.from_numpy((float(old.square().mean().sqrt()) or 1.0) * deviates).to(old.dtype)
    known = np.flatnonzero(source >= 0)
    weight[:, known] = old[:, source[known]]
    layer.weight = nn.Parameter(weight, requires_grad=False)
    layer.in_features = len(source)


def _resize_outputs(layer, source, labels, taught, seed):
    """Give a linear layer other outputs."""
    old, rows = layer.weight.detach(), []
    for label, place in zip(labels, source.tolist(), strict=True):
        if place >= 0:
            rows.append(old[place])
        elif taught is not None:
            rows.append(old[taught].mean(dim=0))
        else:
            rows.append(_output_weights(layer, seed, label))
    layer.weight = nn.Parameter(torch.stack(rows), requires_grad=False)
    layer.out_features = len(rows)
    if layer.bias is not None:
        layer.bias = nn.Parameter(old.new_zeros(len(rows)), requires_grad=False)
