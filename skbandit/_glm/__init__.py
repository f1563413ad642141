"""Generalised linear models by online Laplace approximation: one immutable engine.

Arrays in, arrays out. A model has one or more groups (arms); learning returns a new one.
"""

from .._paths import set_public_path
from ._diagonal import DiagonalLaplace
from ._hierarchical import HierarchicalLaplace
from ._laplace import FullLaplace, HybridLaplace, OpenRounds
from ._likelihoods import LIKELIHOODS, Logistic, Poisson
from ._newton import Rows

__all__ = [
    "LIKELIHOODS",
    "DiagonalLaplace",
    "FullLaplace",
    "HierarchicalLaplace",
    "HybridLaplace",
    "Logistic",
    "OpenRounds",
    "Poisson",
    "Rows",
]

# What states hold: files name these.
set_public_path(
    __name__, DiagonalLaplace, FullLaplace, HierarchicalLaplace, HybridLaplace, OpenRounds, Rows
)
