"""E-invoices: XML whose root says what it is, alone, signed, or within a PDF."""

from __future__ import annotations

import base64
from pathlib import Path

import pymupdf
import pytest
from asn1crypto import algos, cms, core

from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentEmpty, DocumentError
from tests.support import paper
from tests.support.reading import read, text

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CII = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_PA = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"


def ubl(root: str, content: str = "", *, prefix: str = "") -> str:
    name, declared = (f"{prefix}:{root}", f"xmlns:{prefix}") if prefix else (root, "xmlns")
    return f'<?xml version="1.0"?><{name} {declared}="{_UBL}{root}-2"><ID>A-17</ID>{content}</{name}>'


def cii(code: int) -> str:
    return (
        f'<rsm:CrossIndustryInvoice xmlns:rsm="{_CII}">\n  <rsm:ExchangedDocument>\n    <ID>A-17</ID>\n'
        f"    <TypeCode>{code}</TypeCode>\n  </rsm:ExchangedDocument>\n</rsm:CrossIndustryInvoice>"
    )


def fattura(kind: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><p:FatturaElettronica xmlns:p="{_PA}" versione="FPR12"><Body>'
        f"<TipoDocumento>{kind}</TipoDocumento><Causale>Carta</Causale></Body></p:FatturaElettronica>"
    )


def declared(data: bytes, folder: Path, name: str = "document") -> str | None:
    (folder / "data").write_bytes(data)
    with open_document(folder / "data", name=name) as document:
        return document.declared_type


INVOICES: list[tuple[str, str, str | None]] = [
    ("UBL invoice", ubl("Invoice"), "invoice"),
    ("UBL invoice with a prefix", ubl("Invoice", prefix="ubl"), "invoice"),
    ("UBL credit note", ubl("CreditNote"), "credit note"),
    ("UBL invoice that is a credit note", ubl("Invoice", "<InvoiceTypeCode>381</InvoiceTypeCode>"), "credit note"),
    ("UBL order", ubl("Order"), "purchase order"),
    ("UBL despatch advice", ubl("DespatchAdvice"), "delivery note"),
    ("CII invoice", cii(380), "invoice"),
    ("CII credit note", cii(381), "credit note"),
    (
        "ZUGFeRD 1",
        '<a:CrossIndustryDocument xmlns:a="urn:ferd"><ID>1</ID></a:CrossIndustryDocument>',
        "invoice",
    ),
    ("FatturaPA", fattura("TD01"), "invoice"),
    ("FatturaPA credit note", fattura("TD04"), "credit note"),
    ("Facturae", '<fe:Facturae xmlns:fe="http://www.facturae.gob.es/"><a>1</a></fe:Facturae>', "invoice"),
    ("CFDI", '<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4"><a>1</a></cfdi:Comprobante>', "invoice"),
    (
        "in an envelope",
        f'<StandardBusinessDocument xmlns="x"><StandardBusinessDocumentHeader/>{ubl("Invoice")[21:]}'
        "</StandardBusinessDocument>",
        "invoice",
    ),
    ("other XML", '<order xmlns="urn:mine"><Invoice>1</Invoice></order>', None),
]


@pytest.mark.parametrize(("xml", "expected"), [pytest.param(*rest, id=name) for name, *rest in INVOICES])
def test_root_declares_the_type(xml: str, expected: str | None, tmp_path: Path) -> None:
    assert declared(xml.encode(), tmp_path) == expected
    assert declared(xml.encode(), tmp_path, "document.xml") == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_of_xml(encoding: str, tmp_path: Path) -> None:
    stated = encoding.removesuffix("-sig")
    xml = f'<?xml version="1.0" encoding="{stated}"?><Invoice xmlns="x"><Note>Grüße</Note></Invoice>'
    data = xml.encode(encoding)
    assert declared(data, tmp_path) == "invoice"
    assert text(read(data, tmp_path)[0]) == "Grüße"


def test_only_the_text_of_elements_is_read(tmp_path: Path) -> None:
    picture = base64.b64encode(bytes(20_000)).decode()
    xml = ubl("Invoice", f'<!-- remark --><Note lang="en">Paper\n  A4</Note><Attachment>{picture}</Attachment>')
    assert text(read(xml.encode(), tmp_path)[0]).splitlines() == ["A-17", "Paper A4"]


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    xml = (
        f'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}"><!ENTITY y "expanded">]>'
        '<Invoice xmlns="x"><ID>A-17</ID><a>&x;</a><a>&y;</a></Invoice>'
    )
    assert text(read(xml.encode(), tmp_path, "a.xml")[0]) == "A-17"


@pytest.mark.parametrize(
    "xml",
    [
        "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e0 'ha'>"
        + "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 15))
        + "]><a>&e14;</a>",
        "<?xml version='1.0'?>" + "<a>" * 100_000,
        "<?xml version='1.0'?><a><b></a>",
    ],
    ids=["entities", "depth", "broken"],
)
def test_xml_that_cannot_be_read_is_an_error(xml: str, tmp_path: Path) -> None:
    with pytest.raises((DocumentCorrupt, DocumentEmpty), match=r"'a\.xml'"):
        read(xml.encode(), tmp_path, "a.xml")


def signed(content: bytes) -> bytes:
    """A signature in the format of PKCS #7, of nobody."""
    inner = {"content_type": "data", "content": core.OctetString(content)}
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": inner,
            "signer_infos": [],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": data}).dump())


def _wrapped(data: bytes) -> bytes:
    return base64.encodebytes(data)


def _pem(data: bytes) -> bytes:
    return b"-----BEGIN PKCS7-----\n" + base64.encodebytes(data) + b"-----END PKCS7-----\n"


@pytest.mark.parametrize("form", [bytes, _wrapped, _pem])
def test_signed_invoice(form: type[bytes], tmp_path: Path) -> None:
    data = form(signed(fattura("TD01").encode()))
    assert declared(data, tmp_path, "invoice.xml.p7m") == "invoice"
    assert "Carta" in text(read(data, tmp_path)[0])


def test_signed_pdf_and_signature_around_signature(tmp_path: Path) -> None:
    (page,) = read(signed(signed(paper.pdf("An agreement that is signed by both of the parties"))), tmp_path)
    assert text(page) == "An agreement that is signed by both of the parties"


def test_signature_without_its_document(tmp_path: Path) -> None:
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [],
            "encap_content_info": {"content_type": "data"},
            "signer_infos": [],
        }
    )
    with pytest.raises(DocumentEmpty, match="without the signed document"):
        read(cms.ContentInfo({"content_type": "signed_data", "content": data}).dump(), tmp_path)


def test_signature_cut_short(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"signed \(p7m\)"):
        read(signed(fattura("TD01").encode() * 20)[:300], tmp_path)


@pytest.mark.parametrize(
    ("name", "xml", "expected"),
    [
        ("factur-x.xml", cii(380), "invoice"),
        ("zugferd-invoice.xml", cii(381), "credit note"),
        ("xrechnung.xml", ubl("Invoice"), "invoice"),
        ("data.xml", "<other/>", None),
        ("broken.xml", "<Invoice", None),
        ("notes.txt", ubl("Invoice"), None),
    ],
)
def test_pdf_with_an_invoice_in_it(name: str, xml: str, expected: str | None, tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.pdf("The page that a person reads, long enough for text"), filetype="pdf") as pdf:
        pdf.embfile_add(name, xml.encode())
        data = pdf.tobytes()
    assert declared(data, tmp_path) == expected
    assert text(read(data, tmp_path)[0]) == "The page that a person reads, long enough for text"
