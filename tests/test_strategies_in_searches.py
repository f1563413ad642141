"""Every strategy at the end of a Pipeline: searched on a log, stored, asked with a mask."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.budgets import BudgetPacedBandit
from skbandit.linear import LinearThompsonSampling, LinearTopTwoThompsonSampling
from skbandit.metrics import get_policy_scorer, make_policy_scorer, make_quantity_scorer
from skbandit.objectives import MultiObjectiveBandit, WeightedSumSelector
from skbandit.pricing import DemandCurveThompsonSampling, MonotonePricingThompsonSampling
from skbandit.quantities import QuantityThompsonSampling, ZoomingBandit
from skbandit.strategies import (
    CheapestNearBestSelector,
    DefaultArmSelector,
    LimitedArmsSelector,
    PricedSelector,
    TopTwoSelector,
)

ARMS = ["a", "b", "c"]
COST = {"a": 0.0, "b": 0.5, "c": 1.0}
PRICES = {"a": 1.0, "b": 2.0, "c": 3.0}
RNG = np.random.RandomState(0)
N = 240
X = RNG.randn(N, 2)
PLAYED = RNG.randint(3, size=N)
LABELS = np.array(ARMS)[PLAYED]
PAID = X[:, 0] * (PLAYED - 1.0) + 0.3 * PLAYED + 0.5 * RNG.randn(N)
SPENT = np.array([0.0, 0.5, 1.0])[PLAYED] * RNG.uniform(0.5, 1.5, size=N)
CHANCE = np.full(N, 1 / 3)
LOG = make_log(LABELS, PAID, CHANCE, cost=SPENT)
BOUGHT = (RNG.rand(N) < 0.9 - 0.25 * PLAYED).astype(float)
SALES = make_log(LABELS, BOUGHT * (1.0 + PLAYED), CHANCE)
TWO = make_log(LABELS, np.column_stack([PAID, -PAID + RNG.randn(N)]), CHANCE)
DOSE = RNG.rand(N)
DOSES = make_log(np.full(N, "quantity"), -((DOSE - 0.6) ** 2), np.ones(N), quantity=DOSE)
DR = get_policy_scorer("dr")


def selecting(selector):
    return LinearThompsonSampling(arms=ARMS, selector=selector, random_state=0)


CASES = {
    "price": (selecting(PricedSelector(COST)), {"selector__price": [0.0, 1.0]}, LOG, DR),
    "subsidy": (
        selecting(CheapestNearBestSelector(COST, reference="worst")),
        {"selector__subsidy_factor": [0.0, 0.5]},
        LOG,
        make_policy_scorer("snips", price=0.5),
    ),
    "two best": (selecting(TopTwoSelector()), {"selector__share": [0.5, 0.9]}, LOG, DR),
    "default": (selecting(DefaultArmSelector("a")), {"selector__share": [0.1, 0.9]}, LOG, DR),
    "limited": (selecting(LimitedArmsSelector(["c"])), {"selector__share": [0.1, 0.9]}, LOG, DR),
    "budget": (
        BudgetPacedBandit(arms=ARMS, random_state=0),
        {"ceiling": [0.1, 0.8]},
        LOG,
        DR,
    ),
    "best arm": (
        LinearTopTwoThompsonSampling(arms=ARMS, random_state=0),
        {"beta": [0.3, 0.6]},
        LOG,
        DR,
    ),
    "prices": (
        MonotonePricingThompsonSampling(arms=ARMS, prices=PRICES, random_state=0),
        {"alpha": [0.5, 1.0]},
        SALES,
        DR,
    ),
    "demand curve": (
        DemandCurveThompsonSampling(arms=ARMS, prices=PRICES, n_draws=50, random_state=0),
        {"alpha": [0.5, 1.0]},
        SALES,
        DR,
    ),
    "objectives": (
        MultiObjectiveBandit(arms=ARMS, objective_selector=WeightedSumSelector(), random_state=0),
        {"objective_selector__weights": [[1.0, 0.0], [0.0, 1.0]]},
        TWO,
        make_policy_scorer("dr", objective=[1.0, 0.0]),
    ),
    "cells": (
        ZoomingBandit(quantities=(0.0, 1.0), random_state=0),
        {"bandit": [None, LinearThompsonSampling()]},
        DOSES,
        make_quantity_scorer("kernel_dr"),
    ),
    "smooth": (
        QuantityThompsonSampling(quantities=(0.0, 1.0), random_state=0),
        {"n_draws": [8, 16]},
        DOSES,
        make_quantity_scorer("kernel_snips"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_search_store_and_mask(name):
    bandit, grid, log, scoring = CASES[name]
    pipeline = make_pipeline(StandardScaler(), bandit)
    step = pipeline.steps[-1][0]
    grid = {f"{step}__{key}": values for key, values in grid.items()}
    search = GridSearchCV(pipeline, grid, scoring=scoring, cv=2, error_score="raise")
    search.fit(X, log)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    if "selector" in next(iter(grid)) or name == "budget":
        # These decide otherwise for sure.
        assert scores[0] != scores[1]
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    assert_array_equal(again.predict_proba(X), best.predict_proba(X))
    assert_array_equal(again.predict(X), best.predict(X))
    n_arms = len(best.classes_)
    if n_arms > 1:
        mask = np.ones((N, n_arms), dtype=bool)
        mask[:, -1] = False
        assert not best.predict_proba(X, available=mask)[:, -1].any()
