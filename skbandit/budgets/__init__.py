"""Budgets: a mean cost that is kept while learning, and a hard budget for a batch."""

from .._paths import set_public_path
from ._allocate import allocate
from ._paced import BudgetPacedBandit

__all__ = ["BudgetPacedBandit", "allocate"]

set_public_path(__name__, *map(globals().get, __all__))
