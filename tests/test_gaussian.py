"""Arrays in, arrays out: Bayesian linear regression against dense formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit._gaussian import (
    apply_factor,
    condition_on_row,
    fade_weights,
    hybrid_factor,
    hybrid_posterior,
    inverse_factor,
    marginal_statistics,
    mean_and_factor,
    posterior_mean,
    quadratic_forms,
)


def statistics(n_groups=3, n_terms=4, n_rows=20, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_groups, n_rows, n_terms)) * np.logspace(-1, 1, n_terms)
    reward = rng.normal(size=(n_groups, n_rows))
    gram = np.einsum("gni,gnj->gij", rows, rows)
    return rows, reward, gram, np.einsum("gni,gn->gi", rows, reward)


@pytest.mark.parametrize("lam", [1e-3, 1.0, 50.0])
def test_inverse_factor_is_a_root_of_the_inverse(lam):
    _, _, gram, moment = statistics()
    factor = inverse_factor(gram, lam)
    expected = np.linalg.inv(gram + lam * np.eye(4))
    assert_allclose(np.matmul(factor.transpose(0, 2, 1), factor), expected, rtol=1e-9)
    mean = np.linalg.solve(gram + lam * np.eye(4), moment[..., None])[..., 0]
    assert_allclose(apply_factor(factor, moment), mean, rtol=1e-9)
    for group in range(3):
        assert_allclose(posterior_mean(gram[group], moment[group], lam), mean[group], rtol=1e-9)
        one_mean, one_factor = mean_and_factor(gram[group], moment[group], lam)
        assert_allclose(one_mean, mean[group], rtol=1e-9)
        assert_allclose(one_factor.T @ one_factor, expected[group], rtol=1e-9)


def test_inverse_factor_leaves_its_input_alone():
    _, _, gram, moment = statistics()
    before = gram.copy(), moment.copy()
    inverse_factor(gram, 1.0)
    posterior_mean(gram[0], moment[0], 1.0)
    assert np.array_equal(gram, before[0])
    assert np.array_equal(moment, before[1])


@pytest.mark.parametrize("lam", [1e-30, 1e-14])
def test_inverse_factor_of_a_singular_matrix_is_finite(lam):
    """Exactly collinear columns: what the data do not say is as wide as it can be told."""
    column = np.random.default_rng(0).normal(size=(50, 1))
    rows = np.hstack([column, column, 3 * column])
    gram = (rows.T @ rows)[None]
    factor = inverse_factor(gram, lam)
    assert np.isfinite(factor).all()
    along, across = np.array([[1.0, 1.0, 3.0]]), np.array([[1.0, -1.0, 0.0]])
    # The form of the direction that was seen is the inverse of its information, |x|^4 / x.T G x.
    seen = quadratic_forms(factor, along)[0, 0]
    assert_allclose(seen, 121.0 / (along @ gram[0] @ along.T)[0, 0], rtol=1e-6)
    assert quadratic_forms(factor, across)[0, 0] > 1e6 * seen
    assert np.isfinite(posterior_mean(gram[0], rows.T @ column[:, 0], lam)).all()


def test_quadratic_forms():
    _, _, gram, _ = statistics()
    X = np.random.default_rng(1).normal(size=(7, 4))
    inverse = np.linalg.inv(gram + 2.0 * np.eye(4))
    expected = np.stack([np.diag(X @ inverse[g] @ X.T) for g in range(3)], axis=1)
    assert_allclose(quadratic_forms(inverse_factor(gram, 2.0), X), expected, rtol=1e-9)


def test_condition_on_row():
    """Mean, covariance and the growth of the minimum, against least squares on one more row."""
    rows, reward, gram, moment = statistics(n_groups=1)
    lam = 0.7
    precision = gram[0] + lam * np.eye(4)
    mean, covariance = np.linalg.solve(precision, moment[0]), np.linalg.inv(precision)

    def minimum(rows, reward, mean):
        return np.sum((reward - rows @ mean) ** 2) + lam * mean @ mean

    before = minimum(rows[0], reward[0], mean)
    new, paid = np.array([1.0, -2.0, 0.5, 3.0]), 4.0
    expected_leverage = new @ covariance @ new
    expected_spread = np.sum(new**2 * np.diag(covariance))
    update = condition_on_row(mean, covariance, new, paid)
    precision += np.outer(new, new)
    assert_allclose(update.mean, np.linalg.solve(precision, moment[0] + paid * new), rtol=1e-10)
    assert_allclose(update.covariance, np.linalg.inv(precision), rtol=1e-9)
    assert_allclose(update.leverage, expected_leverage)
    assert_allclose(update.spread, expected_spread)
    after = minimum(np.vstack([rows[0], new]), np.append(reward[0], paid), update.mean)
    assert_allclose(update.residual_square, after - before, rtol=1e-9)


def test_condition_on_row_leaves_its_input_alone():
    rows, _, gram, moment = statistics(n_groups=1)
    precision = gram[0] + 0.7 * np.eye(4)
    mean, covariance = np.linalg.solve(precision, moment[0]), np.linalg.inv(precision)
    before = mean.copy(), covariance.copy()
    condition_on_row(mean, covariance, rows[0, 0], 3.0)
    assert np.array_equal(mean, before[0])
    assert np.array_equal(covariance, before[1])


def test_condition_on_row_survives_cancellation():
    """A covariance of 1e16 along a direction that the row does not have."""
    direction = np.array([1.0, -1.0]) / np.sqrt(2)
    covariance = 1e16 * np.outer(direction, direction) + 0.5e-3
    mean = np.zeros(2)
    row = np.array([0.1 + 1e-17, 0.1])
    update = condition_on_row(mean, covariance, row, 2.0)
    assert 0 <= update.residual_square <= 4
    assert update.leverage >= 0
    assert update.spread > 1e8 * update.leverage
    assert np.isfinite(update.covariance).all()


def test_hybrid_posterior_is_the_joint_one():
    _, _, gram, moment = statistics(n_groups=3)
    lam, n = 0.6, 4
    # The precision of (beta, delta_1, delta_2, delta_3), block by block.
    joint = lam * np.eye(4 * n)
    total = np.concatenate([moment.sum(axis=0), moment.ravel()])
    joint[:n, :n] += gram.sum(axis=0)
    for a in range(3):
        own = slice((a + 1) * n, (a + 2) * n)
        joint[own, own] += gram[a]
        joint[:n, own] = joint[own, :n] = gram[a]
    theta, cov = np.linalg.solve(joint, total), np.linalg.inv(joint)
    factor = inverse_factor(gram, lam)
    shared_mean, shared_factor, mean = hybrid_posterior(factor, moment, lam)
    own_factor = hybrid_factor(factor, shared_factor, lam)
    covariance = own_factor.transpose(0, 2, 1) @ own_factor
    assert_allclose(shared_mean, theta[:n], rtol=1e-8)
    assert_allclose(shared_factor.T @ shared_factor, cov[:n, :n], rtol=1e-8)
    for a in range(3):
        own = slice((a + 1) * n, (a + 2) * n)
        assert_allclose(mean[a], theta[:n] + theta[own], rtol=1e-8)
        expected = cov[:n, :n] + cov[own, own] + cov[:n, own] + cov[own, :n]
        assert_allclose(covariance[a], expected, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("dropped", [[0], [2], [1, 3], [0, 1, 2]])
def test_marginal_statistics_are_a_block_of_the_covariance(dropped):
    _, _, gram, moment = statistics(n_groups=1)
    lam, keep = 0.4, np.setdiff1d(np.arange(4), dropped)
    covariance = np.linalg.inv(gram[0] + lam * np.eye(4))
    new_gram, new_moment = marginal_statistics(gram[0], moment[0], lam, np.array(dropped))
    precision = new_gram[np.ix_(keep, keep)] + lam * np.eye(len(keep))
    assert_allclose(np.linalg.inv(precision), covariance[np.ix_(keep, keep)], rtol=1e-9)
    expected = (covariance @ moment[0])[keep]
    assert_allclose(np.linalg.solve(precision, new_moment[keep]), expected, rtol=1e-8)
    assert np.array_equal(new_gram, new_gram.T)
    assert not new_gram[dropped].any()
    assert not new_moment[dropped].any()


@pytest.mark.parametrize("lam", [1.0, 1e-12, 1e-20])
def test_marginal_statistics_of_collinear_terms(lam):
    """A twin takes over: nothing breaks, and no direction gets a negative precision."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3)) * 1e3
    rows = np.column_stack([rows, rows[:, 0], rows[:, 1] - rows[:, 2]])
    reward = rows @ np.array([1.0, 2.0, 3.0, 1.0, 0.5]) * 1e-3
    gram, moment = marginal_statistics(rows.T @ rows, rows.T @ reward, lam, np.array([3, 4]))
    assert np.isfinite(gram).all()
    assert (np.diag(gram) >= 0).all()
    factor = inverse_factor(gram[None, :3, :3], lam)
    assert np.isfinite(factor).all()
    assert np.isfinite(apply_factor(factor, moment[None, :3])).all()


@pytest.mark.parametrize("gamma", [0.3, 0.99, 1 - 1e-9])
def test_fade_weights_counts_every_repetition(gamma):
    weight = np.array([1, 3, 0, 2, 5])
    repeated = np.repeat(np.arange(5), weight)
    age = np.arange(len(repeated))[::-1]
    expected = np.bincount(repeated, weights=gamma**age, minlength=5)
    faded, kept = fade_weights(weight.astype(float), gamma)
    assert_allclose(faded, expected, rtol=1e-12)
    assert_allclose(kept, gamma ** weight.sum(), rtol=1e-12)


def test_fade_weights_of_a_long_block_underflows_quietly():
    faded, kept = fade_weights(np.ones(100_000), 0.5)
    assert kept == 0.0
    assert_allclose(faded.sum(), 2.0)
