"""Every example runs to its end, without a display and without a warning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


def run(script, folder):
    """Run a script in an empty folder, as a user would, with warnings as errors."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # One thread each: the tests themselves run side by side.
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env=os.environ | alone | {"MPLBACKEND": "Agg", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_are_examples():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(script, tmp_path):
    pytest.importorskip("matplotlib", reason="the examples draw")
    if "skbandit.neural" in script.read_text():
        pytest.importorskip("torch", reason="the example trains a network")
        pytest.importorskip("skorch", reason="the example trains a network")
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir()), "an example should leave no files behind"


def test_a_warning_fails(tmp_path):
    script = tmp_path / "warns.py"
    script.write_text("import warnings\nwarnings.warn('look here')\n")
    assert "look here" in run(script, tmp_path).stderr
    assert run(script, tmp_path).returncode != 0


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_a_title_and_says_what_one_sees(script):
    lines = script.read_text().splitlines()
    assert lines[0] == '"""'
    assert set(lines[1]) == set(lines[3]) == {"="}
    assert len(lines[1]) == len(lines[3]) >= len(lines[2])
    assert sum(line.startswith("# %%") for line in lines) >= 2
