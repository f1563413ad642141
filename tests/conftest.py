"""Bayesian linear regression once more, from its textbook formulas and on all rows at once.

Nothing here keeps sums: least squares on the rows themselves, with the prior as further rows. The
package solves normal equations on running sums, so the two share no step.
"""

import gc
import os
from fractions import Fraction
from types import SimpleNamespace

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers that each start as many threads as there are processors wait for each other.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import numpy as np
import pytest
from scipy.linalg import solve_triangular


def pytest_collection():
    """Tests are a million objects that stay: looking for garbage among them is of no use."""
    gc.disable()


def pytest_collection_finish():
    """From here on garbage is collected as ever, among what is new."""
    gc.freeze()
    gc.enable()


def design(X, intercept=True):
    """Rows with the constant term in front."""
    X = np.asarray(X, dtype=np.float64)
    return np.column_stack([np.ones(len(X)), X]) if intercept else X


def regress(rows, reward, weight=None, prior_precision=1.0):
    """Posterior of ridge regression by QR of the rows: mean, covariance over noise, minimum.

    The prior is `n_terms` further rows that pay 0; the minimum is the squared length of what
    is left of all rows.
    """
    n_terms = rows.shape[1]
    root = np.ones(len(rows)) if weight is None else np.sqrt(weight)
    prior = np.sqrt(prior_precision) * np.eye(n_terms)
    left = np.vstack([rows * root[:, None], prior])
    right = np.concatenate([root * reward, np.zeros(n_terms)])
    orthogonal, triangle = np.linalg.qr(left)
    mean = solve_triangular(triangle, orthogonal.T @ right)
    inverse = solve_triangular(triangle, np.eye(n_terms))
    minimum = float(np.sum((right - left @ mean) ** 2))
    return SimpleNamespace(mean=mean, covariance=inverse @ inverse.T, minimum=minimum)


def hybrid_rows(Z, arm, n_arms):
    """Rows of the joint regression on (beta, delta_1, ..., delta_K)."""
    n_samples, n_terms = Z.shape
    joint = np.zeros((n_samples, (1 + n_arms) * n_terms))
    joint[:, :n_terms] = Z
    for row, a in enumerate(arm):
        joint[row, (1 + a) * n_terms : (2 + a) * n_terms] = Z[row]
    return joint


def hybrid_regress(Z, arm, reward, n_arms, weight=None, prior_precision=1.0):
    """Joint posterior of shared and per-arm weights; each arm's sum of both."""
    n_terms = Z.shape[1]
    joint = regress(hybrid_rows(Z, arm, n_arms), reward, weight, prior_precision)
    total = np.zeros((n_arms, n_terms, (1 + n_arms) * n_terms))
    for a in range(n_arms):
        total[a, :, :n_terms] = np.eye(n_terms)
        total[a, :, (1 + a) * n_terms : (2 + a) * n_terms] = np.eye(n_terms)
    return SimpleNamespace(
        mean=total @ joint.mean,
        covariance=total @ joint.covariance @ total.transpose(0, 2, 1),
        minimum=joint.minimum,
        joint=joint,
        total=total.reshape(n_arms * n_terms, -1),
    )


def exact_minimum(rows, reward, prior_precision=1.0):
    """Minimum of the regularised sum of squares by the difference formula, in rationals.

    ``sum r^2 - b.T @ A^-1 @ b`` loses nothing here, whatever is subtracted from what.
    """
    rows = [[Fraction(float(v)) for v in row] for row in rows]
    reward = [Fraction(float(v)) for v in reward]
    n = len(rows[0])
    matrix = [[sum(row[i] * row[j] for row in rows) for j in range(n)] for i in range(n)]
    moment = [sum(row[i] * r for row, r in zip(rows, reward, strict=True)) for i in range(n)]
    for i in range(n):
        matrix[i][i] += Fraction(float(prior_precision))
    # Gaussian elimination of the bordered matrix leaves its Schur complement, the difference.
    border = [[*matrix[i], moment[i]] for i in range(n)]
    border.append([*moment, sum(r * r for r in reward)])
    for pivot in range(n):
        for below in range(pivot + 1, n + 1):
            factor = border[below][pivot] / border[pivot][pivot]
            border[below] = [
                b - factor * p for b, p in zip(border[below], border[pivot], strict=True)
            ]
    return float(border[n][n])


