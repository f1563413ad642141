"""Pieces end where the whole ends; nothing that an old regression holds is ever written to."""

import pickle
from threading import Barrier, Thread

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skbandit._regression import (
    DiagonalRegression,
    Examples,
    FullRegression,
    HierarchicalRegression,
    HybridRegression,
)
from skbandit._regression._columns import Columns

KINDS = pytest.mark.parametrize(
    "Kind", [FullRegression, HierarchicalRegression, HybridRegression, DiagonalRegression]
)
# What a diagonal precision learns is no sum: see test_diagonal.py.
SUMS_ONLY = pytest.mark.parametrize(
    "Kind", [FullRegression, HierarchicalRegression, HybridRegression]
)
SUMS = ("moment", "weight", "reward_square", "residual_square")


def assert_same(one, other, X, rtol=1e-9):
    for name in ("gram", *SUMS, "coef", "covariance"):
        ours, theirs = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        atol = rtol * np.abs(theirs).max(initial=0.0)
        assert_allclose(ours, theirs, rtol=rtol, atol=atol, err_msg=name)
    for rows in (X, X[:2], X[:1]):
        mean, form = other.mean(rows), other.quadratic(rows)
        assert_allclose(one.mean(rows), mean, rtol=rtol, atol=rtol * np.abs(mean).max())
        assert_allclose(one.quadratic(rows), form, rtol=rtol)


def in_pieces(regression, cuts, X, arm, reward, weight=None, forgetting=1.0, asked=False):
    for rows in np.split(np.arange(len(X)), cuts):
        w = None if weight is None else weight[rows]
        regression = regression.learnt(Examples(X[rows], arm[rows], reward[rows], w), forgetting)
        if asked:
            regression.quadratic(X[:1])
            regression.quadratic(X)
    return regression


@SUMS_ONLY
@pytest.mark.parametrize("gamma", [1.0, 0.97])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("cuts", [range(1, 120), [60], [1, 2, 5, 6, 10, 50, 51, 52, 118]], ids=str)
def test_pieces_are_the_whole(Kind, gamma, weighted, asked, cuts, rounds):
    X, arm, reward = rounds(shift=2.0)
    weight = np.random.default_rng(0).integers(0, 3, 120).astype(float) if weighted else None
    empty = Kind.empty(4, 4, intercept=True, prior_precision=0.5)
    whole = empty.learnt(Examples(X, arm, reward, weight), gamma)
    pieces = in_pieces(empty, list(cuts), X, arm, reward, weight, gamma, asked)
    assert_same(pieces, whole, X)


@SUMS_ONLY
@pytest.mark.parametrize("full", [False, True])
def test_blocks_are_the_whole(Kind, full, rounds, monkeypatch):
    X, arm, reward = rounds(n_samples=1500)
    weight = np.random.default_rng(0).integers(0, 4, 1500).astype(float)
    examples = Examples(X, arm, None if full else reward, weight)
    whole = Kind.empty(3, 4, intercept=True).learnt(examples)
    for name in ("_BLOCK_BYTES", "_MIN_BLOCK_ROWS"):
        monkeypatch.setattr(f"skbandit._regression._sums.{name}", 100)
    assert_same(Kind.empty(3, 4, intercept=True).learnt(examples), whole, X)


@KINDS
def test_a_round_of_several_rows_fades_the_past_once(Kind, dense, rounds, monkeypatch):
    """Also where a block ends: a round is not cut in two."""
    X, arm, reward = rounds()
    empty = Kind.empty(3, 4, prior_precision=0.5)
    examples = Examples(X, arm, reward, rows_per_round=3)
    monkeypatch.setattr("skbandit._regression._base.block_rows", lambda *sizes: 32)
    ours = empty.learnt(examples, 0.9)
    weight = np.repeat(0.9 ** np.arange(40)[::-1], 3)
    assert_same(ours, empty.learnt(Examples(X, arm, reward, weight)), X)


@SUMS_ONLY
@pytest.mark.parametrize("gamma", [0.6, 0.95])
def test_forgetting_is_weighting_by_age(Kind, gamma, dense, rounds):
    X, arm, reward = rounds(shift=1.0)
    empty = Kind.empty(3, 4, intercept=True)
    ours = in_pieces(empty, [1, 2, 3, 40, 90, 91], X, arm, reward, None, gamma)
    counts = dense.ages(arm, None, gamma)
    assert_same(ours, empty.learnt(Examples(X, arm, reward, counts)), X, rtol=1e-8)


def pages_of(columns):
    return [page for sheet in columns._sheets for page in sheet]


def bytes_of(regression):
    """All arrays that a regression holds, but for what is derived."""
    fields = {name: value for name, value in vars(regression).items() if name != "_derived"}
    return {
        name: [one.tobytes() for one in value] if isinstance(value, tuple) else bytes_or(value)
        for name, value in fields.items()
    }


def bytes_or(value):
    if isinstance(value, Columns):
        return [page.tobytes() for page in pages_of(value)]
    return value.tobytes() if isinstance(value, np.ndarray) else value


