"""Transfer of variational beliefs: more or fewer arms, features and units, with categories."""

import copy
from numbers import Integral

import numpy as np

from .._axes import embed, source_index
from ._variational import marginal_belief

# Weights that lead out of a new hidden unit keep this share of their prior's spread in an arm that
# has learnt: its scores keep their spread.
_NEW_UNIT_SPREAD = 1e-3


class BayesianTransferMixin:
    """Reshaping of a state that is indexed by the weights of a network."""

    # ------------------------------------------------------------ categories
    def _known_categories(self, n_features):
        """Number of categories of each feature of a state to come, 0 for numeric ones."""
        pending = getattr(self, "_pending_categories", None)
        if pending is not None:
            return pending
        names = getattr(self, "feature_names_in_", None)
        categories = np.zeros(n_features, dtype=np.intp)
        for key, count in (self.categorical_features or {}).items():
            _check_count(key, count)
            position = _feature_position(key, names, n_features)
            if position is None:
                known = list(names) if names is not None else f"positions 0 to {n_features - 1}"
                raise ValueError(
                    f"categorical_features names the column {key!r}, which X lacks; it has "
                    f"{known}."
                )
            categories[position] = count
        return categories

    def _moved_categories(self, feature_source, names):
        """Number of categories of each feature after a move; new ones as the parameter says."""
        moved = np.zeros(len(feature_source), dtype=np.intp)
        known = feature_source >= 0
        moved[known] = self.n_categories_[feature_source[known]]
        for key, count in (self.categorical_features or {}).items():
            position = _feature_position(key, names, len(feature_source))
            if position is not None and not known[position]:
                _check_count(key, count)
                moved[position] = count
        return moved

    def _resized(self, arms, arm_source, n_features, feature_source, feature_names):
        categories = self._moved_categories(feature_source, feature_names)
        shadow = copy.copy(self)
        shadow._pending_categories = categories
        new = super(BayesianTransferMixin, shadow)._resized(
            arms, arm_source, n_features, feature_source, feature_names
        )
        new.n_categories_ = categories
        if self.categorical_features:
            keys = range(n_features) if feature_names is None else feature_names.tolist()
            new.set_params(
                categorical_features={
                    key: int(count) for key, count in zip(keys, categories, strict=True) if count
                }
            )
        return new

    def _source_axes(self, arms, features):
        layout = self._layout(getattr(self, "_pending_categories", None))
        source = layout.sources(self._layout(self.n_categories_), features)
        return {"arm": arms, "feature": features, "weight": source}

    # -------------------------------------------------------------- forgetting
    def _forget_features(self, dropped):
        """Marginalise out the weights of some features."""
        if self.precision == "diagonal":
            return
        layout = self._layout()
        gone = layout.of_features(dropped.tolist())
        kept = np.setdiff1d(np.arange(layout.n_weights), gone)
        gram, moment = np.zeros_like(self.gram_), np.zeros_like(self.moment_)
        unit = self._reward_scale()
        for group in self._groups():
            marginal = marginal_belief(self._belief_of(vars(self), group, unit, layout), kept)
            prior_mean, prior_precision = self._prior(group, unit, layout)
            prior_mean, prior_precision = prior_mean[kept], prior_precision[kept]
            gram[group][np.ix_(kept, kept)] = marginal.precision - np.diag(prior_precision)
            moment[group][kept] = marginal.precision @ marginal.mean - prior_precision * prior_mean
        self.gram_, self.moment_ = gram, moment
        self._forget_cache()

    # ---------------------------------------------------------------- template
    def _structure(self):
        names = ("likelihood", "weights", "precision", "arm_model", "activation", "residual")
        names += ("embedding_dim", "noise")
        structure = {name: getattr(self, name) for name in names}
        structure["the number of hidden layers"] = len(self.hidden_units)
        return structure

    def _after_transfer(self, source):
        """Carry the source's beliefs into this one's layout, which may have wider layers."""
        ours, theirs = list(self.hidden_units), list(source.hidden_units)
        if any(new < old for new, old in zip(ours, theirs, strict=True)):
            raise ValueError(
                f"hidden_units is {theirs} in source and {ours} in template: hidden layers may "
                "grow, not shrink."
            )
        names = getattr(self, "feature_names_in_", None)
        known = getattr(source, "feature_names_in_", None)
        n_features = self.n_features_in_
        if names is not None and known is not None:
            features = source_index(known, names)
        else:
            features = np.arange(n_features)
            features[features >= source.n_features_in_] = -1
        if self.categorical_features is None and not source.n_categories_.any():
            categories = np.zeros(n_features, dtype=np.intp)
        else:
            categories = self._known_categories(n_features)
        _check_categories(source.n_categories_, categories, features)
        if ours == theirs and np.array_equal(categories, self.n_categories_):
            return
        arms = self.classes_.tolist()
        arm_source = (
            np.zeros(1, dtype=np.intp)
            if self._group_axis == "shared"
            else source_index(source.classes_.tolist(), arms)
        )
        self.n_categories_ = categories
        state = self._initial_state(len(arms), n_features)
        new, old = self._layout(categories), source._layout()
        sources = {"weight": new.sources(old, features), self._group_axis: arm_source}
        for name, axes in self._state_axes.items():
            if name != "n_categories_":
                embed(state[name], getattr(source, name), axes, sources)
        vars(self).update(state)
        unit = source._reward_scale()
        for group, origin in enumerate(arm_source.tolist()):
            if origin >= 0 and source.weight_[origin] > 0:
                belief = source._belief_of(vars(source), origin, unit, old)
                self._keep_belief(group, belief, sources["weight"], new)
        self._forget_cache()

    def _after_merge(self, parts):
        """Put back what is no sum over shards; hidden layers make the rest no sum either."""
        if not self._layout(parts[0].n_categories_).is_linear:
            raise ValueError(
                "bandits with hidden layers or embeddings cannot be merged: what each learnt "
                "refers to its own hidden weights."
            )
        self.n_categories_ = parts[0].n_categories_.copy()
        self.anchor_ = parts[0].anchor_.copy()

    def _keep_belief(self, group, belief, source, layout):
        """Write a group's statistics such that its belief about known weights is a given one.

        Layers that grow change the prior of their weights, so what was added to the old prior is
        not what must be added to the new one.
        """
        prior_mean, prior_precision = self._prior(group, self._reward_scale(), layout)
        mean, new = prior_mean.copy(), source < 0
        # A new unit must not change the scores: nothing leads out of it.
        silent = layout.leads_out_of(source)
        mean[silent] = 0.0
        known = np.flatnonzero(~new)
        mean[known] = belief.mean[source[known]]
        diagonal = prior_precision.copy()
        diagonal[silent] /= _NEW_UNIT_SPREAD**2
        if self.precision == "diagonal":
            diagonal[known] = belief.precision[source[known]]
            self.gram_[group] = diagonal - prior_precision
            self.moment_[group] = diagonal * mean - prior_precision * prior_mean
            return
        precision = np.diag(diagonal)
        precision[np.ix_(known, known)] = belief.precision[np.ix_(source[known], source[known])]
        self.gram_[group] = precision - np.diag(prior_precision)
        self.moment_[group] = precision @ mean - prior_precision * prior_mean


def _check_count(key, count):
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ValueError(
            f"categorical_features must map a column to its number of categories, a positive "
            f"integer; got {count!r} for {key!r}."
        )


def _feature_position(key, names, n_features):
    """Position of a feature that is named by name or position; None where there is none."""
    if isinstance(key, str):
        found = np.flatnonzero(names == key) if names is not None else ()
        return int(found[0]) if len(found) else None
    if isinstance(key, Integral) and 0 <= key < n_features:
        return int(key)
    return None


def _check_categories(old, new, feature_source):
    for position, origin in enumerate(feature_source.tolist()):
        if origin >= 0 and bool(old[origin]) != bool(new[position]):
            kinds = ["categorical" if n else "numeric" for n in (old[origin], new[position])]
            raise ValueError(
                f"categorical_features differs: column {origin} is {kinds[0]} in source, and "
                f"column {position}, its place in template, is {kinds[1]}."
            )
        if origin >= 0 and new[position] < old[origin]:
            raise ValueError(
                f"categorical_features: column {origin} has {old[origin]} categories in source "
                f"and {new[position]} in template; categories may be added, not taken away."
            )
