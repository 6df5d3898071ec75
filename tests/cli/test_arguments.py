"""Arguments of the command line that are wrong, and its help."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify import __version__
from tests.support.command_line import run


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


def test_a_number_of_pages_that_is_none(invoice: Path) -> None:
    done = run("classify", "--categories", "letter", "--max-pages", "some", invoice)
    assert done.returncode == 2
    assert "'some' is neither a whole number of at least 1 nor all" in done.stderr


def test_own_document_types_that_cannot_be_used(invoice: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("keeper log:\n  titles: log")
    for command in (["classify", "--categories", "invoice", str(invoice)], ["serve", "--data", str(tmp_path / "data")]):
        done = run(*command, "--document-types", tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{tmp_path}/own.yaml, line 2: the document type 'keeper log' has no description" in done.stderr


def test_a_sentence_model_that_is_not_there(invoice: Path, tmp_path: Path) -> None:
    pytest.importorskip("model2vec", reason="model2vec is not installed; it comes with the extra 'sentences'")
    for command in (["classify", "--categories", "zibble", str(invoice)], ["serve", "--data", str(tmp_path / "data")]):
        done = run(*command, "--sentence-model", tmp_path / "none")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"The sentence model '{tmp_path}/none'" in done.stderr


def test_help_and_version() -> None:
    assert run("--version").stdout == f"airflow-classify {__version__}\n"
    for arguments in (["--help"], ["classify", "--help"], ["serve", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: airflow-classify")
