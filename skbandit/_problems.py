"""Linear problems and independent streams: what data sets and environments draw."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state, check_scalar

# Floor of a direction's standard deviation, relative to the largest, below the effective rank.
_TAIL = 1e-3


class LinearProblem(NamedTuple):
    """What stays the same from round to round."""

    coef: np.ndarray  # (n_arms, n_features), or (n_features,) where arms have features
    intercept: np.ndarray  # (n_arms,)
    mixing: np.ndarray | None  # (n_features, n_features): contexts are normals @ mixing


def spawn(random_state, n_streams):
    """Derive independent streams from one random state.

    With a stream each for contexts and for noise, both filled round by round, more rounds extend
    fewer: a run can be prolonged without changing what was played.

    Parameters
    ----------
    random_state : None, int or RandomState
    n_streams : int

    Returns
    -------
    streams : list of RandomState
    """
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_streams)
    return [np.random.RandomState(seed) for seed in seeds]


def draw_problem(
    rng, *, n_features, n_arms, n_informative, effective_rank, intercept_std, arm_features
):
    """Draw what stays fixed over the rounds, a LinearProblem."""
    check_scalar(n_features, "n_features", Integral, min_val=1)
    check_scalar(n_arms, "n_arms", Integral, min_val=1)
    if n_informative is None:
        n_informative = n_features
    check_scalar(n_informative, "n_informative", Integral, min_val=1, max_val=n_features)
    check_scalar(intercept_std, "intercept_std", Real, min_val=0)
    mixing = None
    if effective_rank is not None:
        check_scalar(effective_rank, "effective_rank", Integral, min_val=1, max_val=n_features)
        mixing = _low_rank_mixing(rng, n_features, effective_rank)
    informative = rng.permutation(n_features)[:n_informative]
    coef = np.zeros((1 if arm_features else n_arms, n_features))
    coef[:, informative] = rng.standard_normal((len(coef), n_informative))
    # theta' Sigma theta = |mixing theta|^2 is the variance of the reward that the context
    # explains.
    spread = coef if mixing is None else coef @ mixing.T
    coef /= np.linalg.norm(spread, axis=1, keepdims=True)
    intercept = intercept_std * rng.standard_normal(n_arms)
    return LinearProblem(coef[0] if arm_features else coef, intercept, mixing)


def _low_rank_mixing(rng, n_features, effective_rank):
    """Return a matrix that turns independent normals into contexts of a low effective rank."""
    std = np.exp(-((np.arange(n_features) / effective_rank) ** 2)) + _TAIL
    std *= np.sqrt(n_features / np.sum(std**2))
    rotation, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    return std[:, None] * rotation.T


def draw_rounds(problem, n_samples, noise, random_state):
    """Draw contexts, realised and expected rewards of a LinearProblem."""
    check_scalar(noise, "noise", Real, min_val=0)
    place, deviation = spawn(random_state, 2)
    n_arms, n_features = len(problem.intercept), problem.coef.shape[-1]
    shared = problem.coef.ndim == 1
    shape = (n_samples, n_arms, n_features) if shared else (n_samples, n_features)
    X = place.standard_normal(shape)
    if problem.mixing is not None:
        X = X @ problem.mixing
    expected_reward = X @ problem.coef.T
    expected_reward += problem.intercept
    reward = expected_reward + noise * deviation.standard_normal(expected_reward.shape)
    return X, reward, expected_reward
