r"""Bayesian linear regression on sufficient statistics: arrays in, arrays out.

Weights have the prior :math:`\theta \sim N(0, \sigma^2 \lambda^{-1} I)` and rewards are
:math:`r = x^\top \theta + N(0, \sigma^2)`. With the Gram matrix :math:`G = \sum w x x^\top` and
the moment :math:`b = \sum w r x` the posterior is :math:`N(A^{-1} b, \sigma^2 A^{-1})`,
:math:`A = \lambda I + G`. Matrices carry a leading axis, one group (arm) each.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtri
from scipy.special import gammaincinv


def _equilibrated_factor(gram, prior_precision):
    """Inverse factor of a matrix that rounding has left indefinite: clip its eigenvalues.

    The matrix holds the prior, so neither its diagonal nor its eigenvalues lie below that.
    """
    precision = _precision(gram, prior_precision)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(precision), prior_precision))
    values, vectors = np.linalg.eigh(precision * scale * scale[:, None])
    resolution = len(values) * np.finfo(np.float64).eps * values[-1]
    floor = max(resolution, prior_precision * np.min(scale) ** 2)
    return (vectors / np.sqrt(np.maximum(values, floor))).T * scale


def inverse_factor(gram, prior_precision):
    r"""Factor the inverse of :math:`A = \lambda I + G`.

    Parameters
    ----------
    gram : ndarray of shape (n_groups, n_terms, n_terms), or as many matrices
    prior_precision : float

    Returns
    -------
    factor : ndarray of shape (n_groups, n_terms, n_terms)
        :math:`W` with :math:`W^\top W = A^{-1}`, so that :math:`x^\top A^{-1} x = \|W x\|^2` is
        never negative.
    """
    factor = np.empty((len(gram), *gram[0].shape))
    for group, matrix in enumerate(gram):
        cholesky = _cholesky(matrix, prior_precision)
        if cholesky is None:
            factor[group] = _equilibrated_factor(matrix, prior_precision)
        else:
            factor[group] = dtrtri(cholesky, lower=1, overwrite_c=1)[0]
    return factor


def _precision(gram, prior_precision):
    precision = gram.copy()
    np.einsum("ii->i", precision)[:] += prior_precision
    return precision


def _cholesky(gram, prior_precision):
    """Cholesky factor of the precision; None where rounding has left it indefinite."""
    # LAPACK reads columns: the upper triangle of the transposed (same) matrix.
    precision = _precision(gram, prior_precision).T
    cholesky, failed = dpotrf(precision, lower=1, overwrite_a=1, clean=1)
    return None if failed else cholesky


def mean_and_factor(gram, moment, prior_precision):
    """Posterior mean of the weights of one group, and the factor of :func:`inverse_factor`.

    Parameters
    ----------
    gram : ndarray of shape (n_terms, n_terms)
    moment : ndarray of shape (n_terms,)
    prior_precision : float

    Returns
    -------
    mean : ndarray of shape (n_terms,)
    factor : ndarray of shape (n_terms, n_terms)
    """
    cholesky = _cholesky(gram, prior_precision)
    if cholesky is None:
        factor = _equilibrated_factor(gram, prior_precision)
        return factor.T @ (factor @ moment), factor
    mean = dpotrs(cholesky, moment, lower=1)[0]
    return mean, dtrtri(cholesky, lower=1, overwrite_c=1)[0]


def posterior_mean(gram, moment, prior_precision):
    """Posterior mean of the weights of one group, without forming an inverse.

    Parameters
    ----------
    gram : ndarray of shape (n_terms, n_terms)
    moment : ndarray of shape (n_terms,)
    prior_precision : float

    Returns
    -------
    mean : ndarray of shape (n_terms,)
    """
    cholesky = _cholesky(gram, prior_precision)
    if cholesky is None:
        factor = _equilibrated_factor(gram, prior_precision)
        return factor.T @ (factor @ moment)
    return dpotrs(cholesky, moment, lower=1)[0]


def apply_factor(factor, vectors):
    """Return ``W.T @ W @ v`` for each group's vector."""
    inner = np.matmul(factor, vectors[..., None])
    return np.matmul(factor.transpose(0, 2, 1), inner)[..., 0]


