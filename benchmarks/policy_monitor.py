"""How often a watched monitor promotes wrongly, and how many rounds it needs beside a fixed size.

::

    PYTHONPATH=. python benchmarks/policy_monitor.py --streams 10000

False promotions: in each stream no policy is better than the baseline, and the capital of all bets
is looked at after every round. By design at most 5 % of the streams may promote, ever; here up to
the given number of rounds.

Customers who come again: 100 of them with 1 to 29 visits each, half of whom earn .8 with one
policy and .2 with the other, and half the other way round, so neither policy is better. A tenth of
the streams, with and without `groups`.

Rounds: streams in which the candidate is better by the gain. The one-sided z test on the same
weighted differences, about the same level, has an error of 5 %, is looked at once, at

    n = ((z(0.05) + z(1 - power)) deviation / gain)^2

rounds, and is told both the deviation and the gain. The monitor watches up to the number of rounds
at which that share of the streams has promoted, so both have the same error and power. Its rounds
are the mean over all streams, those that did not promote included. It is told the gain
(`smallest_gain`), half the gain, or nothing, and never the deviation.

Settings:

- `two arms`: each is played half of the time and by one policy; rewards of 1 with a chance of 0.5;
- `contexts`: the logging policy plays arm 0 with 0.55 and three more with 0.15 each; the candidate
  differs from the baseline, arm 0, in every second round, where it plays arm 1; chance 0.5;
- `clicks`: the same with a chance of 0.05.

The grids of stakes and the prior of their variance were chosen on other streams of `contexts`,
with gains of 0.1 and 0.2, and of `clicks`, with one of 0.03.
"""

import argparse

import numpy as np
import pandas as pd
from scipy.stats import norm

from skbandit.metrics import PolicyMonitor
from skbandit.metrics._paired_bets import PairedBets, capital_against

ALPHA = 0.05
POWERS = (0.8, 0.9, 0.95, 0.99)
PIECE = 100
BATCH = 1000
# Name: base chance, largest weight.
SETTINGS = {"two arms": (0.5, 2.0), "contexts": (0.5, 1 / 0.15), "clicks": (0.05, 1 / 0.15)}
GAINS = {"two arms": (0.1, 0.05), "contexts": (0.2, 0.1, 0.05), "clicks": (0.03, 0.015)}
FALSE = (
    ("two arms", 0.05, True),
    ("contexts", 0.05, True),
    ("contexts", 0.0, True),
    ("contexts", 0.0, False),
    ("clicks", 0.015, True),
)


def play(setting, gain, shape, rng):
    """Return weights of candidate and baseline, and rewards."""
    base, _ = SETTINGS[setting]
    if setting == "two arms":
        one = rng.uniform(size=shape) < 0.5
        weight, other = 2.0 * one, 2.0 * ~one
        chance = base + gain * one
    else:
        differs = rng.uniform(size=shape) < 0.5
        draw = rng.uniform(size=shape)
        zero, one = draw < 0.55, draw > 0.85
        other = zero / 0.55
        weight = np.where(differs, one / 0.15, other)
        # Half of the rounds differ; each gains twice the gain.
        chance = base + 2 * gain * (one & differs)
    return weight, other, (rng.uniform(size=shape) < chance).astype(float)


