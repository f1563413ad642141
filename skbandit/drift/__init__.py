"""Bandits for a world that changes: windows, restarts and discounts."""

from .._paths import set_public_path
from ._detector import AdaptiveWindow
from ._discounted import DiscountedLinUCB
from ._restart import RestartingBandit
from ._window import SlidingWindowBandit

__all__ = ["AdaptiveWindow", "DiscountedLinUCB", "RestartingBandit", "SlidingWindowBandit"]

set_public_path(__name__, *map(globals().get, __all__))
