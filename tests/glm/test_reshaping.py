"""More and fewer arms and features, transfer, shards, pickles."""

import pickle
import pickletools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skbandit.glm import (
    LogisticThompsonSampling,
    LogisticUCB,
    PoissonThompsonSampling,
    PoissonUCB,
)
from skbandit.linear import LinearUCB
from skbandit.transfer import merge, transfer

UCB = {"logistic": LogisticUCB, "poisson": PoissonUCB}
THOMPSON = {"logistic": LogisticThompsonSampling, "poisson": PoissonThompsonSampling}
VARIANTS = [
    (kind, options)
    for kind in UCB
    for options in (
        {},
        {"precision": "diagonal"},
        {"arm_model": "hybrid"},
        {"forgetting": 0.99},
        {"prior": "hierarchical"},
        {"fit_intercept": False},
    )
]
VARIANT = pytest.mark.parametrize("variant", VARIANTS, ids=str)


def make(variant, **further):
    kind, options = variant
    return THOMPSON[kind](**options, random_state=5, **further)


def assert_alike(one, other, X, rtol=1e-8):
    assert one.classes_.tolist() == other.classes_.tolist()
    for ours, theirs in zip(
        one.expected_reward(X, return_std=True),
        other.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=rtol)
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-7)
    assert np.array_equal(one.predict(X), other.predict(X))


@VARIANT
@pytest.mark.parametrize("n_samples", [60, 1200])
def test_adding_an_arm_is_having_known_it(variant, n_samples, draw_rounds):
    """Also while rounds are kept to be learnt anew, and when both learn on."""
    X, arm, reward = draw_rounds(variant[0], n_samples=n_samples)
    known = make(variant, arms=[0, 1, 2, 3]).fit(X, arm, reward)
    added = make(variant, arms=[0, 1, 2]).fit(X, arm, reward).add_arms([3])
    assert_alike(added, known, X)
    for bandit in (known, added):
        bandit.partial_fit(X[:20], np.where(np.arange(20) % 2, 3, arm[:20]), reward[:20])
    assert_alike(added, known, X)


@VARIANT
def test_expanding_is_having_had_zeros(variant, draw_rounds):
    X, arm, reward = draw_rounds(variant[0], n_samples=100)
    wide = np.column_stack([X, np.zeros((100, 2))])
    had = make(variant).fit(wide, arm, reward)
    expanded = make(variant).fit(X, arm, reward).expand_features(2)
    assert_alike(expanded, had, wide)
    more = np.random.default_rng(0).normal(size=(30, 5))
    for bandit in (had, expanded):
        bandit.partial_fit(more, arm[:30], reward[:30])
    assert_alike(expanded, had, more)


@pytest.mark.parametrize("kind", ["logistic", "poisson"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("n_samples", [60, 1200])
@pytest.mark.parametrize("dropped", [[0], [2], [0, 1]])
def test_dropping_is_marginalising(kind, precision, n_samples, dropped, draw_rounds):
    """Means and covariances of the others stay, and what comes starts from there."""
    X, arm, reward = draw_rounds(kind, n_samples=n_samples)
    bandit = UCB[kind](precision=precision).fit(X, arm, reward)
    smaller = bandit.drop_features(dropped)
    kept = np.setdiff1d(np.arange(3), dropped)
    terms = np.append(0, kept + 1)
    assert_allclose(smaller.coef_, bandit.coef_[:, kept], rtol=1e-7, atol=1e-10)
    assert_allclose(smaller.intercept_, bandit.intercept_, rtol=1e-7)
    expected = bandit.covariance_[:, terms]
    expected = expected if precision == "diagonal" else expected[:, :, terms]
    assert_allclose(smaller.covariance_, expected, rtol=1e-6, atol=1e-12)
    before = smaller.coef_
    smaller.partial_fit(X[:30, kept], arm[:30], reward[:30])
    assert np.abs(smaller.coef_ - before).max() > 1e-4
    assert (
        smaller.covariance_[0] if precision == "diagonal" else np.diagonal(smaller.covariance_[0])
    )[0] < expected[0].ravel()[0]


@VARIANT
def test_an_arm_that_starts_from_another(variant, draw_rounds):
    X, arm, reward = draw_rounds(variant[0])
    bandit = make(variant).fit(X, arm, reward)
    one = bandit.add_arms([3], init=1)
    mean, std = one.expected_reward(X, return_std=True)
    assert_allclose(mean[:, 3], mean[:, 1], rtol=1e-9)
    assert_allclose(std[:, 3], std[:, 1], rtol=1e-9)
    average = bandit.add_arms([3], init="mean")
    assert_allclose(average.gram_[3], bandit.gram_.mean(axis=0), rtol=1e-9, atol=1e-12)
    assert_allclose(average.moment_[3], bandit.moment_.mean(axis=0), rtol=1e-9, atol=1e-12)
    part = bandit.add_arms([3, 4], init={3: {0: 0.5, 2: 0.25}, 4: {1: 0.5}})
    shares = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.0]])
    for name in ("gram_", "moment_", "weight_", "reward_sum_"):
        expected = np.tensordot(shares, getattr(bandit, name), axes=1)
        assert_allclose(getattr(part, name)[3:], expected, rtol=1e-9, atol=1e-12)


