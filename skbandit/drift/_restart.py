"""A bandit that starts over when the world is seen to change."""

from numbers import Integral

import numpy as np
from sklearn.base import clone

from .._sklearn import HasMethods, Interval, StrOptions
from ..buffers import SlidingWindow, take_rounds
from ._detector import AdaptiveWindow
from ._wrapped import BaseWrappedBandit, WrappedState


class RestartingBandit(BaseWrappedBandit):
    """Any bandit, which starts over once its errors say that the world has changed.

    Before rounds are learnt the bandit inside predicts their rewards. The sizes of its errors are
    watched, for each arm, by adaptive windowing [1]_: where the newer ones are larger on average,
    rewards are no longer what was learnt. Then the arm forgets the rounds before the change and
    keeps the later ones (``restart="arm"``), or all arms do (``restart="all"``). Sizes see a
    change of weights as well as one of means, in any unit of the rewards, and errors that shrink
    while the bandit learns raise no alarm.

    Parameters
    ----------
    bandit : bandit, default=None
        What learns and decides. None: :class:`~skbandit.linear.LinearThompsonSampling`. It is
        cloned, never fitted itself. Its own `selector` must be None, and its `arms` are those of
        this one.
    detector : AdaptiveWindow or the like, default=None
        Has ``extended(values)``, ``n_changes`` and ``width``. None: ``AdaptiveWindow(
        changes="up")``.
    restart : {"all", "arm"}, default="all"
        Who starts over. "all" also finds arms that have become better and are not played. "arm"
        needs arms with parameters of their own.
    memory : int, default=5000
        How many of the last rounds are kept, to learn again those since a change.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms, and seeds the bandit inside where that has None.

    Attributes
    ----------
    bandit_ : bandit
        The bandit inside, fitted.
    n_restarts_ : ndarray of shape (n_arms,)
        How many changes were found, by the arm whose errors gave them away; one entry where arms
        are candidates.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of all rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        The bandit inside, the rounds that are kept and what watches them; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    SlidingWindowBandit : Forgets all the time.

    Notes
    -----
    A change is seen where it is played: an arm that is hardly ever played and becomes better gives
    no sign. A weight of k counts an error once.

    References
    ----------
    .. [1] A. Bifet and R. Gavaldà (2007). Learning from time-changing data with adaptive
       windowing. SDM.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.drift import RestartingBandit
    >>> from skbandit.linear import LinearUCB
    >>> bandit = RestartingBandit(bandit=LinearUCB(), arms=["a", "b"], random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> for t in range(60):
    ...     X = rng.randn(20, 2)
    ...     arm = bandit.predict(X)
    ...     sign = 1.0 if t < 30 else -1.0
    ...     reward = sign * X[:, 0] * np.where(arm == "a", 1.0, -1.0) + 0.3 * rng.randn(20)
    ...     bandit = bandit.partial_fit(X, arm, reward=reward)
    >>> int(bandit.n_restarts_.sum()) > 0
    True
    >>> bandit.predict([[2.0, 0.0], [-2.0, 0.0]], explore=False).tolist()
    ['b', 'a']
    """

    _parameter_constraints = {
        **BaseWrappedBandit._parameter_constraints,
        "detector": [HasMethods(["extended", "get_params"]), None],
        "restart": [StrOptions({"all", "arm"})],
        "memory": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("bandit", "detector", "restart", "memory")

    def __init__(
        self,
        *,
        bandit=None,
        detector=None,
        restart="all",
        memory=5000,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.detector = detector
        self.restart = restart
        self.memory = memory
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    @property
    def _n_kept(self):
        return self.memory

    @property
    def _by_arm(self):
        """Whether each arm is watched by itself."""
        return not self._candidate_features

    def _new_detector(self):
        return AdaptiveWindow(changes="up") if self.detector is None else clone(self.detector)

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        if self.restart == "arm" and not self._by_arm:
            raise ValueError(
                "restart='arm' needs arms with parameters of their own, and these are candidates. "
                "Use restart='all'."
            )
        n_watched = n_arms if self._by_arm else 1
        return state._replace(watch=tuple(self._new_detector() for _ in range(n_watched)))

    def _learnt(self, state, columns):
        watch, changed = list(state.watch), []
        # Before any round there is nothing that could turn out wrong.
        if state.bandit.__sklearn_is_fitted__():
            group, size = self._errors(state.bandit, columns)
            for one in np.unique(group).tolist():
                before = watch[one].n_changes
                watch[one] = watch[one].extended(size[group == one])
                if watch[one].n_changes > before:
                    changed.append(one)
        buffer = state.buffer.extended(columns)
        inner = self._teach(state.bandit, columns)
        if changed:
            inner, buffer = self._restarted(inner, buffer, watch, changed)
        return WrappedState(inner, buffer, tuple(watch))

    def _errors(self, bandit, columns):
        """Who is watched in each round, and the size of its error."""
        arm = columns["arm"]
        believed = bandit.expected_reward(columns["row"])[np.arange(len(arm)), arm]
        group = arm if self._by_arm else np.zeros_like(arm)
        return group, np.abs(columns["reward"] - believed)

    def _restarted(self, bandit, buffer, watch, changed):
        """Forget the rounds before the changes, and learn again those since."""
        kept = buffer.columns
        group = kept["arm"] if self._by_arm else np.zeros_like(kept["arm"])
        if self.restart == "arm":
            start = np.arange(len(self.classes_))
            start[changed] = -1
            resize = bandit._resize(arms=self.classes_, arm_source=start)
            new = bandit._carried_into(clone(bandit), resize)
            since = np.zeros(len(group), dtype=bool)
            for one in changed:
                since[np.flatnonzero(group == one)[-watch[one].width :]] = True
            later = since | ~np.isin(group, changed)
            if since.any():
                new = self._teach(new, take_rounds(kept, since))
        else:
            # The world changed when the first of these arms did.
            first = min(
                int(np.flatnonzero(group == one)[-watch[one].width :].min(initial=len(group)))
                for one in changed
            )
            later = np.arange(len(group)) >= first
            new = self._new_bandit()
            if later.any():
                new = self._teach(new, take_rounds(kept, later))
            for one, detector in enumerate(watch):
                if one not in changed:
                    # Its errors were those of what is forgotten now.
                    watch[one] = _emptied(detector)
        if not later.all():
            rest = take_rounds(kept, later)
            buffer = SlidingWindow(self.memory)
            if later.any():
                buffer = buffer.extended(rest)
        return new, buffer

    def _carried_watch(self, source, resize):
        if not isinstance(source, RestartingBandit) or not self._by_arm:
            n_watched = resize.n_arms if self._by_arm else 1
            return tuple(self._new_detector() for _ in range(n_watched))
        return tuple(
            source.state_.watch[before] if before >= 0 else self._new_detector()
            for before in resize.arm_source
        )

    @property
    def n_restarts_(self):
        """How many changes were found, by the arm whose errors gave them away."""
        return np.array([detector.n_changes for detector in self.state_.watch])


def _emptied(detector):
    """A detector that has seen nothing but how many changes there were."""
    new = clone(detector)
    new.n_changes = detector.n_changes
    return new
