"""Neural bandits on a GPU and on the processor: time to learn and to decide, and what they earn.

    python benchmarks/neural_on_gpu.py            # needs torch with CUDA

The same rounds, seeds and networks on both: 64 features, 10 arms, three hidden layers of 1,024
units, batches of 1,024 rounds, mini-batches of 1,024. Learning and deciding take turns; what is
earned in the last rounds says that both learn the same.
"""

import argparse
import time

import numpy as np
import torch

from skbandit.neural import EnsembleBandit, NeuralLinearBandit, NeuralUCB, make_net

N_FEATURES, N_ARMS, BATCH = 64, 10, 1024
CONTESTANTS = {
    "NeuralLinearBandit": (NeuralLinearBandit, {}),
    "NeuralUCB": (NeuralUCB, {}),
    "NeuralUCB, last layer": (NeuralUCB, {"precision": "last_layer"}),
    "EnsembleBandit(3)": (EnsembleBandit, {"n_members": 3}),
}


def make_rounds(n_rounds, seed=0):
    """Contexts, and what every arm would have paid."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_rounds, N_FEATURES))
    noise = 0.1 * rng.standard_normal((n_rounds, N_ARMS))
    return X, np.tanh(X[:, :N_ARMS]) + noise


def play(kind, options, device, X, rewards):
    """Play all rounds; return seconds in all, those of 4,096 decisions, and the last rewards."""
    net = make_net("large_mlp", module__hidden_units=(1024,) * 3, batch_size=BATCH, device=device)
    schedule = {"initial_train_steps": 200, "train_steps": 100, "train_every": 4096}
    bandit = kind(arms=range(N_ARMS), net=net, random_state=0, **schedule, **options)
    paid = []
    began = time.perf_counter()
    for start in range(0, len(X), BATCH):
        rows = slice(start, start + BATCH)
        arms = bandit.predict(X[rows])
        reward = rewards[rows][np.arange(len(arms)), arms]
        bandit.partial_fit(X[rows], arms, reward=reward)
        paid.append(reward.mean())
    learnt = time.perf_counter()
    bandit.predict(X[:4096])
    return learnt - began, time.perf_counter() - learnt, np.mean(paid[-3:])


def main():
    """Compare the devices, bandit by bandit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8192)
    X, rewards = make_rounds(parser.parse_args().rounds)
    devices = ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]
    gpu = torch.cuda.get_device_name() if len(devices) > 1 else "no GPU"
    print(f"torch {torch.__version__}, {gpu}, {torch.get_num_threads()} threads")
    for name, (kind, options) in CONTESTANTS.items():
        for device in devices:
            total, decisions, reward = play(kind, options, device, X, rewards)
            print(
                f"{name:22} {device:5} {total:7.2f} s in all, {decisions:6.3f} s for 4,096 "
                f"decisions, earned {reward:.3f} a round at the end",
                flush=True,
            )


if __name__ == "__main__":
    main()
