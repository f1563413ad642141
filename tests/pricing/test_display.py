"""Curves of demand and of what is earned."""

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.pricing import (
    DemandCurveUCB,
    MonotonePricingThompsonSampling,
    PriceIntervalBandit,
    PricingDisplay,
)

matplotlib.use("Agg")
X = np.zeros((1, 1))


def learnt(make):
    rng = np.random.default_rng(0)
    arm = rng.choice([5.0, 10.0, 20.0], 60)
    buys = rng.random(60) < 4.0 / arm
    return make(arms=[5.0, 10.0, 20.0], unit_cost=2.0).fit(
        np.zeros((60, 1)), arm, (arm - 2.0) * buys
    )


@pytest.mark.parametrize("make", [MonotonePricingThompsonSampling, DemandCurveUCB])
def test_curves(make):
    import matplotlib.pyplot as plt

    bandit = learnt(make)
    display = PricingDisplay.from_estimator(bandit, X)
    assert_allclose(display.price[[0, -1]], [5.0, 20.0])
    mean, std = bandit.demand_curve(X, display.price, return_std=True)
    demand, earned = display.lines_
    assert_allclose(demand.get_ydata(), mean[0])
    assert_allclose(earned.get_ydata(), mean[0] * (display.price - 2.0))
    top = display.bands_[0].get_paths()[0].vertices[:, 1].max()
    assert_allclose(top, (mean + 1.6448536 * std).max(), rtol=1e-6)
    best = display.price[np.argmax(earned.get_ydata())]
    assert display.best_.get_xdata()[0] == best
    _, axes = plt.subplots(2)
    again = display.plot(axes=axes)
    assert again.axes_[1] is axes[1]
    plt.close("all")


def test_an_interval_is_drawn_from_end_to_end():
    import matplotlib.pyplot as plt

    display = PricingDisplay.from_estimator(PriceIntervalBandit(quantities=(2.0, 9.0)), X)
    assert_allclose(display.price[[0, -1]], [2.0, 9.0])
    plt.close("all")


def test_impossible_questions():
    bandit = learnt(DemandCurveUCB)
    with pytest.raises(ValueError, match="X must have one row"):
        PricingDisplay.from_estimator(bandit, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        PricingDisplay.from_estimator(bandit, X, level=1.0)
    with pytest.raises(ValueError, match="prices must be"):
        PricingDisplay.from_estimator(bandit, X, prices=[-1.0, 2.0])
