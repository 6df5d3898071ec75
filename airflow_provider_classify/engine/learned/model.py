"""
Correct the points of a page by a model that was fitted on real documents.

The model is linear. Each measure and each word of a page adds points to families of document types, or subtracts
points. A family is the group of types that one category of the training documents means. All types without a family get
the correction of documents that no category fits, so only the knowledge distinguishes these types.

``make train`` fits the model; see ``training``.
"""

from __future__ import annotations

import math
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
from airflow_provider_classify.engine.learned import familiarity, layout_measures, looks, origin, text_measures
from airflow_provider_classify.engine.learned.model_file import SHIPPED, read_model_file
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.scoring.features import PageText
from airflow_provider_classify.engine.scoring.type_scorer import Evidence, TypeScores
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.exceptions import ModelNotUsable

#: The version of the measures. A model that was fitted on another version cannot be used.
MEASURES = 2
#: The parts of a page's measures, each with the names of its measures.
PARTS: Mapping[str, Sequence[str]] = {
    "text": text_measures.NAMES,
    "layout": layout_measures.NAMES,
    "familiar": familiarity.NAMES,
    "origin": origin.NAMES,
    "look": looks.NAMES,  # the last one, because it counts in full on a page with little text
}
#: The parts that the evidence of a result names as a whole. Other evidence consists of words.
EVIDENCE_PARTS = ("layout", "look")
#: The least points that a word or a part needs to be evidence.
MIN_EVIDENCE = 0.3
#: The name of the family of documents that no category fits.
NONE = "none"
#: The number that stands for a missing family. An empty model has no families.
NO_FAMILY = -1
#: Scores of types are limited to the range from _MIN_SCORE to _MAX_SCORE, and divided by _SCORE_SCALE.
_MIN_SCORE, _MAX_SCORE, _SCORE_SCALE = -2.0, 14.0, 4.0
#: Standardised measures are limited to this distance from 0, so that one extreme measure does not decide alone.
CLIP = 3.0
#: Up to TOO_LITTLE_TEXT characters, the measures of a page's text do not count. From ENOUGH_TEXT on, they count in
#: full.
TOO_LITTLE_TEXT, ENOUGH_TEXT = 30, 150
#: The value of a word is divided by LENGTH_FACTOR times the square root of the number of different words on the page.
#: The divisor is at least MIN_LENGTH, so that the few words of a short page count less.
LENGTH_FACTOR, MIN_LENGTH = 3.0, 15.0

Vector = NDArray[np.float32]


def limited_scores(scores: Sequence[float]) -> Vector:
    """Return the scores of types as measures."""
    return np.clip(np.array(scores, np.float32), _MIN_SCORE, _MAX_SCORE) / np.float32(_SCORE_SCALE)


def measures_of(types: TypeScores, document: Origin) -> dict[str, Sequence[float]]:
    """Return the measures of a scored page by part. The part ``look`` is missing if the page has no look."""
    page = types.text.page
    measures = {
        "text": text_measures.text_measures(types.text, types.features),
        "layout": layout_measures.layout_measures(page, types.features),
        "familiar": familiarity.familiarity_measures(types),
        "origin": origin.origin_measures(document),
    }
    if page.look is not None:
        measures["look"] = page.look
    return measures


def word_values(counts: Mapping[str, int], numbers: Mapping[str, int], rarity: Vector) -> tuple[list[int], Vector]:
    """
    Return the numbers of the model's words that are in ``counts``, and the value of each.

    :param numbers: the number of each word of the model.
    :param rarity: how rare each word is.
    """
    known = [(numbers[word], count) for word, count in counts.items() if word in numbers]
    found = [number for number, _ in known]
    frequency = np.array([count for _, count in known], np.float32)
    length = max(MIN_LENGTH, LENGTH_FACTOR * math.sqrt(len(counts)))
    return found, (1 + np.log(frequency)) * rarity[found] / np.float32(length)


def amount_of_evidence(types: TypeScores) -> float:
    """Return how much the measures of a page's text count, 0 to 1. They count less on a page with little text."""
    return min(1.0, max(0.0, (types.text.characters - TOO_LITTLE_TEXT) / (ENOUGH_TEXT - TOO_LITTLE_TEXT)))


@dataclass(frozen=True)
class Correction:
    """
    The correction of a page.

    :param points: the points that each family gains or loses. The last item is 0, for NO_FAMILY.
    :param standard: the standardised measures.
    :param words: the numbers of the model's words that are on the page.
    :param values: the values of these words.
    """

    model: LearnedModel
    points: Sequence[float]
    standard: Vector
    words: Sequence[int]
    values: Vector

    def evidence(self, family: int, text: PageText) -> list[Evidence]:
        """
        Return the evidence for a family: words with their lines, and the layout and look of the page as a whole.

        :param text: the text of the page.
        """
        if family == NO_FAMILY:
            return []
        weights = self.model.weights
        found = [
            Evidence(part, float(self.standard[part_slice] @ weights[part_slice, family]), None)
            for part, part_slice in self.model.slices.items()
            if part in EVIDENCE_PARTS
        ]
        for number, points in zip(
            self.words, (self.values * self.model.word_weights[self.words, family]).tolist(), strict=True
        ):
            word = self.model.words[number]
            if points >= MIN_EVIDENCE and word in text.counts:
                line = text.page.lines[text.line_of((word,), text.words.index(word))]
                found.append(Evidence(word, points, line))
        return [evidence for evidence in found if evidence.weight >= MIN_EVIDENCE]


