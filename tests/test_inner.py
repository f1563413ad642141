"""Bandits inside a bandit."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skbandit._inner import least_tags, weighed
from skbandit._tags import get_bandit_tags
from skbandit.contextfree import BetaThompsonSampling, Exp3, TopTwoThompsonSampling
from skbandit.linear import LinearThompsonSampling, LinearUCB
from skbandit.meta import BootstrappedThompsonSampling, GreedyBandit
from skbandit.objectives import MultiObjectiveBandit
from skbandit.selectors import ArgmaxSelector, SoftmaxSelector

RNG = np.random.RandomState(0)
X, ARM, REWARD = RNG.randn(80, 2), RNG.randint(3, size=80), RNG.randn(80)


@pytest.mark.parametrize("selector", [ArgmaxSelector(), SoftmaxSelector()])
@pytest.mark.parametrize(
    "bandit",
    [
        LinearUCB(random_state=0),
        LinearThompsonSampling(random_state=0),
        GreedyBandit(random_state=0),
        BootstrappedThompsonSampling(random_state=0),
    ],
)
def test_what_is_weighed_makes_the_policy(bandit, selector):
    bandit = bandit.set_params(selector=selector).fit(X, ARM, reward=REWARD)
    belief = weighed(bandit, X[:20])
    expected = belief.expect(selector) if np.any(belief.std) else selector.select(belief.mean)
    assert_allclose(bandit.predict_proba(X[:20]), expected, atol=1e-12)


@pytest.mark.parametrize("kind", [Exp3, TopTwoThompsonSampling])
def test_bandits_without_scores_to_weigh(kind):
    bandit = kind(random_state=0).fit(X, ARM, reward=(REWARD > 0).astype(float))
    with pytest.raises(ValueError, match=f"{kind.__name__} decides by more than a selector"):
        weighed(bandit, X[:3])


def test_least_tags():
    tags = LinearUCB().__sklearn_tags__()
    both = [LinearUCB(), LinearUCB(forgetting=0.9), BootstrappedThompsonSampling()]
    least = least_tags(tags, both).bandit_tags
    assert least.learning == get_bandit_tags(both[2]).learning
    assert not least.can_merge
    assert least.fades


def test_bandits_without_contexts_hand_over_all_rows():
    bandit = BetaThompsonSampling(random_state=0).fit(X, ARM, reward=(REWARD > 0).astype(float))
    assert weighed(bandit, X[:7]).mean.shape == (7, 3)


def test_features_inside_have_no_names():
    names = ["left", "right", "more"]
    frame = pd.DataFrame(X, columns=names[:2])
    paid = np.column_stack([REWARD, -REWARD])
    bandit = MultiObjectiveBandit(bandit=LinearUCB(), random_state=0).fit(frame, ARM, paid)
    bigger = bandit.expand_features(["more"])
    assert bigger.feature_names_in_.tolist() == names
    assert not any(hasattr(one, "feature_names_in_") for one in bigger.bandits_)
    padded = pd.DataFrame(np.column_stack([X, np.zeros(80)]), columns=names)
    # A warning about names would be an error.
    assert_allclose(bigger.predict_proba(padded), bandit.predict_proba(frame))
