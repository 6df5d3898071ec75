"""
Correct the points of a page by a model that was fitted on real documents.

The model is linear: each measure of a page, and each of its words, adds points to families of document types, or takes
some. A family are the types that one category of the training documents means. Types of no family keep their points,
so what the model does not know is left to the knowledge.

``make train`` fits the model; see ``training``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.confidence import TEMPERATURE
from airflow_provider_classify.engine.learned import layout_measures, looks, origin, text_measures
from airflow_provider_classify.engine.learned.model_file import SHIPPED, read_model_file
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.scoring.features import PageText
from airflow_provider_classify.engine.scoring.type_scorer import Evidence, TypeScores
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.exceptions import ModelNotUsable

#: The version of the measures. A model that was fitted on others cannot be used.
MEASURES = 1
#: The parts of a page's measures, each with the names of its measures.
PARTS: Mapping[str, Sequence[str]] = {
    "text": text_measures.NAMES,
    "layout": layout_measures.NAMES,
    "origin": origin.NAMES,
    "look": looks.NAMES,
}
#: The parts that are evidence by themselves: what a page shows beside its words.
SEEN = ("layout", "look")
#: The least points of what is evidence.
LEAST_EVIDENCE = 0.3
#: The family of documents that no category fits.
NONE = "none"
#: Scores of types are limited to this range, and divided by the scale.
_LEAST_SCORE, _MOST_SCORE, _SCORE_SCALE = -2.0, 14.0, 4.0
#: Standardised measures are limited to this distance from 0, so that a freak of a page does not decide alone.
CLIP = 3.0
#: Values of words are divided by this times the root of the number of different words on the page, and at least by the
#: second, so that the few words of a short page count less.
LENGTH, LEAST_LENGTH = 3.0, 15.0

Vector = NDArray[np.float32]


def limited_scores(scores: Sequence[float]) -> Vector:
    """Return the scores of types as measures."""
    return np.clip(np.array(scores, np.float32), _LEAST_SCORE, _MOST_SCORE) / np.float32(_SCORE_SCALE)


def measures_of(types: TypeScores, document: Origin) -> dict[str, Vector]:
    """Return the measures of a scored page by part; the look is absent if the page has none."""
    page = types.text.page
    measures = {
        "scores": limited_scores(types.scores),
        "text": np.array(text_measures.text_measures(types.text, types.features), np.float32),
        "layout": np.array(layout_measures.layout_measures(page, types.features), np.float32),
        "origin": np.array(origin.origin_measures(document), np.float32),
    }
    if page.look is not None:
        measures["look"] = np.array(page.look, np.float32)
    return measures


def word_values(counts: Mapping[str, int], numbers: Mapping[str, int], rarity: Vector) -> tuple[list[int], Vector]:
    """
    Return the numbers of the model's words that are among ``counts``, and the value of each.

    :param numbers: the number of each word of the model.
    :param rarity: how rare each word is.
    """
    found = [(numbers[word], count) for word, count in counts.items() if word in numbers]
    if not found:
        return [], np.zeros(0, np.float32)
    which = [number for number, _ in found]
    values = np.array([1.0 + math.log(count) for _, count in found], np.float32) * rarity[which]
    return which, values / np.float32(max(LEAST_LENGTH, LENGTH * math.sqrt(len(counts))))


@dataclass(frozen=True)
class Correction:
    """
    The correction of a page.

    :param points: the points that each family gains or loses.
    :param parts: the same by part of the measures; their sum and the constant is ``points``.
    :param names_of_words: the words of the model.
    :param words: the numbers of the model's words that are on the page, and the points of each for each family.
    """

    points: Sequence[float]
    parts: Mapping[str, Vector]
    words: tuple[Sequence[int], Vector]
    names_of_words: Sequence[str]

    def evidence(self, family: int | None, text: PageText) -> list[Evidence]:
        """
        Return what counts most for a family: words with their lines, and the layout and the look of the page.

        :param text: the text of the page.
        """
        if family is None:
            return []
        found = [Evidence(part, float(self.parts[part][family]), None) for part in SEEN if part in self.parts]
        which, by_word = self.words
        for number, points in zip(which, by_word[:, family].tolist(), strict=True):
            word = self.names_of_words[number]
            if points >= LEAST_EVIDENCE and word in text.words:
                line = text.page.lines[text.line_of((word,), text.words.index(word))]
                found.append(Evidence(word, points, line))
        return [evidence for evidence in found if evidence.weight >= LEAST_EVIDENCE]

    def of(self, family: int | None) -> float:
        """Return the points that a family gains or loses; 0 for None."""
        return 0.0 if family is None else self.points[family]


class LearnedModel:
    """
    A fitted model.

    :param arrays: what ``training`` has written.
    :param version: changes with the file.
    """

    def __init__(self, arrays: Mapping[str, Any], version: str) -> None:
        self.version = version
        self.families: list[str] = [str(name) for name in arrays["families"]]
        self._type_names: list[str] = [str(name) for name in arrays["type_names"]]
        #: What was read from the file.
        self.arrays = arrays
        self._type_families: Mapping[str, int] = dict(
            zip(self._type_names, map(int, arrays["type_families"]), strict=True)
        )
        self._words: Mapping[str, int] = {str(word): number for number, word in enumerate(arrays["words"])}
        self._names_of_words = list(self._words)
        self._rarity: Vector = arrays["rarity"].astype(np.float32)
        self._word_weights: Vector = arrays["weights_words"].astype(np.float32)
        self._means = {part: arrays[f"mean_{part}"].astype(np.float32) for part in ("scores", *PARTS)}
        self._scales = {part: arrays[f"scale_{part}"].astype(np.float32) for part in ("scores", *PARTS)}
        self._weights = {part: arrays[f"weights_{part}"].astype(np.float32) for part in ("scores", *PARTS)}
        self._constant: Vector = arrays["constant"].astype(np.float32)
        #: The softmax divides corrected points by this.
        self.temperature = float(arrays["temperature"])

    @classmethod
    def empty(cls, type_names: Sequence[str]) -> LearnedModel:
        """Return a model that corrects nothing."""
        sizes = {"scores": len(type_names)} | {part: len(names) for part, names in PARTS.items()}
        arrays: dict[str, Any] = {
            "families": [],
            "type_names": list(type_names),
            "type_families": [-1] * len(type_names),
            "words": [],
            "rarity": np.zeros(0),
            "weights_words": np.zeros((0, 0)),
            "constant": np.zeros(0),
            "temperature": TEMPERATURE,
        }
        for part, size in sizes.items():
            arrays |= {f"mean_{part}": np.zeros(size), f"scale_{part}": np.ones(size)}
            arrays[f"weights_{part}"] = np.zeros((size, 0))
        return cls(arrays, "empty")

    @cached_property
    def none(self) -> int | None:
        """The number of the family of documents that no category fits."""
        return self.families.index(NONE) if NONE in self.families else None

    def family_of_type(self, type_name: str) -> int | None:
        """Return the number of a type's family; None if it has none."""
        number = self._type_families.get(type_name, -1)
        return number if number >= 0 else None

    def family_of_category(self, name: str) -> int | None:
        """Return the number of the family that bears a category's name; None if there is none."""
        return self._by_name.get("".join(label_words(name)))

    @cached_property
    def _by_name(self) -> Mapping[str, int]:
        return {"".join(label_words(name)): n for n, name in enumerate(self.families) if name != NONE}

    def correction(self, types: TypeScores, type_names: Sequence[str], document: Origin) -> Correction:
        """
        Return the correction of a page.

        :param types: the page's scores.
        :param type_names: the names of the types that have the scores.
        :param document: what is known of the page's document.
        """
        measures = measures_of(types, document)
        measures["scores"] = self._in_order(measures["scores"], tuple(type_names))
        parts = {
            part: np.clip((values - self._means[part]) / self._scales[part], -CLIP, CLIP) @ self._weights[part]
            for part, values in measures.items()
        }
        which, values = word_values(Counter(types.text.words), self._words, self._rarity)
        by_word = values[:, None] * self._word_weights[which]
        parts["words"] = by_word.sum(0)
        points = self._constant + sum(parts.values())
        return Correction(points.tolist(), parts, (which, by_word), self._names_of_words)

    def _in_order(self, scores: Vector, type_names: tuple[str, ...]) -> Vector:
        """Return the scores in the order of the model's types; one that the knowledge lacks has the usual score."""
        if list(type_names) == self._type_names:
            return scores
        by_name = dict(zip(type_names, scores, strict=True))
        usual = self._means["scores"]
        return np.array([by_name.get(name, usual[n]) for n, name in enumerate(self._type_names)], np.float32)


@lru_cache(maxsize=4)
def load_model(path: Path | None = None) -> LearnedModel:
    """
    Load a model.

    :param path: its file; that of this package if None.
    :raises ModelNotUsable: the file is not a model of this version of the package.
    """
    content, version = read_model_file(path)
    name = repr(str(path or SHIPPED))
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file.items())
        if int(arrays["measures"]) != MEASURES:
            raise ModelNotUsable(f"The model {name} is of another version of the package; fit it anew by make train.")
        return LearnedModel(arrays, version)
    except (ValueError, KeyError, OSError, BadZipFile, EOFError) as error:
        raise ModelNotUsable(f"The file {name} is not a model that make train has written; name another.") from error
