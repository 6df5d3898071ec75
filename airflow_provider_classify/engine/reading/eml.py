"""Read e-mail messages (EML, RFC 5322): their texts, the messages that they forward, and their attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from io import BytesIO
from pathlib import PurePath

from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.encodings import decode_declared, decode_html
from airflow_provider_classify.engine.reading.html_text import text_of_html
from airflow_provider_classify.engine.reading.mail import Mail, MailPart, best_alternative, mail_document
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.signed_document import signed_content
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEncrypted

#: The most bytes of a message that are read. Mail servers accept 10 to 50 MB.
MAX_EMAIL_BYTES = 64 * 1024**2
#: The parser compares each line with the boundary of each multipart around it. A message with more lines or more
#: comparisons than this is cut off after MAX_BYTES_OF_MANY bytes. A message of MAX_EMAIL_BYTES in base64 has fewer
#: lines.
MAX_LINES, MAX_COMPARISONS, MAX_BYTES_OF_MANY = 1_000_000, 20_000_000, 256 * 1024
#: The most bytes of a body and characters of a header that are read. The time to parse them may grow with the square
#: of their length.
MAX_BODY, MAX_HEADER = 512 * 1024, 2000
#: The most parts of a message that are read.
MAX_PARTS = 1000

HEADERS = ("From", "To", "Subject", "Date")
_MULTIPART = re.compile(rb"content-type:\s*multipart/", re.I)
_SIGNED_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_RIGHTS_MANAGED = ("application/x-microsoft-rpmsg-message", "message.rpmsg")
#: A web page that a browser saved as a message (MHTML) has this header, or a sender that begins with the second value.
_SAVED_PAGE = ("snapshot-content-location", "<saved by")


def open_email(source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Open a message. Nothing that it links to is fetched.

    :raises DocumentEmpty: it has neither headers nor text nor attachments.
    :raises DocumentCorrupt: its parts are nested too deeply, or cannot be parsed.
    :raises DocumentEncrypted: its content is encrypted.
    """
    data = _within_bounds(source.read(MAX_EMAIL_BYTES))
    with _damage_as_document_error(source.name):
        message = _parsed(data)
        reader = _MessageReader(source.name)
        text = reader.text_of(message)
        if len(data) < source.size():
            reader.mark_cut()
        mail = Mail(_headers(message), text, reader.parts)
    document = mail_document(mail, Format.EMAIL, source, options)
    return _as_page(document) if _is_saved_page(message) else document


def _within_bounds(data: bytes) -> bytes:
    """Return as much of a message as can be parsed in a few seconds."""
    lines = data.count(b"\n")
    multiparts = sum(1 for _ in _MULTIPART.finditer(data))
    is_costly = lines > MAX_LINES or lines * (1 + multiparts) > MAX_COMPARISONS
    return data[:MAX_BYTES_OF_MANY] if is_costly else data


def text_of_message(data: bytes, name: str) -> str:
    """
    Return the text of a message within another document, without its headers.

    :raises DocumentCorrupt: its parts are nested too deeply, or cannot be parsed.
    :raises DocumentEncrypted: the message is encrypted.
    """
    with _damage_as_document_error(name):
        return _MessageReader(name).text_of(_parsed(_within_bounds(data)))


@contextmanager
def _damage_as_document_error(name: str) -> Iterator[None]:
    try:
        yield
    except (RecursionError, MessageError, AssertionError) as error:
        raise DocumentCorrupt(f"The document {name!r} has parts within parts without end; save it again.") from error


def _parsed(data: bytes) -> Message:
    return BytesParser(policy=policy.compat32).parse(BytesIO(data))


class _MessageReader:
    """A reader of the parts of one message. It collects the attachments in ``parts``."""

    def __init__(self, name: str) -> None:
        self.parts: list[MailPart] = []
        self._name = name
        self._left = MAX_PARTS
        self._ends_with_attachment = False

    def mark_cut(self) -> None:
        """Mark the last part as cut, if it is an attachment. Call this if the end of the message was not read."""
        if self._ends_with_attachment:
            self.parts[-1] = replace(self.parts[-1], is_cut=True)

    def text_of(self, part: Message) -> str:
        """Return the text of a part and of all parts in it."""
        self._left -= 1
        self._ends_with_attachment = False
        if self._left < 0:
            return ""
        kind = part.get_content_type()
        if kind == "multipart/encrypted" or (part.get_param("smime-type") == "enveloped-data"):
            raise DocumentEncrypted(f"The mail {self._name!r} is encrypted; save it decrypted from its mail program.")
        if kind == "message/rfc822" and part.is_multipart():
            return "\n\n".join(self._forwarded(message) for message in _children(part))
        if part.is_multipart():
            texts = [self.text_of(child) for child in _children(part)]
            if kind == "multipart/alternative":
                return best_alternative(texts)
            return "\n\n".join(text for text in texts if text.strip())
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            text = _content(part, kind)
            return text_of_html(text) if kind == "text/html" else text
        return self._attached(part, kind)

    def _forwarded(self, message: Message) -> str:
        return "\n".join([*_headers(message), "", self.text_of(message)])

    def _attached(self, part: Message, kind: str) -> str:
        """Add the part to the attachments; if it is a message, return its text instead."""
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            return ""
        name = _file_name(part) or f"part {len(self.parts) + 1}"
        if kind in _RIGHTS_MANAGED or name.lower() in _RIGHTS_MANAGED:
            raise DocumentEncrypted(
                f"The mail {self._name!r} is encrypted by Microsoft rights management (IRM); "
                "save its content without protection."
            )
        if kind in _SIGNED_TYPES and PurePath(name).stem.lower() in ("smime", "part 1"):
            return self.text_of(_parsed(signed_content(data, self._name)))
        if kind == "message/rfc822":
            return self._forwarded(_parsed(data))
        self.parts.append(MailPart(name, kind, data))
        self._ends_with_attachment = True
        return ""


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _headers(message: Message) -> list[str]:
    return [f"{header}: {_decoded(message[header])}" for header in HEADERS if message[header]]


def _content(part: Message, kind: str) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    data = data[:MAX_BODY]
    charset = part.get_content_charset()
    return decode_html(data) if kind == "text/html" and not charset else decode_declared(data, charset)


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except (LookupError, UnicodeError, ValueError, TypeError):
        return ""
    # The sender chose the name, so only its last step and printable characters are kept.
    name = PurePath(_decoded(name).replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[:200]


def _decoded(header: object) -> str:
    """Return a header with its encoded words decoded; unchanged if their encoding is broken or unknown."""
    raw = str(header)[:MAX_HEADER]
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        text = raw
    return " ".join(text.encode("utf-8", errors="replace").decode().split())


def _is_saved_page(message: Message) -> bool:
    header, sender = _SAVED_PAGE
    return header in message or str(message["From"] or "").lower().startswith(sender)


def _as_page(document: OpenedDocument) -> OpenedDocument:
    return replace(document, is_mail=False, says_little=False, attachments=())
