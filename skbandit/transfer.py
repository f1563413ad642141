"""Carry what was learnt to another bandit: arms, features, parameters, joined shards.

Everything here returns a new estimator and leaves those that it was given as they were.
"""

import copy
from numbers import Real

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_scalar, get_tags
from sklearn.utils.validation import check_is_fitted

from ._axes import source_index
from ._kriging import distances, kriging_weights, typical_distance
from ._play import take_apart
from ._rounds import check_arms
from ._rows import as_frame
from .base import is_bandit

__all__ = [
    "add_arms",
    "drop_features",
    "expand_features",
    "merge",
    "remove_arms",
    "similar_arms",
    "transfer",
]

# The bandwidth of similar arms over the median distance between arms.
_OF_TYPICAL_DISTANCE = 0.5


def _bandit_of(estimator):
    """The bandit itself, or the one at the end of a Pipeline, however deep."""
    bandit = estimator
    while isinstance(bandit, Pipeline):
        bandit = bandit.steps[-1][1]
    if isinstance(bandit, type) or not (hasattr(bandit, "add_arms") and is_bandit(bandit)):
        raise TypeError(
            "estimator must be a bandit of skbandit or a Pipeline that ends in one, got "
            f"{type(estimator).__name__}. For a search, pass its best_estimator_."
        )
    return bandit


def _replace_bandit(estimator, bandit):
    """The same Pipeline, its fitted steps copied, with another bandit at the end."""
    if not isinstance(estimator, Pipeline):
        return bandit
    *before, (name, last) = estimator.steps
    new = copy.copy(estimator)
    new.steps = [(step, copy.deepcopy(one)) for step, one in before]
    new.steps.append((name, _replace_bandit(last, bandit)))
    return new


def _check_features_are_the_bandits(estimator, function):
    """Raise where steps of a Pipeline make the features that the bandit sees."""
    steps, _ = take_apart(estimator)
    if steps:
        made_by = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(
            f"{function} changes the features that the bandit sees, but in this Pipeline "
            f"{made_by} make them and know nothing of the change. Fit steps for the new columns "
            "and carry the bandit over:\n"
            "    template = make_pipeline(new_steps, clone(pipeline[-1])).fit(X_new, log)\n"
            "    pipeline = skbandit.transfer.transfer(pipeline, template)"
        )


def add_arms(estimator, arms, init="prior"):
    """Return a new bandit, or Pipeline around one, that also knows these arms.

    Parameters
    ----------
    estimator : bandit or Pipeline
    arms : list of labels
    init : {"prior", "mean"}, an arm that is known, or dict, default="prior"
        What new arms start from. A dict says how much of what known arms have learnt, for all new
        arms or for each of them.

    Returns
    -------
    estimator : bandit or Pipeline

    See Also
    --------
    similar_arms : Weights of known arms by the likeness of their features.
    skbandit.base.BaseBandit.add_arms : The method, with all it promises.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import add_arms
    >>> pipeline = make_pipeline(StandardScaler(), LinearUCB()).fit([[0.0], [1.0]], ["a", "b"])
    >>> add_arms(pipeline, ["c"]).classes_.tolist()
    ['a', 'b', 'c']
    """
    return _replace_bandit(estimator, _bandit_of(estimator).add_arms(arms, init=init))


