"""Checks of ``score``: the off-policy value of the policy."""

import warnings

import numpy as np

from ...base import make_log
from ._case import require, require_close, require_raises, some
from ._promises import for_bandits


def _logged(case, n_samples=80):
    X, y, reward = case.rounds(n_samples)
    k = case.n_selected or 1
    propensity = case.rng.uniform(0.2, 0.9, size=reward.shape) * k / len(case.arms)
    return X, y, reward, propensity


@for_bandits()
def check_score_is_policy_value(case):
    """``score`` is the self-normalised importance-weighted reward of the policy."""
    X, y, reward, propensity = _logged(case)
    weight = case.rng.randint(1, 4, size=len(y)).astype(np.float64)
    for bandit in (case.new(), case.learnt()):
        index = case.index(y).reshape(len(y), -1)
        policy = np.take_along_axis(bandit.predict_proba(X), index, axis=1)
        ratio = policy / propensity.reshape(policy.shape)
        paid = reward.reshape(policy.shape)
        for weights in (None, weight):
            ratios = ratio if weights is None else ratio * weights[:, None]
            value = ratios.shape[1] * np.sum(ratios * paid) / np.sum(ratios)
            for what, scored in (
                (
                    "keywords",
                    bandit.score(
                        X, y, reward=reward, propensity=propensity, sample_weight=weights
                    ),
                ),
                ("log", bandit.score(X, make_log(y, reward, propensity), sample_weight=weights)),
            ):
                require(isinstance(scored, float), f"score must be a float, got {type(scored)}")
                require_close(scored, value, f"score from a {what}", 1e-9)


@for_bandits()
def check_score_needs_rewards(case):
    """On a bandit that learnt from rewards, ``score`` without rewards or propensities raises."""
    X, y, reward, propensity = _logged(case)
    labels = y if y.ndim == 1 else y[:, 0]
    bandit = case.new().fit(X, y, reward=reward)
    require_raises(ValueError, "reward", lambda: bandit.score(X, labels), "score without rewards")
    for what, keywords in (
        ("keywords", {"y": y, "reward": reward}),
        ("a log", {"y": make_log(y, reward)}),
    ):
        require_raises(
            ValueError,
            "propensit",
            lambda k=keywords: bandit.score(X, **k),
            f"score without propensities on {what}",
        )
    for bad in (0.0, 1.5, -0.1, np.nan):
        require_raises(
            ValueError,
            r"propensity.*\(0, 1\]",
            lambda b=bad: bandit.score(X, y, reward=reward, propensity=np.full(reward.shape, b)),
            f"score with a propensity of {bad}",
        )
    require_raises(
        ValueError,
        "propensity",
        lambda: bandit.score(X, y, reward=reward, propensity=propensity[:-1]),
        "score with too few propensities",
    )


@for_bandits()
def check_score_of_full_feedback(case):
    """After full feedback, plain labels give the mean chance of the arm that pays."""
    X = case.contexts(60)
    y = np.asarray(case.arms)[case.rng.randint(len(case.arms), size=60)]
    bandit = case.new().fit(X, y)
    expected = bandit.predict_proba(X)[np.arange(len(y)), case.index(y)].mean()
    require_close(bandit.score(X, y), expected, "score of full feedback", 1e-9)


@for_bandits()
def check_score_of_silent_log(case):
    """Where the policy never plays a logged arm, ``score`` is NaN and warns."""
    X, y, reward, propensity = _logged(case, 6)
    bandit = case.learnt()
    index = case.index(y).reshape(len(y), -1)
    chosen = np.take_along_axis(bandit.predict_proba(X), index, axis=1)
    silent = (chosen == 0.0).all(axis=1)
    if not silent.any():
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        contexts, labels, paid, chance = some(silent, X, y, reward, propensity)
        value = bandit.score(contexts, labels, reward=paid, propensity=chance)
    require(np.isnan(value), f"a log without any arm of the policy has no value, got {value}")
    require(caught, "a log without any arm of the policy must warn")


CHECKS = [
    check_score_is_policy_value,
    check_score_needs_rewards,
    check_score_of_full_feedback,
    check_score_of_silent_log,
]
