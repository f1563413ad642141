"""Data sets that come with the package, and generators of bandit problems."""

from ._linear import make_linear_bandit
from ._llm_routing import load_llm_routing
from ._open_bandit import load_open_bandit
from ._shuttle import load_shuttle
from ._wheel import make_wheel_bandit

__all__ = [
    "load_llm_routing",
    "load_open_bandit",
    "load_shuttle",
    "make_linear_bandit",
    "make_wheel_bandit",
]