def hybrid_posterior(factor, moment, prior_precision):
    r"""Posterior of shared plus per-arm weights from per-arm statistics.

    The weights of arm a are :math:`u_a = \beta + \delta_a` with
    :math:`\beta, \delta_a \sim N(0, \sigma^2 \lambda^{-1} I)`. Eliminating :math:`\delta_a` from
    the joint precision (Li et al. 2010, algorithm 2, with :math:`z = x`) leaves for :math:`\beta`
    the precision :math:`\lambda I + \sum_a (G_a - G_a A_a^{-1} G_a)`; with
    :math:`G_a = A_a - \lambda I` the difference of large matrices becomes
    :math:`\lambda I - \lambda^2 A_a^{-1}`.

    Parameters
    ----------
    factor : ndarray of shape (n_arms, n_terms, n_terms)
        From :func:`inverse_factor`.
    moment : ndarray of shape (n_arms, n_terms)
    prior_precision : float

    Returns
    -------
    shared_mean : ndarray of shape (n_terms,)
    shared_factor : ndarray of shape (n_terms, n_terms)
        Its product with itself, transposed first, is the covariance of the shared weights over the
        noise variance.
    mean : ndarray of shape (n_arms, n_terms)
        Of :math:`u_a`.

    See Also
    --------
    hybrid_factor : Factors of the covariance of :math:`u_a`.

    References
    ----------
    L. Li, W. Chu, J. Langford and R. E. Schapire (2010). A contextual-bandit approach to
    personalized news article recommendation. WWW, algorithm 2.
    """
    lam = prior_precision
    n_terms = moment.shape[1]
    inverse = np.matmul(factor.transpose(0, 2, 1), factor)
    eliminated = (lam * np.eye(n_terms) - lam**2 * inverse).sum(axis=0)
    shared_factor = inverse_factor(eliminated[None], lam)[0]
    pull = lam * apply_factor(factor, moment).sum(axis=0)
    shared_mean = shared_factor.T @ (shared_factor @ pull)
    mean = apply_factor(factor, moment + lam * shared_mean)
    return shared_mean, shared_factor, mean


def hybrid_factor(factor, shared_factor, prior_precision):
    r"""Factor the covariance of every arm's weights, its own and the shared part together.

    Over the noise variance it is :math:`A_a^{-1}`, plus what the shared weights' uncertainty adds.

    Parameters
    ----------
    factor : ndarray of shape (n_arms, n_terms, n_terms)
        From :func:`inverse_factor`.
    shared_factor : ndarray of shape (n_terms, n_terms)
        From :func:`hybrid_posterior`.
    prior_precision : float

    Returns
    -------
    factor : ndarray of shape (n_arms, n_terms, n_terms)
        Its product with itself, transposed first, is the covariance.
    """
    inverse = np.matmul(factor.transpose(0, 2, 1), factor)
    spread = prior_precision * np.matmul(shared_factor, inverse)
    # The triangle of both parts on top of each other has the sum of their products, and needs no
    # covariance that rounding may have left indefinite.
    return np.linalg.qr(np.concatenate([factor, spread], axis=1), mode="r")


def quadratic_forms(factor, rows):
    """Return ``x.T @ W.T @ W @ x`` for all rows and groups.

    Parameters
    ----------
    factor : ndarray of shape (n_groups, n_terms, n_terms)
    rows : ndarray of shape (n_samples, n_terms)

    Returns
    -------
    forms : ndarray of shape (n_samples, n_groups)
    """
    n_groups, n_terms, _ = factor.shape
    # One product for all groups keeps BLAS busy at small n_terms.
    image = rows @ factor.reshape(n_groups * n_terms, n_terms).T
    image = image.reshape(len(rows), n_groups, n_terms)
    return np.einsum("ngt,ngt->ng", image, image)


class RowUpdate(NamedTuple):
    """One group's posterior after one more round; see :func:`condition_on_row`."""

    mean: np.ndarray
    covariance: np.ndarray
    residual_square: float
    leverage: float
    spread: float


