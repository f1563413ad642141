"""The filter of a diagonal precision: against whole matrices, against ridge, in its limits."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.preprocessing import normalize

from skbandit._regression import DiagonalRegression, Examples

INTERCEPT = pytest.mark.parametrize("intercept", [True, False])
CUTS = [[], [60], [1, 2, 5, 50, 51, 118], list(range(1, 120))]


def assert_is_filter(regression, expected, rtol=1e-8):
    for name, theirs in (
        ("coef", expected.mean),
        ("precision", expected.precision),
        ("covariance", 1 / expected.precision),
        ("residual_square", expected.residual),
        ("weight", expected.count),
    ):
        atol = rtol * np.abs(theirs).max()
        assert_allclose(getattr(regression, name), theirs, rtol=rtol, atol=atol, err_msg=name)


@INTERCEPT
@pytest.mark.parametrize("lam", [0.05, 1.0, 30.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cuts", CUTS, ids=len)
@pytest.mark.parametrize("as_csr", [False, True])
def test_calls_are_the_filter(intercept, lam, weighted, cuts, as_csr, dense, rounds):
    X, arm, reward = rounds(shift=4.0)
    weight = np.random.default_rng(0).uniform(0.1, 2, 120) if weighted else None
    empty = DiagonalRegression.empty(4, 4, intercept=intercept, locates=True, prior_precision=lam)
    regression, calls = empty, []
    for rows in np.split(np.arange(120), cuts):
        w = None if weight is None else weight[rows]
        part = sparse.csr_array(X[rows]) if as_csr else X[rows]
        regression = regression.learnt(Examples(part, arm[rows], reward[rows], w))
        calls.append((X[rows], arm[rows], reward[rows], np.ones(len(rows)) if w is None else w, 1))
    expected = dense.filter_diagonal(calls, 4, lam, intercept)
    assert_is_filter(regression, expected)
    rows = sparse.csr_array(X) if as_csr else X
    Z = dense.design(X, intercept)
    mean, form = Z @ expected.mean.T, Z**2 @ (1 / expected.precision.T)
    # One row of CSR gathers its columns, many take all.
    for some in (slice(None), slice(0, 1), slice(3, 5)):
        assert_allclose(regression.mean(rows[some]), mean[some], rtol=1e-7, atol=1e-9)
        assert_allclose(regression.quadratic(rows[some]), form[some], rtol=1e-7)
        for a in range(4):
            ours = regression.mean(rows[some], group=a), regression.quadratic(rows[some], group=a)
            assert_allclose(ours[0], mean[some, a], rtol=1e-7, atol=1e-9)
            assert_allclose(ours[1], form[some, a], rtol=1e-7)
    kept = regression.precision * regression.coef
    offset = int(intercept)
    assert_allclose(regression.moment[:, offset:], kept[:, offset:], rtol=1e-9, atol=1e-12)
    assert_allclose(regression.gram, regression.precision - lam, rtol=1e-7, atol=1e-12)


@INTERCEPT
@pytest.mark.parametrize("gamma", [0.5, 0.95])
@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_what_fades_is_the_data_and_not_the_prior(intercept, gamma, cuts, dense, rounds):
    X, arm, reward = rounds(shift=4.0)
    weight = np.random.default_rng(0).integers(1, 3, 120)
    regression, calls = DiagonalRegression.empty(3, 4, intercept=intercept, locates=True), []
    for rows in np.split(np.arange(120), cuts):
        w = weight[rows].astype(float)
        regression = regression.learnt(Examples(X[rows], arm[rows], reward[rows], w), gamma)
        counts = dense.ages(arm[rows], weight[rows], gamma)
        calls.append((X[rows], arm[rows], reward[rows], counts, gamma ** w.sum()))
    assert_is_filter(regression, dense.filter_diagonal(calls, 3, 1.0, intercept), rtol=1e-7)


def test_fading_for_ever():
    """Ten thousand rounds under 0.9: the factor on the columns would be 1e-458."""
    regression = DiagonalRegression.empty(2, 3, intercept=True, locates=True)
    rng = np.random.default_rng(0)
    first = Examples(np.eye(3), np.zeros(3, dtype=int), np.array([1.0, 2.0, 3.0]))
    regression = regression.learnt(first)
    X, reward = rng.normal(size=(10_000, 3)), rng.normal(size=10_000)
    X[:, 2] = 0.0
    for row in range(10_000):
        part = slice(row, row + 1)
        regression = regression.learnt(Examples(X[part], np.ones(1, dtype=int), reward[part]), 0.9)
    age = 0.9 ** np.arange(10_000)[::-1]
    assert_allclose(regression.gram[1, 1:3], age @ X[:, :2] ** 2, rtol=1e-9)
    assert_allclose(regression.weight[1], 10.0, rtol=1e-9)
    # What was not seen for long is the prior again.
    assert_allclose(regression.precision[0], 1.0, rtol=1e-12)
    assert_allclose(regression.coef[0, 1:], 0.0, atol=1e-12)
    assert_allclose(regression.precision[1, 3], 1.0, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 200])
def test_orthogonal_rows_are_ridge_however_they_come(size):
    """Multiples of unit vectors: nothing off the diagonal is lost."""
    rng = np.random.default_rng(0)
    X = np.zeros((200, 10))
    X[np.arange(200), rng.integers(0, 10, 200)] = rng.normal(size=200)
    reward = X @ rng.normal(size=10) + rng.normal(size=200)
    regression = DiagonalRegression.empty(1, 10, prior_precision=2.0)
    for start in range(0, 200, size):
        part = slice(start, start + size)
        told = Examples(X[part], np.zeros(len(X[part]), dtype=int), reward[part])
        regression = regression.learnt(told)
    ridge = Ridge(alpha=2.0, fit_intercept=False).fit(X, reward)
    assert_allclose(regression.coef[0], ridge.coef_, rtol=1e-9)
    left = np.sum((reward - X @ ridge.coef_) ** 2) + 2.0 * np.sum(ridge.coef_**2)
    assert_allclose(regression.residual_square[0], left, rtol=1e-9)


@pytest.mark.parametrize("as_csr", [False, True])
def test_a_block_is_ridge(as_csr, dense):
    """Up to 256 rounds at once: the mean keeps all correlations of its terms."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(256, 40))
    reward = X @ rng.normal(size=40) + rng.normal(size=256)
    rows = sparse.csr_array(X) if as_csr else X
    told = Examples(rows, np.zeros(256, dtype=int), reward)
    regression = DiagonalRegression.empty(1, 40, prior_precision=0.3).learnt(told)
    ridge = Ridge(alpha=0.3, fit_intercept=False).fit(X, reward)
    assert_allclose(regression.coef[0], ridge.coef_, rtol=1e-8)
    belief = dense.regress(X, reward, prior_precision=0.3)
    assert_allclose(regression.residual_square[0], belief.minimum, rtol=1e-9)


