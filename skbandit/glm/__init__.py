"""Generalised linear bandits: logistic and Poisson regression of the reward."""

from .._paths import set_public_path
from ._logistic import LogisticThompsonSampling, LogisticUCB
from ._poisson import PoissonThompsonSampling, PoissonUCB

__all__ = ["LogisticThompsonSampling", "LogisticUCB", "PoissonThompsonSampling", "PoissonUCB"]

set_public_path(__name__, *map(globals().get, __all__))
