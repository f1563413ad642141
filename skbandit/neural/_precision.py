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
import torch

from .._gaussian import inverse_factor, quadratic_forms
from ._gradients import LayerGradients, can_factor, gradient_blocks, trainable
from ._networks import linear_layers, represent

# A full precision of more weights than this takes gigabytes and minutes.
MAX_FULL = 5000


class BlockPrecision:
    """Full precision of the output layer: one block a group; never changed in place."""

    def __init__(self, n_groups, prior_precision):
        self.n_groups, self.prior = n_groups, prior_precision
        self.gram, self.weight = None, 0.0
        self._factor = None

    def __getstate__(self):
        return {**vars(self), "_factor": None}

    def learnt(self, module, X, weight):
        """Return the precision after rounds; `weight` (n, n_outputs) is 0 for arms not played."""
        terms = self._terms(module, X)
        new = type(self)(self.n_groups, self.prior)
        n_terms = terms.shape[1]
        new.gram = np.zeros((self.n_groups, n_terms, n_terms))
        if self.gram is not None:
            new.gram += self.gram
        for g in range(self.n_groups):
            rows = np.flatnonzero(weight[:, g])
            part = terms[rows] * np.sqrt(weight[rows, g, None])
            new.gram[g] += part.T @ part
        new.weight = self.weight + weight.sum()
        return new

    @staticmethod
    def _terms(module, X):
        with torch.no_grad():
            hidden = represent(module, X).reshape(len(X), -1).cpu().numpy()
        return np.column_stack([np.ones(len(hidden)), hidden])

    def quadratic(self, module, X):
        """Return the variances over that of the noise, (n_samples, n_outputs)."""
        if self._factor is None:
            energy = np.trace(self.gram.sum(axis=0)) / self.weight
            self._factor = inverse_factor(self.gram, self.prior * energy)
        return quadratic_forms(self._factor, self._terms(module, X))


class FullPrecision:
    """Full precision of all weights of a small network; never changed in place."""

    def __init__(self, n_groups, prior_precision):
        self.prior, self.n_groups = prior_precision, n_groups
        self.gram, self.weight = None, 0.0
        self._factor = None

    def __getstate__(self):
        return {**vars(self), "_factor": None}

    def learnt(self, module, X, weight):
        """See :meth:`BlockPrecision.learnt`."""
        n_parameters = sum(p.numel() for p in trainable(module).values())
        if n_parameters > MAX_FULL:
            raise ValueError(
                f"precision='full' is for networks of up to {MAX_FULL} weights, and this one has "
                f"{n_parameters}. Use precision='last_layer' or 'diagonal'."
            )
        new = type(self)(self.n_groups, self.prior)
        new.gram = np.zeros((n_parameters, n_parameters))
        if self.gram is not None:
            new.gram += self.gram
        for rows, gradients in gradient_blocks(module, X):
            w = weight[rows]
            row, output = np.nonzero(w)
            part = gradients.cpu().numpy()[row, output] * np.sqrt(w[row, output])[:, None]
            new.gram += part.T @ part
        new.weight = self.weight + weight.sum()
        return new

    def quadratic(self, module, X):
        """See :meth:`BlockPrecision.quadratic`."""
        if self._factor is None:
            energy = np.trace(self.gram) / self.weight
            self._factor = inverse_factor(self.gram[None], self.prior * energy)
        forms = []
        for _, gradients in gradient_blocks(module, X):
            n_rows, n_outputs, n_parameters = gradients.shape
            flat = gradients.cpu().numpy().reshape(-1, n_parameters)
            forms.append(quadratic_forms(self._factor, flat).reshape(n_rows, n_outputs))
        return np.concatenate(forms)


class DiagonalPrecision:
    """Diagonal precision of all weights; never changed in place."""

    def __init__(self, n_groups, prior_precision):
        self.n_groups, self.prior = n_groups, prior_precision
        self.sums, self.weight = None, 0.0

    def learnt(self, module, X, weight):
        """See :meth:`BlockPrecision.learnt`."""
        weights = torch.from_numpy(weight).to(X)
        if can_factor(module, X):
            added = LayerGradients(module, X).sum_of_squares(weights)
        else:
            flat = 0.0
            for rows, gradients in gradient_blocks(module, X):
                flat = flat + torch.einsum("nkp,nk->p", gradients**2, weights[rows])
            added = _unflatten(module, flat)
        new = type(self)(self.n_groups, self.prior)
        known = self.sums or {}
        # Kept as arrays on the CPU: what was learnt on a GPU is read anywhere.
        new.sums = {
            name: known.get(name, 0.0) + part.detach().cpu().numpy()
            for name, part in added.items()
        }
        new.weight = self.weight + weight.sum()
        return new

    def _inverse(self, module):
        """Inverse precisions, with the effective number of parameters divided out."""
        head = _output_names(module, self.n_groups)
        total, square = 0.0, 0.0
        for name, part in self.sums.items():
            # Arms have output weights of their own; together they are those of one arm.
            folded = part.sum(axis=0) if name in head else part
            total += folded.sum()
            square += (folded**2).sum()
        energy, number = total / self.weight, total**2 / square if square > 0 else 1.0
        return {
            name: torch.from_numpy(np.asarray(1.0 / (self.prior * energy + number * part)))
            for name, part in self.sums.items()
        }

    def quadratic(self, module, X):
        """See :meth:`BlockPrecision.quadratic`."""
        inverse = {name: part.to(X) for name, part in self._inverse(module).items()}
        if can_factor(module, X):
            return LayerGradients(module, X).quadratic(inverse).cpu().numpy()
        flat = torch.cat([inverse[name].reshape(-1) for name in trainable(module)])
        parts = [g**2 @ flat for _, g in gradient_blocks(module, X)]
        return torch.cat(parts).cpu().numpy()


def _output_names(module, n_groups):
    """Names of the output layer's parameters, one row an arm."""
    layers = linear_layers(module)
    if not layers or layers[-1].out_features != n_groups:
        return set()
    own = {id(p) for p in layers[-1].parameters()}
    return {name for name, p in module.named_parameters() if id(p) in own}


def _unflatten(module, flat):
    parts, start = {}, 0
    for name, parameter in trainable(module).items():
        parts[name] = flat[start : start + parameter.numel()].reshape(parameter.shape)
        start += parameter.numel()
    return parts


PRECISIONS = {
    "diagonal": DiagonalPrecision,
    "last_layer": BlockPrecision,
    "full": FullPrecision,
}
