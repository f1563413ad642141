"""A prior that arms tell: where it lies, how far it reaches, and what a new arm gains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.transfer import merge, transfer

MEAN = np.array([1.0, -1.0, 0.0])


def alike(n_arms, n_rounds, seed=0, spread=0.3, noise=1.0):
    """Arms whose weights scatter a little about MEAN, their constants about 5."""
    rng = np.random.default_rng(seed)
    weights = MEAN + spread * rng.normal(size=(n_arms, 3))
    constants = 5.0 + spread * rng.normal(size=n_arms)
    X, arm = rng.normal(size=(n_rounds, 3)), rng.integers(0, n_arms, n_rounds)
    expected = constants[arm] + np.einsum("ij,ij->i", X, weights[arm])
    return X, arm, expected + noise * rng.normal(size=n_rounds), weights


def test_a_new_arm_starts_as_arms_are():
    """Nearer to what arms are like, and narrower than under a prior about zero."""
    X, arm, reward, _ = alike(20, 20_000)
    ridge, taught = (
        LinearUCB(prior=prior).fit(X, arm, reward).add_arms([20])
        for prior in ("ridge", "hierarchical")
    )
    assert_allclose(ridge.coef_[20], 0.0)
    assert_allclose(taught.coef_[20], MEAN, atol=0.2)
    assert_allclose(taught.intercept_[20], 5.0, atol=0.2)
    # Deviations of 0.3, and what is left of the prior that two groups stand for.
    std = np.sqrt(np.diagonal(taught.covariance_[20]))
    assert ((std > 0.25) & (std < 0.5)).all()
    assert (np.sqrt(np.diagonal(ridge.covariance_[20])) > 0.8).all()


def test_arms_of_few_rounds_are_helped_by_all():
    X, arm, reward, weights = alike(20, 300, seed=1)
    far = [
        np.mean((LinearUCB(prior=prior, arms=range(20)).fit(X, arm, reward).coef_ - weights) ** 2)
        for prior in ("ridge", "hierarchical")
    ]
    assert far[1] < 0.7 * far[0]


def test_the_belief_about_a_new_arm_is_calibrated():
    """Over 60 problems its weights' squared errors are what the belief says, within 20 percent.

    The mean of 60 * 4 such ratios varies by about 0.1.
    """
    ratios = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 1])
        X, arm, reward, _ = alike(15, 1500, seed=seed, spread=0.5, noise=0.7)
        bandit = LinearUCB(prior="hierarchical").fit(X, arm, reward).add_arms([15])
        truth = np.append(5.0, MEAN) + 0.5 * rng.normal(size=4)
        believed = np.append(bandit.intercept_[15], bandit.coef_[15])
        ratios.append((truth - believed) ** 2 / np.diagonal(bandit.covariance_[15]))
    assert 0.8 < np.mean(ratios) < 1.2


def test_before_any_round_it_is_the_prior_of_ridge():
    for settings in ({}, {"noise": "fixed", "noise_std": 2.0}, {"fit_intercept": False}):
        ridge, taught = (
            LinearThompsonSampling(arms=[0, 1], prior=prior, prior_precision=3.0, **settings)
            for prior in ("ridge", "hierarchical")
        )
        for one, other in zip(
            ridge.expected_reward([[1.0, 2.0]], return_std=True),
            taught.expected_reward([[1.0, 2.0]], return_std=True),
            strict=True,
        ):
            assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("noise", ["learnt", "fixed"])
def test_beliefs_are_those_of_its_prior(noise):
    """Posterior of each arm by the normal equations of its rounds."""
    X, arm, reward, _ = alike(5, 300)
    bandit = LinearUCB(
        prior="hierarchical", prior_precision=2.0, noise=noise, noise_std=0.5, arms=range(6)
    )
    bandit.fit(X, arm, reward)
    mean, scale = bandit.state_.hyperprior
    mean = mean + np.array([bandit.state_.reference, 0.0, 0.0, 0.0])
    prior, design = 2.0 / scale**2, np.column_stack([np.ones(300), X])
    variance = np.broadcast_to(bandit.noise_variance_, 6)
    for one in range(6):
        rows, paid = design[arm == one], reward[arm == one]
        precision = rows.T @ rows + np.diag(prior)
        expected = np.linalg.solve(precision, rows.T @ paid + prior * mean)
        own = np.append(bandit.intercept_[one], bandit.coef_[one])
        assert_allclose(own, expected, rtol=1e-8)
        covariance = variance[one] * np.linalg.inv(precision)
        assert_allclose(bandit.covariance_[one], covariance, rtol=1e-8, atol=1e-12)
    forms = np.einsum("ij,ajk,ik->ia", design, bandit.covariance_, design)
    dof = np.inf if noise == "fixed" else bandit.state_.noise()[1]
    std = bandit.expected_reward(X, return_std=True)[1]
    inflated = forms if noise == "fixed" else forms * dof / (dof - 2.0)
    assert_allclose(std, np.sqrt(inflated), rtol=1e-8)


def test_joint_draws_have_the_covariance_of_the_belief():
    X, arm, reward, _ = alike(3, 60)
    bandit = LinearUCB(prior="hierarchical").fit(X, arm, reward)
    deviations = bandit.state_.weight_deviations(1, 200_000)
    assert_allclose(np.cov(deviations.T), bandit.state_.covariance[1], rtol=0.03, atol=1e-3)


def test_what_is_learnt_is_a_sum():
    """Pieces, another order, weights for repetitions and shards end alike."""
    X, arm, reward, _ = alike(4, 160)
    whole = LinearUCB(prior="hierarchical", arms=range(5)).fit(X, arm, reward)
    test = X[:20]
    expected = whole.expected_reward(test, return_std=True)
    pieces = LinearUCB(prior="hierarchical", arms=range(5))
    for start in range(0, 160, 3):
        rows = slice(start, start + 3)
        pieces.partial_fit(X[rows], arm[rows], reward[rows])
    order = np.random.default_rng(0).permutation(160)
    twice = clone(whole).fit(np.tile(X, (2, 1)), np.tile(arm, 2), np.tile(reward, 2))
    shards = [clone(whole).fit(X[i::3], arm[i::3], reward[i::3]) for i in range(3)]
    for bandit in (
        pieces,
        clone(whole).fit(X[order], arm[order], reward[order]),
        merge(shards),
    ):
        for one, other in zip(
            bandit.expected_reward(test, return_std=True), expected, strict=True
        ):
            assert_allclose(one, other, rtol=1e-7)
    weighted = clone(whole).fit(X, arm, reward, sample_weight=np.full(160, 2.0))
    assert_allclose(weighted.covariance_, twice.covariance_, rtol=1e-7, atol=1e-10)


def test_forgetting_weighs_rounds():
    X, arm, reward, _ = alike(3, 60)
    fades = LinearUCB(prior="hierarchical", forgetting=0.95).fit(X, arm, reward)
    weighted = LinearUCB(prior="hierarchical").fit(
        X, arm, reward, sample_weight=0.95 ** np.arange(60)[::-1]
    )
    assert_allclose(fades.coef_, weighted.coef_, rtol=1e-8)
    assert_allclose(fades.covariance_, weighted.covariance_, rtol=1e-7, atol=1e-10)


def test_unit_and_offset_of_rewards_change_no_belief():
    X, arm, reward, _ = alike(6, 120)
    one = LinearUCB(prior="hierarchical").fit(X, arm, reward).add_arms([6])
    other = LinearUCB(prior="hierarchical").fit(X, arm, 1e3 * reward - 1e6).add_arms([6])
    mean, std = one.expected_reward(X, return_std=True)
    moved, wider = other.expected_reward(X, return_std=True)
    assert_allclose((moved + 1e6) / 1e3, mean, rtol=1e-6)
    assert_allclose(wider / 1e3, std, rtol=1e-6)


def test_parameters_of_the_prior_may_change_later():
    X, arm, reward, _ = alike(4, 100)
    settings = {"noise": "fixed", "prior_precision": 3.0, "noise_std": 0.3}
    late = LinearUCB(prior="hierarchical", noise="fixed").fit(X, arm, reward)
    late.predict(X)
    late.set_params(**settings)
    first = LinearUCB(prior="hierarchical", **settings).fit(X, arm, reward)
    for one, other in zip(
        late.expected_reward(X, return_std=True),
        first.expected_reward(X, return_std=True),
        strict=True,
    ):
        assert_allclose(one, other, rtol=1e-9)


def test_dropping_a_feature_hardly_moves_what_is_believed():
    """Marginalised under the distribution of now, which is then found anew."""
    X, arm, reward, _ = alike(12, 6000)
    X[:, 2] += X[:, 1]
    bandit = LinearUCB(prior="hierarchical").fit(X, arm, reward)
    smaller = bandit.drop_features([1])
    zero = X.copy()
    zero[:, 1] = 0.0
    mean, std = smaller.expected_reward(X[:, [0, 2]], return_std=True)
    expected, width = bandit.expected_reward(zero, return_std=True)
    assert_allclose(mean, expected, atol=0.02)
    assert_allclose(std, width, rtol=0.05)


def test_what_it_does_not_go_with_is_told():
    for settings in ({"arm_model": "hybrid"}, {"precision": "diagonal"}):
        bandit = LinearUCB(prior="hierarchical", **settings)
        with pytest.raises(ValueError, match="prior='hierarchical' needs arm_model='disjoint'"):
            bandit.fit([[0.0], [1.0]], [0, 1], [0.0, 1.0])
    ridge = LinearUCB().fit([[0.0], [1.0]], [0, 1], [0.0, 1.0])
    with pytest.raises(ValueError, match="prior is 'ridge' in source and 'hierarchical'"):
        transfer(ridge, LinearUCB(prior="hierarchical"))
    with pytest.raises(ValueError, match="prior was 'ridge' when the bandit learnt"):
        ridge.set_params(prior="hierarchical").predict([[0.0]])
    carried = transfer(
        LinearUCB(prior="hierarchical").fit([[0.0], [1.0]], [0, 1], [0.0, 1.0]),
        LinearThompsonSampling(prior="hierarchical", arms=[1, 2]),
    )
    assert carried.arms_.tolist() == [1, 2]
