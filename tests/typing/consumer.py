"""What a user's typed code does with the package; it type-checks, and it runs.

Estimators carry no hints, as in scikit-learn, so what they return is ``Any``. Names, records and
what is said of them are checked: ``assert_type`` fails where a field changes its type.
"""

from typing import assert_type

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import skbandit
from skbandit.base import BanditTags, BaseBandit, StateField, is_bandit, make_log
from skbandit.beliefs import BaseBelief, IndependentBelief, JointBelief, LinkedBelief
from skbandit.benchmark import simulate, summarize
from skbandit.buffers import AllData, BaseBuffer, RandomSampler, Reservoir, SlidingWindow
from skbandit.datasets import load_open_bandit, load_shuttle, make_wheel_bandit
from skbandit.environments import (
    BaseEnvironment,
    ClassificationEnvironment,
    EnvironmentRounds,
    LinearEnvironment,
    WheelEnvironment,
    log_policy,
)
from skbandit.explorations import (
    ThompsonSamplingMixin,
    UpperConfidenceBoundMixin,
    thompson_policy,
)
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.metrics import (
    Interval,
    PolicySupport,
    PolicyValue,
    QuantityRewards,
    cross_fit_quantity_rewards,
    get_policy_scorer,
    make_policy_scorer,
    policy_support,
    policy_value,
)
from skbandit.model_selection import (
    Knee,
    LogSplit,
    ProgressiveValidation,
    ReplayValidation,
    compare_policies,
    progressive_validation,
    replay_validate,
    reward_cost_curve,
)
from skbandit.pipeline import LogTarget
from skbandit.selectors import (
    ArgmaxSelector,
    BaseSelector,
    EpsilonGreedySelector,
    SoftmaxSelector,
    TopKSelector,
)
from skbandit.strategies import PricedSelector
from skbandit.transfer import add_arms, expand_features, merge, transfer
from skbandit.utils import get_bandit_tags
from skbandit.utils.discovery import all_bandits

SELECTORS: list[BaseSelector] = [
    ArgmaxSelector(),
    EpsilonGreedySelector(epsilon=0.1),
    SoftmaxSelector(temperature=0.5),
    TopKSelector(k=2),
]
BUFFERS: list[BaseBuffer] = [AllData(), Reservoir(size=10), SlidingWindow(size=10)]
ENVIRONMENTS: list[type[BaseEnvironment]] = [ClassificationEnvironment, WheelEnvironment]
LOADERS = [load_open_bandit, load_shuttle, make_wheel_bandit]


def build(selector: BaseSelector) -> list[BaseBandit]:
    """Bandits, one of each linear family."""
    kinds: list[type[BaseBandit]] = [LinearUCB, LinearThompsonSampling]
    return [kind(arms=[0, 1, 2], selector=selector, random_state=0) for kind in kinds]


