"""Find the format of a document by its bytes. The suffix of its name only decides between formats of text."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.encodings import head_as_text
from airflow_provider_classify.exceptions import DocumentEncrypted, DocumentTypeUnknown

READABLE = (
    "PDF, PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC, AVIF, DOCX, PPTX, XLSX, OpenDocument, RTF, HTML, XML, plain text, "
    "e-mail (EML, MSG) and signed documents (P7M)"
)


class Format(StrEnum):
    """The formats that can be read. All image formats count as one."""

    PDF = "pdf"
    IMAGE = "image"
    DOCX = "docx"
    PPTX = "pptx"
    XLSX = "xlsx"
    OPEN_DOCUMENT = "odf"
    RTF = "rtf"
    HTML = "html"
    XML = "xml"
    TEXT = "text"
    EMAIL = "email"
    OUTLOOK = "msg"
    #: A document within a signature (CAdES, PKCS #7).
    SIGNED = "p7m"


class Container(StrEnum):
    """Files that contain other files, whose names decide the format of the document."""

    ZIP = "zip"
    OLE = "ole"


_IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"II+\0")
#: The brands of the ISO base media format that hold pictures: HEIC and AVIF.
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2", b"avif", b"avis"}
)
#: The first bytes of an archive, of a split archive, and of an empty archive.
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x07\x08", b"PK\x05\x06")
_OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RTF_START = b"{\\rtf"
TNEF_START = b'x\x9f>"'
#: Known formats that are not read, each with advice for the user.
_OTHER_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%!PS", "a PostScript file; save it as PDF"),
    (b"\x1f\x8b", "an archive (gzip); unpack it and give the documents in it"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z); unpack it and give the documents in it"),
    (b"Rar!\x1a\x07", "an archive (RAR); unpack it and give the documents in it"),
    (b"BZh", "an archive (bzip2); unpack it and give the documents in it"),
    (b"\xfd7zXZ\0", "an archive (xz); unpack it and give the documents in it"),
    (b"AT&TFORM", "a DjVu file; save it as PDF"),
    (TNEF_START, "Outlook's winmail.dat (TNEF); have the mail sent as HTML or plain text"),
    (b"!BDN", "an Outlook mailbox (PST); export its messages as EML"),
)
#: The mark of a tar archive, and its offset in bytes.
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
#: The first bytes of a file that Microsoft's rights management has wrapped.
_PFILE_START = b".pfile"
#: The object identifiers signedData (1.2.840.113549.1.7.2) and envelopedData (1.2.840.113549.1.7.3) in DER. In a signed
#: or encrypted file, one of them follows the outermost tag and length.
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
_ENVELOPED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
#: A signed file as PEM, or as base64 without PEM's first line. Its outermost length has the indefinite or long form.
_SIGNED_PEM = re.compile(rb"\s*-----BEGIN (?:PKCS7|CMS)-----")
_SIGNED_BASE64 = re.compile(rb"\s*MI[A-Z][0-9A-Za-z+/\r\n]{0,9}(?:CS|YJK|GCSqGSIb3DQEHAq)")
#: The first characters of PDF, ZIP, OLE, PNG, JPEG, GIF and TIFF files in base64.
_BASE64_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"JVBERi", "PDF"),
    (b"UEsDB", "ZIP archive or Office document"),
    (b"0M8R4KGxGuE", "Office document"),
    (b"iVBORw0KGgo", "PNG"),
    (b"/9j/", "JPEG"),
    (b"R0lGODdh", "GIF"),
    (b"R0lGODlh", "GIF"),
    (b"SUkqA", "TIFF"),
    (b"TU0AK", "TIFF"),
)
_BASE64 = re.compile(rb"(?:data:[\w/.+-]+;base64,)?[\w+/\s=-]*")
#: A PDF's header may be anywhere in its first 1024 bytes (PDF 32000, annex H, note 13).
_PDF_HEADER, _PDF_HEADER_WITHIN = b"%PDF-", 1024
#: A text may also mention this header. So a PDF whose header is not at its first byte also needs an object soon after
#: the header, or a mark at its end. If its first bytes can be read as text, header and object must each begin a line,
#: and it needs a mark at its end or the comment of binary bytes.
_PDF_OBJECT = re.compile(rb"\d+\s+\d+\s+obj\b")
_PDF_LINES = re.compile(rb"^%PDF-\d\.\d\s*$.*?^\s*\d+\s+\d+\s+obj\b", re.M | re.S)
_PDF_END = (b"%%EOF", b"startxref")
#: The comment of binary bytes that most PDFs have in the line after their header (PDF 32000, 7.5.2).
_PDF_BINARY = re.compile(rb"^%PDF-\d\.\d\s*^%[\x80-\xff]{4}", re.M)

#: The quantifiers are possessive. Otherwise the time to match many comments would grow exponentially.
_HTML_START = re.compile(
    r"\s*+(?:(?><!--.*?-->|<\?xml[^>]*+>)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_XML_START = re.compile(
    r"\s*+(?:(?><!--.*?-->)\s*+)*+(?:<\?xml\s|<!doctype\s|<(?:[\w.-]+:)?[A-Za-z_][\w.-]*\s+xmlns[:=])", re.I | re.S
)
_HEADER_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]", re.M)
_EMAIL_HEADERS = frozenset({"from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path"})
#: The endings of formats that are never text. Without their first bytes, a file with such a name is damaged.
_BINARY_SUFFIXES = frozenset(
    {".pdf", ".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic", ".avif"}
    | {".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".msg"}
)
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


def detect_format(source: Source) -> Format | Container:
    """
    Return the format of a document.

    :raises DocumentTypeUnknown: it is of no format that can be read.
    :raises DocumentEncrypted: it is encrypted as a whole.
    :raises DocumentError: as :meth:`Source.head`.
    """
    head = source.head()
    if head.startswith(_PDF_HEADER):
        return Format.PDF
    if _is_image(head):
        return Format.IMAGE
    if head.startswith(_ZIP_STARTS):
        return Container.ZIP
    if head.startswith(_OLE_START):
        return Container.OLE
    if head.startswith(_RTF_START):
        return Format.RTF
    _refuse_other(head, source.name)
    if _SIGNED_DATA in head[:64] or _SIGNED_PEM.match(head) or _SIGNED_BASE64.match(head):
        return Format.SIGNED
    if _has_pdf_header(head, source):
        return Format.PDF
    text = head_as_text(head)
    if text is None:
        if (suffix := PurePath(source.name).suffix.lower()) in _BINARY_SUFFIXES:
            raise DocumentTypeUnknown(
                f"The document {source.name!r} does not begin as a {suffix[1:].upper()} file does; it may be damaged, "
                "so save it again, or have it sent again."
            )
        raise DocumentTypeUnknown(
            f"The document {source.name!r} is of no type that can be read; give one of {READABLE}."
        )
    return text_format(text, source.name)


def text_format(text: str, name: str) -> Format:
    """Return the format of a text: by the suffix of its name if a format of text has that, else by its beginning."""
    suffix = PurePath(name).suffix.lower()
    by_suffix = _TEXT_SUFFIXES.get(suffix)
    if by_suffix is not None:
        return by_suffix
    if _HTML_START.match(text):
        return Format.HTML
    if _XML_START.match(text) or (suffix == ".xml" and text.lstrip().startswith("<")):
        return Format.XML
    headers = {header.lower() for header in _HEADER_LINE.findall(text.partition("\n\n")[0].replace("\r", ""))}
    return Format.EMAIL if len(headers & _EMAIL_HEADERS) >= 3 else Format.TEXT


def _is_image(head: bytes) -> bool:
    if head.startswith(_IMAGE_STARTS):
        return True
    return (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or is_heif(head)


def is_heif(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` is a HEIC or AVIF image."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def _refuse_other(head: bytes, name: str) -> None:
    for start, what in _OTHER_STARTS:
        if head.startswith(start):
            raise DocumentTypeUnknown(f"The document {name!r} is {what}.")
    if head.startswith(_TAR_MARK, _TAR_MARK_AT):
        raise DocumentTypeUnknown(f"The document {name!r} is an archive (tar); unpack it and give the documents in it.")
    if head.startswith(_PFILE_START):
        raise DocumentEncrypted(
            f"The document {name!r} is encrypted by Microsoft rights management (IRM); save it without protection."
        )
    if _ENVELOPED_DATA in head[:64]:
        raise DocumentEncrypted(
            f"The document {name!r} is encrypted for a certificate (p7m, S/MIME); decrypt it with its key."
        )
    kind = _base64_of(head)
    if kind is not None:
        raise DocumentTypeUnknown(
            f"The document {name!r} is the base64 text of a {kind}; decode it and give the bytes."
        )


def _base64_of(head: bytes) -> str | None:
    if not _BASE64.fullmatch(head):
        return None
    encoded = head.partition(b";base64,")[2] or head.lstrip()
    return next((kind for start, kind in _BASE64_STARTS if encoded.startswith(start)), None)


def _has_pdf_header(head: bytes, source: Source) -> bool:
    """Return whether a PDF begins within the head, after other bytes."""
    before, found, _ = head[: _PDF_HEADER_WITHIN + len(_PDF_HEADER)].partition(_PDF_HEADER)
    if not found:
        return False
    text = head_as_text(before)
    if text is not None and text_format(text, "") is not Format.TEXT:
        return False  # a mail or a web page that mentions the header
    tail = source.tail()
    if head_as_text(head) is not None:
        lines = head.replace(b"\r", b"\n")
        is_binary = _PDF_BINARY.search(lines) is not None
        return _PDF_LINES.search(lines) is not None and (is_binary or any(mark in tail for mark in _PDF_END))
    return _PDF_OBJECT.search(head, len(before)) is not None or any(mark in tail for mark in _PDF_END)
