"""Several objectives a round: the Pareto front, weighted sums, bounds."""

from .._paths import set_public_path
from ._bandit import MultiObjectiveBandit
from ._base import BaseObjectiveSelector
from ._constrained import ConstrainedSelector
from ._selectors import ChebyshevSelector, ParetoSelector, WeightedSumSelector

__all__ = [
    "BaseObjectiveSelector",
    "ChebyshevSelector",
    "ConstrainedSelector",
    "MultiObjectiveBandit",
    "ParetoSelector",
    "WeightedSumSelector",
]

set_public_path(__name__, *map(globals().get, __all__))
