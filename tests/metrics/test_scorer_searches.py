"""Scorers in scikit-learn's own tools, on small real searches."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.metrics import get_policy_scorer, get_policy_scorer_names, make_policy_scorer
from skbandit.selectors import EpsilonGreedySelector

# A prior so tight that nothing is learnt is far worse than the other.
GRID = {"linearucb__prior_precision": [1e9, 1.0]}
BEST = {"linearucb__prior_precision": 1.0}


@pytest.fixture(scope="module", params=[2, 5], ids=["two arms", "five arms"])
def rounds(request):
    environment = LinearEnvironment(n_features=4, n_arms=request.param)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    return log_policy(logger, environment, 1200, random_state=0)


@pytest.fixture
def pipeline():
    bandit = LinearUCB(alpha=0.0, selector=EpsilonGreedySelector(epsilon=0.05), random_state=0)
    return make_pipeline(StandardScaler(), bandit)


SCORERS = {
    "dr": get_policy_scorer("dr"),
    "snips": get_policy_scorer("snips"),
    "options": make_policy_scorer("switch_dr", interval="student", confidence_level=0.9),
}


@pytest.mark.parametrize("scoring", SCORERS.values(), ids=SCORERS.keys())
@pytest.mark.parametrize(
    "search",
    [
        lambda pipeline, scoring: GridSearchCV(pipeline, GRID, scoring=scoring, cv=3),
        lambda pipeline, scoring: RandomizedSearchCV(
            pipeline, GRID, n_iter=2, scoring=scoring, cv=3, random_state=0
        ),
        lambda pipeline, scoring: HalvingGridSearchCV(
            pipeline, GRID, scoring=scoring, cv=3, min_resources=600, random_state=0
        ),
    ],
    ids=["grid", "random", "halving"],
)
def test_searches_find_the_better(rounds, pipeline, search, scoring):
    X, log = rounds
    found = search(pipeline, scoring).set_params(error_score="raise").fit(X, log)
    assert found.best_params_ == BEST
    assert found.score(X, log) == scoring(found.best_estimator_, X, log)


def test_parallel_search_is_the_same(rounds, pipeline):
    X, log = rounds
    one, two = (
        GridSearchCV(pipeline, GRID, scoring=get_policy_scorer("dr"), cv=3, n_jobs=n_jobs).fit(
            X, log
        )
        for n_jobs in (None, 2)
    )
    for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])


def test_folds_are_scored_by_themselves(rounds, pipeline):
    X, log = rounds
    scores = cross_val_score(pipeline, X, log, scoring=get_policy_scorer("dr"), cv=3)
    folds = np.array_split(np.arange(len(X)), 3)
    for score, test in zip(scores, folds, strict=True):
        train = np.setdiff1d(np.arange(len(X)), test)
        pipeline.fit(X[train], log[train])
        assert score == get_policy_scorer("dr")(pipeline, X[test], log[test])


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        (
            {"robust": get_policy_scorer("dr"), "plain": get_policy_scorer("snips")},
            ["robust", "plain"],
        ),
        (make_policy_scorer(["dr", "snips"]), ["dr", "snips"]),
    ],
    ids=["dict", "one scorer of two"],
)
def test_several_metrics(rounds, pipeline, scoring, names):
    X, log = rounds
    results = cross_validate(pipeline, X, log, scoring=scoring, cv=3, error_score="raise")
    for name, single in zip(names, ["dr", "snips"], strict=True):
        alone = cross_val_score(pipeline, X, log, scoring=get_policy_scorer(single), cv=3)
        np.testing.assert_array_equal(results[f"test_{name}"], alone)
    search = GridSearchCV(pipeline, GRID, scoring=scoring, refit=names[0], cv=3, n_jobs=2)
    assert search.fit(X, log).best_params_ == BEST


def test_curves(rounds, pipeline):
    X, log = rounds
    _, train, test = learning_curve(
        pipeline,
        X,
        log,
        scoring=get_policy_scorer("dr"),
        cv=3,
        train_sizes=[0.3, 1.0],
        error_score="raise",
    )
    assert test[1].mean() > test[0].mean()
    assert np.isfinite(train).all()
    _, test = validation_curve(
        pipeline,
        X,
        log,
        param_name="linearucb__prior_precision",
        param_range=[1e9, 1.0],
        scoring=get_policy_scorer("snips"),
        cv=3,
    )
    assert test[1].mean() > test[0].mean()


@pytest.mark.parametrize(
    "scoring",
    [
        get_policy_scorer("snips"),
        {"snips": get_policy_scorer("snips"), "dr": get_policy_scorer("dr")},
        make_policy_scorer(["snips", "dr"]),
    ],
    ids=["one", "dict", "one scorer of two"],
)
def test_importance_of_features(rounds, pipeline, scoring):
    X, log = rounds
    # A constant feature, permuted, changes nothing.
    X = np.column_stack([X, np.ones(len(X))])
    policy = pipeline.fit(X[:800], log[:800])
    result = permutation_importance(
        policy, X[800:], log[800:], scoring=scoring, n_repeats=3, random_state=0
    )
    if "importances" not in result:
        result = result["snips"]
    assert result.importances_mean[:-1].max() > 0.1
    assert not result.importances[-1].any()
    weighted = permutation_importance(
        policy,
        X[800:],
        log[800:],
        scoring=get_policy_scorer("snips"),
        n_repeats=3,
        random_state=0,
        sample_weight=np.ones(400),
    )
    np.testing.assert_allclose(weighted.importances_mean, result.importances_mean)


def test_selection_of_features(rounds, pipeline):
    X, log = rounds
    selector = SequentialFeatureSelector(
        pipeline, n_features_to_select=2, scoring=get_policy_scorer("snips"), cv=3
    )
    assert selector.fit(X, log).get_support().sum() == 2


def test_sample_weight_without_routing(rounds, pipeline):
    X, log = rounds
    # Weights go to both, fit and score: a weight of 0 takes a round out of either.
    weight = np.ones(len(X))
    weight[np.arange(len(X)) % 3 == 0] = 0
    bandit = LinearUCB(alpha=0.0, selector=EpsilonGreedySelector(epsilon=0.05), random_state=0)
    grid = {"prior_precision": [1e9, 1.0]}
    search = GridSearchCV(
        bandit, grid, scoring=get_policy_scorer("snips"), cv=3, error_score="raise"
    )
    weighted = search.fit(X, log, sample_weight=weight).cv_results_["mean_test_score"]
    assert (weighted != search.fit(X, log).cv_results_["mean_test_score"]).any()


def test_keywords_by_metadata_routing(rounds, pipeline):
    X, log = rounds
    keywords = {"reward": log["reward"], "propensity": log["propensity"]}
    expected = GridSearchCV(pipeline, GRID, scoring=get_policy_scorer("dr"), cv=3).fit(X, log)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline[-1].set_fit_request(reward=True)
        scorer = get_policy_scorer("dr").set_score_request(reward=True, propensity=True)
        for scoring in (scorer, {"one": scorer, "two": scorer}):
            refit = "one" if isinstance(scoring, dict) else True
            search = GridSearchCV(
                pipeline, GRID, scoring=scoring, refit=refit, cv=3, error_score="raise"
            ).fit(X, log["arm"], **keywords)
            assert search.best_params_ == BEST
            assert search.best_score_ == expected.best_score_
        results = cross_validate(
            pipeline, X, log["arm"], scoring=scorer, cv=3, params=keywords, error_score="raise"
        )
        assert results["test_score"].mean() == expected.best_score_
        # What was not asked for must not get lost unnoticed.
        with pytest.raises(ValueError, match="not explicitly set as requested or not requested"):
            GridSearchCV(pipeline, GRID, scoring=get_policy_scorer("dr"), cv=3).fit(
                X, log["arm"], **keywords
            )


def test_routing_under_another_name(rounds, pipeline):
    X, log = rounds
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_policy_scorer("ips").set_score_request(propensity="chance")
        pipeline[-1].set_fit_request(sample_weight=False)
        found = cross_validate(
            pipeline,
            X,
            log,
            scoring=scorer,
            cv=3,
            params={"chance": np.full(len(X), 1.0)},
            error_score="raise",
        )["test_score"]
    plain = cross_val_score(pipeline, X, log, scoring=get_policy_scorer("ips"), cv=3)
    n_arms = np.unique(log["arm"]).size
    np.testing.assert_allclose(found, plain / n_arms)


def test_search_over_imitation_raises(rounds, pipeline):
    X, log = rounds
    search = GridSearchCV(
        pipeline, GRID, scoring=get_policy_scorer("dr"), cv=3, error_score="raise"
    )
    with pytest.raises(ValueError, match=r"no rewards.*imitates"):
        search.fit(X, log["arm"])


def test_fold_without_an_arm(pipeline):
    environment = LinearEnvironment(n_features=4, n_arms=3)
    logger = LinearUCB(arms=environment.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    X, log = log_policy(logger, environment, 600, random_state=0)
    log["arm"][:200] = 2
    log["arm"][200:] %= 2
    search = GridSearchCV(
        pipeline, GRID, scoring=get_policy_scorer("snips"), cv=3, error_score="raise"
    )
    with pytest.raises(ValueError, match=r"arms that the policy does not know: 2.*arms="):
        search.fit(X, log)
    pipeline.set_params(linearucb__arms=[0, 1, 2])
    assert np.isfinite(search.fit(X, log).best_score_)


def test_strings_are_names_of_scikit_learn_alone(rounds, pipeline):
    X, log = rounds
    for name in get_policy_scorer_names():
        with pytest.raises(ValueError, match=f"{name!r} is not a valid scoring value"):
            get_scorer(name)
    with pytest.raises(ValueError, match=r"'scoring' parameter of GridSearchCV must be a str"):
        GridSearchCV(pipeline, GRID, scoring="dr").fit(X, log)


def test_importing_changes_nothing_in_scikit_learn():
    # A fresh interpreter, in which scikit-learn was there first.
    code = """
