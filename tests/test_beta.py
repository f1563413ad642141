"""Which of several Beta variables is the highest, against nested quadrature and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.integrate import quad
from scipy.special import betainc, betaln

from skbandit._beta import beta_top_probability, intervals


def by_quad(a, b):
    """Chance of each arm to be the highest: over its own distribution function, in pieces."""
    laws = [stats.beta(*pair) for pair in zip(a, b, strict=True)]
    chances = []
    for arm, law in enumerate(laws):
        others = [other for other in range(len(laws)) if other != arm]
        points = [
            law.cdf(laws[other].ppf(level))
            for other in others
            for level in (1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6)
        ]
        edges = np.unique(np.concatenate([[0.0, 1.0], points]))

        def others_below(u, law=law, others=others):
            return np.prod([betainc(a[other], b[other], law.ppf(u)) for other in others])

        pieces = [quad(others_below, *piece, limit=200)[0] for piece in pairwise(edges)]
        chances.append(sum(pieces))
    return np.array(chances)


def second_beats_first(a, b):
    """Closed form for two arms and an integer parameter (Cook 2003)."""
    (a1, a2), (b1, b2) = a, b
    i = np.arange(int(a2))
    terms = betaln(a1 + i, b1 + b2) - np.log(b2 + i) - betaln(1 + i, b2) - betaln(a1, b1)
    return np.exp(terms).sum()


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_nested_quadrature(seed):
    rng = np.random.default_rng(seed)
    n_arms = [2, 3, 3, 4, 5, 7][seed]
    rounds = 10 ** rng.uniform(0, 7, n_arms)
    mean = np.clip(0.3 + 10 ** rng.uniform(-4, -1, n_arms) * rng.normal(size=n_arms), 0.01, 0.99)
    a, b = np.maximum(rounds * mean, 0.5), np.maximum(rounds * (1 - mean), 0.5)
    p = beta_top_probability(1, [a], [b])[0]
    assert_allclose(p, by_quad(a, b), atol=1e-7)
    assert_allclose(p.sum(), 1.0, atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1, 1), (1, 1)),
        ((1, 2), (1, 1)),
        ((3, 400), (2, 300)),
        ((0.5, 7), (0.5, 90)),
        ((5000, 5100), (5000, 4900)),
        ((3e6, 3.001e6), (7e6, 7e6)),
        ((40, 0.5e7), (20, 0.3e7)),
    ],
)
def test_two_arms_in_closed_form(a, b):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    if a[1] > 1e5:
        # As many terms lose digits; the normal limit is as good there.
        middle, spread = (a / (a + b)), np.sqrt(a * b / (a + b + 1)) / (a + b)
        expected = stats.norm.cdf((middle[1] - middle[0]) / np.hypot(*spread))
        tolerance = 1e-3 if a[0] < 1e5 else 1e-6
        if a[0] < 1e5:
            expected, tolerance = betainc(a[0], b[0], middle[1]), 1e-6
    else:
        expected, tolerance = second_beats_first(a, b), 1e-8
    assert_allclose(beta_top_probability(1, [a], [b])[0, 1], expected, atol=tolerance)


@pytest.mark.parametrize("n_arms", [2, 10, 50])
@pytest.mark.parametrize("size", [0.5, 3.0, 1e3, 1e7])
def test_arms_that_are_alike_share_evenly(n_arms, size):
    p = beta_top_probability(1, np.full((2, n_arms), size), np.full((2, n_arms), 2 * size))
    assert_allclose(p, 1 / n_arms, atol=1e-12)


@pytest.mark.parametrize("n_arms", [5, 20, 50])
def test_many_arms_of_all_widths_agree_with_draws(n_arms):
    """A share off by five standard errors has a chance of 6e-7, and there are 75 of them."""
    rng = np.random.default_rng(n_arms)
    rounds = 10 ** rng.uniform(0.3, 6, n_arms)
    mean = 0.4 + 0.3 * rng.uniform(-1, 1, n_arms) / np.sqrt(rounds)
    a, b = rounds * mean, rounds * (1 - mean)
    n_draws = 400_000
    draws = rng.beta(a, b, (n_draws, n_arms))
    share = np.bincount(draws.argmax(axis=1), minlength=n_arms) / n_draws
    p = beta_top_probability(1, [a], [b])[0]
    error = np.sqrt(p * (1 - p) / n_draws)
    assert (np.abs(share - p) < 5 * error + 5e-6).all()


@pytest.mark.parametrize("k", [2, 3, 5])
def test_sets_agree_with_draws(k):
    """As above: 18 comparisons."""
    rng = np.random.default_rng(k)
    a = np.array([0.5, 3.0, 40.0, 700.0, 9e4, 2.0])
    b = np.array([0.5, 5.0, 80.0, 1400.0, 1.5e5, 9.0])
    n_draws = 400_000
    draws = rng.beta(a, b, (n_draws, 6))
    top = np.argsort(draws, axis=1)[:, -k:]
    share = np.bincount(top.ravel(), minlength=6) / n_draws
    p = beta_top_probability(k, [a], [b])[0]
    assert_allclose(p.sum(), k, atol=1e-10)
    assert (np.abs(share - p) < 5 * np.sqrt(p * (1 - p) / n_draws) + 5e-6).all()


def test_one_of_a_set_agrees_with_the_rule_for_one():
    a, b = np.array([[3.0, 40.0, 5.0, 9.0]]), np.array([[5.0, 80.0, 9.0, 9.0]])
    # Of all but one, the one left out is the lowest: the highest of what lacks to 1.
    lowest = beta_top_probability(1, b, a)
    assert_allclose(beta_top_probability(3, a, b), 1 - lowest, atol=1e-8)


def test_masks():
    a, b = np.array([[9.0, 2.0, 3.0]] * 3), np.array([[1.0, 2.0, 5.0]] * 3)
    mask = np.array([[True, True, True], [False, True, True], [False, True, False]])
    p = beta_top_probability(1, a, b, mask)
    assert_allclose(p[0], beta_top_probability(1, a[:1], b[:1])[0])
    assert_allclose(p[1, 1:], beta_top_probability(1, a[:1, 1:], b[:1, 1:])[0], atol=1e-9)
    assert_array_equal(p[2], [0.0, 1.0, 0.0])
    assert p[1, 0] == 0.0
    # What is not available may be anything.
    a = np.where(mask, a, np.nan)
    assert_allclose(beta_top_probability(1, a, b, mask), p)


def test_rows_do_not_depend_on_each_other():
    rng = np.random.default_rng(0)
    a, b = 10 ** rng.uniform(-0.3, 5, (2, 40, 6))
    together = beta_top_probability(1, a, b)
    alone = np.concatenate([beta_top_probability(1, a[[row]], b[[row]]) for row in range(40)])
    assert_allclose(together, alone, rtol=0, atol=1e-13)


def test_intervals_hold_all_but_the_tails():
    a, b = np.array([0.5, 3.0, 1e7]), np.array([0.5, 90.0, 2e7])
    low, high = intervals(a, b, 1e-6)
    odds = np.exp(np.array([low, high]))
    below = stats.beta(a, b).cdf(odds / (1 + odds))
    assert_allclose(below[0], 1e-6, rtol=1e-5)
    assert_allclose(below[1], 1 - 1e-6, rtol=1e-9)


@pytest.mark.parametrize(
    ("a", "mask", "message"),
    [
        ([[0.0, 1.0]], None, "positive finite"),
        ([[np.nan, 1.0]], None, "positive finite"),
        ([[np.inf, 1.0]], None, "positive finite"),
        ([[1.0, 1.0]], [[False, False]], "row 0 has 0 available arms"),
    ],
)
def test_bad_input(a, mask, message):
    with pytest.raises(ValueError, match=message):
        beta_top_probability(1, a, [[1.0, 1.0]], mask)
