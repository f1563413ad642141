"""What learns along a log: a copy of the bandit, its steps, and the log's arms as its columns."""

import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..environments._player import answers_as_bandit, take_apart
from ..metrics._scorer_rounds import check_log


class Learner(NamedTuple):
    """A bandit ready to learn along a log."""

    transformers: list
    bandit: Any
    labels: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray | None

    def transform(self, X):
        """Apply the steps before the bandit."""
        for step in self.transformers:
            X = step.transform(X)
        return X


def make_learner(bandit, X, log, reward, propensity, *, n_first, warm_start):
    """Copy a bandit and check the log that it is to learn from.

    Parameters
    ----------
    bandit : estimator object
        A bandit, or a Pipeline around one; it stays as it is.
    X, log, reward, propensity
        As in :func:`skbandit.metrics._scorer_rounds.check_log`.
    n_first : int
        On how many of the first contexts steps that are not fitted are fitted.
    warm_start : bool
        Whether the copy keeps what the bandit has learnt.

    Returns
    -------
    learner : Learner
    """
    rounds = check_log(X, log, reward, propensity)
    transformers, last = take_apart(bandit)
    if not answers_as_bandit(last) or not hasattr(last, "partial_fit"):
        raise TypeError(
            f"bandit must be a bandit, which learns through partial_fit(X, y, reward), or a "
            f"Pipeline around one; got {type(last).__name__}."
        )
    last = copy.deepcopy(last) if warm_start else clone(last)
    # Without a name for every arm a bandit could not play before its first round.
    one_context = getattr(X, "ndim", 2) == 2
    if one_context and getattr(last, "arms", False) is None and not _is_fitted(last):
        last.set_params(arms=np.unique(rounds.labels))
    steps = _fitted_steps(transformers, X[:n_first])
    return Learner(steps, last, *rounds)


def _fitted_steps(transformers, contexts):
    ready = []
    for step in transformers:
        step = copy.deepcopy(step)
        if not _is_fitted(step):
            n_rows = contexts.shape[0]
            if n_rows < 2:
                raise ValueError(
                    f"The step {type(step).__name__} before the bandit is not fitted, and the "
                    "first batch has one row, which is too few to fit it on. Fit it beforehand on "
                    "earlier contexts (pipeline[:-1].fit(X)), or use a larger batch_size."
                )
            step.fit(contexts)
        contexts = step.transform(contexts)
        ready.append(step)
    return ready


def _is_fitted(estimator):
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
