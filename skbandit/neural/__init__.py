"""Neural bandits, held through skorch; they need the extra ``skbandit[neural]``."""

try:
    import skorch
    import torch
except ImportError as error:
    raise ImportError(
        f"skbandit.neural needs torch and skorch, and {error.name} is missing: "
        "pip install skbandit[neural].",
        name=error.name,
    ) from error

from ._bayesian import BayesianNeuralBandit
from ._ensemble import EnsembleBandit
from ._gradient import NeuralThompsonSampling, NeuralUCB
from ._linear import NeuralLinearBandit
from ._nets import make_net
from ._networks import MLP

__all__ = [
    "BayesianNeuralBandit",
    "EnsembleBandit",
    "MLP",
    "NeuralLinearBandit",
    "NeuralThompsonSampling",
    "NeuralUCB",
    "make_net",
]

del skorch, torch
