r"""The mode of a Gaussian prior times a likelihood, by Newton's method with step halving.

The prior of the weights is kept as a precision :math:`P` and a linear term :math:`h`,

.. math::

   F(\theta) = \tfrac{1}{2} \theta^\top P \theta - h^\top \theta
   - \sum_i w_i \, \ell(y_i, x_i^\top \theta + o_i),

whose last part is concave in :math:`\theta`: F has one minimum, and a step along Newton's
direction that lowers F enough always exists. So nothing diverges, on separable rounds or on
rewards that are all alike.

With :math:`g` the slope at :math:`\theta` and :math:`H` the matrix of second derivatives, Newton's
decrement :math:`d^2 = g^\top H^{-1} g` is the squared distance to the minimum in units of the
posterior's standard deviations. It ends where :math:`d^2` is at most ``TOLERANCE``.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from .._gaussian import hybrid_posterior, inverse_factor, posterior_mean
from .._regression import squared

# Squared distance to the mode, in units of posterior standard deviations.
TOLERANCE = 1e-14
MAX_ITER = 200
# Where rounding of huge features leaves no more digits, this is close enough.
_GOOD_ENOUGH = 1e-6
_MAX_HALVINGS = 100
# A step has to lower the objective by this share of what its slope promises.
_SUFFICIENT = 1e-4
_ROUNDING = 1e-13
# Numbers of a block of rows that are scaled at once.
_BLOCK_ENTRIES = 1 << 18
# A diagonal prior: up to so many terms a matrix of their products is solved, up to so many rows
# one of the rows' products, and what is larger by conjugate gradients.
_FEW_TERMS = 64
_MAX_TERMS = 256
_MAX_DUAL_ROWS = 384
_MAX_GRADIENTS = 500
# Then the squared distance is shared by very many weights; this is for each.
_TOLERANCE_OF_EACH = 1e-13


class Rows(NamedTuple):
    """Rounds of one group.

    Parameters
    ----------
    design : ndarray or CSR of shape (n, n_terms)
        With the constant term.
    reward : ndarray of shape (n,)
    weight : ndarray of shape (n,) or None
    offset : ndarray of shape (n,) or None
        Added to the score.
    """

    design: np.ndarray | sparse.csr_array
    reward: np.ndarray
    weight: np.ndarray | None
    offset: np.ndarray | None

    def copied(self, design=None):
        """The same in arrays of its own, with the design that is given if there is one."""
        weight = None if self.weight is None else self.weight.copy()
        return Rows(
            self.design if design is None else design, self.reward.copy(), weight, self.offset
        )

    @property
    def weights(self):
        """The weights, written out."""
        return np.ones(len(self.reward)) if self.weight is None else self.weight

    def scores(self, theta):
        """Scores under these weights."""
        score = self.design @ theta
        return score if self.offset is None else score + self.offset

    def weighted(self, values):
        """Values of the rows times their weights."""
        return values if self.weight is None else values * self.weight

    def log_likelihood(self, likelihood, score):
        """Weighted sum of the log-likelihoods; minus infinity where it overflows."""
        value = float(np.add.reduce(self.weighted(likelihood.value(score, self.reward))))
        return value if value == value else -np.inf

    def terms(self, likelihood, score):
        """Weighted slopes and curvatures."""
        slope, curvature = likelihood.slope_and_curvature(score, self.reward)
        return self.weighted(slope), self.weighted(curvature)


def joined(parts):
    """Rows one after the other; their designs are arrays."""
    weight = offset = None
    if any(part.weight is not None for part in parts):
        weight = np.concatenate([part.weights for part in parts])
    if any(part.offset is not None for part in parts):
        offsets = (np.zeros(len(p.reward)) if p.offset is None else p.offset for p in parts)
        offset = np.concatenate(list(offsets))
    design = np.concatenate([part.design for part in parts])
    return Rows(design, np.concatenate([part.reward for part in parts]), weight, offset)


class Sites(NamedTuple):
    """What rows add to the natural parameters of a Gaussian belief."""

    gram: np.ndarray  # (n_terms, n_terms), or (n_terms,) where the diagonal is kept
    moment: np.ndarray  # (n_terms,)


def weighted_gram(design, weight):
    """Sum of the products of the terms, with weights that may be zero."""
    n_terms = design.shape[1]
    size = max(1, _BLOCK_ENTRIES // max(n_terms, 1))
    gram = np.zeros((n_terms, n_terms))
    root = np.sqrt(weight)
    for start in range(0, len(root), size):
        part = slice(start, start + size)
        # The product of an array with its own transpose runs as syrk: half the operations.
        scaled = design[part] * root[part, None]
        gram += scaled.T @ scaled
    return gram


def sites(likelihood, rows, theta):
    """The quadratic that touches the log-likelihood of rows at these weights."""
    score = rows.scores(theta)
    slope, curvature = rows.terms(likelihood, score)
    own = score if rows.offset is None else score - rows.offset
    gram = weighted_gram(rows.design, curvature)
    return Sites(gram, rows.design.T @ (slope + curvature * own))


class _Objective:
    """What the search needs of a problem; the weights are one vector or a tuple of arrays."""

    tolerance = TOLERANCE

    def value(self, theta):
        raise NotImplementedError

    def direction(self, theta):
        """Newton's direction and the squared decrement."""
        raise NotImplementedError

    def moved(self, theta, direction, step):
        return theta + step * direction


