r"""Weights that come from a distribution which the groups themselves tell: empirical Bayes.

The weights of group a are :math:`\theta_{aj} \sim N(\mu_j, \sigma^2 v_j)`, independently, where
:math:`\sigma^2` is the variance of the noise (1 where rounds add natural parameters without one).
With the prior precision :math:`\lambda` and the prior mean :math:`c_j` (the location for the
constant, 0 for all else), :math:`\mu_j \sim N(c_j, \sigma^2 w_j)`, and both variances are believed
to be :math:`1 / 2 \lambda`: before any round a weight is :math:`N(c_j, \sigma^2 / \lambda)`, as it
is without a hierarchy. Of :math:`v_j` one group has said so; :math:`w_j` is found along with the
mean, which makes a Cauchy distribution of it, so that a mean far from :math:`c_j` (features that
tell much, little noise) stays where the groups say it lies. Means and variances are found by
expectation maximisation from what rounds have added to the groups' natural parameters (D. V.
Lindley and A. F. M. Smith, 1972, Bayes estimates for the linear model). That finds the mode of the
variances. What is believed of a group is wider, as Student's t is: n groups lie about their own
mean, with n - 1 degrees of freedom, and so closely by chance; their squared departures count
:math:`(n + 2) / (n - 1)` times.

Noise that is learnt is taken as that of all groups together while the distribution is looked for.
Given that distribution, :math:`\sigma^2` is where the likelihood of all rewards is highest, the
weights and their mean integrated out: what is left of the squares of all rounds, and of the
priors, over their number (the step that C. Liu and D. B. Rubin, 1994, add to expectation
maximisation). The rewards' own variance counts as two rounds, as it does without a hierarchy.
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import inverse_factor, posterior_mean
from ._base import PRIOR_ROUNDS
from ._full import FullRegression
from ._sums import add_constant

# Of so many groups the prior stands for what is believed about the spread between groups.
_PRIOR_GROUPS = 1.0
_N_STEPS = 12


class Hyperprior(NamedTuple):
    """The distribution of the groups' weights."""

    mean: np.ndarray  # (n_terms,), where the constant's counts from the reference on
    scale: np.ndarray  # (n_terms,), deviation over that of the prior without a hierarchy


def estimated(gram, moment, center, prior_precision, noise=None):
    """Find the distribution of groups' weights.

    Parameters
    ----------
    gram : ndarray of shape (n_groups, n_terms, n_terms)
        Of the groups that have learnt.
    moment : ndarray of shape (n_groups, n_terms)
    center : ndarray of shape (n_terms,)
    prior_precision : float
    noise : callable, default=None
        Returns the variance of the noise, given the groups' weights, their mean, their variance
        and that of the mean, over that of the noise. None: it is 1.

    Returns
    -------
    mean : ndarray of shape (n_terms,)
    variance : ndarray of shape (n_terms,)
        Of another group about the mean, over that of the noise.
    error : ndarray of shape (n_terms,)
        Variance of what is believed about the mean, over that of the noise.
    """
    half = 0.5 / prior_precision
    n_groups, n_terms = moment.shape
    variance = np.full(n_terms, half)
    if n_groups == 0:
        return center.copy(), variance, variance
    # From where the mean would lie if all groups were one: from the center, a mean far from it
    # would be taken for a spread.
    pull = moment.sum(axis=0) - gram.sum(axis=0) @ center
    mean = center + posterior_mean(gram.sum(axis=0), pull, prior_precision)
    unit, width = 1.0, np.inf
    for _ in range(_N_STEPS):
        # Over the deviations between groups matrices keep their digits.
        root = np.sqrt(variance)
        inverse = _inverse(root[:, None] * gram * root)
        own = root * np.einsum("gij,gj->gi", inverse, root * (moment - gram @ mean))
        spread = np.maximum(np.einsum("gii->gi", inverse), 0.0) * variance
        if noise is not None:
            # Without any noise all weights are where their mean is, and that at the center.
            unit = noise(mean + own, mean, variance, width) or 1.0
        # Student's t of one degree of freedom, its scale twice the variance of the prior.
        width = half + 0.5 * (mean - center) ** 2 / unit
        away = np.sum(own**2, axis=0) / unit
        square = _PRIOR_GROUPS * half + spread.sum(axis=0)
        variance = (square + away) / (_PRIOR_GROUPS + n_groups)
        pull = (mean + own).sum(axis=0) / variance
        mean = (center / width + pull) / (1.0 / width + n_groups / variance)
    error = 1.0 / (1.0 / width + n_groups / variance)
    # The variance of Student's t of n + 1 degrees of freedom, from sums with n - 1 of them.
    ahead = (n_groups + 2.0) / max(n_groups - 1.0, 0.5)
    return mean, (square + ahead * away) / (_PRIOR_GROUPS + n_groups), error


