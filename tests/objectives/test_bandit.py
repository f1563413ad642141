"""Bandits of several objectives against simulation, closed forms and the bandits inside."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import beta, norm
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skbandit.base import make_log
from skbandit.contextfree import (
    KLUCB,
    BetaThompsonSampling,
    Exp3,
)
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import make_policy_scorer, pareto_front
from skbandit.objectives import (
    ChebyshevSelector,
    ConstrainedSelector,
    MultiObjectiveBandit,
    ParetoSelector,
    WeightedSumSelector,
)
from skbandit.objectives._chances import chance_at_least
from skbandit.selectors import EpsilonGreedySelector, PropensityFloorSelector, TopKSelector
from skbandit.strategies import PricedSelector
from skbandit.transfer import merge

RNG = np.random.RandomState(0)
X = RNG.standard_normal((200, 2))
ARM = np.array(["a", "b", "c", "d"])[RNG.randint(4, size=200)]
PLACE = np.searchsorted(["a", "b", "c", "d"], ARM)
CLICK = (RNG.uniform(size=200) < np.array([0.7, 0.5, 0.3, 0.2])[PLACE]).astype(float)
EUROS = np.array([0.5, 1.5, 2.5, 0.0])[PLACE] + X[:, 0] + 0.5 * RNG.standard_normal(200)
REWARD = np.column_stack([CLICK, EUROS])
N_DRAWS = 200_000
# Four standard errors of the 512 draws of a policy; the simulations' own are small beside them.
DRAWS = 4 * 0.5 / np.sqrt(512)


def several(bandit=None, chosen=None, **params):
    return MultiObjectiveBandit(
        bandit=bandit, objective_selector=chosen, **{"random_state": 0, **params}
    )


def inside(bandit, column):
    """What learns one objective, on its own."""
    return clone(bandit).set_params(arms=list("abcd")).fit(X, ARM, reward=REWARD[:, column])


# ----------------------------------------------------------------------- the policy
def front_shares(draws, maximize):
    """How often each arm is played from the front of joint draws, (n_draws, n_arms, n_obj)."""
    total = np.zeros(draws.shape[1])
    for points in draws:
        front = pareto_front(points, maximize=maximize)
        total += front / front.sum()
    return total / len(draws)


@pytest.mark.parametrize("maximize", [[True, True], [True, False]])
def test_pareto_policy_is_that_of_joint_draws(maximize):
    bandit = several(
        [BetaThompsonSampling(alpha=1.0), LinearThompsonSampling(alpha=1.0, noise="fixed")],
        maximize=maximize,
    ).fit(X[:40], ARM[:40], reward=REWARD[:40])
    clicks, linear = bandit.bandits_
    rng = np.random.default_rng(1)
    a = 1.0 + clicks.reward_sum_
    b = 1.0 + clicks.weight_ - clicks.reward_sum_
    policy = bandit.predict_proba(X[:2])
    for row in (0, 1):
        mean, std = linear.expected_reward(X[row : row + 1], return_std=True)
        draws = np.stack(
            [rng.beta(a, b, size=(20_000, 4)), rng.normal(mean, std, size=(20_000, 4))], axis=-1
        )
        assert_allclose(policy[row], front_shares(draws, maximize), atol=DRAWS)


def test_a_weighted_sum_of_gaussians_is_computed():
    linear = LinearThompsonSampling(alpha=1.0, noise="fixed")
    chosen = WeightedSumSelector(
        [1.0, 2.0], price=0.5, cost=dict(zip("abcd", [1, 0, 1, 2], strict=True))
    )
    bandit = several(linear, chosen, maximize=[True, False]).fit(X[:20], ARM[:20], REWARD[:20])
    row = X[:1]
    (m0, s0), (m1, s1) = (one.expected_reward(row, return_std=True) for one in bandit.bandits_)
    mean = m0 - 2.0 * m1 - 0.5 * np.array([1, 0, 1, 2])
    std = np.sqrt(s0**2 + 4.0 * s1**2)
    found = bandit.expected_reward(row, return_std=True)
    assert_allclose(found[0], mean)
    assert_allclose(found[1], std)
    assert_allclose(bandit.decision_function(row), mean)
    draws = np.random.default_rng(0).normal(mean, std, size=(N_DRAWS, 4))
    share = np.bincount(draws.argmax(axis=1), minlength=4) / N_DRAWS
    # Four standard errors of the simulation alone: no draws in the policy.
    assert_allclose(bandit.predict_proba(row)[0], share, atol=4 * 0.5 / np.sqrt(N_DRAWS))


def test_bounds_are_lower_where_less_is_better():
    ucb = LinearUCB(alpha=2.0)
    chosen = WeightedSumSelector([1.0, 3.0])
    bandit = several(ucb, chosen, maximize=[True, False]).fit(X, ARM, REWARD)
    (m0, s0), (m1, s1) = (one.expected_reward(X[:9], return_std=True) for one in bandit.bandits_)
    score = (m0 + 2.0 * s0) - 3.0 * (m1 - 2.0 * s1)
    assert_allclose(bandit.decision_function(X[:9]), score)
    assert_array_equal(bandit.predict_proba(X[:9]).argmax(axis=1), score.argmax(axis=1))
    assert_array_equal(bandit.predict_proba(X[:9]).max(axis=1), 1.0)


def test_constraints_hold_in_each_draw():
    bandit = several(
        LinearThompsonSampling(alpha=1.0, noise="fixed"), ConstrainedSelector(at_least={1: 1.0})
    ).fit(X[:40], ARM[:40], REWARD[:40])
    rng = np.random.default_rng(0)
    draws = []
    for one in bandit.bandits_:
        mean, std = one.expected_reward(X[:1], return_std=True)
        draws.append(rng.normal(mean, std, size=(N_DRAWS, 4)))
    score, bounded = draws
    kept = bounded >= 1.0
    worth = np.where(kept, score, -np.inf)
    # Of several that miss the bound, the one that misses it least.
    worth[~kept.any(axis=1)] = bounded[~kept.any(axis=1)]
    share = np.bincount(worth.argmax(axis=1), minlength=4) / N_DRAWS
    assert_allclose(bandit.predict_proba(X[:1])[0], share, atol=DRAWS)


def test_draws_of_two_objectives_have_nothing_to_do_with_each_other():
    """Bandits inside with the same draws of their own would make arms look alike in both."""
    shared = LinearThompsonSampling(arm_model="shared", alpha=1.0, noise="fixed")
    contexts = np.random.RandomState(0).standard_normal((30, 4, 3))
    played = np.arange(30) % 4
    reward = contexts[np.arange(30), played, 0]
    chosen = WeightedSumSelector()
    bandit = several([shared, shared], chosen)
    bandit.fit(contexts, played, np.column_stack([reward, reward]))
    row = contexts[:1]
    policy = bandit.predict_proba(row)[0]
    # The sum of two independent draws of one belief is a draw of twice the mean, and root two
    # times the width.
    weights = bandit.bandits_[0]
    mean, _ = weights.expected_reward(row, return_std=True)
    draws = weights._belief(row).draws(1000, 5)[:, 0]
    spread = np.cov(draws.T)
    rng = np.random.default_rng(0)
    sums = rng.multivariate_normal(2.0 * mean[0], 2.0 * spread, size=N_DRAWS)
    share = np.bincount(sums.argmax(axis=1), minlength=4) / N_DRAWS
    same = rng.multivariate_normal(2.0 * mean[0], 4.0 * spread, size=N_DRAWS)
    of_same = np.bincount(same.argmax(axis=1), minlength=4) / N_DRAWS
    # Both simulations hold covariances of 1000 draws.
    assert_allclose(policy, share, atol=DRAWS)
    assert np.abs(share - of_same).max() > 0.01


@pytest.mark.parametrize(
    "selector", [EpsilonGreedySelector(0.4), PropensityFloorSelector(share=0.4, decay=0.0)]
)
def test_floors_hold(selector):
    plain = several(BetaThompsonSampling()).fit(X, ARM, REWARD > 0.5)
    floored = several(BetaThompsonSampling(), selector=selector).fit(X, ARM, REWARD > 0.5)
    mask = np.array([[True, True, True, False]] * 3)
    assert_allclose(
        floored.predict_proba(X[:3], available=mask),
        0.6 * plain.predict_proba(X[:3], available=mask) + 0.4 * mask / 3,
    )


def test_sets_are_of_the_best_ranks():
    bandit = several(LinearUCB(alpha=0.0), ParetoSelector()).fit(X, ARM, REWARD)
    bandit.set_params(selector=TopKSelector(2))
    ranks = bandit.decision_function(X[:50])
    for policy, rank in zip(bandit.predict_proba(X[:50]), ranks, strict=True):
        second = np.sort(rank)[-2]
        assert_allclose(policy[rank > second], 1.0)
        assert_allclose(policy[rank < second], 0.0)
        assert_allclose(policy.sum(), 2.0)


def test_a_mask_changes_the_front():
    bandit = several(LinearUCB(alpha=0.0)).fit(X, ARM, REWARD)
    values = bandit.expected_objectives(X[:50])
    mask = np.random.RandomState(0).uniform(size=(50, 4)) < 0.6
    mask[:, 3] = True
    policy = bandit.predict_proba(X[:50], available=mask)
    greedy = bandit.predict(X[:50], explore=False, available=mask)
    for row in range(50):
        places = np.flatnonzero(mask[row])
        front = places[pareto_front(values[row, places])]
        expected = np.zeros(4)
        expected[front] = 1.0 / len(front)
        assert_allclose(policy[row], expected)
        assert greedy[row] in bandit.classes_[front]


# -------------------------------------------------------------------- one objective
@pytest.mark.parametrize("inner", [BetaThompsonSampling(), LinearUCB(), Exp3()])
@pytest.mark.parametrize("selector", [None, EpsilonGreedySelector(0.3)])
def test_one_objective_is_the_bandit_inside(inner, selector):
    alone = clone(inner).set_params(random_state=3, selector=selector).fit(X, ARM, reward=CLICK)
    for reward in (CLICK, CLICK[:, None]):
        bandit = several(inner, random_state=3, selector=selector).fit(X, ARM, reward=reward)
        assert bandit.n_objectives_ == 1
        assert_array_equal(bandit.predict_proba(X), alone.predict_proba(X))
        assert_array_equal(bandit.predict(X), alone.predict(X))
        assert_array_equal(bandit.expected_reward(X), alone.expected_reward(X))


def test_one_objective_that_is_to_be_small():
    bandit = several(LinearUCB(alpha=0.0), maximize=False).fit(X, ARM, reward=EUROS)
    assert_array_equal(
        bandit.predict(X), bandit.classes_[bandit.bandits_[0].expected_reward(X).argmin(axis=1)]
    )
    full = several(LinearUCB()).fit(X, ARM)
    assert full.n_objectives_ == 1
    assert full.full_feedback_


# ----------------------------------------------------------------------- the inside
def test_each_objective_is_learnt_by_a_bandit():
    kinds = [LogisticThompsonSampling(), LinearThompsonSampling()]
    bandit = several(kinds).fit(X, ARM, REWARD)
    mean, std = bandit.expected_objectives(X, return_std=True)
    assert_array_equal(bandit.expected_objectives(X), mean)
    for column, kind in enumerate(kinds):
        alone = inside(kind, column).expected_reward(X, return_std=True)
        assert_allclose(mean[..., column], alone[0], rtol=1e-10)
        assert_allclose(std[..., column], alone[1], rtol=1e-10)
    # What was given is not what has learnt.
    assert not hasattr(kinds[0], "state_")


def test_parts_of_a_log_are_the_log():
    whole = several(LinearUCB()).fit(X, make_log(ARM, REWARD))
    parts = several(LinearUCB(), arms=list("abcd"))
    for rows in (slice(0, 1), slice(1, 90), slice(90, None)):
        parts.partial_fit(X[rows], make_log(ARM[rows], REWARD[rows]))
    assert_allclose(parts.expected_objectives(X), whole.expected_objectives(X))
    shards = [
        several(LinearUCB()).fit(X[rows], ARM[rows], REWARD[rows])
        for rows in (slice(0, 80), slice(80, None))
    ]
    assert_allclose(merge(shards).expected_objectives(X), whole.expected_objectives(X))
    other = several(LinearUCB()).fit(X, ARM, EUROS)
    with pytest.raises(ValueError, match=r"bandits of \[1, 2\] objectives cannot be merged"):
        merge([whole, other])
    again = pickle.loads(pickle.dumps(whole))
    assert_array_equal(again.predict(X), whole.predict(X))


def test_more_arms_and_features():
    bandit = several([LinearUCB(), LinearThompsonSampling()]).fit(X, ARM, REWARD)
    bigger = bandit.add_arms(["e"]).expand_features(1)
    padded = np.column_stack([X, np.zeros(200)])
    assert bigger.n_objectives_ == 2
    assert_allclose(
        bigger.expected_objectives(padded)[:, :4], bandit.expected_objectives(X), rtol=1e-9
    )
    assert bigger.partial_fit(padded, ["e"] * 200, REWARD).predict_proba(padded).shape == (200, 5)
    smaller = bandit.remove_arms(["a"]).drop_features([1])
    assert smaller.expected_objectives(X[:, :1]).shape == (200, 3, 2)


def test_before_any_round():
    for chosen in (
        None,
        WeightedSumSelector([1.0, 2.0, 0.5]),
        ChebyshevSelector(reference=[1.0, 2.0]),
        ConstrainedSelector(at_least={1: 0.5}),
        ConstrainedSelector(at_least={1: 0.5}, confidence=0.9),
    ):
        bandit = several(LinearThompsonSampling(), chosen, arms=list("abcd"))
        assert_allclose(bandit.predict_proba(X[:3]), 0.25)
    cheap = several(chosen=ParetoSelector(cost=[1.0, 1.0, 0.0, 0.0]), arms=list("abcd"))
    policy = cheap.predict_proba(X[:1])[0]
    assert policy[0] == policy[1] < policy[2] == policy[3]


# ------------------------------------------------------------------------- costs
def test_costs_of_the_bandit_and_of_a_call():
    cost = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0}
    bandit = several(LinearUCB(alpha=0.0), WeightedSumSelector(cost=cost)).fit(X, ARM, REWARD)
    without = several(LinearUCB(alpha=0.0), WeightedSumSelector()).fit(X, ARM, REWARD)
    worth = without.decision_function(X)
    charge = np.array([0.0, 1.0, 2.0, 3.0])
    names = bandit.classes_
    assert_allclose(bandit.decision_function(X), worth - charge)
    assert_array_equal(bandit.predict(X), names[(worth - charge).argmax(axis=1)])
    factor = np.linspace(0.0, 2.0, 200)
    expected = names[(worth - factor[:, None] * charge).argmax(axis=1)]
    assert_array_equal(bandit.predict(X, cost=factor), expected)
    by_row = np.random.RandomState(0).uniform(0.0, 3.0, size=(200, 4))
    expected = names[(worth - by_row).argmax(axis=1)]
    assert_array_equal(bandit.predict(X, cost=by_row), expected)
    assert_array_equal(bandit.predict(X, explore=False, cost=by_row), expected)
    called = clone(bandit).set_params(objective_selector__cost="call").fit(X, ARM, REWARD)
    assert_array_equal(called.predict(X, cost=by_row), expected)
    with pytest.raises(ValueError, match="does not know what the arms cost"):
        called.predict(X)
    with pytest.raises(ValueError, match="no costs for it to multiply"):
        called.predict(X, cost=factor)
    with pytest.raises(ValueError, match="does not weigh costs"):
        without.predict(X, cost=by_row)
    # A selector on top weighs them against the worth.
    priced = without.set_params(selector=PricedSelector(price=2.0))
    assert_array_equal(
        priced.predict(X, cost=by_row), names[(worth - 2.0 * by_row).argmax(axis=1)]
    )


def test_costs_are_weighed_in_draws():
    cost = np.array([0.0, 0.5, 1.0, 0.2])
    chosen = WeightedSumSelector(cost=list(cost))
    student_t = LinearThompsonSampling(alpha=1.0)
    inner = several(student_t, chosen).fit(X[:30], ARM[:30], REWARD[:30])
    outer = several(student_t, WeightedSumSelector(), selector=PricedSelector(list(cost)))
    outer.fit(X[:30], ARM[:30], REWARD[:30])
    assert_allclose(inner.predict_proba(X), outer.predict_proba(X), atol=1e-12)
    # Arms that nothing was learnt about differ by what they cost.
    new = several(student_t, ParetoSelector(cost=[0.0, 0.0, 1.0, 1.0]), arms=list("abcd"))
    policy = new.predict_proba(X[:4], cost=np.array([[1.0, 0.0, 1.0, 0.0]] * 4))
    assert_allclose(policy[:, 0], policy[:, 2])
    assert_allclose(policy[:, 1], policy[:, 3])
    assert (policy[:, 1] > policy[:, 0]).all()


def test_costs_of_rows_reach_bandits_that_look_at_no_context():
    bandit = several(BetaThompsonSampling(), ConstrainedSelector("cost", cost="call"))
    bandit.fit(X, ARM, reward=np.column_stack([CLICK, 1.0 - CLICK]))
    cost = 1.0 - np.eye(4)[np.arange(200) % 4]
    assert_array_equal(bandit.predict(X, cost=cost), bandit.classes_[np.arange(200) % 4])


# -------------------------------------------------------------------- confidence
def test_chance_of_a_bound():
    rng = np.random.default_rng(0)
    beta_bandit = inside(BetaThompsonSampling(), 0)
    a = 1.0 + beta_bandit.reward_sum_
    b = 1.0 + beta_bandit.weight_ - beta_bandit.reward_sum_
    belief = beta_bandit._belief(X[:1])
    assert_allclose(chance_at_least(belief, 0.4, 1.0)[0], beta.sf(0.4, a, b))
    assert_allclose(chance_at_least(belief, 0.4, -1.0)[0], beta.cdf(0.4, a, b))
    assert_allclose(chance_at_least(belief, -1.0, 1.0)[0], 1.0)
    belief = inside(LinearThompsonSampling(noise="fixed"), 1)._belief(X[:5])
    assert_allclose(chance_at_least(belief, 0.4, 1.0), norm.sf(0.4, belief.mean, belief.std))
    belief = inside(LinearThompsonSampling(), 1)._belief(X[:5])
    expected = student.cdf(0.4, belief.dof, belief.mean, belief.scale)
    assert_allclose(chance_at_least(belief, 0.4, -1.0), expected)
    belief = belief.widened(0.0)
    assert_array_equal(chance_at_least(belief, 0.4, 1.0), belief.mean >= 0.4)
    # Four standard errors of 2,048 draws.
    error = 4 * 0.5 / np.sqrt(2048)
    belief = inside(LogisticThompsonSampling(), 0)._belief(X[:5])
    latent = rng.normal(belief.latent.mean, belief.latent.scale, size=(N_DRAWS, 5, 4))
    share = (belief.link(latent) >= 0.4).mean(axis=0)
    assert_allclose(chance_at_least(belief, 0.4, 1.0), share, atol=error)
    draws = rng.beta(a, b, size=(N_DRAWS, 4))
    share = (draws >= 0.8 * draws[:, 1:2]).mean(axis=0)
    found = chance_at_least(beta_bandit._belief(X[:1]), 0.8, 1.0, lambda paid: paid[..., 1:2])[0]
    assert_allclose(found, share, atol=error)
    assert found[1] == 1.0


def test_confidence_of_a_bound_relative_to_the_best():
    chosen = ConstrainedSelector(1, at_least={0: 0.6}, relative_to="best", confidence=0.5)
    bandit = several(BetaThompsonSampling(), chosen)
    bandit.fit(X, ARM, reward=np.column_stack([CLICK, 1.0 - CLICK]))
    clicks = bandit.bandits_[0]
    a = 1.0 + clicks.reward_sum_
    draws = np.random.default_rng(0).beta(a, 2.0 + clicks.weight_ - a, size=(N_DRAWS, 4))
    chance = (draws >= 0.6 * draws.max(axis=1, keepdims=True)).mean(axis=0)
    # Clear of the errors of both simulations.
    assert (np.abs(chance - 0.5) > 0.06).all()
    assert 1 < (chance >= 0.5).sum() < 4
    greedy = bandit.predict(X[:1], explore=False)[0]
    mean = bandit.expected_objectives(X[:1])[0]
    assert greedy == bandit.classes_[np.where(chance >= 0.5, mean[:, 1], -np.inf).argmax()]


@pytest.mark.parametrize("inner", [LinearUCB(), LinearThompsonSampling()])
def test_confidence_leaves_out_what_is_not_sure(inner):
    bandit = several(inner, ConstrainedSelector(at_least={1: 1.0}, confidence=0.9))
    bandit.fit(X, ARM, REWARD)
    mean, std = bandit.expected_objectives(X, return_std=True)
    if isinstance(inner, LinearUCB):
        sure = norm.sf(1.0, mean[..., 1], std[..., 1]) >= 0.9
    else:
        belief = bandit.bandits_[1]._belief(X)
        sure = student.sf(1.0, belief.dof, belief.mean, belief.scale) >= 0.9
    some = sure.any(axis=1)
    assert 0 < some.sum() < len(X)
    policy = bandit.predict_proba(X)
    assert_allclose(policy[some][~sure[some]], 0.0)
    # Where none is sure, the surest.
    if isinstance(inner, LinearUCB):
        chance = norm.sf(1.0, mean[..., 1], std[..., 1])
        assert_array_equal(policy[~some].argmax(axis=1), chance[~some].argmax(axis=1))


def test_kinds_without_a_belief_of_their_own():
    bandit = several(KLUCB(), ConstrainedSelector(at_least={1: 0.4}, confidence=0.8))
    bandit.fit(X, ARM, reward=np.column_stack([CLICK, 1.0 - CLICK]))
    mean, std = bandit.expected_objectives(X[:1], return_std=True)
    sure = norm.sf(0.4, mean[0, :, 1], std[0, :, 1]) >= 0.8
    assert sure.any()
    assert_allclose(bandit.predict_proba(X[:1])[0, ~sure], 0.0)


# --------------------------------------------------------------------- evaluation
def test_score_is_that_of_the_sum():
    propensity = RNG.uniform(0.2, 0.8, size=200)
    bandit = several(LinearUCB(), WeightedSumSelector([2.0, 0.5]), maximize=[True, False])
    bandit.fit(X, ARM, REWARD)
    weight = bandit.predict_proba(X)[np.arange(200), PLACE] / propensity
    paid = 2.0 * REWARD[:, 0] - 0.5 * REWARD[:, 1]
    expected = (weight * paid).sum() / weight.sum()
    assert_allclose(bandit.score(X, make_log(ARM, REWARD, propensity)), expected)
    assert_allclose(bandit.score(X, ARM, reward=REWARD, propensity=propensity), expected)
    plain = bandit.score(X, ARM, reward=paid, propensity=propensity)
    assert_allclose(plain, expected)
    for chosen, weights in (
        (ParetoSelector(), [0.5, -0.5]),
        (ParetoSelector([1.0, 3.0]), [0.25, -0.75]),
        (ChebyshevSelector([3.0, 1.0]), [0.75, -0.25]),
        (ConstrainedSelector(1), [0.0, -1.0]),
    ):
        bandit.set_params(objective_selector=chosen)
        weight = bandit.predict_proba(X)[np.arange(200), PLACE] / propensity
        expected = (weight * (REWARD @ weights)).sum() / weight.sum()
        assert_allclose(bandit.score(X, make_log(ARM, REWARD, propensity)), expected)
    bandit.set_params(objective_selector=ConstrainedSelector("cost", cost=1.0))
    with pytest.raises(ValueError, match="score has no value"):
        bandit.score(X, make_log(ARM, REWARD, propensity))
    with pytest.raises(ValueError, match="reward has 3 objectives, but the bandit has 2"):
        bandit.score(X, ARM, reward=np.ones((200, 3)), propensity=propensity)
    with pytest.raises(ValueError, match="propensities"):
        bandit.set_params(objective_selector=None).score(X, make_log(ARM, REWARD))


@pytest.mark.filterwarnings("ignore::skbandit.metrics.PoorSupportWarning")
@pytest.mark.parametrize(("objective", "best"), [(1, [0.0, 1.0]), ([1.0, 0.0], [1.0, 0.0])])
def test_weights_can_be_searched(objective, best):
    log = make_log(ARM, REWARD, np.full(200, 0.25))
    search = GridSearchCV(
        several(LinearUCB(), WeightedSumSelector()),
        {"objective_selector__weights": [[1.0, 0.0], [0.0, 1.0]]},
        scoring=make_policy_scorer("snips", objective=objective),
        cv=3,
    ).fit(X, log)
    assert search.best_params_ == {"objective_selector__weights": best}


# -------------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("params", "reward", "message"),
    [
        ({}, REWARD[:, :, None], "reward must have shape"),
        ({}, REWARD[:-1], "reward must have shape"),
        ({}, np.where(REWARD > 2.0, np.nan, REWARD), "reward contains NaN"),
        ({"n_objectives": 3}, REWARD, "reward has 2 objectives, but the bandit has 3"),
        ({"n_objectives": 2}, EUROS, "reward has one objective, but the bandit has 2"),
        ({"n_objectives": 2}, None, "reward is missing: plain arms are full feedback"),
        ({"bandit": [LinearUCB()]}, REWARD, "reward has 2 objectives, but the bandit has one"),
        ({"bandit": [LinearUCB()], "n_objectives": 2}, REWARD, "bandit lists 1 bandits, but n_ob"),
        ({"bandit": []}, REWARD, "bandit must name a bandit for each objective"),
        (
            {"bandit": [LinearUCB(selector=EpsilonGreedySelector()), LinearUCB()]},
            REWARD,
            r"bandit\[0\] has selector=",
        ),
        ({"bandit": [LinearUCB(), "ucb"]}, REWARD, r"bandit\[1\] must be a bandit"),
        ({"bandit": LinearUCB}, REWARD, "must be an instance, got the class LinearUCB"),
        (
            {"bandit": [LinearUCB(), BetaThompsonSampling()]},
            REWARD,
            r"reward of objective 1: reward must lie in \[0, 1\] for BetaThompsonSampling",
        ),
        ({"maximize": [True]}, REWARD, "maximize must be True, False, or one of them"),
        ({"maximize": [1, 0]}, REWARD, "maximize must be True, False, or one of them"),
        (
            {"objective_selector": WeightedSumSelector([1.0] * 3)},
            REWARD,
            "one number for each of the 2 objectives",
        ),
        (
            {"objective_selector": ConstrainedSelector(at_least={2: 1.0})},
            REWARD,
            "names the objective 2; there are 2",
        ),
        ({"objective_selector": WeightedSumSelector(price=-1.0)}, REWARD, "price"),
        ({"objective_selector": EpsilonGreedySelector()}, REWARD, "objective_selector"),
        ({"bandit": Exp3()}, np.column_stack([CLICK, CLICK]), None),
        ({"selector": TopKSelector(2), "n_objectives": 2}, "sets", "A set of arms learns one"),
    ],
)
def test_bad_rounds_leave_the_bandit_as_it_was(params, reward, message):
    bandit = MultiObjectiveBandit(arms=list("abcd"), random_state=0).set_params(**params)
    before = pickle.dumps(bandit)
    y = ARM
    if isinstance(reward, str):
        y, reward = np.column_stack([ARM, np.where(ARM == "a", "b", "a")]), np.ones((200, 2))
    if message is None:
        bandit.fit(X, y, reward)
        with pytest.raises(ValueError, match="Exp3 decides by more than a selector of scores"):
            bandit.predict(X)
        return
    for learn in (bandit.fit, bandit.partial_fit):
        with pytest.raises((ValueError, TypeError), match=message):
            learn(X, y, reward=reward)
        assert pickle.dumps(bandit) == before


def test_the_number_of_objectives_stays():
    bandit = several(LinearUCB()).fit(X, ARM, REWARD)
    before = bandit.expected_objectives(X)
    for reward, message in (
        (np.ones((200, 3)), "reward has 3 objectives, but the bandit has 2 objectives"),
        (EUROS, "reward has one objective, but the bandit has 2 objectives"),
        (EUROS[:1], "reward has one objective"),
        (None, "reward is missing"),
    ):
        n_rounds = 200 if reward is None else len(reward)
        with pytest.raises(ValueError, match=message):
            bandit.partial_fit(X[:n_rounds], ARM[:n_rounds], reward=reward)
    assert_array_equal(bandit.expected_objectives(X), before)
    bandit.set_params(n_objectives=3)
    with pytest.raises(ValueError, match=r"n_objectives was None .* and is 3 now"):
        bandit.predict(X)
    # To forget is another matter.
    assert bandit.set_params(n_objectives=None).fit(X, ARM, EUROS).n_objectives_ == 1


def test_the_rule_may_change_after_learning():
    bandit = several(LinearUCB(alpha=0.0)).fit(X, ARM, REWARD)
    euros = bandit.expected_objectives(X)[..., 1]
    bandit.set_params(objective_selector=WeightedSumSelector([0.0, 1.0]))
    assert_array_equal(bandit.predict(X), bandit.classes_[euros.argmax(axis=1)])
    bandit.set_params(maximize=[True, False])
    assert_array_equal(bandit.predict(X), bandit.classes_[euros.argmin(axis=1)])
    bandit.set_params(objective_selector=WeightedSumSelector([1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match="for each of the 2 objectives"):
        bandit.predict(X)


# ------------------------------------------------------------------------- behaviour
def test_fronts_that_differ_by_context():
    """Three objectives, continuous rewards, two kinds of contexts."""
    rng = np.random.RandomState(6)
    # The others lie .4 behind in all objectives.
    arms = np.concatenate([np.eye(3), np.eye(3) - 0.4])
    means = np.stack([rng.permutation(arms) for _ in range(2)])
    front = np.stack([pareto_front(one) for one in means])
    assert front.sum(axis=1).tolist() == [3, 3]
    assert (front[0] != front[1]).any()
    bandit = several(LinearUCB(), arms=list(range(6)))
    played = []
    for _ in range(60):
        kind = rng.randint(2, size=50)
        contexts = np.eye(2)[kind]
        arm = bandit.predict(contexts)
        paid = means[kind, arm] + 0.3 * rng.standard_normal((50, 3))
        bandit.partial_fit(contexts, arm, reward=paid)
        played.append(front[kind, arm])
    assert np.mean(played[-10:]) > 0.95


MEANS = np.array(
    [[0.8, 0.2], [0.65, 0.5], [0.45, 0.7], [0.2, 0.85], [0.5, 0.35], [0.3, 0.55], [0.15, 0.4]]
)


def rolled_out(bandit, n_rounds=4000, batch=50, seed=0):
    """The arms played with clicks of these rates."""
    rng = np.random.RandomState(seed)
    bandit.set_params(arms=list(range(len(MEANS))), random_state=seed)
    played = []
    for _ in range(n_rounds // batch):
        arm = bandit.predict(np.zeros((batch, 1)))
        paid = (rng.uniform(size=(batch, 2)) < MEANS[arm]).astype(float)
        bandit.partial_fit(np.zeros((batch, 1)), arm, reward=paid)
        played.append(arm)
    return np.concatenate(played)


@pytest.mark.parametrize("seed", range(3))
def test_the_front_is_played_and_the_rest_is_left(seed):
    played = rolled_out(several(BetaThompsonSampling()), seed=seed)[-1000:]
    front = pareto_front(MEANS)
    assert front.tolist() == [True] * 4 + [False] * 3
    share = np.bincount(played, minlength=7) / 1000
    assert share[~front].sum() < 0.05
    assert share[front].min() > 0.15


@pytest.mark.parametrize("seed", range(3))
def test_bounds_are_kept(seed):
    """The second objective's mean over the last third is above the bound, by the best arm."""
    chosen = ConstrainedSelector(at_least={1: 0.6})
    played = rolled_out(several(BetaThompsonSampling(), chosen), seed=seed)[-1000:]
    assert MEANS[played, 1].mean() >= 0.6
    assert (played == 2).mean() > 0.9
