"""What a policy earns and what it costs, as a parameter of its selector goes up."""

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from .._joint import draw_errors, error_covariance, joint_quantile
from .._play import (
    as_rows,
    ask_policy,
    check_log,
    check_objective,
    costs_by_row,
    is_bandit,
    policy_table,
    take_apart,
)
from .._rounds import check_cost
from ..metrics import PolicyScorer, PolicyValue, mean_value, policy_value

_DRAWN = ("bootstrap", "bca")
_FACTORS = np.linspace(0.0, 1.0, 21)
_ROUNDING = 1e-12


class Knee(NamedTuple):
    """Where a curve bends: what :meth:`RewardCostCurve.knee` returns.

    Attributes
    ----------
    value : object
        The setting of the parameter.
    low, high : object
        The settings between which it lies with the confidence that was asked for.
    """

    value: Any
    low: Any
    high: Any


def reward_cost_curve(
    policy,
    X,
    log,
    *,
    parameter="subsidy_factor",
    values=None,
    selector=None,
    estimator="dr",
    reward_model=None,
    cost_model=None,
    arm_model="disjoint",
    cv=5,
    interval="normal",
    confidence_level=0.95,
    interval_params=None,
    unknown_arms="raise",
    objective=None,
    reward=None,
    propensity=None,
    sample_weight=None,
    available=None,
    cost=None,
    groups=None,
    n_jobs=None,
    **parameters,
):
    """Estimate from a log what a policy earns and costs, for a grid of one selector parameter.

    The parameter is set on copies of the fitted bandit; nothing is fitted again but the reward
    model. All settings are valued on the same rounds.

    Parameters
    ----------
    policy : estimator object
        A fitted bandit with a selector, or a Pipeline or search around one. It stays as it is.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        The contexts.
    log : array-like of shape (n_samples,)
        A log with propensities on which the bandit was not fitted, best with what the arms played
        have cost (the field ``cost``, see :func:`skbandit.base.make_log`).
    parameter : str, default="subsidy_factor"
        The selector's parameter that is varied, of any selector: ``"price"`` of
        :class:`skbandit.strategies.PricedSelector`, for instance. Of a selector inside another one
        ``"selector__price"``, or ``"price"`` where one alone has it.
    values : array-like of shape (n_values,), default=None
        Its settings. None: 0, 0.05, ..., 1 of ``subsidy_factor``; others must be given.
    selector : selector, default=None
        The selector that is varied. None: the bandit's own.
    estimator : str, default="dr"
        The off-policy estimator of rewards and costs, see :func:`skbandit.metrics.policy_value`.
    reward_model, cost_model : estimator, default=None
        What predicts rewards and costs for the estimators with a model; as `reward_model` of
        :func:`skbandit.metrics.make_policy_scorer`.
    arm_model, cv, unknown_arms, objective : object
        As in :func:`skbandit.metrics.make_policy_scorer`; `objective` says which of several
        objectives is the reward.
    interval : str, default="normal"
        Method of the intervals, see :class:`skbandit.metrics.PolicyValue`.
    confidence_level : float, default=0.95
        Of each interval by itself. :meth:`RewardCostCurve.joint_intervals` hold all at once.
    interval_params : dict, default=None
        Options of the intervals. Resamples are drawn with `random_state=0` unless this says
        otherwise.
    reward, propensity : array-like of shape (n_samples,), default=None
        Where `log` holds only the arms.
    sample_weight : array-like of shape (n_samples,), default=None
        How much each round counts.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that could be played in each round.
    cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
            default=None
        What the arms cost in each round, by which the bandit decides, as in
        ``predict(X, cost=cost)``. None: the selector's own costs.
    groups : array-like of shape (n_samples,), default=None
        Labels of rounds that belong together, see :class:`skbandit.metrics.PolicyValue`.
    n_jobs : int, default=None
        Folds of the models, then settings, in parallel.
    **parameters
        Tuning parameters of the estimator.

    Returns
    -------
    curve : RewardCostCurve

    Raises
    ------
    TypeError
        If `policy` ends in no bandit.
    ValueError
        If the selector has no such parameter or a value is none of its settings, nothing says what
        arms cost, or the log is one that :func:`skbandit.metrics.make_policy_scorer` refuses.

    See Also
    --------
    skbandit.strategies.CheapestNearBestSelector : The selector with a subsidy factor.
    compare_policies : Several policies on one log.

    Notes
    -----
    Where the log has costs, the mean cost is estimated from them just as the reward is: arms may
    cost different amounts in different rounds. Where it has none, arms cost what `cost` says, or
    what the selector knows, and the mean cost of a setting is known for each context; its interval
    is then about contexts alone.

    To choose a setting by the look of the curve, and then to read off its interval, takes luck for
    merit: the best of 21 estimates is too good on average. :meth:`RewardCostCurve.choose` and
    :meth:`RewardCostCurve.joint_intervals` hold for all settings together, by the quantile of the
    largest of their standardised errors, which move together.

    References
    ----------
    D. Sinha, K. A. Sankararaman, A. Kazerouni and V. Avadhanula (2021). Multi-armed bandits with
    cost subsidy. AISTATS. M. Dudik, D. Erhan, J. Langford and L. Li (2014). Doubly robust policy
    evaluation and optimization. Statistical Science 29.

    Examples
    --------
    >>> from skbandit.environments import LinearEnvironment, log_policy
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.model_selection import reward_cost_curve
    >>> from skbandit.selectors import EpsilonGreedySelector
    >>> from skbandit.strategies import CheapestNearBestSelector
    >>> environment = LinearEnvironment(n_features=5)
    >>> logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    >>> X, log = log_policy(logger, environment, 4000, random_state=0)
    >>> bandit = LinearUCB(alpha=0.0).fit(X[:2000], log[:2000])
    >>> selector = CheapestNearBestSelector([5.0, 4.0, 3.0, 2.0, 1.0], reference="worst")
    >>> curve = reward_cost_curve(
    ...     bandit, X[2000:], log[2000:], selector=selector, values=[0.0, 0.25, 0.5, 1.0]
    ... )
    >>> curve.table[["reward", "cost", "efficient"]].round(2)
                    reward  cost  efficient
    subsidy_factor...
    0.00              0.90  2.85       True
    0.25              0.80  2.27       True
    0.50              0.62  1.75       True
    1.00             -0.00  1.00       True
    >>> curve.choose(min_share=0.8)
    0.25
    """
    steps, last = take_apart(policy)
    if not is_bandit(last) or not hasattr(last, "selector"):
        raise TypeError(
            "policy must be a bandit with a selector, or a Pipeline or search around one, got "
            f"{type(last).__name__}. Use compare_policies for policies of any kind."
        )
    if not isinstance(estimator, str):
        raise ValueError(f"estimator must be one name, got {estimator!r}.")
    if isinstance(objective, str):
        raise ValueError(f"objective must say what the reward is, got {objective!r}.")
    check_objective(objective, 0.0)
    selector = last.selector if selector is None else selector
    parameter, values = _settings(selector, parameter, values)
    X = as_rows(X)
    logged = check_log(X, log, reward, propensity, sets=True, objective=objective)
    n_samples = len(logged.labels)
    cost = costs_by_row(cost, n_samples)
    contexts = X
    for step in steps:
        contexts = step.transform(contexts)
    bandits = [_with_selector(last, _set_to(selector, parameter, value)) for value in values]
    answers = Parallel(n_jobs=n_jobs)(
        delayed(ask_policy)(bandit, contexts, available, cost) for bandit in bandits
    )
    scorer = PolicyScorer(
        estimator,
        reward_model=reward_model,
        arm_model=arm_model,
        cv=cv,
        interval=interval,
        unknown_arms=unknown_arms,
        n_jobs=n_jobs,
        parameters=parameters,
    )
    given = {"propensity": logged.propensity, "sample_weight": sample_weight, "groups": groups}
    rewards = [
        scorer.evaluate(answer, X, logged.labels, reward=logged.reward, **given)
        for answer in answers
    ]
    tables = [
        policy_table(answer, X, logged.labels, unknown_arms=unknown_arms) for answer in answers
    ]
    counted = {"sample_weight": sample_weight, "groups": groups}
    if logged.cost is not None:
        scorer.reward_model = cost_model
        costs = [
            scorer.evaluate(answer, X, logged.labels, reward=logged.cost, **given)
            for answer in answers
        ]
        paid = logged.cost
    else:
        known = _known_costs(bandits[0].selector, cost, answers[0].classes_, tables[0])
        costs = [
            policy_value(
                "dm",
                policy_probability=table.probability,
                arm=table.column,
                expected_reward=known,
                **counted,
            )
            for table in tables
        ]
        place = tables[0].column.reshape(n_samples, -1)
        paid = np.take_along_axis(known, place, axis=1).reshape(logged.labels.shape)
    return RewardCostCurve(
        policy=policy,
        selector=selector,
        parameter=parameter,
        values=values,
        reward=rewards,
        cost=costs,
        logging_reward=mean_value(reward=_of_rounds(logged.reward), **counted),
        logging_cost=mean_value(reward=_of_rounds(paid), **counted),
        shares=_shares(tables, parameter, values, sample_weight),
        interval=interval,
        confidence_level=confidence_level,
        interval_params=dict(interval_params or {}),
    )


