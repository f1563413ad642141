"""The progress bar is optional."""

import sys

import pytest

from skbandit.benchmark import simulate
from skbandit.environments import WheelEnvironment


def run(diary_bandit, **options):
    return simulate(diary_bandit(), WheelEnvironment(), 30, n_repeats=2, batch_size=7, **options)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_bar_counts_all_rounds(diary_bandit, capsys, n_jobs):
    pytest.importorskip("tqdm")
    run(diary_bandit, progress=True, n_jobs=n_jobs)
    assert "60.0/60.0" in capsys.readouterr().err


@pytest.mark.parametrize("progress", [None, False])
def test_no_bar_where_there_is_no_terminal(diary_bandit, capsys, progress):
    run(diary_bandit, progress=progress)
    assert capsys.readouterr().err == ""


def test_bar_on_a_terminal(diary_bandit, capsys, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(diary_bandit)
    assert "60.0/60.0" in capsys.readouterr().err


def test_without_tqdm(diary_bandit, capsys, monkeypatch):
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(diary_bandit)
    assert capsys.readouterr().err == ""
    with pytest.raises(ImportError, match="progress=True needs tqdm"):
        run(diary_bandit, progress=True)
