"""Which format a file is, by its content; its suffix only decides between kinds of text."""

from __future__ import annotations

import codecs
import re
import zipfile
from enum import StrEnum
from pathlib import Path, PurePath

from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentTypeUnknown,
)

#: The most bytes that a DOCX or PPTX may unpack to. Real ones hold pictures that are packed already.
MAX_UNPACKED_BYTES = 1024**3
#: The most bytes of it that may be XML: the parser needs many times as much memory.
MAX_UNPACKED_XML_BYTES = 64 * 1024**2

READABLE = "PDF, PNG, JPEG, GIF, WebP, BMP, TIFF, DOCX, PPTX, HTML, plain text and e-mail (EML)"


class Format(StrEnum):
    """What can be read; all image formats are one."""

    PDF = "pdf"
    IMAGE = "image"
    DOCX = "docx"
    PPTX = "pptx"
    HTML = "html"
    TEXT = "text"
    EMAIL = "email"


_IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0")
_OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Text by their characters, but not for reading.
_MARKUP_STARTS = (b"%!PS", b"{\\rtf")
#: A PDF's header may stand anywhere in its first 1024 bytes (PDF 32000, annex H, note 13).
_PDF_HEADER_WITHIN = 1024

#: Possessive, or a row of comments would be tried in every way of taking some of them for one.
_HTML_START = re.compile(
    r"\s*+(?:(?><!--.*?-->|<\?xml[^>]*+>)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_HEADER_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]", re.M)
_EMAIL_HEADERS = frozenset({"from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path"})
_TEXT_SUFFIXES = {
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".eml": Format.EMAIL,
    ".txt": Format.TEXT,
    ".md": Format.TEXT,
    ".csv": Format.TEXT,
    ".log": Format.TEXT,
}


def detect_format(path: Path, head: bytes, *, name: str) -> Format:
    """
    Say which format the file at ``path`` is; ``head`` are its first bytes, 4096 or all of them.

    :raises DocumentTypeUnknown: none that can be read.
    :raises DocumentEncrypted: an Office document under a password.
    :raises DocumentCorrupt: a broken archive.
    :raises DocumentTooLarge: an archive that unpacks to more than any real document does.
    """
    if b"%PDF-" in head[:_PDF_HEADER_WITHIN]:
        return Format.PDF
    if head.startswith(_IMAGE_STARTS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Format.IMAGE
    if head.startswith(b"PK\x03\x04"):
        return _office_format(path, name=name)
    if head.startswith(_OLE_START):
        _raise_for_ole(path, head, name=name)
    text = None if head.startswith(_MARKUP_STARTS) else head_as_text(head)
    if text is None:
        raise DocumentTypeUnknown(f"The document {name!r} is of no type that can be read; give one of {READABLE}.")
    return text_format(text, name)


def text_format(text: str, name: str) -> Format:
    """Which kind of text it is: the suffix says, if it is one of text; else how the text begins."""
    by_suffix = _TEXT_SUFFIXES.get(PurePath(name).suffix.lower())
    if by_suffix is not None:
        return by_suffix
    if _HTML_START.match(text):
        return Format.HTML
    headers = {header.lower() for header in _HEADER_LINE.findall(text.partition("\n\n")[0].replace("\r", ""))}
    return Format.EMAIL if len(headers & _EMAIL_HEADERS) >= 3 else Format.TEXT


def head_as_text(head: bytes) -> str | None:
    """The beginning of a file as text, or ``None`` if it is binary."""
    text = decode_text(head)
    control = sum(character < " " and character not in "\t\n\r\f\x1b" for character in text)
    return text if "\0" not in text and control <= len(text) * 0.01 else None


def decode_text(data: bytes) -> str:
    """Decode by the byte order mark, else as UTF-8, else as Windows-1252; a cut last character is dropped."""
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", errors="replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _office_format(path: Path, *, name: str) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise DocumentCorrupt(
            f"The document {name!r} is a broken archive; open it in its application and save it anew."
        ) from error
    names = {member.filename for member in members}
    if "word/document.xml" in names:
        kind = Format.DOCX
    elif "ppt/presentation.xml" in names:
        kind = Format.PPTX
    else:
        raise DocumentTypeUnknown(f"The document {name!r} is an archive, but no DOCX or PPTX; give one of {READABLE}.")
    unpacked = sum(member.file_size for member in members)
    xml = sum(member.file_size for member in members if member.filename.lower().endswith((".xml", ".rels")))
    if unpacked > MAX_UNPACKED_BYTES or xml > MAX_UNPACKED_XML_BYTES:
        raise DocumentTooLarge(
            f"The document {name!r} unpacks to {unpacked:,} bytes, {xml:,} of them XML, which is more than "
            f"the {MAX_UNPACKED_BYTES:,} and {MAX_UNPACKED_XML_BYTES:,} that are read; split it."
        )
    return kind


def _raise_for_ole(path: Path, head: bytes, *, name: str) -> None:
    """An OLE container is an Office document under a password, or one of before 2007."""
    if "EncryptedPackage".encode("utf-16-le") in _ole_directory(path, head):
        raise DocumentEncrypted(f"The document {name!r} asks for a password; save it without one.")
    raise DocumentTypeUnknown(f"The document {name!r} is of an old Office format; save it as DOCX, PPTX or PDF.")


def _ole_directory(path: Path, head: bytes) -> bytes:
    """The first sector of the container's list of streams; the header says where it is ([MS-CFB] 2.2)."""
    sector_shift, sector = int.from_bytes(head[30:32], "little"), int.from_bytes(head[48:52], "little")
    sector_size = 1 << min(sector_shift, 12)
    with path.open("rb") as file:
        file.seek((sector + 1) * sector_size)
        return file.read(sector_size)
