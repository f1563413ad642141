"""Several values as a table."""

from ._intervals import check_confidence_level
from ._policy_value import PolicyValue


def summarize_values(values, *, interval="normal", confidence_level=0.95, **options):
    """Put values and their intervals into a table.

    Parameters
    ----------
    values : dict of str to PolicyValue, or PolicyValue
        What `policy_value` returns, or values of several policies by name.
    interval : str, default="normal"
        Method of the intervals, see `PolicyValue.interval`.
    confidence_level : float, default=0.95
        Of each interval; they are not corrected for the number of values.
    **options
        Of the interval, such as `n_resamples`.

    Returns
    -------
    table : DataFrame
        A row a value, in the order of the dict, with the columns ``value``, ``standard_error``,
        ``low``, ``high``, ``effective_sample_size`` and ``n_samples``. ``table.attrs`` keeps
        `interval` and `confidence_level`.

    Raises
    ------
    TypeError
        If an entry is no PolicyValue.
    ValueError
        If the interval is unknown, or does not exist for a value.

    See Also
    --------
    policy_value : Makes several values at once.
    skbandit.model_selection.compare_policies : Values of policies beside that of the logger.

    Examples
    --------
    >>> from skbandit.metrics import policy_value, summarize_values
    >>> values = policy_value(["ips", "snips"], policy_probability=[1., .5, .5, 0.],
    ...                       reward=[1., 0., 1., 1.], propensity=[.5, .5, .5, .5])
    >>> summarize_values(values)[["value", "low", "high"]].round(2)
           value   low  high
    ips     0.75 -0.19  1.69
    snips   0.75  0.22  1.28
    """
    import pandas as pd

    if isinstance(values, PolicyValue):
        values = {values.name: values}
    check_confidence_level(confidence_level)
    rows = {}
    for name, value in values.items():
        if not isinstance(value, PolicyValue):
            raise TypeError(
                f"values must hold PolicyValue, got {type(value).__name__} for {name!r}. Pass "
                "what policy_value and its kin return, not the number in it."
            )
        low, high = value.interval(interval, confidence_level=confidence_level, **options)
        rows[name] = [
            value.value,
            value.standard_error,
            low,
            high,
            value.effective_sample_size,
            value.n_samples,
        ]
    columns = ["value", "standard_error", "low", "high", "effective_sample_size", "n_samples"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.attrs = {"interval": interval, "confidence_level": confidence_level}
    return table
