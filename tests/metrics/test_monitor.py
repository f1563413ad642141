"""The monitor against capital counted bettor by bettor, and its promise on watched streams."""

import math
import pickle
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skbandit.base import make_log
from skbandit.linear import LinearUCB
from skbandit.metrics import PolicyMonitor
from skbandit.metrics import _paired_bets as grids

NAMES = ["old", "new", "odd"]


def stream(n_rounds, seed, gain=0.1, low=0.0, high=1.0):
    """Arms of a skewed policy; "new" plays arm 1, which pays more than arm 0, of "old"."""
    rng = np.random.default_rng(seed)
    chance = np.array([0.5, 0.3, 0.2])
    arm = rng.choice(3, size=n_rounds, p=chance)
    reward = rng.binomial(1, np.array([0.5, 0.5 + gain, 0.3])[arm])
    return {
        "reward": low + (high - low) * reward,
        "propensity": chance[arm],
        "policy_probability": {
            "old": (arm == 0).astype(float),
            "new": (arm == 1).astype(float),
            "odd": np.where(arm == 1, 0.5, 0.25),
        },
    }


def part(log, rows):
    return {
        key: {name: one[rows] for name, one in value.items()}
        if isinstance(value, dict)
        else value[rows]
        for key, value in log.items()
    }


def bettors(gain, scale):
    """Factors and shares as the module states them."""
    factors = grids._FACTORS_KNOWN if gain else grids._FACTORS
    spread = grids._SPREAD_KNOWN if gain else grids._SPREAD
    shares = [math.exp(-((math.log(f) / spread) ** 2) / 2) for f in factors.tolist()]
    return factors.tolist(), [share / sum(shares) for share in shares], gain / scale


def capital(v, w, u, *, max_weight, gain=0.0, scale=1.0, against=0.0):
    """Capital after each round of those who bet on the first policy leading by `against`."""
    factors, shares, gain = bettors(gain, scale)
    wealth, paths = list(shares), []
    seen = []  # of each round so far: square, square u, square u u, or mean square of both terms
    for t in range(len(u)):
        if t == 0 or (t >= 16 and t & (t - 1) == 0):
            n = t + 30
            if max_weight is None:
                variance, floor = (30 * 4.0 + sum(seen)) / n, 1.0
            else:
                a = 30 * max_weight + sum(s for s, _ in seen)
                b = 15 * max_weight + sum(s * r for s, r in seen)
                level = b / a
                squares = 30 * max_weight * ((1 - level) ** 2 + level**2) / 2
                squares += sum(s * (r - level) ** 2 for s, r in seen)
                variance, floor = squares / n, max_weight * max(level, 1 - level)
            expected = gain / variance if gain else grids._EFFECT / math.sqrt(variance)
            stakes = [min(expected * factor, 0.95 / floor) for factor in factors]
        if max_weight is None:
            term = v[t] * u[t] + w[t] * (1 - u[t]) - 1
            mirrored = w[t] * u[t] + v[t] * (1 - u[t]) - 1
            seen.append((term**2 + mirrored**2) / 2)
        else:
            term = (v[t] - w[t]) * (u[t] - level)
            seen.append(((v[t] - w[t]) ** 2, u[t]))
        for k, stake in enumerate(stakes):
            wealth[k] *= (1 + stake * term) / (1 + stake * against)
        paths.append(sum(wealth))
    return np.array(paths)


def weights_of(log):
    return {name: one / log["propensity"] for name, one in log["policy_probability"].items()}


