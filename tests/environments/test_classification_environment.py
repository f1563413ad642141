"""A classification data set as an environment."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone

from skbandit.environments import ClassificationEnvironment

N_ROWS = 60
LABELS = np.array(["b", "c", "a"])


@pytest.fixture
def data():
    """Rows that name themselves in their first column."""
    rng = np.random.RandomState(0)
    X = np.column_stack([np.arange(N_ROWS), rng.standard_normal(N_ROWS)])
    return X, LABELS[rng.randint(3, size=N_ROWS)]


def check_rounds(rounds, y, right, wrong):
    """Every row's reward names its class; returns the rows that were played."""
    rows = np.asarray(rounds.contexts)[:, 0].astype(int)
    for row, reward in zip(rows, rounds.reward, strict=True):
        by_hand = [right if y[row] == arm else wrong for arm in ("a", "b", "c")]
        assert reward.tolist() == by_hand
    np.testing.assert_array_equal(rounds.reward, rounds.expected)
    return rows


def test_rows_are_played_once_in_random_order(data):
    X, y = data
    environment = ClassificationEnvironment(X, y, reward_right=2.0, reward_wrong=-1.0)
    assert environment.arms.tolist() == ["a", "b", "c"]
    assert environment.n_features == 2
    rows = check_rounds(environment.sample(N_ROWS, random_state=0), y, 2.0, -1.0)
    assert sorted(rows) == list(range(N_ROWS))
    assert rows.tolist() != list(range(N_ROWS))
    few = check_rounds(environment.sample(10, random_state=0), y, 2.0, -1.0)
    assert few.tolist() == rows[:10].tolist()


def test_without_shuffling_the_order_is_kept(data):
    X, y = data
    environment = ClassificationEnvironment(X, y, shuffle=False)
    assert check_rounds(environment.sample(7), y, 1.0, 0.0).tolist() == list(range(7))


def test_with_replacement(data):
    X, y = data
    environment = ClassificationEnvironment(X, y, replace=True)
    rows = check_rounds(environment.sample(100 * N_ROWS, random_state=1), y, 1.0, 0.0)
    counts = np.bincount(rows, minlength=N_ROWS)
    # Poisson-like counts of mean 100: all within six standard deviations, and not all alike.
    assert (np.abs(counts - 100) < 60).all()
    assert counts.std() > 5


def test_too_many_rounds(data):
    environment = ClassificationEnvironment(*data)
    with pytest.raises(ValueError, match=r"n_rounds=61 is more than the 60 rows.*replace=True"):
        environment.sample(N_ROWS + 1)


@pytest.mark.parametrize(
    "make",
    [
        np.ndarray.tolist,
        sparse.csc_matrix,
        sparse.csr_array,
        lambda X: pd.DataFrame(X, columns=["row", "z"], index=np.arange(N_ROWS)[::-1]),
        lambda X: pl.DataFrame(X, schema=["row", "z"]),
    ],
    ids=["list", "csc", "csr", "pandas", "polars"],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_kinds_of_contexts(data, make, shuffle):
    X, y = data
    plain = ClassificationEnvironment(X, y, shuffle=shuffle).sample(20, random_state=0)
    given = make(X)
    environment = ClassificationEnvironment(given, y, shuffle=shuffle)
    assert environment.n_features == 2
    rounds = environment.sample(20, random_state=0)
    if not isinstance(given, list):
        kind = sparse.csr_matrix if isinstance(given, sparse.csc_matrix) else type(given)
        assert isinstance(rounds.contexts, kind)
    contexts = rounds.contexts
    contexts = contexts.toarray() if sparse.issparse(contexts) else np.asarray(contexts)
    np.testing.assert_array_equal(contexts, plain.contexts)
    np.testing.assert_array_equal(rounds.reward, plain.reward)


def test_is_a_parameter_object(data):
    X, y = data
    environment = ClassificationEnvironment(X, y, shuffle=False)
    assert environment.get_params()["X"] is X
    copy = clone(environment).set_params(reward_wrong=-1.0)
    assert environment.reward_wrong == 0.0
    assert copy.sample(1).reward.min() == -1.0
    assert repr(environment).startswith("ClassificationEnvironment(")
    with pytest.raises(TypeError):
        ClassificationEnvironment(X, y, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shuffle": False, "replace": True}, "replace=True draws rows at random"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"y": np.linspace(0, 1, N_ROWS)}, "Unknown label type: continuous"),
    ],
)
def test_bad_parameters(data, options, message):
    X, y = data
    environment = ClassificationEnvironment(X, options.pop("y", y), **options)
    with pytest.raises(ValueError, match=message):
        environment.sample(2)


@pytest.mark.parametrize(
    ("n_rounds", "error"), [(0, ValueError), (1.5, TypeError), (None, TypeError)]
)
def test_bad_n_rounds(data, n_rounds, error):
    with pytest.raises(error, match="n_rounds"):
        ClassificationEnvironment(*data).sample(n_rounds)


def test_bad_reward(data):
    with pytest.raises(TypeError, match="reward_right"):
        ClassificationEnvironment(*data, reward_right="1").sample(2)
