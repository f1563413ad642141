"""The prior of a network's weights: Gaussian, independent, around fixed deviates."""

import numpy as np

# The random part of the prior mean of hidden weights is one fixed draw, the same for all bandits.
_ANCHOR_SEED = 20250
# Hidden weights: size of their prior mean, and of the freedom around it.
_HIDDEN_SIZE = 0.5
_HIDDEN_FREEDOM = 0.5


def anchor_of(layout):
    """Standard normal deviates, one a weight: the directions of the prior means.

    That of a weight depends on its layer, feature and units alone. The output's are zero: what a
    bandit expects before it has learnt does not depend on the context.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    anchor : ndarray of shape (n_weights,)
    """
    anchor = np.zeros(layout.n_weights)
    last = ("layer", len(layout.hidden_units)) if layout.hidden_units else ("constant",)
    for name, place in layout.places.items():
        key = name if isinstance(name, tuple) else (name,)
        if key == last or (not layout.hidden_units and key[0] == "input"):
            continue
        kind = ("layer", "constant", "input", "table").index(key[0])
        number = key[1] if len(key) > 1 else 0
        for row, positions in enumerate(place):
            rng = np.random.RandomState([_ANCHOR_SEED, kind, number, row])
            anchor[positions] = rng.standard_normal(len(positions))
    return anchor


def relative_scale(layout):
    """Scale of each weight's prior, and of its anchor, in units of the prior's own scale.

    Parameters
    ----------
    layout : Layout

    Returns
    -------
    scale : ndarray of shape (n_weights,)
    """
    scale = np.ones(layout.n_weights)
    depth = len(layout.hidden_units)
    # A sigmoid is half of a tanh at half the score: it wants twice the weights on both sides.
    gain = 2.0 if layout.activation == "sigmoid" else 1.0
    if depth:
        scale[layout.first] = gain
    for layer in range(1, depth + 1):
        place = layout.places["layer", layer]
        scale[place] = gain if layer < depth else 1.0
        # The sum over units keeps its size as the layer grows.
        scale[place[1:]] *= gain * layout.hidden_units[layer - 1] ** -0.5
    if depth:
        # Units at half of unit scale give about half of what goes in.
        scale[layout.places["layer", depth][1:]] *= 2.0
    if layout.embedding_dim is not None:
        for feature, n in enumerate(layout.categories):
            if n:
                scale[layout.places["input", feature]] *= layout.embedding_dim**-0.5
    return scale


def center_of(layout, anchor):
    """Prior means of the hidden weights, (n_weights,); 0 for those of the output."""
    return _HIDDEN_SIZE * relative_scale(layout) * anchor


def weight_prior(layout, center, spread, output_std, output_mean):
    """Return the mean and precision of the prior of all weights.

    Parameters
    ----------
    layout : Layout
    center : ndarray of shape (n_weights,)
        See :func:`center_of`.
    spread : ndarray of shape (n_weights,)
        See :func:`relative_scale`.
    output_std : float
        Standard deviation of the output's weights, in units of the score.
    output_mean : float
        Mean of the output's constant term.

    Returns
    -------
    mean, precision : ndarray of shape (n_weights,)
    """
    mean, scale = center.copy(), _HIDDEN_FREEDOM * spread
    mean[layout.constant] = output_mean
    output = layout.is_output
    scale[output] = output_std * spread[output]
    return mean, scale**-2.0
