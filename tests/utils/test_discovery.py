import subprocess
import sys
from importlib import import_module

import pytest
from sklearn.utils import get_tags

from skbandit.utils import discovery
from skbandit.utils.discovery import all_bandits


def test_names_and_classes():
    found = all_bandits()
    assert found == sorted(found, key=lambda pair: pair[0])
    for name, kind in found:
        assert kind.__name__ == name
        assert not name.startswith(("_", "Base"))
        assert get_tags(kind()).estimator_type == "bandit"
        assert kind.__module__.startswith("skbandit.")


def test_every_public_bandit_of_a_family_is_found():
    linear = import_module("skbandit.linear")
    assert set(linear.__all__) <= {name for name, _ in all_bandits()}


def _without(monkeypatch, missing, subject):
    """Make importing `subject` fail as if `missing` were not installed."""
    original = discovery.import_module

    def absent(name, *arguments):
        if name == subject:
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return original(name, *arguments)

    monkeypatch.setattr(discovery, "import_module", absent)


def test_module_that_lacks_an_extra_is_passed_over(monkeypatch):
    _without(monkeypatch, "torch", "skbandit.linear")
    assert "LinearUCB" not in {name for name, _ in all_bandits()}


def test_other_import_errors_are_raised(monkeypatch):
    _without(monkeypatch, "numpy_misspelt", "skbandit.linear")
    with pytest.raises(ImportError, match="numpy_misspelt"):
        all_bandits()


def test_importing_the_package_loads_no_extra():
    code = (
        "import sys, skbandit, skbandit.base, skbandit.linear, skbandit.transfer\n"
        "import skbandit.utils.discovery\n"
        "extras = {'torch', 'skorch', 'dask', 'skops', 'matplotlib', 'tqdm', 'pytest'}\n"
        "print(sorted(extras & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_bandits_for_rewards_and_contexts():
    names = {name for name, _ in all_bandits()}
    for_numbers = {name for name, _ in all_bandits(rewards="real", contexts="numbers")}
    assert {"LinearUCB", "GreedyBandit"} <= for_numbers
    mixed = {name for name, _ in all_bandits(contexts="any")}
    assert "GreedyBandit" in mixed
    assert not {"LinearUCB", "LinearThompsonSampling"} & mixed
    # With precision="diagonal", and with arm_model="shared".
    assert "LinearUCB" in {name for name, _ in all_bandits(contexts="sparse")}
    assert "LinearUCB" in {name for name, _ in all_bandits(contexts="candidates")}
    # Whoever takes any number takes a count; whoever takes a share takes 0 and 1.
    for wide, narrow in (
        ("real", "count"),
        ("real", "unit_interval"),
        ("unit_interval", "binary"),
    ):
        assert set(all_bandits(rewards=wide)) <= set(all_bandits(rewards=narrow))
    assert {name for name, _ in all_bandits(rewards="binary")} <= names


@pytest.mark.parametrize("words", [{"rewards": "money"}, {"contexts": "texts"}])
def test_unknown_kinds(words):
    with pytest.raises(ValueError, match=f"{next(iter(words))} must be one of"):
        all_bandits(**words)
