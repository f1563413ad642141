"""SLOPE and pessimism."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit.metrics import mean_value, policy_value, select_pessimistic, slope


def slope_by_hand(values, width, rule):
    """Go through the candidates in Python, as the papers have it."""
    order = sorted(range(len(values)), key=lambda i: -width[i])
    last = order[0]
    for position, i in enumerate(order):
        before = order[: position + 1]
        if rule == "slope":
            low = max(values[j] - 2 * width[j] for j in before)
            high = min(values[j] + 2 * width[j] for j in before)
            agree = low <= high
        else:
            agree = all(
                abs(values[i] - values[j]) <= width[i] + (6**0.5 - 1) * width[j]
                for j in before[:-1]
            )
        if not agree:
            return last
        last = i
    return last


@pytest.mark.parametrize("rule", ["slope", "slope++"])
def test_slope_against_a_loop(rule):
    rng = np.random.default_rng(0)
    chosen = set()
    for _ in range(200):
        values, width = rng.normal(size=8), rng.exponential(size=8)
        index = slope(values, width=width, rule=rule)
        assert index == slope_by_hand(values, width, rule)
        chosen.add(index == int(np.argmin(width)))
    assert chosen == {True, False}


@pytest.mark.parametrize("rule", ["slope", "slope++"])
def test_slope_trades_bias_for_variance(rule):
    # Bias grows and error falls along the candidates: the choice is near the best.
    rng = np.random.default_rng(1)
    bias = np.linspace(0, 1, 9)
    width = 2.0 ** -np.arange(9)
    errors = []
    for _ in range(500):
        values = bias + width / 2 * rng.normal(size=9)
        errors.append(abs(values[slope(values, width=width, rule=rule)]))
    best = min(np.sqrt(bias**2 + (width / 2) ** 2))
    assert np.mean(errors) < 3 * best


def test_slope_of_estimates_uses_students_t(log):
    values = [policy_value("clipped_ips", **log, clip=clip) for clip in (1.0, 2.0, 1e9)]
    width = stats.t(499).ppf(0.95) * np.array([value.standard_error for value in values])
    expected = slope([value.value for value in values], width=width)
    assert slope(values) == expected


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"values": []}, "values is empty"),
        ({"values": [1.0]}, "width is None"),
        ({"values": [1.0, 2.0], "width": [1.0]}, "width must hold one"),
        ({"values": [1.0], "width": [-1.0]}, "width must hold one"),
        ({"values": [np.nan], "width": [1.0]}, "width must hold one"),
        ({"values": [1.0], "width": [1.0], "rule": "lepski"}, "rule must be one of"),
        ({"values": [mean_value(reward=[1.0, 2.0])], "delta": 0}, "delta must lie"),
    ],
)
def test_slope_errors(arguments, match):
    with pytest.raises(ValueError, match=match):
        slope(**arguments)


def test_pessimism_takes_the_lower_bound():
    sure = mean_value(reward=[0.5, 0.6] * 50)
    lucky = mean_value(reward=[0.0, 1.0, 1.0])
    index, bounds = select_pessimistic([lucky, sure], confidence_level=0.95)
    assert lucky.value > sure.value
    assert index == 1
    for value, bound in zip((lucky, sure), bounds, strict=True):
        assert_allclose(bound, value.value - stats.norm.ppf(0.95) * value.standard_error)


def test_pessimism_with_another_interval():
    values = [mean_value(reward=[0.5, 0.6] * 50), mean_value(reward=[0.4, 0.6] * 500)]
    _, bounds = select_pessimistic(values, method="bernstein", reward_range=(0, 1))
    expected = [
        value.interval("bernstein", confidence_level=0.9, reward_range=(0, 1)).low
        for value in values
    ]
    assert_allclose(bounds, expected)


@pytest.mark.parametrize("level", [0.5, 0.3, 1.0])
def test_pessimism_errors(level):
    with pytest.raises(ValueError, match="confidence_level"):
        select_pessimistic([mean_value(reward=[0.0, 1.0])], confidence_level=level)
    with pytest.raises(ValueError, match="values is empty"):
        select_pessimistic([])
