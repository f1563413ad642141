"""A hard budget for one batch of decisions."""

from numbers import Integral, Real

import numpy as np
from sklearn.pipeline import Pipeline

from .._inner import asked
from .._random import derived_seed, uniforms
from .._rounds import arm_costs, check_available, check_cost, encode_arms
from .._rows import n_rows, row_keys
from ..base import BaseBandit, is_bandit
from ..strategies import PricedSelector
from ._draws import balanced_draw
from ._price import bracketed_price, spending

_ROUNDING = 1e-9


def allocate(
    bandit,
    X,
    n_treatments=None,
    *,
    control,
    budget=None,
    cost=None,
    available=None,
    random_state=None,
):
    r"""Decide for a batch of rows with a budget of treatments, or of costs, that is kept.

    Arms other than `control` are treatments. The policy is that of the bandit at a price on
    treatments, found so that the policy treats, or spends, what the budget says in the mean; then
    one arm is drawn for each row so that the total is not left to chance, and each arm is drawn
    with exactly the probability that is returned: so what was decided can be learnt from, and
    evaluated off-policy, as if rows had been decided one by one.

    Parameters
    ----------
    bandit : bandit or Pipeline that ends in one
        Fitted, or with known arms. It plays one arm a row.
    X : contexts, as for ``predict``
    n_treatments : int >= 0, default=None
        Exactly so many rows are treated: fewer only if masks leave fewer rows that can be, or more
        if they leave more rows without the control. Those that gain least are treated too, where
        there are not enough that gain.
    control : label
        The arm that is no treatment.
    budget : float >= 0, default=None
        What all treatments together may cost. In the mean that is what they cost, or less where
        no more rows gain from a treatment; never more by as much as one treatment. Either this
        or `n_treatments` is given.
    cost : dict of label to float, array-like or frame, default=None
        What arms cost, for `budget`; not negative. That of the control counts too. By label, of
        shape (n_arms,), or of shape (n_samples, n_arms) where it differs from row to row.
    available : array-like or frame of bool of shape (n_samples, n_arms), default=None
        The arms that may be played in each row; None means all.
    random_state : int, RandomState instance or None, default=None
        Draws the arms. None is that of the bandit. With an integer the decisions are a function of
        it, of what was learnt and of the rows, in whatever order they come.

    Returns
    -------
    arms : ndarray of shape (n_samples,)
        The arms to play.
    propensity : ndarray of shape (n_samples,)
        The probability with which each was played, to be logged.

    Raises
    ------
    ValueError
        If the budget is negative or not given, the control is no arm, costs are missing or
        negative, or the bandit plays sets of arms.

    See Also
    --------
    BudgetPacedBandit : A mean cost that is kept from round to round.

    Notes
    -----
    Arms of different rows are not drawn independently: when one row is treated, another one is
    not. Means over rows are unbiased, and vary less than with independent draws.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.budgets import allocate
    >>> from skbandit.linear import LinearThompsonSampling
    >>> rng = np.random.RandomState(0)
    >>> X, arm = rng.randn(300, 2), rng.choice(["none", "call"], 300)
    >>> reward = (arm == "call") * X[:, 0] + rng.randn(300)
    >>> bandit = LinearThompsonSampling(random_state=0).fit(X, arm, reward=reward)
    >>> arms, propensity = allocate(bandit, X[:100], 20, control="none")
    >>> int((arms == "call").sum()), bool(X[:100][arms == "call", 0].mean() > 1.0)
    (20, True)
    """
    _check_budget(n_treatments, budget)
    bandit, X = _unwrapped(bandit, X)
    contexts, bandit = bandit._asked(X)
    if bandit._selector.n_selected is not None:
        raise ValueError(
            "allocate decides for one arm a row, and the selector of this bandit plays sets. Use "
            "a selector of single arms."
        )
    arms, n_samples = bandit._arms_for(contexts), n_rows(contexts)
    column = encode_arms(np.array([control]), arms)[0]
    mask = check_available(available, arms, n_samples)
    treats = np.ones((n_samples, len(arms)))
    treats[:, column] = 0.0
    if budget is None:
        weight, total = treats, _within_reach(int(n_treatments), treats, mask)
        policy = _priced_policy(bandit, contexts, mask, treats, total)
        if (policy * treats).sum() < total - _ROUNDING:
            # Too few gain from a treatment: now the control has a price.
            policy = _priced_policy(bandit, contexts, mask, 1.0 - treats, n_samples - total)
        both = np.stack([treats, 1.0 - treats])
        able, reach = both if mask is None else both * mask
        policy = _filled(policy, able, reach, total)
    else:
        weight = _costs(cost, arms, n_samples)
        policy = _priced_policy(bandit, contexts, mask, weight, float(budget))
        policy = _within_budget(policy, weight, mask, float(budget))
    seed = bandit.random_state if random_state is None else random_state
    chosen = _drawn(policy, weight, contexts, bandit, seed)
    return arms[chosen], policy[np.arange(n_samples), chosen]


def _check_budget(n_treatments, budget):
    if (n_treatments is None) == (budget is None):
        raise ValueError("Give one of n_treatments and budget: how many rows, or what it costs.")
    if n_treatments is not None:
        if not isinstance(n_treatments, Integral) or isinstance(n_treatments, bool):
            raise TypeError(f"n_treatments must be an integer, got {n_treatments!r}.")
        if n_treatments < 0:
            raise ValueError(f"n_treatments must not be negative, got {n_treatments}.")
    elif not isinstance(budget, Real) or not budget >= 0.0:
        raise ValueError(f"budget must be a number that is not negative, got {budget!r}.")


