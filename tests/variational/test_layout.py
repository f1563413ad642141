"""Scores and gradients of the variational bandit's network, and the places of its weights."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from skbandit._perceptron import ACTIVATIONS
from skbandit.variational._layout import Layout

LAYOUTS = [
    Layout((0, 0, 0)),
    Layout((0, 3, 0)),
    Layout((0, 3), embedding_dim=2),
    Layout((0, 0), (4,)),
    Layout((0, 3), (4, 4), residual=True),
    Layout((3, 0, 2), (4, 4, 4), residual=True, embedding_dim=2),
    Layout((0, 0), (3, 5)),
]


def contexts(layout, n_samples=5, seed=0):
    rng = np.random.RandomState(seed)
    columns = [
        rng.randint(n, size=n_samples) if n else rng.standard_normal(n_samples)
        for n in layout.categories
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def plain_score(layout, weights, row):
    """One row's score, layer by layer as in the definition."""
    place = layout.places
    entering = []
    for feature, n in enumerate(layout.categories):
        if not n:
            entering.append([row[feature]])
        elif layout.embedding_dim is None:
            entering.append(np.eye(n)[int(row[feature])])
        else:
            entering.append(weights[place["table", feature]][int(row[feature])])
    value = np.concatenate(entering)
    first = np.concatenate([weights[place["input", f]] for f in range(len(layout.categories))])
    value, before = weights[place["constant"]][0] + value @ first, 0.0
    for layer, _ in enumerate(layout.hidden_units):
        active = ACTIVATIONS[layout.activation][0](value)
        if layout.residual and layer:
            active = active + before
        block = weights[place["layer", layer + 1]]
        before, value = active, block[0] + active @ block[1:]
    return value[0]


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_scores_and_gradients(layout, activation):
    layout = Layout(**{**vars_of(layout), "activation": activation})
    weights = 0.8 * np.random.RandomState(1).standard_normal(layout.n_weights)
    rows = contexts(layout)
    inputs = layout.inputs(rows)
    score, jacobian = layout.linearize(weights, inputs)
    np.testing.assert_allclose(score, [plain_score(layout, weights, row) for row in rows])
    for row, gradient in zip(rows, jacobian, strict=True):
        expected = approx_fprime(weights, lambda w, r=row: plain_score(layout, w, r), 1e-7)
        np.testing.assert_allclose(gradient, expected, atol=2e-6)


def vars_of(layout):
    names = ("categories", "hidden_units", "activation", "residual", "embedding_dim")
    return {name: getattr(layout, name) for name in names}


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_weight_has_one_place(layout):
    positions = np.concatenate([place.ravel() for place in layout.places.values()])
    np.testing.assert_array_equal(np.sort(positions), np.arange(layout.n_weights))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_feature_that_comes_later_adds_weights_at_the_end(layout):
    wider = Layout(**{**vars_of(layout), "categories": (*layout.categories, 0)})
    n_known = len(layout.categories)
    source = wider.sources(layout, np.append(np.arange(n_known), -1))
    known = np.arange(layout.n_weights)
    np.testing.assert_array_equal(source[: layout.n_weights], known)
    assert (source[layout.n_weights :] == -1).all()


def test_sources_follow_features_that_change_places():
    old = Layout((0, 3, 0), (4,), embedding_dim=2)
    new = Layout((3, 0, 0), (6,), embedding_dim=2)
    feature_source = np.array([1, 2, -1])
    source = new.sources(old, feature_source)
    rng = np.random.RandomState(0)
    weights = rng.standard_normal(old.n_weights)
    moved = np.where(source >= 0, weights[source], rng.standard_normal(new.n_weights))
    moved[new.leads_out_of(source)] = 0.0
    rows = contexts(old)
    rows[:, 0] = 0.0
    other = np.stack([rows[:, 1], rows[:, 2], np.zeros(len(rows))], axis=1)
    np.testing.assert_allclose(
        new.linearize(moved, new.inputs(other))[0], old.linearize(weights, old.inputs(rows))[0]
    )


@pytest.mark.parametrize("code", [-1.0, 3.0, 0.5, 1e18])
def test_unknown_category_raises(code):
    layout = Layout((0, 3))
    with pytest.raises(ValueError, match=r"categorical column 1.*codes 0 to 2"):
        layout.inputs(np.array([[0.0, 1.0], [0.0, code]]))
