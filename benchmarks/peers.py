"""Compare the speed of skbandit's linear bandits with that of other libraries, in one run.

    python benchmarks/peers.py                   # all tasks at full size
    python benchmarks/peers.py --task online --profile
    python benchmarks/peers.py --scale 0.05      # a quick look

README.md beside this file says how to make the environment and how to read the tables.
"""

import argparse
import json
import os
import platform
import sys
from contextlib import nullcontext, suppress
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from time import perf_counter, process_time

import contestants
import measuring
import numpy as np
from stages import print_profile
from threadpoolctl import threadpool_limits

TASKS = ("learning", "decisions", "online")
PEERS = ("contextualbandits.online", "mabwiser.mab", "bayesianbandits", "river.bandit")
PACKAGES = (
    "skbandit",
    "contextualbandits",
    "mabwiser",
    "bayesianbandits",
    "river",
    "numpy",
    "scipy",
    "scikit-learn",
)
SYRK_GOAL, MEMORY_GOAL, RATIO_GOAL = 2.0, 1.5, 1.0
# Rounds on which answers are held against ours.
COMPARED = 2000


def settle(entries, arguments, n_rows, run):
    """Warm up, fix how many rows each contestant takes, and skip those that cannot run."""
    rows, skipped = {}, {}
    for entry in entries:
        try:
            rows[entry] = measuring.affordable_rows(
                entry, n_rows, arguments.time_limit, lambda rows, entry=entry: run(entry, rows)
            )
        except ImportError as error:
            skipped[entry] = f"skipped: {error}"
    return rows, skipped


def report(title, entries, rows, skipped, seconds, n_rows, extra):
    """Print a table and return its records; times are a row."""
    ours = [entry for entry in entries if isinstance(entry, contestants.Skbandit)]
    per_row = {entry: median(seconds[entry]) / rows[entry] for entry in rows}
    columns = sorted({name for values in extra.values() for name in values})
    print(f"\n{title}")
    head = f"{'':32} {'seconds':>9} {'ratio':>7} {'defaults':>9}"
    print(head + "".join(f" {name:>16}" for name in columns) + "  remarks")
    records = []
    for entry in entries:
        if entry in skipped:
            print(f"{entry.label:32} {skipped[entry]}")
            records.append({"label": entry.label, "skipped": skipped[entry]})
            continue
        own = entry in ours
        ratios = [per_row[one] / per_row[entry] for one in ours]
        remarks = [entry.note] if entry.note else []
        if rows[entry] < n_rows:
            remarks.append(f"timed on {rows[entry]:,} rows, scaled")
        shown = "".join(
            f" {'-' if own else format(ratio, '.2f'):>{width}}"
            for ratio, width in zip(ratios, (7, 9), strict=True)
        )
        more = "".join(f" {extra.get(entry, {}).get(name, '-'):>16}" for name in columns)
        total = per_row[entry] * n_rows
        print(f"{entry.label:32} {total:9.3f}{shown}{more}  {'; '.join(remarks)}")
        records.append(
            {
                "label": entry.label,
                "seconds": seconds[entry],
                "rows": rows[entry],
                "median_seconds_full_size": total,
                "ratio": None if own else ratios[0],
                "ratio_defaults": None if own else ratios[1],
                "remarks": remarks,
                **extra.get(entry, {}),
            }
        )
    if not any(one.get("ratio") for one in records):
        print("goal, at least as fast as each: no peer ran")
        return records
    slower = [one for one in records if (one.get("ratio") or 0) > RATIO_GOAL]
    for title, less in (("at least as fast as each", False), ("than peers that do less", True)):
        these = [
            f"{one['label']} ({one['ratio']:.2f})"
            for one in slower
            if any(remark.startswith(contestants.LESS) for remark in one["remarks"]) == less
        ]
        if less and these:
            print(f"slower {title}: {', '.join(these)}")
        elif not less:
            print(f"goal, {title}: " + (f"MISSED by {', '.join(these)}" if these else "met"))
    return records