class LearnedModel:
    """
    A fitted model.

    :param arrays: the arrays of the model's file, which ``training`` writes.
    :param version: a text that changes with the file.
    """

    def __init__(self, arrays: Mapping[str, Any], version: str) -> None:
        self.version = version
        #: The arrays of the model's file.
        self.arrays = arrays
        self.families: list[str] = [str(name) for name in arrays["families"]]
        #: The softmax divides corrected points by this.
        self.temperature = float(arrays["temperature"])
        self._type_names: list[str] = [str(name) for name in arrays["type_names"]]
        self._type_families = dict(zip(self._type_names, map(int, arrays["type_families"]), strict=True))
        #: The words of the model.
        self.words: list[str] = [str(word) for word in arrays["words"]]
        #: The points of each word for each family.
        self.word_weights: Vector = arrays["weights_words"].astype(np.float32)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        self._rarity: Vector = arrays["rarity"].astype(np.float32)
        #: The slice of each part in the list of all measures.
        self.slices = _slices({part: len(arrays[f"mean_{part}"]) for part in ("scores", *PARTS)})
        #: The points of each measure for each family.
        self.weights = self._concatenated("weights")
        self._means, self._scales = self._concatenated("mean"), self._concatenated("scale")
        self._constant: Vector = arrays["constant"].astype(np.float32)

    def _concatenated(self, name: str) -> Vector:
        return np.concatenate([self.arrays[f"{name}_{part}"] for part in self.slices]).astype(np.float32)

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
    def none(self) -> int:
        """The number of the family of documents that no category fits; NO_FAMILY if the model is empty."""
        return self.families.index(NONE) if NONE in self.families else NO_FAMILY

    def family_of_type(self, type_name: str) -> int:
        """
        Return the number of a type's family.

        For a type without a family, this is the family of documents that no category fits.
        """
        number = self._type_families.get(type_name, -1)
        return number if number >= 0 else self.none

    def family_of_category(self, name: str) -> int | None:
        """Return the number of the family with a category's name; None if no family has this name."""
        return self._by_name.get("".join(label_words(name)))

    @cached_property
    def _by_name(self) -> Mapping[str, int]:
        return {"".join(label_words(name)): n for n, name in enumerate(self.families) if name != NONE}

    def correction(self, types: TypeScores, type_names: Sequence[str], document: Origin) -> Correction:
        """
        Return the correction of a page.

        :param types: the page's scores.
        :param type_names: the names of the types, in the order of the scores.
        :param document: the origin of the page's document.
        """
        measures = self._means.copy()  # a missing part has the mean, which adds no points
        measures[self.slices["scores"]] = self._in_order(limited_scores(types.scores), type_names)
        for part, measured in measures_of(types, document).items():
            measures[self.slices[part]] = measured
        standard = np.clip((measures - self._means) / self._scales, -CLIP, CLIP)
        amount = np.float32(amount_of_evidence(types))
        standard[: self.slices["look"].start] *= amount
        words, values = word_values(types.text.counts, self._numbers, self._rarity)
        values *= amount
        points = amount * self._constant + standard @ self.weights + values @ self.word_weights[words]
        return Correction(self, [*points.tolist(), 0.0], standard, words, values)

    def _in_order(self, scores: Vector, type_names: Sequence[str]) -> Vector:
        """Return the scores in the order of the model's types. A type that the knowledge lacks gets its mean score."""
        if type_names == self._type_names:
            return scores
        by_name = dict(zip(type_names, scores, strict=True))
        means = self.arrays["mean_scores"]
        return np.array([by_name.get(name, means[n]) for n, name in enumerate(self._type_names)], np.float32)


def _slices(sizes: Mapping[str, int]) -> dict[str, slice]:
    """Return the slice of each part in an array that contains the parts one after the other."""
    slices, begin = {}, 0
    for part, size in sizes.items():
        slices[part] = slice(begin, begin + size)
        begin += size
    return slices


@lru_cache(maxsize=4)
def load_model(path: Path | None = None) -> LearnedModel:
    """
    Load a model.

    :param path: the file of the model; the model of this package if None.
    :raises ModelNotUsable: the file cannot be read, or is not a model of this version of the package.
    """
    content, version = read_model_file(path)
    name = repr(str(path or SHIPPED))
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file.items())
        sizes = [len(arrays[f"mean_{part}"]) for part in PARTS]
        if int(arrays["measures"]) != MEASURES or sizes != list(map(len, PARTS.values())):
            raise ModelNotUsable(
                f"The model {name} is of another version of the package; fit it again with make train."
            )
        return LearnedModel(arrays, version)
    except (ValueError, KeyError, OSError, BadZipFile, EOFError) as error:
        raise ModelNotUsable(
            f"The file {name} is not a model that make train has written; name another file."
        ) from error
