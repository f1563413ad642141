"""Replay, against a loop over rounds and against live play."""

import copy

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbandit.base import make_log
from skbandit.benchmark import simulate
from skbandit.environments import LinearEnvironment, log_policy
from skbandit.linear import LinearUCB
from skbandit.model_selection import replay_validate
from skbandit.selectors import EpsilonGreedySelector, TopKSelector

ENVIRONMENT = LinearEnvironment(n_features=3, n_arms=3, random_state=4)


def uniform_log(n_rounds, seed):
    logger = LinearUCB(arms=ENVIRONMENT.arms, selector=EpsilonGreedySelector(epsilon=1.0))
    return log_policy(logger, ENVIRONMENT, n_rounds, random_state=seed)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_is_the_loop_over_rounds(batch_size):
    # Once there are no ties, upper confidence bounds leave nothing to chance.
    X, log = uniform_log(500, 0)
    bandit = LinearUCB(arms=[0, 1, 2]).fit(X[:20], log[:20])
    X, log = X[20:], log[20:]
    before = bandit.expected_reward(X)
    loop, kept, pending = copy.deepcopy(bandit), [], []
    for row in range(480):
        if loop.predict(X[row : row + 1])[0] == log["arm"][row]:
            kept.append(row)
            pending.append(row)
        if len(pending) == batch_size:
            loop.partial_fit(X[pending], log["arm"][pending], log["reward"][pending])
            pending = []
    if pending:
        loop.partial_fit(X[pending], log["arm"][pending], log["reward"][pending])
    result = replay_validate(bandit, X, log, batch_size=batch_size, warm_start=True)
    assert result.rounds["row"].tolist() == kept
    assert result.n_seen == 480
    assert result.value.value == pytest.approx(log["reward"][kept].mean())
    np.testing.assert_array_equal(result.rounds["reward"], log["reward"][kept])
    np.testing.assert_array_equal(result.rounds["arm"], log["arm"][kept])
    np.testing.assert_allclose(result.bandit.predict_proba(X), loop.predict_proba(X))
    np.testing.assert_array_equal(bandit.expected_reward(X), before)
    assert result.bandit.random_state is None


def test_is_distributed_like_live_play():
    # 60 runs of 50 rounds each way; means within four standard errors of their difference.
    replayed, live = [], []
    for seed in range(60):
        X, log = uniform_log(400, seed)
        result = replay_validate(LinearUCB(), X, log, n_rounds=50, random_state=seed)
        assert len(result.rounds) == 50
        replayed.append(result.value.value)
    runs = simulate(LinearUCB(), ENVIRONMENT, 50, n_repeats=60, random_state=1)
    live = runs.groupby("repeat")["reward"].mean().to_numpy()
    error = np.sqrt((np.var(replayed, ddof=1) + np.var(live, ddof=1)) / 60)
    assert abs(np.mean(replayed) - live.mean()) < 4 * error
    # Learning shows, or the comparison would say little.
    assert np.mean(replayed) > 0.3 > np.mean([uniform_log(400, s)[1]["reward"] for s in range(5)])


def test_stops_where_it_was_told():
    X, log = uniform_log(900, 1)
    whole = replay_validate(LinearUCB(random_state=0), X, log)
    part = replay_validate(LinearUCB(random_state=0), X, log, n_rounds=40)
    assert part.rounds["row"].tolist() == whole.rounds["row"].tolist()[:40]
    assert part.n_seen == part.rounds["row"].iloc[-1] + 1
    kept = part.rounds["row"].to_numpy()
    learnt = LinearUCB().fit(X[kept], log[kept])
    np.testing.assert_allclose(part.bandit.expected_reward(X), learnt.expected_reward(X))
    # About a third of the rounds match: 4 standard deviations.
    assert abs(len(whole.rounds) - 300) < 4 * np.sqrt(900 * 2 / 9)


def test_random_state_decides_for_a_bandit_without():
    X, log = uniform_log(300, 2)
    bandit = LinearUCB(selector=EpsilonGreedySelector(epsilon=1.0))
    one, two, other = (
        replay_validate(bandit, X, log, random_state=seed).rounds["row"].tolist()
        for seed in (0, 0, 1)
    )
    assert one == two != other


def test_equal_contexts_and_an_int():
    # Decisions for equal rows between two learning calls must not all be the same.
    arm = np.random.RandomState(1).randint(2, size=400)
    log = make_log(arm, np.ones(400), np.full(400, 0.5))
    bandit = LinearUCB(arms=[0, 1], selector=EpsilonGreedySelector(epsilon=1.0), random_state=0)
    result = replay_validate(bandit, np.ones((400, 1)), log)
    # Half of the rounds, within four standard deviations; and half of the kept ones play each arm.
    assert abs(len(result.rounds) - 200) < 40
    assert abs(result.rounds["arm"].mean() - 0.5) < 4 * np.sqrt(0.25 / 160)
    assert result.bandit.random_state == 0
    again = replay_validate(bandit, np.ones((400, 1)), log)
    assert again.rounds.equals(result.rounds)


