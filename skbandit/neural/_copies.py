"""Copies and files of modules, also of those that torch alone does not copy or store."""

import copy
from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils import parametrize


def copied_module(module, memo=None):
    """Return a deep copy of a module.

    Torch refuses to copy a tensor that was computed from others. Old reparametrisations
    (``torch.nn.utils.weight_norm``, ``prune``) and many modules of users keep one: the last
    weight, the last activation. The copy has its numbers.
    """
    memo = {} if memo is None else memo
    note_computed(module, memo)
    return copy.deepcopy(module, memo)


def note_computed(module, memo):
    """Note in the memo of a deep copy what stands for the tensors that were computed."""
    for part in module.modules():
        _note(vars(part), memo, set())


def _note(value, memo, seen):
    if torch.is_tensor(value):
        if not value.is_leaf:
            memo[id(value)] = value.detach().clone()
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set)):
        for part in value:
            _note(part, memo, seen)


def make_storable(module):
    """Let the reparametrised parts of a module be pickled, which torch refuses.

    ``torch.nn.utils.parametrizations`` give each part a class of its own, which no file can name:
    it is the class that the part had, and what is to be put into it again.

    Parameters
    ----------
    module : torch.nn.Module
        Its parts' classes are written to.
    """
    for part in module.modules():
        if parametrize.is_parametrized(part):
            type(part).__reduce_ex__ = _reduced


def _reduced(part, protocol):
    original = parametrize.type_before_parametrizations(part)
    state = dict(vars(part))
    # torch's weight norm adds a function without a name, for checkpoints of its predecessor.
    hooks = state["_load_state_dict_pre_hooks"]
    state["_load_state_dict_pre_hooks"] = OrderedDict(
        (key, hook)
        for key, hook in hooks.items()
        if getattr(hook, "hook", hook).__module__ != "torch.nn.utils.parametrizations"
    )
    return nn.Module.__new__, (original,), state, None, None, _restore


def _restore(part, state):
    part.__setstate__(state)
    # What register_parametrization does beside moving the weights, which have moved already.
    parametrize._inject_new_class(part)
    for name in part.parametrizations:
        parametrize._inject_property(part, name)
    type(part).__reduce_ex__ = _reduced
