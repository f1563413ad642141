"""Regret curves: what is drawn is what was computed."""

import itertools

import numpy as np
import pandas as pd
import pytest

from skbandit.benchmark import RegretDisplay

plt = pytest.importorskip("matplotlib.pyplot")

N_ROUNDS, N_REPEATS = 60, 5
POLICIES = ["good", "fair", "fine", "bad"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_results(n_rounds=N_ROUNDS, n_repeats=N_REPEATS, policies=POLICIES):
    rng = np.random.RandomState(0)
    runs = []
    for index, policy in enumerate(policies):
        for repeat in range(n_repeats):
            regret = rng.uniform(size=n_rounds) * (1 + 0.001 * index) + (policy == "bad")
            runs.append(
                pd.DataFrame(
                    {
                        "policy": policy,
                        "repeat": repeat,
                        "round": np.arange(n_rounds),
                        "cumulative_regret": regret.cumsum(),
                        "uniform_regret": 2.0 + repeat,
                    }
                )
            )
    return pd.concat(runs, ignore_index=True)


def curves(results, policy):
    values = results.loc[results["policy"] == policy, "cumulative_regret"]
    return values.to_numpy().reshape(-1, results["round"].max() + 1)


def band_ends(band):
    """Lower and upper end at every round, read off the polygon that was drawn."""
    corners = pd.DataFrame(band.get_paths()[0].vertices, columns=["round", "regret"])
    ends = corners.groupby("round")["regret"]
    return ends.min().to_numpy(), ends.max().to_numpy()


def test_curves_are_means():
    results = make_results()
    display = RegretDisplay.from_results(results)
    assert [line.get_label() for line in display.lines_] == POLICIES
    assert [label.get_text() for label in display.labels_] == POLICIES
    assert display.figure_ is display.ax_.figure
    assert display.chance_level_ is None
    for line, policy in zip(display.lines_, POLICIES, strict=True):
        assert line.get_xdata().tolist() == list(range(1, N_ROUNDS + 1))
        np.testing.assert_allclose(line.get_ydata(), curves(results, policy).mean(axis=0))
    looks = {(line.get_color(), str(line.get_linestyle())) for line in display.lines_}
    assert len(looks) == len(POLICIES)


@pytest.mark.parametrize("level", [0.5, 0.8])
def test_quantile_band(level):
    results = make_results()
    display = RegretDisplay.from_results(results, level=level)
    for band, policy in zip(display.bands_, POLICIES, strict=True):
        ends = [(1 - level) / 2, (1 + level) / 2]
        wanted = np.quantile(curves(results, policy), ends, axis=0)
        np.testing.assert_allclose(band_ends(band), wanted)


def test_standard_error_band():
    results = make_results()
    display = RegretDisplay.from_results(results, band="standard_error", policies=["bad"])
    values = curves(results, "bad")
    error = np.sqrt(((values - values.mean(axis=0)) ** 2).sum(axis=0) / (4 * 5))
    lower, upper = band_ends(display.bands_[0])
    np.testing.assert_allclose(lower, values.mean(axis=0) - error)
    np.testing.assert_allclose(upper, values.mean(axis=0) + error)


@pytest.mark.parametrize(("options", "n_repeats"), [({"band": None}, 3), ({}, 1)])
def test_no_band(options, n_repeats):
    display = RegretDisplay.from_results(make_results(n_repeats=n_repeats), **options)
    assert display.bands_ == []


def test_policies_are_chosen_and_ordered():
    display = RegretDisplay.from_results(make_results(), policies=["bad", "good"])
    assert [line.get_label() for line in display.lines_] == ["bad", "good"]


def test_categories_without_rows_are_left_out():
    results = make_results()
    results["policy"] = pd.Categorical(results["policy"], categories=POLICIES)
    display = RegretDisplay.from_results(results[results["policy"] != "fair"])
    assert [line.get_label() for line in display.lines_] == ["good", "fine", "bad"]


def test_labels_do_not_overlap_and_keep_the_order():
    display = RegretDisplay.from_results(make_results())
    display.figure_.canvas.draw()
    boxes = [label.get_window_extent() for label in display.labels_]
    ends = [line.get_ydata()[-1] for line in display.lines_]
    order = np.argsort(ends)
    for low, high in itertools.pairwise(order):
        assert boxes[low].y1 <= boxes[high].y0 + 1


def test_long_runs_are_thinned_but_keep_their_ends():
    results = make_results(n_rounds=5001, n_repeats=2, policies=["good"])
    display = RegretDisplay.from_results(results, plot_chance_level=True)
    values = curves(results, "good").mean(axis=0)
    x, y = display.lines_[0].get_data()
    assert len(x) <= 2000
    assert (x[0], x[-1]) == (1, 5001)
    np.testing.assert_allclose(y, values[x - 1])
    np.testing.assert_allclose(display.chance_level_.get_ydata(), 2.5 * x)


def test_chance_level_and_styles():
    _, ax = plt.subplots()
    display = RegretDisplay.from_results(
        make_results(),
        ax=ax,
        plot_chance_level=True,
        chance_level_kw={"color": "red"},
        line_kw={"linewidth": 5.0},
        band_kw={"alpha": 0.5},
    )
    assert display.ax_ is ax
    assert display.chance_level_.get_color() == "red"
    assert display.labels_[-1].get_text() == "expected of chance"
    np.testing.assert_allclose(display.chance_level_.get_ydata(), 4.0 * np.arange(1, 61))
    assert {line.get_linewidth() for line in display.lines_} == {5.0}
    assert {band.get_alpha() for band in display.bands_} == {0.5}


def test_plot_again():
    display = RegretDisplay.from_results(make_results(), policies=["good"])
    first = display.lines_[0]
    assert display.plot() is display
    assert display.lines_[0] is not first
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), first.get_ydata())


