"""Kernels in boxes: densities, against quadrature and scipy's truncated normal."""

import numpy as np
import pytest
from scipy import integrate, stats

from skbandit.metrics._kernels import KERNELS, smoothed_density


def row(*values):
    return np.array([values], dtype=float)


def density(a, target, low, high, width, kernel):
    return smoothed_density(row(a), row(target), row(low), row(high), row(width), kernel)[0]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("target", [0.0, 0.05, 0.4, 1.0])
@pytest.mark.parametrize("width", [0.02, 0.3, 4.0])
def test_integrates_to_one_over_the_box_wherever_the_target_lies(kernel, target, width):
    low, high = 0.0, 1.0
    ends = np.clip([target - width, target, target + width], low, high)
    total = 0.0
    for start, stop in zip([low, *ends], [*ends, high], strict=True):
        if stop > start:
            total += integrate.quad(density, start, stop, (target, low, high, width, kernel))[0]
    assert total == pytest.approx(1.0, abs=1e-8)


def test_the_gaussian_is_the_truncated_normal():
    a = np.linspace(0, 2, 9)
    for target, width in [(0.0, 0.2), (1.3, 0.5), (2.0, 3.0)]:
        found = [density(one, target, 0.0, 2.0, width, "gaussian") for one in a]
        ends = (0.0 - target) / width, (2.0 - target) / width
        np.testing.assert_allclose(
            found, stats.truncnorm.pdf(a, *ends, loc=target, scale=width), rtol=1e-12
        )


def test_several_numbers_have_a_product_and_none_counts_for_one():
    arguments = row(0.3, 0.6), row(0.35, 0.5), row(0, 0), row(1, 1), row(0.2, 0.4)
    single = [smoothed_density(*(part[:, [column]] for part in arguments))[0] for column in (0, 1)]
    assert smoothed_density(*arguments)[0] == pytest.approx(single[0] * single[1])
    arguments[0][0, 1] = arguments[1][0, 1] = np.nan
    assert smoothed_density(*arguments)[0] == pytest.approx(single[0])


def test_without_a_box_nothing_is_cut_off():
    found = density(1.1, 1.0, -np.inf, np.inf, 0.5, "epanechnikov")
    assert found == pytest.approx(0.75 * (1 - 0.2**2) / 0.5)
