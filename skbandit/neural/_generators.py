"""Torch's global state while a bandit works: its generators, seeded and given back; its modes."""

import os
import threading
from contextlib import ExitStack, contextmanager

import torch

# The generators are the whole process's: threads that train take turns. A process that was forked
# from a thread in waiting has a lock of its own.
_lock = threading.RLock()
_AUTOCAST_DEVICES = ("cpu", "cuda")


def _renew_lock():
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def forked_generators(seed, device="cpu"):
    """Run with torch's global generators seeded, alone, and leave them as they were found."""
    cuda = torch.device(device).type == "cuda" and torch.cuda.is_available()
    devices = list(range(torch.cuda.device_count())) if cuda else []
    with _lock, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed_all(seed)
        yield


@contextmanager
def ordinary_mode():
    """Run with gradients on and in a module's own precision, whatever mode the caller is in.

    Modes are ``no_grad``, ``inference_mode`` and ``autocast``.
    """
    with torch.inference_mode(False), torch.enable_grad(), ExitStack() as modes:
        for device in _AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(device):
                modes.enter_context(torch.autocast(device, enabled=False))
        yield
