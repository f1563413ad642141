"""One adapter a library: how its users learn, decide and loop with it, in its own idiom.

All play the same model where a library has it: one ridge regression an arm, no intercept, prior
precision 1, noise of variance 1, exploration of one standard deviation. Libraries are imported
when a contestant is made, so that one that is not installed is skipped with the reason.
"""

from importlib import import_module

import numpy as np
from scipy.special import ndtr

# One standard deviation: river's bound has no factor, so this is the width that all share.
ALPHA = 1.0
PRIOR_PRECISION = 1.0
# contextualbandits takes no seed of 0.
SEED = 1


class Contestant:
    """One library in one setting.

    Parameters
    ----------
    policy : {"ucb", "ts"}
    label : str
        How the setting is called in the tables.
    note : str
        What it computes where that is not what the others compute.
    max_rows : int or None
        The most rows that a decision may take, for memory.
    options : dict
        Passed to the library.
    """

    def __init__(self, policy, label, note="", max_rows=None, **options):
        self.policy, self.label, self.note = policy, label, note
        self.max_rows, self.options = max_rows, options

    def contexts(self, X):
        """Bring contexts into the form that the library's users have them in; not timed."""
        return X

    def fit(self, X, arm, reward, n_arms):
        """Learn from scratch, up to what a decision needs, and return self."""
        raise NotImplementedError

    def decide(self, X):
        """Return the arms to play, array or list."""
        raise NotImplementedError

    def play(self, contexts, payoff):
        """Decide and learn round by round; `payoff` is (n_rounds, n_arms). Return the arms."""
        raise NotImplementedError


class Skbandit(Contestant):
    """This package. Decisions draw from the exact policy, so their propensity is known."""

    def fit(self, X, arm, reward, n_arms):
        """See :class:`Contestant`."""
        linear = import_module("skbandit.linear")
        kind = {"ucb": linear.LinearUCB, "ts": linear.LinearThompsonSampling}[self.policy]
        self.bandit = kind(arms=list(range(n_arms)), random_state=SEED, **self.options)
        self.bandit.fit(X, arm, reward)
        # Factorizations are made on first use; the others make theirs while they learn.
        _ = self.bandit.coef_
        return self

    def decide(self, X):
        """See :class:`Contestant`."""
        arms, _ = self.bandit.predict(X, return_propensity=True)
        return arms

    def policy_probability(self, X):
        """The exact policy, to hold the others against."""
        return self.bandit.predict_proba(X)

    def play(self, contexts, payoff):
        """See :class:`Contestant`."""
        bandit, played = self.bandit, []
        for i in range(len(contexts)):
            row = contexts[i : i + 1]
            arms, _ = bandit.predict(row, return_propensity=True)
            bandit.partial_fit(row, arms, payoff[i, arms])
            played.append(arms[0])
        return played


class ContextualBandits(Contestant):
    """contextualbandits: ridge regressions in Cython on BLAS; njobs=1, its default."""

    def fit(self, X, arm, reward, n_arms):
        """See :class:`Contestant`."""
        online = import_module("contextualbandits.online")
        kind = {"ucb": online.LinUCB, "ts": online.LinTS}[self.policy]
        self.bandit = kind(
            n_arms,
            lambda_=PRIOR_PRECISION,
            fit_intercept=False,
            random_state=SEED,
            njobs=1,
            **self.options,
        )
        self.bandit.fit(X, arm, reward)
        return self

    def decide(self, X):
        """See :class:`Contestant`."""
        return self.bandit.predict(X)

    def play(self, contexts, payoff):
        """See :class:`Contestant`."""
        bandit, played = self.bandit, []
        for i in range(len(contexts)):
            row = contexts[i : i + 1]
            arms = bandit.predict(row)
            bandit.partial_fit(row, arms, payoff[i, arms])
            played.append(arms[0])
        return played


class Mabwiser(Contestant):
    """mabwiser: numpy, the inverse afresh at every update; n_jobs=1, its default."""

    def fit(self, X, arm, reward, n_arms):
        """See :class:`Contestant`."""
        mab = import_module("mabwiser.mab")
        kind = {"ucb": mab.LearningPolicy.LinUCB, "ts": mab.LearningPolicy.LinTS}[self.policy]
        learning = kind(alpha=ALPHA, l2_lambda=PRIOR_PRECISION)
        self.bandit = mab.MAB(list(range(n_arms)), learning, seed=SEED, n_jobs=1)
        self.bandit.fit(arm, reward, X)
        return self

    def decide(self, X):
        """See :class:`Contestant`."""
        return self.bandit.predict(X)

    def play(self, contexts, payoff):
        """See :class:`Contestant`."""
        bandit, played = self.bandit, []
        for i in range(len(contexts)):
            row = contexts[i : i + 1]
            arm = bandit.predict(row)
            bandit.partial_fit(np.array([arm]), payoff[i, arm : arm + 1], row)
            played.append(arm)
        return played


class BayesianBandits(Contestant):
    """bayesianbandits: conjugate normal regression with known noise, one learner an arm."""

    def fit(self, X, arm, reward, n_arms):
        """See :class:`Contestant`."""
        library = import_module("bayesianbandits")
        policy = {
            "ucb": lambda: library.UpperConfidenceBound(alpha=float(ndtr(ALPHA)), samples=1000),
            "ts": library.ThompsonSampling,
        }[self.policy]()
        learners = [library.NormalRegressor(PRIOR_PRECISION, 1.0) for _ in range(n_arms)]
        arms = [library.Arm(token, learner=learner) for token, learner in enumerate(learners)]
        self.bandit = library.ContextualAgent(arms, policy, random_seed=SEED)
        for token in range(n_arms):
            mine = arm == token
            if mine.any():
                self.bandit.select_for_update(token).update(X[mine], reward[mine])
        return self

    def decide(self, X):
        """See :class:`Contestant`."""
        return self.bandit.pull(X)

    def play(self, contexts, payoff):
        """See :class:`Contestant`."""
        bandit, played = self.bandit, []
        for i in range(len(contexts)):
            row = contexts[i : i + 1]
            (arm,) = bandit.pull(row)
            # After one decision the arm to update is already the one that was played.
            bandit.update(row, payoff[i, arm : arm + 1])
            played.append(arm)
        return played


