"""Selectors: from the scores of the arms to the probabilities with which they are played.

A selector is a parameter of a bandit (``selector=``), so its own parameters can be searched
(``selector__epsilon``). One's own selector subclasses :class:`BaseSelector` and defines
``select``.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from ._gaps import inverse_gap_policy
from ._optimality import argmax_policy, top_policy
from ._sklearn import HasMethods, Interval

__all__ = [
    "ArgmaxSelector",
    "BaseSelector",
    "EpsilonGreedySelector",
    "InverseGapSelector",
    "PropensityFloorSelector",
    "SoftmaxSelector",
    "TopKSelector",
]

_EXPECTATION_DRAWS = 512
_EXPECTATION_ROWS = 4096


class BaseSelector(BaseEstimator):
    """Base class of all selectors.

    A subclass stores its parameters in ``__init__`` and defines ``select(scores, available)``. It
    may define ``expect(belief, available)`` where the mean of ``select`` over scores drawn from a
    belief is known in closed form; otherwise that mean is taken over draws. One that changes as
    the bandit learns defines ``at(learnt_weight)``; one that names arms, ``for_arms(arms)``; one
    that weighs what arms cost, ``for_costs(cost)``.

    Attributes
    ----------
    n_selected : int or None
        How many arms are played a round: None for one arm (``predict`` returns one axis), a number
        for sets of arms (``predict`` returns (n_samples, n_selected)).
    has_closed_form : bool
        Whether ``expect`` is computed from a belief's probabilities; otherwise it is an average
        over draws, in which arms that are alike are then evened.
    treats_arms_alike : bool
        Whether arms of which the same is believed are played alike. A selector that knows more of
        them (their labels, what they cost) says False, and ``expect`` then evens what it must, by
        asking ``belief.expect(other_selector)``.
    weighs_costs : bool
        Whether it takes what arms cost in a call: ``for_costs`` is defined. A selector around
        another one says what that one says.
    differs_by_row : bool
        Whether the selector was told something of each row (what arms cost in it), so that rows
        of one belief are not decided alike.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.selectors import BaseSelector
    >>> class ProportionalSelector(BaseSelector):
    ...     "Play an arm in proportion to its positive score."
    ...
    ...     def select(self, scores, available=None):
    ...         weights = np.clip(scores, 1e-12, None)
    ...         if available is not None:
    ...             weights = np.where(available, weights, 0.0)
    ...         return weights / weights.sum(axis=1, keepdims=True)
    >>> bandit = LinearUCB(arms=["a", "b"], selector=ProportionalSelector())
    >>> bandit.predict_proba([[0.5]]).tolist()
    [[0.5, 0.5]]
    """

    n_selected = None
    has_closed_form = False
    treats_arms_alike = True
    differs_by_row = False

    @property
    def weighs_costs(self):
        """Whether it takes what arms cost in a call."""
        return type(self).for_costs is not BaseSelector.for_costs

    def select(self, scores, available=None):
        """Turn sure scores into probabilities.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_arms)
            What each arm is worth, in units of the reward; larger is better.
        available : ndarray of bool of shape (n_samples, n_arms), default=None
            Arms that may be played; None means all.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_arms)
            The probability that the arm is played; rows sum to 1 (to ``n_selected`` for sets), and
            an arm that is not available has 0.
        """
        raise NotImplementedError(f"{type(self).__name__} must define select(scores, available).")

    def expect(self, belief, available=None):
        """Average ``select`` over scores drawn from a belief (Thompson sampling).

        Parameters
        ----------
        belief : belief
            See :mod:`skbandit.beliefs`: has ``best(available)``, ``top(k, available)`` and
            ``draws(n_draws, seed)``.
        available : ndarray of bool of shape (n_samples, n_arms), default=None

        Returns
        -------
        probability : ndarray of shape (n_samples, n_arms)
        """
        draws = belief.draws(_EXPECTATION_DRAWS, 0)
        n_draws, n_samples, n_arms = draws.shape
        total = np.zeros((n_samples, n_arms))
        # Several draws at once where rows are few, one by one where they are many.
        block = max(1, _EXPECTATION_ROWS // n_samples)
        for start in range(0, n_draws, block):
            scores = draws[start : start + block].reshape(-1, n_arms)
            mask = available
            if available is not None:
                mask = np.tile(available, (len(scores) // n_samples, 1))
            total += self.select(scores, mask).reshape(-1, n_samples, n_arms).sum(axis=0)
        return total / n_draws

    def at(self, learnt_weight):
        """Return the selector of a bandit that has learnt so many rounds; itself by default.

        Parameters
        ----------
        learnt_weight : float
            Total weight of the rounds.

        Returns
        -------
        selector : selector
        """
        return self

    def for_arms(self, arms):
        """Return the selector of a bandit that has these arms; itself by default.

        Parameters
        ----------
        arms : ndarray of shape (n_arms,)
            Labels, in the order of the columns of scores.

        Returns
        -------
        selector : selector
        """
        return self

    def for_costs(self, cost):
        """Return the selector for rows in which the arms cost so much; an error by default.

        Parameters
        ----------
        cost : ndarray of shape (n_samples, n_arms) or (n_samples,)
            Not negative: what each arm costs in each row, or a factor for each row on the costs
            that the selector knows. The rows of `select` and `expect` are these.

        Returns
        -------
        selector : selector

        Raises
        ------
        ValueError
            If the selector does not weigh costs.
        """
        raise _no_costs(self)

    def check(self):
        """Validate the selector's parameters.

        Raises
        ------
        InvalidParameterError
            A ``ValueError`` that names the parameter.
        """
        if hasattr(self, "_parameter_constraints"):
            self._validate_params()


def _no_costs(selector):
    return ValueError(
        f"cost= was given, but {selector!r} does not weigh costs. Use a selector of "
        "skbandit.strategies that does, or leave cost= out."
    )


class ArgmaxSelector(BaseSelector):
    """Play the arm of the highest score; ties are broken at random with equal probability.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.selectors import ArgmaxSelector
    >>> ArgmaxSelector().select(np.array([[1.0, 3.0, 3.0]])).tolist()
    [[0.0, 0.5, 0.5]]
    """

    has_closed_form = True

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return argmax_policy(scores, available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; exact."""
        return belief.best(available)


