"""Bandits around any scikit-learn classifier or regressor."""

from .._paths import set_public_path
from ._base import BaseEstimatorBandit
from ._greedy import GreedyBandit
from ._policy_tree import PolicyTreeBandit
from ._predictive import PredictiveThompsonSampling
from ._trees import TreeThompsonSampling, TreeUCB

__all__ = [
    "BaseEstimatorBandit",
    "GreedyBandit",
    "PolicyTreeBandit",
    "PredictiveThompsonSampling",
    "TreeThompsonSampling",
    "TreeUCB",
]

set_public_path(__name__, *map(globals().get, __all__))
