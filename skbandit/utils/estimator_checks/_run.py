"""Run the battery: a function for scripts, a decorator for pytest."""

import inspect
import re
import warnings
from unittest import SkipTest

from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning

from ..._tags import get_bandit_tags
from . import (
    _api,
    _candidates,
    _frames,
    _inputs,
    _labels,
    _learning,
    _merging,
    _parameters,
    _pipelines,
    _policy,
    _randomness,
    _scores,
    _sets,
    _state,
    _transfer,
)
from ._case import Case
from ._promises import why_not

# A repr longer than this makes a poor name of a test.
_LONG = 100
_MODULES = (
    _api,
    _policy,
    _randomness,
    _learning,
    _state,
    _parameters,
    _inputs,
    _labels,
    _frames,
    _pipelines,
    _scores,
    _sets,
    _candidates,
    _transfer,
    _merging,
)
ALL_CHECKS = [check for module in _MODULES for check in module.CHECKS]


class BanditCheck:
    """A check and the contexts it uses; called with a bandit, it raises where one is broken."""

    def __init__(self, check, contexts):
        self.check = check
        self.contexts = contexts
        self.module = check.__module__.rsplit(".", 1)[-1]
        self.__name__ = check.__name__
        self.__doc__ = check.__doc__

    def __repr__(self):
        return self.__name__

    def __call__(self, estimator):
        self.check(Case(estimator, self.contexts))


def _require_instance(estimator):
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator must be an instance, got the class {estimator.__name__}. Pass "
            f"{estimator.__name__}()."
        )


def bandit_checks_generator(estimator, *, contexts=None):
    """Yield the checks for a bandit: those that its tags promise.

    Parameters
    ----------
    estimator : bandit
        An instance; checks work on clones of it.
    contexts : callable, default=None
        From a number of rows and a RandomState to so many contexts of the kind that the bandit
        takes (a frame of strings and missing values, a list of texts). None makes numbers. With
        contexts of another kind, checks that need numbers are left out.

    Yields
    ------
    estimator : bandit
    check : callable
        Called with the estimator, it raises where a promise is broken and ``unittest.SkipTest``
        where something is missing to check it.

    See Also
    --------
    check_bandit : Run them all.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.utils.estimator_checks import bandit_checks_generator
    >>> names = [check.__name__ for _, check in bandit_checks_generator(LinearUCB())]
    >>> "check_merge" in names
    True
    >>> "check_merge" in [
    ...     check.__name__ for _, check in bandit_checks_generator(LinearUCB(forgetting=0.9))
    ... ]
    False
    """
    _require_instance(estimator)
    get_bandit_tags(estimator).check(type(estimator).__name__)
    facts = Case(estimator, contexts).facts
    for check in ALL_CHECKS:
        if why_not(check, facts) is None:
            yield estimator, BanditCheck(check, contexts)


