r"""Gaussian and Student-t beliefs about weights, and their update by integration, not sampling.

A model gives a score that is linear in its weights near a point, :math:`f = a + J (w - m)`. Under
:math:`w \sim N(m, S)` the score of a round is :math:`N(a, b^2)`, :math:`b^2 = J S J^\top`: all
that the evidence lower bound needs of the weights is one number a round. Where others draw this
number (local reparameterisation), here it is integrated out, so that the bound is smooth, exact to
rounding and the same at every call.

Student-t weights are a Gaussian whose precision is multiplied by a Gamma variable of mean 1. Prior
and posterior share it, so their divergence stays that of two Gaussians; the score is Student-t.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.lapack import dtrtri

from ._likelihoods import SMALLEST_SCALE

# A network bends with its weights, which the bound does not see: it need not rise to the very end.
_MAX_HALVINGS = 5


@dataclass(frozen=True, eq=False)
class WeightBelief:
    """A Gaussian about the weights of one group, with what its quadratic forms need.

    Parameters
    ----------
    mean : ndarray of shape (n_weights,)
    precision : ndarray of shape (n_weights, n_weights), or (n_weights,) if diagonal
    """

    mean: np.ndarray
    precision: np.ndarray
    factor: np.ndarray  # W with W.T @ W the covariance; the standard deviations if diagonal
    log_det: float  # of the precision

    @classmethod
    def of(cls, mean, precision):
        """Factor the precision; raises ``LinAlgError`` where it is not positive definite."""
        if precision.ndim == 1:
            if not (precision > 0).all():
                raise np.linalg.LinAlgError("a precision is not positive")
            return cls(mean, precision, precision**-0.5, float(np.log(precision).sum()))
        cholesky = np.linalg.cholesky(precision)
        log_det = 2.0 * float(np.log(np.diag(cholesky)).sum())
        return cls(mean, precision, np.ascontiguousarray(dtrtri(cholesky, lower=1)[0]), log_det)

    @classmethod
    def posterior(cls, prior, gram, moment):
        """Return the belief that rounds have made of a prior.

        Parameters
        ----------
        prior : tuple of ndarray of shape (n_weights,)
            Mean and precision.
        gram : ndarray of shape (n_weights, n_weights), or (n_weights,) if diagonal
            What rounds have added to the precision.
        moment : ndarray of shape (n_weights,)
            What they have added to the precision times the mean.
        """
        mean, precision = prior
        pull = precision * mean + moment
        if gram.ndim == 1:
            return cls.of(pull / (precision + gram), precision + gram)
        total = gram.copy()
        np.einsum("ii->i", total)[:] += precision
        belief = cls.of(np.zeros(len(pull)), total)
        return replace(belief, mean=belief.factor.T @ (belief.factor @ pull))

    def scale(self, jacobian):
        """Standard deviation of the scores whose gradients are the rows of `jacobian`."""
        if self.precision.ndim == 1:
            return np.sqrt((jacobian * self.factor) ** 2 @ np.ones(len(self.factor)))
        image = jacobian @ self.factor.T
        return np.sqrt(np.einsum("np,np->n", image, image))

    def weigh(self, vector):
        """The precision times a vector."""
        return self.precision * vector if self.precision.ndim == 1 else self.precision @ vector

    def std(self):
        """Standard deviation of each weight."""
        return self.factor if self.factor.ndim == 1 else np.sqrt((self.factor**2).sum(axis=0))

    def covariance(self):
        """Covariance of the weights, of the shape of the precision."""
        if self.precision.ndim == 1:
            return self.factor**2
        return self.factor.T @ self.factor

    def divergence(self, prior, root=None):
        """Kullback-Leibler divergence from a prior, but for a constant.

        Parameters
        ----------
        prior : WeightBelief
        root : ndarray of shape (n, n_weights), default=None
            Where the precision is the prior's plus ``root.T @ root``: spares a product of two
            large matrices.
        """
        shift = self.mean - prior.mean
        if self.precision.ndim == 1:
            trace = prior.precision @ self.factor**2
            square = prior.precision @ shift**2
        else:
            if root is None:
                trace = np.sum((self.factor @ prior.precision) * self.factor)
            else:
                trace = len(shift) - np.sum((root @ self.factor.T) ** 2)
            square = shift @ prior.precision @ shift
        return 0.5 * float(trace + square + self.log_det)


def _diagonal_step(prior, root, gradient):
    """Solve with a diagonal prior's precision plus that of the rounds, on the smaller side."""
    if root.shape[1] <= root.shape[0]:
        return np.linalg.solve(np.diag(prior.precision) + root.T @ root, gradient)
    # Woodbury: the system has as many equations as there are rounds.
    inverse = prior.factor**2
    wide = root * inverse
    inner = np.eye(len(root)) + wide @ root.T
    return inverse * gradient - wide.T @ np.linalg.solve(inner, wide @ gradient)


