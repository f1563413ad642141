"""The table of a simulation."""


def summarize(results):
    """Sum up a simulation, one row a policy.

    Parameters
    ----------
    results : DataFrame
        What :func:`simulate` returns, or several of those concatenated.

    Returns
    -------
    table : DataFrame
        Indexed by policy, in order of appearance, with the columns

        regret : float
            Total regret of a repeat, mean over repeats.
        regret_std : float
            Its standard deviation over repeats; NaN for a single one.
        regret_percent : float
            Regret in percent of what playing uniformly at random is expected to have on the same
            rounds. That expectation is exact, so a uniform policy comes out near 100.
        reward : float
            Mean reward of a round.
        decision_us, learning_us : float
            Microseconds that a round took to decide and to learn.

    Raises
    ------
    ValueError
        If `results` lacks columns.

    See Also
    --------
    RegretDisplay : The regret over the rounds, drawn.

    Examples
    --------
    >>> from skbandit.benchmark import simulate, summarize
    >>> from skbandit.environments import WheelEnvironment
    >>> from skbandit.linear import LinearUCB
    >>> bandits = {"wide": LinearUCB(alpha=2.0), "greedy": LinearUCB(alpha=0.0)}
    >>> results = simulate(bandits, WheelEnvironment(), 100, n_repeats=2, random_state=0)
    >>> summarize(results).index.tolist()
    ['wide', 'greedy']
    """
    needed = ["policy", "repeat", "regret", "uniform_regret", "reward"]
    needed += ["decision_time", "learning_time"]
    missing = [name for name in needed if name not in results]
    if missing:
        raise ValueError(
            f"results must have the columns that simulate returns; these are missing: {missing}."
        )
    repeats = results.groupby(["policy", "repeat"], sort=False, observed=True)
    totals = repeats[["regret", "uniform_regret"]].sum()
    means = repeats[["reward", "decision_time", "learning_time"]].mean()
    totals = totals.groupby("policy", sort=False, observed=True)
    means = means.groupby("policy", sort=False, observed=True).mean()
    mean_totals = totals.mean()
    table = mean_totals[["regret"]].copy()
    table["regret_std"] = totals["regret"].std()
    table["regret_percent"] = 100 * mean_totals["regret"] / mean_totals["uniform_regret"]
    table["reward"] = means["reward"]
    table["decision_us"] = 1e6 * means["decision_time"]
    table["learning_us"] = 1e6 * means["learning_time"]
    table.index = table.index.astype(object)
    return table
