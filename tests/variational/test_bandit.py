"""BayesianNeuralBandit: the contract, what it learns, and what its parameters mean."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector
from skbandit.utils.estimator_checks import check_bandit
from skbandit.variational import BayesianNeuralBandit, _bandit

# Beside those of tests/test_common.py.
VARIANTS = {
    "hidden, diagonal": {
        "hidden_units": (3, 3),
        "residual": True,
        "precision": "diagonal",
        "weights": "student_t",
    },
    "hidden, gaussian": {"hidden_units": (3,), "likelihood": "gaussian", "activation": "relu"},
    "gaussian, noise fixed": {"likelihood": "gaussian", "noise": "fixed"},
    "shared, hidden": {"arm_model": "shared", "hidden_units": (3,), "weights": "student_t"},
    "shared, gaussian, diagonal": {
        "arm_model": "shared",
        "likelihood": "gaussian",
        "precision": "diagonal",
        "selector": SoftmaxSelector(),
    },
}


@pytest.mark.parametrize("name", [name for name in VARIANTS if "shared" not in name])
def test_scikit_learn(name):
    results = check_estimator(BayesianNeuralBandit(**VARIANTS[name]), on_skip=None, on_fail=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    skipped = [r["check_name"] for r in results if r["status"] == "skipped"]
    assert set(skipped) <= {"check_array_api_input"}
    assert len(results) > 40


@pytest.mark.parametrize("name", VARIANTS)
def test_contract(name):
    bandit = BayesianNeuralBandit(**VARIANTS[name])
    results = check_bandit(bandit, on_skip=None, on_fail=None)
    assert not {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}


def logistic_rounds(n_samples, n_features=3, n_arms=2, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, n_features))
    weights = rng.standard_normal((n_arms, n_features))
    arm = rng.randint(n_arms, size=n_samples)
    chance = expit((X * weights[arm]).sum(axis=1))
    return X, arm, (rng.uniform(size=n_samples) < chance).astype(np.float64)


# ------------------------------------------------------------------ counting
def test_soft_rewards_are_shares_of_successes_and_failures():
    X, arm, _ = logistic_rounds(30)
    share = np.random.RandomState(1).uniform(size=30)
    soft = BayesianNeuralBandit(arms=[0, 1]).fit(X, arm, reward=share)
    hard = BayesianNeuralBandit(arms=[0, 1]).fit(
        np.repeat(X, 2, axis=0),
        np.repeat(arm, 2),
        reward=np.tile([1.0, 0.0], 30),
        sample_weight=np.stack([share, 1.0 - share], axis=1).ravel(),
    )
    np.testing.assert_allclose(soft.mean_, hard.mean_, atol=1e-7)
    np.testing.assert_allclose(soft.covariance_, hard.covariance_, atol=1e-7)
    np.testing.assert_allclose(soft.successes_, hard.successes_)
    np.testing.assert_allclose(soft.successes_ + soft.failures_, np.bincount(arm))


def test_counts_of_trials():
    """Successes among trials are their share, weighted by the number of trials."""
    X = np.array([[1.0], [-0.5]])
    trials, successes = np.array([7, 4]), np.array([5, 1])
    counted = BayesianNeuralBandit(arms=["a"]).fit(
        X, ["a", "a"], reward=successes / trials, sample_weight=trials
    )
    spelt = np.repeat([1.0, 0.0, 1.0, 0.0], [5, 2, 1, 3])
    single = BayesianNeuralBandit(arms=["a"]).fit(
        np.repeat(X, trials, axis=0), ["a"] * 11, reward=spelt
    )
    np.testing.assert_allclose(counted.mean_, single.mean_, atol=1e-7)
    assert counted.successes_.tolist() == pytest.approx([6.0])
    assert counted.failures_.tolist() == pytest.approx([5.0])
    assert counted.weight_.tolist() == [11.0]


@pytest.mark.parametrize("hidden_units", [(), (4,)])
def test_posterior_becomes_the_prior(hidden_units):
    """No round is counted twice: with known Gaussian noise two calls equal conditioning twice."""
    X, arm, _ = logistic_rounds(40, n_arms=1)
    reward = np.random.RandomState(2).standard_normal(40)
    known = {"arms": [0], "likelihood": "gaussian", "noise": "fixed", "noise_std": 0.5}
    bandit = BayesianNeuralBandit(**known, hidden_units=hidden_units)
    bandit.partial_fit(X[:20], arm[:20], reward[:20])
    before, first = bandit.precision_[0], bandit.state_.reward_unit
    bandit.partial_fit(X[20:], arm[20:], reward[20:])
    added = bandit.precision_[0] - before
    jacobian = bandit._layout().linearize(bandit.mean_[0], bandit._layout().inputs(X[20:]))[1]
    unit = bandit.state_.reward_unit
    # The output's prior follows the rewards' scale; what the rounds add is their information.
    shift = bandit._prior(0, unit, 0.0)[1] - bandit._prior(0, first, 0.0)[1]
    np.testing.assert_allclose(
        added, jacobian.T @ jacobian / 0.25 + np.diag(shift), rtol=1e-5, atol=1e-6
    )


def test_gaussian_rewards_in_pieces_equal_the_whole():
    X, arm, _ = logistic_rounds(60)
    reward = 3.0 * X[:, 0] + arm
    bandit = BayesianNeuralBandit(likelihood="gaussian", noise="fixed", arms=[0, 1])
    whole = clone(bandit).fit(X, arm, reward=reward)
    for part in np.array_split(np.arange(60), 7):
        bandit.partial_fit(X[part], arm[part], reward[part])
    np.testing.assert_allclose(bandit.mean_, whole.mean_, atol=1e-8)
    np.testing.assert_allclose(bandit.covariance_, whole.covariance_, atol=1e-8)


@pytest.mark.parametrize("hidden_units", [(), (4,)])
@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_the_unit_of_gaussian_rewards_does_not_matter(hidden_units, factor):
    X, arm, _ = logistic_rounds(80)
    reward = np.sin(X[:, 0]) + arm + 0.1 * X[:, 1]
    bandits = [
        BayesianNeuralBandit(
            arms=[0, 1], likelihood="gaussian", hidden_units=hidden_units, random_state=0
        )
        for _ in range(2)
    ]
    for bandit, unit in zip(bandits, (1.0, factor), strict=True):
        bandit.partial_fit(X[:9], arm[:9], unit * reward[:9])
        bandit.partial_fit(X[9:], arm[9:], unit * reward[9:])
    expected = [bandit.expected_reward(X, return_std=True) for bandit in bandits]
    for ours, theirs in zip(*expected, strict=True):
        np.testing.assert_allclose(factor * ours, theirs, rtol=1e-4)
    np.testing.assert_allclose(*(b.predict_proba(X) for b in bandits), atol=1e-4)


def test_noise_of_gaussian_rewards_is_learnt():
    rng = np.random.RandomState(0)
    X, arm = rng.standard_normal((20_000, 2)), rng.randint(2, size=20_000)
    reward = X @ [1.0, -1.0] + np.array([0.2, 2.0])[arm] * rng.standard_normal(20_000)
    bandit = BayesianNeuralBandit(likelihood="gaussian").fit(X, arm, reward=reward)
    np.testing.assert_allclose(np.sqrt(bandit.noise_variance_), [0.2, 2.0], rtol=0.05)


# -------------------------------------------------------------------- priors
def test_priors_of_single_arms():
    bandit = BayesianNeuralBandit(
        arms=["a", "b", "c"],
        prior_mean={"b": 2.0},
        prior_std={"c": 0.1},
    )
    mean, std = bandit.expected_reward(np.zeros((1, 2)), return_std=True)
    assert mean[0, 0] == pytest.approx(0.5)
    assert mean[0, 1] > 0.8
    assert std[0, 2] < 0.2 * std[0, 0]
    fitted = bandit.fit(np.ones((1, 2)), ["a"], reward=[1.0])
    np.testing.assert_allclose(fitted.mean_[1], [2.0, 0.0, 0.0])
    np.testing.assert_allclose(np.diag(fitted.covariance_[2]), 0.01)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"prior_std": {0: -1.0}}, "prior_std"),
        ({"prior_mean": {0: np.inf}}, "prior_mean"),
        ({"prior_std": {0: 1.0}, "arm_model": "shared"}, "prior_std"),
        ({"hidden_units": (3, 0)}, "hidden_units"),
        ({"hidden_units": (100, 100)}, "precision='diagonal'"),
        ({"hidden_units": (3, 4), "residual": True}, "one width"),
        ({"categorical_features": {5: 2}}, "categorical_features"),
        ({"categorical_features": {"city": 2}}, "city"),
        ({"categorical_features": {0: 0}}, "categorical_features"),
        ({"dof": 2.0}, "dof"),
    ],
)
def test_bad_parameters(params, message):
    X = np.zeros((2, 2, 2)) if params.get("arm_model") == "shared" else np.zeros((2, 2))
    with pytest.raises(ValueError, match=message):
        BayesianNeuralBandit(arms=[0, 1], **params).fit(X, [0, 1], reward=[0.0, 1.0])


@pytest.mark.parametrize("reward", [-0.1, 1.5])
def test_rewards_outside_the_support(reward):
    bandit = BayesianNeuralBandit(arms=[0])
    with pytest.raises(ValueError, match=r"\[0, 1\].*likelihood='gaussian'"):
        bandit.fit([[0.0]], [0], reward=[reward])
    assert not hasattr(bandit, "gram_")


@pytest.mark.parametrize("precision", ["full", "diagonal"])
@pytest.mark.parametrize("huge", ["X", "reward"])
def test_an_update_that_is_not_finite_leaves_the_bandit_as_it_was(precision, huge):
    X, arm, reward = logistic_rounds(30)
    bandit = BayesianNeuralBandit(arms=[0, 1], precision=precision, likelihood="gaussian")
    bandit.fit(X, arm, reward=reward)
    state, before = bandit.state_, bandit.expected_reward(X)
    scale = {"X": 1.0, "reward": 1.0, huge: 1e200}
    with pytest.raises(ValueError, match="not finite"):
        bandit.partial_fit(scale["X"] * X, arm, scale["reward"] * reward)
    assert bandit.state_ is state
    np.testing.assert_array_equal(bandit.expected_reward(X), before)


def test_an_interrupted_call_leaves_the_bandit_as_it_was(monkeypatch):
    X, arm, reward = logistic_rounds(30)
    bandit = BayesianNeuralBandit(arms=[0, 1], hidden_units=(3,)).fit(X, arm, reward=reward)
    state, before = bandit.state_, [values.copy() for values in bandit.state_]
    update, calls = _bandit.update_belief, []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return update(*args, **kwargs)

    monkeypatch.setattr(_bandit, "update_belief", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bandit.partial_fit(X, arm, reward)
    assert bandit.state_ is state
    for ours, known in zip(state, before, strict=True):
        np.testing.assert_array_equal(ours, known)
    assert bandit.learnt_weight_ == 30.0


# -------------------------------------------------------- parameters after learning
@pytest.mark.parametrize(
    "change",
    [
        {"likelihood": "gaussian"},
        {"hidden_units": (3,)},
        {"weights": "student_t"},
        {"dof": 9.0},
        {"precision": "diagonal"},
        {"noise": "fixed"},
        {"categorical_features": {0: 2}},
    ],
)
def test_what_shapes_the_state_may_not_change(change):
    X, arm, reward = logistic_rounds(30)
    bandit = BayesianNeuralBandit(arms=[0, 1]).fit(X, arm, reward=reward).set_params(**change)
    (name,) = change
    for call in (lambda: bandit.predict_proba(X), lambda: bandit.partial_fit(X, arm, reward)):
        with pytest.raises(ValueError, match=f"^{name} was .* when the bandit learnt"):
            call()


@pytest.mark.parametrize("arm_model", ["disjoint", "shared"])
@pytest.mark.parametrize(
    "change", [{"prior_std": 0.1}, {"prior_mean": 3.0}, {"alpha": 4.0}, {"n_draws": 50}]
)
def test_what_does_not_shape_the_state_counts_at_once(arm_model, change):
    """The answers of one that was asked before are those of one that never had other values."""
    rng = np.random.RandomState(0)
    shape = (30, 3, 2) if arm_model == "shared" else (30, 2)
    X, arm, reward = rng.standard_normal(shape), rng.randint(3, size=30), rng.uniform(size=30)
    bandit = BayesianNeuralBandit(arms=[0, 1, 2], arm_model=arm_model, likelihood="gaussian")
    bandit.set_params(noise="fixed").fit(X, arm, reward=reward)
    before = bandit.predict_proba(X)
    bandit.set_params(**change)
    fresh = clone(bandit).fit(X, arm, reward=reward)
    # With known noise what rounds add does not depend on the prior.
    np.testing.assert_allclose(bandit.predict_proba(X), fresh.predict_proba(X), atol=1e-7)
    for ours, theirs in zip(
        bandit.expected_reward(X, True), fresh.expected_reward(X, True), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    if arm_model == "shared" or "n_draws" not in change:
        assert np.abs(bandit.predict_proba(X) - before).max() > 1e-3


def test_attributes_of_the_other_likelihood_are_not_there():
    X, arm, reward = logistic_rounds(30)
    bernoulli = BayesianNeuralBandit().fit(X, arm, reward=reward)
    gaussian = BayesianNeuralBandit(likelihood="gaussian").fit(X, arm, reward=reward)
    for name in ("successes_", "failures_"):
        assert hasattr(bernoulli, name)
        with pytest.raises(AttributeError, match=f"{name} needs likelihood='bernoulli'"):
            getattr(gaussian, name)
    for name in ("reward_square_", "residual_square_", "noise_variance_"):
        assert hasattr(gaussian, name)
        with pytest.raises(AttributeError, match=f"{name} needs likelihood='gaussian'"):
            getattr(bernoulli, name)
    assert not hasattr(BayesianNeuralBandit(), "gram_")


# -------------------------------------------------------------------- policy
@pytest.mark.parametrize("params", [{}, {"weights": "student_t", "hidden_units": (4,)}])
def test_policy_is_the_chance_of_the_highest_drawn_reward(params):
    """Against a large simulation of the weights themselves."""
    X, arm, reward = logistic_rounds(60, n_arms=3)
    bandit = BayesianNeuralBandit(arms=[0, 1, 2], alpha=1.0, **params).fit(X, arm, reward=reward)
    rng, n_draws, test = np.random.RandomState(4), 200_000, X[:4]
    inputs = bandit._layout().inputs(test)
    scores = np.empty((3, n_draws, 4))
    for one in range(3):
        location, jacobian = bandit._layout().linearize(bandit.mean_[one], inputs)
        root = np.linalg.cholesky(
            jacobian @ bandit.covariance_[one] @ jacobian.T + 1e-12 * np.eye(4)
        )
        deviate = rng.standard_normal((n_draws, 4)) @ root.T
        if params:
            deviate /= np.sqrt(rng.gamma(2.5, 1.0 / 2.5, size=n_draws))[:, None]
        scores[one] = location + deviate
    best = scores.argmax(axis=0)
    share = np.stack([(best == one).mean(axis=0) for one in range(3)], axis=1)
    # Four standard errors of a share.
    np.testing.assert_allclose(bandit.predict_proba(test), share, atol=4.0 * 0.5 / n_draws**0.5)
    chance = expit(scores)
    mean, std = bandit.expected_reward(test, return_std=True)
    np.testing.assert_allclose(mean, chance.mean(axis=1).T, atol=5e-3)
    np.testing.assert_allclose(std, chance.std(axis=1).T, atol=5e-3)


def test_sampled_policies_tell_cold_arms_apart_by_their_priors():
    bandit = BayesianNeuralBandit(
        arms=range(5), selector=SoftmaxSelector(), prior_mean={1: 2.0, 4: 2.0}
    )
    bandit.fit(np.ones((1, 2)), [0], reward=[0.0])
    policy = bandit.predict_proba(np.eye(2))
    np.testing.assert_allclose(policy.sum(axis=1), 1.0)
    np.testing.assert_allclose(policy[:, [1, 2]], policy[:, [4, 3]])
    assert (policy[:, 1] > 1.5 * policy[:, 2]).all()


@pytest.mark.parametrize(
    "selector", [None, SoftmaxSelector(), TopKSelector(k=2), EpsilonGreedySelector()], ids=str
)
def test_arms_that_are_alike_are_played_alike(selector):
    X = np.random.RandomState(0).standard_normal((5, 3))
    n_played = 2 if isinstance(selector, TopKSelector) else 1
    cold = BayesianNeuralBandit(arms=range(4), hidden_units=(3,), selector=selector)
    np.testing.assert_allclose(cold.predict_proba(X), n_played / 4)
    shared = BayesianNeuralBandit(arm_model="shared", selector=selector)
    candidates = np.repeat(X[:, None], 4, axis=1)
    np.testing.assert_allclose(shared.predict_proba(candidates), n_played / 4, rtol=1e-6)
    mask = np.ones((5, 4), dtype=bool)
    mask[:, 1] = False
    masked = cold.fit(X, [0] * 5, reward=np.zeros(5)).predict_proba(X, available=mask)
    assert (masked[:, 1] == 0.0).all()
    np.testing.assert_allclose(masked[:, 2], masked[:, 3], rtol=1e-9)
    assert (masked[:, 2] > masked[:, 0]).all()


def test_expected_rewards_of_candidates_are_exact():
    """They are integrals under the law of each candidate's score, not averages over draws."""
    rng = np.random.RandomState(0)
    X, reward = rng.standard_normal((40, 3, 2)), rng.uniform(size=40)
    bandit = BayesianNeuralBandit(arm_model="shared").fit(X, np.zeros(40, dtype=int), reward)
    mean, std = bandit.expected_reward(X[:4], return_std=True)
    points, mass = np.polynomial.hermite_e.hermegauss(80)
    terms = np.insert(X[:4], 0, 1.0, axis=2)
    location = terms @ bandit.mean_[0]
    scale = np.sqrt(np.einsum("nkp,pq,nkq->nk", terms, bandit.covariance_[0], terms))
    chance = expit(location[:, :, None] + scale[:, :, None] * points)
    expected = chance @ mass / mass.sum()
    np.testing.assert_allclose(mean, expected, atol=1e-10)
    variance = (chance - expected[:, :, None]) ** 2 @ mass / mass.sum()
    np.testing.assert_allclose(std, np.sqrt(variance), atol=1e-10)


