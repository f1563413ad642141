"""The same seed gives the same decisions: on this machine, and with each kernel that it can run.

The rounds are exact in binary and the seeds fixed, so what is left is how sums are rounded. With
the kernels of OpenBLAS the scores of a model in double precision differ by 1e-15 of their size,
those of a network in single precision, trained for 50 steps, by 1e-7. A decision flips where a
uniform number falls that close to the edge between two arms, or two scores lie that close
together: once in millions of decisions, or, for the networks, once in tens of thousands. The file
has some hundreds, none of them that close. Propensities are equal to rounding.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("decisions.py")
SPEC = importlib.util.spec_from_file_location("golden_decisions", SCRIPT)
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)

CASES = golden.make_cases()
KEPT = json.loads(golden.FILE.read_text())
AGAIN = "python tests/golden/decisions.py --write"
# From SSE3 over AVX and AVX2 to AVX-512.
KERNELS = ["Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX"]


def test_every_bandit_has_its_decisions():
    assert not set(CASES) - set(KEPT), f"write the file again: {AGAIN}"
    if importlib.util.find_spec("torch") and importlib.util.find_spec("skorch"):
        assert not set(KEPT) - set(CASES), f"write the file again: {AGAIN}"


@pytest.mark.parametrize("name", [name for name in CASES if name in KEPT])
def test_decisions_are_as_they_were(name):
    lines = golden.differences(name, golden.play(*CASES[name]), KEPT[name])
    assert not lines, f"{lines}; where this is meant: {AGAIN}"


@pytest.mark.parametrize("kernel", KERNELS)
def test_decisions_do_not_depend_on_the_kernel(kernel):
    root = str(SCRIPT.parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    variables = {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": path}
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--kernel", kernel],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == -signal.SIGILL:
        pytest.skip(f"this processor cannot run the kernel {kernel}")
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_difference_is_seen():
    name = "LinearThompsonSampling"
    kind, parameters = CASES[name]
    lines = golden.differences(name, golden.play(kind, {"alpha": 2.0, **parameters}), KEPT[name])
    assert any("arms" in line for line in lines)
    assert any("propensities" in line for line in lines)
    # The last decimal that is kept may be rounded, the one before may not.
    for change, seen in ((1e-6, False), (1e-5, True)):
        steps = [dict(step) for step in KEPT[name]]
        steps[-1]["propensities"] = [p + change for p in steps[-1]["propensities"]]
        assert bool(golden.differences(name, steps, KEPT[name])) == seen
