"""More arms, fewer arms, more features, fewer features: what each means, exactly."""

import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skbandit.linear import LinearThompsonSampling, LinearUCB

SUMS = ("gram_", "moment_", "weight_", "residual_square_", "reward_square_")


def sums_of(bandit):
    """Names of the sums that a bandit keeps."""
    return [name for name in SUMS if hasattr(bandit, name)]


VARIANTS = [
    (Bandit, {"precision": precision, "noise": noise, "arm_model": arm_model})
    for Bandit in (LinearUCB, LinearThompsonSampling)
    for precision, arm_model in (
        ("full", "disjoint"),
        ("diagonal", "disjoint"),
        ("full", "hybrid"),
    )
    for noise in ("fixed", "learnt")
]


def name_of(variant):
    Bandit, options = variant
    return "-".join([Bandit.__name__, *options.values()])


VARIANT = pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
# Whose state is a sum over rounds.
SUM = pytest.mark.parametrize(
    "variant", [one for one in VARIANTS if one[1]["precision"] == "full"], ids=name_of
)


def make(variant, **further):
    Bandit, options = variant
    return Bandit(**options, noise_std=0.7, random_state=13, **further)


def assert_alike(one, other, X, rtol=1e-10):
    """Same state, same belief, same policy, same decisions."""
    assert one.classes_.tolist() == other.classes_.tolist()
    for name in sums_of(one):
        expected = getattr(other, name)
        atol = rtol * np.abs(expected).max(initial=0)
        assert_allclose(getattr(one, name), expected, rtol=rtol, atol=atol, err_msg=name)
    for ours, theirs in zip(
        one.expected_reward(X, return_std=True),
        other.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-9)
    # The total weight learnt is the key of the draws.
    same_draws = copy.copy(one)
    same_draws.learnt_weight_ = other.learnt_weight_
    assert np.array_equal(same_draws.predict(X), other.predict(X))


# ------------------------------------------------------------------------- arms
@VARIANT
@pytest.mark.parametrize("later", [0, 1, 40])
def test_adding_an_arm_is_having_known_it(variant, later, rounds):
    """And so it stays when both learn on, with the new arm too."""
    X, arm, reward = rounds()
    known = make(variant, arms=[0, 1, 2, 3]).fit(X[:60], arm[:60], reward[:60])
    added = make(variant, arms=[0, 1, 2]).fit(X[:60], arm[:60], reward[:60]).add_arms([3])
    assert added.arms == [0, 1, 2, 3]
    assert added.learnt_weight_ == 60.0
    if later:
        rows = slice(60, 60 + later)
        y = np.where(np.arange(later) % 2, 3, arm[rows])
        for bandit in (known, added):
            bandit.partial_fit(X[rows], y, reward[rows])
    assert_alike(added, known, X)


@VARIANT
def test_add_arms_leaves_the_bandit_alone(variant, rounds):
    X, arm, reward = rounds()
    bandit = make(variant).fit(X, arm, reward)
    before = bandit.predict_proba(X), {n: getattr(bandit, n).copy() for n in sums_of(bandit)}
    new = bandit.add_arms([3], init="mean")
    new.partial_fit(X, np.full(120, 3), reward)
    assert bandit.classes_.tolist() == [0, 1, 2]
    assert bandit.arms is None
    assert np.array_equal(bandit.predict_proba(X), before[0])
    for name, value in before[1].items():
        assert np.array_equal(getattr(bandit, name), value)


@SUM
@pytest.mark.parametrize("init", ["mean", 1, {0: 0.5, 2: 0.2}])
def test_an_arm_that_starts_from_others(variant, init, rounds):
    """As if the new arm had had their rounds, each with the weight of its arm."""
    X, arm, reward = rounds(shift=3.0)
    added = make(variant).fit(X, arm, reward).add_arms([3], init=init)
    weights = {"mean": dict.fromkeys(range(3), 1 / 3), "1": {1: 1.0}}.get(str(init), init)
    share = np.array([weights.get(one, 0.0) for one in range(3)])[arm]
    taught = np.flatnonzero(share)
    weight = np.concatenate([np.ones(120), share[taught]])
    rows = np.concatenate([np.arange(120), taught])
    y = np.concatenate([arm, np.full(len(taught), 3)])
    played = make(variant, arms=[0, 1, 2, 3])
    played.fit(X[rows], y, reward[rows], sample_weight=weight)
    assert_alike(added, played, X, rtol=1e-9)


@pytest.mark.parametrize("precision", ["full", "diagonal"])
def test_two_arms_from_the_mean_are_alike(precision, rounds):
    X, arm, reward = rounds()
    bandit = LinearUCB(precision=precision).fit(X, arm, reward).add_arms([3, 4], init="mean")
    score = bandit.decision_function(X)
    assert_allclose(score[:, 3], score[:, 4], rtol=1e-12)


@SUM
def test_removing_an_arm_forgets_it(variant, rounds):
    X, arm, reward = rounds(shift=3.0)
    smaller = make(variant).fit(X, arm, reward).remove_arms([1])
    assert smaller.arms == [0, 2]
    own = arm != 1
    never = make(variant).fit(X[own], arm[own], reward[own])
    assert_alike(smaller, never, X, rtol=1e-9)


