"""Linear bandits: exact Bayesian linear regression of the reward."""

from ._thompson import LinearThompsonSampling
from ._ucb import LinearUCB

__all__ = ["LinearThompsonSampling", "LinearUCB"]
