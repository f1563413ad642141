"""Bayesian linear regression on sums over rounds: one immutable engine, four kinds of weights.

Arrays in, arrays out. A regression has one or more groups (arms); learning returns a new one. What
it is made of serves the generalised linear models too.
"""

from .._paths import set_public_path
from ._base import embedded, normal_deviates, picked, raise_overflow
from ._columns import Columns, columns_of
from ._diagonal import DiagonalRegression
from ._examples import Examples
from ._filter import squared
from ._full import FullRegression
from ._hierarchical import HierarchicalRegression
from ._hybrid import HybridRegression
from ._independent import IndependentWeights
from ._sums import add_constant, predict_rows, segments_of

__all__ = [
    "Columns",
    "DiagonalRegression",
    "Examples",
    "FullRegression",
    "HierarchicalRegression",
    "HybridRegression",
    "IndependentWeights",
    "add_constant",
    "columns_of",
    "embedded",
    "normal_deviates",
    "picked",
    "predict_rows",
    "raise_overflow",
    "segments_of",
    "squared",
]

set_public_path(
    __name__,
    Columns,
    DiagonalRegression,
    Examples,
    FullRegression,
    HierarchicalRegression,
    HybridRegression,
)