def learn(bandit: BaseBandit, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Play, learn from what was played, and return contexts and log."""
    environment = LinearEnvironment(n_features=2, n_arms=3)
    rounds: EnvironmentRounds = environment.sample(200, random_state=seed)
    assert_type(rounds.reward, np.ndarray)
    arms, propensity = bandit.predict(rounds.contexts, return_propensity=True)
    log: np.ndarray = make_log(arms, rounds.reward[np.arange(200), arms], propensity)
    bandit.partial_fit(rounds.contexts, log)
    return rounds.contexts, log


def value(bandit: BaseBandit, contexts: np.ndarray, log: np.ndarray) -> float:
    """The value of a policy, read from typed records."""
    policy = {"policy_probability": bandit.predict_proba(contexts), "arm": log["arm"]}
    rounds = {"reward": log["reward"], "propensity": log["propensity"]}
    estimate: PolicyValue = policy_value("snips", **rounds, **policy)
    assert_type(estimate.name, str)
    assert_type(estimate.columns, np.ndarray)
    interval: Interval = estimate.interval("normal")
    assert_type(interval.low, float)
    assert_type(interval.high, float)
    support: PolicySupport = policy_support(
        propensity=log["propensity"],
        policy_probability=policy["policy_probability"],
        arm=log["arm"],
    )
    doses = np.linspace(0.0, 1.0, len(contexts))
    rewards: QuantityRewards = cross_fit_quantity_rewards(
        None, contexts, doses, log["reward"], policy_quantity=doses
    )
    assert_type(rewards.policy, np.ndarray)
    return interval.high - interval.low + support.max_weight


def select(pipeline: Pipeline, contexts: np.ndarray, log: np.ndarray) -> None:
    """Scorers, splits and comparisons."""
    pipeline.fit(contexts, log)
    scorer = get_policy_scorer("snips")
    other = make_policy_scorer("ips")
    scores: list[float] = [scorer(pipeline, contexts, log), other(pipeline, contexts, log)]
    tables = [compare_policies({"new": pipeline}, contexts, log, estimator="snips"), scores]
    for train, test in LogSplit(n_splits=2).split(contexts, log):
        tables.append(pipeline.fit(contexts[train], log[train]).score(contexts[test], log[test]))


def follow(bandit: BaseBandit, contexts: np.ndarray, log: np.ndarray) -> None:
    """What online validation returns."""
    progress: ProgressiveValidation = progressive_validation(bandit, contexts, log)
    replay: ReplayValidation = replay_validate(bandit, contexts, log, random_state=0)
    priced = {"selector": PricedSelector(1.0), "parameter": "price", "values": [0.0, 1.0]}
    knee: Knee = reward_cost_curve(bandit, contexts, log, estimator="snips", **priced).knee()
    del progress, replay, knee


def believe(mean: np.ndarray, scale: np.ndarray) -> BaseBelief:
    """What a bandit of one's own is written with."""
    kinds: list[type] = [ThompsonSamplingMixin, UpperConfidenceBoundMixin, LogTarget, JointBelief]
    field: StateField = StateField("arm", merge="sum")
    latent: BaseBelief = IndependentBelief(mean, scale)
    policy: np.ndarray = thompson_policy(latent, ArgmaxSelector())
    return LinkedBelief(latent, np.tanh) if len(policy) and field.axes and kinds else latent


def describe(bandit: BaseBandit) -> str:
    """Capabilities, read from a typed record."""
    tags: BanditTags = get_bandit_tags(bandit)
    assert_type(tags.learning, str)
    assert_type(tags.rounding, float)
    return tags.learning if tags.can_merge else tags.policy


def reshape(bandit: BaseBandit) -> BaseBandit:
    """Other arms, other features, other parameters, shards together."""
    bigger: BaseBandit = expand_features(add_arms(bandit, [3]), 1)
    fresh: BaseBandit = transfer(bandit, LinearUCB(alpha=2.0))
    joined: BaseBandit = merge([bigger, bigger])
    return joined if is_bandit(fresh) else bigger


def main() -> None:
    """Run all of it."""
    version: str = skbandit.__version__
    names = [name for name, _ in all_bandits()]
    uniform = EpsilonGreedySelector(epsilon=1.0)
    logger = LinearUCB(arms=[0, 1, 2], selector=uniform)
    contexts, log = log_policy(logger, LinearEnvironment(n_features=2, n_arms=3), 300)
    select(make_pipeline(StandardScaler(), LinearUCB(random_state=0)), contexts, log)
    follow(LinearUCB(arms=[0, 1, 2], random_state=0), contexts, log)
    for bandit in build(uniform):
        seen, own = learn(bandit, seed=0)
        number: float = value(bandit, seen, own)
        print(version, len(names), RandomSampler(), round(number, 3), reshape(bandit))
        print(describe(bandit), believe(np.zeros((1, 2)), np.ones((1, 2))).mean)
    table = summarize(simulate({"ucb": LinearUCB()}, LinearEnvironment(n_arms=2), 50))
    print(table)


if __name__ == "__main__":
    main()
