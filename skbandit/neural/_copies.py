"""Copies of modules, also of those that keep what they computed last."""

import copy

import torch


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
