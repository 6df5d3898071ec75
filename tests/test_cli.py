"""The command line, run as a shell runs it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_classify import __version__
from tests.support.documents import write_corrupt_pdf, write_mail_with_invoice, write_pdf, write_picture
from tests.support.packets import INVOICE_1, INVOICE_2, write_packet
from tests.support.packets import LETTER as PACKET_LETTER
from tests.support.sentence_model import write_sentence_model

COMMAND = str(Path(sys.executable).with_name("airflow-classify"))
LETTER = "Dear Mrs Trevanion,\n\nthank you for your letter of 22 May.\n\nYours sincerely,\nLenka Horák"


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, encoding="utf-8", **options)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def invoice(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "invoice.pdf")


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "letter.pdf", LETTER)


# --- classify -----------------------------------------------------------------------------


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


def test_own_document_types_that_cannot_be_used(invoice: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("keeper log:\n  titles: log")
    for command in (["classify", "--categories", "invoice", str(invoice)], ["serve", "--data", str(tmp_path / "data")]):
        done = run(*command, "--document-types", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{tmp_path}/own.yaml, line 2: the document type 'keeper log' has no description" in done.stderr


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


def test_a_sentence_model_that_is_not_there(invoice: Path, tmp_path: Path) -> None:
    pytest.importorskip("model2vec", reason="model2vec is not installed; it comes with the extra 'sentences'")
    for command in (["classify", "--categories", "zibble", str(invoice)], ["serve", "--data", str(tmp_path / "data")]):
        done = run(*command, "--sentence-model", tmp_path / "none")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"The sentence model '{tmp_path}/none'" in done.stderr


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


def test_json_is_utf8_in_every_locale(invoice: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = run("classify", "--categories", "invoice,Überweisung", invoice, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"Überweisung"' in done.stdout


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such file names")
def test_a_file_name_that_is_no_text_is_escaped_as_json_does(tmp_path: Path) -> None:
    document = tmp_path / os.fsdecode(b"\xff.txt")
    document.write_text(LETTER)
    done = run("classify", "--categories", "invoice,letter", document)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\udcff.txt" in done.stdout
    assert lines(done)[0]["document"] == str(document)


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


# --- calls that make no sense -------------------------------------------------------------


@pytest.mark.parametrize("categories", ["", ",", "invoice,invoice", "invoice,Invoice"])
def test_categories_that_make_no_sense(invoice: Path, categories: str) -> None:
    done = run("classify", "--categories", categories, invoice)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("airflow-classify: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory); give the path of a JSON file."),
        (b"", "is not JSON in UTF-8; write a list of names"),
        (b"invoice and a secret", "is not JSON in UTF-8; write a list of names"),
        (b"\xff\xfe", "is not JSON in UTF-8; write a list of names"),
        (b"{}", "The list of categories is empty; give"),
        (b"[]", "The list of categories is empty; give"),
        (b"[1]", "The category 1 is neither a name nor an object"),
    ],
)
def test_a_file_of_categories_that_makes_no_sense(
    invoice: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "categories.json"
    if content is not None:
        file.write_bytes(content)
    done = run("classify", "--categories-file", file, invoice)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"airflow-classify: The categories file '{file}'")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sort"],
        ["classify"],
        ["classify", "a.pdf"],
        ["classify", "--categories", "a,b"],
        ["classify", "--categories", "a,b", "--categories-file", "c.json", "a.pdf"],
        ["classify", "--categories", "a,b", "--jobs", "0", "a.pdf"],
        ["classify", "--categories", "a,b", "--jobs", "-1", "a.pdf"],
        ["classify", "--categories", "a,b", "--jobs", "two", "a.pdf"],
        ["classify", "--categories", "a,b", "--max-pages", "0", "a.pdf"],
        ["classify", "--categories", "a,b", "--ocr", "maybe", "a.pdf"],
        ["serve", "--max-pages", "none"],
        ["serve", "--attachments", "none"],
        ["serve", "--port", "http"],
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: airflow-classify")
    if {"--jobs", "--max-pages"} & set(arguments):
        assert "at least 1" in done.stderr


def test_help_and_version() -> None:
    assert run("--version").stdout == f"airflow-classify {__version__}\n"
    for arguments in (["--help"], ["classify", "--help"], ["serve", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: airflow-classify")


# --- terminals, pipes, signals ------------------------------------------------------------


def test_a_person_at_a_terminal_sees_the_progress(invoice: Path) -> None:
    ours, its = pty.openpty()
    try:
        done = subprocess.run(
            [COMMAND, "classify", "--categories", "invoice,letter", str(invoice)],
            stdout=subprocess.PIPE,
            stderr=its,
            encoding="utf-8",
            env=os.environ | {"TERM": "xterm"},
        )
        drawn = os.read(ours, 100_000).decode()
    finally:
        os.close(its)
        os.close(ours)
    assert done.returncode == 0
    assert "Classifying" in drawn
    assert [answer["classification"] for answer in lines(done)] == ["invoice"]


def test_at_a_terminal_a_line_is_printed_as_it_is(tmp_path: Path) -> None:
    """Names in brackets are no markup, and a line longer than the screen is not broken."""
    document = tmp_path / "invoice [local] [bold] :smile:.txt"
    document.write_text("Invoice number 7")
    missing = tmp_path / "none [local].pdf"
    ours, its = pty.openpty()
    drawn = bytearray()

    def read() -> None:
        with suppress(OSError):  # the terminal is closed
            while piece := os.read(ours, 100_000):
                drawn.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        done = subprocess.run(
            [COMMAND, "classify", "--categories", "invoice,letter", str(document), str(missing)],
            stdout=its,
            stderr=its,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "40"},
        )
    finally:
        os.close(its)
        thread.join()
        os.close(ours)
    assert done.returncode == 1
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())
    answers = [json.loads(line) for line in re.findall(r"\{.*\}", printed)]
    assert [answer["document"] for answer in answers] == [str(document), str(missing)]


def test_a_reader_that_has_seen_enough(invoice: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "classify", "--jobs", "1", "--categories", "invoice,letter", *[str(invoice)] * 100],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        assert json.loads(process.stdout.readline())["classification"] == "invoice"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_ctrl_c_ends_it_without_a_traceback(invoice: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "classify", "--jobs", "1", "--categories", "invoice,letter", *[str(invoice)] * 500],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # Where the tests run in a shell's background, SIGINT is ignored, and a child would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert "Traceback" not in errors
    assert process.returncode == 130


# --- split --------------------------------------------------------------------------------


def test_split_writes_each_document(tmp_path: Path, letter: Path) -> None:
    packet = write_packet(tmp_path / "packet.pdf", [INVOICE_1, INVOICE_2, *[PACKET_LETTER] * 3])
    done = run("split", "--categories", "invoice,letter", "--to", tmp_path / "out", packet, letter)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = lines(done)
    assert first["total_pages"] == 5
    assert (first["documents"][0]["category"], first["documents"][0]["pages"]) == ("invoice", [1, 2])
    assert (second["documents"][0]["category"], second["documents"][0]["pages"]) == ("letter", [1])
    written = [found["document"] for answer in (first, second) for found in answer["documents"]]
    assert sorted(written) == sorted(map(str, (tmp_path / "out").iterdir()))


def test_split_says_which_file_it_cannot_split(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(LETTER)
    done = run("split", "--categories", "letter", "--to", tmp_path / "out", tmp_path / "notes.txt")
    assert done.returncode == 1
    assert "cannot be split" in lines(done)[0]["error"]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_number_of_pages_that_is_none(invoice: Path) -> None:
    done = run("classify", "--categories", "letter", "--max-pages", "some", invoice)
    assert done.returncode == 2
    assert "'some' is neither a whole number of at least 1 nor all" in done.stderr
