"""What new arms start from: shares of what known arms have learnt, and for the rest the prior."""

import numpy as np

# Shares whose sum is one but for so much leave nothing to the prior.
ROUNDING = 1e-9


def left_over(shares):
    """What the shares of each new arm lack of one.

    Parameters
    ----------
    shares : ndarray of shape (n_new, n_known)
        Not below zero; a row sums to 1 at most.

    Returns
    -------
    left : ndarray of shape (n_new,)
    """
    left = 1.0 - shares.sum(axis=1)
    return np.where(left > ROUNDING, left, 0.0)


def blended(known, shares, prior=None):
    """Sum up shares of what known arms have, and of the prior what they leave.

    Parameters
    ----------
    known : sequence of n_known arrays of one shape, or one array of them
        Those without a share are not read.
    shares : ndarray of shape (n_new, n_known)
    prior : ndarray of shape (n_new, ...), default=None
        None: zeros, as where rounds add up.

    Returns
    -------
    values : ndarray of shape (n_new, ...)
    """
    values = np.zeros((len(shares), *np.shape(known[0])))
    left = left_over(shares)
    for place, own in enumerate(shares):
        for teacher in np.flatnonzero(own):
            values[place] += own[teacher] * known[teacher]
        if prior is not None and left[place]:
            values[place] += left[place] * prior[place]
    return values


def teachers(shares):
    """The one arm of which each new arm knows all, (n_new,); -1 where there is none."""
    found = np.full(len(shares), -1)
    for place, own in enumerate(shares):
        known = np.flatnonzero(own)
        if len(known) == 1 and left_over(own[None])[0] == 0.0:
            found[place] = known[0]
    return found


def known_places(source, shares):
    """Where the arms that have shares stand now, (n_known,).

    Parameters
    ----------
    source : ndarray of int
        Old position of each arm; -1 for what is new. All that were known are still there.
    shares : ndarray of shape (n_new, n_known)
    """
    places = np.empty(shares.shape[1], dtype=np.intp)
    stays = np.flatnonzero(source >= 0)
    places[source[stays]] = stays
    return places
