"""Which weights arms have: their own, shared ones, or both."""

import numpy as np
from scipy import sparse

from ._regression import Examples


class DisjointArms:
    """Every arm has weights of its own: it is a group of the regression."""

    context_ndims = (2,)
    are_linked = False

    def n_groups(self, n_arms):
        """How many groups the regression has."""
        return n_arms

    def group_of(self, arm):
        """The group whose weights an arm has."""
        return arm

    def examples(self, rounds):
        """What rounds teach to which group."""
        return Examples(
            rounds.contexts, rounds.arm, rounds.reward, rounds.weight, rounds.rows_per_round
        )

    def ask(self, question, contexts):
        """Answers about all arms or candidates, (n_samples, n_arms).

        `question` is a method of the regression that takes rows, and a group to ask one alone.
        """
        return question(contexts)

    def rows_of(self, contexts, arm):
        """What an arm or candidate has to score, a row a context."""
        return contexts if contexts.ndim == 2 else np.ascontiguousarray(contexts[:, arm])

    def floats_per_row(self, contexts, n_arms, diagonal, n_draws):
        """Floats of temporary memory that a row of a prediction takes.

        Parameters
        ----------
        contexts : array or CSR
        n_arms : int
        diagonal : bool
            Whether weights have independent beliefs.
        n_draws : int
            Joint draws behind the policy of linked arms.
        """
        if sparse.issparse(contexts):
            return 8 * n_arms
        width = contexts.shape[-1] + 1
        if diagonal or contexts.ndim == 3:
            floats = 8 * n_arms + 3 * width * (n_arms if contexts.ndim == 3 else 1)
        else:
            floats = (n_arms + 2) * width
        return floats + (3 * n_draws * n_arms if self.are_linked else 0)

    def unseen(self, contexts, weight):
        """Arms of which nothing was learnt and that are alike; None where that says nothing."""

    def carried_groups(self, resize):
        """Old positions of the groups, and their shares in new ones, as ``carried`` takes them.

        See :class:`skbandit._axes.Resize`.
        """
        return {"groups": resize.arm_source, "shares": resize.shares}


class SharedWeights(DisjointArms):
    """Candidates have features and all share one weight vector: one group."""

    context_ndims = (3,)
    are_linked = True

    def n_groups(self, n_arms):
        return 1

    def group_of(self, arm):
        return 0

    def examples(self, rounds):
        examples = _candidate_examples(rounds)
        return examples._replace(group=np.zeros_like(examples.group))

    def ask(self, question, contexts):
        n_samples, n_candidates, n_features = contexts.shape
        answers = question(contexts.reshape(-1, n_features))
        return answers.reshape(n_samples, n_candidates)

    def carried_groups(self, resize):
        return {}


class HybridArms(DisjointArms):
    """Shared weights plus each arm's departure from them."""

    context_ndims = (2, 3)
    are_linked = True

    def examples(self, rounds):
        two_axes = rounds.contexts.ndim == 2
        return super().examples(rounds) if two_axes else _candidate_examples(rounds)

    def ask(self, question, contexts):
        if contexts.ndim == 2:
            return question(contexts)
        answers = np.empty(contexts.shape[:2])
        for arm in range(contexts.shape[1]):
            answers[:, arm] = question(self.rows_of(contexts, arm), group=arm)
        return answers

    def unseen(self, contexts, weight):
        if contexts.ndim == 2:
            return weight == 0.0
        unseen = weight[: contexts.shape[1]] == 0.0
        if not unseen.any():
            return unseen
        # Only candidates with the same features are alike.
        first = contexts[:, [np.argmax(unseen)]]
        return unseen & (contexts == first).all(axis=2)


ARM_MODELS = {"disjoint": DisjointArms(), "shared": SharedWeights(), "hybrid": HybridArms()}


def model_kind(kinds, hierarchical, *, arm_model, precision, prior):
    """The model that a combination of parameters asks for.

    Parameters
    ----------
    kinds : dict of dict
        By arm model and precision.
    hierarchical : model
        That of ``prior="hierarchical"``.
    arm_model, precision, prior : str

    Raises
    ------
    ValueError
        If there is none for these parameters.
    """
    if precision not in kinds[arm_model]:
        raise ValueError(
            f"arm_model={arm_model!r} needs precision='full': shared and per-arm weights "
            "are correlated."
        )
    if prior != "hierarchical":
        return kinds[arm_model][precision]
    if arm_model != "disjoint" or precision != "full":
        raise ValueError(
            "prior='hierarchical' needs arm_model='disjoint' and precision='full', got "
            f"arm_model={arm_model!r} and precision={precision!r}."
        )
    return hierarchical


def _candidate_examples(rounds):
    """Rows of the candidates that were played; in full feedback all of them were."""
    contexts, arm, weight = rounds.contexts, rounds.arm, rounds.weight
    n_samples, n_candidates, n_features = contexts.shape
    if rounds.reward is not None:
        rows = contexts[np.arange(n_samples), arm]
        return Examples(rows, arm, rounds.reward, weight, rounds.rows_per_round)
    candidate = np.tile(np.arange(n_candidates), n_samples)
    paid = (candidate == np.repeat(arm, n_candidates)).astype(np.float64)
    weight = None if weight is None else np.repeat(weight, n_candidates)
    rows = contexts.reshape(-1, n_features)
    return Examples(rows, candidate, paid, weight, n_candidates)
