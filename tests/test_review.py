"""What a review shows, and what the answer changes."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_classify.exceptions import InvalidResult
from airflow_provider_classify.review import (
    MAX_EVIDENCE,
    Answer,
    parse_result,
    review_body,
    review_options,
    review_subject,
    with_answer,
)

ANSWER = Answer("contract", "Ann", "2026-11-27T09:00:00+00:00")


def result(**changes: Any) -> dict[str, Any]:
    page = {
        "page": 1,
        "success": True,
        "classification": "invoice",
        "evidence": [{"text": "invoice", "type": "invoice", "page": 1, "line": "INVOICE No 12", "box": [0, 0, 1, 1]}],
    }
    return {
        "job_id": "j",
        "document": "https://files.example/in/scan.pdf",
        "success": True,
        "classification": "invoice",
        "confidence": 0.62,
        "page_results": [page],
        "scores": {"letter": 0.1, "invoice": 0.7, "contract": 0.2},
    } | changes


API_RESULT = {key: value for key, value in result().items() if key != "scores"}
FAILURE = {"document": "/in/a.pdf", "success": False, "error": "The file is damaged.", "error_kind": "DocumentCorrupt"}
BLANK = result(classification=None, confidence=0.0, blank=True, scores={"invoice": 0.0, "letter": 0.0})


def test_the_body_says_what_a_person_needs() -> None:
    body = review_body(result(), thumbnail="classify/thumbnails/1")
    assert r"[scan\.pdf](https://files.example/in/scan.pdf)" in body
    assert "**invoice**, with a confidence of 62 %" in body
    assert [body.index(f"| {name} | {share} %") for name, share in (("invoice", 62), ("contract", 18), ("letter", 9))]
    assert "“INVOICE No 12” on [page 1](https://files.example/in/scan.pdf#page=1), evidence for invoice" in body
    assert "](classify/thumbnails/1)" in body
    assert review_subject(result()) == "Which category fits scan.pdf?"


def test_none_of_the_categories_is_an_answer_with_a_probability() -> None:
    body = review_body(result(confidence=0.021))
    assert "**none of these**, with a confidence of 97 %. The nearest category is invoice (2 %)." in body
    assert body.index("| *none of these* | 97 % |") < body.index("| invoice | 2 % |")
    body = review_body(result())
    assert "**Prediction:** **invoice**, with a confidence of 62 %.\n" in body
    assert body.index("| contract | 18 % |") < body.index("| *none of these* | 11 % |")
    assert "none of these" not in review_body(result(confidence=0.7))
    body = review_body(result(confidence=0.0))
    assert body.index("| invoice | less") < body.index("| contract | less") < body.index("| letter | less than 1 % |")


def test_the_body_explains_the_button_that_airflow_highlights() -> None:
    body = review_body(result(), stays_after="2 days")
    assert (
        "answers within 2 days, the document's category will be invoice. That is why its button is highlighted." in body
    )
    body = review_body(result(confidence=0.02), stays_after="2 days")
    assert "will be invoice, the nearest category (2 %). That is why its button is highlighted. It is not a" in body
    assert "highlighted" not in review_body(result()) + review_body(FAILURE, stays_after="2 days")


def test_the_body_says_why_a_person_is_asked() -> None:
    assert "62 %. You are asked because it is below 80 %." in review_body(result(), threshold=0.8)
    body = review_body(result(confidence=0.02), threshold=0.8)
    assert "You are asked because none of the categories seems to fit." in body
    body = review_body(API_RESULT | {"confidence": 0.797}, threshold=0.8)
    assert "80 %. You are asked because it is a little below 80 %." in body
    assert "unknown. So you are asked." in review_body(API_RESULT | {"confidence": None}, threshold=0.8)
    assert "ou are asked" not in review_body(result()) + review_body(BLANK, threshold=0.8)


@pytest.mark.parametrize("scores", [{"letter": 0.5, "contract": 0.5}, {"letter": 0.5, "invoice": 1.2}])
def test_scores_without_the_prediction_are_no_error(scores: dict[str, float]) -> None:
    assert "**invoice**, with a confidence of 62 %" in review_body(result(scores=scores))


def test_a_result_of_an_api_has_a_prediction() -> None:
    assert "**invoice**, with a confidence of 2 %.\n" in review_body(API_RESULT | {"confidence": 0.02})


def test_scores_are_ranked() -> None:
    body = review_body(result())
    assert body.index("| invoice |") < body.index("| contract |") < body.index("| letter |")


def test_a_document_that_is_no_url_has_no_link() -> None:
    body = review_body(result(document="s3://conn@bucket/a_b.pdf"))
    assert r"**Document:** s3" in body
    assert "](" not in body


def test_a_signature_is_not_shown() -> None:
    body = review_body(result(document="https://files.example/scan.pdf?signature=secret"))
    assert "secret" not in body


def test_text_of_the_document_is_escaped() -> None:
    evil = "![x](http://evil.example/x.png) | [y](http://evil.example)"
    evidence = [{"text": "t", "type": evil, "page": 1, "line": evil}]
    body = review_body(
        result(document=f"/in/{evil}", classification=evil, scores={evil: 1.0}, evidence=evidence, read_from=evil)
    )
    assert "](http" not in body
    assert "![" not in body


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (FAILURE, r"could not be classified: The file is damaged\."),
        (BLANK, "seems to be blank"),
        (API_RESULT, "**invoice**, with a confidence of 62 %"),
        ({"classification": "letter"}, "**letter**, with a confidence of unknown"),
        (result(page_results="many", scores=[1], categories=3, confidence="high"), "**invoice**"),
        (result(page_results=[{"page": 2, "success": False, "error": "x"}]), "could not read page 2"),
        (result(mixed=True, categories=[{"category": "invoice", "pages": [1, 2]}]), "invoice on pages 1, 2"),
        (result(unknown_script=True), "script that the classifier cannot read"),
        (result(read_from="attached.pdf"), r"attached\.pdf"),
    ],
)
def test_every_kind_of_result_has_a_body(given: dict[str, Any], told: str) -> None:
    assert told in review_body(given)


def test_a_result_without_evidence_says_nothing_about_it() -> None:
    pages = [{"page": 1, "success": True, "classification": "invoice", "confidence": 1.0}]
    assert "Found" in review_body(result())
    assert "Found" not in review_body(result(page_results=pages))


def test_the_body_stays_short() -> None:
    evidence = [{"text": "t", "page": page, "line": "long " * 1000} for page in range(1000)]
    body = review_body(
        result(evidence=evidence, scores={"invoice": 0.001} | {f"category {n}": 0.001 for n in range(999)})
    )
    assert len(body) < 5000
    assert body.count("“") == MAX_EVIDENCE
    assert "990 more" in body


def test_a_share_that_rounds_to_none_or_all_is_told_as_more_or_less() -> None:
    body = review_body(result(confidence=0.0022, scores={"invoice": 0.999, "letter": 0.001}))
    assert "(less than 1 %)" in body
    assert "| *none of these* | 99 %" in body
    assert "| invoice | less than 1 %" in body


def test_the_options_are_ranked_and_the_prediction_comes_first() -> None:
    assert review_options(result()) == ["invoice", "contract", "letter"]
    assert review_options(result(classification="letter")) == ["letter", "invoice", "contract"]
    assert review_options(result(), ["other", "letter", "contract"]) == ["invoice", "contract", "letter", "other"]
    assert review_options(FAILURE, ["letter", "invoice"]) == ["letter", "invoice"]
    no_fit = result(confidence=0.02)
    assert review_options(no_fit, ["letter", "contract", "other"]) == ["other", "invoice", "contract", "letter"]
    assert review_options(BLANK) == ["invoice", "letter"]


@pytest.mark.parametrize("given", [FAILURE, API_RESULT])
def test_without_scores_the_categories_are_needed(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidResult, match="same categories as the classification"):
        review_options(given)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "is None"),
        ("793c9ca", "is a str"),
        ([result()], "to expand"),
        (3, "is a int"),
        ({"a": 1}, "no classification"),
    ],
)
def test_what_is_no_result_is_refused(value: object, told: str) -> None:
    with pytest.raises(InvalidResult, match=told):
        parse_result(value)


def test_the_answer_replaces_the_classification() -> None:
    given = result(confidence_by_path={"finance": 0.6})
    corrected = with_answer(given, Answer("legal/contract", "Ann", ANSWER.at))
    assert corrected["classification"] == "legal/contract"
    assert corrected["confidence"] == 1.0
    assert corrected["predicted"] == {"classification": "invoice", "confidence": 0.62}
    assert (corrected["reviewed_by"], corrected["reviewed_at"]) == ("Ann", ANSWER.at)
    assert corrected["confidence_by_path"] == {"legal": 1.0}
    assert corrected["scores"] == given["scores"]
    assert given["classification"] == "invoice"


def test_an_answer_to_a_failure_is_a_success() -> None:
    corrected = with_answer(FAILURE, ANSWER)
    assert corrected["success"] is True
    assert "error" not in corrected
    assert corrected["predicted"]["error_kind"] == "DocumentCorrupt"
    assert corrected["predicted"]["classification"] is None


def test_an_answered_blank_document_is_not_blank_any_more() -> None:
    corrected = with_answer(BLANK, ANSWER)
    assert "blank" not in corrected
    assert corrected["predicted"]["blank"] is True


def test_without_an_answer_the_prediction_stands() -> None:
    corrected = with_answer(result(), Answer("invoice", None, ANSWER.at))
    assert (corrected["classification"], corrected["confidence"]) == ("invoice", 0.62)
    assert corrected["reviewed_by"] is None
    blank = with_answer(BLANK, Answer(None, None, ANSWER.at))
    assert blank["blank"] is True


def test_a_second_review_keeps_the_first_prediction() -> None:
    twice = with_answer(with_answer(result(), ANSWER), Answer("letter", "Bob", ANSWER.at))
    assert (twice["classification"], twice["reviewed_by"]) == ("letter", "Bob")
    assert twice["predicted"]["classification"] == "invoice"