def test_logarithmic_axis():
    results = make_results()
    results.loc[results["policy"] == "good", "cumulative_regret"] = 0.0
    _, ax = plt.subplots()
    ax.set(xscale="log", yscale="log")
    display = RegretDisplay.from_results(results, ax=ax)
    display.figure_.canvas.draw()
    assert len(display.labels_) == 4


def test_errors():
    results = make_results()
    with pytest.raises(ValueError, match=r"these are missing: \['round'\]"):
        RegretDisplay.from_results(results.drop(columns="round"))
    with pytest.raises(ValueError, match=r"policies must be taken from .*'good'.*got .'best'"):
        RegretDisplay.from_results(results, policies=["best"])
    with pytest.raises(ValueError, match="band must be 'quantile', 'standard_error' or None"):
        RegretDisplay.from_results(results, band="sd")
    with pytest.raises(ValueError, match="level must lie in"):
        RegretDisplay.from_results(results, level=80)
    ragged = results[(results["repeat"] > 0) | (results["round"] < 10)]
    with pytest.raises(ValueError, match="same number of rounds"):
        RegretDisplay.from_results(ragged)
    short = results[(results["policy"] != "bad") | (results["round"] < 10)]
    with pytest.raises(ValueError, match=r"same number of rounds, got at most .*'bad': 10"):
        RegretDisplay.from_results(short)
    display = RegretDisplay.from_results(results)
    display.uniform = None
    with pytest.raises(ValueError, match="plot_chance_level needs uniform"):
        display.plot(plot_chance_level=True)


@pytest.mark.parametrize("make", [RegretDisplay, lambda results: RegretDisplay(results=results)])
def test_the_constructor_says_where_results_go(make):
    with pytest.raises(TypeError, match=r"RegretDisplay.from_results\(results\)"):
        make(make_results())
    with pytest.raises(TypeError, match=r"rounds=, mean=, lower=, upper="):
        RegretDisplay(rounds=np.arange(3), mean={})