def similar_arms(arms, features, new_arms, new_features, *, strength=0.1, bandwidth=None):
    r"""Weigh known arms by how much their features are like those of new ones.

    What arms pay is believed to change smoothly with their features: to be a Gaussian process with
    the covariance :math:`k(z, z') = \exp(-\|z - z'\|^2 / 2 h^2)`, from which each known arm
    departs with a tenth of its variance. The weights :math:`w \ge 0` of known arms are those with
    the least expected squared error of the new arm [1]_ [2]_,

    .. math:: 1 - 2 w^\top k(z) + w^\top (K + 0.1 I) w ,

    divided by their sum where that exceeds 1, times `strength`. A new arm that is unlike all
    others has weights near zero, and starts near its prior.

    Parameters
    ----------
    arms : array-like of shape (n_arms,)
        The arms that are known, for instance ``bandit.arms_``.
    features : array-like or frame of shape (n_arms, n_features)
        A row for each of them, in their order. Features count in units of their standard deviation
        over these arms. A feature that they all have in common sets apart a new arm that differs.
    new_arms : array-like of shape (n_new,)
    new_features : array-like or frame of shape (n_new, n_features)
        The same columns for the new arms.
    strength : float in (0, 1], default=0.1
        What the weights add up to at most: how much of the rounds of known arms a new one is
        believed to have had. With 1 a new arm is as well known as those that it is like, and is
        hardly tried where they mislead; less leaves the bandit room to find out.
    bandwidth : float > 0, default=None
        The distance h over which arms are alike, in standard deviations of the features. None:
        half of the median distance between known arms that differ [3]_.

    Returns
    -------
    init : dict of dict
        For each new arm the weights of known arms that are above zero, as `init` of
        :func:`add_arms` takes them.

    Raises
    ------
    ValueError
        If arms and rows differ in number, or the columns of both.

    See Also
    --------
    add_arms : Takes the weights.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams (2006). Gaussian processes for machine learning.
       MIT Press, equation 2.25, whose weights may be negative.
    .. [2] F. Szidarovszky, E. Y. Baafi and Y. C. Kim (1987). Kriging without negative weights.
       Mathematical Geology 19(6), 549-558.
    .. [3] D. Garreau, W. Jitkrittum and M. Kanagawa (2017). Large sample analysis of the median
       heuristic. arXiv:1707.07269.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import similar_arms
    >>> rng = np.random.RandomState(0)
    >>> X, played = rng.normal(size=(300, 1)), rng.choice(["film", "series", "news"], size=300)
    >>> reward = np.where(played == "news", -1.0, 1.0) * X[:, 0]
    >>> bandit = LinearUCB().fit(X, played, reward=reward)
    >>> length = {"film": [1.6], "news": [0.2], "series": [0.8]}
    >>> init = similar_arms(
    ...     bandit.arms_, [length[arm] for arm in bandit.arms_], ["short film"], [[1.4]]
    ... )
    >>> {arm: round(weight, 3) for arm, weight in init["short film"].items()}
    {'film': 0.078, 'series': 0.02}
    >>> bigger = bandit.add_arms(["short film"], init=init)
    >>> bigger.coef_.round(1).tolist(), bigger.weight_.round().tolist()
    ([[1.0], [-1.0], [1.0], [0.9]], [101.0, 102.0, 97.0, 10.0])
    """
    check_scalar(strength, "strength", Real, min_val=0.0, max_val=1.0, include_boundaries="right")
    labels, new = check_arms(arms), check_arms(new_arms)
    known = _check_arm_features(features, "features", labels, "arms")
    other = _check_arm_features(new_features, "new_features", new, "new_arms")
    _check_same_columns(features, known, new_features, other)
    between, to_new = distances(known, other)
    if bandwidth is None:
        bandwidth = _OF_TYPICAL_DISTANCE * typical_distance(between)
    check_scalar(bandwidth, "bandwidth", Real, min_val=0.0, include_boundaries="neither")
    weights = kriging_weights(between, to_new, bandwidth)
    weights *= strength / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    return {
        arm: {label: weight for label, weight in zip(labels.tolist(), own, strict=True) if weight}
        for arm, own in zip(new.tolist(), weights.tolist(), strict=True)
    }


def _check_arm_features(features, name, arms, of):
    features = check_array(features, dtype=np.float64, input_name=name)
    if len(features) != len(arms):
        raise ValueError(
            f"{name} must have a row for each of {of}, got {len(features)} rows for {len(arms)}."
        )
    return features


def _check_same_columns(features, known, new_features, other):
    if known.shape[1] != other.shape[1]:
        raise ValueError(
            f"features and new_features must have the same columns, got {known.shape[1]} and "
            f"{other.shape[1]}."
        )
    frames = as_frame(features), as_frame(new_features)
    if any(frame is None for frame in frames):
        return
    names, others = (list(frame.columns) for frame in frames)
    if names != others:
        raise ValueError(
            "features and new_features must have the same columns in the same order, got "
            f"{names!r} and {others!r}."
        )


def remove_arms(estimator, arms):
    """Return a new bandit, or Pipeline around one, that has forgotten these arms.

    Parameters
    ----------
    estimator : bandit or Pipeline
    arms : list of labels

    Returns
    -------
    estimator : bandit or Pipeline

    See Also
    --------
    skbandit.base.BaseBandit.remove_arms : The method, with all it promises.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import remove_arms
    >>> remove_arms(LinearUCB().fit([[0.0], [1.0], [2.0]], ["a", "b", "c"]), ["b"]).arms_.tolist()
    ['a', 'c']
    """
    return _replace_bandit(estimator, _bandit_of(estimator).remove_arms(arms))


