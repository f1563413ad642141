"""The command line."""

import subprocess
import sys

import pytest

import skbandit
from skbandit.benchmark import cli

SHORT = ["demo", "--rounds", "30", "--repeats", "2"]


def test_demo_prints_the_table_and_draws(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    assert cli.main([*SHORT, "--output", str(path)]) == 0
    out = capsys.readouterr().out
    for name in ("LinearUCB", "LinearThompsonSampling", "greedy", "uniform", "% of uniform"):
        assert name in out
    assert str(path) in out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_demo_without_plot(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*SHORT, "--no-plot", "--batch-size", "10", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    assert "seed 3" in captured.out
    assert captured.err == ""
    assert list(tmp_path.iterdir()) == []


def test_demo_without_matplotlib(tmp_path, capsys, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    assert cli.main([*SHORT, "--output", str(tmp_path / "curves.png")]) == 0
    captured = capsys.readouterr()
    assert "LinearUCB" in captured.out
    assert "pip install matplotlib" in captured.err
    assert list(tmp_path.iterdir()) == []


def test_demo_is_reproducible(capsys):
    def regrets(seed):
        cli.main([*SHORT, "--no-plot", "--seed", seed])
        lines = capsys.readouterr().out.splitlines()[2:]
        # Name, regret, spread, percent, reward; the times that follow differ.
        return [line.split()[:5] for line in lines]

    assert regrets("1") == regrets("1")
    assert regrets("1") != regrets("2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--rounds", "0"], "whole number above 0, got '0'"),
        (["demo", "--rounds", "58001"], "--rounds: the data have 58000 rows, got 58001"),
        (["demo", "--repeats", "two"], "whole number above 0, got 'two'"),
        (["demo", "--batch-size", "-1"], "whole number above 0, got '-1'"),
        (["demo", "--seed", "4294967296"], "whole number from 0 to 2**32 - 1"),
        (["demo", "--jobs", "0"], "--jobs: must not be 0"),
        (["demo", "--output", "no/such/folder/curves.png"], "directory that does not exist"),
        (["demo", "--output", "."], "is a directory"),
        (["dmo"], "invalid choice: 'dmo'"),
        ([], "required: command"),
    ],
)
def test_wrong_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit) as info:
        cli.main(arguments)
    assert info.value.code == 2
    assert message in capsys.readouterr().err


def test_format_that_cannot_be_written(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert cli.main([*SHORT, "--output", str(tmp_path / "curves.nonsense")]) == 1
    assert "could not be written" in capsys.readouterr().err


def test_interruption(capsys, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_demo", interrupt)
    assert cli.main(SHORT) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("option", [["--help"], ["demo", "--help"], ["--version"]])
def test_help_and_version(option, capsys):
    with pytest.raises(SystemExit) as info:
        cli.main(option)
    assert info.value.code == 0
    out = capsys.readouterr().out
    assert "skbandit" in out
    if "demo" in option:
        assert "(default: 2000)" in out
    if "--version" in option:
        assert out == f"skbandit {skbandit.__version__}\n"


def test_import_is_light():
    code = (
        "import sys, skbandit.benchmark, skbandit.benchmark.cli; "
        "print(sorted({'matplotlib', 'tqdm', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