def _settings(selector, parameter, values):
    """The full name of the parameter, and its settings as a list."""
    if not hasattr(selector, "get_params"):
        raise ValueError(
            "the bandit has no selector to vary (selector=None plays the best arm). Pass "
            "selector=, for instance CheapestNearBestSelector(cost)."
        )
    names = list(selector.get_params(deep=True))
    # As the bandit's own parameter is called.
    if parameter not in names:
        parameter = parameter.removeprefix("selector__")
    inside = [name for name in names if name.endswith("__" + parameter)]
    if parameter not in names and len(inside) == 1:
        (parameter,) = inside
    if parameter not in names:
        raise ValueError(
            f"parameter={parameter!r} is none of {selector!r}; it has {', '.join(names)}."
        )
    if values is None:
        if parameter.split("__")[-1] != "subsidy_factor":
            raise ValueError(f"values must say which settings of {parameter!r} to try, got None.")
        values = _FACTORS
    values = [one.item() if isinstance(one, np.generic) else one for one in list(values)]
    if not values:
        raise ValueError("values is empty; give at least one setting.")
    return parameter, values


def _set_to(selector, parameter, value):
    new = clone(selector).set_params(**{parameter: value})
    if hasattr(new, "check"):
        new.check()
    return new


def _with_selector(bandit, selector):
    """A copy of a bandit that has learnt the same, with another selector."""
    return copy.copy(bandit).set_params(selector=selector)


