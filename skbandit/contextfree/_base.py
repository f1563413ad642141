"""What the bandits without contexts share: rows are counted, and one policy serves all of them."""

import numpy as np

from .._one_policy import one_policy
from .._rows import n_rows
from ..base import BaseBandit


class BaseContextFreeBandit(BaseBandit):
    """A bandit whose arms pay the same in all contexts."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # As scikit-learn's dummy estimators: whatever can be counted.
        tags.no_validation = True
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.bandit_tags.contexts = "none"
        return tags


class OnePolicyMixin:
    """Find the policy once for all rows that may play the same arms; stands before all else."""

    def _row_policy(self, contexts, available):
        """The policy of a few rows, as ``_policy`` has it."""
        return super()._policy(contexts, available)

    def _policy(self, contexts, available):
        if getattr(self._selector, "differs_by_row", False):
            return self._row_policy(contexts, available)
        return one_policy(self._row_policy, contexts, available)


def same_for_all(values, contexts):
    """The same values in every row, (n_samples, n_arms)."""
    return np.broadcast_to(values, (n_rows(contexts), len(values)))
