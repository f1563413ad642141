"""Variational bandits: a belief about every weight of a network, without an optimizer."""

from .._paths import set_public_path
from ._bandit import BayesianNeuralBandit
from ._state import VariationalState

__all__ = ["BayesianNeuralBandit"]

set_public_path(__name__, BayesianNeuralBandit, VariationalState)
