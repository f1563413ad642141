"""Classes say the path under which they are public: that is where files look for them."""

import inspect
import pickle
import pickletools
from importlib import import_module

import pytest

MODULES = [
    "base",
    "beliefs",
    "benchmark",
    "buffers",
    "environments",
    "glm",
    "linear",
    "metrics",
    "model_selection",
    "neural",
    "pipeline",
    "selectors",
    "variational",
]


@pytest.mark.parametrize("name", MODULES)
def test_public_classes_name_their_public_path(name):
    if name == "neural":
        pytest.importorskip("torch")
        pytest.importorskip("skorch")
    module = import_module(f"skbandit.{name}")
    classes = [getattr(module, one) for one in module.__all__]
    classes = [one for one in classes if inspect.isclass(one)]
    assert classes or name == "explorations"
    assert {one.__module__ for one in classes} == {module.__name__}


def test_files_of_linear_bandits_name_no_module_that_may_move():
    from skbandit.linear import LinearThompsonSampling

    bandit = LinearThompsonSampling().fit([[0.0], [1.0]], ["a", "b"], [1.0, 0.0])
    words = [argument for _, argument, _ in pickletools.genops(pickle.dumps(bandit))]
    paths = {one for one in words if isinstance(one, str) and one.startswith("skbandit")}
    # The engine's package is private, and named here so that nobody moves it unawares.
    assert paths == {"skbandit.linear", "skbandit._regression"}
