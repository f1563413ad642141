"""What bandits with quantities share: the contract, without a model."""

import numpy as np

from .._contexts import block_of
from .._random import more_uniforms
from .._rounds import as_labels, check_quantity, encode_arms
from .._rows import n_rows
from .._sampling import draw_arms
from ..base import BaseBandit
from ..selectors import ArgmaxSelector
from ._boxes import ONE_ARM, check_in_boxes, find_boxes, named_boxes


class BaseQuantityBandit(BaseBandit):
    """Base class of bandits whose arms take a number or a vector in a box.

    A subclass has the parameter ``quantities`` besides those of every bandit, and defines, besides
    ``_initial_state`` and ``_learn`` of :class:`~skbandit.base.BaseBandit`:

    ========================================= =====================================================
    hook                                      what it does
    ========================================= =====================================================
    ``_quantity_policy(contexts, available)`` Return the policy over arms and quantities, a
                                              ``QuantityPolicy`` of so many rows.
    ``_best_quantity(contexts)``              Return, for each arm at the quantity at which it is
                                              expected to pay most, the mean and the standard
                                              deviation of that reward, (n_samples, n_arms) each,
                                              and the quantity, (n_samples, n_arms, n_quantities),
                                              NaN where the arm takes none.
    ``_reward_at(contexts, arm, quantity)``   Return the mean and the standard deviation of the
                                              expected reward of an arm at a quantity in each row.
    ========================================= =====================================================

    Hooks read ``self._boxes``; in ``_learn``, ``rounds.quantity`` is checked, and None where no
    arm takes a quantity. Without ``quantities`` this is a bandit like all others.
    """

    _parameter_constraints = {
        **BaseBandit._parameter_constraints,
        "quantities": [dict, "array-like", None],
    }
    _shape_parameters = ("quantities",)

    # ------------------------------------------------------------------ hooks
    def _quantity_policy(self, contexts, available):
        raise NotImplementedError(f"{type(self).__name__} must define _quantity_policy.")

    def _best_quantity(self, contexts):
        raise NotImplementedError(f"{type(self).__name__} must define _best_quantity.")

    def _reward_at(self, contexts, arm, quantity):
        raise NotImplementedError(f"{type(self).__name__} must define _reward_at.")

    def _policy(self, contexts, available):
        return self._quantity_policy(contexts, available).probability()

    def _expected_reward(self, contexts):
        return self._best_quantity(contexts)[:2]

    # ------------------------------------------------------------ quantities
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.bandit_tags.quantity = "some" if self._takes_quantities else "none"
        return tags

    @property
    def _takes_quantities(self):
        return self.quantities is not None and len(self.quantities) > 0

    @property
    def _named_arms(self):
        if self.arms is None and self._takes_quantities and not isinstance(self.quantities, dict):
            return [ONE_ARM]
        return self.arms

    @property
    def _boxes(self):
        boxes = self._cache.get("boxes")
        if boxes is None:
            boxes = find_boxes(self.quantities, self.classes_)
            self._cache["boxes"] = boxes
        return boxes

    def _check_quantity(self, arm, quantity):
        return check_in_boxes(quantity, arm, self._boxes, self.classes_)

    def _check_plays_one_arm(self):
        if self._selector.n_selected is not None:
            raise ValueError(
                f"selector={self.selector!r} plays sets of arms, and arms with quantities are "
                "played one a round. Use a selector that plays one arm."
            )

    def _asked_about(self, X, arm, quantity):
        """Checked contexts, arms as indexes and quantities, and the bandit to ask."""
        contexts, bandit = self._asked(X)
        labels = as_labels(arm, "arm")
        shape = (n_rows(contexts),)
        if labels.shape != shape:
            raise ValueError(
                f"arm must have shape {shape}, a label for each row of X, got {labels.shape}."
            )
        arm = encode_arms(labels, bandit.classes_)
        if bandit._takes_quantities:
            return (
                contexts,
                arm,
                bandit._check_quantity(arm, check_quantity(quantity, shape)),
                bandit,
            )
        if quantity is not None and not np.isnan(check_quantity(quantity, shape)).all():
            raise ValueError(
                f"quantity holds numbers, and the arms of this {type(self).__name__} take none. "
                "Pass None, or name the arms that take one in quantities=."
            )
        return contexts, arm, np.empty((len(arm), 0)), bandit

    # -------------------------------------------------------------- deciding
    def predict(
        self,
        X,
        *,
        explore=True,
        available=None,
        cost=None,
        return_quantity=False,
        return_propensity=False,
    ):
        """Decide: draw an arm, and how much of it, for each row from the policy.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The contexts.
        explore : bool, default=True
            False plays the arm and the quantity of the highest expected reward.
        available : array-like of bool of shape (n_samples, n_arms), default=None
            The arms that may be played in each row; None means all.
        cost : array-like or frame of shape (n_samples, n_arms), or array-like of (n_samples,), \
                default=None
            What it costs to play each arm in each row, for a selector that weighs costs, or a
            factor for each row on the costs that it knows.
        return_quantity : bool, default=False
            Also return the quantity.
        return_propensity : bool, default=False
            Also return the propensity, to be logged: with `return_quantity` the density, the
            probability of the arm times the density of the quantity, in 1 over the units of the
            quantities; without, the probability of the arm. Of an arm that takes no quantity both
            are the same.

        Returns
        -------
        arms : ndarray of shape (n_samples,)
        quantity : ndarray of shape (n_samples, n_quantities)
            NaN where the arm takes none, or fewer numbers than others. Only if `return_quantity`.
        propensity : ndarray of shape (n_samples,)
            Only if `return_propensity`.

        Raises
        ------
        NotFittedError
            If the bandit knows no arms yet.
        ValueError
            On bad contexts, a mask that leaves a row without an arm, costs that the selector does
            not weigh, or the density of a quantity that is played for sure (`explore` is False).
        """
        if not self._takes_quantities:
            plain = super().predict(
                X,
                explore=explore,
                available=available,
                cost=cost,
                return_propensity=return_propensity,
            )
            if not return_quantity:
                return plain
            arms, *propensity = plain if return_propensity else (plain,)
            return arms, np.empty((len(arms), 0)), *propensity
        if return_quantity and return_propensity and not explore:
            raise ValueError(
                "explore=False plays one quantity for sure, which has no density. Leave "
                "return_propensity out, or explore."
            )
        contexts, bandit = self._asked(X)
        bandit._check_plays_one_arm()
        n_samples, n_quantities = n_rows(contexts), bandit._boxes.n_quantities
        mask, cost = bandit._mask(available, contexts), bandit._costs(cost, contexts)
        uniform = more_uniforms(
            bandit.random_state, contexts, bandit.learnt_weight_, 1 + n_quantities
        )
        index = np.empty(n_samples, dtype=np.intp)
        quantity, propensity = np.empty((n_samples, n_quantities)), np.empty(n_samples)
        with bandit._threads(n_samples):
            for rows in bandit._blocks(contexts, len(bandit.classes_)):
                block = block_of(contexts, rows)
                possible = None if mask is None else mask[rows]
                if explore:
                    policy = bandit._at_cost(cost, rows)._quantity_policy(block, possible)
                    index[rows], quantity[rows] = policy.draw(uniform[rows])
                    if return_quantity:
                        propensity[rows] = policy.density(index[rows], quantity[rows])
                        continue
                    probability = policy.probability()
                else:
                    mean, _, best = bandit._best_quantity(block)
                    probability = ArgmaxSelector().select(mean, possible)
                    chosen = draw_arms(probability, uniform[rows, 0])[:, 0]
                    index[rows], quantity[rows] = chosen, best[np.arange(len(chosen)), chosen]
                propensity[rows] = probability[np.arange(len(probability)), index[rows]]
        parts = [bandit.classes_[index]]
        if return_quantity:
            parts.append(quantity)
        if return_propensity:
            parts.append(propensity)
        return tuple(parts) if len(parts) > 1 else parts[0]

    def quantity_policy(self, X, available=None, cost=None):
        """Return the policy over arms and quantities as a record.

        Parameters
        ----------
        X, available, cost
            As for :meth:`predict`.

        Returns
        -------
        policy : QuantityPolicy
            Mixtures of uniform densities on boxes, one a row, with ``probability()``,
            ``density(arm, quantity)``, ``chance(arm, low, high)`` and ``draw(uniform)``; arms are
            indexes into ``classes_``. It holds all rows at once.
        """
        contexts, bandit = self._asked(X)
        bandit._check_plays_one_arm()
        available, cost = bandit._mask(available, contexts), bandit._costs(cost, contexts)
        with bandit._threads(n_rows(contexts)):
            return bandit._at_cost(cost, slice(None))._quantity_policy(contexts, available)

    def quantity_density(self, X, arm, quantity, available=None, cost=None):
        """Return the density with which the policy plays an arm with a quantity.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        arm : array-like of shape (n_samples,)
            An arm for each row.
        quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
            How much of it; NaN where the arm takes none.
        available, cost
            As for :meth:`predict`.

        Returns
        -------
        density : ndarray of shape (n_samples,)
            The probability of the arm times the density of the quantity, in 1 over the units of
            the quantities; of an arm that takes none its probability.

        Raises
        ------
        ValueError
            On an arm that is not known, or a quantity outside its box.
        """
        contexts, arm, quantity, bandit = self._asked_about(X, arm, quantity)
        bandit._check_plays_one_arm()
        return bandit._density(
            contexts,
            arm,
            quantity,
            bandit._mask(available, contexts),
            bandit._costs(cost, contexts),
        )

    def _density(self, contexts, arm, quantity, available, cost):
        density = np.empty(len(arm))
        with self._threads(len(arm)):
            for rows in self._blocks(contexts, len(self.classes_)):
                possible = None if available is None else available[rows]
                asked = self._at_cost(cost, rows)
                policy = asked._quantity_policy(block_of(contexts, rows), possible)
                density[rows] = policy.density(arm[rows], quantity[rows])
        return density

    def _propensity_of(self, contexts, arm, quantity, available, cost):
        if quantity is None:
            return super()._propensity_of(contexts, arm, quantity, available, cost)
        return self._density(contexts, arm, self._check_quantity(arm, quantity), available, cost)

    def expected_reward_at(self, X, arm, quantity, return_std=False):
        """Return what the model believes that an arm pays at a quantity.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        arm : array-like of shape (n_samples,)
            An arm for each row.
        quantity : array-like of shape (n_samples,) or (n_samples, n_quantities)
            How much of it; NaN where the arm takes none.
        return_std : bool, default=False
            Also return the standard deviation of that belief.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            In units of the reward.
        std : ndarray of shape (n_samples,)
            Only if `return_std`.

        Raises
        ------
        ValueError
            On an arm that is not known, or a quantity outside its box.
        """
        contexts, arm, quantity, bandit = self._asked_about(X, arm, quantity)
        mean, std = np.empty(len(arm)), np.empty(len(arm))
        with bandit._threads(len(arm)):
            for rows in bandit._blocks(contexts, len(bandit.classes_)):
                mean[rows], std[rows] = bandit._reward_at(
                    block_of(contexts, rows), arm[rows], quantity[rows]
                )
        return (mean, std) if return_std else mean

    # --------------------------------------------------------------- transfer
    def add_arms(self, arms, init="prior", quantities=None):
        """Return a new bandit that also knows these arms.

        Parameters
        ----------
        arms : list of labels
            The new arms; they are appended to ``classes_``.
        init : {"prior", "mean"}, an arm that is known, or dict, default="prior"
            See :meth:`skbandit.base.BaseBandit.add_arms`.
        quantities : dict of label to (low, high) or list of such pairs, default=None
            The boxes of those new arms that take quantities.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.
        """
        old = self._with_named_boxes()
        if quantities:
            new = named_boxes(quantities, list(arms))
            boxes = {**(old.quantities or {}), **{label: quantities[label] for label in new}}
            wider = old._twin()
            wider.quantities = boxes
            return BaseBandit.add_arms(wider, arms, init)
        return BaseBandit.add_arms(old, arms, init)

    def remove_arms(self, arms):
        """Return a new bandit that has forgotten these arms.

        Parameters
        ----------
        arms : list of labels
            Arms to forget; at least one must remain.

        Returns
        -------
        bandit : estimator
            A new one; this one is untouched.
        """
        old = self._with_named_boxes()
        if isinstance(old.quantities, dict):
            gone = set(as_labels(arms, "arms").ravel().tolist())
            old.quantities = {k: v for k, v in old.quantities.items() if k not in gone}
        return BaseBandit.remove_arms(old, arms)

    def _with_named_boxes(self):
        """A twin whose arms and boxes are named."""
        old = self._twin()
        if self._takes_quantities and not isinstance(self.quantities, dict):
            old.arms = list(self._named_arms)
            old.quantities = {old.arms[0]: self.quantities}
        return old

    def _check_same_boxes(self, before, resize):
        """Raise where an arm has another box than in the bandit whose state is carried over.

        Parameters
        ----------
        before : Boxes
            Of the arms that were known.
        resize : Resize
        """
        now = self._boxes
        for place, source in enumerate(resize.arm_source.tolist()):
            if source < 0:
                continue
            ours, theirs = _pairs(now, place), _pairs(before, source)
            if ours != theirs:
                raise ValueError(
                    f"What was learnt of the arm {resize.arms[place].item()!r} with quantities in "
                    f"{theirs or None} cannot be carried to {ours or None}. Remove the arm and "
                    "add it anew."
                )


def _pairs(boxes, arm):
    """The box of an arm as a list of pairs."""
    taken = boxes.taken[arm]
    return list(zip(boxes.low[arm, taken].tolist(), boxes.high[arm, taken].tolist(), strict=True))
