"""Play bandits against each other: the runner, its tables and its curves."""

from .._paths import set_public_path
from ._display import RegretDisplay
from ._simulation import simulate
from ._summary import summarize

__all__ = ["RegretDisplay", "simulate", "summarize"]

set_public_path(__name__, *map(globals().get, __all__))