def _inverse(gram):
    """Inverses of I plus each matrix."""
    try:
        return np.linalg.inv(gram + np.eye(gram.shape[-1]))
    except np.linalg.LinAlgError:
        # Rounding has left one singular: features differ in scale by more than their digits.
        factor = inverse_factor(gram, 1.0)
        return np.matmul(factor.transpose(0, 2, 1), factor)


class HierarchicalRegression(FullRegression):
    """Weights of its own for every group, from a distribution that all groups teach.

    What is kept are the sums of a :class:`FullRegression`, with residual squares under its prior;
    the distribution is found from them when it is first asked for. Beliefs are those of a
    regression on the weights' departures from that distribution's mean, in units of its
    deviations.
    """

    # Of the rewards, where it is not learnt.
    noise_variance = 1.0

    @classmethod
    def empty(cls, n_groups, n_features, *, noise_variance=1.0, **settings):
        """Return the regression before any round.

        Parameters
        ----------
        n_groups, n_features : int
        noise_variance : float, default=1.0
            In squared units of the reward, where it is known; learnt noise has no use for it.
        **settings
            See :meth:`FullRegression.empty`.
        """
        new = super().empty(n_groups, n_features, **settings)
        return new._changed(noise_variance=float(noise_variance))

    @property
    def hyperprior(self):
        """The distribution of the groups' weights."""
        known = self._derived.get("hyperprior")
        if known is None:
            seen = np.flatnonzero(self.weight > 0.0)
            center = np.zeros(self.n_terms)
            if self.intercept:
                center[0] = self._offset
            gram = np.array([self.gram[group] for group in seen])
            gram = gram.reshape(len(seen), self.n_terms, self.n_terms)
            noise = self._common_noise(seen, gram, center)
            mean, variance, error = estimated(
                gram, self.moment[seen], center, self.prior_precision, noise
            )
            # A group that is new does not know the mean either.
            scale = np.sqrt((variance + error) * self.prior_precision)
            known = self._derived["hyperprior"] = Hyperprior(mean, scale)
        return known

    def _common_noise(self, seen, gram, center):
        """The variance of the noise of all groups, as :func:`estimated` asks for it."""
        if not self.learns_noise:
            return lambda own, mean, variance, width: self.noise_variance
        total = self.weight.sum()
        prior = PRIOR_ROUNDS * self._spread(total)

        def variance_of_noise(own, mean, variance, width):
            left = self._residual_under(seen, gram, own, mean, variance).sum()
            left += np.sum((mean - center) ** 2 / width)
            return (prior + left) / (PRIOR_ROUNDS + total)

        return variance_of_noise

    def _residual_under(self, groups, gram, own, mean, variance):
        """Residual sums of squares of groups whose weights are found under another prior."""
        lam, move = self.prior_precision, own - self._own_coef()[groups]
        # Rounding can leave a matrix of products with a direction below zero.
        data = np.maximum(_forms(gram, move), 0.0)
        change = lam * np.sum(move**2 - own**2, axis=1)
        change = change + np.sum((own - mean) ** 2 / variance, axis=1)
        return np.maximum(self.residual_square[groups] + data + change, 0.0)

    def _whitened(self):
        """The regression on departures, without a constant of its own."""
        white = self._derived.get("whitened")
        if white is None:
            mean, scale = self.hyperprior
            gram = np.stack(self.gram)
            white = FullRegression._of(
                gram=tuple(scale[:, None] * gram * scale),
                moment=scale * (self.moment - gram @ mean),
                weight=self.weight,
                locates=False,
                reference=0.0,
                reward_sum=self.reward_sum,
                reward_square=None,
                residual_square=None,
                prior_precision=self.prior_precision,
                intercept=False,
                learns_noise=False,
            )
            self._derived["whitened"] = white
        return white

    # ----------------------------------------------------------------- belief
    def _hierarchical_coef(self):
        """Posterior mean of the weights, from the reference on."""
        mean, scale = self.hyperprior
        return mean + scale * self._whitened().coef

    @property
    def coef(self):
        """Posterior mean of the weights, (n_groups, n_terms)."""
        coef = self._derived.get("hierarchical_coef")
        if coef is None:
            coef = self._hierarchical_coef()
            if self.intercept:
                coef[:, 0] += self.reference or 0.0
            self._derived["hierarchical_coef"] = coef
        return coef

    @property
    def located_residual_square(self):
        """Residual sum of squares under the distribution of the weights, for each noise."""
        residual = self._derived.get("hierarchical_residual")
        if residual is None:
            mean, scale = self.hyperprior
            residual = self._residual_under(
                slice(None),
                np.stack(self.gram),
                self._hierarchical_coef(),
                mean,
                scale**2 / self.prior_precision,
            )
            self._derived["hierarchical_residual"] = residual
        return residual

    def quadratic(self, rows, group=None):
        """Variance of the expected reward; see :meth:`FullRegression.quadratic`."""
        design = add_constant(rows, self.intercept) * self.hyperprior.scale
        return self._whitened().quadratic(design, group)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, (n_draws, n_terms)."""
        return self._whitened().weight_deviations(group, n_draws) * self.hyperprior.scale

    @property
    def factors(self):
        """Factors F of the covariances, F.T @ F, one a group."""
        return [factor * self.hyperprior.scale for factor in self._whitened().factors]

    @property
    def covariance(self):
        """Covariance of the weights, (n_groups, n_terms, n_terms)."""
        scale = self.hyperprior.scale
        return scale[:, None] * self._whitened().covariance * scale

    @property
    def precision(self):
        """The inverse of the covariance, (n_groups, n_terms, n_terms)."""
        precision = np.stack(self.gram)
        np.einsum("gii->gi", precision)[:] += self.prior_precision / self.hyperprior.scale**2
        return precision

    # --------------------------------------------------------------- carrying
    def carried(self, *, noise_variance=None, **changes):
        """Return what is known, for other groups, features or another prior.

        Parameters
        ----------
        noise_variance : float, default=None
            None: the same.
        **changes
            See :meth:`FullRegression.carried`.
        """
        new = super().carried(**changes)
        if noise_variance is None or noise_variance == new.noise_variance:
            return new
        return new._changed(noise_variance=float(noise_variance))

    def _without(self, dropped):
        """Forget terms, under the distribution of now."""
        mean, scale = self.hyperprior
        white = self._whitened()._without(dropped)
        # Back to what adds up: where a term has gone there is nothing.
        gram = [one / scale / scale[:, None] for one in white.gram]
        stays = ~np.isin(np.arange(self.n_terms), dropped)
        kept = np.where(stays, mean, 0.0)
        moment = [b / scale + one @ kept for b, one in zip(white.moment, gram, strict=True)]
        new = self._changed(gram=tuple(gram), moment=np.stack(moment))
        if not self.learns_noise:
            return new
        # The least that the quadratic can be is what it was; from there to the prior of the sums.
        weights, precision = new._own_coef(), self.prior_precision * stays / scale**2
        move = weights - self._hierarchical_coef()
        change = np.sum(precision * (move**2 - (weights - mean) ** 2), axis=1)
        change += self.prior_precision * np.sum(weights**2, axis=1)
        data = np.maximum(_forms(np.stack(gram), move), 0.0)
        residual = self.located_residual_square + data + change
        return new._with_residual(np.maximum(residual, 0.0))


def _forms(gram, vectors):
    """Each group's quadratic form of its vector."""
    return np.einsum("gi,gi->g", vectors, np.matmul(gram, vectors[:, :, None])[:, :, 0])
