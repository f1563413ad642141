"""The table of a simulation, against numbers by hand."""

import io

import numpy as np
import pandas as pd
import pytest

from skbandit.benchmark import simulate, summarize
from skbandit.environments import LinearEnvironment


@pytest.fixture
def results():
    """Two policies, two repeats, two rounds."""
    return pd.DataFrame(
        {
            "policy": ["b"] * 4 + ["a"] * 4,
            "repeat": [0, 0, 1, 1] * 2,
            "regret": [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 1.0],
            "uniform_regret": [5.0, 5.0, 4.0, 6.0] * 2,
            "reward": [0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0],
            "decision_time": [1e-6, 3e-6, 2e-6, 2e-6, 5e-6, 5e-6, 5e-6, 5e-6],
            "learning_time": [4e-6, 4e-6, 0.0, 0.0, 1e-3, 1e-3, 1e-3, 1e-3],
        }
    )


def test_numbers(results):
    table = summarize(results)
    assert table.index.tolist() == ["b", "a"]
    assert table.columns.tolist() == [
        "regret",
        "regret_std",
        "regret_percent",
        "reward",
        "decision_us",
        "learning_us",
    ]
    # Totals of the repeats: 3 and 7 of 10 and 10 for b, 0 and 1 for a.
    np.testing.assert_allclose(
        table.loc["b"], [5.0, np.sqrt(8.0), 50.0, 1.5, 2.0, 2.0], rtol=1e-12
    )
    np.testing.assert_allclose(
        table.loc["a"], [0.5, np.sqrt(0.5), 5.0, 4.0, 5.0, 1000.0], rtol=1e-12
    )


def test_one_repeat_has_no_spread(results):
    table = summarize(results[results["repeat"] == 0])
    assert table["regret"].tolist() == [3.0, 0.0]
    assert table["regret_std"].isna().all()


def test_survives_a_file(diary_bandit):
    environment = LinearEnvironment(n_features=2, n_arms=2)
    bandits = {"second": diary_bandit(), "first": diary_bandit(probability=[0.9, 0.1])}
    results = simulate(bandits, environment, 20, n_repeats=2, random_state=0)
    table = summarize(results)
    assert table.index.tolist() == ["second", "first"]
    stored = pd.read_csv(io.StringIO(results.to_csv(index=False)))
    pd.testing.assert_frame_equal(summarize(stored), table, check_index_type=False)
    joined = pd.concat([results[results["policy"] == name] for name in bandits])
    pd.testing.assert_frame_equal(summarize(joined), table)


def test_missing_columns(results):
    with pytest.raises(ValueError, match=r"these are missing: \['regret', 'reward'\]"):
        summarize(results.drop(columns=["reward", "regret"]))
