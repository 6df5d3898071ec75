from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.exceptions import (
    BudgetUsedUp,
    CalibrationNotUsable,
    ConnectionNotUsable,
    DocumentEncrypted,
    DocumentOverUsageLimit,
    InvalidReply,
)
from airflow_provider_classify.llm.calibration import Calibration, Curve
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.job import JobStatus
from airflow_provider_classify.model.polling import answer
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.chat_server import answer_text, tokens
from tests.support.documents import INVOICE, write_mail_with_invoice, write_pdf, write_picture
from tests.support.language_model import ScriptedModel, always, in_turn
from tests.support.paper import encoded, picture, scanned_pdf

CATEGORIES = (Category("invoice"), Category("letter"))


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of jobs of its own."""
    path = tmp_path / "record" / "jobs.db"
    monkeypatch.setenv("AIRFLOW__CLASSIFY__JOBS_URL", f"sqlite:///{path}")
    return path


def classify(model: ScriptedModel, path: Path, key: str | None = None, **settings: Any) -> ClassificationResult:
    backend = model.backend(**settings)
    submission = backend.submit(Document(str(path)), CATEGORIES, key)
    return answer(backend.get(submission.job_id), path.name, [category.name for category in CATEGORIES])


def write_pages(path: Path, *texts: str) -> Path:
    with pymupdf.open() as document:
        for text in texts:
            document.new_page().insert_textbox((50, 50, 550, 800), text)
        document.save(path)
    return path


LETTER = (
    "Dear Mrs. Brown,\n\nthank you very much for your letter of 3 May, which arrived today.\n\nYours sincerely\nJohn"
)


def test_the_answer_of_a_model_is_a_result_of_the_contract(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice", confidence=0.85, reasoning="It asks\nfor a payment."))
    result = classify(model, write_pdf(tmp_path / "a.pdf"))
    assert (result.success, result.classification, result.confidence) == (True, "invoice", 0.85)
    assert (result.total_pages, result.processed_pages) == (1, 1)
    [page] = result.page_results
    assert (page.page, page.classification, page.confidence, page.raw_result) == (1, "invoice", 0.85, "invoice")
    assert result.extra["confidence_source"] == "stated"
    assert result.extra["reasoning"] == "It asks for a payment."
    assert result.extra["usage"] == {"requests": 1, "input_tokens": 100, "output_tokens": 20}
    assert result.extra["engine"]["version"] == "scripted-1"
    assert result.extra["engine"]["name"].startswith("function:")
    assert result.extra["categories"] == [{"category": "invoice", "pages": [1], "page_count": 1, "confidence": 0.85}]


@pytest.mark.parametrize("is_native", [True, False])
def test_an_answer_outside_the_list_is_asked_once_more(is_native: bool, tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(answer_text("contract"), answer_text("letter")), is_native=is_native)
    result = classify(model, write_pdf(tmp_path / "a.pdf"))
    assert result.classification == "letter"
    assert result.extra["usage"] == {"requests": 2, "input_tokens": 200, "output_tokens": 40}


@pytest.mark.parametrize("wrong", ["contract", "Invoice", ""])
def test_a_second_answer_outside_the_list_is_an_invalid_reply(wrong: str, tmp_path: Path) -> None:
    model = ScriptedModel(always(wrong))
    with pytest.raises(InvalidReply, match=r"a\.pdf"):
        classify(model, write_pdf(tmp_path / "a.pdf"))
    assert len(model.asked) == 2


def test_an_answer_that_is_no_json_is_an_invalid_reply(tmp_path: Path) -> None:
    with pytest.raises(InvalidReply):
        classify(ScriptedModel(lambda asked: "It is an invoice."), write_pdf(tmp_path / "a.pdf"))


def test_no_category_is_the_nearest_one_with_a_low_confidence(tmp_path: Path) -> None:
    model = ScriptedModel(always("none of these", nearest="letter", confidence=0.9))
    result = classify(model, write_pdf(tmp_path / "a.pdf"))
    assert (result.classification, result.confidence) == ("letter", 0.1)
    assert result.extra["none_of_these"] is True
    assert result.page_results[0].raw_result == "none of these"


def test_each_page_has_its_answer(tmp_path: Path) -> None:
    pages = [
        {"page": 1, "category": "letter", "confidence": 0.9},
        {"page": 2, "category": "invoice", "confidence": 0.8},
    ]
    model = ScriptedModel(always("invoice", pages=pages))
    result = classify(model, write_pages(tmp_path / "a.pdf", LETTER, INVOICE))
    assert [(page.page, page.classification, page.confidence) for page in result.page_results] == [
        (1, "letter", 0.9),
        (2, "invoice", 0.8),
    ]
    assert model.asked[0].text.index("Brown") < model.asked[0].text.index("2026-0417")


def test_a_page_without_an_answer_is_a_page_that_failed(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice", pages=[{"page": 2, "category": "invoice", "confidence": 0.8}] * 2))
    first, second = classify(model, write_pages(tmp_path / "a.pdf", LETTER, INVOICE)).page_results
    assert (first.success, first.classification, second.classification) == (False, None, "invoice")


def test_only_the_first_pages_are_sent(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.pdf", *[f"{LETTER}\nThis is the sheet {number}." for number in range(1, 7)])
    pages = [{"page": number, "category": "letter", "confidence": 0.8} for number in (1, 2)]
    model = ScriptedModel(always("letter", pages=pages))
    assert classify(model, path, max_pages=2).total_pages == 2
    assert "sheet 2" in model.asked[0].text
    assert "sheet 3" not in model.asked[0].text


def test_text_is_sent_where_the_text_layer_is_good_and_a_picture_where_not(tmp_path: Path) -> None:
    text, scan = tmp_path / "text.pdf", tmp_path / "scan.pdf"
    write_pdf(text)
    scan.write_bytes(scanned_pdf(picture()))
    for path, pictures in ((text, 0), (scan, 1), (write_picture(tmp_path / "a.png"), 1)):
        model = ScriptedModel(always("invoice"))
        result = classify(model, path)
        assert len(model.asked[0].pictures) == pictures
        assert ("Total due" in model.asked[0].text) == (pictures == 0)
        assert result.classification == "invoice"


@pytest.mark.parametrize(
    ("send", "has_text", "has_picture"), [("text", True, False), ("images", False, True), ("both", True, True)]
)
def test_the_connection_decides_what_is_sent(send: str, has_text: bool, has_picture: bool, tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    classify(model, write_pdf(tmp_path / "a.pdf"), send=send)
    assert ("2026-0417" in model.asked[0].text) == has_text
    assert bool(model.asked[0].pictures) == has_picture


def test_with_text_only_a_scan_is_read_by_ocr(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf(picture()))
    model = ScriptedModel(always("invoice"))
    classify(model, path, send="text")
    assert model.asked[0].pictures == []
    assert "invoice" in model.asked[0].text.lower()


def test_a_picture_is_as_large_as_the_connection_says(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    classify(model, write_picture(tmp_path / "a.png"), image_px=300)
    [sent] = model.asked[0].pictures
    with pymupdf.open(stream=sent) as image:
        assert max(image[0].rect.width, image[0].rect.height) <= 300
        pixmap = pymupdf.Pixmap(sent)
    assert max(pixmap.width, pixmap.height) == 300
    assert sent.startswith(b"\xff\xd8"), "a JPEG"


def test_an_image_has_no_page_results(tmp_path: Path) -> None:
    result = classify(ScriptedModel(always("invoice")), write_picture(tmp_path / "a.png"))
    assert (result.page_results, result.raw_result) == ((), "invoice")


def test_a_mail_with_little_text_is_its_attachment(tmp_path: Path) -> None:
    path = write_mail_with_invoice(tmp_path / "a.eml")
    path.write_bytes(path.read_bytes().replace(b"please find attached what you asked for on the phone last week.", b""))
    model = ScriptedModel(always("invoice"))
    result = classify(model, path)
    assert result.extra["read_from"] == "invoice.pdf"
    assert "2026-0417" in model.asked[0].text


def test_a_blank_document_costs_nothing(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        document.new_page()
        document.save(tmp_path / "blank.pdf")
    model = ScriptedModel(always("invoice"))
    result = classify(model, tmp_path / "blank.pdf")
    assert (result.blank, result.classification) == (True, None)
    assert model.asked == []
    (tmp_path / "blank.png").write_bytes(encoded(picture([])))
    assert classify(model, tmp_path / "blank.png").blank
    assert model.asked == []


def test_a_document_that_cannot_be_read_costs_nothing(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    with pytest.raises(DocumentEncrypted, match=r"a\.pdf"):
        classify(model, write_pdf(tmp_path / "a.pdf", password="secret"))
    assert model.asked == []


# --- confidence -------------------------------------------------------------------------------


def test_log_probabilities_are_the_confidence(tmp_path: Path) -> None:
    text = answer_text("invoice", confidence=0.2)
    logprobs = [token.model_dump() for token in tokens(text, 0.75)]
    model = ScriptedModel(lambda asked: text, details={"logprobs": logprobs})
    result = classify(model, write_pdf(tmp_path / "a.pdf"), votes=5)
    assert (result.confidence, result.extra["confidence_source"]) == (0.75, "logprobs")
    assert len(model.asked) == 1, "votes are not needed"


def test_votes_are_the_confidence_without_log_probabilities(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(*map(answer_text, ["invoice", "letter", "invoice", "invoice"])))
    result = classify(model, write_pdf(tmp_path / "a.pdf"), votes=4)
    assert (result.classification, result.confidence) == ("invoice", 0.75)
    assert result.extra["confidence_source"] == "votes"
    assert result.extra["votes"] == {"invoice": 3, "letter": 1}
    assert result.extra["usage"]["requests"] == 4
    assert "temperature" not in (model.asked[0].info.model_settings or {})


def test_a_calibration_corrects_the_confidence(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    Calibration("m", {"stated": Curve((0.5, 0.9), (0.3, 0.6))}, 50).save(file)
    result = classify(ScriptedModel(always("invoice")), write_pdf(tmp_path / "a.pdf"), calibration=str(file))
    assert (result.confidence, result.extra["uncalibrated_confidence"]) == (0.6, 0.9)
    assert result.page_results[0].confidence == 0.6


def test_a_calibration_of_another_source_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    Calibration("m", {"logprobs": Curve((0.5, 0.9), (0.3, 0.6))}, 50).save(file)
    result = classify(ScriptedModel(always("invoice")), write_pdf(tmp_path / "a.pdf"), calibration=str(file))
    assert result.confidence == 0.9
    assert "uncalibrated_confidence" not in result.extra


def test_a_calibration_that_is_missing_is_an_error_before_money_is_spent(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    with pytest.raises(CalibrationNotUsable):
        classify(model, write_pdf(tmp_path / "a.pdf"), calibration=str(tmp_path / "none.json"))
    assert model.asked == []


# --- costs ------------------------------------------------------------------------------------


def test_a_retry_does_not_pay_for_a_document_that_has_its_answer(tmp_path: Path) -> None:
    model, path = ScriptedModel(always("invoice")), write_pdf(tmp_path / "a.pdf")
    first, second = (classify(model, path, "key") for _ in range(2))
    assert first == second
    assert len(model.asked) == 1


def test_a_retry_after_a_failure_keeps_its_answer_too(tmp_path: Path) -> None:
    model, path = ScriptedModel(in_turn("no", "no", answer_text("invoice"))), write_pdf(tmp_path / "a.pdf")
    with pytest.raises(InvalidReply):
        classify(model, path, "key")
    assert classify(model, path, "key").classification == "invoice"
    assert classify(model, path, "key").classification == "invoice"
    assert len(model.asked) == 3


def test_the_limits_of_the_connection_are_sent_and_checked(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    model = ScriptedModel(always("invoice"))
    classify(model, path, max_tokens=77)
    settings: Any = model.asked[0].info.model_settings
    assert (settings["max_tokens"], settings["temperature"], settings["openai_logprobs"]) == (77, 0.0, True)
    with pytest.raises(DocumentOverUsageLimit, match=r"a\.pdf"):
        classify(model, path, usage_limits={"total_tokens_limit": "119"})
    assert classify(model, path, usage_limits={"total_tokens_limit": 120}).classification == "invoice"


def test_limits_that_do_not_exist_are_an_error_of_the_connection(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    with pytest.raises(ConnectionNotUsable, match="usage_limits"):
        classify(model, write_pdf(tmp_path / "a.pdf"), usage_limits={"dollars": 1})
    assert model.asked == []


def test_a_budget_ends_the_votes(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    with pytest.raises(BudgetUsedUp, match=r"240 tokens of the 200"):
        classify(model, write_pdf(tmp_path / "a.pdf"), votes=5, budget_tokens=200)
    assert len(model.asked) == 2


# --- the rest of a backend --------------------------------------------------------------------


def test_without_evidence_the_record_has_no_text_of_the_document(record: Path, tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice", reasoning="A bill for Trevanion."))
    result = classify(model, write_pdf(tmp_path / "a.pdf"), evidence=False)
    assert "reasoning" not in result.extra
    assert result.extra["usage"]["input_tokens"] == 100
    assert result.extra["confidence_source"] == "stated"
    assert all(b"Trevanion" not in file.read_bytes() for file in record.parent.iterdir())


def test_another_backend_finds_the_job(tmp_path: Path) -> None:
    submission = (
        ScriptedModel(always("invoice")).backend().submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES)
    )
    assert submission.status is JobStatus.COMPLETED
    other = ScriptedModel(always("letter")).backend()
    assert answer(other.get(submission.job_id)).classification == "invoice"
    assert other.statuses([submission.job_id]) == {submission.job_id: JobStatus.COMPLETED}


async def test_a_session_does_the_same_on_an_event_loop(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"))
    async with model.backend().connect() as session:
        submission = await session.submit(Document(str(write_pdf(tmp_path / "a.pdf"))), CATEGORIES, "key")
        assert (await session.get(submission.job_id)).status is JobStatus.COMPLETED


def test_the_identity_changes_with_what_changes_answers(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    Calibration("m", {"stated": Curve((0.5,), (0.3,))}, 50).save(file)
    model = ScriptedModel(always("invoice"))
    changes: list[dict[str, Any]] = [
        {},
        {"model": "openai:other"},
        {"send": "images"},
        {"max_pages": 9},
        {"image_px": 300},
        {"votes": 3},
        {"logprobs": False},
        {"calibration": str(file)},
    ]
    identities = {model.backend(**{"model": "openai:m", **change}).identity(CATEGORIES) for change in changes}
    assert len(identities) == len(changes)
    assert model.backend(model="openai:m", budget_tokens=5).identity() == model.backend(model="openai:m").identity()


def test_the_check_sends_no_request() -> None:
    model = ScriptedModel(always("invoice"))
    assert "No request was sent" in model.backend().check()
    assert model.asked == []


def test_a_model_without_structured_output_answers_by_a_tool(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice"), is_native=False)
    assert classify(model, write_pdf(tmp_path / "a.pdf")).classification == "invoice"


def test_an_answer_keeps_its_words_in_any_language(tmp_path: Path) -> None:
    model = ScriptedModel(always("invoice", reasoning="Это счёт."))
    assert classify(model, write_pdf(tmp_path / "a.pdf")).extra["reasoning"] == "Это счёт."