def agreement(entry, reference, problem):
    """How far a contestant's decisions agree with our policy on the same contexts."""
    if entry is not reference and isinstance(entry, contestants.Skbandit):
        return "-"
    X = problem.X[:COMPARED]
    policy = reference.policy_probability(X)
    played = np.asarray(entry.decide(X))
    if entry.policy == "ucb":
        likely = policy[np.arange(len(X)), played]
        return f"{np.mean(likely > 0):.1%} same"
    shares = np.bincount(played, minlength=policy.shape[1]) / len(X)
    return f"{0.5 * np.abs(shares - policy.mean(axis=0)).sum():.3f} TV"


def compare_learning(arguments):
    """Batch learning."""
    n_rows, n_features, n_arms = arguments.shape
    problem = measuring.make_problem(n_rows, n_features, n_arms)
    entries = contestants.learners()

    def run(entry, rows):
        X, arm, reward = problem.X[:rows], problem.arm[:rows], problem.reward[:rows]
        return lambda: entry.fit(X, arm, reward, n_arms)

    rows, skipped = settle(entries, arguments, n_rows, run)
    runs = {entry: (lambda entry=entry: run(entry, rows[entry])) for entry in rows}
    syrk = measuring.syrk_seconds(problem, n_arms)
    runs["syrk"] = lambda: syrk
    seconds = measuring.time_in_turn(runs, arguments.repeats, arguments.clock)
    blas = median(seconds["syrk"])
    extra = {
        entry: {"times syrk": f"{median(seconds[entry]) / rows[entry] * n_rows / blas:.2f}"}
        for entry in rows
    }
    for entry in rows:
        extra[entry]["decisions"] = agreement(entry, entries[0], problem)
    title = f"Batch learning, {n_rows:,} rows, d = {n_features}, {n_arms} arms, float64"
    records = report(title, entries, rows, skipped, seconds, n_rows, extra)
    ours = median(seconds[entries[0]]) / blas
    print(
        f"BLAS syrk on rows grouped by arm beforehand: {blas:.3f} s; goal, learning within "
        f"{SYRK_GOAL:g} times that: {ours:.2f}, {'met' if ours <= SYRK_GOAL else 'MISSED'}"
    )
    return [*records, {"label": "syrk", "seconds": seconds["syrk"]}]


def compare_decisions(arguments, policy):
    """Batch decisions of one policy."""
    n_rows, n_features, n_arms = arguments.shape
    problem = measuring.make_problem(n_rows, n_features, n_arms)
    entries = contestants.deciders(policy)

    def run(entry, rows):
        X = problem.X[:rows]
        return lambda: entry.decide(X)

    learnt, missing = [], {}
    for entry in entries:
        try:
            learnt.append(entry.fit(problem.X, problem.arm, problem.reward, n_arms))
        except ImportError as error:
            missing[entry] = f"skipped: {error}"
    rows, _ = settle(learnt, arguments, n_rows, run)
    runs = {entry: (lambda entry=entry: run(entry, rows[entry])) for entry in rows}
    seconds = measuring.time_in_turn(runs, arguments.repeats, arguments.clock)
    extra = {entry: {"decisions": agreement(entry, entries[0], problem)} for entry in rows}
    peaks = {}
    if not arguments.no_memory:
        for entry in rows:
            peaks[entry] = measuring.decision_memory(entry, arguments.shape, rows[entry])
            extra[entry]["peak / input"] = " ".join(
                "-" if peak is None else f"{peak:.2f}" for peak in peaks[entry]
            )
    title = (
        f"Batch decisions, {policy}, {n_rows:,} rows, d = {n_features}, {n_arms} arms; "
        "peak memory: allocated, resident"
    )
    records = report(title, entries, rows, missing, seconds, n_rows, extra)
    if peaks:
        peak = max(value for value in peaks[entries[0]] if value is not None)
        print(
            f"goal, peak memory below {MEMORY_GOAL:g} times the input, itself included: "
            f"{peak:.2f}, {'met' if peak < MEMORY_GOAL else 'MISSED'}"
        )
    return records


