"""Learning of the variational bandit: priors, rounds, and the posterior that becomes the prior."""

from dataclasses import replace

import numpy as np

from ._variational import Belief, BernoulliTerm, GaussianTerm, deviates, update_belief

# Prior degrees of freedom of the noise, as in the linear bandits.
_NOISE_DOF = 4.0
# Hidden weights: size of their prior mean, and of the freedom around it.
_HIDDEN_SIZE = 0.5
_HIDDEN_FREEDOM = 0.5
# Rows that are learnt at once; their Jacobian, and for a diagonal precision their products.
_MAX_ENTRIES = 1 << 24
_MAX_DIAGONAL_ROWS = 1024


class BayesianLearningMixin:
    """Conditions the belief about each group's weights on its rounds.

    A group is an arm, or all arms where they share their weights. What is kept is what rounds have
    added to the natural parameters of the prior: precision in ``gram_``, precision times mean in
    ``moment_``. The prior itself stays a parameter, and every round is counted once.
    """

    # ----------------------------------------------------------------- prior
    def _reward_scale(self, state=None, new_weight=0.0):
        """Root mean square of all rewards seen: the unit of the output's prior."""
        if self.likelihood == "bernoulli":
            return 1.0
        square = (self.reward_square_ if state is None else state["reward_square_"]).sum()
        total = self.weight_.sum() + np.sum(new_weight)
        return float(np.sqrt(square / total)) if square > 0 else 1.0

    def _of_arm(self, name, group, default):
        value = getattr(self, name)
        if not isinstance(value, dict):
            return float(value)
        return float(value.get(self.classes_.tolist()[group], default))

    def _prior(self, group, unit, layout):
        """Mean and precision of the prior of a group's weights, both (n_weights,)."""
        relative = layout.prior_scale()
        std = self._of_arm("prior_std", group, 1.0)
        mean = _HIDDEN_SIZE * relative * self.anchor_
        scale = _HIDDEN_FREEDOM * relative
        output = layout.is_output
        scale[output] = std * unit * relative[output]
        mean[layout.constant] = self._of_arm("prior_mean", group, 0.0)
        return mean, scale**-2.0

    def _belief_of(self, state, group, unit, layout):
        """Belief about a group's weights: its prior and what rounds have added."""
        mean, precision = self._prior(group, unit, layout)
        pull = precision * mean + state["moment_"][group]
        if self.precision == "diagonal":
            precision = precision + state["gram_"][group]
            return Belief.of(pull / precision, precision)
        total = state["gram_"][group].copy()
        np.einsum("ii->i", total)[:] += precision
        belief = Belief.of(np.zeros(len(pull)), total)
        return replace(belief, mean=belief.factor.T @ (belief.factor @ pull))

    @property
    def _rule(self):
        return deviates(None if self.weights == "gaussian" else float(self.dof))

    # -------------------------------------------------------------- learning
    def _plain_rounds(self, X, y, reward):
        """An update takes milliseconds: it can afford the full validation."""

    def _check_reward_support(self, reward):
        if self.likelihood == "bernoulli" and ((reward < 0) | (reward > 1)).any():
            bad = reward[(reward < 0) | (reward > 1)][0]
            raise ValueError(
                f"reward must lie in [0, 1] with likelihood='bernoulli', got {bad:g}. Use "
                "likelihood='gaussian' for rewards of any size."
            )

    def _learn(self, rounds):
        rows, group, reward, weight = self._played(rounds)
        state = {name: getattr(self, name).copy() for name in self._state_axes}
        layout = self._layout()
        self._count(state, group, reward, weight)
        unit, rule = self._reward_scale(state, weight), self._rule
        for one in np.unique(group):
            mine = np.flatnonzero(group == one)
            for part in self._parts(mine, layout):
                inputs = layout.inputs(np.asarray(rows[part], dtype=np.float64))
                try:
                    with np.errstate(over="ignore", invalid="ignore"):
                        self._update(
                            state, one, inputs, reward[part], weight[part], unit, rule, layout
                        )
                except (np.linalg.LinAlgError, FloatingPointError) as error:
                    raise ValueError(
                        "X or reward is so large that the posterior is not finite; the bandit is "
                        "what it was before. Scale the features (StandardScaler)."
                    ) from error
        vars(self).update(state)
        self._cache.clear()

    def _played(self, rounds):
        """Rows that teach: contexts, the group that each teaches, reward and weight."""
        contexts, arm, reward = rounds.contexts, rounds.arm, rounds.reward
        n_samples = len(contexts)
        weight = np.ones(n_samples) if rounds.weight is None else rounds.weight
        if contexts.ndim == 3:
            n_candidates = contexts.shape[1]
            if reward is None:
                # Full feedback: each candidate is a round of its own, paid 1 if it was named.
                rows = contexts.reshape(-1, contexts.shape[2])
                reward = (np.arange(n_candidates) == arm[:, None]).astype(np.float64).ravel()
                weight = np.repeat(weight, n_candidates)
            else:
                rows = contexts[np.arange(n_samples), arm]
            group = np.zeros(len(rows), dtype=np.intp)
        elif reward is None:
            n_arms = len(self.classes_)
            rows = np.repeat(contexts, n_arms, axis=0)
            group = np.tile(np.arange(n_arms), n_samples)
            reward = (group == np.repeat(arm, n_arms)).astype(np.float64)
            weight = np.repeat(weight, n_arms)
        else:
            rows, group = contexts, arm
        kept = weight > 0
        return rows[kept], group[kept], reward[kept], weight[kept]

    def _count(self, state, group, reward, weight):
        def add(name, values):
            np.add.at(state[name], group, values)

        if self.likelihood == "bernoulli":
            add("successes_", weight * reward)
            add("failures_", weight * (1.0 - reward))
        else:
            add("reward_square_", weight * reward**2)

    def _parts(self, rows, layout):
        """Cut rows where their Jacobian, or its products, would take too much memory."""
        size = max(64, _MAX_ENTRIES // layout.n_weights)
        if self.precision == "diagonal":
            size = min(size, _MAX_DIAGONAL_ROWS)
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def _update(self, state, group, inputs, reward, weight, unit, rule, layout):
        """Condition one group's belief on rounds and write what they add into `state`."""
        prior = self._belief_of(state, group, unit, layout)

        def linearize(weights):
            return layout.linearize(weights, inputs)

        if self.likelihood == "bernoulli":
            term = BernoulliTerm(reward, weight)
        else:
            known, count = state["residual_square_"][group], state["weight_"][group]
            total = count + weight.sum()
            term = GaussianTerm(
                reward,
                weight,
                self._noise(known, count, unit),
                lambda square: self._noise(known + square, total, unit),
            )
        belief, gain, scores = update_belief(
            prior, linearize, term, rule, max_iter=self.max_iter, tol=self.tol
        )
        if self.likelihood == "gaussian":
            state["residual_square_"][group] += term.residual_square(rule, *scores)
        pull = gain @ belief.mean if gain.ndim == 2 else gain * belief.mean
        moment = pull + prior.weigh(belief.mean - prior.mean)
        if not (np.isfinite(gain).all() and np.isfinite(moment).all()):
            raise FloatingPointError("the update is not finite")
        state["weight_"][group] += weight.sum()
        state["gram_"][group] += gain
        state["moment_"][group] += moment

    def _noise(self, square, count, unit):
        """Variance of the noise: fixed, or the inverse of its posterior mean precision."""
        if self.noise == "fixed":
            return float(self.noise_std) ** 2
        return (_NOISE_DOF * unit**2 + square) / (_NOISE_DOF + count)
