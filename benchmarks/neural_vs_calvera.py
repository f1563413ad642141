"""Neural bandits here and in Calvera: regret, and the time of a step, on the same rounds.

Both play the same rounds in batches of 32, with a network of two hidden layers of 100 ReLU units,
and train at the same time: whenever 128 rounds are new, one pass over all rounds so far in
mini-batches of 32. A step is choosing, recording and, where it is due, training, for one batch.
Calvera is run as its own benchmark runs it: disjoint contexts (one block of inputs an arm), a
``lightning.Trainer`` for each training, decisions one batch at a time. It is played with settings
that were tuned for it (``--defaults`` adds its own, which do far worse), ours with their defaults.

Calvera brings a torch of its own choice, so give it an environment of its own::

    python -m venv calvera-env
    calvera-env/bin/pip install "torch==2.13.0" lightning skorch .
    calvera-env/bin/pip install --no-deps calvera
    OMP_NUM_THREADS=1 calvera-env/bin/python benchmarks/neural_vs_calvera.py --seeds 5
"""

import argparse
import json
import logging
import time
import warnings

import numpy as np
import torch
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skbandit.datasets import load_shuttle, make_wheel_bandit
from skbandit.linear import LinearThompsonSampling
from skbandit.neural import (
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
    make_net,
)

BATCH = 32
TRAIN_EVERY = 128
HIDDEN = (100, 100)


def shuttle(n_rounds, seed):
    """Return contexts, rewards and expected rewards, (n_rounds, n_arms)."""
    X, y = load_shuttle(return_X_y=True)
    arms = np.unique(y)
    rows = np.random.RandomState(seed).permutation(len(X))[:n_rounds]
    reward = (y[rows, None] == arms).astype(float)
    return StandardScaler().fit_transform(X)[rows], reward, reward


def wheel(n_rounds, seed):
    """See :func:`shuttle`."""
    return make_wheel_bandit(n_rounds, delta=0.9, random_state=seed)


def linear(n_rounds, seed):
    """See :func:`shuttle`; five arms, 20 features, unit weights."""
    rng = np.random.RandomState(seed)
    weights = rng.normal(size=(5, 20))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    X = rng.normal(size=(n_rounds, 20))
    expected = X @ weights.T
    return X, expected + 0.1 * rng.normal(size=expected.shape), expected


PROBLEMS = {"shuttle": (shuttle, 10_000), "wheel": (wheel, 10_000), "linear": (linear, 4096)}


class Ours:
    """A bandit of skbandit in play."""

    def __init__(self, bandit):
        self.bandit = bandit

    def step(self, X, reward):
        """Choose, record and learn one batch; return the arms."""
        arms = self.bandit.predict(X)
        self.bandit.partial_fit(X, arms, reward=reward[np.arange(len(X)), arms])
        return arms


class Calvera:
    """A bandit of Calvera in play, as its benchmark drives it."""

    def __init__(self, kind, n_features, n_arms, options, seed):
        import lightning
        from calvera.bandits import NeuralLinearBandit as TheirLinear
        from calvera.bandits import NeuralTSBandit, NeuralUCBBandit
        from calvera.utils.data_storage import AllDataRetrievalStrategy, TensorDataBuffer
        from calvera.utils.multiclass import MultiClassContextualizer

        torch.manual_seed(seed)
        self.lightning = lightning
        self.contextualize = MultiClassContextualizer(n_arms)
        n_inputs = n_features * n_arms
        layers = [torch.nn.Linear(n_inputs, 100), torch.nn.ReLU(), torch.nn.Linear(100, 100)]
        common = {
            "buffer": TensorDataBuffer(AllDataRetrievalStrategy()),
            "train_batch_size": BATCH,
            "min_samples_required_for_training": TRAIN_EVERY,
            "initial_train_steps": 0,
            "early_stop_threshold": None,
            **options,
        }
        if kind == "linear":
            network = torch.nn.Sequential(*layers, torch.nn.ReLU())
            self.bandit = TheirLinear(network=network, n_embedding_size=100, **common)
        else:
            network = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.Linear(100, 1))
            Bandit = {"ucb": NeuralUCBBandit, "ts": NeuralTSBandit}[kind]
            self.bandit = Bandit(n_features=n_inputs, network=network, **common)

    def step(self, X, reward):
        """See :meth:`Ours.step`."""
        inputs = self.contextualize(torch.from_numpy(X).float())
        chosen, _ = self.bandit(inputs)
        arms = chosen.argmax(dim=1)
        paid = torch.from_numpy(reward).float().gather(1, arms[:, None])
        self.bandit.record_feedback(inputs[torch.arange(len(X)), arms][:, None], paid)
        # The linear head learns at every step; the others have nothing to do between trainings.
        if self.bandit.should_train_network or hasattr(self.bandit, "retrain_head"):
            trainer = self.lightning.Trainer(
                max_epochs=1,
                logger=False,
                enable_progress_bar=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                accelerator="cpu",
            )
            trainer.fit(self.bandit)
        return arms.numpy()