def scheduled(start, exponent, learnt_weight):
    """Return a quantity that grows, or falls, as a power of the rounds that were learnt.

    Parameters
    ----------
    start : float
        What it is until one round was learnt.
    exponent : float
        Below 0 it falls.
    learnt_weight : float
        Total weight of the rounds.

    Returns
    -------
    now : float
    """
    return start * max(learnt_weight, 1.0) ** exponent


def explored(probability, share, available, n_selected=1):
    """Mix a policy with the uniform one over the arms that are available."""
    if available is None:
        uniform = n_selected / probability.shape[1]
    else:
        uniform = n_selected * available / available.sum(axis=1, keepdims=True)
    return (1.0 - share) * probability + share * uniform


class EpsilonGreedySelector(BaseSelector):
    r"""Play the best arm, but with probability epsilon any available arm, all alike.

    After rounds of a total weight of t that probability is

    .. math:: \epsilon_t = \min(1,\; \epsilon \, \max(t, 1)^{-d}).

    Parameters
    ----------
    epsilon : float in [0, 1], default=0.1
        Share of rounds that explore. Every available arm then has a propensity of at least
        ``epsilon / n_available``, which is what off-policy evaluation needs.
    decay : float in [0, 1], default=0.0
        The exponent d with which the share falls as the bandit learns; 0 keeps it.

    See Also
    --------
    PropensityFloorSelector : The same beside any other selector.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> EpsilonGreedySelector(epsilon=0.2).select(np.array([[1.0, 3.0]])).tolist()
    [[0.1, 0.9]]
    >>> EpsilonGreedySelector(epsilon=0.8, decay=0.5).at(16).epsilon
    0.2
    """

    has_closed_form = True

    _parameter_constraints = {
        "epsilon": [Interval(Real, 0, 1, closed="both")],
        "decay": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, epsilon=0.1, decay=0.0):
        self.epsilon = epsilon
        self.decay = decay

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        if self.decay == 0.0:
            return self
        share = scheduled(self.epsilon, -self.decay, learnt_weight)
        return type(self)(epsilon=share)

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return explored(argmax_policy(scores, available), self.epsilon, available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; exact."""
        return explored(belief.best(available), self.epsilon, available)


class InverseGapSelector(BaseSelector):
    r"""Play arms with a probability that falls with their gap to the best (inverse gap weighting).

    With :math:`\mu` arms that may be played, :math:`\Delta_a` the gap of arm a to the best score
    and t the total weight of the rounds learnt,

    .. math:: p_a = \frac{1}{\mu + \gamma_t \Delta_a}, \qquad \gamma_t = \gamma \max(t, 1)^e

    for all arms but the best, which has the rest [1]_.

    Parameters
    ----------
    gamma_scale : float >= 0, default=10.0
        The factor :math:`\gamma`, per unit of the reward.
    gamma_exponent : float in [0, 1], default=0.5
        The exponent e with which it grows as the bandit learns; 0 keeps it.
    k : int, default=None
        Play sets of so many arms: the k - 1 best, and one of the others in this way [2]_. None
        plays one arm.

    References
    ----------
    .. [1] D. Foster and A. Rakhlin (2020). Beyond UCB: optimal and efficient contextual bandits
       with regression oracles. ICML, section 3.
    .. [2] R. Sen et al. (2021). Top-k extreme contextual bandits with arm hierarchy. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.selectors import InverseGapSelector
    >>> selector = InverseGapSelector(gamma_scale=2.0)
    >>> selector.at(4).select(np.array([[1.0, 0.5, 0.0]])).round(3)
    array([[0.657, 0.2  , 0.143]])
    """

    _parameter_constraints = {
        "gamma_scale": [Interval(Real, 0, None, closed="left")],
        "gamma_exponent": [Interval(Real, 0, 1, closed="both")],
        "k": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, gamma_scale=10.0, gamma_exponent=0.5, k=None):
        self.gamma_scale = gamma_scale
        self.gamma_exponent = gamma_exponent
        self.k = k

    @property
    def n_selected(self):
        """How many arms are played a round."""
        return self.k

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        gamma = scheduled(self.gamma_scale, self.gamma_exponent, learnt_weight)
        return type(self)(gamma_scale=gamma, gamma_exponent=0.0, k=self.k)

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return inverse_gap_policy(scores, self.gamma_scale, self.k or 1, available)


class SelectorAround(BaseSelector):
    """Base class of selectors around another one, the parameter ``selector``.

    What is not said anew is as the other one has it; None is :class:`ArgmaxSelector`.
    """

    @property
    def _other(self):
        return ArgmaxSelector() if self.selector is None else self.selector

    @property
    def n_selected(self):
        """How many arms are played a round."""
        return self._other.n_selected

    @property
    def has_closed_form(self):
        """Whether ``expect`` of the other selector is computed from a belief's probabilities."""
        return getattr(self._other, "has_closed_form", False)

    @property
    def weighs_costs(self):
        """Whether the other selector does."""
        return getattr(self._other, "weighs_costs", False)

    @property
    def differs_by_row(self):
        """Whether the other selector was told something of each row."""
        return getattr(self._other, "differs_by_row", False)

    def check(self):
        """See :meth:`BaseSelector.check`."""
        super().check()
        if hasattr(self._other, "check"):
            self._other.check()


class PropensityFloorSelector(SelectorAround):
    r"""Play as another selector does, but in a share of the rounds any available arm, all alike.

    After rounds of a total weight of t that share is

    .. math:: \delta_t = \min(1,\; c \, \max(t, 1)^{-d}),

    so the propensity of each of n available arms is at least :math:`\delta_t / n`. With
    :math:`d = 0` the floor is constant. With :math:`d < 1/4` it falls slowly enough that what an
    arm pays can be inferred from the bandit's own log, however rarely the arm would be played
    without it [1]_: see :func:`skbandit.metrics.adaptive_dr_value`. The propensities that
    ``predict`` returns hold it, exactly.

    Parameters
    ----------
    selector : selector, default=None
        What is played in the other rounds. None: :class:`ArgmaxSelector`.
    share : float in [0, 1], default=0.5
        The share c of rounds at the start.
    decay : float in [0, 1], default=0.24
        The exponent d with which it falls; 0 keeps it.

    References
    ----------
    .. [1] B. Liang and I. Bojinov (2023). An experimental design for anytime-valid causal
       inference on multi-armed bandits. arXiv:2311.05794. (mixture adaptive design)

    Examples
    --------
    >>> from skbandit.linear import LinearThompsonSampling
    >>> from skbandit.selectors import PropensityFloorSelector
    >>> bandit = LinearThompsonSampling(selector=PropensityFloorSelector())
    >>> X, arms, reward = [[0.0]] * 10_000, ["a", "b"] * 5000, [0.0, 1.0] * 5000
    >>> bandit.fit(X, arms, reward=reward).predict_proba([[0.0]]).round(3)
    array([[0.027, 0.973]])
    """

    _parameter_constraints = {
        "selector": [HasMethods(["select", "expect", "get_params"]), None],
        "share": [Interval(Real, 0, 1, closed="both")],
        "decay": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, selector=None, share=0.5, decay=0.24):
        self.selector = selector
        self.share = share
        self.decay = decay

    @property
    def treats_arms_alike(self):
        """Whether the other selector does."""
        return getattr(self._other, "treats_arms_alike", True)

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        share = scheduled(self.share, -self.decay, learnt_weight)
        return type(self)(selector=at(self._other, learnt_weight), share=share, decay=0.0)

    def for_arms(self, arms):
        """See :meth:`BaseSelector.for_arms`."""
        known = self._other
        other = for_arms(known, arms)
        # Asked at every decision: nothing is made anew where no arm is named.
        return self if other is known else type(self)(other, share=self.share, decay=self.decay)

    def for_costs(self, cost):
        """See :meth:`BaseSelector.for_costs`; the other selector weighs them."""
        other = for_costs(self._other, cost)
        return type(self)(other, share=self.share, decay=self.decay)

    def _mix(self, probability, available):
        return explored(probability, self.share, available, self.n_selected or 1)

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return self._mix(self._other.select(scores, available), available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; as exact as that of the other selector."""
        return self._mix(self._other.expect(belief, available), available)


def at(selector, learnt_weight):
    """Return a selector as it is for a bandit that has learnt so many rounds.

    Parameters
    ----------
    selector : selector
        One that does not change need not have the method ``at``.
    learnt_weight : float
    """
    return selector.at(learnt_weight) if hasattr(selector, "at") else selector


def for_arms(selector, arms):
    """Return a selector as it is for a bandit that has these arms.

    Parameters
    ----------
    selector : selector
        One that names no arms need not have the method ``for_arms``.
    arms : ndarray of shape (n_arms,)
    """
    return selector.for_arms(arms) if hasattr(selector, "for_arms") else selector


def for_costs(selector, cost):
    """Return a selector as it is for rows in which the arms cost so much.

    Parameters
    ----------
    selector : selector
        One that weighs no costs need not have the method ``for_costs``; it raises.
    cost : ndarray of shape (n_samples, n_arms) or (n_samples,)
    """
    if not hasattr(selector, "for_costs"):
        raise _no_costs(selector)
    return selector.for_costs(cost)


class TopKSelector(BaseSelector):
    """Play the k best arms at once (semi-bandit feedback); ties at the edge share evenly.

    ``predict`` then returns (n_samples, k) distinct arms, best first, and ``predict_proba`` the
    probability that an arm is in the set: its rows sum to k.

    Parameters
    ----------
    k : int, default=1
        How many arms to play a round.

    Notes
    -----
    The set is drawn by systematic sampling (Madow 1949), which meets the inclusion probabilities
    exactly, whatever they are.

    References
    ----------
    W. G. Madow (1949). On the theory of systematic sampling, II. Annals of Mathematical Statistics
    20(3), 333-354.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.selectors import TopKSelector
    >>> TopKSelector(k=2).select(np.array([[1.0, 3.0, 1.0]])).tolist()
    [[0.5, 1.0, 0.5]]
    """

    has_closed_form = True

    _parameter_constraints = {"k": [Interval(Integral, 1, None, closed="left")]}

    def __init__(self, k=1):
        self.k = k

    @property
    def n_selected(self):
        """How many arms are played a round."""
        return self.k

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return top_policy(scores, self.k, available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; exact."""
        return belief.top(self.k, available)


class SoftmaxSelector(BaseSelector):
    r"""Play arms with probability proportional to the exponential of their score (Boltzmann).

    .. math:: p_a \propto \exp\left(\frac{s_a}{\tau \, \sigma}\right)

    where :math:`\sigma` is the standard deviation of the row's available scores
    (``standardize=True``) or 1, and :math:`\tau` the temperature; after rounds of a total weight
    of t it is that of the start times :math:`\max(t, 1)^{-d}`.

    Parameters
    ----------
    temperature : float > 0, default=0.5
        Towards 0 the best arm is played, towards infinity all alike.
    standardize : bool, default=True
        Measure scores in units of their spread over the arms, so that the policy does not depend
        on the unit of the reward. False gives the classical softmax: `temperature` is then in
        units of the reward.
    decay : float in [0, 1], default=0.0
        The exponent d with which the temperature falls as the bandit learns; 0 keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.selectors import SoftmaxSelector
    >>> selector = SoftmaxSelector(temperature=1.0)
    >>> euros = np.array([[1.0, 2.0, 4.0]])
    >>> np.allclose(selector.select(euros), selector.select(100 * euros))
    True
    """

    _parameter_constraints = {
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
        "decay": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, temperature=0.5, standardize=True, decay=0.0):
        self.temperature = temperature
        self.standardize = standardize
        self.decay = decay

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        if self.decay == 0.0:
            return self
        temperature = scheduled(self.temperature, -self.decay, learnt_weight)
        return type(self)(temperature=temperature, standardize=self.standardize)

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        # Along the short axis of arms einsum adds several times as fast, and the largest score is
        # found faster along the other one.
        gap = np.array(scores, dtype=np.float64, order="C")
        out, count = None, gap.shape[1]
        if available is not None:
            out = ~np.asarray(available, dtype=bool)
            count = count - np.count_nonzero(out, axis=1)[:, None]
            gap[out] = -np.inf
        highest = np.ascontiguousarray(gap.T).max(axis=0)[:, None]
        # Gaps to the best are free of the rewards' offset, hence of its rounding.
        gap -= highest
        if self.standardize:
            if out is not None:
                gap[out] = 0.0
            centred = gap - np.einsum("na->n", gap)[:, None] / count
            if out is not None:
                centred[out] = 0.0
            spread = np.sqrt(np.einsum("na,na->n", centred, centred)[:, None] / count)
            # Scores that differ by rounding alone are ties, as in argmax_policy.
            tied = spread <= 1e-10 * np.abs(highest)
            gap /= np.where(tied, 1.0, spread)
            gap[tied[:, 0]] = 0.0
        # Where a tiny temperature overflows, the gaps are minus infinity, as they should be.
        with np.errstate(over="ignore"):
            gap /= self.temperature
        weight = np.exp(gap, out=gap)
        if out is not None:
            weight[out] = 0.0
        weight /= np.einsum("na->n", weight)[:, None]
        return weight
