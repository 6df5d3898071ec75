"""Create a real static model of a few words with model2vec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

#: "zibble" has the vector of "obituary", "quandle" lies between that and "recipe", and "wozzer" is far from both.
WORDS = {"obituary": (1, 0, 0), "zibble": (1, 0, 0), "recipe": (0, 1, 0), "quandle": (2, 1.9, 0), "wozzer": (1, 1, 4)}


def write_sentence_model(folder: Path, words: Mapping[str, tuple[float, ...]] = WORDS) -> Path:
    """Write a model with a vector for each of the words, and for no others."""
    pytest.importorskip("model2vec", reason="model2vec is not installed; it comes with the extra 'sentences'")
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    vocabulary = {word: number for number, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    size = len(next(iter(words.values())))
    vectors = np.array([(0.0,) * size, *words.values()], dtype=np.float32)
    StaticModel(vectors, tokenizer).save_pretrained(folder)
    return folder
