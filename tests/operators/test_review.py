"""The review operator by itself. tests/test_dags.py and tests/system run it with Airflow's page and delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import InvalidCategories, InvalidResult, ReviewNotAvailable
from airflow_provider_classify.lifecycle import compat
from airflow_provider_classify.operators.review import ClassificationReviewOperator
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf, write_pdf

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
needs_hitl = pytest.mark.skipif(
    compat.human_in_the_loop_operator() is None, reason="reviews need Airflow 3.1 and its standard provider 1.12.2"
)

PREDICTION: dict[str, Any] = {"on_timeout": "prediction", "response_timeout": timedelta(hours=1)}


def result(**changes: Any) -> dict[str, Any]:
    return {
        "document": "/in/scan.pdf",
        "success": True,
        "classification": "invoice",
        "confidence": 0.6,
        "scores": {"letter": 0.3, "invoice": 0.7},
    } | changes


def answered(category: str, name: str | None = "Ann") -> dict[str, Any]:
    """Return the event with which Airflow resumes the task."""
    user = {"id": "7", "name": name} if name else None
    return {"chosen_options": [category], "params_input": {}, "responded_at": AT, "responded_by_user": user}


def timed_out() -> dict[str, Any]:
    return {"error": "The timeout has passed.", "error_type": "timeout"}


def review(**arguments: Any) -> ClassificationReviewOperator:
    return ClassificationReviewOperator(task_id="review", **{"result": result(), "thumbnail": False} | arguments)


@needs_hitl
class TestAnswers:
    def test_the_answer_is_the_classification(self) -> None:
        corrected = review().execute_complete(context(), answered("letter"))
        assert (corrected["classification"], corrected["confidence"]) == ("letter", 1.0)
        assert corrected["predicted"] == {"classification": "invoice", "confidence": 0.6}
        assert corrected["reviewed_by"] == "Ann"
        assert corrected["reviewed_at"] == AT.isoformat()

    def test_an_answer_that_is_no_category_is_refused(self) -> None:
        with pytest.raises(ValueError, match="contract"):
            review().execute_complete(context(), answered("contract"))

    def test_the_default_of_airflow_after_the_timeout_is_the_prediction(self) -> None:
        operator = review(**PREDICTION)
        operator._prepare(result())
        assert operator.defaults == ["invoice"]
        taken = operator.execute_complete(context(), answered("invoice", name=None))
        assert (taken["classification"], taken["confidence"], taken["reviewed_by"]) == ("invoice", 0.6, None)

    def test_a_blank_document_stays_blank_after_the_timeout(self) -> None:
        blank = result(classification=None, confidence=0.0, blank=True)
        taken = review(result=blank, **PREDICTION).execute_complete(context(), timed_out())
        assert taken["classification"] is None
        assert taken["reviewed_by"] is None

    def test_without_an_answer_the_task_fails_without_a_retry(self) -> None:
        with pytest.raises(AirflowFailException, match=r"ReviewNotAnswered: Nobody answered within 1:00:00 .*scan.pdf"):
            review(response_timeout=timedelta(hours=1)).execute_complete(context(), timed_out())

    def test_another_error_of_airflow_is_told(self) -> None:
        with pytest.raises(AirflowFailException, match=r"could not deliver the answer .*broken"):
            review(**PREDICTION).execute_complete(context(), {"error": "broken", "error_type": "unknown"})

    def test_the_options_of_a_failure_are_the_categories(self) -> None:
        failure = {
            "document": "/in/a.pdf",
            "success": False,
            "error": "It is damaged.",
            "error_kind": "DocumentCorrupt",
        }
        operator = review(result=failure, categories=["letter", "invoice"])
        corrected = operator.execute_complete(context(), answered("letter"))
        assert corrected["success"] is True
        assert corrected["predicted"]["error"] == "It is damaged."
        with pytest.raises(AirflowFailException, match="same categories"):
            review(result=failure).execute_complete(context(), answered("letter"))


@needs_hitl
class TestQuestions:
    def test_a_sure_result_is_not_asked_about(self) -> None:
        assert review(minimum_confidence=0.6).execute(context()) == result()

    @pytest.mark.parametrize("changes", [{"confidence": 0.5}, {"classification": None}, {"confidence": None}])
    def test_a_doubtful_result_is_not_returned(self, changes: dict[str, Any]) -> None:
        assert not review(minimum_confidence=0.6)._is_sure(result(**changes))

    @pytest.mark.parametrize("value", [None, "job", [result()], {"a": 1}])
    def test_what_is_no_result_fails_at_once(self, value: object) -> None:
        operator = review()
        operator.result = value
        with pytest.raises(AirflowFailException, match="InvalidResult"):
            operator.execute(context())

    def test_wrong_arguments_name_the_task(self) -> None:
        with pytest.raises(InvalidResult, match="Task 'review'"):
            review(result=3)
        with pytest.raises(InvalidCategories, match="Task 'review'"):
            review(categories=[])
        with pytest.raises(ValueError, match="minimum_confidence of 'review'"):
            review(minimum_confidence=2)
        with pytest.raises(ValueError, match="on_timeout of 'review'"):
            review(on_timeout="guess")
        with pytest.raises(ValueError, match="'review' has on_timeout='prediction' without response_timeout"):
            review(on_timeout="prediction")
        with pytest.raises(ValueError, match="response_timeout of 'review' is 3600; give a timedelta"):
            review(response_timeout=3600)
        with pytest.raises(ValueError, match="minimum_confidence of 'review' is 'high'; give a number from 0 to 1"):
            review(minimum_confidence="high")
        with pytest.raises(InvalidResult, match="give its output"):
            review(result=review())


@needs_hitl
class TestLearning:
    def learn(self, folder: Path, document: Path, category: str, **changes: Any) -> dict[str, Any]:
        given = result(document=str(document), **changes)
        operator = review(result=given, learn_into=str(folder), categories=["invoice", "letter", "none of these"])
        return operator.execute_complete(context(), answered(category))

    def test_a_corrected_document_becomes_an_example(self, tmp_path: Path) -> None:
        document = write_pdf(tmp_path / "scan.pdf")
        learned = Path(self.learn(tmp_path / "learned", document, "letter")["learned"])
        assert learned.parent == tmp_path / "learned" / "letter"
        assert learned.name.endswith("-scan.pdf")
        assert learned.read_bytes() == document.read_bytes()

    def test_a_second_correction_moves_the_example(self, tmp_path: Path) -> None:
        document = write_pdf(tmp_path / "scan.pdf")
        self.learn(tmp_path / "learned", document, "letter")
        self.learn(tmp_path / "learned", document, "invoice", classification="letter")
        assert [path.parent.name for path in (tmp_path / "learned").rglob("*.pdf")] == ["invoice"]

    def test_a_confirmed_prediction_is_not_stored(self, tmp_path: Path) -> None:
        assert "learned" not in self.learn(tmp_path / "learned", write_pdf(tmp_path / "scan.pdf"), "invoice")
        assert not (tmp_path / "learned").exists()

    def test_an_answer_that_the_classifier_does_not_know_is_not_stored(self, tmp_path: Path) -> None:
        document = write_pdf(tmp_path / "scan.pdf")
        changes = {"scores": {"invoice": 0.9, "letter": 0.1}}
        assert "learned" not in self.learn(tmp_path / "learned", document, "none of these", **changes)
        assert "learned" in self.learn(tmp_path / "learned", document, "letter", **changes)

    @pytest.mark.parametrize("changes", [{"blank": True, "classification": None}, {"success": False}])
    def test_a_document_without_text_is_not_stored(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        corrected = self.learn(tmp_path / "learned", write_corrupt_pdf(tmp_path / "scan.pdf"), "letter", **changes)
        assert corrected["classification"] == "letter"
        assert not (tmp_path / "learned").exists()

    def test_an_answer_counts_although_the_document_is_gone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        corrected = self.learn(tmp_path / "learned", tmp_path / "gone.pdf", "letter")
        assert corrected["classification"] == "letter"
        assert "learned" not in corrected
        assert "gone.pdf" in capsys.readouterr().out


def test_an_older_airflow_is_told_when_the_operator_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "human_in_the_loop_operator", lambda: None)
    with pytest.raises(ReviewNotAvailable, match=r"Task 'review' needs Airflow 3\.1 or newer"):
        review()
