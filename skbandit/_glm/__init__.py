"""Generalised linear models by online Laplace approximation: one immutable engine.

Arrays in, arrays out. A model has one or more groups (arms); learning returns a new one.
"""

from .._paths import set_public_path
from ._diagonal import Added, DiagonalLaplace, OpenRows
from ._hierarchical import HierarchicalLaplace
from ._laplace import FullLaplace, HybridLaplace, OpenRounds
from ._likelihoods import LIKELIHOODS, Logistic, Poisson
from ._newton import Rows

__all__ = [
    "LIKELIHOODS",
    "Added",
    "DiagonalLaplace",
    "FullLaplace",
    "HierarchicalLaplace",
    "HybridLaplace",
    "Logistic",
    "OpenRounds",
    "OpenRows",
    "Poisson",
    "Rows",
]

# What states hold: files name these.
set_public_path(__name__, *map(globals().get, __all__))