import importlib, pkgutil
from sklearn.experimental import enable_halving_search_cv
import sklearn.inspection, sklearn.feature_selection, sklearn.linear_model
import sklearn.metrics._scorer as scorers
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score

def seen():
    return (
        sorted(scorers._SCORERS.items(), key=str),
        str(GridSearchCV._parameter_constraints),
        str(HalvingGridSearchCV._parameter_constraints),
        str(cross_val_score._skl_parameter_constraints),
        sorted(vars(GridSearchCV)),
    )

before = seen()
import skbandit
for package in ("metrics", "model_selection", "environments", "benchmark", "datasets", "transfer"):
    importlib.import_module(f"skbandit.{package}")
if seen() != before:
    raise SystemExit("importing skbandit changed scikit-learn")
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Propensities are made up where they travel by routing.
pytestmark = [pytest.mark.filterwarnings("ignore:the importance weights have mean")]


def test_masks_and_groups_by_metadata_routing(draw_masked):
    rounds = draw_masked(600, 0)
    groups = np.arange(600) // 3
    bandit = LinearUCB(alpha=0.0, arms=[0, 1, 2, 3], random_state=0)
    folds = list(GroupKFold(3).split(rounds.X, groups=groups))
    expected = []
    for train, test in folds:
        fitted = clone(bandit).fit(rounds.X[train], rounds.log[train])
        scorer = make_policy_scorer("snips", interval="normal")
        given = {"available": rounds.available[test], "groups": groups[test]}
        expected.append(scorer(fitted, rounds.X[test], rounds.log[test], **given))
    params = {"available": rounds.available, "groups": groups}
    grid = {"alpha": [0.0]}
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_policy_scorer("snips", interval="normal")
        scorer.set_score_request(available=True, groups=True)
        common = {"cv": GroupKFold(3), "scoring": scorer, "error_score": "raise"}
        results = cross_validate(bandit, rounds.X, rounds.log, params=params, **common)
        np.testing.assert_allclose(results["test_score"], expected)
        search = GridSearchCV(bandit, grid, **common).fit(rounds.X, rounds.log, **params)
        assert search.best_score_ == pytest.approx(np.mean(expected))
        # Masks as frames are cut into folds as well.
        params["available"] = pd.DataFrame(rounds.available)[[3, 1, 0, 2]]
        results = cross_validate(bandit, rounds.X, rounds.log, params=params, **common)
        np.testing.assert_allclose(results["test_score"], expected)
        # A mask that nobody asked for must not get lost unnoticed.
        common["scoring"] = get_policy_scorer("snips")
        with pytest.raises(ValueError, match="not explicitly set as requested or not requested"):
            GridSearchCV(bandit, grid, **common).fit(rounds.X, rounds.log, **params)


