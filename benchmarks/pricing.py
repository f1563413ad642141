"""Do bandits that know that demand falls with the price lose less than those that do not?

::

    PYTHONPATH=. python benchmarks/pricing.py --seeds 20 --n-jobs 2

A customer buys one unit where the price is not above what the unit is worth to them. Prices lie
between 2 and 40, evenly on a logarithmic scale, 10 or 30 of them. Curves of the chance to buy:

- `logistic`: 1 / (1 + exp((p - 15) / 4));
- `linear`: from .9 at 2 to .05 at 40;
- `step`: .7 up to 9, .35 up to 25, .02 above;
- `heavy`: (1 + p / 4) ** -1.5, reservation prices with a heavy tail.

With contexts (two standard normal features, x) the log-odds of these chances move by
.8 x1 - .6 x2, and customers with a high x1 mind the price less: it is divided by exp(.3 x1).
Rounds come in batches of 25. The regret is that of the expected revenue to the best price of each
customer, in per cent of what the best prices earn, after `early` rounds and after all of them.
Printed are means over seeds, standard errors, and the worst seed after all rounds. No setting was
chosen on these seeds (settings were chosen on seeds from 1,000 on).
"""

import argparse
from zlib import crc32

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import expit, logit

from skbandit.contextfree import BetaThompsonSampling, GaussianThompsonSampling
from skbandit.glm import LogisticThompsonSampling
from skbandit.linear import LinearThompsonSampling
from skbandit.pricing import (
    DemandCurveThompsonSampling,
    DemandCurveUCB,
    MonotonePricingThompsonSampling,
    MonotonePricingUCB,
)

EARLY, N_ROUNDS, BATCH = 300, 2000, 25
CURVES = {
    "logistic": lambda p: expit((15.0 - p) / 4.0),
    "linear": lambda p: np.interp(p, [2.0, 40.0], [0.9, 0.05]),
    "step": lambda p: np.where(p <= 9.0, 0.7, np.where(p <= 25.0, 0.35, 0.02)),
    "heavy": lambda p: (1.0 + p / 4.0) ** -1.5,
}
# Bandits of the revenue, and whether it has to be scaled to [0, 1].
FREE = {
    "BetaThompsonSampling on revenue": (lambda: BetaThompsonSampling(), True),
    "GaussianThompsonSampling on revenue": (lambda: GaussianThompsonSampling(), False),
    "MonotonePricingThompsonSampling": (lambda: MonotonePricingThompsonSampling(), False),
    "MonotonePricingUCB": (lambda: MonotonePricingUCB(), False),
    "DemandCurveThompsonSampling": (lambda: DemandCurveThompsonSampling(), False),
    "DemandCurveUCB": (lambda: DemandCurveUCB(), False),
}
WITH_CONTEXTS = {
    "LinearThompsonSampling on revenue": (lambda: LinearThompsonSampling(), False),
    "MonotonePricingThompsonSampling, logistic": (
        lambda: MonotonePricingThompsonSampling(bandit=LogisticThompsonSampling()),
        False,
    ),
    "DemandCurveThompsonSampling": (lambda: DemandCurveThompsonSampling(), False),
    "DemandCurveUCB": (lambda: DemandCurveUCB(), False),
}


def chances(curve, prices, X, contextual):
    """The chance that each customer buys at each price."""
    if not contextual:
        return np.tile(CURVES[curve](prices), (len(X), 1))
    felt = prices / np.exp(0.3 * X[:, :1])
    base = np.clip(CURVES[curve](felt), 1e-6, 1.0 - 1e-6)
    return expit(logit(base) + (0.8 * X[:, :1] - 0.6 * X[:, 1:]))


def regret(curve, n_prices, contextual, make, scaled, seed, n_rounds):
    """Play one stream; return regret in per cent of the best revenue, early and at the end."""
    rng = np.random.default_rng([crc32(curve.encode()), n_prices, seed])
    prices = np.geomspace(2.0, 40.0, n_prices).round(2)
    X = rng.standard_normal((n_rounds, 2)) if contextual else np.zeros((n_rounds, 1))
    worth = rng.random(n_rounds)
    chance = chances(curve, prices, X, contextual)
    revenue = prices * chance
    best = revenue.max(axis=1)
    unit = prices.max() if scaled else 1.0
    bandit = make().set_params(arms=prices.tolist(), random_state=seed)
    lost = np.empty(n_rounds)
    for start in range(0, n_rounds, BATCH):
        rows = slice(start, start + BATCH)
        played = bandit.predict(X[rows])
        arm = np.searchsorted(prices, played)
        buys = worth[rows] < chance[rows][np.arange(len(arm)), arm]
        bandit.partial_fit(X[rows], played, played * buys / unit)
        lost[rows] = best[rows] - revenue[rows][np.arange(len(arm)), arm]
    early = slice(0, EARLY)
    late = slice(-n_rounds // 5, None)
    return tuple(100.0 * lost[s].sum() / best[s].sum() for s in (early, slice(None), late))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=N_ROUNDS)
    parser.add_argument("--n-prices", type=int, nargs="*", default=[10, 30])
    parser.add_argument("--contexts", choices=["none", "some", "both"], default="both")
    parser.add_argument("--curves", nargs="*", default=list(CURVES))
    parser.add_argument("--bandits", nargs="*", help="only those whose names hold one of these")
    parser.add_argument("--n-jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for contextual in {"none": [False], "some": [True]}.get(options.contexts, [False, True]):
        for n_prices in options.n_prices:
            for curve in options.curves:
                rows = {}
                for name, (make, scaled) in (WITH_CONTEXTS if contextual else FREE).items():
                    if options.bandits and not any(one in name for one in options.bandits):
                        continue
                    lost = Parallel(n_jobs=options.n_jobs)(
                        delayed(regret)(
                            curve, n_prices, contextual, make, scaled, seed, options.rounds
                        )
                        for seed in seeds
                    )
                    early, whole, late = np.array(lost).T
                    rows[name] = {
                        f"first {EARLY}": early.mean(),
                        "+-": early.std(ddof=1) / np.sqrt(len(early)),
                        f"all {options.rounds}": whole.mean(),
                        "+- ": whole.std(ddof=1) / np.sqrt(len(whole)),
                        "last fifth": late.mean(),
                        "worst": whole.max(),
                    }
                title = "with contexts" if contextual else "without contexts"
                print(f"\n{curve}, {n_prices} prices, {title}: regret in %")
                print(pd.DataFrame(rows).T.round(1).to_string(), flush=True)


if __name__ == "__main__":
    main()
