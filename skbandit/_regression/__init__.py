"""Bayesian linear regression on sums over rounds: one immutable engine, three kinds of weights.

Arrays in, arrays out. A regression has one or more groups (arms); learning returns a new one.
"""

from .._paths import set_public_path
from ._diagonal import DiagonalRegression
from ._examples import Examples
from ._full import FullRegression
from ._hybrid import HybridRegression

__all__ = ["DiagonalRegression", "Examples", "FullRegression", "HybridRegression"]

set_public_path(__name__, *map(globals().get, __all__))