def test_full_feedback_about_candidates_is_a_round_for_each():
    rng = np.random.RandomState(0)
    X, best = rng.standard_normal((20, 3, 2)), rng.randint(3, size=20)
    weight = rng.uniform(size=20)
    full = BayesianNeuralBandit(arm_model="shared").fit(X, best, sample_weight=weight)
    spelt = BayesianNeuralBandit(arm_model="shared").fit(
        np.repeat(X, 3, axis=0),
        np.tile(np.arange(3), 20),
        reward=(np.tile(np.arange(3), 20) == np.repeat(best, 3)).astype(float),
        sample_weight=np.repeat(weight, 3),
    )
    np.testing.assert_allclose(full.mean_, spelt.mean_, rtol=1e-12)
    np.testing.assert_allclose(full.weight_, 3.0 * weight.sum())


def test_shared_weights_explore_with_joint_draws():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((50, 4, 3))
    reward = (X[:, 0, 0] > 0).astype(np.float64)
    bandit = BayesianNeuralBandit(arm_model="shared", n_draws=20_000, alpha=1.0)
    bandit.fit(X, np.zeros(50, dtype=int), reward=reward)
    test = X[:5]
    weights = rng.multivariate_normal(bandit.mean_[0], bandit.covariance_[0], size=200_000)
    scores = weights[:, 0, None, None] + np.einsum("wd,nkd->wnk", weights[:, 1:], test)
    share = (scores.argmax(axis=2)[:, :, None] == np.arange(4)).mean(axis=0)
    np.testing.assert_allclose(bandit.predict_proba(test), share, atol=0.015)


