"""Thompson sampling from how far predictions have moved as rounds came in."""

from numbers import Real
from typing import NamedTuple

import numpy as np

from .._rows import take_rows
from .._sklearn import Interval
from ..explorations import ALPHA_CONSTRAINT, ThompsonSamplingMixin
from ._base import BaseEstimatorBandit
from ._cold import Paid, is_warm
from ._fitting import expected


class Prefixes(NamedTuple):
    """An estimator fitted to more and more of the first rounds, to all of them last."""

    estimators: tuple
    counts: np.ndarray  # (n_prefixes,) weight of the rounds of each


def prefix_ends(weight, growth):
    """Return where prefixes end whose weights grow by a factor; the last one has all rounds.

    Parameters
    ----------
    weight : ndarray of shape (n_rounds,)
    growth : float > 1

    Returns
    -------
    end : ndarray of int of shape (n_prefixes,)
        Numbers of rounds, increasing.
    """
    count = np.cumsum(weight)
    n_steps = int(np.ceil(np.log(max(count[-1] / count[0], 1.0)) / np.log(growth)))
    aims = count[-1] / growth ** np.arange(n_steps, -1, -1)
    # Rounding must not leave out the round that reaches an aim.
    return np.unique(np.searchsorted(count, aims * (1.0 + 1e-9), side="right").clip(1))


def predictive_variance(means, counts, prior_rounds, prior_variance):
    r"""Variance of an expected reward from the predictions of fits to more and more rounds.

    Predictive means are a martingale: what they move on from n rounds to infinitely many is what
    is not known about the limit. With c rounds in the prior and noise of variance v an increment
    from n to m rounds has the variance :math:`V (1 / (c + n) - 1 / (c + m))`, so each increment
    :math:`d_j`, squared and divided by that factor, is an estimate of V, and the variance of the
    limit is :math:`V / (c + n)` for the last n. The estimate is the mean of theirs and of
    `prior_variance`, which counts as one.

    Parameters
    ----------
    means : ndarray of shape (n_prefixes, n_rows)
    counts : ndarray of shape (n_prefixes,)
        Increasing.
    prior_rounds : float > 0
    prior_variance : float

    Returns
    -------
    variance : ndarray of shape (n_rows,)
    """
    known = 1.0 / (prior_rounds + counts)
    estimates = np.diff(means, axis=0) ** 2 / -np.diff(known)[:, None]
    return known[-1] * (prior_variance + estimates.sum(axis=0)) / (1.0 + len(estimates))


