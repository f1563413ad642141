"""Neural bandits, held through skorch; they need the extra ``skbandit[neural]``."""

import warnings
from importlib import import_module

try:
    import skorch
    import torch
except ImportError as error:
    raise ImportError(
        f"skbandit.neural needs torch and skorch, and {error.name} is missing: "
        "pip install skbandit[neural].",
        name=error.name,
    ) from error

from ._ensemble import EnsembleBandit
from ._gradient import NeuralThompsonSampling, NeuralUCB
from ._linear import NeuralLinearBandit
from ._nets import make_net
from ._networks import MLP

__all__ = [
    "EnsembleBandit",
    "MLP",
    "NeuralLinearBandit",
    "NeuralThompsonSampling",
    "NeuralUCB",
    "make_net",
]

del skorch, torch


def __getattr__(name):
    if name != "BayesianNeuralBandit":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "BayesianNeuralBandit has moved: import it from skbandit.variational.",
        DeprecationWarning,
        stacklevel=2,
    )
    # By name: families do not import each other.
    return import_module("skbandit.variational").BayesianNeuralBandit
