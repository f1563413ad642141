"""Variational bandits: a belief about every weight of a network, without an optimizer."""

from ._bandit import BayesianNeuralBandit
from ._state import VariationalState

__all__ = ["BayesianNeuralBandit"]

# Pickles name this path, which outlives a move of the files.
BayesianNeuralBandit.__module__ = __name__
VariationalState.__module__ = __name__
