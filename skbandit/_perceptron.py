r"""The multilayer perceptron for scores: outputs, gradients and what is summed over them.

Scores want double precision and few rows at a time, where automatic differentiation spends most
of its time on bookkeeping. A perceptron's gradients are short: that of an output for a layer's
weights is the outer product :math:`\delta h^\top` of what the layer was given, :math:`h`, and of
the gradient for what it put out, :math:`\delta`. Its square is the outer product of the squares:
sums and quadratic forms are matrix products, and no gradient is formed. Arrays in, arrays out.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

_SQRT_TWO_PI = np.sqrt(2.0 * np.pi)

# Name to the activation of z, and its slope given z and the activation.
ACTIVATIONS = {
    "gelu": (
        lambda z: z * ndtr(z),
        lambda z, value: ndtr(z) + z * np.exp(-0.5 * z**2) / _SQRT_TWO_PI,
    ),
    "identity": (lambda z: z, lambda z, value: np.ones_like(z)),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z, value: (z > 0.0).astype(z.dtype)),
    "sigmoid": (expit, lambda z, value: value * (1.0 - value)),
    "tanh": (np.tanh, lambda z, value: 1.0 - value**2),
}


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Weights of a multilayer perceptron.

    Parameters
    ----------
    weights : list of ndarray of shape (n_out, n_in)
        Of the hidden layers and the output layer, float64.
    biases : list of ndarray of shape (n_out,)
    activation : str
        A key of ``ACTIVATIONS``.
    residual : bool
        Add what goes into a hidden layer, but for the first, to what comes out.
    """

    weights: list
    biases: list
    activation: str
    residual: bool

    def _forward(self, rows):
        """What each layer is given, and the slopes of the hidden layers' activations."""
        activate, slope_of = ACTIVATIONS[self.activation]
        given, slopes = [rows], []
        for depth in range(len(self.weights) - 1):
            z = given[-1] @ self.weights[depth].T
            z += self.biases[depth]
            value = activate(z)
            slopes.append(slope_of(z, value))
            given.append(given[-1] + value if self.residual and depth > 0 else value)
        return given, slopes

    def represent(self, rows):
        """Return what the output layer is given, (n_samples, n_units)."""
        activate = ACTIVATIONS[self.activation][0]
        for depth in range(len(self.weights) - 1):
            z = rows @ self.weights[depth].T
            z += self.biases[depth]
            value = activate(z)
            rows = rows + value if self.residual and depth > 0 else value
        return rows

    def outputs(self, rows):
        """Return the outputs, (n_samples, n_outputs)."""
        return self.represent(rows) @ self.weights[-1].T + self.biases[-1]

    def _back(self, arriving, slopes):
        """Gradients for what each hidden layer puts out before its activation, last layer first.

        Parameters
        ----------
        arriving : ndarray of shape (..., n_samples, n_units)
            Gradient for what the output layer is given.
        slopes : list of ndarray of shape (n_samples, n_units)
        """
        for depth in range(len(slopes) - 1, -1, -1):
            delta = arriving * slopes[depth]
            yield depth, delta
            if depth > 0:
                passed = delta @ self.weights[depth]
                arriving = arriving + passed if self.residual else passed

    def squares(self, rows, weight):
        """Return outputs, and the weighted sum of the squared gradients.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        weight : ndarray of shape (n_samples, n_outputs)
            Zero where an output does not count.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs)
        sums : list of (ndarray, ndarray), of the shapes of each layer's weight and bias
        """
        given, slopes = self._forward(rows)
        outputs = given[-1] @ self.weights[-1].T + self.biases[-1]
        squared = [h**2 for h in given]
        sums = [[np.zeros_like(w), np.zeros_like(b)] for w, b in self._layers()]
        sums[-1] = [weight.T @ squared[-1], weight.sum(axis=0)]
        for part, output, mass in one_output_a_row(weight):
            for depth, delta in self._back(self.weights[-1][output], [s[part] for s in slopes]):
                delta = delta**2 * mass[:, None]
                sums[depth][0] += delta.T @ squared[depth][part]
                sums[depth][1] += delta.sum(axis=0)
        return outputs, [tuple(layer) for layer in sums]

    def quadratic(self, rows, inverse):
        """Return the sum over weights of squared gradient times `inverse`.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_features)
        inverse : list of (ndarray, ndarray), of the shapes of each layer's weight and bias

        Returns
        -------
        forms : ndarray of shape (n_samples, n_outputs)
        """
        given, slopes = self._forward(rows)
        # What the gradient for an output of a layer is multiplied with is the same for all arms.
        factors = [h**2 @ w.T + b for h, (w, b) in zip(given, inverse, strict=True)]
        forms = factors.pop()
        if not slopes:
            return forms
        output = self.weights[-1]
        forms = forms + (slopes[-1] ** 2 * factors[-1]) @ (output**2).T
        arriving = np.broadcast_to(output[:, None], (len(output), *slopes[-1].shape))
        if len(slopes) > 1:
            for depth, delta in self._back(arriving, slopes):
                if depth < len(slopes) - 1:
                    forms += np.einsum("knu,nu->nk", delta**2, factors[depth])
        return forms

    def _layers(self):
        return zip(self.weights, self.biases, strict=True)


def one_output_a_row(weight):
    """Cut rounds such that each has one output.

    Parameters
    ----------
    weight : ndarray of shape (n_samples, n_outputs)
        Zero where an output does not count.

    Returns
    -------
    parts : list of (rows, output, mass)
        Rows, the output of each of them, and its weight.
    """
    counts = weight != 0.0
    if (counts.sum(axis=1) <= 1).all():
        played = counts.any(axis=1)
        rows = slice(None) if played.all() else np.flatnonzero(played)
        return [(rows, counts[rows].argmax(axis=1), weight[rows].sum(axis=1))]
    return [
        (rows, np.full(len(rows), output), weight[rows, output])
        for output, rows in enumerate(map(np.flatnonzero, counts.T))
        if len(rows)
    ]
