"""Bandits whose arms are prices: what pays is price times demand, and demand falls with price."""

from .._paths import set_public_path
from ._demand_curve import DemandCurveThompsonSampling, DemandCurveUCB
from ._display import PricingDisplay
from ._interval import PriceIntervalBandit
from ._monotone_bandit import MonotonePricingThompsonSampling, MonotonePricingUCB

__all__ = [
    "DemandCurveThompsonSampling",
    "DemandCurveUCB",
    "MonotonePricingThompsonSampling",
    "MonotonePricingUCB",
    "PriceIntervalBandit",
    "PricingDisplay",
]

set_public_path(__name__, *map(globals().get, __all__))
