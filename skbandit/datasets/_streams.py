"""Independent streams of random numbers."""

import numpy as np
from sklearn.utils import check_random_state


def spawn(random_state, n_streams):
    """Derive independent streams from one random state.

    With a stream each for contexts and for noise, both filled round by round, more rounds extend
    fewer: a run can be prolonged without changing what was played.

    Parameters
    ----------
    random_state : None, int or RandomState
    n_streams : int

    Returns
    -------
    streams : list of RandomState
    """
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_streams)
    return [np.random.RandomState(seed) for seed in seeds]