def filter_diagonal(calls, n_groups, prior_precision=1.0, intercept=True, locates=True):
    """The filter of a diagonal precision, from whole matrices in the primal form.

    `calls` are (rows, arm, reward, weight, kept): what one call learns, in one block an arm, with
    the weights at its end, and what is left of all before. With `locates` the constants' prior
    lies at what all arms pay on average.
    """
    lam, n_terms = prior_precision, calls[0][0].shape[1]
    gram, moment = np.zeros((n_groups, n_terms)), np.zeros((n_groups, n_terms))
    residual, count, constant, paid = (np.zeros(n_groups) for _ in range(4))

    def location():
        if not locates:
            return 0.0
        # Means of arms about a common one, with the variances that they have.
        own = count > 0
        root = 1 / np.sqrt(1 / lam + 1 / count[own])
        mean = paid[own] / count[own]
        return np.linalg.lstsq(root[:, None], root * mean, rcond=None)[0][0]

    for rows, arm, reward, weight, kept in calls:
        cold = not count.any()
        for sums in (gram, moment, residual, count, constant, paid):
            sums *= kept
        start = 0.0 if cold or not intercept else location()
        added = np.bincount(arm, weight, n_groups), np.bincount(arm, weight * reward, n_groups)
        old_count = count.copy()
        count += added[0]
        paid += added[1]
        if cold and intercept:
            start = location()
        for a in np.unique(arm):
            own = arm == a
            Z, w, r = rows[own], weight[own], reward[own]
            before = np.concatenate([[lam + old_count[a]], lam + gram[a]])
            mean = np.concatenate([[lam * start + constant[a]], moment[a]]) / before
            if intercept:
                Z = design(Z)
            else:
                before, mean = before[1:], mean[1:]
            after = np.diag(before) + Z.T @ (w[:, None] * Z)
            new = np.linalg.solve(after, before * mean + Z.T @ (w * r))
            error = r - Z @ mean
            spread = np.diag(1 / w) + Z @ np.diag(1 / before) @ Z.T
            residual[a] += error @ np.linalg.inv(spread) @ error
            precision = np.diag(after)
            if intercept:
                constant[a] = precision[0] * new[0] - lam * start
                precision, new = precision[1:], new[1:]
            gram[a], moment[a] = precision - lam, precision * new
    level = (lam * location() + constant) / (lam + count) if intercept else np.zeros(n_groups)
    mean, precision = moment / (lam + gram), lam + gram
    if intercept:
        mean = np.column_stack([level, mean])
        precision = np.column_stack([lam + count, precision])
    return SimpleNamespace(
        mean=mean, precision=precision, residual=residual, count=count, paid=paid
    )


def ages(arm, weight, gamma):
    """What each round counts in the end if every round (a repetition is one) fades the others."""
    weight = np.ones(len(arm), dtype=int) if weight is None else weight
    counts = np.zeros(len(arm))
    clock = int(np.sum(weight))
    for row, repetitions in enumerate(weight):
        for _ in range(int(repetitions)):
            clock -= 1
            counts[row] += gamma**clock
    return counts


@pytest.fixture(scope="session")
def dense():
    """Reference computations."""
    return SimpleNamespace(
        design=design,
        regress=regress,
        hybrid_rows=hybrid_rows,
        hybrid_regress=hybrid_regress,
        exact_minimum=exact_minimum,
        ages=ages,
        filter_diagonal=filter_diagonal,
    )


def make_rounds(n_samples=120, n_features=4, n_arms=3, seed=0, scale=1.0, shift=0.0):
    """Rounds with correlated features of unlike scales; the last arm is played the least."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) @ rng.normal(size=(n_features, n_features))
    X = X * np.logspace(-1, 1, n_features) + rng.normal(size=n_features)
    share = np.linspace(3, 1, n_arms)
    arm = rng.choice(n_arms, size=n_samples, p=share / share.sum())
    theta = rng.normal(size=(n_arms, n_features)) / np.logspace(-1, 1, n_features)
    reward = np.einsum("ij,ij->i", X, theta[arm]) + rng.normal(size=n_samples) + 0.3 * arm
    return X, arm, scale * reward + shift


@pytest.fixture(scope="session")
def rounds():
    """Factory of rounds: X, arm, reward."""
    return make_rounds


@pytest.fixture(scope="session")
def draw_masked():
    """Log, contexts, mask and expected rewards where half of four arms are missing at random."""
    from skbandit.base import make_log
    from skbandit.environments import LinearEnvironment

    environment = LinearEnvironment(n_features=4, n_arms=4, noise=0.3, random_state=1)

    def draw(n_rounds, seed):
        rounds = environment.sample(n_rounds, random_state=seed)
        rng = np.random.default_rng(seed)
        available = rng.uniform(size=(n_rounds, 4)) < 0.5
        rows = np.arange(n_rounds)
        available[rows, rng.integers(4, size=n_rounds)] = True
        # Uniform among those that are available.
        arm = np.where(available, rng.uniform(size=available.shape), -1).argmax(axis=1)
        reward = rounds.expected[rows, arm] + 0.3 * rng.standard_normal(n_rounds)
        return SimpleNamespace(
            X=rounds.contexts,
            available=available,
            log=make_log(arm, reward, 1 / available.sum(axis=1)),
            expected=rounds.expected,
        )

    return draw
