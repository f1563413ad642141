r"""Arms whose weights come from a distribution that the arms themselves tell: empirical Bayes.

The weights of group a are :math:`\theta_{aj} \sim N(\mu_j, \tau_j^2)`, independently. With the
prior precision :math:`\lambda` and the prior mean :math:`c_j` (the location for the constant, 0
for all else), :math:`\mu_j \sim N(c_j, 1 / 2 \lambda)`, and :math:`\tau_j^2` is believed to be
:math:`1 / 2 \lambda`, as if two groups had said so: before any round a weight is
:math:`N(c_j, 1 / \lambda)`, as it is without a hierarchy. Both are found by expectation
maximisation from what rounds have added to the groups' natural parameters (D. V. Lindley and
A. F. M. Smith, 1972, Bayes estimates for the linear model).
"""

from typing import NamedTuple

import numpy as np

from .._gaussian import inverse_factor
from .._regression import FullRegression, add_constant
from ._laplace import LaplaceLearning
from ._newton import full_mode, sites

# Of so many groups the prior stands for what is believed about the spread between groups.
_PRIOR_GROUPS = 2.0
_N_STEPS = 12


class Hyperprior(NamedTuple):
    """The distribution of the groups' weights."""

    mean: np.ndarray  # (n_terms,)
    scale: np.ndarray  # (n_terms,), deviation over that of the prior without a hierarchy


def estimated(gram, moment, center, prior_precision):
    """Find the distribution of groups' weights.

    Parameters
    ----------
    gram : ndarray of shape (n_groups, n_terms, n_terms)
        Of the groups that have learnt.
    moment : ndarray of shape (n_groups, n_terms)
    center : ndarray of shape (n_terms,)
    prior_precision : float

    Returns
    -------
    mean : ndarray of shape (n_terms,)
    variance : ndarray of shape (n_terms,)
        Between groups.
    error : ndarray of shape (n_terms,)
        Variance of what is believed about the mean.
    """
    half = 0.5 / prior_precision
    n_groups, n_terms = moment.shape
    mean, variance = center.copy(), np.full(n_terms, half)
    for _ in range(_N_STEPS if n_groups else 0):
        # Over the deviations between groups matrices keep their digits.
        root = np.sqrt(variance)
        inverse = _inverse(root[:, None] * gram * root)
        pull = moment - gram @ mean
        own = mean + root * np.einsum("gij,gj->gi", inverse, root * pull)
        spread = np.maximum(np.einsum("gii->gi", inverse), 0.0) * variance
        square = np.sum((own - mean) ** 2 + spread, axis=0)
        variance = (_PRIOR_GROUPS * half + square) / (_PRIOR_GROUPS + n_groups)
        known = n_groups / variance
        mean = (center / half + own.sum(axis=0) / variance) / (1.0 / half + known)
    return mean, variance, 1.0 / (1.0 / half + n_groups / variance)


def _inverse(gram):
    """Inverses of I plus each matrix."""
    try:
        return np.linalg.inv(gram + np.eye(gram.shape[-1]))
    except np.linalg.LinAlgError:
        # Rounding has left one singular: features differ in scale by more than their digits.
        factor = inverse_factor(gram, 1.0)
        return np.matmul(factor.transpose(0, 2, 1), factor)


class HierarchicalLaplace(LaplaceLearning, FullRegression):
    """Weights of its own for every group, from a distribution that all groups teach.

    Beliefs are those of a regression on the weights' departures from that distribution's mean, in
    units of its deviations.
    """

    @property
    def hyperprior(self):
        """The distribution of the groups' weights."""
        known = self._derived.get("hyperprior")
        if known is None:
            seen = np.flatnonzero(self.weight > 0.0)
            center = np.zeros(self.n_terms)
            if self.intercept:
                center[0] = self.location
            gram = np.array([self.gram[group] for group in seen])
            gram = gram.reshape(len(seen), self.n_terms, self.n_terms)
            mean, variance, error = estimated(
                gram, self.moment[seen], center, self.prior_precision
            )
            # A group that is new does not know the mean either.
            scale = np.sqrt((variance + error) * self.prior_precision)
            known = self._derived["hyperprior"] = Hyperprior(mean, scale)
        return known

    def _whitened(self):
        """The regression on departures, without a constant of its own."""
        white = self._derived.get("whitened")
        if white is None:
            mean, scale = self.hyperprior
            pull = [b - gram @ mean for b, gram in zip(self.moment, self.gram, strict=True)]
            white = FullRegression._of(
                gram=tuple(scale[:, None] * gram * scale for gram in self.gram),
                moment=scale * np.stack(pull),
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

    # --------------------------------------------------------------- learning
    def _at_modes(self, old, opened, forgetting):
        mean, scale = old.hyperprior
        learnt, converged = {}, True
        starts = old._whitened().coef
        for group, own in opened.items():
            if own.is_due or self._is_full(own, forgetting):
                own, gram, moment = own.together(), own.gram, own.moment
            else:
                gram, moment = self.gram[group], self.moment[group]
            rows = own.parts[-1]
            at_mean = rows.design @ mean
            white = rows._replace(
                design=rows.design * scale,
                offset=at_mean if rows.offset is None else at_mean + rows.offset,
            )
            mode, reached = full_mode(
                self.likelihood,
                white,
                scale[:, None] * gram * scale,
                scale * (moment - gram @ mean),
                prior_precision=self.prior_precision,
                prior_mean=0.0,
                start=starts[group],
            )
            converged &= reached
            added = sites(self.likelihood, rows, mean + scale * mode)
            learnt[group] = own, gram + added.gram, moment + added.moment
        return self._after(learnt, converged, forgetting)

    # ----------------------------------------------------------------- belief
    @property
    def coef(self):
        """Posterior mean of the weights, (n_groups, n_terms)."""
        coef = self._derived.get("hierarchical_coef")
        if coef is None:
            mean, scale = self.hyperprior
            coef = self._derived["hierarchical_coef"] = mean + scale * self._whitened().coef
        return coef

    def quadratic(self, rows, group=None):
        """Variance of the score; see :meth:`skbandit._regression.FullRegression.quadratic`."""
        design = add_constant(rows, self.intercept) * self.hyperprior.scale
        return self._whitened().quadratic(design, group)

    def weight_deviations(self, group, n_draws):
        """Draws of how far a group's weights lie from their mean, (n_draws, n_terms)."""
        return self._whitened().weight_deviations(group, n_draws) * self.hyperprior.scale

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
    def _without(self, dropped):
        """Forget terms, under the distribution of now."""
        mean, scale = self.hyperprior
        white = self._whitened()._without(dropped)
        # Back to what adds up: where a term has gone there is nothing.
        gram = [one / scale / scale[:, None] for one in white.gram]
        kept = np.where(np.isin(np.arange(self.n_terms), dropped), 0.0, mean)
        moment = [b / scale + one @ kept for b, one in zip(white.moment, gram, strict=True)]
        return self._changed(gram=tuple(gram), moment=np.stack(moment))