def test_pipeline_warm_start_and_labels():
    X, log = uniform_log(600, 3)
    named = make_log(np.array(["c", "a", "b"])[log["arm"]], log["reward"])
    scaler = StandardScaler().fit(X)
    pipeline = make_pipeline(scaler, LinearUCB(random_state=0))
    result = replay_validate(pipeline, X, named)
    assert result.bandit.classes_.tolist() == ["a", "b", "c"]
    direct = replay_validate(LinearUCB(random_state=0), scaler.transform(X), named)
    assert direct.rounds.equals(result.rounds)
    trained = LinearUCB(random_state=0).fit(X[:300], log[:300])
    warm = replay_validate(trained, X[300:], log[300:], warm_start=True)
    cold = replay_validate(trained, X[300:], log[300:])
    assert warm.value.value > cold.value.value
    fresh = LinearUCB(random_state=0).fit(X[:300], log[:300])
    np.testing.assert_array_equal(trained.expected_reward(X), fresh.expected_reward(X))


def test_only_uniform_logs():
    X, log = uniform_log(100, 0)
    log["propensity"][0] = 0.4
    with pytest.raises(ValueError, match=r"uniformly random policy.*0.333333 to 0.4"):
        replay_validate(LinearUCB(), X, log)


def test_sets_of_arms_are_never_what_was_logged():
    X, log = uniform_log(100, 0)
    with pytest.raises(ValueError, match=r"LinearUCB plays sets of arms.*selector of one arm"):
        replay_validate(LinearUCB(selector=TopKSelector(k=2)), X, log)


def test_bad_input():
    X, log = uniform_log(100, 0)
    with pytest.raises(ValueError, match=r"arms that the (bandit|policy) does not know: 2"):
        replay_validate(LinearUCB(arms=[0, 1]), X, log)
    with pytest.raises(ValueError, match=r"n_rounds == 0, must be >= 1"):
        replay_validate(LinearUCB(), X, log, n_rounds=0)
    with pytest.raises(ValueError, match=r"no rewards"):
        replay_validate(LinearUCB(), X, log["arm"])
    arm = np.resize([0, 1, 2], 100)
    greedy = LinearUCB(arms=[0, 1, 2], alpha=0.0).fit(X, arm, reward=(arm == 0) * 1.0)
    never = make_log(np.full(10, 2), np.ones(10))
    shown = X[greedy.decision_function(X)[:, 2] < greedy.decision_function(X).max(axis=1)][:10]
    with pytest.raises(ValueError, match=r"played what was logged in none of 10 rounds"):
        replay_validate(greedy, shown, never, warm_start=True)


def test_masked_replay_is_distributed_like_live_play(draw_masked):
    # 80 runs of 50 rounds each way; means within four standard errors of their difference.
    replayed, live, taken = [], [], []
    for seed in range(80):
        rounds = draw_masked(600, seed)
        result = replay_validate(
            LinearUCB(),
            rounds.X,
            rounds.log,
            n_rounds=50,
            random_state=seed,
            available=rounds.available,
        )
        assert len(result.rounds) == 50
        replayed.append(result.value.value)
        taken.append(rounds.available[result.rounds["row"]].sum(axis=1).mean())
        rounds = draw_masked(50, 1000 + seed)
        bandit, paid = LinearUCB(arms=[0, 1, 2, 3], random_state=seed), []
        for row in range(50):
            arm = bandit.predict(rounds.X[[row]], available=rounds.available[[row]])
            reward = rounds.expected[[row], arm]
            bandit.partial_fit(rounds.X[[row]], arm, reward)
            paid.append(reward[0])
        live.append(np.mean(paid))
    error = np.sqrt(np.var(replayed, ddof=1) / 80 + np.var(live, ddof=1) / 80)
    assert abs(np.mean(replayed) - np.mean(live)) < 4 * error < 0.15
    # Rounds with few arms are no more frequent than in the log.
    counts = draw_masked(20_000, 0).available.sum(axis=1)
    assert abs(np.mean(taken) - counts.mean()) < 4 * np.std(taken, ddof=1) / np.sqrt(80)


def test_masks_in_replay(draw_masked):
    rounds = draw_masked(200, 0)
    with pytest.raises(ValueError, match=r"propensities run from 0.25 to 1.*available="):
        replay_validate(LinearUCB(), rounds.X, rounds.log)
    mask = np.ones((200, 4), dtype=bool)
    with pytest.raises(ValueError, match="propensities, times the number of available arms, run"):
        replay_validate(LinearUCB(), rounds.X, rounds.log, available=mask)
    # All available: as without a mask.
    X, log = uniform_log(300, 0)
    bandit = LinearUCB(arms=[0, 1, 2])
    plain = replay_validate(bandit, X, log, random_state=0)
    masked = replay_validate(
        bandit, X, log, random_state=0, available=np.ones((300, 3), dtype=bool)
    )
    assert masked.rounds.equals(plain.rounds)
    mask = np.ones((300, 3), dtype=bool)
    mask[7, log["arm"][7]] = False
    with pytest.raises(ValueError, match=r"logged arm was not available in 1 row.* at 7\."):
        replay_validate(bandit, X, log, available=mask)
