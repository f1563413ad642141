"""The public battery: what every bandit promises, as checks that any bandit can run.

scikit-learn's own ``check_estimator`` says whether a bandit is an estimator; :func:`check_bandit`
says whether it keeps the contract of a bandit. One check a promise.

A bandit that cannot make a promise says so, with its reason, in the attribute
``_unpromised_checks``: a dict of a check's name to the reason (a property where it depends on
parameters). Such a check counts as skipped. One whose policy is an average over a limited number
of draws says in ``_policy_error`` how far apart the probabilities of arms that tie may be.
Contexts of two or three dimensions and sparse contexts are declared in scikit-learn's tags.

Statistical checks use fixed seeds, so that a given bandit always ends the same way; a check raises
a false alarm for at most one correct bandit in ten thousand.
"""

from ._run import bandit_checks_generator, check_bandit, parametrize_with_bandit_checks

__all__ = ["bandit_checks_generator", "check_bandit", "parametrize_with_bandit_checks"]
