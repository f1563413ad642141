"""Common tests: every bandit of the package, in all its variants."""

import inspect

import pytest
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_param_validation,
    parametrize_with_checks,
)

from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector
from skbandit.utils.discovery import all_bandits
from skbandit.utils.estimator_checks import parametrize_with_bandit_checks

SELECTORS = (EpsilonGreedySelector(), SoftmaxSelector(), TopKSelector(k=1), TopKSelector(k=2))
# Values that change what a bandit does; each is tried wherever a bandit has the parameter.
SETTINGS = {
    "precision": ["diagonal"],
    "noise": ["fixed"],
    "fit_intercept": [False],
    "forgetting": [0.9],
    "arm_model": ["shared", "hybrid"],
    "selector": SELECTORS,
}
SHUFFLED = "scikit-learn shuffles the weighted rows, and with forgetting their order matters"
ARRAY_API = "check_array_api_input"


def _variants(bandit):
    """The bandit as it is, and with one parameter changed; sets of arms with each arm model."""
    parameters = bandit.get_params(deep=False)
    yield bandit
    for name, values in SETTINGS.items():
        if name in parameters:
            for value in values:
                yield clone(bandit).set_params(**{name: value})
    if "arm_model" in parameters:
        for arm_model in ("shared", "hybrid"):
            yield clone(bandit).set_params(arm_model=arm_model, selector=TopKSelector(k=2))


# Networks take long to train by default: tests/neural/test_contract.py trains small ones.
FAST = [kind for _, kind in all_bandits() if not kind.__module__.startswith("skbandit.neural")]
BANDITS = [variant for kind in FAST for variant in _variants(kind())]
# scikit-learn's checks know contexts of two axes only.
FLAT = [bandit for bandit in BANDITS if get_tags(bandit).input_tags.two_d_array]


def _forgets(bandit):
    return bandit.get_params(deep=False).get("forgetting", 1.0) < 1.0


def _expected_failed_checks(bandit):
    return {"check_sample_weight_equivalence_on_dense_data": SHUFFLED} if _forgets(bandit) else {}


def _label(bandit):
    return " ".join(repr(bandit).split())


def test_bandits_are_found():
    names = [name for name, _ in all_bandits()]
    assert {"LinearThompsonSampling", "LinearUCB"} <= set(names)
    assert names == sorted(set(names))


@parametrize_with_checks(FLAT, expected_failed_checks=_expected_failed_checks)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("bandit", FLAT, ids=_label)
def test_scikit_learn_nothing_missing(bandit):
    """Nothing failed, nothing is expected to fail, and at most the array-API check is skipped."""
    results = check_estimator(clone(bandit), on_skip=None, on_fail=None)
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], []).append(result["check_name"])
    assert by_status.pop("failed", []) == list(_expected_failed_checks(bandit))
    # scikit-learn 1.8 yields that check only where SCIPY_ARRAY_API is set.
    assert set(by_status.pop("skipped", [])) <= {ARRAY_API}
    assert list(by_status) == ["passed"]
    assert not any(result["expected_to_fail"] for result in results)
    assert len(by_status["passed"]) >= 40


@pytest.mark.parametrize("bandit", FLAT, ids=_label)
def test_parameters_are_validated_as_in_scikit_learn(bandit):
    check_param_validation(type(bandit).__name__, bandit)


@parametrize_with_bandit_checks(BANDITS)
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("bandit", BANDITS, ids=_label)
def test_what_is_not_promised_has_a_reason(bandit):
    unpromised = getattr(bandit, "_unpromised_checks", {})
    assert all(isinstance(reason, str) and reason for reason in unpromised.values())
    # No bandit may declare away that it says with what probability it plays.
    assert not {"check_propensity_is_frequency", "check_propensity_is_probability"} & set(
        unpromised
    )


@pytest.mark.parametrize(("name", "kind"), all_bandits())
def test_constructor_is_keyword_only(name, kind):
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    assert {"arms", "random_state"} <= {parameter.name for parameter in parameters}
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    # Every parameter is validated.
    assert set(kind._parameter_constraints) == {parameter.name for parameter in parameters}


@pytest.mark.parametrize(("name", "kind"), all_bandits())
def test_methods_have_the_same_signature(name, kind):
    """Nobody has to look up which bandit takes what."""
    expected = {
        "fit": ["self", "X", "y", "reward", "sample_weight"],
        "partial_fit": ["self", "X", "y", "reward", "classes", "sample_weight"],
        "predict": ["self", "X", "explore", "available", "return_propensity"],
        "predict_proba": ["self", "X", "available"],
        "decision_function": ["self", "X"],
        "expected_reward": ["self", "X", "return_std"],
        "score": ["self", "X", "y", "reward", "propensity", "sample_weight"],
    }
    for method, parameters in expected.items():
        assert list(inspect.signature(getattr(kind, method)).parameters) == parameters, method
