"""Texts as contexts: net="bert", from a folder or a configuration, no download."""

import pickle
from operator import itemgetter

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")
transformers = pytest.importorskip("transformers", reason="net='bert' needs the extra 'text'")

from skbandit.neural import (  # noqa: E402
    EnsembleBandit,
    NeuralLinearBandit,
    NeuralThompsonSampling,
    NeuralUCB,
    make_net,
)

WORDS = ["good", "bad", "film", "the", "a", "plot"]


def config():
    return transformers.BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )


def reviews(n_reviews=200, seed=0):
    """Texts, the arm played, and 1 where the arm names what the text says."""
    rng = np.random.RandomState(seed)
    good = rng.rand(n_reviews) < 0.5
    texts = [
        " ".join([*rng.choice(WORDS[2:], size=rng.randint(1, 4)), "good" if one else "bad"])
        for one in good
    ]
    arm = np.array(["fresh", "rotten"])[rng.randint(2, size=n_reviews)]
    return texts, arm, ((arm == "fresh") == good).astype(float), good


@pytest.fixture
def folder(tmp_path):
    """An untrained encoder and its tokenizer, as Hugging Face saves them."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(
        vocab=dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    ).save_pretrained(tmp_path)
    torch.manual_seed(0)
    transformers.BertModel(config()).save_pretrained(tmp_path)
    return str(tmp_path)


def test_a_pipeline_from_texts_to_arms(folder):
    from skorch.hf import HuggingfacePretrainedTokenizer

    texts, arm, reward, _ = reviews()
    pipeline = make_pipeline(
        HuggingfacePretrainedTokenizer(folder, max_length=8, return_tensors="np"),
        FunctionTransformer(itemgetter("input_ids")),
        NeuralLinearBandit(
            net=make_net("bert", module__pretrained=folder, lr=2e-3), random_state=0
        ),
    )
    pipeline.fit(texts, arm, neurallinearbandit__reward=reward)
    unseen, _, _, good = reviews(100, seed=1)
    played = pipeline.predict(unseen, explore=False)
    assert ((played == "fresh") == good).mean() > 0.95
    loaded = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(loaded.predict_proba(unseen), pipeline.predict_proba(unseen))


@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize(
    "Bandit", [NeuralLinearBandit, NeuralUCB, NeuralThompsonSampling, EnsembleBandit]
)
def test_token_ids_are_neither_scaled_nor_terms(Bandit, trainable):
    rng = np.random.RandomState(0)
    X = rng.randint(1, 11, size=(80, 6))
    X[:, 4:] = 0
    arm = rng.randint(2, size=80)
    net = make_net("bert", module__config=config(), module__trainable=trainable, lr=1e-3)
    options = {"n_members": 2} if Bandit is EnsembleBandit else {}
    bandit = Bandit(net=net, initial_train_steps=5, random_state=0, **options)
    bandit.fit(X, arm, reward=(X[:, 0] < 5) == arm)
    assert not bandit.scaling_.shift.any()
    assert (bandit.scaling_.scale == 1).all()
    assert not getattr(bandit, "includes_inputs_", False)
    mean, std = bandit.expected_reward(X, return_std=True)
    assert np.isfinite(mean).all()
    assert (std >= 0).all()
    # Padding tells nothing: longer padding leaves the scores as they are.
    network = bandit.state_.networks[0].frozen
    padded = np.column_stack([X, np.zeros((80, 3))])
    np.testing.assert_allclose(network.outputs(padded), network.outputs(X), atol=1e-10)


def test_texts_as_candidates():
    rng = np.random.RandomState(0)
    X = rng.randint(1, 11, size=(60, 3, 5))
    played = rng.randint(3, size=60)
    net = make_net("bert", module__config=config(), lr=1e-3)
    bandit = NeuralUCB(net=net, precision="last_layer", initial_train_steps=5, random_state=0)
    bandit.fit(X, played, reward=X[np.arange(60), played, 0] == 3)
    assert bandit.predict_proba(X).shape == (60, 3)
