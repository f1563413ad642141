r"""A linear model of the inputs beside a network, in closed form.

A network is taught what a ridge regression of each arm leaves of the rewards, and the expected
reward of an arm is

.. math:: f_a(x) + z^\top (\lambda I + G_a)^{-1} \sum w z (r - f_a(x)),

with :math:`z` a constant and the inputs, and :math:`f` the network. So what is linear is known
exactly and at once, an arm that was never played starts where all rewards lie and is as unsure as
its prior says, and on a linear problem a network that has nothing to add stays at zero.
"""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances

from .._regression import Examples, FullRegression
from ._columns import weight_by_output

# Rounds that are compared with each other, at most.
_MOST_COMPARED = 2000
# What is missed of a context and of its nearest neighbour, over what is missed of one: found on
# squares, sines and products of four numbers, 50 to 800 rounds an arm.
_ALIKE = 0.65
# A round pulls its own prediction by no more than this.
_LARGEST_LEVERAGE = 0.9
# Of a representation, and of inputs, as terms.
SAME_SIZE = (1.0, 1.0)


class Lessons(NamedTuple):
    """What rounds teach, one line for each output that learns from a round."""

    row: np.ndarray  # (n_lessons,), position of the round
    output: np.ndarray  # (n_lessons,)
    reward: np.ndarray  # (n_lessons,), in units of their spread
    weight: np.ndarray  # (n_lessons,)
    held: np.ndarray  # (n_lessons,), the part of the weight that is held out


def lessons_of(columns, scaling, n_outputs):
    """Return what rounds teach.

    Parameters
    ----------
    columns : dict of str to ndarray
    scaling : Scaling
    n_outputs : int

    Returns
    -------
    lessons : Lessons
    """
    n_taught = columns["n_taught"]
    if not (n_taught > 0).any():
        row, output = np.arange(len(n_taught)), columns["arm"]
        reward = scaling.reward(columns["reward"])
        return Lessons(row, output, reward, columns["weight"], columns["held"])
    weight = weight_by_output(columns, n_outputs)
    row, output = np.nonzero(weight)
    reward = columns["reward"][row]
    full = n_taught[row] > 0
    reward[full] = columns["arm"][row[full]] == output[full]
    held = np.minimum(columns["held"][row], weight[row, output])
    return Lessons(row, output, scaling.reward(reward), weight[row, output], held)


def empty_part(n_outputs, n_terms, prior_precision):
    """Return the regression before any round."""
    return FullRegression.empty(
        n_outputs, n_terms, prior_precision=prior_precision, intercept=True, locates=True
    )


def taught(part, terms, lessons, reward, weight):
    """Return a regression that has learnt more.

    Parameters
    ----------
    part : FullRegression
    terms : ndarray of shape (n_rows, n_terms)
    lessons : Lessons
    reward, weight : ndarray of shape (n_lessons,)
    """
    kept = np.flatnonzero(weight > 0.0)
    if not kept.size:
        return part
    rows = terms[lessons.row[kept]]
    return part.learnt(Examples(rows, lessons.output[kept], reward[kept], weight[kept]))


def own_forms(part, terms, lessons):
    """Variance over that of the noise, for the row and output of each lesson, (n_lessons,)."""
    return _of_own_output(part.quadratic, terms, lessons)


def own_means(part, terms, lessons):
    """What the regression expects, for the row and output of each lesson, (n_lessons,)."""
    return _of_own_output(part.mean, terms, lessons)


def _of_own_output(question, terms, lessons):
    answers = np.empty(len(lessons.row))
    for output in np.unique(lessons.output):
        of_it = np.flatnonzero(lessons.output == output)
        answers[of_it] = question(terms[lessons.row[of_it]], output)
    return answers


def offsets(terms, lessons, reward, weight, prior_precision, shape):
    """What a network is added to: where it is trained, and where it is watched.

    The ridge regression on the rounds of `weight`. Where it has learnt from a round itself, it
    says what it would without it: :math:`m - h (r - m) / (1 - h)`, h the leverage. The part of a
    round's weight that is held out it has not learnt from.

    Parameters
    ----------
    terms : ndarray of shape (n_rows, n_terms)
    lessons : Lessons
    reward, weight : ndarray of shape (n_lessons,)
    prior_precision : float
    shape : (n_rows, n_outputs)

    Returns
    -------
    trained, held : ndarray of shape (n_rows, n_outputs)
    """
    part = empty_part(shape[1], terms.shape[1], prior_precision)
    part = taught(part, terms, lessons, reward, weight)
    mean = own_means(part, terms, lessons)
    # Of a round that weighs k, which stands for k alike, one is left out.
    leverage = np.minimum(weight, 1.0) * own_forms(part, terms, lessons)
    leverage = np.minimum(leverage, _LARGEST_LEVERAGE)
    without = mean - leverage * (reward - mean) / (1.0 - leverage)
    trained, held = np.zeros(shape), np.zeros(shape)
    trained[lessons.row, lessons.output] = without
    held[lessons.row, lessons.output] = mean
    return trained, held


