"""Bandits that know how sure an estimator is by fitting it to reweighted rounds."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from sklearn.base import is_classifier

from .._random import derived_seed
from .._rows import join_rows, n_rows, take_rows
from .._sklearn import Interval, StrOptions
from ..beliefs import JointBelief, ReplicateBelief
from ._base import BaseEstimatorBandit
from ._cold import beta_quantiles
from ._fitting import checked_once, expected, fitted, learnt_on, takes_weights
from ._weights import bootstrap_weights, keyed_uniform

# Replicates of the random numbers that make up the prior rounds are numbered from here.
_PRIOR = 1 << 20


class Replicates(NamedTuple):
    """What was fitted to reweighted rounds."""

    members: tuple  # estimators, or the float that a replicate expects of every row
    n_rounds: int  # how many rounds have been weighted; numbers those that come


class BaseBootstrappedBandit(BaseEstimatorBandit):
    """Replicates of an estimator, and the belief that they make up."""

    _parameter_constraints = {
        **BaseEstimatorBandit._parameter_constraints,
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "bootstrap": [StrOptions({"gamma", "poisson"})],
        "prior_rounds": [Interval(Integral, 0, None, closed="left")],
    }
    _shape_parameters = (
        *BaseEstimatorBandit._shape_parameters,
        "n_samples",
        "bootstrap",
        "prior_rounds",
    )
    # A round keeps its weights when a model is fitted anew.
    _seeds_stay = True

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        n_samples=10,
        bootstrap="gamma",
        prior_rounds=1,
        arm_model="disjoint",
        update="auto",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            estimator=estimator,
            arms=arms,
            arm_model=arm_model,
            update=update,
            refit_growth=refit_growth,
            min_rewards=min_rewards,
            buffer=buffer,
            n_jobs=n_jobs,
            selector=selector,
            random_state=random_state,
        )
        self.n_samples = n_samples
        self.bootstrap = bootstrap
        self.prior_rounds = prior_rounds

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.has_width = True
        if self.arm_model != "disjoint":
            # A replicate draws all arms together.
            tags.bandit_tags.policy = "draws"
        return tags

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        if self.bootstrap == "gamma" and not takes_weights(self._estimator):
            raise ValueError(
                "bootstrap='gamma' needs an estimator whose fit takes sample_weight, and "
                f"{type(self._estimator).__name__} takes none. Use bootstrap='poisson', which "
                "repeats rows."
            )
        return state

    # ----------------------------------------------------------------- learning
    def _fit_rounds(self, rows, reward, weight, seed):
        return self._replicated(None, rows, reward, weight, seed)

    def _learn_more(self, before, rows, reward, weight, seed):
        return self._replicated(before, rows, reward, weight, seed)

    def _replicated(self, before, rows, reward, weight, seed):
        """Let each replicate learn these rounds, under weights of its own."""
        first = 0 if before is None else before.n_rounds
        members = []
        for one in range(self.n_samples):
            own = bootstrap_weights(self.bootstrap, weight, seed, one, first)
            rounds = rows, reward, own
            if before is None and self.prior_rounds:
                rounds = with_prior_rounds(
                    *rounds,
                    weight=weight,
                    n_prior=self.prior_rounds,
                    seed=seed,
                    replicate=one,
                    in_unit_interval=self._in_unit_interval,
                )
            known = None if before is None else before.members[one]
            members.append(self._member(known, *rounds, derived_seed(seed, one)))
        return Replicates(tuple(members), first + len(reward))

    def _member(self, known, rows, reward, weight, seed):
        """A replicate that has learnt rounds, some of which may have no weight."""
        kept = np.flatnonzero(weight > 0.0)
        if not len(kept):
            return _prior_mean(reward, self._in_unit_interval) if known is None else known
        if len(kept) < len(weight):
            rows, reward, weight = take_rows(rows, kept), reward[kept], weight[kept]
        if self._learns_on:
            before = None if isinstance(known, float) else known
            return learnt_on(self._estimator, before, rows, reward, weight, seed)
        if is_classifier(self._estimator) and reward[0] in (0, 1) and (reward == reward[0]).all():
            # No classifier can be fitted to one kind: the mean of the Beta posterior.
            total = float(weight.sum())
            return float((1.0 + total * reward[0]) / (2.0 + total))
        return fitted(self._estimator, rows, reward, weight, seed)

    # ---------------------------------------------------------------- questions
    def _replicate_values(self, contexts):
        """What each replicate expects, (n_samples, n_rows, n_arms); quantiles for cold arms."""
        arm_model = self._arm_model
        n_arms = len(self._arms_for(contexts))
        cold = np.broadcast_to(self._cold_arms(), n_arms)
        values = np.empty((self.n_samples, n_rows(contexts), n_arms))
        if cold.any():
            levels = (np.arange(self.n_samples) + 0.5) / self.n_samples
            quantiles = self._cold_quantiles(levels)
            for place in np.flatnonzero(cold):
                own = quantiles[:, place if arm_model.tells_arms else 0]
                if not arm_model.by_arm:
                    # Drawn together with the others, and independent of them.
                    own = np.random.default_rng(place).permutation(own)
                values[:, :, place] = own[:, None]
        stack = self._linear_stack(contexts)
        if stack is not None:
            answers = stack.expected(contexts).T
            values[:, :, ~cold] = answers.reshape(-1, *values.shape[:2]).transpose(1, 2, 0)
            return values
        with checked_once():
            for place, model, rows in self._asked_models(contexts, ~cold):
                for one, member in enumerate(model.members):
                    if isinstance(member, float):
                        values[one, :, place] = member
                    else:
                        values[one, :, place] = expected(member, rows, self._in_unit_interval)
        return values

    def _asked_in_turn(self, fitted):
        return [member for model in fitted for member in model.members]

    def _cold_quantiles(self, levels):
        """Quantiles of what is believed about arms that have too few rewards."""
        mean, std = self._prior_moments()
        levels = np.asarray(levels)[:, None]
        if self._in_unit_interval:
            return beta_quantiles(mean, std, levels)
        return mean + std * ndtri(levels)

    def _belief(self, contexts):
        values = self._replicate_values(contexts)
        if self._arm_model.by_arm:
            return ReplicateBelief(values)
        unseen = np.broadcast_to(self._cold_arms(), values.shape[2])
        return JointBelief(values.mean(axis=0), values.std(axis=0), values, unseen)

    def _moments(self, contexts):
        values = self._replicate_values(contexts)
        mean, std = values.mean(axis=0), values.std(axis=0)
        cold = np.broadcast_to(self._cold_arms(), values.shape[2])
        for part, prior in zip((mean, std), self._prior_moments(), strict=True):
            part[:, cold] = np.broadcast_to(prior, len(cold))[cold]
        return mean, std

    def _floats_per_row(self, contexts, n_arms):
        return (4 + 2 * self.n_samples) * n_arms + super()._floats_per_row(contexts, n_arms)


class BootstrappedThompsonSampling(BaseBootstrappedBandit):
    r"""Thompson sampling with the bootstrap in place of a posterior, around any estimator.

    The estimator is fitted several times, each time to rounds with random weights of mean 1: what
    the replicates disagree about is uncertain. An arm's belief is the uniform distribution over
    its B replicates, arms are independent, and the policy is the chance of being best,

    .. math:: p_a = \frac{1}{B} \sum_b \prod_{c \ne a} \frac{1}{B} \sum_{b'}
              1[f_c^{b'}(x) < f_a^b(x)],

    computed, not drawn, with ties shared evenly. Where one estimator serves all arms, a replicate
    draws all of them together, and the policy is the share of replicates in which an arm is best.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        See :class:`GreedyBandit`. None: :class:`~sklearn.linear_model.Ridge`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    n_samples : int, default=10
        Replicates B of each model.
    bootstrap : {"gamma", "poisson"}, default="gamma"
        Distribution of the weights. "gamma", the Bayesian bootstrap, keeps all rounds and needs
        an estimator that takes weights. "poisson" leaves rounds out and repeats others, so that
        any estimator will do. The weight of a round is a function of the seed, of the arm and of
        the round's number among those that are kept for it; so with an integer `random_state` a
        refit sees the weights that it saw before, as long as the buffer loses no rounds.
    prior_rounds : int, default=1
        Rounds that each replicate is given beside those that were played: at one of their
        contexts, and with a reward drawn from what was believed before any round (0 or 1 with
        even odds, or a Gaussian of the mean and spread of the model's rewards) [2]_. They keep
        replicates apart where a few rewards happened to agree.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt, see :class:`GreedyBandit`; ``partial_fit`` with random weights
        is the online bootstrap [3]_ [4]_.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier. Until then it has B quantiles of its Beta (Gaussian) belief.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Arms fitted in parallel.
    selector : selector, default=None
        See :mod:`skbandit.selectors`; it acts on scores that are drawn.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and the weights and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        For each model a record whose ``members`` are the replicates; None for an arm that has too
        few rewards.
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
    BootstrappedUCB : Plays the arm whose replicates have the highest percentile.
    GreedyBandit : One estimator an arm, without replicates.

    References
    ----------
    .. [1] D. Cortes (2018). Adapting multi-armed bandits policies to contextual bandits scenarios.
       arXiv:1811.04383, algorithm 3.
    .. [2] I. Osband and B. Van Roy (2015). Bootstrapped Thompson sampling and deep exploration.
       arXiv:1507.00300.
    .. [3] D. Eckles and M. Kaptein (2014). Thompson sampling with the online bootstrap.
       arXiv:1410.4009.
    .. [4] N. C. Oza and S. J. Russell (2001). Online bagging and boosting. AISTATS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbandit.meta import BootstrappedThompsonSampling
    >>> bandit = BootstrappedThompsonSampling(
    ...     estimator=LogisticRegression(), arms=["email", "push"], random_state=0
    ... )
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat(["email", "push"], 100)
    >>> reward = (X[:, 0] > 0) == (arm == "email")
    >>> bandit.fit(X, arm, reward=reward).predict_proba([[2.0, 0.0], [-2.0, 0.0]]).round(2)
    array([[1., 0.],
           [0., 1.]])
    """

    def _policy(self, contexts, available):
        return self._belief(contexts).expect(self._selector, available)


class BootstrappedUCB(BaseBootstrappedBandit):
    """Play the arm whose replicates of an estimator have the highest percentile.

    The bootstrap is that of :class:`BootstrappedThompsonSampling`: the estimator is fitted several
    times to rounds with random weights. The upper confidence bound of an arm is a percentile of
    what its replicates expect; that of its Beta (Gaussian) belief, where it has too few rewards.

    Parameters
    ----------
    estimator : classifier with ``predict_proba`` or regressor, default=None
        See :class:`GreedyBandit`. None: :class:`~sklearn.linear_model.Ridge`.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    n_samples : int, default=10
        Replicates of each model.
    percentile : float in [0, 100], default=80
        Of the replicates; linear between two of them.
    bootstrap : {"gamma", "poisson"}, default="gamma"
        Distribution of the weights, see :class:`BootstrappedThompsonSampling`.
    prior_rounds : int, default=1
        Rounds that each replicate is given beside those that were played, see
        :class:`BootstrappedThompsonSampling`.
    arm_model : {"disjoint", "pooled", "shared"}, default="disjoint"
        "disjoint": one estimator an arm. "pooled": one for all, which sees the arm as one-hot
        columns. "shared": candidates have features, `X` is (n_samples, n_candidates, n_features).
    update : {"auto", "refit", "partial_fit"}, default="auto"
        How more rounds are learnt, see :class:`GreedyBandit`.
    refit_growth : float >= 1, default=1.05
        An estimator is fitted anew once its rounds have grown by this factor.
    min_rewards : float > 0, default=2
        Rewards that an arm must have before its estimator is asked; of each kind (0 and 1) for a
        classifier.
    buffer : buffer, default=None
        Which rounds are kept, see :mod:`skbandit.buffers`.
    n_jobs : int, default=None
        Arms fitted in parallel.
    selector : selector, default=None
        From upper bounds to a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms and the weights and seeds the estimators.

    Attributes
    ----------
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    estimators_ : list
        For each model a record whose ``members`` are the replicates; None for an arm that has too
        few rewards.
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
    BootstrappedThompsonSampling : Draws from the replicates.

    References
    ----------
    D. Cortes (2018). Adapting multi-armed bandits policies to contextual bandits scenarios.
    arXiv:1811.04383, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import SGDClassifier
    >>> from skbandit.meta import BootstrappedUCB
    >>> bandit = BootstrappedUCB(
    ...     estimator=SGDClassifier(loss="log_loss"), arms=[0, 1], random_state=0
    ... )
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(200, 2), np.repeat([0, 1], 100)
    >>> bandit = bandit.fit(X, arm, reward=(X[:, 0] > 0) == (arm == 1))
    >>> bandit.predict([[2.0, 0.0], [-2.0, 0.0]]).tolist()
    [1, 0]
    """

    _parameter_constraints = {
        **BaseBootstrappedBandit._parameter_constraints,
        "percentile": [Interval(Real, 0, 100, closed="both")],
    }

    def __init__(
        self,
        *,
        estimator=None,
        arms=None,
        n_samples=10,
        percentile=80,
        bootstrap="gamma",
        prior_rounds=1,
        arm_model="disjoint",
        update="auto",
        refit_growth=1.05,
        min_rewards=2,
        buffer=None,
        n_jobs=None,
        selector=None,
        random_state=None,
    ):
        super().__init__(
            estimator=estimator,
            arms=arms,
            n_samples=n_samples,
            bootstrap=bootstrap,
            prior_rounds=prior_rounds,
            arm_model=arm_model,
            update=update,
            refit_growth=refit_growth,
            min_rewards=min_rewards,
            buffer=buffer,
            n_jobs=n_jobs,
            selector=selector,
            random_state=random_state,
        )
        self.percentile = percentile

    def _decision_function(self, contexts):
        values, level = self._replicate_values(contexts), self.percentile / 100.0
        bound = np.quantile(values, level, axis=0)
        cold = np.broadcast_to(self._cold_arms(), bound.shape[1])
        if cold.any():
            # A quantile of 0 or 1 may be infinite.
            within = min(max(level, 1e-9), 1.0 - 1e-9)
            own = np.broadcast_to(self._cold_quantiles([within])[0], len(cold))
            bound[:, cold] = own[cold]
        return bound


def _prior_mean(reward, in_unit_interval):
    """What a replicate expects that was given no round."""
    return 0.5 if in_unit_interval else float(reward.mean())


def with_prior_rounds(rows, reward, own, *, weight, n_prior, seed, replicate, in_unit_interval):
    """Rounds of a replicate, and those that it is given beside them.

    Parameters
    ----------
    rows : rows of any kind
    reward, own, weight : ndarray of shape (n_rounds,)
        `own` are the replicate's weights, `weight` those of the rounds.
    n_prior : int
    seed, replicate : int
    in_unit_interval : bool

    Returns
    -------
    rows, reward, own : rows, ndarray, ndarray
    """
    numbers = np.arange(2 * n_prior)
    uniform = keyed_uniform(seed, _PRIOR + replicate, numbers).reshape(n_prior, 2)
    place = np.minimum((uniform[:, 0] * len(reward)).astype(np.intp), len(reward) - 1)
    if in_unit_interval:
        drawn = (uniform[:, 1] < 0.5).astype(np.float64)
    else:
        mean = np.average(reward, weights=weight)
        spread = np.sqrt(np.average((reward - mean) ** 2, weights=weight))
        drawn = mean + spread * ndtri(uniform[:, 1])
    return (
        join_rows([rows, take_rows(rows, place)]),
        np.append(reward, drawn),
        np.append(own, np.ones(n_prior)),
    )
