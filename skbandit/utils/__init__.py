"""Utilities: the package's bandits, their tags, and the battery of checks for any bandit."""

from .._tags import get_bandit_tags
from .discovery import all_bandits

__all__ = ["all_bandits", "get_bandit_tags"]
