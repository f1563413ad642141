"""The display of values, read back from its artists."""

import numpy as np
import pandas as pd
import pytest

from skbandit.metrics import PolicyValueDisplay

plt = pytest.importorskip("matplotlib.pyplot")
plt.switch_backend("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def results():
    table = pd.DataFrame(
        {
            "value": [0.1, 0.3, 0.2],
            "low": [0.05, 0.2, 0.22],
            "high": [0.15, 0.5, 0.3],
            "difference": [0.0, 0.2, 0.1],
            "difference_low": [0.0, 0.1, -0.1],
            "difference_high": [0.0, 0.3, 0.3],
        },
        index=["logging policy", "new", "newer"],
    )
    table.attrs["confidence_level"] = 0.9
    return table


def ends(display):
    (bars,) = display.errorbar_.lines[2]
    return np.array(bars.get_segments())[:, :, 0]


def test_points_and_bars(results):
    display = PolicyValueDisplay.from_results(results)
    points = display.errorbar_.lines[0]
    np.testing.assert_allclose(points.get_xdata(), results["value"])
    # An interval need not hold its estimate: the bar then ends at the point.
    np.testing.assert_allclose(ends(display), [[0.05, 0.15], [0.2, 0.5], [0.2, 0.3]])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list(results.index)
    assert display.ax_.get_xlabel() == "Value (reward a round; 90 % intervals)"
    assert display.reference_.get_xdata()[0] == 0.1
    # The first policy is on top.
    bottom, top = display.ax_.get_ylim()
    assert bottom > top


def test_differences_leave_the_logging_policy_out(results):
    display = PolicyValueDisplay.from_results(results, column="difference")
    assert display.names == ["new", "newer"]
    np.testing.assert_allclose(ends(display), [[0.1, 0.3], [-0.1, 0.3]])
    assert display.reference_.get_xdata()[0] == 0.0
    assert "Difference to the logging policy" in display.ax_.get_xlabel()


def test_choice_axes_and_styles(results):
    _, ax = plt.subplots()
    display = PolicyValueDisplay.from_results(
        results, policies=["newer", "new"], ax=ax, line_kw={"color": "red"}, reference_kw={"lw": 3}
    )
    assert display.ax_ is ax
    np.testing.assert_allclose(display.errorbar_.lines[0].get_xdata(), [0.2, 0.3])
    assert display.errorbar_.lines[0].get_color() == "red"
    assert display.reference_.get_linewidth() == 3


def test_without_reference():
    display = PolicyValueDisplay(names=["a"], value=[1], low=[0], high=[2]).plot()
    assert display.reference_ is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"column": "chance_better"}, r"column must be one of value, difference"),
        ({"policies": ["old"]}, r"policies must be taken from \['logging policy', 'new'"),
        ({"policies": []}, r"policies must be taken from"),
    ],
)
def test_bad_arguments(results, arguments, message):
    with pytest.raises(ValueError, match=message):
        PolicyValueDisplay.from_results(results, **arguments)


def test_other_tables(results):
    with pytest.raises(ValueError, match=r"columns that compare_policies returns; missing.*low"):
        PolicyValueDisplay.from_results(results.drop(columns="low"))


def test_the_constructor_says_where_results_go(results):
    for wrong in (
        lambda: PolicyValueDisplay(results),
        lambda: PolicyValueDisplay(results=results),
    ):
        with pytest.raises(TypeError, match=r"PolicyValueDisplay.from_results\(results\)"):
            wrong()
    with pytest.raises(TypeError, match="names=, value=, low=, high="):
        PolicyValueDisplay(names=["new"], value=[0.1])