def _unwrapped(bandit, X):
    """The bandit itself, and the rows as it sees them."""
    while isinstance(bandit, Pipeline):
        if len(bandit.steps) > 1:
            X = bandit[:-1].transform(X)
        bandit = bandit.steps[-1][1]
    if not isinstance(bandit, BaseBandit) or not is_bandit(bandit):
        raise TypeError(
            "bandit must be a bandit of skbandit or a Pipeline that ends in one, got "
            f"{type(bandit).__name__}."
        )
    return bandit, X


def _costs(cost, arms, n_samples):
    if cost is None:
        raise ValueError("budget needs cost=: what each arm costs, by label or by row.")
    if isinstance(cost, dict) or np.ndim(cost) < 2:
        one_each = arm_costs(cost, arms, "allocate")
        return np.broadcast_to(one_each, (n_samples, len(arms)))
    return check_cost(cost, arms, n_samples)


def _within_reach(n_treatments, treats, mask):
    """How many rows can be treated, and must be where there is no control."""
    if mask is None:
        return min(n_treatments, len(treats))
    able = np.count_nonzero((mask & (treats > 0.0)).any(axis=1))
    must = np.count_nonzero(~(mask & (treats == 0.0)).any(axis=1))
    return max(min(n_treatments, able), must)


def _priced_policy(bandit, contexts, mask, cost, total):
    """The policy at the price at which it spends a total, in the mean; at no price, less."""

    def policy_at(price):
        priced = asked(bandit, PricedSelector(price=price, selector=bandit.selector))
        return priced.predict_proba(contexts, available=mask, cost=cost)

    allowance = total / len(cost)
    scores = bandit._columns(contexts, lambda rows, block: bandit._decision_function(block))
    start = max(float(np.ptp(scores, axis=1).mean()), 1e-6) / max(float(cost.max()), 1e-300)
    low, high = bracketed_price(
        lambda price: spending(policy_at(price), cost), allowance, start, precision=1e-6
    )
    cheap = policy_at(high)
    if low == high:
        return cheap
    # At neighbouring prices one policy spends more and one not more: a share of each.
    dear = policy_at(low)
    more, less = spending(dear, cost), spending(cheap, cost)
    share = (allowance - less) / (more - less) if more > less else 0.0
    return share * dear + (1.0 - share) * cheap


def _within_budget(policy, cost, mask, budget):
    """The policy, mixed with the cheapest arms where no price has brought it down enough."""
    spent = float((policy * cost).sum())
    if spent <= budget * (1.0 + _ROUNDING):
        return policy
    open_to = cost if mask is None else np.where(mask, cost, np.inf)
    cheapest = np.zeros_like(policy)
    cheapest[np.arange(len(cost)), open_to.argmin(axis=1)] = 1.0
    least = float((cheapest * cost).sum())
    if least > budget * (1.0 + _ROUNDING):
        raise ValueError(
            f"budget={budget:g} is less than the cheapest arms cost together, {least:g}. Decide "
            "for fewer rows, or make an arm available that costs nothing."
        )
    share = (budget - least) / (spent - least)
    return share * policy + (1.0 - share) * cheapest


def _filled(policy, able, control, total):
    """The policy that treats so many rows, exactly: what is missing, or too much, is evened out.

    Parameters
    ----------
    policy : ndarray of shape (n_samples, n_arms)
    able, control : ndarray of shape (n_samples, n_arms)
        1 for treatments, and for the control, that may be played.
    total : int
    """
    treated = (policy * able).sum(axis=1)
    has_control = control.any(axis=1)
    now, must = treated.sum(), float(np.count_nonzero(~has_control))
    if now > total:
        # The same share of each row's treatment goes back to the control.
        share = (total - must) / (now - must) if now > must else 0.0
        kept = np.where(has_control, share, 1.0)[:, None] * policy * able
        return kept + control * (1.0 - kept.sum(axis=1, keepdims=True))
    missing = (1.0 - treated) * able.any(axis=1)
    share = min((total - now) / missing.sum(), 1.0) if missing.sum() > _ROUNDING else 0.0
    # Treatments share what comes as they share what they have, or evenly.
    among = np.where(treated[:, None] > _ROUNDING, policy * able, able)
    among = among / np.maximum(among.sum(axis=1, keepdims=True), 1e-300)
    return policy + share * missing[:, None] * (among - control)


def _drawn(policy, weight, contexts, bandit, seed):
    """Draw an arm for each row, in an order that the rows decide."""
    order = np.argsort(uniforms(seed, contexts, bandit.learnt_weight_), kind="stable")
    path = ()
    if isinstance(seed, Integral):
        keys = int(np.bitwise_xor.reduce(row_keys(contexts)))
        path = (keys, int(bandit.learnt_weight_), len(policy))
    rng = np.random.default_rng(derived_seed(seed, *path))
    chosen = np.empty(len(policy), dtype=np.intp)
    chosen[order] = balanced_draw(policy[order], np.asarray(weight)[order], rng)
    return chosen
