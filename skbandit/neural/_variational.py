r"""Gaussian and Student-t beliefs about weights, found by integration instead of sampling.

A model gives a score that is linear in its weights near a point, :math:`f = a + J (w - m)`. Under
:math:`w \sim N(m, S)` the score of a round is :math:`N(a, b^2)`, :math:`b^2 = J S J^\top`: all
that the evidence lower bound needs of the weights is one number a round. Where others draw this
number (local reparameterisation), here it is integrated out, so that the bound is smooth, exact to
rounding and the same at every call.

Student-t weights are a Gaussian whose precision is multiplied by a Gamma variable of mean 1. Prior
and posterior share it, so their divergence stays that of two Gaussians; the score is Student-t.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.lapack import dtrtri
from scipy.special import expit
from scipy.stats import t as student_t

# Rows whose deviates are held at once.
_BLOCK_ROWS = 4096
_SMALLEST_SCALE = 1e-6
# A network bends with its weights, which the bound does not see: it need not rise to the very end.
_MAX_HALVINGS = 5


@dataclass(frozen=True, eq=False)
class Deviates:
    """Nodes and weights that integrate over a standard Gaussian or Student-t variable.

    Parameters
    ----------
    nodes, weights : ndarray of shape (n_nodes,)
        The weights add up to 1.
    variance : float
        Of the variable.
    """

    nodes: np.ndarray
    weights: np.ndarray
    variance: float

    def mean(self, function, location, scale):
        """Average ``function`` over ``location + scale * deviate``, for each entry.

        Parameters
        ----------
        function : callable
            Maps scores and nodes to one array, or a tuple of arrays, of the scores' shape.
        location, scale : ndarray of shape (n,)

        Returns
        -------
        mean : list of ndarray of shape (n,)
        """
        parts = []
        for start in range(0, len(location), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            scores = location[rows, None] + scale[rows, None] * self.nodes
            parts.append([value @ self.weights for value in function(scores, rows)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def deviates(dof=None):
    r"""Return the integration rule of a standard Gaussian, or Student-t, variable.

    The trapezoidal rule converges geometrically for integrands that are analytic and fade at both
    ends (Trefethen and Weideman 2014); :math:`\sinh` brings the tails of the Student t to that.

    Parameters
    ----------
    dof : float > 2, default=None
        Degrees of freedom; None is Gaussian.

    Returns
    -------
    rule : Deviates

    References
    ----------
    L. N. Trefethen and J. A. C. Weideman (2014). The exponentially convergent trapezoidal rule.
    SIAM Review 56(3), 385-458.
    """
    if dof is None:
        nodes = np.arange(-42, 43) * 0.2
        weights = np.exp(-0.5 * nodes**2)
        return Deviates(nodes, weights / weights.sum(), 1.0)
    # The second moment's tail fades as exp(-(dof - 2) u).
    reach = min(5.0 + 30.0 / (dof - 2.0), 60.0)
    steps = np.linspace(-reach, reach, 2 * int(np.ceil(reach / 0.125)) + 1)
    nodes = np.sinh(steps)
    weights = student_t.pdf(nodes, dof) * np.cosh(steps)
    weights /= weights.sum()
    keep = weights * (1.0 + nodes**2) > 1e-18
    nodes, weights = nodes[keep], weights[keep]
    return Deviates(nodes, weights / weights.sum(), dof / (dof - 2.0))


def bernoulli_mean(rule, location, scale):
    r"""Mean and standard deviation of :math:`\sigma(z)`, where z has the given law.

    Parameters
    ----------
    rule : Deviates
    location, scale : ndarray of one shape

    Returns
    -------
    mean, std : ndarray of the shape of `location`
    """

    def moments(scores, rows):
        chance = expit(scores)
        return chance, (chance - expit(location.ravel()[rows, None])) ** 2

    mean, square = rule.mean(moments, location.ravel(), scale.ravel())
    offset = mean - expit(location.ravel())
    variance = np.maximum(square - offset**2, 0.0)
    return mean.reshape(location.shape), np.sqrt(variance).reshape(location.shape)


@dataclass(frozen=True, eq=False)
class BernoulliTerm:
    r"""Rewards in [0, 1] whose mean is the logistic function of the score.

    A reward y of weight n stands for n trials of which y n succeeded.
    """

    reward: np.ndarray
    weight: np.ndarray

    def renewed(self, rule, location, scale):
        """The term itself: it has nothing to learn."""
        return self

    def expect(self, rule, location, scale):
        r"""Return the expected log-likelihood with its slope and curvature.

        With :math:`z = a + b \epsilon` the slope is :math:`n (y - E \sigma(z))` and the curvature
        :math:`n E[\sigma(z) \epsilon] / b`, which is :math:`n E \sigma'(z)` for a Gaussian deviate
        (Stein).

        Returns
        -------
        value : float
        slope, curvature : ndarray of shape (n,)
        """
        scale = np.maximum(scale, _SMALLEST_SCALE)

        def moments(scores, rows):
            chance = expit(scores)
            # log(1 + exp(z)) = log(sigma(z)) + z - ..., written without overflow.
            softplus = np.maximum(scores, 0.0) + np.log1p(np.exp(-np.abs(scores)))
            # Taking the chance at the centre off saves the digits of a narrow belief.
            tilt = (chance - expit(location[rows, None])) * rule.nodes
            return softplus, chance, tilt

        softplus, chance, tilt = rule.mean(moments, location, scale)
        value = float(self.weight @ (self.reward * location - softplus))
        return value, self.weight * (self.reward - chance), self.weight * tilt / scale


@dataclass(frozen=True, eq=False)
class GaussianTerm:
    """Rewards that are the score plus Gaussian noise.

    Parameters
    ----------
    reward, weight : ndarray of shape (n,)
    variance : float
        Of the noise.
    variance_given : callable, default=None
        The variance as a function of the expected residual sum of squares; None keeps it. Noise
        and weights are then found in turn, under a belief that factorises over the two.
    """

    reward: np.ndarray
    weight: np.ndarray
    variance: float
    variance_given: Callable | None = None

    def renewed(self, rule, location, scale):
        """The term with the variance that best fits the scores, where it is to be learnt."""
        if self.variance_given is None:
            return self
        return replace(
            self, variance=self.variance_given(self.residual_square(rule, location, scale))
        )

    def expect(self, rule, location, scale):
        """Return the expected log-likelihood with its slope and curvature."""
        precision = self.weight / self.variance
        error = self.reward - location
        value = -0.5 * float(precision @ (error**2 + rule.variance * scale**2))
        return value, precision * error, rule.variance * precision

    def residual_square(self, rule, location, scale):
        """Return the weighted sum of the expected squared errors."""
        error = self.reward - location
        return float(self.weight @ (error**2 + rule.variance * scale**2))


@dataclass(frozen=True, eq=False)
class Belief:
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
        prior : Belief
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
    prior : Belief
    linearize : callable
        Maps weights to the scores of the rounds, (n,), and their Jacobian, (n, n_weights).
    term : BernoulliTerm or GaussianTerm
    rule : Deviates
    max_iter : int
    tol : float
        Stop when a step would move no weight by more than this many of its standard deviations.

    Returns
    -------
    belief : Belief
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
        target = Belief.of(belief.mean, prior.precision + gain)
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
        widened = np.abs(new_scale - scale) / np.maximum(scale, _SMALLEST_SCALE)
        belief, location, jacobian, scale = proposal, new_location, new_jacobian, new_scale
        if moved.max(initial=0.0) <= tol and widened.max(initial=0.0) <= tol:
            break
    term = term.renewed(rule, location, scale)
    _, _, curvature = term.expect(rule, location, scale)
    _, gain = _gain(jacobian, curvature, diagonal)
    belief = Belief.of(belief.mean, prior.precision + gain)
    return belief, gain, (location, belief.scale(jacobian))


def _between(belief, target, size, step):
    """Move a share of the way to the target's precision, and of the step of the mean."""
    mean = belief.mean + size * step
    if size == 1.0:
        return replace(target, mean=mean)
    return Belief.of(mean, (1.0 - size) * belief.precision + size * target.precision)


def _gain(jacobian, curvature, diagonal):
    """What the rounds add to the precision, never negative, and a root of it."""
    root = np.sqrt(np.maximum(curvature, 0.0))[:, None] * jacobian
    return root, np.einsum("np,np->p", root, root) if diagonal else root.T @ root


def marginal_belief(belief, kept):
    """Forget all weights but some: the marginal of the belief, over those alone.

    Parameters
    ----------
    belief : Belief
        With a full precision.
    kept : ndarray of int

    Returns
    -------
    belief : Belief
    """
    covariance = belief.covariance()[np.ix_(kept, kept)]
    precision = np.linalg.inv(covariance)
    return Belief.of(belief.mean[kept], 0.5 * (precision + precision.T))
