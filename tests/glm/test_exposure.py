"""A column of X that holds the exposure of a round."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skbandit.glm import LogisticUCB, PoissonThompsonSampling, PoissonUCB
from skbandit.transfer import merge, transfer
from skbandit.utils.estimator_checks import check_bandit

BOTH = pytest.mark.parametrize("Bandit", [PoissonUCB, PoissonThompsonSampling])


def make(n_samples=200, seed=0, place=1):
    """Two features and hours between them; two arms."""
    rng = np.random.default_rng(seed)
    features, hours = rng.normal(size=(n_samples, 2)), rng.uniform(0.2, 6.0, size=n_samples)
    arm = rng.integers(0, 2, n_samples)
    rate = np.exp(0.3 + features @ [0.4, -0.2] + 0.5 * arm)
    reward = rng.poisson(rate * hours).astype(float)
    return np.insert(features, place, hours, axis=1), features, hours, arm, reward


@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_the_posterior_with_an_offset(precision, numeric, where):
    """Against the numeric one whose scores have the logarithm of the exposure added."""
    X, features, hours, arm, reward = make()
    if precision == "diagonal":
        # One feature and no constant: nothing is lost with the diagonal.
        X, features = X[:, :2], features[:, :1]
    options = {"precision": precision, "fit_intercept": precision == "full"}
    bandit = PoissonUCB(exposure=1, **options).fit(X, arm, reward)
    level = 0.0
    if precision == "full":
        counts, amount = np.bincount(arm), np.bincount(arm, hours)
        level = where("poisson", np.bincount(arm, reward), amount, counts)
    assert_allclose(bandit.location_, level, rtol=1e-12)
    Z = np.column_stack([np.ones(len(X)), features]) if precision == "full" else features
    prior = np.zeros(Z.shape[1])
    prior[0] = level
    for one in range(2):
        own = arm == one
        offset = np.log(hours[own])
        expected = numeric.laplace("poisson", Z[own], reward[own], prior, offset=offset)
        mode = np.append(bandit.intercept_[one], bandit.coef_[one])[-Z.shape[1] :]
        assert_allclose(mode, expected.mode, rtol=1e-4, atol=1e-5)
        if precision == "full":
            assert_allclose(bandit.covariance_[one], expected.covariance, rtol=1e-4, atol=1e-6)


def test_exposure_equals_repetition():
    """Three hours with five events are three hours with one, four and none of them."""
    X, *_ = make(60)
    rng = np.random.default_rng(1)
    hours = rng.integers(1, 5, size=60)
    row = np.repeat(np.arange(60), hours)
    events = rng.poisson(0.7, size=len(row)).astype(float)
    together = X.copy()
    together[:, 1] = hours
    whole = PoissonUCB(exposure=1, prior_reward=1.0).fit(
        together, ["a"] * 60, np.bincount(row, events)
    )
    apart = X[row]
    apart[:, 1] = 1.0
    pieces = PoissonUCB(exposure=1, prior_reward=1.0).fit(apart, ["a"] * len(row), events)
    assert_allclose(whole.coef_, pieces.coef_, rtol=1e-8)
    assert_allclose(whole.covariance_, pieces.covariance_, rtol=1e-8)
    # Without a word about it, exposures of one are none.
    plain = PoissonUCB(prior_reward=1.0).fit(np.delete(apart, 1, axis=1), ["a"] * len(row), events)
    assert_allclose(pieces.coef_, plain.coef_, rtol=1e-10)


@BOTH
def test_expected_counts_are_proportional(Bandit):
    X, _, _, arm, reward = make()
    bandit = Bandit(exposure=1, random_state=0).fit(X, arm, reward)
    longer = X.copy()
    longer[:, 1] *= 3
    for one, three in zip(
        bandit.expected_reward(X, return_std=True),
        bandit.expected_reward(longer, return_std=True),
        strict=True,
    ):
        assert_allclose(three, 3 * one, rtol=1e-9)
    assert_allclose(bandit.predict_proba(longer), bandit.predict_proba(X), atol=1e-12)


@BOTH
def test_by_name_and_by_position(Bandit):
    X, _, _, arm, reward = make()
    frame = pd.DataFrame(X, columns=["age", "hours", "rain"])
    named = Bandit(exposure="hours", random_state=0).fit(frame, arm, reward)
    placed = Bandit(exposure=1, random_state=0).fit(X, arm, reward)
    assert_allclose(named.coef_, placed.coef_, rtol=1e-12)
    assert np.array_equal(named.predict(frame), placed.predict(X))
    assert named.coef_.shape == (2, 2)
    assert named.n_features_in_ == 3


def test_csr():
    X, _, _, arm, reward = make()
    X[:, 0] *= np.random.default_rng(0).random(len(X)) < 0.3
    dense = PoissonUCB(exposure=1, precision="diagonal").fit(X, arm, reward)
    other = PoissonUCB(exposure=1, precision="diagonal").fit(sparse.csr_array(X), arm, reward)
    assert_allclose(other.coef_, dense.coef_, rtol=1e-8)
    assert_allclose(
        other.expected_reward(sparse.csr_matrix(X[:9])), dense.expected_reward(X[:9]), rtol=1e-9
    )


@pytest.mark.parametrize("arm_model", ["shared", "hybrid"])
def test_candidates_have_exposures_of_their_own(arm_model):
    """Two candidates alike but for the exposure pay in its proportion."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3, 3))
    X[..., 2] = rng.uniform(1.0, 2.0, size=(100, 3))
    played = rng.integers(0, 3, 100)
    row = X[np.arange(100), played]
    reward = rng.poisson(row[:, 2] * np.exp(0.5 * row[:, 0]))
    bandit = PoissonThompsonSampling(arm_model=arm_model, exposure=2, random_state=0)
    bandit.fit(X, played, reward)
    twice = X.copy()
    twice[:, 1, 2] *= 2
    mean, other = bandit.expected_reward(X), bandit.expected_reward(twice)
    assert_allclose(other[:, 1], 2 * mean[:, 1], rtol=1e-9)
    assert_allclose(other[:, [0, 2]], mean[:, [0, 2]], rtol=1e-9)
    assert (bandit.predict_proba(twice)[:, 1] >= bandit.predict_proba(X)[:, 1]).all()


