"""Logs of a policy at play."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from .._play import (
    ArmColumns,
    Player,
    costs_by_row,
    entries_at,
    named_arms,
    seeded,
    take_apart,
)
from .._rounds import check_cost
from .._rows import n_rows, take_rows
from ..base import make_log


def log_policy(
    policy, environment, n_rounds, *, random_state=None, batch_size=None, available=None, cost=None
):
    """Play a policy that does not learn, and return what it saw and its log.

    Parameters
    ----------
    policy : estimator object
        A bandit that knows its arms, a Pipeline that ends in one, a fitted search around one; or
        any fitted estimator with ``predict_proba`` and ``classes_``, whose arms are drawn from the
        probabilities. It is left as it is, but a ``RandomState`` that it holds advances.
    environment : BaseEnvironment
        Has the arms of the policy.
    n_rounds : int
        How many rounds to play.
    random_state : int, RandomState instance or None, default=None
        Draws the rounds, and the arms unless the policy has a `random_state` of its own. With an
        int the rounds are those of ``environment.sample(n_rounds, random_state)``, which also
        tells what the other arms would have paid.
    batch_size : int, default=None
        How many rounds to decide at once; None means all. It bounds memory. With a bandit whose
        `random_state` is an int leave it at None: equal contexts in different batches are decided
        alike, equal contexts in one batch independently.
    available : array-like or frame of bool of shape (n_rounds, n_arms), or callable, default=None
        The arms that can be played in each round; columns in the order of the policy's
        ``classes_``, or with labels that are matched with them. A callable makes such a mask of
        the contexts of all rounds. A bandit decides among these; the probabilities of another
        policy are divided by their sum over them. The log does not hold the mask: keep it, values
        and validations take it as well.
    cost : array-like or frame of shape (n_rounds, n_arms), or callable, default=None
        What the arms cost in each round, by which a policy that weighs costs decides; columns as
        those of `available`. A callable makes it of the contexts of all rounds. The log then
        holds what was paid.

    Returns
    -------
    X : ndarray, sparse matrix or DataFrame of shape (n_rounds, n_features) or \
            ndarray of shape (n_rounds, n_arms, n_features)
        The contexts, before the steps of a Pipeline.
    log : structured ndarray of shape (n_rounds,)
        Fields ``arm``, ``reward`` and ``propensity``, with `cost` also ``cost``, see
        :func:`skbandit.base.make_log`. For a bandit that plays k arms a round the fields have k
        entries.

    Raises
    ------
    ValueError
        If the policy plays an arm that the environment does not have, or the mask has another
        shape or leaves no arm in a round.
    TypeError
        If the policy is no bandit and has no ``predict_proba``.

    See Also
    --------
    skbandit.benchmark.simulate : Let bandits play and learn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbandit.environments import ClassificationEnvironment, log_policy
    >>> X, y = load_iris(return_X_y=True)
    >>> environment = ClassificationEnvironment(X, y)
    >>> policy = LogisticRegression(C=1e-3).fit(X, y)
    >>> contexts, log = log_policy(policy, environment, 100, random_state=0)
    >>> log.dtype.names, contexts.shape
    (('arm', 'reward', 'propensity'), (100, 4))
    """
    rng = check_random_state(random_state)
    rounds = environment.sample(n_rounds, rng)
    if batch_size is None:
        batch_size = n_rounds
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    draws = np.random.RandomState(rng.randint(np.iinfo(np.int32).max))
    steps, last = take_apart(policy)
    player = Player(seeded(last, draws), steps, draws)
    if callable(available):
        available = available(rounds.contexts)
    if callable(cost):
        cost = cost(rounds.contexts)
    if available is not None:
        _check_rows(available, n_rounds)
    cost = costs_by_row(cost, n_rounds)
    if np.ndim(cost) == 1:
        raise ValueError(
            "cost must say what each arm costs in each round, of shape (n_rounds, n_arms): the "
            f"log holds what was paid; got shape {np.shape(cost)}."
        )
    parts = []
    for start in range(0, n_rounds, batch_size):
        rows = slice(start, start + batch_size)
        contexts = player.transform(take_rows(rounds.contexts, rows))
        mask = None if available is None else take_rows(available, rows)
        charged = None if cost is None else take_rows(cost, rows)
        parts.append(player.decide(contexts, mask, charged))
    arm, propensity = (np.concatenate(column) for column in zip(*parts, strict=True))
    reward = entries_at(rounds.reward, ArmColumns(environment.arms).of_played(arm))
    paid = None
    if cost is not None:
        arms = named_arms(last)
        arms = np.asarray(environment.arms if arms is None else arms)
        paid = entries_at(check_cost(cost, arms, n_rounds), ArmColumns(arms).find(arm))
    return rounds.contexts, make_log(arm, reward, propensity, cost=paid)


def _check_rows(available, n_rounds):
    """Raise where a mask is not one row a round, which its batches would not show."""
    if n_rows(available) != n_rounds:
        raise ValueError(
            f"available has {n_rows(available)} rows where n_rounds is {n_rounds}; pass a row a "
            "round, or a callable that makes them of the contexts."
        )
