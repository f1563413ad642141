"""Steps before a bandit that look at ``y``, which of a log they cannot read."""

from sklearn.utils import get_tags

from ._sklearn import fitting_pipelines


def check_steps_read_logs(steps, y):
    """Raise where a step before a bandit takes each round of a log for a class of its own.

    scikit-learn hands a structured array to the steps of a Pipeline as it is, and a univariate
    selection finds classes in it without a word. Whoever meets such a Pipeline first says so.

    Parameters
    ----------
    steps : list of estimator objects
    y : log or labels
    """
    if not is_structured(y):
        return
    for step in _parts(steps):
        # Two of the univariate selections say that they need no y: some scores need none.
        if get_tags(step).target_tags.required or hasattr(step, "score_func"):
            name = type(step).__name__
            raise ValueError(
                f"The step {name} before the bandit looks at y, and takes each round of a log for "
                "a class of its own. Wrap it in skbandit.pipeline.LogTarget, which shows it the "
                "reward or the arm of each round. If it was fitted on plain arms, pass arms, "
                "reward= and propensity= here as well."
            )


def check_own_pipeline(y):
    """Raise where the Pipeline that fits the caller has such steps; they were fitted before it.

    Parameters
    ----------
    y : log or labels
    """
    if not is_structured(y):
        return
    for pipeline in fitting_pipelines():
        check_steps_read_logs([step for _, step in pipeline.steps[:-1]], y)


def is_structured(y):
    """Whether `y` is a log in a structured array."""
    return getattr(getattr(y, "dtype", None), "names", None) is not None


def _parts(steps):
    """Yield steps and what those made of several have inside; not what reads logs."""
    for step in steps:
        # It shows what is inside it something else than the log.
        if getattr(step, "_reads_logs", False):
            continue
        for kind in ("steps", "transformers", "transformer_list"):
            yield from _parts(part[1] for part in getattr(step, kind, ()))
        if hasattr(step, "fit"):
            yield step