def test_groups_of_a_splitter_stay_its_own(rounds, pipeline):
    X, log = rounds
    groups = np.arange(len(X)) // 10
    search = GridSearchCV(
        pipeline, GRID, scoring=get_policy_scorer("dr"), cv=GroupKFold(3), error_score="raise"
    )
    plain = search.fit(X, log, groups=groups).cv_results_["mean_test_score"]
    with sklearn.config_context(enable_metadata_routing=True):
        routed = search.fit(X, log, groups=groups).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(routed, plain)


@pytest.fixture
def failing(rounds):
    """Contexts and a log without the propensities that every score needs."""
    X, log = rounds
    return X, make_log(log["arm"], log["reward"])


def warned(search, X, log):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, log)
    return [str(one.message) for one in caught]


def test_scores_that_fail_are_spoken_of_once(pipeline, failing):
    search = GridSearchCV(pipeline, GRID, scoring=get_policy_scorer("snips"), cv=3)
    ours, theirs = warned(search, *failing)
    assert "set to nan" in ours
    assert "ValueError: propensity is None" in ours
    assert "non-finite: [nan nan]" in theirs
    assert np.isnan(search.cv_results_["mean_test_score"]).all()
    # Copies are the same scorer, another one speaks for itself.
    assert len(warned(clone(search), *failing)) == 1
    search.set_params(scoring=get_policy_scorer("snips"))
    assert len(warned(search, *failing)) == 2