@INTERCEPT
def test_more_than_a_block_is_blocks_of_256_an_arm(intercept, dense, rounds):
    """In the order of the rounds, all under the location that the call starts from."""
    X, arm, reward = rounds(n_samples=1500, shift=2.0)
    first = Examples(X[:3], np.array([0, 1, 2]), reward[:3])
    start = DiagonalRegression.empty(3, 4, intercept=intercept, locates=True).learnt(first)
    whole = start.learnt(Examples(X, arm, reward))
    for a in range(3):
        alone = start
        own = np.flatnonzero(arm == a)
        calls = [(X[:3], np.array([0, 1, 2]), reward[:3], np.ones(3), 1)]
        for begin in range(0, len(own), 256):
            rows = own[begin : begin + 256]
            alone = alone.learnt(Examples(X[rows], arm[rows], reward[rows]))
            calls.append((X[rows], arm[rows], reward[rows], np.ones(len(rows)), 1))
        # The location moves between calls, by what a pull of one round makes of it.
        tolerance = 1e-2 if intercept else 1e-9
        scale = np.abs(whole.coef[a]).max()
        assert_allclose(whole.coef[a], alone.coef[a], rtol=tolerance, atol=tolerance * scale)
        assert_allclose(whole.precision[a], alone.precision[a], rtol=1e-9)


