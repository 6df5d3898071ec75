"""``airflow-classify classify``, run as a shell runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.command_line import lines, run
from tests.support.documents import write_corrupt_pdf, write_mail_with_invoice, write_pdf, write_picture
from tests.support.sentence_model import write_sentence_model


def test_one_json_object_a_line_with_the_whole_result(invoice: Path, letter: Path) -> None:
    done = run("classify", "--categories", "invoice, letter,", invoice, letter)
    assert (done.returncode, done.stderr) == (0, "")
    answers = lines(done)
    assert [(answer["document"], answer["classification"]) for answer in answers] == [
        (str(invoice), "invoice"),
        (str(letter), "letter"),
    ]
    for answer in answers:
        assert answer["success"] is True
        assert answer["scores"].keys() == {"invoice", "letter"}
        assert [page["page"] for page in answer["page_results"]] == [1]


def test_answers_come_in_the_order_of_the_documents_whoever_is_done_first(invoice: Path, tmp_path: Path) -> None:
    slow = write_pdf(tmp_path / "slow.pdf", "word " * 3000)
    documents = [slow, invoice, tmp_path / "none.pdf", invoice, slow, invoice]
    done = run("classify", "--jobs", "2", "--categories", "invoice,letter", *documents)
    assert [answer["document"] for answer in lines(done)] == [str(document) for document in documents]


def test_a_document_that_fails_is_told_in_its_line_and_by_the_exit_status(invoice: Path, tmp_path: Path) -> None:
    bad = write_corrupt_pdf(tmp_path / "bad.pdf")
    locked = write_pdf(tmp_path / "locked.pdf", password="open sesame")
    empty = tmp_path / "empty.pdf"
    empty.touch()
    failing = [bad, locked, empty, tmp_path / "none.pdf", tmp_path]
    done = run("classify", "--categories", "invoice,letter", *failing, invoice)
    assert (done.returncode, done.stderr) == (1, "")
    *failed, good = lines(done)
    assert good["classification"] == "invoice"
    for answer, document in zip(failed, failing, strict=True):
        assert answer.keys() == {"document", "success", "classification", "confidence", "error", "error_kind"}
        assert (answer["document"], answer["success"], answer["classification"]) == (str(document), False, None)
        assert str(document) in answer["error"]
    kinds = ["DocumentCorrupt", "DocumentEncrypted", "DocumentEmpty", "DocumentNotFound", "DocumentNotAFile"]
    assert [answer["error_kind"] for answer in failed] == kinds


def test_a_folder_is_told_to_name_its_files(tmp_path: Path) -> None:
    (answer,) = lines(run("classify", "--categories", "invoice,letter", f"{tmp_path}/"))
    assert answer["error"] == f"The document {tmp_path}/ is a folder; name its files, as in {tmp_path}/*."


@pytest.mark.parametrize(
    "content",
    ['["invoice", "Überweisung"]', '[{"name": "invoice", "description": "a bill"}, {"name": "Überweisung"}]'],
)
def test_categories_from_a_file(invoice: Path, tmp_path: Path, content: str) -> None:
    file = tmp_path / "categories.json"
    file.write_text(content, encoding="utf-8")
    done = run("classify", "--categories-file", file, invoice)
    assert done.returncode == 0
    assert lines(done)[0]["scores"].keys() == {"invoice", "Überweisung"}


def test_the_number_of_pages(tmp_path: Path) -> None:
    document = tmp_path / "long.txt"
    document.write_text("\f".join(["INVOICE"] * 6))
    pages = {
        arguments: lines(run("classify", *arguments, "--categories", "invoice,letter", document))[0]["total_pages"]
        for arguments in [(), ("--max-pages", "6"), ("--max-pages", "1")]
    }
    assert pages == {(): 4, ("--max-pages", "6"): 6, ("--max-pages", "1"): 1}


def test_ocr_may_be_switched_off(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "scan.png")
    done = run("classify", "--ocr", "never", "--categories", "invoice,letter", picture)
    (answer,) = lines(done)
    assert done.returncode == 1
    assert "OCR" in answer["error"]


def test_attachments_get_results_of_their_own(tmp_path: Path) -> None:
    mail = write_mail_with_invoice(tmp_path / "mail.eml")
    answers = [
        lines(run("classify", *arguments, "--categories", "email,invoice", mail))[0]
        for arguments in [(), ("--attachments", "classify")]
    ]
    assert [answer["classification"] for answer in answers] == ["email", "email"]
    assert "attachments" not in answers[0]
    assert len(answers[1]["attachments"]) == 1


def test_own_document_types(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "keeper log:\n  description: A lighthouse's log.\n  cues: {en: {decisive: lamp lit}}"
    )
    document = write_pdf(tmp_path / "log.pdf", "Godrevy, lamp lit 19.40\nKeeper of the watch: J. Trevanion")
    done = run("classify", "--document-types", tmp_path, "--categories", "keeper logs,letter", document)
    (answer,) = lines(done)
    assert answer["classification"] == "keeper logs"
    assert answer["page_results"][0]["raw_result"] == "keeper log"


def test_a_sentence_model(tmp_path: Path) -> None:
    model = write_sentence_model(tmp_path / "model")
    document = write_pdf(tmp_path / "notice.pdf", "Kerra Trevanion, beloved wife and mother, passed away on 3 May.")
    arguments = ["--categories", "zibble,invoice,letter", str(document)]
    answers = [
        lines(run("classify", *options, *arguments))[0]
        for options in ([], ["--sentence-model", os.path.relpath(model)])
    ]
    assert answers[1]["classification"] == "zibble"
    assert answers[1]["scores"]["zibble"] > answers[0]["scores"]["zibble"]
    assert answers[1]["engine"].keys() - answers[0]["engine"].keys() == {"sentence_model"}


def test_examples_from_a_file_of_categories(invoice: Path, letter: Path, tmp_path: Path) -> None:
    file = tmp_path / "categories.json"
    file.write_text(json.dumps([{"name": "zeta", "examples": [str(letter)]}, "invoice"]))
    assert [a["classification"] for a in lines(run("classify", "--categories-file", file, letter, invoice))] == [
        "zeta",
        "invoice",
    ]
    letter.unlink()
    (answer,) = lines(run("classify", "--categories-file", file, invoice))
    assert answer["error"].startswith("An example of the category 'zeta' cannot be used")


def test_categories_add_up(invoice: Path) -> None:
    done = run("classify", "--categories", "invoice", "--categories", "letter,memo", invoice)
    assert lines(done)[0]["scores"].keys() == {"invoice", "letter", "memo"}


def test_what_is_no_file_is_refused_before_it_is_opened(invoice: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    failing = [tmp_path / "pipe.pdf", Path("/dev/zero"), tmp_path, ""]
    done = run("classify", "--categories", "invoice,letter", *failing, invoice, timeout=60)
    *failed, good = lines(done)
    assert good["classification"] == "invoice"
    for answer, words in zip(failed, ("named pipe", "device", "folder", "empty"), strict=True):
        assert words in answer["error"]
