"""A smooth reward: its functions, its maximum, and what is believed of it."""

import numpy as np
import pytest

from skbandit.base import make_log
from skbandit.quantities import QuantityThompsonSampling
from skbandit.quantities._basis import (
    _LENGTH_SCALES,
    basis_of,
    coefficients,
    columns_source,
    design_of,
    functions_at,
)
from skbandit.quantities._boxes import find_boxes
from skbandit.quantities._maximum import candidates, maxima


def _boxes(*sizes):
    arms = np.arange(len(sizes))
    return find_boxes({a: [(0.0, 1.0)] * n for a, n in enumerate(sizes) if n}, arms)


def test_functions_are_products_of_cosines():
    basis, rng = basis_of(_boxes(2)), np.random.RandomState(0)
    points = rng.uniform(size=(50, 2))
    values = functions_at(basis, points)
    for number, frequency in enumerate(basis.frequency):
        expected = basis.scale[number] * np.cos(np.pi * points * frequency).prod(axis=1)
        np.testing.assert_allclose(values[:, number], expected, atol=1e-12)


def test_the_kernel_is_that_of_a_gaussian_process():
    """Inside the box, and up to a factor and a constant for each length scale."""
    basis = basis_of(_boxes(1))
    points = np.linspace(0.35, 0.65, 31)[:, None]
    values = functions_at(basis, points)
    kernel = values @ values.T
    distance = points - points.T
    expected = 0.0
    for length in _LENGTH_SCALES:
        # Images at the border make the cosines; those beyond the nearest are out of reach.
        shifts = np.arange(-6, 7) * 2.0
        images = sum(
            np.exp(-0.5 * ((distance + s) / length) ** 2)
            + np.exp(-0.5 * ((points + points.T + s) / length) ** 2)
            for s in shifts
        )
        # The mean over the box is the constant, which stands apart.
        images = images - length * np.sqrt(2 * np.pi)
        omega = np.pi * np.arange(1, 200)
        total = (np.exp(-0.5 * (omega * length) ** 2) * length * np.sqrt(2 * np.pi)).sum()
        expected = expected + images / total / len(_LENGTH_SCALES)
    np.testing.assert_allclose(kernel, expected, atol=2e-3)


@pytest.mark.parametrize("n_quantities", [1, 2, 3, 4, 5, 6])
def test_functions_of_an_arm_are_its_own(n_quantities):
    """What other arms take changes nothing, nor does a quantity that is not taken."""
    alone, beside = basis_of(_boxes(n_quantities)), basis_of(_boxes(0, 7, n_quantities, 1))
    points = np.random.RandomState(0).uniform(size=(4, n_quantities))
    padded = np.column_stack([points, np.full((4, 7 - n_quantities), np.nan)])
    own, wide = functions_at(alone, points), functions_at(beside, padded)
    np.testing.assert_allclose(
        own @ own.T, wide @ wide.T, rtol=1e-12, err_msg="kernels of one arm"
    )
    assert np.count_nonzero(wide.any(axis=0)) == alone.n_functions
    assert basis_of(_boxes(0)).n_functions == 0


def test_columns_are_found_again():
    old, new = basis_of(_boxes(1)), basis_of(_boxes(2, 1))
    rng = np.random.RandomState(0)
    points = np.column_stack([rng.uniform(size=5), np.full(5, np.nan)])
    X = rng.normal(size=(5, 2))
    before = design_of(X, functions_at(old, points[:, :1]))
    after = design_of(X[:, ::-1], functions_at(new, points))
    source = columns_source(new, old, np.array([1, 0]))
    known = source >= 0
    np.testing.assert_allclose(after[:, known], before[:, source[known]])
    assert not after[:, ~known].any()
    assert known.sum() == before.shape[1]


def test_coefficients_are_those_of_the_design():
    basis, rng = basis_of(_boxes(2)), np.random.RandomState(0)
    X, points = rng.normal(size=(6, 3)), rng.uniform(size=(6, 2))
    functions = functions_at(basis, points)
    design = np.column_stack([np.ones(6), design_of(X, functions)])
    weights = rng.normal(size=(4, design.shape[1]))
    of_row = coefficients(weights, X, basis.n_functions)
    values = of_row[..., 0] + np.einsum("nsj,nj->ns", of_row[..., 1:], functions)
    np.testing.assert_allclose(values, design @ weights.T)


@pytest.mark.parametrize("n_quantities", [1, 2, 3])
def test_maxima_against_a_fine_grid(n_quantities):
    """Of functions drawn from the prior, in all but few cases the highest of several tops."""
    basis, rng = basis_of(_boxes(n_quantities)), np.random.RandomState(0)
    weights = rng.normal(size=(40, 1 + basis.n_functions))
    points = candidates(n_quantities)
    taken = np.arange(n_quantities)
    where, value = maxima(weights, basis, points, functions_at(basis, points), taken)
    assert ((where >= 0.0) & (where <= 1.0)).all()
    at_where = weights[:, 0] + (functions_at(basis, where) * weights[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(value, at_where)
    side = {1: 2001, 2: 101, 3: 31}[n_quantities]
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * n_quantities), axis=-1)
    scores = functions_at(basis, grid.reshape(-1, n_quantities)) @ weights[:, 1:].T
    best, spread = scores.max(axis=0) + weights[:, 0], scores.std(axis=0)
    missed = (best - value) / spread
    assert np.median(missed) < 0.01
    assert np.quantile(missed, 0.9) < 0.25


