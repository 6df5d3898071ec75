from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.model.job import Job, JobStatus, Progress, Submission
from airflow_provider_classify.model.result import ClassificationResult, PageResult


def page(number: int, classification: str | None, confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    return {"page": number, "success": True, "classification": classification, "confidence": confidence, **more}


def failed_page(number: int, first_category: str = "invoice") -> dict[str, Any]:
    """A page as the API sends it when it could not read it: the first category stands in for an answer."""
    return page(number, first_category, 0.0, error="unreadable") | {"success": False}


def result(*pages: dict[str, Any], classification: str = "contract", confidence: float = 0.89) -> dict[str, Any]:
    return {
        "success": True,
        "classification": classification,
        "confidence": confidence,
        "total_pages": len(pages),
        "processed_pages": len(pages),
        "page_results": list(pages),
    }


COMPLETED = {
    "job_id": "8a1c",
    "status": "completed",
    "progress": "Classification completed",
    "error": None,
    "result": result(
        page(1, "contract", 0.92, raw_result="contract"), page(2, "contract", 0.86, raw_result="a contract")
    ),
}
FAILED = {
    "job_id": "8a1c",
    "status": "failed",
    "progress": "Classification failed",
    "error": "This PDF could not be opened — the file may be corrupt or in an unsupported format.",
    "result": None,
}
IMAGE_RESULT = {
    "success": True,
    "classification": "receipt",
    "confidence": 0.97,
    "total_pages": 1,
    "processed_pages": 1,
    "raw_result": "a till receipt",
}
SUBMITTED = {"job_id": "8a1c", "status": "processing", "message": "Classification started", "quota_remaining": 450}


# --- jobs ---------------------------------------------------------------------------------


def test_a_completed_job_is_read_whole() -> None:
    job = Job.from_json(COMPLETED)
    assert (job.job_id, job.status, job.error, job.error_kind) == ("8a1c", JobStatus.COMPLETED, None, None)
    assert job.progress == Progress.COMPLETED
    assert job.result == ClassificationResult(
        success=True,
        classification="contract",
        confidence=0.89,
        total_pages=2,
        processed_pages=2,
        page_results=(
            PageResult(1, True, "contract", 0.92, raw_result="contract"),
            PageResult(2, True, "contract", 0.86, raw_result="a contract"),
        ),
    )


@pytest.mark.parametrize("job", [COMPLETED, FAILED, COMPLETED | {"result": IMAGE_RESULT}])
def test_a_job_comes_out_as_it_went_in(job: dict[str, Any]) -> None:
    assert Job.from_json(job).to_json() == job
    assert list(Job.from_json(job).to_json()) == ["job_id", "status", "progress", "error", "result"]


@pytest.mark.parametrize("status", ["queued", "processing"])
@pytest.mark.parametrize("nothing", [{}, {"error": None, "result": None}])
def test_a_job_under_way_has_neither_error_nor_result(status: str, nothing: dict[str, None]) -> None:
    job = Job.from_json({"job_id": "8a1c", "status": status, "progress": "Starting classification...", **nothing})
    assert (job.status, job.error, job.result) == (status, None, None)
    assert job.to_json() == {
        "job_id": "8a1c",
        "status": status,
        "progress": "Starting classification...",
        "error": None,
        "result": None,
    }


@pytest.mark.parametrize(
    ("status", "terminal"), [("queued", False), ("processing", False), ("completed", True), ("failed", True)]
)
def test_the_last_two_statuses_are_terminal(status: str, terminal: bool) -> None:
    assert JobStatus(status).is_terminal is terminal


def test_the_progress_messages_are_the_apis_own() -> None:
    assert [str(progress) for progress in Progress] == [
        "Starting classification...",
        "Classification completed",
        "Classification failed",
    ]


def test_a_job_that_fails_at_once_may_keep_the_first_progress() -> None:
    job = Job.from_json(FAILED | {"progress": "Starting classification..."})
    assert (job.status, job.progress) == (JobStatus.FAILED, Progress.STARTING)


def test_an_answer_left_over_in_a_failed_job_is_not_believed() -> None:
    assert Job.from_json(FAILED | {"result": result(page(1, "invoice"))}).result is None


def test_an_error_left_over_in_a_completed_job_is_not_believed() -> None:
    assert Job.from_json(COMPLETED | {"error": "try 1 failed"}).error is None


@pytest.mark.parametrize("missing", ["job_id", "status", "result"])
def test_a_field_that_a_completed_job_lacks_is_named(missing: str) -> None:
    for job in ({k: v for k, v in COMPLETED.items() if k != missing}, COMPLETED | {missing: None}):
        with pytest.raises(InvalidReply, match=f"'{missing}'"):
            Job.from_json(job)


def test_a_failed_job_without_a_reason_is_not_the_contracts() -> None:
    with pytest.raises(InvalidReply, match="'error'"):
        Job.from_json(FAILED | {"error": None})


def test_an_unknown_status_is_named_with_the_known_ones() -> None:
    with pytest.raises(InvalidReply, match=r"'cancelled'.*queued, processing, completed, failed"):
        Job.from_json(COMPLETED | {"status": "cancelled"})


@pytest.mark.parametrize("reply", [None, [], "completed", 7, True, [COMPLETED]])
def test_a_reply_that_is_no_object(reply: object) -> None:
    for read in (Job.from_json, Submission.from_json, ClassificationResult.from_json):
        with pytest.raises(InvalidReply, match="not a JSON object"):
            read(reply)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [("job_id", 7, "int"), ("status", True, "bool"), ("progress", [], "list"), ("result", "none", "str")],
)
def test_a_field_of_another_type_is_named_with_it(field: str, value: object, kind: str) -> None:
    with pytest.raises(InvalidReply, match=f"'{field}'.*{kind}"):
        Job.from_json(COMPLETED | {field: value})


