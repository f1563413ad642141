"""Which bandits a check is for, said beside the check in the words of the tags."""


def for_bandits(*alternatives, **wanted):
    """Say which bandits a check is for; without arguments it is for all.

    Parameters
    ----------
    *alternatives : dict of str to str or tuple of str
        One of these must fit.
    **wanted : str or tuple of str
        All of these must fit: a name of :class:`skbandit.base.BanditTags`, or one of

        - ``merges``: "exact", "approximate" or "no", with what follows from ``learning``;
        - ``rows``: "numbers", or "any" where the battery was given contexts of another kind;
        - ``axes``: 2, or 3 where contexts of two axes are not taken;
        - ``candidates``: whether contexts of three axes are taken;
        - ``plays``: "one" arm a round, or "sets" of arms.

    Returns
    -------
    decorator : callable
    """
    either = alternatives or ({},)

    def mark(check):
        check.wanted = [{**one, **wanted} for one in either]
        return check

    return mark


def why_not(check, facts):
    """Say why a check is not for a bandit; None where it is.

    Parameters
    ----------
    check : callable
    facts : dict
        What holds for the bandit, see ``Case.facts``.
    """
    reasons = []
    for one in getattr(check, "wanted", [{}]):
        wrong = [
            f"{name}={facts[name]!r}"
            for name, values in one.items()
            if facts[name] not in (values if isinstance(values, tuple) else (values,))
        ]
        if not wrong:
            return None
        reasons.append(" and ".join(wrong))
    return f"it is not for bandits with {' or '.join(reasons)}"