def test_belief_against_the_normal_equations():
    """Mean and width of the expected reward, by the posterior written out."""
    rng, n = np.random.RandomState(0), 200
    X, dose = rng.normal(size=(n, 1)), rng.uniform(0, 4, size=(n, 1))
    reward = np.sin(dose[:, 0]) + X[:, 0] + 0.3 * rng.normal(size=n)
    bandit = QuantityThompsonSampling(quantities=(0.0, 4.0), prior_precision=2.0)
    bandit.fit(X, make_log(["quantity"] * n, reward, quantity=dose))
    basis = basis_of(_boxes(1))
    design = np.column_stack([np.ones(n), design_of(X, functions_at(basis, dose / 4.0))])
    location = bandit.state_.regression.location
    precision = design.T @ design + 2.0 * np.eye(design.shape[1])
    weights = np.linalg.solve(precision, design.T @ (reward - location))
    asked = np.column_stack(
        [np.ones(9), design_of(X[:9], functions_at(basis, np.linspace(0, 1, 9)[:, None]))]
    )
    mean, std = bandit.expected_reward_at(
        X[:9], ["quantity"] * 9, np.linspace(0, 4, 9), return_std=True
    )
    np.testing.assert_allclose(mean, location + asked @ weights, rtol=1e-6)
    # The location minimises what is left over the squares and the prior.
    variance, dof = bandit.state_.regression.noise()
    width = np.einsum("nt,tu,nu->n", asked, np.linalg.inv(precision), asked)
    expected = np.sqrt(width * variance[0] * dof[0] / (dof[0] - 2.0))
    np.testing.assert_allclose(std, expected, rtol=1e-6)


def test_width_around_the_best_quantity():
    """The policy reaches (1 + n) ** -e of the sides in each direction, cut at the border."""
    rng = np.random.RandomState(0)
    dose = rng.uniform(0, 8, size=(99, 1))
    log = make_log(["quantity"] * 99, -((dose[:, 0] - 7.9) ** 2), quantity=dose)
    bandit = QuantityThompsonSampling(quantities=(0.0, 8.0), width_exponent=0.5)
    policy = bandit.fit(np.empty((99, 0)), log).quantity_policy(np.empty((1, 0)))
    side = (policy.high - policy.low)[0, :, 0]
    assert policy.high.max() == 8.0
    assert (side >= 0.8 - 1e-9).all()
    assert (side <= 1.6 + 1e-9).all()
    at_border = policy.high[0, :, 0] == 8.0
    assert at_border.any()
    np.testing.assert_allclose(side[~at_border], 1.6)


def test_without_contexts():
    """X without columns; all rows are alike, and decide in one go."""
    bandit = QuantityThompsonSampling(quantities=(0.0, 10.0), random_state=0)
    rng, nothing = np.random.RandomState(0), np.empty((20, 0))
    for _ in range(30):
        arm, dose = bandit.predict(nothing, return_quantity=True)
        assert len(np.unique(dose)) == 20
        effect = -((dose[:, 0] - 3.0) ** 2) + rng.normal(size=20)
        bandit.partial_fit(nothing, make_log(arm, effect, quantity=dose))
    assert bandit.n_features_in_ == 0
    dose = bandit.predict(nothing, explore=False, return_quantity=True)[1]
    assert abs(dose[0, 0] - 3.0) < 0.4
    with pytest.raises(ValueError, match="0 features"):
        bandit.predict(np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        QuantityThompsonSampling(arms=["a"]).predict(nothing)


def test_the_best_dose_moves_with_the_context():
    bandit = QuantityThompsonSampling(
        arms=["dose", "none"], quantities={"dose": (0.0, 1.0)}, random_state=0
    )
    rng = np.random.RandomState(0)
    for _ in range(60):
        X = rng.choice([-1.0, 1.0], size=(20, 1))
        arm, dose = bandit.predict(X, return_quantity=True)
        away = np.nan_to_num(dose[:, 0]) - (0.5 + 0.3 * X[:, 0])
        effect = np.where(arm == "none", 0.5, 1.0 - 4.0 * away**2)
        reward = effect + 0.1 * rng.normal(size=20)
        bandit.partial_fit(X, make_log(arm, reward, quantity=dose))
    arm, dose = bandit.predict([[-1.0], [1.0]], explore=False, return_quantity=True)
    assert arm.tolist() == ["dose", "dose"]
    np.testing.assert_allclose(dose[:, 0], [0.2, 0.8], atol=0.06)
    np.testing.assert_allclose(bandit.expected_reward([[-1.0], [1.0]]), [[1.0, 0.5]] * 2, atol=0.1)
