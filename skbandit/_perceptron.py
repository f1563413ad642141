r"""The multilayer perceptron in numpy: outputs, gradients, and what is summed over them.

A perceptron's gradients are short: that of an output for a layer's weights is the outer product
:math:`\delta h^\top` of what the layer is given, :math:`h`, and of the gradient for what it puts
out, :math:`\delta`. Its square is the outer product of the squares: sums and quadratic forms are
matrix products, and no gradient is formed. Automatic differentiation would spend most of its time
on bookkeeping where networks are small or rows few.

A layer is one array (n_out, n_in + 1) whose last column is the bias, and what it is given ends in
a one: the bias takes part in every product. Arrays are float64 or float32. Several perceptrons of
one shape lie side by side on a first axis of their layers and rows.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

# A Python float, which leaves single precision as it is.
_SQRT_TWO_PI = float(np.sqrt(2.0 * np.pi))

# Name to the activation of z, which is written to `out` where that is given, and to its slope
# given z and the activation.
ACTIVATIONS = {
    "gelu": (
        lambda z, out=None: np.multiply(z, ndtr(z), out=out),
        lambda z, value: ndtr(z) + z * np.exp(-0.5 * z**2) / _SQRT_TWO_PI,
    ),
    "identity": (lambda z, out=None: np.positive(z, out=out), lambda z, value: np.ones_like(z)),
    "relu": (
        lambda z, out=None: np.maximum(z, 0.0, out=out),
        lambda z, value: (z > 0.0).astype(z.dtype),
    ),
    "sigmoid": (lambda z, out=None: expit(z, out=out), lambda z, value: value * (1.0 - value)),
    "tanh": (lambda z, out=None: np.tanh(z, out=out), lambda z, value: 1.0 - value**2),
}


class Arrays:
    """What one pass writes: room for so many rows, which later passes may use again.

    Parameters
    ----------
    layers : list of ndarray of shape (..., n_out, n_in + 1)
    shape : tuple of int
        (n_rows,), or (n_nets, n_rows) for perceptrons side by side.
    dtype : dtype

    Attributes
    ----------
    given : list of ndarray of shape (*shape, n_in + 1)
        What each layer is given; the last column is one. The caller writes the first one.
    sums : list of ndarray of shape (*shape, n_out)
        What each layer puts out before its activation.
    values : list of ndarray
        The activations of the hidden layers.
    """

    def __init__(self, layers, shape, dtype):
        self.given = [np.ones((*shape, layer.shape[-1]), dtype=dtype) for layer in layers]
        self.sums = [np.empty((*shape, layer.shape[-2]), dtype=dtype) for layer in layers]
        self.values = [None] * (len(layers) - 1)
        self.arriving = [None] * (len(layers) - 1)

    def room_for_arriving(self):
        """Arrays for the gradients that arrive at the hidden layers."""
        for depth, room in enumerate(self.arriving):
            if room is None:
                self.arriving[depth] = np.empty_like(self.sums[depth])
        return self.arriving


@dataclass(frozen=True, eq=False)
class Perceptron:
    """A multilayer perceptron.

    Parameters
    ----------
    layers : list of ndarray of shape (..., n_out, n_in + 1)
        The hidden layers and the output layer; the last column is the bias.
    activation : str
        A key of ``ACTIVATIONS``.
    residual : bool
        Add what goes into a hidden layer, but for the first, to what comes out.
    """

    layers: list
    activation: str
    residual: bool

    @classmethod
    def of(cls, weights, biases, activation, residual):
        """Return the perceptron of these weights, (n_out, n_in), and biases, (n_out,)."""
        layers = [np.column_stack(layer) for layer in zip(weights, biases, strict=True)]
        return cls(layers, activation, residual)

    # ---------------------------------------------------------------- passes
    def arrays(self, rows):
        """Return the arrays of a pass over these rows, (..., n_rows, n_features)."""
        arrays = Arrays(self.layers, rows.shape[:-1], rows.dtype)
        arrays.given[0][..., :-1] = rows
        return arrays

    def hide(self, arrays):
        """Pass what the first layer is given through the hidden layers."""
        activate = ACTIVATIONS[self.activation][0]
        given, sums = arrays.given, arrays.sums
        for depth, layer in enumerate(self.layers[:-1]):
            np.matmul(given[depth], layer.swapaxes(-1, -2), out=sums[depth])
            onward = given[depth + 1][..., :-1]
            if self.residual and depth > 0:
                value = activate(sums[depth])
                np.add(value, given[depth][..., :-1], out=onward)
            else:
                value = activate(sums[depth], out=onward)
            arrays.values[depth] = value

    def forward(self, arrays):
        """Pass what the first layer is given through all layers.

        Returns
        -------
        outputs : ndarray of shape (..., n_rows, n_outputs)
        """
        self.hide(arrays)
        return np.matmul(arrays.given[-1], self.layers[-1].swapaxes(-1, -2), out=arrays.sums[-1])

    def slopes(self, arrays):
        """Slopes of the hidden layers' activations where a pass has left them."""
        slope_of = ACTIVATIONS[self.activation][1]
        return [slope_of(z, value) for z, value in zip(arrays.sums, arrays.values, strict=False)]

    def backward(self, arriving, slopes, room=None):
        """Gradients for what each hidden layer puts out before its activation, last layer first.

        Parameters
        ----------
        arriving : ndarray of shape (..., n_rows, n_units)
            Gradient for what the output layer is given.
        slopes : list of ndarray of shape (..., n_rows, n_units)
        room : list of ndarray, default=None
            Arrays to write what arrives at each layer to; `arriving` is then written to as well.

        Yields
        ------
        depth : int
        delta : ndarray of shape (..., n_rows, n_units)
        """
        for depth in range(len(slopes) - 1, -1, -1):
            # What went around a layer is added to what came through it.
            out = arriving if room is not None and not self.residual else None
            delta = np.multiply(arriving, slopes[depth], out=out)
            yield depth, delta
            if depth > 0:
                out = None if room is None else room[depth - 1]
                passed = np.matmul(delta, self.layers[depth][..., :-1], out=out)
                if self.residual:
                    passed += arriving
                arriving = passed

    # ----------------------------------------------------------- for training
    def write_gradients(self, arriving, arrays, out):
        """Write the gradients of a loss, summed over the rows.

        Parameters
        ----------
        arriving : ndarray of shape (..., n_rows, n_outputs)
            Gradient of the loss for the outputs.
        arrays : Arrays
            Of the pass.
        out : list of ndarray of the shapes of the layers
        """
        np.matmul(arriving.swapaxes(-1, -2), arrays.given[-1], out=out[-1])
        if len(self.layers) == 1:
            return
        room = arrays.room_for_arriving()
        hidden = np.matmul(arriving, self.layers[-1][..., :-1], out=room[-1])
        for depth, delta in self.backward(hidden, self.slopes(arrays), room):
            np.matmul(delta.swapaxes(-1, -2), arrays.given[depth], out=out[depth])

    # ------------------------------------------------------------- for scores
    def represent(self, rows):
        """Return what the output layer is given, (n_rows, n_units)."""
        arrays = self.arrays(rows)
        self.hide(arrays)
        return arrays.given[-1][..., :-1]

    def outputs(self, rows):
        """Return the outputs, (n_rows, n_outputs)."""
        return self.forward(self.arrays(rows))

    def jacobian(self, rows):
        """Return the outputs of a perceptron of one output, and its gradients.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)

        Returns
        -------
        outputs : ndarray of shape (n_rows,)
        gradients : list of ndarray of shape (n_rows, n_out, n_in + 1), one a layer
        for_rows : ndarray of shape (n_rows, n_features)
            The gradient for the rows themselves.
        """
        arrays = self.arrays(rows)
        outputs = self.forward(arrays)[:, 0]
        output = self.layers[-1][0, :-1]
        gradients = [None] * len(self.layers)
        gradients[-1] = arrays.given[-1][:, None, :]
        for_rows = np.broadcast_to(output, (len(rows), len(output)))
        for depth, delta in self.backward(for_rows, self.slopes(arrays)):
            gradients[depth] = delta[:, :, None] * arrays.given[depth][:, None, :]
            if depth == 0:
                for_rows = delta @ self.layers[0][:, :-1]
        return outputs, gradients, for_rows

    def squares(self, rows, weight):
        """Return outputs, and the weighted sum of the squared gradients.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
        weight : ndarray of shape (n_rows, n_outputs)
            Zero where an output does not count.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs)
        sums : list of ndarray of the shapes of the layers
        """
        arrays = self.arrays(rows)
        outputs = self.forward(arrays)
        slopes = self.slopes(arrays)
        squared = [given * given for given in arrays.given]
        sums = [np.zeros_like(layer) for layer in self.layers[:-1]]
        sums.append(weight.T @ squared[-1])
        output_weights = self.layers[-1][:, :-1]
        for part, output, mass in one_output_a_row(weight):
            for depth, delta in self.backward(output_weights[output], [s[part] for s in slopes]):
                # Not in place: the layer below is still to be reached through it.
                square = delta * delta
                square *= mass[:, None]
                sums[depth] += square.T @ squared[depth][part]
        return outputs, sums

    def quadratic(self, rows, inverse):
        """Return the sum over weights of squared gradient times `inverse`.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
        inverse : list of ndarray of the shapes of the layers

        Returns
        -------
        forms : ndarray of shape (n_rows, n_outputs)
        """
        arrays = self.arrays(rows)
        self.hide(arrays)
        slopes = self.slopes(arrays)
        # What the gradient for an output of a layer is multiplied with is the same for all arms.
        factors = [h**2 @ part.T for h, part in zip(arrays.given, inverse, strict=True)]
        forms = factors.pop()
        if not slopes:
            return forms
        output = self.layers[-1][:, :-1]
        forms = forms + (slopes[-1] ** 2 * factors[-1]) @ (output**2).T
        if len(slopes) > 1:
            arriving = np.broadcast_to(output[:, None], (len(output), *slopes[-1].shape))
            for depth, delta in self.backward(arriving, slopes):
                if depth < len(slopes) - 1:
                    forms += np.einsum("knu,nu->nk", delta**2, factors[depth])
        return forms


def one_output_a_row(weight):
    """Cut rounds such that each has one output.

    Parameters
    ----------
    weight : ndarray of shape (n_rows, n_outputs)
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
