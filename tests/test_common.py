"""Common tests: every bandit of the package, with every selector, in all its variants."""

import inspect
from dataclasses import fields

import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, check_param_validation

from skbandit.base import BanditTags
from skbandit.buffers import SlidingWindow
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.objectives import WeightedSumSelector
from skbandit.selectors import (
    EpsilonGreedySelector,
    PropensityFloorSelector,
    SoftmaxSelector,
    TopKSelector,
)
from skbandit.utils import get_bandit_tags
from skbandit.utils.discovery import all_bandits
from skbandit.utils.estimator_checks import bandit_checks_generator, parametrize_with_bandit_checks
from skbandit.utils.estimator_checks._run import label_of

SETS = TopKSelector(k=2)
# A set of one arm is as sets are, and a floor is the same share of all arms as epsilon.
ALIKE = [TopKSelector(k=1), PropensityFloorSelector()]
SELECTORS = [
    None,
    EpsilonGreedySelector(),
    SoftmaxSelector(),
    SETS,
    *ALIKE,
]
# Checks that look at what a selector makes of scores.
OF_POLICIES = ("_policy", "_scores", "_sets", "_candidates")

LINEAR = [
    {},
    {"precision": "diagonal"},
    {"noise": "fixed"},
    {"fit_intercept": False},
    {"forgetting": 0.9},
    {"precision": "diagonal", "forgetting": 0.9, "noise": "fixed"},
    {"arm_model": "shared"},
    {"arm_model": "hybrid"},
    {"prior": "hierarchical"},
]
FORGETFUL = [{}, {"forgetting": 0.9}]
GLM = [
    {},
    {"precision": "diagonal"},
    {"prior": "hierarchical"},
    {"arm_model": "shared"},
    {"arm_model": "hybrid"},
]
VARIATIONAL = [
    {},
    {"likelihood": "gaussian"},
    {"likelihood": "gaussian", "precision": "diagonal"},
    {"weights": "student_t"},
    {"hidden_units": (4,)},
    {"arm_model": "shared"},
]


def _small_net():
    from skbandit.neural import make_net

    return make_net("tiny_mlp", module__hidden_units=(8,))


def _one_price(arm):
    """Arms of one price are alike in all but their demand, as arms of other bandits are."""
    return 1.0


def _at_one_price(*settings):
    """Settings of bandits that price arms, with few draws."""
    return [{"prices": _one_price, "n_draws": 100, **params} for params in settings]


def _trained_fast(**params):
    """Settings with which a network is trained several times in a check, in few steps."""
    return {
        "net": _small_net(),
        "min_samples_to_train": 8,
        "train_every": 32,
        "initial_train_steps": 4,
        "train_steps": 2,
        **params,
    }


def _around_estimators(**params):
    """A bandit around estimators of each kind, and with each way of serving arms."""
    return [
        params,
        {"estimator": LogisticRegression(), **params},
        {"estimator": DecisionTreeRegressor(max_depth=3), "refit_growth": 1.0, **params},
        {"arm_model": "pooled", **params},
        {"estimator": SGDRegressor(fit_intercept=False), "buffer": SlidingWindow(500), **params},
        {"arm_model": "shared", **params},
    ]


def _bootstrapped():
    """Few replicates; by refits and by steps, arms on their own and together."""
    return [
        {"n_samples": 3},
        {
            "estimator": DecisionTreeRegressor(max_depth=3),
            "bootstrap": "poisson",
            "arm_model": "pooled",
            "n_samples": 3,
        },
        {"estimator": SGDClassifier(loss="log_loss", fit_intercept=False), "n_samples": 3},
    ]


def _on_trees(**params):
    """Few small trees: a forest an arm, and boosted ones for all."""
    forest = RandomForestRegressor(n_estimators=4, max_depth=4)
    boosted = GradientBoostingRegressor(n_estimators=4)
    return [
        {"estimator": forest, "refit_growth": 1.5, **params},
        {"estimator": boosted, "refit_growth": 1.5, "arm_model": "pooled", **params},
    ]


