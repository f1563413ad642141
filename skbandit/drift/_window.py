"""A bandit that knows the last rounds alone."""

from numbers import Integral

from .._sklearn import Interval
from ..buffers import RefitSchedule, ScheduleState
from ._wrapped import BaseWrappedBandit, WrappedState


class SlidingWindowBandit(BaseWrappedBandit):
    """Any bandit, taught by the last rounds alone.

    Older rounds are forgotten: the bandit inside is fitted anew to the last `window` rounds
    whenever `refit_every` more have come, and learns the others as they come in between. So it
    knows between `window` and ``window + refit_every`` rounds. Around
    :class:`~skbandit.linear.LinearUCB` this is SW-LinUCB [1]_.

    Parameters
    ----------
    bandit : bandit, default=None
        What learns and decides. None: :class:`~skbandit.linear.LinearThompsonSampling`. It is
        cloned, never fitted itself. Its own `selector` must be None, and its `arms` are those of
        this one.
    window : int, default=2000
        How many rounds are remembered. A world that changes every T rounds asks for a window of
        the order of :math:`T^{2/3}`.
    refit_every : int, default=None
        New rounds between two fits. None is a twentieth of the window.
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
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of all rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        The bandit inside and the rounds that are kept; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    RestartingBandit : Forgets when the world is seen to change.
    DiscountedLinUCB : Old rounds fade.

    References
    ----------
    .. [1] W. C. Cheung, D. Simchi-Levi and R. Zhu (2019). Learning to optimize under
       non-stationarity. AISTATS, algorithm 1.

    Examples
    --------
    >>> from skbandit.drift import SlidingWindowBandit
    >>> from skbandit.linear import LinearUCB
    >>> bandit = SlidingWindowBandit(bandit=LinearUCB(), window=4, refit_every=2, arms=["a", "b"])
    >>> for reward in (1.0, 0.0):
    ...     bandit = bandit.partial_fit([[1.0]] * 6, ["a"] * 6, reward=[reward] * 6)
    >>> bandit.bandit_.weight_.tolist(), bool(bandit.expected_reward([[1.0]])[0, 0] < 0.1)
    ([4.0, 0.0], True)
    """

    _parameter_constraints = {
        **BaseWrappedBandit._parameter_constraints,
        "window": [Interval(Integral, 1, None, closed="left")],
        "refit_every": [Interval(Integral, 1, None, closed="left"), None],
    }
    _shape_parameters = ("bandit", "window")

    def __init__(
        self,
        *,
        bandit=None,
        window=2000,
        refit_every=None,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.window = window
        self.refit_every = refit_every
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    @property
    def _n_kept(self):
        return self.window

    def _learnt(self, state, columns):
        buffer = state.buffer.extended(columns)
        schedule = ScheduleState() if not state.watch else state.watch[0]
        every = max(1, self.window // 20) if self.refit_every is None else self.refit_every
        # Counted in rounds, as the window is.
        schedule = schedule.extended(len(columns["arm"]))
        outgrown = buffer.n_seen > self.window
        due = RefitSchedule(min_weight=0.0, every=every).is_due(schedule, len(buffer))
        if outgrown and due:
            inner = self._teach(self._new_bandit(), buffer.columns)
            schedule = schedule.refitted(len(buffer))
        else:
            inner = self._teach(state.bandit, columns)
        return WrappedState(inner, buffer, (schedule,))

    def _carried_watch(self, source, resize):
        return source.state_.watch
