"""Find the bandits of the package."""

import inspect
import pkgutil
from importlib import import_module
from operator import itemgetter

__all__ = ["all_bandits"]

# What the extras of the package bring; a module that needs one that is absent is passed over.
_EXTRAS = {"torch", "skorch", "dask", "skops", "matplotlib", "tqdm"}
_PACKAGE = __name__.split(".")[0]
# Never a home of bandits; walking them would import what they need.
_PASSED_OVER = {"benchmark", "datasets", "environments", "tests", "utils"}


def all_bandits():
    """List every public bandit of the package.

    Modules that need an extra which is not installed are passed over, so without torch the neural
    bandits are not listed.

    Returns
    -------
    bandits : list of (str, type)
        Name and class, sorted by name. Classes whose names begin with ``Base`` are left out.

    See Also
    --------
    sklearn.utils.discovery.all_estimators : The same for scikit-learn.

    Examples
    --------
    >>> from skbandit.utils.discovery import all_bandits
    >>> [name for name, _ in all_bandits() if name.startswith("Linear")]
    ['LinearThompsonSampling', 'LinearUCB']
    """
    found = set()
    for module in _public_modules():
        found.update(
            (name, member)
            for name, member in inspect.getmembers(module, inspect.isclass)
            if _is_public_bandit(name, member)
        )
    return sorted(found, key=itemgetter(0))


def _is_public_bandit(name, member):
    return (
        not name.startswith(("_", "Base"))
        and member.__name__ == name
        and member.__module__.startswith(_PACKAGE + ".")
        and getattr(member, "_estimator_type", None) == "bandit"
        and not inspect.isabstract(member)
    )


def _public_modules():
    """Import the package's public modules, except those that lack an extra."""
    root = import_module(_PACKAGE)
    pending = [(root.__path__, _PACKAGE + ".")]
    while pending:
        path, prefix = pending.pop()
        for _, name, is_package in pkgutil.iter_modules(path, prefix):
            parts = name.split(".")[1:]
            if parts[-1].startswith("_") or _PASSED_OVER.intersection(parts):
                continue
            try:
                module = import_module(name)
            except ImportError as error:
                missing = (error.name or "").split(".")[0]
                if missing not in _EXTRAS:
                    raise
                continue
            yield module
            if is_package:
                pending.append((module.__path__, name + "."))
