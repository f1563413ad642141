"""Off-policy values of policies, with intervals, diagnostics and data-driven choice."""

from .._paths import set_public_path
from ._adaptive import adaptive_dr_value
from ._balanced import balanced_ips_value, balanced_weight
from ._betting import betting_bounds
from ._bootstrap import bootstrap_distribution
from ._chance import chance_better
from ._cressie_read import cressie_read_value
from ._diagnostics import LearningLogWarning, PolicySupport, PoorSupportWarning, policy_support
from ._display import PolicyValueDisplay
from ._distribution import DistributionBand, RewardDistribution, reward_distribution
from ._distribution_display import RewardDistributionDisplay
from ._doubly_robust import dm_value, dr_value, sndr_value
from ._evaluate import get_estimator_names, policy_value
from ._importance_weighted import ips_value, mean_value, replay_value, snips_value
from ._intervals import (
    Interval,
    bca_interval,
    bernstein_interval,
    betting_interval,
    bootstrap_interval,
    cressie_read_interval,
    ls_interval,
    mixture_interval,
    normal_interval,
    student_interval,
)
from ._monitor import PolicyMonitor
from ._monitor_display import MonitorDisplay
from ._pareto import hypervolume, pareto_front, pareto_regret
from ._pareto_display import ParetoFrontDisplay
from ._policy_value import PolicyValue
from ._quantity_rewards import QuantityRewards, cross_fit_quantity_rewards
from ._quantity_scorer import QuantityScorer, make_quantity_scorer
from ._quantity_values import (
    density_dr_value,
    density_ips_value,
    density_snips_value,
    kernel_dr_value,
    kernel_ips_value,
    kernel_snips_value,
)
from ._regularized_dr import shrinkage_dr_value, subgaussian_dr_value, switch_dr_value
from ._regularized_ips import clipped_ips_value, ix_value, ls_value, subgaussian_ips_value
from ._reward_model import cross_fit_rewards
from ._scorer import (
    PolicyScorer,
    get_policy_scorer,
    get_policy_scorer_names,
    make_policy_scorer,
)
from ._selection import select_pessimistic, slope
from ._set import set_dr_value
from ._slate import (
    cascade_dr_value,
    independent_ips_value,
    reward_interaction_ips_value,
    slate_ips_value,
)
from ._summary import summarize_values
from ._weights import mrdr_weight

__all__ = [
    "DistributionBand",
    "Interval",
    "MonitorDisplay",
    "ParetoFrontDisplay",
    "PolicyMonitor",
    "PolicyScorer",
    "PolicySupport",
    "PolicyValue",
    "PolicyValueDisplay",
    "LearningLogWarning",
    "PoorSupportWarning",
    "QuantityRewards",
    "QuantityScorer",
    "RewardDistribution",
    "RewardDistributionDisplay",
    "adaptive_dr_value",
    "balanced_ips_value",
    "balanced_weight",
    "bca_interval",
    "bernstein_interval",
    "betting_bounds",
    "betting_interval",
    "bootstrap_distribution",
    "bootstrap_interval",
    "cascade_dr_value",
    "chance_better",
    "clipped_ips_value",
    "cressie_read_interval",
    "cressie_read_value",
    "cross_fit_quantity_rewards",
    "cross_fit_rewards",
    "density_dr_value",
    "density_ips_value",
    "density_snips_value",
    "dm_value",
    "dr_value",
    "get_estimator_names",
    "get_policy_scorer",
    "get_policy_scorer_names",
    "hypervolume",
    "independent_ips_value",
    "ips_value",
    "ix_value",
    "kernel_dr_value",
    "kernel_ips_value",
    "kernel_snips_value",
    "ls_interval",
    "ls_value",
    "make_policy_scorer",
    "make_quantity_scorer",
    "mean_value",
    "mixture_interval",
    "mrdr_weight",
    "pareto_front",
    "pareto_regret",
    "normal_interval",
    "policy_support",
    "policy_value",
    "replay_value",
    "reward_distribution",
    "reward_interaction_ips_value",
    "select_pessimistic",
    "set_dr_value",
    "shrinkage_dr_value",
    "slate_ips_value",
    "slope",
    "snips_value",
    "sndr_value",
    "student_interval",
    "subgaussian_dr_value",
    "subgaussian_ips_value",
    "summarize_values",
    "switch_dr_value",
]

set_public_path(__name__, *map(globals().get, __all__))