def test_reshaping():
    """Its position follows; it can neither go nor become a feature."""
    X, _, _, arm, reward = make()
    bandit = PoissonUCB(exposure=1).fit(X, arm, reward)
    wider = bandit.expand_features(1)
    assert wider.exposure == 1
    padded = np.column_stack([X, np.zeros(len(X))])
    assert_allclose(wider.expected_reward(padded), bandit.expected_reward(X), rtol=1e-10)
    smaller = bandit.drop_features([0])
    assert smaller.exposure == 0
    assert bandit.exposure == 1
    assert_allclose(smaller.coef_, bandit.coef_[:, [1]], rtol=1e-8)
    zero = X.copy()
    zero[:, 0] = 0.0
    assert_allclose(smaller.expected_reward(X[:, 1:]), bandit.expected_reward(zero), rtol=1e-8)
    smaller.partial_fit(X[:5, 1:], arm[:5], reward[:5])
    with pytest.raises(ValueError, match="exposure"):
        bandit.drop_features([1])
    assert_allclose(bandit.add_arms([9]).remove_arms([9]).coef_, bandit.coef_)


def test_reshaping_by_name():
    X, _, _, arm, reward = make()
    frame = pd.DataFrame(X, columns=["age", "hours", "rain"])
    bandit = PoissonUCB(exposure="hours").fit(frame, arm, reward)
    smaller = bandit.drop_features(["age"])
    assert smaller.exposure == "hours"
    assert_allclose(smaller.coef_, bandit.coef_[:, [1]], rtol=1e-8)
    with pytest.raises(ValueError, match="exposure"):
        bandit.drop_features(["hours"])
    # Columns in another order, with one more, and the name says where it is.
    template = PoissonUCB(exposure="hours").fit(
        frame.assign(wind=0.0)[["hours", "wind", "rain", "age"]], arm, reward
    )
    moved = transfer(bandit, template)
    assert_allclose(moved.coef_[:, [1, 2]], bandit.coef_[:, ::-1], rtol=1e-10)
    other = PoissonUCB(exposure="rain").fit(frame.assign(rain=1.0), arm, reward)
    with pytest.raises(ValueError, match="exposure"):
        transfer(bandit, other)
    with pytest.raises(ValueError, match="exposure"):
        transfer(bandit, PoissonUCB().fit(frame, arm, reward))


def test_shards_are_merged():
    X, _, _, arm, reward = make()
    bandits = [PoissonUCB(exposure=1).fit(X[i::2], arm[i::2], reward[i::2]) for i in range(2)]
    whole = PoissonUCB(exposure=1).fit(X, arm, reward)
    merged = merge(bandits)
    assert_allclose(merged.location_, whole.location_, rtol=1e-12)
    assert_allclose(merged.coef_, whole.coef_, atol=0.03)


@pytest.mark.parametrize("n_rounds", [1, 100])
@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_exposures_must_be_positive(bad, n_rounds):
    """In learning and in deciding, in one round and in many."""
    X, _, _, arm, reward = make()
    bandit = PoissonUCB(exposure=1).fit(X, arm, reward)
    wrong = X[:n_rounds].copy()
    wrong[-1, 1] = bad
    for call in (
        lambda: bandit.predict(wrong),
        lambda: bandit.partial_fit(wrong, arm[:n_rounds], reward[:n_rounds]),
        lambda: bandit.expected_reward(sparse.csr_array(wrong).toarray()),
    ):
        with pytest.raises(ValueError, match="exposure must be positive"):
            call()


def test_columns_that_are_not_there():
    X, _, _, arm, reward = make()
    frame = pd.DataFrame(X, columns=["age", "hours", "rain"])
    for exposure, rows, pattern in (
        (3, X, "exposure=3 must be the position"),
        ("hours", X, "no names"),
        ("minutes", frame, "'minutes' must name a column"),
        (0, np.abs(X[:, :1]), "only column"),
    ):
        with pytest.raises(ValueError, match=pattern):
            PoissonUCB(exposure=exposure).fit(rows, arm, reward)
    with pytest.raises(TypeError, match="exposure"):
        LogisticUCB(exposure=1)


def test_it_may_not_change_after_learning():
    X, _, _, arm, reward = make()
    X = np.abs(X) + 0.1
    bandit = PoissonUCB(exposure=1).fit(X, arm, reward)
    bandit.set_params(exposure=0)
    with pytest.raises(ValueError, match="exposure was 1"):
        bandit.predict(X)


def positive_rows(n_samples, rng):
    return rng.uniform(0.3, 2.0, size=(n_samples, 3))


@BOTH
@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"precision": "diagonal"}, marks=pytest.mark.long),
        pytest.param({"forgetting": 0.9}, marks=pytest.mark.long),
    ],
    ids=repr,
)
def test_the_contract_of_a_bandit(Bandit, options):
    results = check_bandit(Bandit(exposure=1, **options), contexts=positive_rows, on_skip=None)
    assert len(results) > 40