def condition_on_row(mean, covariance, row, reward):
    """Condition one group's posterior on one more round (Sherman-Morrison).

    Parameters
    ----------
    mean : ndarray of shape (n_terms,)
    covariance : ndarray of shape (n_terms, n_terms)
        Over the noise variance.
    row : ndarray of shape (n_terms,)
    reward : float

    Returns
    -------
    mean, covariance : ndarray
        New arrays.
    residual_square : float
        The squared prediction error over ``1 + x.T @ covariance @ x``: by this much the residual
        sum of squares of the posterior grows, exactly.
    leverage : float
        ``x.T @ covariance @ x`` before the update; a large one costs digits of the covariance.
    spread : float
        The same without the correlations, ``sum(x**2 * diag(covariance))``. The rounding of the
        leverage grows with it: if it is far larger, the terms cancel.
    """
    image = covariance @ row
    spread = float(covariance.diagonal() @ (row * row))
    # Cancellation can leave a sum below zero.
    leverage = max(float(image @ row), 0.0)
    error = reward - float(mean @ row)
    growth = 1.0 + leverage
    new_mean = image * (error / growth)
    new_mean += mean
    image *= growth**-0.5
    new_covariance = image[:, None] * image
    np.subtract(covariance, new_covariance, out=new_covariance)
    return RowUpdate(new_mean, new_covariance, error * error / growth, leverage, spread)


def marginal_statistics(gram, moment, prior_precision, dropped):
    r"""Statistics of the remaining terms once others are marginalised out, for one group.

    The marginal precision is the Schur complement :math:`A_{kk} - A_{kd} A_{dd}^{-1} A_{dk}`;
    taking the prior off it gives a Gram matrix again.

    Parameters
    ----------
    gram : ndarray of shape (n_terms, n_terms)
    moment : ndarray of shape (n_terms,)
    prior_precision : float
    dropped : ndarray of int
        Terms to marginalise out.

    Returns
    -------
    gram, moment : ndarrays of the same shapes, zero in the dropped terms
    """
    keep = np.setdiff1d(np.arange(len(moment)), dropped)
    factor = inverse_factor(gram[np.ix_(dropped, dropped)][None], prior_precision)[0]
    # With W.T @ W = inverse of the dropped block, what is taken off is a product with itself.
    half = factor @ gram[np.ix_(dropped, keep)]
    new_gram, new_moment = np.zeros_like(gram), np.zeros_like(moment)
    block = gram[np.ix_(keep, keep)] - half.T @ half
    # A feature whose twin is dropped has nothing left; rounding must not make it less.
    np.fill_diagonal(block, np.maximum(np.diag(block), 0.0))
    new_gram[np.ix_(keep, keep)] = block
    new_moment[keep] = moment[keep] - half.T @ (factor @ moment[dropped])
    return new_gram, new_moment


def noise_draws(variance, dof, n_draws, stream):
    """Posterior draws of the noise's standard deviation, the same at every call.

    Parameters
    ----------
    variance : float
        Known, or the scale of the belief about it.
    dof : float or None
        Degrees of freedom of that belief; None: known.
    n_draws : int
    stream : int
        Seed of the order of the draws.

    Returns
    -------
    deviations : ndarray of shape (n_draws,)
    """
    if dof is None:
        return np.full(n_draws, np.sqrt(variance))
    shape = 0.5 * dof
    # Stratified quantiles in a random order: a gamma variate is shape on average.
    stratum = np.random.RandomState(stream).permutation(n_draws)
    gamma = gammaincinv(shape, (stratum + 0.5) / n_draws)
    return np.sqrt(variance * shape / gamma)


def fade_weights(weight, forgetting, rows_per_round=1):
    r"""Weights of a block of rounds under forgetting, and what becomes of all that came before.

    A round of weight w stands for w rounds, so time moves on by w: what came before fades by
    :math:`\gamma^w`, and the w repetitions themselves add up to
    :math:`(1 - \gamma^w) / (1 - \gamma)`.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)
    forgetting : float in (0, 1)
    rows_per_round : int, default=1
        So many rows belong to one round each (a set of arms), and share its weight: time moves on
        once for all of them.

    Returns
    -------
    faded : ndarray of shape (n_samples,)
        The weight of each round at the end of the block.
    kept : float
        The factor on all earlier statistics.
    """
    log_gamma = np.log(forgetting)
    weight = weight[::rows_per_round]
    elapsed = np.cumsum(weight)
    later = elapsed[-1] - elapsed
    repetitions = np.expm1(weight * log_gamma) / np.expm1(log_gamma)
    faded = np.repeat(np.exp(later * log_gamma) * repetitions, rows_per_round)
    return faded, float(np.exp(elapsed[-1] * log_gamma))