# --- the reply to a submit ----------------------------------------------------------------


@pytest.mark.parametrize("status", ["processing", "queued"])
def test_a_submission_comes_out_as_it_went_in(status: str) -> None:
    reply = SUBMITTED | {"status": status, "region": "eu"}
    submission = Submission.from_json(reply)
    assert (submission.job_id, submission.status, submission.quota_remaining) == ("8a1c", status, 450)
    assert submission.to_json() == reply


def test_a_submission_needs_no_quota_and_no_message() -> None:
    submission = Submission.from_json({"job_id": "8a1c", "status": "queued"})
    assert (submission.message, submission.quota_remaining) == ("", None)
    assert "quota_remaining" not in submission.to_json()


def test_a_used_up_quota_is_not_taken_for_none() -> None:
    assert Submission.from_json(SUBMITTED | {"quota_remaining": 0}).to_json()["quota_remaining"] == 0


@pytest.mark.parametrize("missing", ["job_id", "status"])
def test_a_field_that_a_submission_lacks_is_named(missing: str) -> None:
    with pytest.raises(InvalidReply, match=f"reply to the submit lacks '{missing}'"):
        Submission.from_json({k: v for k, v in SUBMITTED.items() if k != missing})


# --- results ------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["success", "classification", "confidence", "total_pages", "processed_pages"])
def test_a_field_that_a_result_lacks_is_named(missing: str) -> None:
    with pytest.raises(InvalidReply, match=f"result lacks '{missing}'"):
        ClassificationResult.from_json({k: v for k, v in COMPLETED["result"].items() if k != missing})


@pytest.mark.parametrize("missing", ["page", "success", "classification", "confidence"])
def test_a_field_that_a_page_lacks_is_named_with_its_place(missing: str) -> None:
    second = {k: v for k, v in page(2, "contract").items() if k != missing}
    with pytest.raises(InvalidReply, match=rf"result\.page_results\[1\] lacks '{missing}'"):
        ClassificationResult.from_json(result(page(1, "contract"), second))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("success", 1),
        ("success", "true"),
        ("classification", ["contract"]),
        ("total_pages", 2.0),
        ("total_pages", True),
        ("page_results", {}),
        ("page_results", ["contract"]),
        ("confidence", "0.9"),
        ("confidence", True),
    ],
)
def test_a_result_with_a_field_of_another_type(field: str, value: object) -> None:
    with pytest.raises(InvalidReply):
        ClassificationResult.from_json(COMPLETED["result"] | {field: value})