@VARIANT
def test_removed_and_added_again_is_cold(variant, draw_rounds):
    X, arm, reward = draw_rounds(variant[0])
    bandit = make(variant).fit(X, arm, reward)
    again = bandit.remove_arms([0]).add_arms([0])
    assert not again.gram_[2].any()
    assert again.weight_.tolist()[2] == 0.0
    again.partial_fit(X[:5], np.zeros(5, dtype=int), reward[:5])
    assert_allclose(again.weight_[2], 5.0, rtol=0.05)


@pytest.mark.parametrize("kind", ["logistic", "poisson"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_merging_is_the_product_of_posteriors(kind, precision, draw_rounds):
    """Natural parameters add up, the prior counts once."""
    X, arm, reward = draw_rounds(kind, n_samples=900)
    shards = [
        UCB[kind](precision=precision).fit(X[i::3], arm[i::3], reward[i::3]) for i in range(3)
    ]
    whole, merged = UCB[kind](precision=precision).fit(X, arm, reward), merge(shards)
    assert_allclose(merged.gram_, sum(shard.gram_ for shard in shards), rtol=1e-10)
    assert_allclose(merged.moment_, sum(shard.moment_ for shard in shards), rtol=1e-10)
    assert_allclose(merged.location_, whole.location_, rtol=1e-12)
    if precision == "full":
        std = np.sqrt(np.diagonal(whole.covariance_, axis1=1, axis2=2))[:, 1:]
        assert np.abs((merged.coef_ - whole.coef_) / std).max() < 0.5
    merged.partial_fit(X[:40], arm[:40], reward[:40])


def test_shards_of_a_sequence_are_refused(draw_rounds):
    X, arm, reward = draw_rounds("logistic")
    bandit = LogisticUCB(forgetting=0.9).fit(X, arm, reward)
    with pytest.raises(ValueError, match="merged"):
        merge([bandit, bandit])


def test_transfer_between_likelihoods_is_refused(draw_rounds):
    X, arm, reward = draw_rounds("logistic")
    bandit = LogisticUCB().fit(X, arm, reward)
    other = transfer(bandit, LogisticThompsonSampling())
    assert_allclose(other.coef_, bandit.coef_)
    for template in (PoissonUCB(), LinearUCB(), LogisticUCB(fit_intercept=False)):
        with pytest.raises(ValueError, match="cannot be carried"):
            transfer(bandit, template)


@VARIANT
def test_pickles(variant, draw_rounds):
    """They decide and learn on alike, and name no module that may move."""
    X, arm, reward = draw_rounds(variant[0])
    bandit = make(variant).fit(X, arm, reward)
    stored = pickle.dumps(bandit)
    twin = pickle.loads(stored)
    for one in (bandit, twin):
        one.partial_fit(X[:9], arm[:9], reward[:9])
    assert_alike(twin, bandit, X)
    words = [argument for _, argument, _ in pickletools.genops(stored)]
    paths = {one for one in words if isinstance(one, str) and one.startswith("skbandit")}
    assert paths <= {"skbandit.glm", "skbandit._glm", "skbandit._regression"}


@VARIANT
def test_states_are_never_written_to(variant, draw_rounds):
    X, arm, reward = draw_rounds(variant[0], n_samples=900)
    bandit = make(variant, arms=[0, 1, 2])
    for start in range(0, 300, 50):
        rows = slice(start, start + 50)
        bandit.partial_fit(X[rows], arm[rows], reward[rows])
    state, gram, moment = bandit.state_, bandit.gram_, bandit.moment_
    coef = bandit.coef_
    bandit.partial_fit(X[300:], arm[300:], reward[300:])
    assert bandit.state_ is not state
    old = make(variant, arms=[0, 1, 2]).fit(X[:1], arm[:1], reward[:1])
    old.state_ = state
    old._forget_cache()
    assert np.array_equal(old.gram_, gram)
    assert np.array_equal(old.moment_, moment)
    assert np.array_equal(old.coef_, coef)
    with pytest.raises(AttributeError, match="never changes"):
        state.weight = None