@pytest.mark.parametrize("max_weight", [None, 6.0])
@pytest.mark.parametrize("gain", [0.0, 0.4])
def test_events_happen_when_the_capital_counted_by_hand_says_so(max_weight, gain):
    log = stream(700, seed=4, gain=0.35, low=-1.0, high=3.0)
    level = 0.5  # of confidence: low, so that much happens
    monitor = PolicyMonitor(
        NAMES,
        baseline="old",
        reward_range=(-1, 3),
        max_weight=max_weight,
        confidence_level=level,
        smallest_gain=gain,
    ).update(**log)
    weight, unit = weights_of(log), (log["reward"] + 1) / 4
    options = {"max_weight": max_weight, "gain": gain, "scale": 4.0}
    needed = (2 * 3 - 3) / (1 - level)
    expected = []

    def note(path, name, found):
        if (path >= needed).any():
            expected.append((int(np.argmax(path >= needed)) + 1, name, found))

    for b in NAMES:
        rivals = [capital(weight[a], weight[b], unit, **options) for a in NAMES if a != b]
        note(np.sum(rivals, axis=0), b, "dropped")
    for a in ("new", "odd"):
        note(capital(weight[a], weight["old"], unit, **options), a, "better")
        path = capital(weight["old"], weight[a], unit, against=-gain / 4, **options)
        note(path, a, "no gain")
    assert expected
    assert list(monitor.history_.itertuples(index=False, name=None)) == sorted(expected)
    dropped = {name for _, name, found in expected if found == "dropped"}
    assert monitor.candidates_ == [name for name in NAMES if name not in dropped]


@pytest.mark.parametrize("max_weight", [None, 6.0])
def test_bounds_are_the_differences_at_which_the_capital_reaches_its_level(max_weight):
    log = stream(200, seed=1, low=0.0, high=2.0)
    monitor = PolicyMonitor(NAMES, reward_range=(0, 2), max_weight=max_weight).update(**log)
    bounds = monitor.bounds()
    assert bounds.index.tolist() == list(combinations(NAMES, 2))
    weight, unit = weights_of(log), log["reward"] / 2
    needed = 2 * 3 / 0.05
    for (a, b), row in bounds.iterrows():
        assert -2 <= row["low"] < row["difference"] < row["high"] <= 2
        for first, second, end in ((a, b, row["low"]), (b, a, -row["high"])):
            if end == -2:
                continue
            path = capital(
                weight[first], weight[second], unit, max_weight=max_weight, against=end / 2
            )
            assert_allclose(path[-1], needed, rtol=1e-6)


def test_bounds_with_a_baseline_are_the_turned_ones_where_it_comes_first():
    log = stream(300, seed=1)
    options = {"reward_range": (0, 1), "max_weight": 5.0}
    first = PolicyMonitor(["old", "new"], baseline="old", **options).update(**two(log))
    last = PolicyMonitor(["new", "old"], baseline="old", **options).update(**two(log))
    pd.testing.assert_frame_equal(first.bounds(), last.bounds())
    assert first.bounds().index.tolist() == [("new", "old")]


def two(log):
    probability = {name: log["policy_probability"][name] for name in ("old", "new")}
    return {**log, "policy_probability": probability}


@pytest.mark.parametrize("max_weight", [None, 5.0])
def test_pieces_make_the_whole(max_weight, monkeypatch):
    log = stream(1500, seed=2, gain=0.3)
    options = {"reward_range": (0, 1), "max_weight": max_weight, "baseline": "old"}
    whole = PolicyMonitor(NAMES, smallest_gain=0.1, **options).update(**log)
    pieces = PolicyMonitor(NAMES, smallest_gain=0.1, **options)
    for rows in np.split(np.arange(1500), [1, 2, 15, 16, 17, 300, 301, 1024]):
        assert pieces.update(**part(log, rows)) is pieces
    monkeypatch.setattr("skbandit.metrics._monitor._PIECE", 1000)
    small = PolicyMonitor(NAMES, smallest_gain=0.1, **options).update(**log)
    for other in (pieces, small):
        assert whole.n_rounds_ == other.n_rounds_ == 1500
        pd.testing.assert_frame_equal(whole.history_, other.history_)
        pd.testing.assert_frame_equal(whole.bounds(), other.bounds(), rtol=1e-9)
        assert whole.decision_ == other.decision_
    assert len(whole.history_) > 1