def compare_online(arguments, policy):
    """The online loop of one policy: one decision and one update a step."""
    n_rounds, n_features, n_arms = arguments.online_shape
    problem = measuring.make_problem(n_rounds, n_features, n_arms)
    # mabwiser and contextualbandits decide only once they have learnt something.
    warm_up = measuring.make_problem(200, n_features, n_arms, seed=1)
    entries = contestants.players(policy)
    contexts = {entry: entry.contexts(problem.X) for entry in entries}
    played = {}

    def run(entry, rounds):
        entry.fit(warm_up.X, warm_up.arm, warm_up.reward, n_arms)

        def loop():
            played[entry] = entry.play(contexts[entry][:rounds], problem.payoff[:rounds])

        return loop

    rows, skipped = settle(entries, arguments, n_rounds, run)
    runs = {entry: (lambda entry=entry: run(entry, rows[entry])) for entry in rows}
    seconds = measuring.time_in_turn(runs, arguments.repeats, arguments.clock)
    extra = {}
    for entry in rows:
        step = 1e6 * median(seconds[entry]) / rows[entry]
        extra[entry] = {"microseconds": f"{step:.1f}"}
        if policy == "ucb" and entry is not entries[1]:
            first = min(len(played[entry]), len(played[entries[0]]))
            same = np.mean(np.equal(played[entry][:first], played[entries[0]][:first]))
            extra[entry]["decisions"] = f"{same:.1%} same"
    title = f"Online loop, {policy}, {n_rounds:,} steps, d = {n_features}, {n_arms} arms"
    records = report(title, entries, rows, skipped, seconds, n_rounds, extra)
    if arguments.profile:
        records.append({"profile": print_profile(policy, problem, warm_up, arguments.clock)})
    return records


def machine(arguments):
    """Describe what the numbers were measured on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed as a package"
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": load,
        "threads": measuring.threads(),
        "versions": versions,
        "repeats": arguments.repeats,
        "clock": arguments.clock.__name__,
    }


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=TASKS, action="append", help="default: all")
    parser.add_argument("--repeats", type=int, default=5, help="repetitions, in turn")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--threads", type=int, help="limit of all thread pools")
    parser.add_argument(
        "--time-limit", type=float, default=10.0, help="seconds a repetition may take"
    )
    parser.add_argument(
        "--cpu-time",
        dest="clock",
        action="store_const",
        const=process_time,
        default=perf_counter,
        help="processor time, for a machine that is busy otherwise; only with --threads 1",
    )
    parser.add_argument("--no-memory", action="store_true", help="do not measure peak memory")
    parser.add_argument("--profile", action="store_true", help="also profile our online loop")
    parser.add_argument("--json", help="write all numbers to this file")
    arguments = parser.parse_args(argv)
    if arguments.clock is process_time and arguments.threads != 1:
        parser.error("--cpu-time adds up the time of all threads: give --threads 1 too")
    arguments.shape = (int(200_000 * arguments.scale), 64, 10)
    arguments.online_shape = (int(10_000 * arguments.scale), 20, 5)
    return arguments


def main(argv=None):
    """Run the tasks and print their tables."""
    arguments = parse(argv)
    tasks = arguments.task or TASKS
    # Only pools that are loaded can be limited; a process started later reads the environment.
    for module in ("sklearn", *PEERS):
        with suppress(ImportError):
            import_module(module)
    if arguments.threads is not None:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(arguments.threads)
    limits = nullcontext() if arguments.threads is None else threadpool_limits(arguments.threads)
    with limits:
        about = machine(arguments)
        print(f"{about['processors']} processors, load {about['load_before']}")
        print(f"threads: {about['threads']}")
        print(", ".join(f"{name} {number}" for name, number in about["versions"].items()))
        print(
            "ratio: time of skbandit over that of the row, same model; defaults: of skbandit's "
            f"defaults; medians of {arguments.repeats} in turn by {about['clock']}"
        )
        runs = {}
        if "learning" in tasks:
            runs["learning"] = lambda: compare_learning(arguments)
        for task, compare in (("decisions", compare_decisions), ("online", compare_online)):
            for policy in ("ucb", "ts") if task in tasks else ():
                runs[f"{task} {policy}"] = partial(compare, arguments, policy)
        results = {}
        for name, run in runs.items():
            results[name] = run()
            if arguments.json:
                with open(arguments.json, "w") as file:
                    json.dump({"machine": about, "results": results}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
