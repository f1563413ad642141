"""Selectors with a purpose: what is played is more than the arm of the best score."""

from .._paths import set_public_path
from ._arms import DefaultArmSelector, LimitedArmsSelector
from ._costs import BaseCostSelector, PricedSelector
from ._subsidy import CheapestNearBestSelector
from ._top_two import TopTwoSelector

__all__ = [
    "BaseCostSelector",
    "CheapestNearBestSelector",
    "DefaultArmSelector",
    "LimitedArmsSelector",
    "PricedSelector",
    "TopTwoSelector",
]

set_public_path(__name__, *map(globals().get, __all__))
