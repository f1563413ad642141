"""Bandits around any scikit-learn classifier or regressor."""

from .._paths import set_public_path
from ._active import ActiveBandit
from ._base import BaseEstimatorBandit
from ._bootstrapped import BootstrappedThompsonSampling, BootstrappedUCB
from ._explore_first import ExploreThenCommit
from ._greedy import GreedyBandit
from ._policy_tree import PolicyTreeBandit
from ._predictive import PredictiveThompsonSampling
from ._reg_cb import RegCB
from ._square_cb import SquareCB
from ._trees import TreeThompsonSampling, TreeUCB

__all__ = [
    "ActiveBandit",
    "BaseEstimatorBandit",
    "BootstrappedThompsonSampling",
    "BootstrappedUCB",
    "ExploreThenCommit",
    "GreedyBandit",
    "PolicyTreeBandit",
    "PredictiveThompsonSampling",
    "RegCB",
    "SquareCB",
    "TreeThompsonSampling",
    "TreeUCB",
]

set_public_path(__name__, *map(globals().get, __all__))
