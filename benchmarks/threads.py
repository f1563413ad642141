"""What default threads cost: bandits as they are, without their limit on BLAS, and in one thread.

Each line is one bandit that learns rounds in batches of 100 and decides as many, in a process of
its own. "no limit" switches off the limit that small work has, "one thread" is the environment
variables' ::

    python benchmarks/threads.py
"""

import argparse
import os
import subprocess
import sys
import time

BANDITS = (
    "LinearUCB, 20",
    "LinearUCB, 200",
    "LinearUCB, 500",
    "NeuralUCB, 6",
    "EnsembleBandit, 6",
)
WAYS = ("as it is", "no limit", "one thread")


def play(bandit, way):
    """Return seconds for 1,500 rounds."""
    import numpy as np

    from skbandit import _threads
    from skbandit.linear import LinearUCB

    if way == "no limit":
        _threads._LIMIT.enter = _threads._LIMIT.leave = lambda holder: None
    name, n_features = bandit.split(", ")
    kinds = {"LinearUCB": LinearUCB}
    if name not in kinds:
        from skbandit import neural

        kinds[name] = getattr(neural, name)
    rng = np.random.RandomState(0)
    X, arm = rng.normal(size=(1500, int(n_features))), rng.randint(3, size=1500)
    reward = np.sin(2 * X[:, 0]) + rng.normal(size=1500)
    fitted = kinds[name](arms=[0, 1, 2], random_state=0)
    start = time.perf_counter()
    for first in range(0, 1500, 100):
        rows = slice(first, first + 100)
        fitted.partial_fit(X[rows], arm[rows], reward=reward[rows])
        fitted.predict(X[rows])
    return time.perf_counter() - start


def main():
    """Print one line a bandit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.one:
        print(play(*arguments.one))
        return
    print(f"{'seconds, the least of some runs':32}", *(f"{way:>12}" for way in WAYS))
    for bandit in BANDITS:
        cells = []
        for way in WAYS:
            environment = dict(os.environ)
            if way == "one thread":
                environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            command = [sys.executable, "-W", "ignore", __file__, "--one", bandit, way]
            runs = [
                float(
                    subprocess.run(
                        command, env=environment, check=True, capture_output=True
                    ).stdout
                )
                for _ in range(arguments.repeats)
            ]
            cells.append(min(runs))
        print(f"{bandit:32}", *(f"{cell:12.2f}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
