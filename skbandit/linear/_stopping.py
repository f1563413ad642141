r"""How sure one may be that an arm is the best on average over a population of contexts.

With rewards :math:`r = \mu_a + (x - m)^\top \beta_a + \varepsilon`, m the mean of the population's
contexts, the mean reward of arm a over the population is :math:`\mu_a`. Least squares on the
arm's N rounds, with means :math:`\bar x`, :math:`\bar r` and the scatter S of the contexts about
theirs, finds

.. math:: \hat \mu_a = \bar r + (m - \bar x)^\top b_a, \qquad
          \hat \mu_a - \mu_a = \frac{1}{N} \sum_s \varepsilon_s + g^\top \sum_s z_s \varepsilon_s

with :math:`z = (1, x - c)` for any fixed c, and :math:`g = (-h^\top (\bar x - c), h)`,
:math:`h = S^+ (m - \bar x)`. The first part is a mean of noise, as of an arm without contexts: its
size follows from the mixtures of :mod:`skbandit._evidence`. The second is what it costs not to
know :math:`\beta_a`; it is of a lower order, since :math:`\bar x` tends to m. With probability
:math:`1 - \delta_2` it is, at all times at once and for all m and g,

.. math:: |g^\top \sum_s z_s \varepsilon_s| \le \|g\|_V \, \sigma_a
          \sqrt{2 \log \frac{1}{\delta_2} + \log \frac{\det V}{\det \Lambda}}, \qquad
          V = \Lambda + \sum_s z_s z_s^\top

(Abbasi-Yadkori, Pal and Szepesvari 2011, theorem 1), with :math:`\Lambda` a multiple of the
identity. Of several such bounds, each with its part of :math:`\delta_2`, the least holds. All hold
for subgaussian noise, however arms and contexts come about.

If a leads wrongly over b while :math:`\mu_a \le \theta \le \mu_b`, the mixtures of the noise of
a and b are at least those that the estimates, less the second part, make of a mean
:math:`\theta`. They know nothing of :math:`\mu`, m or :math:`\theta`. So Ville's inequality is
used once for each arm that may lead wrongly over the best one, or, where m moves with the rounds
and another arm may become the best one, for each ordered pair.
"""

import numpy as np
from scipy.optimize import brentq

from .._evidence import PRIOR_ROUNDS, GaussianEvidence, least_mixture

# Part of the error probability that is kept for the slopes.
_OF_SLOPES = 0.1
_PRECISIONS = tuple(PRIOR_ROUNDS.ravel())
_RANK = 1e-10
_LEAST_LOG = -600.0


class PopulationEvidence:
    """What the rounds of each arm say about its mean reward over a population.

    Parameters
    ----------
    gram : list of ndarray of shape (n_terms, n_terms)
        Sums of the products of the terms over each arm's rounds; the constant comes first.
    moment : ndarray of shape (n_arms, n_terms)
        Sums of reward times terms.
    context : ndarray of shape (n_features,)
        Mean context of the population.
    noise_std : ndarray of shape (n_arms,)
        Standard deviation of a reward, given its context.
    centre : ndarray of shape (n_features,)
        Where contexts are measured from in the bound of the slopes; must be known beforehand.
    moves : bool, default=False
        Whether `context` moves with the rounds, so that now one and now another arm may be the
        best.
    precisions : sequence of float, default=(4, 32, 256, 2048, 16384)
        Each is the diagonal of a Lambda; must be known beforehand. In rounds whose features are of
        unit scale.

    Attributes
    ----------
    mean : ndarray of shape (n_arms,)
        Mean rewards, by least squares.
    weight : ndarray of shape (n_arms,)
        How many rounds each arm has; 0 where its rounds do not tell its mean reward, since they
        are too few or lack contexts like those of the population.
    n_mistakes : int
        How many pairs of arms there are of which the one may lead wrongly over the other.
    spread : ndarray of shape (n_arms,)
        Variance of `mean` over that of the noise, beyond that of a mean of so many rewards.
    """

    def __init__(
        self, gram, moment, context, noise_std, centre, *, moves=False, precisions=_PRECISIONS
    ):
        n_arms = len(gram)
        self.n_mistakes = (n_arms - 1) * (n_arms if moves else 1)
        self.noise_std = np.broadcast_to(noise_std, (n_arms,))
        self.mean, self.weight, self.spread = np.zeros((3, n_arms))
        self._reach, self._volume = np.zeros((2, n_arms, len(precisions)))
        for arm in range(n_arms):
            self._estimate(arm, gram[arm], moment[arm], context, centre, precisions)

    def _estimate(self, arm, gram, moment, context, centre, precisions):
        n = gram[0, 0]
        if n == 0.0:
            return
        middle = gram[0, 1:] / n
        scatter = gram[1:, 1:] - n * np.outer(middle, middle)
        away = context - middle
        h = _solved(scatter, away, np.sqrt(np.diagonal(gram)[1:]))
        self.mean[arm] = moment[0] / n
        if h is None:
            return
        self.mean[arm] += h @ (moment[1:] - middle * moment[0])
        self.weight[arm], self.spread[arm] = n, max(away @ h, 0.0)
        off = middle - centre
        g = np.concatenate([[-h @ off], h])
        self._reach[arm] = np.sqrt(self.spread[arm] + np.multiply(precisions, g @ g))
        V = np.empty_like(gram)
        V[0, 0], V[0, 1:], V[1:, 0] = n, n * off, n * off
        V[1:, 1:] = scatter + n * np.outer(off, off)
        shares = np.divide.outer(1.0, precisions)[:, None, None] * V
        self._volume[arm] = np.linalg.slogdet(np.eye(len(V)) + shares)[1]

    def slack(self, delta):
        """How far the slopes may move each mean, up to an error probability for each arm."""
        n_bounds = self._volume.shape[1]
        room = 2.0 * np.log(n_bounds / delta) + self._volume
        return self.noise_std * (self._reach * np.sqrt(room)).min(axis=1)

    def likelihood_ratio(self, a, b):
        """The generalised log-likelihood ratio of arm a being better than arm b."""
        if self.weight[a] == 0.0 or self.weight[b] == 0.0:
            return 0.0
        gap = self.mean[a] - self.mean[b]
        of_both = [a, b]
        inverse = 1.0 / self.weight[of_both] + self.spread[of_both]
        variance = np.maximum(self.noise_std[of_both], 1e-100) ** 2 @ inverse
        return float(0.5 * gap**2 / variance)

    def log_mixture(self, leader, slack, enough=0.0):
        """The least log of a product of mixtures over the other arms, each mean moved by `slack`.

        It is 0 where the leading arm does not lead by more than that. Less than `enough` it may
        be stated as 0 too.
        """
        others = [arm for arm in range(len(self.mean)) if arm != leader]
        pairs = []
        for arm in others:
            pair = [leader, arm]
            moved = self.mean[pair] + slack[pair] * [-1.0, 1.0]
            if moved[0] <= moved[1] or not self.weight[pair].all():
                return 0.0
            evidence = GaussianEvidence(moved, self.weight[pair], self.noise_std[pair])
            # An average of likelihoods is at most the largest one.
            if evidence.likelihood_ratio(0, 1) < enough:
                return 0.0
            pairs.append(evidence)
        return min(least_mixture(evidence, 0, 1) for evidence in pairs)