def test_the_error_score_of_the_search_is_kept(pipeline, failing):
    search = GridSearchCV(pipeline, GRID, scoring=get_policy_scorer("snips"), cv=3)
    (ours,) = warned(search.set_params(error_score=-5), *failing)
    assert "set to -5" in ours
    assert (search.cv_results_["mean_test_score"] == -5).all()
    with pytest.raises(ValueError, match=r"propensity is None"):
        search.set_params(error_score="raise").fit(*failing)


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_several_scores_that_fail(pipeline, failing, kind):
    names = ["snips", "ips"]
    scoring = make_policy_scorer(names)
    if kind == "dict":
        scoring = {name: get_policy_scorer(name) for name in names}
    search = GridSearchCV(pipeline, GRID, scoring=scoring, refit="ips", cv=3)
    messages = warned(search, *failing)
    n_scorers = 1 if kind == "list" else 2
    assert sum("propensity is None" in message for message in messages) == n_scorers
    assert not any("Traceback" in message for message in messages)
    for name in ("snips", "ips"):
        assert np.isnan(search.cv_results_[f"mean_test_{name}"]).all()
    with pytest.raises(ValueError, match=r"propensity is None"):
        search.set_params(error_score="raise").fit(*failing)


def test_a_scorer_that_is_called_by_hand_raises(pipeline, rounds, failing):
    pipeline.fit(*rounds)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"propensity is None"):
            get_policy_scorer("snips")(pipeline, *failing)

    def scoring(policy, X, log):
        return get_policy_scorer("snips")(policy, X, log)

    messages = warned(GridSearchCV(pipeline, GRID, scoring=scoring, cv=2), *failing)
    assert sum("Traceback" in message for message in messages) == 4


def test_scores_that_fail_alike_but_for_numbers(pipeline, rounds):
    options = {"max_weight": 1.0}
    scorer = make_policy_scorer("ips", interval="bernstein", interval_params=options)
    search = GridSearchCV(pipeline, GRID, scoring=scorer, cv=3)
    # The largest weight differs from fold to fold.
    assert sum("max_weight" in message for message in warned(search, *rounds)) == 1