class River(Contestant):
    """river: one Bayesian linear regression an arm, contexts as dicts; the online loop only."""

    def contexts(self, X):
        """See :class:`Contestant`."""
        names = [f"x{column}" for column in range(X.shape[1])]
        return [dict(zip(names, row, strict=True)) for row in X.tolist()]

    def fit(self, X, arm, reward, n_arms):
        """See :class:`Contestant`."""
        bandit = import_module("river.bandit")
        self.bandit = bandit.LinUCBDisjoint(alpha=1.0 / PRIOR_PRECISION, beta=1.0, seed=SEED)
        self.arms = list(range(n_arms))
        rows = zip(arm.tolist(), self.contexts(X), reward.tolist(), strict=True)
        for played, context, paid in rows:
            self.bandit.update(played, context, paid)
        return self

    def play(self, contexts, payoff):
        """See :class:`Contestant`."""
        bandit, arms, played = self.bandit, self.arms, []
        payoff = payoff.tolist()
        for context, pays in zip(contexts, payoff, strict=True):
            arm = bandit.pull(arms, context=context)
            bandit.update(arm, context, pays[arm])
            played.append(arm)
        return played


SAME_MODEL = {
    "alpha": ALPHA,
    "prior_precision": PRIOR_PRECISION,
    "fit_intercept": False,
    "noise": "fixed",
    "noise_std": 1.0,
}
LESS = "does less: "
DRAW_PER_CALL = LESS + "one posterior draw for all rows"
FLOAT32 = LESS + "single precision"
DRAWN_SCORES = "draws scores: no propensity"
DRAWN_WEIGHTS = "draws weights for each row: no propensity"
MONTE_CARLO = "bound from 1,000 draws for each arm, not exact"


def _ours(policy, note="exact policy, propensities"):
    return [
        Skbandit(policy, "skbandit", note, **SAME_MODEL),
        Skbandit(policy, "skbandit, defaults", "also intercept and learnt noise"),
    ]


def learners():
    """Contestants of batch learning."""
    exact = {"alpha": ALPHA, "use_float": False}
    return [
        *_ours("ucb", note=""),
        ContextualBandits("ucb", "contextualbandits chol", method="chol", **exact),
        ContextualBandits("ucb", "contextualbandits sm", method="sm", **exact),
        ContextualBandits(
            "ucb", "contextualbandits chol float32", FLOAT32, method="chol", alpha=ALPHA
        ),
        Mabwiser("ucb", "mabwiser"),
        BayesianBandits("ucb", "bayesianbandits"),
    ]


def deciders(policy):
    """Contestants of batch decisions."""
    # Memory: 1,000 draws of 8 bytes for each of 10 arms, twice, are 160 kB a row.
    monte_carlo = BayesianBandits(policy, "bayesianbandits", MONTE_CARLO, max_rows=10_000)
    if policy == "ucb":
        return [
            *_ours(policy),
            ContextualBandits(
                policy, "contextualbandits", method="chol", use_float=False, alpha=ALPHA
            ),
            ContextualBandits(
                policy, "contextualbandits float32", FLOAT32, method="chol", alpha=ALPHA
            ),
            Mabwiser(policy, "mabwiser"),
            monte_carlo,
        ]
    # LinTS scales the covariance by v_sq where it samples coefficients, and the standard deviation
    # where it samples scores ("ci").
    coef = {"sample_from": "coef", "v_sq": ALPHA**2, "method": "chol"}
    return [
        *_ours(policy),
        ContextualBandits(
            policy,
            "contextualbandits ci",
            DRAWN_SCORES,
            sample_from="ci",
            v_sq=ALPHA,
            method="chol",
        ),
        ContextualBandits(
            policy, "contextualbandits coef", DRAWN_WEIGHTS, sample_unique=True, **coef
        ),
        ContextualBandits(
            policy, "contextualbandits coef, one", DRAW_PER_CALL, sample_unique=False, **coef
        ),
        Mabwiser(policy, "mabwiser", DRAWN_WEIGHTS),
        BayesianBandits(policy, "bayesianbandits", DRAW_PER_CALL),
    ]


def players(policy):
    """Contestants of the online loop."""
    if policy == "ucb":
        return [
            *_ours(policy),
            ContextualBandits(
                policy, "contextualbandits sm", method="sm", use_float=False, alpha=ALPHA
            ),
            ContextualBandits(
                policy, "contextualbandits sm float32", FLOAT32, method="sm", alpha=ALPHA
            ),
            Mabwiser(policy, "mabwiser"),
            BayesianBandits(policy, "bayesianbandits", MONTE_CARLO),
            River(policy, "river", "width includes the noise"),
        ]
    return [
        *_ours(policy),
        ContextualBandits(
            policy,
            "contextualbandits sm ci",
            DRAWN_SCORES,
            sample_from="ci",
            v_sq=ALPHA,
            method="sm",
            use_float=False,
        ),
        ContextualBandits(
            policy,
            "contextualbandits coef",
            DRAWN_WEIGHTS,
            sample_from="coef",
            v_sq=ALPHA**2,
            method="chol",
        ),
        Mabwiser(policy, "mabwiser", DRAWN_WEIGHTS),
        BayesianBandits(policy, "bayesianbandits", DRAWN_WEIGHTS),
    ]
