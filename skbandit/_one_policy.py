"""One policy for all rows, where no context is looked at."""

import numpy as np

from ._rows import n_rows, take_rows


def one_policy(policy_of, contexts, available):
    """Find the policy once for all rows that may play the same arms.

    Parameters
    ----------
    policy_of : callable
        From contexts and a mask to the policy, ``policy_of(contexts, available)``; the contexts
        are counted, not looked at.
    contexts : rows
    available : ndarray of bool of shape (n_samples, n_arms), or None

    Returns
    -------
    policy : ndarray of shape (n_samples, n_arms)
    """
    if available is None:
        policy = policy_of(take_rows(contexts, slice(0, 1)), None)
        return np.broadcast_to(policy, (n_rows(contexts), policy.shape[1]))
    masks, of_row = np.unique(available, axis=0, return_inverse=True)
    policy = policy_of(take_rows(contexts, slice(0, len(masks))), masks)
    return policy[of_row.reshape(-1)]
