"""
Open PDFs, and recognise those whose pages are only placeholders.

Portfolios show a cover instead of their files, and dynamic XFA forms and encrypted documents show a notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePath
from typing import Any

from airflow_provider_classify.engine.reading import dispatch
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.mupdf import mupdf_file, pages_of
from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS
from airflow_provider_classify.engine.reading.mupdf_page import MupdfPage
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEncrypted,
    DocumentError,
    DocumentPlaceholder,
)

#: The security handlers that an encryption dictionary may name. The handler ``Standard`` is a password.
_ENCRYPTION_HANDLER = re.compile(
    rb"/Filter\s*/((?:Adobe[.#]|Entrust\.|MicrosoftIRM|EBX_|FOPN_|FileOpen|APS|DRM)[\w.#]*)"
)
_RIGHTS_MANAGEMENT = "MicrosoftIRM"
#: The name of a file that Microsoft's rights management wraps has this in it, without spaces.
_PROTECTED_FILE = "MicrosoftIRMServices"
#: The number of bytes at each end of a file that are searched for the handler.
_SEARCHED_BYTES = 2 * 1024**2
#: The placeholder page of a dynamic XFA form names programs that can show the form.
_XFA_PLACEHOLDER = re.compile(r"adobe|please wait|acrobat|foxit", re.I)
#: The sentence on this page, in each language. If the page was printed to a PDF, only the sentence is left of the form.
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
#: Words on the placeholder page of a document that Microsoft's rights management has encrypted.
_PROTECTED_SENTENCE = re.compile(
    "aka\\.ms/protectedpdf|(?:open|view) this protected pdf|this pdf (?:file|document) (?:is|has been) protected"
    "|dieses geschützte pdf|diese pdf-datei ist geschützt|ce (?:document|fichier) pdf est protégé"
    "|este (?:documento|archivo) pdf está protegido|questo (?:documento|file) pdf è protetto"
)
#: A placeholder has fewer characters than this.
_PLACEHOLDER_CHARACTERS = 1500
#: If the page of a form that needs rendering has this many characters, the form is filled in or static.
_STATIC_FORM_CHARACTERS = 200
#: The most embedded files that are examined, and the most bytes that one may unpack to.
_MAX_EMBEDDED, _MAX_EMBEDDED_BYTES = 200, 64 * 1024**2
#: The most embedded files that are examined for an e-invoice, and the most bytes that one takes in the PDF.
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
    Open a PDF. If it is a portfolio, open the first document in it.

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
        catalogue = _Catalogue(opened)
        embedded = _embedded_files(opened) if catalogue.has("Names") else []
        _refuse_wrapper(catalogue, embedded, source.name)
        if catalogue.has("Collection"):
            yield stack.enter_context(_open_portfolio(opened, embedded, source, options))
            return
        document = pages_of(
            opened,
            source.name,
            Format.PDF,
            max_pages=options.max_pages,
            threads=options.threads,
            ocr=options.ocr,
            check_only_page=partial(_refuse_placeholder, catalogue, source.name),
        )
        yield _with_declaration(document, opened, embedded)


def _refuse_encryption(source: Source) -> None:
    """
    Refuse a PDF that MuPDF cannot open if it names a security handler other than a password.

    :raises DocumentEncrypted: it names such a handler.
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


class _Catalogue:
    """
    The catalogue of a PDF, which refers to what the whole document has (ISO 32000-2, 7.7.2).

    Most PDFs have few of its keys. To list the keys once is faster than to ask for each of them. A damaged catalogue
    has none.
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        try:
            self._number = opened.pdf_catalog()
            self._keys = frozenset(opened.xref_get_keys(self._number))
        except MUPDF_ERRORS:
            self._keys = frozenset()

    def has(self, key: str) -> bool:
        """Return whether a key has a value."""
        return key in self._keys and self.value(key)[0] != "null"

    def value(self, path: str) -> tuple[str, str]:
        """Return the kind and the value of a key, or of a key in the dictionary of a key, such as ``AcroForm/XFA``."""
        if path.partition("/")[0] not in self._keys:
            return "null", "null"
        try:
            kind, value = self._opened.xref_get_key(self._number, path)
        except MUPDF_ERRORS:
            return "null", "null"
        return kind, value

    def has_encrypted_payload(self) -> bool:
        """Return whether one of the files that belong to the whole document is an encrypted one that it wraps."""
        kind, value = self.value("AF")
        try:
            if kind == "xref":
                value = self._opened.xref_object(int(value.split()[0]))
            numbers = [int(number) for number in re.findall(r"(\d+) \d+ R", value)][:_MAX_EMBEDDED]
            return any(self._opened.xref_get_key(n, "AFRelationship")[1] == "/EncryptedPayload" for n in numbers)
        except MUPDF_ERRORS:
            return False


def _refuse_wrapper(catalogue: _Catalogue, embedded: Sequence[_EmbeddedFile], name: str) -> None:
    """
    Refuse a PDF whose page only says that the document in it is encrypted (ISO 32000-2, 7.6.7).

    :raises DocumentEncrypted: it is such a wrapper.
    """
    if catalogue.has_encrypted_payload() or any(_PROTECTED_FILE in file.name.replace(" ", "") for file in embedded):
        raise _rights_managed(name)


def _refuse_placeholder(catalogue: _Catalogue, name: str, page: MupdfPage) -> None:
    """
    Refuse a PDF whose only page is a placeholder for content that viewers do not show.

    A dynamic XFA form says "Please wait" there, and a document under rights management that it is protected.

    :raises DocumentPlaceholder: it is a dynamic XFA form.
    :raises DocumentEncrypted: it is a placeholder for an encrypted document.
    """
    try:
        text = " ".join(line.text for line in page.text_layer.page.lines)
    except DocumentError:
        return  # the page raises it again when it is read
    if len(text) >= _PLACEHOLDER_CHARACTERS:
        return
    text = " ".join(text.lower().split())
    if _XFA_SENTENCE.search(text) or (_is_dynamic_form(catalogue, text) and not page.is_scan):
        raise DocumentPlaceholder(
            f"The document {name!r} is a dynamic XFA form, which only Adobe's programs show; print it to a PDF there."
        )
    if _PROTECTED_SENTENCE.search(text):
        raise _rights_managed(name)


def _is_dynamic_form(catalogue: _Catalogue, text: str) -> bool:
    """
    Return whether a form is shown only by programs that know XFA, by the text of its page.

    ``NeedsRendering`` alone is not enough, because some programs keep it when they make the form static.
    """
    if catalogue.value("AcroForm/XFA")[0] not in ("xref", "array"):
        return False
    needs_rendering = catalogue.value("NeedsRendering")[1] == "true"
    return _XFA_PLACEHOLDER.search(text) is not None or (needs_rendering and len(text) < _STATIC_FORM_CHARACTERS)


def _rights_managed(name: str) -> DocumentEncrypted:
    return DocumentEncrypted(
        f"The document {name!r} wraps a document that rights management (IRM) has encrypted; "
        "save that one without protection."
    )


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
    # Imported only for such PDFs, because importing lxml takes as long as reading ten pages.
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
