"""
Which types a category that the knowledge does not know is near to, by a sentence model of the user's choice.

``model2vec`` loads it: maintained, MIT, 38 MB with what it needs beside the engine. A static model, which has a vector
for each piece of a word, is loaded and asked in about a second. sentence-transformers would load transformers too,
which find a little more (57 of the 62 names below instead of 53), but needs PyTorch, 6 GB, and many times that second,
in every child process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_classify.engine.knowledge.load import DocumentType
from airflow_provider_classify.engine.text.words import spaced
from airflow_provider_classify.exceptions import SentenceModelNotUsable
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from model2vec import StaticModel
    from numpy.typing import NDArray

#: The files that a model consists of.
FILES = ("*.json", "*.safetensors", "*/*.json", "*/*.safetensors")
#: Nearness below this is chance. Of 62 names of known types that are not known, words alone find the right type for 51.
#: Together with a static model that was made of MiniLM it is 53, with one of another maker 55. At this limit the first
#: has 40 names near a type, 37 of them near the right one, and 1 of 18 names that mean no known type; at 0.5 it has 58,
#: 50 and 2, at 0.7 it has 23, 23 and none.
LEAST_NEARNESS = 0.6

_WHAT_TO_NAME = "name a static model, as model2vec saves it, in [classify] sentence_model or --sentence-model."


class SentenceModel:
    """
    A static sentence model in a folder, as model2vec or sentence-transformers saves it.

    It is loaded where it is asked and let go of after: it is needed once for each set of categories, and only
    if one of their names is not known.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def version(self) -> str:
        """What changes with the model's files. :raises SentenceModelNotUsable: there are none."""
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
        How near each category is to those types that it is near to at all, LEAST_NEARNESS to 1.

        Half of it is the cosine with the nearest of a type's names, half that with its description. A category
        is asked for by its name and by its name with its description; the nearer one counts.

        :raises SentenceModelNotUsable: it cannot be loaded.
        """
        names = [[t.name, *t.aliases, *t.labels] for t in types]
        starts = [0, *accumulate(map(len, names))][:-1]
        self._files()  # model2vec would look for a folder that is none on the hub
        try:
            model = self._load()
            of_names = _vectors(model, [name for group in names for name in group])
            of_descriptions = _vectors(model, [f"{t.name}: {t.description}" for t in types])
            asked = [
                _vectors(model, [spaced(c.name) for c in categories]),
                _vectors(model, [f"{spaced(c.name)}: {c.description}" for c in categories]),
            ]
        except Exception as error:  # a file that is none of the library's, or a damaged one, can raise anything
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
                f"The sentence model {str(self._folder)!r} is no folder with a *.safetensors file; {_WHAT_TO_NAME}"
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
    """A row of length 1 for each text; of zeros where the model knows none of its words."""
    vectors = model.encode(texts).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
