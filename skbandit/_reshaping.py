"""Transfer methods of every bandit: more or fewer arms, more or fewer features."""

import copy
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ._axes import fill_arms, resized_state, source_index
from ._rounds import check_arms, encode_arms


def _as_list(values, name):
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(
            f"{name} must be a list, got {values!r}. Write [{values!r}] for a single one."
        )
    return list(values)


class ReshapingMixin:
    """``add_arms``, ``remove_arms``, ``expand_features``, ``drop_features``; all return a new "
    "bandit."""

    def _source_axes(self, arms, features):
        """Old positions by axis name; a family that names further axes adds them here."""
        return {"arm": arms, "feature": features}

    def _forget_features(self, dropped):
        """Change the state so that deleting these features forgets them (default: nothing to "
        "do)."""

    def _after_transfer(self, source):
        """Mend what depends on parameters in which this bandit differs from `source`."""

    def _after_merge(self, parts):
        """Mend what is not a plain sum over the states of `parts`."""

    def _structure(self):
        """What must be alike for a state to carry over, name to value."""
        return {}

    def _resized(self, arms, arm_source, n_features, feature_source, feature_names):
        """Return a copy in a new size; sources give old positions, -1 for what is new."""
        new = clone(self)
        kept = {
            name: copy.deepcopy(value)
            for name, value in vars(self).items()
            if name.endswith("_") or name == "_candidate_features"
        }
        vars(new).update(kept)
        sources = self._source_axes(arm_source, feature_source)
        vars(new).update(resized_state(self, len(arms), n_features, sources))
        new.classes_ = arms
        new.n_features_in_ = n_features
        vars(new).pop("feature_names_in_", None)
        if feature_names is not None:
            new.feature_names_in_ = feature_names
        new._forget_cache()
        return new

    def _all_features(self):
        return np.arange(self.n_features_in_)

    def add_arms(self, arms, init="prior"):
        """Return a new bandit that also knows these arms.

        Parameters
        ----------
        arms : list of labels
            The new arms; they are appended to ``classes_``.
        init : {"prior", "mean"} or an arm that is known, default="prior"
            "prior": as if the arm had been known from the start and never played. "mean": starts
            it from the average of what the others learnt. An arm: starts it from what that one
            learnt.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If an arm is known already or `init` names no known arm.

        Examples
        --------
        >>> from skbandit.linear import LinearUCB
        >>> bandit = LinearUCB(arms=["a", "b"]).fit([[0.0], [1.0]], ["a", "b"], reward=[1, 0])
        >>> bandit.add_arms(["c"]).arms_.tolist()
        ['a', 'b', 'c']
        """
        new = check_arms(_as_list(arms, "arms"))
        if not self.__sklearn_is_fitted__() and self.arms is not None:
            known = check_arms(self.arms)
            self._check_new_arms(known, new)
            if not (isinstance(init, str) and init in ("prior", "mean")):
                self._arm_to_copy(init, known)
            return clone(self).set_params(arms=_joined(known, new).tolist())
        check_is_fitted(self)
        self._check_arms_are_labels("add_arms")
        self._check_new_arms(self.classes_, new)
        n_known, n_new = len(self.classes_), len(new)
        if (
            isinstance(init, str)
            and init in ("prior", "mean")
            and init not in self.classes_.tolist()
        ):
            taught = np.arange(n_known) if init == "mean" else None
        else:
            taught = self._arm_to_copy(init, self.classes_)
        bigger = self._resized(
            _joined(self.classes_, new),
            np.concatenate([np.arange(n_known), np.full(n_new, -1)]),
            self.n_features_in_,
            self._all_features(),
            getattr(self, "feature_names_in_", None),
        )
        if taught is not None:
            for name, axes in self._state_axes.items():
                fill_arms(getattr(bigger, name), axes, n_known + np.arange(n_new), taught)
        return bigger.set_params(arms=bigger.classes_.tolist())

    def remove_arms(self, arms):
        """Return a new bandit that has forgotten these arms.

        Parameters
        ----------
        arms : list of labels
            Arms to forget; at least one must remain.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If an arm is not known or none would remain.
        """
        gone = check_arms(_as_list(arms, "arms"))
        fitted = self.__sklearn_is_fitted__()
        if not fitted and self.arms is None:
            check_is_fitted(self)
        known = self.classes_ if fitted else check_arms(self.arms)
        keep = np.setdiff1d(np.arange(len(known)), encode_arms(gone, known))
        if keep.size == 0:
            raise ValueError(f"arms={gone.tolist()!r} would leave the bandit without any arm.")
        if not fitted:
            return clone(self).set_params(arms=known[keep].tolist())
        self._check_arms_are_labels("remove_arms")
        smaller = self._resized(
            known[keep],
            keep,
            self.n_features_in_,
            self._all_features(),
            getattr(self, "feature_names_in_", None),
        )
        return smaller.set_params(arms=smaller.classes_.tolist())

    def expand_features(self, features, init="prior"):
        """Return a new bandit with more features, appended after those it has.

        It equals one whose rounds so far all had zeros there: its predictions on old rows padded
        with zeros are the same.

        Parameters
        ----------
        features : int or list of str
            How many new features, or their names where the bandit has learnt from named columns.
        init : {"prior"}, default="prior"
            The new coefficients start from the prior.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If a name is known already, or names are given or missing where they must not be.
        """
        check_is_fitted(self)
        if init != "prior":
            raise ValueError(f"init must be 'prior' for new features, got {init!r}.")
        names = getattr(self, "feature_names_in_", None)
        if isinstance(features, Integral) and not isinstance(features, bool):
            n_new, new_names = int(features), None
            if n_new < 1:
                raise ValueError(f"features must be at least 1, got {features}.")
            if names is not None:
                raise ValueError(
                    f"features={features} is a number, but the bandit knows its features by name "
                    f"({', '.join(map(str, names[:5]))}, ...). Pass the names of the new ones."
                )
        else:
            new = _as_list(features, "features")
            if not new:
                raise ValueError("features must name at least one new feature, got an empty list.")
            if names is None:
                raise ValueError(
                    f"features={new!r} are names, but the bandit has learnt from unnamed columns. "
                    f"Pass "
                    "how many there are."
                )
            clash = sorted(set(new) & set(names))
            if clash or len(set(new)) < len(new) or not new:
                raise ValueError(
                    f"features must be new distinct names, got {new!r}"
                    + (f"; the bandit knows {clash!r} already." if clash else ".")
                )
            n_new = len(new)
            new_names = np.concatenate([names, np.asarray(new, dtype=object)])
        source = np.concatenate([self._all_features(), np.full(n_new, -1)])
        return self._resized(
            self.classes_, np.arange(len(self.classes_)), len(source), source, new_names
        )

    def drop_features(self, features):
        """Return a new bandit that has forgotten these features.

        A Gaussian posterior is marginalised: what is believed about the others does not change.

        Parameters
        ----------
        features : list of int or list of str
            Positions, or names where the bandit has learnt from named columns.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.

        Raises
        ------
        ValueError
            If a feature is not known or none would remain.
        """
        check_is_fitted(self)
        dropped = self._feature_positions(_as_list(features, "features"))
        keep = np.setdiff1d(self._all_features(), dropped)
        if keep.size == 0:
            raise ValueError(f"features={features!r} would leave the bandit without any feature.")
        names = getattr(self, "feature_names_in_", None)
        forgetful = copy.deepcopy(self)
        forgetful._forget_features(dropped)
        return forgetful._resized(
            self.classes_,
            np.arange(len(self.classes_)),
            len(keep),
            keep,
            None if names is None else names[keep],
        )

    def _feature_positions(self, features):
        if not features:
            raise ValueError("features must name at least one feature to drop, got an empty list.")
        names = getattr(self, "feature_names_in_", None)
        if all(isinstance(feature, str) for feature in features):
            if names is None:
                raise ValueError(
                    f"features={features!r} are names, but the bandit has learnt from unnamed "
                    f"columns. "
                    "Pass positions."
                )
            positions = source_index(names, features)
            if (positions < 0).any():
                unknown = [f for f, place in zip(features, positions, strict=True) if place < 0]
                raise ValueError(
                    f"features {unknown!r} are not known; the bandit has {list(names)!r}."
                )
        else:
            positions = np.asarray(features)
            n = self.n_features_in_
            if positions.dtype.kind not in "iu" or ((positions < 0) | (positions >= n)).any():
                raise ValueError(
                    f"features must be names or positions from 0 to {n - 1}, got {features!r}."
                )
        return np.unique(positions)

    def _check_arms_are_labels(self, method):
        if self._candidate_features and self.arms is None:
            raise ValueError(
                f"{method} does not apply: the arms are candidates with features of their own, "
                f"and "
                "their number may differ from call to call."
            )

    @staticmethod
    def _arm_to_copy(init, known):
        """Position of the arm that `init` names."""
        if init not in known.tolist():
            raise ValueError(
                f"init must be 'prior', 'mean' or an arm that is known, got {init!r}; the arms "
                f"are {known.tolist()!r}."
            )
        return np.array([known.tolist().index(init)])

    @staticmethod
    def _check_new_arms(known, new):
        clash = [label for label in new.tolist() if label in known.tolist()]
        if clash:
            raise ValueError(
                f"arms {clash!r} are known already; the arms are {known.tolist()!r}. Use "
                f"remove_arms "
                "first to start one over."
            )


def _joined(known, new):
    """Append labels, keeping one type."""
    if {known.dtype.kind, new.dtype.kind} & set("US") and known.dtype.kind != new.dtype.kind:
        raise ValueError(
            f"arms must be labels of one type: known are {known.tolist()!r}, new {new.tolist()!r}."
        )
    return np.concatenate([known, new])
