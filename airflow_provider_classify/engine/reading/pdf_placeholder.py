"""
Recognise PDFs whose pages are only placeholders.

Dynamic XFA forms and encrypted documents show a notice instead of their content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.mupdf_page import MupdfPage
from airflow_provider_classify.engine.reading.pdf_catalogue import Catalogue
from airflow_provider_classify.engine.reading.pdf_embedded import EmbeddedFile
from airflow_provider_classify.exceptions import DocumentEncrypted, DocumentError, DocumentPlaceholder

#: The security handlers that an encryption dictionary may name, except ``Standard``, which asks for a password.
_ENCRYPTION_HANDLER = re.compile(
    rb"/Filter\s*/((?:Adobe[.#]|Entrust\.|MicrosoftIRM|EBX_|FOPN_|FileOpen|APS|DRM)[\w.#]*)"
)
_RIGHTS_MANAGEMENT = "MicrosoftIRM"
#: The name of a file that Microsoft's rights management wraps contains this, apart from spaces.
_PROTECTED_FILE = "MicrosoftIRMServices"
#: The number of bytes at each end of a file that are searched for the handler.
_SEARCHED_BYTES = 2 * 1024**2
#: The placeholder page of a dynamic XFA form names programs that can show the form.
_XFA_PLACEHOLDER = re.compile(r"adobe|please wait|acrobat|foxit", re.I)
#: A sentence on this page, in several languages. If the page was printed to a PDF, only this is left of the form.
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


def refuse_encryption(source: Source) -> None:
    """
    Refuse a PDF that MuPDF cannot open, if it names a security handler other than that of passwords.

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


def refuse_wrapper(catalogue: Catalogue, embedded: Sequence[EmbeddedFile], name: str) -> None:
    """
    Refuse a PDF whose page only says that the document in it is encrypted (ISO 32000-2, 7.6.7).

    :raises DocumentEncrypted: it is such a wrapper.
    """
    if catalogue.has_encrypted_payload() or any(_PROTECTED_FILE in file.name.replace(" ", "") for file in embedded):
        raise _rights_managed(name)


def refuse_placeholder(catalogue: Catalogue, name: str, page: MupdfPage) -> None:
    """
    Refuse a PDF whose only page is a placeholder for content that most viewers do not show.

    A dynamic XFA form says "Please wait" there. A document under rights management says that it is protected.

    :raises DocumentPlaceholder: it is a dynamic XFA form.
    :raises DocumentEncrypted: it is a placeholder for an encrypted document.
    """
    try:
        text = " ".join(line.text for line in page.text_layer.page.lines)
    except DocumentError:
        return  # reading the page raises the error again
    if len(text) >= _PLACEHOLDER_CHARACTERS:
        return
    text = " ".join(text.lower().split())
    if _XFA_SENTENCE.search(text) or (_is_dynamic_form(catalogue, text) and not page.is_scan):
        raise DocumentPlaceholder(
            f"The document {name!r} is a dynamic XFA form, which only Adobe's programs show; print it to a PDF there."
        )
    if _PROTECTED_SENTENCE.search(text):
        raise _rights_managed(name)


def _is_dynamic_form(catalogue: Catalogue, text: str) -> bool:
    """
    Return whether the PDF is a form that only programs with XFA can show, by the text of its page.

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
