"""Every benchmark that asv would run from commit to commit runs."""

import importlib.util
import inspect
import itertools
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "asv"


def load(path):
    spec = importlib.util.spec_from_file_location(f"asv_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def benchmarks():
    """Class, method and parameters of each."""
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        module = load(path)
        for name, kind in inspect.getmembers(module, inspect.isclass):
            methods = [key for key in dir(kind) if key.startswith(("time_", "track_"))]
            if kind.__module__ == module.__name__ and methods:
                for method, values in itertools.product(methods, itertools.product(*kind.params)):
                    label = f"{path.stem}.{name}.{method}{values}"
                    yield pytest.param(kind, method, values, id=label)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "method", "values"), list(benchmarks()))
def test_benchmark_runs(kind, method, values):
    benchmark = kind()
    try:
        benchmark.setup(*values)
    except NotImplementedError as error:
        pytest.skip(str(error))
    getattr(benchmark, method)(*values)


def test_there_are_benchmarks_of_each_part():
    found = {param.id.split(".")[0] for param in benchmarks()}
    assert found >= {"linear", "policies", "values", "neural"}