@pytest.mark.parametrize(("max_weight", "gain"), [(5.0, 0.0), (5.0, 0.1), (None, 0.0)])
def test_watched_streams_without_a_difference_promote_seldom(max_weight, gain):
    # At 75 % errors are common enough to count. 300 streams, watched in each of 1,000 rounds.
    n_streams, alpha = 300, 0.25
    rng = np.random.default_rng(0)
    bets = grids.PairedBets(n_streams, max_weight=max_weight, gain=gain)
    chance = np.array([0.2, 0.5, 0.3])
    ever = np.zeros((2, n_streams), dtype=bool)
    for _ in range(10):
        arm = rng.choice(3, size=(n_streams, 100), p=chance)
        reward = (rng.uniform(size=arm.shape) < 0.3).astype(float)
        log_capital, _ = bets.update(*((arm == a) / chance[arm] for a in (0, 1)), reward)
        ever |= (log_capital >= math.log(1 / alpha)).any(axis=2)
    for side in ever:
        # A true chance of 25 % exceeds this count once in 10,000 tests.
        assert side.sum() <= stats.binom.ppf(1 - 1e-4, n_streams, alpha)
        assert side.sum() > 0.02 * n_streams


def test_better_policy_is_promoted_and_the_rest_dropped():
    log = stream(6000, seed=0, gain=0.3)
    monitor = PolicyMonitor(NAMES, baseline="old", reward_range=(0, 1), max_weight=5.0)
    assert (monitor.decision_, monitor.candidates_, monitor.n_rounds_) == ("go on", NAMES, 0)
    assert monitor.history_.empty
    monitor.update(**log)
    assert monitor.decision_ == "promote new"
    assert monitor.candidates_ == ["new"]
    assert monitor.better_[0] == "new"
    assert monitor.bounds().loc[("new", "old"), "low"] > 0
    free = PolicyMonitor(NAMES, reward_range=(0, 1), max_weight=5.0).update(**log)
    assert free.decision_ == "promote new"


def test_stops_where_no_gain_that_matters_is_left():
    log = two(stream(4000, seed=0, gain=0.0))
    options = {"baseline": "old", "reward_range": (0, 1), "max_weight": 5.0}
    monitor = PolicyMonitor(["old", "new"], smallest_gain=0.2, **options).update(**log)
    assert monitor.decision_ == "stop: no candidate can beat old by more than 0.2"
    assert monitor.candidates_ == ["old", "new"]
    assert PolicyMonitor(["old", "new"], **options).update(**log).decision_ == "go on"
    worse = two(stream(4000, seed=0, gain=-0.3))
    stopped = PolicyMonitor(["old", "new"], **options).update(**worse)
    assert stopped.decision_ == "stop: no candidate can beat old"
    assert stopped.candidates_ == ["old"]


def test_gains_beyond_the_range_of_any_difference_are_ruled_out():
    log = two(stream(300, seed=0))
    monitor = PolicyMonitor(
        ["old", "new"], baseline="old", reward_range=(0, 1), max_weight=5.0, smallest_gain=50.0
    ).update(**log)
    assert np.isfinite(monitor.bounds().to_numpy()).all()
    assert monitor.decision_ != "go on"


def test_policies_are_asked_with_the_log():
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(400, 2)), rng.integers(2, size=400)
    log = make_log(arm, 0.5 + 0.2 * arm, np.full(400, 0.5))
    bandit = LinearUCB().fit(X[:50], log[:50])
    policies = {"logging": None, "bandit": bandit}
    options = {"baseline": "logging", "reward_range": (0, 1), "max_weight": 2.0}
    asked = PolicyMonitor(policies, **options).update_log(X[50:], log[50:])
    told = PolicyMonitor(["logging", "bandit"], **options).update(
        reward=log["reward"][50:],
        arm=arm[50:],
        propensity=log["propensity"][50:],
        policy_probability={
            "logging": log["propensity"][50:],
            "bandit": bandit.predict_proba(X[50:]),
        },
    )
    pd.testing.assert_frame_equal(asked.bounds(), told.bounds())
    with pytest.raises(ValueError, match="knows their names only"):
        told.update_log(X, log)
    with pytest.raises(ValueError, match="propensit"):
        asked.update_log(X, make_log(arm, 0.5 + 0.2 * arm))


