"""An environment that turns into another."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from .._rows import join_rows, take_rows
from ._base import BaseEnvironment

_KINDS = ("abrupt", "gradual", "seasonal")


class DriftingEnvironment(BaseEnvironment):
    """A world that changes: rounds come from one environment, later from another.

    Each round is one of the two worlds', as a whole: its context, its rewards and their
    expectations. The share of rounds of the second world is

    - "abrupt": 0 before round `change_at`, 1 from then on;
    - "gradual": 0 before round `change_at`, then it rises to 1 in a straight line over `duration`
      rounds;
    - "seasonal": ``(1 - cos(2 pi t / period)) / 2`` in round t.

    Parameters
    ----------
    before, after : BaseEnvironment
        The two worlds, with the same arms and features.
    kind : {"abrupt", "gradual", "seasonal"}, default="abrupt"
    change_at : int, default=1000
        The first round after the change, or of it, counted from 0.
    duration : int, default=1000
        How many rounds a gradual change takes.
    period : int, default=1000
        How many rounds a season's full turn takes.

    See Also
    --------
    skbandit.drift : Bandits for such worlds.

    Examples
    --------
    >>> from skbandit.environments import DriftingEnvironment, LinearEnvironment
    >>> before, after = (LinearEnvironment(n_features=2, random_state=seed) for seed in (0, 1))
    >>> environment = DriftingEnvironment(before=before, after=after, change_at=50)
    >>> environment.sample(100, random_state=0).contexts.shape
    (100, 2)
    """

    def __init__(
        self, *, before, after, kind="abrupt", change_at=1000, duration=1000, period=1000
    ):
        self.before = before
        self.after = after
        self.kind = kind
        self.change_at = change_at
        self.duration = duration
        self.period = period

    @property
    def arms(self):
        """The arms of both worlds."""
        return self.before.arms

    @property
    def n_features(self):
        """Number of features of both worlds."""
        return self.before.n_features

    def share_after(self, rounds):
        """Return the share of the second world in some rounds.

        Parameters
        ----------
        rounds : array-like of int of shape (n_rounds,)
            Numbers of rounds, counted from 0.

        Returns
        -------
        share : ndarray of shape (n_rounds,)
        """
        t = np.asarray(rounds, dtype=np.float64)
        if self.kind == "seasonal":
            return (1.0 - np.cos(2.0 * np.pi * t / self.period)) / 2.0
        since = t - self.change_at
        if self.kind == "gradual":
            return np.clip((since + 1.0) / self.duration, 0.0, 1.0)
        return (since >= 0.0).astype(np.float64)

    def _sample(self, n_rounds, rng):
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}, got {self.kind!r}.")
        check_scalar(self.change_at, "change_at", Integral, min_val=0)
        check_scalar(self.duration, "duration", Integral, min_val=1)
        check_scalar(self.period, "period", Integral, min_val=1)
        if list(self.before.arms) != list(self.after.arms) or (
            self.before.n_features != self.after.n_features
        ):
            raise ValueError(
                "before and after must have the same arms and features, got "
                f"{list(self.before.arms)!r} with {self.before.n_features} features and "
                f"{list(self.after.arms)!r} with {self.after.n_features}."
            )
        which, first, second = rng.randint(np.iinfo(np.int32).max, size=3)
        share = self.share_after(np.arange(n_rounds))
        changed = np.random.RandomState(which).random_sample(n_rounds) < share
        worlds = [
            self.before.sample(n_rounds, int(first)),
            self.after.sample(n_rounds, int(second)),
        ]
        rows = np.arange(n_rounds) + n_rounds * changed
        contexts = take_rows(join_rows([world.contexts for world in worlds]), rows)
        return contexts, *(
            np.where(changed[:, None], getattr(worlds[1], name), getattr(worlds[0], name))
            for name in ("reward", "expected")
        )
