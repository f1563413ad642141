"""A ceiling on the mean cost: it is kept, and what is left is spent well."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chisquare

from skbandit.base import make_log
from skbandit.budgets import BudgetPacedBandit
from skbandit.contextfree import UCB1, BetaThompsonSampling, Exp3, GaussianThompsonSampling
from skbandit.datasets import load_llm_routing
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.selectors import EpsilonGreedySelector, TopKSelector
from skbandit.transfer import merge

ARMS = ["large", "small", "medium"]
LISTED = {"large": 5e-3, "small": 1e-4, "medium": 1e-3}


def routing(seed, n_rounds):
    """Prompts of "val" in random order."""
    X, reward, cost = load_llm_routing(return_X_reward_cost=True, subset="val")
    rows = np.random.RandomState(seed).permutation(len(X))[:n_rounds]
    return X[rows], reward[rows], cost[rows]


def play(bandit, X, reward, cost, batch=10):
    """Learn online; the bandit, the columns played and what each round has cost."""
    played = []
    for start in range(0, len(X), batch):
        rows = np.arange(start, min(start + batch, len(X)))
        arm, chance = bandit.predict(X[rows], return_propensity=True)
        place = (arm[:, None] == np.array(bandit.arms)).argmax(axis=1)
        played.append(place)
        log = make_log(arm, reward[rows, place], chance, cost=cost[rows, place])
        bandit = bandit.partial_fit(X[rows], log)
    played = np.concatenate(played)
    return bandit, played, cost[np.arange(len(X)), played]


def paced(**params):
    params = {"arms": ARMS, "cost": LISTED, "bandit": LinearUCB(alpha=0.1), **params}
    return BudgetPacedBandit(random_state=0, **params)


def shares(played):
    return np.bincount(played, minlength=3) / len(played)


# ------------------------------------------------------------------- real data
@pytest.mark.parametrize("ceiling", [1.4e-4, 1.4e-3])
def test_the_ceiling_is_kept_and_spent(ceiling):
    bandit, _, paid = play(paced(ceiling=ceiling), *routing(1, 1200))
    assert 0.93 * ceiling < paid.mean() <= 1.004 * ceiling
    assert_allclose(bandit.mean_cost_, paid.mean())
    assert_allclose(bandit.spent_, paid.sum())
    assert_allclose(bandit.bank_, 1200 * ceiling - paid.sum(), atol=1e-9)


def test_rewards_beat_fixed_chances():
    """Against the best mixture of two models with the same mean cost, whatever was learnt."""
    X, reward, cost = routing(2, 1500)
    _, played, paid = play(paced(ceiling=3e-4), X, reward, cost)
    got = reward[np.arange(1500), played][500:].mean()
    spent = paid[500:].mean()
    means, worth = cost.mean(axis=0), reward.mean(axis=0)
    share = (spent - means[1]) / (means[2] - means[1])
    assert got > worth[1] + share * (worth[2] - worth[1])


@pytest.mark.parametrize("told", [False, True])
def test_a_price_cut(told):
    """The medium model becomes ten times as cheap: it is used more, and the ceiling holds."""
    X, reward, cost = routing(3, 1200)
    reward, cost = reward[:, 1:], cost[:, 1:]
    later = cost / [1.0, 10.0]
    bandit = paced(ceiling=1e-4, arms=["small", "medium"])
    bandit, before, _ = play(bandit, X[:600], reward[:600], cost[:600])
    was = bandit.expected_cost(X[:50])[:, 1].mean()
    if told:
        bandit.set_params(cost=LISTED | {"medium": 1e-4})
        assert_allclose(bandit.expected_cost(X[:50])[:, 1].mean(), was / 10.0)
    bandit, after, _ = play(bandit, X[600:], reward[600:], later[600:])
    assert shares(before[300:])[1] < 0.3
    assert shares(after[300:])[1] > 0.75
    assert bandit.mean_cost_ <= 1.004e-4
    assert_allclose(bandit.expected_cost(X)[:, 1].mean(), later[:, 1].mean(), rtol=0.35)


def test_a_model_that_silently_gets_worse_is_left():
    X, reward, cost = routing(4, 1400)
    reward[700:, 2] *= 0.5
    inner = LinearUCB(alpha=0.1, forgetting=0.99)
    bandit, before, _ = play(
        paced(ceiling=6e-4, bandit=inner, cost_model="mean"), X[:700], reward[:700], cost[:700]
    )
    bandit, after, _ = play(bandit, X[700:], reward[700:], cost[700:])
    assert shares(before[300:])[2] > 0.6
    assert shares(after[300:])[2] < 0.2
    assert bandit.mean_cost_ <= 1.004 * 6e-4


def test_a_model_that_is_added_is_tried_and_used():
    X, reward, cost = routing(5, 1400)
    two = paced(ceiling=3e-4, arms=["large", "small"])
    bandit, before, _ = play(two, X[:500], reward[:500], cost[:500])
    assert set(np.unique(before)) <= {0, 1}
    bandit = bandit.add_arms(["medium"])
    assert_allclose(bandit.bank_, two.bank_)
    bandit, after, _ = play(bandit, X[500:], reward[500:], cost[500:])
    assert shares(after[300:])[2] > 0.4
    assert bandit.mean_cost_ <= 1.004 * 3e-4
    gone = bandit.remove_arms(["large"])
    assert gone.spent_ == bandit.spent_
    assert_allclose(gone.expected_cost(X[:20]), bandit.expected_cost(X[:20])[:, 1:], rtol=0.05)


def test_batches():
    """Feedback after 100 rounds: the mean runs over by less than a batch."""
    _, _, paid = play(paced(ceiling=3e-4), *routing(6, 1500), batch=100)
    assert 0.8 < paid.mean() / 3e-4 < 1.05


# ------------------------------------------------------------------- known costs
def flat(n_rounds, ceiling, bandit, seed=0, **params):
    """Arms without contexts that cost 0, 1 and 5, and pay .2, .6 and .9 in the mean."""
    rng = np.random.RandomState(seed)
    reward = (rng.rand(n_rounds, 3) < [0.2, 0.6, 0.9]).astype(float)
    cost = np.tile([0.0, 1.0, 5.0], (n_rounds, 1))
    listed = {"large": 0.0, "small": 1.0, "medium": 5.0}
    paced_bandit = paced(ceiling=ceiling, bandit=bandit, cost=listed, **params)
    return play(paced_bandit, np.zeros((n_rounds, 1)), reward, cost, batch=1)


@pytest.mark.parametrize("bandit", [UCB1(), BetaThompsonSampling(), GaussianThompsonSampling()])
def test_arms_without_contexts_are_mixed(bandit):
    """.3 a round buys the second arm in 30 % of the rounds, which is the best there is."""
    learnt, played, paid = flat(700, 0.3, bandit)
    assert 0.9 * 0.3 < paid.mean() <= 0.3
    assert shares(played[300:])[1] > 0.2
    # .4 of reward for 1: the price at which the first two arms are worth the same.
    assert 0.25 < learnt.price_ < 0.6


def test_nothing_is_spent_that_is_not_there():
    """With costs that are known beforehand the mean is never above the ceiling, in no round."""
    _, played, paid = flat(600, 0.7, GaussianThompsonSampling())
    running = np.cumsum(paid) / np.arange(1, 601)
    assert running.max() <= 0.7 * (1.0 + 1e-9)
    assert (np.bincount(played, minlength=3) > 0).all()


def test_an_arm_of_unknown_cost_is_taken_to_cost_the_ceiling():
    bandit = BudgetPacedBandit(arms=ARMS, ceiling=0.5, bandit=LinearUCB())
    assert_allclose(bandit.expected_cost([[1.0]]), [[0.5, 0.5, 0.5]])
    log = make_log(["small", "large"], [1.0, 0.0], cost=[0.1, 4.0])
    bandit = bandit.partial_fit([[1.0], [1.0]], log)
    expected = bandit.expected_cost([[1.0]])[0]
    assert expected[2] == 0.5
    assert_allclose(expected[:2], [4.0, 0.1], rtol=0.2)


def test_a_price_list_that_is_wrong_does_no_harm():
    X, reward, cost = routing(7, 400)
    rng = np.random.RandomState(0)
    place = rng.randint(3, size=400)
    rows = np.arange(400)
    log = make_log(np.array(ARMS)[place], reward[rows, place], cost=cost[rows, place])
    right = dict(zip(ARMS, cost.mean(axis=0), strict=True))
    for factor in (0.1, 1.0, 30.0):
        told = {arm: factor * one for arm, one in right.items()}
        bandit = paced(ceiling=1e-3, cost=told).fit(X, log)
        assert_allclose(bandit.expected_cost(X).mean(axis=0), cost.mean(axis=0), rtol=0.35)


def test_a_model_of_costs_beats_their_means():
    X, reward, cost = routing(8, 1700)
    place = np.random.RandomState(0).randint(3, size=1200)
    rows = np.arange(1200)
    log = make_log(np.array(ARMS)[place], reward[rows, place], cost=cost[rows, place])
    errors = [
        np.abs(
            paced(ceiling=1.0, cost_model=model).fit(X[:1200], log).expected_cost(X[1200:])
            / cost[1200:]
            - 1.0
        )
        for model in (None, "mean")
    ]
    assert (errors[0].mean(axis=0) < 0.95 * errors[1].mean(axis=0)).all()


# --------------------------------------------------------------------- policies
@pytest.mark.parametrize(
    ("inner", "selector"),
    [
        (LinearThompsonSampling(), None),
        (LinearUCB(), EpsilonGreedySelector(0.2)),
        (UCB1(), None),
    ],
)
def test_propensities_are_frequencies_while_the_ceiling_binds(inner, selector):
    X, reward, cost = routing(9, 60)
    bandit = paced(ceiling=3e-4, bandit=inner, selector=selector)
    bandit, _, _ = play(bandit, X, reward, cost, batch=20)
    assert bandit.price_ > 0.0
    for row in range(3):
        rows = np.repeat(X[row : row + 1], 4000, axis=0)
        policy = bandit.predict_proba(X[row : row + 1])[0]
        arm, chance = bandit.predict(rows, return_propensity=True)
        place = (arm[:, None] == np.array(ARMS)).argmax(axis=1)
        assert_allclose(chance, policy[place], rtol=1e-9)
        counts, likely = np.bincount(place, minlength=3), policy > 0.0
        assert counts[~likely].sum() == 0
        if likely.sum() > 1:
            assert chisquare(counts[likely], 4000 * policy[likely]).pvalue > 1e-4


def test_the_policy_is_that_of_the_bandit_inside_at_the_price():
    X, reward, cost = routing(10, 400)
    bandit, _, _ = play(paced(ceiling=5e-4), X, reward, cost, batch=20)
    scores, expected = bandit.state_.bandits[0].decision_function(X), bandit.expected_cost(X)
    worth = scores - bandit.price_ * expected
    assert_allclose(bandit.decision_function(X), worth, rtol=1e-3, atol=1e-3)
    # What may be spent: a round's ceiling, and savings for several rows of a batch of 20.
    purse = 5e-4 + max(bandit.bank_, 0.0) / np.sqrt(20)
    cheapest = expected == expected.min(axis=1, keepdims=True)
    worth = np.where(cheapest | (bandit._at_most(expected) <= purse), worth, -np.inf)
    best = worth.argmax(axis=1)
    assert (bandit.predict_proba(X)[np.arange(400), best] > 0.99).mean() > 0.98


def test_costs_of_a_call():
    X, reward, cost = routing(11, 400)
    bandit, _, _ = play(paced(ceiling=5e-4), X, reward, cost, batch=20)
    expected = bandit.expected_cost(X)
    assert_allclose(
        bandit.predict_proba(X, cost=np.full(400, 3.0)), bandit.predict_proba(X, cost=3 * expected)
    )
    # What is free is played, and what nobody can pay is not.
    free = np.ones((400, 3))
    free[np.arange(400), np.arange(400) % 3] = 0.0
    assert_allclose(bandit.predict_proba(X, cost=free), 1.0 - free)


def test_sets_and_masks():
    X, reward, cost = routing(12, 60)
    bandit = paced(ceiling=2e-3, selector=TopKSelector(2))
    place = np.argsort(np.random.RandomState(0).rand(60, 3), axis=1)[:, :2]
    rows = np.arange(60)[:, None]
    log = make_log(np.array(ARMS)[place], reward[rows, place], cost=cost[rows, place])
    bandit = bandit.partial_fit(X, log)
    assert_allclose(bandit.spent_, cost[rows, place].sum())
    assert_allclose(bandit.mean_cost_, cost[rows, place].sum() / 60)
    assert_allclose(bandit.predict_proba(X).sum(axis=1), 2.0)
    one = paced(ceiling=2e-5).partial_fit(
        X,
        make_log(
            np.array(ARMS)[place[:, 0]],
            reward[rows[:, 0], place[:, 0]],
            cost=cost[rows[:, 0], place[:, 0]],
        ),
    )
    mask = np.ones((60, 3), dtype=bool)
    mask[:, 1] = False
    # The cheapest of those that may be played always can.
    assert_allclose(one.predict_proba(X, available=mask)[:, 2], 1.0)


def test_candidates_whose_number_varies():
    rng = np.random.RandomState(0)
    bandit = BudgetPacedBandit(ceiling=1.5, bandit=LinearUCB(arm_model="shared"), random_state=0)
    for n_candidates in (3, 5, 4, 4):
        X = rng.rand(30, n_candidates, 2)
        place = rng.randint(n_candidates, size=30)
        paid = 3.0 * X[np.arange(30), place, 0]
        log = make_log(place, X[np.arange(30), place].sum(axis=1), cost=paid)
        bandit = bandit.partial_fit(X, log)
    X = rng.rand(200, 4, 2)
    assert_allclose(bandit.expected_cost(X), 3.0 * X[:, :, 0], atol=0.35)
    policy = bandit.predict_proba(X)
    assert 0.6 < (policy * 3.0 * X[:, :, 0]).sum(axis=1).mean() < 1.7


# ---------------------------------------------------------------------- learning
def some_log(X, reward, cost, seed=0):
    place = np.random.RandomState(seed).randint(3, size=len(X))
    rows = np.arange(len(X))
    return make_log(np.array(ARMS)[place], reward[rows, place], cost=cost[rows, place])


def test_weights_are_repetitions_in_the_books():
    X, reward, cost = routing(13, 40)
    log, weight = some_log(X, reward, cost), np.arange(40) % 3
    bandit = paced(ceiling=1e-3).fit(X, log, sample_weight=weight)
    repeated = paced(ceiling=1e-3).fit(np.repeat(X, weight, axis=0), np.repeat(log, weight))
    for name in ("spent_", "bank_", "mean_cost_"):
        assert_allclose(getattr(bandit, name), getattr(repeated, name))
    assert_allclose(bandit.expected_cost(X), repeated.expected_cost(X))


def test_full_feedback_teaches_and_costs_nothing():
    X, reward, _ = routing(14, 60)
    best = np.array(ARMS)[reward.argmax(axis=1)]
    bandit = paced(ceiling=3e-4).fit(X, best)
    assert bandit.spent_ == bandit.bank_ == 0.0
    assert np.isnan(bandit.mean_cost_)
    assert_allclose(bandit.expected_cost(X[:1]), [[5e-3, 1e-4, 1e-3]])
    assert bandit.price_ > 0.0


def test_list_prices_stand_for_costs_that_a_log_lacks():
    X, reward, cost = routing(15, 30)
    log = some_log(X, reward, cost)
    bandit = paced(ceiling=1e-3).fit(X, log["arm"], reward=log["reward"])
    assert_allclose(bandit.spent_, sum(LISTED[arm] for arm in log["arm"]))


def test_ceilings_that_change_hold_from_then_on():
    X, reward, cost = routing(16, 60)
    log = some_log(X, reward, cost)
    bandit = paced(ceiling=1e-2).fit(X[:30], log[:30])
    before = bandit.bank_
    bandit.set_params(ceiling=1e-3)
    assert bandit.bank_ == before
    bandit.partial_fit(X[30:], log[30:])
    assert_allclose(bandit.bank_, before + 30 * 1e-3 - log["cost"][30:].sum())
    free = paced().fit(X, log)
    assert free.price_ == 0.0
    assert_allclose(free.mean_cost_, log["cost"].mean())


def test_reset_budget():
    X, reward, cost = routing(17, 60)
    bandit = paced(ceiling=1e-4).fit(X, some_log(X, reward, cost))
    assert bandit.bank_ < 0.0
    anew = bandit.reset_budget()
    assert bandit.bank_ < 0.0
    assert anew.bank_ == anew.spent_ == 0.0
    assert_allclose(anew.expected_cost(X), bandit.expected_cost(X))
    assert_allclose(anew.expected_reward(X), bandit.expected_reward(X))
    assert anew.price_ < bandit.price_


def test_features_come_and_go():
    X, reward, cost = routing(18, 60)
    bandit = paced(ceiling=5e-4).fit(X, some_log(X, reward, cost))
    wider = bandit.expand_features(2)
    padded = np.column_stack([X, np.zeros((60, 2))])
    assert_allclose(wider.price_, bandit.price_, rtol=1e-2)
    assert_allclose(wider.expected_cost(padded), bandit.expected_cost(X), rtol=1e-6)
    assert wider.drop_features([0]).price_ >= 0.0


def test_pickles_and_merging():
    X, reward, cost = routing(19, 60)
    bandit = paced(ceiling=5e-4).fit(X, some_log(X, reward, cost))
    back = pickle.loads(pickle.dumps(bandit))
    assert back.price_ == bandit.price_
    assert_allclose(back.predict_proba(X), bandit.predict_proba(X))
    with pytest.raises(ValueError, match="merge"):
        merge([bandit, back])


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_any_seed(seed):
    X, reward, cost = routing(20, 40)
    bandit = BudgetPacedBandit(
        arms=ARMS, ceiling=1e-3, cost=LISTED, bandit=LinearThompsonSampling(), random_state=seed
    )
    bandit = bandit.fit(X, some_log(X, reward, cost))
    assert bandit.predict(X).tolist() == bandit.predict(X).tolist()


# ------------------------------------------------------------------------ errors
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ceiling": 0.0}, "ceiling"),
        ({"ceiling": -1.0}, "ceiling"),
        ({"cost": {"large": 1.0}}, r"says nothing of the arms \['small', 'medium'\]"),
        ({"cost": [1.0, -2.0, 3.0]}, "not negative"),
        ({"cost_model": "median"}, "cost_model"),
        ({"window": 0}, "window"),
        ({"bandit": LinearUCB(selector=EpsilonGreedySelector())}, "give the selector to this"),
        ({"cost_model": LinearUCB(selector=EpsilonGreedySelector())}, "give the selector"),
    ],
)
def test_bad_parameters(params, message):
    bandit = paced(**{"ceiling": 1.0, **params})
    with pytest.raises(ValueError, match=message):
        bandit.predict([[0.0]])


def test_classes_are_refused():
    for name in ("bandit", "cost_model"):
        with pytest.raises(TypeError, match=f"{name} must be an instance, got the class"):
            paced(ceiling=1.0, **{name: LinearUCB}).predict([[0.0]])


def test_bad_costs():
    X, arm, reward = np.zeros((2, 1)), ["small", "large"], [1.0, 0.0]
    bandit = paced(ceiling=1.0, cost=None)
    with pytest.raises(ValueError, match="y carries no costs"):
        bandit.fit(X, arm, reward=reward)
    with pytest.raises(ValueError, match="must not be negative"):
        bandit.fit(X, make_log(arm, reward, cost=[1.0, -1.0]))
    with pytest.raises(ValueError, match="must not be negative"):
        paced(ceiling=1.0).predict(X, cost=-np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"cost must have shape"):
        paced(ceiling=1.0).predict(X, cost=np.ones((2, 2)))


def test_bandits_without_scores_are_refused():
    bandit = BudgetPacedBandit(arms=ARMS, ceiling=0.5, bandit=Exp3(), cost=1.0, cost_model="mean")
    bandit = bandit.fit(np.zeros((3, 1)), ARMS, reward=[1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="decides by more than a selector of scores"):
        bandit.predict(np.zeros((1, 1)))
