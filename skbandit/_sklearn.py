"""The one place that touches scikit-learn's private names.

Everything here lacks a public equivalent in scikit-learn; when a name moves, this file is all
that changes.
"""

import sys
from numbers import Integral, Real

from sklearn.base import _fit_context
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    generate_invalid_param_val,
    make_constraint,
)
from sklearn.utils.validation import _check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "_check_sample_weight",
    "_fit_context",
    "error_score_of_search",
    "fitting_pipelines",
    "invalid_value",
    "other_values",
]

_MOST_OPTIONS = 3
# Where cross-validation calls a scorer, and what stands between where there are several.
_VALIDATION, _SEVERAL = "sklearn.model_selection._validation", "sklearn.metrics._scorer"


def error_score_of_search():
    """Return what a search or cross-validation takes for a score that fails.

    A scorer is not told, and where it raises, scikit-learn prints the traceback of every score.
    So the frame that called the package is asked, on the way of an error alone.

    Returns
    -------
    error_score : float or "raise"
        "raise" also where no cross-validation of scikit-learn is what called the scorer.
    """
    frame, package = sys._getframe(1), __name__.partition(".")[0]
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] != package and module != _SEVERAL:
            break
        frame = frame.f_back
    if frame is None or module != _VALIDATION or frame.f_code.co_name != "_score":
        return "raise"
    error_score = frame.f_locals.get("error_score", "raise")
    return float(error_score) if isinstance(error_score, Real) else "raise"


def fitting_pipelines():
    """Return the Pipelines that are fitting the bandit whose method asks, the innermost first.

    A last step is not told what stands before it, so the frames that called it are asked.

    Returns
    -------
    pipelines : list of Pipeline
        Empty where the bandit is fitted by itself.
    """
    frame, package = sys._getframe(1), __name__.partition(".")[0]
    pipelines = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module == "sklearn.pipeline" and frame.f_code.co_name == "fit":
            pipelines.append(frame.f_locals["self"])
        elif module.partition(".")[0] != package and module not in ("sklearn.base", "contextlib"):
            break
        frame = frame.f_back
    return [one for one in pipelines if isinstance(one, Pipeline)]


def _made(constraints):
    return [make_constraint(one) for one in constraints] if isinstance(constraints, list) else []


def invalid_value(constraints):
    """Values of about the right kind that a parameter's constraints do not allow, at most one.

    Parameters
    ----------
    constraints : list or str or None
        As in ``_parameter_constraints``.

    Returns
    -------
    values : list
    """
    made = _made(constraints)
    for one in made:
        if isinstance(one, HasMethods):
            continue
        try:
            value = generate_invalid_param_val(one)
        except NotImplementedError:
            continue
        if not any(other.is_satisfied_by(value) for other in made):
            return [value]
    return []


def other_values(constraints, current):
    """Some values beside the current one that a parameter's constraints allow.

    Parameters
    ----------
    constraints : list or str or None
        As in ``_parameter_constraints``.
    current : object

    Returns
    -------
    values : list
        For numbers within bounds, texts out of a few, and booleans; else empty.
    """
    made = _made(constraints)
    values = []
    for one in made:
        if isinstance(one, StrOptions):
            values += sorted(one.options - {current})[:_MOST_OPTIONS]
        elif isinstance(current, bool):
            values += [not current]
        elif isinstance(one, Interval) and isinstance(current, Real):
            is_count = one.type is Integral or one.type is int
            values += [current + 1, current - 1] if is_count else [current * 2, current / 2]
    values = [
        value
        for value in values
        if value != current and any(one.is_satisfied_by(value) for one in made)
    ]
    return values[:_MOST_OPTIONS]
