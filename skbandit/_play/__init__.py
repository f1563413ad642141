"""Policies in play, on simulated rounds or logged ones: what runners and validations share.

Everything here knows the contract of a bandit and no family: taking a Pipeline apart, letting a
policy decide and learn, asking it for its probabilities, taking a log apart, cutting rounds into
folds, the progress bar.
"""

from ._arms import ArmColumns, distinct_labels, entries_at, show_labels, show_rows
from ._encoding import as_numbers, make_encoder
from ._folds import make_folds
from ._logs import LoggedRounds, as_rows, check_log, check_objective, one_reward
from ._player import Player, make_player, name_policies, seeded
from ._progress import progress_bar
from ._steps import (
    check_steps_read_logs,
    fitted_steps,
    is_bandit,
    is_fitted,
    last_step,
    name_arms,
    take_apart,
)
from ._tables import (
    UNKNOWN_ARMS,
    Answers,
    PolicyTable,
    ask_policy,
    check_mask,
    costs_by_row,
    named_arms,
    policy_table,
    weighs_costs,
)

__all__ = [
    "UNKNOWN_ARMS",
    "Answers",
    "ArmColumns",
    "LoggedRounds",
    "Player",
    "PolicyTable",
    "as_numbers",
    "as_rows",
    "ask_policy",
    "check_log",
    "check_mask",
    "check_objective",
    "check_steps_read_logs",
    "costs_by_row",
    "distinct_labels",
    "entries_at",
    "fitted_steps",
    "is_bandit",
    "is_fitted",
    "last_step",
    "make_encoder",
    "make_folds",
    "make_player",
    "name_arms",
    "name_policies",
    "named_arms",
    "one_reward",
    "policy_table",
    "progress_bar",
    "seeded",
    "show_labels",
    "show_rows",
    "take_apart",
    "weighs_costs",
]