def expand_features(estimator, features, init="prior"):
    """Return a new bandit, or Pipeline around one, with more features.

    Parameters
    ----------
    estimator : bandit or Pipeline
        A Pipeline whose steps before the bandit make its features is refused, with a recipe: they
        would have to make the new ones too. Use :func:`transfer` to a template whose steps do.
    features : int or list of str
    init : {"prior"}, default="prior"

    Returns
    -------
    estimator : bandit or Pipeline

    Raises
    ------
    ValueError
        If steps of a Pipeline make the features that the bandit sees.

    See Also
    --------
    skbandit.base.BaseBandit.expand_features : The method, with all it promises.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import expand_features
    >>> wider = expand_features(LinearUCB().fit([[0.0], [1.0]], ["a", "b"]), 2)
    >>> wider.coef_.shape
    (2, 3)
    """
    bandit = _bandit_of(estimator)
    _check_features_are_the_bandits(estimator, "expand_features")
    return _replace_bandit(estimator, bandit.expand_features(features, init=init))


def drop_features(estimator, features):
    """Return a new bandit, or Pipeline around one, that has forgotten these features.

    Parameters
    ----------
    estimator : bandit or Pipeline
        As for :func:`expand_features`.
    features : list of int or list of str

    Returns
    -------
    estimator : bandit or Pipeline

    Raises
    ------
    ValueError
        If steps of a Pipeline make the features that the bandit sees.

    See Also
    --------
    skbandit.base.BaseBandit.drop_features : The method, with all it promises.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import drop_features
    >>> narrower = drop_features(LinearUCB().fit([[0.0, 1.0], [1.0, 2.0]], ["a", "b"]), [0])
    >>> narrower.n_features_in_
    1
    """
    bandit = _bandit_of(estimator)
    _check_features_are_the_bandits(estimator, "drop_features")
    return _replace_bandit(estimator, bandit.drop_features(features))


def transfer(source, template):
    """Take arms, features and parameters from `template`, and what was learnt from `source`.

    Arms are matched by label. Features are matched by name where both sides know names, by
    position where neither does. What `template` has and `source` lacks starts from the prior; what
    it lacks is forgotten (marginalised out, for a Gaussian posterior).

    Parameters
    ----------
    source : fitted bandit, or Pipeline around one
    template : bandit, or Pipeline around one
        A fitted template gives its features and arms. An unfitted one gives its ``arms``
        parameter, if that is not None; everything else is then as in `source`. Of a Pipeline, the
        steps before the bandit are those of `template` if they are fitted and those of `source` if
        not. What was learnt refers to the features as `source` saw them: fitted steps of a
        template should leave the columns that both share as they were.

    Returns
    -------
    estimator : bandit or Pipeline, as `template`
        A new one.

    Raises
    ------
    ValueError
        If the two differ in structure (arm model, precision, intercept, noise, forgetting, ...);
        the message names both sides. If one knows its features by name and the other does not, and
        their numbers differ.

    See Also
    --------
    merge : Join shards.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbandit.linear import LinearThompsonSampling, LinearUCB
    >>> from skbandit.transfer import transfer
    >>> old = LinearUCB().fit(pd.DataFrame({"age": [0.0, 1.0]}), ["a", "b"], reward=[1.0, 0.0])
    >>> new = LinearThompsonSampling().fit(
    ...     pd.DataFrame({"income": [0.0, 0.0], "age": [0.0, 0.0]}), ["a", "c"], reward=[0.0, 0.0]
    ... )
    >>> moved = transfer(old, new)
    >>> bool(moved.coef_[0, 1] == old.coef_[0, 0]), moved.feature_names_in_.tolist()
    (True, ['income', 'age'])
    """
    bandit, model = _bandit_of(source), _bandit_of(template)
    check_is_fitted(bandit)
    bandit = bandit._twin()
    if model.__sklearn_is_fitted__():
        arms = model.classes_
        names, n_features = _names(model), model.n_features_in_
    else:
        arms = bandit.classes_ if model.arms is None else check_arms(model.arms)
        names, n_features = _names(bandit), bandit.n_features_in_
    new = clone(model)
    if model.arms is not None or not np.array_equal(arms, bandit.classes_):
        new.set_params(arms=arms.tolist())
    resize = bandit._resize(
        arms=arms,
        arm_source=source_index(bandit.classes_.tolist(), arms.tolist()),
        features=_match_features(bandit, names, n_features),
        names=names,
    )
    new = bandit._carried_into(new, resize)
    if not isinstance(template, Pipeline):
        return new
    return _replace_bandit(_fitted_steps(source, template), new)


def _names(bandit):
    return getattr(bandit, "feature_names_in_", None)


def _fitted_steps(source, template):
    """The Pipeline whose steps before the bandit are fitted, `template` first."""
    for pipeline in (template, source):
        if not isinstance(pipeline, Pipeline):
            continue
        try:
            for step in take_apart(pipeline)[0]:
                check_is_fitted(step)
        except NotFittedError:
            continue
        return pipeline
    raise ValueError(
        "template is a Pipeline whose steps before the bandit are not fitted, and source has no "
        "fitted steps to take their place. Fit the template's steps first."
    )