def minimize(objective, starts):
    """Return the minimum, and whether it was reached.

    Parameters
    ----------
    objective : _Objective
    starts : list
        Weights to start from: the ones of the lowest objective are taken.
    """
    values = [objective.value(start) for start in starts]
    best = int(np.argmin(values))
    theta, value = starts[best], values[best]
    before = np.inf
    for _ in range(MAX_ITER):
        direction, decrement = objective.direction(theta)
        if decrement <= objective.tolerance:
            return objective.moved(theta, direction, 1.0), True
        # Rounding leaves no more digits: steps get no shorter.
        if decrement < _GOOD_ENOUGH and decrement >= 0.25 * before:
            return theta, True
        before = decrement
        slack = _ROUNDING * (1.0 + abs(value))
        step = 1.0
        for _ in range(_MAX_HALVINGS):
            new = objective.moved(theta, direction, step)
            after = objective.value(new)
            if after <= value - _SUFFICIENT * step * decrement + slack:
                break
            step *= 0.5
        else:
            return theta, decrement < _GOOD_ENOUGH
        theta, value = new, after
    return theta, False


# ------------------------------------------------------------------------- one group, all products
class _FullObjective(_Objective):
    def __init__(self, likelihood, rows, gram, linear, prior_precision):
        self.likelihood, self.rows = likelihood, rows
        self.gram, self.linear, self.prior_precision = gram, linear, prior_precision

    def _pulled(self, theta):
        return self.gram @ theta + self.prior_precision * theta

    def value(self, theta):
        prior = 0.5 * float(theta @ self._pulled(theta)) - float(self.linear @ theta)
        return prior - self.rows.log_likelihood(self.likelihood, self.rows.scores(theta))

    def direction(self, theta):
        rows = self.rows
        slope, curvature = rows.terms(self.likelihood, rows.scores(theta))
        downhill = self.linear - self._pulled(theta) + rows.design.T @ slope
        gram = self.gram + weighted_gram(rows.design, curvature)
        direction = posterior_mean(gram, downhill, self.prior_precision)
        return direction, max(float(downhill @ direction), 0.0)


def full_mode(likelihood, rows, gram, moment, *, prior_precision, prior_mean, start):
    """Mode of one group's weights.

    Parameters
    ----------
    likelihood : Logistic or Poisson
    rows : Rows
    gram : ndarray of shape (n_terms, n_terms)
        What earlier rounds have added to the prior's precision.
    moment : ndarray of shape (n_terms,)
        What they have added to the prior's precision times its mean.
    prior_precision : float
        Of every weight.
    prior_mean : float
        Of the first weight; that of the others is 0.
    start : ndarray of shape (n_terms,)

    Returns
    -------
    mode : ndarray of shape (n_terms,)
    converged : bool
    """
    linear = moment.copy()
    rest = np.zeros_like(moment)
    if prior_mean:
        linear[0] += prior_precision * prior_mean
        rest[0] = prior_mean
    objective = _FullObjective(likelihood, rows, gram, linear, prior_precision)
    return minimize(objective, [start, rest])


