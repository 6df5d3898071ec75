"""
Find the types that are near to an unknown category name, with a sentence model that the user names.

``model2vec`` loads the model. It reads static models, which have a vector for each piece of a word, without PyTorch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_classify.engine.knowledge.document_type import DocumentType
from airflow_provider_classify.engine.text.words import spaced
from airflow_provider_classify.exceptions import SentenceModelNotUsable
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from model2vec import StaticModel
    from numpy.typing import NDArray

#: The files that a model consists of.
FILES = ("*.json", "*.safetensors", "*/*.json", "*/*.safetensors")
#: A nearness below this value is ignored, because it can be chance.
LEAST_NEARNESS = 0.6

_WHAT_TO_NAME = "name a static model, as model2vec saves it, in [classify] sentence_model or --sentence-model."


class SentenceModel:
    """
    A static sentence model in a folder, as model2vec or sentence-transformers saves it.

    Each call loads the model and releases it afterwards. It is needed once for a set of categories, and only if one of
    their names is unknown.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def version(self) -> str:
        """
        The first 12 hexadecimal digits of a SHA-256 of the model's files.

        :raises SentenceModelNotUsable: the folder is not a model, or cannot be read.
        """
        digest = hashlib.sha256()
        try:
            for path in self._files():
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise self._not_usable(error) from error
        return digest.hexdigest()[:12]

    def nearness(self, categories: Sequence[Category], types: Sequence[DocumentType]) -> list[dict[str, float]]:
        """
        Return for each category the types near to it, each with its nearness, from LEAST_NEARNESS to 1.

        The nearness is the mean of two cosines: with the nearest of a type's names, and with its description. A
        category is compared twice, by its name alone and with its description; the greater nearness counts.

        :raises SentenceModelNotUsable: the model cannot be loaded.
        """
        names = [[t.name, *t.aliases, *t.labels] for t in types]
        starts = [0, *accumulate(map(len, names))][:-1]
        self._files()  # model2vec would look for a missing folder on the Hugging Face hub
        try:
            model = self._load()
            of_names = _vectors(model, [name for group in names for name in group])
            of_descriptions = _vectors(model, [f"{t.name}: {t.description}" for t in types])
            asked = [
                _vectors(model, [spaced(c.name) for c in categories]),
                _vectors(model, [f"{spaced(c.name)}: {c.description}" for c in categories]),
            ]
        except Exception as error:  # a damaged or foreign file can raise any error
            raise self._not_usable(error) from error
        near = np.maximum(
            *(0.5 * np.maximum.reduceat(v @ of_names.T, starts, axis=1) + 0.5 * v @ of_descriptions.T for v in asked)
        )
        return [
            {t.name: float(value) for t, value in zip(types, row, strict=True) if value >= LEAST_NEARNESS}
            for row in near
        ]

    def _files(self) -> list[Path]:
        files = sorted({path for pattern in FILES for path in self._folder.glob(pattern)})
        if not any(path.suffix == ".safetensors" for path in files):
            raise SentenceModelNotUsable(
                f"The sentence model {str(self._folder)!r} is not a folder with a *.safetensors file; {_WHAT_TO_NAME}"
            )
        return files

    def _load(self) -> StaticModel:
        from model2vec import StaticModel

        return StaticModel.from_pretrained(self._folder)

    def _not_usable(self, error: Exception) -> SentenceModelNotUsable:
        return SentenceModelNotUsable(
            f"The sentence model {str(self._folder)!r} cannot be loaded by model2vec "
            f"({type(error).__name__}: {error}); {_WHAT_TO_NAME}"
        )


def _vectors(model: StaticModel, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return a unit vector for each text, or a row of zeros if the model knows none of its words."""
    vectors = model.encode(texts).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
