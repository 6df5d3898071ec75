"""PDF: its pages, or what stands in the place of pages: a portfolio's files, an XFA form, encrypted content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from airflow_provider_classify.engine.reading import dispatch
from airflow_provider_classify.engine.reading.mupdf import mupdf_file, pages_of
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.engine.reading.source import ReadingOptions, Source
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEncrypted,
    DocumentError,
    DocumentPlaceholder,
)

#: What a PDF's encryption dictionary names as its handler; ``Standard`` is a password.
_ENCRYPTION_HANDLER = re.compile(
    rb"/Filter\s*/((?:Adobe[.#]|Entrust\.|MicrosoftIRM|EBX_|FOPN_|FileOpen|APS|DRM)[\w.#]*)"
)
_RIGHTS_MANAGEMENT = "MicrosoftIRM"
#: What the name of the document has that Microsoft's rights management wraps, spaces left out.
_PROTECTED_FILE = "MicrosoftIRMServices"
#: Bytes at either end of a file that are searched for the handler.
_SEARCHED_BYTES = 2 * 1024**2
#: The page that stands for a dynamic XFA form says where to get a program that shows it.
_XFA_PLACEHOLDER = re.compile(r"adobe|please wait|acrobat|foxit", re.I)
#: The sentence that this page has in each language, also where the form has been lost, as when the page was printed.
_XFA_SENTENCE = re.compile(
    "if this message is not eventually replaced by the proper contents"
    "|wenn diese meldung nicht durch den (?:eigentlichen|richtigen) inhalt|falls diese meldung nicht durch den"
    "|si ce message n['’]est pas remplac[ée] par le contenu"
    "|si este mensaje no se (?:reemplaza|sustituye|remplaza)"
    "|se (?:il|questo) messaggio non viene sostituito"
    "|se esta mensagem não for (?:eventualmente )?substituída"
    "|als dit bericht (?:uiteindelijk )?niet (?:wordt )?vervangen"
    "|если это сообщение не (?:будет )?замен|このメッセージが.{0,30}置き換え|如果此消息最终?(?:未|没有)"
)
#: What the page says that stands for a document which Microsoft's rights management has encrypted.
_PROTECTED_SENTENCE = re.compile(
    "aka\\.ms/protectedpdf|(?:open|view) this protected pdf|this pdf (?:file|document) (?:is|has been) protected"
    "|dieses geschützte pdf|diese pdf-datei ist geschützt|ce (?:document|fichier) pdf est protégé"
    "|este (?:documento|archivo) pdf está protegido|questo (?:documento|file) pdf è protetto"
)
#: A page of more characters than this is no placeholder.
_PLACEHOLDER_CHARACTERS = 1500
#: The most bytes of drawing commands on a placeholder page. Counting them is far cheaper than extracting the text.
_PLACEHOLDER_BYTES = 16_000
#: Embedded files that are looked at, and the most bytes that one may unpack to.
_MAX_EMBEDDED, _MAX_EMBEDDED_BYTES = 200, 64 * 1024**2
#: Embedded files that may be e-invoices: how many are looked at, and the most bytes that one takes in the PDF.
_MAX_INVOICES, _MAX_PACKED_INVOICE = 10, 1024**2
#: Formats of a portfolio's files that are read, the preferred ones first.
_PORTFOLIO_SUFFIXES = (".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".rtf", ".html", ".htm", ".txt", ".eml", ".msg")


@dataclass(frozen=True, slots=True)
class _EmbeddedFile:
    """
    A file within a PDF.

    :param size: the bytes that it unpacks to, as the PDF says.
    :param packed_size: the bytes that it takes in the PDF.
    """

    number: int
    name: str
    size: int
    packed_size: int


@contextmanager
def open_pdf(source: Source, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """
    Open a PDF; of a portfolio the first document in it.

    :raises DocumentEncrypted: it asks for a password, or is encrypted for a certificate or by rights management.
    :raises DocumentPlaceholder: it is a dynamic XFA form, or a portfolio without a document that can be read.
    :raises DocumentCorrupt: it is damaged.
    """
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(mupdf_file(source, Format.PDF))
        except DocumentCorrupt:
            _refuse_encryption(source)
            raise
        embedded = _embedded_files(opened)
        _refuse_wrapper(opened, embedded, source.name)
        if _is_portfolio(opened):
            yield stack.enter_context(_open_portfolio(opened, embedded, source, options))
            return
        _refuse_placeholder(opened, source.name)
        document = pages_of(
            opened, source.name, Format.PDF, max_pages=options.max_pages, threads=options.threads, ocr=options.ocr
        )
        yield _with_declaration(document, opened, embedded)


def _refuse_encryption(source: Source) -> None:
    """
    Say that a PDF which MuPDF cannot open is encrypted, where it names a handler of encryption.

    :raises DocumentEncrypted: it does.
    """
    with source.open() as file:
        data = file.read(_SEARCHED_BYTES)
        file.seek(max(0, source.size() - _SEARCHED_BYTES))
        data += file.read(_SEARCHED_BYTES)
    found = _ENCRYPTION_HANDLER.search(data) if b"/Encrypt" in data else None
    if not found:
        return
    handler = found[1].decode("ascii", errors="replace")
    how = "by Microsoft rights management (IRM)" if handler.startswith(_RIGHTS_MANAGEMENT) else "for a certificate"
    raise DocumentEncrypted(
        f"The document {source.name!r} is encrypted {how} (handler {handler}); save it without protection."
    )


def _refuse_wrapper(opened: Any, embedded: Sequence[_EmbeddedFile], name: str) -> None:
    """
    Refuse a PDF whose page only says that the document in it is encrypted (ISO 32000-2, 7.6.7).

    :raises DocumentEncrypted: it is one.
    """
    is_wrapper = _has_encrypted_payload(opened) or any(_PROTECTED_FILE in f.name.replace(" ", "") for f in embedded)
    if is_wrapper:
        raise _rights_managed(name)


def _has_encrypted_payload(opened: Any) -> bool:
    """Return whether one of the files that belong to the whole document is the encrypted one that it stands for."""
    try:
        kind, value = opened.xref_get_key(opened.pdf_catalog(), "AF")
        if kind == "xref":
            value = opened.xref_object(int(value.split()[0]))
        numbers = [int(number) for number in re.findall(r"(\d+) \d+ R", value)][:_MAX_EMBEDDED]
        return any(opened.xref_get_key(n, "AFRelationship")[1] == "/EncryptedPayload" for n in numbers)
    except MUPDF_ERRORS:
        return False


def _refuse_placeholder(opened: Any, name: str) -> None:
    """
    Refuse a PDF whose only page stands for content that viewers do not show.

    A dynamic XFA form says "Please wait" there, and a document under rights management that it is protected.

    :raises DocumentPlaceholder: it is a dynamic XFA form.
    :raises DocumentEncrypted: it stands for an encrypted document.
    """
    try:
        if opened.page_count != 1:
            return
        catalogue = opened.pdf_catalog()
        has_form = opened.xref_get_key(catalogue, "AcroForm/XFA")[0] in ("xref", "array")
        needs_rendering = opened.xref_get_key(catalogue, "NeedsRendering")[1] == "true"
        if not has_form and len(opened[0].read_contents()) > _PLACEHOLDER_BYTES:
            return
        text = " ".join(opened[0].get_text().lower().split())
    except MUPDF_ERRORS:
        return
    is_short = len(text) < _PLACEHOLDER_CHARACTERS
    if (has_form and (needs_rendering or (is_short and _XFA_PLACEHOLDER.search(text)))) or (
        is_short and _XFA_SENTENCE.search(text)
    ):
        raise DocumentPlaceholder(
            f"The document {name!r} is a dynamic XFA form, which only Adobe's programs show; print it to a PDF there."
        )
    if is_short and _PROTECTED_SENTENCE.search(text):
        raise _rights_managed(name)


def _rights_managed(name: str) -> DocumentEncrypted:
    return DocumentEncrypted(
        f"The document {name!r} wraps a document that rights management (IRM) has encrypted; "
        "save that one without protection."
    )


def _is_portfolio(opened: Any) -> bool:
    try:
        return opened.xref_get_key(opened.pdf_catalog(), "Collection")[0] in ("dict", "xref")
    except MUPDF_ERRORS:
        return False


def _embedded_files(opened: Any) -> list[_EmbeddedFile]:
    try:
        count = min(opened.embfile_count(), _MAX_EMBEDDED)
        infos = [(number, opened.embfile_info(number)) for number in range(count)]
    except MUPDF_ERRORS:
        return []
    return [
        _EmbeddedFile(
            number,
            info.get("ufilename") or info.get("filename") or info["name"],
            info.get("size") or 0,
            info.get("length") or 0,
        )
        for number, info in infos
    ]


@contextmanager
def _open_portfolio(
    opened: Any, embedded: Sequence[_EmbeddedFile], source: Source, options: ReadingOptions
) -> Iterator[OpenedDocument]:
    """Open the first PDF of a portfolio, or else the first document of another format; skip what cannot be opened."""
    with ExitStack() as stack:
        for file in sorted(embedded, key=_preference):
            try:
                content = _content(opened, file)
                inner = Source(f"{source.name}/{file.name}", content)
                document = stack.enter_context(dispatch.open_source(inner, options.deeper()))
            except (*MUPDF_ERRORS, DocumentError):
                continue
            yield replace(document, read_from=file.name)
            return
    raise DocumentPlaceholder(
        f"The document {source.name!r} is a PDF portfolio without a document that can be read; "
        "save the files in it, and give those."
    )


def _preference(file: _EmbeddedFile) -> tuple[int, int]:
    suffix = PurePath(file.name).suffix.lower()
    rank = 0 if suffix == _PORTFOLIO_SUFFIXES[0] else 1 if suffix in _PORTFOLIO_SUFFIXES else 2
    return rank, file.number


def _content(opened: Any, file: _EmbeddedFile) -> bytes:
    if file.size > _MAX_EMBEDDED_BYTES:
        raise ValueError(f"{file.name!r} is too large")
    return bytes(opened.embfile_get(file.number))


def _with_declaration(document: OpenedDocument, opened: Any, embedded: Sequence[_EmbeddedFile]) -> OpenedDocument:
    """Return the document with the type that an e-invoice embedded in it declares (ZUGFeRD, Factur-X)."""
    invoices = [
        file for file in embedded if file.name.lower().endswith(".xml") and file.packed_size <= _MAX_PACKED_INVOICE
    ]
    if not invoices:
        return document
    # Imported for such PDFs only: lxml takes as long as reading ten pages.
    from airflow_provider_classify.engine.reading.safe_xml import parse_xml
    from airflow_provider_classify.engine.reading.xml_text import declaration

    for file in invoices[:_MAX_INVOICES]:
        try:
            found = declaration(parse_xml(_content(opened, file)))
        except (*MUPDF_ERRORS, ValueError):
            continue
        if found:
            return replace(document, declared_type=found.type_name, declared_by=f"{file.name}: {found.root}")
    return document
