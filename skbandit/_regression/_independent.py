"""Independent beliefs about the weights of very many features, kept column by column."""

import numpy as np

from ._base import normal_deviates
from ._columns import columns_of
from ._filter import squared
from ._sums import predict_rows


class IndependentWeights:
    """Weights of its own for every group, each with a mean and a variance; never changed.

    A subclass keeps ``columns`` of shape (n_features, 2, n_groups) over ``scale``: what rounds
    have added to the precision of each weight, and its mean times that precision; ``weight`` of
    the rounds of each group, ``prior_precision`` and ``intercept``; and defines the two properties
    ``_constant_added``, what rounds have added to the precision of each constant, (n_groups,), and
    ``_level``, the mean of each constant, (n_groups,), zeros without.
    """

    def _changed(self, **fields):
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        vars(new).update(fields, _derived={})
        return new

    def __setattr__(self, name, value):
        raise AttributeError(
            f"{name} cannot be set: a model never changes, learning returns a new one."
        )

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_derived"}

    def __setstate__(self, state):
        vars(self).update(state, _derived={})

    # ------------------------------------------------------------------ sizes
    @property
    def n_groups(self):
        """Number of groups."""
        return len(self.weight)

    @property
    def n_features(self):
        """Number of columns that rows have."""
        return len(self.columns)

    @property
    def n_terms(self):
        """Number of terms, the constant one included."""
        return self.n_features + int(self.intercept)

    # ------------------------------------------------------- what is known, written out
    @property
    def gram(self):
        """What rounds have added to the precisions, (n_groups, n_terms)."""
        return self._with_constant(self._constant_added, self._whole()[:, 0].T)

    @property
    def coef(self):
        """Mean of the weights, (n_groups, n_terms)."""
        if "coef" not in self._derived:
            gram, moment = self._whole().transpose(1, 2, 0)
            mean = moment / (self.prior_precision + gram)
            self._derived["coef"] = self._with_constant(self._level, mean)
        return self._derived["coef"]

    @property
    def precision(self):
        """The inverse of the variances, (n_groups, n_terms)."""
        return self.prior_precision + self.gram

    @property
    def covariance(self):
        """Variances of the weights (over that of the noise, if any), (n_groups, n_terms)."""
        if "covariance" not in self._derived:
            self._derived["covariance"] = 1.0 / self.precision
        return self._derived["covariance"]

    def _whole(self):
        return self.columns.whole() * self.scale

    def _with_constant(self, constant, others):
        return np.column_stack([constant, others]) if self.intercept else np.array(others)

    # ----------------------------------------------------------------- belief
    def mean(self, rows, group=None):
        """Mean of the reward, or score.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        columns, local = columns_of(rows)
        if columns is None:
            return self.rewards(local, self.coef if group is None else self.coef[group])
        gram, moment = self._asked(columns, group)
        level = self._level if group is None else self._level[group]
        return local @ (moment / (self.prior_precision + gram)) + level

    def quadratic(self, rows, group=None):
        """Variance of the mean; over that of the noise, if there is one.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        group : int, default=None
            Ask one group alone.

        Returns
        -------
        forms : ndarray of shape (n_samples, n_groups), or (n_samples,) for one group
        """
        columns, local = columns_of(rows)
        squares = squared(local)
        if columns is None:
            covariance = self.covariance if group is None else self.covariance[group]
            return predict_rows(squares, covariance, self.intercept)
        gram, _ = self._asked(columns, group)
        forms = squares @ (1.0 / (self.prior_precision + gram))
        if self.intercept:
            known = self._constant_added if group is None else self._constant_added[group]
            forms = forms + 1.0 / (self.prior_precision + known)
        return forms

    def _asked(self, columns, group):
        """What rounds have added in some columns, (n, n_groups) or (n,) each."""
        values = self.columns.take(columns) * self.scale
        values = values if group is None else values[:, :, group]
        return values[:, 0], values[:, 1]

    def rewards(self, rows, weights):
        """Rewards, or scores, of rows under given weights.

        Parameters
        ----------
        rows : array or CSR of shape (n_samples, n_features)
        weights : ndarray of shape (n_weights, n_terms), or (n_terms,)

        Returns
        -------
        rewards : ndarray of shape (n_samples, n_weights), or (n_samples,)
        """
        return predict_rows(rows, weights, self.intercept)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean.

        The deviates depend on the group and the term alone, not on the call; they are over the
        deviation of the noise, if there is one.

        Returns
        -------
        deviations : ndarray of shape (n_draws, n_terms)
        """
        deviates = normal_deviates(group + 1, self.n_terms, n_draws)
        return deviates * np.sqrt(self.covariance[group])
