from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from airflow_provider_classify.llm.answer import Answer, Choices, PageAnswer, output_type, spans_of

CHOICES = Choices.of(["invoice", "letter"])


def fields(**changed: Any) -> dict[str, Any]:
    return {"category": "invoice", "nearest": "invoice", "confidence": 0.8, "reasoning": "It asks for money."} | changed


def test_an_answer_is_one_of_the_categories_or_none_of_them() -> None:
    kind = output_type(CHOICES, [1])
    assert kind.model_json_schema()["properties"]["category"]["enum"] == ["invoice", "letter", "none of these"]
    assert kind.model_json_schema()["properties"]["nearest"]["enum"] == ["invoice", "letter"]
    for category in ("contract", "Invoice", "invoice ", "", None, ["invoice"], "none"):
        with pytest.raises(ValidationError):
            kind.model_validate(fields(category=category))


@pytest.mark.parametrize("wrong", [{"confidence": 95}, {"confidence": -0.1}, {"nearest": "none of these"}, {"more": 1}])
def test_an_answer_of_another_form_is_not_valid(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        output_type(CHOICES, [1]).model_validate(fields(**wrong))


@pytest.mark.parametrize("name", ["other", "Sonstiges", "none of these"])
def test_a_category_for_everything_else_is_the_answer_for_none(name: str) -> None:
    choices = Choices.of(["invoice", name])
    assert choices.options == ("invoice", name)
    assert choices.none == name
    assert not choices.is_none(name)


def test_a_document_of_several_pages_has_an_answer_for_each() -> None:
    kind = output_type(CHOICES, [1, 3])
    pages = [
        {"page": 1, "category": "invoice", "confidence": 0.9},
        {"page": 3, "category": "none of these", "confidence": 0.4},
    ]
    answer = Answer.of(kind.model_validate(fields(pages=pages)), CHOICES)
    assert answer.pages == {1: PageAnswer("invoice", 0.9), 3: PageAnswer("none of these", 0.4)}
    for wrong in ({"page": 2}, {"category": "contract"}):
        with pytest.raises(ValidationError):
            kind.model_validate(fields(pages=[pages[0] | wrong, pages[1]]))
    for listed in (pages[:1], [], [*pages, pages[0]]):
        with pytest.raises(ValidationError):
            kind.model_validate(fields(pages=listed))


def test_the_nearest_category_of_an_answer_is_the_answer_itself() -> None:
    kind = output_type(CHOICES, [1])
    assert Answer.of(kind.model_validate(fields(nearest="letter")), CHOICES).nearest == "invoice"
    none = Answer.of(kind.model_validate(fields(category="none of these", nearest="letter")), CHOICES)
    assert (none.option, none.nearest) == ("none of these", "letter")


def test_the_spans_are_those_of_the_values_of_the_key() -> None:
    text = json.dumps(
        {
            "category": 'a "b"',
            "reasoning": '"category": "x"',
            "category2": "no",
            "pages": [{"page": 1, "category": "ü"}, {"page": 2, "category": ""}],
            "n": {"category": ["not a text"]},
        },
        ensure_ascii=False,
        indent=1,
    )
    assert [text[begin:end] for begin, end in spans_of(text, "category")] == ['a \\"b\\"', "ü", ""]


@pytest.mark.parametrize("text", ["", "no JSON", '{"category": "inv', '{"category', "{}"])
def test_a_text_without_the_key_has_no_spans(text: str) -> None:
    assert spans_of(text, "category") == []