def _known_costs(selector, cost, arms, table):
    """What the columns of a table cost in each round, where the log does not say what was paid."""
    n_samples, n_columns = table.probability.shape
    cost = check_cost(cost, arms, n_samples)
    if cost is None or cost.ndim == 1:
        own = None
        for one in (selector, *selector.get_params(deep=True).values()):
            if own is None and hasattr(one, "arm_costs"):
                own = one.arm_costs(arms)
        if own is None:
            raise ValueError(
                "nothing says what the arms cost: the log has no costs, the selector knows none, "
                "and cost= gives none an arm. Pass log=make_log(arm, reward, propensity, "
                "cost=cost), or cost= of shape (n_samples, n_arms)."
            )
        cost = np.broadcast_to(own, (n_samples, len(arms))) * (
            1.0 if cost is None else cost[:, None]
        )
    # Logged arms that the bandit does not know come last, and it never plays them.
    unknown = np.zeros((n_samples, n_columns - cost.shape[1]))
    return np.hstack([cost, unknown])


def _of_rounds(values):
    """One number a round; of a set the sum."""
    return values if values.ndim == 1 else values.sum(axis=1)


def _shares(tables, parameter, values, sample_weight):
    import pandas as pd

    shares = [np.average(table.probability, axis=0, weights=sample_weight) for table in tables]
    columns = pd.Index(tables[0].arms.tolist(), name="arm")
    return pd.DataFrame(shares, index=pd.Index(values, name=parameter), columns=columns)


