"""Choose and compare policies on logs: folds, splits in time, replay, costs, propensities."""

from .._paths import set_public_path
from ._comparison import compare_policies
from ._prediction import cross_val_predict
from ._progressive import ProgressiveValidation, progressive_validation
from ._propensity import PropensityWarning, estimate_propensity
from ._quantities import compare_quantity_policies
from ._replay import ReplayValidation, replay_validate
from ._reward_cost import Knee, RewardCostCurve, reward_cost_curve
from ._reward_cost_display import RewardCostDisplay
from ._split import LogSplit

__all__ = [
    "Knee",
    "LogSplit",
    "ProgressiveValidation",
    "PropensityWarning",
    "ReplayValidation",
    "RewardCostCurve",
    "RewardCostDisplay",
    "compare_policies",
    "compare_quantity_policies",
    "cross_val_predict",
    "estimate_propensity",
    "progressive_validation",
    "replay_validate",
    "reward_cost_curve",
]

set_public_path(__name__, *map(globals().get, __all__))
