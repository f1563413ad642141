"""Linear bandits: exact Bayesian linear regression of the reward."""

from .._paths import set_public_path
from ._thompson import LinearThompsonSampling
from ._top_two import LinearTopTwoThompsonSampling
from ._ucb import LinearUCB

__all__ = ["LinearThompsonSampling", "LinearTopTwoThompsonSampling", "LinearUCB"]

set_public_path(__name__, *map(globals().get, __all__))
