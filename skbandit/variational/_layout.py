"""The network of the variational bandit: scores, their gradients, and where each weight sits.

All weights of a network are one vector. Scores are wanted together with the gradient of every row,
which a network of one output gives in one pass back (see :mod:`skbandit._perceptron`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._perceptron import Perceptron


@dataclass(frozen=True)
class Layout:
    """Shape of a network, and the place of each weight in the vector of all weights.

    The vector begins with the last layer and goes back to the first, whose rows come feature by
    feature: a feature that is added later adds weights at the end.

    Parameters
    ----------
    categories : tuple of int
        For each feature the number of its categories; 0 for a numeric one.
    hidden_units : tuple of int
        Width of each hidden layer; none makes the score linear.
    activation : str
        A key of ``ACTIVATIONS``.
    residual : bool
        Add what goes into a hidden layer, but for the first, to what comes out.
    embedding_dim : int or None
        Length of a category's embedding; None keeps categories as indicators.
    """

    categories: tuple
    hidden_units: tuple = ()
    activation: str = "tanh"
    residual: bool = False
    embedding_dim: int | None = None

    # ----------------------------------------------------------------- places
    @cached_property
    def widths(self):
        """Number of inputs of the first layer a feature."""
        wide = self.embedding_dim
        return tuple(1 if not n else (n if wide is None else wide) for n in self.categories)

    @cached_property
    def places(self):
        """Positions in the vector: block name to an array of the shape of the block."""
        places, taken = {}, 0

        def block(*shape):
            nonlocal taken
            size = int(np.prod(shape))
            taken += size
            return np.arange(taken - size, taken).reshape(shape)

        sizes = [*self.hidden_units, 1]
        for layer in range(len(sizes) - 1, 0, -1):
            places["layer", layer] = block(1 + sizes[layer - 1], sizes[layer])
        places["constant"] = block(1, sizes[0])
        for feature, (width, n) in enumerate(zip(self.widths, self.categories, strict=True)):
            places["input", feature] = block(width, sizes[0])
            if n and self.embedding_dim is not None:
                places["table", feature] = block(n, width)
        return places

    @cached_property
    def n_weights(self):
        """Number of weights."""
        return 1 + max(int(place.max()) for place in self.places.values())

    @cached_property
    def constant(self):
        """Position of the constant term of the output."""
        if self.hidden_units:
            return int(self.places["layer", len(self.hidden_units)][0, 0])
        return int(self.places["constant"][0, 0])

    @cached_property
    def is_linear(self):
        """Whether the score is linear in the weights."""
        return not self.hidden_units and not any(name[0] == "table" for name in self.places)

    @cached_property
    def first(self):
        """Positions of the first layer, (1 + n_inputs, n_units)."""
        rows = [self.places["constant"]]
        rows += [self.places["input", feature] for feature in range(len(self.categories))]
        return np.concatenate(rows)

    def sources(self, old, feature_source):
        """Position in an old vector of each weight; -1 for a new one.

        Parameters
        ----------
        old : Layout
        feature_source : ndarray of int
            The old position of each feature; -1 for a new one.

        Returns
        -------
        source : ndarray of int of shape (n_weights,)
        """
        source = np.full(self.n_weights, -1, dtype=np.intp)
        for name, place in self.places.items():
            known = name
            if name[0] in ("input", "table"):
                known = (name[0], int(feature_source[name[1]]))
            other = old.places.get(known)
            if other is not None:
                rows, columns = np.minimum(place.shape, other.shape)
                source[place[:rows, :columns]] = other[:rows, :columns]
        return source

    def leads_out_of(self, source):
        """Positions of the weights that lead out of units which `source` says are new."""
        silent = []
        for layer in range(1, len(self.hidden_units) + 1):
            place = self.places["layer", layer]
            # A unit is new where its own constant term is.
            before = self.places["layer", layer - 1] if layer > 1 else self.places["constant"]
            silent.append(place[1:][source[before[0]] < 0].ravel())
        return np.concatenate([np.empty(0, dtype=np.intp), *silent])

    def deviates(self, n_draws):
        """Standard normal deviates of each weight, (n_weights, n_draws), the same at every call.

        Those of a weight do not depend on how many weights follow, nor on how many categories
        there are.
        """
        values = np.random.RandomState(1).standard_normal((self.n_weights, n_draws))
        if not any(self.categories):
            return values
        # Categories that are added lie amid the others: the first ones of each feature stay.
        for name, place in self.places.items():
            if name[0] in ("input", "table"):
                seed = [1, ("input", "table").index(name[0]), name[1]]
                drawn = np.random.RandomState(seed).standard_normal((place.size, n_draws))
                values[place.ravel()] = drawn
        return values

    def first_categories(self, features):
        """Positions of the weights of code 0 alone, of some categorical features.

        Parameters
        ----------
        features : iterable of int
        """
        own = "input" if self.embedding_dim is None else "table"
        places = [self.places[own, f][0] for f in features if self.categories[f]]
        return np.concatenate([np.empty(0, dtype=np.intp), *places])

    @cached_property
    def is_output(self):
        """Mask of the weights of the last layer."""
        mask = np.zeros(self.n_weights, dtype=bool)
        if self.hidden_units:
            mask[self.places["layer", len(self.hidden_units)]] = True
        else:
            mask[self.first] = True
        return mask

    # ----------------------------------------------------------------- scores
    def inputs(self, rows):
        """Spell out contexts: a constant, numeric features, and indicators of categories.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)

        Returns
        -------
        inputs : Inputs
        """
        n_samples = len(rows)
        codes = {}
        columns = [np.ones((n_samples, 1))]
        for feature, n in enumerate(self.categories):
            column = rows[:, feature]
            if not n:
                columns.append(column[:, None])
                continue
            code = column.astype(np.intp)
            if (code != column).any() or ((code < 0) | (code >= n)).any():
                bad = column[(code != column) | (code < 0) | (code >= n)][0]
                raise ValueError(
                    f"X holds {bad:g} in the categorical column {feature}, whose categories are "
                    f"the codes 0 to {n - 1}. Encode them so (OrdinalEncoder), or say in "
                    "categorical_features how many there are."
                )
            codes[feature] = code
            if self.embedding_dim is None:
                columns.append((code[:, None] == np.arange(n)).astype(np.float64))
            else:
                columns.append(np.zeros((n_samples, self.embedding_dim)))
        return Inputs(np.concatenate(columns, axis=1), codes)

    def _embed(self, weights, inputs):
        if self.embedding_dim is None or not inputs.codes:
            return inputs.columns
        columns = inputs.columns.copy()
        starts = np.concatenate([[1], 1 + np.cumsum(self.widths)])
        for feature, code in inputs.codes.items():
            table = weights[self.places["table", feature]]
            columns[:, starts[feature] : starts[feature + 1]] = table[code]
        return columns

    def linearize(self, weights, inputs):
        """Scores and their gradients.

        Parameters
        ----------
        weights : ndarray of shape (n_weights,)
        inputs : Inputs

        Returns
        -------
        score : ndarray of shape (n_samples,)
        jacobian : ndarray of shape (n_samples, n_weights)
        """
        if self.is_linear:
            return inputs.columns @ weights, inputs.columns
        # A perceptron has a constant term of its own.
        rows = self._embed(weights, inputs)[:, 1:]
        layers = [weights[place] for place in self._layer_places]
        perceptron = Perceptron(layers, self.activation, self.residual)
        score, gradients, for_rows = perceptron.jacobian(rows)
        jacobian = np.zeros((len(rows), self.n_weights))
        for place, gradient in zip(self._layer_places, gradients, strict=True):
            jacobian[:, place.ravel()] = gradient.reshape(len(rows), -1)
        if self.embedding_dim is not None:
            starts = np.concatenate([[0], np.cumsum(self.widths)])
            for feature, code in inputs.codes.items():
                own = for_rows[:, starts[feature] : starts[feature + 1]]
                place = self.places["table", feature][code]
                jacobian[np.arange(len(rows))[:, None], place] = own
        return score, jacobian

    @cached_property
    def _layer_places(self):
        """Positions of each layer as a perceptron keeps it, (n_out, n_in + 1), constant last."""
        blocks = [self.first]
        blocks += [self.places["layer", k] for k in range(1, len(self.hidden_units) + 1)]
        return [np.concatenate([block[1:], block[:1]]).T for block in blocks]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Contexts as the first layer takes them."""

    columns: np.ndarray  # (n_samples, 1 + n_inputs); embedded columns are still empty
    codes: dict  # categorical feature to its codes, (n_samples,)
