"""The shuttle data: what ships is what UCI gave, in every form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skbandit.datasets import load_shuttle

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "shuttle.npz"
# Class counts that UCI publishes, for the training and the test part.
N_TRAIN = {
    "Rad.Flow": 34_108,
    "Fpv.Close": 37,
    "Fpv.Open": 132,
    "High": 6_748,
    "Bypass": 2_458,
    "Bpv.Close": 6,
    "Bpv.Open": 11,
}
N_TEST = {
    "Rad.Flow": 11_478,
    "Fpv.Close": 13,
    "Fpv.Open": 39,
    "High": 2_155,
    "Bypass": 809,
    "Bpv.Close": 4,
    "Bpv.Open": 2,
}


def test_bunch():
    shuttle = load_shuttle()
    assert shuttle.data.shape == (58_000, 9)
    assert shuttle.data.dtype == np.float64
    assert shuttle.target.shape == (58_000,)
    assert shuttle.target.dtype.kind == "U"
    assert shuttle.frame is None
    assert len(shuttle.feature_names) == 9
    assert shuttle.target_names.tolist() == sorted(N_TRAIN)
    assert "CC BY 4.0" in shuttle.DESCR
    assert "10.24432/C5WS31" in shuttle.DESCR
    assert shuttle.filename.endswith("shuttle.npz")


@pytest.mark.parametrize(("subset", "counts"), [("train", N_TRAIN), ("test", N_TEST)])
def test_subset_has_the_published_class_counts(subset, counts):
    X, y = load_shuttle(subset=subset, return_X_y=True)
    assert len(X) == len(y) == sum(counts.values())
    labels, found = np.unique(y, return_counts=True)
    assert dict(zip(labels.tolist(), found.tolist(), strict=True)) == counts


def test_parts_make_up_the_whole():
    X, y = load_shuttle(return_X_y=True)
    parts = [load_shuttle(subset=subset, return_X_y=True) for subset in ("train", "test")]
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), X)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), y)


def test_equals_the_source():
    if not SHARED.exists():
        pytest.skip("the original file is not at ../shared/data/shuttle.npz")
    X, y = load_shuttle(return_X_y=True)
    with np.load(SHARED) as source:
        np.testing.assert_array_equal(X, source["X"])
        np.testing.assert_array_equal(y, source["y"])
        assert load_shuttle().feature_names == source["feature_names"].tolist()


def test_as_frame():
    shuttle = load_shuttle(as_frame=True, subset="test")
    plain = load_shuttle(subset="test")
    assert isinstance(shuttle.data, pd.DataFrame)
    assert isinstance(shuttle.target, pd.Series)
    assert shuttle.data.columns.tolist() == plain.feature_names
    np.testing.assert_array_equal(shuttle.data.to_numpy(), plain.data)
    np.testing.assert_array_equal(shuttle.target.to_numpy(), plain.target)
    assert shuttle.frame.columns.tolist() == [*plain.feature_names, "class"]
    X, y = load_shuttle(as_frame=True, subset="test", return_X_y=True)
    pd.testing.assert_frame_equal(X, shuttle.data)
    pd.testing.assert_series_equal(y, shuttle.target)


def test_calls_share_no_memory():
    first = load_shuttle()
    first.data[:] = 0
    first.target[:] = ""
    second = load_shuttle()
    assert second.data.any()
    assert (second.target != "").all()


def test_unknown_subset():
    with pytest.raises(ValueError, match=r"subset must be one of .*'train'.* got 'valid'"):
        load_shuttle(subset="valid")
