"""Plain text and e-mail: encodings, pages, headers, bodies."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.encodings import decode_text
from airflow_provider_classify.engine.reading.html_text import text_of_html
from airflow_provider_classify.engine.reading.plain_text import COLUMNS, ROWS
from airflow_provider_classify.engine.reading.sniffing import Format, detect_format, text_format
from tests.support import paper
from tests.support.reading import read, text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert decode_text("Grüße aus Köln".encode(encoding)) == "Grüße aus Köln"


def test_character_cut_in_two_is_dropped() -> None:
    assert decode_text("Köln – Süd".encode()[:6]) == "Köln "
    assert decode_text("Kö".encode()[:2]) == "K"


def test_lines_keep_their_place(tmp_path: Path) -> None:
    (page,) = read(f"Title\n\n{' ' * 50}Indented\n".encode(), tmp_path)
    title, indented = page.lines
    assert (title.text, title.x0, title.y0) == ("Title", 0, 0)
    assert (indented.text, indented.x0, indented.y0) == ("Indented", 50 / COLUMNS, 2 / ROWS)


def test_long_lines_wrap_and_long_text_has_pages(tmp_path: Path) -> None:
    pages = read(b"word " * 20 * (ROWS + 1), tmp_path)
    assert [len(page.lines) for page in pages] == [ROWS, 1]


def test_form_feed_begins_a_page(tmp_path: Path) -> None:
    assert [text(page) for page in read(b"one\ftwo\fthree", tmp_path, max_pages=2)] == ["one", "two"]


@pytest.mark.parametrize(
    ("beginning", "name", "expected"),
    [
        ("<!DOCTYPE html>", "document.pdf", Format.HTML),
        ("\n<!-- a --> <html lang='en'>", "upload", Format.HTML),
        ("<html>", "notes.txt", Format.TEXT),
        ("<p>A fragment", "page.HTM", Format.HTML),
        ("From: a@b.example\nTo: c@d.example\nSubject: Hi\n\nBody", "document.pdf", Format.EMAIL),
        ("Received: by x\r\nDate: today\r\nSubject: Hi\r\n\r\nBody", "message", Format.EMAIL),
        ("TO: All staff\nFROM: The board\nSUBJECT: Parking\n\nPlease", "memo.txt", Format.TEXT),
        ("Note: this is not a header\n\nText", "note", Format.TEXT),
        ("Subject: only\n\nBody", "message.eml", Format.EMAIL),
    ],
)
def test_kind_of_text(beginning: str, name: str, expected: Format) -> None:
    assert text_format(beginning, name) is expected


def test_pdf_header_may_follow_junk() -> None:
    assert detect_format(Source("x", b"\r\n\r\njunk\n" + paper.pdf("text"))) is Format.PDF
    assert detect_format(Source("x", b"\r\n\r\njunk\n" + paper.pdf("text")[:300])) is Format.PDF


def test_email_headers_then_plain_body(tmp_path: Path) -> None:
    message = (
        "Received: from somewhere\r\nFrom: Ada <ada@a.example>\r\nTo: bob@b.example\r\n"
        "Subject: =?utf-8?b?R3LDvMOfZQ==?= from\r\n the board\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/html\r\n\r\n<p>As HTML</p>\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nQXMgdGV4dA==\r\n"
        "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nAttached\r\n--b--\r\n"
    )
    (page,) = read(message.encode(), tmp_path)
    assert text(page).splitlines() == [
        "From: Ada <ada@a.example>",
        "To: bob@b.example",
        "Subject: Grüße from the board",
        "Date: Mon, 1 Jun 2026 10:00:00 +0000",
        "As HTML",
        "As text",
    ]


def test_email_with_html_only_and_unknown_encodings(tmp_path: Path) -> None:
    message = (
        "From: a@a.example\nTo: b@b.example\nSubject: =?nonsense?q?x?=\n"
        "Content-Type: text/html; charset=nonsense\n\n<p>Dear <b>Bob</b></p><script>run()</script><div>Bye</div>"
    )
    (page,) = read(message.encode(), tmp_path)
    assert text(page).splitlines()[2:] == ["Subject: =?nonsense?q?x?=", "Dear Bob", "Bye"]


def test_html_keeps_a_line_for_each_block() -> None:
    html = "<title>t</title><h1>Head</h1>one\n two <i>three</i><br>four<style>p {}</style><ul><li>five<li>six</ul>"
    assert text_of_html(html).splitlines() == ["Head", "one two three", "four", "five", "six"]