def test_survives_pickling_and_goes_on():
    log = stream(900, seed=3)
    monitor = PolicyMonitor(NAMES, baseline="old", reward_range=(0, 1), max_weight=5.0)
    monitor.update(**part(log, slice(0, 500)))
    copy = pickle.loads(pickle.dumps(monitor))
    for one in (monitor, copy):
        one.update(**part(log, slice(500, 900)))
    pd.testing.assert_frame_equal(monitor.bounds(), copy.bounds())
    assert repr(monitor) == repr(copy)
    assert "n_rounds=900" in repr(copy)


@pytest.mark.parametrize(
    ("policies", "changes", "message"),
    [
        ("old", {}, "list of names"),
        (["old"], {}, "two different names"),
        (["old", "old"], {}, "two different names"),
        ([1, 2], {}, "strings"),
        (NAMES, {"baseline": "none"}, "baseline must be one of"),
        (NAMES, {"reward_range": (1, 1)}, "reward_range must be"),
        (NAMES, {"reward_range": None}, "reward_range must be"),
        (NAMES, {"max_weight": 0.5}, "max_weight must be"),
        (NAMES, {"confidence_level": 1.5}, "confidence_level"),
        (NAMES, {"smallest_gain": -1.0, "baseline": "old"}, "smallest_gain must be"),
        (NAMES, {"smallest_gain": 0.1}, "there is none"),
    ],
)
def test_bad_parameters_are_named(policies, changes, message):
    with pytest.raises(ValueError, match=message):
        PolicyMonitor(policies, **{"reward_range": (0, 1), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy_probability": [0.5]}, "must be a dict"),
        ({"policy_probability": {"old": [0.5], "new": [0.5], "odd": [0.1], "x": [0]}}, "unknown"),
        ({"policy_probability": {"old": [0.5]}}, "missing: .'new', 'odd'"),
        ({"reward": [2.0]}, "does not hold the logged rewards"),
        ({"propensity": [0.05]}, "below the largest weight"),
        ({"propensity": [0.5, 0.5]}, "propensity"),
        ({"reward": [np.nan]}, "NaN"),
        ({"policy_probability": {key: [[0.5, 0.5]] for key in NAMES}}, "arm is None"),
    ],
)
def test_bad_rounds_are_errors_and_change_nothing(changes, message):
    monitor = PolicyMonitor(NAMES, reward_range=(0, 1), max_weight=5.0)
    good = {
        "reward": [1.0],
        "propensity": [0.5],
        "policy_probability": {key: [0.5] for key in NAMES},
    }
    monitor.update(**good)
    before = pickle.dumps(monitor)
    with pytest.raises(ValueError, match=message):
        monitor.update(**{**good, **changes})
    assert pickle.dumps(monitor) == before


