"""Bootstrapped policies against enumeration, and their weights against the distributions."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skbandit.meta import BootstrappedThompsonSampling, BootstrappedUCB
from skbandit.meta._bootstrapped import with_prior_rounds
from skbandit.meta._cold import cold_moments
from skbandit.meta._weights import bootstrap_weights, keyed_uniform


def rounds(n_rounds=150, n_arms=3, seed=0):
    """Contexts, arms and rewards of 0 and 1."""
    rng = np.random.RandomState(seed)
    X, arm = rng.standard_normal((n_rounds, 2)), rng.randint(n_arms, size=n_rounds)
    chance = 1.0 / (1.0 + np.exp(-X[:, 0] * (arm - 1.0)))
    return X, arm, (rng.random_sample(n_rounds) < chance).astype(float)


# --------------------------------------------------------------------------- weights
@pytest.mark.parametrize("weight", [1.0, 0.3, 4.0])
def test_gamma_weights(weight):
    """Kolmogorov-Smirnov; the seed is fixed, a false alarm has a chance of 1 in 1,000."""
    drawn = bootstrap_weights("gamma", np.full(5000, weight), 1, 2)
    assert stats.kstest(drawn, stats.gamma(weight).cdf).pvalue > 0.001


@pytest.mark.parametrize("weight", [1.0, 0.3, 4.0, 500.0])
def test_poisson_weights(weight):
    """Chi-square; a false alarm has a chance of 1 in 1,000."""
    drawn = bootstrap_weights("poisson", np.full(5000, weight), 1, 2)
    edges = stats.poisson(weight).ppf([0.0, 0.2, 0.5, 0.8, 0.9, 1.0])
    edges = np.unique(np.concatenate([[-0.5], edges[1:-1] + 0.5, [np.inf]]))
    chance = np.diff(stats.poisson(weight).cdf(edges))
    counts = np.histogram(drawn, edges)[0]
    assert stats.chisquare(counts, 5000 * chance).pvalue > 0.001
    np.testing.assert_array_equal(drawn, np.round(drawn))


def test_poisson_weights_are_quantiles():
    uniform = keyed_uniform(1, 2, np.arange(300))
    weight = np.linspace(0.1, 50.0, 300)
    np.testing.assert_array_equal(
        bootstrap_weights("poisson", weight, 1, 2), stats.poisson(weight).ppf(uniform)
    )


def test_replicates_and_seeds_are_independent():
    """Of 5,000 pairs a correlation of 0.05 has a chance below 1 in 1,000."""
    columns = [keyed_uniform(seed, one, np.arange(5000)) for seed in (0, 1) for one in range(5)]
    correlation = np.corrcoef(columns)
    assert np.abs(correlation - np.eye(10)).max() < 0.05
    shifted = np.corrcoef(columns[0][1:], columns[0][:-1])
    assert abs(shifted[0, 1]) < 0.05


@pytest.mark.parametrize("kind", ["gamma", "poisson"])
def test_a_weight_belongs_to_the_number_of_the_round(kind):
    weight = np.random.RandomState(0).rand(50) + 0.5
    whole = bootstrap_weights(kind, weight, 3, 1)
    np.testing.assert_array_equal(bootstrap_weights(kind, weight[:20], 3, 1), whole[:20])
    np.testing.assert_array_equal(bootstrap_weights(kind, weight[20:], 3, 1, first=20), whole[20:])


@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_a_refit_sees_the_same_weights(growth):
    """Learnt by pieces or at once, the replicates are the same."""
    X, arm, reward = rounds(60, n_arms=2)
    bandit = BootstrappedThompsonSampling(arms=[0, 1], refit_growth=growth, random_state=0)
    whole = bandit.fit(X, arm, reward=reward).estimators_
    for start in range(0, 60, 20):
        rows = slice(start, start + 20)
        method = bandit.partial_fit if start else bandit.fit
        method(X[rows], arm[rows], reward[rows])
    assert (bandit.n_refits_ > 1).all()
    if growth > 1.0:
        # What the schedule has not fitted yet: fit once more.
        bandit.set_params(refit_growth=1.0).partial_fit(X[:2], [0, 1], reward[:2])
        X, arm, reward = (np.concatenate([one, one[:2]]) for one in (X, arm, reward))
        arm[-2:] = [0, 1]
        whole = bandit.fit(X, arm, reward=reward).estimators_
    for one, other in zip(whole, bandit.estimators_, strict=True):
        for left, right in zip(one.members, other.members, strict=True):
            np.testing.assert_allclose(left.coef_, right.coef_, atol=1e-8)


def test_arms_have_weights_of_their_own():
    X = np.repeat(np.random.RandomState(0).standard_normal((30, 2)), 2, axis=0)
    arm = np.tile([0, 1], 30)
    bandit = BootstrappedThompsonSampling(arms=[0, 1], prior_rounds=0, random_state=0)
    one, two = bandit.fit(X, arm, reward=X[:, 0] ** 2).estimators_
    assert (one.members[0].coef_ != two.members[0].coef_).all()


def test_a_replicate_is_a_weighted_fit():
    X, arm, reward = rounds(80, n_arms=1)
    weight = np.random.RandomState(1).rand(80) + 0.5
    bandit = BootstrappedThompsonSampling(arms=[0], prior_rounds=0, n_samples=3, random_state=0)
    bandit.fit(X, arm, reward=reward, sample_weight=weight)
    seed = bandit._seed(0, 0, 0)
    for one, member in enumerate(bandit.estimators_[0].members):
        own = bootstrap_weights("gamma", weight, seed, one)
        alone = Ridge(tol=1e-10).fit(X, reward, sample_weight=own)
        np.testing.assert_allclose(member.coef_, alone.coef_, atol=1e-8)


def test_replicates_spread_as_the_posterior_does():
    """The Bayesian bootstrap of a mean has the variance of the rewards over n + 1."""
    rng = np.random.RandomState(0)
    reward = rng.standard_normal(200) + 3.0
    bandit = BootstrappedThompsonSampling(
        estimator=DecisionTreeRegressor(max_depth=1, min_samples_leaf=200),
        arms=[0],
        n_samples=400,
        prior_rounds=0,
        random_state=0,
    )
    bandit.fit(np.zeros((200, 1)), [0] * 200, reward=reward)
    mean, std = (one[0, 0] for one in bandit.expected_reward([[0.0]], return_std=True))
    expected = np.sqrt(reward.var() / 201.0)
    # Of 400 replicates: four standard errors of the mean, and of the spread.
    assert mean == pytest.approx(reward.mean(), abs=4.0 * expected / 20.0)
    assert std == pytest.approx(expected, rel=4.0 / np.sqrt(800.0))


# --------------------------------------------------------------------- prior rounds
def test_prior_rounds():
    rows, reward, labels = np.arange(10.0)[:, None], np.full(10, 1.0), []
    for replicate in range(400):
        X, paid, own = with_prior_rounds(
            rows,
            reward,
            np.ones(10),
            weight=np.ones(10),
            n_prior=1,
            seed=7,
            replicate=replicate,
            in_unit_interval=True,
        )
        assert X[-1, 0] in rows
        assert own[-1] == 1.0
        labels.append(paid[-1])
    # Even odds: four standard errors.
    assert abs(np.mean(labels) - 0.5) < 0.1
    _, paid, _ = with_prior_rounds(
        np.zeros((2000, 1)),
        np.tile([2.0, 4.0], 1000),
        np.ones(2000),
        weight=np.ones(2000),
        n_prior=2000,
        seed=7,
        replicate=0,
        in_unit_interval=False,
    )
    assert stats.kstest(paid[2000:], stats.norm(3.0, 1.0).cdf).pvalue > 0.001


def test_rewards_that_agree_leave_some_doubt():
    """All ones in one place: without prior rounds the replicates of a tree would agree."""
    X = np.concatenate([np.zeros((20, 1)), np.ones((20, 1))])
    reward = np.repeat([1.0, 0.0], 20)
    for n_prior, is_sure in ((0, True), (1, False)):
        bandit = BootstrappedThompsonSampling(
            estimator=DecisionTreeClassifier(max_depth=2),
            arms=[0],
            n_samples=50,
            prior_rounds=n_prior,
            random_state=0,
        )
        bandit.fit(X, [0] * 40, reward=reward)
        _, std = bandit.expected_reward([[0.0]], return_std=True)
        assert (std[0, 0] == 0.0) == is_sure


# --------------------------------------------------------------------------- policy
@pytest.mark.parametrize("estimator", [Ridge(), LogisticRegression(), SGDRegressor()])
def test_policy_is_that_of_all_combinations(estimator):
    X, arm, reward = rounds()
    bandit = BootstrappedThompsonSampling(
        estimator=estimator, arms=[0, 1, 2], n_samples=4, random_state=0
    )
    bandit.fit(X, arm, reward=reward)
    values = np.empty((4, 5, 3))
    for place, model in enumerate(bandit.estimators_):
        for one, member in enumerate(model.members):
            if isinstance(estimator, LogisticRegression):
                values[one, :, place] = member.predict_proba(X[:5])[:, 1]
            else:
                values[one, :, place] = member.predict(X[:5])
    share = np.zeros((5, 3))
    for chosen in product(range(4), repeat=3):
        best = values[list(chosen), :, np.arange(3)].argmax(axis=0)
        share[np.arange(5), best] += 1.0 / 4**3
    np.testing.assert_allclose(bandit.predict_proba(X[:5]), share, atol=1e-12)
    mean, std = bandit.expected_reward(X[:5], return_std=True)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(std, values.std(axis=0))


def test_upper_bound_is_a_percentile():
    X, arm, reward = rounds()
    bandit = BootstrappedUCB(arms=[0, 1, 2], n_samples=7, percentile=90, random_state=0)
    bandit.fit(X, arm, reward=reward)
    values = np.array([[one.predict(X) for one in model.members] for model in bandit.estimators_])
    bound = np.percentile(values, 90, axis=1).T
    np.testing.assert_allclose(bandit.decision_function(X), bound)
    np.testing.assert_array_equal(bandit.predict_proba(X).argmax(axis=1), bound.argmax(axis=1))


def test_where_one_estimator_serves_all_a_replicate_draws_all_arms():
    X, arm, reward = rounds()
    bandit = BootstrappedThompsonSampling(
        arms=[0, 1, 2], arm_model="pooled", n_samples=8, random_state=0
    )
    bandit.fit(X, arm, reward=reward)
    (model,) = bandit.estimators_
    share = np.zeros((150, 3))
    for member in model.members:
        rows = [np.hstack([X, np.tile(np.eye(3)[one], (150, 1))]) for one in range(3)]
        best = np.argmax([member.predict(one) for one in rows], axis=0)
        share[np.arange(150), best] += 1.0 / 8.0
    np.testing.assert_allclose(bandit.predict_proba(X), share, atol=1e-12)


@pytest.mark.parametrize("kind", [BootstrappedThompsonSampling, BootstrappedUCB])
def test_cold_arms_have_quantiles_of_their_belief(kind):
    X, arm, reward = rounds(60, n_arms=1)
    bandit = kind(estimator=LogisticRegression(), arms=[0, 1], n_samples=4, random_state=0)
    bandit.fit(X, arm, reward=reward)
    rate = (1.0 + reward.sum()) / 62.0
    belief = stats.beta(2.0 * rate, 2.0 - 2.0 * rate)
    mean, std = cold_moments(bandit.state_.paid, in_unit_interval=True)
    np.testing.assert_allclose((mean[1], std[1]), (belief.mean(), belief.std()))
    if kind is BootstrappedUCB:
        np.testing.assert_allclose(bandit.decision_function(X[:1])[0, 1], belief.ppf(0.8))
        return
    quantiles = belief.ppf([0.125, 0.375, 0.625, 0.875])
    own = [one.predict_proba(X[:1])[0, 1] for one in bandit.estimators_[0].members]
    chance = np.mean([[right > left for right in quantiles] for left in own])
    np.testing.assert_allclose(bandit.predict_proba(X[:1])[0, 1], chance)
    _, std_found = bandit.expected_reward(X[:1], return_std=True)
    np.testing.assert_allclose(std_found[0, 1], belief.std())


# --------------------------------------------------------------------------- learning
def test_online_weights_do_not_depend_on_how_rounds_are_cut():
    """Row by row or two calls: SGD takes the same steps with the same weights."""
    X, arm, reward = rounds(40, n_arms=1)
    bandit = BootstrappedThompsonSampling(
        estimator=SGDRegressor(shuffle=False), arms=[0], prior_rounds=0, random_state=0
    )
    bandit.fit(X[:1], arm[:1], reward=reward[:1])
    for row in range(1, 40):
        bandit.partial_fit(X[row : row + 1], arm[row : row + 1], reward[row : row + 1])
    alone = bandit.state_.models[0].fitted
    bandit.fit(X[:15], arm[:15], reward=reward[:15])
    bandit.partial_fit(X[15:], arm[15:], reward[15:])
    for left, right in zip(alone.members, bandit.state_.models[0].fitted.members, strict=True):
        np.testing.assert_allclose(left.coef_, right.coef_)
    assert alone.n_rounds == 40


def test_an_estimator_without_weights_needs_the_poisson_bootstrap():
    X, arm, reward = rounds()
    bandit = BootstrappedThompsonSampling(
        estimator=make_pipeline(StandardScaler(), KNeighborsClassifier(3)), arms=[0, 1, 2]
    )
    with pytest.raises(ValueError, match="bootstrap='poisson'"):
        bandit.fit(X, arm, reward=reward)
    bandit.set_params(bootstrap="poisson").fit(X, arm, reward=reward)
    np.testing.assert_allclose(bandit.predict_proba(X).sum(axis=1), 1.0)


def test_a_replicate_of_one_kind_has_the_mean_of_a_beta():
    X, arm = np.zeros((4, 1)), [0] * 4
    bandit = BootstrappedThompsonSampling(
        estimator=LogisticRegression(),
        arms=[0],
        bootstrap="poisson",
        prior_rounds=0,
        n_samples=60,
        random_state=0,
    )
    bandit.fit(X, arm, reward=np.array([0.0, 0.0, 1.0, 1.0]))
    seed, found = bandit._seed(0, 0, 0), 0
    for one, member in enumerate(bandit.estimators_[0].members):
        zeros, ones = bootstrap_weights("poisson", np.ones(4), seed, one).reshape(2, 2).sum(axis=1)
        if zeros > 0.0 and ones > 0.0:
            assert isinstance(member, LogisticRegression)
            continue
        found += 1
        assert member == (1.0 + ones) / (2.0 + zeros + ones)
    assert found > 5
    assert ((bandit.expected_reward(X) > 0.0) & (bandit.expected_reward(X) < 1.0)).all()


@pytest.mark.parametrize("estimator", [Ridge(), SGDClassifier(loss="log_loss")])
def test_replicates_without_any_round(estimator):
    """With weights of a hundredth a Poisson replicate is given next to nothing."""
    X, arm, reward = rounds(20, n_arms=1)
    bandit = BootstrappedThompsonSampling(
        estimator=estimator,
        arms=[0],
        bootstrap="poisson",
        prior_rounds=0,
        min_rewards=0.01,
        random_state=0,
    )
    bandit.fit(X, arm, reward=reward, sample_weight=np.full(20, 0.01))
    assert any(isinstance(one, float) for one in bandit.estimators_[0].members)
    assert np.isfinite(bandit.expected_reward(X)).all()
    bandit.partial_fit(X, arm, reward)
    assert not all(isinstance(one, float) for one in bandit.estimators_[0].members)
