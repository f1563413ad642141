"""The best arm on average over contexts: policy, evidence, and how often it errs."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit._evidence import GaussianEvidence, least_mixture
from skbandit.base import make_log
from skbandit.linear import LinearThompsonSampling, LinearTopTwoThompsonSampling
from skbandit.linear._stopping import PopulationEvidence, error_probability, is_enough
from skbandit.selectors import SoftmaxSelector, TopKSelector
from skbandit.transfer import merge

ARMS = ["c", "a", "b"]


def rounds(n=200, seed=0, n_features=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(1.0, 1.0, size=(n, n_features))
    place = rng.integers(3, size=n)
    reward = 5.0 + 0.3 * place + X @ np.full(n_features, 2.0) + rng.normal(size=n)
    return X, np.array(ARMS)[place], reward


def learnt(n=200, **params):
    X, arm, reward = rounds(n)
    bandit = LinearTopTwoThompsonSampling(arms=ARMS, random_state=0, **params)
    return bandit.fit(X, arm, reward=reward), X


class TestPolicy:
    @pytest.mark.parametrize("beta", [0.5, 0.8])
    @pytest.mark.parametrize("population", [None, [[2.0, 0.0], [0.0, -1.0]]])
    def test_it_is_that_of_the_published_algorithm(self, beta, population):
        """Three shares off by five standard errors: a chance of 2e-6."""
        bandit, X = learnt(60, beta=beta, population=population)
        at = np.mean(X if population is None else population, axis=0)
        plain = LinearThompsonSampling(arms=ARMS).fit(*rounds(60))
        mean, std = plain.expected_reward(at[None], return_std=True)
        assert_allclose(bandit.population_reward_, mean[0])
        assert_allclose(bandit.population_reward_std_, std[0])
        dof = 4.0 + plain.weight_
        scale, rng = std[0] * np.sqrt(1 - 2 / dof), np.random.default_rng(0)

        def draw(n):
            return (mean[0] + scale * rng.standard_t(dof, (n, 3))).argmax(axis=1)

        first = draw(200_000)
        assert_allclose(bandit.chance_best_, np.bincount(first) / 200_000, atol=0.006)
        waiting = np.flatnonzero(rng.random(200_000) >= beta)
        played = first.copy()
        while len(waiting):
            other = draw(len(waiting))
            found = other != first[waiting]
            played[waiting[found]] = other[found]
            waiting = waiting[~found]
        share = np.bincount(played, minlength=3) / 200_000
        policy = bandit.predict_proba(X[:1])[0]
        assert (np.abs(policy - share) < 5 * np.sqrt(policy * (1 - policy) / 200_000)).all()

    def test_it_is_the_same_in_every_row(self):
        bandit, X = learnt()
        policy = bandit.predict_proba(X)
        assert (policy == policy[0]).all()
        score = bandit.decision_function(X)
        assert_allclose(score, np.tile(bandit.population_reward_, (len(X), 1)))
        # What arms pay in a context is something else.
        assert np.ptp(bandit.expected_reward(X)[:, 0]) > 1.0

    def test_masks(self):
        bandit, X = learnt()
        mask = np.random.RandomState(0).rand(len(X), 3) < 0.5
        mask[~mask.any(axis=1), 1] = True
        policy = bandit.predict_proba(X, available=mask)
        assert (policy[~mask] == 0.0).all()
        for allowed in np.unique(mask, axis=0):
            rows = (mask == allowed).all(axis=1)
            one = bandit.predict_proba(X[:1], available=allowed[None])
            assert_allclose(policy[rows], np.tile(one, (rows.sum(), 1)))
            if allowed.sum() == 2:
                assert_allclose(policy[rows][:, allowed], 0.5)

    def test_half_of_the_rounds_go_to_others_where_the_best_is_certain(self):
        rng = np.random.default_rng(0)
        X, place = rng.normal(size=(3000, 2)), np.tile([0, 1, 2], 1000)
        reward = np.array([5.0, 9.0, 0.0])[place] + X[:, 0] + 0.1 * rng.normal(size=3000)
        bandit = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, np.array(ARMS)[place], reward)
        assert_allclose(bandit.predict_proba(X[:1]), [[0.5, 0.5, 0.0]], atol=1e-9)

    def test_sets_and_other_selectors(self):
        bandit, X = learnt(40)
        plain = LinearThompsonSampling(arms=ARMS).fit(*rounds(40))
        at = rounds(40)[0].mean(axis=0, keepdims=True)
        sets = clone(bandit).set_params(selector=TopKSelector(2)).fit(*rounds(40))
        assert_allclose(sets.predict_proba(X[:1]), plain._belief(at).top(2))
        soft = bandit.set_params(selector=SoftmaxSelector(0.1)).predict_proba(X[:1])
        assert_allclose(soft.sum(), 1.0)


class TestEvidence:
    @pytest.mark.parametrize("centre", [0.0, 1.5])
    def test_means_are_those_of_least_squares(self, centre):
        X, arm, reward = rounds(120)
        at = np.array([0.5, 1.5])
        bandit, _ = learnt(120)
        noise = np.array([1.0, 2.0, 3.0])
        evidence = PopulationEvidence(
            bandit.state_.gram, bandit.moment_, at, noise, np.full(2, centre)
        )
        for place, label in enumerate(ARMS):
            own = arm == label
            n = np.count_nonzero(own)
            fitted = LinearRegression().fit(X[own] - at, reward[own])
            assert_allclose(evidence.mean[place], fitted.intercept_)
            Z = np.column_stack([np.ones(n), X[own] - at])
            variance = np.linalg.inv(Z.T @ Z)[0, 0]
            assert_allclose(evidence.spread[place], variance - 1.0 / n)
            assert evidence.weight[place] == n
        assert_allclose(
            evidence.likelihood_ratio(2, 0),
            0.5
            * (evidence.mean[2] - evidence.mean[0]) ** 2
            / (noise**2 * (evidence.spread + 1.0 / evidence.weight))[[0, 2]].sum(),
        )

    def test_the_bound_of_the_slopes_is_that_of_the_paper(self):
        """Each error is its mean of noise and a part that Cauchy and Schwarz bound."""
        X, arm, _ = rounds(90)
        bandit, _ = learnt(90)
        at, centre, sigma = np.array([0.5, 1.5]), np.array([1.0, 1.0]), np.array([0.7, 1.0, 2.0])
        precisions = (4.0, 100.0)
        evidence = PopulationEvidence(
            bandit.state_.gram, bandit.moment_, at, sigma, centre, precisions=precisions
        )
        rng = np.random.default_rng(0)
        for place, label in enumerate(ARMS):
            own = X[arm == label]
            n = len(own)
            Z = np.column_stack([np.ones(n), own - centre])
            total = np.linalg.solve(Z.T @ Z, np.array([1.0, *(at - centre)]))
            g = total - np.array([1.0 / n, 0.0, 0.0])
            # What least squares err by, whatever the noise.
            noise = rng.normal(size=n)
            fitted = LinearRegression().fit(own - at, noise)
            assert_allclose(fitted.intercept_, noise.mean() + g @ Z.T @ noise)
            bounds = []
            for precision in precisions:
                V = precision * np.eye(3) + Z.T @ Z
                root = 2 * np.log(2 / 0.01) + np.log(np.linalg.det(V) / precision**3)
                bounds.append(np.sqrt(g @ V @ g) * sigma[place] * np.sqrt(root))
            assert_allclose(evidence.slack(0.01)[place], min(bounds))

    def test_too_few_rounds_are_no_evidence(self):
        X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 5.0]])
        for n, weight in ((1, 0), (2, 0), (3, 3)):
            bandit = LinearTopTwoThompsonSampling(arms=["a", "b"], population=[[1.0, 1.0]])
            bandit.fit(X[:n], ["a"] * n, reward=np.arange(n))
            assert bandit._evidence.weight.tolist() == [weight, 0]
            assert bandit.confidence_ == 0.0
        # Where the population's context is the rounds' own, one round tells it.
        alike = LinearTopTwoThompsonSampling(arms=["a"], population=X[:1]).fit(X[:1], ["a"], [1.0])
        assert alike._evidence.weight.tolist() == [1]

    def test_a_feature_that_never_varied_where_the_population_differs(self):
        X, arm, reward = rounds(60)
        X[:, 1] = 3.0
        bandit = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, reward)
        assert (bandit._evidence.weight > 0).all()
        bandit.set_params(population=[[1.0, 4.0]])
        assert (bandit._evidence.weight == 0).all()
        assert bandit.confidence_ == 0.0
        assert not bandit.should_stop()

    def test_without_what_slopes_cost_it_is_the_evidence_without_contexts(self):
        bandit, _ = learnt()
        found = bandit._evidence
        plain = GaussianEvidence(found.mean, found.weight, found.noise_std)
        leader = int(found.mean.argmax())
        expected = min(least_mixture(plain, leader, b) for b in range(3) if b != leader)
        assert_allclose(found.log_mixture(leader, np.zeros(3)), expected)

    @pytest.mark.parametrize("n", [1500, 5000])
    def test_error_probability_is_the_least_that_is_enough(self, n):
        bandit, _ = learnt(n)
        evidence, leader = bandit._evidence, bandit._leader
        delta = error_probability(evidence, leader)
        assert 0.0 < delta < 1.0
        assert is_enough(evidence, leader, delta * 1.001)
        assert not is_enough(evidence, leader, delta * 0.999)
        ratio = min(evidence.likelihood_ratio(leader, b) for b in range(3) if b != leader)
        assert error_probability(evidence, leader, "chernoff") == pytest.approx(np.exp(-ratio))
        assert np.exp(-ratio) < delta

    def test_a_population_that_moves_has_more_ways_to_err(self):
        moves, X = learnt(1500)
        stays, _ = learnt(1500, population=X.mean(axis=0, keepdims=True))
        assert_allclose(moves._evidence.mean, stays._evidence.mean)
        assert moves._evidence.n_mistakes == 6
        assert stays._evidence.n_mistakes == 2
        assert moves.confidence_ < stays.confidence_

    def test_noise_of_least_squares_is_covered(self):
        """2,000 streams of 300 rounds: the bounds of the slopes fail in at most .2 of them.

        The rate that is allowed is .2, so 400; five standard errors of it are 90.
        """
        rng = np.random.default_rng(0)
        failed = 0
        marks = np.array([5, 10, 20, 50, 100, 200, 300])
        for _ in range(2000):
            X, noise = rng.normal(0.5, 1.0, size=(300, 2)), rng.normal(size=300)
            Z = np.column_stack([np.ones(300), X])
            for n in marks:
                gram, moment = Z[:n].T @ Z[:n], Z[:n].T @ noise[:n]
                evidence = PopulationEvidence(
                    [gram], moment[None], np.array([1.0, 0.0]), np.ones(1), np.zeros(2)
                )
                if abs(evidence.mean[0] - noise[:n].mean()) > evidence.slack(0.2)[0]:
                    failed += 1
                    break
        assert failed <= 490


class TestStopping:
    def test_before_and_after(self):
        bandit = LinearTopTwoThompsonSampling(arms=ARMS)
        assert not bandit.should_stop()
        assert not hasattr(bandit, "best_arm_")
        bandit, _ = learnt(60)
        assert not bandit.should_stop()
        bandit, _ = learnt(5000)
        assert bandit.best_arm_ == "b"
        assert bandit.should_stop(0.95)
        assert 0.95 < bandit.confidence_ < 1.0

    def test_one_arm_is_the_best(self):
        bandit = LinearTopTwoThompsonSampling(arms=["a"]).fit([[0.0]], ["a"], [0.0])
        assert bandit.confidence_ == 1.0
        assert bandit.should_stop()
        assert bandit.predict_proba([[1.0]]).tolist() == [[1.0]]

    @pytest.mark.parametrize("threshold", ["mixture", "chernoff"])
    def test_should_stop_is_what_the_confidence_says(self, threshold):
        for n in (300, 900, 2000):
            bandit, _ = learnt(n, threshold=threshold)
            sure = bandit.confidence_
            assert bandit.should_stop(max(sure - 1e-4, 1e-9)) or sure == 0.0
            assert not bandit.should_stop(min(sure + 1e-4, 1 - 1e-15))

    def test_units_change_no_confidence(self):
        X, arm, reward = rounds(1500)
        plain = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, reward)
        moved = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, 100 * reward - 7)
        assert 0 < plain.confidence_ < 1
        assert_allclose(plain.confidence_, moved.confidence_, rtol=1e-6)

    def test_rewards_without_noise(self):
        X, arm, _ = rounds(60)
        reward = X[:, 0] + (arm == "a")
        bandit = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, reward)
        assert bandit.best_arm_ == "a"
        assert 0.0 <= bandit.confidence_ <= 1.0
        same = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, np.zeros(60))
        assert_allclose(same.predict_proba(X[:1]).sum(), 1.0)
        assert same.confidence_ == 0.0

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5, -1])
    def test_bad_confidence(self, confidence):
        with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
            LinearTopTwoThompsonSampling(arms=["a"]).should_stop(confidence)

    @pytest.mark.parametrize("threshold", ["mixture", "chernoff"])
    def test_it_errs_as_seldom_as_it_says(self, threshold):
        """60 runs that stop with 90 %: 15 errors or more have a chance of 8e-4 at an error of .1.

        The contexts explain .8 of the rewards' variance, and tell them apart by arm.
        """
        wrong = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            means, slopes = rng.permutation([0.5, 0.0, 0.0]), 2.0 + 0.3 * rng.normal(size=3)
            bandit = LinearTopTwoThompsonSampling(
                arms=[0, 1, 2],
                population=[[0.0]],
                noise="fixed",
                threshold=threshold,
                random_state=np.random.RandomState(seed),
            )
            while not bandit.should_stop(0.9):
                X = rng.normal(size=(40, 1))
                arm = bandit.predict(X)
                reward = means[arm] + slopes[arm] * X[:, 0] + rng.normal(size=40)
                bandit.partial_fit(X, arm, reward)
            wrong += bandit.best_arm_ != means.argmax()
        assert stats.binom.sf(14, 60, 0.1) < 1e-3
        assert wrong < 15


class TestPopulation:
    def test_which_arm_is_best_depends_on_it(self):
        rng = np.random.default_rng(0)
        X, arm = rng.normal(size=(400, 1)), np.tile(["a", "b"], 200)
        reward = np.where(arm == "a", 1.0, -1.0) * X[:, 0] + 0.1 * rng.normal(size=400)
        bandit = LinearTopTwoThompsonSampling(arms=["a", "b"], population=[[1.0]])
        bandit.fit(X, arm, reward)
        assert bandit.best_arm_ == "a"
        assert bandit.set_params(population=[[-1.0]]).best_arm_ == "b"
        assert bandit.should_stop(0.999)

    def test_frames_are_matched_by_name(self):
        X, arm, reward = rounds(60)
        frame = pd.DataFrame(X, columns=["p", "q"])
        there = pd.DataFrame({"p": [1.0, 3.0], "q": [0.0, 0.0]})
        bandit = LinearTopTwoThompsonSampling(population=there).fit(frame, arm, reward)
        plain = LinearTopTwoThompsonSampling(population=[[2.0, 0.0]]).fit(X, arm, reward)
        assert_allclose(bandit.population_reward_, plain.population_reward_)
        bandit.set_params(population=there.rename(columns={"q": "z"}))
        with pytest.raises(ValueError, match="population does not fit the contexts"):
            bandit.predict(frame)

    @pytest.mark.parametrize("population", [[[1.0]], [[np.nan, 0.0]], [1.0, 2.0]])
    def test_bad_population(self, population):
        bandit, X = learnt(30)
        bandit.set_params(population=population)
        for ask in (
            lambda: bandit.predict(X),
            lambda: bandit.should_stop(),
            lambda: bandit.confidence_,
            lambda: bandit.best_arm_,
        ):
            with pytest.raises(ValueError, match="population does not fit the contexts"):
                ask()

    def test_an_unfitted_bandit_plays_all_alike(self):
        bandit = LinearTopTwoThompsonSampling(arms=ARMS, population=[[1.0, 2.0]])
        assert_allclose(bandit.predict_proba([[0.0, 0.0]]), np.full((1, 3), 1 / 3))


class TestTransfer:
    def test_shards(self):
        X, arm, reward = rounds(90)
        shards = [
            LinearTopTwoThompsonSampling(arms=ARMS).fit(X[i::2], arm[i::2], reward[i::2])
            for i in range(2)
        ]
        whole, joined = LinearTopTwoThompsonSampling(arms=ARMS).fit(X, arm, reward), merge(shards)
        assert_allclose(joined.confidence_, whole.confidence_)
        assert_allclose(joined.predict_proba(X[:1]), whole.predict_proba(X[:1]))

    def test_arms_and_features(self):
        bandit, X = learnt(90)
        bigger = bandit.add_arms(["new"])
        assert bigger.confidence_ == 0.0
        assert_allclose(bigger.population_reward_[:3], bandit.population_reward_)
        fewer = bigger.remove_arms(["new"])
        assert_allclose(fewer.predict_proba(X[:1]), bandit.predict_proba(X[:1]))
        wider = bandit.expand_features(1)
        assert_allclose(wider.population_reward_, bandit.population_reward_)
        wider.set_params(population=[[0.0, 0.0]])
        with pytest.raises(ValueError, match="population does not fit the contexts"):
            wider.predict(np.zeros((1, 3)))

    def test_behind_a_step(self):
        X, arm, reward = rounds(90)
        chain = make_pipeline(StandardScaler(), LinearTopTwoThompsonSampling())
        chain.fit(X, make_log(arm, reward))
        # The mean of standardised contexts is zero.
        assert_allclose(chain[-1].population_reward_, chain[-1].intercept_, atol=1e-9)

    def test_noise_may_not_change_after_learning(self):
        bandit, _ = learnt(30)
        bandit.set_params(noise="fixed")
        with pytest.raises(ValueError, match="noise was 'learnt'"):
            bandit.confidence_
