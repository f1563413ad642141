"""Compare off-policy values with those of Open Bandit Pipeline (package obp) on the same inputs.

obp 0.5.7 asks for old versions of Python and of its dependencies, so it gets an environment of its
own. It runs on Python 3.11 with present ones::

    python -m venv obp-env
    obp-env/bin/pip install --no-deps --ignore-requires-python obp==0.5.7
    obp-env/bin/pip install numpy scipy "scikit-learn>=1.7" pandas matplotlib seaborn pyyaml tqdm
    torch PYTHONPATH=. obp-env/bin/python benchmarks/agreement_with_obp.py

It prints one line an estimator, with both values and their difference, and exits with 1 where a
difference exceeds 1e-10. Slate estimators and SLOPE are among them. obp has no counterpart of
`ix_value` and `cressie_read_value`, nor of the pessimistic shrinkage by that name: `DoublyRobust`
with clipped weights is the same formula. For a stochastic policy obp weighs the fit of MRDR by the
policy's probability, skbandit by its square, as the variance has it; with a deterministic policy,
as in the paper, both agree and are compared.
"""

import sys

import numpy as np
from obp import ope
from obp.ope.regression_model import RegressionModel
from sklearn.linear_model import LinearRegression

from skbandit import metrics

TOLERANCE = 1e-10
N_ROUNDS, N_ARMS, N_SLOTS = 5000, 10, 3


def make_log(rng):
    """Draw a log with skewed propensities, a policy and an imperfect model."""
    logits = 1.5 * rng.normal(size=(N_ROUNDS, N_ARMS))
    logging = np.exp(logits)
    logging /= logging.sum(axis=1, keepdims=True)
    policy = rng.dirichlet(np.ones(N_ARMS), size=N_ROUNDS)
    expected = rng.uniform(size=(N_ROUNDS, N_ARMS))
    arm = (rng.uniform(size=(N_ROUNDS, 1)) > logging.cumsum(axis=1)).sum(axis=1)
    arm = arm.clip(0, N_ARMS - 1)
    rows = np.arange(N_ROUNDS)
    reward = rng.binomial(1, expected[rows, arm]).astype(float)
    model = np.clip(expected + 0.2 * rng.normal(size=expected.shape), 0, 1)
    return {
        "reward": reward,
        "arm": arm,
        "propensity": logging[rows, arm],
        "policy_probability": policy,
        "expected_reward": model,
    }


