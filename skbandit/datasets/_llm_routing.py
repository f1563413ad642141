"""Prompts that are routed to language models."""

from importlib import resources

import numpy as np
from sklearn.utils import Bunch

_SUBSETS = ("all", "val", "test")


def load_llm_routing(*, return_X_reward_cost=False, as_frame=False, subset="all"):
    """Load prompts with the reward and cost of each of three language models; ships with us.

    ==============  =========================================================
    Rows            3,609 prompts (1,785 of ``val``, 1,824 of ``test``)
    Features        25, principal components of an embedding of the prompt
    Arms            3 models, whose mean costs lie 522 times apart
    Rewards, costs  of all arms in every row; in [0, 1], and in dollars
    ==============  =========================================================

    Parameters
    ----------
    return_X_reward_cost : bool, default=False
        Return ``(X, reward, cost)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames: columns of rewards and costs are the arms.
    subset : {"all", "val", "test"}, default="all"
        All rows in the order of the file, "val" first, or one of the two splits.

    Returns
    -------
    routing : :class:`~sklearn.utils.Bunch`
        With the attributes

        X : ndarray of float64 of shape (n_samples, 25), or DataFrame
            The prompts.
        reward : ndarray of float64 of shape (n_samples, 3), or DataFrame
            What the answer of each model was worth, in [0, 1].
        cost : ndarray of float64 of shape (n_samples, 3), or DataFrame
            What it cost, in dollars.
        arms : ndarray of str of shape (3,)
            The models, in the order of the columns.
        source : ndarray of str of shape (n_samples,)
            The benchmark that a prompt is from.
        split : ndarray of str of shape (n_samples,)
            "val" or "test".
        feature_names : list of str
            Names of the columns of X.
        DESCR : str
            Description, source and licence.
        filename : str
            Path of the file inside the package.

    (X, reward, cost) : tuple
        If `return_X_reward_cost`.

    Raises
    ------
    ValueError
        If `subset` is unknown.

    See Also
    --------
    skbandit.budgets.BudgetPacedBandit : Routes them for so many dollars a prompt.

    References
    ----------
    The package ``paretobandit`` 0.1.1, https://pypi.org/project/paretobandit/ (Apache-2.0).

    Examples
    --------
    >>> from skbandit.datasets import load_llm_routing
    >>> routing = load_llm_routing()
    >>> routing.X.shape, routing.arms.tolist()[1]
    ((3609, 25), 'meta-llama/llama-3.1-8b-instruct')
    >>> routing.reward.mean(axis=0).round(3).tolist()
    [0.934, 0.791, 0.924]
    """
    if subset not in _SUBSETS:
        raise ValueError(f"subset must be one of {list(_SUBSETS)}, got {subset!r}.")
    folder = resources.files(__package__) / "data"
    with (folder / "llm_routing.npz").open("rb") as file, np.load(file) as stored:
        split = np.where(stored["is_test"], "test", "val")
        rows = slice(None) if subset == "all" else split == subset
        split = split[rows]
        X, reward, cost = (stored[name][rows].astype(float) for name in ("X", "reward", "cost"))
        arms = stored["arms"]
        source = stored["source_names"][stored["source"][rows]]
    feature_names = [f"component_{number:02d}" for number in range(X.shape[1])]
    if as_frame:
        import pandas as pd

        X = pd.DataFrame(X, columns=feature_names)
        reward, cost = (pd.DataFrame(one, columns=arms.tolist()) for one in (reward, cost))
    if return_X_reward_cost:
        return X, reward, cost
    return Bunch(
        X=X,
        reward=reward,
        cost=cost,
        arms=arms,
        source=source,
        split=split,
        feature_names=feature_names,
        DESCR=(folder / "llm_routing.rst").read_text(encoding="utf-8"),
        filename="data/llm_routing.npz",
    )
