"""Per-sample gradients: all rows at once, beside a loop of ``torch.autograd.grad``.

NeuralUCB and NeuralThompsonSampling need, for every row and output of a network, the gradient of
that output for all weights; or only quadratic forms and sums of squares of it. Printed, for 256
rows: how far the batched computation is from the loop, and how many times as fast it is. ::

    python benchmarks/gradient_speed.py

Gradients of large networks are bound by the memory that they are written to; forms and sums, which
are what the diagonal precision needs, never form them.
"""

import argparse
import time

import numpy as np
import torch

from skbandit.neural import MLP
from skbandit.neural._frozen import freeze
from skbandit.neural._gradients import per_sample_gradients, vmapped_gradients


def loop(module, X):
    """Gradients by one call of autograd for each row and output."""
    parameters = list(module.parameters())
    rows = []
    for row in X:
        outputs = module(row[None])[0]
        for output in outputs:
            parts = torch.autograd.grad(output, parameters, retain_graph=True)
            rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows).reshape(len(X), -1, rows[0].numel())


def fastest(function, repeats):
    """Return the shortest time of several runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return 1e3 * min(times)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, help="as many as torch takes by default")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    print(
        f"{'':>49} | times as fast\n"
        f"{'hidden':>12} {'outputs':>7} {'weights':>8} {'loop, ms':>9} {'difference':>10}"
        f" | {'gradients':>9} {'torch.func':>10} {'forms':>8} {'sums':>8}"
    )
    for hidden in ((100,), (100, 100), (256, 256)):
        for n_outputs in (1, 4, 10):
            torch.manual_seed(0)
            module = MLP(arguments.features, n_outputs, hidden_units=hidden).eval()
            torch.nn.init.normal_(module.output.weight)
            X = torch.randn(arguments.rows, arguments.features)
            slow = fastest(lambda m=module, X=X: loop(m, X), 3)
            expected = loop(module, X)
            difference = (per_sample_gradients(module, X) - expected).abs().max()
            network, rows = freeze(module), X.double().numpy()
            played = np.zeros((len(X), n_outputs))
            played[np.arange(len(X)), np.arange(len(X)) % n_outputs] = 1.0
            _, ones = network.squares(rows, played)
            ways = [
                lambda m=module, X=X: per_sample_gradients(m, X),
                lambda m=module, X=X: vmapped_gradients(m, X),
                lambda n=network, r=rows, o=ones: n.quadratic(r, o),
                lambda n=network, r=rows, p=played: n.squares(r, p),
            ]
            ratios = [slow / fastest(way, arguments.repeats) for way in ways]
            print(
                f"{hidden!s:>12} {n_outputs:7} {expected.shape[2]:8} {slow:9.1f} "
                f"{difference:10.1e} | "
                f"{ratios[0]:9.0f} {ratios[1]:10.0f} {ratios[2]:8.0f} {ratios[3]:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
