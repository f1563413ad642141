"""Arms that take a number or a vector in a box: a dose, a bid, a mixture."""

from .._paths import set_public_path
from ._base import BaseQuantityBandit
from ._policy import QuantityPolicy
from ._thompson import QuantityThompsonSampling
from ._zooming import ZoomingBandit

__all__ = ["BaseQuantityBandit", "QuantityPolicy", "QuantityThompsonSampling", "ZoomingBandit"]

set_public_path(__name__, *map(globals().get, __all__))
