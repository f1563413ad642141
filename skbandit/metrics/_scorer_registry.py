"""The one place that makes names of policy scorers known to scikit-learn.

``GridSearchCV(scoring="dr")`` looks a plain string up in a private table of scikit-learn, for
which there is no public way in, and checks it against sets of names that each function made when
it was imported. Both are extended here, where the name is still free. If scikit-learn moves them,
the strings cease to work, and nothing else: scorer objects need no table.
"""

import sys

from sklearn.metrics import _scorer

# Where sets of names were made; modules that are imported later make them from the table.
_VALIDATED = {
    "sklearn.metrics._scorer": ("check_scoring",),
    "sklearn.model_selection._validation": (
        "cross_val_score",
        "cross_validate",
        "learning_curve",
        "permutation_test_score",
        "validation_curve",
    ),
    "sklearn.model_selection._search": ("BaseSearchCV",),
    "sklearn.model_selection._search_successive_halving": ("BaseSuccessiveHalving",),
    "sklearn.inspection._permutation_importance": ("permutation_importance",),
    "sklearn.feature_selection._sequential": ("SequentialFeatureSelector",),
}


def register_scorers(scorers):
    """Let ``scoring=`` take the names of scorers, those that are free.

    Parameters
    ----------
    scorers : dict of str to scorer

    Returns
    -------
    registered : list of str
        Empty where scikit-learn keeps its scorers elsewhere.
    """
    table = getattr(_scorer, "_SCORERS", None)
    if not isinstance(table, dict):
        return []
    own = type(next(iter(scorers.values())))
    registered = []
    for name, scorer in scorers.items():
        # A reload replaces our own scorer, never that of another.
        if name not in table or isinstance(table[name], own):
            table[name] = scorer
            registered.append(name)
    for module, owners in _VALIDATED.items():
        for owner in owners:
            _extend_options(getattr(sys.modules.get(module), owner, None), registered)
    return registered


def _extend_options(owner, names):
    """Add names to the set of strings that a function or a class takes as ``scoring``."""
    for attribute in ("_skl_parameter_constraints", "_parameter_constraints"):
        constraints = getattr(owner, attribute, None)
        if not isinstance(constraints, dict):
            continue
        for constraint in constraints.get("scoring", ()):
            options = getattr(constraint, "options", None)
            if isinstance(options, set):
                options.update(names)
