"""The display of a Pareto front."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearUCB
from skbandit.metrics import ParetoFrontDisplay
from skbandit.objectives import MultiObjectiveBandit

POINTS = np.array([[0.9, 0.1], [0.4, 0.4], [0.5, 0.5]])


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    plt.close("all")


def test_arms_and_front():
    display = ParetoFrontDisplay(POINTS, names=["a", "b", "c"], share=[0.7, 0.0, 0.3])
    assert display.plot() is display
    assert display.front_.tolist() == [True, False, True]
    assert_allclose(display.scatter_.get_offsets(), POINTS)
    sizes = display.scatter_.get_sizes()
    assert sizes[0] > sizes[2] > sizes[1] > 0.0
    assert_allclose(display.line_.get_xydata(), [[0.9, 0.1], [0.5, 0.5]])
    assert [one.get_text() for one in display.ax_.texts] == ["a (70%)", "b (0%)", "c (30%)"]


def test_steps_where_less_is_better():
    display = ParetoFrontDisplay(POINTS, maximize=[True, False], labels=("clicks", "cost")).plot()
    assert display.front_.tolist() == [True, False, False]
    assert display.ax_.get_ylabel() == "cost (less is better)"
    assert display.ax_.get_xlabel() == "clicks"


def test_of_a_bandit():
    X = np.random.RandomState(0).standard_normal((90, 2))
    arm = np.tile(["a", "b", "c"], 30)
    reward = np.column_stack([np.tile(POINTS, (30, 1)), X[:, 0]])
    bandit = MultiObjectiveBandit(bandit=LinearUCB(), maximize=[True, False, True])
    bandit.fit(X, arm, reward)
    _, ax = plt.subplots()
    display = ParetoFrontDisplay.from_estimator(bandit, X, objectives=(1, 0), ax=ax)
    assert display.ax_ is ax
    assert_allclose(display.points, bandit.expected_objectives(X).mean(axis=0)[:, [1, 0]])
    assert_allclose(display.share, bandit.predict_proba(X).mean(axis=0))
    assert display.maximize.tolist() == [False, True]
    assert ax.get_xlabel() == "Objective 1 (less is better)"
    with pytest.raises(ValueError, match="two of the 3 objectives"):
        ParetoFrontDisplay.from_estimator(bandit, X, objectives=(0, 3))
    with pytest.raises(TypeError, match="must be a MultiObjectiveBandit, got LinearUCB"):
        ParetoFrontDisplay.from_estimator(LinearUCB(), X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"points": POINTS[:, :1]}, "two columns"),
        ({"points": POINTS, "share": [1.0]}, "one entry for each of the 3 arms"),
        ({"points": POINTS, "names": ["a"]}, "one entry for each of the 3 arms"),
    ],
)
def test_bad_input(params, message):
    with pytest.raises(ValueError, match=message):
        ParetoFrontDisplay(**params).plot()
