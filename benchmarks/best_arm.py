"""How often the best arm is missed, and how many rounds it takes beside the lower bound.

::

    PYTHONPATH=. python benchmarks/best_arm.py --runs 1000 --n-jobs 2

Problems: the two of Garivier and Kaufmann (2016), Bernoulli arms with means .5, .45, .43, .4 and
.3, .21, .2, .19, .18; error probabilities of .1, as there, and of .05.

`TopTwoThompsonSampling` plays, in batches of a fiftieth of the rounds so far, and the rules for
stopping are looked at after every batch. All rules see the same rounds: the sampling does not
depend on them. The lower bound is T*(means) kl(delta, 1 - delta), which no rule with that error
probability beats in expectation; its T* is found by an optimiser of the package's own.

- `mixture`, `union`, `loglog`, `chernoff`: what the parameter `threshold` offers;
- `posterior`: the posterior chance that the leading arm is not the best one is at most delta. It
  is no parameter: its error is that of a single look.

The widths of the mixture's priors, powers of 8, were not chosen on these problems. `chernoff` was
added when the figures of the others were known; it has no constant to choose.
"""

import argparse
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from skbandit._beta import beta_top_probability
from skbandit._top_two import challengers, top_two_policy
from skbandit.contextfree._bounds import bernoulli_kl
from skbandit.contextfree._lower_bound import characteristic_time
from skbandit.contextfree._stopping import BernoulliEvidence, error_probability

PROBLEMS = {
    "4 arms, .5 .45 .43 .4": (0.5, 0.45, 0.43, 0.4),
    "5 arms, .3 .21 .2 .19 .18": (0.3, 0.21, 0.2, 0.19, 0.18),
}
RULES = ("mixture", "union", "loglog", "chernoff", "posterior")
DELTAS = (0.1, 0.05)
MOST_ROUNDS = 10**6
# Rounds so far over the size of a batch.
BATCH_SHARE = 50
# Streams played at once, under one seed.
STREAMS = 100


def ratios(mean, weight):
    """Least generalised log-likelihood ratio of the leading arm over another one, a row each."""
    rows, leader = np.arange(len(mean)), mean.argmax(axis=1)
    n, p = weight[rows, leader, None], mean[rows, leader, None]
    middle = (n * p + weight * mean) / np.maximum(n + weight, 1.0)
    known = (n > 0.0) & (weight > 0.0)
    middle = np.where(known, middle, 0.5)
    ratio = n * bernoulli_kl(p, middle) + weight * bernoulli_kl(mean, middle)
    ratio = np.where(known, ratio, 0.0)
    ratio[rows, leader] = np.inf
    return ratio.min(axis=1), leader


def errors_of(counts, ratio, leader, best, largest):
    """The error probability that each rule states for the arm that leads now, a row each."""
    t = max(float(counts.weight[0].sum()), 1.0)
    n_others = counts.weight.shape[1] - 1
    mixture = np.ones(len(ratio))
    # No mixture is more certain than the ratio.
    for row in np.flatnonzero(n_others * np.exp(-ratio) <= largest):
        evidence = BernoulliEvidence(counts.mean[row], counts.weight[row])
        mixture[row] = error_probability(evidence, int(leader[row]))
    return {
        "mixture": mixture,
        "union": 2.0 * t * n_others * np.exp(-ratio),
        "loglog": (np.log(t) + 1.0) * np.exp(-ratio),
        "chernoff": np.exp(-ratio),
        "posterior": best.sum(axis=1) - best[np.arange(len(best)), leader],
    }


class Counts(NamedTuple):
    """Rounds and rewards of many streams, a row each."""

    weight: np.ndarray
    paid: np.ndarray

    @property
    def mean(self):
        """Mean rewards, 0 where there are none."""
        return self.paid / np.maximum(self.weight, 1.0)

    @property
    def best(self):
        """Posterior chance that each arm is the best."""
        return beta_top_probability(1, 1.0 + self.paid, 1.0 + self.weight - self.paid)


