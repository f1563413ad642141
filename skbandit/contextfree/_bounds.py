"""Upper confidence bounds of arms without contexts, from means and numbers of rounds."""

import numpy as np
from scipy.special import entr, rel_entr

# Newton's method comes from the right and converges quadratically; far more than it ever takes.
_MAX_STEPS = 50


def bernoulli_kl(p, q):
    """Kullback-Leibler divergence of Bernoulli distributions, elementwise.

    Parameters
    ----------
    p, q : array-like
        In [0, 1].

    Returns
    -------
    divergence : ndarray
        ``p log(p / q) + (1 - p) log((1 - p) / (1 - q))``; infinite where q excludes what p allows.
    """
    return rel_entr(p, q) + rel_entr(1.0 - np.asarray(p), 1.0 - np.asarray(q))


def kl_upper_bound(mean, level):
    """The largest q in [mean, 1] with a divergence of at most ``level``.

    Parameters
    ----------
    mean : ndarray
        In [0, 1].
    level : ndarray of the shape of `mean`
        Not negative.

    Returns
    -------
    bound : ndarray of the shape of `mean`
    """
    mean, level = np.asarray(mean, dtype=np.float64), np.asarray(level, dtype=np.float64)
    # kl(p, q) >= 2 (q - p)^2, and kl(p, q) >= -(1 - p) log(1 - q) - h(p): both bounds lie right of
    # the root, and the divergence is convex, so Newton's steps never pass it.
    entropy = entr(mean) + entr(1.0 - mean)
    room = np.where(mean < 1.0, 1.0 - mean, 1.0)
    bound = np.minimum(mean + np.sqrt(0.5 * level), -np.expm1(-(level + entropy) / room))
    bound = np.where(mean < 1.0, np.clip(bound, mean, 1.0), 1.0)
    for _ in range(_MAX_STEPS):
        inside = (bound > mean) & (bound < 1.0)
        if not inside.any():
            break
        slope = np.where(inside, (bound - mean) / np.where(inside, bound * (1 - bound), 1.0), 1.0)
        excess = np.where(inside, bernoulli_kl(mean, np.where(inside, bound, mean)) - level, 0.0)
        step = np.maximum(excess, 0.0) / slope
        if (step <= 1e-15 * bound).all():
            break
        bound = np.maximum(bound - step, mean)
    return bound


def unplayed_first(bound, weight):
    """Put arms that were never played one unit above all others, alike among themselves.

    Parameters
    ----------
    bound, weight : ndarray of shape (n_arms,)

    Returns
    -------
    bound : ndarray of shape (n_arms,)
    """
    played = weight > 0.0
    if played.all():
        return bound
    highest = bound[played].max(initial=0.0)
    return np.where(played, bound, highest + 1.0)


def ucb1_bounds(mean, weight, exploration=2.0):
    r"""Bounds :math:`\bar x_a + \sqrt{c \log(n) / n_a}`, with n the number of all rounds.

    Parameters
    ----------
    mean, weight : ndarray of shape (n_arms,)
        Mean reward and number of rounds of each arm.
    exploration : float, default=2.0
        The constant c.

    Returns
    -------
    bound : ndarray of shape (n_arms,)
        Arms that were never played are one unit above all others.
    """
    total = max(float(weight.sum()), 1.0)
    rounds = np.where(weight > 0.0, weight, 1.0)
    return unplayed_first(mean + np.sqrt(exploration * np.log(total) / rounds), weight)


def kl_ucb_bounds(mean, weight, c=0.0):
    r"""The largest q with :math:`n_a \, kl(\bar x_a, q) \le \log n + c \log \log n`.

    Parameters
    ----------
    mean, weight : ndarray of shape (n_arms,)
        Mean reward, in [0, 1], and number of rounds of each arm.
    c : float, default=0.0

    Returns
    -------
    bound : ndarray of shape (n_arms,)
        Arms that were never played are one unit above all others.
    """
    log_total = np.log(max(float(weight.sum()), 1.0))
    level = log_total + (c * np.log(log_total) if c and log_total > 1.0 else 0.0)
    rounds = np.where(weight > 0.0, weight, 1.0)
    return unplayed_first(kl_upper_bound(np.clip(mean, 0.0, 1.0), level / rounds), weight)