# ---------------------------------------------------------------- groups that share a part of them
class _HybridObjective(_Objective):
    """Weights (shared, own), each own row the sum of the shared ones and of a departure."""

    def __init__(self, likelihood, rows, grams, moments, prior_precision, prior_mean):
        self.likelihood, self.rows = likelihood, rows
        self.grams, self.moments = grams, moments
        self.prior_precision = prior_precision
        self.center = np.zeros(moments.shape[1])
        self.center[0] = prior_mean

    def value(self, theta):
        shared, own = theta
        value = (
            0.5
            * self.prior_precision
            * float(np.sum((shared - self.center) ** 2) + np.sum((own - shared) ** 2))
        )
        for one, gram, moment, rows in zip(own, self.grams, self.moments, self.rows, strict=True):
            value += 0.5 * float(one @ gram @ one) - float(moment @ one)
            if rows is not None:
                value -= rows.log_likelihood(self.likelihood, rows.scores(one))
        return value

    def direction(self, theta):
        shared, own = theta
        lam = self.prior_precision
        downhill_shared = lam * (self.center - shared) + lam * (own - shared).sum(axis=0)
        downhill = self.moments - lam * (own - shared)
        grams, moments = [], np.empty_like(own)
        for group, (one, gram, rows) in enumerate(zip(own, self.grams, self.rows, strict=True)):
            downhill[group] -= gram @ one
            moment = self.moments[group]
            if rows is not None:
                score = rows.scores(one)
                slope, curvature = rows.terms(self.likelihood, score)
                downhill[group] += rows.design.T @ slope
                linear = rows.design @ one
                gram = gram + weighted_gram(rows.design, curvature)
                moment = moment + rows.design.T @ (slope + curvature * linear)
            grams.append(gram)
            moments[group] = moment - gram @ self.center
        factor = inverse_factor(grams, lam)
        new_shared, _, new = hybrid_posterior(factor, moments, lam)
        direction = new_shared + self.center - shared, new + self.center - own
        decrement = float(downhill_shared @ direction[0] + np.sum(downhill * direction[1]))
        return direction, max(decrement, 0.0)

    def moved(self, theta, direction, step):
        return theta[0] + step * direction[0], theta[1] + step * direction[1]


def hybrid_mode(likelihood, rows, grams, moments, *, prior_precision, prior_mean, start):
    """Mode of the weights of groups that share a part of them.

    Parameters
    ----------
    likelihood : Logistic or Poisson
    rows : list of Rows or None
        One a group.
    grams : list of ndarray of shape (n_terms, n_terms)
    moments : ndarray of shape (n_groups, n_terms)
    prior_precision : float
        Of every shared weight, and of every departure from it.
    prior_mean : float
        Of the first shared weight.
    start : tuple of ndarray
        Shared weights and those of each group.

    Returns
    -------
    mode : ndarray of shape (n_groups, n_terms)
    converged : bool
    """
    objective = _HybridObjective(likelihood, rows, grams, moments, prior_precision, prior_mean)
    rest = objective.center, np.tile(objective.center, (len(moments), 1))
    (_, own), converged = minimize(objective, [start, rest])
    return own, converged


