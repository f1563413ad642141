r"""Bayesian linear regression on a representation: sums over rounds, and what follows from them.

Rewards are in units of their root mean square. A posterior with mean :math:`m`, precision
:math:`A` and residual sum of squares :math:`S` stands for the quadratic
:math:`S + (\theta - m)^\top A (\theta - m)`; after more rounds, :math:`S` is the new quadratic at
its minimum. It stays a sum of squares: no large sums are subtracted from each other.
"""

import numpy as np

from .._gaussian import inverse_factor, quadratic_forms, rank_one_update

# Prior degrees of freedom of the noise, 4: the variance of a Student-t belief exists from the
# start. Its guess is the rewards' mean square, which is 1 in their unit.
_PRIOR_SHAPE = 2.0
# Rounds an arm that are learnt one by one; and updates a term between factorizations.
_MAX_SINGLE_ROWS = 4
_UPDATES_PER_TERM = 4
_MAX_LEVERAGE = 1e4


class GaussianHead:
    """Posterior of one linear model a group (arm); never changed, learning returns a new one.

    Parameters
    ----------
    n_groups, n_terms : int
    prior_precision : float
        Over the noise's precision.
    """

    def __init__(self, n_groups, n_terms, prior_precision):
        self.prior_precision = float(prior_precision)
        self.gram = [np.zeros((n_terms, n_terms)) for _ in range(n_groups)]
        self.moment = np.zeros((n_groups, n_terms))
        self.weight = np.zeros(n_groups)
        self.residual_square = np.zeros(n_groups)
        self._derived = [None] * n_groups

    def __len__(self):
        return len(self.gram)

    def _copy(self):
        new = object.__new__(type(self))
        vars(new).update(vars(self))
        new.gram, new._derived = list(self.gram), list(self._derived)
        new.moment, new.weight = self.moment.copy(), self.weight.copy()
        new.residual_square = self.residual_square.copy()
        return new

    def __getstate__(self):
        # Factors are rebuilt from the sums.
        return {**vars(self), "_derived": [None] * len(self.gram)}

    def learnt(self, terms, group, reward, weight, full):
        """Return the head after more rounds.

        Parameters
        ----------
        terms : ndarray of shape (n_rounds, n_terms)
        group : ndarray of int of shape (n_rounds,)
        reward, weight : ndarray of shape (n_rounds,)
        full : (count, low, high)
            Rounds of full feedback: the first `count` groups learn (0: only the group named), the
            named one that it paid `high`, the others that they paid `low`.
        """
        new = self._copy()
        count, low, high = full
        if count.any():
            for g in range(len(new)):
                learns = count > g
                named = group[learns] == g
                new._add(g, terms[learns], np.where(named, high, low), weight[learns])
            plain = count == 0
            terms, group, reward, weight = (c[plain] for c in (terms, group, reward, weight))
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        for rows in np.split(order, starts[1:]) if len(order) else []:
            new._add(int(group[rows[0]]), terms[rows], reward[rows], weight[rows])
        return new

    def _add(self, g, rows, reward, weight):
        scaled = rows * weight[:, None]
        old_gram, derived = self.gram[g], self._derived[g]
        old_mean = self._posterior(g)[0] if self.weight[g] > 0 else np.zeros(rows.shape[1])
        self.gram[g] = old_gram + scaled.T @ rows
        self.moment[g] += reward @ scaled
        self.weight[g] += weight.sum()
        if derived is not None and len(rows) <= _MAX_SINGLE_ROWS and (weight == 1).all():
            updated, residual = _one_by_one(derived, rows, reward)
            if updated is not None:
                self._derived[g] = updated
                self.residual_square[g] += residual
                return
        self._derived[g] = None
        mean = self._posterior(g)[0]
        move = mean - old_mean
        self.residual_square[g] += (
            weight @ (reward - rows @ mean) ** 2
            + self.prior_precision * (move @ move)
            + max(move @ old_gram @ move, 0.0)
        )

    def _posterior(self, g):
        if self._derived[g] is None:
            factor = inverse_factor(self.gram[g][None], self.prior_precision)[0]
            covariance = factor.T @ factor
            mean = factor.T @ (factor @ self.moment[g])
            self._derived[g] = mean, covariance, factor, 0
        return self._derived[g]

    def mean(self, terms):
        """Posterior mean of the reward, (n_samples, n_groups)."""
        return terms @ self.coef.T

    @property
    def coef(self):
        """Posterior mean of the weights, (n_groups, n_terms)."""
        return np.stack([self._posterior(g)[0] for g in range(len(self))])

    def quadratic(self, terms):
        """Variance of the expected reward over the noise variance, (n_samples, n_groups)."""
        forms = np.empty((len(terms), len(self)))
        for g in range(len(self)):
            _, covariance, factor, _ = self._posterior(g)
            if factor is None:
                forms[:, g] = np.einsum("nt,nt->n", terms @ covariance, terms)
            else:
                forms[:, g] = quadratic_forms(factor[None], terms)[:, 0]
        return np.maximum(forms, 0.0)

    def noise(self, pooled):
        """Scale of the noise variance and degrees of freedom of the belief, (n_groups,) or (1,).

        Parameters
        ----------
        pooled : bool
            Whether the groups share one noise.
        """
        residual, weight = self.residual_square, self.weight
        if pooled:
            residual, weight = residual.sum(keepdims=True), weight.sum(keepdims=True)
        shape = _PRIOR_SHAPE + 0.5 * weight
        return (_PRIOR_SHAPE + 0.5 * residual) / shape, 2.0 * shape

    def deviates(self, n_draws):
        """Joint draws of the deviation of the weights from their mean over the noise's std.

        Returns
        -------
        deviates : ndarray of shape (n_draws, n_terms), of the first group
            The same at every call.
        """
        # Antithetic pairs have the right mean.
        half = np.random.RandomState(0).standard_normal((len(self.moment[0]), (n_draws + 1) // 2))
        normal = np.concatenate([half.T, -half.T])[:n_draws]
        _, covariance, factor, _ = self._posterior(0)
        if factor is None:
            factor = np.linalg.cholesky(covariance).T
        return normal @ factor


def _one_by_one(derived, rows, reward):
    """Update what follows from the sums by a few rounds; None where that would cost digits."""
    mean, covariance, _, updates = derived
    mean, covariance, residual = mean.copy(), covariance.copy(), 0.0
    for row, paid in zip(rows, reward, strict=True):
        square, leverage, spread = rank_one_update(mean, covariance, row, paid)
        residual += square
        updates += 1
        if max(leverage, spread) > _MAX_LEVERAGE or updates > _UPDATES_PER_TERM * len(row):
            return None, 0.0
    return (mean, covariance, None, updates), residual
