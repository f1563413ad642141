"""Posteriors of linear models: derived from the statistics, rebuilt lazily, never stored."""

import copy

import numpy as np

from .._gaussian import (
    apply_factor,
    hybrid_factor,
    hybrid_posterior,
    inverse_factor,
    quadratic_forms,
    rank_one_update,
)
from ._statistics import add_constant, predict_rows

# A rank-one update that shrinks a direction by more than this costs as many digits.
_MAX_LEVERAGE = 1e4
# Products with the covariance whose terms cancel by more than this keep too few digits: the factor
# is used instead. Nearly collinear columns under a weak prior do so.
_MAX_CANCELLATION = 1e8
# So many updates a term between factorizations: their cost then stays below that of the updates.
_UPDATES_PER_TERM = 4


class FullPosterior:
    """Means and covariances (over the noise variance) of every group's weights.

    Parameters
    ----------
    gram, moment : ndarrays of shape (n_groups, n_terms, n_terms) and (n_groups, n_terms)
        Live statistics: groups are refreshed from them.
    prior_precision : float
    intercept : bool
    """

    def __init__(self, gram, moment, prior_precision, intercept):
        self.gram, self.moment = gram, moment
        self.prior_precision = prior_precision
        self.intercept = intercept
        self.factor = inverse_factor(gram, prior_precision)
        self.coef = apply_factor(self.factor, moment)
        self._covariance = None
        self._stale = set()
        self._cancels = False
        self._updates = np.zeros(len(gram), dtype=np.intp)

    @property
    def covariance(self):
        """Covariances over the noise variance, (n_groups, n_terms, n_terms)."""
        if self._covariance is None:
            self._covariance = np.matmul(self.factor.transpose(0, 2, 1), self.factor)
        return self._covariance

    def mean_reward(self, rows):
        """Expected reward, (n_samples, n_groups)."""
        return predict_rows(rows, self.coef, self.intercept)

    def quadratic(self, rows):
        """Variance of the expected reward over the noise variance, (n_samples, n_groups)."""
        if len(rows) <= 2 and self._covariance is not None and not self._cancels:
            design = add_constant(rows, self.intercept)
            image = np.matmul(self._covariance, design.T[None])
            return np.maximum(np.einsum("nt,gtn->ng", design, image), 0.0)
        self._renew_factors()
        return quadratic_forms(self.factor, add_constant(rows, self.intercept))

    def of_arm(self, arm):
        """The posterior of one group, for mean_reward and quadratic."""
        one = copy.copy(self)
        one.coef, one.factor = self.coef[arm : arm + 1], self.factor[arm : arm + 1]
        one._covariance, one._stale = None, set()
        return one

    def update(self, group, row, reward):
        """Condition one group on one round whose sums its statistics hold already.

        Returns
        -------
        residual_square : float
            By how much the group's residual sum of squares grows.
        """
        if self.intercept:
            row = np.concatenate(([1.0], row))
        added, leverage, spread = rank_one_update(
            self.coef[group], self.covariance[group], row, reward
        )
        self._stale.add(group)
        self._updates[group] += 1
        cancels = spread > _MAX_CANCELLATION * leverage
        self._cancels |= cancels
        due = self._updates[group] > _UPDATES_PER_TERM * len(row)
        if due or cancels or leverage > _MAX_LEVERAGE:
            self._refresh(group)
        return added

    def _refresh(self, group):
        one = slice(group, group + 1)
        self.factor[one] = inverse_factor(self.gram[one], self.prior_precision)
        self.coef[one] = apply_factor(self.factor[one], self.moment[one])
        self._covariance[group] = self.factor[group].T @ self.factor[group]
        self._stale.discard(group)
        self._updates[group] = 0

    def _renew_factors(self):
        for group in list(self._stale):
            self._refresh(group)


class HybridPosterior(FullPosterior):
    """Posterior of shared plus per-arm weights; each arm's sum of both is one group."""

    def __init__(self, gram, moment, prior_precision, intercept):
        super().__init__(gram, moment, prior_precision, intercept)
        self.arm_factor = self.factor
        shared = hybrid_posterior(self.factor, moment, prior_precision)
        self.shared_mean, self.shared_factor, self.coef = shared
        self.factor = hybrid_factor(self.arm_factor, self.shared_factor, prior_precision)


class DiagonalPosterior:
    """Means and variances (over the noise variance) under a diagonal precision.

    Rows may be CSR.
    """

    def __init__(self, gram, moment, prior_precision, intercept):
        self.intercept = intercept
        self.variance = 1.0 / (gram + prior_precision)
        self.coef = moment * self.variance

    def mean_reward(self, rows):
        """Expected reward, (n_samples, n_groups)."""
        return predict_rows(rows, self.coef, self.intercept)

    def quadratic(self, rows):
        """Variance of the expected reward over the noise variance, (n_samples, n_groups)."""
        squares = rows.multiply(rows).tocsr() if hasattr(rows, "multiply") else rows * rows
        return predict_rows(squares, self.variance, self.intercept)
