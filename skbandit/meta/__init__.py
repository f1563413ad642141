"""Bandits around any scikit-learn classifier or regressor."""

from .._paths import set_public_path
from ._base import BaseEstimatorBandit
from ._bootstrapped import BootstrappedThompsonSampling, BootstrappedUCB
from ._greedy import GreedyBandit

__all__ = [
    "BaseEstimatorBandit",
    "BootstrappedThompsonSampling",
    "BootstrappedUCB",
    "GreedyBandit",
]

set_public_path(__name__, *map(globals().get, __all__))
