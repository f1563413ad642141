"""Contexts that nobody looks at: with columns or without, numbers or texts."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skbandit.base import make_log
from skbandit.contextfree import (
    KLUCB,
    UCB1,
    BetaThompsonSampling,
    Exp3,
    GaussianThompsonSampling,
    TopTwoThompsonSampling,
    UniformBandit,
)
from skbandit.utils.estimator_checks import check_bandit

KINDS = pytest.mark.parametrize(
    "kind",
    [
        BetaThompsonSampling,
        Exp3,
        GaussianThompsonSampling,
        KLUCB,
        TopTwoThompsonSampling,
        UCB1,
        UniformBandit,
    ],
)
CONTEXTS = {
    "no columns": np.empty((6, 0)),
    "a frame without columns": pd.DataFrame(index=range(6)),
    "CSR without columns": sparse.csr_array((6, 0)),
    "texts": ["a", "b", "c", "d", "e", "f"],
    "an array of texts": np.array(["a", "b", "c", "d", "e", "f"]),
    "lists of mixed kinds": [[1, "a"]] * 6,
    "missing and infinite numbers": np.array([[np.nan, np.inf]] * 6),
    "a mixed frame": pd.DataFrame({"a": ["x", None] * 3, "b": range(6)}),
    "one axis": np.arange(6.0),
    "three axes": np.zeros((6, 2, 2)),
    "dates": pd.DataFrame({"day": pd.date_range("2020-01-01", periods=6)}),
}
ARMS, REWARD = ["a", "b", "c"] * 2, [0.0, 1.0, 0.5, 0.25, 1.0, 0.0]


@KINDS
@pytest.mark.parametrize("what", CONTEXTS)
def test_rows_of_any_kind(kind, what):
    X = CONTEXTS[what]
    bandit = kind(random_state=0).fit(X, ARMS, reward=REWARD)
    bare = kind(random_state=0).fit(np.empty((6, 0)), ARMS, reward=REWARD)
    assert_array_equal(bandit.predict_proba(X), bare.predict_proba(np.empty((6, 0))))
    played, propensity = bandit.predict(X, return_propensity=True)
    assert played.shape == propensity.shape == (6,)
    bandit.partial_fit(X, make_log(played, np.ones(6), propensity))
    # Rows without columns tell as much at any time.
    assert bandit.predict_proba(np.empty((2, 0))).shape == (2, 3)
    assert bandit.add_arms(["d"]).predict_proba(X).shape == (6, 4)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        bandit.predict(np.empty((0, 0)))


@KINDS
def test_rows_without_columns_are_told_apart_by_their_place(kind):
    bandit = kind(arms=list("abcd"), random_state=0)
    decisions = bandit.predict(np.empty((200, 0)))
    assert set(decisions) == set("abcd")
    assert_array_equal(bandit.predict(np.empty((50, 0))), decisions[:50])
    shorter = pd.DataFrame(index=range(50))
    assert_array_equal(bandit.predict(shorter), decisions[:50])


@KINDS
def test_columns_come_and_go(kind):
    bandit = kind(arms=["a", "b"]).fit(np.ones((2, 3)), ["a", "b"], reward=[0.0, 1.0])
    assert bandit.n_features_in_ == 3
    for X in (np.empty((4, 0)), pd.DataFrame(index=range(4)), ["text"] * 4):
        assert bandit.predict(X).shape == (4,)
    with pytest.raises(ValueError, match="expecting 3 features"):
        bandit.predict(np.ones((4, 2)))
    assert bandit.expand_features(2).n_features_in_ == 5
    assert bandit.drop_features([0]).n_features_in_ == 2
    bandit.fit(["text"] * 2, ["a", "b"], reward=[0.0, 1.0])
    assert not hasattr(bandit, "n_features_in_")
    with pytest.raises(ValueError, match="expand_features does not apply"):
        bandit.expand_features(1)


@KINDS
def test_policy_is_the_same_in_all_rows_and_under_each_mask(kind):
    bandit = kind().fit(np.empty((6, 0)), ARMS, reward=REWARD)
    rng = np.random.default_rng(0)
    mask = rng.random((40, 3)) < 0.6
    mask[np.arange(40), rng.integers(3, size=40)] = True
    policy = bandit.predict_proba(np.empty((40, 0)), available=mask)
    alone = [bandit.predict_proba(np.empty((1, 0)), available=row[None])[0] for row in mask]
    assert_allclose(policy, alone, atol=1e-12)


def visitors(n_samples, rng):
    names = [f"visitor {number}" for number in rng.randint(10**6, size=n_samples)]
    return pd.DataFrame({"name": names})


@KINDS
def test_contract_on_texts(kind):
    check_bandit(kind(), contexts=visitors, on_skip=None)
