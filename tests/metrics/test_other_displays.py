"""The displays of distributions and monitors, read back from their artists."""

import numpy as np
import pandas as pd
import pytest

from skbandit.metrics import (
    MonitorDisplay,
    PolicyMonitor,
    RewardDistributionDisplay,
    reward_distribution,
)

plt = pytest.importorskip("matplotlib.pyplot")
plt.switch_backend("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def distribution():
    rng = np.random.default_rng(0)
    reward = rng.integers(1, 6, size=400).astype(float)
    return reward_distribution(
        reward, np.full(400, 0.5), rng.uniform(0.1, 0.9, size=400), reward_range=(0, 6)
    )


def test_function_band_and_quantiles(distribution):
    display = RewardDistributionDisplay.from_distribution(
        distribution, random_state=1, quantiles=(0.2, 0.5), name="new"
    )
    band = distribution.band(random_state=1)
    at = display.line_.get_xdata()
    np.testing.assert_allclose(at, [0, 1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(display.line_.get_ydata(), distribution.cdf(at))
    assert display.line_.get_drawstyle() == "steps-post"
    corners = {tuple(corner) for corner in display.band_.get_paths()[0].vertices.round(9)}
    for x in (1.0, 3.0, 5.0):
        for end in band.cdf(x):
            assert (x, round(end, 9)) in corners
    points, (bars,) = display.errorbar_.lines[0], display.errorbar_.lines[2]
    np.testing.assert_allclose(points.get_xdata(), distribution.quantile([0.2, 0.5]))
    np.testing.assert_allclose(points.get_ydata(), [0.2, 0.5])
    drawn = np.array(bars.get_segments())[:, :, 0]
    np.testing.assert_allclose(drawn, np.transpose(band.quantile([0.2, 0.5])))
    assert display.ax_.get_legend().get_texts()[0].get_text() == "new"


def test_two_policies_on_one_axes_without_bands(distribution):
    first = RewardDistributionDisplay.from_distribution(distribution, confidence_level=None)
    assert first.band_ is None
    assert first.ax_.get_legend() is None
    second = RewardDistributionDisplay.from_distribution(
        distribution,
        ax=first.ax_,
        quantiles=(),
        n_resamples=10,
        line_kw={"color": "red"},
        band_kw={"alpha": 0.5},
    )
    assert second.figure_ is first.figure_
    assert second.errorbar_ is None
    assert second.line_.get_color() == "red"
    assert second.band_.get_alpha() == 0.5


def looks(baseline):
    rng = np.random.default_rng(0)
    names = ["old", "new", "odd"]
    monitor = PolicyMonitor(names, baseline=baseline, reward_range=(0, 2), max_weight=3)
    found = []
    for _ in range(6):
        arm = rng.integers(3, size=200)
        monitor.update(
            reward=2.0 * rng.binomial(1, np.array([0.4, 0.7, 0.1])[arm]),
            propensity=np.full(200, 1 / 3),
            policy_probability={name: arm == place for place, name in enumerate(names)},
        )
        found.append(monitor.bounds())
    return found, monitor


def test_bounds_over_time():
    found, monitor = looks("old")
    display = MonitorDisplay.from_bounds(found)
    assert set(display.lines_) == {("new", "old"), ("odd", "old")}
    line = display.lines_["new", "old"]
    np.testing.assert_array_equal(line.get_xdata(), 200 * np.arange(1, 7))
    expected = [look.loc[("new", "old"), "difference"] for look in found]
    np.testing.assert_allclose(line.get_ydata(), expected)
    corners = {
        tuple(corner) for corner in display.bands_["odd", "old"].get_paths()[0].vertices.round(9)
    }
    for n_rounds, look in zip(200 * np.arange(1, 7), found, strict=True):
        for end in look.loc[("odd", "old"), ["low", "high"]]:
            assert (n_rounds, round(end, 9)) in corners
    assert "to old" in display.ax_.get_ylabel()
    # A line for each policy, up to the last look at which it could be best.
    assert monitor.candidates_ == ["new"]
    ticks = [tick.get_text() for tick in display.candidates_ax_.get_yticklabels()]
    ends = {}
    for collection in display.candidates_ax_.collections:
        ((_, place), (end, _)) = collection.get_segments()[0]
        ends[ticks[int(place)]] = end
    assert ends["new"] == 1200
    for name in ("old", "odd"):
        kept = [look.attrs["n_rounds"] for look in found if name in look.attrs["candidates"]]
        assert ends.get(name) == (kept[-1] if kept else None)
        assert not kept or kept[-1] < 1200


def test_all_pairs_without_a_baseline():
    found, _ = looks(None)
    _, ax = plt.subplots(2)
    display = MonitorDisplay.from_bounds(found, ax=ax, line_kw={"linewidth": 3})
    assert len(display.lines_) == 3
    assert display.ax_ is ax[0]
    assert display.lines_["old", "new"].get_linewidth() == 3
    assert display.lines_["old", "new"].get_label() == "old - new"


@pytest.mark.parametrize("wrong", [[], [pd.DataFrame({"low": [0.0]})], [None]])
def test_what_is_no_list_of_bounds(wrong):
    with pytest.raises(ValueError, match=r"looks must be a list of what PolicyMonitor\.bounds"):
        MonitorDisplay.from_bounds(wrong)