def stream_of_customers(n_customers, seed, share=0.5, visits=15):
    """Customers who prefer one of two arms, half of them each: no policy is better on average."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(n_customers), rng.integers(1, 2 * visits, size=n_customers))
    prefers = (rng.uniform(size=n_customers) < share).astype(int)[customer]
    arm = rng.integers(2, size=customer.size)
    return customer, {
        "reward": rng.binomial(1, np.where(arm == prefers, 0.8, 0.2)).astype(float),
        "propensity": np.full(customer.size, 0.5),
        "policy_probability": {"old": (arm == 0) * 1.0, "new": (arm == 1) * 1.0},
    }


def watched(customer, log, groups):
    monitor = PolicyMonitor(["old", "new"], baseline="old", reward_range=(0, 1), max_weight=2)
    monitor.update(**log, **({"groups": customer} if groups else {}))
    # What was found in any round was found by who watches every round.
    return monitor


@pytest.mark.parametrize("groups", [False, True])
def test_false_promotions_where_customers_come_again(groups):
    # 300 streams of 100 customers with about 15 rounds each.
    promoted = sum(
        "new" in watched(*stream_of_customers(100, seed), groups).better_ for seed in range(300)
    )
    if groups:
        # At most 15 are expected, and 27 with a chance of 0.2 %.
        assert promoted <= 27
    else:
        assert promoted > 60


def test_a_better_policy_is_found_among_customers():
    customer, log = stream_of_customers(400, 0, share=0.8)
    monitor = watched(customer, log, groups=True)
    assert monitor.decision_ == "promote new"
    assert monitor.n_rounds_ == 400
    found = monitor.history_.set_index("found")["round"]
    assert found["better"] < 100
    # Each customer counts once: .6 for those who prefer "new", -.6 for the others.
    row = monitor.bounds().loc[("new", "old")]
    assert row["low"] < 0.8 * 0.6 - 0.2 * 0.6 < row["high"]


def test_a_group_is_the_mean_of_its_rounds():
    customer, log = stream_of_customers(60, 1)
    rows = np.random.default_rng(2).permutation(customer.size)
    for largest in (2, None):
        options = {"reward_range": (0, 1), "max_weight": largest}
        monitor = PolicyMonitor(["old", "new"], **options)
        monitor.update(**part(log, rows), groups=customer[rows])
        order = pd.unique(customer[rows])
        means = []
        for one in order:
            of = customer == one
            u = log["reward"][of]
            v, w = (log["policy_probability"][name][of] / 0.5 for name in ("old", "new"))
            means.append([v.mean(), w.mean(), (v * u).mean(), (w * u).mean()])
        bets = grids.PairedBets(1, max_weight=largest)
        capital, _ = bets.update_means(*np.array(means).T[:, None])
        assert_allclose(sum(bets.sums), sum(monitor._bets.sums))
        assert_allclose(bets.differences, monitor._bets.differences)
        assert np.isfinite(capital).all()


def test_groups_of_one_round_are_rounds():
    log = stream(500, 3)
    alone = PolicyMonitor(NAMES, reward_range=(0, 1), max_weight=5).update(**log)
    grouped = PolicyMonitor(NAMES, reward_range=(0, 1), max_weight=5)
    for rows in np.split(np.arange(500), 5):
        grouped.update(**part(log, rows), groups=[f"customer {row}" for row in rows])
    assert_allclose(alone.bounds(), grouped.bounds())
    assert alone.history_.equals(grouped.history_)


def test_groups_come_whole():
    customer, log = stream_of_customers(20, 4)
    monitor = PolicyMonitor(["old", "new"], reward_range=(0, 1), max_weight=2)
    half = customer.size // 2
    first, second = slice(half), slice(half, None)
    monitor.update(**part(log, first), groups=customer[first])
    before = pickle.dumps(monitor)
    with pytest.raises(ValueError, match=r"1 label\(s\) that earlier calls had, such as"):
        monitor.update(**part(log, second), groups=customer[second])
    with pytest.raises(ValueError, match=r"groups is None, and earlier rounds came in groups"):
        monitor.update(**part(log, second))
    assert pickle.dumps(monitor) == before
    alone = PolicyMonitor(["old", "new"], reward_range=(0, 1)).update(**part(log, first))
    with pytest.raises(ValueError, match=r"earlier rounds came without"):
        alone.update(**part(log, second), groups=customer[second])


def test_groups_in_logs():
    rng = np.random.default_rng(5)
    X, arm, groups = rng.normal(size=(300, 2)), rng.integers(2, size=300), np.arange(300) // 3
    log = make_log(arm, rng.binomial(1, 0.3 + 0.4 * (arm == (X[:, 0] > 0))), np.full(300, 0.5))
    policy = LinearUCB(arms=[0, 1]).fit(X[:100], log[:100])
    monitor = PolicyMonitor({"old": None, "new": policy}, reward_range=(0, 1), max_weight=2)
    monitor.update_log(X[102:], log[102:], groups=groups[102:])
    assert monitor.n_rounds_ == 66
