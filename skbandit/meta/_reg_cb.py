"""Confidence bounds of a regression around an estimator."""

from numbers import Integral, Real

import numpy as np

from .._sklearn import Interval, StrOptions
from ._base import BaseEstimatorBandit
from ._fitting import checked_once, fitted, takes_weights
from ._regression_bounds import OracleBounds, is_ridge, ridge_bounds

# Arms with too few rewards are given bounds at least so many standard deviations away.
_COLD_DEVIATIONS = 2.0


class RegCB(BaseEstimatorBandit):
    r"""RegCB: play by the bounds of all regressors that fit the rounds about as well as the best.

    An arm may pay what some regressor expects whose squared loss on the arm's rounds exceeds that
    of the fitted one by at most

    .. math:: \Delta_t = c \, V \, \log(e + t),

    with t the total weight of the rounds learnt and V the variance of all rewards. The optimistic
    policy plays the arm of the highest upper bound; elimination plays all arms alike whose upper
    bound reaches the highest lower bound [1]_.

    For :class:`~sklearn.linear_model.Ridge`, also at the end of a Pipeline, the bounds are known
    in closed form: :math:`\hat f(x) \pm \sqrt{\Delta_t \, x^\top A^{-1} x}`, which costs the
    square of the number of features a row. For other estimators they are found with the estimator
    as an oracle: a round with an extreme reward is made up at the row, and its weight is searched
    that uses up the loss. That costs 2 `n_steps` fits for **each row and arm that is asked about**
    (the lower bounds are needed by elimination alone, but are found with the others): it is for
    estimators that are fitted in milliseconds.

    Parameters
    ----------
    estimator : regressor or classifier with ``predict_proba``, default=None
        None: :class:`~sklearn.linear_model.Ridge`. Others must take ``sample_weight``.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    rule : {"optimistic", "elimination"}, default="optimistic"
        What is played.
    mellowness : float >= 0, default=0.1
        The factor c. 0 trusts the fitted estimator.
    n_steps : int, default=10
        Steps of the search for a weight, for estimators without a closed form.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier. Until then its bounds are those of its Beta (Gaussian) belief, at least two
        standard deviations away.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Estimators fitted in parallel.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`. Scores are upper bounds; with
        elimination, arms that may be the best all have the highest of them.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        For each model a record with the estimator (``fitted``) and what its bounds follow from;
        None for an arm that has too few rewards.
    n_refits_ : ndarray of shape (n_models,)
        How many times each was fitted.
    weight_ : ndarray of shape (n_arms,)
        Weight of the rounds that each arm was played in.
    learnt_weight_ : float
        Total weight of the rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        Rounds, rewards and models; never written to, learning replaces it.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    SquareCB : Explores by gaps, without bounds.
    skbandit.linear.LinearUCB : Upper confidence bounds of a linear model, learnt round by round.

    References
    ----------
    .. [1] D. Foster, A. Agarwal, M. Dudik, H. Luo and R. Schapire (2018). Practical contextual
       bandits with regression oracles. ICML, algorithm 1 and section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.meta import RegCB
    >>> bandit = RegCB(arms=["email", "push"], rule="elimination", random_state=0)
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = X[:, 0] * (arm == "email") + 0.1 * rng.randn(200)
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[2.0, 0.0], [0.0, 0.0], [-2.0, 0.0]])
    array([[1. , 0. ],
           [0.5, 0.5],
           [0. , 1. ]])
    """

    _parameter_constraints = {
        **{
            name: allowed
            for name, allowed in BaseEstimatorBandit._parameter_constraints.items()
            if name != "update"
        },
        "rule": [StrOptions({"optimistic", "elimination"})],
        "mellowness": [Interval(Real, 0, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("estimator", "arm_model", "buffer", "n_steps")
    # Bounds follow from the rounds, which are kept.
    update = "refit"

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        rule="optimistic",
        mellowness=0.1,
        n_steps=10,
        arm_model="disjoint",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.arms = arms
        self.rule = rule
        self.mellowness = mellowness
        self.n_steps = n_steps
        self.arm_model = arm_model
        self.refit_growth = refit_growth
        self.min_rewards = min_rewards
        self.buffer = buffer
        self.n_jobs = n_jobs
        self.selector = selector
        self.random_state = random_state

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        if not is_ridge(self._estimator) and not takes_weights(self._estimator):
            raise ValueError(
                "estimator must take sample_weight, so that a round can be made up that pulls at "
                f"it; {type(self._estimator).__name__} takes none. Use Ridge, whose bounds are "
                "known in closed form."
            )
        return state

    def _fit_rounds(self, rows, reward, weight, seed):
        model = fitted(self._estimator, rows, reward, weight, seed)
        if is_ridge(self._estimator):
            return ridge_bounds(model, rows, weight)
        return OracleBounds(model, self._estimator, rows, reward, weight, seed, self.n_steps)

    def _ask(self, model, rows):
        return model.expected(rows, self._in_unit_interval), None

    def _bounds(self, contexts):
        """Lower and upper bounds of what each arm pays, (n_rows, n_arms)."""
        mean, std = self._moments(contexts)
        scale = self.mellowness * np.log(np.e + self.learnt_weight_)
        excess = scale * self._reward_spread() ** 2
        away = max(np.sqrt(scale), _COLD_DEVIATIONS) * std
        low, high = mean - away, mean + away
        with checked_once():
            warm = ~np.broadcast_to(self._cold_arms(), mean.shape[1])
            for place, model, rows in self._asked_models(contexts, warm):
                bounds = model.bounds(rows, excess, self._in_unit_interval)
                low[:, place], high[:, place] = bounds
        return low, high

    def _floats_per_row(self, contexts, n_arms):
        known = getattr(self, "n_features_in_", None) or 0
        return 3 * known + super()._floats_per_row(contexts, n_arms)

    def _decision_function(self, contexts):
        low, high = self._bounds(contexts)
        if self.rule == "optimistic":
            return high
        return _surviving(low, high)

    def _policy(self, contexts, available):
        if self.rule == "optimistic" or available is None:
            return super()._policy(contexts, available)
        low, high = self._bounds(contexts)
        # An arm that cannot be played eliminates no other.
        low = np.where(available, low, -np.inf)
        high = np.where(available, high, low.max(axis=1, keepdims=True))
        return self._selector.select(_surviving(low, high), available)


def _surviving(low, high):
    """Upper bounds, of which those that reach the highest lower bound are made equal."""
    best = low.max(axis=1, keepdims=True)
    # Bounds that are equal in theory differ by rounding.
    near = 1e-10 * np.maximum(np.abs(high).max(axis=1, keepdims=True), np.abs(best))
    return np.where(high >= best - near, high.max(axis=1, keepdims=True), high)