def _solved(scatter, away, scale):
    """Solve for the slopes' weights; None where the scatter does not reach so far."""
    if not len(away):
        return away
    scale = np.where(scale > 0.0, scale, 1.0)
    values, vectors = np.linalg.eigh(scatter / np.outer(scale, scale))
    target = vectors.T @ (away / scale)
    clear = values > _RANK * len(away)
    if np.abs(target[~clear]).max(initial=0.0) > np.sqrt(_RANK):
        return None
    return vectors[:, clear] @ (target[clear] / values[clear]) / scale


def is_enough(evidence, leader, delta):
    """Whether the leading arm is the best but for an error probability, see `error_probability`.

    Parameters
    ----------
    evidence : PopulationEvidence
    leader : int
    delta : float in (0, 1)
    """
    n_arms = len(evidence.mean)
    if n_arms == 1:
        return True
    slack = evidence.slack(_OF_SLOPES * delta / n_arms)
    enough = np.log(evidence.n_mistakes) - np.log((1.0 - _OF_SLOPES) * delta)
    return bool(evidence.log_mixture(leader, slack, enough) >= enough)


def error_probability(evidence, leader, threshold="mixture"):
    r"""The chance, at most, that the leading arm is not the best one over the population.

    Parameters
    ----------
    evidence : PopulationEvidence
    leader : int
        The arm that looks best.
    threshold : {"mixture", "chernoff"}, default="mixture"
        "mixture": the least :math:`\delta` for which the mixtures of the means, moved by what the
        slopes of all K arms may do up to :math:`0.1 \delta / K` each, leave at most
        :math:`0.9 \delta / (K - 1)` for each other arm, :math:`0.9 \delta / (K (K - 1))` where the
        population moves. "chernoff": :math:`e^{-Z}`.

    Returns
    -------
    delta : float in [0, 1]
    """
    others = [arm for arm in range(len(evidence.mean)) if arm != leader]
    if not others:
        return 0.0
    if threshold == "chernoff":
        return float(np.exp(-min(evidence.likelihood_ratio(leader, arm) for arm in others)))
    if not is_enough(evidence, leader, 1.0):
        return 1.0

    def too_much(log_delta):
        slack = evidence.slack(_OF_SLOPES * np.exp(log_delta) / len(evidence.mean))
        left = np.log(evidence.n_mistakes / (1.0 - _OF_SLOPES)) - evidence.log_mixture(
            leader, slack
        )
        return left - log_delta

    if too_much(_LEAST_LOG) <= 0.0:
        return 0.0
    return float(np.exp(min(brentq(too_much, _LEAST_LOG, 0.0, xtol=1e-6), 0.0)))
