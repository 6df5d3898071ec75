"""``split_to`` of the operator: the documents of a packet, and their list in XCom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_classify.exceptions import InvalidOutput
from airflow_provider_classify.operators.classify import ClassifyOperator
from tests.support.context import context
from tests.support.documents import write_corrupt_pdf
from tests.support.packets import INVOICE_1, INVOICE_2, LETTER, write_packet

CONNECTION = "AIRFLOW_CONN_PACKETS"


@pytest.fixture
def all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, '{"conn_type": "classify", "extra": {"backend": "local", "max_pages": "all"}}')


def split(path: Path, to: Path, **arguments: Any) -> tuple[Any, Any]:
    """Return what the task returns, and its XCom ``result``."""
    operator = ClassifyOperator(
        task_id="split", document=str(path), categories=["invoice", "letter"], split_to=str(to), **arguments
    )
    run = context()
    return operator.execute(run), run["ti"].xcom.get("result")


@pytest.mark.usefixtures("all_pages")
def test_each_document_is_a_pdf_of_its_own(tmp_path: Path) -> None:
    path = write_packet(tmp_path / "packet.pdf", [INVOICE_1, INVOICE_2, LETTER])
    listed, result = split(path, tmp_path / "out", classify_conn_id="packets")
    assert [(found["category"], found["pages"], found["packet"]) for found in listed] == [
        ("invoice", [1, 2], str(path)),
        ("letter", [3], str(path)),
    ]
    for found, start in zip(listed, ("ACME", "Lenka"), strict=True):
        with pymupdf.open(found["document"]) as document:
            assert document.page_count == len(found["pages"])
            assert document[0].get_text().startswith(start)
    assert result["documents"] == [{key: found[key] for key in ("category", "pages", "confidence")} for found in listed]
    again, _ = split(path, tmp_path / "out", classify_conn_id="packets")
    assert again == listed
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_packet_of_which_only_the_first_pages_were_classified_fails(tmp_path: Path) -> None:
    path = write_packet(tmp_path / "long.pdf", [LETTER] * 6)
    with pytest.raises(AirflowFailException, match="set max_pages to all"):
        split(path, tmp_path / "out")


def test_a_packet_that_cannot_be_read_is_listed_itself(tmp_path: Path) -> None:
    path = write_corrupt_pdf(tmp_path / "bad.pdf")
    listed, result = split(path, tmp_path / "out", on_unreadable="result")
    assert listed == [result]
    assert (result["document"], result["success"], result["error_kind"]) == (str(path), False, "DocumentCorrupt")


@pytest.mark.parametrize("split_to", ["", " ", 3, ["folder"], "https://example.com/folder"])
def test_a_wrong_folder_is_refused_when_the_dag_is_parsed(split_to: Any) -> None:
    with pytest.raises(InvalidOutput, match="'sort'"):
        ClassifyOperator(task_id="sort", document="a.pdf", categories=["letter"], split_to=split_to)


def test_a_task_that_does_not_wait_cannot_split() -> None:
    with pytest.raises(ValueError, match="'sort' has split_to"):
        ClassifyOperator(
            task_id="sort", document="a.pdf", categories=["letter"], split_to="folder", wait_for_completion=False
        )


def test_the_folder_is_a_template() -> None:
    operator = ClassifyOperator(task_id="sort", document="a.pdf", categories=["letter"], split_to="{{ ds }}")
    assert "split_to" in operator.template_fields