# Settings by the name of a class, made when they are needed; the first stands for the class.
# A class that is not named here runs with its defaults.
SETTINGS = {
    "LinearUCB": lambda: [*LINEAR, {"prior": "hierarchical", "noise": "fixed"}],
    "LinearThompsonSampling": lambda: LINEAR,
    "LinearTopTwoThompsonSampling": lambda: [{}, {"noise": "fixed", "threshold": "chernoff"}],
    "BetaThompsonSampling": lambda: FORGETFUL,
    "GaussianThompsonSampling": lambda: FORGETFUL,
    "UCB1": lambda: FORGETFUL,
    "KLUCB": lambda: FORGETFUL,
    "Exp3": lambda: [{}, {"gamma": 0.2}],
    "TopTwoThompsonSampling": lambda: [{}, {"reward_model": "gaussian"}],
    # The model and the exploration meet in few places: each variant runs with one of the classes.
    "LogisticThompsonSampling": lambda: GLM,
    "LogisticUCB": lambda: [{}, {"fit_intercept": False}],
    "PoissonThompsonSampling": lambda: [{}, {"prior_reward": 0.3}],
    "PoissonUCB": lambda: [{}, {"forgetting": 0.9}],
    "VariationalBandit": lambda: VARIATIONAL,
    "BayesianNeuralBandit": lambda: VARIATIONAL,
    "NeuralLinearBandit": lambda: [_trained_fast(), _trained_fast(exploration="ucb")],
    "NeuralUCB": lambda: [_trained_fast()],
    "NeuralThompsonSampling": lambda: [
        _trained_fast(),
        _trained_fast(precision="last_layer"),
        _trained_fast(precision="full"),
    ],
    "EnsembleBandit": lambda: [_trained_fast(n_members=2)],
    "GreedyBandit": _around_estimators,
    "ActiveBandit": lambda: [{}, {"criterion": "gradient"}],
    "DiscountedLinUCB": lambda: [{}, {"forgetting": 1.0}, {"arm_model": "shared"}],
    "SlidingWindowBandit": lambda: [
        {"window": 40},
        {"window": 40, "bandit": LinearUCB(arm_model="shared")},
    ],
    "RestartingBandit": lambda: [
        {},
        {"restart": "arm", "memory": 100},
        {"bandit": LinearUCB(arm_model="shared")},
    ],
    # Plain rewards are one objective; tests/objectives runs the battery with two of them.
    "MultiObjectiveBandit": lambda: [
        {"objective_selector": WeightedSumSelector()},
        {"bandit": LinearUCB(arm_model="shared")},
    ],
    # Without quantities; tests/quantities/test_contract.py has those with them.
    "ZoomingBandit": lambda: [{}, {"bandit": LinearThompsonSampling()}],
    "QuantityThompsonSampling": lambda: [{}],
    "BudgetPacedBandit": lambda: [
        {"ceiling": 2.0, "cost": 1.0, "bandit": LinearUCB()},
        {"ceiling": 2.0, "cost": 1.0, "cost_model": "mean", "window": 30},
        {"ceiling": 1.5, "cost": 1.0, "bandit": LinearUCB(arm_model="shared")},
    ],
    "BootstrappedThompsonSampling": _bootstrapped,
    "BootstrappedUCB": lambda: [{"n_samples": 3, "refit_growth": 1.5}],
    "ExploreThenCommit": lambda: [{"n_explore": 20}],
    "RegCB": lambda: [{"rule": "elimination"}, {"arm_model": "shared"}],
    "PolicyTreeBandit": lambda **params: [
        {"estimator": DecisionTreeRegressor(max_leaf_nodes=4), "refit_growth": 1.5, **params}
    ],
    "PredictiveThompsonSampling": lambda **params: [
        {"estimator": Ridge(tol=1e-10), "grid_growth": 3.0, "refit_growth": 1.5, **params}
    ],
    "TreeThompsonSampling": _on_trees,
    "TreeUCB": _on_trees,
    "MonotonePricingThompsonSampling": lambda: _at_one_price(
        {}, {"bandit": LinearThompsonSampling()}
    ),
    "MonotonePricingUCB": lambda: _at_one_price({"bandit": LogisticThompsonSampling()}),
    "DemandCurveThompsonSampling": lambda: _at_one_price({}, {"demand": "amount"}),
    "DemandCurveUCB": lambda: _at_one_price({"demand": "count", "departure": 0.0}),
    "PriceIntervalBandit": lambda: _at_one_price({}),
}

# More of them, run before a release.
LONG = {
    "BetaThompsonSampling": [{"alpha": 1.0}],
    "TopTwoThompsonSampling": [{"reward_model": "gaussian", "noise_std": 1.0}],
    "LogisticThompsonSampling": [
        {"fit_intercept": False},
        {"prior_reward": 0.3},
        {"forgetting": 0.9},
        {"precision": "diagonal", "forgetting": 0.9},
    ],
    "LogisticUCB": [{"precision": "diagonal"}, {"prior_reward": 0.3}],
    "PoissonThompsonSampling": [{"precision": "diagonal"}, {"fit_intercept": False}],
    "PoissonUCB": [
        {"prior": "hierarchical"},
        {"precision": "diagonal", "forgetting": 0.9},
        {"arm_model": "shared"},
        {"arm_model": "hybrid"},
    ],
}


def _variants(name, kind):
    return [kind(**params) for params in SETTINGS.get(name, lambda: [{}])()]


def _with(bandit, selector):
    return clone(bandit).set_params(selector=selector)


# Every variant alone; the first one with selectors of each kind. All else meets the checks of
# policies, and the rest of the battery is long.
FIRST, OTHERS, REST = [], [], []
for _name, _kind in all_bandits():
    for _place, _variant in enumerate(_variants(_name, _kind)):
        for _selector in SELECTORS:
            _whole = FIRST if _place == 0 else OTHERS
            _is_whole = _selector not in ALIKE if _place == 0 else _selector is None
            (_whole if _is_whole else REST).append(_with(_variant, _selector))
