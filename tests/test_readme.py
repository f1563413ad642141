"""What the pages print is true: commands, code, links."""

import doctest
import importlib
import os
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.utils.estimator_checks import check_estimator

from skbandit.utils.estimator_checks import check_bandit

ROOT = Path(__file__).parents[1]
BUILT = {"_build", "auto_examples", "generated"}
PAGES = [
    page
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "doc").rglob("*.rst")])
    if not BUILT.intersection(page.relative_to(ROOT).parts) and "_templates" not in page.parts
]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def name_of(page):
    return str(page.relative_to(ROOT))


def command(marker):
    """The block that follows a marker, as the script of continuous integration takes it."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(
        rf"^<!-- {marker} -->\n```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 1
    return blocks[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch):
    if "skbandit.neural import" in page.read_text():
        pytest.importorskip("torch", reason="the page trains a network")
        pytest.importorskip("skorch", reason="the page trains a network")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(
        str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8"
    )
    assert failed == 0
    if (page.parent.name == "guide" and page.stem != "index") or page.stem == "README":
        assert tried > 0


def test_there_are_two_commands_to_set_up():
    readme = (ROOT / "README.md").read_text()
    assert readme.count("```bash") == 2
    assert ".venv/bin/skbandit demo" in command("demo")
    assert command("tests").endswith(".venv/bin/python -m pytest -n 2")


@pytest.mark.parametrize("marker", ["demo", "tests"])
def test_command_asks_for_what_the_package_defines(marker):
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = re.findall(r"\.\[(.*?)\]", command(marker))
    assert extras
    assert set(",".join(extras).split(",")) <= set(config["options.extras_require"])
    assert (ROOT / re.search(r"-c (\S+)", command(marker)).group(1)).exists()
    assert "skbandit = " in config["options.entry_points"]["console_scripts"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=name_of)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.fixture
def mean_bandit(tmp_path, monkeypatch):
    """The bandit that CONTRIBUTING prints, imported from a file as a user's would be."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)^```$", text, re.S | re.M)
    assert [name for name, _ in blocks] == ["mean_bandit.py", "test_mean_bandit.py"]
    for name, code in blocks:
        compile(code, name, "exec")
        (tmp_path / name).write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    # Where a check starts another process, that one has to find the module as well.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    # Workers that were started earlier know nothing of that path.
    get_reusable_executor().shutdown(wait=True)
    yield importlib.import_module("mean_bandit").MeanBandit
    get_reusable_executor().shutdown(wait=True)
    sys.modules.pop("mean_bandit")


def test_example_bandit_is_an_estimator(mean_bandit):
    results = check_estimator(mean_bandit(), on_skip=None, on_fail=None)
    wrong = {
        r["check_name"]: r["exception"] for r in results if r["status"] in ("failed", "xfail")
    }
    assert not wrong
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}


def test_example_bandit_keeps_the_contract(mean_bandit):
    results = check_bandit(mean_bandit(), on_skip=None, on_fail=None)
    wrong = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not wrong


def test_example_bandit_learns(mean_bandit):
    bandit = mean_bandit(arms=["a", "b"], alpha=0.0)
    bandit.partial_fit([[0.0]] * 4, ["a", "a", "b", "b"], reward=[1.0, 0.0, 3.0, 3.0])
    # Two rounds and one of the prior, which paid 0.
    assert bandit.expected_reward([[0.0]]).tolist() == [[1 / 3, 2.0]]
    assert bandit.predict([[9.0]]).tolist() == ["b"]