@KINDS
@pytest.mark.parametrize("n_features", [4, 80])
@pytest.mark.parametrize("size", [1, 4, 60])
@pytest.mark.parametrize("gamma", [1.0, 0.9])
@pytest.mark.parametrize("full", [False, True])
def test_old_regressions_do_not_change(Kind, n_features, size, gamma, full, rounds):
    """Bytes of the sums, and of every answer; matrices of both sizes of storage."""
    X, arm, reward = rounds(n_features=n_features)
    old = Kind.empty(3, n_features, intercept=True).learnt(Examples(X, arm, reward))
    for way in ("asked", "online"):
        if way == "online":
            old = old.learnt(Examples(X[:1], arm[:1], reward[:1]))
        answers = [old.mean(X[:1]), old.quadratic(X[:1]), old.quadratic(X), old.coef.copy()]
        before = bytes_of(old)
        examples = Examples(X[:size], arm[:size], None if full else reward[:size])
        new = old.learnt(examples, gamma).learnt(examples, gamma)
        new.quadratic(X)
        old.carried(groups=np.array([0, -1]), shares=np.array([[0.5, 0.5, 0.0]])).learnt(
            Examples(X[:size], arm[:size] % 2, reward[:size])
        )
        Kind.merged([old, new])
        assert bytes_of(old) == before
        again = [old.mean(X[:1]), old.quadratic(X[:1]), old.quadratic(X), old.coef]
        for ours, theirs in zip(again, answers, strict=True):
            assert ours.tobytes() == theirs.tobytes()


@KINDS
def test_fields_cannot_be_set(Kind):
    regression = Kind.empty(2, 3)
    with pytest.raises(AttributeError, match="weight cannot be set"):
        regression.weight = np.ones(2)


@KINDS
def test_read_only_arrays_can_learn(Kind, rounds):
    """As they come memory-mapped to joblib's workers."""
    X, arm, reward = rounds()
    old = Kind.empty(3, 4).learnt(Examples(X, arm, reward))
    for value in vars(old).values():
        value = pages_of(value) if isinstance(value, Columns) else value
        for array in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
    for size in (1, 60):
        more = Examples(X[:size], arm[:size], reward[:size])
        assert_same(old.learnt(more), pickle.loads(pickle.dumps(old)).learnt(more), X)


@KINDS
def test_pickles_hold_no_factors(Kind, rounds):
    X, arm, reward = rounds(n_features=30)
    regression = Kind.empty(3, 30, intercept=True).learnt(Examples(X, arm, reward))
    size = len(pickle.dumps(regression))
    regression.quadratic(X)
    regression.mean(X)
    assert len(pickle.dumps(regression)) == size
    assert_same(pickle.loads(pickle.dumps(regression)), regression, X)


@KINDS
def test_no_rows_teach_nothing(Kind):
    regression = Kind.empty(2, 3)
    none = np.empty(0, dtype=int)
    assert regression.learnt(Examples(np.empty((0, 3)), none, np.empty(0))) is regression


@KINDS
@pytest.mark.parametrize("n_rows", [1, 40])
@pytest.mark.parametrize("huge", ["X", "reward"])
def test_squares_that_overflow_are_told(Kind, n_rows, huge, rounds):
    X, arm, reward = rounds()
    old = Kind.empty(3, 4, intercept=True).learnt(Examples(X, arm, reward))
    before = bytes_of(old)
    X, reward = (X * 1e200, reward) if huge == "X" else (X, reward * 1e200)
    with pytest.raises(ValueError, match="squares overflow"):
        old.learnt(Examples(X[:n_rows], arm[:n_rows], reward[:n_rows]))
    assert bytes_of(old) == before


def test_single_rows_touch_the_matrices_of_their_group_alone(rounds):
    X, arm, reward = rounds()
    old = FullRegression.empty(3, 4).learnt(Examples(X, arm, reward))
    new = old.learnt(Examples(X[:1], np.array([1]), reward[:1]))
    assert [ours is theirs for ours, theirs in zip(new.gram, old.gram, strict=True)] == [
        True, False, True,
    ]  # fmt: skip


def test_csr_is_learnt_as_dense(rounds):
    X, arm, reward = rounds()
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.6, 0.0, X)
    empty = DiagonalRegression.empty(3, 4, intercept=True)
    for told in (reward, None):
        dense_one = in_pieces(empty, [50, 51], X, arm, reward).learnt(Examples(X, arm, told))
        rows = sparse.csr_array(X)
        sparse_one = empty
        for part in np.split(np.arange(120), [50, 51]):
            sparse_one = sparse_one.learnt(Examples(rows[part], arm[part], reward[part]))
        sparse_one = sparse_one.learnt(Examples(rows, arm, told))
        assert_same(sparse_one, dense_one, X)


@pytest.mark.parametrize("n_features", [4, 80])
@KINDS
def test_threads_that_ask_at_once_get_the_same_answers(Kind, n_features, rounds):
    """Eight threads derive what nobody has asked for yet, twenty times over."""
    X, arm, reward = rounds(n_features=n_features)
    for trial in range(20):
        regression = Kind.empty(3, n_features, intercept=True).learnt(Examples(X, arm, reward))
        for t in range(trial % 3):
            regression = regression.learnt(Examples(X[[t]], arm[[t]], reward[[t]]))
        alone = pickle.loads(pickle.dumps(regression))
        expected = alone.mean(X), alone.quadratic(X)
        barrier, answers, errors = Barrier(8), [], []

        def ask(number, regression=regression, barrier=barrier, answers=answers, errors=errors):
            try:
                barrier.wait()
                if number % 2:
                    regression.learnt(Examples(X[:1], arm[:1], reward[:1]))
                answers.append((regression.mean(X), regression.quadratic(X)))
            except BaseException as error:
                errors.append(error)

        threads = [Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(answers) == 8
        for answer in answers:
            for ours, theirs in zip(answer, expected, strict=True):
                assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * np.abs(theirs).max())
