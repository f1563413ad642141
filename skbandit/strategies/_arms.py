"""Arms with a part of their own: a default arm, and arms that compete in few rounds."""

from numbers import Real

import numpy as np

from .._axes import source_index
from .._sklearn import HasMethods, Interval
from ..selectors import SelectorAround, at, for_arms, for_costs


class _NamedArmsSelector(SelectorAround):
    """A selector around another one that treats some arms, known by their labels, differently."""

    _parameter_constraints = {
        "share": [Interval(Real, 0, 1, closed="both")],
        "selector": [HasMethods(["select", "expect", "get_params"]), None],
    }
    treats_arms_alike = False
    # Positions of the arms that are named, once the bandit's arms are known.
    _places = None

    def at(self, learnt_weight):
        """See :meth:`BaseSelector.at`."""
        return self._around(at(self._other, learnt_weight), self._places)

    def for_arms(self, arms):
        """See :meth:`BaseSelector.for_arms`."""
        named = self._named
        places = source_index(arms.tolist(), named)
        if (places < 0).any():
            unknown = [one for one, place in zip(named, places, strict=True) if place < 0]
            raise ValueError(
                f"{type(self).__name__} names {unknown!r}, which the bandit does not know; its "
                f"arms are {arms.tolist()!r}."
            )
        return self._around(for_arms(self._other, arms), places)

    def for_costs(self, cost):
        """See :meth:`BaseSelector.for_costs`; the other selector weighs them."""
        return self._around(for_costs(self._other, cost), self._places)

    def _around(self, other, places):
        new = type(self)(**{**self.get_params(deep=False), "selector": other})
        new._places = places
        return new

    def _is_named(self, n_arms):
        """Which arms are named, (n_arms,)."""
        if self._places is None:
            raise ValueError(
                f"{type(self).__name__} does not know the bandit's arms yet: ask a bandit, or "
                "for_arms(arms) first."
            )
        named = np.zeros(n_arms, dtype=bool)
        named[self._places] = True
        return named

    def select(self, scores, available=None):
        """See :meth:`BaseSelector.select`."""
        return self._mix(lambda mask: self._other.select(scores, mask), scores.shape, available)

    def expect(self, belief, available=None):
        """See :meth:`BaseSelector.expect`; as exact as that of the other selector."""
        shape = np.shape(belief.mean)
        return self._mix(lambda mask: belief.expect(self._other, mask), shape, available)


class DefaultArmSelector(_NamedArmsSelector):
    """Play a default arm in a share of the rounds, and as another selector does in the others.

    The arm that is played today keeps most of the traffic while others are tried. Its propensity
    is at least `share` in each round in which it is available; in a round in which it is not the
    other selector decides.

    Parameters
    ----------
    arm : label
        The default arm; one of the bandit's.
    share : float in [0, 1], default=0.9
        Its share of the rounds.
    selector : selector, default=None
        What is played in the others (the default arm too, where it is best). None:
        :class:`~skbandit.selectors.ArgmaxSelector`. It must play one arm a round.

    See Also
    --------
    LimitedArmsSelector : Arms that compete in a share of the rounds.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.strategies import DefaultArmSelector
    >>> bandit = LinearUCB(arms=["old", "new"], selector=DefaultArmSelector("old", share=0.8))
    >>> bandit.predict_proba([[0.0]]).round(2)
    array([[0.9, 0.1]])
    """

    def __init__(self, arm=None, share=0.9, selector=None):
        self.arm = arm
        self.share = share
        self.selector = selector

    @property
    def _named(self):
        return [self.arm]

    def check(self):
        """See :meth:`BaseSelector.check`."""
        super().check()
        if self.n_selected is not None:
            raise ValueError(
                f"DefaultArmSelector plays one arm a round, and selector={self._other!r} plays "
                f"{self.n_selected}."
            )

    def _mix(self, decide, shape, available):
        default = self._is_named(shape[1])
        share = np.full((shape[0], 1), float(self.share))
        if available is not None:
            share = np.where(available[:, default], share, 0.0)
        return (1.0 - share) * decide(available) + share * default


class LimitedArmsSelector(_NamedArmsSelector):
    """Let some arms compete in a share of the rounds only; in the others they are not available.

    A new arm that is tried on a part of the traffic is played in at most that share of the rounds,
    however good it seems. Where no other arm is available it competes always.

    Parameters
    ----------
    arms : list of labels
        The arms that are limited, all of them together; some of the bandit's.
    share : float in [0, 1], default=0.1
        The share of rounds in which they compete.
    selector : selector, default=None
        What is played. None: :class:`~skbandit.selectors.ArgmaxSelector`.

    See Also
    --------
    DefaultArmSelector : An arm that has a share of the rounds for itself.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.strategies import LimitedArmsSelector
    >>> selector = LimitedArmsSelector(["c"], share=0.3)
    >>> bandit = LinearUCB(arms=["a", "b", "c"], selector=selector)
    >>> bandit.predict_proba([[0.0]]).round(2)
    array([[0.45, 0.45, 0.1 ]])
    """

    def __init__(self, arms=(), share=0.1, selector=None):
        self.arms = arms
        self.share = share
        self.selector = selector

    @property
    def _named(self):
        return list(self.arms)

    def _mix(self, decide, shape, available):
        free = np.ones(shape, dtype=bool) if available is None else available
        without = free & ~self._is_named(shape[1])
        enough = without.sum(axis=1, keepdims=True) >= (self.n_selected or 1)
        without = np.where(enough, without, free)
        return self.share * decide(available) + (1.0 - self.share) * decide(without)
