"""The public battery: what every bandit promises, as checks that any bandit can run.

scikit-learn's own ``check_estimator`` says whether a bandit is an estimator; :func:`check_bandit`
says whether it keeps the contract of a bandit. One check a promise.

What a bandit promises beyond what all do, its tags say (:class:`skbandit.base.BanditTags`, and
scikit-learn's own for sparse contexts and contexts of three axes): a check says beside itself for
which tags it is, and those that are not promised are not run. That decisions follow the reported
probabilities, that ties are even, that a call which raises or is interrupted changes nothing, and
that draws are keyed by what was learnt, everybody promises. A tag that says too much is found out
by its check: ``learning="sum"`` by rounds in pieces and in another order, ``policy="exact"`` by
arms in another order, ``dropping_features="exact"`` by what is believed where the feature is zero.

Contexts are numbers unless ``contexts=`` makes others: frames of strings and missing values, lists
of texts. Statistical checks use fixed seeds, so that a given bandit always ends the same way; a
check raises a false alarm for at most one correct bandit in ten thousand.
"""

from ._run import bandit_checks_generator, check_bandit, parametrize_with_bandit_checks

__all__ = ["bandit_checks_generator", "check_bandit", "parametrize_with_bandit_checks"]