def false_promotions(setting, gain, told, n_streams, n_rounds, seed):
    """Return the share of the streams of two policies without a difference that promote, ever."""
    rng = np.random.default_rng(seed)
    promoted = 0
    for _ in range(n_streams // BATCH):
        bets = PairedBets(BATCH, max_weight=SETTINGS[setting][1] if told else None, gain=gain)
        ever = np.zeros(BATCH, dtype=bool)
        for _ in range(n_rounds // PIECE):
            capital, _ = bets.update(*play(setting, 0.0, (BATCH, PIECE), rng))
            ever |= (capital[0] >= np.log(1 / ALPHA)).any(axis=1)
        promoted += ever.sum()
    return promoted / n_streams


def errors_among_four(n_streams, n_rounds, seed):
    """Return how often the best of four policies is dropped or a worse one promoted, ever.

    Each plays an arm of its own; policy 3 is best, the baseline is policy 0, and 1 and 2 are like
    it. Policy 3 leads by so little that wrong decisions have time.
    """
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    level = np.log((2 * 4 - 3) / ALPHA)
    first, second = np.array(pairs).T
    wrong = right = 0
    for _ in range(n_streams // BATCH):
        bets = PairedBets(len(pairs) * BATCH, max_weight=4.0)
        ever = np.zeros((2, BATCH), dtype=bool)
        for _ in range(n_rounds // PIECE):
            arm = rng.integers(4, size=(BATCH, PIECE))
            reward = (rng.uniform(size=arm.shape) < np.where(arm == 3, 0.51, 0.5)).astype(float)
            weight = 4.0 * (arm == np.arange(4)[:, None, None])
            capital, _ = bets.update(
                weight[first].reshape(-1, PIECE),
                weight[second].reshape(-1, PIECE),
                np.tile(reward, (len(pairs), 1)),
            )
            capital = capital.reshape(2, len(pairs), BATCH, PIECE)
            against = capital_against(capital, pairs, 4)
            promoted = capital[1, :3] >= level
            ever[0] |= ((against[3] >= level) | promoted[0] | promoted[1]).any(axis=1)
            ever[1] |= promoted[2].any(axis=1)
        wrong, right = wrong + ever[0].sum(), right + ever[1].sum()
    return wrong / n_streams, right / n_streams


def false_promotions_of_customers(n_streams, grouped, seed):
    """Share of streams that promote a policy which is no better, where customers come again."""
    rng = np.random.default_rng(seed)
    promoted = 0
    for _ in range(n_streams):
        customer = np.repeat(np.arange(100), rng.integers(1, 30, size=100))
        prefers = rng.integers(2, size=100)[customer]
        arm = rng.integers(2, size=customer.size)
        monitor = PolicyMonitor(["old", "new"], baseline="old", reward_range=(0, 1), max_weight=2)
        # What is found in any round is found, so one call watches every round.
        monitor.update(
            reward=rng.uniform(size=customer.size) < np.where(arm == prefers, 0.8, 0.2),
            propensity=np.full(customer.size, 0.5),
            policy_probability={"old": arm == 0, "new": arm == 1},
            groups=customer if grouped else None,
        )
        promoted += "new" in monitor.better_
    return promoted / n_streams


def rounds_needed(setting, gain, planned, n_streams, seed):
    """Return in which round each stream promotes."""
    rng = np.random.default_rng(seed)
    bets = PairedBets(n_streams, max_weight=SETTINGS[setting][1], gain=planned)
    needed = np.full(n_streams, np.inf)
    while np.isinf(needed).mean() > (1 - max(POWERS)) / 2:
        before = bets.n_rounds
        capital, _ = bets.update(*play(setting, gain, (n_streams, PIECE), rng))
        shown = capital[0] >= np.log(1 / ALPHA)
        new = shown.any(axis=1) & np.isinf(needed)
        needed[new] = before + shown[new].argmax(axis=1) + 1
    return needed


def deviation_of_difference(setting, gain):
    """Return the standard deviation of the weighted difference about the best level."""
    weight, other, reward = play(setting, gain, 1_000_000, np.random.default_rng(0))
    square = (weight - other) ** 2
    level = (square * reward).sum() / square.sum()
    return ((weight - other) * (reward - level)).std()


def compare(setting, gain, n_streams, seed):
    """Return a row for each gain that the monitor is told."""
    deviation = deviation_of_difference(setting, gain)
    rows = []
    for told, planned in (("gain", gain), ("half", gain / 2), ("nothing", 0.0)):
        needed = rounds_needed(setting, gain, planned, n_streams, seed)
        row = {"setting": setting, "gain": gain, "gain / deviation": gain / deviation}
        row["told"] = told
        for power in POWERS:
            fixed = ((norm.isf(ALPHA) + norm.ppf(power)) * deviation / gain) ** 2
            last = np.quantile(needed, power, method="higher")
            row[f"fixed {power}"] = round(fixed)
            row[f"ratio {power}"] = np.minimum(needed, last).mean() / fixed
        rows.append(row)
    return rows


def main():
    """Run and print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, default=10_000, help="streams without a difference")
    parser.add_argument("--rounds", type=int, default=3_000, help="rounds of each of them")
    parser.add_argument("--better", type=int, default=2_000, help="streams with a difference")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-false", action="store_true")
    parser.add_argument("--skip-rounds", action="store_true")
    arguments = parser.parse_args()
    n_streams = max(BATCH, arguments.streams // BATCH * BATCH)
    if not arguments.skip_false:
        print(f"false promotions in {n_streams} streams of {arguments.rounds} rounds")
        for setting, gain, told in FALSE:
            share = false_promotions(
                setting, gain, told, n_streams, arguments.rounds, arguments.seed
            )
            words = f"smallest_gain={gain:g}, max_weight {'known' if told else 'unknown'}"
            print(f"  {setting:9} {words:44} {share:.4f}", flush=True)
        wrong, right = errors_among_four(n_streams, arguments.rounds, arguments.seed)
        print(f"  four policies: any wrong decision {wrong:.4f}, best promoted {right:.4f}")
        for grouped in (False, True):
            share = false_promotions_of_customers(n_streams // 10, grouped, arguments.seed)
            words = "with groups" if grouped else "rounds taken as independent"
            print(f"  customers who come again, {words}: {share:.4f}", flush=True)
    if not arguments.skip_rounds:
        rows = []
        for setting, gains in GAINS.items():
            for gain in gains:
                rows += compare(setting, gain, arguments.better, arguments.seed)
        print("\nmean rounds over those of a z test of the same error and power")
        print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
