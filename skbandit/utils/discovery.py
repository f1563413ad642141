"""Find the bandits of the package."""

import inspect
import pkgutil
from importlib import import_module
from operator import itemgetter

from sklearn.utils import get_tags

from .._sklearn import StrOptions

__all__ = ["all_bandits"]

# What the extras of the package bring; a module that needs one that is absent is passed over.
_EXTRAS = {"torch", "skorch", "dask", "skops", "matplotlib", "tqdm"}
# Kinds of rewards that contain the key's.
_REWARDS = {
    "real": ("real",),
    "unit_interval": ("real", "unit_interval"),
    "binary": ("real", "unit_interval", "binary", "count"),
    "count": ("real", "count"),
}
_CONTEXTS = {
    "numbers": lambda tags: tags.bandit_tags.contexts != "none" and tags.input_tags.two_d_array,
    "sparse": lambda tags: tags.bandit_tags.contexts != "none" and tags.input_tags.sparse,
    "any": lambda tags: tags.bandit_tags.contexts == "any",
    "none": lambda tags: tags.bandit_tags.contexts == "none",
    "candidates": lambda tags: tags.input_tags.three_d_array,
}
_PACKAGE = __name__.split(".")[0]
# Never a home of bandits; walking them would import what they need.
_PASSED_OVER = {"benchmark", "datasets", "environments", "tests", "utils"}


def all_bandits(rewards=None, contexts=None):
    """List the public bandits of the package, all or those for some rewards and contexts.

    Modules that need an extra which is not installed are passed over, so without torch the neural
    bandits are not listed.

    Parameters
    ----------
    rewards : {"real", "unit_interval", "binary", "count"}, default=None
        List the bandits whose model takes such rewards: any numbers, numbers in [0, 1], 0 and 1,
        or counts. None: all.
    contexts : {"numbers", "sparse", "any", "none", "candidates"}, default=None
        List the bandits that take such contexts: arrays of numbers, CSR matrices, rows of any kind
        (texts, categories, missing values), none at all, or candidates with features of their own.
        None: all.

    Returns
    -------
    bandits : list of (str, type)
        Name and class, sorted by name. Classes whose names begin with ``Base`` are left out. What
        they take is what they take with some setting of ``arm_model``, ``precision`` and
        ``likelihood``, and with the defaults of all else: an estimator inside may take more.

    Raises
    ------
    ValueError
        If `rewards` or `contexts` is none of these.

    See Also
    --------
    sklearn.utils.discovery.all_estimators : The same for scikit-learn.

    Examples
    --------
    >>> from skbandit.utils.discovery import all_bandits
    >>> [name for name, _ in all_bandits() if name.startswith("Linear")]
    ['LinearThompsonSampling', 'LinearTopTwoThompsonSampling', 'LinearUCB']
    >>> "LinearUCB" in dict(all_bandits(rewards="count", contexts="sparse"))
    True
    """
    for name, value, allowed in (
        ("rewards", rewards, _REWARDS),
        ("contexts", contexts, _CONTEXTS),
    ):
        if value is not None and value not in allowed:
            raise ValueError(f"{name} must be one of {sorted(allowed)} or None, got {value!r}.")
    found = set()
    for module in _public_modules():
        found.update(
            (name, member)
            for name, member in inspect.getmembers(module, inspect.isclass)
            if _is_public_bandit(name, member)
        )
    return [
        (name, kind)
        for name, kind in sorted(found, key=itemgetter(0))
        if _takes(kind, rewards, contexts)
    ]


def _takes(kind, rewards, contexts):
    """Whether a class takes such rewards and contexts, with some setting."""
    if rewards is None and contexts is None:
        return True
    for setting in _settings(kind):
        tags = get_tags(setting)
        takes_rewards = rewards is None or tags.bandit_tags.reward in _REWARDS[rewards]
        if takes_rewards and (contexts is None or _CONTEXTS[contexts](tags)):
            return True
    return False


def _settings(kind):
    """Instances with each choice of the parameters that decide what is taken."""
    settings = [kind()]
    for name in ("arm_model", "precision", "likelihood"):
        constraints = getattr(kind, "_parameter_constraints", {}).get(name, [])
        for options in (one.options for one in constraints if isinstance(one, StrOptions)):
            settings += [kind(**{name: option}) for option in sorted(options)]
    return settings


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