@VARIANT
def test_removed_and_added_again_is_cold(variant, rounds):
    X, arm, reward = rounds()
    bandit = make(variant, noise_prior=(3.0, 2.0)).fit(X, arm, reward)
    again = bandit.remove_arms([0]).add_arms([0])
    assert again.classes_.tolist() == [1, 2, 0]
    assert not again.gram_[2].any()
    if variant[1]["arm_model"] == "disjoint":
        std = again.expected_reward(X, return_std=True)[1][:, 2]
        variance = 0.49 if variant[1]["noise"] == "fixed" else 1.0
        assert_allclose(std, np.sqrt(variance * (1 + np.sum(X**2, axis=1))))


# --------------------------------------------------------------------- features
def widened(X, n=2):
    return np.column_stack([X, np.zeros((len(X), n))])


@VARIANT
@pytest.mark.parametrize("later", [0, 1, 40])
def test_expanding_is_having_had_zeros(variant, later, rounds):
    X, arm, reward = rounds()
    more = np.random.default_rng(0).normal(size=(120, 2))
    had = make(variant, arms=[0, 1, 2]).fit(widened(X[:60]), arm[:60], reward[:60])
    expanded = make(variant, arms=[0, 1, 2]).fit(X[:60], arm[:60], reward[:60]).expand_features(2)
    assert expanded.n_features_in_ == 6
    rows = slice(60, 60 + later)
    if later:
        for bandit in (had, expanded):
            bandit.partial_fit(np.column_stack([X, more])[rows], arm[rows], reward[rows])
    assert_alike(expanded, had, np.column_stack([X, more]))


@VARIANT
def test_expanding_changes_no_decision_on_old_rows(variant, rounds):
    """Scores, policies and decisions, to the last rounding; also those that draws decide."""
    X, arm, reward = rounds()
    bandit = make(variant).fit(X, arm, reward)
    expanded = bandit.expand_features(3)
    wide = widened(X, 3)
    assert_allclose(
        expanded.decision_function(wide), bandit.decision_function(X), rtol=1e-11, atol=1e-13
    )
    assert_allclose(expanded.predict_proba(wide), bandit.predict_proba(X), atol=1e-11)
    assert np.array_equal(expanded.predict(wide), bandit.predict(X))
    std = bandit.expected_reward(X, return_std=True)[1]
    assert_allclose(expanded.expected_reward(wide, return_std=True)[1], std, rtol=1e-11)


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_expanding_a_shared_model(noise):
    rng = np.random.default_rng(0)
    X, index = rng.normal(size=(80, 4, 3)), rng.integers(0, 4, 80)
    reward = X[np.arange(80), index] @ [1.0, 2.0, 0.0] + rng.normal(size=80)
    bandit = LinearThompsonSampling(arm_model="shared", noise=noise, random_state=0)
    bandit.fit(X, index, reward)
    wide = np.concatenate([X, np.zeros((80, 4, 1))], axis=2)
    expanded = bandit.expand_features(1)
    assert_allclose(expanded.predict_proba(wide), bandit.predict_proba(X), atol=1e-11)
    assert np.array_equal(expanded.predict(wide), bandit.predict(X))
    had = LinearThompsonSampling(arm_model="shared", noise=noise, random_state=0)
    had.fit(wide, index, reward)
    assert_alike(expanded, had, rng.normal(size=(9, 4, 4)))


