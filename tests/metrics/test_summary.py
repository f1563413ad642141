"""Several values as a table."""

import pytest

from skbandit.metrics import policy_value, summarize_values


def test_rows_are_values(log):
    values = policy_value(["ips", "snips", "dr"], **log)
    table = summarize_values(values, interval="student", confidence_level=0.9)
    assert table.index.tolist() == ["ips", "snips", "dr"]
    assert table.attrs == {"interval": "student", "confidence_level": 0.9}
    for name, value in values.items():
        row = table.loc[name]
        assert row["value"] == value.value
        assert row["standard_error"] == value.standard_error
        assert row["effective_sample_size"] == value.effective_sample_size
        assert (row["low"], row["high"]) == value.interval("student", confidence_level=0.9)
    assert (table["n_samples"] == 500).all()
    assert summarize_values(values["dr"]).index.tolist() == ["dr"]
    options = {"interval": "bootstrap", "n_resamples": 50, "random_state": 0}
    assert summarize_values(values, **options)["low"].notna().all()


def test_bad_values(log):
    with pytest.raises(TypeError, match=r"must hold PolicyValue, got float for 'dr'"):
        summarize_values({"dr": 0.5})
    with pytest.raises(ValueError, match="method must be one of"):
        summarize_values(policy_value(["ips"], **log), interval="exact")
    with pytest.raises(ValueError, match="confidence_level"):
        summarize_values({}, confidence_level=2.0)
