"""Training steps of a plain perceptron with its gradients written out.

Small networks spend most of a training step on the bookkeeping of automatic differentiation and of
callbacks. Where a net is a multilayer perceptron under squared error that nobody watches, the
gradient is a handful of matrix products; the optimizer is the net's own, so a training may go on
in either way.
"""

import numpy as np
import torch
from torch import nn

from ._networks import MLP

_PLAIN_OPTIMIZERS = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)


def has_closed_form(net):
    """Say whether a net's training steps can be written out."""
    module = net.module_
    return (
        type(module) is MLP
        and isinstance(module.activation, (nn.ReLU, nn.Tanh, nn.Identity))
        and module.dropout.p == 0.0
        and type(net.criterion_.loss) is nn.MSELoss
        and net.callbacks == "disable"
        and net.train_split is None
        and type(net.optimizer_) in _PLAIN_OPTIMIZERS
        and len(net.optimizer_.param_groups) == 1
        and all(p.requires_grad and p.device.type == "cpu" for p in module.parameters())
    )


def train_in_closed_form(net, X, target, batches, epochs):
    """Train a net in place, as ``net.partial_fit`` would.

    Parameters
    ----------
    net : initialised skorch net
        See :func:`has_closed_form`.
    X : tensor of shape (n_rounds, n_features)
    target : tensor of shape (n_rounds, 6)
        See :class:`skbandit.neural._nets.PlayedArmLoss`.
    batches : iterable of row indexes; a pass or so many steps each time it is iterated
    epochs : int
    """
    wanted, share, weight = _expand(target, net.module_.output.out_features)
    for _ in range(epochs):
        losses = []
        net.history.new_epoch()
        for rows in batches(losses):
            losses.append(
                _step(
                    net.module_, net.optimizer_, X[rows], wanted[rows], share[rows], weight[rows]
                )
            )
        net.history.record("train_loss", float(np.mean(losses)) if losses else 0.0)
        net.history.record("train_batch_count", len(losses))


def _expand(target, n_outputs):
    """What is wanted of every output, each output's share in the loss, and the weights."""
    arm, reward, weight, full, low, high = target.unbind(dim=1)
    named = torch.arange(n_outputs) == arm[:, None]
    learns = torch.arange(n_outputs) < full[:, None]
    is_full = (full > 0)[:, None]
    wanted = torch.where(is_full, torch.where(named, high[:, None], low[:, None]), reward[:, None])
    share = torch.where(is_full, learns / full.clamp(min=1)[:, None], named.to(target.dtype))
    return wanted, share * weight[:, None], weight


@torch.no_grad()
def _step(module, optimizer, X, wanted, share, weight):
    """One gradient step; return the loss before it."""
    activation = module.activation
    is_relu, is_tanh = isinstance(activation, nn.ReLU), isinstance(activation, nn.Tanh)
    given, put_out = [X], []
    for depth, layer in enumerate(module.hidden):
        out = torch.addmm(layer.bias, given[-1], layer.weight.T)
        out = out.relu_() if is_relu else out.tanh_() if is_tanh else out
        put_out.append(out)
        given.append(given[-1] + out if module.residual and depth > 0 else out)
    output = module.output
    error = torch.addmm(output.bias, given[-1], output.weight.T).sub_(wanted)
    slope = error * share
    total = weight.sum().clamp_(min=1e-12)
    loss = float((slope * error).sum() / total)
    slope *= 2.0 / total
    output.weight.grad = slope.T @ given[-1]
    output.bias.grad = slope.sum(dim=0)
    slope = slope @ output.weight
    for depth in range(len(module.hidden) - 1, -1, -1):
        layer, out = module.hidden[depth], put_out[depth]
        if is_relu:
            inner = slope * (out > 0)
        elif is_tanh:
            inner = slope * (1.0 - out * out)
        else:
            inner = slope
        layer.weight.grad = inner.T @ given[depth]
        layer.bias.grad = inner.sum(dim=0)
        if depth > 0:
            passed = inner @ layer.weight
            slope = slope + passed if module.residual else passed
    optimizer.step()
    return loss