class PredictiveThompsonSampling(ThompsonSamplingMixin, BaseEstimatorBandit):
    r"""Thompson sampling for any estimator, from how far its predictions have moved.

    A predictive distribution says how far rewards scatter; Thompson sampling needs to know how
    uncertain their *mean* is. Where predictive means are those of a Bayesian they are a
    martingale, and the variance of their limit follows from how far they moved [1]_ [2]_. The
    estimator is fitted to the first :math:`n_1 < n_2 < \dots < n_J = n` rounds, each time
    `grid_growth` times as many; with :math:`g_j(x)` its predictions and c the `prior_rounds`,

    .. math::
        V(x) = \frac{1}{J} \Bigl( v + \sum_{j=2}^{J}
        \frac{(g_j(x) - g_{j-1}(x))^2}{1 / (c + n_{j-1}) - 1 / (c + n_j)} \Bigr), \quad
        \sigma^2(x) = \frac{V(x)}{c + n},

    where v is the variance of all rewards: a few predictions that agree make nothing certain. The
    belief is Gaussian with mean :math:`g_J(x)`. For conjugate models this is the posterior's
    variance, up to the noise of J estimates. The policy is exact, not a draw.

    The method was made for networks that were fitted beforehand to synthetic tables (TabPFN,
    TabICL): give ``TabICLClassifier()`` or ``TabICLRegressor()`` as `estimator`. It serves
    Gaussian processes, Bayesian regression and whatever else predicts as a Bayesian would.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        What predicts rewards; also a Pipeline. A classifier takes rewards in [0, 1]. None:
        :class:`~sklearn.linear_model.Ridge`. It is cloned, never fitted itself; random states that
        it leaves at None are seeded by `random_state`, alike for all prefixes.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    alpha : float >= 0 or "auto", default=1.0
        Factor on the standard deviation of the belief. 1 draws from the belief itself; "auto" is
        :func:`skbandit.explorations.thompson_scale`.
    grid_growth : float > 1, default=1.5
        By which factor prefixes grow. n rounds have about log(n) / log(1.5) of them, which
        together cost three times as much as one fit whose time grows with the rounds.
    prior_rounds : float > 0, default=1.0
        How many rounds the estimator's own prior counts as.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns behind those of `X`. "shared": candidates have features, `X` is
        (n_samples, n_candidates, n_features), and one estimator serves them.
    refit_growth : float >= 1, default=1.2
        Estimators are fitted anew once the rounds they learn from have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards, by their weight, that an arm must have before its estimator is asked; of each
        kind (0 and 1) for a classifier. Until then it is drawn from a Gaussian or Beta belief.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`. None keeps all of them.
    n_jobs : int, default=None
        Arms fitted in parallel.
    selector : selector, default=None
        From scores to a policy, see :mod:`skbandit.selectors`. None plays the best arm.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        Estimators fitted to all rounds, one an arm, or one; None for an arm that has too few
        rewards.
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
    TreeThompsonSampling : Thompson sampling on trees, at a fraction of the cost.
    GreedyBandit : Any estimator, without a width.

    References
    ----------
    .. [1] Y. S. Tan, K. Ng, R. Deng, S. Loganathan, Q. Zhang and B. Chakraborty (2026). PFN-TS:
       Thompson sampling for contextual bandits via prior-data fitted networks. arXiv:2605.10137.
    .. [2] S. Fortini and S. Petrone (2020). Quasi-Bayes properties of a procedure for sequential
       learning in mixture models. Journal of the Royal Statistical Society B 82(4), 1087-1114.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import BayesianRidge
    >>> from skbandit.meta import PredictiveThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = np.where(arm == "email", X[:, 0], X[:, 1]) + rng.randn(200)
    >>> bandit = PredictiveThompsonSampling(estimator=BayesianRidge(), random_state=0)
    >>> bandit = bandit.fit(X, arm, reward=reward)
    >>> mean, std = bandit.expected_reward([[1.0, -1.0]], return_std=True)
    >>> mean.round(1), bool((std < 0.5).all())
    (array([[ 1. , -1.2]]), True)
    """

    _parameter_constraints = {
        **BaseEstimatorBandit._parameter_constraints,
        "alpha": ALPHA_CONSTRAINT,
        "grid_growth": [Interval(Real, 1, None, closed="neither")],
        "prior_rounds": [Interval(Real, 0, None, closed="neither")],
    }
    # Prefixes are fitted, each from its start.
    _parameter_constraints.pop("update")
    _shape_parameters = ("estimator", "arm_model", "buffer")
    _learns_on = False

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        alpha=1.0,
        grid_growth=1.5,
        prior_rounds=1.0,
        arm_model="disjoint",
        refit_growth=1.2,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.arms = arms
        self.alpha = alpha
        self.grid_growth = grid_growth
        self.prior_rounds = prior_rounds
        self.arm_model = arm_model
        self.refit_growth = refit_growth
        self.min_rewards = min_rewards
        self.buffer = buffer
        self.n_jobs = n_jobs
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.has_width = True
        return tags

    def _fit_rounds(self, rows, reward, weight, seed):
        found, counts, least = [], [], self.min_rewards
        for end in prefix_ends(weight, float(self.grid_growth)):
            paid = Paid.of(np.zeros(end, dtype=np.intp), reward[:end], weight[:end], 1)
            if end < len(reward) and not is_warm(paid, least, self._in_unit_interval)[0]:
                continue
            first = take_rows(rows, slice(0, int(end)))
            found.append(super()._fit_rounds(first, reward[:end], weight[:end], seed))
            counts.append(paid.weight[0])
        return Prefixes(tuple(found), np.array(counts))

    def _ask(self, model, rows):
        is_chance = self._in_unit_interval
        means = np.array([expected(one, rows, is_chance) for one in model.estimators])
        prior = float(self.prior_rounds), self._reward_variance()
        return means[-1], np.sqrt(predictive_variance(means, model.counts, *prior))

    @property
    def estimators_(self):
        """Those fitted to all rounds, by arm; one for all where they share one."""
        return [one if one is None else one.estimators[-1] for one in super().estimators_]