def value_pairs(log):
    """Yield name, our value and obp's for the estimators of a single arm."""
    theirs = {
        "reward": log["reward"],
        "action": log["arm"],
        "pscore": log["propensity"],
        "action_dist": log["policy_probability"][:, :, None],
        "estimated_rewards_by_reg_model": log["expected_reward"][:, :, None],
    }

    def obp_value(estimator, **changes):
        return estimator.estimate_policy_value(**{**theirs, **changes})

    def our_value(name, **parameters):
        return metrics.policy_value(name, **log, **parameters).value

    greedy = np.eye(N_ARMS)[log["policy_probability"].argmax(axis=1)]
    replay = metrics.replay_value(
        reward=log["reward"], arm=log["arm"], policy_probability=greedy
    ).value
    yield "replay", replay, obp_value(ope.ReplayMethod(), action_dist=greedy[:, :, None])
    yield "ips", our_value("ips"), obp_value(ope.InverseProbabilityWeighting())
    for clip in (1.0, 5.0):
        other = obp_value(ope.InverseProbabilityWeighting(lambda_=clip))
        yield f"clipped_ips(clip={clip:g})", our_value("clipped_ips", clip=clip), other
    yield "snips", our_value("snips"), obp_value(ope.SelfNormalizedInverseProbabilityWeighting())
    yield "dm", our_value("dm"), obp_value(ope.DirectMethod())
    yield "dr", our_value("dr"), obp_value(ope.DoublyRobust())
    yield "sndr", our_value("sndr"), obp_value(ope.SelfNormalizedDoublyRobust())
    for tau in (0.5, 5.0):
        other = obp_value(ope.SwitchDoublyRobust(lambda_=tau))
        yield f"switch_dr(tau={tau:g})", our_value("switch_dr", tau=tau), other
    for lambda_ in (0.0, 1.0, 100.0):
        other = obp_value(ope.DoublyRobustWithShrinkage(lambda_=lambda_))
        yield f"dros(lambda_={lambda_:g})", our_value("dros", lambda_=lambda_), other
        other = obp_value(ope.DoublyRobust(lambda_=lambda_))
        yield f"drps(lambda_={lambda_:g})", our_value("drps", lambda_=lambda_), other
    for lambda_ in (0.0, 0.1, 1.0):
        other = obp_value(ope.SubGaussianInverseProbabilityWeighting(lambda_=lambda_))
        ours = our_value("subgaussian_ips", lambda_=lambda_)
        yield f"subgaussian_ips(lambda_={lambda_:g})", ours, other
        other = obp_value(ope.SubGaussianDoublyRobust(lambda_=lambda_))
        ours = our_value("subgaussian_dr", lambda_=lambda_)
        yield f"subgaussian_dr(lambda_={lambda_:g})", ours, other
    weight = 2 * np.random.default_rng(1).uniform(size=N_ROUNDS)
    for clip in (np.inf, 1.0):
        ours = metrics.balanced_ips_value(reward=log["reward"], weight=weight, clip=clip).value
        other = obp_value(
            ope.BalancedInverseProbabilityWeighting(lambda_=clip),
            estimated_importance_weights=weight,
        )
        yield f"balanced_ips(clip={clip:g})", ours, other


def slope_pairs(log):
    """Yield name, our value and obp's where SLOPE chooses the tuning parameter."""
    grid = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    theirs = {
        "reward": log["reward"],
        "action": log["arm"],
        "pscore": log["propensity"],
        "action_dist": log["policy_probability"][:, :, None],
        "estimated_rewards_by_reg_model": log["expected_reward"][:, :, None],
    }
    cases = {
        "clipped_ips": ("clip", ope.InverseProbabilityWeightingTuning),
        "drps": ("lambda_", ope.DoublyRobustTuning),
        "switch_dr": ("tau", ope.SwitchDoublyRobustTuning),
        "dros": ("lambda_", ope.DoublyRobustWithShrinkageTuning),
    }
    for name, (parameter, tuned) in cases.items():
        values = [metrics.policy_value(name, **log, **{parameter: one}) for one in grid]
        ours = values[metrics.slope(values, delta=0.1, rule="slope++")].value
        other = tuned(lambdas=grid, tuning_method="slope", delta=0.1)
        yield f"slope++ of {name}", ours, other.estimate_policy_value(**theirs)