class Judgement(NamedTuple):
    """What held-out rounds say of the networks and of what is built on them."""

    # How much of each network counts, from 0 to 1.
    shares: tuple = ()
    # Variance of the noise over what the rounds say that the network was trained on.
    noise_factor: float = 1.0
    # Mean square of the network's own error, over the variance of the noise.
    net_error: float = 0.0
    # Mean square of what counts of the network's outputs, over the variance of the noise: they are
    # not more unsure than they are large.
    net_square: float = np.inf
    # Variance of the errors on the rounds that were trained on, in units of the rewards' spread.
    inside: float = 1.0
    # Mean square of what is systematically missed, over the variance of the noise.
    misfit: float = 0.0
    # Root mean squares of a representation and of the inputs as terms beside the constant.
    sizes: tuple = SAME_SIZE
    # Twice the mean negative log-density of held-out rounds.
    score: float = 0.0


def share_of(outputs, lessons, wanted, weight):
    r"""Return how much of a network counts: the share of its outputs that fits held-out rounds.

    With outputs f and what is wanted of them r, the best share is
    :math:`c = \sum f r / \sum f^2`, with a variance :math:`v`; what chance explains is taken
    off, :math:`c (1 - v / c^2)_+`, the positive part of a James-Stein estimate.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_outputs)
    lessons : Lessons
    wanted, weight : ndarray of shape (n_lessons,)

    Returns
    -------
    share : float from 0 to 1
    """
    said = outputs[lessons.row, lessons.output]
    square = float(weight @ said**2)
    if weight.sum() < 1.0:
        # Nothing is held out.
        return 1.0
    if not square > 0.0:
        return 0.0
    best = float(weight @ (said * wanted)) / square
    if not best > 0.0:
        return 0.0
    left = float(weight @ (wanted - best * said) ** 2 / weight.sum())
    return min(1.0, best * max(0.0, 1.0 - left / square / best**2))


def judged(part, terms, lessons, reward, places=None):
    r"""Compare the errors on held-out rounds with those on the rounds that were trained on.

    A model that has learnt :math:`k n` numbers from n rounds leaves :math:`(1 - k) \sigma^2` of
    them, and :math:`(1 + k) \sigma^2` of others: their ratio says both k and :math:`\sigma`. What
    the linear part has learnt is known and allowed for, so this is about the network. A ratio
    that chance explains is taken for one.

    Parameters
    ----------
    part : FullRegression
        Before any round.
    terms, lessons, reward
        See :func:`taught`; rewards are what the network leaves of them.
    places : ndarray of shape (n_rows, n_units), default=None
        Where contexts lie, such that near ones are alike: the last hidden representation. None:
        what is missed is not asked, which takes most of the time.

    Returns
    -------
    judgement : Judgement
    """
    trained, held = lessons.weight - lessons.held, lessons.held
    n_trained, n_held = trained.sum(), held.sum()
    if n_held < 1.0 or n_trained < 1.0:
        return Judgement()
    part = taught(part, terms, lessons, reward, trained)
    asked = np.flatnonzero(held > 0.0)
    asked = Lessons(*(field[asked] for field in lessons)), reward[asked]
    error = asked[1] - own_means(part, terms, asked[0])
    form = own_forms(part, terms, asked[0])
    outside = asked[0].held @ (error**2 / (1.0 + form)) / n_held
    inside = part.deviation**2
    if not inside > 0.0 or not outside > 0.0:
        return Judgement()
    missed = 0.0 if places is None else missed_square(part, terms, lessons, reward, places)
    score = np.log(outside) + asked[0].held @ np.log1p(form) / n_held
    log_ratio = np.log(outside / inside)
    chance = 2.0 / n_held + 2.0 / n_trained
    # The positive part of a James-Stein estimate.
    ratio = np.exp(log_ratio * max(0.0, 1.0 - chance / max(log_ratio**2, 1e-12)))
    share = max(0.0, float(ratio - 1.0) / float(ratio + 1.0))
    return Judgement(
        noise_factor=1.0 / (1.0 - share),
        net_error=share,
        inside=float(inside),
        misfit=missed / inside,
        score=float(score),
    )


def missed_square(part, terms, lessons, reward, places):
    r"""Return the mean square of what a model misses of the mean reward.

    What is missed is alike for contexts that are alike, noise is not: the product of the residuals
    of a round and of its nearest neighbour has the mean :math:`b^2 - \sigma^2 h`, where what was
    learnt from the two rounds themselves takes :math:`h = z^\top A^{-1} z` off. A neighbour is not
    the same context: of smooth functions it has about two thirds of what is missed. A product of
    less than its standard error is taken for nothing.

    Parameters
    ----------
    part : FullRegression
        That has learnt from the rounds.
    terms, lessons, reward, places
        See :func:`judged`.
    """
    step = -(-len(lessons.row) // _MOST_COMPARED)
    some = Lessons(*(field[::step] for field in lessons))
    left = reward[::step] - own_means(part, terms, some)
    products, forms = [], own_forms(part, terms, some)
    for output in np.unique(some.output):
        of_it = np.flatnonzero(some.output == output)
        if len(of_it) < 3:
            continue
        apart = pairwise_distances(places[some.row[of_it]], metric="sqeuclidean")
        # Of several that are as near it is the next one in turn, so that pairs differ.
        number = np.arange(len(of_it))
        apart += 1e-9 * apart.mean() / len(of_it) * ((number - number[:, None]) % len(of_it))
        np.fill_diagonal(apart, np.inf)
        nearest = of_it[apart.argmin(axis=1)]
        products.append(left[of_it] * left[nearest] + left.var() * forms[of_it])
    if not products:
        return 0.0
    products = np.concatenate(products)
    mean, variance = products.mean(), products.var() / len(products)
    # Neighbours are often each other's: pairs count once.
    variance *= 1.5
    return float(mean / _ALIKE) if mean > np.sqrt(variance) else 0.0
