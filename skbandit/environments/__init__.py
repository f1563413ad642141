"""Environments: simulators in which bandits play, and logs of their play."""

from .._paths import set_public_path
from ._base import BaseEnvironment, EnvironmentRounds
from ._classification import ClassificationEnvironment
from ._drifting import DriftingEnvironment
from ._generated import LinearEnvironment, WheelEnvironment
from ._log import log_policy

__all__ = [
    "BaseEnvironment",
    "ClassificationEnvironment",
    "DriftingEnvironment",
    "EnvironmentRounds",
    "LinearEnvironment",
    "WheelEnvironment",
    "log_policy",
]

set_public_path(__name__, *map(globals().get, __all__))
