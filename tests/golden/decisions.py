"""Play every public bandit with fixed seeds on fixed rounds, and keep what it decided.

After a change that is meant to change decisions, write the file again, and say why in CHANGELOG::

    python tests/golden/decisions.py --write

Without ``--write`` the decisions of now are compared with the file, and what differs is printed.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from skbandit.selectors import EpsilonGreedySelector, SoftmaxSelector, TopKSelector
from skbandit.utils.discovery import all_bandits

FILE = Path(__file__).with_name("decisions.json")
# Propensities are kept with six decimals; the last one may be rounded up or down.
TOLERANCE = 1.5e-6

SEED = 20
N_ARMS = 4
N_FEATURES = 3
# The first decisions are made from the prior, and more after each of these numbers of rounds.
N_DECISIONS = 16
N_ROUNDS = (30, 25, 35)

# The name by which OpenBLAS reports a kernel, where it is not the name that asks for it.
ALIASES = {"Prescott": "Katmai"}

# What makes a slow bandit quick, where it has the parameter.
QUICK = {
    "initial_train_steps": 20,
    "train_steps": 10,
    "min_samples_to_train": 20,
    "train_every": 20,
    "n_members": 3,
    "n_draws": 50,
}
# What a bandit cannot do without. Rewards are 0 or 1, so all prices are 1.
_ONE_PRICE = {"prices": dict.fromkeys(range(N_ARMS), 1.0)}
NEEDED = {
    "BudgetPacedBandit": {"cost": {0: 0.125, 1: 0.25, 2: 0.5, 3: 1.0}, "ceiling": 0.375},
    "DemandCurveThompsonSampling": _ONE_PRICE,
    "DemandCurveUCB": _ONE_PRICE,
    "MonotonePricingThompsonSampling": _ONE_PRICE,
    "MonotonePricingUCB": _ONE_PRICE,
    "PriceIntervalBandit": _ONE_PRICE,
}
# What changes the decisions of a bandit, tried one at a time where it has the parameter.
VARIANTS = {
    "precision": ["diagonal", "last_layer"],
    "noise": ["fixed"],
    "fit_intercept": [False],
    "forgetting": [0.9],
    "likelihood": ["gaussian"],
    "weights": ["student_t"],
    "hidden_units": [(4,)],
    "exploration": ["ucb"],
    "arm_model": ["shared", "hybrid"],
    "gamma": [0.2],
    "reward_model": ["gaussian"],
    "prior": ["hierarchical"],
    "criterion": ["gradient"],
}
SELECTORS = [EpsilonGreedySelector(epsilon=0.2), SoftmaxSelector(), TopKSelector(k=2)]


def make_cases():
    """List the bandits that are played, name to class and parameters.

    Returns
    -------
    cases : dict of str to (type, dict)
    """
    cases = {}
    for name, kind in all_bandits():
        defaults = kind().get_params(deep=False)
        quick = {key: value for key, value in QUICK.items() if key in defaults}
        quick |= NEEDED.get(name, {})
        if "net" in defaults:
            from skbandit.neural import make_net

            quick["net"] = make_net("tiny_mlp", module__hidden_units=(8,))
        cases[name] = kind, quick
        allowed = kind._parameter_constraints
        changes = [
            {key: value}
            for key, values in VARIANTS.items()
            if key in defaults
            for value in values
            if value != defaults[key] and _takes(allowed.get(key, []), value)
        ]
        # A network costs more than a selector is worth: selectors see scores, not models.
        if "net" not in defaults:
            changes += [{"selector": selector} for selector in SELECTORS]
        for change in changes:
            (key, value), *_ = change.items()
            cases[f"{name}, {key}={value}"] = kind, quick | change
    return cases


def _takes(constraints, value):
    """Whether a parameter may have a value: where words are listed, the value is one of them."""
    words = [c.options for c in constraints if hasattr(c, "options")]
    return not isinstance(value, str) or any(value in options for options in words)


def make_rounds(axes):
    """Fixed contexts and a fixed log, all of numbers that are exact in binary.

    No product is rounded while they are made, so they are the same on every machine.

    Parameters
    ----------
    axes : int
        2, or 3 for arms with features of their own.

    Returns
    -------
    blocks : list of (contexts, arm, reward)
        A block for each entry of `N_ROUNDS`, and a last one that is decided upon only.
    """
    rng = np.random.RandomState(SEED)
    shape = (N_FEATURES,) if axes == 2 else (N_ARMS, N_FEATURES)
    weights = rng.randint(-4, 5, size=(N_ARMS, N_FEATURES)) / 4.0
    blocks = []
    for n_rounds in (*N_ROUNDS, N_DECISIONS):
        contexts = rng.randint(-1024, 1025, size=(n_rounds, *shape)) / 512.0
        arm = rng.randint(N_ARMS, size=n_rounds)
        own = contexts if axes == 2 else contexts[np.arange(n_rounds), arm]
        linear = (own * (weights[arm] if axes == 2 else weights[0])).sum(axis=1)
        chance = np.clip(0.5 + linear / 4.0, 0.0, 1.0)
        reward = (rng.randint(1024, size=n_rounds) / 1024.0 < chance).astype(np.float64)
        blocks.append((contexts, arm, reward))
    return blocks


def play(kind, parameters):
    """Let a bandit decide from its prior and after each block of rounds.

    It learns from the log, not from its own decisions: one that differs is seen alone.

    Parameters
    ----------
    kind : type
    parameters : dict

    Returns
    -------
    steps : list of dict
        For each step the arms, the propensities with which they were drawn, and the arms that are
        played without exploration.
    """
    per_arm = parameters.get("arm_model", "disjoint") == "disjoint"
    blocks = make_rounds(2 if per_arm else 3)
    bandit = kind(arms=list(range(N_ARMS)), random_state=7, **parameters)
    steps = []
    for t, (contexts, *_) in enumerate(blocks):
        if t > 0:
            bandit.partial_fit(*blocks[t - 1][:2], reward=blocks[t - 1][2])
        rows = contexts[:N_DECISIONS]
        arms, propensity = bandit.predict(rows, return_propensity=True)
        steps.append(
            {
                "arms": arms.tolist(),
                "propensities": np.round(propensity, 6).tolist(),
                "greedy": bandit.predict(rows, explore=False).tolist() if t > 0 else [],
            }
        )
    return steps


def differences(name, now, then):
    """Say in what two records of one bandit differ.

    Parameters
    ----------
    name : str
    now, then : list of dict

    Returns
    -------
    lines : list of str
        Empty where they agree.
    """
    if len(now) != len(then):
        return [f"{name}: {len(now)} steps, {len(then)} in the file"]
    lines = []
    for t, (new, old) in enumerate(zip(now, then, strict=True)):
        for field in ("arms", "greedy"):
            if new[field] != old[field]:
                lines.append(f"{name}, step {t}: {field} {new[field]}, in the file {old[field]}")
        new_p, old_p = np.asarray(new["propensities"]), np.asarray(old["propensities"])
        if new_p.shape != old_p.shape:
            lines.append(f"{name}, step {t}: propensities of another shape")
        elif (gap := np.abs(new_p - old_p).max()) > TOLERANCE:
            lines.append(f"{name}, step {t}: propensities differ by up to {gap:.2g}")
    return lines


def compare(names=None):
    """Play and compare with the file.

    Parameters
    ----------
    names : collection of str, default=None
        The cases; None for all that can be played here and stand in the file.

    Returns
    -------
    lines : list of str
    """
    kept = json.loads(FILE.read_text())
    cases = make_cases()
    lines = []
    for name in kept if names is None else names:
        if name in cases:
            lines += differences(name, play(*cases[name]), kept[name])
    return lines


def kernels():
    """List the kernels of all BLAS libraries that are loaded.

    Returns
    -------
    names : list of str
    """
    pools = threadpool_info()
    return sorted({pool.get("architecture", "?") for pool in pools if pool["user_api"] == "blas"})


def write():
    """Play everything and write the file."""
    played = {name: play(*case) for name, case in make_cases().items()}
    text = ",\n".join(
        f"{json.dumps(name)}: [\n"
        + ",\n".join("  " + json.dumps(step, separators=(",", ":")) for step in steps)
        + "\n]"
        for name, steps in played.items()
    )
    FILE.write_text("{\n" + text + "\n}\n")
    print(f"{FILE.name}: {len(played)} bandits")


def main():
    """Write the file, or compare with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the file again")
    parser.add_argument("--kernel", help="leave with status 77 where BLAS uses another")
    options = parser.parse_args()
    if options.write:
        write()
        return
    if options.kernel and set(kernels()) - {options.kernel, ALIASES.get(options.kernel)}:
        print(f"OpenBLAS uses the kernels {', '.join(kernels())}")
        sys.exit(77)
    lines = compare()
    print("\n".join(lines) or "every decision is as it was")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