def check_bandit(
    estimator,
    *,
    contexts=None,
    expected_failed_checks=None,
    on_skip="warn",
    on_fail="raise",
    callback=None,
):
    """Check that an estimator keeps the contract of a bandit, and what its tags promise.

    Parameters
    ----------
    estimator : bandit
        An instance; checks work on clones of it, with ``arms`` and ``random_state`` of their own.
    contexts : callable, default=None
        From a number of rows and a RandomState to so many contexts of the kind that the bandit
        takes (a frame of strings and missing values, a list of texts). None makes numbers. With
        contexts of another kind, checks that need numbers are left out.
    expected_failed_checks : dict of str to str, default=None
        Names of checks that are known to fail, and why; their status is "xfail" when they do.
    on_skip : {"warn"} or None, default="warn"
        Whether a skipped check warns.
    on_fail : {"raise", "warn"} or None, default="raise"
        What a failed check does; None leaves it to the result.
    callback : callable, default=None
        Called with each result as keywords, for instance to print progress. Not with
        ``on_fail="raise"``.

    Returns
    -------
    results : list of dict
        One a check, with the keys of scikit-learn's ``check_estimator``: ``estimator``,
        ``check_name``, ``exception``, ``status`` ("passed", "failed", "xfail" or "skipped"),
        ``expected_to_fail`` and ``expected_to_fail_reason``. Checks of what the tags do not
        promise are not among them.

    Raises
    ------
    Exception
        The first failed check's own, with ``on_fail="raise"``.

    See Also
    --------
    parametrize_with_bandit_checks : The same as a decorator for pytest.
    sklearn.utils.estimator_checks.check_estimator : Whether it is an estimator at all.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.utils.estimator_checks import check_bandit
    >>> results = check_bandit(LinearUCB(), on_skip=None)
    >>> {result["status"] for result in results} <= {"passed", "skipped"}
    True
    """
    for name, value, allowed in (
        ("on_skip", on_skip, ("warn", None)),
        ("on_fail", on_fail, ("raise", "warn", None)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {allowed}, got {value!r}.")
    if on_fail == "raise" and callback is not None:
        raise ValueError("callback cannot go with on_fail='raise': pass on_fail='warn' or None.")
    expected = expected_failed_checks or {}
    results = []
    for checked, check in bandit_checks_generator(estimator, contexts=contexts):
        check_name = check.__name__
        result = {
            "estimator": checked,
            "check_name": check_name,
            "exception": None,
            "status": "passed",
            "expected_to_fail": check_name in expected,
            "expected_to_fail_reason": expected.get(check_name, "Check is not expected to fail"),
        }
        try:
            check(checked)
        except SkipTest as error:
            result.update(exception=error, status="skipped")
            if on_skip == "warn":
                warnings.warn(f"Skipping {check_name}: {error}", SkipTestWarning, stacklevel=2)
        except Exception as error:
            if on_fail == "raise" and check_name not in expected:
                raise
            result.update(exception=error, status="xfail" if check_name in expected else "failed")
            if on_fail == "warn":
                warnings.warn(EstimatorCheckFailedWarning(**result), stacklevel=2)
        results.append(result)
        if callback is not None:
            callback(**result)
    return results


def label_of(estimator):
    """Write what tells an estimator from one with defaults, alike in every process.

    The words of a long value, such as a network's, need not come in one order: its class stands
    for it.
    """
    signature = inspect.signature(type(estimator).__init__).parameters
    changed = []
    for name, value in estimator.get_params(deep=False).items():
        text = " ".join(repr(value).split())
        if text != repr(signature[name].default):
            # Where an object lies is no part of what it is.
            text = re.sub(r" at 0x[0-9a-f]+", "", text)
            changed.append(f"{name}={text if len(text) < _LONG else type(value).__name__}")
    return f"{type(estimator).__name__}({', '.join(changed)})"


def parametrize_with_bandit_checks(estimators, *, contexts=None, expected_failed_checks=None):
    """Decorate a pytest function so that it runs the battery over several bandits.

    Parameters
    ----------
    estimators : list of bandits
        Instances.
    contexts : callable, default=None
        See :func:`check_bandit`; for all of the estimators.
    expected_failed_checks : callable, default=None
        Takes an estimator and returns a dict of check name to reason, or None; these are marked as
        ``xfail``, strictly: one that passes is reported.

    Returns
    -------
    decorator : ``pytest.mark.parametrize``

    See Also
    --------
    check_bandit : The same without pytest.

    Examples
    --------
    >>> from skbandit.linear import LinearThompsonSampling, LinearUCB
    >>> from skbandit.utils.estimator_checks import parametrize_with_bandit_checks
    >>> @parametrize_with_bandit_checks([LinearUCB(), LinearThompsonSampling()])
    ... def test_contract(estimator, check):
    ...     check(estimator)
    """
    import pytest

    parameters = []
    for estimator in estimators:
        expected = (expected_failed_checks(estimator) if expected_failed_checks else None) or {}
        for checked, check in bandit_checks_generator(estimator, contexts=contexts):
            check_name = check.__name__
            marks = (
                [pytest.mark.xfail(reason=expected[check_name], strict=True)]
                if check_name in expected
                else []
            )
            label = f"{label_of(checked)}-{check_name}"
            parameters.append(pytest.param(checked, check, marks=marks, id=label))
    return pytest.mark.parametrize(("estimator", "check"), parameters)