@pytest.mark.parametrize("Bandit", [LinearUCB, LinearThompsonSampling])
@pytest.mark.parametrize("noise", ["fixed", "learnt"])
@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("dropped", [[0], [3], [1, 2]])
@pytest.mark.parametrize("intercept", [True, False])
def test_dropping_is_marginalising(Bandit, noise, precision, dropped, intercept, rounds):
    """What is believed about the others does not change: mean and covariance blocks."""
    X, arm, reward = rounds()
    bandit = Bandit(noise=noise, precision=precision, fit_intercept=intercept)
    bandit.fit(X, arm, reward)
    smaller = bandit.drop_features(dropped)
    kept = np.setdiff1d(np.arange(4), dropped)
    terms = np.concatenate([[0], kept + 1]) if intercept else kept
    assert smaller.n_features_in_ == len(kept)
    assert_allclose(smaller.coef_, bandit.coef_[:, kept], rtol=1e-8, atol=1e-12)
    assert_allclose(smaller.intercept_, bandit.intercept_, rtol=1e-8, atol=1e-12)
    assert_allclose(smaller.noise_variance_, bandit.noise_variance_, rtol=1e-12)
    if precision == "diagonal":
        assert_allclose(smaller.covariance_, bandit.covariance_[:, terms])
    else:
        block = bandit.covariance_[:, terms[:, None], terms]
        assert_allclose(smaller.covariance_, block, rtol=1e-7, atol=1e-13)
    # Rows where the dropped features are 0 are believed to pay what they were.
    rows = X.copy()
    rows[:, dropped] = 0
    for ours, theirs in zip(
        smaller.expected_reward(X[:, kept], return_std=True),
        bandit.expected_reward(rows, return_std=True),
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("noise", ["fixed", "learnt"])
def test_learning_after_dropping_starts_from_the_marginal(noise, rounds):
    """The marginal is the prior of what comes: Bayes' rule by dense matrices."""
    X, arm, reward = rounds()
    bandit = LinearUCB(noise=noise, noise_prior=(2.0, 1.0)).fit(X[:60], arm[:60], reward[:60])
    smaller = bandit.drop_features([1])
    terms = [0, 1, 3, 4]
    Z = np.column_stack([np.ones(60), X[60:, [0, 2, 3]]])
    late = arm[60:]
    for size in (1, 60):
        learnt = smaller.add_arms([9])
        for start in range(0, 60, size):
            rows = slice(60 + start, 60 + start + size)
            learnt.partial_fit(X[rows][:, [0, 2, 3]], arm[rows], reward[rows])
        for a in range(3):
            own = late == a
            scale = bandit.noise_variance_[a if noise == "learnt" else 0]
            covariance = bandit.covariance_[a][np.ix_(terms, terms)] / scale
            mean = np.concatenate([bandit.intercept_[[a]], bandit.coef_[a, [0, 2, 3]]])
            precision = np.linalg.inv(covariance) + Z[own].T @ Z[own]
            moment = np.linalg.solve(covariance, mean) + Z[own].T @ reward[60:][own]
            new = np.linalg.solve(precision, moment)
            theta = np.concatenate([learnt.intercept_[[a]], learnt.coef_[a]])
            assert_allclose(theta, new, rtol=1e-7)
            if noise == "learnt":
                move = new - mean
                added = move @ np.linalg.solve(covariance, move)
                added += np.sum((reward[60:][own] - Z[own] @ new) ** 2)
                expected = bandit.residual_square_[a] + added
                assert_allclose(learnt.residual_square_[a], expected, rtol=1e-8)


def test_dropping_from_a_hybrid_model_of_one_arm_is_marginalising(rounds):
    X, _, reward = rounds()
    bandit = LinearUCB(arm_model="hybrid", arms=["only"]).fit(X, np.full(120, "only"), reward)
    smaller = bandit.drop_features([2])
    terms = np.array([0, 1, 2, 4])
    assert_allclose(smaller.coef_, bandit.coef_[:, [0, 1, 3]], rtol=1e-8)
    block = bandit.covariance_[:, terms[:, None], terms]
    assert_allclose(smaller.covariance_, block, rtol=1e-8)


def test_dropping_a_feature_that_no_other_knows_of_is_exact_in_a_hybrid_model(rounds):
    """Uncorrelated with the rest: arms stay coupled through the others only."""
    X, arm, reward = rounds(n_samples=240)
    X = np.column_stack([X, np.zeros(240)])
    bandit = LinearUCB(arm_model="hybrid").fit(X, arm, reward)
    without = LinearUCB(arm_model="hybrid").fit(X[:, :4], arm, reward)
    assert_allclose(bandit.drop_features([4]).coef_, without.coef_, rtol=1e-9)
    assert_allclose(bandit.drop_features([4]).covariance_, without.covariance_, rtol=1e-8)


@VARIANT
def test_dropping_what_was_expanded_is_as_before(variant, rounds):
    X, arm, reward = rounds()
    bandit = make(variant).fit(X, arm, reward)
    assert_alike(bandit.expand_features(2).drop_features([4, 5]), bandit, X, rtol=1e-9)


@pytest.mark.parametrize("lam", [1.0, 1e-9, 1e-25])
@pytest.mark.parametrize("arm_model", ["disjoint", "hybrid"])
def test_dropping_collinear_features(lam, arm_model, rounds):
    X, arm, reward = rounds()
    X = np.column_stack([X, X[:, 0], X[:, 1] + X[:, 2], np.ones(120)]) * 100
    bandit = LinearUCB(prior_precision=lam, arm_model=arm_model).fit(X, arm, reward)
    smaller = bandit.drop_features([0, 4, 6])
    kept = X[:, [1, 2, 3, 5]]
    for _ in range(3):
        smaller.partial_fit(kept[:1], arm[:1], reward[:1])
    mean, std = smaller.expected_reward(kept, return_std=True)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    assert np.isfinite(smaller.noise_variance_).all()


def test_features_by_name(rounds):
    X, arm, reward = rounds()
    frame = pd.DataFrame(X, columns=list("abcd"))
    bandit = LinearUCB().fit(frame, arm, reward)
    expanded = bandit.expand_features(["e"])
    assert expanded.feature_names_in_.tolist() == list("abcde")
    smaller = expanded.drop_features(["b", "e"])
    assert smaller.feature_names_in_.tolist() == list("acd")
    by_position = LinearUCB().fit(X, arm, reward).drop_features([1])
    assert_allclose(
        smaller.decision_function(frame[list("acd")]),
        by_position.decision_function(X[:, [0, 2, 3]]),
    )
    with pytest.raises(ValueError, match="feature names"):
        smaller.decision_function(frame[list("abd")])
