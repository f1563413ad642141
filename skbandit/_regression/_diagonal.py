"""Squares of the terms alone: for very many sparse features."""

import numpy as np
from scipy import sparse

from ._base import Regression, check_finite, normal_deviates
from ._sums import diagonal_sums, predict_rows


class DiagonalRegression(Regression):
    """Weights of its own for every group, as if terms were orthogonal; rows may be CSR.

    What the weights leave unexplained is not known without the products of terms. The noise is
    what the constant term alone leaves (the rewards' mean square without one): an upper bound.
    """

    @staticmethod
    def _no_gram(n_groups, n_terms):
        return np.zeros((n_groups, n_terms))

    @staticmethod
    def _collect(grams):
        return np.stack(grams)

    # Its constants have their prior at zero.
    @classmethod
    def empty(cls, n_groups, n_features, *, locates=False, **parameters):
        """See :meth:`Regression.empty`."""
        return super().empty(n_groups, n_features, **parameters)

    def carried(self, *, locates=None, **moves):
        """See :meth:`Regression.carried`."""
        return super().carried(**moves)

    # --------------------------------------------------- what follows from the sums
    @property
    def covariance(self):
        """Variances of the weights over the noise variance, (n_groups, n_terms)."""
        if "covariance" not in self._derived:
            self._derived["covariance"] = 1.0 / self.precision
        return self._derived["covariance"]

    @property
    def precision(self):
        """The inverse of the variances, (n_groups, n_terms)."""
        return self.gram + self.prior_precision

    @property
    def coef(self):
        """Posterior mean of the weights, (n_groups, n_terms)."""
        if "coef" not in self._derived:
            self._derived["coef"] = self.moment * self.covariance
        return self._derived["coef"]

    # --------------------------------------------------------------- learning
    def _learnt_in_blocks(self, examples, block_size, forgetting):
        new = self
        for start in range(0, examples.n_rows, block_size):
            part, kept = examples.part(start, start + block_size).faded(forgetting)
            new = new._after_block(part, kept)
        return new

    def _after_block(self, examples, kept):
        gram, moment, weight, square = self._sums(examples)
        # Fresh arrays: the old ones stay as they were.
        gram += self.gram if kept == 1.0 else kept * self.gram
        moment += self.moment if kept == 1.0 else kept * self.moment
        new = self._changed(gram=gram, moment=moment, weight=kept * self.weight + weight)
        check_finite(gram, moment)
        if not self.learns_noise:
            return new
        reward_square = square + kept * self.reward_square
        reward_sum = new.moment[:, 0] if self.intercept else self.reward_sum
        new = new._changed(reward_square=reward_square, reward_sum=reward_sum)
        residual_square = self._residual_after(new, examples, kept, weight, square)
        check_finite(residual_square, reward_square)
        return new._with_residual(residual_square)

    def _sums(self, examples):
        """Sums of squares, of products with the reward, of weights and of squared rewards."""
        rows, group, weight = examples.rows, examples.group, examples.weights
        n_groups, offset = self.n_groups, self.intercept
        if examples.reward is not None:
            reward = examples.reward
            gram, moment = diagonal_sums(rows, group, reward, weight, n_groups, offset)
            mass = np.bincount(group, weights=examples.weight, minlength=n_groups)
            square = examples.weighted(reward * reward)
            return gram, moment, mass, np.bincount(group, weights=square, minlength=n_groups)
        # All groups share the rows: one sum serves those that learn.
        low, high = examples.low, examples.high
        learns = np.arange(n_groups) < examples.n_taught_of(n_groups)
        together, ones = np.zeros_like(group), np.ones(len(group))
        gram, every = diagonal_sums(rows, together, ones, weight, 1, offset)
        _, named = diagonal_sums(rows, group, ones, weight, n_groups, offset)
        named_mass = np.bincount(group, weights=weight, minlength=n_groups)
        mass = np.where(learns, weight.sum(), 0.0)
        square = low**2 * (mass - named_mass) + high**2 * named_mass
        moment = (high - low) * named
        moment[learns] += low * every
        return np.where(learns[:, None], gram, 0.0), moment, mass, square

    def _residual_after(self, new, examples, kept, weight, square):
        """The residual sum of squares about each group's own (shrunken) mean reward."""
        if not self.intercept:
            return kept * self.residual_square + square
        mean = new._weights()
        prior = (1.0 - kept) * self.prior_precision * self._prior_square(mean)
        residual_square = kept * self._objective(mean) + prior
        if examples.reward is None:
            # The rows of a group pay one of two rewards.
            named = np.bincount(examples.group, weights=examples.weights, minlength=self.n_groups)
            residual_square += named * (examples.high - mean) ** 2
            return residual_square + (weight - named) * (examples.low - mean) ** 2
        error = examples.weighted((examples.reward - mean[examples.group]) ** 2)
        return residual_square + np.bincount(
            examples.group, weights=error, minlength=self.n_groups
        )

    def _without(self, dropped):
        # Terms are independent of each other: what goes is left out.
        return self

    # ----------------------------------------------------------------- belief
    def quadratic(self, rows, group=None):
        """Variance of the expected reward over that of the noise.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        squares = rows.multiply(rows).tocsr() if sparse.issparse(rows) else rows * rows
        covariance = self.covariance if group is None else self.covariance[group]
        return predict_rows(squares, covariance, self.intercept)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, over the noise's deviation.

        The deviates depend on the group and the term alone, not on the call.

        Returns
        -------
        deviations : ndarray of shape (n_draws, n_terms)
        """
        deviates = normal_deviates(group + 1, self.n_terms, n_draws)
        return deviates * np.sqrt(self.covariance[group])

    # --------------------------------------------------------------- residual
    # The noise is that of the constant term alone: a regression on one term.
    def _weights(self):
        if not self.intercept:
            return np.zeros(self.n_groups)
        return self.moment[:, 0] / (self.prior_precision + self.weight)

    def _objective(self, weights):
        move = weights - self._weights()
        precision = self.prior_precision + self.weight if self.intercept else 0.0
        return self.residual_square + precision * move**2

    def _prior_square(self, weights):
        return weights**2
