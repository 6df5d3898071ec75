"""E-mail (EML): the headers that a reader looks at, then the body as text."""

from __future__ import annotations

from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.plain_text import text_document
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt

#: A message beyond this is cut off; its body comes first, and what follows is attachments.
MAX_EMAIL_BYTES = 2 * 1024**2
#: Bytes of a body and characters of a header that are read: parsing either may cost the square of its length.
MAX_BODY, MAX_HEADER = 512 * 1024, 2000

HEADERS = ("From", "To", "Subject", "Date")


def open_email(path: Path, *, name: str, max_pages: int) -> OpenedDocument:
    """
    Open a message; attachments are not read, and nothing that the message links to.

    :raises DocumentEmpty: neither headers nor a body.
    :raises DocumentCorrupt: parts within parts without end.
    """
    with path.open("rb") as file:
        data = file.read(MAX_EMAIL_BYTES)
    try:
        message = BytesParser(policy=policy.compat32).parse(BytesIO(data))
        body = _body(message)
    except RecursionError as error:
        raise DocumentCorrupt(f"The document {name!r} has parts within parts without end; save it anew.") from error
    headers = [f"{header}: {_decoded(message[header])}" for header in HEADERS if message[header]]
    return text_document("\n".join([*headers, "", body]), Format.EMAIL, name=name, max_pages=max_pages)


def _body(message: Message) -> str:
    """The first part that is plain text, else the first that is HTML, as text."""
    parts = [part for part in message.walk() if part.get_content_disposition() != "attachment"]
    for part in parts:
        if part.get_content_type() == "text/plain":
            return _content(part)
    for part in parts:
        if part.get_content_type() == "text/html":
            return text_of_html(_content(part))
    return ""


def _content(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    data = data[:MAX_BODY]
    try:
        text = data.decode(part.get_content_charset() or "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # a charset that Python does not know, or that is none for text
        text = data.decode("utf-8", errors="replace")
    # Some charsets can express halves of characters, which could not be written down again.
    return text.encode("utf-8", errors="replace").decode()


def _decoded(header: object) -> str:
    """A header's encoded words as text; as they stand where their encoding is broken or unknown."""
    raw = str(header)[:MAX_HEADER]
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeError):
        text = raw
    return " ".join(text.encode("utf-8", errors="replace").decode().split())


def text_of_html(html: str) -> str:
    """The text of a piece of HTML, one line per block; scripts and styles are left out."""
    stripper = _Stripper()
    stripper.feed(html)
    stripper.close()
    lines = ("".join(stripper.pieces)).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


class _Stripper(HTMLParser):
    """Keeps the text; a tag that is not within a line of text ends the line."""

    INLINE = frozenset(
        [
            "a",
            "abbr",
            "b",
            "big",
            "code",
            "em",
            "font",
            "i",
            "mark",
            "q",
            "s",
            "small",
            "span",
            "strong",
            "sub",
            "sup",
            "tt",
            "u",
        ]
    )
    UNSEEN = frozenset({"script", "style", "title", "template"})

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in self.UNSEEN
        self._end_line(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in self.UNSEEN))
        self._end_line(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # A line break of the source is only white space on the page.
            self.pieces.append(data.replace("\n", " "))

    def _end_line(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.pieces.append("\n")