# ---------------------------------------------------------------------- one group, diagonal prior
class _DiagonalObjective(_Objective):
    def __init__(self, likelihood, rows, mean, precision):
        self.likelihood, self.rows = likelihood, rows
        self.mean, self.precision = mean, precision
        n_rows, n_terms = rows.design.shape
        self.solve = self._dual
        if n_terms <= _FEW_TERMS or n_terms <= min(n_rows, _MAX_TERMS):
            self.solve = self._primal
        elif n_rows > _MAX_DUAL_ROWS:
            self.solve = self._gradients
            self.tolerance = max(TOLERANCE, _TOLERANCE_OF_EACH * n_terms)
        self.kernel = None
        # Conjugate gradients want products with the transpose as often as with the rows.
        self.across = rows.design.T
        if sparse.issparse(rows.design):
            self.squares = squared(rows.design).T
        self._last = np.inf

    def value(self, theta):
        away = theta - self.mean
        prior = 0.5 * float(away @ (self.precision * away))
        return prior - self.rows.log_likelihood(self.likelihood, self.rows.scores(theta))

    def direction(self, theta):
        slope, curvature = self.rows.terms(self.likelihood, self.rows.scores(theta))
        downhill = self.precision * (self.mean - theta) + self.across @ slope
        direction = self.solve(downhill, curvature)
        decrement = max(float(downhill @ direction), 0.0)
        self._last = decrement
        return direction, decrement

    def _primal(self, downhill, curvature):
        r"""Solve :math:`(Q + Z^\top W Z) s = g` as it is."""
        design = self.rows.design
        if sparse.issparse(design):
            scaled = design.multiply(np.sqrt(curvature)[:, None]).tocsr()
            gram = (scaled.T @ scaled).toarray()
        else:
            gram = weighted_gram(design, curvature)
        least = float(self.precision.min())
        np.einsum("ii->i", gram)[:] += self.precision - least
        return posterior_mean(gram, downhill, least)

    def _dual(self, downhill, curvature):
        r"""Solve the same by a matrix of the rows' size.

        .. math:: s = Q^{-1} g - Q^{-1} Z^\top R (I + R Z Q^{-1} Z^\top R)^{-1} R Z Q^{-1} g

        with :math:`R = W^{1/2}`, which may be zero.
        """
        design = self.rows.design
        if self.kernel is None:
            if sparse.issparse(design):
                scaled = design.copy()
                scaled.data = scaled.data / self.precision[scaled.indices]
                self.kernel = (scaled @ self.across).toarray()
            else:
                self.kernel = (design / self.precision) @ self.across
        root = np.sqrt(curvature)
        matrix = self.kernel * root * root[:, None]
        np.einsum("ii->i", matrix)[:] += 1.0
        start = downhill / self.precision
        right = root * (design @ start)
        _, solved, info = lapack.dposv(matrix, right, lower=1)
        if info != 0:
            # Rounding has left it indefinite: numbers differ by more than their digits.
            values, vectors = np.linalg.eigh(matrix)
            solved = vectors @ ((vectors.T @ right) / np.maximum(values, 1.0))
        return start - (self.across @ (root * solved.ravel())) / self.precision

    def _gradients(self, downhill, curvature):
        """Solve the same by conjugate gradients, as far as Newton's method needs it."""
        design, across = self.rows.design, self.across
        if sparse.issparse(design):
            scale = 1.0 / (self.precision + self.squares @ curvature)
        else:
            scale = 1.0 / (self.precision + curvature @ (design * design))
        solution = np.zeros_like(downhill)
        residual = downhill.copy()
        ahead = scale * residual
        conjugate, square = ahead, float(residual @ ahead)
        # The last steps of Newton's method ask for more than the first ones.
        goal = square * min(1e-2, max(self._last, 1e-8))
        for _ in range(_MAX_GRADIENTS):
            if square <= goal or square <= 1e-3 * self.tolerance:
                break
            image = across @ (curvature * (design @ conjugate))
            image += self.precision * conjugate
            length = square / float(conjugate @ image)
            solution += length * conjugate
            residual -= length * image
            ahead = scale * residual
            before, square = square, float(residual @ ahead)
            conjugate = ahead + (square / before) * conjugate
        return solution


def diagonal_mode(likelihood, rows, mean, precision, start=None):
    """Mode of one group's weights under a prior of independent weights.

    Parameters
    ----------
    likelihood : Logistic or Poisson
    rows : Rows
    mean, precision : ndarray of shape (n_terms,)
        Of the prior.
    start : ndarray of shape (n_terms,), default=None

    Returns
    -------
    mode : ndarray of shape (n_terms,)
    curvature : ndarray of shape (n_terms,)
        What the rows add to the precision of each weight.
    converged : bool
    """
    objective = _DiagonalObjective(likelihood, rows, mean, precision)
    mode, converged = minimize(objective, [mean] if start is None else [mean, start])
    _, curvature = rows.terms(likelihood, rows.scores(mode))
    if sparse.issparse(rows.design):
        added = objective.squares @ curvature
    else:
        added = curvature @ (rows.design * rows.design)
    return mode, np.asarray(added).ravel(), converged
