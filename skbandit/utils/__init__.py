"""Utilities: finding the package's bandits, and the public battery of checks for any bandit."""

from .discovery import all_bandits

__all__ = ["all_bandits"]
