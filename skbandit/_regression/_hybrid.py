"""All groups share weights, and every group departs from them."""

from typing import NamedTuple

import numpy as np

from .._gaussian import hybrid_factor, hybrid_posterior, inverse_factor, quadratic_forms
from ._base import normal_deviates
from ._matrices import MatrixRegression
from ._sums import add_constant


class _Weights(NamedTuple):
    """Posterior means of the groups' weights and of the part that all share."""

    mean: np.ndarray  # (n_groups, n_terms)
    shared: np.ndarray  # (n_terms,)


class _Posterior(NamedTuple):
    """What follows from the sums."""

    weights: _Weights
    own_factor: np.ndarray  # of each group's weights given those shared
    shared_factor: np.ndarray


class HybridRegression(MatrixRegression):
    r"""Shared weights plus each group's own departure from them, with one noise.

    The weights of group a are :math:`u_a = \beta + \delta_a` with
    :math:`\beta, \delta_a \sim N(0, \sigma^2 \lambda^{-1} I)`.
    """

    @staticmethod
    def _no_residual(n_groups):
        return np.zeros(1)

    @property
    def _noise_weight(self):
        return self.weight.sum(keepdims=True)

    # --------------------------------------------------- what follows from the sums
    def _posterior(self):
        if "posterior" not in self._derived:
            factor = inverse_factor(self.gram, self.prior_precision)
            shared_mean, shared_factor, mean = hybrid_posterior(
                factor, self.moment, self.prior_precision
            )
            self._derived["posterior"] = _Posterior(
                _Weights(mean, shared_mean), factor, shared_factor
            )
        return self._derived["posterior"]

    def _factors(self):
        """Factors of the covariance of each group's weights, over the noise variance."""
        if "factors" not in self._derived:
            posterior = self._posterior()
            self._derived["factors"] = hybrid_factor(
                posterior.own_factor, posterior.shared_factor, self.prior_precision
            )
        return self._derived["factors"]

    def _own_coef(self):
        return self._posterior().weights.mean

    def _pull(self):
        # What the weights would be if every reward were one tells how far they follow rewards.
        if "pull" not in self._derived:
            factor = self._posterior().own_factor
            ones = hybrid_posterior(factor, self._ones_moment(), self.prior_precision)[2]
            pull = self._derived["pull"] = -ones
            pull[:, 0] += 1.0
        return self._derived["pull"]

    def _location_terms(self):
        pull = self._pull()
        linear = np.einsum("gi,gi->", self.moment, pull)
        square = np.einsum("gi,gi->", self._ones_moment(), pull)
        return np.array([linear]), np.array([square])

    # ----------------------------------------------------------------- belief
    def quadratic(self, rows, group=None):
        """Variance of the expected reward over that of the noise.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        design = add_constant(rows, self.intercept)
        if group is None:
            return quadratic_forms(self._factors(), design)
        return quadratic_forms(self._factors()[group : group + 1], design)[:, 0]

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, over the noise's deviation.

        Draws of the same number belong together: groups share the deviation of the shared weights.
        The deviates depend on the group and the term alone, not on the call.

        Returns
        -------
        deviations : ndarray of shape (n_draws, n_terms)
        """
        posterior = self._posterior()
        factor = posterior.own_factor[group]
        shared = normal_deviates(0, self.n_terms, n_draws) @ posterior.shared_factor
        own = normal_deviates(group + 1, self.n_terms, n_draws) @ factor
        # The mean of the group's weights given those shared moves with them.
        return own + self.prior_precision * (shared @ factor.T) @ factor

    @property
    def covariance(self):
        """Covariance of each group's weights over the noise variance.

        (n_groups, n_terms, n_terms).
        """
        factors = self._factors()
        return np.matmul(factors.transpose(0, 2, 1), factors)

    @property
    def precision(self):
        """The inverse of the covariance, (n_groups, n_terms, n_terms)."""
        inverse = np.linalg.inv(self._factors())
        return np.matmul(inverse, inverse.transpose(0, 2, 1))

    # --------------------------------------------------------------- residual
    def _moved(self, segments, kept):
        return np.arange(self.n_groups)

    def _noise_of(self, groups):
        return slice(None)

    def _weights(self, groups=None):
        return self._posterior().weights

    def _objective(self, weights, groups=None):
        minimum = self._weights()
        move = _Weights(weights.mean - minimum.mean, weights.shared - minimum.shared)
        # Rounding can leave a matrix of products with a direction below zero.
        data = sum(
            max(one @ gram @ one, 0.0) for one, gram in zip(move.mean, self.gram, strict=True)
        )
        return self.residual_square + data + self.prior_precision * self._prior_square(move)

    def _prior_square(self, weights):
        own = weights.mean - weights.shared
        return np.array([np.sum(weights.shared**2) + np.sum(own**2)])

    # --------------------------------------------------------------- carrying
    # Marginalising leaves the groups coupled through the dropped shared weight; each group is
    # marginalised under its own prior, whose variance is that of both parts.
    _marginal_prior = 0.5

    def _regrouped_residual(self, new, source, shares):
        """The residual sum of squares once some groups have gone and others have come.

        The quadratic of a group alone is not kept, only the sum over groups. It is rebuilt from
        the group's sums, at the cost of as many digits as its rewards lie away from zero in units
        of their noise.
        """
        kept, came = np.flatnonzero(source >= 0), np.flatnonzero(source < 0)
        gone = np.setdiff1d(np.arange(self.n_groups), source[kept])
        if not (self.weight[gone].any() or new.weight[came].any()):
            return self.residual_square
        after = new._weights()
        moved = _Weights(self._own_coef().copy(), after.shared)
        moved.mean[source[kept]] = after.mean[kept]
        total = self._objective(moved)
        for group in gone:
            total = total - self._own_objective(group, moved)
        for group in came:
            total = total + new._own_objective(group, after)
        return np.maximum(total, 0.0)

    def _own_objective(self, group, weights):
        """What the rounds of one group, and the prior of its own weights, add to the quadratic."""
        moment, mean = self.moment[group], weights.mean[group]
        explained = 2.0 * moment @ mean - mean @ self.gram[group] @ mean
        square = max(self.reward_square[group] - explained, 0.0)
        return square + self.prior_precision * np.sum((mean - weights.shared) ** 2)
