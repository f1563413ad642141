"""Pipelines and searches taken apart: what transforms, and what decides."""

import copy

from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .. import _steps, base
from .._rows import n_rows


def take_apart(policy):
    """Take a Pipeline or a fitted search apart: the steps that transform, the one that decides.

    A Pipeline passes ``return_propensity`` to its last step only while metadata routing is off,
    and a search does not pass it at all: the deciding estimator is asked itself.

    Parameters
    ----------
    policy : estimator object

    Returns
    -------
    steps : list of estimator objects
    policy : estimator object
    """
    steps = []
    while True:
        if isinstance(policy, Pipeline):
            own = [step for _, step in policy.steps]
            steps += [step for step in own[:-1] if step not in (None, "passthrough")]
            policy = own[-1]
        elif hasattr(policy, "best_estimator_"):
            policy = policy.best_estimator_
        else:
            return steps, policy


def last_step(policy):
    """Return what decides: the last step of a Pipeline, the best estimator of a search.

    Of a search that is not fitted it is the last step of what is searched over.
    """
    last = take_apart(policy)[1]
    while not hasattr(last, "arms") and hasattr(last, "estimator"):
        last = take_apart(last.estimator)[1]
    return last


def is_bandit(estimator):
    """Say whether an estimator, or any other object, is a bandit or ends in one."""
    return hasattr(estimator, "__sklearn_tags__") and base.is_bandit(estimator)


def is_fitted(estimator):
    """Say whether an estimator is fitted, or needs no fitting."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def check_steps_read_logs(policy, y):
    """Raise where a step before a bandit takes each round of a log for a class of its own.

    Parameters
    ----------
    policy : estimator object
    y : log or labels
    """
    steps, last = take_apart(policy)
    if is_bandit(last):
        _steps.check_steps_read_logs(steps, y)


def fitted_steps(steps, contexts):
    """Copy steps, and fit those that are not fitted on the first contexts.

    Parameters
    ----------
    steps : list of estimator objects
        They stay as they are.
    contexts : rows of the first batch

    Returns
    -------
    ready : list of estimator objects
    """
    ready = []
    for step in steps:
        step = copy.deepcopy(step)
        if not is_fitted(step):
            if n_rows(contexts) < 2:
                raise ValueError(
                    f"The step {type(step).__name__} before the bandit is not fitted, and the "
                    "first batch has one row, which is too few to fit it on. Fit it beforehand on "
                    "earlier contexts (pipeline[:-1].fit(X)), or use a larger batch_size."
                )
            step.fit(contexts)
        contexts = step.transform(contexts)
        ready.append(step)
    return ready


def name_arms(estimator, arms):
    """Tell a bandit that knows no arms yet which there are, in place.

    It can then play before its first round, and what it learns from need not hold every arm.

    Parameters
    ----------
    estimator : estimator object
        A bandit, or a Pipeline or search around one; any other is left alone.
    arms : array-like of shape (n_arms,)
    """
    last = last_step(estimator)
    if getattr(last, "arms", False) is None and not is_fitted(last):
        last.set_params(arms=arms)
