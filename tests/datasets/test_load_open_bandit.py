"""The Open Bandit sample: what ships is what the source gave, in every form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skbandit.datasets import load_open_bandit
from skbandit.metrics import mean_value, snips_value

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
CLICKS = {"random": 38, "bts": 42}


@pytest.mark.parametrize("policy", ["random", "bts"])
def test_bunch(policy):
    open_bandit = load_open_bandit(policy)
    assert open_bandit.data.shape == (10_000, 29)
    # Five one-hot groups: four features of the visitor, and the position.
    assert (open_bandit.data.sum(axis=1) == 5).all()
    assert set(np.unique(open_bandit.data)) == {0.0, 1.0}
    log = open_bandit.log
    assert log.dtype.names == ("arm", "reward", "propensity")
    assert log["reward"].sum() == CLICKS[policy]
    assert np.unique(log["arm"]).tolist() == open_bandit.arms.tolist() == list(range(80))
    assert (np.diff(open_bandit.timestamp) >= np.timedelta64(0)).all()
    assert open_bandit.affinity.shape == (10_000, 80)
    assert open_bandit.item_features.shape == (80, 41)
    assert len(open_bandit.feature_names) == 29
    assert len(set(open_bandit.item_feature_names)) == 41
    assert open_bandit.frame is None
    assert "CC BY 4.0" in open_bandit.DESCR


@pytest.mark.parametrize("policy", ["random", "bts"])
def test_equals_the_source(policy):
    if not (SHARED / f"obd_{policy}_all.parquet").exists():
        pytest.skip("the original files are not at ../shared/data/obd_*")
    pytest.importorskip("pyarrow", reason="reads the original parquet file")
    source = pd.read_parquet(SHARED / f"obd_{policy}_all.parquet")
    found = load_open_bandit(policy, as_frame=True)
    np.testing.assert_array_equal(found.log["arm"], source["item_id"])
    np.testing.assert_array_equal(found.log["reward"], source["click"])
    np.testing.assert_allclose(found.log["propensity"], source["propensity_score"], rtol=1e-12)
    np.testing.assert_array_equal(found.position, source["position"])
    when = pd.to_datetime(source["timestamp"], format="ISO8601").dt.tz_convert(None)
    assert (found.timestamp == when).all()
    affinity = source[[f"user-item_affinity_{item}" for item in range(80)]]
    np.testing.assert_array_equal(found.affinity.toarray(), affinity)
    for k in range(4):
        for value, rows in source.groupby(f"user_feature_{k}").groups.items():
            column = found.data[f"user_feature_{k}_{value[:8]}"]
            np.testing.assert_array_equal(np.flatnonzero(column), rows)
    for place in (1, 2, 3):
        np.testing.assert_array_equal(found.data[f"position_{place}"], found.position == place)
    # Older pandas reads some decimals one bit off.
    items = pd.read_csv(SHARED / "obd_items_all.csv.gz", dtype={"item_feature_0": str})
    numbers = items["item_feature_0"].map(float)
    np.testing.assert_array_equal(found.item_features["item_feature_0"], numbers)
    for k in (1, 2, 3):
        for value, rows in items.groupby(f"item_feature_{k}").groups.items():
            column = found.item_features[f"item_feature_{k}_{value[:8]}"]
            np.testing.assert_array_equal(np.flatnonzero(column), rows)


def test_forms_agree():
    plain, framed = load_open_bandit("bts"), load_open_bandit("bts", as_frame=True)
    X, log = load_open_bandit("bts", return_X_y=True)
    np.testing.assert_array_equal(X, plain.data)
    np.testing.assert_array_equal(log, plain.log)
    np.testing.assert_array_equal(framed.data, plain.data)
    assert framed.data.columns.tolist() == plain.feature_names
    assert framed.frame.columns.tolist() == [*plain.feature_names, "arm", "reward", "propensity"]
    np.testing.assert_array_equal(framed.log["propensity"], plain.log["propensity"])
    np.testing.assert_array_equal(framed.item_features, plain.item_features)
    X, log = load_open_bandit("bts", return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X, framed.data)
    pd.testing.assert_frame_equal(log, framed.log)


def test_random_policy_is_uniform():
    log = load_open_bandit("random").log
    assert (log["propensity"] == 1 / 80).all()
    # Chi-squared with 79 degrees of freedom: above 130 once in 4,000 logs.
    counts = np.bincount(log["arm"], minlength=80)
    assert np.sum((counts - 125.0) ** 2 / 125.0) < 130


def test_propensities_weigh_thompson_back_to_uniform():
    # The value of the uniform policy from the log of the other: within four standard errors.
    bts, random = load_open_bandit("bts").log, load_open_bandit("random").log
    value = snips_value(
        reward=bts["reward"],
        propensity=bts["propensity"],
        policy_probability=np.full(len(bts), 1 / 80),
    )
    earned = mean_value(reward=random["reward"])
    error = np.hypot(value.standard_error, earned.standard_error)
    assert abs(value.value - earned.value) < 4 * error


def test_calls_share_no_memory():
    first = load_open_bandit()
    first.data[:] = 7
    first.log["arm"][:] = 7
    again = load_open_bandit()
    assert again.data.max() == 1
    assert again.log["arm"].max() == 79


def test_files_are_small():
    folder = Path(__import__("skbandit").__file__).parent / "datasets" / "data"
    files = list(folder.glob("open_bandit_*.npz"))
    assert len(files) == 3
    assert all(file.stat().st_size < 300_000 for file in files)


def test_unknown_policy():
    with pytest.raises(ValueError, match=r"policy must be one of \['random', 'bts'\], got 'ucb'"):
        load_open_bandit("ucb")
