"""
Read Outlook messages (MSG) with olefile, by the tags of their properties ([MS-OXPROPS]).

olefile is used directly because python-oxmsg can read fewer real messages, and extract-msg is under the GPL.
"""

from __future__ import annotations

import re
from email.parser import HeaderParser
from typing import Any

import olefile

from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.encodings import decode_html, decode_text
from airflow_provider_classify.engine.reading.html_text import text_of_html
from airflow_provider_classify.engine.reading.mail import Mail, MailPart, best_alternative, mail_document
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.rtf import rtf_text
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEncrypted, ExtraNotInstalled

#: Tags of the properties of a message.
_SUBJECT, _BODY, _HTML, _TRANSPORT_HEADERS, _CLASS = "0037", "1000", "1013", "007D", "001A"
#: The text as compressed RTF ([MS-OXRTFCP]). In some messages it is the only text.
_COMPRESSED_RTF = "1009"
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP, _DISPLAY_TO = "0C1A", "0C1F", "5D01", "0E04"
#: Tags of the properties of an attachment.
_FILE_NAME, _LONG_FILE_NAME, _DISPLAY_NAME, _DATA, _MEDIA_TYPE = "3704", "3707", "3001", "3701", "370E"
#: Types of properties: text in UTF-16, text in a code page, bytes, and a message within the message.
_UNICODE, _STRING, _BINARY, _OBJECT = "001F", "001E", "0102", "000D"
_ATTACHMENT = "__attach_version1.0_"
#: The most bytes of a text, the most attachments of a message, and the most levels of nested messages that are read.
MAX_TEXT_BYTES, MAX_ATTACHMENTS, MAX_DEPTH = 2 * 1024**2, 200, 5
#: The most bytes of an attachment. A larger one cannot be opened.
MAX_ATTACHMENT_BYTES = 64 * 1024**2
_ERRORS = (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError)


def open_outlook(source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Open an Outlook message.

    :raises DocumentCorrupt: it is damaged.
    :raises DocumentEncrypted: its content is encrypted.
    :raises DocumentEmpty: it has neither headers nor text nor attachments.
    """
    try:
        with source.open() as file, olefile.OleFileIO(file) as ole:
            mail = _Message(ole, [], source.name).mail()
    except _ERRORS as error:
        raise DocumentCorrupt(
            f"The document {source.name!r} is a damaged Outlook message (MSG); save it again, as EML."
        ) from error
    return mail_document(mail, Format.OUTLOOK, source, options)


class _Message:
    """The message in the storage at ``path`` of an OLE file."""

    def __init__(self, ole: Any, path: list[str], name: str) -> None:
        self._ole = ole
        self._path = path
        self._name = name
        self._streams = {
            entry[len(path)].lower()
            for entry in ole.listdir(streams=True, storages=True)
            if entry[: len(path)] == path and len(entry) > len(path)
        }

    def mail(self) -> Mail:
        """Return the message, with the texts and attachments of the messages that it forwards."""
        if re.search(r"\.SMIME$|rpmsg", self._text(_CLASS), re.I):
            raise DocumentEncrypted(f"The mail {self._name!r} is encrypted; save it decrypted from Outlook.")
        parts: list[MailPart] = []
        own_text = best_alternative([self._text(_BODY), text_of_html(self._html())])
        texts = [own_text if own_text.strip() else self._rtf()]
        texts += [self._attachment(path, parts) for path in self._attachments()]
        return Mail(self._headers(), "\n\n".join(text for text in texts if text.strip()), parts)

    def _headers(self) -> list[str]:
        transport = HeaderParser().parsestr(self._text(_TRANSPORT_HEADERS))
        address = self._text(_SENDER_SMTP) or self._text(_SENDER_ADDRESS)
        sender = f"{self._text(_SENDER_NAME)} <{address}>" if "@" in address else self._text(_SENDER_NAME)
        found = {
            "From": sender.strip() or transport["From"],
            "To": self._text(_DISPLAY_TO) or transport["To"],
            "Subject": self._text(_SUBJECT) or transport["Subject"],
            "Date": transport["Date"],
        }
        return [f"{header}: {' '.join(str(value).split())}" for header, value in found.items() if value]

    def _attachments(self) -> list[list[str]]:
        storages = self._ole.listdir(streams=False, storages=True)
        depth = len(self._path)
        own = (path for path in storages if len(path) == depth + 1 and path[:depth] == self._path)
        return [path for path in own if path[-1].lower().startswith(_ATTACHMENT)][:MAX_ATTACHMENTS]

    def _attachment(self, path: list[str], parts: list[MailPart]) -> str:
        """Add an attachment to ``parts``. If it is a message, add its attachments instead and return its text."""
        attached = _Message(self._ole, path, self._name)
        inner = [*path, f"__substg1.0_{_DATA}{_OBJECT}"]
        if self._ole.exists("/".join(inner)) and len(path) <= MAX_DEPTH * 2:
            mail = _Message(self._ole, inner, self._name).mail()
            parts.extend(mail.parts)
            return "\n".join([*mail.headers, "", mail.text])
        name = attached._text(_LONG_FILE_NAME) or attached._text(_FILE_NAME) or attached._text(_DISPLAY_NAME)
        if name.lower() == "message.rpmsg":
            raise DocumentEncrypted(
                f"The mail {self._name!r} is encrypted by Microsoft rights management (IRM); "
                "save its content without protection."
            )
        data = attached._bytes(_DATA + _BINARY, MAX_ATTACHMENT_BYTES + 1)
        is_cut = len(data) > MAX_ATTACHMENT_BYTES
        parts.append(MailPart(name or f"part {len(parts) + 1}", attached._text(_MEDIA_TYPE).lower(), data, is_cut))
        return ""

    def _text(self, tag: str) -> str:
        wide = self._bytes(tag + _UNICODE, MAX_TEXT_BYTES)
        text = wide.decode("utf-16-le", errors="replace") if wide else decode_text(self._bytes(tag + _STRING))
        return text.rstrip("\0").encode("utf-8", errors="replace").decode()

    def _html(self) -> str:
        binary = self._bytes(_HTML + _BINARY)
        return decode_html(binary) if binary else self._text(_HTML)

    def _rtf(self) -> str:
        """Return the text of the message from its RTF; empty if it has none. :raises DocumentCorrupt: it is damaged."""
        data = self._bytes(_COMPRESSED_RTF + _BINARY)
        if not data:
            return ""
        try:
            from compressed_rtf import decompress
        except ImportError as error:
            raise ExtraNotInstalled(
                "Reading this Outlook message needs compressed-rtf; "
                "install airflow-provider-classify[local] where the tasks run."
            ) from error
        try:
            rtf = decompress(data)
        except Exception as error:  # the library raises the base class for damaged data
            raise DocumentCorrupt(
                f"The document {self._name!r} is a damaged Outlook message (MSG); save it again, as EML."
            ) from error
        return rtf_text(rtf, self._name)

    def _bytes(self, tag_and_type: str, limit: int = MAX_TEXT_BYTES) -> bytes:
        stream = f"__substg1.0_{tag_and_type}"
        if stream.lower() not in self._streams:
            return b""
        with self._ole.openstream([*self._path, stream]) as opened:
            return bytes(opened.read(limit))