def run(means, n_streams, seed, rules=RULES):
    """Play streams to the end of the slowest rule; return what each rule said, and when.

    The policy is that of `TopTwoThompsonSampling`, from the functions that it calls: streams are
    rows, and take a hundredth of the time that bandits of their own would.
    """
    rng = np.random.default_rng(seed)
    # The best arm's place says nothing.
    means = rng.permuted(np.tile(means, (n_streams, 1)), axis=1)
    counts = Counts(np.zeros(means.shape), np.zeros(means.shape))
    stopped = {(rule, delta): np.zeros(n_streams) for rule in rules for delta in DELTAS}
    wrong = {key: np.ones(n_streams, dtype=bool) for key in stopped}
    t, going = 0, np.arange(n_streams)
    while len(going) and t < MOST_ROUNDS:
        size = max(1, t // BATCH_SHARE)
        now = Counts(counts.weight[going], counts.paid[going])
        played = rng.multinomial(size, policy_of(now))
        counts.weight[going] += played
        counts.paid[going] += rng.binomial(played, means[going])
        t += size
        now = Counts(counts.weight[going], counts.paid[going])
        ratio, leader = ratios(now.mean, now.weight)
        largest = np.full(len(going), -1.0)
        if "mixture" in rules:
            waits = np.any([stopped["mixture", delta][going] == 0 for delta in DELTAS], axis=0)
            largest[waits] = max(DELTAS)
        errors = errors_of(now, ratio, leader, now.best, largest)
        for rule in rules:
            error = errors[rule]
            for delta in DELTAS:
                first = going[(error <= delta) & (stopped[rule, delta][going] == 0)]
                stopped[rule, delta][first] = t
                found = leader[np.searchsorted(going, first)]
                wrong[rule, delta][first] = found != means[first].argmax(axis=1)
        going = going[np.any([stopped[key][going] == 0 for key in stopped], axis=0)]
    return [
        {"rule": rule, "delta": delta, "rounds": rounds or t, "wrong": missed}
        for (rule, delta), times in stopped.items()
        for rounds, missed in zip(times, wrong[rule, delta], strict=True)
    ]


def policy_of(counts):
    """What `TopTwoThompsonSampling` plays after these counts."""

    def challenger(row, leader):
        evidence = BernoulliEvidence(counts.mean[row], counts.weight[row])
        arms = range(counts.weight.shape[1])
        costs = np.array([evidence.likelihood_ratio(leader, arm) for arm in arms])
        return challengers(costs, leader)

    return top_two_policy(counts.best, 0.5, challenger)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=RULES)
    options = parser.parse_args()
    n_parts = -(-options.runs // STREAMS)
    seeds = range(options.first_seed, options.first_seed + n_parts)
    for name, means in PROBLEMS.items():
        time, weights = characteristic_time(means)
        print(f"\n{name}: T* = {time:.1f}, shares {weights.round(3).tolist()}")
        parts = Parallel(n_jobs=options.n_jobs)(
            delayed(run)(means, min(STREAMS, options.runs), seed, options.rules) for seed in seeds
        )
        table = pd.DataFrame([row for part in parts for row in part])
        summary = table.groupby(["delta", "rule"], sort=False).agg(
            errors=("wrong", "mean"), rounds=("rounds", "mean"), spread=("rounds", "std")
        )
        summary = summary.sort_index(level="delta", ascending=False, sort_remaining=False)
        delta = summary.index.get_level_values("delta").to_numpy()
        summary["bound"] = time * bernoulli_kl(delta, 1.0 - delta)
        summary["ratio"] = summary["rounds"] / summary["bound"]
        formats = {"errors": "{:.3f}", "ratio": "{:.2f}"}
        print(summary.to_string(formatters={c: formats.get(c, "{:.0f}").format for c in summary}))


if __name__ == "__main__":
    main()
