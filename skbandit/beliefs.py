"""Beliefs: what a model knows about the expected reward of each arm, and what follows from it.

A model turns rounds into a belief, an exploration turns a belief into a policy. Rows of a belief
are contexts, columns are arms, and rows have no influence on each other.
"""

from functools import cached_property

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

from ._beta import beta_top_probability
from ._deviates import deviates
from ._discrete import discrete_top_probability
from ._optimality import argmax_policy, best_probability, top_policy, top_probability

__all__ = [
    "BaseBelief",
    "BetaBelief",
    "IndependentBelief",
    "JointBelief",
    "LinkedBelief",
    "ReplicateBelief",
]

_BLOCK_ENTRIES = 2**20
# Means and widths this close, relative to their size, are of arms that are alike.
_ALIKE = 1e-10
# Beta distributions are sharpened to this sum of their parameters and flattened to parameters of
# this size, no further: beyond lie point masses, and distributions of two points.
_SHARPEST, _FLATTEST = 1e10, 0.05
# Draws, or quantiles of each arm, that stand for a belief which has no closed form once shifted.
_SHIFTED_DRAWS, _SHIFTED_QUANTILES = 1024, 128


class BaseBelief:
    """Base class of beliefs about the expected reward of each arm.

    A subclass has ``mean`` and ``std`` and defines :meth:`best`, :meth:`top`, :meth:`draws` and
    :meth:`widened`.

    Attributes
    ----------
    mean, std : ndarray of shape (n_rows, n_arms)
        In units of the reward.
    """

    mean: np.ndarray
    std: np.ndarray

    @property
    def width(self):
        """What :meth:`widened` multiplies, (n_rows, n_arms): the standard deviations."""
        return self.std

    def best(self, available=None):
        """Return the chance that each arm is the best.

        Parameters
        ----------
        available : ndarray of bool of shape (n_rows, n_arms), default=None
            Arms that may be played; None means all.

        Returns
        -------
        probability : ndarray of shape (n_rows, n_arms)
        """
        raise NotImplementedError(f"{type(self).__name__} must define best.")

    def top(self, k, available=None):
        """Return the chance that each arm is among the k best.

        Parameters
        ----------
        k : int
        available : ndarray of bool of shape (n_rows, n_arms), default=None
            Arms that may be played; None means all.

        Returns
        -------
        probability : ndarray of shape (n_rows, n_arms)
            Rows sum to `k`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define top.")

    def draws(self, n_draws, seed):
        """Return joint draws of what the arms pay.

        Parameters
        ----------
        n_draws : int
        seed : int or sequence of int
            Not negative.

        Returns
        -------
        draws : ndarray of shape (n_draws, n_rows, n_arms)
        """
        raise NotImplementedError(f"{type(self).__name__} must define draws.")

    def widened(self, alpha):
        """Return the belief whose widths are multiplied by a factor.

        Parameters
        ----------
        alpha : float >= 0, or ndarray of shape (n_rows, n_arms)

        Returns
        -------
        belief : belief
        """
        raise NotImplementedError(f"{type(self).__name__} must define widened.")

    def shifted(self, offset):
        """Return the belief about what the arms pay plus something known: less a cost, say.

        Parameters
        ----------
        offset : ndarray that broadcasts to (n_rows, n_arms)
            In units of the reward.

        Returns
        -------
        belief : belief
            Of the same kind where the kind allows it; else by draws or quantiles.
        """
        mean = self.mean + offset
        return JointBelief(mean, self.std, lambda: self.draws(_SHIFTED_DRAWS, 0) + offset)

    def upper_bound(self, alpha):
        """Return an upper confidence bound: the mean plus a number of standard deviations.

        Parameters
        ----------
        alpha : float >= 0, or ndarray of shape (n_rows, n_arms)
            How many.

        Returns
        -------
        bound : ndarray of shape (n_rows, n_arms)
        """
        return self.mean + alpha * self.std

    def expect(self, selector, available=None):
        """Return the expected policy of a selector under this belief.

        Parameters
        ----------
        selector : selector
            See :mod:`skbandit.selectors`.
        available : ndarray of bool of shape (n_rows, n_arms), default=None
            Arms that may be played; None means all.

        Returns
        -------
        probability : ndarray of shape (n_rows, n_arms)
            Arms about which the same is believed have the same probability, also where the
            expectation is an average over draws; unless the selector tells them apart.
        """
        probability = selector.expect(self, available)
        if not getattr(selector, "treats_arms_alike", True):
            return probability
        alike = self._alike(selector)
        return probability if alike is None else evened(probability, alike, available)

    def _alike(self, selector):
        """Labels of arms that are alike, (n_rows, n_arms), or None where nothing is to be evened.

        Arms of one label, 0 or above, are exchangeable.
        """


class IndependentBelief(BaseBelief):
    """Gaussian, or Student-t, beliefs about arms that are independent of each other.

    Parameters
    ----------
    mean : ndarray of shape (n_rows, n_arms)
        Means (locations).
    scale : ndarray of shape (n_rows, n_arms)
        Standard deviations; scales, where `dof` is given.
    dof : None or array-like that broadcasts to (n_rows, n_arms), default=None
        Degrees of freedom of Student's t; None means Gaussian.

    See Also
    --------
    JointBelief : Arms that depend on each other, by joint draws.
    LinkedBelief : Seen through a link.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import IndependentBelief
    >>> belief = IndependentBelief(np.array([[0.0, 0.0, -1.0]]), np.array([[1.0, 1.0, 0.1]]))
    >>> belief.best().round(3)
    array([[0.487, 0.487, 0.026]])
    >>> belief.upper_bound(2.0)
    array([[ 2. ,  2. , -0.8]])
    """

    def __init__(self, mean, scale, dof=None):
        self.mean = mean
        self.scale = scale
        self.dof = dof
        if dof is None:
            self.std = scale

    @cached_property
    def std(self):
        """Standard deviations, (n_rows, n_arms); infinite for up to two degrees of freedom."""
        room = 1.0 - 2.0 / np.asarray(self.dof, dtype=np.float64)
        if np.minimum.reduce(room, axis=None) <= 0.0:
            room = np.maximum(room, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(room > 0.0, self.scale / np.sqrt(room), np.inf)
        return self.scale / np.sqrt(room)

    def widened(self, alpha):
        """See :meth:`BaseBelief.widened`."""
        return IndependentBelief(self.mean, alpha * self.scale, self.dof)

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; exact."""
        return IndependentBelief(self.mean + offset, self.scale, self.dof)

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; by quadrature."""
        return best_probability(self.mean, self.scale, self.dof, available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`."""
        return top_probability(k, self.mean, self.scale, self.dof, available)

    def draws(self, n_draws, seed):
        """Return joint draws.

        Parameters
        ----------
        n_draws : int
            Number of draws.
        seed : int or sequence of int
            Not negative. The deviate of a draw and an arm is a function of the seed and these two
            alone: all rows share it, and neither more rows, arms nor draws change it.

        Returns
        -------
        draws : ndarray of shape (n_draws, n_rows, n_arms)
        """
        mean = np.asarray(self.mean, dtype=np.float64)
        dof = None
        if self.dof is not None:
            dof = np.broadcast_to(np.asarray(self.dof, dtype=np.float64), mean.shape)
        scores = np.empty((n_draws, *mean.shape))
        for arm in range(mean.shape[1]):
            z = _normal_deviates(n_draws, seed, arm)
            if dof is None:
                scores[:, :, arm] = z[:, None]
                continue
            degrees, of_row = np.unique(dof[:, arm], return_inverse=True)
            # The quantile of the lower tail keeps its accuracy where that of the upper loses it.
            low = stdtrit(np.minimum(degrees, 1e10), ndtr(-np.abs(z))[:, None])
            scores[:, :, arm] = np.copysign(low, z[:, None])[:, of_row]
        scores *= self.scale
        scores += mean
        return scores

    def _alike(self, selector):
        if _has_closed_form(selector):
            return None
        keys = [self.mean, self.scale]
        if self.dof is not None:
            keys.append(np.broadcast_to(self.dof, np.shape(self.mean)))
        return alike_arms(*keys)


