"""Contextual bandits as real scikit-learn estimators.

The bandits live in :mod:`skbandit.linear`; what they share in :mod:`skbandit.base`. Importing this
package alone loads no family, so that it stays cheap.
"""

from ._version import __version__

__all__ = ["__version__"]
