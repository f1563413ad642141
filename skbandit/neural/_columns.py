"""Rounds as columns of a buffer: one row for each arm that was played.

The columns are ``row``, ``arm`` (the output of the network), ``reward``, ``weight``, ``n_taught``
(in full feedback, how many arms, the first ones, learn; else 0), ``share`` (a round that has
several rows counts once) and ``held`` (the part of the weight that no network is trained on).
"""

import numpy as np

from .._rows import n_rows
from ..buffers import take_rounds
from ._holding import held_out_weight


def columns_of(rounds, n_arms, n_updates=0):
    """Return checked rounds as columns; those of weight 0 are absent.

    Parameters
    ----------
    rounds : Rounds
    n_arms : int
    n_updates : int, default=0
        The number of learning calls before.

    Returns
    -------
    columns : dict of str to ndarray
    """
    rows, arm, reward, weight = rounds.contexts, rounds.arm, rounds.reward, rounds.weights
    n_rounds = len(arm)
    n_taught, share = np.zeros(n_rounds), np.full(n_rounds, 1.0 / rounds.rows_per_round)
    if rows.ndim == 3:
        n_candidates = rows.shape[1]
        if reward is None:
            # Each candidate is a round of its own, paid 1 if it was named.
            named = np.arange(n_candidates) == arm[:, None]
            reward, weight = named.astype(np.float64).ravel(), np.repeat(weight, n_candidates)
            rows = rows.reshape(-1, rows.shape[2])
            share = np.full(len(rows), 1.0 / n_candidates)
        else:
            rows = rows[np.arange(n_rounds), arm]
        arm, n_taught = np.zeros(len(rows), dtype=np.intp), np.zeros(len(rows))
    elif reward is None:
        reward, n_taught = np.ones(n_rounds), np.full(n_rounds, float(n_arms))
    columns = {
        "row": rows.astype(np.float64),
        "arm": arm.astype(np.intp),
        "reward": reward.astype(np.float64),
        "weight": weight.astype(np.float64),
        "n_taught": n_taught,
        "share": share,
    }
    columns = take_rounds(columns, weight > 0)
    columns["held"] = held_out_weight(columns, n_updates)
    return columns


def n_rounds(columns):
    """Return how many rounds these are, by their weights; a round may have several rows."""
    if not n_rows(columns["arm"]):
        return 0.0
    weight, share = columns["weight"], columns["share"]
    # Thirds of three rows do not add up to one round; a third of their sum does.
    if share.min() == share.max():
        return float(weight.sum() / np.rint(1.0 / share[0]))
    sizes, place = np.unique(np.rint(1.0 / share), return_inverse=True)
    return float((np.bincount(place, weight) / sizes).sum())


def weight_by_output(columns, n_outputs):
    """Return the weight of each row for each output, (n_rows, n_outputs); 0: it learns nothing."""
    arm, n_taught = columns["arm"], columns["n_taught"]
    weight = np.zeros((len(arm), n_outputs))
    weight[np.arange(len(arm)), arm] = columns["weight"]
    full = n_taught > 0
    learns = np.arange(n_outputs) < n_taught[full, None]
    weight[full] = columns["weight"][full, None] * learns
    return weight


def resized(columns, output_source, feature_source):
    """Return the rounds for other arms and features, without those of arms that are gone.

    Parameters
    ----------
    columns : dict of str to ndarray
    output_source, feature_source : ndarray of int
        Old positions of the outputs and features; -1 for what is new.
    """
    rows = np.where(feature_source >= 0, columns["row"][:, feature_source], 0.0)
    known = np.flatnonzero(output_source >= 0)
    place = np.full(1 + max(columns["arm"].max(initial=0), output_source.max(initial=0)), -1)
    place[output_source[known]] = known
    arm = place[columns["arm"]]
    # Full feedback taught the arms that were known; they come first.
    n_known = 1.0 + known.max(initial=-1)
    n_taught = np.where(columns["n_taught"] > 0, n_known, 0.0)
    return take_rounds({**columns, "row": rows, "arm": arm, "n_taught": n_taught}, arm >= 0)


def with_shares(columns, new_outputs, known_outputs, shares):
    """Return the rounds, and shares of those of known arms again for new ones.

    Parameters
    ----------
    columns : dict of str to ndarray
    new_outputs, known_outputs : ndarray of int
        The outputs that are taught, and those whose rounds teach them.
    shares : ndarray of shape (n_new, n_known)
    """
    parts, size = [columns], 1 + max(columns["arm"].max(initial=0), known_outputs.max())
    for output, own in zip(new_outputs, shares, strict=True):
        of_output = np.zeros(size)
        of_output[known_outputs] = own
        share = np.where(columns["n_taught"] == 0, of_output[columns["arm"]], 0.0)
        lent = share > 0.0
        part = take_rounds(columns, lent)
        part["arm"] = np.full(len(part["arm"]), output)
        for name in ("weight", "held"):
            part[name] = part[name] * share[lent]
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in columns}
