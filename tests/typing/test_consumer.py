"""The typed consumer runs, and the marker that makes its types count is part of the package.

mypy itself runs in continuous integration, against an installed package.
"""

import importlib.util
from importlib.resources import files
from pathlib import Path

SCRIPT = Path(__file__).with_name("consumer.py")


def test_the_marker_ships():
    assert files("skbandit").joinpath("py.typed").is_file()


def test_the_consumer_runs(capsys):
    spec = importlib.util.spec_from_file_location("typed_consumer", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    assert "LinearThompsonSampling" in capsys.readouterr().out
