"""Estimators that are fitted to rewards: what they take, how they are fitted, what they answer."""

import copy
from functools import lru_cache
from numbers import Integral

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .._random import derived_seed
from .._rows import join_rows, take_rows


def last_step(estimator):
    """The estimator at the end of a Pipeline, however deep; itself where it is none."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def check_estimator_fits(estimator):
    """Raise where an estimator cannot be fitted to rewards.

    Parameters
    ----------
    estimator : object

    Raises
    ------
    TypeError
        If it is a class.
    ValueError
        If it is neither a regressor nor a classifier with ``predict_proba``.
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an instance, got the class {estimator.__name__}. Write "
            f"{estimator.__name__}()."
        )
    name = type(estimator).__name__
    if is_classifier(estimator):
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                "estimator must have predict_proba, so that it expects rewards between 0 and 1; "
                f"{name} has none. Wrap it in sklearn.calibration.CalibratedClassifierCV, or give "
                "a regressor."
            )
    elif not is_regressor(estimator):
        raise ValueError(
            f"estimator must be a classifier with predict_proba or a regressor, got {name}."
        )


def weight_keyword(estimator):
    """The keyword of ``fit`` that hands weights to the last step of an estimator, or None.

    Parameters
    ----------
    estimator : estimator
        Pipelines and searches may be nested.

    Returns
    -------
    keyword : str or None
        ``"sample_weight"``, after the names of the steps where it is a Pipeline.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        keyword = weight_keyword(last)
        return None if keyword is None else f"{name}__{keyword}"
    if _takes(type(estimator)):
        return "sample_weight"
    inner = getattr(estimator, "estimator", None)
    # A search hands its keywords on to what it searches.
    return weight_keyword(inner) if inner is not None and hasattr(estimator, "cv") else None


@lru_cache(maxsize=256)
def _takes(kind):
    """Whether ``fit`` of a class takes weights; reading a signature costs more than asking."""
    return has_fit_parameter(kind, "sample_weight")


def takes_weights(estimator):
    """Whether ``fit`` takes ``sample_weight``; that of the last step, for a Pipeline."""
    return weight_keyword(estimator) is not None


def can_learn_on(estimator):
    """Whether the estimator can learn more rounds as they come."""
    return hasattr(estimator, "partial_fit")


def _is_simple(estimator):
    """Whether all parameters are attributes, and none is an estimator with parameters of its own.

    Reading and setting parameters by their names costs more than many a fit.
    """
    kind = type(estimator)
    return (
        getattr(kind, "get_params", None) is BaseEstimator.get_params
        and kind.set_params is BaseEstimator.set_params
        and not any(hasattr(value, "get_params") for value in vars(estimator).values())
    )


def _free_seeds(estimator):
    return sorted(
        name
        for name, value in estimator.get_params(deep=True).items()
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    )


def seeded(estimator, seed):
    """Return a clone whose random states that were left at None are set.

    Parameters
    ----------
    estimator : estimator
    seed : int

    Returns
    -------
    clone : estimator
        Random states that the user has set are left as they are.
    """
    new = clone(estimator)
    if _is_simple(new):
        if vars(new).get("random_state", "none") is None:
            new.random_state = derived_seed(seed, 0)
        return new
    names = _free_seeds(new)
    if names:
        new.set_params(**{name: derived_seed(seed, place) for place, name in enumerate(names)})
    return new


def as_classes(contexts, reward, weight):
    """Rewards in [0, 1] as classes: one of r is a 1 of weight r and a 0 of weight 1 - r.

    Parameters
    ----------
    contexts : rows of any kind
    reward, weight : ndarray of shape (n_rows,)

    Returns
    -------
    contexts, label, weight : rows, ndarray of int, ndarray of float
    """
    whole = (reward == 0.0) | (reward == 1.0)
    if whole.all():
        return contexts, reward.astype(np.intp), weight
    part = np.flatnonzero(~whole)
    contexts = join_rows([contexts, take_rows(contexts, part)])
    # The rounded value keeps its share, the copy has the other.
    label = (reward > 0.0).astype(np.intp)
    share = np.where(whole, 1.0, reward)
    return (
        contexts,
        np.append(label, np.zeros(len(part), dtype=np.intp)),
        np.append(weight * share, weight[part] * (1.0 - reward[part])),
    )


def _weight_arguments(estimator, contexts, label, weight):
    """Rows and labels with weights as a keyword of ``fit``; repeated, where it takes none."""
    if (weight == 1.0).all():
        return contexts, label, {}
    keyword = weight_keyword(estimator)
    if keyword is not None:
        return contexts, label, {keyword: weight}
    counts = np.round(weight)
    if (counts != weight).any():
        raise ValueError(
            f"{type(last_step(estimator)).__name__} takes no sample_weight, so weights must be "
            f"whole numbers, got {weight[counts != weight][0]:g}. Leave sample_weight out, give "
            "rewards of 0 and 1, or an estimator that takes weights."
        )
    rows = np.repeat(np.arange(len(label)), counts.astype(np.intp))
    return take_rows(contexts, rows), label[rows], {}


def fitted(estimator, contexts, reward, weight, seed):
    """Return a clone of an estimator, fitted to rewards.

    Parameters
    ----------
    estimator : classifier or regressor
    contexts : rows of any kind
    reward, weight : ndarray of shape (n_rows,)
        Weights are positive. A classifier's rewards lie in [0, 1], and there are both kinds.
    seed : int
        Of the random states that were left at None.

    Returns
    -------
    fitted : estimator
    """
    new = seeded(estimator, seed)
    label = reward
    if is_classifier(estimator):
        contexts, label, weight = as_classes(contexts, reward, weight)
    contexts, label, arguments = _weight_arguments(new, contexts, label, weight)
    # The weights go to the last step, whatever the steps request.
    with config_context(enable_metadata_routing=False):
        return new.fit(contexts, label, **arguments)


def learnt_on(estimator, before, contexts, reward, weight, seed):
    """Return an estimator that has learnt more rounds; the one before is left alone.

    Parameters
    ----------
    estimator : classifier or regressor with ``partial_fit``
    before : estimator or None
        What had learnt the rounds before.
    contexts, reward, weight, seed
        As for :func:`fitted`; rewards may all be of one kind.

    Returns
    -------
    fitted : estimator
    """
    new = seeded(estimator, seed) if before is None else copy.deepcopy(before)
    label, arguments = reward, {}
    if is_classifier(estimator):
        contexts, label, weight = as_classes(contexts, reward, weight)
        if before is None:
            arguments["classes"] = np.array([0, 1])
    contexts, label, weights = _weight_arguments(new, contexts, label, weight)
    with config_context(enable_metadata_routing=False):
        return new.partial_fit(contexts, label, **arguments, **weights)


def expected(model, contexts, is_chance):
    """Return what a fitted estimator expects each row to pay, (n_rows,).

    Parameters
    ----------
    model : estimator
    contexts : rows of any kind
    is_chance : bool
        Whether it is a classifier of 0 and 1.
    """
    if is_chance:
        return model.predict_proba(contexts)[:, 1]
    return np.asarray(model.predict(contexts), dtype=np.float64).reshape(-1)


def checked_once():
    """A context in which scikit-learn does not check again what the bandit has checked."""
    if get_config()["assume_finite"]:
        return config_context()
    return config_context(assume_finite=True, skip_parameter_validation=True)


def entropy_of(random_state):
    """The integer from which all seeds of one learning call are derived."""
    is_int = isinstance(random_state, Integral)
    return int(random_state) if is_int else derived_seed(random_state)
