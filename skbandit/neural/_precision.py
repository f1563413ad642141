r"""How sure a network is: quadratic forms of its gradients in the precision of its weights.

With :math:`G = \sum w g g^\top` over the rounds played, :math:`E = \mathrm{tr}(G) / \sum w` the
mean square of a gradient, the variance of an expected reward over that of the noise is

.. math:: g^\top (\lambda E I + G)^{-1} g,

which is about :math:`1 / \lambda` before any round, whatever the width of the layers, and does not
depend on the unit of the weights. A diagonal precision sees nothing of the correlations: n equal
rounds would count as many times too few as there are parameters. So their effective number
:math:`P = (\sum_i G_{ii})^2 / \sum_i G_{ii}^2` divides the form:

.. math:: \sum_i \frac{g_i^2}{\lambda E + P G_{ii}}.
"""

import numpy as np

from .._gaussian import inverse_factor, quadratic_forms

# A full precision of more weights than this takes gigabytes and minutes.
MAX_FULL = 5000


class _Precision:
    """Sums over the rounds played; never changed in place.

    Parameters
    ----------
    n_groups : int
        Number of the network's outputs.
    prior_precision : float
    """

    def __init__(self, n_groups, prior_precision):
        self.n_groups, self.prior = n_groups, prior_precision
        self.sums, self.weight = None, 0.0
        self._factor = None

    def __getstate__(self):
        return {**vars(self), "_factor": None}

    def learnt(self, network, rows, weight):
        """Learn from rounds.

        Parameters
        ----------
        network : FrozenNetwork
        rows : ndarray of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples, n_groups)
            0 for arms that were not played.

        Returns
        -------
        precision : object
            The precision after these rounds; this one is untouched.
        outputs : ndarray of shape (n_samples, n_groups)
            Of the network for these rounds.
        """
        outputs, added = self._added(network, rows, weight)
        new = type(self)(self.n_groups, self.prior)
        new.sums, new.weight = self._joined(added), self.weight + weight.sum()
        return new, outputs

    def _joined(self, added):
        return added if self.sums is None else self.sums + added


class BlockPrecision(_Precision):
    """Full precision of the output layer: one block a group."""

    def _added(self, network, rows, weight):
        network.check_output_layer(rows)
        terms = self._terms(network, rows)
        gram = np.empty((self.n_groups, terms.shape[1], terms.shape[1]))
        for g in range(self.n_groups):
            played = np.flatnonzero(weight[:, g])
            part = terms[played] * np.sqrt(weight[played, g, None])
            gram[g] = part.T @ part
        return network.outputs(rows), gram

    @staticmethod
    def _terms(network, rows):
        hidden = network.represent(rows)
        return np.column_stack([np.ones(len(hidden)), hidden])

    def quadratic(self, network, rows):
        """Return the variances over that of the noise, (n_samples, n_groups)."""
        if self._factor is None:
            energy = np.trace(self.sums.sum(axis=0)) / self.weight
            self._factor = inverse_factor(self.sums, self.prior * energy)
        return quadratic_forms(self._factor, self._terms(network, rows))


class FullPrecision(_Precision):
    """Full precision of all weights of a small network."""

    def _added(self, network, rows, weight):
        n_parameters = network.n_parameters
        if n_parameters > MAX_FULL:
            raise ValueError(
                f"precision='full' is for networks of up to {MAX_FULL} weights, and this one has "
                f"{n_parameters}. Use precision='last_layer' or 'diagonal'."
            )
        gram = np.zeros((n_parameters, n_parameters))
        for part, gradients in network.gradient_blocks(rows):
            mass = weight[part]
            row, output = np.nonzero(mass)
            played = gradients[row, output] * np.sqrt(mass[row, output])[:, None]
            gram += played.T @ played
        return network.outputs(rows), gram

    def quadratic(self, network, rows):
        """See :meth:`BlockPrecision.quadratic`."""
        if self._factor is None:
            energy = np.trace(self.sums) / self.weight
            self._factor = inverse_factor(self.sums[None], self.prior * energy)
        forms = []
        for _, gradients in network.gradient_blocks(rows):
            n_rows, n_outputs, n_parameters = gradients.shape
            flat = gradients.reshape(-1, n_parameters)
            forms.append(quadratic_forms(self._factor, flat).reshape(n_rows, n_outputs))
        return np.concatenate(forms)


class DiagonalPrecision(_Precision):
    """Diagonal precision of all weights, by the names of the network's parameters."""

    def _added(self, network, rows, weight):
        return network.squares(rows, weight)

    def _joined(self, added):
        if self.sums is None:
            return added
        return {name: self.sums[name] + part for name, part in added.items()}

    def _inverse(self, network, rows):
        """Inverse precisions, with the effective number of parameters divided out."""
        head = network.output_names(self.n_groups, rows)
        total, square = 0.0, 0.0
        for name, part in self.sums.items():
            # Arms have output weights of their own; together they are those of one arm.
            folded = (part.sum(axis=0) if name in head else part).ravel()
            total += folded.sum()
            square += folded @ folded
        energy, number = total / self.weight, total**2 / square if square > 0 else 1.0
        return {
            name: 1.0 / (self.prior * energy + number * part) for name, part in self.sums.items()
        }

    def quadratic(self, network, rows):
        """See :meth:`BlockPrecision.quadratic`."""
        if self._factor is None:
            self._factor = self._inverse(network, rows)
        return network.quadratic(rows, self._factor)


PRECISIONS = {
    "diagonal": DiagonalPrecision,
    "last_layer": BlockPrecision,
    "full": FullPrecision,
}