WHOLE = FIRST + OTHERS
# scikit-learn's checks know contexts of two axes only.
FLAT = [bandit for bandit in WHOLE + REST if get_tags(bandit).input_tags.two_d_array]
SHUFFLED = "scikit-learn shuffles the weighted rows, and for this bandit their order matters"
SINGLE = "what is fitted by steps, or in single precision, does not agree to seven digits"
ONE_AXIS = "scikit-learn wants one axis of decisions, and a set of arms has two"
ARRAY_API = "check_array_api_input"


def _expected_failed_checks(bandit):
    expected = {}
    tags = get_bandit_tags(bandit)
    if tags.learning == "sequence" or tags.fades:
        expected["check_sample_weight_equivalence_on_dense_data"] = SHUFFLED
        if get_tags(bandit).input_tags.sparse:
            expected["check_sample_weight_equivalence_on_sparse_data"] = SHUFFLED
    if get_tags(bandit).input_tags.sparse and isinstance(bandit.selector, TopKSelector):
        expected |= dict.fromkeys(
            ("check_estimator_sparse_array", "check_estimator_sparse_matrix"), ONE_AXIS
        )
    return expected


def _checks_that_may_fail(bandit):
    # tests/neural/test_contract.py: it passes with networks in double precision.
    if get_bandit_tags(bandit).learning == "buffer":
        return {
            "check_sample_weight_equivalence_on_dense_data": SINGLE,
            "check_sample_weight_equivalence_on_sparse_data": SINGLE,
        }
    return {}


def test_bandits_are_found():
    names = [name for name, _ in all_bandits()]
    assert {"LinearThompsonSampling", "LinearUCB"} <= set(names)
    assert names == sorted(set(names))
    tested = {type(bandit).__name__ for bandit in WHOLE}
    assert tested == set(names)


@pytest.mark.parametrize("bandit", FLAT, ids=label_of)
def test_scikit_learn(bandit):
    """Nothing fails but what is said above; the array-API check alone may be skipped."""
    results = check_estimator(clone(bandit), on_skip=None, on_fail=None)
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], {})[result["check_name"]] = result["exception"]
    failed = set(by_status.pop("failed", {}))
    assert failed - set(_checks_that_may_fail(bandit)) == set(_expected_failed_checks(bandit))
    # scikit-learn 1.8 yields that check only where SCIPY_ARRAY_API is set.
    assert set(by_status.pop("skipped", {})) <= {ARRAY_API}
    assert list(by_status) == ["passed"]
    assert not any(result["expected_to_fail"] for result in results)
    # Of bandits that look at no contexts scikit-learn asks nothing about bad ones.
    assert len(by_status["passed"]) >= (35 if get_tags(bandit).no_validation else 40)


@pytest.mark.parametrize("bandit", FLAT, ids=label_of)
def test_parameters_are_validated_as_in_scikit_learn(bandit):
    check_param_validation(type(bandit).__name__, bandit)


@parametrize_with_bandit_checks(FIRST)
def test_contract(estimator, check):
    check(estimator)


@parametrize_with_bandit_checks(OTHERS)
def test_contract_of_variants(estimator, check):
    check(estimator)


CHECKS_OF_POLICIES = [
    pytest.param(estimator, check, id=f"{label_of(estimator)}-{check.__name__}")
    for bandit in REST
    for estimator, check in bandit_checks_generator(bandit)
    if check.module in OF_POLICIES
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS_OF_POLICIES)
def test_contract_of_other_selectors(estimator, check):
    check(estimator)


RARE = [
    _with(kind(**params), selector)
    for name, kind in all_bandits()
    for params in LONG.get(name, [])
    for selector in (None, SETS)
]
RARE += [bandit for bandit in REST if bandit.selector in (SETS, *ALIKE)]


@pytest.mark.long
@parametrize_with_bandit_checks(RARE)
def test_contract_of_rare_variants(estimator, check):
    check(estimator)


@pytest.mark.parametrize("bandit", WHOLE, ids=label_of)
def test_tags_are_declared(bandit):
    tags = get_bandit_tags(bandit)
    tags.check(type(bandit).__name__)
    assert {one.name for one in fields(tags)} == {one.name for one in fields(BanditTags)}
    # What everybody promises nobody can declare away.
    names = {check.__name__ for _, check in bandit_checks_generator(bandit)}
    assert names >= {
        "check_propensity_is_frequency",
        "check_propensity_is_probability",
        "check_ties_are_even_under_every_selector",
        "check_bad_rounds_change_nothing",
        "check_interruption_leaves_one_state",
        "check_deciding_while_learning",
        "check_draws_are_new_after_learning",
        "check_reading_changes_nothing",
    }


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
        "score": ["self", "X", "y", "reward", "propensity", "sample_weight", "available"],
    }
    for method, parameters in expected.items():
        takes = list(inspect.signature(getattr(kind, method)).parameters)
        # What arms cost, and quantities, come where they are weighed or taken.
        takes = [one for one in takes if one not in ("cost", "return_quantity")]
        assert takes == parameters, method
