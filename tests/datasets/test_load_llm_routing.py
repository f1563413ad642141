"""The routing data: what ships is what the source has, in every form."""

from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skbandit.datasets import load_llm_routing

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "llm_routing.npz"


def test_bunch():
    routing = load_llm_routing()
    assert routing.X.shape == (3609, 25)
    assert routing.X.dtype == routing.reward.dtype == routing.cost.dtype == np.float64
    assert routing.reward.shape == routing.cost.shape == (3609, 3)
    assert routing.reward.min() >= 0.0
    assert routing.reward.max() <= 1.0
    assert (routing.cost > 0.0).all()
    assert len(routing.arms) == 3
    assert len(np.unique(routing.source)) == 31
    assert (routing.split == "val").sum() == 1785
    # "val" comes first.
    assert (routing.split[:1785] == "val").all()
    assert "Apache License, Version 2.0" in routing.DESCR
    assert "paretobandit" in routing.DESCR


def test_the_licence_ships_with_the_data():
    folder = resources.files("skbandit.datasets") / "data"
    text = (folder / "llm_routing_LICENSE.txt").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert (folder / load_llm_routing().filename.removeprefix("data/")).is_file()


def test_what_the_description_says():
    """The table of DESCR holds the means of the data."""
    routing = load_llm_routing()
    reward, cost = routing.reward.mean(axis=0), routing.cost.mean(axis=0)
    for place, arm in enumerate(routing.arms):
        line = next(one for one in routing.DESCR.splitlines() if f"``{arm}``" in one)
        told = line.split()[1:]
        assert told[0] == f"{reward[place]:.3f}"
        assert float(told[1]) == pytest.approx(cost[place], rel=5e-3)
    assert round(cost.max() / cost.min()) == 522


@pytest.mark.parametrize("subset", ["val", "test"])
def test_subsets_are_parts(subset):
    whole, part = load_llm_routing(), load_llm_routing(subset=subset)
    rows = whole.split == subset
    for name in ("X", "reward", "cost", "source", "split"):
        np.testing.assert_array_equal(part[name], whole[name][rows])


def test_equals_the_source():
    if not SHARED.exists():
        pytest.skip("the original file is not at ../shared/data/llm_routing.npz")
    routing = load_llm_routing()
    with np.load(SHARED) as source:
        for name in ("X", "reward", "cost", "arms", "source", "split"):
            np.testing.assert_array_equal(routing[name], source[name])


def test_frames():
    plain = load_llm_routing(return_X_reward_cost=True)
    frames = load_llm_routing(return_X_reward_cost=True, as_frame=True)
    for one, frame in zip(plain, frames, strict=True):
        assert isinstance(frame, pd.DataFrame)
        np.testing.assert_array_equal(frame.to_numpy(), one)
    assert frames[2].columns.tolist() == load_llm_routing().arms.tolist()


def test_unknown_subset():
    with pytest.raises(ValueError, match=r"subset must be one of .* got 'train'"):
        load_llm_routing(subset="train")
