"""Bandits that look at no context: classical arms, and the search for the best one."""

from .._paths import set_public_path
from ._exp3 import Exp3
from ._indices import KLUCB, UCB1
from ._thompson import BetaThompsonSampling, GaussianThompsonSampling
from ._top_two import TopTwoThompsonSampling
from ._uniform import UniformBandit

__all__ = [
    "BetaThompsonSampling",
    "Exp3",
    "GaussianThompsonSampling",
    "KLUCB",
    "TopTwoThompsonSampling",
    "UCB1",
    "UniformBandit",
]

set_public_path(__name__, *map(globals().get, __all__))