def slate_pairs(rng):
    """Yield name, our value and obp's for the estimators of slates."""
    shape = (N_ROUNDS, N_SLOTS)
    reward = rng.binomial(1, 0.3, size=shape).astype(float)
    propensity, policy = rng.uniform(0.2, 1.0, size=(2, *shape))
    table = rng.uniform(size=(*shape, N_ARMS))
    choice = rng.dirichlet(np.ones(N_ARMS), size=shape)
    arm = rng.integers(N_ARMS, size=shape)
    # obp takes one row a slot.
    flat = {
        "slate_id": np.repeat(np.arange(N_ROUNDS), N_SLOTS),
        "reward": reward.ravel(),
        "position": np.tile(np.arange(N_SLOTS), N_ROUNDS),
    }

    def joint(table):
        return np.repeat(table.prod(axis=1), N_SLOTS)

    arrays = {"reward": reward, "propensity": propensity, "policy_probability": policy}
    for prefix, normalize in (("Slate", False), ("SelfNormalizedSlate", True)):
        mark = " normalized" if normalize else ""
        other = getattr(ope, f"{prefix}StandardIPS")(len_list=N_SLOTS)
        other = other.estimate_policy_value(
            **flat, pscore=joint(propensity), evaluation_policy_pscore=joint(policy)
        )
        yield (
            f"slate_ips{mark}",
            metrics.slate_ips_value(**arrays, normalize=normalize).value,
            other,
        )
        other = getattr(ope, f"{prefix}IndependentIPS")(len_list=N_SLOTS)
        other = other.estimate_policy_value(
            **flat,
            pscore_item_position=propensity.ravel(),
            evaluation_policy_pscore_item_position=policy.ravel(),
        )
        yield (
            f"independent_ips{mark}",
            metrics.independent_ips_value(**arrays, normalize=normalize).value,
            other,
        )
        other = getattr(ope, f"{prefix}RewardInteractionIPS")(len_list=N_SLOTS)
        other = other.estimate_policy_value(
            **flat,
            pscore_cascade=propensity.cumprod(axis=1).ravel(),
            evaluation_policy_pscore_cascade=policy.cumprod(axis=1).ravel(),
        )
        yield (
            f"reward_interaction_ips{mark}",
            metrics.reward_interaction_ips_value(**arrays, normalize=normalize).value,
            other,
        )
    other = ope.SlateCascadeDoublyRobust(len_list=N_SLOTS, n_unique_action=N_ARMS)
    other = other.estimate_policy_value(
        **flat,
        action=arm.ravel(),
        pscore_cascade=propensity.cumprod(axis=1).ravel(),
        evaluation_policy_pscore_cascade=policy.cumprod(axis=1).ravel(),
        q_hat=table.ravel(),
        evaluation_policy_action_dist=choice.ravel(),
    )
    ours = metrics.cascade_dr_value(
        **arrays,
        expected_reward=np.take_along_axis(table, arm[:, :, None], axis=2)[:, :, 0],
        policy_expected_reward=(table * choice).sum(axis=2),
    )
    yield "cascade_dr", ours.value, other


def mrdr_pair(log, rng):
    """Return name, our value and obp's with a reward model fitted for MRDR."""
    X = rng.normal(size=(N_ROUNDS, 4))
    greedy = np.eye(N_ARMS)[log["policy_probability"].argmax(axis=1)]
    weight = metrics.mrdr_weight(
        arm=log["arm"], propensity=log["propensity"], policy_probability=greedy
    )
    everything = [(np.arange(N_ROUNDS), np.arange(N_ROUNDS))]
    model = LinearRegression()
    expected = metrics.cross_fit_rewards(
        model,
        X,
        log["arm"],
        log["reward"],
        n_arms=N_ARMS,
        cv=everything,
        arm_model="shared",
        sample_weight=weight,
    )
    ours = metrics.dr_value(
        **{**log, "policy_probability": greedy, "expected_reward": expected}
    ).value
    other = RegressionModel(n_actions=N_ARMS, base_model=model, fitting_method="mrdr")
    predicted = other.fit_predict(
        context=X,
        action=log["arm"],
        reward=log["reward"],
        pscore=log["propensity"],
        action_dist=greedy[:, :, None],
    )
    theirs = ope.DoublyRobust().estimate_policy_value(
        reward=log["reward"],
        action=log["arm"],
        pscore=log["propensity"],
        action_dist=greedy[:, :, None],
        estimated_rewards_by_reg_model=predicted,
    )
    return "dr, model fitted by mrdr_weight", ours, theirs


def main():
    """Print the table and return the exit code."""
    rng = np.random.default_rng(0)
    log = make_log(rng)
    pairs = [*value_pairs(log), *slope_pairs(log), *slate_pairs(rng), mrdr_pair(log, rng)]
    print(f"{'estimator':36} {'skbandit':>20} {'obp':>20} {'difference':>11}")
    worst = 0.0
    for name, ours, theirs in pairs:
        difference = abs(ours - theirs)
        worst = max(worst, difference)
        print(f"{name:36} {ours:20.15f} {theirs:20.15f} {difference:11.1e}")
    print(f"largest difference {worst:.1e}, wanted at most {TOLERANCE:g}")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