def contestants(n_features, n_arms, seed, with_defaults=False):
    """Yield names and functions that make a player."""
    net = make_net("small_mlp", module__hidden_units=HIDDEN, batch_size=BATCH, max_epochs=1)
    options = {
        "arms": range(n_arms),
        "net": net,
        "min_samples_to_train": TRAIN_EVERY,
        "train_every": TRAIN_EVERY,
        "random_state": seed,
    }
    ours = {
        "NeuralLinearBandit": NeuralLinearBandit(**options),
        "NeuralLinearBandit, no inputs": NeuralLinearBandit(include_inputs=False, **options),
        "NeuralUCB": NeuralUCB(**options),
        "NeuralThompsonSampling": NeuralThompsonSampling(**options),
        "EnsembleBandit(5)": EnsembleBandit(n_members=5, **options),
        "LinearThompsonSampling": LinearThompsonSampling(arms=range(n_arms), random_state=seed),
    }
    for name, bandit in ours.items():
        # A player of its own at every call: what warmed up must not play.
        yield name, lambda bandit=bandit: Ours(clone(bandit))
    # The best of a search over weight decay, exploration, learning rate and prior on one seed.
    tuned = {"weight_decay": 1e-4, "exploration_rate": 0.1}
    theirs = {
        "calvera NeuralLinear, tuned": ("linear", {"learning_rate": 5e-3}),
        "calvera NeuralUCB, tuned": ("ucb", {**tuned, "learning_rate": 1e-2}),
        "calvera NeuralTS, tuned": ("ts", {**tuned, "learning_rate": 2e-3}),
    }
    if with_defaults:
        theirs["calvera NeuralLinear"] = "linear", {}
        theirs["calvera NeuralUCB"] = "ucb", {}
        theirs["calvera NeuralTS"] = "ts", {}
    for name, (kind, extra) in theirs.items():
        yield name, lambda kind=kind, extra=extra: Calvera(kind, n_features, n_arms, extra, seed)


def play(player, X, reward, expected):
    """Return regret, seconds a step, and the steps that were played."""
    regret, steps, elapsed = 0.0, 0, 0.0
    for start in range(0, len(X), BATCH):
        rows = slice(start, start + BATCH)
        began = time.perf_counter()
        arms = player.step(X[rows], reward[rows])
        elapsed += time.perf_counter() - began
        best = expected[rows].max(axis=1)
        regret += float((best - expected[rows][np.arange(len(arms)), arms]).sum())
        steps += 1
    return regret, elapsed / steps


def main():
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, help="instead of each problem's own number")
    parser.add_argument("--only", help="only contestants whose name contains this")
    parser.add_argument("--defaults", action="store_true", help="Calvera's default settings too")
    parser.add_argument("--json", help="write results to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    results = []
    for problem in arguments.problems:
        make, n_rounds = PROBLEMS[problem]
        n_rounds = arguments.rounds or n_rounds
        for seed in range(arguments.seeds):
            X, reward, expected = make(n_rounds, seed)
            players = contestants(X.shape[1], reward.shape[1], seed, arguments.defaults)
            for name, make_player in players:
                if arguments.only and arguments.only not in name:
                    continue
                few = slice(0, 2 * TRAIN_EVERY)
                try:
                    # What is imported and compiled on first use is no part of a step.
                    play(make_player(), X[few], reward[few], expected[few])
                    regret, seconds = play(make_player(), X, reward, expected)
                except ImportError as error:
                    print(f"{problem:8} {seed} {name}: left out, {error}", flush=True)
                    continue
                results.append((problem, name, seed, n_rounds, regret, seconds))
                print(
                    f"{problem:8} {seed} {name:30} regret {regret:9.1f}   "
                    f"{1e3 * seconds:8.2f} ms a step",
                    flush=True,
                )
    print(f"\n{'problem':8} {'bandit':30} {'regret':>10} {'(spread)':>9} {'ms a step':>10}")
    for problem, name in dict.fromkeys((r[0], r[1]) for r in results):
        rows = [r for r in results if r[:2] == (problem, name)]
        regret = [r[4] for r in rows]
        milliseconds = 1e3 * np.median([r[5] for r in rows])
        print(
            f"{problem:8} {name:30} {np.mean(regret):10.1f} {np.std(regret):9.1f} "
            f"{milliseconds:10.2f}"
        )
    if arguments.json:
        fields = ("problem", "bandit", "seed", "rounds", "regret", "seconds_a_step")
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([dict(zip(fields, r, strict=True)) for r in results], file, indent=1)


if __name__ == "__main__":
    main()
