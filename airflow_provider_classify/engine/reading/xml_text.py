"""Read the text of XML, and recognise e-invoices by the root element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.plain_text import text_document
from airflow_provider_classify.engine.reading.safe_xml import Element, local_name, namespace, parse_xml
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentTooLarge

#: The most bytes of XML. Larger XML is refused, because it cannot be parsed if it is cut off. E-invoices with
#: attachments may have megabytes.
MAX_XML_BYTES = 32 * 1024**2
#: The most characters of an element's text. A longer text is skipped, because it is an attachment in base64.
MAX_ELEMENT_TEXT = 5000
#: The most texts of elements that are read. The classified pages have far fewer.
MAX_TEXTS = 20_000
#: Envelopes around a document: UN/CEFACT SBDH, SOAP, and that of the Peppol network.
_ENVELOPES = frozenset({"StandardBusinessDocument", "Envelope", "Body", "InvoiceEnvelope", "XMLDocument"})
#: The most envelopes around one document.
MAX_ENVELOPES = 4

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
#: The document types of UBL, except invoices and credit notes, by the names of their roots.
_UBL_TYPES = {
    "Order": "purchase order",
    "OrderChange": "purchase order",
    "DespatchAdvice": "delivery note",
    "Quotation": "quotation",
    "Reminder": "payment reminder",
    "BillOfLading": "bill of lading",
}
#: Roots of e-invoices in any namespace: of UBL and ebInterface, CII, ZUGFeRD 1, FatturaPA, the formats of Spain, Poland
#: and Finland, and two other kinds of invoice of UBL.
_INVOICE_ROOTS = frozenset(
    [
        "Invoice",
        "CrossIndustryInvoice",
        "CrossIndustryDocument",
        "FatturaElettronica",
        "FatturaElettronicaSemplificata",
        "Facturae",
        "Faktura",
        "Finvoice",
        "SelfBilledInvoice",
        "FreightInvoice",
    ]
)
_CREDIT_NOTE_ROOTS = frozenset({"CreditNote", "SelfBilledCreditNote", "CreditMemo"})
_CFDI_NAMESPACE = "http://www.sat.gob.mx/cfd/"
#: Elements whose text is the code of the kind of an invoice, and the codes of credit notes (UNTDID 1001, FatturaPA).
_TYPE_CODES = frozenset({"InvoiceTypeCode", "TypeCode", "TipoDocumento"})
_CREDIT_NOTE_CODES = frozenset({"81", "83", "261", "381", "396", "532", "TD04", "TD08"})
#: The number of elements, from the root on, that are searched for the code.
_CODE_WITHIN = 200


@dataclass(frozen=True, slots=True)
class Declaration:
    """The document type that XML declares, such as ``invoice``, and the name of the declaring element."""

    type_name: str
    root: str


def open_xml(source: Source, options: ReadingOptions) -> OpenedDocument:
    """
    Open an XML file; only the text of its elements is read.

    :raises DocumentCorrupt: it is not well-formed.
    :raises DocumentTooLarge: it has more than ``MAX_XML_BYTES``.
    :raises DocumentEmpty: it has no text.
    """
    data = source.read(MAX_XML_BYTES + 1)
    if len(data) > MAX_XML_BYTES:
        raise DocumentTooLarge(f"The document {source.name!r} is XML of more than {MAX_XML_BYTES:,} bytes; split it.")
    try:
        root = parse_xml(data)
    except ValueError as error:
        raise DocumentCorrupt(
            f"The document {source.name!r} is not well-formed XML ({error}); write it again."
        ) from error
    text = "\n".join(islice(_texts(root), MAX_TEXTS))
    document = text_document(text, Format.XML, name=source.name, max_pages=options.max_pages)
    found = declaration(root)
    return replace(document, declared_type=found.type_name, declared_by=found.root) if found else document


def declaration(root: Element) -> Declaration | None:
    """Return the document type that the root of an e-invoice or UBL document declares; None for other XML."""
    for _ in range(MAX_ENVELOPES):
        if local_name(root) not in _ENVELOPES:
            break
        root = next((child for child in reversed(root) if local_name(child)), root)
    type_name = _declared_type(root)
    return Declaration(type_name, local_name(root)) if type_name else None


def _declared_type(root: Element) -> str | None:
    name = local_name(root)
    if name in _CREDIT_NOTE_ROOTS:
        return "credit note"
    if name in _INVOICE_ROOTS:
        return "credit note" if _type_code(root) in _CREDIT_NOTE_CODES else "invoice"
    if name == "Comprobante" and namespace(root).startswith(_CFDI_NAMESPACE):
        return "credit note" if root.get("TipoDeComprobante") == "E" else "invoice"
    return _UBL_TYPES.get(name) if namespace(root).startswith(_UBL) else None


def _type_code(root: Element) -> str | None:
    for number, element in enumerate(root.iter()):
        if number > _CODE_WITHIN:
            break
        if local_name(element) in _TYPE_CODES:
            return (element.text or "").strip()
    return None


def _texts(root: Element) -> Iterator[str]:
    """Yield the texts in and after all elements, with single spaces. Very long texts are left out."""
    for element in root.iter():
        for text in (element.text if local_name(element) else None, element.tail):
            if text and len(text) <= MAX_ELEMENT_TEXT and not text.isspace():
                yield " ".join(text.split())
