"""A bandit that keeps the mean cost of a round at a ceiling while it learns."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._inner import (
    BaseBanditOfBandits,
    are_candidates,
    asked,
    check_inner,
    least_tags,
    weighed,
)
from .._rounds import arm_costs
from .._rows import n_rows, take_rows
from .._sklearn import HasMethods, Interval, StrOptions
from ..base import BaseBandit
from ..buffers import SlidingWindow, take_rounds
from ..linear import LinearUCB
from ..strategies import PricedSelector
from ._books import (
    carried_books,
    empty_books,
    faded,
    mean_costs,
    recent_factors,
    units_of,
    within_reason,
)
from ._price import affordable, bracketed_price, spending, typical_price

# Debts are paid back, and what was saved is spent, over so many rounds.
_HORIZON = 100.0
# What is kept in reserve is not more than so many rounds may cost.
_LARGEST_RESERVE = 20.0
# Draws of a belief by which the price is found.
_DRAWS = 16
# An arm in whose cost there is more doubt than this is not taken to be cheaper than in the mean.
_KNOWN = 1.2
# Two prices are mixed where the policies at them spend further apart than so much of the ceiling.
_APART = 0.01


class _Price(NamedTuple):
    """The price of a unit of cost: two neighbouring ones, and how often the lower one holds."""

    low: float
    high: float
    share: float


class BudgetPacedBandit(BaseBanditOfBandits):
    r"""Keep the mean cost of a round at a ceiling, around any bandit, while it learns.

    Two bandits are inside: one learns what arms pay, the other what they cost. An arm is worth
    what the first would say of it, less a price :math:`\lambda` times what it is expected to cost,

    .. math:: s_a(x) - \lambda \, \hat c_a(x) ,

    so the policy stays that of the bandit inside, and its propensities are exact. The price is
    the dual variable of the budget [1]_ [2]_. It is no step size's matter: after each learning
    call it is solved for, as the price at which the policy spends, on the last rounds' contexts,
    what a round may cost now: the ceiling, and a hundredth of what was saved beyond a reserve,
    which is as large as what is saved varies by itself; or less a hundredth of what lacks.

    Beside that no arm is played that may cost more than there is: what rounds were allowed to cost
    so far less what they did, where that is above 0, and this round's ceiling. Of an arm that was
    played n times it is believed that it may cost :math:`1 + (1 + n)^{-1/2}` times what is
    expected, and where rounds come in batches of m, savings are for :math:`\sqrt m` of them. The
    cheapest arm always may be played. So rounds that are learnt one by one overspend
    by one decision at most, beyond what cannot be foreseen, and rounds that are learnt in batches
    by one batch.

    Parameters
    ----------
    ceiling : float > 0, default=None
        What a round may cost in the mean, in the unit of the costs. It may be changed with
        ``set_params``: from then on it holds for the rounds that come. None: costs are counted,
        and not limited.
    bandit : bandit, default=None
        What learns rewards and decides. None:
        ``LinearUCB(alpha=0.1, prior="hierarchical")``: where each try is paid for, little is
        tried at random, and what all arms have in common is learnt from all. It is cloned, never
        fitted itself. Its own `selector` must be None.
    cost : dict of label to float, array-like of shape (n_arms,), or float, default=None
        What the arms are said to cost (a price list), not negative. It stands for costs that a
        log lacks, and is what is believed of an arm before its first round; after it, costs are
        learnt as multiples of it: so a list that is wrong by a factor does no harm, and a price
        that is changed with ``set_params(cost=...)`` holds at once. A dict may name arms that are
        yet to come. Without it an arm that was never played is taken to cost `ceiling`.
    cost_model : bandit or "mean", default=None
        What learns costs. A bandit: its expected reward is what an arm is expected to cost in
        the context, in multiples of about its mean cost, and within a factor of ten of it. "mean":
        the mean of each arm. None: another `bandit`, where that takes any number as a reward
        (see :class:`~skbandit.base.BanditTags`), else "mean". All are corrected by what the last
        fifty rounds or so of each arm did cost, so prices may change.
    window : int, default=256
        How many rounds are remembered, whose contexts find the price.
    arms : array-like of shape (n_arms,), default=None
        Labels of the arms; None learns them from the first `y`.
    selector : selector, default=None
        From what arms are worth to a policy, see :mod:`skbandit.selectors`.
    random_state : int, RandomState instance or None, default=None
        Draws the arms, and seeds the bandits inside where they have None.

    Attributes
    ----------
    price_ : float
        The price: what a unit of cost has to earn, in units of the reward.
    bank_ : float
        What rounds were allowed to cost less what they did; a debt where it is negative.
    spent_ : float
        What all rounds have cost that were learnt.
    mean_cost_ : float
        The same, a round.
    classes_, arms_ : ndarray of shape (n_arms,)
        The arms.
    learnt_weight_ : float
        Total weight of all rounds learnt; part of the key of the draws.
    n_learning_calls_ : int
        How many times the bandit has learnt since it was last fitted.
    state_ : NamedTuple
        The bandits inside and the books; replaced by learning.
    full_feedback_ : bool
        Whether it has learnt from full feedback only.
    n_features_in_ : int
        Number of features, where rows have columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if it has learnt from a DataFrame.

    See Also
    --------
    allocate : A hard budget for one batch of decisions.
    skbandit.strategies.PricedSelector : A price that is known.

    Notes
    -----
    ``predict(X, cost=...)`` says what arms cost in each row where that is known, in place of what
    is expected, or by what factor more than expected. Logs carry what was paid:
    ``make_log(arm, reward, propensity, cost=cost)``. Rounds of full feedback teach, and cost
    nothing, for nothing was played. ``predict(X, explore=False)`` plays the arm of the highest
    expected reward, as everywhere, whatever it costs.

    Learning from the log of another policy counts what that one spent: :meth:`reset_budget`
    forgets it. Shards cannot be merged, for the price goes by the order of rounds.

    References
    ----------
    .. [1] S. Agrawal and N. R. Devanur (2016). Linear contextual bandits with knapsacks. NeurIPS
       29.
    .. [2] S. R. Balseiro and Y. Gur (2019). Learning in repeated auctions with budgets: regret
       minimization and equilibrium. Management Science 65(9), 3952-3968.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.base import make_log
    >>> from skbandit.budgets import BudgetPacedBandit
    >>> from skbandit.datasets import load_llm_routing
    >>> X, reward, cost = load_llm_routing(return_X_reward_cost=True, subset="val")
    >>> arms = np.array(["large", "small", "medium"])
    >>> bandit = BudgetPacedBandit(
    ...     arms=arms, ceiling=1e-4, cost=dict(large=1e-2, small=1e-4, medium=1e-3), random_state=0
    ... )
    >>> for start in range(0, 800, 20):
    ...     rows = np.arange(start, start + 20)
    ...     arm, chance = bandit.predict(X[rows], return_propensity=True)
    ...     place = (arm[:, None] == arms).argmax(axis=1)
    ...     log = make_log(arm, reward[rows, place], chance, cost=cost[rows, place])
    ...     bandit = bandit.partial_fit(X[rows], log)
    >>> bool(0.8e-4 < bandit.mean_cost_ < 1.05e-4)
    True
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "ceiling": [Interval(Real, 0, None, closed="neither"), None],
        "bandit": [HasMethods(["fit", "partial_fit", "predict_proba"]), type, None],
        "cost": [dict, "array-like", Interval(Real, 0, None, closed="left"), None],
        "cost_model": [
            HasMethods(["fit", "partial_fit", "expected_reward"]),
            StrOptions({"mean"}),
            type,
            None,
        ],
        "window": [Interval(Integral, 1, None, closed="left")],
    }
    _shape_parameters = ("bandit", "cost_model", "window")

    def __init__(
        self,
        *,
        ceiling=None,
        bandit=None,
        cost=None,
        cost_model=None,
        window=256,
        arms=None,
        selector=None,
        random_state=None,
    ):
        self.ceiling = ceiling
        self.bandit = bandit
        self.cost = cost
        self.cost_model = cost_model
        self.window = window
        self.arms = arms
        self.selector = selector
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if isinstance(self.bandit, type) or isinstance(self.cost_model, type):
            # They are refused once there is something to learn or to decide.
            return tags
        tags = least_tags(tags, self._templates())
        bandit = tags.bandit_tags
        bandit.reward = get_tags(self._bandit).bandit_tags.reward
        bandit.cost = "used"
        # The price follows from the last rounds, so their order and their number matter.
        bandit.learning, bandit.merging = "buffer", "no"
        for name in ("adding_features", "dropping_features"):
            if getattr(bandit, name) == "exact":
                setattr(bandit, name, "approximate")
        return tags

    # ---------------------------------------------------------------- inside
    @property
    def _bandit(self):
        if self.bandit is None:
            return LinearUCB(alpha=0.1, prior="hierarchical")
        return self.bandit

    @property
    def _cost_template(self):
        """The bandit that learns what arms cost by context; None: their means are enough."""
        if self.cost_model is None:
            kind = get_tags(self._bandit).bandit_tags.reward
            return self._bandit if kind == "real" else None
        return None if isinstance(self.cost_model, str) else self.cost_model

    def _templates(self):
        model = self._cost_template
        return [self._bandit] if model is None else [self._bandit, model]

    def _check_templates(self):
        if self.bandit is not None:
            check_inner(self, "bandit", self.bandit)
        if self.cost_model is not None and not isinstance(self.cost_model, str):
            check_inner(self, "cost_model", self.cost_model)

    def _initial_state(self, n_arms, n_features):
        self._check_templates()
        return super()._initial_state(n_arms, n_features)

    def _initial_rest(self, n_arms):
        return empty_books(1 if are_candidates(self) else n_arms)

    @property
    def _books(self):
        return self.state_.rest

    def _group(self, arm):
        """Whose costs an arm's are: of candidates without names all are alike."""
        return np.zeros_like(arm) if are_candidates(self) else arm

    # -------------------------------------------------------------- learning
    def _learn(self, rounds):
        if rounds.weight is not None and not (rounds.weight > 0.0).any():
            return self.state_
        rounds = rounds._replace(cost=self._costs_of(rounds))
        state = super()._learn(rounds)
        if rounds.cost is None:
            return state
        # What is expected once these rounds are known: their errors are no change of prices.
        group, books = self._group(rounds.arm), state.rest
        expected = self._modelled(state, rounds.contexts)[np.arange(len(group)), rounds.arm]
        relative, n_arms = self._relative(rounds)[0], len(books.unit)
        paid, told = (
            faded(before, group, value, rounds.weights, n_arms)
            for before, value in ((books.paid, relative), (books.told, expected))
        )
        return state._replace(rest=books._replace(paid=paid, told=told))

    def _costs_of(self, rounds):
        """What was paid in each of these rounds, or None for rounds in which nothing was."""
        if rounds.reward is None:
            return None
        if rounds.cost is not None:
            if (rounds.cost < 0.0).any():
                raise ValueError(
                    f"cost of a log must not be negative, got {rounds.cost.min():g}. What an arm "
                    "pays back belongs to its reward."
                )
            return rounds.cost
        if self.cost is None:
            raise ValueError(
                f"y carries no costs, and {type(self).__name__} has to know what was spent. Pass "
                "y=make_log(arm, reward, cost=cost), or say what each arm costs: cost={arm: "
                "number, ...}."
            )
        return self._nominal()[self._group(rounds.arm)]

    def _relative(self, rounds):
        """Costs in the unit of each arm, and the units."""
        books, group = self._books, self._group(rounds.arm)
        at_least = 1.0 if self.ceiling is None else self.ceiling
        unit = units_of(books, group, rounds.cost, rounds.weights, at_least)
        return rounds.cost / self._units(unit)[group], unit

    def _numbers(self, rounds):
        numbers = [rounds.reward]
        if len(self.state_.bandits) > 1:
            numbers.append(None if rounds.cost is None else self._relative(rounds)[0])
        return numbers

    def _learnt_rest(self, rest, rounds):
        weight, every = rounds.weights, rounds.rows_per_round
        n_rounds = float(weight.sum()) / every
        rest = rest._replace(batch=n_rounds)
        if rounds.cost is None:
            # Nothing was played: such rounds teach, and cost nothing.
            one_each = np.arange(0, len(weight), every)
            rounds = rounds._replace(
                contexts=take_rows(rounds.contexts, one_each), arm=rounds.arm[one_each]
            )
            unknown = np.full(len(one_each), np.nan)
            return self._remembering(rest, rounds, unknown, weight[one_each])
        relative, unit = self._relative(rounds)
        group, n_arms = self._group(rounds.arm), len(unit)
        paid = float(weight @ rounds.cost)
        allowed = paid if self.ceiling is None else n_rounds * self.ceiling
        rest = rest._replace(
            unit=unit,
            weight=rest.weight + np.bincount(group, weight, minlength=n_arms),
            cost_sum=rest.cost_sum + np.bincount(group, weight * relative, minlength=n_arms),
            bank=rest.bank + allowed - paid,
            spent=rest.spent + paid,
            rounds=rest.rounds + n_rounds,
        )
        return self._remembering(rest, rounds, relative, weight)

    def _remembering(self, rest, rounds, relative, weight):
        """Books in which these rounds are the last ones."""
        columns = {"row": rounds.contexts, "arm": rounds.arm, "cost": relative, "weight": weight}
        counts = np.flatnonzero(weight > 0.0)
        if len(counts) < len(weight):
            columns = take_rounds(columns, counts)
        recent = SlidingWindow(self.window) if rest.recent is None else rest.recent
        if self._candidate_features and len(recent):
            before = recent.columns["row"].shape[1]
            if before != rounds.contexts.shape[1]:
                recent = SlidingWindow(self.window)
        return rest._replace(recent=recent.extended(columns))

    # ----------------------------------------------------------------- costs
    def _nominal(self):
        """What the arms are said to cost, (n_arms,); NaN where nothing is said."""
        n_arms = len(self._books.unit)
        if self.cost is None:
            return np.full(n_arms, np.nan)
        arms = np.arange(1) if are_candidates(self) else self.classes_
        return arm_costs(self.cost, arms, type(self).__name__)

    def _units(self, unit):
        """The unit of each arm: what it is said to cost, else what it did cost at first."""
        nominal = self._nominal()
        unit = np.where(np.isnan(unit) & (nominal == 0.0), 1.0, unit)
        return np.where(nominal > 0.0, nominal, unit)

    def _mean_relative(self, books):
        """What arms cost in the mean, in their units; NaN where nobody knows."""
        nominal = self._nominal()
        return mean_costs(books, np.where(nominal > 0.0, 1.0, nominal))

    def _modelled(self, state, contexts):
        """What the model of costs expects, in the units of the arms, (n_rows, n_arms)."""
        mean, bandits = self._mean_relative(state.rest), state.bandits
        shape = (n_rows(contexts), len(self._arms_for(contexts)))
        if len(bandits) < 2 or not bandits[1].__sklearn_is_fitted__():
            return np.broadcast_to(mean, shape)
        return within_reason(bandits[1].expected_reward(contexts), mean)

    def _known_costs(self):
        """Of each arm the unit times the factor of late, its mean cost, and how sure it is."""
        key = "costs", repr(self.cost)
        if key not in self._cache:
            books = self._books
            mean, unit = self._mean_relative(books), self._units(books.unit)
            # Rounds that are few may have been cheap ones.
            doubt = 1.0 + 1.0 / np.sqrt(1.0 + books.weight)
            self._cache[key] = unit * recent_factors(books, mean), unit * mean, doubt
        return self._cache[key]

    def _expected_costs(self, contexts):
        """What arms are expected to cost in these rows, (n_rows, n_arms)."""
        cost = self._modelled(self.state_, contexts) * self._known_costs()[0]
        unknown = np.isnan(cost)
        if unknown.any():
            # What nobody knows is taken to cost what a round may: it is tried once.
            cost = np.where(unknown, 0.0 if self.ceiling is None else self.ceiling, cost)
        return cost

    def _at_most(self, expected):
        """What arms may cost that are expected to cost so much."""
        _, mean, doubt = self._known_costs()
        few = np.where(np.isnan(mean), 0.0, mean * (doubt > _KNOWN))
        return np.where(np.isnan(mean), expected, doubt * np.maximum(expected, few))

    # ----------------------------------------------------------------- price
    def _price(self):
        """The price of a unit of cost at which the policy spends what it may."""
        recent = self._books.recent
        if self.ceiling is None or recent is None or not len(recent):
            return _Price(0.0, 0.0, 0.0)
        key = "price", self.ceiling, repr(self.cost), repr(self.selector)
        if key not in self._cache:
            self._cache[key] = self._found_price(recent.columns["row"])
        return self._cache[key]

    def _allowance(self):
        """What a round may cost, so that debts are paid back and savings spent by and by."""
        books = self._books
        horizon = max(_HORIZON, books.batch)
        return max(self.ceiling + (books.bank - self._reserve()) / horizon, 0.0)

    def _reserve(self):
        """What is kept for rounds that cost more than was foreseen.

        Where what is saved is spent over H rounds, it varies by as much as one round's cost does,
        times the root of H / 2.
        """
        columns = self._books.recent.columns
        paid = ~np.isnan(columns["cost"])
        if not paid.any():
            return 0.0
        unit = self._units(self._books.unit)[self._group(columns["arm"][paid])]
        varies = np.std(unit * columns["cost"][paid])
        return min(varies * np.sqrt(_HORIZON / 2.0), _LARGEST_RESERVE * self.ceiling)

    def _found_price(self, contexts):
        belief, cost = weighed(self.state_.bandits[0], contexts), self._expected_costs(contexts)
        selector = self._selector
        scores = belief.mean[None] if not np.any(belief.std) else belief.draws(_DRAWS, 0)
        # Where contexts do not matter a belief has one row for all.
        scores = np.broadcast_to(scores, (len(scores), *cost.shape))
        n_draws, n_samples, n_arms = scores.shape

        def spent_at(price):
            charged = (scores - price * cost).reshape(-1, n_arms)
            policy = selector.select(charged).reshape(n_draws, n_samples, n_arms)
            return spending(policy.mean(axis=0), cost)

        allowance = self._allowance()
        start = typical_price(scores.mean(axis=0), cost)
        low, high = bracketed_price(spent_at, allowance, start)
        if low == high:
            return _Price(low, high, 0.0)
        dear, cheap = spent_at(low), spent_at(high)
        if dear - cheap <= _APART * self.ceiling:
            return _Price(high, high, 0.0)
        # Where many rows are worth the same, as without contexts, no single price will do.
        return _Price(low, high, (allowance - cheap) / (dear - cheap))

    # -------------------------------------------------------------- deciding
    def _at_cost(self, cost, rows):
        # This bandit weighs costs itself: its selector is told once there is a price.
        if cost is None:
            return self
        twin = self._twin()
        twin._said = cost[rows]
        return twin

    def _costs_in(self, contexts):
        """What arms cost in these rows: what was said, or else what is expected."""
        said = self.__dict__.get("_said")
        if said is not None and said.ndim == 2:
            return said
        cost = self._expected_costs(contexts)
        return cost if said is None else said[:, None] * cost

    def _policy(self, contexts, available):
        cost, price = self._costs_in(contexts), self._price()
        if self.ceiling is not None:
            # Rows of one batch do not know of each other: what is saved is for several of them.
            books = self._books
            purse = self.ceiling + max(books.bank, 0.0) / np.sqrt(max(books.batch, 1.0))
            most = cost if self.__dict__.get("_said") is not None else self._at_most(cost)
            available = affordable(most, purse, self._selector.n_selected or 1, available)
        policy = self._priced(price.high, contexts, available, cost)
        if price.share == 0.0:
            return policy
        other = self._priced(price.low, contexts, available, cost)
        return price.share * other + (1.0 - price.share) * policy

    def _priced(self, price, contexts, available, cost):
        selector = PricedSelector(price=price, selector=self.selector)
        bandit = asked(self.state_.bandits[0], selector)
        return bandit.predict_proba(contexts, available=available, cost=cost)

    def _decision_function(self, contexts):
        scores = self.state_.bandits[0].decision_function(contexts)
        return scores - self._price().high * self._expected_costs(contexts)

    def _expected_reward(self, contexts):
        return self.state_.bandits[0].expected_reward(contexts, return_std=True)

    def _mean_reward(self, contexts):
        return self.state_.bandits[0].expected_reward(contexts)

    def expected_cost(self, X):
        """Return what each arm is expected to cost.

        Parameters
        ----------
        X : contexts, as in :meth:`predict`

        Returns
        -------
        cost : ndarray of shape (n_samples, n_arms)
            In the unit of the costs. An arm of which nobody knows what it costs is taken to cost
            `ceiling`.
        """
        contexts, bandit = self._asked(X)
        return bandit._columns(contexts, lambda rows, block: bandit._expected_costs(block))

    # --------------------------------------------------------------- transfer
    def _carry_state(self, source, resize):
        self._check_templates()
        return super()._carry_state(source, resize)

    def _carried_rest(self, source, resize):
        old = source.state_.rest
        if are_candidates(source):
            return old._replace(recent=None)
        books = carried_books(old, resize)
        if old.recent is None or not len(old.recent) or source._candidate_features:
            return books
        columns = dict(old.recent.columns)
        rows = columns["row"]
        if resize.n_features is not None and resize.moves_features(source.n_features_in_):
            if not isinstance(rows, np.ndarray):
                return books
            kept = np.flatnonzero(resize.feature_source >= 0)
            columns["row"] = np.zeros((len(rows), resize.n_features), dtype=rows.dtype)
            columns["row"][:, kept] = rows[:, resize.feature_source[kept]]
        # The contexts of arms that are gone stay, what they paid goes.
        place = np.full(len(source.classes_), -1)
        place[resize.arm_source[resize.arm_source >= 0]] = np.flatnonzero(resize.arm_source >= 0)
        arm = place[columns["arm"]]
        columns["cost"] = np.where(arm < 0, np.nan, columns["cost"])
        columns["arm"] = np.maximum(arm, 0)
        return books._replace(recent=SlidingWindow(self.window).extended(columns))

    def reset_budget(self):
        """Return a new bandit that has learnt the same, and whose budget starts anew.

        What was spent so far is forgotten: after learning from the log of another policy, which
        had no ceiling to keep, or with a new period of a budget.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.
        """
        check_is_fitted(self)
        old = self._twin()
        new = old._carried_into(clone(old), old._resize())
        books = new.state_.rest._replace(bank=0.0, spent=0.0, rounds=0.0)
        new.state_ = new.state_._replace(rest=books)
        new._forget_cache()
        return new

    # ---------------------------------------------------- what users look at
    @property
    def price_(self):
        """What a unit of cost has to earn, in units of the reward."""
        price = self._price()
        return price.share * price.low + (1.0 - price.share) * price.high

    @property
    def spent_(self):
        """What all rounds have cost that were learnt."""
        return self._books.spent

    @property
    def mean_cost_(self):
        """What a round has cost in the mean; NaN before any."""
        books = self._books
        return books.spent / books.rounds if books.rounds else np.nan

    @property
    def bank_(self):
        """What rounds were allowed to cost less what they did; below 0 it is a debt."""
        return self._books.bank