@pytest.mark.parametrize("confidence", ["NaN", "Infinity", "-0.1", "89", "1e999", "1" + "0" * 400])
def test_a_confidence_that_is_none_does_not_pass(confidence: str) -> None:
    # Each would be above any minimum that a route asks for.
    with pytest.raises(InvalidReply, match="confidence"):
        ClassificationResult.from_json(COMPLETED["result"] | {"confidence": json.loads(confidence)})


@pytest.mark.parametrize(("sent", "read"), [(0, 0.0), (1, 1.0), (1.0000001, 1.0)])
def test_a_confidence_at_the_edges(sent: float, read: float) -> None:
    confidence = ClassificationResult.from_json(COMPLETED["result"] | {"confidence": sent}).confidence
    assert isinstance(confidence, float)
    assert confidence == read


def test_an_image_has_no_pages_but_a_raw_result() -> None:
    image = ClassificationResult.from_json({k: v for k, v in IMAGE_RESULT.items() if k != "processed_pages"})
    assert (image.page_results, image.raw_result, image.total_pages) == ((), "a till receipt", 1)
    assert image.to_json() == IMAGE_RESULT


def test_more_pages_than_the_api_promises_are_read_all() -> None:
    six = ClassificationResult.from_json(result(*(page(number, "contract") for number in range(1, 7))))
    assert [page.page for page in six.page_results] == [1, 2, 3, 4, 5, 6]
    assert six.total_pages == 6


def test_unknown_keys_survive_at_every_level() -> None:
    job = COMPLETED | {
        "trace": {"id": 1},
        "result": result(page(1, "contract", box=[0, 1]))
        | {"categories": [{"category": "contract", "pages": [1], "page_count": 1, "confidence": 0.9}]},
    }
    read = Job.from_json(job)
    assert read.extra == {"trace": {"id": 1}}
    assert read.result is not None
    assert list(read.result.extra) == ["categories"]
    assert read.result.page_results[0].extra == {"box": [0, 1]}
    assert read.to_json() == job
    assert Job.from_json(read.to_json()) == read


def test_an_error_kind_travels_with_a_job() -> None:
    job = FAILED | {"error_kind": "DocumentCorrupt"}
    assert Job.from_json(job).error_kind == "DocumentCorrupt"
    assert Job.from_json(job).to_json() == job


@pytest.mark.parametrize(
    "lie",
    [
        {"total_pages": -5},
        {"total_pages": 0},
        {"total_pages": 10**12},
        {"processed_pages": -1},
        {"total_pages": 1, "processed_pages": 1},
        {"page_results": [page(0, "contract")]},
        {"page_results": [page(-1, "contract")]},
        {"page_results": [page(10**12, "contract")]},
        {"page_results": [page(2, "contract"), page(2, "contract")]},
    ],
)
def test_numbers_that_are_not_possible(lie: dict[str, Any]) -> None:
    with pytest.raises(InvalidReply):
        ClassificationResult.from_json(COMPLETED["result"] | lie)


@pytest.mark.parametrize("quota", [2**60, -(2**60), True, 1.5, "7"])
def test_a_quota_that_is_not_possible(quota: object) -> None:
    with pytest.raises(InvalidReply, match="quota_remaining"):
        Submission.from_json(SUBMITTED | {"quota_remaining": quota})


@pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "a b", "\x1b[2J", "\ud800", "x" * 201])
def test_a_submission_whose_job_could_not_be_asked_for(job_id: str) -> None:
    with pytest.raises(InvalidReply) as raised:
        Submission.from_json(SUBMITTED | {"job_id": job_id})
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("error", [None, "try 1 failed", {}])
def test_an_error_in_a_successful_result_is_no_part_of_it(error: object) -> None:
    read = ClassificationResult.from_json(COMPLETED["result"] | {"error": error})
    assert read == ClassificationResult.from_json(COMPLETED["result"])
    assert "error" not in read.to_json()


