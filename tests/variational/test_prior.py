"""The prior of a network's weights."""

import numpy as np
import pytest

from skbandit.variational._layout import Layout
from skbandit.variational._prior import anchor_of, center_of, relative_scale, weight_prior


def test_prior_mean_of_the_output_is_zero():
    layout = Layout((0, 0), (5, 5))
    anchor = anchor_of(layout)
    assert not anchor[layout.is_output].any()
    assert (anchor[~layout.is_output] != 0.0).all()
    assert not anchor_of(Layout((0, 3))).any()


def test_anchors_do_not_depend_on_what_comes_later():
    """More features and more units leave the deviates of those that were there."""
    small, wide = Layout((0, 3), (4, 4)), Layout((0, 3, 0), (6, 6))
    source = wide.sources(small, np.array([0, 1, -1]))
    known = source >= 0
    assert known.sum() == small.n_weights
    np.testing.assert_array_equal(anchor_of(wide)[known], anchor_of(small)[source[known]])


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.0), ("sigmoid", 2.0)])
def test_scores_keep_their_size_as_layers_grow(activation, gain):
    """The variance that H units of given size bring to the output does not depend on H."""
    total = []
    for n_units in (4, 64):
        layout = Layout((0, 0), (n_units,), activation=activation)
        out = relative_scale(layout)[layout.places["layer", 1][1:]]
        total.append((out**2).sum())
        assert relative_scale(layout)[layout.constant] == 1.0
        np.testing.assert_array_equal(relative_scale(layout)[layout.first], gain)
    np.testing.assert_allclose(total, (2.0 * gain) ** 2)


def test_parameters_move_the_output_alone():
    layout = Layout((0, 0), (3,))
    center, spread = center_of(layout, anchor_of(layout)), relative_scale(layout)
    mean, precision = weight_prior(layout, center, spread, 1.0, 0.0)
    other_mean, other_precision = weight_prior(layout, center, spread, 0.5, 2.0)
    output = layout.is_output
    np.testing.assert_array_equal(mean[~output], other_mean[~output])
    np.testing.assert_array_equal(precision[~output], other_precision[~output])
    np.testing.assert_allclose(other_precision[output], 4.0 * precision[output])
    assert other_mean[layout.constant] == 2.0
    assert np.count_nonzero(other_mean[output]) == 1
