"""Play bandits against each other: the runner, its tables and its curves."""

from ._display import RegretDisplay
from ._simulation import simulate
from ._summary import summarize

__all__ = ["RegretDisplay", "simulate", "summarize"]