class BetaBelief(BaseBelief):
    r"""Beta beliefs about arms that are independent of each other, for rewards in [0, 1].

    Parameters
    ----------
    a, b : ndarray of shape (n_rows, n_arms)
        Parameters of the Beta distributions, positive: of a Bernoulli arm the number of ones and
        of zeros, each with its prior.

    See Also
    --------
    IndependentBelief : Gaussian or Student-t arms.

    Notes
    -----
    ``width`` is :math:`1 / (2 \sqrt{a + b})`, the standard deviation of the arc sine of the square
    root of a Beta variable, to first order: it does not depend on the mean. :meth:`widened`
    divides a and b by the square of the factor [1]_, which multiplies that width and leaves the
    mean.

    References
    ----------
    .. [1] O. Chapelle and L. Li (2011). An empirical evaluation of Thompson sampling. NeurIPS 24.
       (posterior reshaping)

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import BetaBelief
    >>> belief = BetaBelief(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]))
    >>> belief.mean.round(3), belief.best().round(3)
    (array([[0.5  , 0.667]]), array([[0.333, 0.667]]))
    """

    def __init__(self, a, b):
        self.a = a
        self.b = b

    @cached_property
    def mean(self):
        """Means, (n_rows, n_arms)."""
        return self.a / (self.a + self.b)

    @cached_property
    def std(self):
        """Standard deviations, (n_rows, n_arms)."""
        total = self.a + self.b
        return np.sqrt(self.a * self.b / (total + 1.0)) / total

    @property
    def width(self):
        """See :attr:`BaseBelief.width`; on a scale on which it does not depend on the mean."""
        return 0.5 / np.sqrt(self.a + self.b)

    def widened(self, alpha):
        """See :meth:`BaseBelief.widened`; a and b are divided by the square of the factor.

        A factor of 0 leaves the means.
        """
        if np.ndim(alpha) == 0:
            if alpha == 1.0:
                return self
            if alpha == 0.0:
                return IndependentBelief(self.mean, np.zeros_like(self.mean))
        with np.errstate(divide="ignore"):
            factor = np.asarray(alpha, dtype=np.float64) ** -2.0
        sharpest = np.maximum(_SHARPEST / (self.a + self.b), 1.0)
        flattest = np.minimum(_FLATTEST / np.minimum(self.a, self.b), 1.0)
        factor = np.clip(factor, flattest, sharpest)
        return BetaBelief(factor * self.a, factor * self.b)

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; by quantiles of each arm."""
        level = _middle_levels()
        upper = level > 0.5
        # The quantile of the lower tail keeps its accuracy where that of the upper loses it.
        tail = betaincinv(
            np.where(upper, self.b[..., None], self.a[..., None]),
            np.where(upper, self.a[..., None], self.b[..., None]),
            np.where(upper, 1.0 - level, level),
        )
        return _of_quantiles(np.where(upper, 1.0 - tail, tail), offset)

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; by quadrature."""
        return beta_top_probability(1, self.a, self.b, available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`; by quadrature."""
        return beta_top_probability(k, self.a, self.b, available)

    def draws(self, n_draws, seed):
        """Return joint draws.

        Parameters
        ----------
        n_draws : int
        seed : int or sequence of int
            Not negative. As for :meth:`IndependentBelief.draws`: the deviate of a draw and an arm
            is a function of the seed and these two alone.

        Returns
        -------
        draws : ndarray of shape (n_draws, n_rows, n_arms)
        """
        n_rows, n_arms = np.shape(self.a)
        scores = np.empty((n_draws, n_rows, n_arms))
        for arm in range(n_arms):
            z = _normal_deviates(n_draws, seed, arm)
            a_and_b = np.stack([self.a[:, arm], self.b[:, arm]])
            (a, b), of_row = np.unique(a_and_b, axis=1, return_inverse=True)
            low = z[:, None] < 0.0
            # The quantile of the lower tail keeps its accuracy where that of the upper loses it.
            tail = betaincinv(np.where(low, a, b), np.where(low, b, a), ndtr(-np.abs(z))[:, None])
            scores[:, :, arm] = np.where(low, tail, 1.0 - tail)[:, of_row]
        return scores

    def _alike(self, selector):
        return None if _has_closed_form(selector) else alike_arms(self.a, self.b)


class JointBelief(BaseBelief):
    """A belief about arms that depend on each other, known by joint draws.

    Parameters
    ----------
    mean, std : ndarray of shape (n_rows, n_arms)
    draws : ndarray of shape (n_draws, n_rows, n_arms), or callable
        The draws, or a function without arguments that makes them when they are first needed.
    unseen : ndarray of bool that broadcasts to (n_rows, n_arms), default=None
        Arms of which nothing was learnt. Those of equal mean and width are alike, and differ in
        the draws by chance alone.

    See Also
    --------
    IndependentBelief : Independent arms, without draws.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import JointBelief
    >>> draws = np.array([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]], [[2.0, 1.0]]])
    >>> belief = JointBelief(draws.mean(axis=0), draws.std(axis=0), draws)
    >>> belief.best()
    array([[0.75, 0.25]])
    """

    def __init__(self, mean, std, draws, unseen=None):
        self.mean = mean
        self.std = std
        self._source = draws
        self.unseen = unseen

    @cached_property
    def known_draws(self):
        """The draws, (n_draws, n_rows, n_arms)."""
        return self._source() if callable(self._source) else self._source

    def widened(self, alpha):
        """See :meth:`BaseBelief.widened`; departures from the mean are multiplied."""
        if np.ndim(alpha) == 0 and alpha == 1.0:
            return self

        def widened_draws():
            draws = self.known_draws - self.mean
            draws *= alpha
            draws += self.mean
            return draws

        return JointBelief(self.mean, alpha * self.std, widened_draws, self.unseen)

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; each draw is shifted."""
        offset = np.broadcast_to(offset, np.shape(self.mean))
        # Arms are alike only where they are shifted alike, which their means say.
        return JointBelief(
            self.mean + offset, self.std, lambda: self.known_draws + offset, self.unseen
        )

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; the share of the draws, where ties share evenly."""
        return self._average(argmax_policy, available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`; the share of the draws."""
        return self._average(lambda scores, mask: top_policy(scores, k, mask), available)

    def draws(self, n_draws, seed):
        """Choose among the draws, jointly for all rows and arms.

        Parameters
        ----------
        n_draws : int
            Number of draws: fewer than are known are a random subset, as many are all of them in
            their order, and more are a sample with replacement.
        seed : int or sequence of int
            Not negative; decides which.

        Returns
        -------
        draws : ndarray of shape (n_draws, n_rows, n_arms)
        """
        n_known = len(self.known_draws)
        if n_draws == n_known:
            return np.array(self.known_draws)
        rng = np.random.default_rng(seed)
        return self.known_draws[rng.choice(n_known, n_draws, replace=n_draws > n_known)]

    def _average(self, policy, available):
        draws = np.asarray(self.known_draws, dtype=np.float64)
        n_draws, n_rows, n_arms = draws.shape
        if available is not None:
            available = np.asarray(available, dtype=bool)
        # Blocks of rows, not of draws: a row's sum does not depend on where the cuts are.
        total = np.empty((n_rows, n_arms))
        block = max(1, _BLOCK_ENTRIES // (n_draws * n_arms))
        for start in range(0, n_rows, block):
            rows = slice(start, start + block)
            scores = draws[:, rows].reshape(-1, n_arms)
            mask = None if available is None else np.tile(available[rows], (n_draws, 1))
            total[rows] = policy(scores, mask).reshape(n_draws, -1, n_arms).mean(axis=0)
        return total

    def _alike(self, selector):
        if self.unseen is None or not np.any(self.unseen):
            return None
        alike = alike_arms(self.mean, self.std)
        return np.where(np.broadcast_to(self.unseen, alike.shape), alike, -1)


class ReplicateBelief(BaseBelief):
    """A belief about arms that are independent of each other, each known by replicates.

    What an arm pays is one of its replicates, all equally likely, whatever the others pay: the
    distribution that a bootstrap, an ensemble or a sample makes of each arm on its own.

    Parameters
    ----------
    replicates : ndarray of shape (n_replicates, n_rows, n_arms)
        Those of different arms have nothing to do with each other.

    See Also
    --------
    JointBelief : Draws of all arms together.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.beliefs import ReplicateBelief
    >>> belief = ReplicateBelief(np.array([[[1.0, 0.0]], [[2.0, 1.5]]]))
    >>> belief.best()
    array([[0.75, 0.25]])
    >>> belief.quantile(0.5)
    array([[1.5 , 0.75]])
    """

    def __init__(self, replicates):
        self.replicates = np.asarray(replicates, dtype=np.float64)

    @cached_property
    def mean(self):
        """Means over the replicates, (n_rows, n_arms)."""
        return self.replicates.mean(axis=0)

    @cached_property
    def std(self):
        """Standard deviations over the replicates, (n_rows, n_arms)."""
        return self.replicates.std(axis=0)

    def widened(self, alpha):
        """See :meth:`BaseBelief.widened`; departures from the mean are multiplied."""
        return ReplicateBelief(self.mean + alpha * (self.replicates - self.mean))

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; exact."""
        return ReplicateBelief(self.replicates + offset)

    def quantile(self, level):
        """Return a quantile of each arm's replicates.

        Parameters
        ----------
        level : float in [0, 1]

        Returns
        -------
        quantile : ndarray of shape (n_rows, n_arms)
            Linear between two replicates.
        """
        return np.quantile(self.replicates, level, axis=0)

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; exact, ties share evenly."""
        return discrete_top_probability(self.replicates, 1, available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`; exact."""
        return discrete_top_probability(self.replicates, k, available)

    def draws(self, n_draws, seed):
        """Return joint draws.

        Parameters
        ----------
        n_draws : int
        seed : int or sequence of int
            Not negative. Which replicate of an arm is drawn is a function of the seed, the draw
            and the arm alone.

        Returns
        -------
        draws : ndarray of shape (n_draws, n_rows, n_arms)
        """
        n_replicates, n_rows, n_arms = self.replicates.shape
        draws = np.empty((n_draws, n_rows, n_arms))
        for arm in range(n_arms):
            sequence = np.random.SeedSequence(seed, spawn_key=(arm,))
            chosen = np.random.default_rng(sequence).integers(n_replicates, size=n_draws)
            draws[:, :, arm] = self.replicates[chosen, :, arm]
        return draws

    def _alike(self, selector):
        if _has_closed_form(selector):
            return None
        return alike_arms(*np.sort(self.replicates, axis=0))


class LinkedBelief(BaseBelief):
    """A belief seen through an increasing link: rewards are the link of a latent score.

    Which arm is best does not depend on the link; means, widths and the scores that a selector
    weighs do.

    Parameters
    ----------
    latent : IndependentBelief or JointBelief
        About the latent scores.
    link : callable
        From arrays of scores to arrays of expected rewards; increasing.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> from skbandit.beliefs import IndependentBelief, LinkedBelief
    >>> latent = IndependentBelief(np.array([[0.0, 2.0]]), np.array([[1.0, 1.0]]))
    >>> belief = LinkedBelief(latent, expit)
    >>> belief.mean.round(3), belief.upper_bound(1.0).round(3)
    (array([[0.5  , 0.845]]), array([[0.731, 0.953]]))
    """

    def __init__(self, latent, link):
        self.latent = latent
        self.link = link

    @cached_property
    def _moments(self):
        if isinstance(self.latent, IndependentBelief):
            return linked_moments(
                self.link, self.latent.mean, self.latent.scale, dof=self.latent.dof
            )
        draws = self.link(self.latent.known_draws)
        return draws.mean(axis=0), draws.std(axis=0)

    @property
    def mean(self):
        """Expected rewards, (n_rows, n_arms)."""
        return self._moments[0]

    @property
    def std(self):
        """Standard deviations of the expected rewards, (n_rows, n_arms)."""
        return self._moments[1]

    @property
    def width(self):
        """See :attr:`BaseBelief.width`; that of the latent scores."""
        return self.latent.width

    def upper_bound(self, alpha):
        """See :meth:`BaseBelief.upper_bound`; the link of the latent scores' bound."""
        return self.link(self.latent.upper_bound(alpha))

    def widened(self, alpha):
        """See :meth:`BaseBelief.widened`; the latent widths are multiplied."""
        return LinkedBelief(self.latent.widened(alpha), self.link)

    def shifted(self, offset):
        """See :meth:`BaseBelief.shifted`; by quantiles of each arm, or its draws."""
        if not isinstance(self.latent, IndependentBelief):
            draws = self.link(self.latent.known_draws)
            return JointBelief(self.mean, self.std, draws, self.latent.unseen).shifted(offset)
        scores = _middle_deviates(self.latent.dof, np.shape(self.latent.mean))
        scores = self.latent.mean[..., None] + self.latent.scale[..., None] * scores
        return _of_quantiles(self.link(scores), offset)

    def best(self, available=None):
        """See :meth:`BaseBelief.best`; that of the latent scores."""
        return self.latent.best(available)

    def top(self, k, available=None):
        """See :meth:`BaseBelief.top`."""
        return self.latent.top(k, available)

    def draws(self, n_draws, seed):
        """See :meth:`BaseBelief.draws`; of the expected rewards."""
        return self.link(self.latent.draws(n_draws, seed))

    def _alike(self, selector):
        return self.latent._alike(selector)


def linked_moments(link, location, scale, dof=None):
    """Mean and standard deviation of a link of uncertain scores.

    Parameters
    ----------
    link : callable
    location, scale : ndarray of one shape
    dof : float, default=None
        Degrees of freedom of the scores, more than 2; None is Gaussian.

    Returns
    -------
    mean, std : ndarray of the shape of `location`
    """
    rule = deviates(None if dof is None else float(dof))
    location, scale = np.asarray(location), np.asarray(scale)
    mean, std = np.empty(location.shape), np.empty(location.shape)
    flat = location.reshape(-1), scale.reshape(-1)
    block = max(1, _BLOCK_ENTRIES // len(rule.nodes))
    for start in range(0, location.size, block):
        part = slice(start, start + block)
        centre, width = (values[part] for values in flat)
        middle = link(centre)
        # Departures from the middle keep the digits of a narrow belief.
        away = link(centre[:, None] + width[:, None] * rule.nodes) - middle[:, None]
        offset = away @ rule.weights
        mean.reshape(-1)[part] = middle + offset
        variance = (away**2) @ rule.weights - offset**2
        std.reshape(-1)[part] = np.sqrt(np.maximum(variance, 0.0))
    return mean, std


def _middle_levels():
    """Levels of quantiles that stand for equal parts of a distribution."""
    return (np.arange(_SHIFTED_QUANTILES) + 0.5) / _SHIFTED_QUANTILES


def _middle_deviates(dof, shape):
    """Quantiles at these levels of standard Student-t or normal variables, (..., n_levels)."""
    if dof is None:
        return ndtri(_middle_levels())
    dof = np.broadcast_to(np.asarray(dof, dtype=np.float64), shape)
    return stdtrit(np.minimum(dof, 1e10)[..., None], _middle_levels())


def _of_quantiles(quantiles, offset):
    """The belief that holds quantiles of independent arms, (n_rows, n_arms, n_levels)."""
    return ReplicateBelief(np.moveaxis(quantiles, -1, 0)).shifted(offset)


def _normal_deviates(n_draws, seed, arm):
    """The deviates of an arm: more of them, or of other arms, do not change them."""
    sequence = np.random.SeedSequence(seed, spawn_key=(arm,))
    return np.random.default_rng(sequence).standard_normal(n_draws)


def _has_closed_form(selector):
    """Whether a selector's expectation under independent arms is computed, not averaged."""
    return bool(getattr(selector, "has_closed_form", False))


def alike_arms(*values):
    """Label arms whose values agree to rounding, row by row.

    Parameters
    ----------
    *values : ndarray of shape (n_rows, n_arms)

    Returns
    -------
    labels : ndarray of int of shape (n_rows, n_arms)
        Arms of one label are alike; labels of different rows have nothing to do with each other.
    """
    n_arms = np.shape(values[0])[1]
    labels = np.zeros(np.shape(values[0]), dtype=np.intp)
    for value in values:
        value = np.asarray(value)
        size = np.abs(value).max(axis=1, keepdims=True, initial=0.0)
        near = _ranks(value, _ALIKE * size)
        # Both together, numbered anew so that they stay below the number of arms.
        labels = _ranks(labels * n_arms + near, 0)
    return labels


def _ranks(values, tolerance):
    """Number the distinct values of each row in their order; steps up to a tolerance are none."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    rank = np.zeros(order.shape, dtype=np.intp)
    rank[:, 1:] = np.cumsum(ordered[:, 1:] - ordered[:, :-1] > tolerance, axis=1)
    ranks = np.empty_like(rank)
    np.put_along_axis(ranks, order, rank, axis=1)
    return ranks


def evened(probability, alike, available=None):
    """Give arms that are alike the mean of their probabilities.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_arms)
    alike : ndarray of int of shape (n_rows, n_arms)
        Labels, see :func:`alike_arms`; -1 leaves an arm as it is.
    available : ndarray of bool of shape (n_rows, n_arms), default=None
        Arms that may be played; the others keep what they have.

    Returns
    -------
    probability : ndarray of shape (n_rows, n_arms)
    """
    n_rows, n_arms = probability.shape
    counts = alike >= 0
    if available is not None:
        counts = counts & available
    place = (np.arange(n_rows)[:, None] * n_arms + np.maximum(alike, 0))[counts]
    total = np.bincount(place, weights=probability[counts], minlength=n_rows * n_arms)
    number = np.bincount(place, minlength=n_rows * n_arms)
    result = probability.copy()
    result[counts] = total[place] / number[place]
    return result