@pytest.mark.parametrize("gamma", [1.0, 0.99])
@pytest.mark.parametrize("full", [False, True])
def test_weights_are_repetitions_across_blocks(gamma, full, rounds):
    X, arm, reward = rounds(n_samples=600)
    weight = np.random.default_rng(0).integers(0, 9, 600)
    rows = np.repeat(np.arange(600), weight)
    empty = DiagonalRegression.empty(3, 4, intercept=True, locates=True)
    told = Examples(X, arm, None if full else reward, weight.astype(float))
    weighted = empty.learnt(told, gamma)
    told = Examples(X[rows], arm[rows], None if full else reward[rows])
    repeated = empty.learnt(told, gamma)
    # A round that lies across two blocks fades within itself: its parts share one age.
    rtol = 1e-8 if gamma == 1.0 else 1e-2
    for name in ("coef", "precision", "residual_square", "weight"):
        ours, theirs = getattr(weighted, name), getattr(repeated, name)
        assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max(), err_msg=name)


@pytest.mark.parametrize("weight", [1e-3, 0.3, 255.0, 300.0, 1e12])
def test_weights_of_any_size(weight, dense):
    """Many light rows make blocks of bounded size, a heavy one is learnt at once."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    reward = X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=1000)
    told = Examples(X, np.zeros(1000, dtype=int), reward, np.full(1000, weight))
    regression = DiagonalRegression.empty(1, 3).learnt(told)
    assert_allclose(regression.gram[0], weight * np.sum(X**2, axis=0), rtol=1e-9)
    ridge = dense.regress(X, reward, np.full(1000, weight)).mean
    assert_allclose(regression.coef[0], ridge, atol=0.15)


@pytest.mark.parametrize("offset", [5.0, -300.0, 2.0**30])
@pytest.mark.parametrize("size", [1, 40])
def test_an_offset_moves_means_and_nothing_else(offset, size, rounds):
    X, arm, reward = rounds()
    ours, theirs = (DiagonalRegression.empty(4, 4, intercept=True, locates=True) for _ in range(2))
    for start in range(0, 120, size):
        part = slice(start, start + size)
        ours = ours.learnt(Examples(X[part], arm[part], reward[part]))
        theirs = theirs.learnt(Examples(X[part], arm[part], reward[part] + offset))
    rtol = 1e-9 if offset < 2**20 else 1e-5
    assert_allclose(theirs.mean(X) - offset, ours.mean(X), rtol=rtol, atol=rtol * 100)
    assert_allclose(theirs.quadratic(X), ours.quadratic(X), rtol=1e-12)
    assert_allclose(theirs.noise()[0], ours.noise()[0], rtol=rtol)


def test_an_arm_never_played_starts_at_what_arms_pay_on_average(rounds):
    X, arm, reward = rounds(shift=50.0)
    regression = DiagonalRegression.empty(5, 4, intercept=True, locates=True).learnt(
        Examples(X, arm, reward)
    )
    means = np.array([reward[arm == a].mean() for a in range(3)])
    counts = np.bincount(arm)
    share = 1 / (1 + 1 / counts)
    assert_allclose(regression.mean(X)[:, 3], share @ means / share.sum(), rtol=1e-10)
    assert_allclose(regression.quadratic(X)[:, 4], 1 + np.sum(X**2, axis=1), rtol=1e-12)


def test_noise_is_pooled_and_bounded(rounds):
    X, arm, reward = rounds(shift=7.0)
    reward = np.where(arm == 1, 7.0, reward)
    regression = DiagonalRegression.empty(4, 4, intercept=True, locates=True).learnt(
        Examples(X, arm, reward)
    )
    variance, dof = regression.noise()
    counts, left = np.bincount(arm, minlength=4), regression.residual_square
    pooled = (2 * np.var(reward) + left.sum()) / (2 + 120)
    own = (2 * pooled + left / 2) / (2 + counts / 2)
    together = (2 * pooled + left.sum() / 2) / (2 + 120 / 2)
    assert_allclose(variance, np.maximum(own, together))
    assert (variance > own)[1]
    assert_allclose(dof, 4 + counts)
    cold = DiagonalRegression.empty(2, 3, intercept=True, locates=True).noise()
    assert_allclose(cold, [[1.0, 1.0], [4.0, 4.0]])
    given, dof = regression.noise((3.0, 5.0))
    assert_allclose(given, (5 + left / 2) / (3 + counts / 2))
    assert_allclose(dof, 6 + counts)


@pytest.mark.parametrize("noise", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("size", [1, 64, 3000])
def test_noise_is_that_of_the_errors_ahead(noise, size):
    """Weights drawn from the prior, rows of unit length that are not centred.

    The standard error of a variance of 3,000 rounds is 2.6 %; what the diagonal loses adds some.
    """
    rng = np.random.default_rng(1000)
    X = normalize(sparse.random_array((3000, 300), density=0.1, random_state=rng, format="csr"))
    reward = X @ (noise * rng.normal(size=300)) + noise * rng.normal(size=3000) + 3.0
    regression = DiagonalRegression.empty(1, 300, intercept=True, locates=True)
    for start in range(0, 3000, size):
        part = slice(start, start + size)
        told = Examples(X[part], np.zeros(X[part].shape[0], dtype=int), reward[part])
        regression = regression.learnt(told)
    assert_allclose(regression.noise()[0], noise**2, rtol=0.2)


def orthogonal_rounds():
    rng = np.random.default_rng(3)
    X = np.zeros((200, 6))
    X[np.arange(200), rng.integers(0, 6, 200)] = rng.normal(size=200)
    return X, rng.integers(0, 3, 200), rng.normal(size=200)


@pytest.mark.parametrize("forgetting", [1.0, 0.9])
def test_merging_orthogonal_rows_is_exact(forgetting):
    X, arm, reward = orthogonal_rounds()
    empty = DiagonalRegression.empty(3, 6)
    shards = [Examples(X[i::4], arm[i::4], reward[i::4]) for i in range(4)]
    parts = [empty.learnt(shard, forgetting) for shard in shards]
    merged = DiagonalRegression.merged([*parts, empty])
    precision = sum(part.precision for part in parts) - 3.0
    mean = sum(part.precision * part.coef for part in parts) / precision
    assert_allclose(merged.precision, precision, rtol=1e-10)
    assert_allclose(merged.coef, mean, rtol=1e-9, atol=1e-12)
    if forgetting == 1.0:
        whole = empty.learnt(Examples(X, arm, reward))
        assert_allclose(merged.coef, whole.coef, rtol=1e-9, atol=1e-12)


@INTERCEPT
def test_merging_adds_natural_parameters(intercept, rounds):
    X, arm, reward = rounds(shift=5.0)
    empty = DiagonalRegression.empty(4, 4, intercept=intercept, locates=True)
    parts = [empty.learnt(Examples(X[i::3], arm[i::3], reward[i::3])) for i in range(3)]
    merged = DiagonalRegression.merged([*parts, empty])
    offset = int(intercept)
    assert_allclose(merged.gram, sum(part.gram for part in parts), rtol=1e-9)
    sums = sum(part.moment for part in parts)[:, offset:]
    assert_allclose(merged.moment[:, offset:], sums, rtol=1e-9)
    assert_allclose(merged.residual_square, sum(part.residual_square for part in parts))
    assert_allclose(merged.weight, np.bincount(arm, minlength=4))
    # Rewards of all parts count from the first one's reference.
    total = np.bincount(arm, weights=reward - merged.reference, minlength=4)
    square = np.bincount(arm, weights=(reward - merged.reference) ** 2, minlength=4)
    assert_allclose(merged.reward_sum, total, rtol=1e-9, atol=1e-9)
    assert_allclose(merged.reward_square, square, rtol=1e-9)
    assert DiagonalRegression.merged(parts[:1]) is parts[0]


def test_another_prior_of_orthogonal_rows():
    X, arm, reward = orthogonal_rounds()
    told = Examples(X, arm, reward)
    moved = DiagonalRegression.empty(3, 6).learnt(told).carried(prior_precision=5.0)
    had = DiagonalRegression.empty(3, 6, prior_precision=5.0).learnt(told)
    assert_allclose(moved.coef, had.coef, rtol=1e-9)
    assert_allclose(moved.precision, had.precision)
    assert moved.carried(prior_precision=5.0) is moved


def test_groups_and_features_that_go_and_come(rounds):
    X, arm, reward = rounds(shift=5.0)
    old = DiagonalRegression.empty(3, 4, intercept=True, locates=True).learnt(
        Examples(X, arm, reward)
    )
    new = old.carried(groups=np.array([2, -1, 0]), features=np.array([3, -1, 1]))
    assert_allclose(new.coef[[0, 2]][:, [1, 3]], old.coef[[2, 0]][:, [4, 2]])
    assert (new.coef[:, 2] == 0).all()
    assert_allclose(new.precision[:, 2], 1.0)
    assert_allclose(new.precision[1], 1.0)
    assert_allclose(new.weight, np.bincount(arm)[[2, 1, 0]] * [1, 0, 1])
    assert_allclose(new.residual_square[[0, 2]], old.residual_square[[2, 0]])
    shares = np.array([[0.5, 0.0, 0.5], [0.1, 0.0, 0.2]])
    taught = old.carried(groups=np.array([0, 1, 2, -1, -1]), shares=shares)
    for name in ("gram", "moment", "weight", "residual_square", "reward_sum", "reward_square"):
        ours, theirs = getattr(taught, name), getattr(old, name)
        assert_allclose(ours[:3], theirs, rtol=1e-12, err_msg=name)
        assert_allclose(ours[3:], np.tensordot(shares, theirs, axes=1), rtol=1e-9, err_msg=name)


def test_csr_in_any_form_is_learnt_alike():
    """Entries in any order, doubled, zero, in single precision; rows without any."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((50, 300)) < 0.02, rng.integers(1, 5, (50, 300)), 0).astype(float)
    X[7] = 0.0
    clean = sparse.csr_array(X)
    doubled = sparse.csr_array(
        (np.repeat(clean.data / 2, 2), np.repeat(clean.indices, 2), 2 * clean.indptr), X.shape
    )
    backwards = sparse.csr_array((clean.data.copy(), clean.indices.copy(), clean.indptr), X.shape)
    for row in range(50):
        part = slice(clean.indptr[row], clean.indptr[row + 1])
        backwards.data[part] = clean.data[part][::-1]
        backwards.indices[part] = clean.indices[part][::-1]
    zeros = sparse.csr_array(sparse.coo_array(X))
    zeros = sparse.csr_array(zeros + 0.0 * sparse.csr_array(np.roll(X, 1, axis=1)))
    arm, reward = rng.integers(0, 2, 50), rng.normal(size=50)
    empty = DiagonalRegression.empty(2, 300, intercept=True, locates=True)
    expected = empty
    for part in (slice(0, 7), slice(7, 8), slice(8, 9), slice(9, 50)):
        expected = expected.learnt(Examples(X[part], arm[part], reward[part]))
    for rows in (clean, doubled, backwards, zeros, clean.astype(np.float32)):
        bytes_before = rows.data.tobytes(), rows.indices.tobytes()
        ours = empty
        for part in (slice(0, 7), slice(7, 8), slice(8, 9), slice(9, 50)):
            ours = ours.learnt(Examples(rows[part], arm[part], reward[part]))
        for question in ("mean", "quadratic"):
            theirs = getattr(expected, question)(X)
            for some in (slice(None), slice(3, 4), slice(7, 8)):
                answer = getattr(ours, question)(rows[some])
                assert_allclose(answer, theirs[some], rtol=1e-9, atol=1e-12)
        assert (rows.data.tobytes(), rows.indices.tobytes()) == bytes_before


def test_a_round_touches_its_columns_alone():
    """Of 100,000 columns a round has 60: what is new is at most 60 pages."""
    rng = np.random.default_rng(0)
    X = sparse.random_array((300, 100_000), density=6e-4, random_state=rng, format="csr")
    arm, reward = rng.integers(0, 3, 300), rng.normal(size=300)
    old = DiagonalRegression.empty(3, 100_000).learnt(Examples(X, arm, reward))
    new = old.learnt(Examples(X[[0]], arm[:1], reward[:1]))
    before = [page for sheet in old.columns._sheets for page in sheet]
    after = [page for sheet in new.columns._sheets for page in sheet]
    changed = sum(one is not other for one, other in zip(before, after, strict=True))
    assert 0 < changed <= X[[0]].nnz
    assert "coef" not in new._derived
    new.mean(X[[0]])
    new.quadratic(X[[0]])
    assert not new._derived
    assert_allclose(pickle.loads(pickle.dumps(new)).coef, new.coef)
