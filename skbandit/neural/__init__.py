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

from .._paths import set_public_path
from ._ensemble import EnsembleBandit
from ._gradient_bandits import GradientStatistics, NeuralThompsonSampling, NeuralUCB
from ._linear import LinearStatistics, NeuralLinearBandit
from ._modules import MLP, TextEncoder
from ._nets import make_net
from ._precision import BlockPrecision, DiagonalPrecision, FullPrecision
from ._random_priors import RandomPrior
from ._scaling import Scaling
from ._state import Network, NeuralState
from ._targets import PlayedArmLoss

__all__ = [
    "EnsembleBandit",
    "MLP",
    "NeuralLinearBandit",
    "NeuralThompsonSampling",
    "NeuralUCB",
    "make_net",
]

del skorch, torch

set_public_path(
    __name__,
    *map(globals().get, __all__),
    # What a file of a neural bandit holds beside it.
    BlockPrecision,
    DiagonalPrecision,
    FullPrecision,
    GradientStatistics,
    LinearStatistics,
    Network,
    NeuralState,
    PlayedArmLoss,
    RandomPrior,
    Scaling,
    TextEncoder,
)


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
