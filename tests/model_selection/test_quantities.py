"""A table of policies with quantities: its entries are those of the values."""

import numpy as np
import pytest

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.metrics import chance_better, make_quantity_scorer, mean_value
from skbandit.model_selection import compare_policies, compare_quantity_policies


@pytest.fixture(scope="module")
def rounds():
    rng = np.random.default_rng(0)
    X, dose = rng.uniform(size=(3000, 2)), rng.uniform(size=3000)
    reward = 1 - 4 * (dose - X[:, 0]) ** 2 + 0.3 * rng.normal(size=3000)
    return X, make_log(np.full(3000, "dose"), reward, np.ones(3000), quantity=dose)


POLICIES = {"follow": lambda X: X[:, 0], "half": lambda X: np.full(len(X), 0.5)}


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
def test_the_table_holds_values_and_differences(rounds):
    X, log = rounds
    table = compare_quantity_policies(POLICIES, X, log, bounds=(0, 1), interval="student")
    assert list(table.index) == ["logging policy", "follow", "half"]
    logging = mean_value(reward=log["reward"])
    scorer = make_quantity_scorer(bounds=(0, 1), interval="student")
    for name, policy in POLICIES.items():
        value = scorer.evaluate(policy, X, log)
        row = table.loc[name]
        assert row["value"] == pytest.approx(value.value)
        assert (row["low"], row["high"]) == pytest.approx(tuple(value.interval("student")))
        assert row["difference"] == pytest.approx(value.value - log["reward"].mean())
        low, high = (value - logging).interval("student")
        assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high))
        assert row["chance_better"] == chance_better(value - logging, log["reward"])
    assert table.attrs["estimator"] == "kernel_dr"
    # Four times the variance of a uniform context is a third.
    assert table.loc["follow", "low"] < 1.0 < table.loc["follow", "high"]
    assert table.loc["half", "low"] < 2 / 3 < table.loc["half", "high"]


def test_bad_input_is_named(rounds):
    X, log = rounds
    with pytest.raises(ValueError, match="log without quantities"):
        compare_quantity_policies(POLICIES, X, log[["arm", "reward", "propensity"]])
    with pytest.raises(ValueError, match="policies must hold none of the name"):
        compare_quantity_policies({"logging policy": POLICIES["half"]}, X, log)
    with pytest.raises(ValueError, match="must lie within bounds"):
        compare_quantity_policies(POLICIES, X, log, bounds=(0, 0.5))


def test_a_table_of_arms_refuses_a_log_of_quantities(rounds):
    X, log = rounds
    with pytest.raises(ValueError, match="make_quantity_scorer, compare_quantity_policies"):
        compare_policies(LinearUCB(arms=["dose", "none"]), X, log)
