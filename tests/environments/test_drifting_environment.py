"""A world that turns into another."""

import numpy as np
import pytest
from sklearn.base import clone

from skbandit.environments import DriftingEnvironment, LinearEnvironment, WheelEnvironment

BEFORE, AFTER = (LinearEnvironment(n_features=3, n_arms=2, random_state=s) for s in (0, 1))


def coef_of(environment):
    """The weights of a world, from its expected rewards."""
    rounds = environment.sample(50, random_state=9)
    return np.linalg.lstsq(rounds.contexts, rounds.expected, rcond=None)[0]


def is_after(rounds):
    """Which rounds pay as the second world does; each pays as one of them."""
    first, second = (
        np.abs(rounds.contexts @ coef_of(world) - rounds.expected).max(axis=1) < 1e-9
        for world in (BEFORE, AFTER)
    )
    assert (first != second).all()
    return second


def test_abrupt():
    environment = DriftingEnvironment(before=BEFORE, after=AFTER, change_at=30)
    rounds = environment.sample(80, random_state=0)
    np.testing.assert_array_equal(is_after(rounds), np.arange(80) >= 30)
    noise = rounds.reward - rounds.expected
    assert 0.3 < noise.std() < 0.7


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("gradual", lambda t: np.clip((t - 999) / 2000, 0, 1)),
        ("seasonal", lambda t: (1 - np.cos(2 * np.pi * t / 2000)) / 2),
    ],
)
def test_shares(kind, share):
    environment = DriftingEnvironment(
        before=BEFORE, after=AFTER, kind=kind, change_at=1000, duration=2000, period=2000
    )
    t = np.arange(4000)
    np.testing.assert_allclose(environment.share_after(t), share(t), atol=1e-12)
    found = is_after(environment.sample(4000, random_state=1))
    # Blocks of 200 rounds: 5 standard errors of a share are at most .18.
    for rows in np.split(t, 20):
        assert abs(found[rows].mean() - share(rows).mean()) < 0.18


def test_it_is_an_environment():
    environment = DriftingEnvironment(before=BEFORE, after=AFTER, change_at=5)
    assert environment.n_features == 3
    assert environment.arms.tolist() == [0, 1]
    one, two = (clone(environment).sample(10, random_state=3) for _ in range(2))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)
    with pytest.raises(ValueError, match="same arms"):
        DriftingEnvironment(before=BEFORE, after=WheelEnvironment()).sample(5)
    with pytest.raises(ValueError, match="kind"):
        DriftingEnvironment(before=BEFORE, after=AFTER, kind="slow").sample(5)
    with pytest.raises(ValueError, match="change_at"):
        DriftingEnvironment(before=BEFORE, after=AFTER, change_at=-1).sample(5)
