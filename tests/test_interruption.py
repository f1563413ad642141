"""A learning call that is interrupted at any line is one that was never made, or one completed."""

import copy

import numpy as np
import pytest

from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.utils.estimator_checks._state import _homes, _run, _same, _snapshot


def _rounds(n_samples, seed=0):
    rng = np.random.RandomState(seed)
    arm = np.array(["a", "b"])[rng.randint(2, size=n_samples)]
    return rng.standard_normal((n_samples, 3)), arm, rng.standard_normal(n_samples)


def _neural():
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    from skbandit.neural import NeuralLinearBandit, make_net

    return NeuralLinearBandit(
        arms=["a", "b"],
        net=make_net("tiny_mlp", module__hidden_units=(4,)),
        min_samples_to_train=8,
        train_every=4,
        initial_train_steps=2,
        train_steps=1,
    )


def _bandit(name):
    if name == "neural":
        return _neural()
    kind = LinearThompsonSampling if name == "hybrid" else LinearUCB
    model = {"hybrid": {"arm_model": "hybrid"}, "diagonal": {"precision": "diagonal"}}
    return kind(arms=["a", "b"], **model.get(name, {}))


@pytest.mark.parametrize("learnt", [False, True], ids=["first", "later"])
@pytest.mark.parametrize(
    ("method", "n_samples"), [("partial_fit", 4), ("partial_fit", 40), ("fit", 40)]
)
@pytest.mark.parametrize(
    "name",
    ["full", *(pytest.param(k, marks=pytest.mark.long) for k in ("diagonal", "hybrid", "neural"))],
)
def test_every_line(name, method, n_samples, learnt):
    test = np.random.RandomState(1).standard_normal((5, 3))
    bandit = _bandit(name).set_params(random_state=np.random.RandomState(0))
    if learnt:
        bandit.fit(*_rounds(30, seed=1))
    rounds = _rounds(n_samples)
    homes = _homes(bandit)
    before = _snapshot(copy.deepcopy(bandit), test)
    done = copy.deepcopy(bandit)
    n_lines = _run(lambda: getattr(done, method)(*rounds), homes)
    after = _snapshot(done, test)
    assert not _same(before, after)
    # A network takes thousands of lines and long for each try: some of them, and the last ones.
    step = max(1, n_lines // 200) if name == "neural" else 1
    stops = sorted({*range(1, n_lines + 1, step), *range(max(1, n_lines - 50), n_lines + 1)})
    ends = []
    for stop in stops:
        victim = copy.deepcopy(bandit)
        _run(lambda b=victim: getattr(b, method)(*rounds), homes, stop)
        now = _snapshot(victim, test)
        ends.append(
            "before" if _same(now, before) else "after" if _same(now, after) else "between"
        )
    assert "between" not in ends
    # There is one step, and it is near the end.
    assert ends == sorted(ends, reverse=True)
    assert stops[ends.index("after")] > 0.9 * n_lines
