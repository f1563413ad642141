"""Independent beliefs under the constraint that demand falls, beside rejection sampling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from scipy.stats import kstest

from skbandit.beliefs import BetaBelief, IndependentBelief, JointBelief, LinkedBelief
from skbandit.pricing._ordered import (
    BetaMarginals,
    GaussianMarginals,
    OrderedDemands,
    ProjectedDemands,
    ordered_demands,
)

N_DRAWS = 1_000_000


def as_it_is(score):
    return score


def falling(draws):
    return draws[(np.diff(draws, axis=1) <= 0.0).all(axis=1)]


def cases():
    rng = np.random.default_rng(0)
    a, b = np.array([3.0, 5.0, 2.0, 1.0]), np.array([2.0, 6.0, 4.0, 5.0])
    yield "beta", BetaMarginals(a[None], b[None]), rng.beta(a, b, (N_DRAWS, 4))
    a, b = np.array([1.0, 30.0, 1.0, 0.5]), np.array([1.0, 90.0, 1.0, 0.5])
    yield "beta, little known", BetaMarginals(a[None], b[None]), rng.beta(a, b, (N_DRAWS, 4))
    mean, scale = np.array([0.5, 0.2, 0.4, -1.0]), np.array([0.3, 1.0, 0.1, 2.0])
    z = rng.standard_normal((N_DRAWS, 4))
    marginals = GaussianMarginals(mean[None], scale[None], None, expit)
    yield "gaussian, linked", marginals, expit(mean + scale * z)
    marginals = GaussianMarginals(mean[None], scale[None], np.full((1, 4), 5.0), as_it_is)
    yield "student", marginals, mean + scale * rng.standard_t(5.0, (N_DRAWS, 4))


CASES = [pytest.param(marginals, draws, id=name) for name, marginals, draws in cases()]


@pytest.mark.parametrize(("marginals", "draws"), CASES)
def test_moments_and_draws_are_those_of_rejection_sampling(marginals, draws):
    kept = falling(draws)
    assert len(kept) > 10_000
    ordered = OrderedDemands(marginals)
    mean, std = ordered.moments()
    spread = kept.std(axis=0)
    assert_allclose(mean[0], kept.mean(axis=0), atol=0.02 * spread.max())
    assert_allclose(std[0], spread, rtol=0.03)
    uniform = np.random.default_rng(1).random((20_000, 4))
    found = ordered.draws(uniform)[:, 0]
    assert (np.diff(found, axis=1) <= 0.0).all()
    for direction in (np.eye(4)[0], np.eye(4)[3], np.array([1.0, -1.0, 0.5, 0.7])):
        # The grid is right to about a hundredth of a deviation.
        assert kstest(found @ direction, kept[:20_000] @ direction).statistic < 0.02
    assert_allclose(np.corrcoef(found.T), np.corrcoef(kept.T), atol=0.04)


@pytest.mark.parametrize("n_prices", [2, 5, 10, 30, 80])
def test_uniform_demands_are_order_statistics(n_prices):
    ones = np.ones((2, n_prices))
    ordered = OrderedDemands(BetaMarginals(ones, ones))
    rank = np.arange(n_prices, 0, -1.0)
    mean, std = ordered.moments()
    assert_allclose(mean, np.broadcast_to(rank / (n_prices + 1), mean.shape), atol=3e-3)
    variance = rank * (n_prices + 1 - rank) / (n_prices + 1) ** 2 / (n_prices + 2)
    assert_allclose(std[0], np.sqrt(variance), rtol=0.03)


def test_beliefs_that_contradict_the_order_are_pooled():
    """Far out in the tails, two Gaussian beliefs meet at their mean weighted by precision."""
    mean, scale = np.array([[0.2, 0.5]]), np.array([[0.001, 0.002]])
    ordered = OrderedDemands(GaussianMarginals(mean, scale, None, as_it_is))
    found, _ = ordered.moments()
    assert_allclose(found, (0.2 * 4.0 + 0.5) / 5.0, atol=1e-5)
    draws = ordered.draws(np.random.default_rng(0).random((300, 2)))
    assert_allclose(draws.mean(axis=0), 0.26, atol=3e-4)
    a, b = np.array([[2e4, 5e4]]), np.array([[8e4, 5e4]])
    found, _ = OrderedDemands(BetaMarginals(a, b)).moments()
    assert_allclose(found, 0.35, atol=2e-3)


def test_rows_and_further_arms_do_not_change_draws():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1.0, 9.0, (2, 5, 3))
    price = np.array([3.0, 1.0, 2.0])
    whole = ordered_demands(BetaBelief(a, b), price, "unit_interval", 50).draws()
    one = ordered_demands(BetaBelief(a[2:3], b[2:3]), price, "unit_interval", 50).draws()
    assert_array_equal(whole[:, 2:3], one)


def test_which_beliefs_are_exact():
    rng = np.random.default_rng(0)
    mean, std = rng.normal(size=(3, 4)), np.ones((3, 4))
    independent = IndependentBelief(mean, std)
    joint = JointBelief(mean, std, mean + rng.normal(size=(50, 3, 4)))
    price = np.array([4.0, 2.0, 1.0, 3.0])
    for belief, prices, exact in (
        (independent, price, True),
        (LinkedBelief(independent, expit), price, True),
        (BetaBelief(std, std), price, True),
        (joint, price, False),
        (LinkedBelief(joint, expit), price, False),
        (independent, np.array([1.0, 1.0, 2.0, 3.0]), False),
    ):
        found = ordered_demands(belief, prices, "real", 50)
        assert isinstance(found, ProjectedDemands) is not exact
        for values in (*found.moments()[:1], *found.draws()):
            for row in values:
                for low, high in zip(*np.where(prices[:, None] < prices), strict=True):
                    assert row[low] >= row[high] - 1e-9


def test_one_price_is_left_as_it_is():
    belief = BetaBelief(np.array([[2.0]]), np.array([[3.0]]))
    mean, std = ordered_demands(belief, np.array([5.0]), "unit_interval", 50).moments()
    assert_allclose(mean, belief.mean)
    assert_allclose(std, belief.std)
