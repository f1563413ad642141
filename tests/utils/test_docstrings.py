"""Every public object is documented in numpydoc's sections."""

import importlib
import inspect
import pkgutil
from contextlib import contextmanager
from operator import attrgetter

import pytest

import skbandit

numpydoc = pytest.importorskip("numpydoc", reason="numpydoc is not installed")
from numpydoc.docscrape import NumpyDocString  # noqa: E402
from numpydoc.validate import validate  # noqa: E402

EXTRAS = {"torch", "skorch", "dask", "skops", "matplotlib", "tqdm"}
# No docstring; parameters missing, unknown; no section on what is returned or yielded; no example.
CODES = {"GL08", "PR01", "PR02", "RT01", "YD01"}


def _public_modules():
    for module in pkgutil.walk_packages(skbandit.__path__, "skbandit."):
        if "._" in module.name or module.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(module.name)
        except ImportError as error:
            if (error.name or "").split(".")[0] not in EXTRAS:
                raise


def _public_objects():
    found = {}
    for module in _public_modules():
        for name in getattr(module, "__all__", ()):
            member = getattr(module, name)
            if inspect.isfunction(member) or inspect.isclass(member):
                found.setdefault(member, f"{module.__name__}.{name}")
    return found


OBJECTS = _public_objects()
CLASSES = {kind: name for kind, name in OBJECTS.items() if inspect.isclass(kind)}


@contextmanager
def _at_home(member):
    """Let a class say in which file it stands, where numpydoc looks for its lines."""
    public = member.__module__
    own = [one.__module__ for one in vars(member).values() if inspect.isfunction(one)]
    if inspect.isclass(member) and own and own[0].startswith(public + "._"):
        member.__module__ = own[0]
    try:
        yield
    finally:
        member.__module__ = public


def _errors(name, codes):
    member = attrgetter(name.removeprefix("skbandit."))(skbandit)
    if inspect.isclass(member):
        with _at_home(member):
            return [error for error in validate(name)["errors"] if error[0] in codes]
    return [error for error in validate(name)["errors"] if error[0] in codes]


def _needs_example(member):
    """A record's or a warning's example is that of what returns it; a base class is not used."""
    if not inspect.isclass(member):
        return True
    is_record = issubclass(member, (tuple, Warning))
    return not is_record and not member.__name__.startswith("Base")


def test_objects_are_found():
    assert len(OBJECTS) > 20


@pytest.mark.parametrize(("member", "name"), OBJECTS.items(), ids=OBJECTS.values())
def test_sections(member, name):
    codes = set(CODES)
    if _needs_example(member):
        codes.add("EX01")
    if inspect.isclass(member) and issubclass(member, tuple):
        # The fields of a record are its attributes.
        codes.remove("PR01")
        assert NumpyDocString(inspect.getdoc(member))["Attributes"], "no section Attributes"
    assert not _errors(name, codes)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=name)
        for kind, name in CLASSES.items()
        if hasattr(kind, "predict_proba") and not kind.__name__.startswith("Base")
    ],
)
def test_bandits_list_their_attributes(kind, name):
    sections = NumpyDocString(inspect.getdoc(kind))
    assert sections["Attributes"]
    listed = {part.strip() for entry in sections["Attributes"] for part in entry.name.split(",")}
    assert all(attribute.endswith("_") for attribute in listed)


@pytest.mark.parametrize(("kind", "name"), CLASSES.items(), ids=CLASSES.values())
def test_methods(kind, name):
    for method, function in inspect.getmembers(kind, inspect.isfunction):
        if method.startswith("_") or not function.__module__.startswith("skbandit"):
            continue
        text = inspect.getdoc(function) or ""
        # A method that says where it is described need not describe itself.
        codes = {"GL08"} if text.startswith("See :meth:") else CODES
        assert not _errors(f"{name}.{method}", codes), method
