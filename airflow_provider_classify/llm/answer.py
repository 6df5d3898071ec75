"""The schema of a model's answer. The category is an enumeration, so that a valid answer names one of the choices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model

from airflow_provider_classify.engine.categories.catch_all import is_catch_all
from airflow_provider_classify.model.scores import NONE_OF_THESE

_Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Choices:
    """
    The answers that a model can give.

    :param names: the names of the categories.
    :param none: the answer for a document that belongs to no category. It is one of the ``names`` if a category means
        that, such as "other".
    """

    names: tuple[str, ...]
    none: str

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Return the choices for the names of categories."""
        return cls(tuple(names), next(filter(is_catch_all, names), NONE_OF_THESE))

    @property
    def options(self) -> tuple[str, ...]:
        """All answers, each once."""
        return self.names if self.none in self.names else (*self.names, self.none)

    def is_none(self, option: str) -> bool:
        """Return whether an answer says that the document belongs to no category."""
        return option not in self.names


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """A model's answer about one page. ``confidence`` is the one that the model states, from 0 to 1."""

    option: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A model's answer about a document.

    :param option: one of :attr:`Choices.options`.
    :param nearest: the category that comes nearest. It is the ``option`` if that is a category.
    :param confidence: the confidence that the model states, from 0 to 1.
    :param reasoning: one sentence.
    :param pages: the answers by the numbers of the pages; empty for a document of one page.
    """

    option: str
    nearest: str
    confidence: float
    reasoning: str = ""
    pages: Mapping[int, PageAnswer] = field(default_factory=dict)

    @classmethod
    def of(cls, output: BaseModel, choices: Choices) -> Self:
        """Return the answer in a valid output of :func:`output_type`."""
        fields: dict[str, Any] = output.model_dump()
        option = fields["category"]
        return cls(
            option,
            fields["nearest"] if choices.is_none(option) else option,
            fields["confidence"],
            " ".join(fields["reasoning"].split()),
            {page["page"]: PageAnswer(page["category"], page["confidence"]) for page in fields.get("pages", ())},
        )


def output_type(choices: Choices, pages: Sequence[int]) -> type[BaseModel]:
    """
    Return the type of a model's output.

    ``category`` is the first field. In a later field, its tokens could only repeat an earlier part of the output, and
    their probabilities would say little about the answer.

    :param pages: the numbers of the pages. If there is only one, the output has no ``pages``.
    """
    config = ConfigDict(extra="forbid")
    option: Any = Literal[choices.options]
    nearest: Any = Literal[choices.names]
    fields: dict[str, Any] = {
        "category": (option, ...),
        "nearest": (nearest, ...),
        "confidence": (_Probability, ...),
        "reasoning": (str, ...),
    }
    if len(pages) > 1:
        number: Any = Literal[tuple(pages)]
        page = create_model(
            "PageCategory",
            __config__=config,
            page=(number, ...),
            category=(option, ...),
            confidence=(_Probability, ...),
        )
        listed: Any = Annotated[list[page], Field(min_length=len(pages), max_length=len(pages))]  # type: ignore[valid-type]
        fields["pages"] = (listed, ...)
    return create_model("DocumentCategory", __config__=config, **fields)


def spans_of(text: str, key: str) -> list[tuple[int, int]]:
    """
    Return the start and end of each string value of a key in JSON, in order and without the quotation marks.

    :returns: an empty list if a string in the text is not valid.
    """
    spans: list[tuple[int, int]] = []
    decoder = json.JSONDecoder()
    place, last_text, is_value_of = 0, None, None
    while place < len(text):
        character = text[place]
        if character == '"':
            try:
                value, end = decoder.raw_decode(text, place)
            except ValueError:
                return []
            if is_value_of == key:
                spans.append((place + 1, end - 1))
            last_text, is_value_of, place = value, None, end
            continue
        if character == ":":
            is_value_of = last_text
        elif not character.isspace():
            is_value_of = None
        place += 1
    return spans
