"""
==================================
Any estimator, on a table as it is
==================================

A table of customers has strings, categories and gaps. ``GreedyBandit`` plays what any scikit-learn
classifier expects to pay most, and hands the rows to it as they come: to a Pipeline that encodes
them, or to gradient boosting, which reads categories and missing values itself. Both are tuned by
``GridSearchCV`` on a log, stored with joblib, and asked in chunks.
"""

# %%
# The data are made here, so that the truth is known: three offers, each of which is taken by
# customers of another kind.

from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbandit.base import make_log
from skbandit.meta import GreedyBandit
from skbandit.metrics import get_policy_scorer
from skbandit.selectors import EpsilonGreedySelector

offers = ["discount", "premium", "student"]


def make_customers(n_customers, rng):
    """Strings, categories and numbers; some are missing."""
    age = rng.normal(40, 15, n_customers).clip(16, 90).round()
    age[rng.random_sample(n_customers) < 0.1] = np.nan
    city = rng.choice(["Lima", "Oslo", "Rome", "Turin"], n_customers).astype(object)
    city[rng.random_sample(n_customers) < 0.1] = None
    return pd.DataFrame(
        {
            "age": age,
            "city": city,
            "device": pd.Categorical(rng.choice(["desktop", "phone", "tablet"], n_customers)),
            "spent": rng.gamma(2.0, 20.0, n_customers),
        }
    )


def chance_of(customers):
    """The chance that each offer is taken, (n_customers, 3)."""
    age, is_phone = customers["age"].fillna(30), customers["device"] == "phone"
    likes_discounts = customers["city"].isin(["Rome", "Turin"]) & (customers["spent"] < 45)
    chance = [
        0.10 + 0.35 * likes_discounts,
        0.05 + 0.35 * (~is_phone & age.between(35, 60)),
        0.05 + 0.45 * (is_phone & (age < 32)),
    ]
    return np.column_stack(chance)


rng = np.random.RandomState(0)
customers = make_customers(6_000, rng)
customers.head()

# %%
# A log of offers that were drawn at random, with the reward and the propensity of each.

played = rng.randint(3, size=len(customers))
taken = rng.random_sample(len(customers)) < chance_of(customers)[np.arange(6_000), played]
log = make_log(np.take(offers, played), taken.astype(float), np.full(6_000, 1 / 3))

# %%
# Two estimators. The Pipeline encodes strings and fills gaps; boosting takes categories as they
# are, so strings are made categories once, in the frame.

encoder = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["city", "device"]),
    (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["age", "spent"]),
)
explores = EpsilonGreedySelector(0.1, decay=0.2)
linear = GreedyBandit(
    estimator=make_pipeline(encoder, LogisticRegression()),
    arms=offers,
    selector=explores,
    random_state=0,
)
boosted = GreedyBandit(
    estimator=HistGradientBoostingClassifier(max_iter=30, categorical_features="from_dtype"),
    arms=offers,
    selector=explores,
    random_state=0,
)
candidates = {
    "Pipeline": (linear, {"estimator__logisticregression__C": [0.01, 1.0]}),
    "boosting": (boosted, {"estimator__max_leaf_nodes": [3, 8]}),
}

# %%
# The parameters are chosen by what a policy would have earned on the log: rewards weighted by the
# policy's probability over the propensity.


def as_categories(frame):
    return frame.astype({"city": "category"})


found, tables = {}, {"Pipeline": customers, "boosting": as_categories(customers)}
for name, (bandit, grid) in candidates.items():
    search = GridSearchCV(bandit, grid, scoring=get_policy_scorer("snips"), cv=3)
    found[name] = search.fit(tables[name], log).best_estimator_
    print(f"{name}: {search.best_params_}, value on the log {search.best_score_:.3f}")

# %%
# The winner goes into a file and comes back. Decisions have an integer seed, so that they are a
# function of the customer: asked in chunks or at once, in any process, they are the same.

fresh = make_customers(20_000, rng)
with TemporaryDirectory() as folder:
    path = Path(folder) / "bandit.joblib"
    joblib.dump(found["Pipeline"], path)
    loaded = joblib.load(path)
chunks = [fresh.iloc[start : start + 5_000] for start in range(0, len(fresh), 5_000)]
in_chunks = np.concatenate([loaded.predict(chunk) for chunk in chunks])
print("same decisions:", np.array_equal(in_chunks, found["Pipeline"].predict(fresh)))

# %%
# What is earned on customers that nobody has seen, by the true chances. Linear chances cannot say
# that an offer is liked by the middle-aged; trees can.

chance = chance_of(fresh)
earned = {"uniform": chance.mean(), "best offer for all": chance.mean(axis=0).max()}
for name, bandit in found.items():
    rows = as_categories(fresh) if name == "boosting" else fresh
    earned[name] = (bandit.predict_proba(rows) * chance).sum(axis=1).mean()
earned["best possible"] = chance.max(axis=1).mean()
for name, value in earned.items():
    print(f"{name}: {value:.3f}")

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.barh(list(earned), list(earned.values()))
axes.invert_yaxis()
axes.set(xlabel="offers taken, per customer")
plt.show()