def _match_features(source, names, n_features):
    """Position in `source` of each new feature; -1 for a new one."""
    known = getattr(source, "feature_names_in_", None)
    if known is not None and names is not None:
        return source_index(known, names)
    if (known is None) != (names is None) and n_features != source.n_features_in_:
        named, unnamed = ("source", "template") if names is None else ("template", "source")
        raise ValueError(
            f"{named} knows its features by name and {unnamed} does not, and their numbers differ "
            f"({source.n_features_in_} in source, {n_features} in template). "
            "Fit both on named columns."
        )
    position = np.arange(n_features)
    return np.where(position < source.n_features_in_, position, -1)


def merge(bandits):
    """Join bandits that learnt from different rounds into one that learnt from all of them.

    Parameters
    ----------
    bandits : list of fitted bandits
        Of one class, with equal parameters (``random_state`` and ``arms`` aside) and features.
        Their arms may differ: the result knows all of them. What they learn must be a sum over
        rounds, as their tags say (``get_bandit_tags(bandit).can_merge``).

    Returns
    -------
    bandit : estimator
        A new one. It equals, to rounding, one bandit that was fitted on all rounds.

    Raises
    ------
    ValueError
        If classes, parameters or features differ; or if what they learn is no sum over rounds (a
        forgetting factor below 1 depends on their order), or is not declared as one.

    Examples
    --------
    >>> import numpy as np
    >>> from skbandit.datasets import load_shuttle
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.transfer import merge
    >>> X, y = load_shuttle(return_X_y=True)
    >>> X = X / X.std(axis=0)
    >>> arms = np.unique(y)
    >>> shards = [LinearUCB(arms=arms).fit(X[i::4], y[i::4]) for i in range(4)]
    >>> whole = LinearUCB(arms=arms).fit(X, y)
    >>> np.allclose(merge(shards).decision_function(X), whole.decision_function(X))
    True
    """
    bandits = [_bandit_of(bandit) for bandit in bandits]
    if not bandits:
        raise ValueError("bandits must hold at least one fitted bandit, got an empty list.")
    first = bandits[0]
    for bandit in bandits:
        check_is_fitted(bandit)
        _check_mergeable(first, bandit)
    parts = [bandit._twin() for bandit in bandits]
    arms = list(dict.fromkeys(label for part in parts for label in part.classes_.tolist()))
    if first._candidate_features and first.arms is None:
        arms = list(range(len(arms)))
    arms = np.asarray(arms, dtype=np.result_type(*(part.classes_ for part in parts)))
    merged = clone(first)
    if first.arms is not None:
        merged.set_params(arms=arms.tolist())
    sized = [_with_arms(part, arms) for part in parts]
    return sized[0]._carried_into(merged, sized[0]._resize())._joined(sized)


def _with_arms(bandit, arms):
    """The bandit as if it had known all these arms."""
    new = clone(bandit)
    if bandit.arms is not None:
        new.set_params(arms=arms.tolist())
    source = source_index(bandit.classes_.tolist(), arms.tolist())
    return bandit._carried_into(new, bandit._resize(arms=arms, arm_source=source))


def _comparable(bandit):
    parameters = bandit.get_params(deep=False)
    return {k: repr(v) for k, v in parameters.items() if k not in ("random_state", "arms")}


def _check_mergeable(first, other):
    if type(first) is not type(other):
        raise ValueError(
            f"bandits must be of one class, got {type(first).__name__} and {type(other).__name__}."
        )
    for bandit in (first, other):
        tags = get_tags(bandit).bandit_tags
        if not tags.can_merge:
            raise ValueError(
                f"bandits of this kind cannot be merged: what {bandit!r} learns is no sum over "
                f"rounds (its tags say learning={tags.learning!r}). Fit one on all rounds."
            )
    ours, theirs = _comparable(first), _comparable(other)
    differ = [name for name in ours if ours[name] != theirs.get(name)]
    if differ:
        detail = "; ".join(f"{name}: {ours[name]} and {theirs[name]}" for name in differ)
        raise ValueError(f"bandits must have equal parameters, but differ in {detail}.")
    if getattr(first, "n_features_in_", None) != getattr(
        other, "n_features_in_", None
    ) or not np.array_equal(
        getattr(first, "feature_names_in_", ()), getattr(other, "feature_names_in_", ())
    ):
        raise ValueError("bandits must have learnt from the same features.")
    if first._candidate_features != other._candidate_features:
        raise ValueError(
            "bandits must have learnt from contexts of the same number of dimensions."
        )