@dataclass(frozen=True, eq=False, repr=False)
class RewardCostCurve:
    """What settings of a selector earn and cost; made by :func:`reward_cost_curve`.

    Parameters
    ----------
    policy : estimator object
        The policy that was given.
    selector : selector
        The selector that was varied.
    parameter : str
        The name of its parameter.
    values : list
        The settings.
    reward, cost : list of PolicyValue
        Of each setting; all are of the same rounds, so ``curve.reward[3] - curve.reward[0]`` has
        an interval of its own.
    logging_reward, logging_cost : PolicyValue
        What the log has earned and paid.
    shares : DataFrame of shape (n_values, n_arms)
        The share of the rounds in which a setting plays each arm.
    interval : str
    confidence_level : float
    interval_params : dict
        Of the intervals in ``table``.

    Attributes
    ----------
    table : DataFrame
        One row a setting, with the columns ``reward``, ``reward_low``, ``reward_high``, ``cost``,
        ``cost_low``, ``cost_high``; ``reward_share``, the reward over the highest one on the
        curve, NaN where that is not positive; ``efficient``, whether no other setting is estimated
        to earn as much for less, or more for as much; ``effective_sample_size``. Each interval
        holds by itself.

    Examples
    --------
    >>> from skbandit.model_selection import RewardCostCurve, reward_cost_curve
    >>> from skbandit.base import make_log
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.strategies import PricedSelector
    >>> X, arm = [[1.0]] * 400, ["mail", "call"] * 200
    >>> log = make_log(arm, [1.0, 2.5, 0.0, 1.5] * 100, [0.5] * 400, cost=[0.0, 3.0] * 200)
    >>> bandit = LinearUCB(selector=PricedSelector({"mail": 0.0, "call": 3.0})).fit(X, log)
    >>> curve = reward_cost_curve(bandit, X, log, parameter="price", values=[0.0, 1.0])
    >>> curve.table[["reward", "cost"]].round(2)
           reward  cost
    price...
    0.0       2.0   3.0
    1.0       0.5   0.0
    >>> curve.choose(max_cost=2.0)
    1.0
    """

    policy: Any
    selector: Any
    parameter: str
    values: list
    reward: list
    cost: list
    logging_reward: PolicyValue
    logging_cost: PolicyValue
    shares: Any
    interval: str = "normal"
    confidence_level: float = 0.95
    interval_params: dict = field(default_factory=dict)

    @cached_property
    def table(self):
        import pandas as pd

        columns = {}
        for name, estimates in (("reward", self.reward), ("cost", self.cost)):
            ends = [self._interval(one, may_be_known=name == "cost") for one in estimates]
            columns[name] = [one.value for one in estimates]
            columns[f"{name}_low"], columns[f"{name}_high"] = zip(*ends, strict=True)
        table = pd.DataFrame(columns, index=pd.Index(self.values, name=self.parameter))
        best = table["reward"].max()
        table["reward_share"] = table["reward"] / best if best > 0.0 else np.nan
        table["efficient"] = _efficient(table["reward"].to_numpy(), table["cost"].to_numpy())
        table["effective_sample_size"] = [one.effective_sample_size for one in self.reward]
        return table

    def _interval(self, estimate, may_be_known):
        if may_be_known and estimate.standard_error <= _ROUNDING * abs(estimate.value):
            # Of a cost that is the same in all rounds nothing is unknown.
            return estimate.value, estimate.value
        options = dict(self.interval_params)
        if self.interval in _DRAWN:
            options.setdefault("random_state", 0)
        return tuple(
            estimate.interval(self.interval, confidence_level=self.confidence_level, **options)
        )

    @cached_property
    def _estimate(self):
        """Rewards and costs one after the other, (2 n_values,)."""
        return np.array([one.value for one in (*self.reward, *self.cost)])

    @cached_property
    def _covariance(self):
        """Of the errors of rewards and costs, (2 n_values, 2 n_values)."""
        influence = np.column_stack([one.influence for one in (*self.reward, *self.cost)])
        return error_covariance(influence, self.reward[0].groups)

    @cached_property
    def _errors(self):
        return draw_errors(self._covariance)

    @cached_property
    def _scale(self):
        """Standard errors; those of rounding alone are none."""
        scale = np.sqrt(np.diagonal(self._covariance))
        return np.where(scale > _ROUNDING * np.abs(self._estimate), scale, 0.0)

    def joint_intervals(self, confidence_level=None):
        """Return intervals that hold for all settings, rewards and costs together.

        Parameters
        ----------
        confidence_level : float, default=None
            Wanted probability that all of them cover; None is that of the curve.

        Returns
        -------
        intervals : DataFrame
            Columns ``reward_low``, ``reward_high``, ``cost_low``, ``cost_high``, one row a
            setting. They are by the influence function, whatever `interval` is.
        """
        import pandas as pd

        level = self._level(confidence_level)
        reach = joint_quantile(self._errors, self._scale, level) * self._scale
        low, high = self._estimate - reach, self._estimate + reach
        count = len(self.values)
        columns = {
            "reward_low": low[:count],
            "reward_high": high[:count],
            "cost_low": low[count:],
            "cost_high": high[count:],
        }
        return pd.DataFrame(columns, index=pd.Index(self.values, name=self.parameter))

    def _level(self, confidence_level):
        level = self.confidence_level if confidence_level is None else confidence_level
        if not 0.0 < level < 1.0:
            raise ValueError(f"confidence_level must lie between 0 and 1, got {level!r}.")
        return level

    def choose(
        self,
        *,
        min_share=None,
        min_reward=None,
        max_cost=None,
        reference=0.0,
        cautious=True,
        confidence_level=None,
    ):
        """Return the setting that saves most, or earns most, within what is asked for.

        With `min_share` or `min_reward` it is the cheapest setting that earns enough, else the one
        that earns most of those that cost little enough.

        Parameters
        ----------
        min_share : float in [0, 1], default=None
            The share of the highest reward on the curve that must be earned.
        min_reward : float, default=None
            The reward a round that must be earned.
        max_cost : float, default=None
            What a round may cost in the mean.
        reference : float, default=0.0
            What rewards are measured from for `min_share`.
        cautious : bool, default=True
            Whether what is asked for must hold with confidence: the lower bound of the reward less
            so much of that of *every* other setting, the lower bound of the reward, the upper
            bound of the cost. The bounds hold for all settings together, so that the probability
            to choose one that breaks a limit is at most 1 less the confidence. False goes by the
            estimates.
        confidence_level : float, default=None
            One-sided; None is that of the curve.

        Returns
        -------
        value : object
            One of ``values``; :meth:`tuned` makes the policy.

        Raises
        ------
        ValueError
            If nothing is asked for, or no setting is sure to hold it; the message says how far the
            nearest is.
        """
        if min_share is None and min_reward is None and max_cost is None:
            raise ValueError("choose needs min_share=, min_reward= or max_cost=.")
        if min_share is not None and not 0.0 <= min_share <= 1.0:
            raise ValueError(f"min_share must lie in [0, 1], got {min_share!r}.")
        level = self._level(confidence_level)
        margins = self._margins(min_share, min_reward, max_cost, reference)
        bounds = [(name, self._bounds(*margin, level, cautious)) for name, margin in margins]
        kept = np.all([bound >= 0.0 for _, bound in bounds], axis=0)
        if not kept.any():
            name, bound = min(bounds, key=lambda pair: pair[1].max())
            nearest = self.values[int(np.argmax(bound))]
            raise ValueError(
                f"no setting of {self.parameter} holds what is asked for"
                f"{f' with {100 * level:g} % confidence' if cautious else ''}: by {name} the "
                f"nearest, {nearest!r}, misses it by {-bound.max():.4g}. Ask for less, pass a "
                "longer log, or a lower confidence_level; cautious=False goes by the estimates."
            )
        reward, cost = np.split(self._estimate, 2)
        if min_share is None and min_reward is None:
            order = np.lexsort((cost, -reward))
        else:
            order = np.lexsort((-reward, cost))
        return self.values[int(order[kept[order]][0])]

    def _margins(self, min_share, min_reward, max_cost, reference):
        """What must not be negative: weights of the values, (2 n_values, n_settings, n), and less.

        A setting must hold all n of its contrasts.
        """
        count = len(self.values)
        one, none = np.eye(count), np.zeros((count, count))
        margins = []
        if min_share is not None:
            weight = np.zeros((2 * count, count, count))
            for setting in range(count):
                weight[setting, setting] += 1.0
                weight[np.arange(count), setting, np.arange(count)] -= min_share
            margins.append(("min_share", (weight, (1.0 - min_share) * reference)))
        if min_reward is not None:
            margins.append(("min_reward", (np.vstack([one, none])[:, :, None], min_reward)))
        if max_cost is not None:
            margins.append(("max_cost", (np.vstack([none, -one])[:, :, None], -max_cost)))
        return margins

    def _bounds(self, weight, less, level, cautious):
        """The lower bound of each setting's smallest margin, (n_settings,)."""
        flat = weight.reshape(len(weight), -1)
        margin = self._estimate @ flat - less
        if cautious:
            variance = np.einsum("vc,vw,wc->c", flat, self._covariance, flat, optimize=True)
            size = self._scale @ np.abs(flat)
            scale = np.sqrt(np.maximum(variance, 0.0))
            scale = np.where(scale > 1e-7 * size, scale, 0.0)
            margin = margin - scale * joint_quantile(
                self._errors, scale, level, flat, one_sided=True
            )
        rounding = _ROUNDING * np.abs(self._estimate).max()
        bound = margin.reshape(weight.shape[1:]).min(axis=1)
        return np.where(np.abs(bound) <= rounding, 0.0, bound)

    def knee(self, confidence_level=0.9):
        """Return where the curve bends: most of the reward for little of the cost.

        It is the setting at which the reward, from 0 to 1 over the curve, is furthest above the
        cost, from 0 to 1 over the curve: the largest distance from the line between the cheapest
        and the dearest end (Satopaa et al. 2011). The median over joint draws of the errors of
        rewards and costs, with an interval. It looks at the form of the curve, not at what a unit
        of cost is worth: :meth:`choose` holds what one asks for.

        Parameters
        ----------
        confidence_level : float, default=0.9
            Of the interval.

        Returns
        -------
        knee : Knee
            With the fields value, low and high, which are settings.

        References
        ----------
        V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan (2011). Finding a "kneedle" in a
        haystack: detecting knee points in system behavior. ICDCS workshops.
        """
        level = self._level(confidence_level)
        curves = self._estimate + self._errors
        reward, cost = (_over_range(part) for part in np.split(curves, 2, axis=1))
        place = np.argmax(reward - cost, axis=1)
        # Settings in the order of their cost, which need not be that of the list.
        order = np.argsort(np.split(self._estimate, 2)[1], kind="stable")
        rank = np.argsort(order)[place]
        ends = np.quantile(rank, [0.5, (1 - level) / 2, (1 + level) / 2], method="nearest")
        middle, low, high = (self.values[order[int(end)]] for end in ends)
        return Knee(middle, *sorted([low, high], key=self.values.index))

    def tuned(self, value):
        """Return a copy of the policy with a setting.

        Parameters
        ----------
        value : object
            One of ``values``, or any other setting.

        Returns
        -------
        policy : estimator object
            What was given to :func:`reward_cost_curve`, with its bandit's selector set. It has
            learnt the same.
        """
        policy = copy.deepcopy(self.policy)
        take_apart(policy)[1].set_params(selector=_set_to(self.selector, self.parameter, value))
        return policy

    def plot(self, ax=None, *, joint=False, **options):
        """Draw the curve; see :class:`RewardCostDisplay`.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        joint : bool, default=False
            Draw the intervals that hold for all settings together.
        **options
            Passed to :meth:`RewardCostDisplay.plot`.

        Returns
        -------
        display : RewardCostDisplay
        """
        from ._reward_cost_display import RewardCostDisplay

        return RewardCostDisplay.from_curve(self, ax=ax, joint=joint, **options)

    def __repr__(self):
        return (
            f"RewardCostCurve({len(self.values)} settings of {self.parameter}, "
            f"n_samples={self.reward[0].n_samples})"
        )


def _efficient(reward, cost):
    """Which points no other one beats in one coordinate without being worse in the other."""
    as_good = (reward[:, None] >= reward) & (cost[:, None] <= cost)
    better = as_good & ((reward[:, None] > reward) | (cost[:, None] < cost))
    return ~better.any(axis=0)


def _over_range(values):
    """Each row from 0 to 1; a row of one value is 0."""
    low = values.min(axis=1, keepdims=True)
    size = np.ptp(values, axis=1, keepdims=True)
    return (values - low) / np.where(size > 0.0, size, 1.0)