def update_belief(prior, linearize, term, rule, *, max_iter, tol):
    r"""Condition a belief on rounds: the maximum of the evidence lower bound, by Newton steps.

    At its maximum

    .. math:: S^{-1} = S_0^{-1} + J^\top H J, \qquad m = m_0 + S_0 J^\top g

    with slope g and curvature H of the expected log-likelihood at the belief itself. Each step
    moves there (a step of the natural gradient of length 1 [1]_), or half as far as often as the
    bound falls. What comes out is the next call's prior.

    Parameters
    ----------
    prior : WeightBelief
    linearize : callable
        Maps weights to the scores of the rounds, (n,), and their Jacobian, (n, n_weights).
    term : BernoulliTerm or GaussianTerm
    rule : Deviates
    max_iter : int
    tol : float
        Stop when a step would move no weight by more than this many of its standard deviations.

    Returns
    -------
    belief : WeightBelief
    gain : ndarray of the shape of the precision
        :math:`J^\top H J`, what the rounds add to the precision.
    scores : tuple of ndarray
        Location and scale of the rounds' scores under the new belief.

    References
    ----------
    .. [1] M. E. Khan and H. Rue (2023). The Bayesian learning rule. Journal of Machine Learning
       Research 24(281).
    """
    diagonal = prior.precision.ndim == 1
    belief = prior
    location, jacobian = linearize(belief.mean)
    scale = belief.scale(jacobian)
    divergence = belief.divergence(prior)
    for _ in range(max_iter):
        term = term.renewed(rule, location, scale)
        value, slope, curvature = term.expect(rule, location, scale)
        bound = value - divergence
        root, gain = _gain(jacobian, curvature, diagonal)
        target = WeightBelief.of(belief.mean, prior.precision + gain)
        gradient = jacobian.T @ slope - prior.weigh(belief.mean - prior.mean)
        if diagonal:
            step = _diagonal_step(prior, root, gradient)
        else:
            step = target.factor.T @ (target.factor @ gradient)
        size = 1.0
        for _ in range(_MAX_HALVINGS):
            proposal = _between(belief, target, size, step)
            new_location, new_jacobian = linearize(proposal.mean)
            new_scale = proposal.scale(new_jacobian)
            new_value = term.expect(rule, new_location, new_scale)[0]
            divergence = proposal.divergence(prior, root if size == 1.0 else None)
            if new_value - divergence >= bound - 1e-10 * (1.0 + abs(bound)):
                break
            size *= 0.5
        else:
            break
        moved = np.abs(size * step) / belief.std()
        widened = np.abs(new_scale - scale) / np.maximum(scale, SMALLEST_SCALE)
        belief, location, jacobian, scale = proposal, new_location, new_jacobian, new_scale
        if moved.max(initial=0.0) <= tol and widened.max(initial=0.0) <= tol:
            break
    term = term.renewed(rule, location, scale)
    _, _, curvature = term.expect(rule, location, scale)
    _, gain = _gain(jacobian, curvature, diagonal)
    belief = WeightBelief.of(belief.mean, prior.precision + gain)
    return belief, gain, (location, belief.scale(jacobian))


def _between(belief, target, size, step):
    """Move a share of the way to the target's precision, and of the step of the mean."""
    mean = belief.mean + size * step
    if size == 1.0:
        return replace(target, mean=mean)
    return WeightBelief.of(mean, (1.0 - size) * belief.precision + size * target.precision)


def _gain(jacobian, curvature, diagonal):
    """What the rounds add to the precision, never negative, and a root of it."""
    root = np.sqrt(np.maximum(curvature, 0.0))[:, None] * jacobian
    return root, np.einsum("np,np->p", root, root) if diagonal else root.T @ root
