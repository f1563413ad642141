"""What a bandit can do, declared once: tags beside scikit-learn's own."""

from dataclasses import dataclass, field, fields

from sklearn.base import BaseEstimator
from sklearn.utils import Tags, get_tags

_CHOICES = {
    "reward": ("real", "unit_interval", "binary", "count", "several"),
    "learning": ("sum", "sequence", "calls", "buffer", "none"),
    "merging": ("exact", "approximate", "no", None),
    "policy": ("exact", "draws"),
    "contexts": ("numbers", "any", "none"),
    "arms": ("independent", "linked", "shared"),
    "arm_order": ("free", "named", "matters"),
    "prior": ("fixed", "learnt"),
    "propensity": ("unused", "used"),
    "cost": ("unused", "used"),
    "quantity": ("none", "some"),
    "location": ("fixed", "learnt"),
    "adding_features": ("exact", "approximate", "no"),
    "dropping_features": ("exact", "approximate", "no"),
}


@dataclass(slots=True)
class BanditTags:
    """What a bandit can do.

    ``check_bandit``, ``merge``, ``transfer`` and the documentation read these; nobody asks for a
    class, for a parameter's name, or by trying.

    Parameters
    ----------
    reward : {"real", "unit_interval", "binary", "count", "several"}, default="real"
        Which rewards the model takes: any number, numbers in [0, 1], 0 and 1, 0 and the positive
        integers, or several numbers a round.
    learning : {"sum", "sequence", "calls", "buffer", "none"}, default="sum"
        How it learns. "sum": a sum over rounds, so that any split and order of the rounds ends
        alike. "sequence": one round after the other; any split ends alike, the order matters.
        "calls": every learning call is an approximation of its own, so it matters how rounds are
        cut into calls. "buffer": it is fitted anew from rounds that are kept, on a schedule.
        "none": not at all.
    fades : bool, default=False
        Whether rounds lose weight as others come: their order then matters within a call too, and
        one round of full feedback is not several rounds.
    merging : {"exact", "approximate", "no"} or None, default=None
        Whether shards can be joined. None follows `learning`: "exact" for a sum, "no" for all
        else.
    has_width : bool, default=True
        Whether ``expected_reward(X, return_std=True)`` knows how sure the model is. Without, the
        standard deviation is 0.
    policy : {"exact", "draws"}, default="exact"
        Whether the policy's probabilities are computed, or are shares of a number of draws.
    contexts : {"numbers", "any", "none"}, default="numbers"
        "numbers": arrays of numbers, frames of them and what scikit-learn's input tags add (CSR,
        three axes). "any": whatever can be counted by rows (texts, categories, missing values);
        they reach the hooks as they came. "none": contexts are counted and not looked at; they
        need not have columns.
    arms : {"independent", "linked", "shared"}, default="independent"
        Whether an arm's model is taught by its own rounds alone, or also by those of others.
        "shared": one model of all arms tells them apart by what is known of them (their prices):
        no arm has learnt anything for itself, what a new arm starts from need not be said, and the
        rounds of an arm that is removed are not forgotten.
    arm_order : {"free", "named", "matters"}, default="free"
        Whether what is learnt about an arm depends by more than rounding on its place among the
        arms ("matters": the weights of a network are drawn arm by arm), or on what it is called
        ("named": they are drawn by its name), or on neither.
    prior : {"fixed", "learnt"}, default="fixed"
        Whether an arm that was never played stays where it was before any round, or moves with
        what was learnt about the others.
    cost : {"unused", "used"}, default="unused"
        Whether learning looks at what the arms played have cost, which a log carries.
    quantity : {"none", "some"}, default="none"
        "some": arms, all or some of them, take a number or a vector; a log then carries it, and
        its propensities are densities.
    location : {"fixed", "learnt"}, default="fixed"
        Whether rewards of 0 and 1 mean something to the model, or it finds where rewards lie and
        how far apart: a constant added to all of them, or another unit, then changes no decision.
    propensity : {"unused", "used"}, default="unused"
        Whether learning divides by the chance with which an arm was played: that which a log
        carries, else that of the bandit's own policy at the start of the call. A log with
        propensities then teaches something else than one without.
    adding_features, dropping_features : {"exact", "approximate", "no"}, default="exact"
        "exact": expanding equals having had features that were zero, dropping forgets (it
        marginalises a posterior), and what was always zero is as if it had never been there.
        "approximate": it can be done, and the class says what is kept.
    rounding : float, default=1e-6
        Relative size of the rounding in what is learnt; models in single precision say more.

    See Also
    --------
    skbandit.utils.get_bandit_tags : The tags of a bandit, or of what a Pipeline ends in.

    Examples
    --------
    >>> from skbandit.linear import LinearUCB
    >>> from skbandit.utils import get_bandit_tags
    >>> tags = get_bandit_tags(LinearUCB(forgetting=0.99))
    >>> tags.learning, tags.can_merge
    ('sequence', False)
    """

    reward: str = "real"
    learning: str = "sum"
    fades: bool = False
    merging: str | None = None
    has_width: bool = True
    policy: str = "exact"
    contexts: str = "numbers"
    arms: str = "independent"
    arm_order: str = "free"
    prior: str = "fixed"
    location: str = "fixed"
    propensity: str = "unused"
    cost: str = "unused"
    quantity: str = "none"
    adding_features: str = "exact"
    dropping_features: str = "exact"
    rounding: float = 1e-6

    @property
    def can_merge(self):
        """Whether shards can be joined at all."""
        return self.how_it_merges != "no"

    @property
    def how_it_merges(self):
        """``merging``, or what follows from ``learning``."""
        if self.merging is not None:
            return self.merging
        return "exact" if self.learning == "sum" else "no"

    def check(self, owner):
        """Raise where a tag has a value that nobody knows.

        Parameters
        ----------
        owner : str
            Whose tags these are, for the message.
        """
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"bandit_tags.{name} of {owner} must be one of {allowed}, got "
                    f"{getattr(self, name)!r}."
                )


@dataclass(slots=True)
class TagsWithBandit(Tags):
    """scikit-learn's tags, and those of a bandit."""

    bandit_tags: BanditTags = field(default_factory=BanditTags)

    @classmethod
    def of(cls, tags):
        """Return these tags of scikit-learn with a bandit's defaults beside them."""
        return cls(**{one.name: getattr(tags, one.name) for one in fields(Tags)})


def get_bandit_tags(estimator):
    """Return the tags of a bandit, or of the bandit at the end of a Pipeline or inside a search.

    Parameters
    ----------
    estimator : bandit, Pipeline or search
        Pipelines may be nested.

    Returns
    -------
    tags : BanditTags

    Raises
    ------
    TypeError
        If there is no bandit.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skbandit.linear import LinearThompsonSampling
    >>> from skbandit.utils import get_bandit_tags
    >>> get_bandit_tags(make_pipeline(StandardScaler(), LinearThompsonSampling())).policy
    'exact'
    """
    inner = estimator
    while isinstance(inner, BaseEstimator):
        tags = getattr(get_tags(inner), "bandit_tags", None)
        if tags is not None:
            return tags
        inner = inner.steps[-1][1] if hasattr(inner, "steps") else getattr(inner, "estimator", 0)
    raise TypeError(
        "estimator must be a bandit (an instance), or a Pipeline or search around one, got "
        f"{estimator!r}. A bandit is a subclass of skbandit.base.BaseBandit."
    )
