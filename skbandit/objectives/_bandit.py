"""A bandit for rewards of several objectives."""

from numbers import Integral

import numpy as np

from .._inner import (
    BaseBanditOfBandits,
    InnerState,
    asked,
    carried,
    check_inner,
    least_tags,
    new_inner,
    weighed,
)
from .._one_policy import one_policy
from .._rounds import check_reward, split_log
from .._sklearn import HasMethods, Interval
from ..base import BaseBandit
from ..beliefs import IndependentBelief
from ..linear import LinearThompsonSampling
from ..selectors import for_arms, for_costs
from ._belief import N_DRAWS, ObjectivesBelief, stacked, sum_of_gaussians
from ._selectors import ParetoSelector


class MultiObjectiveBandit(BaseBanditOfBandits):
    """Several objectives a round: a bandit learns each, and arms are chosen by all of them.

    Rewards are of shape (n_samples, n_objectives). A bandit inside learns each objective; its
    model and its exploration are those of any bandit, clicks by a logistic one and revenue by a
    linear one. The `objective_selector` says what an arm is worth that pays so much in each: the
    arms on the Pareto front are alike, or a weighted sum counts, or one objective within bounds on
    the others.

    With Thompson sampling inside, what arms pay is drawn from all beliefs, which are independent
    of each other, and the policy is the average over 512 such draws, the same ones at each call
    (a weighted sum of Gaussians is computed without draws). With upper confidence bounds it is
    that of the bounds, lower ones for an objective that is to be small.

    Parameters
    ----------
    bandit : bandit or list of bandits, default=None
        What learns the objectives: one for all, or one for each. None:
        :class:`~skbandit.linear.LinearThompsonSampling`. They are cloned, never fitted themselves.
        Their own `selector` must be None, and their `arms` are those of this one.
    objective_selector : objective selector, default=None
        What an arm is worth; its parameters can be searched (``objective_selector__weights``).
        None: :class:`ParetoSelector`.
    maximize : bool or list of bool, default=True
        Which objectives are to be large: all, none, or as the list says. What is to be small
        (complaints, seconds) is learnt as it is.
    n_objectives : int, default=None
        How many objectives there are. None: as many as `bandit` lists, or as the first rewards
        have columns.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    selector : selector, default=None
        From the worth of the arms to a policy, see :mod:`skbandit.selectors`. None plays the arms
        of the largest worth.
    random_state : int, RandomState instance or None, default=None
        Draws the arms, and seeds the bandits inside that have None.

    Attributes
    ----------
    bandits_ : list of bandits
        The bandits inside, one an objective.
    n_objectives_ : int
        How many objectives there are.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of all rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        The bandits inside; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    ParetoSelector : All arms that no other one beats.
    WeightedSumSelector : A weighted sum of the objectives.
    ChebyshevSelector : The objective that is worst.
    ConstrainedSelector : One objective, within bounds on the others.
    skbandit.metrics.pareto_regret : What a decision lacks to be on the front.

    Notes
    -----
    Plain rewards of shape (n_samples,), and full feedback, are one objective; sets of arms
    (``TopKSelector``) learn one objective only. Costs of a call, ``predict(X, cost=...)``, go to
    the objective selector where that weighs costs, else to `selector`.

    References
    ----------
    M. M. Drugan and A. Nowé (2013). Designing multi-objective multi-armed bandits algorithms: a
    study. IJCNN.

    S. Q. Yahyaa and B. Manderick (2015). Thompson sampling for multi-objective multi-armed bandits
    problem. ESANN.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.contextfree import BetaThompsonSampling
    >>> from skbandit.linear import LinearThompsonSampling
    >>> from skbandit.objectives import MultiObjectiveBandit
    >>> bandit = MultiObjectiveBandit(
    ...     bandit=[BetaThompsonSampling(), LinearThompsonSampling()],
    ...     arms=["cheap", "dear", "poor"],
    ...     random_state=0,
    ... )
    >>> rng = np.random.RandomState(0)
    >>> clicks = {"cheap": 0.6, "dear": 0.2, "poor": 0.1}
    >>> revenue = {"cheap": 1.0, "dear": 5.0, "poor": 1.0}
    >>> for _ in range(30):
    ...     X = rng.randn(20, 2)
    ...     arm = bandit.predict(X)
    ...     click = [float(rng.rand() < clicks[one]) for one in arm]
    ...     paid = [revenue[one] + rng.randn() for one in arm]
    ...     bandit = bandit.partial_fit(X, arm, reward=np.column_stack([click, paid]))
    >>> bandit.predict_proba(X[:1]).round(1)
    array([[0.5, 0.5, 0. ]])
    >>> bandit.expected_objectives(X[:1]).shape
    (1, 3, 2)
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), list, tuple, type, None],
        "objective_selector": [
            HasMethods(["worth", "for_objectives", "check", "get_params"]),
            None,
        ],
        "maximize": ["boolean", "array-like"],
        "n_objectives": [Interval(Integral, 1, None, closed="left"), None],
    }
    _shape_parameters = ("bandit", "n_objectives")

    def __init__(
        self,
        *,
        bandit=None,
        objective_selector=None,
        maximize=True,
        n_objectives=None,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.bandit = bandit
        self.objective_selector = objective_selector
        self.maximize = maximize
        self.n_objectives = n_objectives
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    # ------------------------------------------------------------- parameters
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = self.bandit if isinstance(self.bandit, (list, tuple)) else [self._one_for_all]
        if inner and all(isinstance(one, BaseBandit) for one in inner):
            tags = least_tags(tags, inner)
        # Others are refused once there is something to learn or to decide.
        which = self._chosen
        tags.bandit_tags.reward, tags.bandit_tags.policy = "several", "draws"
        if getattr(which, "compares_arms", True):
            tags.bandit_tags.arms, tags.bandit_tags.prior = "linked", "learnt"
        if not getattr(which, "is_linear", False):
            tags.bandit_tags.has_width = False
        if not getattr(which, "finds_location", True):
            tags.bandit_tags.location = "fixed"
        return tags

    @property
    def _one_for_all(self):
        return LinearThompsonSampling() if self.bandit is None else self.bandit

    @property
    def _chosen(self):
        return ParetoSelector() if self.objective_selector is None else self.objective_selector

    @property
    def _given(self):
        """How many objectives the parameters speak of; 0 where they leave it open."""
        return (
            len(self.bandit) if isinstance(self.bandit, (list, tuple)) else self.n_objectives or 0
        )

    def _check_templates(self):
        if not isinstance(self.bandit, (list, tuple)):
            if self.bandit is not None:
                check_inner(self, "bandit", self.bandit)
            return
        if not self.bandit:
            raise ValueError("bandit must name a bandit for each objective, got an empty list.")
        if self.n_objectives not in (None, len(self.bandit)):
            raise ValueError(
                f"bandit lists {len(self.bandit)} bandits, but n_objectives is "
                f"{self.n_objectives}: give one bandit for each objective, or one for all."
            )
        for number, one in enumerate(self.bandit):
            check_inner(self, f"bandit[{number}]", one)

    def _directions(self, n_objectives):
        """Which objectives are to be large, (n_objectives,)."""
        maximize = np.asarray(self.maximize)
        if maximize.dtype != bool or maximize.shape not in ((), (n_objectives,)):
            raise ValueError(
                "maximize must be True, False, or one of them for each of the "
                f"{n_objectives} objectives, got {self.maximize!r}."
            )
        return np.broadcast_to(maximize, n_objectives)

    def _check_fit(self, n_objectives):
        """Raise where a parameter does not fit so many objectives."""
        self._chosen.check()
        self._chosen.for_objectives(self._directions(n_objectives))

    @property
    def _objective_selector(self):
        """The objective selector, which knows arms and objectives."""
        self._chosen.check()
        chosen = for_arms(self._chosen, self.classes_)
        return chosen.for_objectives(self._directions(len(self.state_.bandits)))

    # ------------------------------------------------------------------ state
    def _templates(self):
        named = getattr(self._chosen, "least_objectives", 1)
        return self._templates_of(self._given or max(named, np.size(self.maximize)))

    def _templates_of(self, n_objectives):
        self._check_templates()
        if isinstance(self.bandit, (list, tuple)):
            return list(self.bandit)
        return [self._one_for_all] * n_objectives

    def _new_ones(self, n_objectives):
        templates = self._templates_of(n_objectives)
        return tuple(new_inner(self, one, number) for number, one in enumerate(templates))

    def _initial_state(self, n_arms, n_features):
        state = super()._initial_state(n_arms, n_features)
        # Where a parameter does not fit the objectives, nothing is decided.
        self._check_fit(len(state.bandits))
        return state

    def _initial_rest(self, n_arms):
        # The number of objectives; 0 until it is known.
        return self._given

    def _columns_of(self, reward):
        """How many objectives rewards have; the reward of each arm of a set is one."""
        plain = reward.ndim == 1 or self._selector.n_selected is not None
        return 1 if plain else reward.shape[1]

    def _check_reward(self, reward):
        n_objectives = self._columns_of(reward)
        known = self.state_.rest
        if known and n_objectives != known:
            raise ValueError(
                f"reward has {_several(n_objectives)}, but the bandit has {_several(known)}: pass "
                "an array of shape (n_samples, n_objectives)."
                + (" A set of arms learns one." if self._selector.n_selected else "")
            )
        self._check_fit(n_objectives)
        inside = self.state_.bandits if known else self._new_ones(n_objectives)
        for number, one in enumerate(inside):
            one = one._twin()
            one._check_parameters()
            try:
                one._check_reward(reward[:, number] if n_objectives > 1 else reward)
            except ValueError as error:
                if n_objectives == 1:
                    raise
                raise ValueError(f"reward of objective {number}: {error}") from error

    def _learn(self, rounds):
        known = self.state_.rest
        n_objectives = 1
        if rounds.reward is None and known > 1:
            raise ValueError(
                "reward is missing: plain arms are full feedback of one objective, and the "
                f"bandit has {known}. Pass reward= of shape (n_samples, {known})."
            )
        if rounds.reward is not None and rounds.reward.ndim == 2:
            n_objectives = rounds.reward.shape[1]
        if known:
            return super()._learn(rounds)
        begun = self._twin()
        begun.state_ = InnerState(self._new_ones(n_objectives), n_objectives)
        return super(MultiObjectiveBandit, begun)._learn(rounds)

    def _numbers(self, rounds):
        reward = rounds.reward
        return [reward] if reward.ndim == 1 else list(reward.T)

    def _floats_per_row(self, contexts, n_arms):
        draws = N_DRAWS * n_arms * (4 * len(self.state_.bandits) + 2)
        return super()._floats_per_row(contexts, n_arms) + draws

    # -------------------------------------------------------------- questions
    @property
    def bandits_(self):
        """The bandits inside, one an objective."""
        return list(self.state_.bandits)

    @property
    def n_objectives_(self):
        """How many objectives there are."""
        return len(self.state_.bandits)

    def _asked_inside(self, contexts):
        """The bandits inside, at their prior where they have learnt nothing, and contexts."""
        pairs = [one._asked(contexts) for one in self.state_.bandits]
        return [bandit for _, bandit in pairs], pairs[0][0]

    def _alone(self):
        """The only bandit inside, where choosing by it is all there is; else None."""
        if len(self.state_.bandits) > 1 or not self._objective_selector.is_maximum():
            return None
        return asked(self.state_.bandits[0], None if self.selector is None else self._selector)

    def _weighed(self, bandits, contexts):
        """What each of them hands to its selector; lower bounds of what is to be small."""
        parts = []
        directions = self._directions(len(bandits))
        for bandit, maximize in zip(bandits, directions, strict=True):
            part = weighed(bandit, contexts)
            if not maximize and not np.any(part.std):
                # As far below the mean as the bound lies above it.
                lower = 2.0 * bandit._mean_reward(contexts) - part.mean
                part = IndependentBelief(lower, np.zeros_like(lower))
            parts.append(part)
        return parts

    def _judged(self, bandits, contexts):
        """The objective selector, which may ask what is believed."""
        return self._objective_selector.for_beliefs(
            lambda: [_posterior(bandit, contexts) for bandit in bandits]
        )

    def _policy(self, contexts, available):
        alone = self._alone()
        if alone is not None:
            contexts, alone = alone._asked(contexts)
            return alone._policy(contexts, available)
        if self._bandit_tags.contexts == "none" and not self._differs_by_row:
            return one_policy(self._row_policy, contexts, available)
        return self._row_policy(contexts, available)

    @property
    def _differs_by_row(self):
        return self._objective_selector.differs_by_row or getattr(
            self._selector, "differs_by_row", False
        )

    def _row_policy(self, contexts, available):
        bandits, contexts = self._asked_inside(contexts)
        chosen = self._judged(bandits, contexts)
        parts = self._weighed(bandits, contexts)
        selector = self._selector
        belief = None
        if chosen.is_linear:
            charge = chosen.charge(*np.shape(parts[0].mean))
            belief = sum_of_gaussians(parts, chosen.linear_weights(len(parts)), -charge)
            if belief is not None and not np.any(belief.scale):
                return selector.select(belief.mean, available)
        if belief is None:
            belief = ObjectivesBelief(parts, chosen, available)
        return belief.expect(selector, available)

    def _decision_function(self, contexts):
        alone = self._alone()
        if alone is not None:
            contexts, alone = alone._asked(contexts)
            return alone._decision_function(contexts)
        bandits, contexts = self._asked_inside(contexts)
        means = [part.mean for part in self._weighed(bandits, contexts)]
        return self._judged(bandits, contexts).worth(stacked(means))

    def _mean_reward(self, contexts):
        bandits, contexts = self._asked_inside(contexts)
        means = [bandit._mean_reward(contexts) for bandit in bandits]
        return self._judged(bandits, contexts).worth(stacked(means))

    def _expected_reward(self, contexts):
        chosen = self._objective_selector
        bandits, contexts = self._asked_inside(contexts)
        if not chosen.is_linear:
            mean = self._mean_reward(contexts)
            return mean, np.zeros_like(mean)
        means, stds = zip(*(bandit._expected_reward(contexts) for bandit in bandits), strict=True)
        weights = chosen.linear_weights(len(bandits))
        return chosen.worth(stacked(means)), np.sqrt(stacked(stds) ** 2 @ weights**2)

    def _at_cost(self, cost, rows):
        if cost is None or not self._objective_selector.weighs_costs:
            return super()._at_cost(cost, rows)
        twin = self._twin()
        twin.objective_selector = for_costs(for_arms(self._chosen, self.classes_), cost[rows])
        return twin

    def expected_objectives(self, X, return_std=False):
        """Return what the models believe each arm pays in each objective.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, n_candidates, n_features)
            The contexts.
        return_std : bool, default=False
            Also return the standard deviations of these beliefs.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_arms, n_objectives)
            In units of the objectives.
        std : ndarray of shape (n_samples, n_arms, n_objectives)
            Of the expected rewards, without the noise of a single one. Only if `return_std`.

        Raises
        ------
        NotFittedError
            If the bandit knows no arms yet.
        ValueError
            On bad contexts.
        """
        contexts, bandit = self._asked(X)
        n_objectives = len(bandit.state_.bandits)

        def hook(rows, block):
            inside, block = bandit._asked_inside(block)
            if not return_std:
                return [one._mean_reward(block) for one in inside]
            pairs = [one._expected_reward(block) for one in inside]
            return [mean for mean, _ in pairs] + [std for _, std in pairs]

        n_outputs = n_objectives * (2 if return_std else 1)
        columns = bandit._columns(contexts, hook, n_outputs)
        columns = [columns] if n_outputs == 1 else columns
        mean = stacked(columns[:n_objectives])
        return (mean, stacked(columns[n_objectives:])) if return_std else mean

    def score(
        self, X, y, reward=None, propensity=None, sample_weight=None, available=None, cost=None
    ):
        """Return the off-policy value of the policy on a log.

        Of rewards of several objectives it is that of a weighted sum: the weights of the objective
        selector, the objective that it optimises, or equal weights; objectives that are to be
        small count negative. Costs are not part of it. See
        :meth:`skbandit.base.BaseBandit.score` for all else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The contexts.
        y : array-like of shape (n_samples,)
            A log with propensities (see :func:`skbandit.base.make_log`), or the arms played.
        reward : array-like of shape (n_samples,) or (n_samples, n_objectives), default=None
        propensity : array-like of the shape of `y`, default=None
            Where `y` does not carry them.
        sample_weight : array-like of shape (n_samples,), default=None
        available : array-like or frame of bool of shape (n_samples, n_arms), default=None
            The arms that could be played in each row; None means all.
        cost : array-like of shape (n_samples, n_arms) or (n_samples,), default=None
            What the arms cost the policy in each row, as in :meth:`predict`.

        Returns
        -------
        value : float

        Raises
        ------
        ValueError
            On bad input, a number of objectives that is not the bandit's, or an objective
            selector that optimises the cost alone.
        """
        log = split_log(y)
        paid = log.reward if reward is None else reward
        known = {"sample_weight": sample_weight, "available": available, "cost": cost}
        if (
            paid is None
            or np.ndim(paid) != 2
            or np.shape(paid)[1] == 1
            or self._selector.n_selected is not None
            or (reward is not None and log.reward is not None)
            or log.quantity is not None
        ):
            return super().score(X, y, reward=reward, propensity=propensity, **known)
        _, bandit = self._asked(X)
        paid = check_reward(paid, np.shape(log.arm)[:1], several=True)
        bandit._check_reward(paid)
        n_objectives = paid.shape[1]
        if not bandit.state_.rest:
            bandit.state_ = InnerState(bandit._new_ones(n_objectives), n_objectives)
        weights = bandit._objective_selector.linear_weights(n_objectives)
        chance = log.propensity if propensity is None else propensity
        return super().score(X, log.arm, reward=paid @ weights, propensity=chance, **known)

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_same_shape(source)
        known = source.state_.bandits
        return InnerState(carried(known, self._new_ones(len(known)), resize), source.state_.rest)

    def _merge_states(self, states):
        known = {state.rest for state in states if state.rest}
        if len(known) > 1:
            raise ValueError(
                f"bandits of {sorted(known)} objectives cannot be merged: shards learn the "
                "same objectives."
            )
        # Who has learnt nothing yet does not know how many there are.
        learnt = [state for state in states if state.rest in known]
        return super()._merge_states(learnt or list(states))


def _several(n_objectives):
    return "one objective" if n_objectives == 1 else f"{n_objectives} objectives"


def _posterior(bandit, contexts):
    """What was learnt, whatever the exploration makes of it."""
    if type(bandit)._belief is not BaseBandit._belief:
        return bandit._belief(contexts)
    return IndependentBelief(*bandit._expected_reward(contexts))