def test_extra_keys_never_take_the_place_of_fields() -> None:
    fields = {"success": False, "classification": "x", "confidence": 9, "total_pages": 0, "raw_result": "x"}
    result = ClassificationResult(True, "contract", 0.9, 1, 1, extra=fields | {"page_results": [], "engine": "e"})
    assert result.to_json() == {
        "success": True,
        "classification": "contract",
        "confidence": 0.9,
        "total_pages": 1,
        "processed_pages": 1,
        "engine": "e",
    }
    one_page = PageResult(1, True, "contract", 0.9, extra={"page": 7, "error": "x", "box": 1})
    assert one_page.to_json() == page(1, "contract", 0.9, box=1)
    job = Job("8a1c", JobStatus.QUEUED, extra={"job_id": "other", "error_kind": "x", "trace": 1})
    assert (job.to_json()["job_id"], job.to_json().get("error_kind"), job.to_json()["trace"]) == ("8a1c", None, 1)
    submission = Submission("8a1c", JobStatus.QUEUED, extra={"job_id": "other", "quota_remaining": 1})
    assert submission.to_json() == {"job_id": "8a1c", "status": "queued", "message": ""}


def test_a_blank_page_has_no_answer_and_is_not_counted() -> None:
    blank = {"page": 1, "success": True, "classification": None, "confidence": 0.0, "blank": True}
    read = ClassificationResult.from_json(result(blank, page(2, "contract")) | {"total_pages": 1, "processed_pages": 1})
    assert (read.classification, read.page_results[0].classification) == ("contract", None)
    assert read.to_json()["page_results"][0] == blank


# --- failed pages -------------------------------------------------------------------------


def test_a_failed_page_does_not_pass_for_the_first_category() -> None:
    read = ClassificationResult.from_json(result(page(1, "contract"), failed_page(2)))
    assert read.page_results[1] == PageResult(2, False, None, 0.0, error="unreadable")
    assert "invoice" not in json.dumps(read.to_json())


def test_an_answer_that_a_succeeded_page_gives_stays() -> None:
    read = ClassificationResult.from_json(result(page(1, "contract", 0.6), failed_page(2), confidence=0.3))
    assert (read.success, read.classification, read.confidence) == (True, "contract", 0.3)


def test_an_answer_that_only_failed_pages_give_falls_to_the_succeeded_ones() -> None:
    pages = (failed_page(1), failed_page(2), page(3, "letter", 0.5), page(4, "letter", 0.7))
    read = ClassificationResult.from_json(result(*pages, classification="invoice", confidence=0.99))
    assert (read.success, read.classification) == (True, "letter")
    assert read.confidence == pytest.approx(0.6)


def test_of_the_succeeded_pages_the_weightier_answer_counts() -> None:
    pages = (failed_page(1), page(2, "letter", 0.3), page(3, "letter", 0.3), page(4, "contract", 0.9))
    read = ClassificationResult.from_json(result(*pages, classification="invoice"))
    assert (read.classification, read.confidence) == ("contract", 0.9)


def test_where_all_pages_failed_there_is_no_answer() -> None:
    read = ClassificationResult.from_json(result(failed_page(1), failed_page(2), classification="invoice"))
    assert (read.success, read.classification, read.confidence) == (False, None, 0.0)
    assert ClassificationResult.from_json(read.to_json()) == read


@pytest.mark.parametrize("confidence", [None, "high", float("nan"), 7, True])
def test_a_result_without_success_has_no_answer_whatever_it_says(confidence: object) -> None:
    read = ClassificationResult.from_json(
        {"success": False, "classification": "invoice", "confidence": confidence, "total_pages": 1, "error": "blank"}
    )
    assert (read.success, read.classification, read.confidence) == (False, None, 0.0)
    assert read.to_json()["error"] == "blank"


def test_a_failed_page_may_lack_classification_and_confidence() -> None:
    read = ClassificationResult.from_json(result(page(1, "contract"), {"page": 2, "success": False, "error": "dark"}))
    assert read.page_results[1] == PageResult(2, False, None, 0.0, error="dark")