# ---------------------------------------------------------------- categories
@pytest.mark.parametrize("embedding_dim", [None, 2])
@pytest.mark.parametrize("hidden_units", [(), (4,)])
def test_categories_are_learnt(embedding_dim, hidden_units):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame({"age": rng.standard_normal(600), "city": rng.randint(4, size=600)})
    pays = np.array([0.9, 0.1, 0.2, 0.8])[frame["city"]]
    reward = (rng.uniform(size=600) < pays).astype(np.float64)
    bandit = BayesianNeuralBandit(
        categorical_features={"city": 4}, embedding_dim=embedding_dim, hidden_units=hidden_units
    ).fit(frame, np.zeros(600), reward=reward)
    test = pd.DataFrame({"age": np.zeros(4), "city": np.arange(4)})
    np.testing.assert_allclose(bandit.expected_reward(test)[:, 0], [0.9, 0.1, 0.2, 0.8], atol=0.1)
    with pytest.raises(ValueError, match="categorical column 1"):
        bandit.predict(pd.DataFrame({"age": [0.0], "city": [4]}))


def test_categories_equal_indicators():
    rng = np.random.RandomState(0)
    code, age = rng.randint(3, size=50), rng.standard_normal(50)
    reward = rng.uniform(size=50)
    coded = BayesianNeuralBandit(arms=[0], categorical_features={0: 3})
    coded.fit(np.stack([code, age], axis=1), np.zeros(50), reward=reward)
    plain = BayesianNeuralBandit(arms=[0])
    plain.fit(np.column_stack([np.eye(3)[code], age]), np.zeros(50), reward=reward)
    np.testing.assert_allclose(coded.mean_, plain.mean_, atol=1e-10)
